"""Weights from every writer are read; everything else is one sentence."""

from __future__ import annotations

import collections

import pytest
import torch

from config.errors import UserError
from model.craft import Craft
from utils.weights.files import load_into, read_file, state_dict_of


@pytest.fixture(scope="module")
def source():
    torch.manual_seed(3)
    return Craft(width=0.125)


def forms(state):
    prefixed = {f"module.{name}": value for name, value in state.items()}
    return {
        "bare": state,
        "ordered": collections.OrderedDict(state),
        "module": prefixed,
        "easyocr": {"iter": 29500, "craft": prefixed, "optimizer": {"state": {}}, "scaler": {}},
        "ours": {"format": 1, "craft": state, "step": 3, "ema": None},
    }


@pytest.mark.parametrize("form", ["bare", "ordered", "module", "easyocr", "ours"])
def test_every_form_loads(source, form, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(forms(source.state_dict())[form], path)
    target = Craft(width=0.125)
    load_into(target, state_dict_of(read_file(path), path), path)
    for name, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], value), name


def test_old_files_without_batch_counters_load(source):
    state = {name: value for name, value in source.state_dict().items() if "num_batches" not in name}
    load_into(Craft(width=0.125), state, "old.pth")


def test_another_width_names_parameter_shapes_and_widths(source):
    with pytest.raises(UserError) as fault:
        load_into(Craft(width=0.25), source.state_dict(), "a.pth")
    text = str(fault.value)
    assert "basenet.slice1.0.weight" in text and "8x3x3x3" in text and "16x3x3x3" in text
    assert "model.width=0.125" in text and "0.25" in text and "\n" not in text


def test_missing_and_extra_parameters_are_named(source):
    state = dict(source.state_dict())
    state.pop("conv_cls.8.bias")
    with pytest.raises(UserError, match=r"no 'conv_cls\.8\.bias'"):
        load_into(Craft(width=0.125), state, "a.pth")
    with pytest.raises(UserError, match=r"'head\.weight' \(2x2\)"):
        load_into(Craft(width=0.125), {**source.state_dict(), "head.weight": torch.zeros(2, 2)}, "a.pth")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\n  <html><head></head></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 83152330\n", "Git LFS pointer"),
        (b"", "empty"),
        (b"not weights at all", "not a file of torch.save"),
        (b"PK\x03\x04 torn zip", "torn"),
    ],
)
def test_files_that_are_no_weights(tmp_path, content, words):
    path = tmp_path / "craft.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words) as fault:
        read_file(path)
    assert str(path) in str(fault.value) and "\n" not in str(fault.value)


def test_a_torn_checkpoint_is_said(tmp_path, source):
    path = tmp_path / "torn.pth"
    torch.save(source.state_dict(), path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UserError, match="torn"):
        read_file(path)


def test_code_in_a_file_is_not_run(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"craft": Craft(width=0.125)}, path)
    with pytest.raises(UserError, match="not loaded for safety"):
        read_file(path)


def test_missing_file_and_no_state_dict(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_file(tmp_path / "none.pth")
    for content in ({"iter": 3}, [1, 2], {}):
        with pytest.raises(UserError, match="holds no state dict"):
            state_dict_of(content, "x.pth")

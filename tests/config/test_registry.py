"""What a YAML names: found by name, with checked options, and files that register themselves."""

from __future__ import annotations

import math
import pickle
from typing import Annotated

import pytest
from pydantic import Field

from config.errors import UserError
from config.registry import Registry
from config.schema.base import PositiveFloat

LOSSES: Registry = Registry("loss", "train.loss")
NOISES: Registry = Registry("photometric augmentation", "augment.N.name")


@LOSSES.register("focal")
class Focal:
    def __init__(self, version: int = 3, *, gamma: PositiveFloat = 2.0, alpha: float | None = None) -> None:
        self.version, self.gamma, self.alpha = version, gamma, alpha


@LOSSES.register("plain")
class Plain:
    pass


@NOISES.register("gaussian_noise")
def noise(image: int, *, sigma: Annotated[list[float], Field(min_length=2, max_length=2)]) -> float:
    return image + sum(sigma)


def sentence(call) -> str:
    with pytest.raises(UserError) as fault:
        call()
    return str(fault.value)


def test_options_and_what_the_program_passes():
    loss = LOSSES.create("focal", {"gamma": 1.5}, 2)
    assert (loss.version, loss.gamma, loss.alpha) == (2, 1.5, None)
    assert isinstance(LOSSES.create("plain", {}), Plain)
    assert math.isclose(NOISES.bind("gaussian_noise", {"sigma": [1, 2]})(10), 13)
    assert LOSSES.names() == ["focal", "plain"]


def test_what_is_bound_reaches_another_process():
    assert pickle.loads(pickle.dumps(NOISES.bind("gaussian_noise", {"sigma": [0, 1]})))(1) == 2


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            lambda: LOSSES.get("fokal"),
            "train.loss is 'fokal', a loss which does not exist; did you mean 'focal'?",
        ),
        (
            lambda: LOSSES.get("zzz"),
            "train.loss is 'zzz', a loss which does not exist; write one of focal, plain",
        ),
        (
            lambda: LOSSES.create("focal", {"gama": 2}),
            "train.loss=focal: there is no key 'gama' in train.loss_options; did you mean 'train.loss_options.gamma'?",
        ),
        (
            lambda: LOSSES.create("focal", {"gamma": "two"}),
            "train.loss=focal: train.loss_options.gamma is the text 'two', but must be a number above 0",
        ),
        (
            lambda: LOSSES.create("focal", {"version": 2}),
            "train.loss=focal: there is no key 'version' in train.loss_options; the keys there are gamma, alpha",
        ),
        (
            lambda: LOSSES.create("plain", {"gamma": 2}),
            "train.loss_options: the loss 'plain' has no options; leave them out",
        ),
        (
            lambda: NOISES.bind("gaussian_noise", {}, at="train.extra.0.name"),
            "train.extra.0.name=gaussian_noise: train.extra.0.options.sigma is missing; it must be a list of 2 numbers",
        ),
    ],
)
def test_a_mistake_is_one_sentence(call, expected):
    assert sentence(call) == expected


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="two of loss 'focal'"):
        LOSSES.register("focal")(Plain)


def test_files_of_a_package_register_themselves(tmp_path, monkeypatch):
    package = tmp_path / "things_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from config.registry import Registry\nTHINGS = Registry('thing', 'thing', package='things_of_a_test')\n"
    )
    (package / "mine.py").write_text(
        "from things_of_a_test import THINGS\n\n@THINGS.register('mine')\ndef mine(value, *, factor: int = 2):\n"
        "    return value * factor\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from things_of_a_test import THINGS

    assert THINGS.names() == ["mine"]
    assert THINGS.create("mine", {"factor": 3}, 4) == 12


def test_a_module_that_cannot_be_imported_fails_every_time(tmp_path, monkeypatch):
    package = tmp_path / "things_with_a_fault"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from config.registry import Registry\nTHINGS = Registry('thing', 'thing', package='things_with_a_fault')\n"
    )
    (package / "faulty.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    from things_with_a_fault import THINGS

    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="no_such_module"):
            THINGS.names()

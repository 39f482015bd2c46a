"""A user's mistakes, made at the shell: one sentence on stderr, exit status 2, no traceback, nothing written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from programs import run_here

from model.craft import Craft

ROOT = Path(__file__).resolve().parents[2]


def at_the_shell(*arguments: str) -> tuple[int, str]:
    return outcome(
        subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    )


def attempt(program: str, *arguments: str) -> tuple[int, str]:
    return outcome(run_here(program, *arguments))


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """Return the exit status and the only complaint, which is the last line on stderr."""
    assert "Traceback" not in done.stderr, done.stderr
    complaints = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(complaints) == 1 and done.stderr.rstrip().endswith(complaints[0]), done.stderr
    return done.returncode, complaints[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train.batchsize=4"], ["batchsize", "train.batch_size"]),
        (["lr=1e-3"], ["lr", "train.lr"]),
        (["amp=bf61"], ["amp", "bf61", "bf16"]),
        (["train.lr=fast"], ["train.lr", "fast", "number"]),
        (["train.batch_size=0"], ["train.batch_size", "0"]),
        (["train.num_workers=-1"], ["train.num_workers", "-1"]),
        (["train.validation=nowhere"], ["train.validation", "nowhere"]),
        (["--resum"], ["--resum", "--resume"]),
    ],
)
def test_settings(arguments, words, overrides):
    status, complaint = attempt("trainSynth.py", "--yaml", "craft_tiny", *overrides, *arguments)
    assert status == 2
    for word in words:
        assert word in complaint, complaint


def test_missing_yaml():
    status, complaint = at_the_shell("trainSynth.py", "--yaml", "craft_tyni")
    assert status == 2 and "craft_tyni" in complaint and "craft_tiny" in complaint
    assert attempt("trainSynth.py")[0] == 2


def test_missing_data_root(overrides, tmp_path):
    status, complaint = attempt(
        "trainSynth.py", "--yaml", "craft_tiny", *overrides, f"train.datasets.0.root={tmp_path / 'nowhere'}"
    )
    assert status == 2 and "nowhere" in complaint
    assert not (tmp_path / "exp").exists()


def test_ground_truth_that_is_a_text_file(overrides, scenes, tmp_path):
    folder = tmp_path / "text"
    shutil.copytree(scenes / "8", folder / "8")
    (folder / "gt.mat").write_text("1,2,3,4,word\n")
    status, complaint = attempt("trainSynth.py", "--yaml", "craft_tiny", *overrides, f"train.datasets.0.root={folder}")
    assert status == 2 and "gt.mat" in complaint and "MATLAB" in complaint


def test_checkpoints_that_cannot_be_used(overrides, tmp_path):
    page, wide = tmp_path / "page.pth", tmp_path / "wide.pth"
    page.write_text("<!DOCTYPE html><html>Google Drive - Quota exceeded</html>")
    torch.save(Craft(width=0.25).state_dict(), wide)
    for path, word in ((page, "web page"), (wide, "basenet.slice1.0.weight"), (tmp_path / "none.pth", "no such file")):
        run = at_the_shell if path is page else attempt
        status, complaint = run("trainSynth.py", "--yaml", "craft_tiny", *overrides, f"train.ckpt_path={path}")
        assert status == 2 and word in complaint and path.name in complaint
    status, complaint = attempt("eval.py", "--yaml", "craft_tiny", *overrides, "--checkpoint", str(wide))
    assert status == 2 and "0.25" in complaint and "0.125" in complaint


def test_backbone_weights_that_cannot_be_had(overrides):
    status, complaint = attempt("trainSynth.py", "--yaml", "craft_tiny", *overrides, "model.backbone_weights=imagenet")
    assert status == 2 and "model.width" in complaint


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_where_there_is_none(overrides):
    status, complaint = attempt("trainSynth.py", "--yaml", "craft_tiny", *overrides, "device=cuda")
    assert status == 2 and "cuda" in complaint and "device=cpu" in complaint


def test_weak_supervision_without_its_data():
    status, complaint = attempt(
        *("train.py", "--yaml", "custom_data_train", "train.validation=none"), "train.weak.datasets.0.root=/nonexistent"
    )
    assert status == 2 and "/nonexistent" in complaint


def test_data_without_a_readable_image_ends_the_program_at_once(overrides, scenes, tmp_path):
    """The loader processes must not keep the program waiting at its exit."""
    folder = tmp_path / "empty"
    shutil.copytree(scenes, folder)
    for image in (folder / "8").iterdir():
        image.write_bytes(b"")
    status, complaint = at_the_shell(
        *("trainSynth.py", "--yaml", "craft_tiny", *overrides),
        *(f"train.datasets.0.root={folder}", "train.num_workers=2", "train.validation=none"),
    )
    assert status == 2 and "in a row cannot be read" in complaint

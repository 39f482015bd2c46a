from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from programs import ROOT, run_here
from tiny_icdar import recipe, write_icdar

from model.craft import Craft


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_here("check.py", *arguments)


def check_at_the_shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "check.py", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def job(tmp_path: Path) -> Path:
    train = write_icdar(tmp_path / "train", 5, seed=1)
    test = write_icdar(tmp_path / "test", 3, seed=2)
    return recipe(tmp_path / "job.yaml", train, test)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence on stderr of a check that found something to fix."""
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "verdict: not ready to train; fix first:" in done.stdout
    return done.stderr


def test_ready(job: Path, tmp_path: Path) -> None:
    done = check_at_the_shell(
        "--yaml", str(job), "--draw", str(tmp_path / "sheet.png"), "--json", str(tmp_path / "all.json"), "--deep"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "verdict: ready to train"
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
    values = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert values["ready"] is True
    assert set(values) >= {"counts", "images", "boxes", "characters", "duplicates", "cost", "problems", "remarks"}
    assert values["counts"]["train.weak.datasets.0"]["words"] == 15
    assert values["cost"]["hours"] > 0


def test_bad_number_in_line_7(job: Path, tmp_path: Path) -> None:
    lines = ["5,5,45,5,45,15,5,15,word\n"] * 9
    lines[6] = "5,5,45,oops,45,15,5,15,word\n"
    (tmp_path / "train/labels/gt_img_2.txt").write_text("".join(lines), encoding="utf-8")
    done = check("--yaml", str(job), "--no-timing")
    assert "train.weak.datasets.0: " in refused(done)
    assert "gt_img_2.txt line 7" in done.stderr
    assert "What was left out" in done.stdout  # the table comes all the same
    allowed = check("--yaml", str(job), "--no-timing", "train.weak.datasets.0.max_dropped=0.1")
    assert allowed.returncode == 0, allowed.stderr


def test_leak(job: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "train/images/img_4.jpg", tmp_path / "test/images/img_1.jpg")
    sentence = refused(check("--yaml", str(job), "--no-timing"))
    assert "1 image in both train.weak.datasets.0 and test.mine (e.g. img_4.jpg = img_1.jpg)" in sentence
    assert check("--yaml", str(job), "--no-timing", "--allow-leaks").returncode == 0


def test_unreadable_image_and_several_problems(job: Path, tmp_path: Path) -> None:
    (tmp_path / "train/images/img_3.jpg").write_bytes(b"")
    done = check("--yaml", str(job), "--no-timing", "train.ckpt_path=./nowhere.pth")
    assert "(and 1 more, see the verdict)" in refused(done)
    assert "train.ckpt_path: nowhere.pth: there is no such file of weights" in done.stdout
    assert "train.weak.datasets.0: 1 of 5 images (20 %) cannot be read (e.g. img_3.jpg: image" in done.stdout


def test_weights_of_another_width(job: Path, tmp_path: Path) -> None:
    torch.save(Craft(0.25).state_dict(), tmp_path / "wide.pth")
    done = check("--yaml", str(job), "--no-timing", f"train.ckpt_path={tmp_path / 'wide.pth'}")
    assert "train.ckpt_path: " in refused(done)
    assert "(the file seems to be of model.width=0.25, this model is of" in done.stderr


def test_replay_without_data(job: Path) -> None:
    done = check("--yaml", str(job), "--no-timing", "train.weak.use_synthtext=true")
    assert "train.datasets is empty: name a dataset with character boxes to replay" in refused(done)


def test_word_boxes_where_characters_are_wanted(job: Path, tmp_path: Path) -> None:
    text = job.read_text(encoding="utf-8")
    start, stop = text.index("  weak:"), text.index("test:")
    dataset = f"  datasets:\n    - {{format: icdar2015, root: {tmp_path}/train, images: images, labels: labels}}\n"
    job.write_text(text[:start] + dataset + text[stop:], encoding="utf-8")
    assert "list datasets with word boxes only under train.weak.datasets" in refused(
        check("--yaml", str(job), "--no-timing")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--draw", "sheet.gif"], "--draw sheet.gif: name a .png or .jpg file"),
        (["--deeep"], "there is no option --deeep"),
        (["--pseudo-labels", "sheet.png"], "there is nothing to label with"),
        (["--pseudo-labels", "sheet.png", "--no-timing"], "--pseudo-labels cannot be combined with --no-timing"),
    ],
)
def test_mistakes_take_one_sentence(job: Path, arguments: list[str], message: str) -> None:
    done = check("--yaml", str(job), *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "eval.py", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def archive(path: Path, name: str, text: str) -> str:
    with zipfile.ZipFile(path, "w") as target:
        target.writestr(name, text)
    return str(path)


@pytest.fixture
def gt(tmp_path: Path) -> str:
    return archive(
        tmp_path / "gt.zip", "gt_img_1.txt", "0,0,10,0,10,10,0,10,a\n20,0,30,0,30,10,20,10,b\n50,0,60,0,60,9,50,9,c"
    )


def test_submission(tmp_path: Path, gt: str) -> None:
    mine = archive(tmp_path / "mine.zip", "res_img_1.txt", "0,0,10,0,10,10,0,10\n70,0,80,0,80,10,70,10")
    out = tmp_path / "out" / "score.json"
    done = run("--submission", mine, f"--gt={gt}", "--json", str(out))
    assert done.returncode == 0, done.stderr
    lines = dict(line.split() for line in done.stdout.splitlines())
    assert float(lines["precision"]) == 1 / 2
    assert float(lines["recall"]) == 1 / 3  # every figure is printed
    assert float(lines["hmean"]) == 0.4
    assert json.loads(out.read_text())["matched"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--submission", "GT"], "--gt"),
        (["--submission", "none.zip", "--gt", "GT"], "none.zip: there is no such file"),
        (["--submission", "GT", "--gt", "GT", "--iou", "2"], "--iou 2.0: give a number between 0 and 1"),
        (["--submission", "GT", "--gt", "GT", "--gt-format", "x"], "invalid choice: 'x'"),
        (["--submission", "eval.py", "--gt", "GT"], "eval.py: not a readable zip archive"),
    ],
)
def test_mistakes_take_one_sentence(gt: str, arguments: list[str], message: str) -> None:
    done = run(*(gt if argument == "GT" else argument for argument in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_submission_needs_no_torch(tmp_path: Path, gt: str) -> None:
    mine = archive(tmp_path / "mine.zip", "res_img_1.txt", "")
    code = f"import sys, eval; eval.main(['--submission', {mine!r}, '--gt', {gt!r}]); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


YAML = """
task: detection
results_dir: {root}/exp/
device: cpu
amp: "off"
model: {{width: 0.1}}
test:
  mine:
    dataset: {{format: icdar2015, root: {root}, images: images, labels: labels}}
    canvas_size: 64
"""


def test_yaml_job(tmp_path: Path) -> None:
    """A network with random weights, from the command line to results and picture."""
    import torch

    from config.schema.model import DetectorModel
    from model.registry import build_detector

    for folder in ("images", "labels", "exp/tiny/checkpoints"):
        (tmp_path / folder).mkdir(parents=True)
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"images/img_{number}.jpg"), np.full((48, 64, 3), 90 * number, np.uint8))
        (tmp_path / f"labels/gt_img_{number}.txt").write_text("5,5,40,5,40,20,5,20,word\n", encoding="utf-8-sig")
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(YAML.format(root=tmp_path))
    picture = tmp_path / "sheet.png"

    done = run("--yaml", str(recipe))
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "best.pth: this run has no checkpoint yet; make one with `python trainSynth.py --yaml tiny`" in done.stderr

    torch.save(build_detector(DetectorModel(width=0.1)).state_dict(), tmp_path / "exp/tiny/checkpoints/best.pth")
    done = run("--yaml", str(recipe), "test.mine.mag_ratio=1.0", "--draw", str(picture))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2].split()[:3] == ["mine", "2", "2"]
    values = json.loads((tmp_path / "exp/tiny/eval/mine/results.json").read_text())
    assert (values["images"], values["gt_care"], values["mag_ratio"], values["canvas_size"]) == (2, 2, 1.0, 64)
    assert cv2.imread(str(picture)) is not None

"""The command line of predict.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import predict
from config.errors import UserError
from config.schema.model import DetectorModel, RecognizerModel
from model.registry import build_detector, build_recognizer

REPOSITORY = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "predict.py", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("files")
    torch.manual_seed(1)
    torch.save({"craft": build_detector(DetectorModel(width=0.1)).state_dict()}, root / "detector.pth")
    network = RecognizerModel(architecture="crnn_digits", output_channel=16, hidden_size=8)
    state = build_recognizer(network, 4).state_dict()
    content = {"task": "recognition", "config": {"characters": "abc", "model": network.model_dump()}, "model": state}
    preprocess = {"height": 32, "channels": 1, "mean": [0.5], "std": [0.5]}
    torch.save({**content, "preprocess": preprocess}, root / "recogniser.pth")
    torch.save({"weight": torch.zeros(2)}, root / "other.pth")
    for name in ("images", "empty/inside"):
        (root / name).mkdir(parents=True)
    for number in (1, 2, 10):
        cv2.imwrite(str(root / f"images/{number}.png"), np.full((40, 90, 3), 20 * number, np.uint8))
    (root / "broken.png").write_bytes(b"GIF8")
    return {path.stem: str(path) for path in root.iterdir()}


def test_lines_on_stdout(files) -> None:
    done = run("--detector", files["detector"], files["images"], "--canvas-size", "64", "--recognizer",
               files["recogniser"], "--device=cpu", files["broken"])  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["file"]).name for line in lines] == ["1.png", "2.png", "10.png", "broken.png"]
    assert (lines[0]["width"], lines[0]["height"]) == (90, 40)
    assert lines[3]["error"].startswith("image: not decodable")
    assert "broken.png: image: not decodable" in done.stderr and "1 of 4 images cannot be read" in done.stderr


def test_folder_and_drawings(files, tmp_path: Path) -> None:
    done = run("--recognizer", files["recogniser"], files["images"], "--output", str(tmp_path / "new/out"), "--draw")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    lines = [json.loads(line) for line in (tmp_path / "new/out/predictions.jsonl").read_text().splitlines()]
    assert len(lines) == 3 and all(len(line["words"]) == 1 for line in lines)
    assert cv2.imread(str(tmp_path / "new/out/drawn/10.jpg")) is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["images"], "no model is given"),
        (["--detector", "detector"], "no image is given"),
        (["--detector", "detector", "nothing.jpg"], "nothing.jpg: there is no such image or folder"),
        (["--detector", "nothing.pth", "images"], "nothing.pth: there is no such file of weights"),
        (["--detector", "detector", "empty"], "holds no images (.jpg, .png and so on), nor are folders in it"),
        (["--detector", "recogniser", "images"], "--detector names a recogniser; give it with --recognizer"),
        (["--recognizer", "detector", "images"], "--recognizer names a detector; give it with --detector"),
        (["--detector", "other", "images"], "--detector names no detector"),
        (["--recognizer", "other", "images"], "--recognizer names no recogniser"),
        (["--detector", "detector", "broken"], "none of the 1 images can be read"),
        (["--detector", "detector", "images", "--draw"], "--draw writes pictures, so it needs a folder"),
        (["--detector", "detector", "images", "--output", "broken"], "broken.png is a file, name a folder"),
        (["--detector", "detector", "images", "--low-text", "1.5"], "--low-text 1.5: input should be less than"),
        (["--detector", "detector", "images", "--canvas-size", "big"], "invalid int value: 'big'"),
        (["--detector", "detector", "images", "--lexicon", "x"], "--lexicon has no effect without --recognizer"),
        (["--recognizer", "recogniser", "images", "--poly"], "--poly has no effect without --detector"),
        (["--recognizer", "recogniser", "images", "--lexicon", "no.txt"], "lexicon no.txt cannot be read"),
        (["--detector", "detector", "images", "--what"], "unrecognized arguments: --what"),
        (["--detector", "detector", "images", "--device", "tpu"], "device 'tpu' is not known"),
    ],
)
def test_mistakes_take_one_sentence(files, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as fault:
        predict.main([files.get(argument, argument) for argument in arguments])
    assert message in str(fault.value) and "\n" not in str(fault.value)


def test_a_mistake_is_one_line_and_status_2() -> None:
    done = run("--detector", "nothing.pth", "images")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: images: there is no such image or folder\n"


def test_mistakes_in_options_need_no_torch() -> None:
    code = "import sys, predict\ntry: predict.main(['a.jpg'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "UserError: no model is given" in done.stderr and "AssertionError" not in done.stderr


def test_help_needs_no_torch() -> None:
    code = "import sys, predict\ntry: predict.main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "--lexicon" in done.stdout, done.stderr

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from check_sources import opened, reopened

from utils.check.duplicates import Copy, find_copies, report_duplicates
from utils.check.probe import MAX_BITS, alike, perceptual_hash, survey_images
from utils.check.report import Report


def surveys(sources, deep: bool = False):
    return [survey_images(source, deep=deep) for source in sources]


def test_none(tmp_path: Path) -> None:
    _, sources = opened(tmp_path)
    assert find_copies(sources, surveys(sources)) == []


def test_within_and_between(tmp_path: Path) -> None:
    opened(tmp_path)
    train, test = tmp_path / "train/images", tmp_path / "test/images"
    shutil.copy(train / "img_1.jpg", train / "img_3.jpg")
    shutil.copy(train / "img_1.jpg", train / "img_5.jpg")
    shutil.copy(train / "img_2.jpg", test / "img_3.jpg")
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    assert set(find_copies(sources, surveys(sources))) == {Copy(0, 0, 0, 2), Copy(0, 0, 0, 4), Copy(0, 1, 1, 2)}

    for allow in (False, True):
        said: list[str] = []
        report = Report(said.append)
        report_duplicates(report, sources, surveys(sources), deep=False, allow_leaks=allow)
        leak = [text for text in (report.remarks if allow else report.problems) if "in both" in text]
        assert leak[0].startswith("1 image in both train.weak.datasets.0 and test.mine (e.g. img_2.jpg = img_3.jpg)")
        assert bool(report.problems) is not allow
        assert "2 images more than once" in report.remarks[0]
        assert "img_1.jpg = img_3.jpg, img_1.jpg = img_5.jpg" in said[0]
    assert report.figures["duplicates"]["leaks"] == [["train.weak.datasets.0", "test.mine", "img_2.jpg", "img_3.jpg"]]


def test_one_folder_for_training_and_test(tmp_path: Path) -> None:
    opened(tmp_path)
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "train")
    assert find_copies(sources, surveys(sources)) == [Copy(0, k, 1, k) for k in range(5)]


def test_same_size_and_same_middle_are_not_enough(tmp_path: Path) -> None:
    opened(tmp_path)
    image = cv2.imread(str(tmp_path / "train/images/img_1.jpg"))
    for number, value in ((1, 0), (2, 255)):
        large = np.tile(image, (20, 20, 1))
        large[0, 0] = value
        cv2.imwrite(str(tmp_path / f"train/images/img_{number}.bmp"), large)
        (tmp_path / f"train/images/img_{number}.jpg").unlink()
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    found = surveys(sources)
    assert found[0].digests[0] == found[0].digests[1]
    assert found[0].bytes[0] == found[0].bytes[1]
    assert find_copies(sources, found) == []


def test_saved_anew_and_resized(tmp_path: Path) -> None:
    opened(tmp_path)
    image = cv2.imread(str(tmp_path / "train/images/img_4.jpg"))
    smaller = cv2.resize(image, (75, 45), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "test/images/img_1.jpg"), smaller, [cv2.IMWRITE_JPEG_QUALITY, 70])
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    report = Report(lambda text: None)
    report_duplicates(report, sources, surveys(sources, deep=True), deep=True, allow_leaks=False)
    assert report.problems == []
    assert report.figures["duplicates"]["lookalikes"] == [
        ["train.weak.datasets.0", "test.mine", "img_4.jpg", "img_1.jpg"]
    ]


def test_perceptual_hash() -> None:
    assert not perceptual_hash(np.full((40, 40, 3), 90, np.uint8)).any()
    ramp = np.tile(np.linspace(0, 255, 170, dtype=np.uint8)[None, :, None], (160, 1, 3))
    assert (perceptual_hash(ramp) == np.uint64(2**64 - 1)).all()
    rng = np.random.default_rng(0)
    left = rng.integers(1, 2**63, (50, 4), np.uint64)
    right = left[[7, 9, 3]].copy()
    right[1] ^= np.array([2 ** (MAX_BITS + 1) - 1, 0, 0, 0], np.uint64)  # one bit too many
    right[2] ^= np.array([2**MAX_BITS - 1, 0, 0, 0], np.uint64)
    flat = np.zeros((1, 4), np.uint64)
    assert alike(np.concatenate([left, flat]), np.concatenate([right, flat])) == [(7, 0), (3, 2)]


@pytest.mark.parametrize("allow", [False, True])
def test_no_files(tmp_path: Path, allow: bool) -> None:
    report = Report(lambda text: None)
    report_duplicates(report, [], [], deep=True, allow_leaks=allow)
    assert report.problems == []

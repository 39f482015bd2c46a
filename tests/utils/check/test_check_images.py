from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from check_sources import opened, reopened
from PIL import Image
from tiny_icdar import HEIGHT, WIDTH

from utils.check.images import report_images
from utils.check.probe import file_facts, same_content, survey_images
from utils.check.report import Report


def test_header(tmp_path: Path) -> None:
    path = tmp_path.resolve() / "a.png"
    Image.fromarray(np.zeros((7, 11), np.uint8)).save(path)
    facts = file_facts(path)
    assert facts is not None
    assert (facts.width, facts.height, facts.mode, facts.orientation) == (11, 7, "L", 1)
    assert facts.size == path.stat().st_size


@pytest.mark.parametrize("fault", ["missing", "page", "torn", "link"])
def test_doubtful_files_are_left_to_the_reader(tmp_path: Path, fault: str) -> None:
    path = tmp_path.resolve() / "a.jpg"
    cv2.imwrite(str(path), np.zeros((50, 50, 3), np.uint8))
    whole = path.read_bytes()
    if fault == "torn":
        path.write_bytes(whole[: len(whole) - 40])
    elif fault == "page":
        path.write_bytes(b"<!doctype html>")
    else:
        path.rename(tmp_path.resolve() / "b.jpg")
        if fault == "link":
            path.symlink_to("b.jpg")
    assert file_facts(path) is None


@pytest.mark.parametrize("deep", [False, True])
def test_survey(tmp_path: Path, deep: bool) -> None:
    opened(tmp_path)
    folder = tmp_path / "train/images"
    folder.joinpath("img_2.jpg").write_bytes(b"<!doctype html>")
    torn = folder / "img_3.jpg"
    torn.write_bytes(torn.read_bytes()[:-200])
    turned = Image.open(folder / "img_4.jpg")
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "img_4.jpg", exif=exif)
    # A link that stays in the folder is fine; the reader, which is asked, reads it.
    folder.joinpath("img_5.jpg").unlink()
    folder.joinpath("img_5.jpg").symlink_to("img_1.jpg")
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    survey = survey_images(sources[0], deep=deep)
    assert survey.readable.tolist() == [0, 3, 4]
    assert survey.sizes.tolist() == [[HEIGHT, WIDTH], [0, 0], [0, 0], [HEIGHT, WIDTH], [HEIGHT, WIDTH]]
    assert survey.rotated == ["img_4.jpg"]
    assert len(survey.unreadable) == 2
    assert survey.unreadable[0].startswith("img_2.jpg: image: not decodable")
    assert survey.unreadable[1] == "img_3.jpg: image: cut off"
    assert survey.hashes.any() == deep

    report = Report(lambda text: None)
    report_images(report, sources[:1], [survey], deep=deep, max_unreadable=0.01)
    assert len(report.problems) == 1
    assert "2 of 5 images (40 %) cannot be read (e.g. img_2.jpg" in report.problems[0]
    assert "1 image with an EXIF orientation, which is ignored (e.g. img_4.jpg)" in report.remarks[0]
    assert report.figures["images"]["train.weak.datasets.0"]["longer_side"] == {"min": 100, "median": 100, "max": 100}


def test_threads_keep_the_order(tmp_path: Path) -> None:
    _, sources = opened(tmp_path, train_images=40)
    one, many = (survey_images(sources[0], deep=False, threads=threads) for threads in (1, 8))
    assert np.array_equal(one.digests, many.digests)
    assert len(set(one.digests.tolist())) == 40


def test_same_content(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcd"]
    for path, content in zip(paths, (b"x", b"y", b"x", b"x"), strict=True):
        path.write_bytes(content)
    assert same_content([*paths, tmp_path / "missing"]) == [[0, 2, 3]]

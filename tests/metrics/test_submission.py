from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from config.errors import UserError
from metrics.archive import text_members
from metrics.detection_iou import Counts
from metrics.submission import guess_layout, read_detections, read_ground_truth, score_submission

OFFICIAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "evaluation"
needs_official = pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the competitions' archives are not here")


def archive(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return path


@needs_official
@pytest.mark.parametrize("name", ["pixellink_submit.zip", "east_resnet50_submit.zip"])
def test_official_scores(name: str) -> None:
    expected = json.loads((OFFICIAL / "scores.json").read_text())[name]
    metric, layout = score_submission(OFFICIAL / name, OFFICIAL / "icdar2015_test_gt.zip")
    counts = metric.compute()
    assert layout == "icdar2015"
    assert (counts.images, counts.gt_care) == (500, 2077)
    for key, value in expected.items():
        assert getattr(counts, key) == pytest.approx(value, abs=1e-12)


@needs_official
def test_official_ground_truths_are_read_whole() -> None:
    truth, layout = read_ground_truth(OFFICIAL / "icdar2013_gt.zip")
    words = [text for image in truth.values() for text in image.texts]
    assert (layout, len(truth), len(words)) == ("icdar2013", 233, 1095)
    assert {"0,6", "4,000"} <= set(words)  # commas inside the quotes
    np.testing.assert_array_equal(truth["img_1"].polygons[0], [[38, 43], [920, 43], [920, 215], [38, 215]])

    truth, layout = read_ground_truth(OFFICIAL / "totaltext_gt.zip")
    assert (layout, len(truth)) == ("polygon", 300)
    assert sum(len(image.texts) for image in truth.values()) == 2546  # of 2548: two "###" have a single point
    assert sum(sum(image.ignore) for image in truth.values()) == 331
    assert [len(polygon) for polygon in truth["img1"].polygons] == [10]


@needs_official
@pytest.mark.parametrize("name", ["icdar2013_gt.zip", "icdar2015_test_gt.zip", "totaltext_gt.zip"])
def test_a_ground_truth_against_itself_is_perfect(name: str, tmp_path: Path) -> None:
    truth, layout = read_ground_truth(OFFICIAL / name)
    own = {
        f"res_{image}.txt": "\n".join(",".join(f"{v:g}" for v in p.ravel()) for p in words.polygons)
        for image, words in truth.items()
    }
    metric, _ = score_submission(archive(tmp_path / "own.zip", own), OFFICIAL / name, layout=layout)
    counts = metric.compute()
    assert counts.recall > 0.995  # words under a don't-care region are hidden, and GT polygons may be degenerate
    assert counts.precision > 0.995


GT_2015 = "\ufeff10,10,50,10,50,30,10,30,WORD\r\n100,10,150,10,150,30,100,30,###\r\n60,60,90,60,90,80,60,80,5,000\r\n"


def test_windows_files_in_folders_and_what_macos_adds(tmp_path: Path) -> None:
    gt = archive(tmp_path / "gt.zip", {"gt/gt_img_1.txt": GT_2015, "gt/gt_img_2.txt": ""})
    files = {
        "a/b/res_img_1.txt": "\ufeff10,10,50,10,50,30,10,30\r\n\r\n101,11,149,11,149,29,101,29,0.93,text\r\n",
        "__MACOSX/a/b/._res_img_1.txt": b"\x00\x05\x16\x07",
        "a/.DS_Store": b"\x00\x01",
        "a/readme.md": "hello",
    }
    metric, layout = score_submission(archive(tmp_path / "mine.zip", files), gt)
    assert layout == "icdar2015"
    # img_1: one of two words found, the detection on ### does not count; img_2 has neither words nor a file.
    assert metric.compute() == Counts(images=2, gt_care=2, det_care=1, matched=1)
    truth, _ = read_ground_truth(gt)
    assert truth["img_1"].texts == ["WORD", "###", "5,000"]
    assert truth["img_1"].ignore == [False, True, False]


def test_coordinates_of_boxes_are_cut_to_whole_numbers(tmp_path: Path) -> None:
    files = {"res_img_1.txt": "10.9,-0.9,50.2,10,50,30.99,1e1,30, 0.5"}
    found = read_detections(archive(tmp_path / "mine.zip", files), "icdar2015")
    np.testing.assert_array_equal(found["img_1"], [[[10, 0], [50, 10], [50, 30], [10, 30]]])
    files = {"img_1.txt": "10.5 0 50 0 50 30.25"}
    found = read_detections(archive(tmp_path / "mine.zip", files), "polygon")
    np.testing.assert_array_equal(found["img_1"], [[[10.5, 0], [50, 0], [50, 30.25]]])


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ("1, 2, 31, 22", [[1, 2], [31, 2], [31, 22], [1, 22]]),
        ("1 2 31 22", [[1, 2], [31, 2], [31, 22], [1, 22]]),
        ("1,2,31,22,0.75", [[1, 2], [31, 2], [31, 22], [1, 22]]),
        ("1,2,31,2,31,22,1,22", [[1, 2], [31, 2], [31, 22], [1, 22]]),
        ("1,2,31,2,31,22,1,22,0.75", [[1, 2], [31, 2], [31, 22], [1, 22]]),
    ],
)
def test_rectangles_and_quads_for_icdar2013(tmp_path: Path, line: str, points: list) -> None:
    found = read_detections(archive(tmp_path / "mine.zip", {"res_img_1.txt": line}), "icdar2013")
    np.testing.assert_array_equal(found["img_1"], [points])


@pytest.mark.parametrize(
    ("line", "text", "corner"),
    [
        ('38, 43, 920, 215, "Tiredness"', "Tiredness", 920),
        ('38 43 920 215 "a \\"b\\" c"', 'a "b" c', 920),
        ("38,43,920,215,plain, with comma", "plain, with comma", 920),
        ('1, 2, 3, 4, ""', "", 3),
    ],
)
def test_icdar2013_lines(tmp_path: Path, line: str, text: str, corner: int) -> None:
    truth, layout = read_ground_truth(archive(tmp_path / "gt.zip", {"gt_img_1.txt": line}))
    assert layout == "icdar2013"
    assert truth["img_1"].texts == [text]
    assert truth["img_1"].polygons[0][1, 0] == corner


@pytest.mark.parametrize(
    ("lines", "layout"),
    [
        (["1,2,3,4,5,6,7,8,word"] * 3, "icdar2015"),
        (["1,2,3,4,5,6,7,8,1984"], "icdar2015"),  # a text that is a number
        (["1,2,3,4,5,6,7,8,5,000"], "icdar2015"),
        (['1, 2, 3, 4, "8"'], "icdar2013"),
        (["1 2 3 4 word"], "icdar2013"),
        (["1,2,3,4,5,6,7,8,word", "1,2,3,4,5,6,7,8,9,10,11,12,word"], "polygon"),
        (["1,2,3,4,5,6,tri"], "polygon"),
    ],
)
def test_layout_is_told_from_the_lines(lines: list[str], layout: str) -> None:
    assert guess_layout(lines) == layout


def test_polygon_lines(tmp_path: Path) -> None:
    lines = "0,0,9,0,9,9,0,9,4,12,WORD\n0,0,9,0,9,9,0,9,1996\n20,0,29,0,29,9,#\n39,292,###\n"
    truth, layout = read_ground_truth(archive(tmp_path / "gt.zip", {"gt_img1.txt": lines}))
    assert layout == "polygon"
    assert truth["img1"].texts == ["WORD", "1996", "#"]
    assert truth["img1"].ignore == [False, False, True]
    assert [len(polygon) for polygon in truth["img1"].polygons] == [5, 4, 3]


def test_line_separators_inside_a_text_do_not_end_the_line(tmp_path: Path) -> None:
    truth, _ = read_ground_truth(archive(tmp_path / "gt.zip", {"gt_img_1.txt": "1,2,3,4,5,6,7,8,a\u2028b\x0bc\n"}))
    assert truth["img_1"].texts == ["a\u2028b\x0bc"]


GOOD_GT = {"gt_img_1.txt": "1,2,9,2,9,8,1,8,a", "gt_img_2.txt": "1,2,9,2,9,8,1,8,a"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"res_img_1.txt": "1,2,9,2,9,8,1,8\n1,2,9,2,9,8,1"}, r"res_img_1\.txt line 2: expected x1,y1,x2,y2"),
        ({"res_img_1.txt": "1,2,9,2,9,8,1,x"}, r"res_img_1\.txt line 1: expected .* found '1,2,9,2,9,8,1,x'"),
        ({"res_img_1.txt": "1,2,9,2,9,8,1,nan"}, "line 1: expected"),
        ({"res_img_1.txt": "1,2,9,2,9,8,1,1e30"}, "line 1: a coordinate beyond"),
        ({"res_img_1.txt": ",".join(["1"] * 14)}, "line 1: a polygon of 7 points, but .* icdar2015 boxes"),
        (
            {"res_img_7.txt": ""},
            r"1 of its 1 images are not among the 2 of .*gt\.zip, the first is 'img_7'; there .* 'img_1'",
        ),
        ({"a/res_img_1.txt": "", "b/res_img_1.txt": ""}, "two files for the image 'img_1', one of them b/res_img_1"),
        ({"res_img_1.json": ""}, "holds no .txt file; expected one res_NAME.txt"),
        ({"res_img_1.txt": b"\xff\xfe1"}, r"res_img_1\.txt is not UTF-8 text \(byte 0\)"),
    ],
)
def test_faults_of_a_submission(tmp_path: Path, files: dict[str, str | bytes], message: str) -> None:
    gt, mine = archive(tmp_path / "gt.zip", GOOD_GT), archive(tmp_path / "mine.zip", files)
    with pytest.raises(UserError, match=message):
        score_submission(mine, gt)


def test_faults_of_a_ground_truth(tmp_path: Path) -> None:
    gt = archive(tmp_path / "gt.zip", {"gt_img_1.txt": "1,2,9,2,9,8,1,8,a\nnonsense"})
    with pytest.raises(UserError, match=r"gt\.zip: gt_img_1\.txt line 2: expected .* found 'nonsense'"):
        read_ground_truth(gt)
    gt = archive(tmp_path / "gt.zip", {"gt_img_1.txt": "1,2,word"})
    with pytest.raises(UserError, match="line 1: a word of 1 points"):
        read_ground_truth(gt, "polygon")


def test_absent_and_broken_archives(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        list(text_members(tmp_path / "none.zip"))
    page = tmp_path / "page.zip"
    page.write_text("<html>")
    with pytest.raises(UserError, match="not a readable zip archive"):
        list(text_members(page))
    good = archive(tmp_path / "good.zip", {"res_img_1.txt": "1,2,3," * 500})
    raw = bytearray(good.read_bytes())
    raw[45] ^= 0xFF  # inside the deflated data
    good.write_bytes(raw)
    with pytest.raises(UserError, match=r"damaged|not a readable zip"):
        list(text_members(good))
    good.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(UserError, match="not a readable zip archive"):
        list(text_members(good))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = archive(tmp_path / "bomb.zip", {f"res_img_{n}.txt": b"1" * 40_000 for n in range(3)})
    assert bomb.stat().st_size < 2000
    assert len(list(text_members(bomb, max_bytes=120_000))) == 3
    with pytest.raises(UserError, match="unpack to more than the 100,000 bytes"):
        list(text_members(bomb, max_bytes=100_000))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bomb.zip"]

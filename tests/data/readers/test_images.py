from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from data.reader import UnreadableSample
from data.readers.images import decode_image, read_image

PICTURE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


def encoded(suffix, picture=PICTURE):
    return cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


def test_colours_are_rgb():
    np.testing.assert_array_equal(decode_image(encoded(".png"), "x"), PICTURE)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "1", "CMYK"])
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    if mode == "I;16":
        Image.fromarray(np.full((40, 60), 65535, np.uint16)).save(tmp_path / f"x.{suffix}")
    else:
        Image.fromarray(PICTURE).convert(mode).save(tmp_path / f"x.{suffix}")
    image = read_image(tmp_path.resolve(), f"x.{suffix}", "x")
    assert image.shape == (40, 60, 3) and image.dtype == np.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_where_asked(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = cv2.resize(PICTURE[:4, :6], (60, 40), interpolation=cv2.INTER_CUBIC)  # smooth: nearly lossless
    Image.fromarray(picture).save(tmp_path / "x.jpg", exif=exif, quality=100, subsampling=0)
    stored = read_image(tmp_path.resolve(), "x.jpg", "x")
    assert np.abs(stored.astype(int) - picture).mean() < 2
    upright = read_image(tmp_path.resolve(), "x.jpg", "x", upright=True)
    expected = ImageOps.exif_transpose(Image.open(tmp_path / "x.jpg"))
    assert upright.shape[:2] == ((40, 60) if orientation < 5 else (60, 40))
    assert np.abs(upright.astype(int) - np.asarray(expected)).mean() < 2


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_off_picture_is_unreadable(suffix, share):
    data = encoded(suffix)
    with pytest.raises(UnreadableSample, match="image: cut off"):
        decode_image(data[: int(len(data) * share)], "x")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"exif": True}])
def test_a_jpeg_is_complete_from_its_end_marker_on(tmp_path, options):
    if "exif" in options:  # a thumbnail is a JPEG within the JPEG
        exif = Image.Exif()
        exif[0x010E] = encoded(".jpg").decode("latin-1")
        options = {"exif": exif}
    Image.fromarray(PICTURE).save(tmp_path / "x.jpg", **options)
    data = (tmp_path / "x.jpg").read_bytes()
    assert decode_image(data, "x").shape == (40, 60, 3)
    assert decode_image(data + bytes(500) + b"\xff\xda\xff\xd8 whatever follows", "x").shape == (40, 60, 3)
    for size in range(2, len(data), 29):
        with pytest.raises(UnreadableSample):
            decode_image(data[:size], "x")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "image: not decodable, it is an empty file"),
        (b"<html><body>404", "image: not decodable, it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "image: not decodable, it is a Git LFS pointer"),
        (bytes(100), "image: not decodable$"),
    ],
)
def test_files_that_are_no_pictures(data, reason):
    with pytest.raises(UnreadableSample, match=reason):
        decode_image(data, "x")


def test_paths(tmp_path):
    root = tmp_path / "root"
    (root / "folder.png").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(encoded(".png"))
    (root / "inside.png").write_bytes(encoded(".png"))
    (root / "link.png").symlink_to(root / "inside.png")
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "circle.png").symlink_to(root / "circle.png")
    root = root.resolve()
    assert read_image(root, "link.png", "x").shape == (40, 60, 3)
    for name, reason in {
        "missing.png": "image: missing",
        "out.png": "leads outside",
        "../secret.png": "leads outside",
        "folder.png": "cannot be read",
        "circle.png": "cannot be read",
    }.items():
        with pytest.raises(UnreadableSample, match=reason):
            read_image(root, name, "x")


def test_the_error_survives_a_process_boundary():
    error = pickle.loads(pickle.dumps(UnreadableSample("a.jpg", "image: missing")))
    assert (error.sample_id, error.reason, str(error)) == ("a.jpg", "image: missing", "a.jpg: image: missing")

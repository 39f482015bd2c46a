"""Decoding pictures of words and asking for their sizes."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from word_files import encoded, picture

from data.reader import UnreadableSample
from data.recognition.readers.pictures import decode_picture, header_size, picture_size, suffix_of


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparency_is_laid_on_white(dtype: type) -> None:
    most = np.iinfo(dtype).max
    rgb = np.zeros((6, 256, 3), dtype)
    rgb[2:4] = (most, most // 2, 0)
    alpha = np.tile(np.arange(256) * (most // 255), (6, 1)).astype(dtype)
    data = cv2.imencode(".png", np.dstack([rgb[..., ::-1], alpha]))[1].tobytes()
    share = alpha.astype(np.float64)[..., None] / most
    expected = rgb.astype(np.float64) / most * 255 * share + 255 * (1 - share)
    image = decode_picture(data, "x")
    assert image.dtype == np.uint8 and np.abs(image - expected).max() <= 1
    assert (image[0, 0] == 255).all() and (image[0, 255] == 0).all()


def test_every_way_to_be_transparent() -> None:
    black = np.zeros((8, 8, 4), np.uint8)
    black[:, 4:, 3] = 255
    rgba = Image.fromarray(black)
    files = {
        "RGBA": saved(rgba, "PNG"),
        "LA": saved(rgba.convert("LA"), "PNG"),
        "palette": saved(rgba.quantize(), "PNG"),
        "WebP": saved(rgba, "WEBP", lossless=True),
    }
    for name, data in files.items():
        image = decode_picture(data, name)
        assert (image[:, :4] == 255).all() and (image[:, 4:] == 0).all(), name


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_sizes_come_from_headers(kind: str, mode: str) -> None:
    if (kind, mode) == ("JPEG", "P"):
        mode = "CMYK"
    data = saved(Image.fromarray(picture(3, 21, 34)).convert(mode), kind)
    assert picture_size(data, "x") == header_size(data) == (21, 34)
    assert suffix_of(data) == {"JPEG": ".jpg", "TIFF": ".tif"}.get(kind, f".{kind.lower()}")
    if kind in ("PNG", "JPEG"):
        assert header_size(data[:1000]) == (21, 34), "the beginning is enough"
    if kind != "GIF" or suffix_of(data):
        try:
            assert decode_picture(data, "x").shape == (21, 34, 3)
        except UnreadableSample:
            assert kind == "GIF", "OpenCV 4.10 reads none"


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"restart_marker_rows": 1}, {"exif": b"Exif\0\0" + b"\xff\xc0" * 20_000}]
)
def test_sizes_of_jpegs(options: dict) -> None:
    data = saved(Image.fromarray(picture(3, 70, 340)), "JPEG", **options)
    assert picture_size(data, "x") == (70, 340) == decode_picture(data, "x").shape[:2]


def test_orientation_is_that_of_the_pixels() -> None:
    image = Image.fromarray(picture(3, 21, 34))
    exif = image.getexif()
    exif[0x0112] = 6
    data = saved(image, "JPEG", exif=exif)
    assert picture_size(data, "x") == (21, 34) == decode_picture(data, "x").shape[:2]


def test_what_is_no_picture_has_no_size() -> None:
    for data in (b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"<html>", b"BM" + bytes(60), b"\xff\xd8\xff\xda" + bytes(50)):
        assert header_size(data) is None and (suffix_of(data) is None or data[:2] in (b"\xff\xd8", b"\x89P", b"BM"))
        with pytest.raises(UnreadableSample, match="x: image: "):
            picture_size(data, "x")
        with pytest.raises(UnreadableSample, match="x: image: "):
            decode_picture(data, "x")
    for suffix in (".png", ".jpg"):
        whole = encoded(0, suffix, 40, 60)
        for length in range(0, len(whole) - 2, 97):
            with pytest.raises(UnreadableSample):
                decode_picture(whole[:length], "x")

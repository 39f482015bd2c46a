"""Decoding images, the same way for every reader.

The dataset's `exif_orientation` says whether an EXIF orientation turns the picture. By default it does not: the boxes
of the published datasets belong to the pixels as they are stored. Labelling programs show the picture upright and
write boxes for what they show; their formats have the other default. A truncated image counts as unreadable. Decoders
would fill the rest with grey, where the annotated text could not be seen.
"""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from data.reader import UnreadableSample
from data.readers.sniff import what_is

_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
"""A marker that is followed by a length: not a restart, nor a stuffed zero, which occur within the coded data."""


def read_image(root: Path, name: str, sample_id: str, upright: bool = False) -> np.ndarray:
    """Read an image of a dataset.

    Args:
        root: resolved folder that must contain the image after all symbolic links are followed.
        name: path of the image, relative to `root`.
        sample_id: name of the sample, for the error.
        upright: turn the picture as its EXIF orientation says, or leave it as it is stored.

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        UnreadableSample: the image is missing, damaged, or lies outside `root`.
    """
    return decode_image(image_bytes(root, name, sample_id), sample_id, upright)


def image_bytes(root: Path, name: str, sample_id: str) -> bytes:
    """Return the bytes of an image file of a dataset without decoding them; arguments and errors as `read_image`."""
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise UnreadableSample(sample_id, "image: a link leads outside the data root")
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableSample(sample_id, "image: missing") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: circular links, before Python 3.13
        why = getattr(error, "strerror", None) or type(error).__name__
        raise UnreadableSample(sample_id, f"image: cannot be read ({why})") from None


def decode_image(data: bytes, sample_id: str, upright: bool = False) -> np.ndarray:
    """Decode an image file's bytes to uint8 [H, W, 3], RGB, or raise `UnreadableSample`; see `read_image`."""
    if _is_cut_off(data):
        raise UnreadableSample(sample_id, "image: cut off")
    image = None
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    if data:
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error:  # more pixels than OpenCV allows, or a wrong header
            image = None
    if image is None:
        kind = what_is(data[:520])
        raise UnreadableSample(sample_id, f"image: not decodable{f', it is {kind}' if kind else ''}")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _is_cut_off(data: bytes) -> bool:
    """Tell whether a JPEG or PNG lacks its end; OpenCV decodes such files without an error."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"IEND" not in data
    if not data.startswith(b"\xff\xd8"):
        return False
    place = 2
    while True:
        marker = _JPEG_MARKER.search(data, place)
        if marker is None or marker.end() + 2 > len(data):
            return marker is None or marker[1] != b"\xd9"
        if marker[1] == b"\xd9":
            return False
        # Every other segment begins with its length; the coded data after a start of scan contain no marker.
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")

"""Decoding pictures of words and reading their sizes, the same way for every format.

A picture with transparent pixels is blended with white: text is mostly dark, and the colour of transparent pixels,
often black, was never visible. Other pictures are decoded as those of detection are.
"""

from __future__ import annotations

import io
import re
import struct

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from data.readers.images import decode_image

_PNG = b"\x89PNG\r\n\x1a\n"
_WITH_ALPHA = (4, 6)
"""PNG's colour types of grey or RGB with an alpha channel."""
_FRAME = re.compile(rb"\xff+([^\x00\xff\x01\xd0-\xd8])")
"""A JPEG marker that is followed by the length of its segment, or the end of the image."""
_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG's start-of-frame markers, whose segments hold the size."""

_STARTS = {
    b"\xff\xd8": ".jpg",
    _PNG: ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}
"""First bytes of the files of each kind."""


def decode_picture(data: bytes, sample_id: str) -> np.ndarray:
    """Decode the bytes of an image file to uint8 [H, W, 3], RGB; raise `UnreadableSample` if that fails."""
    image = decode_image(data, sample_id)
    if not _may_be_transparent(data):
        return image
    whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if whole is None or whole.ndim != 3 or whole.shape[2] != 4 or whole.shape[:2] != image.shape[:2]:
        return image
    alpha = whole[..., 3:].astype(np.float32) / np.iinfo(whole.dtype).max
    return np.rint(image * alpha + 255 * (1 - alpha)).astype(np.uint8)


def picture_size(data: bytes, sample_id: str) -> tuple[int, int]:
    """Return (height, width), pixels, of an image file from its header; raise `UnreadableSample` if it is no image.

    Args:
        data: the whole file; mostly only its first kilobytes are read.
        sample_id: name of the sample, for the error.
    """
    size = header_size(data)
    if size is None:
        size = decode_image(data, sample_id).shape[:2]
    return size


def header_size(data: bytes) -> tuple[int, int] | None:
    """Return (height, width), pixels, from the beginning of an image file, or None if it does not contain them."""
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
    elif data.startswith(b"\xff\xd8"):
        found = _jpeg_size(data)
        if found is None:
            return None
        height, width = found
    else:
        try:
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error):
            return None
    return (height, width) if height > 0 and width > 0 else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    place = 2
    while True:
        marker = _FRAME.search(data, place)
        if marker is None or marker.end() + 7 > len(data) or marker[1] in (b"\xd9", b"\xda"):
            return None
        if marker[1][0] in _SIZES:
            return struct.unpack(">HH", data[marker.end() + 3 : marker.end() + 7])
        place = marker.end() + struct.unpack(">H", data[marker.end() : marker.end() + 2])[0]


def _may_be_transparent(data: bytes) -> bool:
    if data.startswith(_PNG):
        return data[25] in _WITH_ALPHA or data.find(b"tRNS", 0, max(data.find(b"IDAT"), 0)) >= 0
    return data[8:12] == b"WEBP" or data.startswith(b"GIF8")


def suffix_of(data: bytes) -> str | None:
    """Return the suffix for an image file's name, such as ".png", or None for an unknown kind of file."""
    if data[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for start, suffix in _STARTS.items() if data.startswith(start)), None)

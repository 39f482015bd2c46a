"""Photos from a user's folder as backgrounds."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from config.errors import UserError

logger = logging.getLogger(__name__)

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


def find_photos(folder: str) -> list[str]:
    """Return the image files below a folder, relative to it, sorted.

    Raises:
        UserError: it is not a folder, or has no image.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(
            f"backgrounds.folder is {root}, which is not a folder: give one with photos, or set it to null."
        )
    paths = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if not paths:
        raise UserError(
            f"The backgrounds folder {root} holds no image: put photos there, or set backgrounds.folder to null."
        )
    return paths


def load_photo(
    path: Path, width: int, height: int, rng: np.random.Generator, flip: float = 0.0, light: float = 0.0
) -> np.ndarray | None:
    """Return a random part of a photo, uint8 [height, width, 3] RGB; None, with a warning, if it is unreadable.

    Args:
        path: the file.
        width, height: size of the result, pixels; the photo is scaled for it.
        rng: source of randomness.
        flip: probability of a horizontal flip.
        light: greatest change of light: with 0.3, factor and gamma are between 1 / 1.3 and 1.3.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        data = np.zeros(0, np.uint8)
    try:
        photo = cv2.imdecode(data, _decoding(data, 2 * max(width, height))) if data.size else None
    except cv2.error:  # more pixels than OpenCV takes
        photo = None
    if photo is None:
        logger.warning("The photo %s cannot be read; a background made by formula takes its place.", path)
        return None
    rows, columns = photo.shape[:2]
    # Between the smallest scale at which the photo fills the scene and twice that; the aspect ratio is kept.
    scale = max(width / columns, height / rows) * (1 + rng.random())
    cut_width, cut_height = min(columns, round(width / scale)), min(rows, round(height / scale))
    x, y = int(rng.integers(columns - cut_width + 1)), int(rng.integers(rows - cut_height + 1))
    part = photo[y : y + cut_height, x : x + cut_width]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    part = cv2.resize(part, (width, height), interpolation=method)
    if flip > 0 and rng.random() < flip:
        part = part[:, ::-1]
    if light > 0:
        gain, gamma = np.exp(rng.uniform(-1, 1, 2) * np.log1p(light))
        levels = 255 * np.clip(gain * np.linspace(0, 1, 256) ** gamma, 0, 1)
        part = cv2.LUT(np.ascontiguousarray(part), np.rint(levels).astype(np.uint8))
    return np.ascontiguousarray(part[:, :, ::-1])


def _decoding(data: np.ndarray, side: int) -> int:
    """Return OpenCV's decoding mode: a half, a quarter or an eighth of the size if at least `side` pixels remain.

    Decoding a photo of 24 million pixels in full takes a tenth of a second, longer than drawing a scene.
    """
    try:
        with Image.open(io.BytesIO(data.tobytes())) as header:
            least = min(header.size)
    except Image.DecompressionBombError:  # raised by Pillow for more than 179 million pixels
        return cv2.IMREAD_REDUCED_COLOR_4
    except (OSError, ValueError):  # a format that only OpenCV knows, or not an image; OpenCV will tell
        return cv2.IMREAD_COLOR
    flags = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))
    return next((flag for factor, flag in flags if least >= factor * side), cv2.IMREAD_COLOR)

"""Photos from a user's folder as backgrounds."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np

from config.errors import UserError

logger = logging.getLogger(__name__)

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


def find_photos(folder: str) -> list[str]:
    """Return the image files below a folder, relative to it, sorted.

    Raises:
        UserError: it is no folder, or there is no image in it.
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


def load_photo(path: Path, width: int, height: int, rng: np.random.Generator) -> np.ndarray | None:
    """Return a random part of a photo, uint8 [height, width, 3] RGB; None, with a warning, where it is unreadable."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        data = np.zeros(0, np.uint8)
    photo = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if photo is None:
        logger.warning("The photo %s cannot be read; a background made by formula takes its place.", path)
        return None
    rows, columns = photo.shape[:2]
    # The smallest scale at which the photo fills the scene, up to twice that: no part of it is stretched.
    scale = max(width / columns, height / rows) * (1 + rng.random())
    cut_width, cut_height = min(columns, round(width / scale)), min(rows, round(height / scale))
    x, y = int(rng.integers(columns - cut_width + 1)), int(rng.integers(rows - cut_height + 1))
    part = photo[y : y + cut_height, x : x + cut_width]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(part, (width, height), interpolation=method)[:, :, ::-1])

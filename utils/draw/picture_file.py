"""Picture files: the names that a user may give, and writing them durably."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from config.errors import UserError
from utils.files import write_atomically

_SUFFIXES = (".png", ".jpg", ".jpeg")


def picture_path(option: str, given: str | Path) -> Path:
    """Return the path that an option names, if a picture can be written there.

    It is asked before the work that makes the picture, so that no minutes are lost to a slip.

    Args:
        option: as the user wrote it, such as `--draw`.
        given: the path.

    Raises:
        UserError: the suffix is neither .png nor .jpg (.jpeg), or the folder cannot be written to.
    """
    path = Path(given)
    if path.suffix.lower() not in _SUFFIXES:
        raise UserError(f"{option} {given}: name a .png or .jpg file")
    folder = next((folder for folder in path.absolute().parents if folder.exists()), None)
    if folder is None or path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(f"{option} {given}: cannot be written there; name a file in a folder of yours")
    return path


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Write a picture, uint8 [H, W, 3] in RGB; the suffix of the path (.png, .jpg) chooses the format. Atomic.

    Raises:
        UserError: the file cannot be written.
    """
    done, data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"{path}: cannot be written as a picture")
    write_atomically(path, lambda temporary: temporary.write_bytes(data.tobytes()))

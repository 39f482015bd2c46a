"""Writes small datasets for the tests of the readers of word boxes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

SQUARE = [[10, 10], [30, 10], [30, 20], [10, 20]]
REAL = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def write_image(path: Path, height: int = 40, width: int = 60) -> None:
    """Write a black picture (a PNG, whatever its name) and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tofile(path)


def write_label(path: Path, content: object) -> None:
    """Write a label file: bytes and text as they are, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes | str):
        content = json.dumps(content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def make_icdar(root: Path, labels: dict[str, bytes | str], images: list[str] | None = None) -> None:
    """Write label files (name -> content) and images for them, or those of the list."""
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, content in labels.items():
        write_label(root / "labels" / name, content)
    for name in images if images is not None else [f"{name[3:-4]}.jpg" for name in labels]:
        write_image(root / "images" / name)

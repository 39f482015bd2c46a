"""What is needed to reproduce a checkpoint: the versions of code and packages, and a hash of the data."""

from __future__ import annotations

import logging
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path

import cv2
import torch

log = logging.getLogger(__name__)

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("torch", "torchvision", "numpy", "opencv-python-headless", "scikit-image", "shapely", "pydantic")


def provenance(data_fingerprint: str) -> dict[str, object]:
    """Return the versions of code and packages and the hash of the data as plain values.

    A warning is logged if two builds of OpenCV are installed, because they overwrite each other.

    Args:
        data_fingerprint: hash of the training data, from the readers.
    """
    if None not in (_version(name) for name in ("opencv-python", "opencv-python-headless")):
        log.warning(
            "opencv-python and opencv-python-headless are both installed and overwrite each other (cv2 is %s): "
            "uninstall both, then run `pip install -r requirements/base.txt`",
            cv2.__version__,
        )
    sha = _git("rev-parse", "HEAD")
    return {
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "git_sha": sha,
        "git_dirty": None if sha is None else bool(_git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "packages": {name: _version(name) or "not installed" for name in PACKAGES} | {"cv2": cv2.__version__},
        "cpu_threads": torch.get_num_threads(),
        "data_fingerprint": data_fingerprint,
    }


def _git(*arguments: str) -> str | None:
    """Return the output of git, or None if git fails, is missing, or this is no git repository."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

"""Names of files: their natural order, and which of them are safe."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a sort key that puts `img_2` before `img_10`; the name itself decides between equal keys."""
    # Odd positions hold the digits, so that text is only ever compared with text.
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if odd % 2 else part.casefold() for odd, part in enumerate(parts)], name


def leaves_folder(name: str) -> bool:
    """Tell whether a relative path could lead out of its folder (absolute, `..`, a drive), on any system."""
    if not name or "\0" in name:
        return True
    if ".." not in name and ":" not in name and name[0] not in "/\\":  # a quick test first, for millions of names
        return False
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return posix.is_absolute() or bool(windows.drive or windows.root) or ".." in windows.parts

"""Finding and reading the images that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from config.errors import UserError
from data.reader import UnreadableSample
from data.readers.images import decode_image
from data.readers.listing import IMAGE_SUFFIXES, visible_files
from data.recognition.readers.pictures import decode_picture

_JPEG = b"\xff\xd8"


def find_images(given: Sequence[str]) -> list[Path]:
    """Return the images of files and folders, the latter in natural order, each file once.

    Raises:
        UserError: a path does not exist, or a folder holds no image.
    """
    found: dict[Path, None] = {}
    for name in given:
        path = Path(name).expanduser()
        if path.is_dir():
            names = visible_files(path, IMAGE_SUFFIXES)
            if not names:
                inside = next((entry.name for entry in sorted(path.iterdir()) if entry.is_dir()), None)
                hint = f", nor are folders in it looked into, such as {inside}" if inside else ""
                raise UserError(
                    f"{path}: this folder holds no images (.jpg, .png and so on){hint}; name a folder that does"
                )
            found.update(dict.fromkeys(path / file_name for file_name in names))
        elif path.is_file():
            found[path] = None
        else:
            raise UserError(f"{path}: there is no such image or folder")
    return list(found)


class ImageFiles:
    """Images by index, uint8 [H, W, 3] RGB; an image that cannot be read raises `UnreadableSample`.

    Args:
        paths: the files.
        words: whether they are pictures of words, which are decoded as in the word readers: transparent is white.
        upright: whether photos are rotated by their EXIF orientation.
    """

    def __init__(self, paths: Sequence[Path], *, words: bool, upright: bool = False) -> None:
        self.paths = list(paths)
        self._words, self._upright = words, upright

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        return self.paths[index].as_posix()

    def __getitem__(self, index: int) -> np.ndarray:
        name = self.name(index)
        try:
            data = self.paths[index].read_bytes()
        except OSError as fault:
            raise UnreadableSample(name, f"image: cannot be read ({fault.strerror or fault})") from None
        # Photos with an EXIF orientation are JPEGs, which have no transparency.
        if self._words and not (self._upright and data.startswith(_JPEG)):
            return decode_picture(data, name)
        return decode_image(data, name, self._upright)

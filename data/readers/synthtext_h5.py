"""The `.h5` files that the SynthText generator writes.

Each image is a dataset `data/<name>`, uint8 [H, W, 3] RGB, with the attributes `wordBB` (2, 4, W), `charBB` (2, 4, C)
and `txt` (strings, mostly bytes). Each process opens the files itself when it first needs them.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from config.errors import UserError
from config.optional import optional_package
from data.io.progress import progress_bar
from data.reader import UnreadableSample
from data.readers.sniff import what_is_file
from data.readers.synthtext_spool import Spool
from data.readers.words import join_strings

if TYPE_CHECKING:
    import h5py


class H5Source:
    """One or more `.h5` files; see `synthtext_source.Source`. An image is called `FILE.h5/NAME`."""

    def __init__(self, files: list[Path], index_home: Path, label: str) -> None:
        self.label = label
        self.files = files
        self.index_home = index_home
        self._open: dict[str, h5py.File] = {}
        self._owner = os.getpid()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_open": {}}

    def fill(self, spool: Spool) -> None:
        for path in self.files:
            try:
                with _h5py().File(path, "r") as file:
                    self._fill_from(path, file, spool)
            except OSError:
                raise UserError(
                    f"{path}: is {what_is_file(path) or 'damaged'}, where an .h5 file of the SynthText generator is "
                    "needed; write or copy it again"
                ) from None

    def path(self, name: str) -> Path | None:
        return None

    def image(self, name: str) -> np.ndarray:
        """Return the image of that name, uint8 [H, W, 3] RGB, or raise `UnreadableSample`."""
        file_name, _, key = name.partition("/")
        try:
            dataset = self._file(file_name)["data"][key]
            image = dataset[()] if dataset.dtype == np.uint8 and dataset.ndim == 3 else None
        except (OSError, KeyError, AttributeError) as error:
            raise UnreadableSample(name, f"image: cannot be read ({type(error).__name__})") from None
        if image is None or image.shape[2] != 3 or not image.size:
            raise UnreadableSample(name, "image: not a uint8 array [H, W, 3]")
        return image

    def _fill_from(self, path: Path, file: h5py.File, spool: Spool) -> None:
        group = file.get("data")
        if not isinstance(group, _h5py().Group):
            raise UserError(f"{path}: has no group `data`; is this an .h5 file of the SynthText generator?")
        for key in progress_bar(group, len(group), f"reading {path.name}"):
            attributes = group[key].attrs
            spool.names.append_text(f"{path.name}/{key}")
            spool.texts.append_text(_text(attributes.get("txt")))
            spool.word_quads.append_quads(_corners(attributes.get("wordBB")))
            spool.char_quads.append_quads(_corners(attributes.get("charBB")))

    def _file(self, name: str) -> h5py.File:
        if self._owner != os.getpid():  # forked or unpickled: the handles belong to another process
            self._open, self._owner = {}, os.getpid()
        if name not in self._open:
            path = next((path for path in self.files if path.name == name), None)
            if path is None:
                raise KeyError(name)
            self._open[name] = _h5py().File(path, "r")
        return self._open[name]


def _h5py() -> ModuleType:
    return optional_package("h5py", "h5", "reading .h5 files")


def _text(strings: object) -> str | None:
    if strings is None:
        return None
    try:
        return join_strings(
            item.decode("utf-8") if isinstance(item, bytes) else str(item) for item in np.ravel(strings).tolist()
        )
    except UnicodeDecodeError:
        return None


def _corners(boxes: object) -> np.ndarray | None:
    array = np.asarray(boxes)
    if array.dtype.kind not in "iuf":
        return None
    if array.size == 0:
        return np.zeros(0, np.float32)
    if array.shape[:2] != (2, 4) or array.ndim > 3:
        return None
    return array.reshape(2, 4, -1).transpose(2, 1, 0)

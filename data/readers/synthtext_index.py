"""The memory-mapped index of a SynthText ground truth.

A folder of `.npy` files (`synthtext_build.ARRAYS`) and an `index.json`. Processes map the files and so share one copy
in memory, for any number of workers; the annotation of an image is read only when it is needed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import UserError
from data.reader import DropReport
from data.readers.synthtext_build import ARRAYS
from data.sample import TextSample

FORMAT = 2
"""Version of the layout and of the rules that decide what is dropped; an index of another version is rebuilt."""

NO_IMAGE = np.zeros((0, 0, 3), np.uint8)

_LENGTHS = {
    "name_ends": ("images", 1), "image_words": ("images", 1), "text_ends": ("words", 1), "word_chars": ("words", 1),
    "word_quads": ("words", 0), "char_quads": ("chars", 0),
}  # fmt: skip


class SynthTextIndex:
    """An index on disk.

    Args:
        folder: the index's folder.

    Attributes:
        report: what was kept and dropped when it was built.
        digest: hash of its content, the same on every machine.

    Raises:
        ValueError, OSError: `folder` has no complete index of this format.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            facts = json.loads((folder / "index.json").read_text(encoding="utf-8"))
            if facts["format"] != FORMAT:
                raise ValueError(f"format {facts['format']}")
            self.place: str = facts["place"]
            self.digest: str = facts["digest"]
            self.report = DropReport(**facts["report"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"index.json lacks {error}") from None
        self._arrays: dict[str, np.ndarray] | None = self._mapped()
        for name, (item, extra) in _LENGTHS.items():
            if len(self._arrays[name]) != getattr(self.report, item) + extra:
                raise ValueError(f"{name}.npy has another length than index.json says")

    def __len__(self) -> int:
        return self.report.images

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": None}

    def name(self, index: int) -> str:
        """Return the path of an image, relative to the data root."""
        arrays = self._mapped()
        start, stop = arrays["name_ends"][index : index + 2].tolist()
        return arrays["names"][start:stop].tobytes().decode("utf-8")

    def annotation(self, index: int) -> TextSample:
        """Return an image's annotation, copied from the maps, with an empty image [0, 0, 3]."""
        arrays = self._mapped()
        first, last = arrays["image_words"][index : index + 2].tolist()
        text_ends = arrays["text_ends"][first : last + 1].tolist()
        blob = arrays["texts"][text_ends[0] : text_ends[-1]].tobytes()
        char_ends = arrays["word_chars"][first : last + 1]
        return TextSample(
            sample_id=self.name(index),
            image=NO_IMAGE,
            words=[
                blob[start - text_ends[0] : stop - text_ends[0]].decode("utf-8")
                for start, stop in itertools.pairwise(text_ends)
            ],
            word_quads=np.array(arrays["word_quads"][first:last], np.float32),
            ignore=np.zeros(last - first, bool),
            char_quads=np.array(arrays["char_quads"][char_ends[0] : char_ends[-1]], np.float32),
            char_words=np.repeat(np.arange(last - first, dtype=np.int64), np.diff(char_ends)),
        )

    def _mapped(self) -> dict[str, np.ndarray]:
        """Return the arrays; map the files when this process first needs them."""
        arrays = self.__dict__.get("_arrays")
        if arrays is None:
            try:
                # As plain arrays: slicing a `np.memmap` costs several times as much.
                arrays = {name: np.asarray(np.load(self.folder / f"{name}.npy", mmap_mode="r")) for name in ARRAYS}
            except FileNotFoundError:
                raise UserError(f"{self.folder}: this index of SynthText has gone; start again to rebuild it") from None
            for name, (dtype, entry_shape) in ARRAYS.items():
                if arrays[name].dtype != np.dtype(dtype) or arrays[name].shape[1:] != entry_shape:
                    raise ValueError(f"{name}.npy has another type than the format says")
            self._arrays = arrays
        return arrays


def write_facts(folder: Path, place: str, source: list[list[Any]], report: DropReport, hashes: dict[str, str]) -> None:
    """Write `index.json`.

    Args:
        folder: folder of the arrays.
        place: hash of the path of the ground truth; by it older indices of the same ground truth are recognised.
        source: identity of the ground truth's files.
        report: counts and drops.
        hashes: SHA-256 of each array's content.
    """
    content = json.dumps([FORMAT, sorted(hashes.items())])
    facts = {
        "format": FORMAT,
        "place": place,
        "source": source,
        "digest": hashlib.sha256(content.encode()).hexdigest(),
        "report": vars(report),
    }
    (folder / "index.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")

"""SynthText's own ground truth, `gt.mat` (Gupta et al., CVPR 2016).

MATLAB v5 with four cell arrays of one cell for each image: `imnames` (a path), `txt` (an array of strings),
`wordBB` (2x4xW, or 2x4 for one word) and `charBB` (2x4xC). In column-major order a box array is x, y of corner 1,
x, y of corner 2 and so on, box after box: the order of the index.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from config.errors import UserError
from data.io.progress import progress_bar
from data.readers.images import read_image
from data.readers.matfile import NUMERIC_CLASSES, NUMERIC_TYPES, DamagedError, Matrix, strings_of, variables
from data.readers.synthtext_spool import QuadColumn, Spool, TextColumn
from data.readers.words import join_strings


class MatSource:
    """`gt.mat` and the folder to which its image paths are relative; see `synthtext_source.Source`."""

    def __init__(self, root: Path, gt: Path) -> None:
        self.label = str(gt)
        self.files = [gt]
        self.index_home = gt.with_name(f"{gt.name}.index")
        self._root = root.resolve()

    def fill(self, spool: Spool) -> None:
        gt = self.files[0]
        wanted = {
            "imnames": (spool.names, _name),
            "txt": (spool.texts, _text),
            "wordBB": (spool.word_quads, _corners),
            "charBB": (spool.char_quads, _corners),
        }
        found: dict[str, int] = {}
        others: list[str] = []
        try:
            for variable in variables(gt):
                if variable.name not in wanted or variable.name in found:
                    others.append(variable.name)
                    continue
                if not variable.is_cell:
                    raise UserError(f"{gt}: `{variable.name}` is not a cell array; is this the gt.mat of SynthText?")
                column, parse = wanted[variable.name]
                for cell in progress_bar(variable.cells(), variable.count, f"reading {variable.name}"):
                    _append(column, parse(cell))
                found[variable.name] = len(column)
        except DamagedError as error:
            raise UserError(f"{gt}: is damaged ({error}); copy or download it again") from None
        missing = [name for name in wanted if name not in found]
        if missing:
            raise UserError(
                f"{gt}: has no variable {', '.join(missing)} (there: {', '.join([*found, *others]) or 'none'}); "
                "is this the gt.mat of SynthText?"
            )
        if len(set(found.values())) > 1:
            sizes = ", ".join(f"{name} {count:,}" for name, count in found.items())
            raise UserError(f"{gt}: its variables describe different numbers of images ({sizes}); download it again")

    def path(self, name: str) -> Path | None:
        return self._root / name

    def image(self, name: str) -> np.ndarray:
        """Return the image of that name, uint8 [H, W, 3] RGB, or raise `UnreadableSample`."""
        return read_image(self._root, name, name)


def _append(column: TextColumn | QuadColumn, value: str | np.ndarray | None) -> None:
    if isinstance(column, TextColumn):
        column.append_text(value)
    else:
        column.append_quads(value)


def _name(cell: Matrix) -> str | None:
    strings = strings_of(cell)
    return strings[0].rstrip(" \0") if strings is not None and len(strings) == 1 else None


def _text(cell: Matrix) -> str | None:
    strings = strings_of(cell)
    return None if strings is None else join_strings(strings)


def _corners(cell: Matrix) -> np.ndarray | None:
    if cell.size == 0:
        return np.zeros(0, np.float32)
    kind = NUMERIC_TYPES.get(cell.kind)
    if cell.array_class not in NUMERIC_CLASSES or cell.is_complex or kind is None:
        return None
    if cell.dims[:2] != (2, 4) or len(cell.dims) > 3 or len(cell.data) != cell.size * kind.itemsize:
        return None
    return np.frombuffer(cell.data, kind)

"""`select_data: MJ-ST` and `batch_ratio: 0.5-0.5`, as deep-text-recognition-benchmark and EasyOCR's trainer write them.

Lists are taken, too, since the name of a folder may hold a hyphen itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from config.errors import UserError


def parse_ratios(written: str | Sequence[float], sets: int) -> list[float]:
    """Return the ratio of each dataset from `0.5-0.5` or a list.

    Args:
        written: as the configuration has it.
        sets: number of datasets.

    Raises:
        UserError: it is no list of numbers, or one of another length.
    """
    parts = written.split("-") if isinstance(written, str) else written
    try:
        ratios = [float(part) for part in parts]
    except ValueError:
        raise UserError(f"batch_ratio is {_shown(written)}; write numbers separated by '-', such as 0.5-0.5") from None
    if len(ratios) != sets:
        raise UserError(
            f"batch_ratio has {len(ratios)} numbers ({_shown(written)}) for {sets} datasets; give one for each"
        )
    return ratios


def parse_names(written: str | Sequence[str], sets: int, exists: Callable[[str], bool]) -> list[str]:
    """Return the names of the datasets from `MJ-ST` or a list; a name may hold a hyphen itself.

    Args:
        written: as the configuration has it.
        sets: number of names, which the ratios tell.
        exists: tells whether there is a dataset of a name.

    Raises:
        UserError: it cannot be split into that many names, or not uniquely.
    """
    if not isinstance(written, str):
        if len(written) != sets:
            raise UserError(f"select_data has {len(written)} names for {sets} ratios; give one for each")
        return list(written)
    tokens = written.split("-")
    found = []
    for cuts in itertools.combinations(range(1, len(tokens)), sets - 1):
        edges = (0, *cuts, len(tokens))
        names = ["-".join(tokens[start:end]) for start, end in itertools.pairwise(edges)]
        if all(map(exists, names)):
            found.append(names)
    if len(found) == 1:
        return found[0]
    if not found and len(tokens) == sets:
        return tokens  # A missing folder is reported when it is opened.
    what = "can be split in several ways into" if found else "cannot be split into"
    raise UserError(f"select_data ('{written}') {what} {sets} names of folders; write a list, such as [MJ, ST]")


def _shown(written: str | Sequence[float]) -> str:
    return f"'{written}'" if isinstance(written, str) else str(list(written))

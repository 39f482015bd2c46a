"""Datasets in several folders: the shards of the generator, and the folder trees of other tools.

Each shard is a separate SynthText folder, `shard_0001_of_0008`, with a `gt.mat` and an index.
"""

from __future__ import annotations

import os
from pathlib import Path

from config.errors import UserError, nearest
from config.schema.datasets import SynthTextDataset
from data.reader import Reader, check_dropped, choose_samples
from data.readers.concat import ChosenReader, ConcatReader
from data.readers.listing import natural_key, subfolder, visible_files
from data.readers.synthtext import SynthTextReader
from data.synth.writing.shards import SHARD_NAME


def find_shards(config: SynthTextDataset) -> list[Path]:
    """Return the folders of all shards of a split, in order; an empty list if the dataset is not divided.

    Raises:
        UserError: shards are missing, or the folder has shards of two divisions.
    """
    root = Path(config.root).expanduser()
    if config.gt is not None or not root.is_dir() or (root / "gt.mat").is_file():
        return []
    return shard_folders(root)


def shard_folders(root: Path) -> list[Path]:
    """Return the folders of the shards in a folder, in order; raises as `find_shards`."""
    matches = [match for path in root.iterdir() if (match := SHARD_NAME.fullmatch(path.name)) is not None]
    counts = sorted({int(match[2]) for match in matches})
    if not counts:
        return []
    if len(counts) > 1:
        divisions = " and of ".join(map(str, counts))
        raise UserError(f"{root}: holds shards of {divisions}; keep those of one division, or make the dataset anew")
    found = {int(match[1]): root / match[0] for match in matches}
    missing = [shard for shard in range(1, counts[0] + 1) if shard not in found]
    if missing:
        which = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        raise UserError(
            f"{root}: {len(missing)} of {counts[0]} shards are missing (number {which}); run generate.py again, which "
            f"makes only those"
        )
    return [found[shard] for shard in sorted(found)]


def open_synthtext(config: SynthTextDataset) -> Reader:
    """Open a folder of SynthText, or all shards of a generated split; raises as the readers do.

    `samples` and `max_dropped` count over all shards.
    """
    shards = find_shards(config)
    if not shards:
        return SynthTextReader(config)
    whole = {"samples": -1, "max_dropped": 1.0}
    joined = ConcatReader(
        [SynthTextReader(config.model_copy(update={"root": str(shard), **whole})) for shard in shards]
    )
    check_dropped(joined.report, config.max_dropped, config.root)
    return ChosenReader(joined, choose_samples(len(joined), config.samples, config.root))


def find_parts(root: str, name: str) -> list[Path]:
    """Return the folders of a dataset's parts, each of which holds the file `name`.

    These are `root`, or all its shards, or every folder below it that holds the file, in natural order; hidden folders
    (`.ipynb_checkpoints`) are skipped.

    Args:
        root: the dataset's `root`.
        name: path of the file below a part's folder.

    Raises:
        UserError: there is no such folder, no such file, or shards are missing.
    """
    folder = subfolder(root, ".", "root")
    if (folder / name).is_file():
        return [folder]
    shards = shard_folders(folder)
    if shards:
        lacking = next((shard for shard in shards if not (shard / name).is_file()), None)
        if lacking is not None:
            raise UserError(f"{lacking}: holds no {name}; make this shard again, or correct the dataset's `format`")
        return shards
    found = []
    for parent, folders, _ in os.walk(folder):
        folders[:] = sorted((child for child in folders if not child.startswith(".")), key=natural_key)
        found += [Path(parent) / child for child in folders if (Path(parent) / child / name).is_file()]
    if not found:
        near = nearest(name, visible_files(folder))
        hint = f"did you mean '{near}'?" if near else "set the dataset's `root` to the folder that does"
        raise UserError(f"{folder}: holds no {name}, nor does a folder in it; {hint}")
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))

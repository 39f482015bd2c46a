"""Datasets in several folders: the shards of the generator, and the folder trees of other tools."""

from __future__ import annotations

import os
from pathlib import Path

from config.errors import UserError, nearest
from data.readers.listing import subfolder, visible_files
from data.readers.naming import natural_key
from data.readers.shards import shard_folders


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
        folders[:] = sorted((folder for folder in folders if not folder.startswith(".")), key=natural_key)
        found += [Path(parent) / folder for folder in folders if (Path(parent) / folder / name).is_file()]
    if not found:
        near = nearest(name, visible_files(folder))
        hint = f"did you mean '{near}'?" if near else "set the dataset's `root` to the folder that does"
        raise UserError(f"{folder}: holds no {name}, nor does a folder in it; {hint}")
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))

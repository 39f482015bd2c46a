"""The content of an existing output folder: shards of this dataset, or something else that must not be touched."""

from __future__ import annotations

import contextlib
import logging
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from config.errors import UserError
from data.synth.writing.manifest import DATASET, SHARD, fault_of, is_of, read_manifest
from data.synth.writing.shards import SHARD_NAME, Plan, Shard

logger = logging.getLogger(__name__)

_WAY_OUT = "choose another output_dir, or replace it with overwrite=true."


def find_whole(root: Path, shards: Iterable[Shard], settings: str) -> dict[Shard, dict[str, Any]]:
    """Return the existing shards that are complete and made with these settings, with their manifests.

    Raises:
        OSError: a file of them cannot be read.
    """
    whole = {}
    for shard in shards:
        place = shard.place(root)
        manifest = read_manifest(place / SHARD)
        if is_of(manifest, shard, settings):
            fault = fault_of(place, manifest)
            if fault is None:
                whole[shard] = manifest
                continue
        elif place.exists() and manifest is None:
            fault = f"{SHARD} is missing or damaged"
        else:
            continue
        logger.warning("%s is not whole (%s) and is made again.", place, fault)
    return whole


def find_manifests(root: Path, shards: Iterable[Shard], settings: str) -> dict[Shard, dict[str, Any]]:
    """Return the manifests of the existing shards, without checking that these are complete."""
    found = {shard: read_manifest(shard.place(root) / SHARD) for shard in shards}
    return {shard: manifest for shard, manifest in found.items() if is_of(manifest, shard, settings)}


def refuse_unknown(root: Path, plan: Plan) -> None:
    """Raise `UserError` if a split's folder has content that no manifest describes."""
    if read_manifest(root / DATASET) is not None:
        return
    for folder in (root / split for split in plan.splits):
        if not any(_layouts(folder)) and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(
                f"{folder} exists, but neither {SHARD} in it nor {DATASET} beside it tells what it is: {_WAY_OUT}"
            )


def refuse_others(root: Path, plan: Plan, settings: str) -> None:
    """Raise `UserError` if there is a dataset with other settings, or divided into other shards."""
    dataset = read_manifest(root / DATASET)
    if dataset is not None and dataset["settings_hash"] != settings:
        raise UserError(f"{root} holds a dataset made with other settings, fonts or words: {_WAY_OUT}")
    items = {split: sum(shard.count for shard in plan.shards if shard.split == split) for split in plan.splits}
    for split in sorted(items, key=lambda split: -items[split]):  # the largest split shows the number of shards best
        folder, wanted = root / split, [shard for shard in plan.shards if shard.split == split]
        others = sorted(set(_layouts(folder)) - {wanted[0].of})
        if others:
            raise UserError(
                f"{folder} is divided into {others[0]} {'shard' if others[0] == 1 else 'shards'}, but this job divides "
                f"it into {wanted[0].of}: set shards={others[0]}, {_WAY_OUT}"
            )
        for shard in wanted:
            manifest = read_manifest(shard.place(root) / SHARD)
            if manifest is not None and not is_of(manifest, shard, settings):
                raise UserError(f"{shard.place(root)} was made with other settings, fonts or words: {_WAY_OUT}")


def make_room(root: Path, plan: Plan, aside: Path) -> None:
    """Move into `aside` what `refuse_others` refuses, except what shards of the plan will replace."""
    for split in plan.splits:
        of = next(shard.of for shard in plan.shards if shard.split == split)
        folder, layouts = root / split, set(_layouts(root / split))
        if of == 1:
            continue  # the folder itself is replaced
        if 1 in layouts or not layouts:
            move_aside(folder, aside)
            continue
        for path in list(folder.iterdir()):
            match = SHARD_NAME.fullmatch(path.name)
            if match is not None and int(match[2]) != of:
                move_aside(path, aside)


def move_aside(path: Path, aside: Path) -> None:
    """Move a file or folder into the folder `aside`, in one step; another job may have moved it already."""
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, aside / f"old-{uuid.uuid4().hex}")


def _layouts(folder: Path) -> Iterator[int]:
    """Yield the numbers of shards into which a split's folder seems to be divided."""
    if (folder / SHARD).is_file():
        yield 1
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for path in folder.iterdir():
            match = SHARD_NAME.fullmatch(path.name)
            if match is not None:
                yield int(match[2])

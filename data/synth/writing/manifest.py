"""`shard.json` and `dataset.json`: the manifests, by which complete files and their settings are recognised.

A shard's manifest lists each file that its items share, with size and SHA-256. Of its images, which may be thousands,
it has the number, the bytes in all and one hash of names and sizes. So verifying a shard reads the annotations, and
only the sizes of images.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from config.schema.generation import GenerateConfig
from data.io.durable import replacing
from data.synth.resources import Resources
from data.synth.writing.output import Output, ShardSummary
from data.synth.writing.shards import Plan, Shard

SHARD, DATASET = "shard.json", "dataset.json"
VERSION = 3
"""To be raised whenever the generator makes other items of the same settings."""
_NOT_IN_HASH = {"output_dir", "overwrite", "workers", "shards"}
_IMAGES = (".jpg", ".png")


def settings_hash(config: GenerateConfig, resources: Resources) -> str:
    """Return a hash of everything the items depend on: settings, words, fonts, photos."""
    settings = config.model_dump(mode="json", exclude=_NOT_IN_HASH)
    text = json.dumps([VERSION, settings, resources.fingerprint()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shard_manifest(
    shard: Shard, output: Output, summary: ShardSummary, settings: str, folder: Path
) -> dict[str, object]:
    """Return the manifest of the shard that was written into `folder`."""
    images = {name: size for name, size in summary.files.items() if name.endswith(_IMAGES)}
    shared = {name: size for name, size in summary.files.items() if name not in images}
    return {
        "format": output.format,
        "version": VERSION,
        "settings_hash": settings,
        "split": shard.split,
        "shard": shard.index + 1,
        "of": shard.of,
        "first": shard.first,
        "count": shard.count,
        "annotation_sha256": summary.annotation_sha256,
        "counts": summary.counts,
        "files": {name: {"bytes": shared[name], "sha256": sha256(folder / name)} for name in sorted(shared)},
        "images": {"number": len(images), "bytes": sum(images.values()), "sha256": _hash_sizes(images)},
    }


def dataset_manifest(
    config: GenerateConfig,
    resources: Resources,
    output: Output,
    settings: str,
    plan: Plan,
    manifests: Mapping[Shard, Mapping[str, Any]],
) -> dict[str, object]:
    """Return the manifest of a whole dataset: the same, whichever job writes it."""
    splits: dict[str, dict[str, object]] = {}
    for split, count in config.splits.items():
        of_split = [manifests[shard] for shard in plan.shards if shard.split == split]
        names = dict.fromkeys(name for manifest in of_split for name in manifest["counts"])
        splits[split] = {
            f"{output.unit}s": count,
            **{name: sum(manifest["counts"].get(name, 0) for manifest in of_split) for name in names},
            "shards": len(of_split),
            "fonts": [family.name for family in resources.families[split]],
        }
    return {
        "format": output.format,
        "version": VERSION,
        "settings_hash": settings,
        "alphabet": resources.alphabet,
        "splits": splits,
        "fonts_left_out": resources.left_out_fonts,
        # Without settings that may differ between jobs.
        "config": {**config.model_dump(mode="json", exclude=_NOT_IN_HASH), "shards": plan.of},
    }


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Return a manifest, or None if it is missing or damaged.

    Raises:
        OSError: reading the file is not permitted or fails.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and isinstance(manifest.get("settings_hash"), str) else None


def is_of(manifest: Mapping[str, Any] | None, shard: Shard, settings: str) -> bool:
    """Tell whether a manifest is that of a shard made with these settings."""
    wanted = (settings, shard.split, shard.index + 1, shard.of, shard.first, shard.count)
    keys = ("settings_hash", "split", "shard", "of", "first", "count")
    return manifest is not None and wanted == tuple(manifest.get(key) for key in keys)


def fault_of(folder: Path, manifest: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the files of the shard in `folder`, or None if it is complete.

    Raises:
        OSError: a file of it cannot be read.
    """
    try:
        for name, facts in manifest["files"].items():
            size = _size(folder / name)
            if size != facts["bytes"]:
                return f"{name} is missing" if size is None else f"{name} has {size:,} bytes, not {facts['bytes']:,}"
            if sha256(folder / name) != facts["sha256"]:
                return f"{name} was changed"
        found = dict(_images_in(folder)) if manifest["images"]["number"] else {}
        if len(found) != manifest["images"]["number"]:
            return f"it holds {len(found):,} images, not {manifest['images']['number']:,}"
        return None if _hash_sizes(found) == manifest["images"]["sha256"] else "sizes or names of its images changed"
    except (KeyError, TypeError, AttributeError):
        return f"{SHARD} is damaged"


def write_manifest(path: Path, manifest: Mapping[str, object]) -> None:
    """Write a manifest atomically. Several jobs may write it at once."""
    with replacing(path) as temporary:
        temporary.write_bytes((json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_sizes(sizes: Mapping[str, int]) -> str:
    return hashlib.sha256("".join(f"{name} {sizes[name]}\n" for name in sorted(sizes)).encode()).hexdigest()


def _images_in(folder: Path, below: Sequence[str] = ()) -> Iterable[tuple[str, int]]:
    """Yield the name, relative to the shard, and the size in bytes of every image file."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _images_in(Path(entry.path), (*below, entry.name))
            elif entry.name.endswith(_IMAGES):
                yield "/".join((*below, entry.name)), entry.stat().st_size


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None

"""Writing a dataset of scenes: folders that are whole or absent.

Layout: `OUT/dataset.json`, `OUT/<split>/gt.mat`, `OUT/<split>/<k // 1000 + 1>/scene_<k>.jpg`. Everything is written
into `OUT/.partial` and renamed at the end: first the splits, each with its `gt.mat`, then `dataset.json`, which
says that the dataset is whole and which settings made it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.synth.gt_mat import SceneAnnotation, gt_mat_bytes
from data.synth.pool import draw_all
from data.synth.resources import Resources

logger = logging.getLogger(__name__)

MANIFEST = "dataset.json"
_PARTIAL = ".partial"
_VERSION = 1
"""Raised when a change of the generator changes the scenes it makes of the same settings."""
_NOT_IN_HASH = {"output_dir", "overwrite", "workers"}


def settings_hash(config: GenerateConfig, resources: Resources) -> str:
    """Return a hash of everything the scenes depend on: settings, words, fonts, photos."""
    settings = config.model_dump(mode="json", exclude=_NOT_IN_HASH)
    text = json.dumps([_VERSION, settings, resources.fingerprint()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_dataset(config: GenerateConfig) -> dict[str, object]:
    """Make the dataset that the settings describe, unless it is already there.

    Returns:
        The manifest, as `dataset.json` holds it.

    Raises:
        UserError: the settings cannot be followed, the output folder cannot be written or is full, or it holds
            something else.
    """
    resources = Resources.load(config)
    root, wanted = Path(config.output_dir), settings_hash(config, resources)
    existing = _existing_manifest(root, config)
    if existing is not None and existing["settings_hash"] == wanted and not config.overwrite:
        logger.info("%s already holds these scenes (%s): nothing to do.", root, MANIFEST)
        return existing
    if not config.overwrite:
        _refuse_what_is_there(root, config, existing)
    partial = root / _PARTIAL
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            manifest = _write_splits(config, resources, partial, wanted)
            _publish(root, partial, config, manifest)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise UserError(_explain(error, root)) from error
    return manifest


def _existing_manifest(root: Path, config: GenerateConfig) -> dict[str, object] | None:
    """Return the manifest of a whole dataset in `root`, or None."""
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        whole = isinstance(manifest["settings_hash"], str) and all(
            (root / split / "gt.mat").is_file() for split in manifest["splits"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return manifest if whole else None


def _refuse_what_is_there(root: Path, config: GenerateConfig, manifest: dict[str, object] | None) -> None:
    if manifest is not None:
        raise UserError(
            f"{root} holds a dataset made with other settings, fonts or words: choose another output_dir, or replace "
            f"it with overwrite=true."
        )
    for split in config.splits:
        if (root / split).exists():
            raise UserError(
                f"{root / split} exists, but {MANIFEST} beside it is missing or does not describe a whole dataset: "
                f"choose another output_dir, or replace it with overwrite=true."
            )


def _write_splits(config: GenerateConfig, resources: Resources, partial: Path, wanted: str) -> dict[str, object]:
    splits: dict[str, dict[str, object]] = {}
    words = characters = 0
    jobs = [(split, index) for split, count in config.splits.items() for index in range(count)]
    started = time.monotonic()
    with tqdm(total=len(jobs), unit="scene", desc="generate", disable=None, smoothing=0.05) as bar:
        done = draw_all(config, resources, jobs, partial)
        for split, count in config.splits.items():
            (partial / split).mkdir(exist_ok=True)
            annotations = list(_take(done, count, bar))
            _write(partial / split / "gt.mat", gt_mat_bytes(annotations))
            of_words = sum(len(one.word_quads) for one in annotations)
            of_characters = sum(len(one.char_quads) for one in annotations)
            words, characters = words + of_words, characters + of_characters
            splits[split] = {
                "scenes": count,
                "words": of_words,
                "characters": of_characters,
                "fonts": [family.name for family in resources.families[split]],
            }
    seconds = time.monotonic() - started
    logger.info(
        "Made %s scenes with %s words and %s characters in %.1f s (%.1f scenes/s).",
        f"{len(jobs):,}", f"{words:,}", f"{characters:,}", seconds, len(jobs) / max(seconds, 1e-9),
    )  # fmt: skip
    return {
        "format": "synthtext",
        "version": _VERSION,
        "settings_hash": wanted,
        "alphabet": resources.alphabet,
        "splits": splits,
        "config": config.model_dump(mode="json"),
    }


def _take(done: Iterator[SceneAnnotation], count: int, bar: tqdm) -> Iterator[SceneAnnotation]:
    for _ in range(count):
        yield next(done)
        bar.update()


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _publish(root: Path, partial: Path, config: GenerateConfig, manifest: dict[str, object]) -> None:
    """Move the finished splits to their places; until the manifest is back, the folder does not count as whole."""
    (root / MANIFEST).unlink(missing_ok=True)
    for split in config.splits:
        if (root / split).exists():
            # Out of the way in one step, so that an interruption never leaves old and new scenes mixed.
            os.replace(root / split, partial / f"{split}.old")
        os.replace(partial / split, root / split)
    _write(root / MANIFEST, (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())


def _explain(error: OSError, root: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {root} is full; nothing half-made was left: free space, or choose another output_dir."
    return f"The output folder {root} cannot be written ({error.strerror or error}): choose another output_dir."

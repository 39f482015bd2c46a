"""Writing a dataset in shards that are either complete or absent.

Layout: `OUT/dataset.json`, `OUT/<split>/shard_0001_of_0008/`, or with one shard `OUT/<split>/` itself. A shard has
`shard.json` and the files of the output. It is written into the job's hidden folder and moved to its place when it is
complete. `dataset.json`, which marks a complete dataset, is written by the job that finds all shards in their places.
So a job can be interrupted at any time, run again, and divided among machines that share only the folder.
"""

from __future__ import annotations

import errno
import importlib
import itertools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.io.durable import move, sync
from data.io.progress import Progress
from data.io.workplace import open_workplace
from data.synth.resources import Resources
from data.synth.writing.existing import find_manifests, find_whole, make_room, move_aside, refuse_others, refuse_unknown
from data.synth.writing.manifest import DATASET, SHARD, dataset_manifest, settings_hash, shard_manifest, write_manifest
from data.synth.writing.output import Output
from data.synth.writing.pool import Pool
from data.synth.writing.shards import Plan, Shard, make_plan

logger = logging.getLogger(__name__)

OUTPUTS = {
    "scenes": ("scenes", "SceneOutput"),
    "lmdb": ("crops", "LmdbOutput"),
    "folder": ("crops", "FolderOutput"),
}
"""File of this folder and class of the scenes, and of each format of crops."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_dataset(config: GenerateConfig, job: tuple[int, int] = (1, 1)) -> dict[str, Any] | None:
    """Make the missing shards of a dataset.

    Args:
        config: the settings.
        job: (i, n) makes the shards k with k % n == i - 1 of every split.

    Returns:
        The content of `dataset.json`, or None while shards of other jobs are missing.

    Raises:
        UserError: the settings cannot be used, the output folder cannot be written, its disk is full, or it has another
            content.
        KeyboardInterrupt: passed on. After this and every other exception only complete shards remain.
    """
    plan = make_plan(config, job)
    resources = Resources.load(config)
    writer = _Writer(config, plan, resources)
    try:
        return writer.run()
    except OSError as error:
        raise UserError(_explain(error, writer)) from error
    except KeyboardInterrupt:
        logger.warning("Interrupted: %s; the same command goes on with the others.", writer.whole())
        raise


class _Writer:
    """The state of a job.

    Attributes:
        root: folder of the dataset.
        done: the complete shards of the job.
    """

    def __init__(self, config: GenerateConfig, plan: Plan, resources: Resources) -> None:
        self.root = Path(config.output_dir)
        self.done: dict[Shard, dict[str, Any]] = {}
        self._config, self._plan, self._resources = config, plan, resources
        self._output: Output = output_of(config)
        self._settings = settings_hash(config, resources)

    def run(self) -> dict[str, Any] | None:
        """Make the missing shards; return the dataset's manifest if it is complete."""
        if not self._config.overwrite:
            refuse_unknown(self.root, self._plan)
            refuse_others(self.root, self._plan, self._settings)
        self.done = find_whole(self.root, self._plan.assigned, self._settings)
        missing = [shard for shard in self._plan.assigned if shard not in self.done]
        if missing:
            if self.done:
                logger.info("%s already.", self.whole())
            self._make(missing)
        return self._complete(anything_made=bool(missing))

    def whole(self) -> str:
        """Return how many shards are complete, for messages."""
        count, total = len(self.done), len(self._plan.assigned)
        return f"{count} of {total} {'shard is' if total == 1 else 'shards are'} there"

    def _make(self, missing: list[Shard]) -> None:
        items = sum(shard.count for shard in missing)
        before = sum(shard.count for shard in self.done)
        with open_workplace(self.root) as work:
            tasks = [(shard, work / shard.name) for shard in missing]
            progress = Progress(before + items, before, self._output.unit)
            try:
                with Pool(self._config, self._resources, self._output, items) as pool:
                    drawn = pool.draw(tasks)
                    for shard, folder in tasks:
                        folder.mkdir(parents=True, exist_ok=True)
                        summary = self._output.finish(folder, _take(drawn, shard.count, progress))
                        manifest = shard_manifest(shard, self._output, summary, self._settings, folder)
                        write_manifest(folder / SHARD, manifest)
                        self._publish(shard, folder, work)
                        self.done[shard] = manifest
            finally:
                progress.close()
        logger.info("Made %s.", progress.summary())

    def _publish(self, shard: Shard, folder: Path, work: Path) -> None:
        """Move a complete shard to its place, unless another job has put the same shard there."""
        if self._config.overwrite:
            make_room(self.root, self._plan, work)
        else:  # a job of other settings may have begun at the same time
            refuse_others(self.root, self._plan, self._settings)
        # The dataset is not complete until all shards are there again.
        (self.root / DATASET).unlink(missing_ok=True)
        place = shard.place(self.root)
        place.parent.mkdir(exist_ok=True)
        sync(folder)
        while True:
            try:
                move(folder, place)
                break
            except OSError:
                if not place.exists():
                    raise
            if find_whole(self.root, [shard], self._settings):
                logger.info("%s was made by another job meanwhile.", place)
                break
            move_aside(place, work)

    def _complete(self, anything_made: bool) -> dict[str, Any] | None:
        manifests = find_manifests(self.root, self._plan.shards, self._settings)
        if len(manifests) < len(self._plan.shards):
            logger.info(
                "%d of the dataset's %d shards are there; the job that makes the last one writes %s.",
                *(len(manifests), len(self._plan.shards), DATASET),
            )
            return None
        manifest = dataset_manifest(self._config, self._resources, self._output, self._settings, self._plan, manifests)
        if anything_made or not (self.root / DATASET).exists():
            write_manifest(self.root / DATASET, manifest)
            counts = (f"{split}: {_describe(facts)}" for split, facts in manifest["splits"].items())
            logger.info("%s is whole: %s.", self.root, "; ".join(counts))
        else:
            logger.info("%s already holds this dataset, %s: nothing to do.", self.root, self.whole())
        return manifest


def _take(items: Iterator[Any], count: int, progress: Progress) -> Iterator[Any]:
    for item in itertools.islice(items, count):
        yield item
        progress.update()


def _describe(facts: dict[str, Any]) -> str:
    counts = {name: value for name, value in facts.items() if isinstance(value, int)}
    return ", ".join(f"{value:,} {name if value != 1 else name.removesuffix('s')}" for name, value in counts.items())


def _explain(error: OSError, writer: _Writer) -> str:
    if error.errno in _FULL:
        return (
            f"The disk of {writer.root} is full ({error.strerror}); {writer.whole()} and nothing half-made was left: "
            f"free space and run the same command again, which makes only the others, or choose another output_dir."
        )
    return (
        f"The output folder {writer.root} cannot be written ({error.strerror or error}); {writer.whole()}: mend that, "
        f"or choose another output_dir."
    )


def output_of(config: GenerateConfig) -> Output:
    """Return the output of the settings' format; the packages of other formats are not imported."""
    module, output = OUTPUTS["scenes" if config.output == "scenes" else config.crops.format]
    return getattr(importlib.import_module(f"data.synth.writing.{module}"), output)()

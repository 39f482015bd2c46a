"""Pseudo-labels on disk: made once, shared by all processes, and easy to inspect.

A cache is a folder named by what its labels depend on: the dataset's fingerprint (annotations and list of images),
the settings and the teacher's weights. While it is made it holds one `.npz` for each block of images. The file of a
block is either complete or absent, so an interrupted pass continues where it stopped, with any number of processes.
When all blocks exist they are joined to plain `.npy` columns, which are memory-mapped: all loader processes share the
same pages.

Layout: `block_00012.npz` during a pass; afterwards `columns/NAME.npy`, see `join_labels`, and `columns/labels.json`,
which says what they were made with.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from config.errors import UserError
from data.io.durable import PART, move, part_of, replacing, sync_all
from data.pseudo_label.labeler import LabelProgress, Teacher, label_blocks
from data.pseudo_label.reader import ABOUT, COLUMNS, PseudoLabels
from data.pseudo_label.records import COLUMN_NAMES, ImageLabels, LabelSettings, LabelStatistics, join_labels
from data.reader import Reader


class LabelCache:
    """The labels of one dataset by one teacher, finished or not.

    Args:
        root: folder of all caches.
        reader: the dataset.
        settings: what the labels depend on besides weights and data.
        teacher: hash of the teacher's weights.
    """

    def __init__(self, root: Path, reader: Reader, settings: LabelSettings, teacher: str) -> None:
        self.folder = Path(root) / f"{reader.fingerprint()}-{settings.key()}-{teacher}"
        self._about = {
            "teacher": teacher,
            "dataset": reader.fingerprint(),
            "settings": asdict(settings),
            "images": len(reader),
        }
        # The size depends on the dataset alone: so batches, and the last bit of every score, are the same for any
        # number of processes.
        size = min(max(len(reader) // 16, 8), 128)
        self._blocks = [range(start, min(start + size, len(reader))) for start in range(0, len(reader), size)]

    @property
    def complete(self) -> bool:
        """Whether the labels can be read."""
        return (self.folder / COLUMNS).is_dir()

    def missing(self, rank: int = 0, world_size: int = 1) -> list[int]:
        """Return the indices of the blocks that this process still has to label."""
        if self.complete:
            return []
        mine = range(rank, len(self._blocks), world_size)
        return [block for block in mine if not self._block(block).exists()]

    def images(self, block: int) -> range:
        """Return the indices of a block's images."""
        return self._blocks[block]

    def write(self, block: int, labels: Sequence[ImageLabels]) -> None:
        """Store a block's labels.

        Raises:
            UserError: the disk is full or the folder is protected.
        """
        if len(labels) != len(self._blocks[block]):
            raise ValueError(f"block {block} has {len(self._blocks[block])} images, not {len(labels)}")
        columns = join_labels(labels)
        with _writing(self.folder), replacing(self._block(block)) as temporary, open(temporary, "wb") as file:
            np.savez(file, **columns)

    def finish(self) -> PseudoLabels:
        """Join the blocks, unless that is done, and return the labels; several processes may call it at once.

        Raises:
            ValueError: blocks are missing; processes that share a pass wait for each other before this.
        """
        if not self.complete:
            try:
                self._join()
            except FileNotFoundError as fault:
                if not self.complete:  # else another process was first, and has removed the blocks
                    raise ValueError(f"{self.folder}: not all blocks are labelled yet") from fault
        return PseudoLabels(self.folder)

    def _join(self) -> None:
        parts = [join_labels([])]
        for block in range(len(self._blocks)):
            with np.load(self._block(block), allow_pickle=False) as stored:
                parts.append({name: stored[name] for name in COLUMN_NAMES})
        columns = {name: np.concatenate([part[name] for part in parts]) for name in COLUMN_NAMES}
        for name, entries in (("word_ends", "kind"), ("char_ends", "char_quads")):
            before = np.cumsum([0, *(len(part[entries]) for part in parts[:-1])])
            columns[name] = np.concatenate([part[name] + first for part, first in zip(parts, before, strict=True)])
        with _writing(self.folder):
            temporary = part_of(self.folder / COLUMNS)
            try:
                self._write_columns(columns, temporary)
                move(temporary, self.folder / COLUMNS)
            except OSError:
                shutil.rmtree(temporary, ignore_errors=True)
                if not self.complete:  # else another process was first
                    raise
        for path in [*self.folder.glob("block_*.npz"), *self.folder.glob(f".block_*{PART}")]:
            path.unlink(missing_ok=True)
        # From a process that was killed here, or from a slower one, which will find that the labels are complete.
        for path in self.folder.glob(f".{COLUMNS}.*{PART}"):
            shutil.rmtree(path, ignore_errors=True)

    def _write_columns(self, columns: dict[str, np.ndarray], folder: Path) -> None:
        folder.mkdir()
        for name, column in columns.items():
            np.save(folder / f"{name}.npy", column, allow_pickle=False)
        statistics = LabelStatistics.of(len(columns["checksum"]), columns["kind"], columns["confidence"])
        about = {**self._about, "statistics": statistics.scalars()}
        (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        sync_all([*folder.iterdir(), folder])

    def _block(self, block: int) -> Path:
        return self.folder / f"block_{block:05d}.npz"


def remove_old_caches(root: Path, keep: int, *, dataset: str, using: Path | None = None) -> list[Path]:
    """Remove a dataset's caches, except the `keep` newest ones and the one in use.

    Args:
        root: folder of all caches.
        keep: how many to keep, at least one.
        dataset: the dataset's fingerprint.
        using: folder of a cache that is always kept.

    Returns:
        The folders that were removed.
    """
    ours = [path for path in Path(root).glob(f"{dataset}-*-*") if path.is_dir()]
    ours.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    old = [path for path in ours[max(1, keep) :] if using is None or path.resolve() != Path(using).resolve()]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return old


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Make a folder, and turn errors of the disk into a `UserError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as fault:
        raise UserError(
            f"{folder}: pseudo-labels cannot be written ({fault.strerror or fault}), make room or choose another folder"
        ) from fault


def fill_cache(
    cache: LabelCache,
    reader: Reader,
    settings: LabelSettings,
    teacher: Teacher,
    *,
    rank: int = 0,
    world_size: int = 1,
    max_batch_pixels: int,
    loader_threads: int = 2,
    executor: Executor | None = None,
    on_progress: Callable[[LabelProgress], None] | None = None,
) -> None:
    """Label this process's share of the missing blocks; the other arguments are those of `label_blocks`.

    The processes of a run label different blocks. When all have finished, each may call `cache.finish()`.
    """
    missing = cache.missing(rank, world_size)
    labels = label_blocks(
        reader,
        [cache.images(block) for block in missing],
        settings,
        teacher,
        max_batch_pixels=max_batch_pixels,
        loader_threads=loader_threads,
        executor=executor,
        on_progress=on_progress,
    )
    for block, of_block in zip(missing, labels, strict=True):
        cache.write(block, of_block)

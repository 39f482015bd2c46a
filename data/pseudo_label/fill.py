"""One labelling pass: the blocks that a cache lacks are labelled and written, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from data.pseudo_label.cache import LabelCache
from data.pseudo_label.labeler import LabelProgress, Teacher, label_blocks
from data.pseudo_label.records import LabelSettings
from data.reader import Reader


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

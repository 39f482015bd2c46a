"""The interface of a kind of generated dataset: drawing one item, and writing the files of a shard.

The writer handles shards, processes, manifests and interruptions; an output defines the files. So sharding, resuming
and protection from incomplete files are the same code for every output.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from config.schema.generation import GenerateConfig
from data.synth.resources import Resources


@dataclass(frozen=True)
class ShardSummary:
    """The content of a finished shard, for its manifest.

    Attributes:
        annotation_sha256: hash of the annotations alone (texts and boxes, in order). It depends on the settings and on
            the versions of the libraries that lay out text, but not on the image codec.
        files: name relative to the shard -> size in bytes, of all its files.
        counts: such as {"words": 310, "characters": 1840}.
    """

    annotation_sha256: str
    files: dict[str, int]
    counts: dict[str, int] = field(default_factory=dict)


class Output(Protocol):
    """A kind of dataset. Outputs are stateless and cheap to pickle.

    Attributes:
        format: name of the format in `dataset.json`.
        unit: name of one item, singular: "scene" or "crop".
    """

    format: str
    unit: str

    def draw(self, config: GenerateConfig, resources: Resources, folder: Path, split: str, index: int) -> Any:
        """Draw item `index` of a split, in a worker process; write it if the format has one file for each item.

        The item depends only on the settings, the split and the index, not on the shard or on items drawn before.

        Args:
            config, resources: of the job.
            folder: existing folder of the shard while it is being written. If it has disappeared, the job has ended,
                and the folder must not be made again.
            split: name of the split.
            index: index of the item in its split, whatever the shard.

        Returns:
            The data of the item for `finish`; small, because they are sent to the main process.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        ...

    def finish(self, folder: Path, items: Iterable[Any]) -> ShardSummary:
        """Read the items of a shard, in order, and write the files that they share.

        It runs in the main process. The files are flushed to the disk when it returns.

        Raises:
            OSError: as for `draw`, also for a full disk that a library reports by another exception.
        """
        ...

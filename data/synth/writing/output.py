"""What a kind of generated dataset has to offer: drawing one item, and putting a shard of them on disk.

The writer knows shards, processes, manifests and interruptions; an output knows what its files look like. So every
output is sharded, resumable and safe from torn files by the same code.
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
    """What a finished shard holds, as its manifest says it.

    Attributes:
        annotation_sha256: hash of the annotations alone (texts and boxes, in order): equal for equal settings and
            versions of the libraries that lay out text, whatever the image codec's.
        files: name relative to the shard -> size in bytes, of every file that makes it whole.
        counts: such as {"words": 310, "characters": 1840}.
    """

    annotation_sha256: str
    files: dict[str, int]
    counts: dict[str, int] = field(default_factory=dict)


class Output(Protocol):
    """A kind of dataset. Outputs are stateless and cheap to pickle.

    Attributes:
        format: name of the format, as `dataset.json` gives it.
        unit: what one item is called, singular: "scene" or "crop".
    """

    format: str
    unit: str

    def draw(self, config: GenerateConfig, resources: Resources, folder: Path, split: str, index: int) -> Any:
        """Draw item `index` of a split, in a worker process; write what belongs into a file of its own.

        The item depends on the settings, the split and the index alone: not on the shard, nor on what was drawn
        before.

        Args:
            config, resources: of the job.
            folder: of the shard while it is being written. It is there; if it has gone, so has the job, and it must
                not be made again.
            split: which split's.
            index: number of the item in its split, whatever the shard.

        Returns:
            What `finish` needs of it; small, for it is sent to the main process.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        ...

    def finish(self, folder: Path, items: Iterable[Any]) -> ShardSummary:
        """Take the items of a shard in order, as they come, and write the files that they share.

        Runs in the main process. The files are flushed to the disk when it returns.

        Raises:
            OSError: as for `draw`; libraries' own exceptions for a full disk are turned into it.
        """
        ...

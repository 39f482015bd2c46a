"""A split that the generator wrote in several shards, read as one dataset.

Each shard is a SynthText folder of its own, `shard_0001_of_0008`, with its own `gt.mat` and its own index.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from data.reader import DropReport, Reader
from data.readers.concat import ConcatReader
from data.readers.limits import check_dropped, choose_samples
from data.readers.synthtext import SynthTextReader
from data.sample import TextSample
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
    """Open a folder of SynthText, or all shards of a split that was generated in several; raises as the readers do."""
    shards = find_shards(config)
    return ShardedReader(config, shards) if shards else SynthTextReader(config)


class ShardedReader(Reader):
    """Reader of all shards of a split; `samples` and `max_dropped` count over all of them.

    Args:
        config: of the dataset; its `root` holds the shards.
        shards: their folders, in order.

    Raises:
        UserError: as for `SynthTextReader`.
    """

    def __init__(self, config: SynthTextDataset, shards: list[Path]) -> None:
        whole = {"samples": -1, "max_dropped": 1.0}
        self._all = ConcatReader(
            [SynthTextReader(config.model_copy(update={"root": str(shard), **whole})) for shard in shards]
        )
        check_dropped(self.report, config.max_dropped, config.root)
        self._chosen = choose_samples(len(self._all), config.samples, config.root)

    @property
    def report(self) -> DropReport:
        """The sum of the shards' reports, whatever `samples` selects."""
        return self._all.report

    def __len__(self) -> int:
        return len(self._all) if self._chosen is None else len(self._chosen)

    def __getitem__(self, index: int) -> TextSample:
        return self._all[self._locate(index)]

    def annotation(self, index: int) -> TextSample:
        """Return the sample without its image."""
        return self._all.annotation(self._locate(index))

    def path(self, index: int) -> Path | None:
        """Return the file of a sample's image, or None if it has no separate file."""
        return self._all.path(self._locate(index))

    def fingerprint(self) -> str:
        content = f"{self._all.fingerprint()} {len(self)}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def _locate(self, index: int) -> int:
        """Return a sample's index in all shards."""
        index = self._checked(index)
        return index if self._chosen is None else int(self._chosen[index])

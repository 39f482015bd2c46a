"""A split that the generator wrote in several shards, read as one dataset.

Each shard is a SynthText folder of its own, `shard_0001_of_0008`, with its own `gt.mat` and its own index.
"""

from __future__ import annotations

from pathlib import Path

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from data.reader import Reader
from data.readers.concat import ChosenReader, ConcatReader
from data.readers.limits import check_dropped, choose_samples
from data.readers.synthtext import SynthTextReader
from data.synth.writing.shards import SHARD_NAME


def find_shards(config: SynthTextDataset) -> list[Path]:
    """Return the folders of all shards of a split in order, none where the dataset is not divided.

    Raises:
        UserError: shards are missing, or there are those of two divisions.
    """
    root = Path(config.root).expanduser()
    if config.gt is not None or not root.is_dir() or (root / "gt.mat").is_file():
        return []
    return shard_folders(root)


def shard_folders(root: Path) -> list[Path]:
    """Return the shards in a folder in order, none where it holds none; raises as `find_shards`."""
    matches = [match for path in root.iterdir() if (match := SHARD_NAME.fullmatch(path.name)) is not None]
    numbers = sorted({int(match[2]) for match in matches})
    if not numbers:
        return []
    if len(numbers) > 1:
        divisions = " and of ".join(map(str, numbers))
        raise UserError(f"{root}: holds shards of {divisions}; keep those of one division, or make the dataset anew")
    found = {int(match[1]): root / match[0] for match in matches}
    missing = [number for number in range(1, numbers[0] + 1) if number not in found]
    if missing:
        which = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        raise UserError(
            f"{root}: {len(missing)} of {numbers[0]} shards are missing (number {which}); run generate.py again, which "
            f"makes only those"
        )
    return [found[number] for number in sorted(found)]


def open_synthtext(config: SynthTextDataset) -> Reader:
    """Open a folder of SynthText, or all shards of a split that was generated in several; raises as the readers do.

    `samples` and `max_dropped` count over all shards.
    """
    shards = find_shards(config)
    if not shards:
        return SynthTextReader(config)
    whole = {"samples": -1, "max_dropped": 1.0}
    joined = ConcatReader([SynthTextReader(config.model_copy(update={"root": str(one), **whole})) for one in shards])
    check_dropped(joined.report, config.max_dropped, config.root)
    return ChosenReader(joined, choose_samples(len(joined), config.samples, config.root))

"""Dividing a dataset into shards, and the shards among independent jobs.

Shard k of S holds the items N*k//S to N*(k+1)//S - 1 of a split of N items. An item is a function of (seed, split,
index), so its shard does not change it. A split of fewer items than S has one shard for each item.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from config.errors import UserError
from config.schema.generation import GenerateConfig

_WHOLE_JOB = (1, 1)
SHARD_NAME = re.compile(r"shard_(\d+)_of_(\d+)")


@dataclass(frozen=True)
class Shard:
    """A part of a split.

    Attributes:
        split: name of the split.
        index: 0..of - 1.
        of: number of shards of the split.
        first: index of its first item in the split.
        count: number of its items.
    """

    split: str
    index: int
    of: int
    first: int
    count: int

    @property
    def name(self) -> str:
        """Path below the dataset's folder; the only shard of a split has the folder of the split."""
        return self.split if self.of == 1 else f"{self.split}/shard_{self.index + 1:04}_of_{self.of:04}"

    def place(self, root: Path) -> Path:
        """Return its folder in the dataset `root`."""
        return root / self.name


@dataclass(frozen=True)
class Plan:
    """All shards of a dataset and those of this job.

    Attributes:
        shards: of all splits, in the order of the settings.
        assigned: those that this job makes.
        of: number of shards of each split in the settings.
    """

    shards: tuple[Shard, ...]
    assigned: tuple[Shard, ...]
    of: int

    @property
    def splits(self) -> list[str]:
        """Names of the splits, in the order of the settings."""
        return list(dict.fromkeys(shard.split for shard in self.shards))


def parse_job(text: str | None) -> tuple[int, int]:
    """Return (i, n) of `--shard i/n`; without the option (1, 1), the only job.

    Raises:
        UserError: it has another form, or i is not in 1..n.
    """
    if text is None:
        return _WHOLE_JOB
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    if match is None:
        raise UserError(f"on the command line: --shard is '{text}'; write i/n, such as --shard 1/8 to --shard 8/8")
    job_number, jobs = int(match[1]), int(match[2])
    if not 1 <= job_number <= jobs:
        wanted = f"i of i/{jobs} goes from 1 to {jobs}" if jobs else "n of i/n is at least 1"
        raise UserError(f"on the command line: --shard is '{text}'; {wanted}")
    return job_number, jobs


def make_plan(config: GenerateConfig, job: tuple[int, int] = _WHOLE_JOB) -> Plan:
    """Divide the splits into shards; the shards k with k % n == i - 1 are assigned to job i of n.

    Raises:
        UserError: there are more jobs than shards.
    """
    job_number, jobs = job
    of = config.shards or jobs
    if jobs > of:
        raise UserError(
            f"--shard {job_number}/{jobs} asks for {jobs} jobs, but each split has {of} "
            f"{'shard' if of == 1 else 'shards'}: start fewer jobs, or raise `shards`, for every job alike."
        )
    shards = tuple(shard for split, count in config.splits.items() for shard in _divide(split, count, of))
    return Plan(shards, tuple(shard for shard in shards if shard.index % jobs == job_number - 1), of)


def _divide(split: str, count: int, wanted: int) -> list[Shard]:
    of = min(wanted, count)
    edges = [count * index // of for index in range(of + 1)]
    return [Shard(split, index, of, edges[index], edges[index + 1] - edges[index]) for index in range(of)]

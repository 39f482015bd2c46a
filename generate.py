"""Make scenes with boxes, or crops with labels: `python generate.py --yaml=generate_demo [--shard i/n]`."""

from __future__ import annotations

import argparse
import signal
from types import FrameType

from config.cli import parse, run
from config.errors import UserError


def main(argv: list[str]) -> None:
    """Make the dataset that the YAML describes, or this job's part of it."""
    config, arguments = parse(
        argv, "Make scenes with word and character boxes, or crops of words with labels.", "generate", _add_arguments
    )
    if arguments.preview is None and arguments.count is not None:
        raise UserError("on the command line: --count goes with --preview; `splits` says how many are made")
    if arguments.preview is not None and arguments.shard is not None:
        raise UserError("on the command line: --preview makes no shards; leave --shard out")
    if arguments.preview is not None:
        from utils.draw.preview import write_preview

        write_preview(config, arguments.preview, arguments.count)
        return
    from data.synth.writing.shards import make_plan, parse_job

    job = parse_job(arguments.shard)
    make_plan(config, job)
    signal.signal(signal.SIGTERM, _interrupt)
    # Fonts and image libraries are imported only now: a mistake is answered at once.
    from data.synth.writing.writer import write_dataset

    write_dataset(config, job)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="make one of N parts of the dataset, 1/N to N/N; the jobs need nothing in common but the output folder",
    )
    parser.add_argument("--preview", metavar="FILE.png", help="only draw the first items onto one sheet")
    parser.add_argument("--count", metavar="N", type=int, help="with --preview: how many; else 64 scenes or 200 crops")


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Take a cluster's SIGTERM as Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    run(main)

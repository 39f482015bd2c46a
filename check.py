"""Look at the data of a job, and at what it will cost, before it is trained.

python check.py --yaml NAME [--draw FILE.png] [--json FILE] [--deep] [--allow-leaks] [--no-timing] [key.sub=value ...]
python check.py --yaml NAME --pseudo-labels FILE.png [key.sub=value ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from config.cli import parse, run
from config.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that go with --yaml."""
    parser.add_argument("--draw", metavar="FILE.png", help="draw 16 samples with their boxes and training targets")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--deep", action="store_true", help="decode every image, and look for re-encoded copies")
    parser.add_argument("--allow-leaks", action="store_true", help="test images may be among the training images")
    parser.add_argument("--no-timing", action="store_true", help="do not run the network to see what it costs")
    parser.add_argument(
        "--pseudo-labels",
        metavar="FILE.png",
        help="draw words with the characters a teacher found in them, and do nothing else: the newest labels of the "
        "run, or else those that train.ckpt_path gives a few images",
    )


def main(argv: list[str]) -> None:
    """Check the data of the job that the command line names; status 2 where it is not ready to train."""
    config, options = parse(argv, __doc__, task="detection", add_arguments=add_arguments)
    if options.pseudo_labels is not None:
        _draw_pseudo_labels(config, options)
        return
    from utils.check.detection import CheckOptions, check_detection, raise_problems  # `--help` does without torch

    wanted = CheckOptions(
        deep=options.deep,
        allow_leaks=options.allow_leaks,
        timing=not options.no_timing,
        draw=options.draw,
        json=options.json,
    )
    raise_problems(check_detection(config, wanted, say=lambda text: print(text, flush=True)))


def _draw_pseudo_labels(config: Any, options: argparse.Namespace) -> None:
    others = ("draw", "json", "deep", "allow_leaks", "no_timing")
    given = next((name for name in others if getattr(options, name)), None)
    if given is not None:
        raise UserError(f"--pseudo-labels does nothing else; leave out --{given.replace('_', '-')}, or run both")
    from utils.check.pseudo_labels import draw_pseudo_labels

    print(draw_pseudo_labels(config, Path(options.pseudo_labels)))


if __name__ == "__main__":
    run(main)

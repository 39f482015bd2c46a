"""Look at the data of a job, and at what it will cost, before it is trained.

python check.py --yaml NAME [--draw FILE.png] [--json FILE] [--deep] [--allow-leaks] [--no-timing] [key.sub=value ...]
python check.py --yaml NAME --find-lr FILE.png [--find-lr-iterations N] [key.sub=value ...]
python check.py --yaml NAME --pseudo-labels FILE.png [key.sub=value ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from config.cli import parse, run
from config.errors import UserError

_ALONE = ("find_lr", "pseudo_labels")
_OTHERS = ("draw", "json", "deep", "allow_leaks", "no_timing")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that go with --yaml."""
    parser.add_argument("--draw", metavar="FILE.png", help="draw samples with their boxes and targets, or their labels")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--deep", action="store_true", help="look at every image, and for re-encoded copies of scenes")
    parser.add_argument("--allow-leaks", action="store_true", help="test images may be among the training images")
    parser.add_argument("--no-timing", action="store_true", help="do not run the network to see what it costs")
    parser.add_argument(
        "--find-lr",
        metavar="FILE.png",
        help="draw the loss against a learning rate that grows exponentially (Smith, 2017), suggest a rate, and do "
        "nothing else",
    )
    parser.add_argument("--find-lr-iterations", metavar="N", type=int, help="iterations of that test (default: 100)")
    parser.add_argument(
        "--pseudo-labels",
        metavar="FILE.png",
        help="draw words with the characters a teacher found in them, and do nothing else: the newest labels of the "
        "run, or else those that train.ckpt_path gives a few images",
    )


def main(argv: list[str]) -> None:
    """Check the data of the job that the command line names; status 2 where it is not ready to train."""
    config, options = parse(argv, __doc__, task=("detection", "recognition"), add_arguments=add_arguments)
    _check_options(options)
    if options.find_lr is not None:
        from utils.check.find_rate import find_rate  # `--help` does without torch

        print(find_rate(config, Path(options.find_lr), options.find_lr_iterations or 100))
        return
    if options.pseudo_labels is not None:
        from utils.check.jobs import draw_labels

        print(draw_labels(config, Path(options.pseudo_labels)))
        return
    from utils.check.jobs import check_job
    from utils.check.report import CheckOptions, raise_problems

    wanted = CheckOptions(
        deep=options.deep,
        allow_leaks=options.allow_leaks,
        timing=not options.no_timing,
        draw=options.draw,
        json=options.json,
    )
    raise_problems(check_job(config, wanted, say=lambda text: print(text, flush=True)))


def _check_options(options: argparse.Namespace) -> None:
    """Raise `UserError` where options do not go together."""
    alone = next((name for name in _ALONE if getattr(options, name) is not None), None)
    given = next((name for name in (*_OTHERS, *_ALONE) if name != alone and getattr(options, name)), None)
    if alone is not None and given is not None:
        exclusive, extra = (f"--{name.replace('_', '-')}" for name in (alone, given))
        raise UserError(f"{exclusive} cannot be combined with {extra}; run check.py once with each")
    if options.find_lr_iterations is not None and options.find_lr is None:
        raise UserError("--find-lr-iterations goes with --find-lr FILE.png")
    if options.find_lr_iterations is not None and options.find_lr_iterations < 1:
        raise UserError(f"--find-lr-iterations {options.find_lr_iterations}: give a number above 0")


if __name__ == "__main__":
    run(main)

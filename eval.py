"""Evaluate a detector, or score a competition's archive.

python eval.py --yaml NAME [--checkpoint PATH] [--test NAME] [--sweep] [--draw FILE.png] [key.sub=value ...]
python eval.py --submission FILE.zip --gt FILE.zip [--json OUT]
"""

from __future__ import annotations

import argparse

from config.cli import parse, run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that go with --yaml."""
    parser.add_argument("--checkpoint", metavar="PATH", help="weights; else trained_model of the YAML, else best.pth")
    parser.add_argument("--test", metavar="NAME", help="evaluate only this entry under `test`")
    parser.add_argument("--sweep", action="store_true", help="also score a grid of thresholds and show the best")
    parser.add_argument("--draw", metavar="FILE.png", help="draw up to 8 images with their detections into one picture")


def main(argv: list[str]) -> None:
    """Run the job that the command line asks for and print its scores."""
    if any(argument.split("=")[0] == "--submission" for argument in argv):
        from utils.submission_eval import evaluate_archive

        print(evaluate_archive(argv))
        return
    config, options = parse(argv, __doc__, task="detection", add_arguments=add_arguments)
    from utils.evaluation import evaluate  # here, because `--help` and `--submission` do without torch

    print(evaluate(config, checkpoint=options.checkpoint, test=options.test, draw=options.draw, sweep=options.sweep))


if __name__ == "__main__":
    run(main)

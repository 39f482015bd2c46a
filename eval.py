"""Evaluate a detector or a recogniser, or score a competition's archive.

python eval.py --yaml NAME [--checkpoint PATH] [--test NAME] [--sweep] [--draw FILE.png] [key.sub=value ...]
python eval.py --submission FILE.zip --gt FILE.zip [--protocol NAME] [--json OUT]
"""

from __future__ import annotations

import argparse

from config.cli import parse, run
from config.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that go with --yaml."""
    parser.add_argument("--checkpoint", metavar="PATH", help="weights; else trained_model of the YAML, else best.pth")
    parser.add_argument("--test", metavar="NAME", help="evaluate only this entry under `test`")
    parser.add_argument("--sweep", action="store_true", help="detection: also score a grid of thresholds")
    parser.add_argument("--draw", metavar="FILE.png", help="draw images with what was found into one picture")


def main(argv: list[str]) -> None:
    """Run the job that the command line asks for and print its scores."""
    if any(argument.split("=")[0] == "--submission" for argument in argv):
        from utils.evaluate.submission_job import evaluate_archive

        print(evaluate_archive(argv))
        return
    config, options = parse(argv, __doc__, task=("detection", "recognition"), add_arguments=add_arguments)
    if config.task == "recognition":
        if options.sweep:
            raise UserError("--sweep is for detectors: a recogniser has no thresholds")
        from utils.evaluate.recognition_job import evaluate_words

        print(evaluate_words(config, checkpoint=options.checkpoint, test=options.test, draw=options.draw))
        return
    from utils.evaluate.detection_job import evaluate  # here, because `--help` and `--submission` do without torch

    print(evaluate(config, checkpoint=options.checkpoint, test=options.test, draw=options.draw, sweep=options.sweep))


if __name__ == "__main__":
    run(main)

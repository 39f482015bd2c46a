"""The job behind `eval.py --submission`: scores a competition archive; needs no YAML and no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from config.cli import Parser
from config.errors import UserError
from metrics.detection import DEFAULT_IOU, DEFAULT_PROTOCOL
from metrics.submission import LAYOUTS, score_submission
from utils.evaluate.results import score
from utils.files import write_text

DESCRIPTION = "Score a submission, by the protocol of ICDAR 2015 task 4.1 if no other is named."


def evaluate_archive(argv: Sequence[str]) -> str:
    """Parse the options of `eval.py --submission`, score, and return the lines to print.

    Raises:
        UserError: an archive cannot be read or does not fit the other.
    """
    parser = Parser(prog="eval.py", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--submission", required=True, metavar="FILE.zip", help="res_NAME.txt for each image")
    parser.add_argument("--gt", required=True, metavar="FILE.zip", help="gt_NAME.txt for each image")
    parser.add_argument("--gt-format", choices=LAYOUTS, help="form of the lines; told from the ground truth if absent")
    parser.add_argument("--protocol", default=DEFAULT_PROTOCOL, help="how they are compared (default: %(default)s)")
    parser.add_argument(
        "--iou", type=float, default=DEFAULT_IOU, help="a match needs a greater IoU (default: %(default)s)"
    )
    parser.add_argument("--json", metavar="OUT", help="also write the score into this file")
    options = parser.parse_args(argv)
    if not 0 < options.iou < 1:
        raise UserError(f"--iou {options.iou}: give a number between 0 and 1")
    metric, layout = score_submission(
        options.submission, options.gt, protocol=options.protocol, iou=options.iou, layout=options.gt_format
    )
    counts = metric.compute()
    values = {**score(counts), "protocol": metric.name, "thresholds": metric.thresholds, "format": layout}
    if options.json:
        write_text(Path(options.json), json.dumps(values, indent=2) + "\n")
    names = ("format", "images", "gt_care", "det_care", "matched", "precision", "recall", "hmean")
    return "\n".join(f"{name:<10} {values[name]}" for name in names)

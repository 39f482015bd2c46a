"""Find words in images and read them, with a detector, a recogniser or both.

python predict.py --detector FILE.pth --recognizer FILE.pth IMAGE_OR_FOLDER [...] --output FOLDER [--draw]

With --detector alone words are found and not read; with --recognizer alone every image is one word or line.
FOLDER/predictions.jsonl gets one JSON object for each image: file, width, height and words, each of them with points,
text, confidence (of the reading) and score (of the box); without --output the lines go to stdout. An image that cannot
be read has an `error` there and is named; the others go on. Exit status 2 if none can be read.
"""

from __future__ import annotations

import argparse

from config.cli import Parser, run
from utils.predict.options import DETECTION_SETTINGS, PredictionJob


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    result.add_argument("images", nargs="*", metavar="IMAGE_OR_FOLDER", help="images, or folders of them")
    result.add_argument("--output", metavar="FOLDER", help="folder for predictions.jsonl; else stdout")
    result.add_argument("--draw", action="store_true", help="also draw every image into FOLDER/drawn")
    result.add_argument(
        "--upright",
        action=argparse.BooleanOptionalAction,
        help="turn photos as their EXIF orientation says; else as in the detector's validation, mostly not",
    )
    result.add_argument("--device", default="auto", help="auto (CUDA, else MPS, else CPU), cpu, cuda, cuda:N or mps")
    result.add_argument("--amp", choices=("bf16", "fp16", "off"), help="precision; else that of the model's run")
    found = result.add_argument_group("detector", "defaults are those of its validation, else those of eval.py")
    found.add_argument("--detector", metavar="FILE.pth", help="checkpoint of a detector, or weights alone")
    found.add_argument("--text-threshold", type=float, metavar="0..1", help="least highest region score of a word")
    found.add_argument("--low-text", type=float, metavar="0..1", help="region score above which a pixel is text")
    found.add_argument("--link-threshold", type=float, metavar="0..1", help="affinity score that joins characters")
    found.add_argument("--canvas-size", type=int, metavar="PIXELS", help="greatest longer side the network sees")
    found.add_argument("--mag-ratio", type=float, metavar="FACTOR", help="enlargement, canvas size permitting")
    found.add_argument("--poly", action="store_true", default=None, help="polygons along curved words")
    read = result.add_argument_group("recogniser", "defaults are those of its validation")
    read.add_argument("--recognizer", metavar="FILE.pth", help="checkpoint of a recogniser, or weights with --yaml")
    read.add_argument("--yaml", metavar="NAME_OR_PATH", help="its configuration, for a file of weights alone")
    read.add_argument("--decode", choices=("greedy", "beam"), help="best class of every step, or search for the text")
    read.add_argument("--lexicon", metavar="FILE", help="words that may be read, one a line")
    return result


def main(argv: list[str]) -> None:
    """Run the job that the command line asks for."""
    values = vars(parser().parse_intermixed_args(argv))
    detection = {key: value for key in DETECTION_SETTINGS if (value := values.pop(key)) is not None}
    job = PredictionJob(detection=detection, **values)
    job.check()
    from utils.predict.job import predict  # here, because `--help` and a mistake in the options do without torch

    predict(job, print)


if __name__ == "__main__":
    run(main)

"""Make scenes with word and character boxes: `python generate.py --yaml=generate_demo [key=value ...]`."""

from __future__ import annotations

from config.cli import parse, run
from data.synth.writer import write_dataset


def main(argv: list[str] | None = None) -> None:
    """Parse the command line and make the dataset it describes."""
    write_dataset(parse(argv, __doc__, task="generate"))


if __name__ == "__main__":
    run(main)

"""Make scenes with word and character boxes: `python generate.py --yaml=generate_demo`."""

from __future__ import annotations

from config.cli import parse, run


def main(argv: list[str]) -> None:
    """Make the dataset that the YAML describes."""
    config, _ = parse(argv, "Make scenes with word and character boxes, in SynthText's format.", "generate")
    # Fonts and image libraries are imported only now: a mistake in the YAML is answered at once.
    from data.synth.writer import write_dataset

    write_dataset(config)


if __name__ == "__main__":
    run(main)

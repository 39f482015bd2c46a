"""Train CRAFT from images with character boxes: `python trainSynth.py --yaml=syn_train`."""

from __future__ import annotations

from config.cli import parse, run


def main(argv: list[str]) -> None:
    """Train what the YAML describes."""

    def add_arguments(parser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--resume", action="store_true", help="continue the run from its last checkpoint")
        group.add_argument("--fresh", action="store_true", help="put an older run of this name aside and start anew")

    config, arguments = parse(argv, "Train CRAFT from images with character boxes.", "detection", add_arguments)
    # Torch is imported only now: a mistake in the YAML is answered at once.
    from utils.training import train_detector

    train_detector(config, resume=arguments.resume, fresh=arguments.fresh)


if __name__ == "__main__":
    run(main)

"""Train CRAFT from images with character boxes: `python trainSynth.py --yaml=syn_train`."""

from __future__ import annotations

from config.cli import add_run_arguments, parse, run


def main(argv: list[str]) -> None:
    """Train what the YAML describes."""
    config, arguments = parse(argv, "Train CRAFT from images with character boxes.", "detection", add_run_arguments)
    # Torch is imported only now: a mistake in the YAML is answered at once.
    from utils.train_job import train_job

    train_job(config, resume=arguments.resume, fresh=arguments.fresh)


if __name__ == "__main__":
    run(main)

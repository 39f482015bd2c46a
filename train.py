"""Train the job that a YAML describes: `python train.py --yaml=NAME`."""

from __future__ import annotations

from config.cli import add_run_arguments, parse, run
from config.loader import TRAINED


def main(argv: list[str]) -> None:
    """Train what the YAML describes."""
    config, arguments = parse(argv, "Train the job that a YAML describes.", TRAINED, add_run_arguments)
    # Torch is imported only now: a mistake in the YAML is answered at once.
    from utils.train_job import train_job

    train_job(config, resume=arguments.resume, fresh=arguments.fresh)


if __name__ == "__main__":
    run(main)

"""Train on several GPUs: `python train_distributed.py --yaml=NAME`. So far it runs one process."""

from __future__ import annotations

import os

from config.cli import run
from config.errors import UserError
from train import main as train_alone


def main(argv: list[str]) -> None:
    """Run the job of `train.py`; refuse what would need more than one process instead of training it wrongly."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError(
            "training in several processes is not available yet: start it plainly, without torchrun, on one GPU "
            "(CUDA_VISIBLE_DEVICES=0 python train.py --yaml=NAME)"
        )
    train_alone(argv)


if __name__ == "__main__":
    run(main)

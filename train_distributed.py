"""Train on several GPUs or machines: `python train_distributed.py --yaml=NAME`, or the same under torchrun.

Started plainly it starts one process for each visible GPU of this machine, or as many as `--nproc` says.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from typing import Any, NoReturn

from config.cli import EXIT_MISTAKE, add_run_arguments, parse, run
from config.errors import UserError
from config.loader import TRAINED

_LATER_S = 2.0
"""Once one process has ended, torchrun ends the others of its machine: who has nothing to say lets the others speak."""


def main(argv: list[str]) -> int:
    """Take part in a run, or start the processes of one."""
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        return take_part(argv)
    config, arguments = parsed(argv)
    import torch

    from data.cores import available_cores
    from utils.distributed.batching import samples_of_iteration
    from utils.distributed.launch import launch
    from utils.tasks.registry import look_up_names
    from utils.train_job import train_job

    gpus = torch.cuda.device_count() if config.device.startswith(("auto", "cuda")) else 0
    count = arguments.nproc or max(1, gpus)
    if 0 < gpus < count:
        raise UserError(f"--nproc {count} needs as many GPUs, and {gpus} are visible; with device=cpu none is needed")
    if count == 1:
        train_job(config, resume=arguments.resume, fresh=arguments.fresh)
        return 0
    # A mistake is said once, and not by each process.
    look_up_names(config)
    samples_of_iteration(config.train, count)
    threads = None if gpus else max(1, available_cores() // count)
    return launch([sys.executable, os.path.abspath(__file__), *argv], count, threads)


def take_part(argv: list[str]) -> int:
    """Be one of the processes that torchrun, or `launch`, has started."""
    is_main = os.environ["RANK"] == "0"
    try:
        config, arguments = parsed(argv)
    except UserError:
        if is_main:
            raise
        return EXIT_MISTAKE  # The main process says the same.

    from utils.distributed.group import PeerLost, environment, joined
    from utils.distributed.orphans import end_with_parent
    from utils.distributed.placing import process_device
    from utils.distributed.restarts import how_to_begin
    from utils.run.folder import run_folder
    from utils.train_job import train_job

    end_with_parent()
    processes = environment()
    if not processes.is_main:
        logging.getLogger().setLevel(logging.ERROR)  # What is worth saying is the same everywhere.
    device = process_device(config.device, processes)
    try:
        with joined(processes, device, config.train.timeout_s):
            resume, fresh = how_to_begin(run_folder(config), processes, resume=arguments.resume, fresh=arguments.fresh)
            train_job(config, resume=resume, fresh=fresh, processes=processes, device=device)
    except PeerLost as lost:
        if is_main or processes.local_rank == 0:
            print(f"error: process {processes.rank} stopped: {lost}", file=sys.stderr)
        else:
            time.sleep(_LATER_S)
        # Nothing is cleaned up: an exchange that the others have left would wait for them.
        end_process(1)
    if processes.world > 1:
        end_process(0)
    return 0


def end_process(status: int) -> NoReturn:
    """End this process at once, without the end of the interpreter.

    Threads of gloo outlive their group. One that is about to release the tensors of the last exchange needs Python's
    lock, and if the interpreter is ending, Python stops the thread inside C++ code, which aborts the process.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def parsed(argv: list[str]) -> tuple[Any, argparse.Namespace]:
    """Read the command line."""
    return parse(argv, "Train the job that a YAML describes on several GPUs.", TRAINED, add_arguments)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the switches of this program."""
    add_run_arguments(parser)
    parser.add_argument(
        "--nproc", type=positive, metavar="N", help="processes to start; default: one for each visible GPU"
    )


def positive(text: str) -> int:
    """Return the whole number above 0 that `text` is, for argparse."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


if __name__ == "__main__":
    run(main)

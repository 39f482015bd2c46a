"""Is a run the same run on another number of processes? Prints the losses side by side as a Markdown table.

    python -m benchmarks.processes --yaml=craft_tiny --nproc 1,2 train.global_batch_size=8 train.end_iter=20 ...

The job is run once with each number of processes of this machine, and every iteration is logged. Without
`train.sync_batchnorm=true` each process takes the statistics of its batch norms over its own samples, so that losses
differ a little; with it what is left are the roundings of sums in another order, which grow with the learning rate:
Adam divides by the gradient's own size, so that a weight whose gradient is all rounding moves as far as any other.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yaml", required=True, help="the recipe")
    parser.add_argument("--nproc", default="1,2", help="numbers of processes, with commas")
    parser.add_argument("--folder", type=Path, help="where the runs go and stay; default: a temporary folder")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value")
    arguments = parser.parse_intermixed_args()
    numbers = [int(text) for text in arguments.nproc.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        seconds = [run(arguments.yaml, arguments.overrides, folder, number) for number in numbers]
        losses = [logged(folder, number) for number in numbers]
        weights = [checkpoint(folder, number) for number in numbers]
    print(f"`{arguments.yaml} {' '.join(arguments.overrides)}`\n")
    print("| iteration | " + " | ".join(f"{number} processes" for number in numbers) + " | greatest difference |")
    print("|---|" + "---|" * (len(numbers) + 1))
    for step in sorted(losses[0]):
        values = [one[step] for one in losses]
        shown = " | ".join(f"{value:.6f}" for value in values)
        print(f"| {step} | {shown} | {max(values) - min(values):.1e} |")
    print("\nwall time: " + ", ".join(f"{one:.0f} s" for one in seconds))
    for number, other in zip(numbers[1:], weights[1:], strict=True):
        distance = max(float((weights[0][name] - value).abs().max()) for name, value in other.items())
        print(f"greatest difference of a weight, {numbers[0]} and {number} processes: {distance:.1e}")
    return 0


def run(recipe: str, overrides: list[str], folder: Path, number: int) -> float:
    """Train with a number of processes and return the seconds it took."""
    command = [sys.executable, str(ROOT / "train_distributed.py"), f"--yaml={recipe}", f"--nproc={number}", *overrides]
    command += [f"results_dir={folder}", f"name=nproc_{number}", "train.log_interval=1"]
    begun = time.perf_counter()
    # One thread each, whatever their number: more of them add up in another order.
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    return time.perf_counter() - begun


def logged(folder: Path, number: int) -> dict[int, float]:
    """Return the losses of a run by iteration."""
    lines = (folder / f"nproc_{number}/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["step"]: row["loss"] for row in rows if row["split"] == "train"}


def checkpoint(folder: Path, number: int) -> dict[str, torch.Tensor]:
    """Return the parameters that a run ended with, without the batch norms' statistics."""
    content = torch.load(folder / f"nproc_{number}/checkpoints/last.pth", weights_only=True)
    weights = content["craft"] if "craft" in content else content["model"]
    return {
        name: value.double() for name, value in weights.items() if not name.endswith(("running_mean", "running_var"))
    }


if __name__ == "__main__":
    sys.exit(main())

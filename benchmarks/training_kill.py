"""Is a run that was killed and resumed the same as one that was not? Prints a Markdown table.

    python -m benchmarks.training_kill --yaml=icdar2015_weak --kill=labelling,training train.end_iter=40 ...

The job is run once in peace, then under another name by a process group that gets SIGKILL at the moments named, one
after the other, and is resumed each time (or started, where it had not yet saved anything): `labelling`, when the first
part of the pseudo-labels is on disk and the rest is not; `training`, after a logged iteration between two saves;
`random`, anywhere. At the end all logged losses and the weights must be those of the first run, bit for bit. Exit
status 1 where they are not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
MOMENTS = ("labelling", "training", "random")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--script", default="train.py", help="the entry point")
    parser.add_argument("--yaml", required=True, help="the recipe")
    parser.add_argument("--kill", type=moments, default=list(MOMENTS), help="moments in their order, with commas")
    parser.add_argument("--folder", type=Path, help="where both runs go and stay; default: a temporary folder")
    parser.add_argument("--seed", type=int, help="of the random moments; default: another one each time")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value")
    arguments = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as temporary:
        return compare(arguments, (arguments.folder or Path(temporary)).resolve())


def moments(text: str) -> list[str]:
    unknown = [name for name in text.split(",") if name not in MOMENTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no moment '{unknown[0]}', only {', '.join(MOMENTS)}")
    return text.split(",")


def compare(arguments: argparse.Namespace, folder: Path) -> int:
    rng = random.Random(arguments.seed)
    peaceful, harried = folder / "peaceful", folder / "harried"
    if peaceful.exists() or harried.exists():
        raise SystemExit(f"{folder} holds such runs already; name another --folder")
    begun = time.perf_counter()
    if run(arguments, peaceful, lambda: False) != 0:
        return 1
    seconds = time.perf_counter() - begun
    print(f"`{arguments.yaml} {' '.join(arguments.overrides)}`: {seconds:.1f} s in peace\n")
    print("| run | ended | last iteration logged | saved iteration |\n|---|---|---|---|", flush=True)
    for number, moment in enumerate([*arguments.kill, None], start=1):
        due = kill_time(moment, harried, rng.uniform(0.0, seconds))
        status = run(arguments, harried, due)
        ended = f"SIGKILL while {moment}" if status < 0 else f"status {status}"
        print(f"| {number} | {ended} | {logged(harried)} | {saved(harried)} |", flush=True)
        if status > 0 or (moment in ("labelling", "training") and status == 0):
            print(f"the moment '{moment}' was missed", file=sys.stderr)
            return 1
    return verdict(peaceful, harried)


def kill_time(moment: str | None, folder: Path, seconds: float) -> Callable[[], bool]:
    """Return what tells that the moment has come; asked every hundredth of a second."""
    begun = time.perf_counter()
    if moment == "labelling":
        return lambda: any(folder.glob("pseudo_labels/*/block_*.npz"))
    if moment == "training":
        first = logged(folder)
        return lambda: logged(folder) > max(first, saved(folder))
    if moment == "random":
        return lambda: time.perf_counter() - begun > seconds
    return lambda: False


def run(arguments: argparse.Namespace, folder: Path, due: Callable[[], bool]) -> int:
    """Start or resume the run in `folder`; return the exit status, negative where the process group was killed."""
    command = [sys.executable, arguments.script, f"--yaml={arguments.yaml}", *arguments.overrides]
    command += [f"name={folder.name}", f"results_dir={folder.parent}"]
    if (folder / "checkpoints" / "last.pth").is_file():
        command.append("--resume")
    elif folder.exists():
        command.append("--fresh")
    with tempfile.TemporaryFile() as said:
        job = subprocess.Popen(command, cwd=ROOT, stderr=said, start_new_session=True)
        try:
            while (status := job.poll()) is None:
                if due():
                    os.killpg(job.pid, signal.SIGKILL)
                    return job.wait()
                time.sleep(0.01)
        except BaseException:
            os.killpg(job.pid, signal.SIGKILL)
            raise
        if status:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
        return status


def losses(folder: Path) -> dict[int, float]:
    """Return the logged losses by iteration."""
    found = {}
    for line in _lines(folder):
        if line["split"] == "train":
            found[line["step"]] = line["loss"]
    return found


def logged(folder: Path) -> int:
    return max(losses(folder), default=-1)


def saved(folder: Path) -> int:
    """Return the iteration of `last.pth`; -1 where there is none."""
    try:
        return json.loads((folder / "checkpoints" / "last.json").read_text(encoding="utf-8"))["step"]
    except FileNotFoundError:
        return -1


def _lines(folder: Path) -> list[dict]:
    try:
        written = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    # The last line may be on its way.
    return [json.loads(line) for line in written.split("\n")[:-1]]


def verdict(peaceful: Path, harried: Path) -> int:
    contents = [torch.load(one / "checkpoints/last.pth", weights_only=True) for one in (peaceful, harried)]
    weights = [content.get("craft") or content["model"] for content in contents]
    different = [name for name, value in weights[0].items() if not torch.equal(value, weights[1][name])]
    first, second = losses(peaceful), losses(harried)
    print("\n| iteration | loss in peace | loss when killed |\n|---|---|---|")
    for step in sorted(first.keys() | second.keys()):
        print(f"| {step} | {first.get(step)} | {second.get(step)} |")
    print(f"\nlosses equal: {first == second}; tensors that differ: {len(different)} of {len(weights[0])}")
    return int(first != second or bool(different))


if __name__ == "__main__":
    sys.exit(main())

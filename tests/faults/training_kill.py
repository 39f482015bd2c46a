"""Is a run that was killed and resumed the same as one that was not? Prints a Markdown table.

    python -m tests.faults.training_kill --yaml=icdar2015_weak --kill=labelling,training train.end_iter=40 ...
    python -m tests.faults.training_kill --script=trainSynth.py --yaml=craft_tiny --kills=30 train.end_iter=120 ...

The job is run once in peace, then under another name by a process group that gets SIGKILL at the moments named, one
after the other, and is resumed each time (or started, where it had not yet saved anything): `labelling`, when the first
part of the pseudo-labels is on disk and the rest is not; `training`, after a logged iteration between two saves;
`saving`, while a checkpoint is being written; `random`, anywhere. `--kills=N` draws N moments, spread over the run;
every second one is `saving`.

After each kill the newest checkpoint must load, and be no older than the one found after the kill before. At the end
the whole state (weights, averages, optimiser, scores), `best.pth` and all that was logged must be those of the first
run, bit for bit. Exit status 1 where they are not.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import utils.train_job  # noqa: F401 - loaded once, for all the processes forked below
from config import cli
from utils.run.checkpoint import load_newest
from utils.run.folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
MOMENTS = ("labelling", "training", "saving", "random")
MEASURED = ("images_per_s", "data_wait_percent", "peak_memory_gb")
SAVE_SECONDS = 0.03  # A kill aimed at a save comes up to so long after its first byte: in its later steps, too.


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--script", default="train.py", help="the entry point")
    parser.add_argument("--yaml", required=True, help="the recipe")
    parser.add_argument("--kill", type=moments, default=list(MOMENTS[:2]), help="moments in their order, with commas")
    parser.add_argument("--kills", type=int, help="so many kills, spread over the run, instead of --kill")
    parser.add_argument("--folder", type=Path, help="where both runs go and stay; default: a temporary folder")
    parser.add_argument("--seed", type=int, help="of the random moments; default: another one each time")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value")
    arguments = parser.parse_intermixed_args()
    logging.basicConfig(level=logging.ERROR)
    # Processes are forked from this one; threads would not come along.
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        return compare(arguments, (arguments.folder or Path(temporary)).resolve())


def moments(text: str) -> list[str]:
    unknown = [name for name in text.split(",") if name not in MOMENTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no moment '{unknown[0]}', only {', '.join(MOMENTS)}")
    return text.split(",")


@dataclass
class Tally:
    """What the kills did."""

    kills: int = 0
    in_saves: int = 0
    before_the_first: int = 0
    lost: int = 0
    newest: int = -1


def compare(arguments: argparse.Namespace, folder: Path) -> int:
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    peaceful, harried = RunFolder(folder / "peaceful"), RunFolder(folder / "harried")
    if peaceful.root.exists() or harried.root.exists():
        raise SystemExit(f"{folder} holds such runs already; name another --folder")
    begun = time.perf_counter()
    if run(arguments, peaceful, lambda: False)[0] != 0:
        return 1
    seconds, end = time.perf_counter() - begun, logged(peaceful)
    print(f"`{arguments.yaml} {' '.join(arguments.overrides)}`: {seconds:.1f} s in peace, moments of seed {seed}\n")
    print(
        "| run | ended | last iteration logged | saved iteration | unfinished files |\n|---|---|---|---|---|",
        flush=True,
    )
    tally = Tally()
    planned = arguments.kill if arguments.kills is None else drawn(arguments.kills)
    for number, moment in enumerate([*planned, None], start=1):
        share = (end - saved(harried)) / (len(planned) - number + 2)
        goal = saved(harried) + rng.uniform(0.0, 1.6 * share)
        due = kill_time(moment, harried, rng, goal, seconds / max(1, end), spread=arguments.kills is not None)
        status, job = run(arguments, harried, due)
        ended = f"SIGKILL while {moment}" if status < 0 else f"status {status}"
        mine = [part.name for part in parts(harried) if part.name.endswith(f".{job}.part")]
        left = ", ".join(sorted(name.removesuffix(f".{job}.part")[1:].rpartition(".")[0] for name in mine))
        print(f"| {number} | {ended} | {logged(harried)} | {saved(harried)} | {left} |", flush=True)
        if status > 0 or (moment not in (None, "random") and status == 0):
            print(f"the moment '{moment}' was missed", file=sys.stderr)
            return 1
        count(tally, harried, status, bool(left))
    print(
        f"\n{tally.kills} kills, {tally.in_saves} of them within a save and {tally.before_the_first} before the first; "
        f"checkpoints lost: {tally.lost}; {time.perf_counter() - begun:.0f} s in all"
    )
    return int(verdict(peaceful, harried, losses=arguments.kills is None) or tally.lost > 0)


def drawn(kills: int) -> list[str]:
    return ["random" if number % 2 else "saving" for number in range(kills)]


def count(tally: Tally, folder: RunFolder, status: int, in_save: bool) -> None:
    """Look at what a kill has left: the newest checkpoint loads, and is not older than before."""
    found = saved(folder)
    if status < 0:
        tally.kills += 1
        tally.in_saves += in_save
        tally.before_the_first += found < 0
    tally.lost += found < tally.newest
    tally.newest = max(tally.newest, found)


def kill_time(
    moment: str | None, folder: RunFolder, rng: random.Random, goal: float, period: float, *, spread: bool
) -> Callable[[], bool]:
    """Return what tells that the moment has come.

    Args:
        moment: one of `MOMENTS`, or None for never.
        folder: the run's.
        rng: draws what is left open.
        goal: for `saving` and `random`, the iteration that it is about.
        period: seconds of an iteration, about.
        spread: wait for that iteration; else, for `saving`, any will do.
    """
    first, before = logged(folder), saved(folder)
    if moment == "labelling":
        return lambda: any(folder.root.glob("pseudo_labels/*/block_*.npz"))
    if moment == "training":
        return lambda: logged(folder) > max(first, before)
    if moment == "saving":
        late = rng.choice([0.0, rng.uniform(0.0, SAVE_SECONDS)])
        # One save is let through, or a run that saves at its start would never get anywhere.
        goal = max(goal, before + 1) if spread else before + 1
        return lambda: logged(folder) >= goal and within_a_save(folder, 4 * period + 1.0, late)
    if moment == "random":
        late = rng.uniform(0.0, 2 * period)
        return lambda: (logged(folder) >= goal and not time.sleep(late)) if goal > first else not time.sleep(late)
    return lambda: False


def within_a_save(folder: RunFolder, patience: float, late: float) -> bool:
    """Wait, without sleeping, for a file that is not whole yet; then for `late` seconds."""
    deadline = time.perf_counter() + patience
    while time.perf_counter() < deadline:
        if any(parts(folder)):
            begun = time.perf_counter()
            while time.perf_counter() - begun < late:
                pass
            return True
    return False


def parts(folder: RunFolder) -> Iterator[Path]:
    try:
        return iter([Path(entry.path) for entry in os.scandir(folder.checkpoints) if entry.name.endswith(".part")])
    except FileNotFoundError:
        return iter(())


def run(arguments: argparse.Namespace, folder: RunFolder, due: Callable[[], bool]) -> tuple[int, int]:
    """Start or resume the run in `folder`; return the exit status, negative where it was killed, and the process."""
    command = [f"--yaml={arguments.yaml}", *arguments.overrides]
    command += [f"name={folder.root.name}", f"results_dir={folder.root.parent}"]
    if folder.resumable():
        command.append("--resume")
    elif folder.root.exists():
        command.append("--fresh")
    with tempfile.TemporaryFile() as said:
        job = start(Path(arguments.script).stem, command, said.fileno())
        try:
            while not (ended := os.waitpid(job, os.WNOHANG))[0]:
                if due():
                    os.killpg(job, signal.SIGKILL)
                    return os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]), job
                time.sleep(0.01)
        except BaseException:
            os.killpg(job, signal.SIGKILL)
            raise
        status = os.waitstatus_to_exitcode(ended[1])
        if status:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
        return status, job


def start(script: str, command: list[str], said: int) -> int:
    """Fork a process that does what `python SCRIPT COMMAND` does, in a group of its own; return its id.

    Starting Python and loading torch would take longer than the short runs that this is about."""
    sys.stdout.flush()
    job = os.fork()
    if job:
        os.setpgid(job, job)  # By both, so that the group is there before either goes on.
        return job
    status = 1
    try:
        os.setpgid(0, 0)
        os.chdir(ROOT)
        os.dup2(said, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = [f"{script}.py", *command]
        logging.getLogger().handlers.clear()
        cli.run(importlib.import_module(script).main)
    except SystemExit as done:
        status = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def lines(folder: RunFolder) -> list[dict]:
    """Return what was logged, without what a clock had a part in."""
    try:
        written = folder.metrics.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    # The last line may be on its way.
    found = [json.loads(line) for line in written.split("\n")[:-1]]
    return [{name: value for name, value in line.items() if name not in MEASURED} for line in found]


def logged(folder: RunFolder) -> int:
    return max((line["step"] for line in lines(folder) if line["split"] == "train"), default=-1)


def saved(folder: RunFolder) -> int:
    """Return the iteration of the newest checkpoint, which is read from end to end; -1 where there is none."""
    paths = folder.resumable()
    if not paths:
        return -1
    task = torch.load(paths[0], weights_only=True)["task"]
    return load_newest(paths[:1], task)[1]["step"]


def leaves(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Return the values of a checkpoint by their place in it, but for what tells one run from another."""
    if isinstance(tree, dict):
        items = [(key, value) for key, value in tree.items() if prefix or key not in ("config", "provenance", "rng")]
    elif isinstance(tree, (list, tuple)):
        items = list(enumerate(tree))
    else:
        return {prefix: tree}
    return {place: leaf for key, value in items for place, leaf in leaves(value, f"{prefix}/{key}").items()}


def differences(one: Path, other: Path) -> tuple[int, int]:
    """Return how many values of two checkpoints differ, and how many there are."""
    if not (one.exists() or other.exists()):
        return 0, 0
    first, second = (leaves(torch.load(path, weights_only=True)) for path in (one, other))
    different = first.keys() ^ second.keys()
    for place in first.keys() & second.keys():
        left, right = first[place], second[place]
        if not (torch.equal(left, right) if isinstance(left, torch.Tensor) else left == right):
            different.add(place)
    return len(different), len(first)


def verdict(peaceful: RunFolder, harried: RunFolder, *, losses: bool) -> bool:
    """Compare two finished runs; return whether they differ."""
    first, second = lines(peaceful), lines(harried)
    if losses:
        pairs = [{line["step"]: line["loss"] for line in run if line["split"] == "train"} for run in (first, second)]
        print("\n| iteration | loss in peace | loss when killed |\n|---|---|---|")
        for step in sorted(pairs[0].keys() | pairs[1].keys()):
            print(f"| {step} | {pairs[0].get(step)} | {pairs[1].get(step)} |")
    last, best = (differences(*(getattr(folder, name) for folder in (peaceful, harried))) for name in ("last", "best"))
    print(
        f"\nlines of the log equal: {first == second} ({len(first)}); values that differ in last.pth: {last[0]} of "
        f"{last[1]}, in best.pth: {best[0]} of {best[1]}"
    )
    return first != second or last[0] > 0 or best[0] > 0


if __name__ == "__main__":
    sys.exit(main())

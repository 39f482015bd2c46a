"""Is a generation that was killed again and again the same as one that was not? Prints a Markdown table.

    python -m tests.faults.generate_kill --yaml=generate_words --kills 3 splits.train=100000 shards=8 workers=2

The recipe is generated once in peace, then in another folder by a process group that is killed with SIGKILL at random
moments and started again. Between the kills every shard in its place has to be whole; at the end all files and all
hashes of annotations have to be those of the first folder. Exit status 1 where they are not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from data.synth.writing.manifest import SHARD, fault_of, read_manifest

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yaml", default="generate_demo", help="the recipe")
    parser.add_argument("--kills", type=int, default=3, help="how often the second generation is killed")
    parser.add_argument("--folder", type=Path, help="where both datasets go and stay; default: a temporary folder")
    parser.add_argument("--seed", type=int, help="of the random moments; default: another one each time")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value")
    arguments = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as temporary:
        return compare(arguments, arguments.folder or Path(temporary))


def compare(arguments: argparse.Namespace, folder: Path) -> int:
    rng = random.Random(arguments.seed)
    peaceful, harried = folder / "peaceful", folder / "harried"
    for one in (peaceful, harried):
        if one.exists():
            raise SystemExit(f"{one} is there already; name another --folder")
    seconds = timed(arguments, peaceful)
    wanted = manifests_of(peaceful)
    print(f"`{arguments.yaml} {' '.join(arguments.overrides)}`: {seconds:.1f} s in peace\n")
    print("| run | ended | whole shards | torn shards | folders left behind |")
    print("|---|---|---|---|---|", flush=True)
    torn = 0
    for number in range(1, arguments.kills + 2):
        # The moments lie anywhere in what is left to do, the start of the processes included.
        left = 1 - len(manifests_of(harried)) / len(wanted)
        moment = rng.uniform(0.05, 0.95) * max(seconds * left, 2.0) if number <= arguments.kills else None
        status = run(arguments, harried, moment)
        whole, faulty = survey(harried)
        torn += faulty
        ended = f"SIGKILL after {moment:.2f} s" if status < 0 and moment is not None else f"status {status}"
        hidden = sum(path.is_dir() for path in harried.glob(".*"))
        print(f"| {number} | {ended} | {whole} of {len(wanted)} | {faulty} | {hidden} |", flush=True)
        if status > 0:
            return 1
    return verdict(peaceful, harried, torn)


def run(arguments: argparse.Namespace, out: Path, kill_after: float | None) -> int:
    """Generate into `out`; return the exit status, negative where the process group was killed."""
    command = [sys.executable, "generate.py", f"--yaml={arguments.yaml}", *arguments.overrides, f"output_dir={out}"]
    with tempfile.TemporaryFile() as said:
        job = subprocess.Popen(command, cwd=ROOT, stderr=said, start_new_session=True)
        try:
            status = job.wait(kill_after)
        except subprocess.TimeoutExpired:
            os.killpg(job.pid, signal.SIGKILL)
            return job.wait()
        except BaseException:
            os.killpg(job.pid, signal.SIGKILL)
            raise
        if status:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
        return status


def timed(arguments: argparse.Namespace, out: Path) -> float:
    start = time.perf_counter()
    if run(arguments, out, None) != 0:
        raise SystemExit(1)
    return time.perf_counter() - start


def manifests_of(root: Path) -> dict[str, dict]:
    paths = [*root.glob(f"[!.]*/{SHARD}"), *root.glob(f"[!.]*/[!.]*/{SHARD}")]
    return {path.parent.relative_to(root).as_posix(): read_manifest(path) or {} for path in sorted(paths)}


def survey(root: Path) -> tuple[int, int]:
    """Return how many shards in their places are whole, and how many are not."""
    places = {path for split in root.glob("[!.]*/") for path in (list(split.glob("shard_*")) or [split])}
    faults = [fault_of(place, read_manifest(place / SHARD) or {}) for place in places]
    return faults.count(None), len(faults) - faults.count(None)


def verdict(peaceful: Path, harried: Path, torn: int) -> int:
    first, second = manifests_of(peaceful), manifests_of(harried)
    hashes = [{name: one["annotation_sha256"] for name, one in manifests.items()} for manifests in (first, second)]
    files = [contents(peaceful), contents(harried)]
    different = sorted(name for name in files[0].keys() | files[1].keys() if files[0].get(name) != files[1].get(name))
    items = sum(one["count"] for one in first.values())
    print(f"\n| {items:,} items in {len(first)} shards | in peace | killed |")
    print("|---|---|---|")
    print(f"| hash of all annotations | {short(hashes[0])} | {short(hashes[1])} |")
    print(f"| hash of all {len(files[0]):,} files | {short(files[0])} | {short(files[1])} |")
    print(f"| torn shards seen | 0 | {torn} |")
    print(f"| files that differ | 0 | {len(different)} {' '.join(different[:3])} |")
    return int(bool(different or torn or hashes[0] != hashes[1]))


def contents(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def short(value: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())

"""Claim: the SynthText index opens in under a second and costs a loader process under 100 MB.

Makes a ground truth in SynthText's own layout (no images), converts it in a process of its own, opens it in fresh
processes, and lets 4 workers read annotations in random order. Run: python benchmarks/synthtext_index.py
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from config.schema.datasets import SynthTextDataset
from data.reader import Reader
from data.readers import open_dataset

WORKERS = 4
OPENINGS = 7
OPEN_TARGET_S = 1.0
MEMORY_TARGET_MB = 100.0


def make_ground_truth(folder: Path, images: int) -> None:
    """Write `gt.mat`: 4 to 10 words of 3 to 8 letters, about 39 characters, for each image."""
    import scipy.io

    rng = np.random.default_rng(0)
    words = rng.integers(4, 11, images)
    letters = rng.integers(3, 9, int(words.sum()))
    vocabulary = [
        "".join(chr(97 + code) for code in rng.integers(0, 26, size)) for size in range(3, 9) for _ in range(99)
    ]
    chosen = (letters - 3) * 99 + rng.integers(0, 99, len(letters))
    word_ends = np.cumsum(words)
    letter_ends = np.r_[0, np.cumsum(letters)][np.r_[0, word_ends]]
    columns = {name: np.empty((1, images), object) for name in ("imnames", "wordBB", "charBB", "txt")}
    for k in range(images):
        first, last = word_ends[k] - words[k], word_ends[k]
        corner = rng.uniform(0, 400, (2, 1, int(letter_ends[k + 1] - letter_ends[k]))).astype(np.float32)
        box = np.array([[0, 9, 9, 0], [0, 0, 12, 12]], np.float32)[:, :, None]
        columns["charBB"][0, k] = corner + box
        columns["wordBB"][0, k] = (corner[:, :, : words[k]] + box) if words[k] > 1 else (corner[:, :, 0] + box[:, :, 0])
        own = [vocabulary[c] for c in chosen[first:last]]
        columns["txt"][0, k] = np.array([f"{' '.join(own[:2])} \n{' '.join(own[2:3])}", *own[3:]])
        columns["imnames"][0, k] = f"{k % 200}/picture_{k}.jpg"
    scipy.io.savemat(folder / "gt.mat", columns)


def memory_mb(path: str = "/proc/self/smaps_rollup") -> dict[str, float]:
    """Return this process's memory: resident, proportional, private, and the private part that no file backs."""
    kb = {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB", Path(path).read_text(), re.MULTILINE)}
    private = kb["Private_Clean"] + kb["Private_Dirty"]
    return {
        "rss": kb["Rss"] / 1024,
        "pss": kb["Pss"] / 1024,
        "private": private / 1024,
        "anonymous": kb["Private_Dirty"] / 1024,
    }


def peak_mb() -> float:
    """Return the greatest resident size that this process has had."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def work(reader: Reader | None, seed: int, count: int, barrier, results) -> None:
    """Read random annotations, wait until every worker has, and report this process's memory."""
    rng = np.random.default_rng(seed)
    characters = 0
    start = time.perf_counter()
    if reader is not None:
        for index in rng.integers(0, len(reader), count).tolist():
            characters += len(reader.annotation(index).char_quads)
    seconds = time.perf_counter() - start
    barrier.wait()
    results.put({**memory_mb(), "seconds": seconds, "characters": characters})
    barrier.wait()


def measure_workers(reader: Reader | None, method: str, count: int) -> dict[str, float]:
    """Return the greatest value of each figure over `WORKERS` processes that are alive at the same time."""
    context = multiprocessing.get_context(method)
    barrier, results = context.Barrier(WORKERS), context.Queue()
    processes = [context.Process(target=work, args=(reader, seed, count, barrier, results)) for seed in range(WORKERS)]
    for process in processes:
        process.start()
    rows = [results.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    return {name: max(row[name] for row in rows) for name in rows[0]}


def step(name: str, folder: Path) -> None:
    """Do one step in this process and print its figures as JSON."""
    config = SynthTextDataset(root=str(folder), index_dir=str(folder / "index"))
    start = time.perf_counter()
    if name == "loadmat":
        import scipy.io

        for variable in ("imnames", "txt", "wordBB", "charBB"):
            scipy.io.loadmat(folder / "gt.mat", variable_names=[variable])
    else:
        reader = open_dataset(config)
        opened = time.perf_counter() - start
        reader.annotation(len(reader) // 2)
        print(json.dumps({"seconds": opened, "peak": peak_mb(), "table": reader.report.table()}))
        return
    print(json.dumps({"seconds": time.perf_counter() - start, "peak": peak_mb()}))


def run_step(name: str, folder: Path, images: int) -> dict[str, float | str]:
    command = [sys.executable, __file__, "--step", name, "--folder", str(folder), "--images", str(images)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout or "{}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--reads", type=int, default=20_000, help="annotations that each worker reads")
    parser.add_argument("--loadmat", action="store_true", help="also measure scipy.io.loadmat, a variable at a time")
    parser.add_argument("--step", choices=["make", "open", "loadmat"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step == "make":
        make_ground_truth(arguments.folder, arguments.images)
        return
    if arguments.step:
        step(arguments.step, arguments.folder)
        return

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run_step("make", folder, arguments.images)
        print(f"gt.mat: {arguments.images:,} images, {(folder / 'gt.mat').stat().st_size / 1e6:,.0f} MB")
        if arguments.loadmat:
            loaded = run_step("loadmat", folder, arguments.images)
            print(f"scipy.io.loadmat for comparison: {loaded['seconds']:.1f} s, peak {loaded['peak']:,.0f} MB")
        made = run_step("open", folder, arguments.images)
        index_mb = sum(path.stat().st_size for path in (folder / "index").rglob("*.npy")) / 1e6
        print(f"conversion: {made['seconds']:.1f} s, peak {made['peak']:,.0f} MB, index {index_mb:,.0f} MB")
        print(made["table"])
        openings = [float(run_step("open", folder, arguments.images)["seconds"]) for _ in range(OPENINGS)]

        lines = [("open, best of " + str(OPENINGS), min(openings), "s", OPEN_TARGET_S)]
        lines.append(("open, median", statistics.median(openings), "s", OPEN_TARGET_S))
        reader = open_dataset(SynthTextDataset(root=str(folder), index_dir=str(folder / "index")))
        for method in ("spawn", "fork"):
            bare = measure_workers(None, method, arguments.reads)
            used = measure_workers(reader, method, arguments.reads)
            grown = {name: used[name] - bare[name] for name in ("private", "anonymous", "pss", "rss")}
            lines.append((f"{method}: private memory of a worker (USS)", grown["private"], "MB", MEMORY_TARGET_MB))
            lines.append((f"{method}:   of it not backed by the index", grown["anonymous"], "MB", MEMORY_TARGET_MB))
            lines.append((f"{method}: proportional share (PSS)", grown["pss"], "MB", None))
            lines.append((f"{method}: resident, shared pages included (RSS)", grown["rss"], "MB", None))
            lines.append((f"{method}: reading one annotation", used["seconds"] / arguments.reads * 1e6, "µs", None))
        print(f"\nworst of {WORKERS} workers, each {arguments.reads:,} random annotations, above a bare worker:")
        for name, value, unit, target in lines:
            verdict = "" if target is None else f"target < {target:g} {unit}  {'met' if value < target else 'MISSED'}"
            print(f"  {name:<50}{value:>10.3f} {unit:<3} {verdict}")


if __name__ == "__main__":
    main()

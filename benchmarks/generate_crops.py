"""Crops per second and core of the generator, and how fast LMDB takes them: `python benchmarks/generate_crops.py`.

Prints two Markdown tables. A row of the first draws and encodes crops in one process with one thread; the figure is the
median over rounds, in seconds of CPU time, after a warm-up that fills the glyph cache as a shard of some thousand crops
does. The second writes crops that are drawn already, the sync of the disk included, in seconds on the wall.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from config.loader import load_config
from data.recognition.writers.lmdb import LmdbItem
from data.synth.crop.draw import draw_crop, encode_crop
from data.synth.resources import Resources
from data.synth.writing.crops import LmdbOutput

CASES = {
    "words, 32 px": ("generate_words", []),
    "digits, 32 px": ("generate_digits", []),
    "lines of 1 to 5 words, 32 px": ("generate_lines", ["crops.height=32"]),
    "lines of 1 to 5 words, 64 px": ("generate_lines", []),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--crops", type=int, default=600, help="crops of a round")
    parser.add_argument("--warm-up", type=int, default=6000, help="crops drawn before the first round")
    parser.add_argument("--rows", type=int, default=100_000, help="crops written into one database")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    print("| crops | characters per crop | bytes per crop | crops/s per core (median) | slowest to fastest round |")
    print("|---|---|---|---|---|")
    items: list[LmdbItem] = []
    for name, (recipe, overrides) in CASES.items():
        config = load_config(recipe, overrides, "generate")
        resources = Resources.load(config)
        for index in range(arguments.warm_up):
            draw_crop(config, resources, "train", index)
        drawn: list[LmdbItem] = []
        speeds = []
        for number in range(arguments.rounds):
            first = arguments.warm_up + number * arguments.crops
            start = time.process_time()
            for index in range(first, first + arguments.crops):
                crop = draw_crop(config, resources, "train", index)
                drawn.append(LmdbItem(encode_crop(crop), crop.text))
            speeds.append(arguments.crops / (time.process_time() - start))
        characters = statistics.fmean(len(item.text) for item in drawn)
        size = statistics.fmean(len(item.image) for item in drawn)
        print(
            f"| {name} | {characters:.1f} | {size:.0f} | {statistics.median(speeds):.0f} | "
            f"{min(speeds):.0f} to {max(speeds):.0f} |"
        )
        items = items or drawn
    _time_writing(items, arguments.rows, arguments.rounds)


def _time_writing(items: list[LmdbItem], rows: int, rounds: int) -> None:
    rates, size = [], 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            summary = LmdbOutput().finish(Path(folder), (items[row % len(items)] for row in range(rows)))
            rates.append(rows / (time.perf_counter() - start))
            size = sum(summary.files.values())
    payload = sum(len(items[row % len(items)].image) for row in range(rows))
    print()
    print("| rows of one database | MB | MB of pictures in it | crops/s written (median) | slowest to fastest round |")
    print("|---|---|---|---|---|")
    print(
        f"| {rows:,} | {size / 1e6:.0f} | {payload / 1e6:.0f} | {statistics.median(rates):,.0f} | "
        f"{min(rates):,.0f} to {max(rates):,.0f} |"
    )


if __name__ == "__main__":
    main()

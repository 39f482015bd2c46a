"""Scenes per second and core of the generator: `python benchmarks/generate.py`. Prints a Markdown table.

Each row draws and encodes scenes in one process with one thread, after a warm-up that fills the glyph cache;
the figure is the median over rounds. No disk is involved.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from config.loader import load_config
from data.synth.resources import Resources
from data.synth.scene import draw_scene, encode_jpeg

LARGE = [f"layout.{side}=[768, 768]" for side in ("width", "height")]
CASES = {
    "demo recipe, 256-384 px": ("generate_demo", []),
    "demo recipe at 768 px": ("generate_demo", [*LARGE, "layout.blocks=[4, 7]"]),
    "full recipe at 768 px": ("generate_scenes", LARGE),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenes", type=int, default=40, help="scenes of a round")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    print("| scenes | characters per scene | scenes/s per core (median) | slowest to fastest round |")
    print("|---|---|---|---|")
    for name, (recipe, overrides) in CASES.items():
        config = load_config(recipe, overrides, "generate")
        resources = Resources.load(config)
        speeds, characters = [], []
        for number in range(-2, arguments.rounds):
            start = time.perf_counter()
            for index in range(arguments.scenes):
                scene = draw_scene(config, resources, "train", (number + 2) * arguments.scenes + index)
                encode_jpeg(scene)
                characters.append(len(scene.sample.char_quads))
            if number >= 0:  # the first two rounds warm the caches
                speeds.append(arguments.scenes / (time.perf_counter() - start))
        mean = statistics.fmean(characters)
        print(f"| {name} | {mean:.0f} | {statistics.median(speeds):.1f} | {min(speeds):.1f} to {max(speeds):.1f} |")


if __name__ == "__main__":
    main()

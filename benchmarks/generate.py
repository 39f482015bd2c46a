"""Scenes per second and core of the generator: `python benchmarks/generate.py`. Prints a Markdown table.

Each row draws and encodes scenes in one process with one thread, after a warm-up that fills the glyph cache;
the figure is the median over rounds. No disk is involved but for photos, with `--photos FOLDER`. Time is that of the
process (CPU time, which is wall time on an idle machine), so that others at work on the machine do not count.
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
FEW = ["layout.blocks=[2, 5]", "layout.lines=[1, 2]", "layout.words=[1, 3]"]
CASES = {
    "demo recipe, 256-384 px": ("generate_demo", []),
    "demo recipe at 768 px": ("generate_demo", [*LARGE, "layout.blocks=[4, 7]"]),
    "full recipe, 768 px": ("generate_scenes", LARGE),
    "full recipe, 768 px, about 60 characters": ("generate_scenes", [*LARGE, *FEW]),
    "the same, every block curved": ("generate_scenes", [*LARGE, *FEW, "layout.curve.probability=1"]),
}
PHOTOS = {
    "full recipe, 768 px, 3 of 4 on photos": ("generate_scenes", LARGE),
    "about 60 characters, all on photos": ("generate_scenes", [*LARGE, *FEW, "backgrounds.photo_share=1"]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenes", type=int, default=40, help="scenes of a round")
    parser.add_argument("--photos", help="folder of photos, for rows with them as backgrounds")
    arguments = parser.parse_args()
    cases = dict(CASES)
    if arguments.photos is not None:
        folder = [f"backgrounds.folder={arguments.photos}"]
        cases |= {name: (recipe, [*overrides, *folder]) for name, (recipe, overrides) in PHOTOS.items()}
    cv2.setNumThreads(1)
    print("| scenes | characters per scene | scenes/s per core (median) | slowest to fastest round |")
    print("|---|---|---|---|")
    for name, (recipe, overrides) in cases.items():
        config = load_config(recipe, overrides, "generate")
        resources = Resources.load(config)
        speeds, characters = [], []
        for number in range(-2, arguments.rounds):
            start = time.process_time()
            for index in range(arguments.scenes):
                scene = draw_scene(config, resources, "train", (number + 2) * arguments.scenes + index)
                encode_jpeg(scene)
                characters.append(len(scene.sample.char_quads))
            if number >= 0:  # the first two rounds warm the caches
                speeds.append(arguments.scenes / (time.process_time() - start))
        mean = statistics.fmean(characters)
        print(f"| {name} | {mean:.0f} | {statistics.median(speeds):.1f} | {min(speeds):.1f} to {max(speeds):.1f} |")


if __name__ == "__main__":
    main()

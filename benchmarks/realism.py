"""What each ingredient of the generator is worth on real photographs.

For each row of the table a dataset is generated with one ingredient switched off, the quarter-width CRAFT of
`craft_tiny` is trained on it alone, always in the same way, and evaluated on ICDAR 2015's training images 901-1000,
at the fixed thresholds of `icdar2015_holdout` and at the best of a sweep.

    python -m benchmarks.realism --icdar FOLDER --work FOLDER [--rows full no-photos ...]

The photo backgrounds are ICDAR 2015's training images 1-900 with every word painted over; they and everything else
stay in the work folder. Rows that are finished there are not run again, so an interrupted table goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from pathlib import Path

import cv2
import numpy as np

from config.schema.word_datasets import IcdarDataset
from data.cores import available_cores
from data.readers import open_dataset

EVERYTHING = [
    "layout.text_height=[8, 72]",
    "layout.curve.probability=0.1",
    *("look.texture=0.06", "look.emboss=0.12", "look.relief=0.5", "look.hard_shadow=0.4"),
    *("backgrounds.photo_light=0.3", "backgrounds.smooth=0.8"),
    *("camera.defocus.probability=0.2", "camera.lighting.probability=0.4", "camera.vignette.probability=0.3"),
    *("camera.cast.probability=0.4", "camera.sharpening.probability=0.3"),
    "camera.blur={probability: 0.4, strength: [0.4, 1.5]}",
    "camera.motion={probability: 0.15, strength: [2.0, 5.0]}",
    "camera.noise={probability: 0.7, strength: [1.5, 12.0]}",
    "camera.resolution={probability: 0.25, factor: [0.5, 0.9]}",
    "camera.jpeg_quality=[35, 95]",
]
"""What the generator can do and the recipe `generate_scenes` leaves out or does less of: it did not earn its place."""

OFF: dict[str, list[str]] = {
    "one font": ["fonts.folder={fonts}"],
    "no perspective": ["layout.tilt=[0, 0]", "layout.rotation=[0, 0]", "layout.curve.probability=0"],
    "no blur, noise, JPEG": [
        *(f"camera.{name}.probability=0" for name in ("blur", "defocus", "motion", "noise", "resolution")),
        "camera.jpeg_quality=[98, 98]",
    ],
    "no small text": ["layout.text_height=[20, 90]"],
    "no photos": ["backgrounds.folder=null"],
    "none of the new looks": [
        "layout.curve.probability=0",
        *(f"look.{name}=0" for name in ("texture", "emboss", "relief", "hard_shadow")),
        "look.antialias=false",
        *(f"camera.{name}.probability=0" for name in ("defocus", "lighting", "vignette", "cast", "sharpening")),
        *(f"backgrounds.{name}=0" for name in ("photo_flip", "photo_light", "smooth")),
    ],
}
ROWS: dict[str, list[str]] = {
    "before": [],  # the demo's recipe, see `_run`
    "everything": EVERYTHING,
    **{name: [*EVERYTHING, *overrides] for name, overrides in OFF.items()},
    "as shipped": [],
}
"""Name -> overrides of the recipe `generate_scenes`."""

CROP = [
    "train.data.augment.random_crop.version=random_resize_crop",
    "train.data.augment.random_crop.scale=[0.05, 0.4]",
]
"""Large scenes are not squeezed into the training square of 256 pixels: their text keeps its size, about."""


def main() -> None:
    """Run the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--icdar", required=True, type=Path, help="folder of ch4_training_images and its labels")
    parser.add_argument("--work", required=True, type=Path, help="folder for data, runs and results")
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[1111], help="seeds of data and training")
    parser.add_argument("--scenes", type=int, default=1500)
    parser.add_argument("--iterations", type=int, default=900)
    parser.add_argument("--parallel", type=int, default=1, help="rows at a time, which share the cores")
    options = parser.parse_args()
    _paint_over(options.icdar, options.work / "photos")
    _one_font(options.work / "one_font")
    jobs = [(row, seed) for seed in options.seeds for row in options.rows]
    with ThreadPoolExecutor(options.parallel) as executor:
        list(executor.map(lambda job: _run(*job, options), jobs))
    print(_table(options))


def _run(row: str, seed: int, options: argparse.Namespace) -> None:
    """Generate, train and evaluate one row, unless its result is there."""
    name = f"{row.replace(' ', '_').replace(',', '')}_{seed}"
    folder: Path = options.work / name
    if (folder / "results.json").is_file():
        return
    started = time.monotonic()
    recipe = "generate_demo" if row == "before" else "generate_scenes"
    overrides = [text.format(fonts=options.work / "one_font") for text in ROWS[row]]
    photos = [] if row in ("before", "no photos") else [f"backgrounds.folder={options.work / 'photos'}"]
    data, threads = folder / "data", max(1, available_cores() // options.parallel)
    _call(
        threads, folder / "generate.log", "generate.py", f"--yaml={recipe}", f"output_dir={data}", f"seed={seed}",
        f"splits={{train: {options.scenes}}}", f"workers={threads}", *photos, *overrides,
    )  # fmt: skip
    _call(
        threads, folder / "train.log", "trainSynth.py", "--yaml=craft_tiny", "--fresh", f"name={name}",
        f"results_dir={options.work / 'exp'}", f"train.datasets.0.root={data / 'train'}", "train.validation=none",
        f"seed={seed}", f"train.end_iter={options.iterations}", *([] if row == "before" else CROP),
    )  # fmt: skip
    _call(
        threads, folder / "eval.log", "eval.py", "--yaml=icdar2015_holdout", "--sweep", f"name={name}",
        f"results_dir={options.work / 'exp'}", f"test.icdar2015.dataset.root={options.icdar}",
        f"--checkpoint={options.work / 'exp' / name / 'checkpoints' / 'last.pth'}",
        f"--draw={folder / 'detections.png'}",
    )  # fmt: skip
    shutil.copy(options.work / "exp" / name / "eval" / "icdar2015" / "results.json", folder / "results.json")
    shutil.rmtree(data)
    print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _call(threads: int, log: Path, *arguments: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with open(log, "w", encoding="utf-8") as file:
        subprocess.run([sys.executable, *arguments], stdout=file, stderr=file, env=environment, check=True)


def _table(options: argparse.Namespace) -> str:
    lines = [
        "| scenes | precision | recall | F1 | best F1 of the sweep | its thresholds |",
        "|---|---|---|---|---|---|",
    ]
    for row in options.rows:
        for seed in options.seeds:
            path = options.work / f"{row.replace(' ', '_').replace(',', '')}_{seed}" / "results.json"
            values = json.loads(path.read_text(encoding="utf-8"))
            best = values["sweep"]["best"]
            lines.append(
                f"| {row} (seed {seed}) | {values['precision']:.3f} | {values['recall']:.3f} | {values['hmean']:.3f} | "
                f"{best['hmean']:.3f} | text {best['text_threshold']:g}, low {best['low_text']:g} |"
            )
    return "\n".join(lines)


def _paint_over(icdar: Path, folder: Path) -> None:
    """Write the photographs 1-900 with all words, "don't care" ones too, replaced by what surrounds them."""
    if folder.is_dir():
        return
    reader = open_dataset(
        IcdarDataset(
            root=str(icdar),
            images="ch4_training_images",
            labels="ch4_training_localization_transcription_gt",
            select="1-900",
        )
    )
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for index in range(len(reader)):
        sample = reader[index]
        # At half the size: a hole is filled with smooth colour anyway, in a quarter of the time.
        small = cv2.resize(sample.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        mask = np.zeros(small.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.rint(quad / 2).astype(np.int32) for quad in sample.word_quads], 255)
        mask = cv2.dilate(mask, np.ones((5, 5), np.uint8))
        filled = cv2.inpaint(small, mask, 3, cv2.INPAINT_TELEA)
        size = (sample.image.shape[1], sample.image.shape[0])
        wide = cv2.resize(mask, size)[:, :, None] > 0
        image = np.where(wide, cv2.resize(filled, size), sample.image)
        cv2.imwrite(str(partial / f"{index:04}.jpg"), image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    os.replace(partial, folder)


def _one_font(folder: Path) -> None:
    """Copy the upright file of one sans family."""
    if folder.is_dir():
        return
    package = next(point for point in entry_points(group="fontpkg.family") if point.name == "open_sans").load()
    files = sorted((Path(package.__file__).parent / "files").glob("*.ttf"))
    upright = next(path for path in files if "italic" not in path.name.lower())
    folder.mkdir(parents=True)
    shutil.copy(upright, folder)


if __name__ == "__main__":
    main()

"""How good pseudo-labels are, where the true characters are known.

python -m benchmarks.pseudo_label_quality --weights exp/craft_tiny/checkpoints/best.pth --width 0.25 --iiit5k PATH
python -m benchmarks.pseudo_label_quality --weights W --width 0.25 --crop-height 64 96 --crop-margin 0.5 1

Two sets of words: the training words of IIIT5K with `trainCharBound.mat` (real photographs; a word's box is the one
around its characters), if its folder is given, and words of generated scenes, whose truth is exact. For every true
character the IoU with the pseudo-label that is assigned to it (one to one, best total) counts, 0 where there is none.
The last line splits every word equally: what labels without a teacher are worth.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.io import loadmat
from scipy.optimize import linear_sum_assignment

from config.schema.datasets import GeneratedDataset
from config.schema.detection import DetectionConfig
from config.schema.model import DetectorModel
from data.pseudo_label.labeler import Teacher, label_blocks
from data.pseudo_label.records import ImageLabels, LabelSettings, LabelStatistics, join_labels
from data.reader import DropReport
from data.readers import open_dataset
from data.readers.images import read_image
from data.sample import TextSample
from utils.device import resolve_amp, resolve_device
from utils.run.checkpoint import load_detector
from utils.tasks.teacher import DetectorTeacher, batch_pixels

COLUMNS = f"{'height':>7}{'margin':>8}{'fg':>6}{'bg':>6}{'keep':>6}"


class Bare:
    """Samples in memory, without their characters: the labelling leaves words alone that have some."""

    def __init__(self, samples: list[TextSample]) -> None:
        self.samples, self.report = samples, DropReport()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> TextSample:
        return replace(self.samples[index], char_quads=np.zeros((0, 4, 2), np.float32), char_words=np.zeros(0, int))

    annotation = __getitem__

    def fingerprint(self) -> str:
        return "benchmark"


def iiit5k(folder: Path, count: int) -> list[TextSample]:
    """Read words evenly spread over IIIT5K's training set; boxes are x, y, width, height, counted from 1."""
    entries = loadmat(str(folder / "trainCharBound.mat"), squeeze_me=True)["trainCharBound"]
    samples = []
    for place in np.linspace(0, len(entries) - 1, min(count, len(entries))).astype(int):
        name, text, boxes = (entries[place][key] for key in ("ImgName", "chars", "charBB"))
        left, top, width, height = np.atleast_2d(np.asarray(boxes, np.float32)).T
        left, top = left - 1.5, top - 1.5
        right, bottom = left + width, top + height
        quads = corners(left, top, right, bottom)
        word = corners(*(edge[None] for edge in (left.min(), top.min(), right.max(), bottom.max())))
        image = read_image(folder.resolve(), str(name), str(name))
        owners = np.zeros(len(quads), np.int64)
        samples.append(TextSample(str(name), image, [str(text)], word, np.zeros(1, bool), quads, owners))
    return samples


def corners(left: np.ndarray, top: np.ndarray, right: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    x, y = np.stack([left, right, right, left], axis=1), np.stack([top, top, bottom, bottom], axis=1)
    return np.stack([x, y], axis=2).astype(np.float32)


def generated(recipe: str, split: str, count: int) -> list[TextSample]:
    """Draw scenes until they hold `count` words."""
    reader = open_dataset(GeneratedDataset(recipe=recipe, split=split))
    samples, words = [], 0
    for index in range(len(reader)):
        samples.append(reader[index])
        words += len(samples[-1].words)
        if words >= count:
            break
    return samples


def character_ious(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return the IoU of each true quad with the one assigned to it; float [T]."""
    table = np.zeros((len(truth), len(found)))
    areas = [[cv2.contourArea(quad) for quad in quads] for quads in (truth, found)]
    for row, column in itertools.product(range(len(truth)), range(len(found))):
        shared = cv2.intersectConvexConvex(truth[row], found[column])[0]
        union = areas[0][row] + areas[1][column] - shared
        table[row, column] = shared / union if union > 0 else 0.0
    ious = np.zeros(len(truth))
    rows, columns = linear_sum_assignment(-table)
    ious[rows] = table[rows, columns]
    return ious


def score(samples: list[TextSample], labels: Iterable[ImageLabels]) -> tuple[float, float, LabelStatistics]:
    """Return the mean IoU, the share of words with the right number of characters found, and the statistics."""
    labels = list(labels)
    ious, right, total = [], 0, 0
    for sample, own in zip(samples, labels, strict=True):
        for word in np.flatnonzero(own.found >= 0):
            truth = sample.char_quads[sample.char_words == word]
            ious.append(character_ious(truth, own.char_quads[own.char_words == word]))
            right += int(own.found[word] == len(truth))
            total += 1
    columns = join_labels(labels)
    statistics = LabelStatistics.of(len(labels), columns["kind"], columns["confidence"])
    return float(np.concatenate(ious).mean()), right / max(total, 1), statistics


def blind(batch: np.ndarray) -> np.ndarray:
    """Find nothing, so that every word is split equally."""
    return np.zeros((len(batch), batch.shape[2] // 2, batch.shape[3] // 2, 2), np.float32)


def described(settings: LabelSettings) -> str:
    """Return the columns of the table that name the settings."""
    levels = (settings.sure_fg_th, settings.sure_bg_th, settings.keep_above)
    return f"{settings.crop_height:>7}{settings.crop_margin:>8.2f}" + "".join(f"{level:>6.2f}" for level in levels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, help="checkpoint of a detector")
    parser.add_argument("--width", type=float, default=1.0, help="its model.width")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--amp", default="off", choices=["off", "bf16", "fp16"])
    parser.add_argument("--iiit5k", type=Path, help="folder that holds train/ and trainCharBound.mat")
    parser.add_argument("--recipe", default="generate_scenes", help="recipe of the generated scenes")
    parser.add_argument("--split", default="test")
    parser.add_argument("--words", type=int, default=400, help="words of each set")
    parser.add_argument("--crop-height", type=int, nargs="+", default=[128])
    parser.add_argument("--crop-margin", type=float, nargs="+", default=[0.5])
    parser.add_argument("--sure-fg-th", type=float, nargs="+", default=[0.75])
    parser.add_argument("--sure-bg-th", type=float, nargs="+", default=[0.05])
    parser.add_argument("--keep-above", type=float, nargs="+", default=[0.5])
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    config = DetectionConfig(model=DetectorModel(width=arguments.width, backbone_weights="none"))
    model, preprocess = load_detector(arguments.weights, config, device)
    amp = resolve_amp(arguments.amp, device)
    teacher: Teacher = DetectorTeacher(model, device, amp)
    torch.set_grad_enabled(False)

    sets = {f"generated ({arguments.recipe})": generated(arguments.recipe, arguments.split, arguments.words)}
    if arguments.iiit5k is not None:
        sets["IIIT5K train"] = iiit5k(arguments.iiit5k, arguments.words)
    grid = itertools.product(
        arguments.crop_height,
        arguments.crop_margin,
        arguments.sure_fg_th,
        arguments.sure_bg_th,
        arguments.keep_above,
    )
    grid = [LabelSettings(*values, preprocess, amp) for values in grid]
    for name, samples in sets.items():
        print(f"{name}: {sum(len(sample.words) for sample in samples)} words, {len(samples)} images")
        print(f"{COLUMNS}{'mean IoU':>10}{'right count':>13}{'confidence':>12}{'split':>8}")
        for settings, chosen in [*((one, teacher) for one in grid), (LabelSettings(32, 0.0), blind)]:
            blocks = [range(len(samples))]
            labels = label_blocks(Bare(samples), blocks, settings, chosen, max_batch_pixels=batch_pixels(device))
            iou, right, statistics = score(samples, next(labels))
            shares = f"{right:>13.1%}{statistics.mean_confidence:>12.3f}{statistics.split_share:>8.1%}"
            print(
                f"{described(settings) if chosen is teacher else ' split equally':<{len(COLUMNS)}}{iou:>10.3f}{shares}"
            )


if __name__ == "__main__":
    main()

"""Speed of the labelling pass against one forward pass for each word, on the same words with the same weights.

python -m benchmarks.labelling --images 20
python -m benchmarks.labelling --images 900 --root icdar2015 --device cuda --amp bf16 --model-width 1.0
python -m benchmarks.labelling --model-width 0.25 --weights exp/craft_tiny/checkpoints/best.pth

`--root` is a folder in ICDAR 2015's form (training set); without it, generated scenes. Without `--weights` the network
is random and characters are painted into its scores, so that the watershed has its usual work. Each repetition runs
both ways one after the other; times are the best of the repetitions. The last columns tell in how many words the two
find another number of characters, and by how many pixels at most the boxes of all others differ.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import torch

from config.schema.datasets import GeneratedDataset
from config.schema.detection import DetectionConfig
from config.schema.model import DetectorModel
from config.schema.word_datasets import IcdarDataset
from data.preprocess import Preprocess
from data.pseudo_label.labeler import Teacher, label_blocks
from data.pseudo_label.records import ImageLabels, LabelSettings
from data.pseudo_label.watershed import find_characters
from data.pseudo_label.words import cut_image, label_image, network_input, word_map
from data.reader import DropReport, Reader
from data.readers import open_dataset
from model.craft import Craft
from utils.device import effective_amp, memory_format, resolve_device
from utils.run.checkpoint import load_detector
from utils.tasks.teacher import DetectorTeacher, batch_pixels, watershed_executor

BLOCK = 56
"""Images of a block: what `LabelCache` makes of 900."""


class InMemory:
    """Generated scenes, drawn before the clock runs, without the characters that the labelling is to find."""

    def __init__(self, samples: list[Any]) -> None:
        self._samples, self.report = samples, DropReport()

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Any:
        none = {"char_quads": np.zeros((0, 4, 2), np.float32), "char_words": np.zeros(0, np.int64)}
        return replace(self._samples[index], **none)

    annotation = __getitem__

    def fingerprint(self) -> str:
        return "benchmark"


class Painted:
    """Adds a character for every 0.6 heights of the crop to what a teacher says."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        scores = self._teacher(batch)
        height, width = scores.shape[1:3]
        y, x = np.mgrid[:height, :width]
        pitch = 0.6 * height
        off = (x % pitch - pitch / 2) ** 2 + (y - height / 2) ** 2
        scores[..., 0] += np.exp(-off / (2 * (0.18 * height) ** 2)).astype(np.float32)
        return scores


def best_seconds(passes: list[Callable[[], Any]], repeat: int) -> tuple[list[float], list[Any]]:
    """Return the shortest time of each pass, all of them run in turn, and what each returned last."""
    seconds, results = [float("inf")] * len(passes), [None] * len(passes)
    for _ in range(repeat):
        for number, function in enumerate(passes):
            begun = time.perf_counter()
            results[number] = function()
            seconds[number] = min(seconds[number], time.perf_counter() - begun)
    return seconds, results


def differences(first: list[ImageLabels], second: list[ImageLabels]) -> tuple[int, float]:
    """Return in how many words the number found differs, and the greatest distance of corners in the others, pixels."""
    other, greatest = 0, 0.0
    for one, two in zip(first, second, strict=True):
        other += int((one.found != two.found).sum())
        for word in np.flatnonzero((one.found == two.found) & (one.found >= 0)):
            gaps = one.char_quads[one.char_words == word] - two.char_quads[two.char_words == word]
            greatest = max(greatest, float(np.abs(gaps).max(initial=0)))
    return other, greatest


def label_one_by_one(
    reader: Reader, indices: Iterable[int], settings: LabelSettings, teacher: Teacher
) -> Iterator[ImageLabels]:
    """Label images with one forward pass for each word: what `label_blocks` must agree with, and is faster than."""
    for index in indices:
        cut = cut_image(reader, index, settings)
        found = []
        for crop in cut.crops:
            region = teacher(network_input([crop], settings))[0, ..., 0]
            found.append(
                find_characters(
                    word_map(region, crop),
                    sure_fg_th=settings.sure_fg_th,
                    sure_bg_th=settings.sure_bg_th,
                    vertical=crop.vertical,
                )
            )
        yield label_image(cut, found, settings.keep_above)


def compare(reader: Reader, teacher: Teacher, settings: LabelSettings, device: torch.device, arguments: Any) -> str:
    """Run both ways on the same words and return a line of the table."""
    count = len(reader)
    blocks = [range(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]
    options = {"max_batch_pixels": arguments.batch_pixels or batch_pixels(device), "loader_threads": arguments.threads}
    with watershed_executor(device) as executor:

        def batched() -> list[ImageLabels]:
            return list(
                chain.from_iterable(label_blocks(reader, blocks, settings, teacher, executor=executor, **options))
            )

        def one_by_one() -> list[ImageLabels]:
            return list(label_one_by_one(reader, range(count), settings, teacher))

        list(label_blocks(reader, [range(min(4, count))], settings, teacher, executor=executor, **options))
        list(label_one_by_one(reader, range(min(2, count)), settings, teacher))
        (fast, slow), (labels, plain) = best_seconds([batched, one_by_one], arguments.repeat)
    words = sum(int((one.found >= 0).sum()) for one in labels)
    other, greatest = differences(labels, plain)
    return f"{words:>7}{words / fast:>12.1f}{words / slow:>12.1f}{slow / fast:>7.2f}x{other:>10}{greatest:>9.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", help="folder of ICDAR 2015's training set")
    parser.add_argument("--recipe", default="generate_scenes", help="recipe of the scenes, where there is no --root")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--amp", default="off", choices=["off", "bf16", "fp16"])
    parser.add_argument("--model-width", type=float, nargs="+", default=[0.25, 1.0])
    parser.add_argument("--weights", help="checkpoint of the one --model-width given")
    parser.add_argument("--crop-height", type=int, default=128)
    parser.add_argument("--crop-margin", type=float, default=0.5)
    parser.add_argument("--batch-pixels", type=int, default=0, help="0 takes that of training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=2)
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    amp = effective_amp(arguments.amp, device)[0]
    if arguments.root is None:
        reader = open_dataset(GeneratedDataset(recipe=arguments.recipe, split="test", samples=arguments.images))
        reader = InMemory([reader[index] for index in range(len(reader))])
    else:
        places = {"images": "ch4_training_images", "labels": "ch4_training_localization_transcription_gt"}
        reader = open_dataset(IcdarDataset(root=arguments.root, **places, select=f"1-{arguments.images}"))
    print(f"{len(reader)} images, {device}, amp {amp}, crops {arguments.crop_height} high, best of {arguments.repeat}")
    print(f"{'width':>6}{'words':>7}{'batched w/s':>12}{'single w/s':>12}{'ratio':>8}{'other n':>10}{'pixels':>9}")
    for width in arguments.model_width:
        torch.manual_seed(0)
        preprocess = Preprocess()
        if arguments.weights is None:
            model = Craft(width).to(device, memory_format=memory_format(device)).eval()
        else:
            config = DetectionConfig(model=DetectorModel(width=width, backbone_weights="none"))
            model, preprocess = load_detector(arguments.weights, config, device)
        teacher: Teacher = DetectorTeacher(model, device, amp)
        if arguments.weights is None:
            teacher = Painted(teacher)
        settings = LabelSettings(arguments.crop_height, arguments.crop_margin, preprocess=preprocess, amp=amp)
        print(f"{width:>6}" + compare(reader, teacher, settings, device, arguments))


if __name__ == "__main__":
    main()

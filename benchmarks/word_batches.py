"""Words per second of a training step by how batches are padded, and of reading an LMDB: one Markdown table.

python -m benchmarks.word_batches --words /data/iiit5k/train.tags
python -m benchmarks.word_batches --words /data/my_lmdb --batch 192 --device cuda

A step is forward, CTC, backward and optimiser of `vgg_bilstm_ctc` at EasyOCR's second-generation settings, in the
precision that is the default on the device; batches are made beforehand. The words of some batches of the training set
in its default order, spread evenly over their widths, are trained on in three ways in turns: in these batches, at
random in batches padded to the longest, and padded to 600 pixels, as EasyOCR's trainer does. A figure is the median
over rounds, without a first one, a ratio the median of theirs. A reading is done by one thread: value from the
database, decoded, fitted.

WORDS is an LMDB, a folder with labels.csv or gt.txt, or a label file of the latter's form; without it words are drawn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from config.errors import UserError
from config.schema.conversion import ConvertConfig
from config.schema.recognition import RecognitionConfig
from config.schema.word_data import WordData
from data.recognition.alphabet import Alphabet
from data.recognition.alphabet_filter import LabelRule, filter_words
from data.recognition.convert import convert
from data.recognition.preprocess import WordPreprocess
from data.recognition.readers import open_words
from data.recognition.readers.forwarded import ChosenWords
from data.recognition.sample import WordReader
from data.recognition.training_set import WordCollate, WordTrainingSet
from data.recognition.widths import bucket_widths, picture_sizes
from loss.ctc import CTCLoss
from model.registry import build_recognizer
from utils.device import Amp, autocast, effective_amp, memory_format, resolve_device
from utils.engine.optimizer import descend, make_optimizer

READ = 2000
"""Words of a round of reading."""

Batch = dict[str, Any]


def open_lmdb(words: Path | None, folder: Path) -> WordReader:
    """Return the words out of a database: their own, or one made of them in `folder`."""
    if words is None:
        source: dict[str, Any] = {"format": "generated", "recipe": "generate_words", "split": "train", "size": 2000}
    elif not words.is_dir() and words.suffix != ".mdb":
        source = {"format": "gt_txt", "root": str(words.parent), "labels": words.name}
    else:
        form = next((form for form in ("labels_csv", "gt_txt") if (words / form.replace("_", ".")).is_file()), "lmdb")
        source = {"format": form, "root": str(words)}
    if source["format"] != "lmdb":
        job = ConvertConfig(datasets=[{**source, "max_dropped": 1.0}], output_dir=str(folder / "lmdb"), max_dropped=1.0)
        convert(job)
        source = {"format": "lmdb", "root": str(folder / "lmdb")}
    config = ConvertConfig(datasets=[{**source, "max_dropped": 1.0}])
    return open_words(config.datasets[0])


def cases(reader: WordReader, config: RecognitionConfig, batch: int, steps: int) -> dict[str, list[Batch]]:
    """Return the same words in batches as they are made by default, at random, and padded as EasyOCR does."""
    alphabet, own = Alphabet(config.characters), WordData(height=32)

    def batches(data: WordData, positions: np.ndarray, kept: np.ndarray | None, widths: Any = None) -> list[Batch]:
        chosen = reader if kept is None else ChosenWords(reader, kept)
        dataset = WordTrainingSet(chosen, alphabet, data, config.seed, batch=batch, widths=widths)
        collate = WordCollate(dataset.preprocess)
        return [collate([dataset[int(position)] for position in group]) for group in positions.reshape(-1, batch)]

    widths = bucket_widths(reader, WordPreprocess.of(own))
    dataset = WordTrainingSet(reader, alphabet, own, config.seed, batch=batch, widths=widths)
    count = min(len(reader) // batch, own.bucket_batches or 1)
    positions = np.arange(count * batch).reshape(count, batch)
    longest = [max(widths[dataset.index(int(position))] for position in group) for group in positions]
    spread = np.argsort(longest, kind="stable")[((np.arange(steps) + 0.5) * count / steps).astype(int)]
    chosen = positions[spread]
    kept = np.array([dataset.index(int(position)) for position in chosen.ravel()])
    again = np.arange(steps * batch)
    return {
        "width buckets, the default": batches(own, chosen, None, widths),
        "at random, padded to the longest": batches(own, again, kept),
        "all padded to 600 pixels": batches(own.model_copy(update={"pad_to": 600}), again, kept),
    }


def widths_without_padding(reader: WordReader, batches: list[Batch], preprocess: WordPreprocess) -> int:
    """Return the widths of the pictures of some batches, before anything is padded, added up."""
    wanted = {name for batch in batches for name in batch["sample_id"]}
    height, width = picture_sizes(reader)[[reader.name(k) in wanted for k in range(len(reader))]].T.astype(np.int64)
    return int(preprocess.resized_width(height, width).sum())


def padding(batches: list[Batch], real: int) -> float:
    """Return the share of the pixels that is padding; `real` is the width of all pictures without any."""
    return 1 - real / sum(batch["image"].shape[0] * batch["image"].shape[2] for batch in batches)


class Step:
    """A network and its optimiser, as a training run has them."""

    def __init__(self, config: RecognitionConfig, device: torch.device, amp: Amp) -> None:
        torch.manual_seed(0)
        self.network = build_recognizer(config.model, Alphabet(config.characters).classes)
        self.network = self.network.to(device, memory_format=memory_format(device)).train()
        self.optimizer = make_optimizer(self.network.parameters(), config.train)
        self.scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")
        self.criterion, self.clip = CTCLoss(), config.train.grad_clip
        self.preprocess = WordPreprocess.of(WordData(height=32))
        self.device, self.amp = device, amp

    def seconds(self, batches: list[Batch]) -> float:
        """Return how long it takes to train on some batches."""
        begun = time.perf_counter()
        for batch in batches:
            lengths = torch.as_tensor(self.network.output_length(torch.as_tensor(batch["widths"])))
            with autocast(self.device, self.amp):
                images = self.preprocess.normalise_batch(batch["image"].to(self.device))
                images = images.contiguous(memory_format=memory_format(self.device))
                logits = self.network(images, lengths)
                parts = self.criterion(logits, lengths, batch["targets"], batch["target_lengths"])
            self.optimizer.zero_grad()
            self.scaler.scale(parts.loss).backward()
            descend(self.network, self.optimizer, self.scaler, self.clip)
        parts.loss.item()  # waits for the device
        return time.perf_counter() - begun


def reading_seconds(reader: WordReader, preprocess: WordPreprocess) -> float:
    """Return the CPU seconds of one thread to read `READ` words as a loader process does, without augmentation."""
    begun = time.thread_time()
    for index in range(READ):
        preprocess.fit(reader[index * 7919 % len(reader)].image)
    return time.thread_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=Path, help="LMDB, folder with labels.csv or gt.txt, or label file")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=12, help="batches of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    cv2.setNumThreads(0)
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(arguments, Path(folder))
    except UserError as mistake:
        parser.error(str(mistake))


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    """Do all the work in turns, and print the table."""
    config = RecognitionConfig()
    device = resolve_device(arguments.device)
    amp, _ = effective_amp(config.amp, device)
    rule = LabelRule(Alphabet(config.characters), config.case, config.unknown, config.max_length)
    reader = filter_words(open_lmdb(arguments.words, folder), rule, "words", max_dropped=1.0)
    words = arguments.steps * arguments.batch
    if len(reader) < words:
        raise UserError(f"{len(reader)} words are too few for {arguments.steps} batches of {arguments.batch}")
    made = cases(reader, config, arguments.batch, arguments.steps)
    step, preprocess = Step(config, device, amp), WordPreprocess.of(WordData(height=32))
    measured: dict[str, list[float]] = {name: [] for name in (*made, "reading")}
    for number in range(arguments.rounds + 1):
        for name, batches in made.items():
            # The first round warms up and is not counted: some batches of it are enough.
            seconds = step.seconds(batches if number else batches[:: max(1, len(batches) // 3)])
            measured[name] += [seconds] if number else []
        seconds = reading_seconds(reader, preprocess)
        measured["reading"] += [seconds] if number else []
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    print(f"{words} words in batches of {arguments.batch}, height 32, {device}{threads}, amp {amp}\n")
    print("| batches | padding | ms a step | words/s | slowest to fastest round | against 600 pixels |")
    print("|---|---|---|---|---|---|")
    real = widths_without_padding(reader, next(iter(made.values())), preprocess)
    base = [words / seconds for seconds in measured["all padded to 600 pixels"]]
    for name, batches in made.items():
        report(name, f"{padding(batches, real):.1%}", measured[name], words, base, steps=len(batches))
    report("reading the LMDB, a core", "", measured["reading"], READ, base)


def report(name: str, padded: str, seconds: list[float], words: int, base: list[float], steps: int = 0) -> None:
    """Print a row; the ratio is taken within each round, for a round has one weather."""
    middle = words / statistics.median(seconds)
    step = f"{1000 * words / middle / steps:,.0f}" if steps else ""
    spread = f"{words / max(seconds):,.0f} to {words / min(seconds):,.0f}"
    ratio = statistics.median(words / one / other for one, other in zip(seconds, base, strict=True))
    print(f"| {name} | {padded} | {step} | {middle:,.0f} | {spread} | {ratio:.2f}x |")


if __name__ == "__main__":
    main()

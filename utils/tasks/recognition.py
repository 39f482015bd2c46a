"""Training a recogniser as a training task; see `utils.engine.task.Task`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from config.errors import UserError, nearest
from config.schema.recognition import RecognitionConfig, RecognitionTest
from config.schema.word_crops import WordCrops
from data.order import MixedTrainingSet
from data.recognition.alphabet import Alphabet
from data.recognition.alphabet_filter import LabelRule, filter_words
from data.recognition.label_room import labels_without_room
from data.recognition.preprocess import WordPreprocess
from data.recognition.readers import open_words
from data.recognition.readers.forwarded import ChosenWords, JoinedWords
from data.recognition.sample import WordReader
from data.recognition.shares import batch_counts, used_samples
from data.recognition.training_set import WordCollate, WordTrainingSet, widest_batch
from data.recognition.widths import bucket_widths, picture_sizes, squeezed
from model.recognizer import Recognizer
from model.registry import build_recognizer
from utils.decode.words import WordDecoding, make_head
from utils.device import Amp, memory_format
from utils.distributed.batching import samples_of_iteration
from utils.distributed.processes import ALONE, Processes
from utils.draw.readings import draw_readings
from utils.engine.task import Evaluation, Task
from utils.evaluate.recognizer import RecognitionResult, WordReading, evaluate_recognizer
from utils.weights.freezing import freeze
from utils.weights.recognizer import load_initial_weights

log = logging.getLogger(__name__)

PICTURES = 16


class RecognitionTask(Task):
    """Training a recogniser on pictures of words and their labels, with the loss and the decoder of its head.

    Args:
        config: the whole job.
        device: where the network runs.
        amp: precision in use there.
        readers: datasets that are open already, by their place in the configuration.
        initial_weights: load what `train.ckpt_path` names; a resumed run has its own.
        processes: those of the run.

    Raises:
        UserError: data or weights are missing or do not fit, or too many labels cannot be learnt.
    """

    weights_key = "model"
    size_setting = "train.data.max_width"
    unit = "words"

    def __init__(
        self,
        config: RecognitionConfig,
        device: torch.device,
        amp: Amp,
        *,
        readers: Mapping[str, WordReader] | None = None,
        initial_weights: bool = True,
        processes: Processes = ALONE,
    ) -> None:
        self._processes = processes
        self._config, self.device, self.amp = config, device, amp
        self.readers = dict(readers or {})
        self.window = config.train.data.bucket_batches
        self.alphabet = Alphabet(config.characters)
        self.preprocess = WordPreprocess.of(config.train.data)
        # First, because it is quick, like opening the dataset of the evaluation.
        self._head = make_head(config.model, self.alphabet)
        self._rule = LabelRule(self.alphabet, config.case, config.unknown, config.max_length)
        self._test_name, self._test, self._test_reader = self._validation(config)
        self._decoding = WordDecoding(self._head)
        if self._test is not None:
            self._decoding = WordDecoding.of(self._test, self._head, self._rule.fold)
            log.info("test.%s is read by %s", self._test_name, self._decoding)
        # Seeded directly before the network is built: its initial weights are all that torch's generator draws.
        torch.manual_seed(config.seed)
        network = build_recognizer(config.model, self._head.num_class)
        check_fits(network, config)
        self._network: Recognizer = network
        self.samples_per_step = samples_of_iteration(config.train, processes.world)
        self.dataset, self.data_fingerprint = self._open_data()
        self.collate = WordCollate(self.preprocess)
        self.judges_start = config.train.ckpt_path is not None
        if initial_weights:
            load_initial_weights(network, config, self._head)
        freeze(network, config.model.freeze)
        self._format = memory_format(device) if network.channels_last else torch.contiguous_format
        self.model: nn.Module = network.placed(device, memory_format(device))
        self._has_read = False
        log.info("%d characters: %s", len(self.alphabet), self.alphabet.visible())

    def _open_data(self) -> tuple[Dataset, str]:
        train = self._config.train
        if not train.datasets:
            raise UserError("train.datasets is empty, name at least one dataset to train on")
        readers: list[WordReader] = []
        for index, section in enumerate(train.datasets):
            name = f"train.datasets.{index}"
            reader = self._open(name, section)
            if train.total_data_usage_ratio < 1:
                count = used_samples(len(reader), train.total_data_usage_ratio)
                reader = ChosenWords(reader, np.arange(count) * len(reader) // count)
            readers.append(filter_words(reader, self._rule, name, max_dropped=section.max_dropped))
            log.info("%s: %s", name, readers[-1].report.table())
        if train.batch_ratio is None:
            readers, counts = [readers[0] if len(readers) == 1 else JoinedWords(readers)], [self.samples_per_step]
        else:
            counts = batch_counts(train.batch_ratio, self.samples_per_step)
        sets = [self._training_set(*pair, part) for part, pair in enumerate(zip(readers, counts, strict=True))]
        fingerprints = " ".join(reader.fingerprint() for reader in readers)
        digest = hashlib.sha256(fingerprints.encode()).hexdigest()[:16]
        return (sets[0] if len(sets) == 1 else MixedTrainingSet(sets, counts)), digest

    def _open(self, name: str, settings: WordCrops) -> WordReader:
        """Return the dataset of a section of the configuration, opened only once."""
        if name not in self.readers:
            self.readers[name] = open_words(settings)
        return self.readers[name]

    def _validation(self, config: RecognitionConfig) -> tuple[str, RecognitionTest | None, WordReader | None]:
        """Return the name, the settings and the data of the evaluation during training; None if there is none."""
        name = config.validated_by
        if name is None:
            return "", None, None
        reader = self._open(f"test.{name}", config.test[name].dataset)
        log.info("test.%s: %s", name, reader.report.table())
        return name, config.test[name], reader

    def _training_set(self, reader: WordReader, batch: int, part: int) -> WordTrainingSet:
        data = self._config.train.data
        self._report_room(reader)
        widths = None
        if data.bucket_batches is not None and self.preprocess.fixed_width is None:
            widths = bucket_widths(reader, self.preprocess)
        return WordTrainingSet(
            reader, self._head, data, self._config.seed, batch=batch, widths=widths, part=part
        )  # fmt: skip

    def _report_room(self, reader: WordReader) -> None:
        """Count the labels that are too long for their pictures before training, and log what would help."""
        if reader.drawn:
            return  # The sizes of generated pictures are not known yet; the loss counts labels that are too long.
        sizes = picture_sizes(reader)
        needed = [self._head.required_steps(reader.text(index)) for index in range(len(reader))]
        lacking = labels_without_room(needed, sizes, self.preprocess, self._network.output_length)
        if len(lacking):
            sentence = lacking.sentence(reader.name)
            if lacking.share > self._config.train.max_zeroed:
                raise UserError(f"{sentence}; or allow it with train.max_zeroed")
            log.warning("%s", sentence)
        lost = squeezed(sizes, self.preprocess)
        if len(lost):
            log.info("%d pictures are longer than max_width %d and are squeezed", len(lost), self.preprocess.max_width)

    def state(self) -> dict[str, Any]:
        return {"characters": self.alphabet.characters}

    def worst_batch(self, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        return widest_batch(batch, self.preprocess, self._network.width_multiple)

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Compute the loss of the head on a batch.

        Args:
            model: the recogniser, or a wrapper that is called like it.
            batch: `image` uint8 [B, H, W, C] and `targets` int64 [B, L] on the device; `widths` int64 [B], of the
                pictures without padding; `target_lengths` int64 [B].

        Returns:
            Values by name, each a scalar on the device; see `model.head.Head.loss`.
        """
        images = self.preprocess.normalise_batch(self._as_wide_as_all(batch["image"]))
        images = images.contiguous(memory_format=self._format)
        lengths = torch.as_tensor(self._network.output_length(torch.as_tensor(batch["widths"])))
        return self._head.loss(model, images, lengths, batch["targets"], batch["target_lengths"])

    def _as_wide_as_all(self, images: Tensor) -> Tensor:
        """Pad pictures to the widest of all processes if batch norms are synchronised: the padding is part of their
        statistics and must not depend on how the pictures are distributed."""
        if not self._config.train.sync_batchnorm or self._processes.world == 1:
            return images
        width = self._processes.max(images.shape[2])
        return self.preprocess.padded_to(images, width)

    def judge(self, means: Mapping[str, float | None]) -> None:
        share = means.get("zeroed_share")
        if share is not None and share > self._config.train.max_zeroed:
            raise UserError(
                f"{share:.2%} of the labels since the last log line were too long for the time steps of their pictures "
                f"and gave no gradient, more than train.max_zeroed ({self._config.train.max_zeroed:g}) allows; raise "
                "train.data.height or max_width, or leave long labels out with max_length"
            )

    def evaluate(self, model: nn.Module) -> Evaluation | None:
        test, reader = self._test, self._test_reader
        if test is None or reader is None:
            return None
        reading = self._reading(model, self._decoding)
        result = evaluate_recognizer(
            reading, reader, test, fold=self._rule.fold, name=self._test_name, processes=self._processes
        )
        self._explain_empty_readings(result)
        counts = result.counts
        values = {name: float(value) for name, value in counts.results().items()}
        wanted = values[self._config.train.best_by]
        summary = (
            f"{self._test_name}: accuracy {counts.word_accuracy:.4f}  any case {counts.word_accuracy_insensitive:.4f}  "
            f"CER {counts.cer:.4f}  1-NED {counts.norm_edit_distance:.4f}"
        )
        if self._config.train.best_by == "cer":
            return Evaluation(-wanted, values, summary, level=1 - wanted, level_name="1 - CER")
        return Evaluation(wanted, values, summary)

    def _explain_empty_readings(self, result: RecognitionResult) -> None:
        """Explain once in the log why all readings are empty early in training."""
        empty = bool(result.readings) and not any(reading.text for reading in result.readings.values())
        if empty and self._head.empty_remark and not self._has_read:
            log.info("%s: every reading is empty. %s", self._test_name, self._head.empty_remark)
        # Empty readings after the network has read words (more than a few by chance) need no such explanation.
        self._has_read |= empty or result.counts.word_accuracy > 0.3

    def _reading(self, model: nn.Module, decoding: WordDecoding) -> WordReading:
        return WordReading(model, self.preprocess, self.device, self.amp, decoding)

    def pictures(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return one picture, uint8 [h, w, 3], RGB, of a few samples with their labels and readings (see `loss`)."""
        images = batch["image"][:PICTURES].cpu().numpy()
        widths = [int(width) for width in batch["widths"][:PICTURES]]
        unpadded = [image[:, :width] for image, width in zip(images, widths, strict=True)]
        # Greedy: the lexicon belongs to the test set.
        readings = self._reading(model, WordDecoding(self._head)).inputs(unpadded)
        return {"words": draw_readings(unpadded, batch["texts"][:PICTURES], [reading.text for reading in readings])}


def check_fits(network: Recognizer, config: RecognitionConfig) -> None:
    """Raise `UserError` if a network cannot read the inputs of a configuration, or has no part of a name to freeze."""
    data = config.train.data
    parts = [name for name, _ in network.named_children()]
    for name in config.model.freeze:
        if name not in parts:
            similar = nearest(name, parts)
            hint = f"did you mean '{similar}'?" if similar else f"its parts are {', '.join(parts)}"
            raise UserError(
                f"model.freeze: model.architecture={config.model.architecture} has no part '{name}'; {hint}"
            )
    if set(parts) <= set(config.model.freeze):
        raise UserError("model.freeze names all parts of the network, so nothing is left to train; leave one part out")
    if network.input_channels != data.channels:
        raise UserError(
            f"model.architecture={config.model.architecture} reads {network.input_channels} channels and "
            f"train.data.channels is {data.channels}; make them equal (model.input_channel)"
        )
    if network.input_height not in (None, data.height):
        raise UserError(
            f"model.architecture={config.model.architecture} reads pictures {network.input_height} pixels high and "
            f"train.data.height is {data.height}"
        )
    narrowest = data.min_width if data.keep_ratio else data.max_width
    if narrowest < network.minimum_width:
        raise UserError(
            f"model.architecture={config.model.architecture} needs inputs of {network.minimum_width} pixels width or "
            f"more and train.data.min_width is {narrowest}"
        )

"""Reading pictures of words: the same path from picture to text for evaluation and prediction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch

from config.schema.recognition import RecognitionTest
from data.io.progress import progress_bar
from data.io.read_ahead import read_ahead
from data.reader import UnreadableSample
from data.recognition.preprocess import WordPreprocess
from data.recognition.sample import WordReader, WordSample
from metrics.protocols import protocol
from metrics.recognition import WordCounts, WordMetric
from model.head import Reading
from model.recognizer import Recognizer
from utils.decode.words import WordDecoding
from utils.device import Amp, autocast, memory_for
from utils.distributed.processes import ALONE, Processes
from utils.evaluate.detector import eval_mode, join_metric

log = logging.getLogger(__name__)

_SORTED = 32
"""Number of batches whose pictures are read ahead and sorted by width, so that batches have little padding."""
_THREADS, _AHEAD = 2, 64
"""Number of threads that read pictures, and number of pictures that they read ahead of the network."""


@dataclass
class RecognitionResult:
    """The outcome of an evaluation.

    Attributes:
        metric: counts and a record of every word.
        readings: sample id -> what was read.
        unreadable: pictures that could not be read; their reading counts as empty.
        seconds: wall time.
    """

    metric: WordMetric
    readings: dict[str, Reading] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def counts(self) -> WordCounts:
        return self.metric.compute()


class WordReading:
    """Reads pictures with a recogniser.

    Args:
        model: the network, on `device`.
        preprocess: what it was trained with.
        device, amp: where it runs, and the precision there.
        decoding: how its scores become text.
    """

    def __init__(
        self,
        model: Recognizer,
        preprocess: WordPreprocess,
        device: torch.device,
        amp: Amp,
        decoding: WordDecoding,
    ) -> None:
        self._model, self._preprocess = model, preprocess
        self._device, self._amp, self._decoding = device, amp, decoding

    @torch.no_grad()
    def inputs(self, images: Sequence[np.ndarray]) -> list[Reading]:
        """Read inputs, uint8 [height, W, channels] as `WordPreprocess.fit` returns them, as one batch.

        Raises:
            UserError: the device has no room for it.
        """
        joined, widths = self._preprocess.join(images)
        lengths = torch.as_tensor(self._model.output_length(torch.as_tensor(widths)))
        size = f"{len(joined)} words of {joined.shape[2]} pixels width"
        with memory_for(size, self._device, "lower batch_size of the test"):
            with eval_mode(self._model), autocast(self._device, self._amp):
                pixels = self._preprocess.normalise_batch(joined.to(self._device)).contiguous()
                logits = self._model(pixels, lengths)
            return self._decoding(logits.float(), lengths)

    def pictures(self, images: Sequence[np.ndarray], batch_size: int = 64) -> list[Reading]:
        """Read pictures, uint8 [H, W, 3] RGB, in batches of similar width; the readings are in their order."""
        fitted = [self._preprocess.fit(image) for image in images]
        order = sorted(range(len(fitted)), key=lambda index: fitted[index].shape[1])
        readings: dict[int, Reading] = {}
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            readings.update(zip(batch, self.inputs([fitted[index] for index in batch]), strict=True))
        return [readings[index] for index in range(len(images))]


def evaluate_recognizer(
    reading: WordReading,
    reader: WordReader,
    test: RecognitionTest,
    *,
    fold: Callable[[str], str] = str,
    name: str = "",
    processes: Processes = ALONE,
) -> RecognitionResult:
    """Read a dataset and compare with its labels.

    Args:
        reading: the recogniser.
        reader: the dataset.
        test: the protocol and the batch size.
        fold: what is done to labels before they are compared, such as `str.lower`.
        name: for the progress bar.
        processes: share the words; each of them returns the score of all.
    """
    begun = time.perf_counter()
    result = RecognitionResult(WordMetric(protocol(test.protocol)))
    share = processes.share(len(reader))
    work = f"reading {name}".strip()
    with progress_bar(None, len(share), work, unit="word", shown=processes.is_main, logged=True) as bar:
        for samples in _chunks(reader, share, _SORTED * test.batch_size, result):
            found = reading.pictures([sample.image for sample in samples], test.batch_size)
            for sample, decoded in zip(samples, found, strict=True):
                result.readings[sample.sample_id] = decoded
                result.metric.update(sample.sample_id, fold(sample.text), decoded.text)
            bar.update(len(samples))
    join_metric(result.metric, processes)
    result.readings = dict(processes.interleave(list(result.readings.items())))
    result.unreadable = processes.interleave(result.unreadable)
    if result.unreadable:
        count, example = len(result.unreadable), result.unreadable[0]
        log.warning("%d pictures cannot be read and count as wrong (e.g. %s)", count, example)
    result.seconds = time.perf_counter() - begun
    return result


def _chunks(reader: WordReader, share: range, size: int, result: RecognitionResult) -> Iterator[list[WordSample]]:
    """Yield readable samples, `size` or fewer at a time, and count the others as read empty."""
    items = zip(share, read_ahead(reader.__getitem__, share, threads=_THREADS, depth=_AHEAD), strict=True)
    while chunk := list(islice(items, size)):
        samples = []
        for index, item in chunk:
            if isinstance(item, UnreadableSample):
                result.unreadable.append(str(item))
                result.metric.update(reader.name(index), reader.text(index), "")
            else:
                samples.append(item)
        if samples:
            yield samples

"""The score of an evaluation at many thresholds, so that a shift of the score level does not look like a worse model.

If all scores of a detector become slightly lower, it loses words at fixed thresholds although it ranks pixels as well
as before. The forward pass is the main cost of an evaluation, so the maps of each image are scored at a grid of
`low_text` and `text_threshold` in the same pass. `link_threshold` is fixed, because it has the smallest effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from config.schema.detection import DetectionTest
from metrics.detection import Counts, metric_of
from utils.distributed.processes import Processes
from utils.evaluate.detector import DetectionResult, ImageOutcome, join_metric, words_of_maps

TEXT_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LOW_TEXTS = (0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class SweepPoint:
    """A pair of thresholds and the score they give."""

    text_threshold: float
    low_text: float
    counts: Counts


class ThresholdSweep:
    """Collects the images of an evaluation: give `add` to `evaluate_detector` as `on_image`.

    The thresholds of the test itself are always among those tried.

    Args:
        test: the evaluation.
    """

    def __init__(self, test: DetectionTest) -> None:
        self._test = test
        configured = (test.low_text, test.text_threshold)
        # Where text_threshold < low_text every component is text and the threshold means nothing.
        pairs = {(low, text) for low in LOW_TEXTS for text in TEXT_THRESHOLDS if text >= low} | {configured}
        self._metrics = {pair: metric_of(test) for pair in sorted(pairs)}

    def add(self, outcome: ImageOutcome) -> None:
        """Score an image at every pair of thresholds."""
        sample = outcome.sample
        for low in sorted({low for low, _ in self._metrics}):
            thresholds = [text for low_text, text in self._metrics if low_text == low]
            lowest = self._test.model_copy(update={"text_threshold": min(thresholds), "low_text": low})
            found = words_of_maps(outcome.region, outcome.affinity, outcome.matrix, lowest)
            for text in thresholds:
                kept = np.flatnonzero(found.scores >= text)
                self._metrics[low, text].update(
                    sample.sample_id, sample.word_quads, sample.ignore, [found.polygons[place] for place in kept],
                    texts=sample.words, scores=found.scores[kept],
                )  # fmt: skip

    def join(self, processes: Processes) -> None:
        """Take over what the other processes have scored; all of them call it."""
        for metric in self._metrics.values():
            join_metric(metric, processes)

    def points(self, result: DetectionResult) -> list[SweepPoint]:
        """Return the score at every pair; words of unreadable images count as missed, as in `result` itself."""
        missed = [record.counts for name, record in result.records.items() if name not in result.detections]
        return [SweepPoint(text, low, sum(missed, metric.compute())) for (low, text), metric in self._metrics.items()]

    def best(self, result: DetectionResult) -> SweepPoint:
        """Return the pair with the highest hmean; among equals, the pair nearest to the thresholds of the test."""
        test = self._test
        return max(
            self.points(result),
            key=lambda point: (
                point.counts.hmean,
                -abs(point.text_threshold - test.text_threshold) - abs(point.low_text - test.low_text),
            ),
        )

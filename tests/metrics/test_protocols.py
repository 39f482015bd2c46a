"""A protocol of one's making: registered, it is used by the evaluation, the sweep, the archive scorer and the words."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
from documented import add

from config.errors import UserError
from config.schema.detection import DetectionTest
from config.schema.word_datasets import IcdarDataset
from metrics.detection import (
    DETECTION_PROTOCOLS,
    Counts,
    DetectionMetric,
    ImageRecord,
    ImageWords,
    detection_metric,
    metric_of,
)
from metrics.protocols import protocol
from metrics.recognition import WordMetric
from metrics.submission import score_submission

WORD = np.array([[0, 0], [100, 0], [100, 10], [0, 10]])


add("metrics/strict_iou.py")
add("metrics/no_punctuation.py")


@dataclass(frozen=True)
class LetterCounts(Counts):
    """Recall is that of letters: long words count more."""

    letters: int = 0
    letters_found: int = 0

    @property
    def recall(self) -> float:
        return self.letters_found / self.letters if self.letters else 0.0


@DETECTION_PROTOCOLS.register("test_letters")
class Letters(DetectionMetric):
    """As many words are found as there are detections above a score, in their order."""

    name = "test_letters"
    zero = LetterCounts()

    def __init__(self, iou: float = 0.5, *, least: float = 0.5) -> None:
        super().__init__()
        self.least = least

    @property
    def thresholds(self) -> dict[str, float]:
        return {"least": self.least}

    def score(self, image: ImageWords) -> ImageRecord:
        found = int((np.asarray(image.scores) >= self.least).sum())
        lengths = [len(text) for text in image.texts]
        counts = LetterCounts(1, len(image.gt), found, found, sum(lengths), sum(lengths[:found]))
        return ImageRecord(image.sample_id, counts, tuple((place, place) for place in range(found)), ())


def entry(**values) -> DetectionTest:
    return DetectionTest(dataset=IcdarDataset(root="unused"), **values)


@pytest.mark.parametrize(("name", "matched"), [("icdar_iou", 1), ("strict_iou", 0)])
def test_another_iou(name: str, matched: int) -> None:
    metric = metric_of(entry(protocol=name))
    metric.update("a", [WORD], [False], [WORD * [0.6, 1]])
    assert metric.compute() == Counts(1, 1, 1, matched)


def test_the_archive_scorer_asks_the_registry(tmp_path) -> None:
    for name, line in (("gt", "0,0,100,0,100,10,0,10,word"), ("res", "0,0,60,0,60,10,0,10")):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(f"{name}_1.txt", line)
    paths = tmp_path / "res.zip", tmp_path / "gt.zip"
    assert score_submission(*paths)[0].compute().matched == 1
    metric, _ = score_submission(*paths, protocol="strict_iou")
    assert (metric.compute().matched, metric.name, metric.thresholds) == (0, "strict_iou", {"iou": 0.7})


def test_a_protocol_gets_texts_and_scores_and_sums_what_it_likes() -> None:
    whole = metric_of(entry(protocol="test_letters", protocol_options={"least": 0.8}))
    assert whole.compute().recall == 0
    whole.update("a", [WORD, WORD], [False, False], [WORD, WORD], texts=["four", "to"], scores=[0.9, 0.7])
    whole.update("b", [WORD], [False], [], texts=["word"], scores=[])
    counts = whole.compute()
    assert (counts.images, counts.recall, counts.precision) == (2, 4 / 10, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("icdar_uio", 0.5, {}), "test.a.protocol is 'icdar_uio', a detection protocol which does not exist"),
        (("strict_iou", 0.6, {}), "the protocol 'strict_iou' does not use the setting iou, which is 0.6"),
        (("icdar_iou", 0.6, {"ignored_shore": 0.4}), "did you mean 'test.a.protocol_options.ignored_share'"),
        (("icdar_iou", 0.6, {"ignored_share": 2}), "ignored_share is 2, but must be a number"),
    ],
)
def test_mistakes(arguments: tuple, message: str) -> None:
    with pytest.raises(UserError, match=message):
        detection_metric(*arguments, "test.a.protocol")


def test_options_of_the_competition_s_protocol() -> None:
    hidden = [WORD * [0.4, 1]]  # lies in the detection, 0.4 of its area
    for share, det_care in ((0.5, 1), (0.3, 0)):
        metric = metric_of(entry(protocol_options={"ignored_share": share}))
        assert metric.update("a", hidden, [True], [WORD]).counts.det_care == det_care


def test_a_word_protocol() -> None:
    metric = WordMetric(protocol("no_punctuation"))
    metric.update("a", "it's, there.", "its there")
    metric.update("b", "it's", "is")
    assert metric.compute().right == 1

"""Settings of a recognition job: training a network that reads words, and evaluating it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from config.schema.alphabet import Characters
from config.schema.base import NonNegativeFloat, PositiveFloat, PositiveInt, Section, UnitFloat
from config.schema.model import RecognizerModel
from config.schema.run import RunConfig
from config.schema.training import ScheduleName, Training
from config.schema.word_crops import TestWordCrops, TrainingWordCrops
from config.schema.word_data import WordData

DEFAULT_RATES = {"adam": 1e-3, "adamw": 1e-3, "adadelta": 1.0}
"""Learning rate of each optimiser where none is given; 1.0 is Adadelta's own (Zeiler, 2012)."""

DIGITS = "0123456789"
SYMBOLS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ €"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class RecognitionTraining(Training):
    """A training run of a recogniser, counted in iterations."""

    datasets: list[TrainingWordCrops] = []
    """Training data; several datasets are mixed in the shares of `batch_ratio`, or joined where it is null."""
    batch_ratio: list[PositiveFloat] | None = None
    """Share of each dataset in every batch, such as [0.5, 0.5]; null joins the datasets."""
    total_data_usage_ratio: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Use only this share of every dataset, spread evenly over it."""
    ckpt_path: str | None = None
    """Weights to start from: a bare state dict, one with `module.` prefixes, or a checkpoint of a recogniser. If its
    alphabet is another one, the weights of the characters that both have are kept."""
    ckpt_characters: Characters | None = None
    """The alphabet of `ckpt_path` in the order of its classes; needed if the file does not hold it and it differs from
    that of this job."""
    ckpt_prediction: Literal["keep", "new"] = "keep"
    """`new`: the last layer, which scores the characters, starts at random instead of from `ckpt_path` (EasyOCR's
    `new_prediction: True`)."""
    batch_size: PositiveInt = 64
    """Samples per process and iteration."""
    best_by: Literal["word_accuracy", "word_accuracy_insensitive", "word_accuracy_alphanumeric", "cer"] = "cer"
    """The score that `best.pth`, `plateau` and `patience` use."""
    lr: PositiveFloat | None = None
    """Learning rate after the warm-up; null uses 1e-3 for Adam and AdamW and 1.0 for Adadelta."""
    weight_decay: NonNegativeFloat = 0.0
    """Weight decay."""
    schedule: ScheduleName = "constant"
    grad_clip: NonNegativeFloat = 5.0
    """Maximum norm of the gradient; 0 turns clipping off."""
    max_zeroed: UnitFloat = 0.01
    """Maximum share of labels that are too long for the time steps of their picture, so that CTC gives them no
    gradient; a higher share stops the run."""
    data: WordData = WordData()

    @model_validator(mode="before")
    @classmethod
    def _rate_of_the_optimizer(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("lr") is None:
            rate = DEFAULT_RATES.get(values.get("optimizer", "adam"))
            return {**values, "lr": rate} if rate is not None else values
        return values

    @model_validator(mode="after")
    def _ratio_fits_the_datasets(self) -> RecognitionTraining:
        if self.batch_ratio is not None and len(self.batch_ratio) != len(self.datasets):
            raise ValueError(
                f"batch_ratio has {len(self.batch_ratio)} numbers, but there are {len(self.datasets)} datasets"
            )
        return self


class RecognitionTest(Section):
    """One evaluation: a dataset and how its words are read and compared."""

    dataset: TestWordCrops
    """The dataset to evaluate on."""
    protocol: str = "full"
    """Characters that are compared: `full` all; `36` lower-case letters and digits; `62` letters and digits; `94`
    printable ASCII without the space; or another protocol of `metrics/`. All other characters are removed from label
    and reading."""
    decode: Literal["greedy", "beam"] = "greedy"
    """`greedy` takes the best class of every time step, `beam` searches for the most probable text."""
    beam_width: PositiveInt = 10
    """Hypotheses that `beam` keeps."""
    lexicon: str | None = None
    """File with one word per line: the reading is the most probable of these words."""
    batch_size: PositiveInt = 64
    """Pictures per batch."""


class RecognitionConfig(RunConfig):
    """A whole recognition job."""

    task: Literal["recognition"] = "recognition"
    characters: Characters = DIGITS + SYMBOLS + LETTERS
    """The alphabet, in the order of the network's classes; class 0 is CTC's blank. `unknown` decides about labels with
    other characters. The default is the alphabet of EasyOCR's English recipe."""
    case: Literal["keep", "lower", "upper"] = "keep"
    """Case that labels are converted to first (EasyOCR's `sensitive: false` is `lower`)."""
    unknown: Literal["drop", "remove"] = "drop"
    """Treatment of labels with characters outside the alphabet. `drop`: the sample is left out of training. `remove`:
    these characters are removed from the label, also in evaluations (EasyOCR's `data_filtering_off: True`). Both are
    counted."""
    max_length: PositiveInt | None = 34
    """Samples with longer labels are left out of training and counted (EasyOCR's `batch_max_length`); null sets no
    limit."""
    model: RecognizerModel = RecognizerModel()
    train: RecognitionTraining = RecognitionTraining()
    test: dict[str, RecognitionTest] = {}

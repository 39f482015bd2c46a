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
    """Weights to start from: a bare state dict, one with `module.` prefixes, or a checkpoint of a recogniser, whose
    alphabet may be another: what the two share is kept."""
    ckpt_characters: Characters | None = None
    """The alphabet of `ckpt_path` in the order of its classes, where the file does not hold it and it is not that of
    this job."""
    ckpt_prediction: Literal["keep", "new"] = "keep"
    """`new`: the last layer of `ckpt_path`, which knows the characters, is left out, whatever its alphabet, and starts
    at random (EasyOCR's `new_prediction: True`)."""
    batch_size: PositiveInt = 64
    """Samples per process and iteration."""
    best_by: Literal["word_accuracy", "word_accuracy_insensitive", "word_accuracy_alphanumeric", "cer"] = "cer"
    """What `best.pth`, `plateau` and `patience` go by."""
    lr: PositiveFloat | None = None
    """Learning rate after the warm-up; null takes 1e-3 for Adam and AdamW and 1.0 for Adadelta."""
    weight_decay: NonNegativeFloat = 0.0
    """Weight decay."""
    schedule: ScheduleName = "constant"
    grad_clip: NonNegativeFloat = 5.0
    """Greatest norm of the gradient; 0 does not clip."""
    max_zeroed: UnitFloat = 0.01
    """Greatest share of samples whose label has no room in its picture's time steps, so that CTC gives them no
    gradient, before the run stops."""
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
    """What is evaluated."""
    protocol: str = "full"
    """What is compared: `full` everything; `36` lower-case letters and digits, `62` letters and digits, `94` printable
    ASCII without the space, or another of `metrics/`. The rest is removed from label and reading."""
    decode: Literal["greedy", "beam"] = "greedy"
    """`greedy` takes the best class of every time step, `beam` searches the most probable text."""
    beam_width: PositiveInt = 10
    """Hypotheses that `beam` keeps."""
    lexicon: str | None = None
    """File of words, one a line: the most probable of them is read."""
    batch_size: PositiveInt = 64
    """Pictures of a batch."""


class RecognitionConfig(RunConfig):
    """A whole recognition job."""

    task: Literal["recognition"] = "recognition"
    characters: Characters = DIGITS + SYMBOLS + LETTERS
    """The alphabet, in the order of the network's classes; class 0 is CTC's blank. What becomes of
    labels with other characters is up to `unknown`. The default is the one of EasyOCR's English recipe."""
    case: Literal["keep", "lower", "upper"] = "keep"
    """What is done to labels before they are looked at (EasyOCR's `sensitive: false` is `lower`)."""
    unknown: Literal["drop", "remove"] = "drop"
    """What becomes of a label with characters outside the alphabet. `drop`: it is left out of training. `remove`: these
    characters are taken out of it, in evaluations, too (EasyOCR's `data_filtering_off: True`). Both are counted."""
    max_length: PositiveInt | None = 34
    """Longer labels are left out of training and counted (`batch_max_length`); null sets no limit."""
    model: RecognizerModel = RecognizerModel()
    train: RecognitionTraining = RecognitionTraining()
    test: dict[str, RecognitionTest] = {}

"""Settings of a detection job: training CRAFT and evaluating it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from config.schema.augmentation import Augmentation
from config.schema.base import (
    PAIR,
    NonNegativeFloat,
    Options,
    PositiveFloat,
    PositiveInt,
    Section,
    UnitFloat,
)
from config.schema.datasets import TestDataset, TrainingDataset
from config.schema.model import DetectorModel
from config.schema.run import RunConfig
from config.schema.training import Training
from config.schema.weak import WeakSupervision

Triple = Annotated[list[float], Field(min_length=3, max_length=3)]
Pair = Annotated[list[NonNegativeFloat], PAIR]


class DetectionData(Section):
    """From annotated images to network inputs and target maps."""

    output_size: Annotated[int, Field(ge=32, multiple_of=32)] = 768
    """Side of the square training image in pixels; the target maps have half of it."""
    mean: Triple = [0.485, 0.456, 0.406]
    """Mean of the RGB channels, in 0..1."""
    std: Annotated[list[PositiveFloat], Field(min_length=3, max_length=3)] = [0.229, 0.224, 0.225]
    """Standard deviation of the RGB channels, in 0..1 (`variance` in EasyOCR's files)."""
    enlarge_region: Pair = [0.5, 0.5]
    """Enlargement of a character's quad along and across the reading direction, as a share of its size, before the
    Gaussian is warped onto it."""
    enlarge_affinity: Pair = [0.5, 0.5]
    """The same for the quad between two characters."""
    gauss_init_size: PositiveInt = 200
    """Side of the square that carries the isotropic Gaussian, before it is warped onto a quad."""
    gauss_sigma: PositiveFloat = 40.0
    """Standard deviation of that Gaussian, in the same unit. It is cut off by the inscribed circle."""
    augment: Augmentation = Augmentation()


class DetectionTraining(Training):
    """A training run of the detector, counted in iterations."""

    datasets: list[TrainingDataset] = []
    """Training data; several datasets are joined."""
    ckpt_path: str | None = None
    """Weights to start from: a bare state dict, one with `module.` prefixes, or a checkpoint with `craft`."""
    loss: Literal[2, 3] | str = 3
    """CRAFT's squared error with hard-negative mining over the whole batch (2) or in each image (3); or the name of a
    loss that a file in `loss/` registers."""
    loss_options: Options = {}
    """Options of a loss that is given by its name."""
    neg_rto: NonNegativeFloat = 1.0
    """Negative pixels per positive pixel in the losses 2 and 3."""
    n_min_neg: PositiveInt = 1000
    """Minimum number of negative pixels in the losses 2 and 3."""
    data: DetectionData = DetectionData()
    weak: WeakSupervision | None = None
    """Training on words without character boxes; null trains on `datasets` alone."""

    @model_validator(mode="after")
    def _loss_is_a_name_or_a_version(self) -> DetectionTraining:
        if self.loss in ("2", "3"):
            raise ValueError(f"loss is the text '{self.loss}', but must be 2 or 3, or a name; write it without quotes")
        if self.loss_options and not isinstance(self.loss, str):
            raise ValueError(
                f"loss_options are those of a loss with a name; loss {self.loss} has neg_rto and n_min_neg"
            )
        return self


class DetectionTest(Section):
    """One evaluation: a dataset and the settings that turn score maps into boxes."""

    dataset: TestDataset
    """The dataset to evaluate on."""
    text_threshold: UnitFloat = 0.7
    """A connected component is a word if its highest region score reaches this."""
    low_text: UnitFloat = 0.4
    """Pixels with a region score above this belong to text."""
    link_threshold: UnitFloat = 0.4
    """Pixels with an affinity score above this join characters to a word."""
    canvas_size: Annotated[int, Field(ge=32)] = 1280
    """Maximum length in pixels of the longer side of the network's input."""
    mag_ratio: PositiveFloat = 1.5
    """Factor by which the image is enlarged first, as far as `canvas_size` allows."""
    poly: bool = False
    """Return polygons that follow curved words instead of rotated rectangles."""
    protocol: str = "icdar_iou"
    """How detections are compared with words: `icdar_iou`, as in the ICDAR 2015 competition, or another protocol of
    `metrics/`."""
    protocol_options: dict[str, Any] = {}
    """Options of the protocol; `icdar_iou` has `ignored_share` (0.5)."""
    iou: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """A detection matches a word if their intersection over union is above this."""
    vis_opt: bool = False
    """Draw boxes and score maps of every image into `vis_test_dir`."""


class DetectionConfig(RunConfig):
    """A whole detection job."""

    task: Literal["detection"] = "detection"
    vis_test_dir: str = "./vis_result/"
    """Folder for drawings of evaluations with `vis_opt`."""
    model: DetectorModel = DetectorModel()
    train: DetectionTraining = DetectionTraining()
    test: dict[str, DetectionTest] = {}

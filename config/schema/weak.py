"""Settings of weak supervision: training on word boxes, in which the network itself finds the characters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from config.schema.augmentation import Augmentation
from config.schema.base import PositiveInt, Section
from config.schema.datasets import TrainingWords


class WeakSupervision(Section):
    """The region score of a teacher and a watershed split word boxes into characters (Baek et al., CVPR 2019)."""

    datasets: Annotated[list[TrainingWords], Field(min_length=1)]
    """Training data with word boxes only; several datasets are joined."""

    use_synthtext: bool = True
    """Mix in `train.datasets`, whose character boxes are exact: without them, the student learns the mistakes of the
    teacher."""

    synth_ratio: PositiveInt = 5
    """Each iteration has `batch_size` samples with word boxes and `batch_size` // `synth_ratio`, at least one, of
    `train.datasets`."""

    sure_fg_th: Annotated[float, Field(gt=0, lt=1)] = 0.75
    """Pixels with a region score above this are sure foreground: the watershed starts from them."""

    sure_bg_th: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Pixels with a region score below this are sure background."""

    keep_above: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    """The characters found in a word are kept if their confidence is above this; otherwise the word is split into
    equal parts. The confidence is (L - min(L, |L - found|)) / L for a text of L characters. 0.5 is the published value.
    With a weak teacher, 0.99 gives better boxes: it keeps the characters only if their number is right."""

    crop_height: Annotated[int, Field(ge=32, le=512, multiple_of=32)] = 128
    """Height in pixels of the word crops that the teacher gets; a teacher that was trained on small characters finds
    none in large crops."""

    crop_margin: Annotated[float, Field(ge=0, le=4)] = 0.5
    """Margin on each of the four sides of a word crop, as a share of the word's height; 0 cuts the word out tightly,
    as EasyOCR's trainer does."""

    relabel_interval: PositiveInt | None = None
    """Iterations between two labelling passes; null labels again at the first evaluation (`train.eval_interval`) after
    each pass over the data. The new teacher is the average of the student's weights (`train.ema_decay`), or the student
    itself without an average. If it scores worse on the validation data than the previous teacher, the old labels stay.
    A labelling pass at another iteration than an evaluation evaluates the new teacher first, which takes time."""

    custom_aug: Augmentation = Augmentation()
    """Random changes of the images with word boxes; `train.data.augment` changes the synthetic ones."""

    pseudo_vis_opt: bool = False
    """Draw the pseudo-labels into `vis_test_dir`."""

    @model_validator(mode="after")
    def _background_is_below_foreground(self) -> WeakSupervision:
        if self.sure_bg_th >= self.sure_fg_th:
            raise ValueError(f"sure_bg_th ({self.sure_bg_th}) must be below sure_fg_th ({self.sure_fg_th})")
        return self

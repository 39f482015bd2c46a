"""Settings of weak supervision: training on words whose characters are found by the network itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from config.schema.augmentation import Augmentation
from config.schema.base import PositiveInt, Section
from config.schema.datasets import TrainingWords


class WeakSupervision(Section):
    """Word boxes are split into characters by a teacher's region score and the watershed (Baek et al., CVPR 2019)."""

    datasets: Annotated[list[TrainingWords], Field(min_length=1)]
    """Training data with word boxes only; several datasets are joined."""

    use_synthtext: bool = True
    """Replay `train.datasets`, whose character boxes are true, beside the words: without them the teacher's
    mistakes feed back into the student."""

    synth_ratio: PositiveInt = 5
    """Each iteration takes `batch_size` // this many samples of `train.datasets`, but at least one, beside `batch_size`
    of the words."""

    sure_fg_th: Annotated[float, Field(gt=0, lt=1)] = 0.75
    """Region scores above this mark the inside of a character, where the watershed starts."""

    sure_bg_th: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Region scores below this are background."""

    keep_above: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    """The characters found in a word are kept where their confidence, (L - min(L, |L - found|)) / L for a text of L
    characters, is above this; else the word is split equally. 0.5 is the published value; with a weak teacher 0.99,
    which keeps them only where their number is right, gives better boxes."""

    crop_height: Annotated[int, Field(ge=32, le=512, multiple_of=32)] = 128
    """Height, pixels, of the crop in which the teacher sees a word; a teacher that was trained on small characters
    finds none in large crops."""

    crop_margin: Annotated[float, Field(ge=0, le=4)] = 0.5
    """Surroundings of the word in its crop, above, below and at both ends, as a share of the word's height; 0 cuts it
    out tightly, as EasyOCR's trainer does."""

    relabel_interval: PositiveInt | None = None
    """Iterations between two labelling passes; null labels anew at the first evaluation (`train.eval_interval`)
    after each pass over the data. The teacher is the average of the student's weights (`train.ema_decay`; the student
    itself where there is none), unless it reads the validation data worse than the last teacher did: then the old
    labels stay. At other iterations than those of evaluations, each labelling pass evaluates once more to know that."""

    custom_aug: Augmentation = Augmentation()
    """Random changes of the images with word boxes; `train.data.augment` changes the synthetic ones."""

    pseudo_vis_opt: bool = False
    """Draw the characters that were found into `vis_test_dir`."""

    @model_validator(mode="after")
    def _background_is_below_foreground(self) -> WeakSupervision:
        if self.sure_bg_th >= self.sure_fg_th:
            raise ValueError(f"sure_bg_th ({self.sure_bg_th}) must be below sure_fg_th ({self.sure_fg_th})")
        return self

"""Datasets of annotated images: one section per format, selected by `format`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.schema.base import DatasetBase
from config.schema.word_datasets import Words, named_for


class SynthTextDataset(DatasetBase):
    """SynthText (Gupta et al., CVPR 2016): images with word and character boxes."""

    format: Literal["synthtext"] = "synthtext"

    root: str
    """Folder that the image paths of the ground truth are relative to; for `.h5` files, the folder that holds them."""

    gt: str | None = None
    """`gt.mat` (MATLAB v5) or an `.h5` file of the SynthText generator; null uses `root/gt.mat`, or every
    `.h5` of `root` where there is no `gt.mat`."""

    index_dir: str | None = None
    """Folder for the memory-mapped index of the ground truth; null keeps it beside the ground truth, or in the user's
    cache folder if that place is read-only."""

    @property
    def source(self) -> str:
        return self.root


class GeneratedDataset(DatasetBase):
    """Scenes that the generator draws during training: nothing is written to disk."""

    format: Literal["generated"] = "generated"

    recipe: str
    """Configuration of `task: generate`: the name of one in `config/`, or the path of a YAML file."""

    set: list[str] = []
    """`key.sub=value` settings that override those of the recipe, such as `layout.width=[512, 640]`."""

    split: str = "train"
    """Split of the recipe: different splits share no fonts, words and photos."""

    size: Annotated[int, Field(gt=0, le=10_000_000)] | None = None
    """Number of different scenes; null uses the size of the split in the recipe. A scene costs nothing until it is
    drawn, so the number may be so large that training sees no scene twice."""

    @property
    def source(self) -> str:
        return f"split '{self.split}' of the recipe {self.recipe}"


Dataset = SynthTextDataset | Words | GeneratedDataset

TrainingDataset = Annotated[Dataset, Field(discriminator="format"), AfterValidator(named_for("training"))]
"""A dataset to train on."""

TestDataset = Annotated[Dataset, Field(discriminator="format"), AfterValidator(named_for("test"))]
"""A dataset to evaluate."""

TrainingWords = Annotated[Words, Field(discriminator="format"), AfterValidator(named_for("training"))]
"""A dataset of word boxes to train on."""

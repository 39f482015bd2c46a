"""A generation job as a whole: making scenes with word and character boxes, or crops of words with their labels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.schema.base import NonNegativeInt, PositiveInt, Section, UserPath
from config.schema.generation.crops import CropSettings
from config.schema.generation.scene import BackgroundSettings, CameraSettings, LayoutSettings, LookSettings
from config.schema.generation.text import FontSettings, TextSettings


class GenerateConfig(Section):
    """A whole generation job."""

    task: Literal["generate"] = "generate"
    output_dir: UserPath = "./datasets/generated"
    """Folder of the dataset; each split becomes a folder in it."""
    overwrite: bool = False
    """Replace a dataset that was made with other settings. Complete shards of the same settings are kept anyway."""
    output: Literal["scenes", "crops"] = "scenes"
    """`scenes`: images with word and character boxes, in SynthText's format. `crops`: pictures of single words or
    lines with their text."""
    shards: PositiveInt | None = None
    """Number of shards of each split; a complete shard is not made again. null uses the n of `--shard i/n`, else 1. A
    split with fewer items than shards has one shard per item. The items do not depend on this number."""
    seed: NonNegativeInt = 1111
    """Scene or crop k of a split is a function of this seed, the split's name and k."""
    splits: Annotated[dict[str, PositiveInt], Field(min_length=1)] = {"train": 2000, "validation": 100, "test": 100}
    """Number of scenes or crops of each split."""
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the font families, words and photos that are reserved for each split except the largest one."""
    workers: PositiveInt | None = None
    """Number of processes; null uses one per core. The items do not depend on this number."""
    text: TextSettings = TextSettings()
    fonts: FontSettings = FontSettings()
    layout: LayoutSettings = LayoutSettings()
    look: LookSettings = LookSettings()
    backgrounds: BackgroundSettings = BackgroundSettings()
    camera: CameraSettings = CameraSettings()
    crops: CropSettings = CropSettings()

    @model_validator(mode="after")
    def _splits_are_possible(self) -> GenerateConfig:
        for name in self.splits:
            if not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"splits names '{name}'; use letters, digits, '-' and '_', for it becomes a folder")
        if self.holdout * (len(self.splits) - 1) >= 1:
            raise ValueError(
                f"holdout ({self.holdout}) for {len(self.splits)} splits leaves nothing to the largest one"
            )
        return self

    @model_validator(mode="after")
    def _text_fits(self) -> GenerateConfig:
        least = min(self.layout.width[0], self.layout.height[0])
        if self.layout.text_height[0] > least / 4:
            raise ValueError(
                f"layout.text_height starts at {self.layout.text_height[0]:g}, too large for scenes of {least} pixels; "
                f"use at most a quarter of the side"
            )
        if sum(self.text.kinds.values()) <= 0 or sum(self.text.case.values()) <= 0:
            raise ValueError("text.kinds and text.case need at least one weight above 0")
        return self

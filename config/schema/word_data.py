"""Settings of a recogniser's inputs: how pictures of words are resized, put into batches, and changed at random."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from config.schema.augmentation import NamedAugmentation
from config.schema.base import PAIR, PositiveFloat, PositiveInt, Section, UnitFloat, ordered

LARGEST_WIDTH = 32000
"""Widths are kept as 16-bit numbers, two bytes for each picture of a dataset, rounded up to a multiple."""


Width = Annotated[int, Field(ge=1, le=LARGEST_WIDTH)]
Factors = Annotated[list[Annotated[float, Field(gt=0, le=4)]], PAIR, AfterValidator(ordered)]
Offsets = Annotated[list[Annotated[float, Field(ge=-1, le=1)]], PAIR, AfterValidator(ordered)]
Shares = Annotated[list[Annotated[float, Field(gt=0, le=1)]], PAIR, AfterValidator(ordered)]
Lengths = Annotated[list[Annotated[float, Field(ge=0, le=1)]], PAIR, AfterValidator(ordered)]
Margins = Annotated[list[Annotated[float, Field(ge=-0.25, le=2)]], PAIR, AfterValidator(ordered)]
Levels = Annotated[list[Annotated[float, Field(ge=0, le=128)]], PAIR, AfterValidator(ordered)]
Qualities = Annotated[list[Annotated[int, Field(ge=1, le=100)]], PAIR, AfterValidator(ordered)]


class Change(Section):
    """A change that some of the pictures go through."""

    probability: UnitFloat = 0.0
    """Probability."""


class Rotation(Change):
    """Turns the text in the plane of the picture. All of it stays in sight."""

    max_angle: Annotated[float, Field(ge=0, le=45)] = 5.0
    """The angle is drawn from ± this many degrees; less for long words, whose ends rise or sink by a quarter of the
    height at most."""


class Shear(Change):
    """Leans the text, as italics do."""

    max_angle: Annotated[float, Field(ge=0, le=60)] = 15.0
    """The angle is drawn from ± this many degrees."""


class Perspective(Change):
    """Moves each corner of the picture by itself."""

    strength: Annotated[float, Field(ge=0, le=0.2)] = 0.1
    """Greatest distance along each axis, in units of the picture's shorter side."""


class Elastic(Change):
    """Bends the text by a smooth random field of shifts."""

    strength: Annotated[float, Field(ge=0, le=0.3)] = 0.03
    """Standard deviation of the shifts, in units of the picture's height."""
    spacing: Annotated[float, Field(ge=0.1, le=10)] = 0.5
    """Distance over which the shifts change, in units of the picture's height."""


class Margin(Change):
    """Moves each side of the picture by itself, as a detector does that misses the word's edges."""

    range: Margins = [-0.04, 0.15]
    """Least and greatest margin that is added, in units of the picture's shorter side; below 0 it is cut off."""


class Contrast(Change):
    """Multiplies the contrast about the picture's own mean."""

    range: Factors = [0.6, 1.3]
    """Least and greatest factor."""


class Brightness(Change):
    """Adds to every pixel, as far as hardly any is clipped."""

    range: Offsets = [-0.2, 0.2]
    """Least and greatest, as shares of white."""


class Gamma(Change):
    """Raises every pixel, 0 to 1, to a power."""

    range: Factors = [0.6, 1.6]
    """Least and greatest power, drawn evenly on a logarithmic scale."""


class Invert(Change):
    """Swaps dark and light."""


class Blur(Change):
    """A Gaussian blur."""

    range: Lengths = [0.01, 0.04]
    """Least and greatest standard deviation, in units of the picture's height."""


class Defocus(Change):
    """A blur that makes a disc of every point, as a lens does that is out of focus."""

    range: Lengths = [0.02, 0.06]
    """Least and greatest radius, in units of the picture's height."""


class Motion(Change):
    """A blur along a line of any direction."""

    range: Lengths = [0.05, 0.15]
    """Least and greatest length, in units of the picture's height."""


class LowResolution(Change):
    """Makes the picture small and large again."""

    range: Shares = [0.35, 0.9]
    """Least and greatest factor of the small picture's sides."""


class Noise(Change):
    """Gaussian noise, independent in each pixel and channel."""

    range: Levels = [2.0, 14.0]
    """Least and greatest standard deviation, in units of 0 to 255."""


class Jpeg(Change):
    """Writes the picture as a JPEG file and reads it again."""

    range: Qualities = [40, 95]
    """Least and greatest quality."""


class WordAugmentation(Section):
    """Random changes of a training picture, each one off until it has a probability.

    Changes of geometry become one warp, which is also the one that resizes the picture; its size stays. The others
    follow in the order of a camera: light, optics, sensor, file. Lengths are in units of the height, so that they mean
    the same at any input size.
    """

    rotation: Rotation = Rotation()
    shear: Shear = Shear()
    perspective: Perspective = Perspective()
    elastic: Elastic = Elastic()
    margin: Margin = Margin()
    gamma: Gamma = Gamma()
    contrast: Contrast = Contrast()
    brightness: Brightness = Brightness()
    invert: Invert = Invert()
    blur: Blur = Blur()
    defocus: Defocus = Defocus()
    motion: Motion = Motion()
    low_resolution: LowResolution = LowResolution()
    noise: Noise = Noise()
    jpeg: Jpeg = Jpeg()


class WordData(Section):
    """From pictures of words to inputs of the network, the same in training, evaluation, prediction and export."""

    height: Annotated[int, Field(ge=8, le=1024)] = 64
    """Height of the network's input, pixels (`imgH` in EasyOCR's files)."""
    channels: Literal[1, 3] = 1
    """1 reads grey pictures, 3 colour."""
    max_width: Width = 600
    """Greatest width of the input, pixels (`imgW`); longer pictures are squeezed to it and counted."""
    min_width: Width = 16
    """Least width of the input, pixels: what is narrower is padded, and its padding is read, for without room a
    narrow picture has no time step to be written in."""
    keep_ratio: bool = True
    """Keep the ratio of width to height. false squeezes or stretches every picture to `max_width`, as
    deep-text-recognition-benchmark does without `--PAD`."""
    pad_to: Width | None = None
    """Pad every picture to this width and have the network read all of it, as EasyOCR's trainer does with `PAD: True`;
    null pads to the longest of a batch, and padding is not read."""
    padding: Literal["edge", "mean"] = "edge"
    """What is padded with: `edge` repeats the last column, as EasyOCR does, which adds no edge that is not in the
    picture; `mean` is an even area that is 0 for the network."""
    width_multiple: Annotated[int, Field(ge=1, le=256)] = 4
    """Every input is padded to a multiple of this width, and that padding is read. The networks here make a column of
    features of 4 pixels: with a multiple of it they read a picture alike, alone and in company."""
    contrast_adjust: UnitFloat = 0.0
    """Stretch pictures whose contrast, (p90 - p10) / (p90 + p10) of their grey levels, is below this; 0 for none."""
    mean: Annotated[list[float], Field(min_length=1, max_length=3)] = [0.5]
    """Mean of the channels, in 0..1: one number for all, or one for each."""
    std: Annotated[list[PositiveFloat], Field(min_length=1, max_length=3)] = [0.5]
    """Standard deviation of the channels likewise."""
    bucket_batches: PositiveInt | None = 64
    """Pictures of similar width share a batch: so many batches' worth of random samples are sorted by width, and the
    batches shuffled. More pads less, fewer mix better; null does not look at widths."""
    augment: WordAugmentation = WordAugmentation()
    extra_augment: list[NamedAugmentation] = []
    """Further changes, in this order: after those of `augment`, before padding. `gaussian_noise` has the option
    `sigma`, least and greatest standard deviation, in units of 0 to 255."""

    @model_validator(mode="after")
    def _consistent(self) -> WordData:
        if self.min_width > self.max_width:
            raise ValueError(f"min_width ({self.min_width}) must not be above max_width ({self.max_width})")
        if self.pad_to is not None and not self.keep_ratio:
            raise ValueError("keep_ratio: false leaves nothing to pad, set pad_to to null")
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, self.channels):
                raise ValueError(f"{name} must hold one number or {self.channels}, as many as there are channels")
        return self

"""Settings of a recogniser's inputs: how pictures of words are resized, batched and augmented."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from config.schema.augmentation import NamedAugmentation
from config.schema.base import PAIR, PositiveFloat, PositiveInt, Section, UnitFloat, ordered

LARGEST_WIDTH = 32000
"""Widths, rounded up to a multiple, are stored as 16-bit integers, two bytes for each picture of a dataset."""


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
    """Rotates the text in the plane of the picture. All of it stays visible."""

    max_angle: Annotated[float, Field(ge=0, le=45)] = 5.0
    """The angle is drawn uniformly from ± this many degrees; less for long words, so that their ends move by a quarter
    of the height at most."""


class Shear(Change):
    """Slants the text, as italics do."""

    max_angle: Annotated[float, Field(ge=0, le=60)] = 15.0
    """The angle is drawn uniformly from ± this many degrees."""


class Perspective(Change):
    """Moves each corner of the picture independently."""

    strength: Annotated[float, Field(ge=0, le=0.2)] = 0.1
    """Maximum shift of a corner along each axis, in units of the picture's shorter side."""


class Elastic(Change):
    """Bends the text by a smooth random field of shifts."""

    strength: Annotated[float, Field(ge=0, le=0.3)] = 0.03
    """Standard deviation of the shifts, in units of the picture's height."""
    spacing: Annotated[float, Field(ge=0.1, le=10)] = 0.5
    """Distance over which the shifts change, in units of the picture's height."""


class Margin(Change):
    """Moves each side of the picture independently, like an inexact box of a detector."""

    range: Margins = [-0.04, 0.15]
    """Minimum and maximum added margin, in units of the picture's shorter side; a negative margin cuts pixels off."""


class Contrast(Change):
    """Multiplies the difference of each pixel to the picture's mean."""

    range: Factors = [0.6, 1.3]
    """Minimum and maximum factor."""


class Brightness(Change):
    """Adds an offset to every pixel, limited so that hardly any pixel is clipped."""

    range: Offsets = [-0.2, 0.2]
    """Minimum and maximum offset, as shares of white."""


class Gamma(Change):
    """Raises every pixel, 0 to 1, to a power."""

    range: Factors = [0.6, 1.6]
    """Minimum and maximum power, drawn uniformly on a logarithmic scale."""


class Invert(Change):
    """Swaps dark and light."""


class Blur(Change):
    """A Gaussian blur."""

    range: Lengths = [0.01, 0.04]
    """Minimum and maximum standard deviation, in units of the picture's height."""


class Defocus(Change):
    """A blur with a disc as its kernel, like a lens that is out of focus."""

    range: Lengths = [0.02, 0.06]
    """Minimum and maximum radius, in units of the picture's height."""


class Motion(Change):
    """A motion blur: a line of random direction as its kernel."""

    range: Lengths = [0.05, 0.15]
    """Minimum and maximum length, in units of the picture's height."""


class LowResolution(Change):
    """Shrinks the picture and enlarges it again."""

    range: Shares = [0.35, 0.9]
    """Minimum and maximum factor by which the sides shrink."""


class Noise(Change):
    """Gaussian noise, independent in each pixel and channel."""

    range: Levels = [2.0, 14.0]
    """Minimum and maximum standard deviation, in units of 0 to 255."""


class Jpeg(Change):
    """Writes the picture as a JPEG file and reads it again."""

    range: Qualities = [40, 95]
    """Minimum and maximum quality."""


class WordAugmentation(Section):
    """Random changes of a training picture. Each is off unless its probability is above 0.

    The geometric changes are combined with the resizing into one warp; the input size stays. The others follow in the
    order of a camera: light, optics, sensor, file. Lengths are in units of the picture's height, so that they mean the
    same at any input size.
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
    """How pictures of words become inputs of the network, in training, evaluation, prediction and export alike."""

    height: Annotated[int, Field(ge=8, le=1024)] = 64
    """Height of the network's input, pixels (`imgH` in EasyOCR's files)."""
    channels: Literal[1, 3] = 1
    """1 for grey pictures, 3 for colour."""
    max_width: Width = 600
    """Maximum width of the input, pixels (`imgW`); longer pictures are squeezed to it and counted."""
    min_width: Width = 16
    """Minimum width of the input, pixels. Narrower pictures are padded, and the network reads this padding: without it
    they would have no time step."""
    keep_ratio: bool = True
    """Keep the aspect ratio. false squeezes or stretches every picture to `max_width`, as
    deep-text-recognition-benchmark does without `--PAD`."""
    pad_to: Width | None = None
    """Pad every picture to this width; the network reads the padding, as in EasyOCR's trainer with `PAD: True`. null
    pads to the longest picture of the batch, and the network does not read the padding."""
    padding: Literal["edge", "mean"] = "edge"
    """Content of the padding: `edge` repeats the last column, as EasyOCR does; `mean` is 0 after normalisation."""
    width_multiple: Annotated[int, Field(ge=1, le=256)] = 4
    """Every input is padded to a multiple of this width, and the network reads this padding. The built-in networks have
    one column of features per 4 pixels: with a multiple of 4, a reading does not depend on the rest of the batch."""
    contrast_adjust: UnitFloat = 0.0
    """Stretch the contrast of pictures whose contrast, (p90 - p10) / (p90 + p10) of the grey levels, is below this; 0
    stretches none."""
    mean: Annotated[list[float], Field(min_length=1, max_length=3)] = [0.5]
    """Mean of the channels, in 0..1: one value for all channels, or one for each."""
    std: Annotated[list[PositiveFloat], Field(min_length=1, max_length=3)] = [0.5]
    """Standard deviation of the channels, in 0..1: one value for all channels, or one for each."""
    bucket_batches: PositiveInt | None = 64
    """Batches per bucket: the random samples of this many batches are sorted by width, so that a batch holds pictures
    of similar width, and the batches are shuffled. A larger number needs less padding, a smaller one mixes better; null
    does not sort."""
    augment: WordAugmentation = WordAugmentation()
    extra_augment: list[NamedAugmentation] = []
    """Further changes, in this order, after those of `augment` and before padding. `gaussian_noise` has the option
    `sigma`, minimum and maximum standard deviation, in units of 0 to 255."""

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

"""Random changes of a training image. Each one is off until `option` is True, as in EasyOCR's trainer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.schema.base import PAIR, NonNegativeFloat, Options, PositiveFloat, Section, UnitFloat, ordered

Share = Annotated[float, Field(gt=0, le=1)]


class RandomScale(Section):
    """Scales the image before it is cropped."""

    option: bool = False
    """Switch."""
    range: Annotated[list[PositiveFloat], Field(min_length=1)] = [1.0, 1.5, 2.0]
    """Scale factors, one of which is drawn for each sample. Crops that are resized afterwards undo it: it matters for
    `random_crop` and `random_crop_with_bbox`."""


class RandomRotate(Section):
    """Turns the image before it is cropped."""

    option: bool = False
    """Switch."""
    max_angle: Annotated[float, Field(ge=0, le=180)] = 20.0
    """The angle is drawn from ± this many degrees, about the centre of the image."""


class RandomCrop(Section):
    """Cuts out the part of the image that becomes the training square."""

    option: bool = True
    """Switch. Without a crop the image is fitted whole into the training square and padded."""
    version: Literal["random_resize_crop_synth", "random_resize_crop", "random_crop", "random_crop_with_bbox"] = (
        "random_resize_crop_synth"
    )
    """`random_resize_crop_synth`: a random square as large as the image's short side, resized.
    `random_resize_crop`: a random area and aspect ratio, resized. `random_crop`: a square of `output_size` pixels,
    not resized. `random_crop_with_bbox`: a square of `output_size` pixels around a randomly chosen word."""
    scale: Annotated[list[Share], PAIR, AfterValidator(ordered)] = [0.03, 0.4]
    """Least and greatest area of a `random_resize_crop`, as shares of the image's."""
    ratio: Annotated[list[PositiveFloat], PAIR, AfterValidator(ordered)] = [0.75, 1.33]
    """Least and greatest width / height of a `random_resize_crop`."""
    rnd_threshold: UnitFloat = 1.0
    """Probability that a sample is cropped at random; otherwise the largest square in the middle is taken."""


class RandomHorizontalFlip(Section):
    """Mirrors every second image."""

    option: bool = False
    """Switch. Off by default: mirrored text is not text."""


class RandomColorJitter(Section):
    """Changes the colours."""

    option: bool = False
    """Switch."""
    brightness: NonNegativeFloat = 0.2
    """Brightness is multiplied by a factor from 1 ± this."""
    contrast: NonNegativeFloat = 0.2
    """Contrast likewise."""
    saturation: NonNegativeFloat = 0.2
    """Saturation likewise."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    """Hue is turned by ± this share of the colour circle."""


class NamedAugmentation(Section):
    """A random change that a file in `data/augment/` registers under a name."""

    name: str
    """Name it is registered under."""
    probability: UnitFloat = 1.0
    """Probability that a sample is changed."""
    options: Options = {}
    """Its options."""


class Augmentation(Section):
    """Geometry is sampled as one 3x3 matrix; the image is resampled once and the boxes move with it."""

    random_scale: RandomScale = RandomScale()
    random_rotate: RandomRotate = RandomRotate()
    random_crop: RandomCrop = RandomCrop()
    random_horizontal_flip: RandomHorizontalFlip = RandomHorizontalFlip()
    random_colorjitter: RandomColorJitter = RandomColorJitter()
    geometric: list[NamedAugmentation] = []
    """Further changes of the geometry, in this order: after scale and rotation, before the crop."""
    photometric: list[NamedAugmentation] = []
    """Further changes of the picture, in this order: after the colours. `gaussian_noise` has the option `sigma`, least
    and greatest standard deviation, in units of 0 to 255."""

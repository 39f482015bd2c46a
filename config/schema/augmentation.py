"""Random changes of a training image. Each is off unless `option` is true, as in EasyOCR's trainer."""

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
    """Scale factors; one of them is drawn for each sample. Crops that are resized afterwards undo the scaling: it has
    an effect for `random_crop` and `random_crop_with_bbox` only."""


class RandomRotate(Section):
    """Rotates the image before it is cropped."""

    option: bool = False
    """Switch."""
    max_angle: Annotated[float, Field(ge=0, le=180)] = 20.0
    """The angle is drawn uniformly from ± this many degrees, about the centre of the image."""


class RandomCrop(Section):
    """Cuts out the part of the image that becomes the square training image."""

    option: bool = True
    """Switch. Without a crop, the whole image is fitted into the square training image and padded."""
    version: Literal["random_resize_crop_synth", "random_resize_crop", "random_crop", "random_crop_with_bbox"] = (
        "random_resize_crop_synth"
    )
    """`random_resize_crop_synth`: a random square as large as the image's short side, resized.
    `random_resize_crop`: a random area and aspect ratio, resized. `random_crop`: a square of `output_size` pixels,
    not resized. `random_crop_with_bbox`: a square of `output_size` pixels around a randomly chosen word."""
    scale: Annotated[list[Share], PAIR, AfterValidator(ordered)] = [0.03, 0.4]
    """Minimum and maximum area of a `random_resize_crop`, as shares of the image's area."""
    ratio: Annotated[list[PositiveFloat], PAIR, AfterValidator(ordered)] = [0.75, 1.33]
    """Minimum and maximum width / height of a `random_resize_crop`."""
    rnd_threshold: UnitFloat = 1.0
    """Probability that a sample is cropped at random; otherwise the largest central square is used."""


class RandomHorizontalFlip(Section):
    """Mirrors an image with probability 0.5."""

    option: bool = False
    """Switch. Off by default, because mirrored text is not text."""


class RandomColorJitter(Section):
    """Changes the colours."""

    option: bool = False
    """Switch."""
    brightness: NonNegativeFloat = 0.2
    """Brightness is multiplied by a factor from 1 ± this."""
    contrast: NonNegativeFloat = 0.2
    """Contrast is multiplied by a factor from 1 ± this."""
    saturation: NonNegativeFloat = 0.2
    """Saturation is multiplied by a factor from 1 ± this."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    """Hue is shifted by up to ± this share of the colour circle."""


class NamedAugmentation(Section):
    """A random change that a file in `data/augment/` registers under a name."""

    name: str
    """Name under which it is registered."""
    probability: UnitFloat = 1.0
    """Probability that a sample is changed."""
    options: Options = {}
    """Options of the augmentation."""


class Augmentation(Section):
    """The geometric changes are combined into one 3x3 matrix, which resamples the image once and moves the boxes."""

    random_scale: RandomScale = RandomScale()
    random_rotate: RandomRotate = RandomRotate()
    random_crop: RandomCrop = RandomCrop()
    random_horizontal_flip: RandomHorizontalFlip = RandomHorizontalFlip()
    random_colorjitter: RandomColorJitter = RandomColorJitter()
    geometric: list[NamedAugmentation] = []
    """Further geometric changes, in this order, after scale and rotation and before the crop."""
    photometric: list[NamedAugmentation] = []
    """Further photometric changes, in this order, after the colour jitter. `gaussian_noise` has the option `sigma`,
    minimum and maximum standard deviation, in units of 0 to 255."""

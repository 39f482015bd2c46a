"""Settings of how a scene is laid out, what it looks like, and what the camera makes of it."""

from __future__ import annotations

from config.schema.base import NonNegativeFloat, Section, UnitFloat
from config.schema.generation.ranges import (
    AngleRange,
    CountRange,
    CountRangeFromZero,
    FactorRange,
    NonNegativeRange,
    PositiveRange,
    QualityRange,
    ScaleRange,
    SideRange,
    SignedRange,
    TiltRange,
    UnitRange,
)


class LayoutSettings(Section):
    """How much text a scene has and where it stands."""

    width: SideRange = [640, 1024]
    """Width of the scene, pixels."""
    height: SideRange = [480, 768]
    """Height of the scene, pixels."""
    blocks: CountRange = [4, 12]
    """Blocks of text that are tried; one that finds no room is left out."""
    lines: CountRange = [1, 3]
    """Lines of a block."""
    words: CountRange = [1, 4]
    """Words of a line."""
    text_height: PositiveRange = [10.0, 72.0]
    """Height of a capital letter, pixels, drawn evenly on a logarithmic scale."""
    line_spacing: PositiveRange = [1.05, 1.5]
    """Distance between baselines, in units of the font size."""
    margin: NonNegativeFloat = 0.35
    """Least distance between two blocks, in units of the font size of each."""
    rotation: AngleRange = [-20.0, 20.0]
    """Rotation in the plane of the picture, degrees."""
    tilt: TiltRange = [-25.0, 25.0]
    """Rotation about the horizontal and about the vertical axis, degrees: perspective."""
    camera_distance: PositiveRange = [2.0, 5.0]
    """Distance of the camera in units of the block's longer side: the nearer, the stronger the perspective."""


class LookSettings(Section):
    """Colour and decoration of the text."""

    contrast: NonNegativeRange = [60.0, 200.0]
    """Difference in luminance (0 to 255) between the text and the background beneath it."""
    low_contrast: UnitFloat = 0.08
    """Probability of a contrast from `low_contrast_range` instead."""
    low_contrast_range: NonNegativeRange = [30.0, 60.0]
    """Contrast of those."""
    opacity: UnitRange = [0.8, 1.0]
    """Opacity of the text."""
    gradient: UnitFloat = 0.15
    """Probability that the fill changes its shade from top to bottom."""
    outline: UnitFloat = 0.15
    """Probability of an outline."""
    outline_width: PositiveRange = [0.02, 0.07]
    """Its width, in units of the font size."""
    shadow: UnitFloat = 0.2
    """Probability of a drop shadow."""
    shadow_offset: NonNegativeRange = [0.03, 0.12]
    """Its distance, in units of the font size."""
    plate: UnitFloat = 0.25
    """Probability that a block stands on a plate of even colour, as on a sign."""


class BackgroundSettings(Section):
    """What is behind the text."""

    folder: str | None = None
    """Folder searched for photos; null makes every background by formula."""
    photo_share: UnitFloat = 1.0
    """Share of the scenes that use a photo where `folder` is given."""
    pattern: UnitFloat = 0.6
    """Probability of stripes, bricks, a grid or dots over the base colours."""
    texture: NonNegativeRange = [0.0, 14.0]
    """Standard deviation of the grain, in units of 0 to 255."""
    shapes: CountRangeFromZero = [0, 20]
    """Number of random shapes and lines."""
    distractors: CountRangeFromZero = [0, 5]
    """Number of things that look like text from afar and carry no label: scribbles, bars, rows of strokes."""


class Effect(Section):
    """An effect of the camera: how often, and how strong."""

    probability: UnitFloat = 0.0
    """Probability that a scene has it."""
    strength: NonNegativeRange = [0.0, 0.0]
    """Least and greatest strength, in the unit named by the effect."""


class Resolution(Section):
    """A scene photographed too small and enlarged again."""

    probability: UnitFloat = 0.2
    """Probability."""
    factor: ScaleRange = [0.5, 0.9]
    """Factor of the small picture's sides."""


class CameraSettings(Section):
    """What the camera does to the finished scene."""

    blur: Effect = Effect(probability=0.4, strength=[0.4, 1.6])
    """Standard deviation of a Gaussian blur, pixels."""
    motion: Effect = Effect(probability=0.15, strength=[2.0, 6.0])
    """Length of a motion blur, pixels."""
    noise: Effect = Effect(probability=0.7, strength=[2.0, 14.0])
    """Standard deviation of the sensor's noise, in units of 0 to 255."""
    resolution: Resolution = Resolution()
    """Loss of resolution."""
    brightness: SignedRange = [-0.2, 0.2]
    """Added to every pixel, as a share of 255."""
    contrast: FactorRange = [0.7, 1.25]
    """Factor of the difference to mid-grey."""
    jpeg_quality: QualityRange = [45, 95]
    """Quality the image is written with."""

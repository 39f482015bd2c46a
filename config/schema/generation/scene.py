"""Settings of how a scene is laid out, what it looks like, and what the camera makes of it."""

from __future__ import annotations

from pydantic import model_validator

from config.schema.base import NonNegativeFloat, Section, UnitFloat, UserPath
from config.schema.generation.ranges import (
    AngleRange,
    CountRange,
    CountRangeFromZero,
    DistanceRange,
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


class Effect(Section):
    """An effect: how often, and how strong."""

    probability: UnitFloat = 0.0
    """Probability that a scene (or, of curves, a block) has it."""
    strength: NonNegativeRange = [0.0, 0.0]
    """Least and greatest strength, in the unit named by the effect."""


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
    camera_distance: DistanceRange = [2.0, 5.0]
    """Distance of the camera in units of the block's longer side: the nearer, the stronger the perspective."""
    vertical: UnitFloat = 0.0
    """Probability that a block is set from top to bottom in upright characters, as on signs and in columns of Chinese,
    Japanese and Korean (these follow one another from right to left). Arabic, Hebrew and the like stay in lines."""
    curve: Effect = Effect()
    """Lines bent along an arc of a circle, as on signs: angle of the arc, degrees. It is less where the words would
    overlap or the letters be stretched too much. A bent block has one line."""


class LookSettings(Section):
    """Colour and decoration of the text."""

    contrast: NonNegativeRange = [60.0, 200.0]
    """Difference in luminance (0 to 255) between the text and the background beneath it."""
    low_contrast: UnitFloat = 0.08
    """Probability of a contrast from `low_contrast_range` instead."""
    low_contrast_range: NonNegativeRange = [30.0, 60.0]
    """Contrast of those."""
    antialias: bool = False
    """Smooth every drawing that the scene shrinks, as a camera's pixels do; false smooths only what is shrunk to about
    half or less, and leaves the steps of small text hard."""
    opacity: UnitRange = [0.8, 1.0]
    """Opacity of the text."""
    gradient: UnitFloat = 0.15
    """Probability that the fill changes its shade from top to bottom."""
    texture: UnitFloat = 0.0
    """Probability that the ink is filled with a pattern or clouds of two colours instead."""
    emboss: UnitFloat = 0.0
    """Probability that the ink stands out, lit from one side along its edge."""
    relief: UnitFloat = 0.0
    """Probability that the grain and shading of the ground shows in the ink, as in paint on a wall."""
    outline: UnitFloat = 0.15
    """Probability of an outline."""
    outline_width: PositiveRange = [0.02, 0.07]
    """Its width, in units of the font size."""
    shadow: UnitFloat = 0.2
    """Probability of a drop shadow."""
    hard_shadow: UnitFloat = 0.0
    """Probability that a shadow has a sharp edge."""
    shadow_offset: NonNegativeRange = [0.03, 0.12]
    """Its distance, in units of the font size."""
    plate: UnitFloat = 0.25
    """Probability that a block stands on a plate of even colour, as on a sign."""


class BackgroundSettings(Section):
    """What is behind the text."""

    folder: UserPath | None = None
    """Folder searched for photos; null makes every background by formula."""
    photo_share: UnitFloat = 1.0
    """Share of the scenes that use a photo where `folder` is given."""
    photo_flip: UnitFloat = 0.0
    """Probability that left and right of a photo change places."""
    photo_light: UnitFloat = 0.0
    """Greatest change of a photo's light: 0.3 multiplies the pixels by up to 1.3 or 1 / 1.3, and bends them by a power
    as far from 1."""
    smooth: UnitFloat = 0.0
    """On photos text prefers smooth places: 0 takes any, 1 the smoothest of those that are free. Text that finds
    none is made smaller, or left out."""
    pattern: UnitFloat = 0.6
    """Probability of stripes, bricks, a grid or dots over the base colours."""
    texture: NonNegativeRange = [0.0, 14.0]
    """Standard deviation of the grain, in units of 0 to 255."""
    shapes: CountRangeFromZero = [0, 20]
    """Number of random shapes and lines."""
    distractors: CountRangeFromZero = [0, 5]
    """Number of things that look like text from afar and carry no label: scribbles, bars, rows of strokes."""
    photo_distractors: CountRangeFromZero | None = None
    """The same where the background is a photo, which has such things of its own; null: `distractors` of them."""


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
    defocus: Effect = Effect()
    """Radius of the disc that a point becomes out of focus, pixels."""
    motion: Effect = Effect(probability=0.15, strength=[2.0, 6.0])
    """Length of a motion blur, pixels."""
    noise: Effect = Effect(probability=0.7, strength=[2.0, 14.0])
    """Standard deviation of the sensor's noise, in units of 0 to 255."""
    resolution: Resolution = Resolution()
    """Loss of resolution."""
    lighting: Effect = Effect()
    """Uneven light: the darkest place is darker by this share (0 to 0.9)."""
    vignette: Effect = Effect()
    """Darkening of the corners, as a share (0 to 0.9)."""
    cast: Effect = Effect()
    """Colour cast: greatest change of a channel, as a share (0 to 0.9)."""
    sharpening: Effect = Effect()
    """Strength of the camera's own sharpening, which leaves halos: 1 doubles the finest details."""
    brightness: SignedRange = [-0.2, 0.2]
    """Added to every pixel, as a share of 255."""
    contrast: FactorRange = [0.7, 1.25]
    """Factor of the difference to mid-grey."""
    jpeg_quality: QualityRange = [45, 95]
    """Quality the image is written with."""

    @model_validator(mode="after")
    def _shares_leave_light(self) -> CameraSettings:
        for name in ("lighting", "vignette", "cast"):
            if getattr(self, name).strength[1] > 0.9:
                raise ValueError(f"camera.{name}.strength is a share of the light and at most 0.9")
        return self

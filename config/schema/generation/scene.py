"""Settings of the layout of a scene, of its look, and of the simulated camera."""

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
    """An effect with its probability and strength."""

    probability: UnitFloat = 0.0
    """Probability that a scene (for curves: a block) has the effect."""
    strength: NonNegativeRange = [0.0, 0.0]
    """Minimum and maximum strength; the effect says in which unit."""


class LayoutSettings(Section):
    """How much text a scene has and where it stands."""

    width: SideRange = [640, 1024]
    """Width of the scene, pixels."""
    height: SideRange = [480, 768]
    """Height of the scene, pixels."""
    blocks: CountRange = [4, 12]
    """Number of text blocks that are tried; a block without enough space is left out."""
    lines: CountRange = [1, 3]
    """Lines of a block."""
    words: CountRange = [1, 4]
    """Words of a line."""
    text_height: PositiveRange = [10.0, 72.0]
    """Height of a capital letter, pixels, drawn uniformly on a logarithmic scale."""
    line_spacing: PositiveRange = [1.05, 1.5]
    """Distance between baselines, in units of the font size."""
    margin: NonNegativeFloat = 0.35
    """Minimum distance between two blocks, in units of the font size of each."""
    rotation: AngleRange = [-20.0, 20.0]
    """Rotation in the plane of the picture, degrees."""
    tilt: TiltRange = [-25.0, 25.0]
    """Rotation about the horizontal and about the vertical axis, degrees: perspective."""
    camera_distance: DistanceRange = [2.0, 5.0]
    """Distance of the camera in units of the block's longer side: a shorter distance gives a stronger perspective."""
    vertical: UnitFloat = 0.0
    """Probability that a block is written from top to bottom with upright characters, as on signs and in columns of
    Chinese, Japanese and Korean text (these columns run from right to left). Right-to-left scripts stay horizontal."""
    curve: Effect = Effect()
    """Lines bent along an arc of a circle, as on signs: angle of the arc, degrees. It is reduced if words would overlap
    or letters would be stretched too much. A bent block has one line."""


class LookSettings(Section):
    """Colour and decoration of the text."""

    contrast: NonNegativeRange = [60.0, 200.0]
    """Difference in luminance (0 to 255) between the text and the background beneath it."""
    low_contrast: UnitFloat = 0.08
    """Probability of a contrast from `low_contrast_range` instead."""
    low_contrast_range: NonNegativeRange = [30.0, 60.0]
    """Minimum and maximum of the low contrast."""
    antialias: bool = False
    """Smooth every drawing before it is shrunk, like the pixels of a camera do; false smooths only drawings that are
    shrunk to about half or less, so that small text has jagged edges."""
    opacity: UnitRange = [0.8, 1.0]
    """Opacity of the text."""
    gradient: UnitFloat = 0.15
    """Probability that the letters are filled with a vertical gradient."""
    texture: UnitFloat = 0.0
    """Probability that the letters are filled with a pattern or with clouds of two colours instead."""
    emboss: UnitFloat = 0.0
    """Probability that the letters are embossed, with one lit and one shaded edge."""
    relief: UnitFloat = 0.0
    """Probability that the grain and the shading of the background are visible in the letters, like in paint on a
    wall."""
    outline: UnitFloat = 0.15
    """Probability of an outline."""
    outline_width: PositiveRange = [0.02, 0.07]
    """Width of the outline, in units of the font size."""
    shadow: UnitFloat = 0.2
    """Probability of a drop shadow."""
    hard_shadow: UnitFloat = 0.0
    """Probability that a shadow has a sharp edge."""
    shadow_offset: NonNegativeRange = [0.03, 0.12]
    """Distance of the shadow, in units of the font size."""
    plate: UnitFloat = 0.25
    """Probability that a block has a plain rectangle behind it, as on a sign."""


class BackgroundSettings(Section):
    """The background of the text."""

    folder: UserPath | None = None
    """Folder that is searched for photos; null makes synthetic backgrounds only."""
    photo_share: UnitFloat = 1.0
    """Share of the scenes that use a photo, if `folder` is given."""
    photo_flip: UnitFloat = 0.0
    """Probability that a photo is mirrored horizontally."""
    photo_light: UnitFloat = 0.0
    """Maximum change of a photo's light: 0.3 multiplies the pixels by up to 1.3 or 1 / 1.3, and applies a gamma in the
    same range."""
    smooth: UnitFloat = 0.0
    """Preference of text for smooth places in photos: 0 uses any free place, 1 the smoothest one. Text without such a
    place is made smaller, or left out."""
    pattern: UnitFloat = 0.6
    """Probability of stripes, bricks, a grid or dots over the base colours."""
    texture: NonNegativeRange = [0.0, 14.0]
    """Standard deviation of the grain, in units of 0 to 255."""
    shapes: CountRangeFromZero = [0, 20]
    """Number of random shapes and lines."""
    distractors: CountRangeFromZero = [0, 5]
    """Number of distractors without a label that resemble text: scribbles, bars, rows of strokes."""
    photo_distractors: CountRangeFromZero | None = None
    """The same for photos, which contain real distractors; null uses `distractors`."""


class Resolution(Section):
    """Loss of resolution: the scene is shrunk and enlarged again."""

    probability: UnitFloat = 0.2
    """Probability."""
    factor: ScaleRange = [0.5, 0.9]
    """Factor by which the sides shrink."""


class CameraSettings(Section):
    """Effects of the camera on the finished scene."""

    blur: Effect = Effect(probability=0.4, strength=[0.4, 1.6])
    """Standard deviation of a Gaussian blur, pixels."""
    defocus: Effect = Effect()
    """Radius of the disc that is the kernel of the defocus blur, pixels."""
    motion: Effect = Effect(probability=0.15, strength=[2.0, 6.0])
    """Length of a motion blur, pixels."""
    noise: Effect = Effect(probability=0.7, strength=[2.0, 14.0])
    """Standard deviation of the sensor's noise, in units of 0 to 255."""
    resolution: Resolution = Resolution()
    """Loss of resolution."""
    lighting: Effect = Effect()
    """Uneven light: share of the light that is missing at the darkest place (0 to 0.9)."""
    vignette: Effect = Effect()
    """Darkening of the corners, as a share (0 to 0.9)."""
    cast: Effect = Effect()
    """Colour cast: greatest change of a channel, as a share (0 to 0.9)."""
    sharpening: Effect = Effect()
    """Strength of the camera's sharpening, which leaves halos: 1 doubles the finest details."""
    brightness: SignedRange = [-0.2, 0.2]
    """Added to every pixel, as a share of 255."""
    contrast: FactorRange = [0.7, 1.25]
    """Factor of the difference to mid-grey."""
    jpeg_quality: QualityRange = [45, 95]
    """JPEG quality of the image."""

    @model_validator(mode="after")
    def _shares_leave_light(self) -> CameraSettings:
        for name in ("lighting", "vignette", "cast"):
            if getattr(self, name).strength[1] > 0.9:
                raise ValueError(f"camera.{name}.strength is a share of the light and at most 0.9")
        return self

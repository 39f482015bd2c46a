"""Settings of crops: pictures of single words or lines, what a recogniser learns from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.schema.base import PAIR, Section, UnitFloat, ordered
from config.schema.generation.ranges import (
    AngleRange,
    CountRange,
    DistanceRange,
    QualityRange,
    TiltRange,
)
from config.schema.generation.scene import Effect

CropHeight = Annotated[int, Field(ge=8, le=512)]
LabelLength = Annotated[int, Field(ge=1, le=1000)]
CapRange = Annotated[list[Annotated[float, Field(ge=4, le=256)]], PAIR, AfterValidator(ordered)]
MarginRange = Annotated[list[Annotated[float, Field(ge=-0.1, le=2)]], PAIR, AfterValidator(ordered)]


class CropSettings(Section):
    """Pictures of words or lines, where `output` is `crops`.

    Fonts, text, look, backgrounds and camera follow their own sections. Of `layout` only `line_spacing` counts, for the
    lines around the text; what else a crop needs of it is set here. `backgrounds.smooth` and its `distractors` are for
    scenes only.
    """

    format: Literal["lmdb", "folder"] = "lmdb"
    """`lmdb`: one database with the keys of deep-text-recognition-benchmark. `folder`: image files and `labels.csv`, as
    EasyOCR's trainer reads them."""
    height: CropHeight = 32
    """Height of every picture, pixels; the width follows from the text."""
    words: CountRange = [1, 1]
    """Words of a picture, parted by single spaces: 1 makes word crops, more makes lines. Fewer are written where
    `max_length` leaves no room."""
    max_length: LabelLength = 25
    """Greatest number of characters of a label, spaces included. deep-text-recognition-benchmark trains on at most 25,
    EasyOCR's recipe on at most 34."""
    text_height: CapRange = [9.0, 48.0]
    """Height of a capital letter as the camera sees it, pixels, drawn evenly on a logarithmic scale. The picture is
    resized to `height` afterwards, so that small text comes out as coarse as it does in photos."""
    rotation: AngleRange = [-8.0, 8.0]
    """Rotation in the plane of the picture, degrees."""
    straight: UnitFloat = 0.5
    """Probability of neither rotation nor tilt."""
    tilt: TiltRange = [-25.0, 25.0]
    """Rotation about the horizontal and about the vertical axis, degrees: perspective."""
    curve: Effect = Effect(probability=0.03, strength=[10.0, 50.0])
    """Text bent along an arc of a circle: angle of the arc, degrees. Less where letters would be stretched too much."""
    camera_distance: DistanceRange = [2.0, 6.0]
    """Distance of the camera in units of the text's width: the nearer, the stronger the perspective."""
    rectified: UnitFloat = 0.4
    """Probability that the box follows the text's rotation and tilt, and is made straight again, as a detector's
    quadrilateral is; otherwise it is upright."""
    margin: MarginRange = [-0.03, 0.3]
    """Distance between the text and each side of the box, in units of a capital's height; below 0 the box cuts into the
    text."""
    jitter: UnitFloat = 0.04
    """Standard deviation by which the corners of a rectified box miss their places, in units of a capital's height."""
    neighbours: UnitFloat = 0.25
    """Probability of other words around the text, of which fragments may reach into the picture."""
    plain: UnitFloat = 0.6
    """Probability of an even ground under uneven light, as on a sign; else a photo or a pattern, as `backgrounds`
    says."""
    blur_limit: UnitFloat = 0.09
    """Greatest standard deviation of a blur, and half the greatest radius of a defocus and length of a motion blur, in
    units of a capital's height: `camera` is in pixels, which would wipe out small text."""
    recompressed: UnitFloat = 0.5
    """Probability that the photo was a JPEG file of `camera.jpeg_quality` before the picture was cut out of it."""
    jpeg_quality: QualityRange = [75, 95]
    """Quality that the finished picture is written with."""

"""Settings of crops: pictures of single words or lines, for training recognisers."""

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
    """Pictures of words or lines, used if `output` is `crops`.

    The sections `fonts`, `text`, `look`, `backgrounds` and `camera` apply to crops, too, except
    `backgrounds.smooth` and `backgrounds.distractors`. The section `layout` does not apply, except `line_spacing`,
    which places the lines around the text.
    """

    format: Literal["lmdb", "folder"] = "lmdb"
    """`lmdb`: one database with the keys of deep-text-recognition-benchmark. `folder`: image files and `labels.csv`, as
    EasyOCR's trainer reads them."""
    height: CropHeight = 32
    """Height of every picture, pixels; the width follows from the text."""
    words: CountRange = [1, 1]
    """Number of words in a picture, separated by single spaces: 1 makes word crops, more makes lines. It is lower if
    the label would exceed `max_length`."""
    max_length: LabelLength = 25
    """Maximum number of characters of a label, spaces included. deep-text-recognition-benchmark trains on at most 25,
    EasyOCR's recipe on at most 34."""
    text_height: CapRange = [9.0, 48.0]
    """Height of a capital letter in the simulated photo, pixels, drawn uniformly on a logarithmic scale. The picture is
    resized to `height` afterwards, so that small text looks as coarse as in real photos."""
    rotation: AngleRange = [-8.0, 8.0]
    """Rotation in the plane of the picture, degrees."""
    straight: UnitFloat = 0.5
    """Probability that a text has neither rotation nor tilt."""
    tilt: TiltRange = [-25.0, 25.0]
    """Rotation about the horizontal and about the vertical axis, degrees: perspective."""
    curve: Effect = Effect(probability=0.03, strength=[10.0, 50.0])
    """Text bent along an arc of a circle: angle of the arc, degrees. It is reduced if the letters would be stretched
    too much."""
    camera_distance: DistanceRange = [2.0, 6.0]
    """Distance of the camera in units of the text's width: a shorter distance gives a stronger perspective."""
    rectified: UnitFloat = 0.4
    """Probability that the crop is the quadrilateral around the rotated and tilted text, rectified, like the crop of a
    detector; otherwise the crop is an upright rectangle."""
    margin: MarginRange = [-0.03, 0.3]
    """Distance between the text and each side of the box, in units of a capital's height; below 0 the box cuts into the
    text."""
    jitter: UnitFloat = 0.04
    """Standard deviation of the position of a rectified box's corners, in units of a capital's height."""
    neighbours: UnitFloat = 0.25
    """Probability of other words around the text; parts of them may be visible in the picture."""
    plain: UnitFloat = 0.6
    """Probability of a plain background under uneven light, as on a sign; otherwise the background is a photo or a
    pattern (see `backgrounds`)."""
    blur_limit: UnitFloat = 0.09
    """Maximum standard deviation of a blur, and half of the maximum radius of a defocus and length of a motion blur, in
    units of a capital's height. It limits the settings of `camera`, whose pixels would make small text illegible."""
    recompressed: UnitFloat = 0.5
    """Probability that the photo was a JPEG file of `camera.jpeg_quality` before the picture was cut out of it."""
    jpeg_quality: QualityRange = [75, 95]
    """JPEG quality of the finished picture."""

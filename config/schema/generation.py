"""Settings of a generation job: making scenes with word and character boxes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from config.schema.base import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Section, UnitFloat


def _ordered(limits: list[float]) -> list[float]:
    if limits[0] > limits[1]:
        raise ValueError(f"a range is [least, greatest], but {limits[0]} is greater than {limits[1]}")
    return limits


_two = Field(min_length=2, max_length=2)
SideRange = Annotated[list[Annotated[int, Field(ge=64, le=8192)]], _two, AfterValidator(_ordered)]
CountRange = Annotated[list[PositiveInt], _two, AfterValidator(_ordered)]
CountRangeFromZero = Annotated[list[NonNegativeInt], _two, AfterValidator(_ordered)]
PositiveRange = Annotated[list[PositiveFloat], _two, AfterValidator(_ordered)]
NonNegativeRange = Annotated[list[NonNegativeFloat], _two, AfterValidator(_ordered)]
UnitRange = Annotated[list[UnitFloat], _two, AfterValidator(_ordered)]
AngleRange = Annotated[list[Annotated[float, Field(ge=-180, le=180)]], _two, AfterValidator(_ordered)]
TiltRange = Annotated[list[Annotated[float, Field(ge=-60, le=60)]], _two, AfterValidator(_ordered)]
FactorRange = Annotated[list[Annotated[float, Field(gt=0, le=4)]], _two, AfterValidator(_ordered)]
QualityRange = Annotated[list[Annotated[int, Field(ge=1, le=100)]], _two, AfterValidator(_ordered)]
SignedRange = Annotated[list[Annotated[float, Field(ge=-1, le=2)]], _two, AfterValidator(_ordered)]

TextKind = Literal["word", "number", "price", "date", "time", "code", "email"]
LetterCase = Literal["lower", "title", "upper"]
Weights = Annotated[dict[TextKind, NonNegativeFloat], Field(min_length=1)]
CaseWeights = Annotated[dict[LetterCase, NonNegativeFloat], Field(min_length=1)]


class TextSettings(Section):
    """What is written."""

    language: str = "en"
    """Language of the words, as a code that the package `wordfreq` knows (`en`, `de`, `ru`, ...)."""
    word_list: str | None = None
    """UTF-8 text file with one word per line, commonest first, used instead of the language's own list."""
    vocabulary: PositiveInt = 30000
    """So many of the commonest words are used."""
    commonness: UnitFloat = 0.5
    """1 draws words as often as they occur in the language, 0 draws all equally often."""
    alphabet: str | None = None
    """Every character that may occur; null takes ASCII letters, digits, common punctuation and the letters of
    the language's commonest words. A font that lacks one of them is left out."""
    exclude: list[str] = [
        *("fuck", "shit", "cunt", "bitch", "nigg", "faggot", "whore", "slut", "porn", "rapist", "nazi", "hitler"),
    ]
    """Words that contain one of these are not drawn. The default keeps the coarsest of the English list's out of
    pictures that people show around; give your own for another language."""
    length: CountRange = [1, 12]
    """Least and greatest number of characters of a word."""
    kinds: Weights = {
        "word": 0.8,
        "number": 0.06,
        "price": 0.04,
        "date": 0.03,
        "time": 0.02,
        "code": 0.03,
        "email": 0.02,
    }
    """How often a word of each kind is drawn, as relative weights."""
    case: CaseWeights = {"lower": 0.45, "title": 0.3, "upper": 0.25}
    """How often a word is set in lower case, with a capital, or in capitals, as relative weights."""
    punctuation: UnitFloat = 0.1
    """Probability that a word carries a punctuation mark, quotes or brackets."""


class FontSettings(Section):
    """Which fonts write it."""

    folder: str | None = None
    """Folder searched for `.ttf`, `.otf` and `.ttc` files; null takes the fonts installed with the requirements."""
    weight: Annotated[list[Annotated[int, Field(ge=1, le=1000)]], _two, AfterValidator(_ordered)] = [300, 900]
    """Least and greatest weight (400 is regular, 700 bold); a family without any keeps the nearest one it has."""
    italic: UnitFloat = 0.15
    """Probability of italics, where the family has them."""
    letter_spacing: Annotated[list[Annotated[float, Field(ge=-0.1, le=2)]], _two, AfterValidator(_ordered)] = [
        -0.02,
        0.12,
    ]
    """Extra space between letters, in units of the font size."""


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
    factor: Annotated[list[Annotated[float, Field(ge=0.1, le=1)]], _two, AfterValidator(_ordered)] = [0.5, 0.9]
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


class GenerateConfig(Section):
    """A whole generation job."""

    task: Literal["generate"] = "generate"
    output_dir: str = "./datasets/generated"
    """Folder of the dataset; each split becomes a folder in it."""
    overwrite: bool = False
    """Replace a dataset that was made with other settings."""
    seed: NonNegativeInt = 1111
    """Scene k of a split is a function of this, the split's name and k."""
    splits: Annotated[dict[str, PositiveInt], Field(min_length=1)] = {"train": 2000, "validation": 100, "test": 100}
    """Number of scenes of each split."""
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the font families, the words and the photos that each split but the largest keeps to itself."""
    workers: PositiveInt | None = None
    """Processes that draw scenes; null takes one for each core."""
    text: TextSettings = TextSettings()
    fonts: FontSettings = FontSettings()
    layout: LayoutSettings = LayoutSettings()
    look: LookSettings = LookSettings()
    backgrounds: BackgroundSettings = BackgroundSettings()
    camera: CameraSettings = CameraSettings()

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

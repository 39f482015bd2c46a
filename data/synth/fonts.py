"""Finding the fonts of a job: which files are usable, which family and weight each is.

A face is usable if both readers (fontTools for the character map, FreeType through Pillow for drawing) open
it and it has a glyph for every character of the alphabet. The rest is left out and named, with the reason.
"""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTCollection, TTFont, TTLibError
from PIL import Image, ImageDraw, ImageFont

from config.errors import UserError
from config.schema.generation import FontSettings
from data.reader import DropReport

logger = logging.getLogger(__name__)

# The families of requirements.txt. Others that happen to be installed are not used: the same recipe shall give the
# same scenes on every machine.
BUNDLED_FAMILIES = {
    "serif": ["crimson_text", "libre_baskerville", "lora", "playfair_display", "pt_serif"],
    "sans": ["archivo_narrow", "cabin", "karla", "open_sans", "oswald", "quicksand"],
    "mono": ["inconsolata", "jetbrains_mono", "roboto_mono", "source_code_pro", "space_mono"],
    "slab": ["alfa_slab_one", "arvo", "bitter", "roboto_slab", "zilla_slab"],
    "display": ["abril_fatface", "anton", "bebas_neue", "lilita_one", "lobster", "righteous"],
    "hand": ["caveat", "dancing_script", "indie_flower", "kalam", "permanent_marker"],
}
_TELLING = "aegr"
"""Lower-case letters that look nothing like their capitals."""
_SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
_WEIGHT_STEPS = 4
"""A variable font is used at so many weights, evenly spaced over the range that is asked for."""


@dataclass(frozen=True)
class FontFace:
    """One drawable style of a family.

    Attributes:
        path: font file.
        number: index of the face within a collection, else 0.
        axes: value of each variation axis in the file's order; empty for a static font.
        weight: 100 to 900.
        italic: slanted or not.
        cap_height: height of a capital, in units of the font size.
        capitals_only: lower-case letters look like capitals, so text must be capitals to be labelled truly.
    """

    path: str
    number: int
    axes: tuple[float, ...]
    weight: float
    italic: bool
    cap_height: float
    capitals_only: bool


@dataclass(frozen=True)
class FontFamily:
    """A family's faces; `kind` is serif, sans, mono, slab, display, hand, or other."""

    name: str
    kind: str
    faces: tuple[FontFace, ...]


def find_families(settings: FontSettings, alphabet: str) -> tuple[list[FontFamily], DropReport]:
    """Return the families that can write every character of `alphabet`, by name, and what was left out.

    Raises:
        UserError: the folder is not there or no font in it is usable, or no bundled family is installed.
    """
    report = DropReport()
    files = _bundled_files() if settings.folder is None else _files_of_folder(Path(settings.folder))
    found: dict[tuple[str, str], list[FontFace]] = {}
    lacking: dict[str, int] = {}
    for path, family, kind in files:
        try:
            for name, faces, missing in _read_file(path, settings, alphabet):
                if missing:
                    for character in missing:
                        lacking[character] = lacking.get(character, 0) + 1
                    shown = " ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
                    report.drop("font: lacks characters of the alphabet", f"{path.name} lacks {shown}")
                else:
                    found.setdefault((family or name, kind), []).extend(faces)
        except (TTLibError, OSError, ValueError, KeyError, AssertionError, EOFError, struct.error) as error:
            report.drop("font: cannot be read", f"{path.name} ({type(error).__name__})")
    families = [
        FontFamily(name, kind, tuple(_of_weight(faces, settings.weight)))
        for (name, kind), faces in sorted(found.items())
    ]
    if not families:
        raise UserError(_nothing_usable(settings, len(files), lacking, report))
    return families, report


def _nothing_usable(settings: FontSettings, count: int, lacking: dict[str, int], report: DropReport) -> str:
    where = f"of the font folder {settings.folder}" if settings.folder else "installed with the requirements"
    if count == 0:
        return (
            f"The font folder {settings.folder} holds no .ttf, .otf or .ttc file: put fonts there, or set "
            f"fonts.folder to null."
        )
    if lacking:
        worst = sorted(lacking, key=lambda character: (-lacking[character], character))[:5]
        return (
            f"No font {where} has every character of the alphabet (missing most often: {' '.join(worst)}): "
            f"add a font that has them, or take them out of text.alphabet."
        )
    broken = "; ".join(report.examples.get("font: cannot be read", []))
    return f"No font {where} can be read ({broken}): replace the files, or set fonts.folder to null."


def _bundled_files() -> list[tuple[Path, str, str]]:
    installed = {point.name: point for point in entry_points(group="fontpkg.family")}
    files: list[tuple[Path, str, str]] = []
    missing = []
    for kind, slugs in BUNDLED_FAMILIES.items():
        for slug in slugs:
            if slug not in installed:
                missing.append(slug)
                continue
            package = installed[slug].load()
            folder = Path(package.__file__).parent / "files"
            files += [(path, slug, kind) for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES]
    if not files:
        raise UserError(
            "None of the generator's fonts is installed: run `pip install -r requirements.txt`, or set fonts.folder."
        )
    if missing:
        logger.warning(
            "%d of the generator's font families are not installed (%s), so its scenes differ from those of a full "
            "installation; `pip install -r requirements.txt` adds them.", len(missing), ", ".join(missing),
        )  # fmt: skip
    return files


def _files_of_folder(folder: Path) -> list[tuple[Path, str, str]]:
    if not folder.is_dir():
        raise UserError(f"fonts.folder is {folder}, which is not a folder: give one that holds .ttf or .otf files.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    return [(path, "", "other") for path in paths if not path.name.startswith(".")]


def _read_file(path: Path, settings: FontSettings, alphabet: str) -> list[tuple[str, list[FontFace], list[str]]]:
    """Return (family name, faces, missing characters) for each face in a file."""
    if path.suffix.lower() in (".ttc", ".otc"):
        with TTCollection(path, lazy=True) as collection:
            return [_read_face(path, number, font, settings, alphabet) for number, font in enumerate(collection.fonts)]
    with TTFont(path, lazy=True) as font:
        return [_read_face(path, 0, font, settings, alphabet)]


def _read_face(
    path: Path, number: int, font: TTFont, settings: FontSettings, alphabet: str
) -> tuple[str, list[FontFace], list[str]]:
    family = font["name"].getBestFamilyName() or path.stem
    cmap = font.getBestCmap() or {}
    missing = [character for character in alphabet if ord(character) not in cmap]
    if missing:
        return family, [], missing
    os2 = font["OS/2"]
    italic = bool(os2.fsSelection & 1) or "italic" in path.stem.lower()
    drawn = ImageFont.truetype(str(path), 100, index=number)
    cap_height = _ink_height(drawn, "H") / 100 if ord("H") in cmap else 0.0
    if not 0.3 <= cap_height <= 1.2:
        cap_height = 0.7
    capitals_only = all(ord(case) in cmap for letter in _TELLING for case in (letter, letter.upper())) and all(
        _alike(drawn, letter, letter.upper()) for letter in _TELLING
    )
    faces = []
    for axes, weight in _variations(font, settings.weight):
        faces.append(FontFace(str(path), number, axes, weight, italic, cap_height, capitals_only))
    return family, faces, []


def _ink_height(font: ImageFont.FreeTypeFont, character: str) -> float:
    _, top, _, bottom = font.getbbox(character, anchor="ls")
    return bottom - top


def _alike(font: ImageFont.FreeTypeFont, first: str, second: str) -> bool:
    """Return whether two glyphs are one shape, if perhaps at two sizes, as small capitals are.

    Both are brought to one size and correlated: above 0.98 for such fonts, below 0.3 for some letter of any other.
    """
    shapes = []
    for character in (first, second):
        image = Image.new("L", (300, 300))
        ImageDraw.Draw(image).text((100, 200), character, font=font, fill=255, anchor="ls")
        box = image.getbbox()
        if box is None:
            return False
        shapes.append(np.asarray(image.resize((32, 32), Image.Resampling.BOX, box), np.float32).ravel())
    return float(np.asarray(np.corrcoef(shapes))[0, 1]) > 0.8


def _variations(font: TTFont, wanted: list[int]) -> list[tuple[tuple[float, ...], float]]:
    """Return the axis values and weight of each style to use: every axis at its default but the weight."""
    if "fvar" not in font:
        return [((), float(font["OS/2"].usWeightClass))]
    axes = font["fvar"].axes
    weight = next((axis for axis in axes if axis.axisTag == "wght"), None)
    if weight is None:
        return [(tuple(axis.defaultValue for axis in axes), float(font["OS/2"].usWeightClass))]
    low, high = max(weight.minValue, wanted[0]), min(weight.maxValue, wanted[1])
    if low > high:
        steps = {min(max(wanted[0], weight.minValue), weight.maxValue)}
    else:
        steps = {round(low + (high - low) * step / (_WEIGHT_STEPS - 1)) for step in range(_WEIGHT_STEPS)}
    return [
        (tuple(float(value) if axis is weight else axis.defaultValue for axis in axes), float(value))
        for value in sorted(steps)
    ]


def _of_weight(faces: list[FontFace], wanted: list[int]) -> list[FontFace]:
    inside = [face for face in faces if wanted[0] <= face.weight <= wanted[1]]
    if inside:
        return inside
    nearest = min(abs(face.weight - wanted[0]) for face in faces)
    return [face for face in faces if abs(face.weight - wanted[0]) == nearest]


@lru_cache(maxsize=256)
def open_face(face: FontFace, size: int) -> ImageFont.FreeTypeFont:
    """Return the face at `size` pixels per em; kept open, for opening costs more than drawing a word."""
    font = ImageFont.truetype(face.path, size, index=face.number)
    if face.axes:
        font.set_variation_by_axes(list(face.axes))
    return font

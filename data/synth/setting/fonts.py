"""Finding the fonts of a job: usable files, their families and weights.

Fonts that cannot write every character of the alphabet are left out and reported with the reason.
"""

from __future__ import annotations

import logging
import unicodedata
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

from config.errors import UserError
from config.schema.generation import FontSettings
from data.reader import DropReport
from data.synth.setting.faces import SUFFIXES, FontFace, damage, read_faces

logger = logging.getLogger(__name__)

# The families of requirements/generate.txt. Other installed fonts are not used, so that a recipe gives the same scenes
# on every machine.
BUNDLED_FAMILIES = {
    "serif": ["crimson_text", "libre_baskerville", "lora", "playfair_display", "pt_serif"],
    "sans": ["archivo_narrow", "cabin", "karla", "open_sans", "oswald", "quicksand"],
    "mono": ["inconsolata", "jetbrains_mono", "roboto_mono", "source_code_pro", "space_mono"],
    "slab": ["alfa_slab_one", "arvo", "bitter", "roboto_slab", "zilla_slab"],
    "display": ["abril_fatface", "anton", "bebas_neue", "lilita_one", "lobster", "righteous"],
    "hand": ["caveat", "dancing_script", "indie_flower", "kalam", "permanent_marker"],
}
_UNREADABLE = "font: cannot be read"
_LACKING = "font: lacks characters of the alphabet"
_CAPITALS = "font: draws capitals only, which the alphabet lacks"
_OTHER_FILE = "font: not a font file"


@dataclass(frozen=True)
class FontFamily:
    """A family's faces; `kind` is serif, sans, mono, slab, display, hand, or other."""

    name: str
    kind: str
    faces: tuple[FontFace, ...]


@dataclass
class FontReport(DropReport):
    """Fonts that were left out.

    Attributes:
        left_out: reason -> all files left out for it, with what is wrong if that is known.
    """

    left_out: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, reason: str, example: str, count: int = 1) -> None:
        super().drop(reason, example, count)
        self.left_out.setdefault(reason.removeprefix("font: "), []).append(example)


def find_families(settings: FontSettings, alphabet: str) -> tuple[list[FontFamily], FontReport]:
    """Return the families that can write every character of `alphabet`, by name, and what was left out.

    Raises:
        UserError: the folder is not there or no font in it is usable, or no bundled family is installed.
    """
    report = FontReport()
    files = _bundled_files() if settings.folder is None else _files_of_folder(Path(settings.folder), report)
    found: dict[tuple[str, str], list[FontFace]] = {}
    lacking: dict[str, int] = {}
    readable = 0
    for path, family, kind in files:
        try:
            readings = read_faces(path, settings, alphabet)
        except damage() as error:
            report.drop(_UNREADABLE, f"{_named(path, settings)} ({type(error).__name__})")
            continue
        readable += len(readings)
        for reading in readings:
            if reading.missing:
                for character in reading.missing:
                    lacking[character] = lacking.get(character, 0) + 1
                shown = " ".join(map(_visible, reading.missing[:5])) + (" ..." if len(reading.missing) > 5 else "")
                report.drop(_LACKING, f"{_named(path, settings)} lacks {shown}")
            elif any(face.capitals_only for face in reading.faces) and (capitals := _capitals_beyond(alphabet)):
                # Such a font draws "A" for "a", but the alphabet has no "A" for the label.
                report.drop(_CAPITALS, f"{_named(path, settings)} shows {' '.join(capitals[:5])}")
            else:
                found.setdefault((family or reading.family, kind), []).extend(reading.faces)
    families = [
        FontFamily(name, kind, tuple(_of_weight(faces, settings.weight)))
        for (name, kind), faces in sorted(found.items())
    ]
    if not families:
        raise UserError(_nothing_usable(settings, len(files), readable, lacking, report))
    return families, report


def _capitals_beyond(alphabet: str) -> list[str]:
    """Return the capitals of the alphabet's letters that are not in the alphabet."""
    return sorted({character.upper() for character in alphabet if len(character.upper()) == 1} - set(alphabet))


def _nothing_usable(
    settings: FontSettings, count: int, readable: int, lacking: dict[str, int], report: FontReport
) -> str:
    where = f"of the font folder {settings.folder}" if settings.folder else "installed with the requirements"
    if count == 0:
        return (
            f"The font folder {settings.folder} holds no .ttf, .otf or .ttc file: put fonts there, or set "
            f"fonts.folder to null."
        )
    if lacking:
        worst = sorted(lacking, key=lambda character: (-lacking[character], character))
        nowhere = [character for character in worst if lacking[character] == readable]
        listed = ", ".join(f"{_visible(character)} (U+{ord(character):04X})" for character in (nowhere or worst)[:5])
        more = f" and {len(nowhere or worst) - 5} more" if len(nowhere or worst) > 5 else ""
        if nowhere:
            return (
                f"No font {where} has {listed}{more}: add one that has every character of the alphabet, or take these "
                f"out of text.alphabet."
            )
        return (
            f"No font {where} has every character of the alphabet (missing most often: {listed}{more}): add a font "
            f"that has them, or take them out of text.alphabet."
        )
    if _CAPITALS in report.dropped:
        return (
            f"The fonts {where} draw capitals only, which text.alphabet lacks: add the capitals to the alphabet, or "
            f"fonts with lower-case letters."
        )
    broken = "; ".join(report.examples.get(_UNREADABLE, []))
    return f"No font {where} can be read ({broken}): replace the files, or set fonts.folder to null."


def _named(path: Path, settings: FontSettings) -> str:
    """Return the file's path within the user's folder, because two sub-folders may have files of one name."""
    return path.relative_to(settings.folder).as_posix() if settings.folder is not None else path.name


def _visible(character: str) -> str:
    """Return the character, on a dotted circle if it is a combining mark."""
    return "\u25cc" + character if unicodedata.category(character)[0] == "M" else character


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
            files += [(path, slug, kind) for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    if not files:
        raise UserError(
            'None of the generator\'s fonts is installed: run `pip install -e ".[generate]"`, or set fonts.folder.'
        )
    if missing:
        logger.warning(
            "%d of the generator's font families are not installed (%s), so its scenes differ from those of a full "
            'installation; `pip install -e ".[generate]"` adds them.', len(missing), ", ".join(missing),
        )  # fmt: skip
    return files


def _files_of_folder(folder: Path, report: FontReport) -> list[tuple[Path, str, str]]:
    if not folder.is_dir():
        raise UserError(f"fonts.folder is {folder}, which is not a folder: give one that holds .ttf or .otf files.")
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            report.drop(_OTHER_FILE, path.relative_to(folder).as_posix())
    return [(path, "", "other") for path in paths if path.suffix.lower() in SUFFIXES]


def _of_weight(faces: list[FontFace], wanted: list[int]) -> list[FontFace]:
    inside = [face for face in faces if wanted[0] <= face.weight <= wanted[1]]
    if inside:
        return inside
    distances = [max(wanted[0] - face.weight, face.weight - wanted[1]) for face in faces]
    return [face for face, distance in zip(faces, distances, strict=True) if distance == min(distances)]

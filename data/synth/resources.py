"""The resources of a job: the words, fonts and photos of each split, loaded once and sent to every process."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from config.schema.generation import GenerateConfig
from data.draws import pick
from data.reader import DropReport
from data.synth.ground.photos import find_photos
from data.synth.partition import Partition
from data.synth.setting.faces import FontFace
from data.synth.setting.fonts import FontFamily, FontReport, find_families
from data.synth.setting.glyphs import GlyphCache
from data.synth.wording.text import TextSource, load_texts

logger = logging.getLogger(__name__)


@dataclass
class Resources:
    """Everything that scenes depend on besides the settings.

    Attributes:
        alphabet: every character that may occur.
        texts: split -> source of its words.
        families: split -> its font families.
        photos: split -> its photos, relative to `backgrounds.folder`; empty lists without such a folder.
        photo_sizes: size of each photo's file, bytes.
        report: fonts and words of the list that were left out, and why.
        glyphs: the process's cache, empty after pickling.
    """

    alphabet: str
    texts: dict[str, TextSource]
    families: dict[str, list[FontFamily]]
    photos: dict[str, list[str]]
    photo_sizes: dict[str, int]
    report: FontReport
    glyphs: GlyphCache = field(default_factory=GlyphCache)

    @classmethod
    def load(cls, config: GenerateConfig) -> Resources:
        """Load words, fonts and photos and divide them among the splits.

        Raises:
            UserError: something that the settings name is not there, is unusable, or is too little.
        """
        partition = Partition.of(config.splits, config.holdout, config.seed)
        words_report = DropReport()
        alphabet, texts = load_texts(config.text, partition, config.splits, words_report)
        families, report = find_families(config.fonts, alphabet)
        for reason, count in report.dropped.items():
            examples = "; ".join(report.examples[reason])
            logger.warning("Font files left out (%s): %d, such as %s.", reason.removeprefix("font: "), count, examples)
        report.dropped.update(words_report.dropped)
        report.examples.update(words_report.examples)
        kinds: dict[str, list[str]] = {}
        for family in families:
            kinds.setdefault(family.kind, []).append(family.name)
        owned = partition.divide(kinds, "font families")
        photos: dict[str, list[str]] = {split: [] for split in config.splits}
        sizes: dict[str, int] = {}
        if config.backgrounds.folder is not None:
            folder = Path(config.backgrounds.folder)
            sizes = {name: (folder / name).stat().st_size for name in find_photos(config.backgrounds.folder)}
            photos = partition.divide({"photo": list(sizes)}, "background photos")
        for source in texts.values():
            source.draw(np.random.default_rng(0))  # Raises if there is nothing to write, before any process starts.
        return cls(
            alphabet=alphabet,
            texts=texts,
            families={split: [family for family in families if family.name in owned[split]] for split in owned},
            photos=photos,
            photo_sizes=sizes,
            report=report,
        )

    def choose_face(self, split: str, italic: float, rng: np.random.Generator) -> FontFace:
        """Choose a family, each with the same probability, then upright or slanted (`italic`), then a weight."""
        faces = pick(rng, self.families[split]).faces
        slanted = rng.random() < italic
        wanted = [face for face in faces if face.italic == slanted] or list(faces)
        return pick(rng, wanted)

    @property
    def left_out_fonts(self) -> dict[str, list[str]]:
        """Reason -> every font file that was left out for it."""
        return self.report.left_out

    def fingerprint(self) -> str:
        """Return a hash of the words, and of the names and sizes of font files and photos."""
        digest = hashlib.sha256(self.alphabet.encode())
        for split in sorted(self.texts):
            photos = [[name, self.photo_sizes[name]] for name in self.photos[split]]
            digest.update(json.dumps([split, self.texts[split].fingerprint(), photos]).encode())
            for family in self.families[split]:
                for face in family.faces:
                    size = Path(face.path).stat().st_size
                    digest.update(f"{family.name} {Path(face.path).name} {size} {face.index} {face.axes}".encode())
        return digest.hexdigest()[:16]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "glyphs": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.glyphs = GlyphCache()

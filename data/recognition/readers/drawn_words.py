"""Crops of the generator as a dataset that is never written to disk: each is drawn when it is needed."""

from __future__ import annotations

import copy
import hashlib

from config.schema.word_crops import GeneratedWords
from data.graphemes import nfc
from data.readers.generated import GeneratedReport, load_recipe, load_resources
from data.recognition.readers.pictures import decode_picture
from data.recognition.sample import WordReader, WordSample
from data.synth.crop.draw import crop_label, crop_size, draw_crop, encode_crop
from data.synth.writing.manifest import settings_hash


class DrawnWords(WordReader):
    """Reader of the crops of a recipe's split, equal to those that the generator would write, JPEG artefacts included.

    A crop is a function of the recipe's seed, the split and the index: every process draws the same one.

    Args:
        config: the dataset's section.

    Attributes:
        report: fonts and words of the list that were left out.

    Raises:
        UserError: the recipe does not exist, makes something else, or has no such split; or a setting is wrong, or a
            font, a word list or a photo folder that it names cannot be used.
    """

    drawn = True

    def __init__(self, config: GeneratedWords) -> None:
        self._config = load_recipe(config, "crops", "a recogniser")
        self._split = config.split
        self._resources = load_resources(self._config.model_dump_json())
        self._length = config.size or self._config.splits[config.split]
        self.characters = frozenset(nfc(self._resources.alphabet) + (" " if self._config.crops.words[1] > 1 else ""))
        self.longest = self._config.crops.max_length
        found = self._resources.report
        self.report = GeneratedReport(
            images=self._length,
            words=self._length,
            dropped=dict(found.dropped),
            examples=copy.deepcopy(found.examples),
            source=config.source,
            unit="crops",
        )
        self._hash = settings_hash(self._config, self._resources)
        # Errors of drawing should be raised here and not in a loader process.
        draw_crop(self._config, self._resources, self._split, 0)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> WordSample:
        crop = draw_crop(self._config, self._resources, self._split, self._checked(index))
        name = self.name(index)
        return WordSample(name, decode_picture(encode_crop(crop), name), nfc(crop.text))

    def text(self, index: int) -> str:
        return nfc(crop_label(self._config, self._resources, self._split, self._checked(index)))

    def name(self, index: int) -> str:
        return f"{self._split}/{self._checked(index)}"

    def size(self, index: int) -> tuple[int, int]:
        return crop_size(self._config, self._resources, self._split, self._checked(index))

    def raw(self, index: int) -> bytes:
        """Return the image file that the generator would write."""
        return encode_crop(draw_crop(self._config, self._resources, self._split, self._checked(index)))

    def fingerprint(self) -> str:
        return hashlib.sha256(f"crops {self._hash} {self._split} {self._length}".encode()).hexdigest()[:16]

"""Words and lines cut out of the images of a detection dataset when they are needed.

An image is decoded for each of its words, unless these are read one after the other. If that makes training slow, write
the crops once with `convert.py`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from config.errors import UserError
from config.schema.datasets import GeneratedDataset
from config.schema.word_crops import CutWords
from data.draws import stable_hash
from data.reader import DropReport, Reader, UnreadableSample
from data.readers import open_dataset
from data.readers.quads import outside_image
from data.readers.word_table import Texts
from data.recognition.cutting import Cut, cut_out, cut_size, cuts_of
from data.recognition.readers.label_lines import clean_label
from data.recognition.sample import WordReader, WordSample
from data.sample import TextSample

if TYPE_CHECKING:
    from data.readers.generated import GeneratedReader


def open_cut_words(config: CutWords) -> WordReader:
    """Open a detection dataset as words or lines.

    Raises:
        UserError: the dataset cannot be opened.
    """
    if isinstance(config.dataset, GeneratedDataset):
        # Imported here, because its font and image libraries are needed only for drawing.
        from data.readers.generated import GeneratedReader

        return SceneWords(GeneratedReader(config.dataset), config)
    return CutReader(open_dataset(config.dataset), config)


class _Cutter(WordReader):
    """Base of both readers: the settings, and the image that was cut last."""

    def __init__(self, reader: Reader, config: CutWords) -> None:
        self._reader = reader
        self._config = config
        self._last: tuple[int, TextSample] | None = None
        self.report = DropReport()

    def cuts(self, image: int, sample: TextSample | None = None) -> list[Cut]:
        """Return the usable cuts of an image, without counting the others."""
        sample = self._reader.annotation(image) if sample is None else sample
        return [cut for cut, _ in self._usable(sample, DropReport())]

    def _usable(self, sample: TextSample, report: DropReport) -> list[tuple[Cut, str]]:
        """Return the usable cuts with their labels; count what is left out."""
        config = self._config
        cuts, out = cuts_of(sample, config.level, config.vertical, config.min_height, config.max_length)
        for reason, word in out:
            report.drop(reason, f"{sample.sample_id} word {word + 1}")
        place = f"{sample.sample_id}, a {config.level}"
        return [(cut, label) for cut in cuts if (label := clean_label(cut.text, place, report)) is not None]

    def _image(self, image: int) -> TextSample:
        """Return an image with its words. The last one is cached, because its words are often read in a row."""
        last = self._last
        if last is None or last[0] != image:
            last = self._last = (image, self._reader[image])
        return last[1]

    def _sample(self, name: str, sample: TextSample, cut: Cut) -> WordSample:
        if outside_image(cut.quad[None], *sample.image.shape[:2])[0]:
            raise UnreadableSample(name, "word: outside the image")
        pixels = cut_out(sample.image, cut.quad, vertical=cut.vertical, margin=self._config.margin)
        return WordSample(name, pixels, clean_label(cut.text, name, DropReport()) or "")

    def _size(self, cut: Cut) -> tuple[int, int]:
        return cut_size(cut.quad, vertical=cut.vertical, margin=self._config.margin)

    def _hash(self, more: bytes = b"") -> str:
        config = self._config.model_dump_json(exclude={"dataset", "samples", "max_dropped"})
        return hashlib.sha256(f"{self._reader.fingerprint()} {config}".encode() + more).hexdigest()[:16]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_last": None}


class CutReader(_Cutter):
    """Reader of all words or lines of a dataset; see `data.recognition.sample.WordReader`.

    Args:
        reader: the dataset.
        config: its section.
    """

    def __init__(self, reader: Reader, config: CutWords) -> None:
        super().__init__(reader, config)
        places: list[tuple[int, int]] = []
        texts: list[str] = []
        for image in range(len(reader)):
            usable = self._usable(reader.annotation(image), self.report)
            places += [(image, cut) for cut in range(len(usable))]
            texts += [label for _, label in usable]
        # Faulty words that the detection dataset left out count as well: its report is not shown.
        for reason, count in reader.report.dropped.items():
            for place in reader.report.examples[reason][:1]:
                self.report.drop(reason, place, count)
        self._places = np.array(places, np.int32).reshape(-1, 2)
        self._texts = Texts(texts)
        self.report.images, self.report.words, self.report.chars = len(reader), len(places), sum(map(len, texts))

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> WordSample:
        image, cut = self._place(index)
        sample = self._image(image)
        return self._sample(self.name(index), sample, self.cuts(image, sample)[cut])

    def text(self, index: int) -> str:
        self._place(index)
        return self._texts[index % len(self)]

    def name(self, index: int) -> str:
        image, cut = self._place(index)
        return f"{self._reader.annotation(image).sample_id}#{cut + 1}"

    def size(self, index: int) -> tuple[int, int]:
        image, cut = self._place(index)
        return self._size(self.cuts(image)[cut])

    def path(self, index: int) -> Path | None:
        return self._reader.path(self._place(index)[0])

    def fingerprint(self) -> str:
        return self._hash(self._places.astype("<i4").tobytes())

    def _place(self, index: int) -> tuple[int, int]:
        """Return the index of a sample's image, and of its cut in that image."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        image, cut = self._places[index].tolist()
        return image, cut


class SceneWords(_Cutter):
    """Reader of one word or line of each generated scene; see `data.recognition.sample.WordReader`.

    Scenes are not drawn to count their words, for there may be millions. Which crop of a scene is the sample depends on
    the scene alone. A scene without crops counts as unreadable.

    Args:
        reader: the scenes.
        config: the dataset's section.
    """

    drawn = slow_labels = True

    def __init__(self, reader: GeneratedReader, config: CutWords) -> None:
        super().__init__(reader, config)
        self.report = reader.report
        self.report.words = self.report.images
        self.characters = reader.characters | frozenset(" " if config.level == "line" else "")
        self.longest = config.max_length
        if not any(self.cuts(scene) for scene in range(min(3, len(reader)))):
            raise UserError(
                f"the first scenes have no {config.level} that can be cut out; raise the recipe's layout.text_height, "
                "or lower this dataset's `min_height`"
            )

    def __len__(self) -> int:
        return len(self._reader)

    def __getitem__(self, index: int) -> WordSample:
        sample = self._image(self._checked(index))
        return self._sample(sample.sample_id, sample, self._cut(sample))

    def text(self, index: int) -> str:
        sample = self._reader.annotation(self._checked(index))
        return clean_label(self._cut(sample).text, "", DropReport()) or ""

    def name(self, index: int) -> str:
        return self._reader.annotation(self._checked(index)).sample_id

    def size(self, index: int) -> tuple[int, int]:
        return self._size(self._cut(self._reader.annotation(self._checked(index))))

    def fingerprint(self) -> str:
        return self._hash()

    def _cut(self, sample: TextSample) -> Cut:
        cuts = self.cuts(-1, sample)
        if not cuts:
            raise UnreadableSample(sample.sample_id, "word: the scene has none that can be cut out")
        return cuts[stable_hash("cut", sample.sample_id) % len(cuts)]

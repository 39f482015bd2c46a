"""What the exports of labelling programs have in common: files that list many images with their shapes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from config.schema.word_datasets import ExportedDataset
from data.reader import DropReport
from data.readers.listing import ImageFolder, check_selected, selector
from data.readers.word_builder import WordBuilder
from data.readers.word_reader import WordReader

logger = logging.getLogger(__name__)


class ExportBuilder:
    """Collects images with their shapes, from any labelling program, and counts what is left out.

    Args:
        config: the dataset's section.
        folder: folder of the images.
        unit: name of a place in the files, such as "line", for messages.
    """

    def __init__(self, config: ExportedDataset, folder: Path, unit: str) -> None:
        self._config = config
        self._folder = folder
        self.report = DropReport()
        self.words = WordBuilder(self.report, config.do_not_care_label, unit)
        self._found = ImageFolder(folder)
        self._takes = selector(config.select)
        self._seen: set[str] = set()
        self._total = self._bare = self._listed = self._texts = 0

    def find(self, names: Sequence[str], shapes: int, place: str) -> str | None:
        """Return an image's path below the folder, or None if it is not wanted, or left out with its words and counted.

        Args:
            names: paths that the image may have, the best first.
            shapes: number of its shapes.
            place: where the image is listed, such as "annotations.xml line 3".
        """
        self._total += 1
        if not self._takes(names[0]):
            return None
        tried = [self._found.find(name) for name in names]
        image = next((image for image, _ in tried if image is not None), None)
        if image is not None and image not in self._seen:
            self._seen.add(image)
            self._bare += not shapes
            return image
        self.report.drop("image: listed twice" if image is not None else tried[0][1], f"{place}: {names[0]!r}")
        if shapes:
            self.report.drop("word: its image was left out", place, shapes)
        return None

    def is_word(self, labels: Sequence[str], place: str) -> bool:
        """Tell whether a shape with these labels is a word, perhaps "don't care"; count it if it is not a word."""
        wanted = self._config.word_labels
        if wanted is None or not set(labels).isdisjoint([*wanted, *self._config.ignore_labels]):
            return True
        self.report.drop("shape: its label is none of `word_labels`", f"{place}: {', '.join(labels)!r}")
        return False

    def word(
        self,
        source: str,
        item: int | str,
        outline: Sequence[float],
        labels: Sequence[str],
        text: str | None,
        ignore: bool = False,
    ) -> None:
        """Add a word of the image that comes next.

        Args:
            source: name of the file.
            item: its place there.
            outline: x and y of its points in turn, pixels.
            labels: its labels.
            text: its transcription; None if the file has none.
            ignore: it is "don't care", whatever its labels and its text are.
        """
        ignore = ignore or not set(labels).isdisjoint(self._config.ignore_labels)
        self._listed += 1
        self._texts += text is not None
        self.words.word(source, item, outline, text or "", ignore)

    def reader(self, source: str, hint: str) -> WordReader:
        """Return the reader of all images.

        Args:
            source: what the words come from, for messages.
            hint: what to do if no word has a text.

        Raises:
            UserError: `select` takes no image, there is none, or too many words are faulty.
        """
        if self._config.select is not None:
            check_selected(self._seen, self._total, self._config.select, self._folder)
        if self._bare:
            logger.info("%s: %d images are listed without shapes and count as images without text", source, self._bare)
        if self._listed and not self._texts:
            logger.warning("%s: none of %d words has a text; %s", source, self._listed, hint)
        return WordReader(self._folder, self.words, self._config, source)

"""Formats of pictures of words and lines with their text: one section for each, told apart by `format`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from config.schema.base import DatasetBase, NonNegativeInt, PositiveInt, UnitFloat
from config.schema.datasets import Dataset, GeneratedDataset
from config.schema.word_datasets import named_for

Share = Annotated[float, Field(gt=0, lt=1)]


class WordFiles(DatasetBase):
    """What every dataset of word pictures on disk has."""

    root: str
    """Folder that all other names are looked for in."""

    @property
    def source(self) -> str:
        return self.root


class ListedWords(WordFiles):
    """What every dataset has whose pictures are files with names of their own."""

    images: str = "."
    """Folder of the pictures, inside `root`. Hidden files, and what is not an image by its name, are skipped."""

    select: str | None = None
    """Take only pictures whose name ends in a number of this inclusive range, such as `1-4000`."""

    part: Literal["all", "train", "test"] = "all"
    """Take all pictures, or one side of a split of them that `seed` draws: `test` is as large as `test_count` or
    `test_share` says, `train` is the rest. The split follows from the names alone, not from their order."""

    test_share: Share = 0.2
    """Share of the pictures that `part: test` takes."""

    test_count: PositiveInt | None = None
    """Number of pictures that `part: test` takes; null takes `test_share` of them."""

    seed: NonNegativeInt = 1111
    """Another one draws another split."""


class LmdbWords(WordFiles):
    """LMDB databases with the keys of deep-text-recognition-benchmark, which `generate.py` writes, too."""

    format: Literal["lmdb"] = "lmdb"
    """`num-samples`, `image-000000001`, `label-000000001` and so on, counted from 1."""

    root: str
    """Folder that holds `data.mdb`, or whose folders do, such as the shards of a split, which are joined; or the file
    of a database that is a single file."""

    images: str | None = None
    """Folder of the pictures, beside the database, where that holds labels alone (MMOCR): `{"filename": "a.jpg",
    "text": "word"}` or `a.jpg word`."""


class LabelsCsvWords(ListedWords):
    """Pictures and a `labels.csv`, as EasyOCR's trainer reads them and `generate.py` writes them."""

    format: Literal["labels_csv"] = "labels_csv"
    """A line `filename,words` first, then one for each picture, parted at its first comma (or at `;` or a tab, if the
    first line is)."""

    labels: str = "labels.csv"
    """The label file, inside `root`, or inside every folder below it that holds one; the pictures are beside it."""

    quotes: Literal["auto", "keep", "csv"] = "auto"
    """What quotes around a label mean. `keep`: they belong to it, as EasyOCR reads it. `csv`: they were put there by
    a spreadsheet or a CSV writer, which doubles those within. `auto` tells which from the whole file."""


class GtTxtWords(ListedWords):
    """Pictures and a text file with a line for each: ICDAR's words, IIIT5K, deep-text-recognition-benchmark, TRDG."""

    format: Literal["gt_txt"] = "gt_txt"
    """`PATH<TAB>label`, `PATH, "label"` with quotes within as `\\"`, or `PATH label`."""

    labels: str = "gt.txt"
    """The label file, inside `root`."""

    separator: Literal["auto", "tab", "comma", "space"] = "auto"
    """What parts a path from its label; `auto` takes the one that most lines have."""


class TrdgWords(ListedWords):
    """Pictures whose names hold their labels, as TextRecognitionDataGenerator (TRDG) writes them."""

    format: Literal["trdg"] = "trdg"

    names: Literal["label_number", "number_label"] = "label_number"
    """`label_number`: `LABEL_12.jpg`. `number_label`: `12_LABEL.jpg`. TRDG's third form has a `labels.txt`, which the
    format `gt_txt` reads."""


class MjsynthWords(WordFiles):
    """MJSynth, alias 90kDICT32px (Jaderberg et al., 2014): nine million pictures, the labels in their names."""

    format: Literal["mjsynth"] = "mjsynth"
    """`./2425/1/115_Lube_45484.jpg 45484`: the label is `Lube`."""

    labels: str = "annotation_train.txt"
    """The annotation file, inside `root`: `annotation_train.txt`, `annotation_val.txt` or `annotation_test.txt`."""

    images: str = "."
    """Folder, inside `root`, that the paths of the annotation file start from."""

    index_dir: str | None = None
    """Folder for the memory-mapped index of the annotation file; null keeps it beside the file, or in the user's cache
    folder where that one cannot be written."""


class JsonlWords(ListedWords):
    """Pictures and a file with one JSON object a line."""

    format: Literal["jsonl"] = "jsonl"
    """`{"filename": "a.jpg", "text": "word"}`"""

    labels: str = "labels.jsonl"
    """The label file, inside `root`."""

    name_key: str = "filename"
    """Key of the picture's path."""

    text_key: str = "text"
    """Key of the label."""


class JsonWords(ListedWords):
    """Pictures and one JSON file with all labels."""

    format: Literal["json"] = "json"
    """MMOCR's `{"data_list": [{"img_path": "a.jpg", "instances": [{"text": "word"}]}]}`, docTR's `{"a.jpg": "word"}`,
    or a list of objects with `name_key` and `text_key`."""

    labels: str = "labels.json"
    """The label file, inside `root`."""

    name_key: str = "filename"
    """Key of the picture's path, in a list of objects."""

    text_key: str = "text"
    """Key of the label, in a list of objects."""


class CaptchaWords(ListedWords):
    """A folder of pictures whose names without suffix are their labels, such as CAPTCHAs."""

    format: Literal["captcha"] = "captcha"
    """`2b827.png`: the label is `2b827`."""


class CutWords(DatasetBase):
    """Words or lines that are cut out of the images of a detection dataset when they are asked for."""

    format: Literal["crops"] = "crops"

    dataset: Annotated[Dataset, Field(discriminator="format")]
    """Where the boxes and their texts come from. "Don't care" words are left out. Of generated scenes, each gives one
    crop, drawn from the words or lines it has."""

    level: Literal["word", "line"] = "word"
    """`line` joins words that follow one another to one crop, their texts parted by spaces."""

    vertical: Literal["turn", "keep", "drop"] = "turn"
    """What becomes of words written downwards, which are at least twice as high as wide: turned to the left, so that
    they read from left to right, left as they are, or left out."""

    margin: UnitFloat = 0.0
    """Surroundings on each of the four sides, as a share of the text's height."""

    min_height: PositiveInt = 4
    """Text lower than so many pixels is left out."""

    max_length: PositiveInt | None = None
    """Greatest number of characters of a crop, spaces included: longer lines are parted between words, longer words
    left out; null sets no limit."""

    @property
    def source(self) -> str:
        return self.dataset.source


class GeneratedWords(GeneratedDataset):
    """Crops of the generator, drawn when they are asked for: nothing is written to disk or read from it."""

    recipe: str
    """Configuration of `task: generate` with `output: crops`: the name of one in `config/`, such as `generate_words`,
    or the path of a YAML file."""

    set: list[str] = []
    """`key.sub=value` settings that have the last word on the recipe's, such as `crops.height=64`."""

    size: Annotated[int, Field(gt=0, le=1_000_000_000)] | None = None
    """Number of different crops; null takes what the recipe has for the split. They cost nothing until they are
    drawn, so that a training run need not see any of them twice."""


WordCrops = (
    LmdbWords
    | LabelsCsvWords
    | GtTxtWords
    | TrdgWords
    | MjsynthWords
    | JsonlWords
    | JsonWords
    | CaptchaWords
    | CutWords
    | GeneratedWords
)


def _cut_for(use: Literal["training", "test"]) -> Callable[[Any], Any]:
    """Return a function that gives the detection dataset of crops the folders of `named_for(use)`."""
    named = named_for(use)

    def cut(words: Any) -> Any:
        return words.model_copy(update={"dataset": named(words.dataset)}) if isinstance(words, CutWords) else words

    return cut


TrainingWordCrops = Annotated[WordCrops, Field(discriminator="format"), AfterValidator(_cut_for("training"))]
"""Pictures of words to train on."""

TestWordCrops = Annotated[WordCrops, Field(discriminator="format"), AfterValidator(_cut_for("test"))]
"""Pictures of words to evaluate on."""

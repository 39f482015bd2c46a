"""Formats of pictures of words and lines with their text: one section per format, selected by `format`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from config.schema.base import DatasetBase, NonNegativeInt, PositiveInt, UnitFloat
from config.schema.datasets import Dataset, GeneratedDataset
from config.schema.word_datasets import named_for

Share = Annotated[float, Field(gt=0, lt=1)]


class WordFiles(DatasetBase):
    """Settings of every dataset of word pictures on disk."""

    root: str
    """Folder that all other paths are relative to."""

    @property
    def source(self) -> str:
        return self.root


class ListedWords(WordFiles):
    """Settings of every dataset whose pictures are single files."""

    images: str = "."
    """Folder of the pictures, inside `root`. Hidden files and files without the suffix of an image are skipped."""

    select: str | None = None
    """Use only pictures whose name ends in a number of this inclusive range, such as `1-4000`."""

    part: Literal["all", "train", "test"] = "all"
    """Use all pictures, or one part of a random split of them: `test` has `test_count` or `test_share` of the pictures,
    `train` the others. The split depends on `seed` and on the names of the files, not on their order."""

    test_share: Share = 0.2
    """Share of the pictures in `part: test`."""

    test_count: PositiveInt | None = None
    """Number of pictures in `part: test`; null uses `test_share`."""

    seed: NonNegativeInt = 1111
    """Seed of the split."""


class LmdbWords(WordFiles):
    """LMDB databases with the keys of deep-text-recognition-benchmark, such as those that `generate.py` writes."""

    format: Literal["lmdb"] = "lmdb"
    """`num-samples`, `image-000000001`, `label-000000001` and so on, counted from 1."""

    root: str
    """Folder that holds `data.mdb`, or folders with one each (the shards of a split), which are joined; or the path of
    a database that is a single file."""

    images: str | None = None
    """Folder of the pictures, if the database holds labels only (MMOCR): `{"filename": "a.jpg", "text": "word"}` or
    `a.jpg word`."""


class LabelsCsvWords(ListedWords):
    """Pictures and a `labels.csv`, as EasyOCR's trainer reads them and `generate.py` writes them."""

    format: Literal["labels_csv"] = "labels_csv"
    """First the line `filename,words`, then one line per picture, split at its first comma (or `;` or tab, if the first
    line has that)."""

    labels: str = "labels.csv"
    """The label file, inside `root`, or inside every folder below it that holds one; the pictures are beside it."""

    quotes: Literal["auto", "keep", "csv"] = "auto"
    """Meaning of quotes around a label. `keep`: they belong to the label, as in EasyOCR. `csv`: a spreadsheet or a CSV
    writer added them and doubled the quotes inside. `auto` decides from the whole file."""


class GtTxtWords(ListedWords):
    """Pictures and a text file with one line per picture: ICDAR, IIIT5K, deep-text-recognition-benchmark, TRDG."""

    format: Literal["gt_txt"] = "gt_txt"
    """`PATH<TAB>label`, `PATH, "label"` with inner quotes as `\\"`, or `PATH label`."""

    labels: str = "gt.txt"
    """The label file, inside `root`."""

    separator: Literal["auto", "tab", "comma", "space"] = "auto"
    """Separator of path and label; `auto` uses the separator that most lines have."""


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
    """Folder, inside `root`, that the paths of the annotation file are relative to."""

    index_dir: str | None = None
    """Folder for the memory-mapped index of the annotation file; null keeps it beside the file, or in the user's cache
    folder if that place is read-only."""


class JsonlWords(ListedWords):
    """Pictures and a file with one JSON object per line."""

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
    """A folder of pictures, such as CAPTCHAs, whose file names without suffix are their labels."""

    format: Literal["captcha"] = "captcha"
    """`2b827.png`: the label is `2b827`."""


class CutWords(DatasetBase):
    """Words or lines that are cut out of the images of a detection dataset during training."""

    format: Literal["crops"] = "crops"

    dataset: Annotated[Dataset, Field(discriminator="format")]
    """The detection dataset with boxes and texts. "Don't care" words are left out. Each generated scene gives one crop,
    a random one of its words or lines."""

    level: Literal["word", "line"] = "word"
    """`line` joins words that follow one another into one crop, their texts separated by spaces."""

    vertical: Literal["turn", "keep", "drop"] = "turn"
    """How vertical words, at least twice as high as wide, are treated. `turn`: rotated by 90 degrees to the left, so
    that they read from left to right. `keep`: not changed. `drop`: left out."""

    margin: UnitFloat = 0.0
    """Margin on each of the four sides, as a share of the text's height."""

    min_height: PositiveInt = 4
    """Minimum height of the text in pixels; smaller text is left out."""

    max_length: PositiveInt | None = None
    """Maximum number of characters of a crop, spaces included: longer lines are split between words, longer words are
    left out; null sets no limit."""

    @property
    def source(self) -> str:
        return self.dataset.source


class GeneratedWords(GeneratedDataset):
    """Crops that the generator draws during training: nothing is written to disk."""

    recipe: str
    """Configuration of `task: generate` with `output: crops`: the name of one in `config/`, such as `generate_words`,
    or the path of a YAML file."""

    set: list[str] = []
    """`key.sub=value` settings that override those of the recipe, such as `crops.height=64`."""

    size: Annotated[int, Field(gt=0, le=1_000_000_000)] | None = None
    """Number of different crops; null uses the size of the split in the recipe. A crop costs nothing until it is drawn,
    so the number may be so large that training sees no crop twice."""


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

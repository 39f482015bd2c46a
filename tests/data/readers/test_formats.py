"""Every format that a YAML may name has a reader, for detectors and for recognisers."""

from __future__ import annotations

import pytest

from config.errors import UserError
from config.loader import load_config
from config.schema.datasets import TestDataset, TrainingDataset, TrainingWords
from config.schema.word_crops import TestWordCrops, TrainingWordCrops
from config.schema_tree import kind_of
from data.readers import OPENERS
from data.recognition.readers import OPENERS as WORD_OPENERS


@pytest.mark.parametrize("datasets", [TrainingDataset, TestDataset, TrainingWords])
def test_formats_of_images(datasets):
    sections = set(kind_of(datasets).sections.values())
    assert sections <= set(OPENERS) and (datasets is TrainingWords or sections == set(OPENERS))


@pytest.mark.parametrize("datasets", [TrainingWordCrops, TestWordCrops])
def test_formats_of_words(datasets):
    assert set(kind_of(datasets).sections.values()) == set(WORD_OPENERS)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["format=cvta"], "train.weak.datasets.0.format is 'cvta', but must be .*; did you mean 'cvat'?"),
        (["format=label_studio"], "did you mean 'labelstudio'?"),
        (["format=cvat", "text_form=word"], "did you mean 'train.weak.datasets.0.text_from'?"),
        (["format=labelstudio", "image_form=ocr"], "did you mean 'train.weak.datasets.0.image_from'?"),
    ],
)
def test_a_misspelt_format_or_key_is_one_sentence(tmp_path, settings, sentence):
    path = tmp_path / "job.yaml"
    path.write_text("train: {weak: {datasets: [{root: r, format: cvat}]}}\n", encoding="utf-8")
    overrides = [f"train.weak.datasets.0.{setting}" for setting in settings]
    with pytest.raises(UserError, match=sentence.replace("?", r"\?")) as caught:
        load_config(str(path), overrides)
    assert "\n" not in str(caught.value)

"""Labels in JSON: a line for each, or one document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from word_files import assert_consistent, names, texts

from config.errors import UserError
from config.schema.word_crops import (
    JsonlWords,
    JsonWords,
)
from data.recognition.readers import open_words


def test_jsonl_and_its_faults(root: Path) -> None:
    lines = [
        '{"filename": "a.jpg", "text": "one \\u00e9"}',
        '{"filename": "b.png", "text": 5}',
        '{"file_name": "c.PNG", "text": "x"}',
        "not json",
        "[1]",
        '{"filename": "d.bmp", "text": "\\ud800"}',
        "[" * 100_000,
    ]
    (root / "labels.jsonl").write_text("\n".join(lines), encoding="utf-8-sig")
    reader = open_words(JsonlWords(root=str(root), max_dropped=1.0))
    assert_consistent(reader)
    assert texts(reader) == ["one é"]
    assert reader.report.dropped == {
        "word: its object has no text under the key `text`": 1,
        "word: its object has no text under the key `filename`": 1,
        "word: its line is no JSON": 2,
        "word: it is no JSON object": 1,
        "word: its label is not valid Unicode": 1,
    }
    assert (
        "it has file_name, text" in reader.report.examples["word: its object has no text under the key `filename`"][0]
    )
    assert texts(open_words(JsonlWords(root=str(root), name_key="file_name", max_dropped=1.0))) == ["x"]


@pytest.mark.parametrize(
    "document",
    [
        {"metainfo": {}, "data_list": [
            {"img_path": "a.jpg", "instances": [{"text": "one"}]}, {"img_path": "b.png", "instances": [{"text": "two"}]}
        ]},
        {"a.jpg": "one", "b.png": "two"},
        [{"filename": "a.jpg", "text": "one"}, {"filename": "b.png", "text": "two"}],
    ],
)  # fmt: skip
def test_json_documents(root: Path, document: object) -> None:
    (root / "labels.json").write_text(json.dumps(document), encoding="utf-8-sig")
    reader = open_words(JsonWords(root=str(root)))
    assert_consistent(reader)
    assert list(zip(names(reader), texts(reader), strict=True)) == [("a.jpg", "one"), ("b.png", "two")]


def test_faults_of_json_documents(root: Path) -> None:
    entries = [
        {"img_path": "a.jpg", "instances": [{"text": "one"}]},
        {"img_path": "b.png", "instances": []},
        {"img_path": "b.png", "instances": [{"text": "x"}, {"text": "y"}]},
        {"img_path": 5, "instances": [{"text": "x"}]},
        {"img_path": "b.png", "instances": [{"label": "x"}]},
        7,
    ]
    (root / "labels.json").write_text(json.dumps({"data_list": entries}))
    report = open_words(JsonWords(root=str(root), max_dropped=1.0)).report
    assert report.words == 1 and sorted(report.dropped.values()) == [1, 2, 2]
    for content, message in (
        ("{", "this is no JSON \\(line 1\\)"),
        ("version https://git-lfs", "Git LFS pointer"),
        ('{"a": 1}', "holds neither MMOCR's `data_list`, nor texts by file name"),
    ):
        (root / "labels.json").write_text(content)
        with pytest.raises(UserError, match=message) as caught:
            open_words(JsonWords(root=str(root)))
        assert "\n" not in str(caught.value)

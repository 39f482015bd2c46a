"""Label files in JSON: one object a line, or one document in MMOCR's, docTR's or a plain form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from config.errors import UserError
from config.schema.word_crops import JsonlWords, JsonWords
from data.readers.label_files import label_bytes
from data.readers.sniff import what_is
from data.recognition.readers.file_words import FileWords, WordList
from data.recognition.readers.text_files import open_list, read_lines


def open_jsonl(config: JsonlWords) -> FileWords:
    """Open pictures with a file of one JSON object a line. Samples come in the order of the lines.

    Raises:
        UserError: there is no such file or folder, or `select` or `part` takes nothing.
    """
    path, words = open_list(config)
    for line_number, line in read_lines(path, path.name, words.report):
        place = f"{path.name} line {line_number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            words.report.drop("word: its line is no JSON", place, unparsed=True)
            continue
        _take(entry, config.name_key, config.text_key, place, words)
    return words.reader(config)


def open_json(config: JsonWords) -> FileWords:
    """Open pictures with one JSON file. Samples come in its order; raises as `open_jsonl`."""
    path, words = open_list(config)
    data = label_bytes(path)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as fault:
        kind = what_is(data[:520])
        where = f"line {fault.lineno}" if isinstance(fault, json.JSONDecodeError) else type(fault).__name__
        why = f"it is {kind}" if kind not in (None, "a text file") else where
        raise UserError(f"{path}: this is no JSON ({why}); correct it, or set the dataset's `labels`") from None
    if isinstance(document, dict) and isinstance(document.get("data_list"), list):
        _take_mmocr(document["data_list"], words)
    elif isinstance(document, dict) and document and all(isinstance(text, str) for text in document.values()):
        for name, text in document.items():
            words.add(name, text, repr(name))
    elif isinstance(document, list):
        for position, entry in enumerate(document, 1):
            _take(entry, config.name_key, config.text_key, f"entry {position}", words)
    else:
        raise UserError(
            f"{path}: holds neither MMOCR's `data_list`, nor texts by file name, nor a list of objects; set the "
            "dataset's `labels` to a file that does"
        )
    return words.reader(config)


def _take(entry: Any, name_key: str, text_key: str, place: str, words: WordList) -> None:
    """Add an object with a name and a text."""
    if not isinstance(entry, dict):
        words.report.drop("word: it is no JSON object", place, unparsed=True)
        return
    for key in (name_key, text_key):
        if not isinstance(entry.get(key), str):
            found = f"it has {', '.join(list(map(str, entry))[:6]) or 'none'}"
            words.report.drop(f"word: its object has no text under the key `{key}`", f"{place}: {found}", unparsed=True)
            return
    words.add(entry[name_key], entry[text_key], place)


def _take_mmocr(entries: Iterable[Any], words: WordList) -> None:
    """Add the `data_list` of MMOCR 1.x, where each picture has one instance."""
    for position, entry in enumerate(entries, 1):
        place = f"data_list {position}"
        instances = entry.get("instances") if isinstance(entry, dict) else None
        if not isinstance(instances, list) or not isinstance(entry.get("img_path"), str):
            words.report.drop("word: its object has no `img_path` and `instances`", place, unparsed=True)
        elif len(instances) != 1:
            words.report.drop("word: its picture has no or several instances", f"{place}: {len(instances)}")
        elif not isinstance(instances[0], dict) or not isinstance(instances[0].get("text"), str):
            words.report.drop("word: its instance has no `text`", place, unparsed=True)
        else:
            words.add(entry["img_path"], instances[0]["text"], place)

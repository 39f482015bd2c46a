"""Words and lines cut on the fly out of detection datasets and generated scenes."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from word_files import assert_consistent, names, read_in_new_process, texts

from config.errors import UserError
from config.schema.datasets import GeneratedDataset
from config.schema.word_crops import CutWords
from config.schema.word_datasets import IcdarDataset
from data.reader import UnreadableSample
from data.readers import open_dataset
from data.recognition.cutting import cut_out, cuts_of
from data.recognition.readers import open_words

TINY = [
    "layout.width=[96, 160]",
    "layout.height=[96, 128]",
    "layout.blocks=[1, 2]",
    "layout.text_height=[10, 16]",
    "text.length=[1, 6]",
    "splits={train: 5, test: 3}",
]


def write_icdar(root: Path, files: dict[str, str]) -> IcdarDataset:
    """Write noise of 60 x 100 pixels for each label file (name -> content)."""
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for index, (name, content) in enumerate(files.items()):
        noise = np.random.default_rng(index).integers(0, 256, (60, 100, 3), np.uint8)
        cv2.imwrite(str(root / f"images/{name}.png"), noise)
        (root / f"labels/gt_{name}.txt").write_text(content, encoding="utf-8-sig")
    return IcdarDataset(root=str(root), images="images", labels="labels")


@pytest.fixture
def folder(tmp_path: Path) -> IcdarDataset:
    return write_icdar(
        tmp_path,
        {
            "img_1": "10,10,40,10,40,20,10,20,Two\n44,10,80,10,80,20,44,20,words\n5,30,30,30,30,40,5,40,###\n",
            "img_2": "",
            "img_10": "70,5,80,5,80,50,70,50,DOWN\n5,5,60,5,60,20,5,20,e\u0301t\u00e9, oui\n"
            "120,5,150,5,150,15,120,15,gone\n",
        },
    )


def test_words_are_those_of_the_dataset(folder: IcdarDataset) -> None:
    reader = open_words(CutWords(dataset=folder))
    assert texts(reader) == ["Two", "words", "DOWN", "été, oui", "gone"]
    assert names(reader) == ["img_1.png#1", "img_1.png#2", "img_10.png#1", "img_10.png#2", "img_10.png#3"]
    assert [reader.size(k) for k in range(4)] == [(10, 30), (10, 36), (10, 45), (15, 55)]
    images = open_dataset(folder)
    for index, (image, quad, vertical) in enumerate([(0, 0, False), (0, 1, False), (2, 0, True), (2, 1, False)]):
        whole = images[image]
        expected = cut_out(whole.image, whole.word_quads[quad], vertical=vertical)
        assert np.array_equal(reader[index].image, expected) and expected.shape[:2] == reader.size(index)
    with pytest.raises(UnreadableSample, match=r"img_10.png#3: word: outside the image"):
        reader[4]
    assert reader.path(2) == Path(folder.root).resolve() / "images/img_10.png"
    assert (reader.report.images, reader.report.words) == (3, 5)
    assert reader.report.dropped == {"don't care": 1}
    assert reader.report.examples["don't care"] == ["img_1.png word 3"]


def test_lines_words_downwards_and_the_rest_of_the_options(folder: IcdarDataset) -> None:
    lines = open_words(CutWords(dataset=folder, level="line"))
    assert texts(lines) == ["Two words", "DOWN", "été, oui", "gone"]
    assert lines.size(0) == (10, 70)
    kept = open_words(CutWords(dataset=folder, vertical="keep"))
    assert kept.size(2) == (45, 10)
    assert np.array_equal(np.rot90(kept[2].image), open_words(CutWords(dataset=folder))[2].image)
    dropped = open_words(CutWords(dataset=folder, vertical="drop", min_height=11))
    assert texts(dropped) == ["été, oui"]
    assert dropped.report.dropped == {"don't care": 1, "written downwards": 1, "lower than `min_height`": 3}
    wide = open_words(CutWords(dataset=folder, margin=0.2))
    assert wide.size(0) == (14, 34) == wide[0].image.shape[:2]
    assert texts(open_words(CutWords(dataset=folder, max_length=4))) == ["Two", "DOWN", "gone"]
    prints = {reader.fingerprint() for reader in (lines, kept, dropped, wide)}
    assert len(prints) == 4


def test_all_methods_agree(tmp_path: Path) -> None:
    labels = {
        f"img_{k}": f"10,10,40,14,38,26,9,22,Two{k}\n44,15,80,20,80,30,44,25,words\n70,35,75,35,75,55,70,55,by\n"
        for k in range(3)
    }
    for level in ("word", "line"):
        reader = open_words(CutWords(dataset=write_icdar(tmp_path / level, labels), level=level))
        assert_consistent(reader)
        assert len(reader) == {"word": 9, "line": 6}[level]


def test_an_image_is_decoded_once_for_words_that_follow_one_another(
    folder: IcdarDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    import data.readers.word_reader as module

    reader = open_words(CutWords(dataset=folder))
    read, calls = module.read_image, []
    monkeypatch.setattr(module, "read_image", lambda *arguments: calls.append(arguments[1]) or read(*arguments))
    for index in (0, 1, 2, 3):
        reader[index]
    assert calls == ["img_1.png", "img_10.png"]


def test_faults_of_the_dataset_and_of_its_words_count(tmp_path: Path) -> None:
    content = "10,10,40,10,40,20,10,20,good\n1,2,3\n5,5,5,5,5,5,5,5,flat\n10,30,40,30,40,40,10,40,\n"
    dataset = write_icdar(tmp_path, {"img_1": content}).model_copy(
        update={"max_dropped": 1.0, "do_not_care_label": ["#"]}
    )
    reader = open_words(CutWords(dataset=dataset, max_dropped=1.0))
    assert texts(reader) == ["good"]
    assert reader.report.dropped == {
        "word: not 8 numbers and a text, separated by commas": 1,
        "word: zero or near-zero area": 1,
        "word: its label is empty": 1,
    }
    with pytest.raises(UserError, match=r"3 of 4 words \(75.00%\) are faulty"):
        open_words(CutWords(dataset=dataset))


def test_a_missing_image_is_unreadable(folder: IcdarDataset) -> None:
    reader = open_words(CutWords(dataset=folder))
    (Path(folder.root) / "images/img_10.png").unlink()
    with pytest.raises(UnreadableSample, match=r"img_10.png: image: missing"):
        reader[3]
    assert reader.size(3) == (15, 55) and reader.text(3) == "été, oui"


def test_a_reader_is_small_and_reads_in_a_new_process(folder: IcdarDataset) -> None:
    reader = open_words(CutWords(dataset=folder))
    expected = reader[1]
    assert len(pickle.dumps(reader)) < 6000, "the image of the last call stays here"
    assert read_in_new_process(reader, 1) == ("img_1.png#2", "words", expected.image.tobytes())


@pytest.mark.parametrize("level", ["word", "line"])
def test_each_generated_scene_gives_a_crop(level: str) -> None:
    scenes = GeneratedDataset(recipe="generate_demo", set=TINY)
    reader = open_words(CutWords(dataset=scenes, level=level))
    drawn = open_dataset(scenes)
    assert reader.drawn and len(reader) == 5
    for index in range(5):
        cuts, _ = cuts_of(drawn[index], level, "turn", 4)
        if not cuts:
            with pytest.raises(UnreadableSample, match="the scene has none that can be cut out"):
                reader[index]
            continue
        sample = reader[index]
        assert sample.text in [cut.text for cut in cuts] and reader.text(index) == sample.text
        assert sample.image.shape[:2] == reader.size(index) and sample.sample_id == f"train/{index}"
        assert set(sample.text) <= reader.characters
    assert (" " in reader.characters) == (level == "line")
    assert pickle.loads(pickle.dumps(reader))[0].text == reader[0].text


def test_scenes_without_a_word_that_fits_are_refused() -> None:
    with pytest.raises(UserError, match="the first scenes have no word that can be cut out") as caught:
        open_words(CutWords(dataset=GeneratedDataset(recipe="generate_demo", set=TINY), min_height=500))
    assert "\n" not in str(caught.value)

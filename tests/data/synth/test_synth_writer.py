from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat
from synth_folders import contents, find_fonts_once
from synth_recipes import load

import data.synth.writing.pool as pool
import data.synth.writing.writer as writer
from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.synth.resources import Resources
from data.synth.scene import draw_scene, render_scene
from data.synth.writing.gt_mat import SceneAnnotation, gt_mat_bytes
from data.synth.writing.scenes import SceneOutput
from data.synth.writing.writer import write_dataset

SPLITS = {"train": 10, "test": 3}


def recipe(folder: Path, **changes: object) -> GenerateConfig:
    settings = {"splits": SPLITS, "workers": 1, "text": {"vocabulary": 3000}, **changes}
    return load("generate_demo", output_dir=str(folder), **settings)


@pytest.fixture(autouse=True)
def _fast(monkeypatch) -> None:
    find_fonts_once(monkeypatch)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "out"
    write_dataset(recipe(folder))
    return folder


def test_gt_mat_has_synthtexts_form(written: Path) -> None:
    config = recipe(written)
    resources = Resources.load(config)
    mat = loadmat(written / "train" / "gt.mat")
    assert {key: mat[key].shape for key in ("imnames", "charBB", "wordBB", "txt")} == dict.fromkeys(
        ("imnames", "charBB", "wordBB", "txt"), (1, 10)
    )
    for index in range(10):
        scene = draw_scene(config, resources, "train", index)
        sample = scene.sample
        assert mat["imnames"][0, index].tolist() == [f"1/scene_{index:06}.jpg"]
        words = mat["wordBB"][0, index].reshape(2, 4, -1)
        assert np.array_equal(words.transpose(2, 1, 0), sample.word_quads)
        assert np.array_equal(mat["charBB"][0, index].transpose(2, 1, 0), sample.char_quads)
        assert [word for text in mat["txt"][0, index] for word in text.split()] == sample.words
        image = cv2.imread(str(written / "train" / f"1/scene_{index:06}.jpg"))[:, :, ::-1]
        assert np.array_equal(image, render_scene(config, resources, "train", index).image)


def test_one_word_has_two_axes_and_letters_beyond_ascii_survive(tmp_path: Path) -> None:
    quads = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    annotations = [
        SceneAnnotation("1/a.jpg", ["naïve"], quads[:1], quads),
        SceneAnnotation("1/b.jpg", ["жук £5", "x\ny"], quads, quads[:1]),
    ]
    (tmp_path / "gt.mat").write_bytes(gt_mat_bytes(annotations))
    mat = loadmat(tmp_path / "gt.mat")
    assert mat["wordBB"][0, 0].shape == (2, 4) and mat["wordBB"][0, 1].shape == (2, 4, 3)
    assert mat["charBB"][0, 0].shape == (2, 4, 3)
    assert mat["wordBB"][0, 0][:, 1].tolist() == [2.0, 3.0]  # x, y of the second corner
    assert [text.rstrip() for text in mat["txt"][0, 1]] == ["жук £5", "x\ny"]
    assert mat["txt"][0, 0].tolist() == ["naïve"]
    assert gt_mat_bytes(annotations) == gt_mat_bytes(annotations)


def test_any_number_of_processes_writes_the_same_bytes(written: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pool, "_CHUNKS", {"scene": 3})
    write_dataset(recipe(tmp_path / "out", workers=2))
    assert contents(tmp_path / "out") == contents(written)


def test_whole_dataset_is_recognised_and_others_are_refused(written: Path, caplog) -> None:
    before = {path: path.stat().st_mtime_ns for path in written.rglob("*")}
    with caplog.at_level("INFO"):
        manifest = write_dataset(recipe(written, workers=2))
    assert "already holds" in caplog.text and manifest["splits"]["train"]["scenes"] == 10
    with pytest.raises(UserError, match=r"other settings.*overwrite=true"):
        write_dataset(recipe(written, seed=5))
    assert {path: path.stat().st_mtime_ns for path in written.rglob("*")} == before


def test_overwrite_replaces_and_leaves_nothing_behind(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_dataset(recipe(folder, splits={"train": 2}))
    with pytest.raises(UserError, match=r"other settings.*overwrite=true"):
        write_dataset(recipe(folder))
    (folder / "dataset.json").unlink()
    with pytest.raises(UserError, match=r"train was made with other settings.*overwrite=true"):
        write_dataset(recipe(folder))
    (folder / "train" / "shard.json").unlink()
    with pytest.raises(UserError, match=r"neither shard.json in it nor dataset.json beside it"):
        write_dataset(recipe(folder))
    write_dataset(recipe(folder, overwrite=True))
    assert contents(folder) == contents(written)
    assert sorted(path.name for path in folder.iterdir()) == ["dataset.json", "test", "train"]


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_interruption_and_full_disk_leave_whole_shards_only(
    fault: BaseException, written: Path, tmp_path: Path, monkeypatch, caplog
) -> None:
    real, calls = SceneOutput.draw, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 12:  # train is drawn whole, test is not
            raise fault
        return real(*arguments)

    monkeypatch.setattr(SceneOutput, "draw", failing)
    with pytest.raises(UserError if isinstance(fault, OSError) else KeyboardInterrupt) as caught:
        write_dataset(recipe(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["train"]
    said = str(caught.value) if isinstance(fault, OSError) else caplog.text
    assert "1 of 2 shards are there" in said and ("is full" in said) == isinstance(fault, OSError)
    write_dataset(recipe(tmp_path / "out"))
    assert len(calls) == 12 + 3  # train was not drawn again
    assert contents(tmp_path / "out") == contents(written)


@pytest.mark.parametrize("step", ["write_manifest", "shard_manifest", "sync"])
def test_disk_that_fills_up_at_the_end_of_a_shard(step: str, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writer, step, full)
    with pytest.raises(UserError, match=r"is full .* 0 of 1 shard is there"):
        write_dataset(recipe(tmp_path / "new" / "out", splits={"train": 1}))
    assert not (tmp_path / "new").exists()


def test_unwritable_output_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"output folder .* cannot be written"):
        write_dataset(recipe(tmp_path / "file" / "out"))


def test_manifest_tells_what_made_the_dataset(written: Path) -> None:
    manifest = json.loads((written / "dataset.json").read_text())
    made_by = recipe(written).model_copy(update={"shards": 1})
    assert GenerateConfig.model_validate({**manifest["config"], "output_dir": str(written), "workers": 1}) == made_by
    assert set(manifest["fonts_left_out"]) == set(Resources.load(made_by).left_out_fonts)
    assert manifest["splits"]["test"]["scenes"] == 3 and manifest["splits"]["test"]["words"] > 3
    assert not set(manifest["splits"]["test"]["fonts"]) & set(manifest["splits"]["train"]["fonts"])


def test_killed_worker_is_one_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pool, "_start", _die)
    with pytest.raises(UserError, match="set workers lower"):
        write_dataset(recipe(tmp_path / "out", workers=2))
    assert not (tmp_path / "out").exists()


def _die(*_: object) -> None:
    os._exit(9)

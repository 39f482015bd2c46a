"""Shards: their division, their verification, and that nothing depends on them."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synth_folders import contents, find_fonts_once
from synth_recipes import load

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from config.schema.generation import GenerateConfig
from data.readers import open_dataset
from data.synth.writing.scenes import SceneOutput
from data.synth.writing.shards import make_plan, parse_job
from data.synth.writing.writer import write_dataset

SPLITS = {"train": 9, "test": 2}
SHARDS = 3


def recipe(folder: Path, **changes: object) -> GenerateConfig:
    small = {"layout": {"width": [128, 160], "height": [128, 160], "blocks": [1, 2], "text_height": [12.0, 20.0]}}
    settings = {"splits": SPLITS, "workers": 1, "shards": SHARDS, "text": {"vocabulary": 3000}, **small, **changes}
    return load("generate_demo", output_dir=str(folder), **settings)


@pytest.fixture(autouse=True)
def _fast(monkeypatch) -> None:
    find_fonts_once(monkeypatch)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shards") / "out"
    write_dataset(recipe(folder))
    return folder


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


@given(count=st.integers(1, 60), shards=st.integers(1, 20), jobs=st.integers(1, 20))
def test_jobs_divide_every_split_without_gap_or_overlap(count: int, shards: int, jobs: int) -> None:
    config = recipe(Path("out"), splits={"train": 70, "test": count}, shards=shards)
    if jobs > shards:
        with pytest.raises(UserError, match=f"asks for {jobs} jobs"):
            make_plan(config, (1, jobs))
        return
    plans = [make_plan(config, (job, jobs)) for job in range(1, jobs + 1)]
    assert sorted((shard for plan in plans for shard in plan.assigned), key=lambda shard: shard.name) == sorted(
        plans[0].shards, key=lambda shard: shard.name
    )
    for split, total in config.splits.items():
        of_split = [shard for shard in plans[0].shards if shard.split == split]
        assert [index for shard in of_split for index in range(shard.first, shard.first + shard.count)] == list(
            range(total)
        )
        assert (
            len(of_split) == min(shards, total)
            and max(shard.count for shard in of_split) - min(shard.count for shard in of_split) <= 1
        )


@pytest.mark.parametrize("text", ["3/2", "0/2", "1/0", "a/b", "1", "1/2/3", "-1/2", " 1/2", "1.0/2", "٣/٤", ""])
def test_mistaken_shard_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"--shard is '{text}'")):
        parse_job(text)


def test_shard_option_is_read_and_sets_the_number_of_shards() -> None:
    assert parse_job(None) == (1, 1) and parse_job("2/8") == (2, 8)
    plan = make_plan(recipe(Path("out"), shards=None), (2, 3))
    assert [shard.name for shard in plan.assigned] == ["train/shard_0002_of_0003", "test/shard_0002_of_0002"]


@pytest.mark.parametrize(("jobs", "workers"), [(1, 2), (2, 1), (3, 1)])
def test_jobs_and_processes_change_nothing(jobs: int, workers: int, written: Path, tmp_path: Path) -> None:
    for job in range(jobs, 0, -1):
        assert not (tmp_path / "out" / "dataset.json").exists()
        write_dataset(recipe(tmp_path / "out", workers=workers), (job, jobs))
    assert contents(tmp_path / "out") == contents(written)
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_number_of_shards_changes_no_item(written: Path, tmp_path: Path) -> None:
    write_dataset(recipe(tmp_path / "one", shards=1))
    several = open_dataset(SynthTextDataset(root=str(written / "train"), index_dir=str(tmp_path / "index")))
    single = open_dataset(SynthTextDataset(root=str(tmp_path / "one" / "train")))
    assert len(several) == len(single) == 9
    for index in range(9):
        first, second = single[index], several[index]
        assert first.sample_id == second.sample_id and first.words == second.words
        for name in ("image", "word_quads", "char_quads", "char_words"):
            assert np.array_equal(getattr(first, name), getattr(second, name))
    with pytest.raises(UserError, match=r"divided into 3 shards, but this job divides it into 1: set shards=3"):
        write_dataset(recipe(written, shards=1))
    with pytest.raises(UserError, match=r"divided into 1 shard, but this job divides it into 3: set shards=1"):
        write_dataset(recipe(tmp_path / "one"))
    write_dataset(recipe(tmp_path / "one", overwrite=True))
    write_dataset(recipe(tmp_path / "one", overwrite=True, shards=2))
    write_dataset(recipe(tmp_path / "one", overwrite=True))
    shutil.rmtree(tmp_path / "index")
    assert {name: data for name, data in contents(tmp_path / "one").items() if ".index" not in name} == contents(
        written
    )


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _change_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda shard: (shard / "1" / "scene_000004.jpg").unlink(), "it holds 2 images, not 3"),
        (lambda shard: _truncate(shard / "1" / "scene_000004.jpg"), "sizes or names of its images changed"),
        (lambda shard: (shard / "gt.mat").unlink(), "gt.mat is missing"),
        (lambda shard: _truncate(shard / "gt.mat"), "gt.mat has"),
        (lambda shard: _change_a_byte(shard / "gt.mat"), "gt.mat was changed"),
        (lambda shard: _truncate(shard / "shard.json") or _truncate(shard / "shard.json"), "shard.json is missing or"),
        (lambda shard: shutil.rmtree(shard), None),
    ],
)
def test_tampered_shard_is_made_again_and_said(tamper, said: str | None, written: Path, copy: Path, caplog) -> None:
    tampered = copy / "train" / "shard_0002_of_0003"
    tamper(tampered)
    others = {path: path.stat().st_mtime_ns for path in copy.glob("*/*/gt.mat") if path.parent != tampered}
    with caplog.at_level("INFO"):
        write_dataset(recipe(copy))
    assert contents(copy) == contents(written)
    assert {path: path.stat().st_mtime_ns for path in others} == others
    assert "4 of 5 shards are there already" in caplog.text
    assert ("is not whole" in caplog.text) == (said is not None) and (said or "") in caplog.text


def test_what_others_put_into_a_shard_does_not_matter(copy: Path) -> None:
    open_dataset(SynthTextDataset(root=str(copy / "train")))  # makes indices beside the ground truths
    before = contents(copy)
    write_dataset(recipe(copy))
    assert contents(copy) == before


def test_shards_of_other_settings_are_refused_or_replaced(copy: Path, written: Path, tmp_path: Path) -> None:
    (copy / "dataset.json").unlink()
    with pytest.raises(UserError, match=r"shard_0001_of_0003 was made with other settings.*overwrite=true"):
        write_dataset(recipe(copy, seed=5))
    assert {**contents(copy), "dataset.json": b""} == {**contents(written), "dataset.json": b""}
    write_dataset(recipe(copy, seed=5, overwrite=True))
    write_dataset(recipe(tmp_path / "fresh", seed=5))
    assert contents(copy) == contents(tmp_path / "fresh")
    made = {path: path.stat().st_mtime_ns for path in copy.rglob("gt.mat")}
    write_dataset(recipe(copy, seed=5, overwrite=True))  # goes on rather than beginning anew
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("gt.mat")} == made


def test_loser_of_a_race_discards_its_shard(written: Path, tmp_path: Path, monkeypatch, caplog) -> None:
    """Another job publishes the same shard at the last moment, once whole and once torn."""
    from data.synth.writing import writer

    real, rivals = writer.sync, iter(["whole", "torn"])

    def slow(folder: Path) -> None:
        place = tmp_path / "out" / "train" / folder.name
        if folder.parent.parent.name.startswith(".partial-") and folder.parent.name == "train":
            rival = next(rivals, None)
            if rival is not None:
                shutil.copytree(written / "train" / folder.name, place)
            if rival == "torn":
                (place / "gt.mat").unlink()
        real(folder)

    monkeypatch.setattr(writer, "sync", slow)
    with caplog.at_level("INFO"):
        write_dataset(recipe(tmp_path / "out"))
    assert caplog.text.count("made by another job meanwhile") == 1 and caplog.text.count("is not whole") == 1
    assert contents(tmp_path / "out") == contents(written)


def test_jobs_of_different_settings_started_at_once_do_not_mix(written: Path, tmp_path: Path, monkeypatch) -> None:
    real = SceneOutput.finish

    def overtaken(self, folder: Path, items):
        shutil.copytree(written / "test", tmp_path / "out" / "test", dirs_exist_ok=True)
        return real(self, folder, items)

    monkeypatch.setattr(SceneOutput, "finish", overtaken)
    with pytest.raises(UserError, match=r"test.shard_0001_of_0002 was made with other settings.*overwrite=true"):
        write_dataset(recipe(tmp_path / "out", seed=5))
    assert contents(tmp_path / "out" / "test") == contents(written / "test")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["test"]


def test_manifest_of_a_shard(written: Path) -> None:
    manifest = json.loads((written / "train/shard_0002_of_0003/shard.json").read_text())
    assert (manifest["first"], manifest["count"], manifest["shard"], manifest["of"]) == (3, 3, 2, 3)
    images = sorted((written / "train/shard_0002_of_0003/1").iterdir())
    assert [path.name for path in images] == [f"scene_{index:06}.jpg" for index in (3, 4, 5)]
    assert manifest["images"]["bytes"] == sum(path.stat().st_size for path in images)

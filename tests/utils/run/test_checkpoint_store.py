"""What lies on the disk after each save, after a save that died anywhere in it, and after the disk spoilt a file."""

from __future__ import annotations

import json
import logging
import os
import random
from pathlib import Path

import pytest
import torch

from config.errors import UserError
from utils.run import checkpoint
from utils.run.folder import RunFolder
from utils.run.store import CheckpointStore
from utils.weights.files import DamagedFile

RUN = {key: {} for key in checkpoint.RUN_KEYS} | {"task": "detection", "craft": {}}


def content(step: int) -> dict:
    return {**RUN, "step": step, "craft": {"w": torch.full((300,), float(step))}}


def steps(folder: RunFolder) -> dict[str, int]:
    return {path.stem: torch.load(path, weights_only=True)["step"] for path in folder.checkpoints.glob("*.pth")}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.make(fresh=False)
    return made


@pytest.mark.parametrize("links", [True, False])
def test_the_last_k_are_kept(folder: RunFolder, monkeypatch, links: bool) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no hard links here")))
    store = CheckpointStore(folder, keep_last=3)
    for step in (10, 10, 20, 30):
        store.save(content(step))
    assert steps(folder) == {"last": 30, "previous_1": 20, "previous_2": 10}
    store.save(content(40), folder.best, folder.step(40))
    assert steps(folder) == {"last": 40, "previous_1": 30, "previous_2": 20, "best": 40, "step_40": 40}
    for name, step in steps(folder).items():
        assert json.loads((folder.checkpoints / f"{name}.json").read_text())["step"] == step
    fewer = CheckpointStore(folder, keep_last=1)
    fewer.resumed_from(folder.last, 40)
    fewer.save(content(50))
    assert steps(folder) == {"last": 50, "best": 40, "step_40": 40}
    assert not [path for path in folder.checkpoints.iterdir() if path.name.startswith(".")]


class Killed(BaseException):
    """Stands in for SIGKILL: nothing handles it, but what `finally` does."""


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("also", [(), ("best",)])
def test_killed_at_any_step_of_a_save(folder: RunFolder, monkeypatch, also: tuple[str, ...], links: bool) -> None:
    """There is always a whole one, it is the newest that was whole, and the next save finds its way."""
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no hard links here")))
    names = tuple(folder.checkpoints / f"{name}.pth" for name in also)
    store, latest, died = CheckpointStore(folder, keep_last=2), 0, 0
    store.save(content(0))
    for call in range(1, 60):
        step, calls = latest + 1, []
        with monkeypatch.context() as patch:
            for name in ("replace", "link", "fsync"):
                original = getattr(os, name)

                def counted(*arguments, original=original, call=call, calls=calls, **options):
                    calls.append(1)
                    if len(calls) == call:
                        raise Killed
                    return original(*arguments, **options)

                patch.setattr(os, name, counted)
            try:
                store.save(content(step), *names)
            except Killed:
                died += 1
            else:
                assert call > len(calls)
                break
        path, found = checkpoint.load_newest(folder.resumable(), "detection")
        assert found["step"] in (latest, step) and torch.equal(
            found["craft"]["w"], content(found["step"])["craft"]["w"]
        )
        if also and found["step"] == step:
            assert steps(folder)["best"] == step, "best.pth comes first"
        latest = found["step"]
        folder.make(fresh=False)
        store = CheckpointStore(folder, keep_last=2)
        store.resumed_from(path, latest)
    assert died > 8


def test_a_damaged_newest_is_named_and_never_pushes_out_the_whole_one(folder: RunFolder, caplog) -> None:
    store = CheckpointStore(folder, keep_last=2)
    for step in (1, 2, 3):
        store.save(content(step))
    folder.last.write_bytes(folder.last.read_bytes()[:-1000])
    with caplog.at_level(logging.WARNING):
        path, found = checkpoint.load_newest(folder.resumable(), "detection")
    assert path == folder.previous(1) and found["step"] == 2
    assert len(caplog.records) == 1 and "last.pth cannot be loaded" in caplog.text and "previous_1.pth" in caplog.text
    again = CheckpointStore(folder, keep_last=2)
    again.resumed_from(path, 2)
    again.save(content(3))
    assert steps(folder) == {"last": 3, "previous_1": 2}


def test_nothing_whole_is_one_sentence(folder: RunFolder) -> None:
    store = CheckpointStore(folder, keep_last=2)
    for step in (1, 2):
        store.save(content(step))
    for path in folder.resumable():
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"previous_1\.pth cannot be loaded.* best\.pth or a step_N\.pth"):
        checkpoint.load_newest(folder.resumable(), "detection")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_any_changed_byte_is_found_or_harmless(folder: RunFolder) -> None:
    CheckpointStore(folder, keep_last=1).save(content(7))
    whole, rng = folder.last.read_bytes(), random.Random(0)
    expected = checkpoint.load(folder.last, "detection")
    found = 0
    entries = whole.index(b"PK\x01\x02")  # Where the list of records begins, which no checksum covers.
    places = [*range(0, entries, 11), *range(entries, len(whole)), *range(entries, len(whole))]
    for place in places:
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << rng.randrange(8)
        folder.last.write_bytes(spoilt)
        try:
            read = checkpoint.load(folder.last, "detection")
        except DamagedFile:
            found += 1
            continue
        assert torch.equal(read["craft"]["w"], expected["craft"]["w"]) and read["step"] == 7
    assert found > 100


def test_what_torch_does_not_notice_is_named(folder: RunFolder) -> None:
    CheckpointStore(folder, keep_last=1).save(content(7))
    whole = folder.last.read_bytes()
    within = whole.index(torch.full((300,), 7.0).numpy().tobytes()) + 600
    attributes = whole.rindex(b"archive/data/0") - 8  # in the list of records: torch takes it for a folder then
    for place, bit in ((within, 1), (attributes, 16)):
        spoilt = bytearray(whole)
        spoilt[place] ^= bit
        folder.last.write_bytes(spoilt)
        read = torch.load(folder.last, weights_only=True)
        if place == within:  # A folder has no bytes, so torch leaves the memory as it was, whatever it held.
            assert not torch.equal(read["craft"]["w"], content(7)["craft"]["w"])
        with pytest.raises(DamagedFile, match=r"data/0 in it has changed since it was written"):
            checkpoint.load(folder.last, "detection")


@pytest.mark.parametrize("keep", [1, 2])
def test_a_torn_file_of_any_length(folder: RunFolder, keep: int) -> None:
    store = CheckpointStore(folder, keep_last=keep)
    store.save(content(7))
    whole = folder.last.read_bytes()
    for length in range(0, len(whole), 97):
        folder.last.write_bytes(whole[:length])
        with pytest.raises(DamagedFile):
            checkpoint.load(folder.last, "detection")

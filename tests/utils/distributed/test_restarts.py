"""Restarts of a run: each has a unique name, and which of them may continue the run in the folder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch.distributed as dist

from config.errors import UserError
from utils.distributed import restarts
from utils.distributed.processes import ALONE, Processes
from utils.run.folder import RunFolder


def test_each_life_agrees_on_another_name_in_the_same_store() -> None:
    store = dist.HashStore()
    store.set("ocr/question/1", "of a process that is dead")
    store.set("ocr/questions", "1")
    names = []
    for _ in range(3):
        found: dict[int, str] = {}

        def take_part(rank: int, found: dict[int, str] = found) -> None:
            found[rank] = restarts.agree(store, Processes(rank, 3, rank), 20.0)

        threads = [threading.Thread(target=take_part, args=(rank,)) for rank in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 3 and len(set(found.values())) == 1
        names.append(found[0])
    assert len(set(names)) == 3


@pytest.mark.parametrize("rank", [0, 1])
def test_who_does_not_come_is_told_in_one_sentence(rank: int) -> None:
    with pytest.raises(UserError, match=r"within 0\.1 s"):
        restarts.agree(dist.HashStore(), Processes(rank, 2, rank), 0.1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> RunFolder:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "mine")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    made = RunFolder(tmp_path / "run")
    made.checkpoints.mkdir(parents=True)
    return made


def begin(folder: RunFolder, resume: bool = False, fresh: bool = False) -> tuple[bool, bool]:
    return restarts.how_to_begin(folder, ALONE, resume=resume, fresh=fresh)


def test_a_first_life_does_what_the_user_said(folder: RunFolder) -> None:
    folder.last.touch()
    for said in ((False, False), (True, False), (False, True)):
        assert begin(folder, *said) == said


def test_the_same_agent_goes_on_or_begins_anew(folder: RunFolder) -> None:
    restarts.note(folder, ALONE)
    assert begin(folder) == (False, True)
    folder.last.touch()
    assert begin(folder) == (True, False)
    assert begin(folder, fresh=True) == (True, False)


def test_another_agent_does_not(folder: RunFolder, monkeypatch) -> None:
    folder.last.touch()
    restarts.note(folder, ALONE)
    monkeypatch.setattr(restarts, "_agent", lambda: "another 1 2")
    assert begin(folder) == (False, False)


def test_a_refused_run_stays_refused_when_torchrun_tries_again(folder: RunFolder, monkeypatch) -> None:
    folder.last.touch()
    folder.agents.write_text('{"run": "an older one", "agents": ["another 1 2"]}')
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "2")
    assert begin(folder) == (False, False)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "an older one")
    assert begin(folder) == (True, False)


def test_without_torchrun_nothing_is_written(folder: RunFolder, monkeypatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    restarts.note(folder, ALONE)
    assert not folder.agents.exists() and begin(folder) == (False, False)

"""Hidden folders of jobs, and the locks that tell whose job has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock

from data.io.durable import try_lock
from data.io.workplace import open_workplace, remove_abandoned

ROOT = Path(__file__).resolve().parents[3]

JOB = """
import sys, time
from pathlib import Path
from data.io.workplace import open_workplace
with open_workplace(Path(sys.argv[1])) as folder:
    (folder / "half").touch()
    print(folder, flush=True)
    time.sleep(60)
"""


def test_abandoned_folders_go_and_those_of_living_jobs_stay(tmp_path: Path) -> None:
    with open_workplace(tmp_path) as mine:
        (mine / "train").mkdir()
        dead = mine.with_name(mine.name[:-12] + "0" * 12)
        (dead / "train").mkdir(parents=True)
        dead.with_name(dead.name + ".lock").touch()
        elsewhere, old = tmp_path / ".partial-otherhost-1", tmp_path / ".partial-otherhost-2"
        for folder in (elsewhere, old):
            (folder / "train").mkdir(parents=True)
        long_ago = time.time() - 2 * 24 * 3600
        for path in (old, old / "train"):
            os.utime(path, (long_ago, long_ago))
        remove_abandoned(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {mine.name, mine.name + ".lock", elsewhere.name}
        assert (mine / "train").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [elsewhere.name]


def test_a_killed_job_gives_its_lock_back(tmp_path: Path) -> None:
    command = [sys.executable, "-c", JOB, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        folder = Path(job.stdout.readline().strip())
        lock = FileLock(folder.with_name(folder.name + ".lock"))
        remove_abandoned(tmp_path)
        assert try_lock(lock) is False and (folder / "half").exists()
        job.kill()
    assert folder.exists()
    remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(37, "No locks available")

    (tmp_path / "there").mkdir()
    monkeypatch.setattr(FileLock, "acquire", refuse)
    with open_workplace(tmp_path) as mine:
        remove_abandoned(tmp_path)
        assert mine.is_dir() and mine.with_name(mine.name + ".lock").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["there"]

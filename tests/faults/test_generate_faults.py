"""`generate.py` killed, interrupted and left without room: whole shards stay, and the same command completes them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    *("layout.width=[128, 160]", "layout.height=[128, 160]", "layout.blocks=[1, 2]", "layout.text_height=[12.0, 20.0]"),
    *("text.vocabulary=3000", "workers=2"),
)
KINDS = {
    "scenes": ("output=scenes", "splits={train: 60, test: 5}"),
    "lmdb": ("output=crops", "crops.format=lmdb", "splits={train: 240, test: 10}"),
    "folder": ("output=crops", "crops.format=folder", "splits={train: 240, test: 10}"),
}
SHARDS = 5


def command(folder: Path, kind: str, *more: str) -> list[str]:
    yaml = "--yaml=generate_demo" if kind == "scenes" else "--yaml=generate_words"
    return [
        *(sys.executable, "generate.py", yaml, f"output_dir={folder}", f"shards={SHARDS}", *SMALL, *KINDS[kind]),
        *more,
    ]


def generate(folder: Path, kind: str, *more: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, kind, *more), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, **options
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shards_of(folder: Path) -> dict[str, dict[str, bytes]]:
    """Return what lies in the places of shards."""
    return {f"{path.parent.name}/{path.name}": contents(path) for path in folder.glob("*/shard_*")}


@pytest.fixture(scope="module", params=list(KINDS))
def uninterrupted(request, tmp_path_factory) -> tuple[str, dict[str, bytes], dict[str, dict[str, bytes]]]:
    folder = tmp_path_factory.mktemp("uninterrupted") / "out"
    done = generate(folder, request.param, "workers=1")
    assert done.returncode == 0, done.stderr
    return request.param, contents(folder), shards_of(folder)


def interrupt(folder: Path, kind: str, number: int, whole_group: bool, delay: float) -> tuple[int, str]:
    """Start a job, send it a signal `delay` seconds after it has drawn something new; return its status and stderr."""
    before = len(shards_of(folder))
    job = subprocess.Popen(
        command(folder, kind), cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(shards_of(folder)) == before and job.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    with contextlib.suppress(ProcessLookupError):  # it may have been done already
        (os.killpg if whole_group else os.kill)(job.pid, number)
    _, said = job.communicate(timeout=60)
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:  # no process outlives the job
            os.killpg(job.pid, 0)
            time.sleep(0.01)
        pytest.fail("processes of the job are still there")
    return job.returncode, said


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="the system has no process groups")
def test_stopped_at_any_moment_and_run_again(uninterrupted, tmp_path: Path) -> None:
    kind, files, shards = uninterrupted
    folder = tmp_path / "out"
    stops = [(signal.SIGKILL, True)]
    if kind == "scenes":
        stops = [(signal.SIGKILL, False), (signal.SIGINT, True), (signal.SIGTERM, True)]
    for number, whole_group in stops:
        delay = random.uniform(0, 0.2)
        status, said = interrupt(folder, kind, number, whole_group, delay)
        what = f"signal {number} after {delay:.3f} s: {said}"
        there = shards_of(folder)
        assert there and there == {name: shards[name] for name in there}, what
        assert "Traceback" not in said, what
        if status == 0:  # it was done already
            continue
        if number == signal.SIGKILL:
            assert status == -number, what
        else:
            assert status == 130 and " shards are there; the same command goes on" in said, what
            assert not [path for path in folder.iterdir() if path.name.startswith(".")], what
    done = generate(folder, kind)
    assert done.returncode == 0, done.stderr
    assert contents(folder) == files


def test_two_jobs_started_on_the_same_folder_by_mistake(uninterrupted, tmp_path: Path) -> None:
    kind, files, _ = uninterrupted
    if kind != "lmdb":
        pytest.skip("one output is enough")
    jobs = [
        subprocess.Popen(command(tmp_path / "out", kind, "workers=1"), cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [job.communicate(timeout=120)[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], said
    assert contents(tmp_path / "out") == files


def test_jobs_of_an_array_make_one_dataset(uninterrupted, tmp_path: Path) -> None:
    kind, files, shards = uninterrupted
    if kind != "scenes":
        pytest.skip("one output is enough")
    for number in (2, 1):
        done = generate(tmp_path / "out", kind, "--shard", f"{number}/2")
        assert done.returncode == 0, done.stderr
        own = {name for name in shards if number == 1 or int(name.split("_")[1]) % 2 == 0}
        assert set(shards_of(tmp_path / "out")) == own
    assert contents(tmp_path / "out") == files


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if "INFO" not in line and "WARNING" not in line]
    assert done.returncode == 2 and len(lines) == 1 and lines[0].startswith("error: "), done.stderr
    return lines[0]


def test_no_room_leaves_the_whole_shards(uninterrupted, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    kind, files, _ = uninterrupted
    before = {name: data for name, data in files.items() if "/shard_0005" not in name and name != "dataset.json"}
    for name, data in before.items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(data)
    done = generate(
        *(tmp_path / "out", kind, "workers=1"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)),
    )
    said = complaint(done)
    assert "is full" in said and "8 of 10 shards are there" in said
    assert contents(tmp_path / "out") == before
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_output_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "locked").mkdir(mode=0o555)
    places = [tmp_path / "file" / "out"]
    if not os.access(tmp_path / "locked", os.W_OK):  # an administrator may write everywhere
        places.append(tmp_path / "locked" / "out")
    for place in places:
        assert "cannot be written" in complaint(generate(place, "scenes"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "locked"]


@pytest.mark.parametrize("text", ["3/2", "0/2", "a/b", "6/6"])
def test_mistaken_shard(text: str, tmp_path: Path) -> None:
    assert f"{text}" in complaint(generate(tmp_path / "out", "scenes", "--shard", text))
    assert not (tmp_path / "out").exists()

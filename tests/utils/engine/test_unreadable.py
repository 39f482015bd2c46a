"""What cannot be read is listed once, within bounds, also over several starts of a run."""

from __future__ import annotations

from pathlib import Path

from utils.engine import unreadable
from utils.engine.unreadable import UnreadableCount


def test_each_name_once(tmp_path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(unreadable, "LISTED", 3)
    path = tmp_path / "unreadable.txt"
    first = UnreadableCount(0.5, path)
    assert first.note(["a: image: missing", "b: image:\nmissing", "a: image: missing"], 10) is None
    second = UnreadableCount(0.5, path)
    second.note(["b: image: missing", "c: x", "d: x"], 20)
    assert path.read_text().splitlines() == ["a: image: missing", "b: image: missing", "c: x"]
    assert first.count == 3 and second.count == 3
    assert str(path) in second.note([f"e{number}: x" for number in range(2000)], 2000)


def test_a_list_that_cannot_be_written_is_no_fault(tmp_path: Path, caplog) -> None:
    count = UnreadableCount(1.0, tmp_path / "nowhere" / "unreadable.txt")
    assert count.note(["a: missing"], 10) is None
    assert count.note(["b: missing"], 10) is None
    assert caplog.text.count("cannot be written") == 1

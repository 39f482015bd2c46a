"""A file is replaced whole or not at all."""

from __future__ import annotations

import hashlib

import pytest

from config.errors import UserError
from utils.files import sha256, write_atomically, write_text


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "sub" / "a.txt"
    write_text(path, "old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(UserError, match=r"a\.txt cannot be written \(disk full\).* previous file is unchanged"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.txt"]


def test_sha256(tmp_path):
    path = tmp_path / "b"
    path.write_bytes(b"x" * 3_000_000)
    assert sha256(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path / "taken" / "below.txt", "text")

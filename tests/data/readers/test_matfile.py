from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from synthtext_files import entry, plain_read, write_mat

from config.errors import UserError
from data.readers.matfile import DamagedError, Matrix, parse_matrix, strings_of, variables


def read_all(path):
    return {variable.name: list(variable.cells()) for variable in variables(path) if variable.is_cell}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i2", "u1", "<i8"])
def test_cells_are_what_scipy_reads(tmp_path, compressed, dtype):
    rng = np.random.default_rng(0)
    shapes = [(2, 4, n) if n > 1 else (2, 4) for n in range(1, 40)] + [(0, 0), (1, 1), (3, 1)]
    cells = np.empty((1, len(shapes)), object)
    for k, shape in enumerate(shapes):
        cells[0, k] = rng.integers(0, 200, shape).astype(dtype)
    path = tmp_path / "cells.mat"
    scipy.io.savemat(path, {"other": np.eye(3), "cells": cells, "name": "text"}, do_compression=compressed)

    mine = read_all(path)["cells"]
    theirs = scipy.io.loadmat(path)["cells"][0]
    types = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8"}
    assert len(mine) == len(theirs)
    for cell, expected in zip(mine, theirs, strict=True):
        values = np.frombuffer(cell.data, types[cell.kind]).reshape(cell.dims, order="F")
        np.testing.assert_array_equal(values, expected)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9), min_size=1, max_size=5)
)
@settings(max_examples=60, deadline=None)
def test_strings_survive_the_round_trip(tmp_path_factory, strings):
    path = tmp_path_factory.mktemp("mat") / "strings.mat"
    cells = np.empty((1, 1), object)
    cells[0, 0] = np.array(strings)
    scipy.io.savemat(path, {"txt": cells})
    assert [row.rstrip(" ") for row in strings_of(read_all(path)["txt"][0])] == [text.rstrip(" ") for text in strings]


def test_strings_in_a_cell_of_their_own(tmp_path):
    inner = np.empty((1, 3), object)
    inner[0, :] = ["one", "two words", "three"]
    outer = np.empty((1, 1), object)
    outer[0, 0] = inner
    scipy.io.savemat(tmp_path / "nested.mat", {"txt": outer})
    assert strings_of(read_all(tmp_path / "nested.mat")["txt"][0]) == ["one", "two words", "three"]


def test_utf16_rows_are_parted_by_code_unit():
    rows = ["a\U0001f600", "bcd"]  # three 16-bit units each
    units = np.array([np.frombuffer(row.encode("utf-16-le"), "<u2") for row in rows])
    matrix = Matrix(4, units.shape, 17, units.tobytes(order="F"))
    assert strings_of(matrix) == rows


@pytest.mark.parametrize(
    "matrix",
    [
        Matrix(4, (1, 4), 16, b"abc"),  # fewer characters than the dimensions promise
        Matrix(4, (1, 2), 16, b"\xff\xfe"),  # no UTF-8
        Matrix(4, (1, 1), 17, b"\x00\xd8"),  # half a surrogate pair
        Matrix(4, (2, 2), 17, b"ab"),
        Matrix(6, (1, 2), 9, bytes(16)),  # numbers
    ],
)
def test_what_is_no_text(matrix):
    assert strings_of(matrix) is None


def test_an_empty_cell_is_an_empty_array():
    assert parse_matrix(b"").size == 0
    assert strings_of(parse_matrix(b"")) == []


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_anywhere_is_damaged_and_nothing_else(tmp_path, compressed):
    whole = write_mat(
        tmp_path / "gt.mat", [entry(f"1/{k}.jpg", "some text", "more") for k in range(3)], do_compression=compressed
    ).read_bytes()
    cut = tmp_path / "cut.mat"
    for size in range(0, len(whole), 7 if compressed else 61):
        cut.write_bytes(whole[:size])
        try:
            content = read_all(cut)
        except (DamagedError, UserError):
            continue
        assert len(content) < 4  # cut between two variables


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_changed_bytes_never_escape_as_another_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("mat")
    content = bytearray(write_mat(folder / "gt.mat", [entry("1/a.jpg", "ab c"), entry("1/b.jpg", "d")]).read_bytes())
    for _ in range(3):
        content[data.draw(st.integers(128, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "gt.mat").write_bytes(content)
    try:
        for cells in read_all(folder / "gt.mat").values():
            for cell in cells:
                strings_of(cell)
    except (DamagedError, UserError):
        pass


def test_the_plain_reader_agrees_on_the_layout(tmp_path):
    path = write_mat(tmp_path / "gt.mat", [entry("1/a.jpg", "two words", "x")])
    (name, words, word_quads, char_quads, owners) = plain_read(path)[0]
    assert (name, words, owners) == ("1/a.jpg", ["two", "words", "x"], [0] * 3 + [1] * 5 + [2])
    assert word_quads.shape == (3, 4, 2) and char_quads.shape == (9, 4, 2)

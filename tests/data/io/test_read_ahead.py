"""Samples come in their order, a few of them beforehand, whichever thread reads them."""

from __future__ import annotations

import threading
import time

import pytest

from data.io.read_ahead import read_ahead
from data.reader import UnreadableSample


def test_order_and_what_cannot_be_read() -> None:
    def load(index: int) -> int:
        time.sleep(0.001 * (index % 3))
        if index == 2:
            raise UnreadableSample("two", "image: missing")
        return index * index

    found = list(read_ahead(load, range(7), threads=3, depth=4))
    assert str(found.pop(2)) == "two: image: missing"
    assert found == [0, 1, 9, 16, 25, 36]
    assert list(read_ahead(load, [])) == []


def test_no_more_than_depth_are_ahead() -> None:
    begun: list[int] = []
    for index in read_ahead(lambda index: begun.append(index) or index, range(9), threads=2, depth=3):
        assert len(begun) <= index + 4
    assert sorted(begun) == list(range(9))


def test_another_fault_comes_where_it_belongs_and_the_threads_end() -> None:
    def load(index: int) -> int:
        return 1 // (2 - index)

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(read_ahead(load, range(5)))
    assert threading.active_count() == before

from __future__ import annotations

import pytest

from config.errors import UserError
from config.select_data import parse_names, parse_ratios


def test_texts_and_lists() -> None:
    assert parse_ratios("0.5-0.5", 2) == parse_ratios([0.5, 0.5], 2) == [0.5, 0.5]
    assert parse_ratios("1", 1) == [1.0]
    folders = {"MJ", "ST", "my-data", "my", "data-2", "en_train-filtered"}
    assert parse_names("MJ-ST", 2, folders.__contains__) == ["MJ", "ST"]
    assert parse_names("my-data", 1, folders.__contains__) == ["my-data"]
    assert parse_names("en_train-filtered-MJ", 2, folders.__contains__) == ["en_train-filtered", "MJ"]
    assert parse_names(["a-b", "c"], 2, folders.__contains__) == ["a-b", "c"]
    assert parse_names("x-y", 2, folders.__contains__) == ["x", "y"], "which of them is missing is said elsewhere"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parse_ratios("0.5-x", 2), "batch_ratio is '0.5-x'; write numbers separated by '-'"),
        (lambda: parse_ratios("0.5-0.5", 3), "batch_ratio has 2 numbers .* for 3 datasets"),
        (lambda: parse_names("a-b-c", 2, lambda name: False), "cannot be split into 2 names of folders"),
        (lambda: parse_names("a-b-c", 2, lambda name: True), "can be split in several ways into 2 names"),
        (lambda: parse_names(["a"], 2, lambda name: True), "select_data has 1 names for 2 ratios"),
    ],
)
def test_mistakes_are_one_sentence(call, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)

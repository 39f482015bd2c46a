from __future__ import annotations

from pathlib import Path

import pytest

from config.loader import MODELS
from config.reference import reference
from config.schema_tree import dotted_paths, kind_of, locate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_committed_page_is_current():
    hint = "run: python -m config.reference > docs/configuration.md"
    assert PAGE.read_text(encoding="utf-8") == reference(), hint


@pytest.mark.parametrize("task", sorted(MODELS))
def test_every_key_is_on_the_page_and_has_a_meaning(task):
    rows = [line.split(" | ") for line in reference().splitlines() if line.startswith("| `")]
    keys = {row[0].strip("| `") for row in rows}
    assert {path.rpartition(".")[2] for path in dotted_paths(MODELS[task])} - {"N", "NAME"} <= keys
    assert [row for row in rows if not row[-1].strip(" |")] == []


def test_dotted_paths_cover_lists_unions_and_free_names():
    paths = dotted_paths(MODELS["detection"])
    assert len(paths) == len(set(paths))
    assert {
        "train.lr",
        "train.datasets.N.gt",
        "train.datasets.N.select",
        "test.NAME.dataset.root",
        "train.weak.datasets.N.root",
        "train.weak.custom_aug.random_crop.ratio",
    } <= set(paths)


def test_locate_drops_the_tags_of_unions():
    path, kind = locate(MODELS["detection"], ("train", "datasets", 0, "synthtext", "root"))
    assert (path, kind.bare) == (("train", "datasets", 0, "root"), str)
    path, kind = locate(MODELS["detection"], ("test", "synthtext", "dataset", "icdar2013", "nothing"))
    assert (path, kind) == (("test", "synthtext", "dataset", "nothing"), None)
    assert kind_of(MODELS["detection"].model_fields["name"]).nullable

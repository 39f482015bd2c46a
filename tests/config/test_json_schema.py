from __future__ import annotations

import json

import pytest
from jsonschema import Draft7Validator

from config import yaml_strict
from config.errors import UserError
from config.loader import CONFIG_DIR, MODELS, dump, load_config, recipes
from config.write_json_schema import FOLDER, json_schema, path_of

RECIPES = {name: load_config(name).task for name in recipes()}


def validator(task: str) -> Draft7Validator:
    return Draft7Validator(json.loads(path_of(task).read_text(encoding="utf-8")))


@pytest.mark.parametrize("task", sorted(MODELS))
def test_the_committed_files_are_current_and_valid(task: str) -> None:
    schema = json.loads(path_of(task).read_text(encoding="utf-8"))
    assert schema == json_schema(task), "run: python -m config.write_json_schema"
    Draft7Validator.check_schema(schema)
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(MODELS)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_names_its_schema_and_keeps_to_it(name: str) -> None:
    task, text = RECIPES[name], (CONFIG_DIR / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# yaml-language-server: $schema=json_schema/{task}.json"
    assert list(validator(task).iter_errors(yaml_strict.load(text, name).data)) == []
    assert list(validator(task).iter_errors(yaml_strict.load(dump(load_config(name)), name).data)) == []
    assert not recipes()[name].startswith("yaml-language-server") and recipes()[name]


# recipe, where, a value that the loader refuses, too
WRONG = [
    ("craft_tiny", ("train", "lr"), 0),
    ("craft_tiny", ("train", "lr"), "1e-4"),
    ("craft_tiny", ("train", "learning_rate"), 1e-4),
    ("craft_tiny", ("train", "data", "output_size"), 100),
    ("craft_tiny", ("train", "loss"), 4),
    ("craft_tiny", ("train", "datasets"), [{"root": "no format"}]),
    ("craft_tiny", ("train", "datasets"), [{"format": "icdar2015"}]),
    ("craft_tiny", ("train", "datasets"), [{"format": "icdar2016", "root": "x"}]),
    ("craft_tiny", ("test",), {"one": {}}),
    ("rec_train", ("model", "dropout"), 1),
    ("rec_train", ("train", "batch_size"), 1.5),
    ("generate_demo", ("text", "word_list"), []),
    ("generate_demo", ("splits",), {"train": -1}),
    ("convert_words", ("to",), "zip"),
]


@pytest.mark.parametrize(("name", "path", "value"), WRONG)
def test_what_the_loader_refuses_the_schema_refuses(name: str, path: tuple[str, ...], value: object, tmp_path) -> None:
    data = yaml_strict.load(dump(load_config(name)), name).data
    assert list(validator(RECIPES[name]).iter_errors(data)) == []
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (tmp_path / "wrong.yaml").write_text(json.dumps(data))
    with pytest.raises(UserError):
        load_config(str(tmp_path / "wrong.yaml"))
    assert list(validator(RECIPES[name]).iter_errors(data)) != []


def test_one_word_list_or_several() -> None:
    for lists in ("words.txt", ["a.txt", "b.txt"]):
        assert list(validator("generate").iter_errors({"text": {"word_list": lists}})) == []

"""The examples of docs/extending.md, added to a copy of the project and run there by the programs themselves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from documented import PAGE, examples
from tiny_words import recognition_yaml, write_words

from config.loader import dump, load_config

ROOT = PAGE.parents[1]
EXAMPLES = examples()
PARTS = ("config", "data", "loss", "metrics", "model", "utils", "train.py", "eval.py", "generate.py")

# The programs run one after the other in a process: importing torch takes longer than these jobs.
DRIVER = """
import importlib, json, traceback
faults = {}
for title, runs in json.load(open("runs.json")).items():
    try:
        for program, arguments in runs:
            importlib.import_module(program).main(arguments)
    except BaseException:
        faults[title] = traceback.format_exc()
json.dump(faults, open("faults.json", "w"))
"""

WORDS = (
    "A recogniser with CTC",
    "A recogniser with its own loss and decoder",
    "A format of word pictures",
    "An augmentation of word pictures",
    "A word protocol",
)


def merged(base: dict, changes: dict) -> dict:
    """Return settings with changes; lists are replaced."""
    result = {**base, **changes}
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            result[key] = merged(base[key], value)
    return result


@pytest.fixture(scope="module")
def house(tmp_path_factory, scenes) -> Path:
    """Return a copy of the project with everything that the page adds, after it ran each example."""
    house = tmp_path_factory.mktemp("house")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, house / part, ignore=shutil.ignore_patterns("__pycache__", "json_schema"))
        else:
            shutil.copy(ROOT / part, house)
    for example in EXAMPLES.values():
        for path, content in example.files.items():
            if not (ROOT / path).exists():
                (house / path).write_text(content, encoding="utf-8")
        for path, edits in example.edits.items():
            text = (house / path).read_text(encoding="utf-8")
            for before, after in edits:
                assert text.count(before) == 1, (path, before)
                text = text.replace(before, after)
            (house / path).write_text(text, encoding="utf-8")
    runs = {title: prepared(house, scenes, title) for title in EXAMPLES}
    (house / "runs.json").write_text(json.dumps(runs))
    done = subprocess.run([sys.executable, "-c", DRIVER], cwd=house, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return house


def prepared(house: Path, scenes: Path, title: str) -> list[tuple[str, list[str]]]:
    """Write the job of an example and its data; return the programs that run it with their arguments."""
    path = house / f"{title.replace(' ', '_')}.yaml"
    changes = yaml.safe_load(EXAMPLES[title].yaml)
    if title == "An output of the generator":
        write(path, load_config("generate_digits"), changes)
        small = [f"output_dir={house / 'crops'}", "splits={train: 4, test: 2}", "workers=1", "text.vocabulary=3000"]
        return [("generate", [f"--yaml={path}", *small])]
    small = [f"results_dir={house / 'exp'}", "device=cpu", "amp=off", "train.end_iter=3", "train.eval_interval=3"]
    small += [f"--yaml={path}", "train.num_workers=0", "train.log_interval=1", "train.warmup_iter=0"]
    if title == "A job":
        path.write_text(yaml.safe_dump(changes))
        source = f"{{format: labels_csv, root: {bars_words(house)}}}"
        small += [f"train.datasets=[{source}]", f"test.fonts.dataset={source}", "train.batch_size=8", "train.lr=1e-2"]
        return [("train", [*small, "train.end_iter=40"]), ("train", [*small, "train.end_iter=60", "--resume"])]
    if title in WORDS:
        words = bars_words(house)
        write(path, load_config(str(recognition_yaml(house / "words.yaml", words, words))), changes)
        return [("train", small), ("eval", small)]
    small += [f"train.datasets.0.root={scenes}", "model.width=0.125", "train.data.output_size=64", "train.batch_size=2"]
    if title == "A format of images with word boxes":
        write_ltwh(house / "data_root_dir" / "mine", scenes)
    else:
        small.append(f"test.validation.dataset.root={scenes}")
    write(path, load_config("craft_tiny", [f"test.test.dataset.root={scenes}"]), changes)
    return [("train", small), ("eval", [*small, "--test", "validation"])]


def bars_words(house: Path) -> Path:
    """Write pictures of words with a `labels.csv` and, as the page's own format has it, a `labels.txt`."""
    folder = house / "data_root_dir" / "words"
    if not folder.exists():
        lines = (write_words(folder, 12, seed=1) / "labels.csv").read_text().splitlines()[1:]
        (folder / "labels.txt").write_text("\n".join(lines).replace(",", "|"))
    return folder


def write_ltwh(folder: Path, scenes: Path) -> None:
    """Write two images and their labels in the page's own format."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for index in range(2):
        shutil.copy(scenes / f"8/scene_{index}.jpg", folder / f"images/{index}.jpg")
        (folder / f"labels/{index}.txt").write_text("10 12 57 24 two words\n4 60 30 20 ###\n")


def write(path: Path, config: Any, changes: dict) -> None:
    """Write a configuration with an example's changes."""
    settings = yaml.safe_load(dump(config))
    if "name" in settings:
        settings["name"] = path.stem
    # What belongs to another format or another network goes.
    if "dataset" in changes.get("test", {}).get("validation", {}):
        settings["test"]["validation"]["dataset"] = None
    if "architecture" in changes.get("model", {}):
        settings["model"] = None
    path.write_text(yaml.safe_dump(merged(settings, changes)))


def test_the_table_names_what_the_examples_write_and_edit() -> None:
    rows = [re.split(r" \| ", line.strip("| ")) for line in PAGE.read_text().splitlines() if line.startswith("| [")]
    assert [row[0].partition("](#")[2].rstrip(")") for row in rows] == [
        title.lower().replace(" ", "-") for title in EXAMPLES
    ]
    for row, example in zip(rows, EXAMPLES.values(), strict=True):
        written = {path.replace("/X.py", "") for path in re.findall(r"`([\w/]+/X\.py)`", row[1])}
        assert written == {path.rpartition("/")[0] for path in example.files}
        assert set(re.findall(r"`([^`]+)`", row[4])) == set(example.edits)


def test_a_file_that_is_part_of_the_project_is_shown_as_it_is() -> None:
    shown = {path: text for example in EXAMPLES.values() for path, text in example.files.items()}
    present = [path for path in shown if (ROOT / path).exists()]
    assert present == ["data/augment/noise.py"]
    assert shown[present[0]] == (ROOT / present[0]).read_text(encoding="utf-8")


@pytest.mark.parametrize("title", EXAMPLES)
def test_it_runs(house: Path, title: str) -> None:
    faults = json.loads((house / "faults.json").read_text())
    assert title not in faults, faults[title]
    if title == "An output of the generator":
        lines = [json.loads(line) for line in (house / "crops/train/labels.jsonl").read_text().splitlines()]
        assert len(lines) == 4 and all((house / "crops/train" / line["filename"]).is_file() for line in lines)
        return
    run = house / "exp" / title.replace(" ", "_")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["split"] == "validation"][-1] == lines[-1]["step"]
    if title == "A job":
        assert lines[-1]["step"] == 60 and lines[-1]["fonts"] >= 0.75
        return
    (results,) = [json.loads(path.read_text()) for path in run.glob("eval/*/results.json")]
    if title == "A format of images with word boxes":
        assert (results["images"], results["gt_care"]) == (2, 2)
    elif title == "A detection protocol":
        assert (results["protocol"], results["thresholds"]["iou"]) == ("strict_iou", 0.7)
    elif title == "A word protocol":
        assert results["protocol"] == "no_punctuation"
    elif title == "A learning-rate schedule":
        rates = [line["lr"] for line in lines if line["split"] == "train"]
        assert rates == pytest.approx([1e-3, 1e-3 * 4 / 9, 1e-3 / 9])

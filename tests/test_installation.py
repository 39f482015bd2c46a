"""What an installation brings, and what works without the packages of its extras."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tiny_synthtext import write_synthtext

from config.errors import UserError
from config.loader import recipes
from config.optional import optional_package
from config.schema.generation import FontSettings, TextSettings
from data.synth.setting.fonts import BUNDLED_FAMILIES, find_families
from data.synth.wording.vocabulary import load_words
from utils.draw.fonts import legible

ROOT = Path(__file__).resolve().parents[1]
OPTIONAL = ["fontTools", "fontpkg", "h5py", "wordfreq"]

WITHOUT_EXTRAS = """
import json, sys
blocked, scenes, recipes = json.loads(sys.argv[1])
for name in blocked:
    sys.modules[name] = None
import check, eval, predict, train, trainSynth
import utils.train_job, utils.tasks.recognition, utils.tasks.weak, utils.check.detection, utils.check.words
import utils.evaluate.detection_job, utils.evaluate.recognition_job, utils.predict.job
from config.loader import load_config
from config.schema.datasets import SynthTextDataset
from data.readers import open_dataset
for name in recipes:
    load_config(name)
assert len(open_dataset(SynthTextDataset(root=scenes))) == 2
trainSynth.main(["--help"])
"""


def requirements(*names: str) -> list[str]:
    rows = [row for name in names for row in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()]
    return [row.partition("#")[0].strip() for row in rows if not row.startswith("#")]


def test_training_starts_without_the_extras(tmp_path) -> None:
    scenes = write_synthtext(tmp_path / "scenes", count=2, seed=0)
    given = json.dumps([OPTIONAL, str(scenes), list(recipes())])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, given], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--yaml NAME_OR_PATH" in done.stdout


def test_what_needs_an_extra_says_which(monkeypatch) -> None:
    for name in OPTIONAL:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "fontTools.ttLib", raising=False)
    with pytest.raises(UserError, match=r'fonttools, which is not installed: run `pip install -e "\.\[generate\]"`'):
        find_families(FontSettings(), "ab")
    with pytest.raises(UserError, match=r"text\.language=de needs the package wordfreq"):
        load_words(TextSettings(language="de"))
    with pytest.raises(UserError, match=r'h5py, which is not installed: run `pip install -e "\.\[h5\]"`'):
        optional_package("h5py", "h5", "reading .h5 files")
    assert legible("aü", 12)[0] == "a\\u00FC"


def test_a_defect_within_a_package_is_not_taken_for_a_missing_package(monkeypatch, tmp_path) -> None:
    (tmp_path / "broken_package.py").write_text("import no_such_package_either\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package_either"):
        optional_package("broken_package", "h5", "this test")


def test_requirements_txt_is_the_whole() -> None:
    rows = [row for row in (ROOT / "requirements.txt").read_text().splitlines() if not row.startswith("#")]
    assert rows == ["-r requirements/base.txt", "-r requirements/generate.txt", "-r requirements/h5.txt"]
    fonts = {row.removeprefix("fontpkg-").partition("==")[0] for row in requirements("generate") if "==" in row}
    assert fonts == {slug.replace("_", "-") for slugs in BUNDLED_FAMILIES.values() for slug in slugs}


def test_an_installation_adds_no_module_and_fonts_only_where_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tool = project["tool"]["setuptools"]
    assert (tool["packages"], tool["py-modules"]) == ([], [])
    extras = {name: set(entry["file"]) for name, entry in tool["dynamic"]["optional-dependencies"].items()}
    everything = extras.pop("all")
    assert everything == set().union(*extras.values())
    assert not any(row.startswith(("font", "wordfreq", "h5py", "-")) for row in requirements("base"))

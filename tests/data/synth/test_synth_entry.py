"""The command itself, and what the dataset reader makes of its output."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from config.errors import UserError
from config.loader import load_config
from config.schema.datasets import SynthTextDataset
from data.readers.synthtext import SynthTextReader
from data.synth.resources import Resources
from data.synth.scene import render_scene
from generate import main

ROOT = Path(__file__).resolve().parents[3]


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "generate.py", "--yaml=generate_demo", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_command_makes_a_dataset_that_the_reader_reads(tmp_path: Path, demo, resources: Resources) -> None:
    done = generate(f"output_dir={tmp_path}/out", "splits={train: 6, validation: 2, test: 2}", "workers=1")
    assert done.returncode == 0, done.stderr
    reader = SynthTextReader(
        SynthTextDataset(root=str(tmp_path / "out" / "train"), index_dir=str(tmp_path / "index"), max_dropped=0.0)
    )
    assert len(reader) == 6 and not reader.report.dropped
    for index in range(6):
        read, drawn = reader[index], render_scene(demo, resources, "train", index)
        assert read.words == drawn.words
        assert np.array_equal(read.char_words, drawn.char_words)
        np.testing.assert_allclose(read.word_quads, drawn.word_quads, atol=1e-3)
        np.testing.assert_allclose(read.char_quads, drawn.char_quads, atol=1e-3)
        assert np.abs(read.image.astype(int) - drawn.image).max() <= 1


def test_mistake_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    done = generate(f"output_dir={tmp_path}/out", "text.alphabet=ab漢", "text.kinds={number: 1}")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "漢" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--count", "5"], "--count goes with --preview"),
        (["--preview", "a.png", "--shard", "1/2"], "leave --shard out"),
        (["--preview", ""], "name a .png or .jpg file"),
        (["--preview", "{}/file/a.png"], "cannot be written there"),
        (["--preview", "{}/a.png", "--count", "0"], "from 1 to"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_drawn(
    tmp_path: Path, options: list[str], said: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=re.escape(said)):
        main(["--yaml=generate_demo", f"output_dir={tmp_path}/out", *(text.format(tmp_path) for text in options)])
    assert not (tmp_path / "out").exists()


def test_a_tilde_is_the_home_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somebody")
    given = ["output_dir=~/out", "fonts.folder=~/fonts", "backgrounds.folder=~/photos", "text.word_list=~/words.txt"]
    config = load_config("generate_demo", given, "generate")
    assert (config.output_dir, config.fonts.folder) == ("/somebody/out", "/somebody/fonts")
    assert (config.backgrounds.folder, config.text.word_list) == ("/somebody/photos", ["/somebody/words.txt"])

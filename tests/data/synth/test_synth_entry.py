"""The command itself, and what the dataset reader makes of its output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from config.schema.datasets import SynthTextDataset
from data.readers.synthtext import SynthTextReader
from data.synth.resources import Resources
from data.synth.scene import render_scene

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

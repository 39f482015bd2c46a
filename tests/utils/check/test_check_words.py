"""What check.py says of recognition jobs: counts, the alphabet, inputs, room, copies, cost, and what is wrong."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_words import recognition_yaml, write_words

import check
from config.errors import UserError
from config.loader import load_config
from data.recognition.preprocess import WordPreprocess
from utils.check.report import CheckOptions, Report, raise_problems
from utils.check.word_inputs import look_at_pictures, padding
from utils.check.word_sources import SCENES, open_word_sources
from utils.check.words import check_words, quick_word_check
from utils.train_job import train_job

QUICK = CheckOptions(timing=False)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    train = write_words(tmp_path / "train", 40, seed=1)
    test = write_words(tmp_path / "test", 12, seed=2)
    return recognition_yaml(tmp_path / "job.yaml", train, test)


def load(job: Path, *overrides: str):
    return load_config(str(job), list(overrides), "recognition")


def looked(job: Path, *overrides: str, options: CheckOptions = QUICK) -> tuple[Report, str]:
    said: list[str] = []
    report = check_words(load(job, *overrides), options, said.append)
    return report, "\n".join(said)


def relabel(folder: Path, changes: dict[int, str]) -> None:
    path = folder / "labels.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, label in changes.items():
        lines[number + 1] = f"{number:03}.png,{label}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_ready(job: Path, tmp_path: Path, capsys) -> None:
    check.main(["--yaml", str(job), "--json", str(tmp_path / "all.json"), "--draw", str(tmp_path / "sheet.png")])
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "verdict: ready to train"
    assert "3 characters: abc" in said and "Cost of an iteration" in said
    values = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert values["ready"] is True
    assert set(values) >= {"counts", "alphabet", "inputs", "room", "duplicates", "cost", "problems", "remarks"}
    assert values["counts"]["train.datasets.0"]["words"] == 40
    labels = [line.split(",")[1] for line in (tmp_path / "train/labels.csv").read_text().splitlines()[1:]]
    assert values["alphabet"]["training"] == {one: "".join(labels).count(one) for one in values["alphabet"]["training"]}
    assert values["counts"]["train.datasets.0"]["label_length"]["max"] == max(map(len, labels))
    cost = values["cost"]
    assert cost["hours"] == pytest.approx(12 * (cost["step_s"] + 8 / cost["data_words_per_s_one_worker"]) / 3600)
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] == 1280
    assert not (tmp_path / "exp").exists()


def test_characters_that_training_removes_are_no_problem(job: Path, tmp_path: Path) -> None:
    relabel(tmp_path / "train", {0: "aXb", 1: "Xc", 2: "üa"})
    assert looked(job)[0].problems != []
    report, _ = looked(job, "unknown=remove")
    assert report.problems == []
    assert report.figures["counts"]["train.datasets.0"]["words"] == 40


def test_few_scenes_are_drawn_for_a_look(job: Path) -> None:
    scenes = "{format: crops, dataset: {format: generated, recipe: generate_demo, size: 100000}, max_dropped: 1}"
    sources, _ = open_word_sources(load(job, f"train.datasets=[{scenes}]", "case=lower"), filtered=False)
    training, test = sources
    assert (training.most(1000, 20_000), test.most(1000, 20_000)) == (SCENES, 12)
    assert len(training.some(200)) == SCENES and len(test.some(10)) == 10


def test_characters_on_both_sides(job: Path, tmp_path: Path) -> None:
    relabel(tmp_path / "train", {0: "aXb", 1: "X", 2: "ü"})
    relabel(tmp_path / "test", {0: "aY", 1: "YY"})
    report, said = looked(job, "characters='abc d]'", "train.datasets.0.max_dropped=0.2")
    assert report.problems == []
    assert "6 characters: abc␣d]" in said
    assert "never in a training label: ␣ d ]" in said
    assert "lacks: 'X' (U+0058) in 2, 'ü' (U+00FC) in 1" in said
    assert report.figures["alphabet"]["lacking"]["test.mine"] == {"Y": 2}
    assert any("2 labels (17 %) with characters that the alphabet lacks" in remark for remark in report.remarks)
    assert report.figures["counts"]["train.datasets.0"]["words"] == 37


def test_more_left_out_than_allowed(job: Path, tmp_path: Path) -> None:
    relabel(tmp_path / "train", {0: "aXb", 1: "X"})
    report, said = looked(job)
    assert len(report.problems) == 1
    assert report.problems[0].startswith("train.datasets.0: 2 of 40 labels (5.00%)")
    assert "What was left out" in said and "000.png: 'aXb'" in said  # the table comes all the same
    with pytest.raises(UserError, match="not ready to train"):
        raise_problems(report)


def test_labels_without_room(job: Path, tmp_path: Path) -> None:
    relabel(tmp_path / "train", {0: "aaaaaaaa", 1: "bbbbbbbb"})
    (tmp_path / "train/001.png").write_bytes((tmp_path / "train/000.png").read_bytes())
    cv2.imwrite(str(tmp_path / "train/000.png"), np.full((24, 24, 3), 9, np.uint8))
    report, _ = looked(job)
    assert report.figures["room"]["train.datasets.0"]["without_room"] >= 1
    assert any("fewer time steps than they need" in one and "would make room" in one for one in report.problems)
    report, _ = looked(job, "train.max_zeroed=0.1")
    assert report.problems == []
    assert any("they give no gradient" in one for one in report.remarks)


def test_copies_and_leaks(job: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "train/004.png", tmp_path / "test/007.png")
    shutil.copy(tmp_path / "train/004.png", tmp_path / "train/005.png")
    relabel(tmp_path / "train", {4: "ab", 5: "ba"})
    report, _ = looked(job)
    assert any("in both train.datasets.0 and test.mine (e.g. 004.png = 007.png)" in one for one in report.problems)
    assert any("two labels (e.g. 004.png: 'ab' and 005.png: 'ba')" in one for one in report.remarks)
    allowed, _ = looked(job, options=CheckOptions(timing=False, allow_leaks=True))
    assert allowed.problems == []


def test_what_cannot_be_had_is_a_problem(job: Path) -> None:
    for override, sentence in (
        ("train.ckpt_path=./nowhere.pth", "nowhere.pth"),
        ("train.data.height=48", "32 pixels high and train.data.height is 48"),
        ("test.mine.dataset.root=./nowhere", "test.mine: "),
        ("train.datasets.0.root=./nowhere", "train.datasets.0: "),
    ):
        report, said = looked(job, override)
        assert len(report.problems) == 1 and sentence in report.problems[0], override
        assert "What there is" in said
    with pytest.raises(UserError, match=r"name a \.png"):
        looked(job, options=CheckOptions(draw="a.gif"))
    with pytest.raises(UserError, match="names no dataset"):
        looked(job, "train.datasets=[]", "test={}")


def test_datasets_in_shares(job: Path, tmp_path: Path) -> None:
    both = f"train.datasets=[{{format: labels_csv, root: {tmp_path}/train}}, {{format: labels_csv, root: %s}}]"
    report, said = looked(job, both % (tmp_path / "test"), "train.batch_ratio=[3, 1]", "test={}")
    assert report.problems == [] and "padding of the batches" in said
    report, said = looked(job, both % "./nowhere", "train.batch_ratio=[3, 1]")
    assert len(report.problems) == 1 and report.problems[0].startswith("train.datasets.1: ")
    assert "padding of the batches" not in said


def test_padding_with_buckets_is_that_of_the_run(job: Path) -> None:
    """The plain twin: widths of the very samples that training would take, batch by batch."""
    from data.recognition.alphabet import Alphabet
    from data.recognition.training_set import WordTrainingSet

    config = load(job, "train.data.bucket_batches=5", "train.batch_size=8")
    sources, problems = open_word_sources(config)
    assert not problems
    seen = look_at_pictures(sources[0], WordPreprocess.of(config.train.data), 1000)
    widths = seen.widths.astype(np.int64)
    dataset = WordTrainingSet(
        sources[0].reader, Alphabet("abc"), config.train.data, config.seed, batch=8, widths=widths
    )  # fmt: skip
    steps = [[int(widths[dataset.index(step * 8 + k)]) for k in range(8)] for step in range(10)]
    wanted = 1 - sum(map(sum, steps)) / sum(8 * max(step) for step in steps)
    plain, bucketed = padding([seen], [len(sources[0].reader)], config)
    assert bucketed == pytest.approx(wanted)
    assert bucketed < plain


def test_a_fixed_width_tells_its_padding(job: Path) -> None:
    report, said = looked(job, "train.data.pad_to=200")
    natural = look_at_pictures(
        open_word_sources(load(job))[0][0], WordPreprocess(height=32, max_width=200, min_width=1, width_multiple=1), 100
    ).widths
    assert report.figures["inputs"]["padding"]["fixed"] == pytest.approx(1 - natural.mean() / 200)
    assert "every input is 200 wide" in said


def test_squeezed_and_unreadable_pictures(job: Path, tmp_path: Path) -> None:
    (tmp_path / "train/003.png").write_bytes(b"no picture")
    report, _ = looked(job, "train.data.max_width=60", "train.max_zeroed=1")
    assert report.figures["inputs"]["train.datasets.0"]["unreadable"] == 1
    assert any("(2.5 %) cannot be read" in one for one in report.problems)
    assert any("longer than train.data.max_width (60)" in one for one in report.remarks)


def test_training_says_the_quick_part(job: Path, tmp_path: Path, caplog) -> None:
    shutil.copy(tmp_path / "train/007.png", tmp_path / "test/007.png")
    lines = quick_word_check(load(job))
    assert lines[0].startswith("train.datasets.0: 40 words; labels of 1 to 4 characters")
    assert lines[-1].startswith("warning: 007.png is in both train.datasets.0 and test.mine")
    with caplog.at_level(logging.INFO):
        train_job(load(job, "train.end_iter=2", "train.eval_interval=1", "train.lr=1e-6"))
    assert "007.png is in both train.datasets.0 and test.mine" in caplog.text
    assert "test.mine: 12 words" in caplog.text


def test_generated_words_are_looked_at_in_part(tmp_path: Path) -> None:
    config = load_config("rec_digits", ["characters=0123456789x", "device=cpu"], "recognition")
    said: list[str] = []
    report = check_words(config, QUICK, said.append)
    assert report.problems == []
    assert report.figures["alphabet"]["never_in_training"] == ["x"]
    assert report.figures["inputs"]["train.datasets.0"]["looked_at"] == 128
    assert any("not compared" in one for one in said)

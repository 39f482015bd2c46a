"""Whole runs of a recogniser: trained, evaluated, resumed, fine-tuned on another alphabet, and with faulty input."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_words import lines, load, write_words

from config.errors import UserError
from utils.evaluate.recognition_job import evaluate_words
from utils.tasks.recognition import RecognitionTask
from utils.train_job import train_job


def run(job: Path, *overrides: str, resume: bool = False):
    return train_job(load(job, *overrides), resume=resume)


def test_it_learns_to_read(job: Path) -> None:
    folder = run(job, "train.end_iter=150", "train.eval_interval=150", "train.data.augment={}", "train.lr=1e-2")
    losses = [line["loss"] for line in lines(folder, "train")]
    assert np.mean(losses[-10:]) < 0.2 * np.mean(losses[:10])
    assert lines(folder, "validation")[-1]["word_accuracy"] >= 0.8
    assert all(0 <= line["blank_share"] <= 1 and line["zeroed_share"] == 0 for line in lines(folder, "train"))
    table = evaluate_words(load(job), draw=str(job.parent / "sheet.png"))
    results = json.loads((folder.root / "eval" / "mine" / "results.json").read_text())
    for name in ("word_accuracy", "cer", "norm_edit_distance"):
        assert results[name] == pytest.approx(lines(folder, "validation")[-1][name])
    assert f"{results['word_accuracy']:.4f}" in table
    assert (job.parent / "sheet.png").stat().st_size > 1000
    read = [json.loads(line) for line in (folder.root / "eval/mine/images.jsonl").read_text().splitlines()]
    assert len(read) == 20
    assert sum(one["right"] for one in read) / 20 == results["word_accuracy"]


@pytest.mark.parametrize("workers", [0, 2])
def test_resumed_is_uninterrupted(job: Path, workers: int) -> None:
    whole = run(job, "name=whole", f"train.num_workers={workers}")
    run(job, "name=halves", "train.end_iter=5")
    halves = run(job, "name=halves", f"train.num_workers={workers}", resume=True)
    assert [line["loss"] for line in lines(whole, "train")] == [line["loss"] for line in lines(halves, "train")]
    first, second = (torch.load(one.last, weights_only=True) for one in (whole, halves))
    assert all(torch.equal(value, second["model"][name]) for name, value in first["model"].items())


def test_another_alphabet_keeps_what_is_shared(job: Path, words, caplog) -> None:
    first = run(job, "name=first", "train.end_iter=2")
    with caplog.at_level(logging.INFO):
        run(job, "name=second", "characters=xcba", f"train.ckpt_path={first.last}", "train.end_iter=1")
    assert "kept        3  cba" in caplog.text
    assert "new         1  x" in caplog.text
    assert " in 1 - CER since the start" in caplog.text


def test_weights_of_another_alphabet_are_not_evaluated(job: Path, tmp_path: Path) -> None:
    state = torch.load(run(job, "train.end_iter=1").last, weights_only=True)["model"]
    torch.save(state, tmp_path / "bare.pth")
    with pytest.raises(UserError, match=r"bare\.pth scores 3 characters and the blank, and `characters` has 4"):
        evaluate_words(load(job, "characters=abcx"), checkpoint=str(tmp_path / "bare.pth"))


def test_mixed_in_shares(job: Path, words) -> None:
    both = f"[{{format: labels_csv, root: {words[0]}}}, {{format: labels_csv, root: {words[1]}}}]"
    folder = run(job, f"train.datasets={both}", "train.batch_ratio=[3, 1]", "train.end_iter=3", "train.validation=none")
    assert all(math.isfinite(line["loss"]) for line in lines(folder, "train"))
    with pytest.raises(UserError, match="batch_ratio has 2 numbers, but there are 1 datasets"):
        load(job, "train.batch_ratio=[3, 1]")


def test_labels_that_cannot_be_written(job: Path, words) -> None:
    with pytest.raises(UserError, match=r"lacks .*'c' \(U\+0063\)"):
        run(job, "characters=ab")


def test_labels_without_room(job: Path) -> None:
    with pytest.raises(UserError, match=r"fewer time steps than they need .*max_width"):
        run(job, "train.data.max_width=16")


def test_network_and_inputs_must_fit(job: Path) -> None:
    with pytest.raises(UserError, match=r"32 pixels high and train\.data\.height is 48"):
        run(job, "train.data.height=48")
    with pytest.raises(UserError, match=r"reads 1 channels and train\.data\.channels is 3"):
        run(job, "train.data.channels=3")


def test_early_stop_and_plateau(job: Path, caplog) -> None:
    with caplog.at_level(logging.INFO):
        folder = run(
            job, "train.lr=1e-6", "train.schedule=plateau", "train.gamma=0.5", "train.plateau_patience=1",
            "train.patience=3", "train.eval_interval=2", "train.end_iter=40",
        )  # fmt: skip
    assert "3 evaluations without a better one: training ends early" in caplog.text
    rates = [line["lr"] for line in lines(folder, "train")]
    assert rates[0] == 1e-6 and rates[-1] < rates[0]
    assert len(rates) < 40


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 1e-3), ("adamw", 1e-3), ("adadelta", 1.0)])
def test_each_optimizer_has_its_rate(job: Path, optimizer: str, rate: float, caplog) -> None:
    text = job.read_text().replace("  lr: 5e-3\n", "")
    job.write_text(text)
    config = load(job, f"train.optimizer={optimizer}", "train.end_iter=1")
    assert config.train.lr == rate
    train_job(config)
    assert "its rates are usually" not in caplog.text


def test_validation_reads_as_the_test_section_says(job: Path, words, tmp_path: Path, caplog) -> None:
    listed = tmp_path / "words.txt"
    listed.write_text("B\nCC\nX\n")  # folded as labels are; the alphabet has no x
    wanted = [f"test.mine.lexicon={listed}", "case=lower", "train.end_iter=2"]
    with caplog.at_level(logging.INFO):
        folder = run(job, *wanted)
    assert "test.mine is read by the most probable of 2 words" in caplog.text
    evaluate_words(load(job, *wanted))
    read = [json.loads(line) for line in (folder.root / "eval/mine/images.jsonl").read_text().splitlines()]
    assert {one["reading"] for one in read} <= {"b", "cc", ""} and any(one["reading"] for one in read)
    results = json.loads((folder.root / "eval/mine/results.json").read_text())
    assert lines(folder, "validation")[-1]["cer"] == pytest.approx(results["cer"])
    with caplog.at_level(logging.INFO):
        run(job, "name=beam", "test.mine.decode=beam", "train.end_iter=1")
    assert "test.mine is read by beam search with 10 hypotheses" in caplog.text


@pytest.mark.parametrize(("content", "message"), [(None, "cannot be read"), ("xyz\n", "holds no word")])
def test_a_word_list_without_use_is_told_before_training(job: Path, tmp_path: Path, content, message) -> None:
    listed = tmp_path / "words.txt"
    if content is not None:
        listed.write_text(content)
    config = load(job, f"test.mine.lexicon={listed}", "train.end_iter=1")
    with pytest.raises(UserError, match=f"lexicon .*words.txt.* {message}"):
        train_job(config)
    run(job, "train.end_iter=1")
    with pytest.raises(UserError, match=f"lexicon .*words.txt.* {message}"):
        evaluate_words(config)


def test_odd_rate_is_told(job: Path, caplog) -> None:
    run(job, "train.optimizer=adam", "train.lr=1.0", "train.end_iter=1")
    assert "train.lr=1 with train.optimizer=adam" in caplog.text and "1.0 is Adadelta's" in caplog.text


def test_unreadable_test_picture_counts_as_wrong(job: Path, tmp_path: Path) -> None:
    test = write_words(tmp_path / "broken", 20, seed=2)
    folder = run(job, "train.end_iter=1")
    (test / "003.png").write_bytes(b"no picture")
    evaluate_words(load(job, f"test.mine.dataset.root={test}", "test.mine.dataset.max_dropped=0.1"))
    results = json.loads((folder.root / "eval" / "mine" / "results.json").read_text())
    assert (results["words"], results["unreadable"]) == (20, 1)


def test_the_empty_beginning_is_explained_once(job: Path, caplog) -> None:
    task = RecognitionTask(load(job), torch.device("cpu"), "off")
    with caplog.at_level(logging.INFO):
        task.evaluate(task.model)  # a random network reads something
        assert "every reading is empty" not in caplog.text
        with torch.no_grad():
            task.model.Prediction.bias[0] = 1000  # the blank
        task.evaluate(task.model)
        task.evaluate(task.model)
    assert caplog.text.count("mine: every reading is empty. This is normal early in CTC training") == 1


def test_tables_beside_the_log(job: Path) -> None:
    folder = run(job)
    for split, steps in (("train", 12), ("validation", 2)):
        rows = folder.table(split).read_text().splitlines()
        assert len(rows) == steps + 1
        assert rows[0].split(",") == [
            "step",
            *[name for name in lines(folder, split)[0] if name not in ("step", "split")],
        ]

"""The recognisers of docs/extending.md, one file each: trained, evaluated and used by the real jobs, CTC or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from documented import add
from tiny_words import lines, load

from config.errors import UserError
from utils.evaluate.recognition_job import evaluate_words
from utils.predict.job import predict
from utils.predict.options import PredictionJob
from utils.train_job import train_job

add("model/conv_ctc.py")
add("model/gru_attention.py")

REPOSITORY = Path(__file__).resolve().parents[2]
CONV_CTC = "model={architecture: conv_ctc, output_channel: 32, architecture_options: {kernel: 7}}"
ATTENTION = "model={architecture: gru_attention, hidden_size: 48}"


@pytest.mark.parametrize(("network", "iterations", "rate"), [(CONV_CTC, 400, 8e-3), (ATTENTION, 600, 3e-3)])
def test_it_is_trained_evaluated_and_used(job: Path, words, network: str, iterations: int, rate: float) -> None:
    settings = [network, f"train.end_iter={iterations}", f"train.eval_interval={iterations}", "train.data.augment={}"]
    folder = train_job(load(job, *settings, f"train.lr={rate}"))
    losses = [line["loss"] for line in lines(folder, "train")]
    assert np.mean(losses[-10:]) < 0.2 * np.mean(losses[:10])
    accuracy = lines(folder, "validation")[-1]["word_accuracy"]
    assert accuracy >= 0.6
    evaluate_words(load(job))  # The network is that of the checkpoint.
    results = json.loads((folder.root / "eval/mine/results.json").read_text())
    assert results["word_accuracy"] == accuracy
    evaluated = [json.loads(line) for line in (folder.root / "eval/mine/images.jsonl").read_text().splitlines()]
    found: list[str] = []
    predict(PredictionJob(images=[str(words[1])], recognizer=str(folder.best), device="cpu"), found.append)
    predicted = {Path(line["file"]).name: line["words"][0] for line in map(json.loads, found)}
    assert len(predicted) == 20
    for word in evaluated:
        assert predicted[Path(word["sample_id"]).name]["text"] == word["reading"]


@pytest.mark.parametrize("network", [CONV_CTC, ATTENTION], ids=["conv_ctc", "attention"])
def test_it_is_resumed_bit_for_bit(job: Path, network: str) -> None:
    whole = train_job(load(job, network, "name=whole"))
    train_job(load(job, network, "name=halves", "train.end_iter=5"))
    halves = train_job(load(job, network, "name=halves"), resume=True)
    first, second = (torch.load(one.last, weights_only=True) for one in (whole, halves))
    assert all(torch.equal(value, second["model"][name]) for name, value in first["model"].items())


def test_another_alphabet_moves_every_row_of_a_class(job: Path) -> None:
    first = train_job(load(job, ATTENTION, "name=first", "train.end_iter=2"))
    second = train_job(
        load(job, ATTENTION, "name=second", "characters=cxba", f"train.ckpt_path={first.last}", "train.lr=1e-12",
             "train.end_iter=1")
    )  # fmt: skip
    old, new = (torch.load(one.last, weights_only=True)["model"] for one in (first, second))
    for name in ("Prediction.weight", "Prediction.bias", "embedding.weight"):  # the end, c, b, a and the start
        torch.testing.assert_close(new[name][[0, 1, 3, 4, 5]], old[name][[0, 3, 2, 1, 4]], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([ATTENTION, "test.mine.decode=beam"], "decode=beam works for recognisers trained with CTC only"),
        ([ATTENTION, "model.dropout=0.5"], r"model\.dropout=0\.5 is no setting of the recogniser gru_attention"),
        (
            [ATTENTION, "model.architecture_options.maxsteps=9"],
            r"did you mean 'model\.architecture_options\.max_steps'",
        ),
        ([CONV_CTC, "model.freeze=[feature]"], r"model\.freeze: .* has no part 'feature'; did you mean 'features'\?"),
        ([CONV_CTC, "train.data.max_width=16"], r"fewer time steps than they need .*max_width"),
    ],
)
def test_a_mistake_is_told_before_training(job: Path, overrides: list[str], message: str) -> None:
    config = load(job, *overrides)
    with pytest.raises(UserError, match=message) as fault:
        train_job(config)
    assert "\n" not in str(fault.value) and not (job.parent / "exp").exists()


@pytest.mark.parametrize("program", ["train.py", "check.py"])
def test_an_unknown_network_is_one_sentence(job: Path, program: str) -> None:
    done = subprocess.run(
        [sys.executable, program, f"--yaml={job}", "model.architecture=crnn_digit"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: on the command line: model.architecture is 'crnn_digit', a recogniser which does not exist; "
        "did you mean 'crnn_digits'?\n"
    )
    assert not (job.parent / "exp").exists()

"""Whole runs with word boxes: labelled by a teacher, mixed with true characters, resumed, and with faulty input."""

from __future__ import annotations

import json
import logging
import math
import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io
import torch

from config.errors import UserError
from config.loader import load_config
from utils.engine.trainer import Trainer
from utils.tasks import weak as weak_task
from utils.train_job import train_job


def run(overrides, *extra, resume=False):
    return train_job(load_config("craft_tiny", [*overrides, *extra], "detection"), resume=resume)


def lines(folder, split):
    return [line for line in map(json.loads, folder.metrics.read_text().splitlines()) if line["split"] == split]


def write_words(root: Path, scenes: Path) -> Path:
    """Write the scenes again as ICDAR 2015 would: words without characters. Returns the folder."""
    mat = scipy.io.loadmat(scenes / "gt.mat")
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    for index in range(mat["imnames"].shape[1]):
        image = cv2.imread(str(scenes / mat["imnames"][0, index][0]))
        cv2.imwrite(str(root / "images" / f"img_{index}.png"), image)
        boxes = mat["wordBB"][0, index].reshape(2, 4, -1).transpose(2, 1, 0)
        rows = [
            ",".join(str(round(value)) for value in box.ravel()) + f",{text.strip()}"
            for box, text in zip(boxes, mat["txt"][0, index], strict=True)
        ]
        (root / "labels" / f"gt_img_{index}.txt").write_text("\n".join(rows))
    return root


@pytest.fixture(scope="session")
def words(scenes, tmp_path_factory) -> Path:
    return write_words(tmp_path_factory.mktemp("words"), scenes)


@pytest.fixture
def weak(overrides, words, tmp_path):
    """Overrides of a run of nine images that labels twice and starts from a checkpoint."""
    start = run(overrides, "name=start", "train.end_iter=2", "train.validation=none").last
    dataset = f"{{format: icdar2015, root: {words}, images: images, labels: labels}}"
    section = f"{{datasets: [{dataset}], relabel_interval: 4, crop_height: 32, synth_ratio: 2}}"
    return [*overrides, f"train.weak={section}", f"train.ckpt_path={start}", "train.ema_decay=0.5"]


def test_a_run_labels_mixes_and_compares_with_the_start(weak, caplog):
    with caplog.at_level(logging.INFO):
        folder = run(weak, "name=weak")
    stages = lines(folder, "stage")
    assert [line["step"] for line in stages] == [0, 4]
    assert stages[0]["relabelled"] == 1
    assert stages[0].get("words_kept", 0) + stages[0].get("words_split", 0) == 18
    assert 0 <= stages[0]["mean_confidence"] <= 1
    assert [line["step"] for line in lines(folder, "validation")] == [0, 4, 6]
    assert all(line["best_hmean"] >= line["hmean"] for line in lines(folder, "validation"))
    assert "(the starting weights, unchanged)" in caplog.text and "since the start" in caplog.text
    assert all(math.isfinite(line["loss"]) for line in lines(folder, "train"))
    content = torch.load(folder.last, weights_only=True)
    assert content["sampler"]["position"] == 6 * 3  # two samples of words and one synthetic in each iteration
    assert content["scores"]["start"] is not None


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("half", [3, 4])
def test_a_resumed_run_is_the_same_run(weak, workers, half):
    extra = (f"train.num_workers={workers}", "train.save_interval=1")
    whole = run(weak, "name=whole", *extra)
    run(weak, "name=halves", f"train.end_iter={half}", *extra)
    halves = run(weak, "name=halves", *extra, resume=True)

    def seen(folder):
        return [(line["step"], line["loss"], line["grad_norm"]) for line in lines(folder, "train")]

    assert seen(halves) == seen(whole)
    first, second = (torch.load(folder.last, weights_only=True) for folder in (whole, halves))
    assert all(torch.equal(first["craft"][name], second["craft"][name]) for name in first["craft"])


@pytest.mark.parametrize("killed_in", ["first pass", "second pass"])
def test_a_run_that_dies_while_labelling_goes_on_there(weak, monkeypatch, killed_in):
    whole = run(weak, "name=whole")
    original = weak_task.label_dataset

    def dying(model, *arguments, **options):
        forward, calls = model.forward, []

        def once(*inputs):
            calls.append(1)
            if len(calls) > 1:
                raise ConnectionError("the machine is gone")
            return forward(*inputs)

        monkeypatch.setattr(model, "forward", once)
        return original(model, *arguments, **options)

    if killed_in == "second pass":
        run(weak, "name=broken", "train.end_iter=4")
    monkeypatch.setattr(weak_task, "label_dataset", dying)
    with pytest.raises(ConnectionError):
        run(weak, "name=broken", resume=killed_in == "second pass")
    monkeypatch.undo()
    broken = run(weak, "name=broken", resume=True)
    losses = [[line["loss"] for line in lines(folder, "train")] for folder in (whole, broken)]
    assert losses[0] == losses[1]


def test_a_worse_teacher_does_not_label(weak, monkeypatch, caplog):
    levels = iter([0.5, 0.4, 0.3, 0.45])
    original = weak_task.WeakDetectionTask.evaluate

    def evaluate(self, model):
        level = next(levels)
        return type(original(self, model))(score=level, summary="faked")

    monkeypatch.setattr(weak_task.WeakDetectionTask, "evaluate", evaluate)
    with caplog.at_level(logging.INFO):
        folder = run(weak, "name=gated")
    assert [line["relabelled"] for line in lines(folder, "stage")] == [1, 0]
    assert "the labels stay: the new teacher scores 0.400, the previous teacher scored 0.500" in caplog.text
    assert "below that of the starting weights (0.500)" in caplog.text


def test_labelling_by_default_waits_for_evaluations_and_makes_none(weak, monkeypatch):
    """Nine images in batches of two: a pass is five iterations, and the second evaluation after it is at the sixth."""
    evaluated, relabelled = [], []
    evaluate, label = weak_task.WeakDetectionTask.evaluate, weak_task.label_dataset
    monkeypatch.setattr(weak_task.WeakDetectionTask, "evaluate", lambda *given: evaluated.append(1) or evaluate(*given))
    monkeypatch.setattr(weak_task, "label_dataset", lambda *a, **b: relabelled.append(1) or label(*a, **b))
    weak = [one.replace("relabel_interval: 4, ", "") for one in weak]
    extra = ["train.eval_interval=3", "train.batch_size=2", "train.end_iter=8"]
    folder = run(weak, "name=default", *extra)
    assert [line["step"] for line in lines(folder, "stage")] == [0, 6]
    assert len(evaluated) == len(lines(folder, "validation")) == 4
    state = torch.load(folder.last, weights_only=True)["task_state"]
    assert state["interval"] == 6
    # An interval between evaluations that changes later leaves the stages as they are.
    run(weak, "name=default", *extra[1:], "train.eval_interval=7", "train.end_iter=9", resume=True)
    assert torch.load(folder.last, weights_only=True)["task_state"]["interval"] == 6


def test_a_run_killed_after_labelling_does_not_label_or_log_that_again(weak, monkeypatch):
    original = Trainer._train_step

    def dying(self, micro, sampler):
        if self.step == 5:
            raise ConnectionError("the machine is gone")
        original(self, micro, sampler)

    monkeypatch.setattr(Trainer, "_train_step", dying)
    with pytest.raises(ConnectionError):
        run(weak, "name=killed")
    monkeypatch.setattr(Trainer, "_train_step", original)
    monkeypatch.setattr(weak_task, "label_dataset", None)
    folder = run(weak, "name=killed", resume=True)
    assert [line["step"] for line in lines(folder, "stage")] == [0, 4]
    assert [line["step"] for line in lines(folder, "validation")] == [0, 4, 6]


def test_a_changed_evaluation_lifts_the_gate_and_the_data_may_move(weak, words, tmp_path):
    run(weak, "name=moved", "train.end_iter=3")
    elsewhere = shutil.copytree(words, tmp_path / "elsewhere")
    changed = [one.replace(str(words), str(elsewhere)) for one in weak]
    pictures = f"vis_test_dir={tmp_path / 'pictures'}"
    extra = ("train.weak.pseudo_vis_opt=true", pictures, "test.validation.iou=0.3")
    folder = run(changed, "name=moved", "train.end_iter=5", *extra, resume=True)
    assert [line["relabelled"] for line in lines(folder, "stage")] == [1, 1]
    assert cv2.imread(str(tmp_path / "pictures" / "moved_pseudo_labels_4.png")) is not None


def test_the_samples_can_be_sent_to_a_spawned_process(weak, tmp_path):
    config = load_config("craft_tiny", [*weak, f"results_dir={tmp_path}"], "detection")
    task = weak_task.WeakDetectionTask(config, torch.device("cpu"), "off")
    task.begin_stage(0, task.model, None, lambda: False)
    there = pickle.loads(pickle.dumps(task.dataset))
    for position in range(3):
        for name in ("image", "region", "mask"):
            np.testing.assert_array_equal(there[position][name], task.dataset[position][name])
    assert len(pickle.dumps(task.dataset)) < 20_000


def test_faulty_words_are_counted_and_harmless(weak, words, tmp_path, caplog):
    root = tmp_path / "faults"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    labels = {
        "no_file": None,
        "empty": "",
        "dont_care": "10,10,60,10,60,30,10,30,###\n10,40,60,40,60,60,10,60,###",
        "one_character": "10,10,30,10,30,40,10,40,A",
        "no_area": "10,10,60,10,60,10,10,10,flat\n10,40,60,40,60,60,10,60,good",
        "crossing": "10,10,60,30,60,10,10,30,cross\n10,40,60,40,60,60,10,60,good",
        "outside": "500,500,560,500,560,530,500,530,far\n10,40,60,40,60,60,10,60,good",
        "partly": "-20,-10,60,-10,60,30,-20,30,edge",
    }
    for name, text in labels.items():
        cv2.imwrite(str(root / "images" / f"{name}.png"), np.full((96, 112, 3), 180, np.uint8))
        if text is not None:
            (root / "labels" / f"gt_{name}.txt").write_text(text)
    dataset = f"[{{format: icdar2015, root: {root}, images: images, labels: labels, max_dropped: 1.0}}]"
    with caplog.at_level(logging.INFO):
        folder = run(weak, f"train.weak.datasets={dataset}", "name=faults", "train.end_iter=8")
    assert all(math.isfinite(line["loss"]) for line in lines(folder, "train"))
    assert len(lines(folder, "train")) == 8
    for reason in ("zero", "cross", "outside"):
        assert reason in caplog.text
    with pytest.raises(UserError, match="max_dropped"):
        run(weak, f"train.weak.datasets={dataset.replace('1.0', '0.05')}", "name=refused")


def test_without_synthetic_data(weak):
    folder = run(weak, "train.weak.use_synthtext=false", "name=alone", "train.end_iter=1")
    assert torch.load(folder.last, weights_only=True)["sampler"]["position"] == 2
    with pytest.raises(UserError, match=r"use_synthtext=false"):
        run(weak, "train.datasets=[]", "name=none")


def test_resume_without_the_labels_is_refused(weak):
    folder = run(weak, "name=lost", "train.end_iter=3")
    shutil.rmtree(folder.pseudo_labels)
    with pytest.raises(UserError, match="this run's pseudo-labels, is missing"):
        run(weak, "name=lost", resume=True)

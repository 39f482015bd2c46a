"""A device that is out of memory above so many samples, simulated; the sentence; and nothing left behind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_words import recognition_yaml, write_words
from torch import Tensor, nn

from config.errors import UserError
from config.loader import load_config
from data.recognition.preprocess import WordPreprocess
from data.recognition.training_set import widest_batch
from loss.heatmap import HeatmapLoss
from utils.engine import memory_probe
from utils.engine.memory_messages import too_large
from utils.engine.memory_probe import (
    check_batch_fits,
    largest_batch,
    later_bytes,
    probe_memory,
    take,
)
from utils.engine.task import Task
from utils.tasks.recognition import RecognitionTask

CPU = torch.device("cpu")


def alone(flag: bool) -> bool:
    return flag


class Device:
    """Runs out of memory above `capacity` samples, and remembers what it was asked for."""

    def __init__(self, capacity: int, fault: type[RuntimeError] = torch.OutOfMemoryError, text: str = "full") -> None:
        self.capacity, self.asked = capacity, []
        self._fault, self._text = fault, text

    def __call__(self, samples: int) -> None:
        self.asked.append(samples)
        if samples > self.capacity:
            raise self._fault(self._text)


@mock.patch.object(memory_probe, "free_memory", new=lambda: None)  # Thousands of times, it takes minutes.
@given(st.integers(1, 300), st.integers(0, 400))
def test_finds_the_largest_batch(wanted, capacity):
    device = Device(capacity)
    assert probe_memory(device, wanted, agree=alone) == min(wanted, capacity)
    assert device.asked[0] == wanted
    assert len(device.asked) == 1 if capacity >= wanted else len(device.asked) <= 1 + math.ceil(math.log2(wanted + 1))
    assert len(set(device.asked)) == len(device.asked) and min(device.asked) >= 1


@mock.patch.object(memory_probe, "free_memory", new=lambda: None)  # Thousands of times, it takes minutes.
@given(st.integers(1, 64), st.lists(st.integers(0, 80), min_size=2, max_size=4))
def test_all_processes_get_the_answer_of_the_smallest(wanted, capacities):
    devices = [Device(capacity) for capacity in capacities]

    def together(samples: int) -> None:
        failed = []
        for device in devices:
            try:
                device(samples)
            except torch.OutOfMemoryError as fault:
                failed.append(fault)
        if failed:
            raise failed[0]

    assert probe_memory(together, wanted, agree=alone) == min(wanted, *capacities)
    # One process whose own device has room for all, but which is told of another that has not.
    roomy, told = Device(1000), []

    def agree(flag: bool) -> bool:
        told.append(flag)
        return roomy.asked[-1] > min(capacities)

    assert probe_memory(roomy, wanted, agree=agree) == min(wanted, *capacities)
    assert roomy.asked == devices[0].asked and not any(told)


def test_memory_is_freed_between_attempts(monkeypatch):
    freed = []
    monkeypatch.setattr(memory_probe, "free_memory", lambda: freed.append(True))
    device = Device(5)
    probe_memory(device, 8, agree=alone)
    assert len(freed) == sum(samples > 5 for samples in device.asked)


def test_what_a_failed_attempt_held_is_gone_before_the_next():
    alive: list[Any] = []

    class Held:
        def __init__(self) -> None:
            alive.append(self_id := id(self))
            self._id = self_id

        def __del__(self) -> None:
            alive.remove(self._id)

    def attempt(samples: int) -> None:
        assert not alive
        held = Held()
        cycle = [held]
        cycle.append(cycle)
        raise torch.OutOfMemoryError("full")

    assert probe_memory(attempt, 16, agree=alone) == 0


def test_libraries_that_cannot_allocate_count_and_other_errors_do_not():
    full = Device(3, RuntimeError, "cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
    assert probe_memory(full, 8, agree=alone) == 3
    with pytest.raises(RuntimeError, match="size mismatch"):
        probe_memory(Device(3, RuntimeError, "size mismatch"), 8, agree=alone)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"batch_size": 32, "fitting": 20},
            "train.batch_size=32 does not fit into 79.1 GiB of cuda:0; 20 does (train.batch_size=20, or "
            "train.accumulate=2 with train.batch_size=16)",
        ),
        (
            {"batch_size": 5, "fitting": 3},
            "train.batch_size=5 does not fit into 79.1 GiB of cuda:0; 3 does (train.batch_size=3, or "
            "train.accumulate=5 with train.batch_size=1)",
        ),
        (
            {"batch_size": 24, "fitting": 17, "accumulate": 2},
            "train.batch_size=24 does not fit into 79.1 GiB of cuda:0; 17 does (train.batch_size=17, or "
            "train.accumulate=3 with train.batch_size=16)",
        ),
        (
            {"batch_size": 32, "fitting": 20, "global_batch_size": 256, "world": 8},
            "train.global_batch_size=256 over 8 processes makes batches of 32, which do not fit into 79.1 GiB of "
            "cuda:0; 20 would (train.accumulate=2 makes batches of 16)",
        ),
        (
            {"batch_size": 32, "fitting": 20, "global_batch_size": 64, "accumulate": 2},
            "train.global_batch_size=64 over 1 process and accumulate=2 makes batches of 32, which do not fit into "
            "79.1 GiB of cuda:0; 20 would (train.accumulate=4 makes batches of 16)",
        ),
        (
            {"batch_size": 2, "fitting": 0},
            "not even one sample fits into 79.1 GiB of cuda:0; lower train.data.output_size",
        ),
    ],
)
def test_the_sentence(arguments, sentence):
    assert str(too_large(**arguments, place="79.1 GiB of cuda:0", size_setting="train.data.output_size")) == sentence


@given(st.integers(2, 200), st.integers(1, 8), st.data())
def test_the_advice_keeps_the_global_batch_and_fits(batch_size, accumulate, data):
    fitting = data.draw(st.integers(1, batch_size - 1))
    text = str(too_large(batch_size, fitting, place="it", size_setting="size", accumulate=accumulate))
    parts, each = (int(part.split(")")[0].split(" ")[0]) for part in text.split("=")[-2:])
    assert parts * each == batch_size * accumulate and each <= fitting and parts > accumulate


class Small(nn.Module):
    """A network with what a training step changes: batch norms, and dropout, which draws random numbers."""

    seen: ClassVar[list[int]] = []

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        y = self.layers(x)
        if len(x) > self.capacity:
            raise torch.OutOfMemoryError("full")
        return y


class SmallTask(Task):
    size_setting = "train.data.output_size"

    def __init__(self, capacity: int) -> None:
        torch.manual_seed(0)
        Small.seen.clear()
        self.model, self.steps = Small(capacity).eval(), 0
        self._criterion = HeatmapLoss()

    def loss(self, model: nn.Module, batch: dict[str, Any]) -> dict[str, Tensor]:
        assert len(batch["sample_id"]) == len(batch["image"]) == len(batch["region"])
        self.steps += 1
        scores = model(batch["image"].float().permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return {"loss": self._criterion(scores, batch["region"], batch["affinity"], batch["mask"]).total}

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def restore(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


def detection_batch(samples: int) -> dict[str, Any]:
    maps = {name: torch.rand(samples, 8, 8) for name in ("region", "affinity", "mask")}
    ids = [str(number) for number in range(samples)]
    return {"image": torch.zeros(samples, 8, 8, 3, dtype=torch.uint8), **maps, "sample_id": ids, "unreadable": []}


@pytest.mark.parametrize("capacity", [0, 1, 5, 12])
def test_a_network_is_left_as_it_was(capacity):
    task, batch = SmallTask(capacity), detection_batch(12)
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    torch.manual_seed(3)
    state = torch.get_rng_state()
    assert largest_batch(task, batch, device=CPU, amp="off", agree=alone, reserve_bytes=1000) == min(capacity, 12)
    assert torch.equal(torch.get_rng_state(), state)
    assert task.steps == 0 and not task.model.training
    assert all(parameter.grad is None for parameter in task.model.parameters())
    for name, value in task.model.state_dict().items():
        assert torch.equal(value, before[name])
    assert Small.seen[0] == 12


def test_other_errors_leave_it_as_it_was_too():
    task = SmallTask(4)
    batch = {**detection_batch(4), "region": torch.rand(4, 9, 9)}
    before = task.model.layers[1].running_mean.clone()
    with pytest.raises(RuntimeError):
        largest_batch(task, batch, device=CPU, amp="off", agree=alone)
    assert torch.equal(task.model.layers[1].running_mean, before) and task.steps == 0


def test_take_cuts_what_has_an_entry_for_each_sample():
    batch = {
        "image": torch.zeros(3, 2), "widths": np.arange(3), "texts": ["a", "b", "c"], "ragged": [[1], [1, 2], []],
        "unreadable": ["x"], "number": 3, "scalar": torch.tensor(3.0), "name": "abc",
    }  # fmt: skip
    taken = take(batch, 2, 3)
    assert taken["image"].shape == (2, 2) and taken["widths"].tolist() == [0, 1] and taken["texts"] == ["a", "b"]
    assert taken["ragged"] == [[1], [1, 2]] and taken["unreadable"] == ["x"] and taken["name"] == "abc"
    assert taken["number"] == 3 and taken["scalar"] == 3.0


def word_batch(widths: list[int], preprocess: WordPreprocess) -> dict[str, Any]:
    images = [np.full((preprocess.height, width, preprocess.channels), 7, np.uint8) for width in widths]
    joined, own = preprocess.join(images)
    return {"image": joined, "widths": own.numpy(), "texts": ["a"] * len(widths)}


def test_words_are_probed_at_the_greatest_width():
    preprocess = WordPreprocess(height=32, max_width=150, width_multiple=4)
    batch = widest_batch(word_batch([20, 40, 24], preprocess), preprocess, 4)
    assert batch["image"].shape == (3, 32, 152, 1) and batch["image"].dtype == torch.uint8
    assert batch["widths"].tolist() == [148, 152, 152]  # One that is padded, for padding costs memory, too.
    padded = WordPreprocess(height=32, pad_to=160)
    assert widest_batch(word_batch([160, 160], padded), padded, 4)["widths"].tolist() == [160, 160]
    widest = widest_batch(word_batch([152, 152], preprocess), preprocess, 4)
    assert widest["image"].shape[2] == 152 and widest["widths"].tolist() == [148, 152]


@pytest.mark.parametrize("architecture", ["crnn_digits", "vgg_bilstm_ctc", "residual_crnn"])
def test_a_real_recogniser(tmp_path: Path, architecture, monkeypatch):
    words = write_words(tmp_path / "words", 8, seed=1)
    job = recognition_yaml(tmp_path / "job.yaml", words, words)
    options = [f"model={{architecture: {architecture}, output_channel: 32, hidden_size: 16, input_channel: 1}}"]
    task = RecognitionTask(load_config(str(job), options, "recognition"), CPU, "off")
    batch = task.collate([task.dataset[position] for position in range(8)])
    shapes, real = [], type(task.model).forward

    def forward(self: nn.Module, images: Tensor, lengths: Tensor | None = None) -> Tensor:
        shapes.append(tuple(images.shape))
        if len(images) > 5:
            raise torch.OutOfMemoryError("full")
        return real(self, images, lengths)

    monkeypatch.setattr(type(task.model), "forward", forward)
    before, state = {name: value.clone() for name, value in task.model.state_dict().items()}, task.state()
    assert largest_batch(task, batch, device=CPU, amp="off", agree=alone) == 5
    assert task.state() == state
    assert {shape[3] for shape in shapes} == {200} and shapes[0][0] == 8
    for name, value in task.model.state_dict().items():
        assert torch.equal(value, before[name])


def test_only_cuda_is_probed_and_the_sentence_names_the_device(monkeypatch):
    task, batch = SmallTask(4), detection_batch(12)
    task.samples_per_step = 12
    check_batch_fits(task, batch, device=CPU, amp="off", agree=alone, batch_size=12)
    assert not Small.seen
    # Ten words and two replayed scenes: the setting counts the words only.
    found = {}

    def probed(*_arguments: Any, reserve_bytes: int, **_options: Any) -> int:
        found["reserve"] = reserve_bytes
        return 7

    monkeypatch.setattr(memory_probe, "largest_batch", probed)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (10 * 2**30, 80 * 2**30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _device: 50 * 2**30)
    cuda = torch.device("cuda:1")
    optimizer = torch.optim.Adam(task.model.parameters())
    with pytest.raises(UserError) as error:
        check_batch_fits(task, batch, device=cuda, amp="off", agree=alone, batch_size=10, optimizer=optimizer)
    assert str(error.value) == (
        "train.batch_size=10 does not fit into 80.0 GiB of cuda:1 (20.0 GiB of it are taken by other programs); 5 does "
        "(train.batch_size=5, or train.accumulate=2 with train.batch_size=5)"
    )
    assert found["reserve"] == 2 * 4 * sum(one.numel() for one in task.model.parameters())


def test_bytes_that_come_later():
    model = nn.Linear(10, 5)
    optimizer = torch.optim.Adam(model.parameters())
    assert later_bytes(model, None, buckets=False) == 0
    assert later_bytes(model, optimizer, buckets=True) == 3 * 55 * 4
    model(torch.ones(1, 10)).sum().backward()
    optimizer.step()
    assert later_bytes(model, optimizer, buckets=False) == 0
    held = sum(value.numel() * 4 for state in optimizer.state.values() for key, value in state.items() if key != "step")
    assert held == 2 * 55 * 4

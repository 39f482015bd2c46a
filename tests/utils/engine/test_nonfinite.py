"""An iteration that is not finite leaves no trace in the state of a run, and is written down."""

from __future__ import annotations

import copy
import logging

import pytest
import torch
from torch import nn

from config.errors import UserError
from utils.engine.ema import WeightAverage
from utils.engine.nonfinite import DUMPS, FP16_EXCUSED, NonFiniteGuard, SavedBuffers, _Iteration, plain_batches
from utils.engine.optimizer import descend as take_step
from utils.engine.optimizer import load_optimizer, marked
from utils.run.folder import RunFolder

KINDS = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "fused": lambda p: torch.optim.AdamW(p, lr=0.1, fused=True),  # skips on the device, as on a GPU
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.1),
}


def descend(loss, model, optimizer, scaler, grad_clip):
    optimizer.zero_grad()
    scaler.scale(marked(loss)).backward()
    return take_step(model, optimizer, scaler, grad_clip)


class Job:
    """A small network with batch norm, everything an iteration changes, and one iteration."""

    def __init__(self, kind: str, folder: RunFolder, *, fp16: bool = False, allowed: int = 99) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.optimizer = KINDS[kind](self.model.parameters())
        self.scaler = torch.amp.GradScaler("cpu", enabled=fp16)
        self.ema = WeightAverage(self.model, 0.5)
        self.guard = NonFiniteGuard(self.model, folder, allowed=allowed, fp16=fp16)
        self.step = 0

    def iterate(self, spoil: float | None = None, factor: float = 1.0) -> None:
        torch.manual_seed(self.step)
        inputs = torch.randn(8, 3)
        self.guard.begin()
        if spoil is not None:
            inputs[2, 1] = spoil
        loss = self.model(inputs).square().mean() * factor
        norm = descend(loss, self.model, self.optimizer, self.scaler, 1.0)
        self.ema.update(self.model, self.guard.settle(norm))
        self.step += 1
        ids = [f"sample_{row}" for row in range(8)]
        self.guard.note(self.step, {"image": inputs, "sample_id": ids}, range(8), loss, norm)

    def state(self) -> dict:
        optimizer = self.optimizer.state_dict()["state"]
        tensors = {f"{key}.{name}": value for key, entry in optimizer.items() for name, value in entry.items()}
        averages = {f"ema.{name}": value for name, value in self.ema.module.state_dict().items()}
        return copy.deepcopy({**self.model.state_dict(), **tensors, **averages, "updates": self.ema.updates})


def equal(first: dict, second: dict) -> list[str]:
    assert first.keys() == second.keys()
    return [name for name in first if not torch.equal(torch.as_tensor(first[name]), torch.as_tensor(second[name]))]


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spoil", [float("nan"), float("inf"), 1e30])
def test_nothing_but_the_count_changes(folder: RunFolder, kind: str, spoil: float) -> None:
    job = Job(kind, folder)
    for _ in range(3):
        job.iterate()
    before = job.state()
    job.iterate(spoil, factor=1.0 if spoil != 1e30 else 1e30)
    assert equal(before, job.state()) == []
    assert (job.guard.skipped, job.guard.in_a_row) == (1, 1)
    job.iterate()
    assert (job.guard.skipped, job.guard.in_a_row) == (1, 0)
    assert len(equal(before, job.state())) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_with_spoilt_iterations_is_the_run_without_them(folder: RunFolder, kind: str) -> None:
    whole, spoilt = Job(kind, folder), Job(kind, folder)
    for number in range(6):
        if number % 2:
            now = spoilt.step
            spoilt.iterate(float("nan"))
            spoilt.step = now
        whole.iterate()
        spoilt.iterate()
    assert equal(whole.state(), spoilt.state()) == []


@pytest.mark.parametrize("kind", ["adam", "fused"])
def test_the_first_iteration_of_all_may_be_the_bad_one(folder: RunFolder, kind: str) -> None:
    job, fresh = Job(kind, folder), Job(kind, folder)
    job.iterate(float("nan"))
    job.step = 0
    job.iterate()
    fresh.iterate()
    assert equal(fresh.state(), job.state()) == []


def test_a_loss_that_is_not_finite_counts_although_its_gradient_is(folder: RunFolder) -> None:
    model = nn.Linear(2, 1)
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.Adam(model.parameters())
    loss = model(torch.ones(1, 2)).sum() + torch.inf
    norm = descend(loss, model, optimizer, torch.amp.GradScaler("cpu", enabled=False), 0.0)
    assert not torch.isfinite(norm) and equal(before, dict(model.state_dict())) == []


def test_a_finite_loss_keeps_its_gradient_to_the_last_bit() -> None:
    torch.manual_seed(0)
    model, twin = nn.Linear(5, 5), nn.Linear(5, 5)
    twin.load_state_dict(model.state_dict())
    inputs = torch.randn(4, 5)
    twin(inputs).square().mean().backward()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    descend(model(inputs).square().mean(), model, optimizer, torch.amp.GradScaler("cpu", enabled=False), 0.0)
    assert torch.equal(model.weight.grad, twin.weight.grad)


@pytest.mark.parametrize("kind", ["adam", "fused"])
def test_a_norm_that_overflows_while_every_gradient_is_finite(folder: RunFolder, kind: str) -> None:
    for fp16 in (False, True):
        job = Job(kind, folder, fp16=fp16)
        for parameter in job.model.parameters():
            parameter.grad = torch.full_like(parameter, 1e25)
        if fp16:
            job.scaler.scale(torch.ones(()))  # makes its scale
        before = copy.deepcopy(job.model.state_dict())
        assert not torch.isfinite(take_step(job.model, job.optimizer, job.scaler, 1.0))
        assert equal(dict(before), dict(job.model.state_dict())) == []


def test_fp16_has_patience_while_its_scale_falls(folder: RunFolder) -> None:
    job = Job("adam", folder, fp16=True, allowed=2)
    job.iterate()
    before = job.state()
    for _ in range(FP16_EXCUSED):
        job.iterate(float("nan"))
    assert not folder.bad_batches.exists()
    assert equal(before, job.state()) == [] and job.scaler.get_scale() < 1
    job.iterate(float("nan"))
    with pytest.raises(UserError, match="at iteration 23, nor was it in the 21 before"):
        job.iterate(float("nan"))
    assert len(list(folder.bad_batches.iterdir())) == 2


def test_the_batch_is_written_down_and_named(folder: RunFolder, caplog) -> None:
    job = Job("adam", folder, allowed=2)
    with caplog.at_level(logging.WARNING):
        job.iterate(float("nan"))
    (record,) = caplog.records
    assert "iteration 1 is skipped: loss nan" in record.message and "step_1.pth" in record.message
    assert "sample_0, sample_1" in record.message
    dump = torch.load(folder.bad_batches / "step_1.pth", weights_only=True)
    assert dump["sample_ids"][3] == "sample_3" and dump["positions"] == list(range(8)) and dump["step"] == 1
    assert dump["batches"][0]["image"][2, 1].isnan() and dump["batches"][0]["image"].isnan().sum() == 1
    with pytest.raises(UserError, match=r"at iteration 2, nor .* the 1 before.*step_2\.pth; nothing was saved yet"):
        job.iterate(float("nan"))


def test_dumps_are_few_and_small(folder: RunFolder, monkeypatch, caplog) -> None:
    job = Job("adam", folder)
    for _ in range(DUMPS + 3):
        job.iterate(float("nan"))
    assert len(list(folder.bad_batches.iterdir())) == DUMPS
    assert len(caplog.records) == DUMPS + 3, "those without a file are named, too"
    small, large = torch.zeros(10), torch.zeros(1000)
    plain = plain_batches([{"a": large, "b": small}, {"a": small}], limit=100)
    assert plain["left_out"] == ["a"] and list(plain["batches"][0]) == ["b"] and "a" in plain["batches"][1]


def test_a_disk_without_room_for_the_batch_does_not_end_the_run(folder: RunFolder, caplog) -> None:
    folder.bad_batches.write_text("a file in the way")
    Job("adam", folder).iterate(float("nan"))
    assert "cannot be written" in caplog.text


def test_on_a_gpu_the_loop_learns_of_it_one_iteration_later(folder: RunFolder) -> None:
    class Arrival:
        def synchronize(self) -> None:
            waited.append(self)

    waited: list[Arrival] = []
    guard = NonFiniteGuard(nn.Linear(1, 1), folder, allowed=9)
    for step in (1, 2, 3):
        figures = torch.tensor([1.0, float("nan")])
        guard._waiting.append(_Iteration(step, [{}], [], figures, Arrival()))
        guard.look(leave=1)
        assert guard.in_a_row == len(waited) == step - 1
    guard.look()
    assert guard.in_a_row == 3 and guard.state() == {"skipped": 3, "in_a_row": 3}


def test_buffers_are_put_back_on_the_device_alone() -> None:
    """The way of a GPU, where nobody looks at the verdict: a `where` over the copies."""
    model = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(3)).to("meta")
    saved = SavedBuffers(model)
    saved.keep()
    saved.restore_unless(torch.ones((), dtype=torch.bool, device="meta"))  # any wait would raise here
    there = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(3))
    kept = SavedBuffers(there)
    kept.keep()
    before = copy.deepcopy(there.state_dict())
    there[0](torch.full((4, 2), torch.nan))
    kept.restore_unless(torch.tensor(False))
    assert equal(dict(before), dict(there.state_dict())) == []


def test_the_average_on_a_device_that_nobody_waits_for() -> None:
    """Against the same on the CPU, where the verdict is looked at."""
    torch.manual_seed(1)
    model = nn.BatchNorm1d(4)
    average = WeightAverage(model, 0.9)
    meta = WeightAverage(copy.deepcopy(model).to("meta"), 0.9)
    meta.update(copy.deepcopy(model).to("meta"), torch.ones((), dtype=torch.bool, device="meta"))
    for good in (True, False, True):
        before = copy.deepcopy(average.module.state_dict())
        with torch.no_grad():
            model.weight.add_(torch.randn(4))
        average.update(model, torch.tensor(good))
        assert bool(equal(dict(before), dict(average.module.state_dict()))) == good
    assert average.updates == 2


@pytest.mark.parametrize("fused", [True, False])
def test_the_state_of_another_device_keeps_how_this_one_computes(fused: bool) -> None:
    first, second = (nn.Linear(2, 2) for _ in range(2))
    second.load_state_dict(first.state_dict())
    there = torch.optim.Adam(first.parameters(), fused=not fused or None)
    here = torch.optim.Adam(second.parameters(), fused=fused or None)
    first(torch.ones(1, 2)).sum().backward()
    there.step()
    load_optimizer(here, there.state_dict())
    assert bool(here.param_groups[0]["fused"]) is fused
    for name, value in there.state[first.weight].items():
        assert torch.equal(here.state[second.weight][name], value)
    second.load_state_dict(first.state_dict())
    for model, optimizer in ((first, there), (second, here)):
        model.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        take_step(model, optimizer, torch.amp.GradScaler(enabled=False), 0.0)
    torch.testing.assert_close(first.weight, second.weight)

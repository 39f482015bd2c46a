"""What processes tell each other, and what they keep alike."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gloo_processes import in_processes
from torch import nn

from config.errors import UserError
from config.schema.training import Training
from utils.distributed.batching import samples_of_iteration
from utils.distributed.group import environment
from utils.distributed.placing import process_device
from utils.distributed.processes import ALONE, Processes
from utils.distributed.replicas import Replicas


def values(rank: int, world: int) -> dict[str, Any]:
    processes = Processes(rank, world, rank)
    tensors = [torch.full((2, 3), float(rank)), torch.tensor(10.0 * rank)]
    processes.mean_(tensors)
    order: list[int] = []
    with processes.first_on_each_machine():
        order = [processes.rank]
    return {
        "sum": processes.sum([1, rank]),
        "max": processes.max(10 - rank),
        "any": [processes.any(rank == 1), processes.any(False)],
        "gather": processes.gather(f"from {rank}"),
        "broadcast": processes.broadcast({"rank": rank}),
        "share": list(processes.share(7)),
        "interleave": processes.interleave([number * number for number in processes.share(7)]),
        "uneven": processes.interleave([rank] * rank),
        "means": [float(one.sum()) for one in tensors],
        "first": order,
    }


def test_values_are_the_same_everywhere(tmp_path) -> None:
    found = in_processes(3, values, tmp_path)
    assert [one.pop("share") for one in found] == [[0, 3, 6], [1, 4], [2, 5]]
    assert [one.pop("first") for one in found] == [[0], [1], [2]]
    assert found[0] == found[1] == found[2] == {
        "sum": [3, 3],
        "max": 10,
        "any": [True, False],
        "gather": ["from 0", "from 1", "from 2"],
        "broadcast": {"rank": 0},
        "interleave": [number * number for number in range(7)],
        "uneven": [1, 2, 2],
        "means": [6.0, 10.0],
    }  # fmt: skip


def test_alone_everything_is_what_it_was() -> None:
    assert (ALONE.sum([2, 3]), ALONE.max(4), ALONE.any(True), ALONE.any(False)) == ([2, 3], 4, True, False)
    assert (ALONE.gather("x"), ALONE.broadcast("x"), ALONE.interleave([1, 2])) == (["x"], "x", [1, 2])
    assert list(ALONE.share(3)) == [0, 1, 2] and ALONE.is_main
    ALONE.barrier()


def settled(rank: int, world: int) -> dict[str, Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    replicas = Replicas(model, Processes(rank, world, rank), accumulate=2)
    inputs = torch.arange(12.0).reshape(6, 2)[rank::world]
    for number in range(2):
        with replicas.reducing(last=number == 1):
            replicas.module(inputs[number : number + 2]).square().sum().backward()
    means = replicas.settle({"loss": torch.tensor(float(rank))})
    return {
        "loss": float(means["loss"]),
        "mean": model[1].running_mean.tolist(),
        "tracked": int(model[1].num_batches_tracked),
        "gradient": model[0].weight.grad.flatten().tolist(),
    }


def test_replicas_are_alike_after_an_iteration(tmp_path) -> None:
    first, second = in_processes(2, settled, tmp_path)
    assert first == second
    assert first["loss"] == 0.5 and first["tracked"] == 2
    torch.manual_seed(0)  # a twin of both, one after the other
    statistics, gradients = [], []
    for rank in range(2):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        inputs = torch.arange(12.0).reshape(6, 2)[rank::2]
        for number in range(2):
            model(inputs[number : number + 2]).square().sum().backward()
        statistics.append(model[1].running_mean)
        gradients.append(model[0].weight.grad.flatten())
    assert first["mean"] == pytest.approx(((statistics[0] + statistics[1]) / 2).tolist(), rel=1e-6)
    assert first["gradient"] == pytest.approx(((gradients[0] + gradients[1]) / 2).tolist(), rel=1e-4, abs=1e-5)


def test_the_samples_of_an_iteration() -> None:
    assert samples_of_iteration(Training(batch_size=4, accumulate=2), 16) == 128
    assert samples_of_iteration(Training(batch_size=4, global_batch_size=128, accumulate=2), 8) == 128
    with pytest.raises(
        UserError, match=r"global_batch_size=10 .* 4 processes with train.accumulate=1; .* multiple of 4"
    ):
        samples_of_iteration(Training(global_batch_size=10), 4)


def test_the_environment_of_torchrun(monkeypatch) -> None:
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert environment() == ALONE
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UserError, match="WORLD_SIZE is 4 but RANK is not set"):
        environment()
    for name, value in (("RANK", "3"), ("LOCAL_RANK", "1"), ("MASTER_ADDR", "h"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    assert environment() == Processes(3, 4, 1)
    monkeypatch.setenv("RANK", "three")
    with pytest.raises(UserError, match="RANK is 'three', which is no number"):
        environment()


def test_the_local_number_decides_on_the_gpu(monkeypatch) -> None:
    assert process_device("cpu", Processes(5, 8, 1)) == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    assert process_device("auto", Processes(5, 8, 1)) == torch.device("cuda:1")
    with pytest.raises(UserError, match="device=cuda:2 is one device and there are 8 processes"):
        process_device("cuda:2", Processes(5, 8, 1))
    with pytest.raises(UserError, match="process 7 is number 6 on its machine, where 4 GPUs are visible"):
        process_device("cuda", Processes(7, 8, 5))

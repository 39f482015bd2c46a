"""The memory probe where only one of the processes is out of memory, and training after it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.distributed as dist
from gloo_processes import in_processes
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from utils.distributed.sync_batch_norm import synchronise_batch_norms
from utils.engine.memory_probe import largest_batch
from utils.engine.task import Task

CAPACITY = (100, 3)


class Limited(nn.Module):
    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        if len(x) > self.capacity:
            raise torch.OutOfMemoryError("full")
        return y


class ToyTask(Task):
    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def loss(self, model: nn.Module, batch: dict[str, Any]) -> dict[str, Tensor]:
        return {"loss": model(batch["image"]).square().mean()}

    def state(self) -> dict[str, Any]:
        return {}


def agree(flag: bool) -> bool:
    votes = torch.tensor(int(flag))
    dist.all_reduce(votes)
    return bool(votes)


def no_room(_batch: Any) -> Any:
    raise torch.OutOfMemoryError("full")


def work(rank: int, world: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    uneven = {"image": torch.randn(8 - rank, 4)}
    task = ToyTask(Limited((100, 2)[rank]))
    task.model.layers = nn.Linear(4, 1)
    if rank == 0:
        task.worst_batch = no_room
    results["uneven"] = largest_batch(task, uneven, device=torch.device("cpu"), amp="off", agree=agree, wanted=8)
    whole = {"image": torch.randn(8, 4, generator=torch.Generator().manual_seed(9))}
    for static in (False, True):
        for probed in (False, True):
            torch.manual_seed(0)
            task = ToyTask(synchronise_batch_norms(Limited(CAPACITY[rank])))
            network = DistributedDataParallel(task.model, static_graph=static, gradient_as_bucket_view=True)
            if probed:
                fits = largest_batch(task, whole, device=torch.device("cpu"), amp="off", agree=agree)
                results[f"fits_{static}"] = fits
            optimizer = torch.optim.SGD(task.model.parameters(), lr=0.1)
            for step in range(3):
                draw = torch.Generator().manual_seed(10 * step + rank)
                if not static:  # A static graph cannot begin with a micro-batch that is not synchronised.
                    with network.no_sync():
                        task.loss(network, {"image": torch.randn(3, 4, generator=draw)})["loss"].backward()
                task.loss(network, {"image": torch.randn(3, 4, generator=draw)})["loss"].backward()
                optimizer.step()
                optimizer.zero_grad()
            results[f"{static}_{probed}"] = [value.detach() for value in task.model.state_dict().values()]
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> list[dict[str, Any]]:
    return in_processes(2, work, tmp_path_factory.mktemp("probe") / "2")


@pytest.mark.parametrize("static", [False, True])
def test_all_processes_agree_and_train_on_as_if_nothing_had_been(results, static):
    assert [one[f"fits_{static}"] for one in results] == [3, 3]
    for one in results:
        for probed, not_probed, other in zip(
            one[f"{static}_True"], one[f"{static}_False"], results[0][f"{static}_True"], strict=True
        ):
            assert torch.equal(probed, not_probed) and torch.equal(probed, other)


def test_processes_with_other_batches_and_without_room_for_a_copy_stay_in_step(results):
    assert [one["uneven"] for one in results] == [0, 0]

"""Real processes against one process with the joined batch."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from gloo_processes import in_processes
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils._python_dispatch import TorchDispatchMode

from loss.heatmap import HeatmapLoss
from model.craft import Craft
from utils.distributed import sync_batch_norm
from utils.distributed.sync_batch_norm import SynchronisedBatchNorm, separate_batch_norms, synchronise_batch_norms

EXACT_STEPS = 6


@dataclass(frozen=True)
class Case:
    """Inputs of process r have the shape `shapes[r]`; the first ones are taken where there are fewer processes."""

    shapes: tuple[tuple[int, ...], ...]
    steps: int = 1
    momentum: float | None = 0.1
    affine: bool = True
    tracked: bool = True
    offset: float = 0.0
    channels_last: bool = False
    bf16: bool = False
    float64: bool = False

    def layer(self) -> nn.Module:
        kind = nn.BatchNorm2d if len(self.shapes[0]) == 4 else nn.BatchNorm1d
        layer = kind(self.shapes[0][1], 1e-3, self.momentum, self.affine, self.tracked)
        if self.affine:
            with torch.no_grad():
                layer.weight.copy_(torch.linspace(-1.5, 2, len(layer.weight)))
                layer.bias.copy_(torch.linspace(1, -2, len(layer.bias)))
        return layer.double() if self.float64 else layer

    def inputs(self, rank: int, step: int) -> tuple[Tensor, Tensor]:
        """Return an input, and what the outputs are weighted with in the loss; of each process its own."""
        draw = torch.Generator().manual_seed(100 * step + rank)
        x = torch.randn(self.shapes[rank], generator=draw) * (1 + rank) + rank + self.offset
        weights = torch.randn(self.shapes[rank], generator=draw)
        x = x.bfloat16() if self.bf16 else x
        x = x.contiguous(memory_format=torch.channels_last) if self.channels_last else x
        return (x.double(), weights.double()) if self.float64 else (x, weights)


CASES = {
    "even": Case(((4, 3, 5, 5),) * 3),
    "channels_last": Case(((4, 3, 5, 5),) * 3, channels_last=True),
    "uneven_batches": Case(((5, 3, 4, 4), (1, 3, 4, 4), (2, 3, 4, 4))),
    "other_sizes": Case(((2, 3, 4, 6), (3, 3, 5, 1), (1, 3, 1, 2))),
    "lines": Case(((2, 4, 7), (2, 4, 5), (1, 4, 9))),
    "one_value_each": Case(((1, 4),) * 3),
    "one_has_none": Case(((0, 3, 4, 4), (4, 3, 4, 4), (2, 3, 4, 4))),
    "mean_of_all_batches": Case(((4, 3, 2, 2),) * 3, steps=4, momentum=None),
    "several_steps": Case(((4, 3, 2, 2),) * 3, steps=4, momentum=0.3),
    "not_affine": Case(((4, 3, 2, 2),) * 3, affine=False),
    "not_tracked": Case(((4, 3, 2, 2),) * 3, tracked=False),
    "far_from_zero": Case(((4, 3, 4, 4),) * 3, offset=1000.0),
    "bf16": Case(((4, 3, 8, 8),) * 3, bf16=True),
    "float64": Case(((4, 3, 3, 3), (2, 3, 3, 3), (1, 3, 5, 5)), float64=True),
}


def run_case(rank: int, case: Case) -> dict[str, Any]:
    layer = synchronise_batch_norms(case.layer())
    assert isinstance(layer, SynchronisedBatchNorm)
    for step in range(case.steps):
        x, weights = case.inputs(rank, step)
        x.requires_grad_()
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=case.bf16):
            y = layer(x)
        (y * weights).sum().backward()
    result = {"y": y.detach(), "x": x.grad, "state": layer.state_dict()}
    result |= {name: parameter.grad for name, parameter in layer.named_parameters()}
    layer.eval()
    return {**result, "eval": layer(x).detach(), "y_channels_last": y.is_contiguous(memory_format=torch.channels_last)}


def expected(case: Case, world: int) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
    """Return output and input gradient of each process, and parameters' gradients and running statistics, by plain
    batch normalisation of all values in float64."""
    settings = copy.deepcopy(case.layer())
    layer = nn.BatchNorm1d(case.shapes[0][1], 1e-3, case.momentum, case.affine, case.tracked)
    layer.load_state_dict(settings.state_dict())
    layer.double()
    for step in range(case.steps):
        pairs = [case.inputs(rank, step) for rank in range(world)]
        rows = [torch.cat([as_rows(one[part].double()) for one in pairs]) for part in (0, 1)]
        rows[0].requires_grad_()
        layer.zero_grad()
        y = layer(rows[0])
        (y * rows[1]).sum().backward()
    sizes = [pair[0].numel() // pair[0].shape[1] for pair in pairs]
    own = [{"y": y, "x": x} for y, x in zip(y.detach().split(sizes), rows[0].grad.split(sizes), strict=True)]
    gradients = {name: parameter.grad for name, parameter in layer.named_parameters()}
    return own, {**gradients, **{name: value for name, value in layer.named_buffers() if value is not None}}


def as_rows(x: Tensor) -> Tensor:
    """[N, C, ...] -> [N * ..., C]."""
    return x.movedim(1, -1).reshape(-1, x.shape[1])


def images_and_targets(step: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(step)
    targets = torch.rand(2, 4, 16, 16, generator=draw)
    return torch.randn(4, 3, 32, 32, generator=draw).to(dtype), torch.where(targets > 0.8, targets, 0.0).to(dtype)


class SmallCraft(nn.Module):
    """Down and up again like CRAFT. Its convolutions have no biases, which the batch norms would take away again: their
    gradient is 0 but for rounding, and Adam goes by its sign."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep, self.up = block(3, 8), block(8, 16), block(24, 8)
        self.score = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine = F.max_pool2d(self.down(x), 2)
        deep = F.interpolate(self.deep(F.max_pool2d(fine, 2)), scale_factor=2, mode="bilinear")
        y = self.up(torch.cat([deep, fine], dim=1))
        return self.score(y).permute(0, 2, 3, 1), y


def block(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def train(rank: int, world: int, dtype: torch.dtype, steps: int, *, sync: bool = True) -> dict[str, Any]:
    """Train a narrow CRAFT in float64, or a small one in float32, on global batches of four images.

    No negatives are mined: which ones are the hardest is decided by the last bit.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Craft(0.125).double() if dtype == torch.float64 else SmallCraft()
    model = synchronise_batch_norms(model) if sync else model
    network = DistributedDataParallel(model, gradient_as_bucket_view=True) if world > 1 else model
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4 if dtype == torch.float64 else 1e-3, weight_decay=1e-5)
    criterion = HeatmapLoss(3, 1.0, 1000)
    own, losses = slice(rank * 4 // world, (rank + 1) * 4 // world), []
    for step in range(steps):
        images, targets = images_and_targets(step, dtype)
        scores, _ = network(images[own])
        loss = criterion(scores, *targets[:, own], torch.ones_like(targets[0, own])).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    model.eval()
    scores = model(images_and_targets(steps, dtype)[0])[0].detach()
    return {"state": model.state_dict(), "losses": losses, "scores": scores}


def work(rank: int, world: int) -> dict[str, Any]:
    results: dict[str, Any] = {name: run_case(rank, case) for name, case in CASES.items()}
    with pytest.raises(ValueError, match="expected an input"):
        synchronise_batch_norms(nn.BatchNorm2d(3))(torch.zeros(2, 4, 2, 2))
    if rank == 0:  # The other process takes no part.
        alone, plain = separate_batch_norms(synchronise_batch_norms(CASES["even"].layer())), CASES["even"].layer()
        x, _ = CASES["even"].inputs(0, 0)
        assert torch.equal(alone(x), plain(x)) and torch.equal(alone.running_var, plain.running_var)
        assert list(alone.state_dict()) == list(plain.state_dict())
    single = torch.zeros((1, 3) if rank == 0 else (0, 3))
    with pytest.raises(ValueError, match="more than 1 value"):
        synchronise_batch_norms(nn.BatchNorm1d(3))(single)
    if world == 2:
        results["float32"] = train(rank, world, torch.float32, 20)
        results["exact"] = train(rank, world, torch.float64, EXACT_STEPS)
        results["local"] = train(rank, world, torch.float64, 3, sync=False)
    return results


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    made: dict[int, list[dict[str, Any]]] = {}

    def get(world: int) -> list[dict[str, Any]]:
        if world not in made:
            made[world] = in_processes(world, work, tmp_path_factory.mktemp("gloo") / str(world))
        return made[world]

    return get


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_equals_plain_batch_norm_of_the_joined_batch(processes, name, world):
    case = CASES[name]
    results = [one[name] for one in processes(world)]
    own, shared = expected(case, world)
    close = {"rtol": 1e-9, "atol": 1e-9} if case.float64 else {"rtol": 2e-5, "atol": 2e-5}
    if case.offset:
        close = {"rtol": 1e-3, "atol": 1e-3}  # The inputs themselves are known to 1e-4 only.
    output = {"rtol": 2e-2, "atol": 2e-2} if case.bf16 else close
    for result, wanted in zip(results, own, strict=True):
        assert result["y"].dtype == result["x"].dtype == (torch.bfloat16 if case.bf16 else wanted_dtype(case))
        torch.testing.assert_close(as_rows(result["y"]).double(), wanted["y"], **output)
        torch.testing.assert_close(as_rows(result["x"]).double(), wanted["x"], **output)
        assert result["y_channels_last"] or not case.channels_last
    for parameter in ("weight", "bias") if case.affine else ():
        # DDP averages over the processes, so that the loss of the joined batch is the mean of theirs.
        averaged = torch.stack([one[parameter].double() for one in results]).mean(0)
        wanted = shared[parameter] / world
        torch.testing.assert_close(averaged, wanted, **({"rtol": 1e-2, "atol": 0.2} if case.bf16 else close))
    for buffer in ("running_mean", "running_var", "num_batches_tracked") if case.tracked else ():
        values = [one["state"][buffer] for one in results]
        assert all(torch.equal(value, values[0]) for value in values)
        wanted = shared[buffer].to(values[0].dtype)
        torch.testing.assert_close(values[0], wanted, **({} if case.float64 else {"rtol": 1e-5, "atol": 1e-5}))


def wanted_dtype(case: Case) -> torch.dtype:
    return torch.float64 if case.float64 else torch.float32


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.tracked])
def test_eval_mode_is_that_of_the_plain_layer(processes, name):
    for rank, result in enumerate(processes(2)):
        plain = CASES[name].layer()
        plain.load_state_dict(result[name]["state"], strict=True)
        x, _ = CASES[name].inputs(rank, CASES[name].steps - 1)
        assert torch.equal(plain.eval()(x), result[name]["eval"])


def test_training_with_two_processes_is_training_with_one(processes):
    results = [one["exact"] for one in processes(2)]
    alone = train(0, 1, torch.float64, EXACT_STEPS)
    for name, value in alone["state"].items():
        assert torch.equal(results[0]["state"][name], results[1]["state"][name])
        torch.testing.assert_close(results[0]["state"][name], value, rtol=1e-8, atol=1e-8)
    means = [(a + b) / 2 for a, b in zip(*(one["losses"] for one in results), strict=True)]
    assert means == pytest.approx(alone["losses"], abs=1e-6)  # The loss itself is computed in float32.


def test_in_float32_weights_agree_to_1e_4_after_20_steps(processes):
    results = [one["float32"] for one in processes(2)]
    alone = train(0, 1, torch.float32, 20)
    torch.manual_seed(0)
    start = SmallCraft().state_dict()
    assert max((alone["state"][name] - value).abs().max() for name, value in start.items() if "weight" in name) > 0.01
    for name, value in alone["state"].items():
        if not name.endswith(("running_mean", "running_var")):
            torch.testing.assert_close(results[0]["state"][name], value, rtol=0, atol=1e-4)
    torch.testing.assert_close(results[0]["scores"], alone["scores"], rtol=0, atol=1e-3)
    means = [(a + b) / 2 for a, b in zip(*(one["losses"] for one in results), strict=True)]
    assert means == pytest.approx(alone["losses"], abs=1e-5)


def test_without_it_the_statistics_are_each_process_s_own(processes):
    results = [one["local"] for one in processes(2)]
    alone = train(0, 1, torch.float64, 3)
    means = [(a + b) / 2 for a, b in zip(*(one["losses"] for one in results), strict=True)]
    assert abs(means[0] - alone["losses"][0]) > 1e-4


def test_replacement_keeps_tensors_names_and_modes():
    torch.manual_seed(1)
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm3d(4)))
    plain[2][0].eval()
    parameters, names = list(plain.parameters()), list(plain.state_dict())
    model = synchronise_batch_norms(copy.deepcopy(plain))
    again = synchronise_batch_norms(plain)
    assert again is plain
    assert all(one is other for one, other in zip(plain.parameters(), parameters, strict=True))
    assert list(plain.state_dict()) == names == list(model.state_dict())
    assert plain[1].training and not plain[2][0].training
    assert type(plain[2][1]) is nn.BatchNorm3d
    unchanged = plain[1]
    assert synchronise_batch_norms(plain)[1] is unchanged


def test_alone_it_is_the_plain_layer_bit_for_bit():
    case = CASES["several_steps"]
    plain, layer = case.layer(), synchronise_batch_norms(case.layer())
    for step in range(3):
        x, _ = case.inputs(0, step)
        assert torch.equal(plain(x), layer(x))
    for name, value in plain.state_dict().items():
        assert torch.equal(layer.state_dict()[name], value)


class Waits(TorchDispatchMode):
    """Counts what makes the host wait where the tensors are on a GPU: values and masks read, copies to and from it."""

    READS = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "_to_copy", "masked_select", "lift_fresh")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        options, name = options or {}, function._schema.name.removeprefix("aten::")
        copies = name == "_to_copy" and "device" not in options
        masks = name == "index" and any(index is not None and index.dtype == torch.bool for index in arguments[1])
        if masks or (name in self.READS and not copies):
            self.found.append(name)
        return function(*arguments, **options)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_no_step_waits_for_the_device(monkeypatch, momentum):
    monkeypatch.setattr(Tensor, "is_cuda", property(lambda _self: True))
    model = synchronise_batch_norms(nn.Sequential(nn.BatchNorm2d(4, momentum=momentum)))
    monkeypatch.undo()
    assert type(model[0]) is SynchronisedBatchNorm, "torch's own reads a mask in every layer"
    monkeypatch.setattr(sync_batch_norm, "_processes", lambda _group: 2)
    sums = []
    monkeypatch.setattr(dist, "all_reduce", lambda tensor, group: sums.append(tensor.numel()))
    x = torch.randn(2, 4, 3, 3, requires_grad=True)
    with Waits() as waits:
        model(x).sum().backward()
    assert not waits.found
    assert sums == [5, 4, 8], "two transfers forward and one back"


def test_torch_s_own_form_would_be_seen_to_wait():
    counts = torch.tensor([[3.0], [0.0]])
    with Waits() as waits:
        counts[counts.squeeze(-1) >= 1]
        float(counts.sum())
    assert waits.found == ["index", "_local_scalar_dense"]


def test_a_copy_shares_the_process_group():
    group = object()
    layer = SynchronisedBatchNorm(nn.BatchNorm1d(2), group)  # type: ignore[arg-type]
    twin = copy.deepcopy(layer)
    assert twin._group.value is group
    assert twin.weight is not layer.weight

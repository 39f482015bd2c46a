"""What happens in an iteration whose loss or gradient is not a finite number: nothing, and a note of it.

Such an iteration is skipped as a whole. Weights and optimiser are left alone (`utils.engine.optimizer.descend`), the
averaged weights too (`WeightAverage.update`), and the batch norms' running statistics, which the forward pass has
already spoilt, are put back. On a GPU all of this is decided on the device, without waiting for it; the training loop
learns of it one iteration later, when the number has long arrived.

The decision hangs on the norm of the gradient alone, which is the same in all processes of a job.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from config.errors import UserError
from utils.files import write_atomically
from utils.run.checkpoint import write_tensors
from utils.run.folder import RunFolder

log = logging.getLogger(__name__)

FP16_EXCUSED = 20
"""fp16 skips steps while its loss scale is too high; from 65536 down to 1 takes 16 of them, which are no faults."""

DUMPS = 10
"""Batches written down at most in a run."""

DUMP_BYTES = 128 << 20
"""Tensors of a batch are written down up to this size, the smallest first."""


class SavedBuffers:
    """Keeps a copy of a model's buffers (the statistics of its batch norms), and puts it back if asked to."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._kept: dict[torch.dtype, Tensor] = {}

    @torch.no_grad()
    def keep(self) -> None:
        """Copy the buffers of this moment: one kernel for all of a type."""
        self._kept = {kind: _joined(buffers) for kind, buffers in self._groups().items()}

    @torch.no_grad()
    def restore_unless(self, good: Tensor) -> None:
        """Put the copy back if `good`, a bool scalar on the model's device, is false; does not wait for the device."""
        if good.device.type == "cpu" and good:
            return
        for kind, buffers in self._groups().items():
            chosen = torch.where(good, _joined(buffers), self._kept[kind])
            parts = chosen.split([buffer.numel() for buffer in buffers])
            torch._foreach_copy_(buffers, [part.view_as(buffer) for part, buffer in zip(parts, buffers, strict=True)])

    def _groups(self) -> dict[torch.dtype, list[Tensor]]:
        groups: dict[torch.dtype, list[Tensor]] = {}
        for buffer in self._model.buffers():
            groups.setdefault(buffer.dtype, []).append(buffer)
        return groups


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


@dataclass(frozen=True)
class _Iteration:
    """An iteration whose outcome may still be on its way from the device."""

    step: int
    batches: Sequence[Mapping[str, Any]]
    positions: Sequence[int]
    figures: Tensor
    arrived: Any

    def read(self) -> tuple[float, float]:
        if self.arrived is not None:
            self.arrived.synchronize()
        loss, norm = self.figures.tolist()
        return loss, norm


class NonFiniteGuard:
    """Skips iterations that are not finite, writes their batches down, and stops a run that has nothing else.

    Use it around each iteration: `begin`, forward and backward passes, `descend`, `settle`, and `note` at the end.

    Args:
        model: whose buffers are guarded.
        folder: the run's.
        allowed: iterations in a row after which the run stops.
        fp16: the loss is scaled, so that the first 20 of a row are no faults.
        rank: number of this process. Each process writes its own batch down where its own loss is not finite; where
            no process can know whose fault it is, the first one does.
    """

    def __init__(self, model: nn.Module, folder: RunFolder, *, allowed: int, fp16: bool = False, rank: int = 0) -> None:
        self.skipped = 0
        self.in_a_row = 0
        self._buffers = SavedBuffers(model)
        self._folder = folder
        self._excused = FP16_EXCUSED if fp16 else 0
        self._allowed = allowed + self._excused
        self._rank = rank
        self._waiting: deque[_Iteration] = deque()

    def begin(self) -> None:
        """Keep what the iteration about to begin might spoil."""
        self._buffers.keep()

    def settle(self, norm: Tensor) -> Tensor:
        """Restore the buffers if the gradient is not finite.

        Args:
            norm: of the gradient, a scalar on the model's device.

        Returns:
            Whether the iteration counts, a bool scalar on the same device.
        """
        good = torch.isfinite(norm)
        self._buffers.restore_unless(good)
        return good

    def note(
        self,
        step: int,
        batches: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        positions: Sequence[int],
        loss: Tensor,
        norm: Tensor,
    ) -> None:
        """Take note of an iteration. On a GPU this looks at the one before it, whose figures have arrived by now.

        Args:
            step: its number, counted from 1.
            batches: what it learnt from; several where gradients are accumulated.
            positions: of its samples in the run.
            loss: what was minimised, a scalar.
            norm: of the gradient, a scalar.

        Raises:
            UserError: too many in a row were not finite.
        """
        figures = torch.stack([loss.detach().float(), norm.detach().float()])
        arrived = None
        if figures.device.type == "cuda":
            figures = figures.to("cpu", non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record()
        batches = [batches] if isinstance(batches, Mapping) else batches
        self._waiting.append(_Iteration(step, batches, positions, figures, arrived))
        self.look(leave=0 if arrived is None else 1)

    def look(self, leave: int = 0) -> None:
        """Judge the iterations noted so far, all but the latest `leave` of them.

        Raises:
            UserError: too many in a row were not finite.
        """
        while len(self._waiting) > leave:
            self._judge(self._waiting.popleft())

    def _judge(self, iteration: _Iteration) -> None:
        loss, norm = iteration.read()
        if np.isfinite(norm):
            self.in_a_row = 0
            return
        self.in_a_row += 1
        self.skipped += 1
        if self.in_a_row <= self._excused:
            return
        place = self._write_down(iteration, loss, norm)
        if self.in_a_row < self._allowed:
            return
        held = self._folder.resumable()
        kept = f"{held[0]} holds the last good state saved" if held else "nothing was saved yet"
        seen = f", what the last one saw is in {place}" if place is not None else ""
        raise UserError(
            f"the loss ({loss:g}) or its gradient is not a finite number at iteration {iteration.step}, nor was it in "
            f"the {self.in_a_row - 1} before; all of them were skipped{seen}; {kept}: start from it anew "
            "(train.ckpt_path) with a lower train.lr, train.grad_clip=5 or amp=off"
        )

    def _write_down(self, iteration: _Iteration, loss: float, norm: float) -> Path | None:
        """Write the batch of an iteration to the disk, and a line to the log; return the place, None if there is none.

        What cannot be written does not stop the run.
        """
        if self._rank and np.isfinite(loss):
            return None
        name = f"step_{iteration.step}.pth" if not self._rank else f"step_{iteration.step}_rank_{self._rank}.pth"
        path = self._folder.bad_batches / name
        ids = [str(name) for batch in iteration.batches for name in batch.get("sample_id", ())]
        samples = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
        what = f"iteration {iteration.step} is skipped: loss {loss:g}, norm of the gradient {norm:g}; samples {samples}"
        if not path.exists() and len(list(self._folder.bad_batches.glob("step_*.pth"))) >= DUMPS:
            log.warning("%s", what)
            return None
        content = {
            "step": iteration.step,
            "loss": loss,
            "grad_norm": norm,
            "positions": list(iteration.positions),
            "sample_ids": ids,
            **plain_batches(iteration.batches),
        }
        try:
            write_atomically(path, lambda temporary: write_tensors(content, temporary))
        except UserError as fault:
            log.warning("%s (%s)", what, fault)
            return None
        log.warning("%s; the batch is in %s", what, path)
        return path

    def state(self) -> dict[str, int]:
        """Return plain values for a checkpoint. Call `look` first."""
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def restore(self, state: Mapping[str, int]) -> None:
        """Take up what `state` returned."""
        self.skipped, self.in_a_row = state["skipped"], state["in_a_row"]


def plain_batches(batches: Sequence[Mapping[str, Any]], limit: int = DUMP_BYTES) -> dict[str, Any]:
    """Return batches as what `torch.load(weights_only=True)` reads, on the CPU.

    Returns:
        `batches`: of each batch the tensors and lists by name; `left_out`: the names of tensors for which `limit`,
        in bytes, left no room. Positions and the seed of the run are enough to make those again.
    """
    kept: list[dict[str, Any]] = [{} for _ in batches]
    tensors: list[tuple[int, int, str, Tensor]] = []
    for index, batch in enumerate(batches):
        for name, value in batch.items():
            if isinstance(value, np.ndarray):
                value = torch.from_numpy(value)
            if isinstance(value, Tensor):
                tensors.append((value.numel() * value.element_size(), index, name, value))
            else:
                kept[index][name] = [str(entry) for entry in value] if isinstance(value, (list, tuple)) else str(value)
    left_out = []
    for size, index, name, value in sorted(tensors, key=lambda entry: entry[:3]):
        if size > limit:
            left_out.append(name)
            continue
        limit -= size
        kept[index][name] = value.detach().cpu().clone()
    return {"batches": kept, "left_out": left_out}

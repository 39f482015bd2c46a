"""Skips and reports iterations whose loss or gradient is not finite.

Such an iteration changes nothing. Weights and optimiser stay as they are (`utils.engine.optimizer.descend`), and so do
the averaged weights (`WeightAverage.update`). The running statistics of batch norms, which the forward pass has already
changed, are restored. On a GPU all of this is decided on the device, and the host does not wait for it: the training
loop reads the loss and the norm one iteration later, when they have been copied.

Only the norm of the gradient decides; it is the same in all processes of a job.
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
"""Steps in a row that fp16 may skip until its loss scale is low enough: from 65536 to 1 takes 16 of them."""

DUMPS = 10
"""Greatest number of batches that a run saves."""

DUMP_BYTES = 128 << 20
"""Greatest total size of the tensors of a saved batch, in bytes; the smallest tensors are saved first."""


class SavedBuffers:
    """Keeps a copy of a model's buffers (the running statistics of batch norms) and can restore it."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._kept: dict[torch.dtype, Tensor] = {}

    @torch.no_grad()
    def keep(self) -> None:
        """Copy the present buffers, with a single kernel for all buffers of a dtype."""
        self._kept = {kind: _joined(buffers) for kind, buffers in self._groups().items()}

    @torch.no_grad()
    def restore_unless(self, good: Tensor) -> None:
        """Restore the copy if `good`, a bool scalar on the model's device, is false; does not wait for the device."""
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
    """An iteration whose figures may still be in transfer from the device."""

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
    """Skips iterations that are not finite, saves their batches, and stops the run after too many of them in a row.

    Use it around each iteration: `begin`, forward and backward passes, `descend`, `settle`, and `note` at the end.

    Args:
        model: the network whose buffers are restored.
        folder: of the run.
        allowed: number of such iterations in a row after which the run stops.
        fp16: whether the loss is scaled; then the first 20 of a row are no faults.
        rank: of this process. A process saves its batch if its loss is not finite. Process 0 always does, because
            the gradient may not be finite although every loss is.
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
        """Copy the buffers before the iteration changes them."""
        self._buffers.keep()

    def settle(self, norm: Tensor) -> Tensor:
        """Restore the buffers if the gradient is not finite.

        Args:
            norm: norm of the gradient, a scalar on the model's device.

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
        """Record an iteration. On a GPU, this judges the previous iteration, whose figures have arrived by now.

        Args:
            step: the iteration, counted from 1.
            batches: its batch, or its micro-batches if gradients are accumulated.
            positions: positions of its samples in the run.
            loss: the loss, a scalar.
            norm: norm of the gradient, a scalar.

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
        """Judge the recorded iterations except the latest `leave` of them.

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
        """Save the batch of an iteration and log a warning; return the path, or None if nothing was saved.

        A batch that cannot be saved does not stop the run.
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
        """Return plain values for a checkpoint; call `look` before this."""
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def restore(self, state: Mapping[str, int]) -> None:
        """Restore what `state` returned."""
        self.skipped, self.in_a_row = state["skipped"], state["in_a_row"]


def plain_batches(batches: Sequence[Mapping[str, Any]], limit: int = DUMP_BYTES) -> dict[str, Any]:
    """Convert batches to values that `torch.load(weights_only=True)` can read, on the CPU.

    Returns:
        `batches`: the tensors and lists of each batch by name; `left_out`: names of the tensors that would exceed
        `limit`, in bytes. They can be made again from the positions and the seed of the run.
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

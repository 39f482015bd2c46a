"""Devices: which device a run uses, and the precision there."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Literal

import torch
from torch import Tensor

from config.errors import UserError

log = logging.getLogger(__name__)

Amp = Literal["bf16", "fp16", "off"]


def resolve_device(name: str) -> torch.device:
    """Return the device that `device: NAME` of the configuration means on this machine.

    Raises:
        UserError: the name is none of `auto`, `cpu`, `cuda`, `cuda:N`, `mps`, or there is no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and (kind != "cuda" or not index.isdigit())):
        raise UserError(f"device '{name}' is not known, use auto, cpu, cuda, cuda:N or mps")
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise UserError(f"device is '{name}' but PyTorch sees no CUDA device here, use device=cpu or device=auto")
        if index and int(index) >= torch.cuda.device_count():
            raise UserError(
                f"device is '{name}' but there are {torch.cuda.device_count()} CUDA devices, from cuda:0 on"
            )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UserError("device is 'mps' but PyTorch sees no Apple GPU here, use device=cpu or device=auto")
    device = torch.device(name)
    if device.type == "cuda":
        # Pinned memory and capability queries ask the current device, which is otherwise the first one.
        torch.cuda.set_device(device.index or 0)
    return device


def memory_format(device: torch.device) -> torch.memory_format:
    """Return the memory layout in which convolutions are fast: channels last, except on Apple GPUs, where batch norms
    in that layout had wrong gradients in some of the supported versions."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def resolve_amp(amp: Amp, device: torch.device) -> Amp:
    """Return the precision used on `device` and set it up; log a warning if it differs from the configured one.

    `off` is float32 throughout. With bf16 and fp16, convolutions and LSTMs that stay in float32 may round their factors
    to TF32 (8 bits of exponent, 10 of mantissa), which torch allows by default.
    """
    used, reason = effective_amp(amp, device)
    if reason:
        log.warning("amp: %s", reason)
    if device.type == "cuda":
        # Matrix products are exact already, unless `torch.set_float32_matmul_precision` was called. The new attributes
        # `fp32_precision` would make torch raise wherever it asks for this one, as `torch.compile` does.
        torch.backends.cudnn.allow_tf32 = used != "off"
    return used


@contextlib.contextmanager
def kernels_by_trial(wanted: bool) -> Iterator[None]:
    """Let cuDNN try all of its convolutions on an input of a new size and keep the fastest while the context lasts.

    It pays where sizes repeat; where they vary, as those of words and of evaluated images do, each would be tried.
    """
    former = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = wanted
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = former


@functools.lru_cache
def effective_amp(amp: Amp, device: torch.device) -> tuple[Amp, str]:
    """Return the precision that is used on `device`, and the reason if it differs from the configured one.

    bf16 needs hardware support: a CUDA device without it uses fp16 instead. On a CPU without it, and for fp16 on any
    CPU, mixed precision would be slower than float32 and is switched off.
    """
    if amp == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "fp16", "this GPU has no bf16, fp16 is used instead"
    if device.type == "cpu" and (amp == "fp16" or (amp == "bf16" and not _cpu_has_bf16())):
        return "off", f"{amp} is not fast on this CPU, float32 is used instead"
    return amp, ""


def _cpu_has_bf16() -> bool:
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))


def autocast(device: torch.device, amp: Amp) -> AbstractContextManager[object]:
    """Return the context in which the network's forward pass runs."""
    used, _ = effective_amp(amp, device)
    if used == "off":
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16 if used == "bf16" else torch.float16)


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor [...] on `device`; CUDA does not make the host wait for it, if its memory is pinned.

    Elsewhere the copy is waited for: on Apple GPUs one that is not may read memory that has been given back by then.
    """
    return tensor.to(device, non_blocking=device.type == "cuda")


_OUT_OF_MEMORY = (
    "out of memory",  # "CUDA error: out of memory", "MPS backend out of memory"
    "ALLOC_FAILED",  # of cuDNN and cuBLAS
    "unable to find an engine",  # of cuDNN, where no algorithm has the workspace that it needs
    "Unable to find a valid cuDNN algorithm",
    "DefaultCPUAllocator: can't allocate memory",
)


def is_out_of_memory(fault: BaseException) -> bool:
    """Tell whether an error of torch means that a device is full: only some of them have a type of their own."""
    known = isinstance(fault, RuntimeError) and any(words in str(fault) for words in _OUT_OF_MEMORY)
    return known or isinstance(fault, torch.OutOfMemoryError)


@contextlib.contextmanager
def memory_for(inputs: str, device: torch.device, remedy: str) -> Iterator[None]:
    """Raise `UserError` with what was computed, and what to do, where the device is full within the context."""
    try:
        yield
    except RuntimeError as fault:
        if not is_out_of_memory(fault):
            raise
        raise UserError(f"{device} is out of memory for {inputs}; {remedy}") from None


def peak_memory_bytes(device: torch.device) -> int:
    """Return the peak memory so far: of the CUDA device, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows has no such module; the figure is left out there.
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

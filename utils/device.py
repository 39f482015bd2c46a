"""Devices: which device a run uses, and the precision there."""

from __future__ import annotations

import contextlib
import functools
import logging
from contextlib import AbstractContextManager
from typing import Literal

import torch

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
    """Return the precision used on `device`; log a warning if it differs from the configured one."""
    used, reason = effective_amp(amp, device)
    if reason:
        log.warning("amp: %s", reason)
    return used


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

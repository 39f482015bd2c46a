"""Devices and precisions: what is asked for, what is used, and what is said about it."""

from __future__ import annotations

import pytest
import torch

from config.errors import UserError
from utils import device as devices


@pytest.fixture(autouse=True)
def fresh_cache():
    devices.effective_amp.cache_clear()
    yield
    devices.effective_amp.cache_clear()


def no_accelerator(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_auto_takes_what_there_is(monkeypatch):
    no_accelerator(monkeypatch)
    assert devices.resolve_device("auto").type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert devices.resolve_device("auto").type == "mps"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cuda", "no CUDA device here, use device=cpu"),
        ("cuda:3", "no CUDA device"),
        ("mps", "no Apple GPU"),
        ("gpu", "not known"),
        ("cpu:1", "not known"),
        ("cuda:x", "not known"),
    ],
)
def test_devices_that_are_not_there(monkeypatch, name, words):
    no_accelerator(monkeypatch)
    with pytest.raises(UserError, match=words):
        devices.resolve_device(name)


def test_more_cuda_devices_than_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    with pytest.raises(UserError, match="there are 2 CUDA devices"):
        devices.resolve_device("cuda:2")
    assert devices.resolve_device("cuda:1") == torch.device("cuda:1") and chosen == [1]


@pytest.mark.parametrize(
    ("amp", "kind", "has_bf16", "used"),
    [
        ("bf16", "cpu", True, "bf16"),
        ("bf16", "cpu", False, "off"),
        ("fp16", "cpu", True, "off"),
        ("off", "cpu", True, "off"),
        ("bf16", "cuda", True, "bf16"),
        ("bf16", "cuda", False, "fp16"),
        ("fp16", "cuda", True, "fp16"),
        ("bf16", "mps", True, "bf16"),
    ],
)
def test_precision(monkeypatch, caplog, amp, kind, has_bf16, used):
    monkeypatch.setattr(devices, "_cpu_has_bf16", lambda: has_bf16)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: has_bf16)
    assert devices.resolve_amp(amp, torch.device(kind)) == used
    assert ("amp:" in caplog.text) == (used != amp), "a precision other than the one asked for is said"


def test_layout_of_images():
    assert devices.memory_format(torch.device("mps")) is torch.contiguous_format
    assert devices.memory_format(torch.device("cpu")) is torch.channels_last


@pytest.mark.parametrize(("amp", "expected"), [("off", "none"), ("bf16", "tf32"), ("fp16", "tf32")])
def test_off_is_float32_throughout(monkeypatch, amp, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    before = torch.backends.cudnn.allow_tf32
    try:
        devices.resolve_amp(amp, torch.device("cuda"))
        assert torch.backends.cudnn.conv.fp32_precision == torch.backends.cudnn.rnn.fp32_precision == expected
        # torch asks for these, and raises where old and new settings contradict each other.
        assert torch.get_float32_matmul_precision() == "highest"
        assert torch.backends.cudnn.allow_tf32 == (expected == "tf32")
    finally:
        torch.backends.cudnn.allow_tf32 = before


def test_kernels_are_tried_for_a_while_only():
    assert not torch.backends.cudnn.benchmark
    with pytest.raises(ValueError, match="any"), devices.kernels_by_trial(True):
        assert torch.backends.cudnn.benchmark
        raise ValueError("any")
    assert not torch.backends.cudnn.benchmark


@pytest.mark.parametrize(("kind", "at_once"), [("cuda", True), ("mps", False), ("cpu", False)])
def test_only_cuda_copies_while_the_host_goes_on(monkeypatch, kind, at_once):
    asked = []
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device, **options: asked.append((device.type, options)))
    devices.to_device(torch.zeros(1), torch.device(kind))
    assert asked == [(kind, {"non_blocking": at_once})]


FULL = [
    torch.OutOfMemoryError("any"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("GET was unable to find an engine to execute this computation"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
]


@pytest.mark.parametrize("fault", FULL, ids=str)
def test_a_full_device_is_one_sentence(fault):
    with (
        pytest.raises(UserError, match=r"^cuda is out of memory for 3 words; lower batch_size$"),
        devices.memory_for("3 words", torch.device("cuda"), "lower batch_size"),
    ):
        raise fault


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shape"), devices.memory_for("3 words", torch.device("cuda"), "lower it"):
        raise RuntimeError("shape mismatch")

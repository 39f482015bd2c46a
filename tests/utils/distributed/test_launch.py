"""What is asked of Windows, where there are no NCCL, no libuv and few signals; simulated."""

from __future__ import annotations

import datetime
import os
import signal

import pytest
import torch

from config.errors import UserError
from utils.distributed import group, launch
from utils.distributed.processes import Processes


def test_without_nccl_gpus_meet_over_gloo(monkeypatch):
    asked = {}

    def refuse(backend, **options):
        asked.update(options, backend=backend)
        raise ValueError("enough")

    store = torch.distributed.HashStore()
    store.set_timeout(datetime.timedelta(seconds=5))
    monkeypatch.setattr(group, "rendezvous", lambda *_, **__: iter([(store, 0, 2)]))
    monkeypatch.setattr(group.restarts, "agree", lambda *_: "life")
    monkeypatch.setattr(group.dist, "init_process_group", refuse)
    for available, backend in ((False, "gloo"), (True, "cpu:gloo,cuda:nccl")):
        monkeypatch.setattr(group.dist, "is_nccl_available", lambda available=available: available)
        with (
            pytest.raises(UserError, match="cannot reach"),
            group.joined(Processes(0, 2), torch.device("cuda", 0), 5.0),
        ):
            pass
        assert asked["backend"] == backend
        assert (asked["device_id"] is not None) == available


def test_signals_are_passed_on_as_windows_can(monkeypatch):
    assert launch._to_child(signal.SIGTERM) == signal.SIGTERM
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    monkeypatch.setattr(os, "name", "nt")
    assert launch._to_child(signal.SIGTERM) == launch._to_child(signal.SIGINT) == 1

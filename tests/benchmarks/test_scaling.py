"""The arithmetic of benchmarks/scaling.py against numbers worked out by hand."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from benchmarks.scaling import CRAFT_PARAMETERS, Cluster, main, row, table
from model.craft import Craft

# 100 MB of gradients, 10 GB/s between nodes, 100 within; a step of 10 images takes 100 ms on a GPU.
CLUSTER = Cluster(
    images_per_s=100, batch=10, bandwidth=10e9, node_bandwidth=100e9, loader_rate=50, cores=32, image_bytes=5e4,
    parameters=25_000_000,
)  # fmt: skip


def test_craft_has_so_many_parameters():
    assert sum(one.numel() for one in Craft().parameters()) == CRAFT_PARAMETERS
    assert replace(CLUSTER, parameters=CRAFT_PARAMETERS).gradient_bytes == 83_081_864


@pytest.mark.parametrize(
    ("gpus", "ring_bytes", "all_reduce_s"),
    [
        (1, 0.0, 0.0),
        (2, 100e6, 0.001),  # 2 * 1/2 * 100 MB, at 100 GB/s within a node
        (8, 175e6, 0.00175),  # 2 * 7/8
        (16, 187.5e6, 0.01875),  # 2 * 15/16, at 10 GB/s between nodes
        (512, 199.609375e6, 0.0199609375),  # 2 * 511/512
    ],
)
def test_all_reduce(gpus, ring_bytes, all_reduce_s):
    assert CLUSTER.ring_bytes(gpus) == pytest.approx(ring_bytes)
    assert CLUSTER.all_reduce_s(gpus) == pytest.approx(all_reduce_s)


def test_steps_with_the_all_reduce_hidden_and_not():
    assert CLUSTER.compute_s == pytest.approx(0.1)
    assert CLUSTER.synchronised_s(16, hidden=False) == pytest.approx(0.11875)
    assert CLUSTER.synchronised_s(16, hidden=True) == pytest.approx(0.1)  # 18.75 ms behind 66.7 ms of backward pass
    slow = replace(CLUSTER, bandwidth=1e9)  # 187.5 ms, of which 66.7 are hidden
    assert slow.synchronised_s(16, hidden=True) == pytest.approx(0.1 + 0.1875 - 0.2 / 3)
    # Four micro-batches: 0.4 s of arithmetic, and only the last backward pass hides anything.
    assert replace(slow, accumulate=4).synchronised_s(16, hidden=True) == pytest.approx(0.4 + 0.1875 - 0.2 / 3)


def test_rates():
    assert CLUSTER.rate(1, hidden=False) == pytest.approx(100)
    assert CLUSTER.data_s(8) == pytest.approx(80 / 1600)
    assert CLUSTER.rate(16, hidden=True) == pytest.approx(1600)
    assert CLUSTER.rate(16, hidden=False) == pytest.approx(160 / 0.11875)
    starved = replace(CLUSTER, cores=8)  # 400 images/s for eight GPUs that take 800
    assert starved.rate(8, hidden=True) == pytest.approx(400)
    assert starved.rate(64, hidden=True) == pytest.approx(3200)
    assert starved.rate(1, hidden=True) == pytest.approx(100)


def test_limits():
    assert CLUSTER.limit(512) == "GPU"
    assert replace(CLUSTER, bandwidth=1e9).limit(512) == "network"
    assert replace(CLUSTER, bandwidth=1e9).limit(8) == "GPU"
    assert replace(CLUSTER, cores=8).limit(8) == "data"
    assert CLUSTER.data_limit(8) == pytest.approx(200) and CLUSTER.data_limit(1) == pytest.approx(1600)
    assert CLUSTER.network_limit(1) == float("inf")
    assert CLUSTER.network_limit(16) == pytest.approx(2 / 3 * 10 / 0.01875)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_limits_are_where_the_limit_changes(accumulate):
    roomy = replace(CLUSTER, cores=100_000, accumulate=accumulate)
    edge = roomy.network_limit(64)
    assert replace(roomy, images_per_s=0.99 * edge).limit(64) == "GPU"
    assert replace(roomy, images_per_s=1.01 * edge).limit(64) == "network"
    edge = CLUSTER.data_limit(8)
    assert replace(CLUSTER, images_per_s=0.99 * edge).limit(8) == "GPU"
    assert replace(CLUSTER, images_per_s=1.01 * edge).limit(8) == "data"


def test_a_row():
    cells = [cell.strip() for cell in row(CLUSTER, 16).strip("|").split("|")]
    assert cells == [
        "16", "160", "18.8", "1,600 / 1,347", "100% / 84%", "40.0 / 80.0", "1,600", "GPU", "356", "200",
    ]  # fmt: skip
    lines = table(CLUSTER, [1, 8]).splitlines()
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1


def test_the_command_line(monkeypatch, capsys):
    options = "--images-per-s 50 --bandwidth-gb-s 25 --loader-images-per-s-core 56 --cores 64 --gpus 8 512"
    monkeypatch.setattr(sys, "argv", ["scaling", *options.split()])
    main()
    printed = capsys.readouterr().out
    assert "83.08 MB" in printed and "7.1 cores" in printed and "| 512 | 4,096 | 6.6 |" in printed
    monkeypatch.setattr(sys, "argv", ["scaling", *options.replace("25", "0").split()])
    with pytest.raises(SystemExit):
        main()

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from check_sources import opened

from config.loader import load_config
from utils.check.cost import report_cost
from utils.check.report import Report
from utils.check.sources import open_sources
from utils.check.timing import StepTimer, _doubling, _through, data_seconds, training_set


def test_ladder() -> None:
    assert _doubling(64, 768) == [64, 128, 256, 512, 768]
    assert _doubling(64, 64) == [64]
    assert _doubling(1, 1) == [1]
    assert _through([(10, 3.0), (20, 5.0)]) == (1.0, 0.2)
    assert _through([(10, 3.0)]) == (0.0, 0.3)
    assert _through([(10, 1.0), (20, 5.0)]) == (0.0, 0.25)  # an offset below 0 is noise


def test_cost_of_words(tmp_path: Path) -> None:
    config, sources = opened(tmp_path)
    said: list[str] = []
    report = Report(said.append)
    report_cost(report, sources[:1], config)
    figures = report.figures["cost"]
    assert report.problems == []
    assert figures["measured_with"] == {"batch": 2, "side": 64, "extrapolated": False}
    assert figures["network_images_per_s"] == pytest.approx(2 / figures["step_s"])
    slower = max(figures["step_s"], 2 / figures["data_images_per_s_one_worker"])
    assert figures["labelling_passes"] == 34  # 5 images in batches of 2: one pass in three iterations
    assert figures["labelling_pass_s"] > 0
    assert figures["hours"] == pytest.approx((100 * slower + 34 * figures["labelling_pass_s"]) / 3600)
    assert "labelling" in said[0]
    assert "Cost of an iteration" in said[0]


def test_words_and_characters_share_the_batch(scenes, tmp_path: Path) -> None:
    """Two word images and, of a ratio of 2, one with characters make up an iteration."""
    config, _ = opened(tmp_path)
    text = (tmp_path / "job.yaml").read_text(encoding="utf-8")
    text = text.replace("use_synthtext: false", "synth_ratio: 2").replace(
        "train:\n", f"train:\n  datasets:\n    - {{format: synthtext, root: {scenes}}}\n", 1
    )
    (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
    config = load_config(str(tmp_path / "job.yaml"), [], "detection")
    sources, problems = open_sources(config)
    assert not problems
    samples, size = training_set([source for source in sources if source.is_training], config)
    assert size == 3
    assert [samples[k]["region"].any() for k in range(6)] == [False, False, True] * 2


def timer(config) -> StepTimer:
    return StepTimer(config, torch.device("cpu"), "off")


def test_batch_that_does_not_fit_is_halved(tmp_path: Path, monkeypatch) -> None:
    config, sources = opened(tmp_path)
    samples, _ = training_set(sources[:1], config)
    _, kept = data_seconds(samples, 4)
    assert len(kept) == 4
    one = timer(config)
    monkeypatch.setattr(one, "_affordable", lambda samples, batch, side: (batch, side, 0.0))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    def step(samples, batch, side, steps):
        if batch > 4:
            raise torch.OutOfMemoryError
        return 0.5

    monkeypatch.setattr(one, "_seconds", step)
    found = one.measure(kept, 16)
    assert (found.batch, found.configured, found.too_large, found.measured) == (4, 16, True, False)
    assert found.seconds == 2.0

    monkeypatch.setattr(one, "_seconds", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    assert one.measure(kept, 16).batch == 0


def test_extrapolation_is_exact_for_a_linear_cost(tmp_path: Path, monkeypatch) -> None:
    """0.3 s for the optimiser and 20 s a megapixel: far beyond the budget at 16 images of 512 pixels."""
    config, _ = opened(tmp_path)
    one = timer(config)
    monkeypatch.setattr(one, "_seconds", lambda samples, batch, side, steps: 0.3 + 20e-6 * batch * side**2)
    side = 512
    found = one.measure([{"image": torch.zeros(side, side, 3)}], 16)
    assert not found.measured
    assert (found.batch, found.side) == (1, 256)
    assert found.seconds == pytest.approx(0.3 + 20e-6 * 16 * side**2)


def test_smaller_images_for_the_trial(tmp_path: Path) -> None:
    config, sources = opened(tmp_path)
    samples, _ = training_set(sources[:1], config)
    _, kept = data_seconds(samples, 1)
    assert timer(config)._seconds(kept, 2, 32, 1) > 0

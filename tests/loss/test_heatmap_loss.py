"""The vectorised loss against a plain loop, on random, all-text and empty maps."""

from __future__ import annotations

import pytest
import torch

from loss.heatmap import HeatmapLoss


def plain_map_loss(score, target, mask, version, neg_rto, n_min_neg):
    """One map, written as the specification reads; everything in float64 Python lists."""
    if version == 3:
        images = [(score[i : i + 1], target[i : i + 1], mask[i : i + 1]) for i in range(len(score))]
    else:
        images = [(score, target, mask)]
    values = []
    for image_score, image_target, image_mask in images:
        positives, negatives = [], []
        for s, t, m in zip(image_score.flatten(), image_target.flatten(), image_mask.flatten(), strict=True):
            error = (float(s) - float(t)) ** 2 * float(m)
            (positives if float(t) > 0.1 else negatives).append(error)
        negatives.sort(reverse=True)
        value = sum(positives) / len(positives) if positives else 0.0
        if version == 3:
            if positives and len(negatives) < neg_rto * len(positives):
                k = len(negatives)
            elif positives:
                k = max(n_min_neg, int(neg_rto * len(positives)))
            else:
                k = n_min_neg
        elif positives and len(negatives) >= neg_rto * len(positives):
            k = max(1, int(neg_rto * len(positives)))
        else:
            k = n_min_neg
        hardest = negatives[:k]
        value += sum(hardest) / len(hardest) if hardest else 0.0
        values.append(value)
    return sum(values) / len(values)


def maps(kind: str, seed: int, batch: int = 3, side: int = 14):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(batch, side, side, 2, generator=generator)
    target = torch.rand(2, batch, side, side, generator=generator)
    if kind == "sparse":
        target = torch.where(target > 0.9, target, 0.0)
    elif kind == "all_text":
        target = target * 0.8 + 0.2
    elif kind == "no_text":
        target = torch.zeros_like(target)
    elif kind == "one_image_empty":
        target[:, 0] = 0
    mask = torch.rand(batch, side, side, generator=generator)
    mask = torch.where(mask > 0.3, mask, 0.0)
    return scores, target[0], target[1], mask


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", ["dense", "sparse", "all_text", "no_text", "one_image_empty"])
@pytest.mark.parametrize(("neg_rto", "n_min_neg"), [(1.0, 10), (0.3, 50), (3.0, 1), (0.001, 7), (1.0, 10_000_000)])
def test_agrees_with_the_plain_loop(version, kind, neg_rto, n_min_neg):
    for seed in range(2):
        scores, region, affinity, mask = maps(kind, seed)
        parts = HeatmapLoss(version, neg_rto, n_min_neg)(scores, region, affinity, mask)
        expected_region = plain_map_loss(scores[..., 0], region, mask, version, neg_rto, n_min_neg)
        expected_affinity = plain_map_loss(scores[..., 1], affinity, mask, version, neg_rto, n_min_neg)
        assert parts.region.item() == pytest.approx(expected_region, rel=1e-6, abs=1e-6)
        assert parts.affinity.item() == pytest.approx(expected_affinity, rel=1e-6, abs=1e-6)
        assert parts.total.item() == pytest.approx(expected_region + expected_affinity, rel=1e-6, abs=1e-6)


def test_too_few_negatives_do_not_understate_the_loss():
    """9 positives predicted right, one negative off by 0.5: the mean over negatives is 0.25, not 0.25 / k."""
    region = torch.ones(1, 1, 10)
    region[0, 0, 9] = 0
    scores = torch.stack([region.clone(), torch.zeros_like(region)], dim=-1)
    scores[0, 0, 9, 0] = 0.5
    parts = HeatmapLoss(3, neg_rto=1.0, n_min_neg=1000)(scores, region, torch.zeros_like(region), torch.ones(1, 1, 10))
    assert parts.region.item() == pytest.approx(0.25)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", ["all_text", "no_text", "sparse"])
def test_gradients_are_finite_and_match_finite_differences(version, kind):
    scores, region, affinity, mask = maps(kind, 5, batch=2, side=5)
    scores = scores.double().requires_grad_()
    loss = HeatmapLoss(version, 1.0, 6)
    loss(scores, region, affinity, mask).total.backward()
    assert torch.isfinite(scores.grad).all()
    index, step = (1, 2, 3, 0), 1e-2
    with torch.no_grad():
        up, down = scores.clone(), scores.clone()
        up[index] += step
        down[index] -= step
        numeric = (loss(up, region, affinity, mask).total - loss(down, region, affinity, mask).total) / (2 * step)
    assert scores.grad[index].item() == pytest.approx(numeric.item(), abs=2e-3)


def test_runs_in_float32_under_autocast():
    """Errors of 1e-4 vanish in bfloat16 next to 1; the loss must still see them."""
    region = torch.ones(1, 8, 8)
    scores = torch.full((1, 8, 8, 2), 1 - 1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        parts = HeatmapLoss()(scores, region, region, torch.ones(1, 8, 8))
    assert parts.total.dtype == torch.float32
    assert parts.total.item() == pytest.approx(2e-8, rel=1e-2)


def test_unknown_version_is_refused():
    with pytest.raises(ValueError, match="2 or 3"):
        HeatmapLoss(version=1)

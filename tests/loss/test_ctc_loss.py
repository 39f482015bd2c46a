"""The loss against its definition, its forward recursion, torch's 'mean', and texts that do not fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ctc_twin import all_texts, forward_loss, random_log_probs
from hypothesis import given, settings
from hypothesis import strategies as st

from loss.ctc import CTCLoss, _ctc_device


def batch_of(texts, width=None):
    targets = torch.zeros(len(texts), max([len(text) for text in texts] + [width or 0]), dtype=torch.int64)
    for row, text in enumerate(texts):
        targets[row, : len(text)] = torch.tensor(text, dtype=torch.int64)
    return targets, [len(text) for text in texts]


def test_the_twin_itself_agrees_with_the_sum_over_all_paths():
    log_probs = random_log_probs(0, 5, 3)
    texts = all_texts(log_probs)
    assert sum(texts.values()) == pytest.approx(1)
    for text, probability in texts.items():
        assert math.exp(-forward_loss(log_probs, text)) == pytest.approx(probability, rel=1e-12)
    assert forward_loss(log_probs, (1, 1, 1, 1)) == math.inf


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    texts=st.lists(st.lists(st.integers(1, 4), max_size=6), min_size=1, max_size=4),
    data=st.data(),
)
def test_agrees_with_the_forward_recursion(seed, texts, data):
    steps = 9
    lengths = [data.draw(st.integers(0, steps)) for _ in texts]
    logits = np.random.default_rng(seed).normal(size=(len(texts), steps, 5)) * 3
    log_probs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    plain = [forward_loss(log_probs[row, : lengths[row]], text) for row, text in enumerate(texts)]
    shares = [0 if loss == math.inf else loss / max(len(text), 1) for loss, text in zip(plain, texts, strict=True)]
    expected = np.mean(shares)

    targets, target_lengths = batch_of(texts)
    parts = CTCLoss()(torch.from_numpy(logits), lengths, targets, target_lengths)
    assert parts.loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert parts.zeroed_share.item() == pytest.approx(np.mean([loss == math.inf for loss in plain]))
    single = CTCLoss()(torch.from_numpy(logits).float(), lengths, targets, target_lengths)
    assert single.loss.dtype == torch.float32
    assert single.loss.item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_is_torchs_mean():
    logits = torch.randn(4, 12, 6, generator=torch.Generator().manual_seed(1))
    targets, target_lengths = batch_of([[1, 2, 2], [5], [3, 3, 3, 3, 3, 3, 3], [4, 1]])
    lengths = [12, 7, 12, 3]
    theirs = torch.nn.CTCLoss(zero_infinity=True)(
        logits.log_softmax(2).permute(1, 0, 2), targets, torch.tensor(lengths), torch.tensor(target_lengths)
    )
    parts = CTCLoss()(logits, lengths, targets, target_lengths)
    assert torch.equal(parts.loss, theirs)
    assert parts.zeroed_share.item() == 0.25  # seven times the same character wants 13 steps


def test_gradients():
    logits = torch.randn(3, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    targets, target_lengths = batch_of([[1, 1], [2, 3, 1], []])

    def loss(x):
        return CTCLoss()(x, [5, 4, 2], targets, target_lengths).loss

    assert torch.autograd.gradcheck(loss, (logits,), check_undefined_grad=False)  # hooks may not be given None


def test_padding_and_texts_that_do_not_fit_have_no_gradient():
    logits = torch.randn(3, 6, 4, requires_grad=True)
    targets, target_lengths = batch_of([[1, 2], [3, 3, 3, 3], []])
    parts = CTCLoss()(logits, [4, 6, 0], targets, target_lengths)
    parts.loss.backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, :4].abs().sum() > 0
    assert logits.grad[0, 4:].abs().sum() == 0
    assert logits.grad[1:].abs().sum() == 0
    assert parts.zeroed_share.item() == pytest.approx(1 / 3)


def test_a_batch_of_empty_texts():
    """Only blanks remain: the loss is the sum of their -ln."""
    logits = torch.zeros(2, 5, 4)
    parts = CTCLoss()(logits, [5, 3], torch.zeros(2, 0, dtype=torch.int64), [0, 0])
    assert parts.loss.item() == pytest.approx((5 + 3) / 2 * math.log(4))
    assert parts.zeroed_share.item() == 0


def test_float32_under_autocast():
    """bfloat16 keeps 3 digits; the loss of bfloat16 logits is that of the same numbers in float32, to the last bit."""
    logits = (torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(3)) * 20).bfloat16()
    targets, target_lengths = batch_of([[1, 2], [4]])
    with torch.autocast("cpu", torch.bfloat16):
        inside = CTCLoss()(logits, [8, 8], targets, target_lengths)
    outside = CTCLoss()(logits.float(), [8, 8], targets, target_lengths)
    assert inside.loss.dtype == torch.float32
    assert torch.equal(inside.loss, outside.loss)


def test_blank_share_leaves_padding_out():
    logits = torch.zeros(2, 4, 3)
    logits[0, :, 0] = 1  # four blanks, of which two are real
    logits[1, :, 2] = 1
    targets, target_lengths = batch_of([[1], [2]])
    assert CTCLoss()(logits, [2, 4], targets, target_lengths).blank_share.item() == pytest.approx(2 / 6)
    assert CTCLoss()(logits, [0, 0], targets, target_lengths).blank_share.item() == 0


def test_lengths_may_be_lists_arrays_and_tensors():
    logits = torch.randn(2, 6, 4)
    targets, target_lengths = batch_of([[1, 2], [3]])
    expected = CTCLoss()(logits, [6, 4], targets, target_lengths)
    for kind in (np.array, torch.tensor, lambda values: torch.tensor(values, dtype=torch.int32)):
        assert CTCLoss()(logits, kind([6, 4]), targets, kind(target_lengths)) == expected


def test_deterministic_on_request():
    logits = torch.randn(2, 6, 4, requires_grad=True)
    targets, target_lengths = batch_of([[1, 2], [3]])
    torch.use_deterministic_algorithms(True)
    try:
        gradients = [
            torch.autograd.grad(CTCLoss()(logits, [6, 4], targets, target_lengths).loss, logits)[0] for _ in range(2)
        ]
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(*gradients)


@pytest.mark.parametrize("wrong", [0, 4, 9, -1])
def test_a_class_that_no_character_has(wrong):
    """Torch reads beyond its arrays for these and returns a number."""
    with pytest.raises(ValueError, match=f"target class {wrong} is not a character's: those are 1 to 3"):
        CTCLoss()(torch.randn(1, 6, 4), [6], torch.tensor([[1, wrong]]), [2])
    CTCLoss()(torch.randn(1, 6, 4), [6], torch.tensor([[1, wrong]]), [1])  # padding may be anything


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"expected logits \[B, T, classes\]"):
        CTCLoss()(torch.randn(2, 6, 4), [6], torch.tensor([[1], [1]]), [1, 1])


def test_room_for_repeats():
    """L + R steps are enough, one fewer is not."""
    for text, steps in (([1, 1, 2, 2, 2], 8), ([1, 2, 1, 2], 4), ([3, 3], 3), ([], 0)):
        targets, target_lengths = batch_of([text], width=6)
        for length, expected in ((steps, 0), (steps - 1, 1)):
            if length >= 0:
                parts = CTCLoss()(torch.zeros(1, 9, 4), [length], targets, target_lengths)
                assert parts.zeroed_share.item() == expected


def test_scores_that_are_no_numbers_do_not_hide():
    """An overflow to -inf where the text has to pass is counted, not a number stays not a number."""
    targets, target_lengths = batch_of([[1], [2]])
    logits = torch.zeros(2, 3, 4)
    logits[0, :, 1] = -torch.inf
    logits.requires_grad_()
    parts = CTCLoss()(logits, [3, 3], targets, target_lengths)
    assert parts.zeroed_share.item() == 0.5
    parts.loss.backward()
    assert torch.isfinite(logits.grad).all()
    assert CTCLoss()(torch.full((2, 3, 4), torch.nan), [3, 3], targets, target_lengths).loss.isnan()


def test_gradient_is_torchs_with_zero_infinity():
    logits = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(6), requires_grad=True)
    targets, target_lengths = batch_of([[1, 2], [3, 3, 3, 3, 3], [4]])
    theirs = torch.nn.CTCLoss(zero_infinity=True)(
        logits.log_softmax(2).permute(1, 0, 2), targets, torch.tensor([7, 7, 2]), torch.tensor(target_lengths)
    )
    expected = torch.autograd.grad(theirs, logits)[0]
    mine = torch.autograd.grad(CTCLoss()(logits, [7, 7, 2], targets, target_lengths).loss, logits)[0]
    torch.testing.assert_close(mine, expected)


def test_where_it_is_computed():
    assert _ctc_device(torch.device("cuda", 1)) == torch.device("cuda", 1)
    assert _ctc_device(torch.device("mps")) == torch.device("cpu")
    torch.use_deterministic_algorithms(True)
    try:
        assert _ctc_device(torch.device("cuda", 1)) == torch.device("cpu")
    finally:
        torch.use_deterministic_algorithms(False)

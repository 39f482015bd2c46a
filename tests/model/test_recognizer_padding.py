"""A picture scores the same alone and in any company: padding is never read."""

from __future__ import annotations

import pytest
import torch
from small_recognizers import SMALL, every_network, pictures
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from model.crnn import BidirectionalLSTM, blank_beyond, read_padded
from model.residual_crnn import ResidualCrnn


@every_network
def test_a_padded_picture_scores_as_it_does_alone(make):
    """In float64, to the last digits; the padding is NaN, so a single read of it would show."""
    torch.manual_seed(0)
    model = make().double().eval()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):  # What batch norms make of zeros is not zero.
            nn.init.normal_(layer.running_mean), nn.init.normal_(layer.bias)
    widths = [100, 36, 64, 8, 96]
    alone = [pictures(model, 1, width).double() for width in widths]
    lengths = torch.tensor([model.output_length(width) for width in widths])
    with torch.no_grad():
        expected = [model(picture)[0] for picture in alone]
        for total in (100, 101, 128, 205):
            batch = torch.full((5, model.input_channels, 32, total), torch.nan, dtype=torch.float64)
            for row, picture in zip(batch, alone, strict=True):
                row[..., : picture.shape[3]] = picture[0]
            logits = model(batch, lengths)
            assert logits.shape == (5, model.output_length(total), 12)
            for row, length, own in zip(logits, lengths, expected, strict=True):
                torch.testing.assert_close(row[:length], own, rtol=0, atol=1e-12)
                assert not row[length:].any()


@every_network
def test_an_odd_width_is_cut_or_filled_the_same_way_in_any_company(make):
    torch.manual_seed(0)
    model = make().double().eval()
    lengths = torch.tensor([model.output_length(37), model.output_length(90)])
    results = []
    for total in (90, 91, 140):
        batch = torch.zeros(2, model.input_channels, 32, total, dtype=torch.float64)
        generator = torch.Generator().manual_seed(1)
        for row, width in zip(batch, (37, 90), strict=True):
            row[..., :width] = torch.randn(row[..., :width].shape, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            results.append(model(batch, lengths))
            full = model(batch[:1, ..., :37], lengths[:1])[0]  # Alone with its length: nothing is padded.
            torch.testing.assert_close(full, results[-1][0, : lengths[0]], rtol=0, atol=1e-12)
            if model.minimum_width == 1:  # Zeros are added to these networks' pictures when they are alone, too.
                torch.testing.assert_close(model(batch[:1, ..., :37])[0], results[-1][0, : lengths[0]])
    for other in results[1:]:
        for row, length in enumerate(lengths):
            torch.testing.assert_close(results[0][row, :length], other[row, :length], rtol=0, atol=1e-12)


@every_network
def test_the_padding_gets_no_gradient_and_the_rest_does(make):
    model = make()
    images = pictures(model, 3, 64).requires_grad_()
    lengths = model.output_length(torch.tensor([64, 32, 44]))
    logits = model(images, lengths)
    own = [logits[row, :length] for row, length in enumerate(lengths)]
    torch.cat(own).square().mean().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters() if parameter.dim() > 1)
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert not images.grad[1, ..., 32:].any() and not images.grad[2, ..., 44:].any()
    assert images.grad[0].abs().sum() > 0 and images.grad[1, ..., :32].abs().sum() > 0


@every_network
def test_impossible_input_is_refused(make):
    model = make()
    steps = model.output_length(64)
    for lengths in ([0, steps], [steps, steps + model.output_length(8)], [steps]):
        with pytest.raises(ValueError, match="lengths"):
            model(pictures(model, 2, 64), torch.tensor(lengths))
    with pytest.raises(ValueError, match="channels"):
        model(torch.zeros(1, 4 - model.input_channels, 32, 64))
    with pytest.raises(ValueError, match="high"):
        model(pictures(model, 1, 64, height=31))
    if model.input_height:
        with pytest.raises(ValueError, match="high"):
            model(pictures(model, 1, 64, height=48))


def test_a_length_within_a_column_is_refused():
    model = ResidualCrnn(12, **SMALL)
    with pytest.raises(ValueError, match="multiples of 8"):
        model(pictures(model, 2, 64), torch.tensor([128, 12]))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_blanking_keeps_the_layout(layout):
    """Convolutions of channels last, which are the fast ones, would otherwise copy their input and its gradient."""
    x = torch.full((2, 3, 4, 8), torch.nan).contiguous(memory_format=layout)
    x[0, ..., :5], x[1] = 1.0, 2.0
    x.requires_grad_()
    y = blank_beyond(x, torch.tensor([5, 8]))
    assert y.is_contiguous(memory_format=layout)
    assert y[0].sum() == 60 and not y[0, ..., 5:].any() and torch.equal(y[1], x[1])
    y.sum().backward()
    assert x.grad.is_contiguous(memory_format=layout)
    assert x.grad.sum() == 156 and not x.grad[0, ..., 5:].any()


def test_sequences_read_whole_are_those_read_packed():
    """Outputs and gradients against torch's own packed LSTM, in float64."""
    torch.manual_seed(0)
    rnn = BidirectionalLSTM(5, 4, None).rnn.double()
    results = []
    for read in (lambda packed: rnn(packed)[0], lambda packed: read_padded(rnn, packed)):
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(6, 9, 5, generator=generator, dtype=torch.float64).requires_grad_()
        packed = pack_padded_sequence(x, torch.tensor([3, 9, 1, 7, 7, 9]), True, enforce_sorted=False)
        y = read(packed)
        assert torch.equal(y.batch_sizes, packed.batch_sizes) and torch.equal(y.sorted_indices, packed.sorted_indices)
        (y.data * torch.randn(y.data.shape, generator=generator, dtype=torch.float64)).sum().backward()
        results.append([y.data, x.grad, *(parameter.grad for parameter in rnn.parameters())])
        rnn.zero_grad()
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)

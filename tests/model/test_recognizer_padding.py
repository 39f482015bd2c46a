"""A picture scores the same alone and in any company: padding is never read."""

from __future__ import annotations

import pytest
import torch
from small_recognizers import SMALL, every_network, pictures
from torch import nn

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

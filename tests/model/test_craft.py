"""The network: published size and names, and its output against a twin built from torchvision's layers."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from model.craft import Craft
from model.vgg16_bn import Vgg16BN, from_torchvision, load_torchvision_backbone, scaled

torchvision = pytest.importorskip("torchvision")


def test_published_size_and_names():
    model = Craft()
    assert sum(parameter.numel() for parameter in model.parameters()) == 20_770_466
    names = model.state_dict()
    for name, shape in {
        "basenet.slice1.0.weight": (64, 3, 3, 3),
        "basenet.slice2.14.weight": (256, 128, 3, 3),
        "basenet.slice4.37.bias": (512,),
        "basenet.slice5.1.weight": (1024, 512, 3, 3),
        "basenet.slice5.2.weight": (1024, 1024, 1, 1),
        "upconv1.conv.0.weight": (512, 1536, 1, 1),
        "upconv4.conv.3.weight": (32, 64, 3, 3),
        "conv_cls.0.weight": (32, 32, 3, 3),
        "conv_cls.8.weight": (2, 16, 1, 1),
    }.items():
        assert tuple(names[name].shape) == shape, name


@pytest.mark.parametrize("size", [(64, 96), (32, 32), (224, 160)])
def test_output_shapes(size):
    model = Craft(width=0.125).eval()
    scores, feature = model(torch.zeros(2, 3, *size))
    assert scores.shape == (2, size[0] // 2, size[1] // 2, 2)
    assert feature.shape == (2, 8, size[0] // 2, size[1] // 2)
    assert Craft(width=1.0).upconv4.conv[3].out_channels == 32


class PublishedOrder(nn.Module):
    """CRAFT assembled from torchvision's layers with their in-place ReLUs, as the published code runs them."""

    def __init__(self, ours: Craft) -> None:
        super().__init__()
        features = torchvision.models.vgg16_bn(weights=None).features
        state = {
            name.removeprefix(f"slice{number}."): value
            for number in range(1, 5)
            for name, value in ours.basenet.state_dict().items()
            if name.startswith(f"slice{number}.")
        }
        features[:39].load_state_dict(state)
        self.features, self.ours = features, ours

    def forward(self, x):
        kept = {}
        for index in range(39):
            x = self.features[index](x)
            if index in (11, 18, 28, 38):
                kept[index] = x  # changed afterwards by the in-place ReLU at 12, 19 and 29
        y = self.ours.upconv1(torch.cat([self.ours.basenet.slice5(x), kept[38]], 1))
        for index, name in ((28, "upconv2"), (18, "upconv3"), (11, "upconv4")):
            y = F.interpolate(y, size=kept[index].shape[2:], mode="bilinear", align_corners=False)
            y = getattr(self.ours, name)(torch.cat([y, kept[index]], 1))
        return self.ours.conv_cls(y).permute(0, 2, 3, 1)


def test_agrees_with_the_published_order_of_layers():
    torch.manual_seed(0)
    model = Craft().eval()
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = PublishedOrder(model).eval()(x)
        difference = (model(x)[0] - expected).abs().max().item()
    assert difference < 1e-5


def test_torchvision_weights_reach_the_four_slices():
    source = torchvision.models.vgg16_bn(weights=None)
    backbone = Vgg16BN()
    load_torchvision_backbone(backbone, source.state_dict())
    assert torch.equal(backbone.slice1[0].weight, source.features[0].weight)
    assert torch.equal(backbone.slice4.state_dict()["37.weight"], source.features[37].weight)
    assert not any(name.startswith("slice5") for name in from_torchvision(source.state_dict()))
    with pytest.raises(KeyError):
        load_torchvision_backbone(backbone, {"features.0.weight": source.features[0].weight})


def test_width_rounds_to_multiples_of_eight():
    assert [scaled(channels, 0.25) for channels in (16, 32, 64, 1024)] == [8, 8, 16, 256]
    assert scaled(512, 1.0) == 512 and scaled(64, 0.3) == 16


def test_every_parameter_receives_a_gradient():
    model = Craft(width=0.125)
    model(torch.randn(2, 3, 64, 64))[0].square().mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())

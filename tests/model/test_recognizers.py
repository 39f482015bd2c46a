"""The recognisers: published sizes and names, lengths against real forwards, twins, tracing and precision."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_recognizers import SMALL, every_network, pictures
from torch import nn

from config.schema.model import RecognizerModel
from model.recognizer import RECOGNIZERS
from model.registry import build_recognizer
from model.residual_crnn import ResidualCrnn
from model.vgg_bilstm_ctc import VggBilstmCtc


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def lstm(name: str, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
    shapes = {"weight_ih": (4 * hidden, inputs), "weight_hh": (4 * hidden, hidden)}
    shapes |= {"bias_ih": (4 * hidden,), "bias_hh": (4 * hidden,)}
    return {f"{name}.{part}_l0{end}": shape for part, shape in shapes.items() for end in ("", "_reverse")}


def published_vgg(channels: int = 1, output: int = 256, hidden: int = 256, classes: int = 97) -> dict:
    """Names and shapes in the weights that the easyocr package downloads (english_g2), without `module.`."""
    c1, c2, c3, c4 = output // 8, output // 4, output // 2, output
    plan = {0: (channels, c1), 3: (c1, c2), 6: (c2, c3), 8: (c3, c3), 11: (c3, c4), 14: (c4, c4), 18: (c4, c4)}
    expected = {}
    for number, (before, after) in plan.items():
        kernel = (2, 2) if number == 18 else (3, 3)
        expected[f"FeatureExtraction.ConvNet.{number}.weight"] = (after, before, *kernel)
        if number not in (11, 14):
            expected[f"FeatureExtraction.ConvNet.{number}.bias"] = (after,)
    for number in (12, 15):
        for part in ("weight", "bias", "running_mean", "running_var"):
            expected[f"FeatureExtraction.ConvNet.{number}.{part}"] = (c4,)
        expected[f"FeatureExtraction.ConvNet.{number}.num_batches_tracked"] = ()
    for number, inputs in enumerate((output, hidden)):
        expected |= lstm(f"SequenceModeling.{number}.rnn", inputs, hidden)
        expected[f"SequenceModeling.{number}.linear.weight"] = (hidden, 2 * hidden)
        expected[f"SequenceModeling.{number}.linear.bias"] = (hidden,)
    return expected | {"Prediction.weight": (classes, hidden), "Prediction.bias": (classes,)}


@pytest.mark.parametrize(
    ("settings", "classes"),
    [({}, 97), ({"output_channel": 512}, 37), ({"input_channel": 3, "hidden_size": 128}, 200)],
    ids=["easyocr gen-2", "deep-text-recognition-benchmark", "rgb"],
)
def test_vgg_has_the_published_names_and_shapes(settings, classes):
    model = build_recognizer(RecognizerModel(**settings), classes)
    sizes = {"channels": 1, "output": 256, "hidden": 256}
    keys = {"input_channel": "channels", "output_channel": "output", "hidden_size": "hidden"}
    sizes |= {keys[name]: value for name, value in settings.items()}
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert shapes == published_vgg(**sizes, classes=classes)


def test_published_numbers_of_parameters():
    assert size(build_recognizer(RecognizerModel(), 97)) == 3_781_345
    residual = build_recognizer(RecognizerModel(architecture="residual_crnn"), 63)
    assert size(residual) == 252_351
    # Keras's LSTM has one bias of 4 * 64 in each direction, PyTorch's has two.
    assert size(residual) - 2 * 4 * 64 == 251_839
    assert size(residual.SequenceModeling) - 2 * 4 * 64 == 66_048 and size(residual.Prediction) == 8_127
    # The 960 that Keras counts beside the trainable ones: means and variances.
    statistics = [value for name, value in residual.named_buffers() if name.endswith(("mean", "var"))]
    assert sum(value.numel() for value in statistics) == 960
    assert size(build_recognizer(RecognizerModel(architecture="crnn_digits"), 11)) == 194_171


def test_residual_layers_are_those_of_the_listing():
    listed = [448, 2320, 64, 2320, 2320, 272, 2320, 2320, 4640, 9248, 544, 9248, 9248, 18496, 36928, 2112, 36928, 36928]
    model = ResidualCrnn(63)
    sizes, widths = [], []
    for block in model.FeatureExtraction.blocks:
        layers = [block.conv1, block.conv2, block.skip]
        sizes += [size(layer) for layer in layers if isinstance(layer, nn.Conv2d)]
        block.register_forward_hook(lambda _, inputs, output: widths.append(tuple(output.shape[1:])))
    assert sizes == listed
    assert model(torch.zeros(2, 3, 32, 128)).shape == (2, 256, 63)
    assert widths == [(16, 32, 128), *[(16, 16, 64)] * 2, *[(32, 8, 32)] * 2, *[(64, 8, 32)] * 2]


@every_network
def test_output_length_is_that_of_a_forward(make):
    model = make().eval()
    widths = [*range(1, 42), 100, 127, 128, 129, 130, 131, 333]
    heights = (32, 33, 47, 64) if model.input_height is None else (32,)
    with torch.no_grad():
        for width in widths:
            for height in heights if width % 8 == 1 else heights[:1]:
                if width < model.minimum_width:
                    assert model.output_length(width) == 0
                    with pytest.raises(ValueError, match="width"):
                        model(pictures(model, 1, width, height))
                else:
                    length = model.output_length(width)
                    assert isinstance(length, int) and length > 0
                    assert model(pictures(model, 1, width, height)).shape == (1, length, 12)
    expected = [model.output_length(width) for width in widths]
    assert model.output_length(torch.tensor(widths)).tolist() == expected
    assert model.output_length(np.array(widths)).tolist() == expected


def test_the_readings_are_orders_of_one_feature_map():
    features = torch.arange(2 * 3 * 8 * 5.0).reshape(2, 3, 8, 5)
    rows, columns, mean = (ResidualCrnn(4, **SMALL, reading=name)._steps for name in ("rows", "columns", "mean"))
    for step in range(40):
        assert torch.equal(rows(features, None)[:, step], features[:, :, step // 5, step % 5])
        assert torch.equal(columns(features, None)[:, step], features[:, :, step % 8, step // 8])
    assert torch.equal(mean(features, None)[:, 4], features[:, :, :, 4].mean(2))
    # Keras keeps the channels last: its reshape of [8, 5, 3] to [40, 3] is this one.
    assert torch.equal(rows(features, None), features.permute(0, 2, 3, 1).reshape(2, 40, 3))
    # A picture of 3 columns in a map of 5: its own 8 rows, one after the other.
    own = rows(features, torch.tensor([20, 12]))[1, :24]
    assert torch.equal(own, features[1:, :, :, :3].permute(0, 2, 3, 1).reshape(24, 3))


def test_vgg_agrees_with_its_formula():
    """The layers one by one with torch's functions, the rows averaged as EasyOCR's adaptive pooling does."""
    torch.manual_seed(0)
    model = VggBilstmCtc(12, **SMALL).double().eval()
    images = pictures(model, 2, 61, height=70).double()
    state = {name.removeprefix("FeatureExtraction.ConvNet."): value for name, value in model.state_dict().items()}

    def conv(x, number, **options):
        return F.conv2d(x, state[f"{number}.weight"], state.get(f"{number}.bias"), **options)

    def norm(x, number):
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(state[f"{number}.{name}"] for name in names)).relu()

    x = F.max_pool2d(conv(images, 0, padding=1).relu(), 2)
    x = F.max_pool2d(conv(x, 3, padding=1).relu(), 2)
    x = F.max_pool2d(conv(conv(x, 6, padding=1).relu(), 8, padding=1).relu(), (2, 1))
    x = F.max_pool2d(norm(conv(norm(conv(x, 11, padding=1), 12), 14, padding=1), 15), (2, 1))
    x = F.adaptive_avg_pool2d(conv(x, 18).relu().permute(0, 3, 1, 2), (None, 1)).squeeze(3)
    for layer in model.SequenceModeling:
        x = layer.linear(layer.rnn(x)[0])
    with torch.no_grad():
        torch.testing.assert_close(model(images), model.Prediction(x), rtol=0, atol=1e-12)


@every_network
def test_a_trace_reads_any_width_and_batch(make):
    model = make().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own code compares sizes, and calls the tracer old.
        traced = torch.jit.trace(model, pictures(model, 1, 100))
    with torch.no_grad():
        for batch, width in ((2, 64), (1, 99), (3, 130)):
            images = pictures(model, batch, width)
            torch.testing.assert_close(traced(images), model(images))


@every_network
def test_bf16_autocast(make):
    torch.manual_seed(0)
    model = make().train()
    images, lengths = pictures(model, 3, 64), model.output_length(torch.tensor([64, 32, 44]))
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(images, lengths)
        logits.float().square().mean().backward()
    assert logits.dtype == torch.bfloat16 and logits.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = model(images, lengths).float()
    with torch.no_grad():
        exact = model(images, lengths)
    assert (rough - exact).abs().max() < 0.05 * exact.abs().max()


@every_network
def test_dropout_acts_in_training_alone(make):
    settings = {"dropout": 0.5, **SMALL}
    model = type(make())(12, **settings)
    images = pictures(model, 2, 64)
    lengths = model.output_length(torch.tensor([64, 32]))
    model.train()
    assert not torch.equal(model(images, lengths), model(images, lengths))
    model.eval()
    assert torch.equal(model(images, lengths), model(images, lengths))


def test_random_start():
    vgg = build_recognizer(RecognizerModel(), 97)
    for name, parameter in vgg.named_parameters():
        if "bias" in name:
            assert not parameter.any(), name
        elif parameter.dim() == 1:
            assert (parameter == 1).all(), name
        else:
            fan_in = parameter[0].numel()
            assert abs(parameter.std().item() / (2 / fan_in) ** 0.5 - 1) < 0.15, name
    rnn = build_recognizer(RecognizerModel(architecture="residual_crnn"), 63).SequenceModeling.rnn
    product = rnn.weight_hh_l0.T @ rnn.weight_hh_l0
    torch.testing.assert_close(product, torch.eye(64), rtol=0, atol=1e-5)
    gates = (rnn.bias_ih_l0 + rnn.bias_hh_l0).detach().split(64)  # Input, forget, cell, output.
    assert [gate.unique().tolist() for gate in gates] == [[0], [1], [0], [0]]


def test_settings_reach_the_network():
    config = RecognizerModel(architecture="residual_crnn", input_channel=1, reading="mean", hidden_size=32)
    model = build_recognizer(config, 20)
    assert model.input_channels == 1 and model.reading == "mean" and model.SequenceModeling.rnn.hidden_size == 32
    assert model.input_height == 32 and model.FeatureExtraction.blocks[0].dropout.p == 0.2
    assert build_recognizer(RecognizerModel(), 20).input_height is None
    assert {"vgg_bilstm_ctc", "residual_crnn", "crnn_digits"} <= set(RECOGNIZERS.names())
    with pytest.raises(ValueError, match="reading"):
        RecognizerModel(reading="columns")
    with pytest.raises(ValueError, match="multiple"):
        RecognizerModel(output_channel=100)


def test_a_copy_is_a_network_of_its_own():
    model = VggBilstmCtc(12, **SMALL).eval()
    twin = copy.deepcopy(model)
    images = pictures(model, 1, 40)
    before = twin(images)
    with torch.no_grad():
        model.Prediction.weight.add_(1)
    assert torch.equal(twin(images), before) and not torch.equal(model(images), before)


@pytest.mark.parametrize("architecture", ["vgg_bilstm_ctc", "residual_crnn", "crnn_digits"])
def test_a_network_is_placed_in_a_layout_it_can_be_trained_in(architecture: str) -> None:
    """The gradient of a strided 1 x 1 convolution of 8 channels crashes channels last on a CPU (torch 2.15)."""
    config = RecognizerModel(architecture=architecture, output_channel=32, hidden_size=16, input_channel=1)
    network = build_recognizer(config, 5).train().placed(torch.device("cpu"), torch.channels_last)
    kernels = [module.weight for module in network.modules() if isinstance(module, nn.Conv2d)]
    large = [kernel for kernel in kernels if kernel.shape[1] > 1 and kernel.shape[2] > 1]
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) == network.channels_last for kernel in large)
    scores = network(torch.randn(2, 1, 32, 64).contiguous(memory_format=torch.channels_last))
    scores.square().sum().backward()
    assert all(torch.isfinite(kernel.grad).all() for kernel in kernels)

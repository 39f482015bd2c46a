"""Weights of one alphabet in a model of another: which row goes where, and what is refused."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import UserError
from data.recognition.alphabet import Alphabet
from model.crnn_digits import CrnnDigits
from model.vgg_bilstm_ctc import VggBilstmCtc
from utils.weights.alphabet_transfer import AlphabetTransfer, load_for_alphabet

SMALL = {"output_channel": 8, "hidden_size": 4}
some_characters = st.lists(st.sampled_from("abcdefgABC 12]^-\\é"), unique=True, min_size=1).map("".join)


def network(alphabet: Alphabet, seed: int) -> CrnnDigits:
    torch.manual_seed(seed)
    model = CrnnDigits(alphabet.classes, **SMALL)
    torch.nn.init.normal_(model.Prediction.bias)
    return model


def test_rows_move_to_their_places():
    old, new = Alphabet("0123ab"), Alphabet("b é30")
    source, model = network(old, 1), network(new, 2)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    moved = load_for_alphabet(model, source.state_dict(), "old.pth", new, old)
    assert moved == AlphabetTransfer(kept="b30", new=" é", dropped="12a")
    for name in ("Prediction.weight", "Prediction.bias"):
        now, before = model.state_dict()[name], source.state_dict()[name]
        # Blank; b was class 6; space and é are new; 3 was class 4 and 0 class 1.
        for row, expected in enumerate([before[0], before[6], start[name][2], start[name][3], before[4], before[1]]):
            assert torch.equal(now[row], expected), (name, row)
    for name, value in model.state_dict().items():
        if not name.startswith("Prediction"):
            assert torch.equal(value, source.state_dict()[name]), name
    assert str(moved).splitlines() == [
        "  kept        3  b30  (with their trained weights, like the blank)",
        "  new         2  ␣é  (with random initial weights)",
        "  dropped     3  12a  (no longer read)",
    ]


@settings(max_examples=25, deadline=None)
@given(some_characters, some_characters)
def test_shared_characters_score_as_before(first, second):
    old, new = Alphabet(first), Alphabet(second)
    source, model = network(old, 1).eval(), network(new, 2).eval()
    moved = load_for_alphabet(model, source.state_dict(), "old.pth", new, old)
    assert set(moved.kept) == set(first) & set(second)
    assert set(moved.new) == set(second) - set(first) and set(moved.dropped) == set(first) - set(second)
    images = torch.randn(1, 1, 32, 40)
    with torch.no_grad():
        before, now = source(images), model(images)
    torch.testing.assert_close(now[..., 0], before[..., 0])
    for character in moved.kept:
        torch.testing.assert_close(now[..., new.encode(character)], before[..., old.encode(character)])


def test_the_same_alphabet_is_copied_whether_or_not_it_is_said():
    alphabet = Alphabet("abc")
    source = network(alphabet, 1)
    for old in (None, Alphabet("abc")):
        model = network(alphabet, 2)
        moved = load_for_alphabet(model, source.state_dict(), "same.pth", alphabet, old)
        assert moved == AlphabetTransfer("abc", "", "") and " -  (no longer read)" in str(moved)
        assert all(torch.equal(value, source.state_dict()[name]) for name, value in model.state_dict().items())


def test_an_unknown_alphabet_of_another_size_is_refused():
    source, new = network(Alphabet("abcd"), 1), Alphabet("abc")
    with pytest.raises(UserError, match=r"old\.pth scores 5 classes.* this model 4.*alphabet that the weights were"):
        load_for_alphabet(network(new, 2), source.state_dict(), "old.pth", new)


def test_an_alphabet_that_is_not_of_the_weights_is_refused():
    source, new = network(Alphabet("abcd"), 1), Alphabet("xyz")
    with pytest.raises(UserError, match=r"scores 5 classes.*has 6 characters"):
        load_for_alphabet(network(new, 2), source.state_dict(), "old.pth", new, Alphabet("abcdef"))


def test_other_networks_are_refused():
    alphabet, new = Alphabet("abc"), Alphabet("abd")
    torch.manual_seed(0)
    other = VggBilstmCtc(alphabet.classes, **SMALL).state_dict()
    with pytest.raises(UserError, match="does not fit this model"):
        load_for_alphabet(network(new, 2), other, "vgg.pth", new, alphabet)
    wider = CrnnDigits(alphabet.classes, output_channel=8, hidden_size=8).state_dict()
    with pytest.raises(UserError, match="SequenceModeling"):
        load_for_alphabet(network(new, 2), wider, "wide.pth", new, alphabet)
    without = {name: value for name, value in network(alphabet, 1).state_dict().items() if "Prediction" not in name}
    with pytest.raises(UserError, match=r"it has no 'Prediction\.weight'"):
        load_for_alphabet(network(new, 2), without, "headless.pth", new, alphabet)


def test_half_precision_weights_and_a_refusal_leave_no_trace():
    old, new = Alphabet("ab"), Alphabet("bc")
    model = network(new, 2)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    half = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network(old, 1).state_dict().items()
    }
    with pytest.raises(UserError):
        load_for_alphabet(model, half | {"extra": torch.zeros(1)}, "old.pth", new, old)
    assert all(torch.equal(value, start[name]) for name, value in model.state_dict().items())
    load_for_alphabet(model, half, "old.pth", new, old)
    assert model.Prediction.weight.dtype == torch.float32
    assert torch.equal(model.Prediction.weight[1], half["Prediction.weight"][2].float())

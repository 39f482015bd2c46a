"""Crops: what they are a function of, what they say, and where their characters are, measured on the pixels."""

from __future__ import annotations

import logging
import pickle
import string
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from synth_recipes import load

from config.errors import UserError
from config.loader import load_config
from config.schema.generation import GenerateConfig
from data.synth.crop.draw import PlacedText, draw_crop, encode_crop, place_text
from data.synth.crop.wording import CropText, draw_text
from data.synth.ink.render import warp_layer
from data.synth.resources import Resources
from data.synth.setting.layout import paint
from data.synth.wording.text import core

SUB = 8
"""A pixel is a square of even ink, sampled at so many places on each axis."""


@pytest.fixture(scope="module")
def words() -> GenerateConfig:
    return load("generate_words")


@pytest.fixture(scope="module")
def lines() -> GenerateConfig:
    return load("generate_lines")


@pytest.fixture(scope="module")
def of_words(words: GenerateConfig) -> Resources:
    return Resources.load(words)


@pytest.fixture(scope="module")
def of_lines(lines: GenerateConfig) -> Resources:
    return Resources.load(lines)


def changed(config: GenerateConfig, **crops: object) -> GenerateConfig:
    return config.model_copy(update={"crops": config.crops.model_copy(update=crops)})


@pytest.mark.parametrize("recipe", ["words", "lines"])
def test_a_crop_is_a_function_of_seed_split_and_index(recipe: str, request: pytest.FixtureRequest) -> None:
    config, resources = request.getfixturevalue(recipe), request.getfixturevalue(f"of_{recipe}")
    once = [draw_crop(config, resources, "train", index) for index in range(8)]
    fresh = pickle.loads(pickle.dumps(resources))  # as a process of the pool gets them, with an empty cache
    for index in reversed(range(8)):
        again = draw_crop(config, fresh, "train", index)
        np.testing.assert_array_equal(again.image, once[index].image)
        np.testing.assert_array_equal(again.char_quads, once[index].char_quads)
        assert (again.text, again.jpeg_quality) == (once[index].text, once[index].jpeg_quality)
        assert encode_crop(again) == encode_crop(once[index])
    other_seed = config.model_copy(update={"seed": config.seed + 1})
    for other in (draw_crop(config, resources, "train", 8), draw_crop(other_seed, resources, "train", 0)):
        assert other.image.shape != once[0].image.shape or np.any(other.image != once[0].image)
    assert draw_crop(config, resources, "test", 0).text != once[0].text


@pytest.mark.parametrize(("recipe", "height"), [("words", 32), ("lines", 64), ("words", 48)])
def test_height_is_exact_and_labels_keep_alphabet_and_length(
    recipe: str, height: int, request: pytest.FixtureRequest
) -> None:
    config, resources = request.getfixturevalue(recipe), request.getfixturevalue(f"of_{recipe}")
    config = changed(config, height=height)
    counts = set()
    for index in range(80):
        crop = draw_crop(config, resources, "train", index)
        assert crop.image.dtype == np.uint8 and crop.image.shape[0] == height and crop.image.shape[2] == 3
        assert 1 <= len(crop.text) <= config.crops.max_length
        assert crop.text == " ".join(crop.text.split())
        assert set(crop.text) <= set(resources.alphabet) | {" "}
        assert crop.char_quads.shape == (len(crop.text.replace(" ", "")), 4, 2)
        counts.add(len(crop.text.split()))
    assert counts == ({1} if recipe == "words" else {1, 2, 3, 4, 5})


def test_height_and_width_of_a_crop_are_those_of_its_file(words: GenerateConfig, of_words: Resources) -> None:
    crop = draw_crop(words, of_words, "train", 3)
    image = cv2.imdecode(np.frombuffer(encode_crop(crop), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == crop.image.shape
    # Colours survive the way to the file and back: red is not blue.
    assert np.abs(image[:, :, ::-1].mean(axis=(0, 1)) - crop.image.mean(axis=(0, 1))).max() < 4


def test_reading_order_of_the_quads(lines: GenerateConfig, of_lines: Resources) -> None:
    lines = changed(lines, rotation=[0.0, 0.0], tilt=[0.0, 0.0])
    for index in range(30):
        lefts = draw_crop(lines, of_lines, "train", index).char_quads[:, :, 0].mean(axis=1)
        # Narrow characters beside overhanging ones may share a column or two.
        assert np.all(np.diff(lefts) > -2) and lefts[-1] >= lefts[0]


def shares_inside(text: PlacedText, method: int) -> list[float]:
    """Draw each character of the label alone and return which share of its ink, as the crop shows it, its quad holds.

    Characters of which the crop shows less than a pixel's worth are left out.
    """
    view, shares = text.view, []
    for character, quad in zip(np.flatnonzero(text.mine), text.char_quads(), strict=True):
        canvas = np.zeros((view.height, view.width), np.uint8)
        placed = warp_layer(
            paint(text.block, only=int(character)), text.view.matrix, view.width, view.height, text.bend
        )
        if placed is None:
            continue
        window, ink = placed
        window.of(canvas)[:] = ink
        shown = view.cut(np.dstack([canvas] * 3), method)[:, :, 0].astype(float)
        if shown.sum() < 255:
            continue
        grid = np.zeros((view.out_height * SUB, view.out_width * SUB), np.uint8)
        corners = np.rint(((quad.astype(float) + 0.5) * SUB - 0.5) * 16).astype(np.int32)
        cv2.fillConvexPoly(grid, corners, 1, cv2.LINE_8, 4)
        inside = grid.reshape(view.out_height, SUB, view.out_width, SUB).mean(axis=(1, 3))
        shares.append(float((shown * inside).sum() / shown.sum()))
    return shares


@pytest.mark.parametrize(
    ("recipe", "count", "method", "changes"),
    [
        ("words", 30, cv2.INTER_LINEAR, {}),
        ("words", 30, cv2.INTER_CUBIC, {"rectified": 1.0, "straight": 0.0}),
        ("words", 30, cv2.INTER_LINEAR, {"curve": {"probability": 1.0, "strength": [20.0, 60.0]}}),
        ("words", 30, cv2.INTER_LINEAR, {"text_height": [30.0, 80.0]}),
        ("lines", 8, cv2.INTER_LINEAR, {}),
    ],
)
def test_quads_hold_the_ink(
    recipe: str, count: int, method: int, changes: dict[str, object], request: pytest.FixtureRequest
) -> None:
    config, resources = request.getfixturevalue(recipe), request.getfixturevalue(f"of_{recipe}")
    config = config.model_copy(update={"crops": config.crops.model_validate(config.crops.model_dump() | changes)})
    shares = []
    for index in range(count):
        shares += shares_inside(place_text(config, resources, "train", np.random.default_rng(index)), method)
    assert len(shares) > 120
    assert min(shares) >= 0.98


def test_quads_are_where_the_finished_crop_has_its_text(words: GenerateConfig, of_words: Resources) -> None:
    # Nothing but even ground and the text, in full contrast: what differs from the ground is ink.
    clean = words.model_copy(
        update={
            "camera": words.camera.model_validate(
                {name: {"probability": 0} for name in ("blur", "motion", "noise", "resolution")}
                | {"brightness": [0, 0], "contrast": [1, 1]}
            ),
            "look": words.look.model_validate(
                {"contrast": [250, 250], "low_contrast": 0, "opacity": [1, 1]}
                | dict.fromkeys(("gradient", "outline", "shadow", "plate"), 0)
            ),
            "backgrounds": words.backgrounds.model_copy(update={"texture": [0.0, 0.0]}),
            "crops": words.crops.model_copy(update={"plain": 1.0, "recompressed": 0.0, "neighbours": 0.0}),
        }
    )
    for index in range(60):
        crop = draw_crop(clean, of_words, "train", index)
        height, width = crop.image.shape[:2]
        held = np.zeros((height, width), np.uint8)
        for quad in crop.char_quads:
            cv2.fillConvexPoly(held, np.rint(quad).astype(np.int32), 1)
        held = cv2.dilate(held, np.ones((3, 3), np.uint8)) > 0
        if held.all():
            continue
        grey = crop.image.astype(int).sum(axis=2)
        ground = np.median(grey[~held])
        contrast = np.abs(grey - ground)
        assert contrast[held].max() > 150, index
        # What stands out from the ground outside the quads is uneven light alone.
        assert (contrast[~held] > 0.6 * contrast[held].max()).mean() < 0.01, index


def test_splits_share_neither_words_nor_fonts(words: GenerateConfig, of_words: Resources) -> None:
    seen: dict[str, set[str]] = {}
    fonts: dict[str, set[str]] = {}
    for split in words.splits:
        drawn = [draw_text(words, of_words, split, np.random.default_rng(index)) for index in range(250)]
        texts = [text for text, _ in drawn]
        seen[split] = {core(word) for text in texts for word in (*text.words, *text.above, *text.below)}
        fonts[split] = {face.path for _, face in drawn}
        assert fonts[split] <= {face.path for family in of_words.families[split] for face in family.faces}
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not seen[first] & seen[second]
        assert not fonts[first] & fonts[second]


def test_neighbours_are_seen_at_the_border_only(words: GenerateConfig, of_words: Resources) -> None:
    config = changed(words, neighbours=1.0, curve=words.crops.curve.model_copy(update={"probability": 0.0}))
    around = 0
    for index in range(150):
        placed = place_text(config, of_words, "train", np.random.default_rng(index))
        assert "".join(placed.text.words) == "".join(placed.block.words[placed.text.first :][: len(placed.text.words)])
        around += int(not placed.mine.all())
        assert placed.mine.sum() == len("".join(placed.text.words))
    assert around > 100


def test_lines_of_a_text_and_its_neighbours() -> None:
    text = CropText(["in", "the"], left="end", right="mid", above=("up",), below=("down", "there"))
    assert text.lines == [["up"], ["end", "in", "the", "mid"], ["down", "there"]]
    every = [word for line in text.lines for word in line]
    assert every[text.first : text.first + 2] == ["in", "the"] and text.label == "in the"
    assert text.alone().lines == [["in", "the"]] and text.alone().first == 0


def test_fonts_without_lower_case_write_capitals_or_are_not_used(words: GenerateConfig, of_words: Resources) -> None:
    first, *rest = of_words.families["train"]
    shouting = replace(first, faces=tuple(replace(face, capitals_only=True) for face in first.faces))
    some = replace(of_words, families={"train": [shouting, rest[0]]})
    capitals = 0
    for index in range(100):
        text, face = draw_text(words, some, "train", np.random.default_rng(index))
        assert text.label.upper() == text.label or not face.capitals_only
        capitals += face.capitals_only
    assert 20 < capitals < 80
    # The alphabet has no capitals, so such a font could only be labelled wrongly.
    lower = replace(some, alphabet="".join(set(of_words.alphabet) - set(string.ascii_uppercase)))
    for index in range(100):
        text, face = draw_text(words, lower, "train", np.random.default_rng(index))
        assert not face.capitals_only or not any(map(str.isalpha, text.label))
    with pytest.raises(UserError, match="draw capitals only"):
        for index in range(20):
            draw_text(words, replace(lower, families={"train": [shouting]}), "train", np.random.default_rng(index))


def test_words_longer_than_labels_may_be_are_refused_in_one_sentence() -> None:
    config = load("generate_words", crops={"max_length": 3}, text={"length": [6, 9], "punctuation": 0.0})
    resources = Resources.load(config)
    with pytest.raises(UserError, match=r"at most 3 characters: raise crops\.max_length"):
        draw_crop(config, resources, "train", 0)


@pytest.mark.parametrize(
    "wrong",
    ["crops.height=4", "crops.max_length=0", "crops.text_height=[2,9]", "crops.words=[3,1]", "crops.plain=1.5"],
)
def test_settings_out_of_range_are_named(wrong: str) -> None:
    with pytest.raises(UserError, match=wrong.split("=")[0].replace(".", r"\.")):
        load_config("generate_words", [wrong], "generate")


def test_photos_are_cut_deterministically_and_a_broken_one_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(5)
    for name in "abcdefg":
        photo = cv2.resize(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8), (640, 480))
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), photo)
    config = load("generate_words", backgrounds={"folder": str(tmp_path)})
    config = changed(config, plain=0.0)
    resources = Resources.load(config)
    forward = [draw_crop(config, resources, "train", index).image for index in range(0, 200, 25)]
    backward = [draw_crop(config, resources, "train", index).image for index in reversed(range(0, 200, 25))]
    for ahead, other in zip(forward, reversed(backward), strict=True):
        np.testing.assert_array_equal(ahead, other)
    for path in tmp_path.iterdir():
        path.write_bytes(b"no picture")
    broken = load("generate_words", backgrounds={"folder": str(tmp_path), "photo_flip": 0.5})
    with caplog.at_level(logging.WARNING):
        crop = draw_crop(changed(broken, plain=0.0), resources, "train", 0)
    assert crop.image.shape[0] == 32 and "cannot be read" in caplog.text


@pytest.mark.parametrize("recipe", ["generate_words", "generate_lines", "generate_digits"])
def test_recipes_draw_every_split(recipe: str) -> None:
    config = load_config(recipe, [], "generate")
    resources = Resources.load(config)
    for split in config.splits:
        for index in range(8):
            crop = draw_crop(config, resources, split, index)
            assert crop.image.shape[0] == config.crops.height
            if recipe == "generate_digits":
                assert crop.text.isdigit() and 1 <= len(crop.text) <= 10

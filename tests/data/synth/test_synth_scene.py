from __future__ import annotations

import numpy as np
import pytest
import shapely
from synth_recipes import load

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.synth.resources import Resources
from data.synth.scene import draw_scene, render_scene
from data.synth.wording.text import core


def test_scene_is_a_function_of_seed_split_and_index(demo: GenerateConfig, resources: Resources) -> None:
    first = render_scene(demo, resources, "train", 5)
    for index in (9, 2):
        draw_scene(demo, resources, "train", index)  # what was drawn before must not matter
    again = render_scene(demo, Resources.load(demo), "train", 5)
    assert first.words == again.words
    assert first.image.tobytes() == again.image.tobytes()
    assert first.char_quads.tobytes() == again.char_quads.tobytes()
    for split, index in (("train", 6), ("test", 5)):
        assert render_scene(demo, resources, split, index).words != first.words


def test_the_full_recipe_is_a_function_of_seed_split_and_index(scenes: GenerateConfig) -> None:
    """With every optional effect on, in any order of drawing, in fresh caches."""
    resources = Resources.load(scenes)
    first = [render_scene(scenes, resources, "test", index) for index in (4, 5, 6)]
    fresh = Resources.load(scenes)
    for number, index in reversed(list(enumerate((4, 5, 6)))):
        again = render_scene(scenes, fresh, "test", index)
        assert again.image.tobytes() == first[number].image.tobytes()
        assert again.char_quads.tobytes() == first[number].char_quads.tobytes()
        assert again.word_quads.tobytes() == first[number].word_quads.tobytes()


def test_the_full_recipe_reaches_from_small_to_large(scenes: GenerateConfig, resources: Resources) -> None:
    """ICDAR 2015's words are, at the 10th, 50th and 90th percentile, 10, 19 and 44 pixels high (training images); the
    lowest of them are mostly "don't care"."""
    samples = [draw_scene(scenes, resources, "train", index).sample for index in range(20)]
    quads = np.concatenate([sample.word_quads for sample in samples])
    heights = np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)
    low, middle, high = np.percentile(heights, (10, 50, 90))
    assert 10 < low < 20 and 18 < middle < 36 and 40 < high < 90
    # Far more text than a street photo has: a training crop without any teaches little.
    assert 100 < np.mean([len(sample.char_quads) for sample in samples]) < 250


def test_words_and_characters_belong_together(demo: GenerateConfig, resources: Resources) -> None:
    for index in range(8):
        scene = draw_scene(demo, resources, "validation", index)
        sample = scene.sample
        assert [word for text in scene.texts for word in text.split()] == sample.words
        assert np.bincount(sample.char_words).tolist() == [len(word) for word in sample.words]
        assert sample.word_quads.dtype == sample.char_quads.dtype == np.float32
        height, width = sample.image.shape[:2]
        for quads in (sample.word_quads, sample.char_quads):
            assert quads.min() >= 0 and np.all(quads.max(axis=(0, 1)) <= (width - 1, height - 1))
            # Clockwise as seen, y pointing down: the shoelace sum is positive.
            following = np.roll(quads, -1, axis=1)
            area = (quads[..., 0] * following[..., 1] - following[..., 0] * quads[..., 1]).sum(axis=1) / 2
            assert area.min() > 4


def test_some_lines_hold_several_words(demo: GenerateConfig, resources: Resources) -> None:
    texts = [text for index in range(10) for text in draw_scene(demo, resources, "train", index).texts]
    assert any(" " in line for text in texts for line in text.split("\n"))
    assert any("\n" in text for text in texts)
    assert any(len(text.split()) == 1 for text in texts)


@pytest.mark.parametrize("recipe", ["demo", "scenes"])
def test_words_never_overlap_and_keep_a_margin(recipe: str, resources: Resources, request) -> None:
    for index in range(6):
        sample = draw_scene(request.getfixturevalue(recipe), resources, "train", index).sample
        polygons = shapely.polygons(sample.word_quads)
        distances = shapely.distance(polygons[:, None], polygons[None])
        assert distances[~np.eye(len(polygons), dtype=bool)].min(initial=np.inf) > 0.5


def test_splits_share_no_word_and_no_font(demo: GenerateConfig, resources: Resources) -> None:
    seen = {
        split: {core(word) for index in range(25) for word in draw_scene(demo, resources, split, index).sample.words}
        for split in demo.splits
    }
    for scene in seen:
        assert len(seen[scene]) > 100
        for other in seen:
            assert scene == other or not (seen[scene] - {""}) & (seen[other] - {""})
    fonts = [{face.path for family in families for face in family.faces} for families in resources.families.values()]
    assert not (fonts[0] & fonts[1] or fonts[0] & fonts[2] or fonts[1] & fonts[2])
    kinds = {family.kind for families in resources.families.values() for family in families}
    assert kinds == {"serif", "sans", "mono", "slab", "display", "hand"}


def test_text_height_keeps_its_range() -> None:
    changes = {"width": [256, 256], "height": [256, 256], "text_height": [20.0, 20.0], "tilt": [0.0, 0.0]}
    layout = {**changes, "rotation": [0.0, 0.0], "blocks": [3, 3]}
    config = load("generate_demo", layout=layout, text={"case": {"upper": 1.0}}, splits={"train": 1})
    resources = Resources.load(config)
    heights = []
    for index in range(30):
        sample = draw_scene(config, resources, "train", index).sample
        letters = "".join(sample.words)
        sides = sample.char_quads[:, 3, 1] - sample.char_quads[:, 0, 1]
        heights += [side for side, letter in zip(sides, letters, strict=True) if letter == "H"]
    # A font is sized by its H; the box adds the pad on both sides and the pixel grid of the drawing.
    assert len(heights) >= 10 and min(heights) > 19 and max(heights) < 23.5


def test_scene_too_small_for_any_word_is_one_sentence() -> None:
    layout = {"width": [64, 64], "height": [64, 64], "text_height": [16.0, 16.0], "words": [3, 3], "lines": [3, 3]}
    config = load("generate_demo", layout=layout, splits={"train": 1})
    with pytest.raises(UserError, match="No word fits into a scene of 64 x 64 pixels"):
        draw_scene(config, Resources.load(config), "train", 0)

"""Columns: upright characters from top to bottom, with the boxes and links of such words."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import features
from script_fonts import make_font
from synth_recipes import load

from data.heatmap.affinity import affinity_quads
from data.synth.resources import Resources
from data.synth.scene import draw_scene
from data.synth.setting.faces import FontFace
from data.synth.setting.glyphs import GlyphCache
from data.synth.setting.layout import Block, BlockStyle, box_quads, paint, set_block

SIZE = 50


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> FontFace:
    return make_font(tmp_path_factory.mktemp("fonts") / "bars.ttf")


def column(lines: list[list[str]], face: FontFace, spacing: float = 0.0, alignment: float = 0.0) -> Block:
    return set_block(lines, BlockStyle(face, SIZE, spacing, 1.2, alignment, 0.5, vertical=True), GlyphCache())


def test_characters_stand_upright_below_one_another(face: FontFace) -> None:
    block = column([["abX", "12"]], face)
    boxes = block.char_boxes
    assert block.words == ["abX", "12"] and block.text == "abX 12" and block.char_words.tolist() == [0, 0, 0, 1, 1]
    assert (boxes[1:, 1] > boxes[:-1, 3]).all()  # no two overlap
    assert np.ptp(boxes[:, [0, 2]].mean(axis=1)) <= 1  # on one axis
    assert block.word_boxes[1, 1] - block.word_boxes[0, 3] >= 0.22 * SIZE
    for word in range(2):
        of_word = boxes[block.char_words == word]
        np.testing.assert_array_equal(
            block.word_boxes[word], [*of_word[:, :2].min(axis=0), *of_word[:, 2:].max(axis=0)]
        )
    for quad in (*box_quads(boxes), *box_quads(block.word_boxes)):
        assert quad[0].tolist() == quad.min(axis=0).tolist() and quad[2].tolist() == quad.max(axis=0).tolist()
        assert quad[1, 0] == quad[2, 0] and quad[0, 1] == quad[1, 1]
    for place, box in enumerate(boxes):
        ink = paint(block, only=place)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        assert box[0] <= columns[0] - 0.5 and columns[-1] + 0.5 <= box[2]
        assert box[1] <= rows[0] - 0.5 and rows[-1] + 0.5 <= box[3]


def test_ideographs_stand_an_em_apart_and_letters_by_their_capitals(face: FontFace) -> None:
    def steps(word: str, spacing: float) -> np.ndarray:
        # Baselines: the glyphs of the test font stand on them.
        return np.diff([y + glyph.mask.shape[0] for glyph, _, y in column([[word]], face, spacing).glyphs])

    np.testing.assert_allclose(steps("\u6f22\u5b57\u6f22", 0.0), SIZE, atol=1)
    np.testing.assert_allclose(steps("\u6f22\u5b57\u6f22", 0.2), 1.2 * SIZE, atol=1)
    np.testing.assert_allclose(steps("XYX", 0.4), (face.cap_height + 0.25 + 0.4) * SIZE, atol=20)


@pytest.mark.parametrize(("first", "second", "way"), [("\u6f22\u5b57", "\u5b57", -1), ("ab", "X", 1)])
def test_columns_of_ideographs_follow_to_the_left_others_to_the_right(
    face: FontFace, first: str, second: str, way: int
) -> None:
    block = column([[first], [second]], face)
    boxes = block.word_boxes
    assert (boxes[1, 0] - boxes[0, 2] if way > 0 else boxes[0, 0] - boxes[1, 2]) >= 0.12 * SIZE - 1
    assert block.text == f"{first}\n{second}"
    assert boxes[0, 1] == pytest.approx(boxes[1, 1], abs=1)  # columns begin at the same height
    bottoms = column([[first], [second]], face, alignment=1.0).word_boxes[:, 3]
    assert bottoms[0] == pytest.approx(bottoms[1], abs=1)


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow has no raqm")
def test_marks_take_their_form_for_columns_and_joined_letters_stay_in_lines(face: FontFace) -> None:
    upright, turned = GlyphCache().glyph(face, SIZE, "\u300c"), GlyphCache().glyph(face, SIZE, "\u300c", "down")
    assert upright.mask.shape != turned.mask.shape
    for word in ("\u0633\u0644\u0645", "\u05d0\u05d1"):
        block = column([[word]], face)
        assert (np.diff(block.char_boxes[:, 0]) < 0).all() and np.ptp(block.char_boxes[:, 3]) < 0.5 * SIZE


def test_affinity_links_a_column_from_top_to_bottom(face: FontFace) -> None:
    block = column([["abX", "1"], ["\u6f22\u5b57"]], face)
    chars = box_quads(block.char_boxes)
    quads, vertical = affinity_quads(chars, block.char_words)
    assert vertical.tolist() == [True, True, True]
    for quad, above in zip(quads, [0, 1, 4], strict=True):
        # From the middle of one to the middle of the next, and no wider than they are.
        top, bottom = chars[above].mean(axis=0), chars[above + 1].mean(axis=0)
        assert quad[:2, 1] == pytest.approx(top[1], abs=1e-3) and quad[2:, 1] == pytest.approx(bottom[1], abs=1e-3)
        pair = chars[above : above + 2, :, 0]
        assert pair.min() <= quad[:, 0].min() < top[0] < quad[:, 0].max() <= pair.max()


def test_setting_makes_columns_and_without_it_no_number_is_drawn() -> None:
    recipe = load("generate_demo", layout={"text_height": [12, 16], "tilt": [0, 0], "rotation": [0, 0]})
    resources = Resources.load(recipe)
    layouts = [recipe.layout.model_copy(update={"vertical": share}) for share in (0.0, 1e-300, 1.0)]
    drawn = [draw_scene(recipe.model_copy(update={"layout": layout}), resources, "train", 2) for layout in layouts]

    def shares(scene) -> list[float]:
        sample = scene.sample
        counts = np.bincount(sample.char_words)
        sides = np.ptp(sample.word_quads[counts > 2], axis=1)
        return (sides[:, 1] > sides[:, 0]).tolist()

    assert not any(shares(drawn[0])) and all(shares(drawn[2]))
    # A probability that never comes true costs a number, and so makes another scene; none costs nothing.
    assert not any(shares(drawn[1])) and drawn[0].texts != drawn[1].texts

"""What a crop says: labels that are as long as they may be and say what is drawn, and neighbours that stay outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synth_recipes import load

from config.errors import UserError
from config.loader import load_config
from data.draws import stable_hash
from data.graphemes import count_clusters
from data.synth.crop.draw import Crop, encode_crop, place_text
from data.synth.crop.wording import draw_text
from data.synth.resources import Resources
from data.synth.setting.faces import FontFace
from data.synth.setting.layout import box_quads

FACE = FontFace("a.ttf", 0, (), 400.0, False, 0.7, capitals_only=True)


def test_a_face_of_capitals_shows_capitals_and_keeps_what_has_none() -> None:
    assert FACE.shown("straße") == "STRAßE"
    assert FACE.shown("Ćwierć-3") == "ĆWIERĆ-3"
    assert replace(FACE, capitals_only=False).shown("straße") == "straße"


class _Source:
    """Draws Hindi words of four clusters, mostly of more code points than that."""

    def draw(self, rng: np.random.Generator, longest: int | None = None) -> str:
        return "किताबें" if rng.random() < 0.9 else "नमन"


def test_a_label_is_bounded_in_code_points_and_a_long_word_is_drawn_again() -> None:
    config = load("generate_words", crops={"max_length": 5, "neighbours": 0.0})
    resources = Resources.load(config)
    resources = replace(resources, texts={"train": _Source()})
    assert count_clusters("किताबें") <= 5 < len("किताबें")
    for index in range(50):
        text, _ = draw_text(config, resources, "train", np.random.default_rng(index))
        assert text.label == "नमन"


def test_no_neighbour_reaches_behind_the_camera(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("i\ninternationalisation\nincomprehensibility\nl\nj\n", encoding="utf-8")
    text = [f"text.word_list={tmp_path / 'words.txt'}", "text.commonness=0", "text.kinds={word: 1}"]
    crops = ["crops.neighbours=1", "crops.straight=0", "splits={train: 5}"]
    config = load_config("generate_words", [*text, *crops], "generate")
    resources = Resources.load(config)
    alone = 0
    for index in range(60):  # the numbers 26, 30 and 48 did
        placed = place_text(
            config, resources, "train", np.random.default_rng([1111, stable_hash("crop", "train"), index])
        )
        flat = box_quads(placed.block.char_boxes)
        assert (flat @ placed.view.matrix[2, :2] + placed.view.matrix[2, 2]).min() > 0.05
        alone += bool(placed.mine.all())
    assert alone < 40


def test_a_crop_too_wide_for_its_format_is_refused_in_one_sentence() -> None:
    crop = Crop(np.zeros((8, 66_000, 3), np.uint8), "long", np.zeros((0, 4, 2), np.float32), 90)
    with pytest.raises(UserError, match=r"66,000 x 8 pixels.*lower crops\.height"):
        encode_crop(crop)


@pytest.mark.parametrize("key", ["layout.camera_distance", "crops.camera_distance"])
def test_the_camera_keeps_out_of_the_text(key: str) -> None:
    with pytest.raises(UserError, match=key.replace(".", r"\.")):
        load_config("generate_words", [f"{key}=[0.5, 2]"], "generate")

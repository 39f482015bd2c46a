"""Text of other scripts, set cluster by cluster, against the whole word as Pillow's raqm draws it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, features
from script_fonts import ACUTE, DUAL, FATHA, MIRRORED, PLAIN, RIGHT, make_font

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from config.schema.generation import FontSettings, TextSettings
from data.graphemes import clusters
from data.readers.synthtext import SynthTextReader
from data.synth.setting import shaping
from data.synth.setting.bidi import order_line, runs_left, visual_order
from data.synth.setting.faces import FontFace, open_face
from data.synth.setting.fonts import find_families
from data.synth.setting.glyphs import GlyphCache
from data.synth.setting.layout import Block, BlockStyle, box_quads, paint, set_block
from data.synth.setting.shaping import JOINER, contextual_forms, touching
from data.synth.wording.vocabulary import make_alphabet
from data.synth.writing.gt_mat import SceneAnnotation, gt_mat_bytes

needs_raqm = pytest.mark.skipif(not features.check("raqm"), reason="this Pillow has no raqm")
SIZE = 50
ARABIC = DUAL + RIGHT


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> FontFace:
    return make_font(tmp_path_factory.mktemp("fonts") / "bars.ttf")


def set_words(lines: list[list[str]], face: FontFace, spacing: float = 0.0) -> Block:
    return set_block(lines, BlockStyle(face, SIZE, spacing, 1.2, 0.0, 0.0), GlyphCache())


def cut(drawing: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(drawing.any(axis=1)), np.flatnonzero(drawing.any(axis=0))
    return drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def whole(word: str, face: FontFace) -> np.ndarray:
    """Return the ink of the word as the text engine sets it."""
    image = Image.new("L", (SIZE * (2 * len(word) + 4), 4 * SIZE))
    direction = "rtl" if runs_left([word]) else "ltr"
    ImageDraw.Draw(image).text(
        (SIZE, 2 * SIZE), word, font=open_face(face, SIZE), fill=255, anchor="ls", direction=direction
    )
    return cut(np.asarray(image))


@needs_raqm
@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([*ARABIC, *ARABIC, *PLAIN.replace("\u300c", ""), *MIRRORED]),
            st.sampled_from([*(letter + FATHA for letter in ARABIC), "b" + ACUTE, "Y" + ACUTE + ACUTE]),
        ),
        min_size=1,
        max_size=8,
    ).map("".join)
)
def test_clusters_side_by_side_are_the_word(face: FontFace, word: str) -> None:
    """Forms, order, mirrored brackets and marks: the same pixels, for any mixture of directions."""
    np.testing.assert_array_equal(cut(paint(set_words([[word]], face))), whole(word, face))


@needs_raqm
@pytest.mark.parametrize(
    "word", ["\u0633\u0644\u0627\u0645", "\u0628\u0631(\u0628\u0628)", "a\u0301b", "\u05d0\u05d112"]
)
def test_each_box_holds_the_ink_of_its_cluster(face: FontFace, word: str) -> None:
    block = set_words([[word]], face)
    assert len(block.char_boxes) == len(clusters(word))
    for place, box in enumerate(block.char_boxes):
        ink = paint(block, only=place)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        assert box[0] <= columns[0] - 0.5 and columns[-1] + 0.5 <= box[2]
        assert box[1] <= rows[0] - 0.5 and rows[-1] + 0.5 <= box[3]


def test_forms_join_where_the_letters_do() -> None:
    def marked(word: str) -> list[str]:
        return [form.replace(JOINER, "~") for form in contextual_forms(clusters(word))]

    assert marked("\u0628\u0633\u0645") == ["\u0628~", "~\u0633~", "~\u0645"]
    assert marked("\u0628\u0631\u0633") == ["\u0628~", "~\u0631", "\u0633"]  # reh joins nothing after it
    assert marked("\u0628\u064e\u0633") == ["\u0628\u064e~", "~\u0633"]  # a mark between them does not part them
    assert marked("\u0633\u0644\u0627\u0645") == ["\u0633~", "~\u0644\u0627", "\u0645"]
    assert marked("\u0628\u200c\u0633") == ["\u0628\u200c", "\u0633"]
    assert marked("\u0628\u0661\u0628") == ["\u0628", "\u0661", "\u0628"]
    assert marked("\u0710\u0712\u0712") == ["\u0710", "\u0712~", "~\u0712"]  # Syriac
    assert marked("abc") == ["a", "b", "c"] and marked("\u05d0\u05d1") == ["\u05d0", "\u05d1"]
    assert contextual_forms(["\u0627", "\u0647"]) == ["\u0627", shaping.APART + "\u0647"]  # a round heh
    assert contextual_forms(["\u0647"]) == ["\u0647"]
    assert touching("\u0915", "\u0924") and not touching("a", "\u0924") and not touching("\u0628", "\u0633")


@needs_raqm
def test_letter_spacing_leaves_joined_letters_together(face: FontFace) -> None:
    joined = [set_words([["\u0628\u0633"]], face, spacing) for spacing in (0.0, 0.4)]
    np.testing.assert_array_equal(joined[0].char_boxes, joined[1].char_boxes)
    parted = [set_words([["\u0631\u0631"]], face, spacing) for spacing in (0.0, 0.4)]
    apart = [block.char_boxes[0, 0] - block.char_boxes[1, 2] for block in parted]
    assert apart[1] - apart[0] == pytest.approx(0.4 * SIZE, abs=1)


@pytest.mark.parametrize(
    ("text", "base", "levels"),
    [
        ("ab", 0, "00"),
        ("\u05d0\u05d1", 0, "11"),
        ("\u05d0\u05d112", 1, "1122"),
        ("\u05d01.2", 1, "1222"),
        ("\u05d01-", 1, "121"),
        ("\u06281.2", 1, "1222"),
        ("\u05d01-2", 1, "1222"),
        ("\u06281-2", 1, "1212"),
        ("\u05d050%", 1, "1222"),
        ("a(\u05d0)", 0, "0010"),
        ("\u05d0(b)", 1, "1121"),
        ("b(2)", 1, "2222"),
        ("\u05d0ab\u05d1", 1, "1221"),
        ("a1", 1, "22"),
        ("-1", 0, "00"),
    ],
)
def test_levels_of_the_bidirectional_algorithm(text: str, base: int, levels: str) -> None:
    """Worked by hand from UAX #9."""
    assert "".join(map(str, order_line([list(text)], bool(base)).levels[0])) == levels


def test_runs_are_turned_round_level_by_level() -> None:
    assert visual_order([0, 1, 1, 0, 1, 2, 2, 1]) == [0, 2, 1, 3, 7, 5, 6, 4]
    assert visual_order([]) == []


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("\u05d0\u05d1 \u05d2\u05d0 \u05d1", [2, 1, 0]),
        ("\u05d0\u05d1\u05d0\u05d1\u05d0\u05d1 ab cd", [1, 2, 0]),  # Latin words keep their order among themselves
        ("\u05d0\u05d1\u05d2 12 34", [2, 1, 0]),
        ("ab \u05d0 \u05d1 cd", [0, 2, 1, 3]),
        ("\u05d0\u05d1\u05d2\u05d0bc d", [1, 0]),  # a word of two directions stays in one piece
    ],
)
def test_order_of_words(line: str, order: list[int]) -> None:
    words = line.split()
    assert order_line([clusters(word) for word in words], runs_left(words)).words == order


@needs_raqm
def test_lines_run_from_the_right_and_labels_keep_the_order_of_the_text(face: FontFace) -> None:
    lines = [["\u0628\u0633\u0645", "\u0633\u0644\u0627\u0645", "12"], ["\u0628\u0628"]]
    block = set_words(lines, face)
    assert block.words == [word for words in lines for word in words]
    assert block.text == "\u0628\u0633\u0645 \u0633\u0644\u0627\u0645 12\n\u0628\u0628"
    assert block.char_words.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]
    boxes = block.word_boxes
    assert boxes[1, 2] < boxes[0, 0] and boxes[2, 2] < boxes[1, 0]
    assert boxes[3, 2] == pytest.approx(boxes[0, 2], abs=1)  # lines begin at the right margin
    starts = block.char_boxes[:, 0]
    assert starts[0] > starts[1] > starts[2] and starts[3] > starts[4] > starts[5] and starts[6] < starts[7]
    for quad in (*box_quads(block.char_boxes), *box_quads(boxes)):
        assert quad[0, 0] == quad[3, 0] < quad[1, 0] == quad[2, 0] and quad[0, 1] == quad[1, 1] < quad[2, 1]


@needs_raqm
def test_what_is_written_is_read_back(face: FontFace, tmp_path: Path) -> None:
    lines = [["\u0633\u0644\u0627\u0645", "\u0628\u064e\u0633", "(12)"], ["a\u0301b"]]
    block = set_words(lines, face)
    quads, words = box_quads(block.char_boxes), box_quads(block.word_boxes)
    (tmp_path / "gt.mat").write_bytes(gt_mat_bytes([SceneAnnotation("1.jpg", [block.text], words, quads)]))
    reader = SynthTextReader(SynthTextDataset(root=str(tmp_path), index_dir=str(tmp_path / "i"), max_dropped=0.0))
    sample = reader.annotation(0)
    assert sample.words == [unicodedata.normalize("NFC", word) for words in lines for word in words]
    assert sample.char_words.tolist() == block.char_words.tolist() and not reader.report.dropped
    np.testing.assert_allclose(sample.char_quads, quads, atol=1e-3)


@pytest.mark.parametrize("alphabet", ["abc\u0628", "\u05d0", "x\u030c", "\u0915\u093f", "\u0e01\u0e31"])
def test_without_raqm_one_sentence_before_anything_is_drawn(alphabet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaping.features, "check", lambda name: False)
    with pytest.raises(UserError, match=r"U\+[0-9A-F]{4}.* raqm, .*libfribidi0.*text\.alphabet") as caught:
        make_alphabet(TextSettings(alphabet=alphabet), [])
    assert "\n" not in str(caught.value)
    assert make_alphabet(TextSettings(alphabet="e\u0301\u6f22\u0436"), []) == "\u00e9\u0436\u6f22"


def test_characters_without_ink_count_as_missing(tmp_path: Path) -> None:
    make_font(tmp_path / "all.ttf")
    make_font(tmp_path / "blank.ttf", blank="b")
    make_font(tmp_path / "lacking.ttf", without="c")
    families, report = find_families(FontSettings(folder=str(tmp_path)), "abc\u200c\u0628")
    assert [Path(face.path).name for family in families for face in family.faces] == ["all.ttf"]
    assert report.left_out == {"lacks characters of the alphabet": ["blank.ttf lacks b", "lacking.ttf lacks c"]}

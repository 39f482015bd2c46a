"""CVAT's export for images: the layout as CVAT 2 writes it, and what may be wrong with it."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest
from label_folders import SQUARE, write_image, write_label

from config.errors import UserError
from config.schema.word_crops import CutWords
from config.schema.word_datasets import CvatDataset
from data.reader import UnreadableSample
from data.readers import open_dataset
from data.recognition.readers import open_words

META = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <job>
      <id>7</id>
      <labels>
        <label>
          <name>word</name>
          <attributes>
            <attribute>
              <name>text</name>
              <input_type>text</input_type>
            </attribute>
          </attributes>
        </label>
      </labels>
    </job>
    <dumped>2024-05-02 10:11:12.131415+00:00</dumped>
  </meta>
"""


def box(text="word", label="word", *, rotation=None, occluded=0, attribute="text"):
    turned = "" if rotation is None else f' rotation="{rotation:.2f}"'
    inner = "" if text is None else f'      <attribute name="{attribute}">{text}</attribute>\n'
    return (
        f'    <box label="{label}" source="manual" occluded="{occluded}" xtl="10.00" ytl="10.00" xbr="30.00" '
        f'ybr="20.00"{turned} z_order="0">\n{inner}    </box>\n'
    )


def polygon(points, text="word", label="word"):
    return (
        f'    <polygon label="{label}" source="manual" occluded="0" points="{points}" z_order="0">\n'
        f'      <attribute name="text">{text}</attribute>\n    </polygon>\n'
    )


def image(name, *shapes, size=(40, 60)):
    inner = "".join(shapes)
    return f'  <image id="0" name="{name}" width="{size[1]}" height="{size[0]}">\n{inner}  </image>\n'


def export(root, *images, head=META, files=("a.jpg",), tail="</annotations>\n", **options):
    for name in files:
        write_image(root / "images" / name)
    write_label(root / "annotations.xml", head + "".join(images) + tail)
    return open_dataset(CvatDataset(root=str(root), **{"max_dropped": 1.0, **options}))


def test_boxes_and_polygons(tmp_path):
    curve = "10.00,10.00;20.00,8.00;30.00,10.00;30.00,20.00;20.00,18.00;10.00,20.00"
    shapes = [box("caf&#233; &amp; co"), polygon("10,10;30,10;30,20;10,20", "quad"), polygon(curve, "curve")]
    shapes.append('    <tag label="street" source="manual">\n      <attribute name="text">no word</attribute></tag>\n')
    reader = export(tmp_path, image("a.jpg", *shapes))
    sample = reader[0]
    assert sample.sample_id == "a.jpg" and sample.words == ["café & co", "quad", "curve"]
    assert not sample.ignore.any() and sample.image.shape == (40, 60, 3)
    np.testing.assert_array_equal(sample.word_quads[:2], [SQUARE] * 2)
    assert sample.word_polygons[2].shape == (6, 2)
    assert not reader.report.dropped and reader.report.words == 3
    assert reader.place(0, 1).startswith("annotations.xml line ")


@pytest.mark.parametrize(
    ("degrees", "quad"),
    [
        (0, SQUARE),
        (90, [[25, 5], [25, 25], [15, 25], [15, 5]]),  # the top left corner comes to the top right
        (180, [[30, 20], [10, 20], [10, 10], [30, 10]]),
        (
            30,
            [
                [20 + x * math.cos(math.pi / 6) - y * 0.5, 15 + x * 0.5 + y * math.cos(math.pi / 6)]
                for x, y in ((-10, -5), (10, -5), (10, 5), (-10, 5))
            ],
        ),
    ],
)
def test_a_box_is_turned_clockwise_about_its_centre(tmp_path, degrees, quad):
    sample = export(tmp_path, image("a.jpg", box(rotation=degrees))).annotation(0)
    np.testing.assert_allclose(sample.word_quads[0], quad, atol=1e-4)


def test_what_is_dont_care(tmp_path):
    shapes = [box("a"), box("###"), box(""), box(None), box("b", "ignore"), box("c", occluded=1), box("d", "logo")]
    images = image("a.jpg", *shapes)
    sample = export(tmp_path, images).annotation(0)
    assert sample.words == ["a", "###", "", "", "b", "c", "d"]
    assert sample.ignore.tolist() == [False, True, True, True, True, False, False]
    reader = export(tmp_path, images, ignore_occluded=True, word_labels=["word"])
    assert reader.annotation(0).words == ["a", "###", "", "", "b", "c"]
    assert reader.annotation(0).ignore.tolist() == [False, True, True, True, True, True]
    assert reader.report.dropped == {"shape: its label is none of `word_labels`": 1}
    assert "'logo'" in reader.report.examples["shape: its label is none of `word_labels`"][0]


def test_the_attribute_with_the_text(tmp_path, caplog):
    images = image("a.jpg", box("Royal", attribute="transcription"))
    assert export(tmp_path, images, text_from="transcription").annotation(0).words == ["Royal"]
    with caplog.at_level(logging.WARNING):
        export(tmp_path, images)
    assert "none of 1 words has a text; set the dataset's `text_from`" in caplog.text
    assert "there are transcription" in caplog.text


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (box().replace("10.00", "ten", 1), "points are not pairs of numbers"),
        (box().replace('xtl="10.00" ', ""), "points are not pairs of numbers"),
        (box().replace("10.00", "nan", 1), "a coordinate is not finite"),
        (box().replace("30.00", "1e9"), "a coordinate is beyond a million pixels"),
        (polygon("10,10;20"), "points are not pairs of numbers"),
        (polygon(""), "points are not pairs of numbers"),
        (polygon("10,10;20,20"), "outline of fewer than three points"),
        ('<ellipse label="word" cx="1" cy="1" rx="1" ry="1"></ellipse>\n', "shape is no box and no polygon"),
        ('<strange label="word"/>\n', "shape is no box and no polygon"),
    ],
)
def test_a_bad_shape_is_counted_with_its_line(tmp_path, bad, reason):
    reader = export(tmp_path, image("a.jpg", box("ok"), bad))
    assert reader.annotation(0).words == ["ok"] and reader.report.dropped == {f"word: {reason}": 1}
    line = META.count("\n") + 5
    assert reader.report.examples[f"word: {reason}"][0].startswith(f"annotations.xml line {line}")


def test_images_that_are_left_out(tmp_path, caplog):
    names = ("a.jpg", "missing.jpg", "a.jpg", "../images/../../x.jpg", "day/b.jpg", "gone/c.jpg")
    images = [image(name, box()) for name in names] + [image("empty.jpg")]
    with caplog.at_level(logging.INFO):
        reader = export(tmp_path, *images, files=("a.jpg", "day/b.jpg", "c.jpg", "empty.jpg"))
    assert [reader.annotation(k).sample_id for k in range(len(reader))] == ["a.jpg", "day/b.jpg", "c.jpg", "empty.jpg"]
    assert reader.report.dropped == {
        "image: missing": 1,
        "image: listed twice": 1,
        "image: its path leads outside the data root": 1,
        "word: its image was left out": 3,
    }
    assert "1 images are listed without shapes and count as images without text" in caplog.text
    with pytest.raises(UserError, match="3 of 6 words"):
        export(tmp_path, *images, max_dropped=0.01)


def test_an_image_of_another_size_cannot_be_read(tmp_path):
    reader = export(tmp_path, image("a.jpg", box(), size=(30, 60)))
    with pytest.raises(UnreadableSample, match="60x40 pixels, its labels were made for 60x30"):
        reader[0]


def test_select_and_several_files(tmp_path):
    names = [f"img_{index}.jpg" for index in (1, 2, 3)]
    for name in names:
        write_image(tmp_path / "images" / name)
    for index, name in enumerate(names):
        write_label(tmp_path / f"{index}.xml", META + image(name, box(name)) + "</annotations>")
    options = {"root": str(tmp_path), "labels": ["2.xml", "0.xml"]}
    reader = open_dataset(CvatDataset(**options))
    assert [reader.annotation(k).words for k in range(2)] == [["img_3.jpg"], ["img_1.jpg"]]
    assert open_dataset(CvatDataset(**options, select="3-9")).annotation(0).words == ["img_3.jpg"]
    with pytest.raises(UserError, match="`select: 7-9` takes none of the 2 images"):
        open_dataset(CvatDataset(**options, select="7-9"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<annotations>\n<image>\n", r"annotations.xml line 3: this is no XML \(no element found\)"),
        ("<annotations>\n<a></b></annotations>", r"annotations.xml line 2: this is no XML \(mismatched tag\)"),
        ("", r"annotations.xml line 1: this is no XML"),
        ("{}", r"annotations.xml line 1: this is no XML"),
        ("<VOC/>", "line 1: holds <VOC>, not <annotations> as CVAT writes it; check the dataset's `format`"),
        ("<annotations>\n<track id='0'/></annotations>", "line 2: this is an export for videos"),
        ("<annotations></annotations>", "there is no usable image"),
        ("<annotations>&undefined;</annotations>", r"line 1: this is no XML \(undefined entity\)"),
    ],
)
def test_a_file_of_another_kind_is_one_sentence(tmp_path, content, sentence):
    with pytest.raises(UserError, match=sentence):
        export(tmp_path, content, head="", tail="")


def test_entities_are_refused_before_they_are_read(tmp_path):
    laughs = "\n".join(f'<!ENTITY l{k + 1} "{f"&l{k};" * 10}">' for k in range(9))
    bomb = f'<?xml version="1.0"?>\n<!DOCTYPE annotations [\n<!ENTITY l0 "lol">\n{laughs}\n]>\n'
    outside = '<!DOCTYPE annotations [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'
    for head, line in ((bomb, 2), (outside, 1), ('<!DOCTYPE annotations SYSTEM "http://host/a.dtd">\n', 1)):
        with pytest.raises(UserError, match=rf"line {line}: has a document type \(DOCTYPE\)"):
            export(tmp_path, "<annotations>&l9;&x;", head=head)


def test_a_tag_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("data.readers.cvat._LONGEST_TAG", 2 << 20)
    with pytest.raises(UserError, match="a tag does not end within"):
        export(tmp_path, '  <image name="' + "x" * (5 << 20))


def test_its_words_are_cut_out_for_a_recogniser(tmp_path):
    export(tmp_path, image("a.jpg", box("one"), box("two", rotation=90), box("###")))
    words = open_words(CutWords(dataset=CvatDataset(root=str(tmp_path))))
    assert [words.text(k) for k in range(len(words))] == ["one", "two"]
    assert words.size(0) == words[0].image.shape[:2] == (10, 20) == words[1].image.shape[:2]


def test_an_encoding_that_would_be_read_wrongly_is_refused(tmp_path):
    with pytest.raises(UserError, match="line 1: is written in 'windows-1252', which is not read; save it as UTF-8"):
        export(tmp_path, "<annotations>", head='<?xml version="1.0" encoding="windows-1252"?>\n', tail="</annotations>")

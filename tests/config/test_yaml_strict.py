from __future__ import annotations

import json
import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import UserError
from config.yaml_strict import MAX_VALUES, load, load_value

# scalar as written, its value here
SCALARS = [
    ("1e-4", 1e-4),  # text to YAML 1.1
    ("1.5E+3", 1500.0),
    (".5", 0.5),
    ("5.", 5.0),
    ("0.0001", 1e-4),
    ("-.inf", -math.inf),
    ("no", "no"),  # False to YAML 1.1, and so are the next ones booleans
    ("yes", "yes"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("true", True),
    ("False", False),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("012", "012"),  # ten to YAML 1.1, twelve to YAML 1.2
    ("0o14", 12),
    ("0x1F", 31),
    ("0b11", "0b11"),
    ("-0", 0),
    ("+12", 12),
    ("1_000", "1_000"),
    ("1:30", "1:30"),  # ninety to YAML 1.1
    ("190:20:30", "190:20:30"),
    ("2001-12-14", "2001-12-14"),
    ("2001-12-14 21:59:43.10 -05:00", "2001-12-14 21:59:43.10 -05:00"),
    ("null", None),
    ("NULL", None),
    ("~", None),
    ("", None),
    ("None", "None"),
    ("nan", "nan"),
    ("inf", "inf"),
    (".", "."),
    ("-", None),  # a list of one null, see below
    ("'5'", "5"),
    ('"off"', "off"),
    ("<<", "<<"),
    ("=", "="),
    ("[1, 2.5, no]", [1, 2.5, "no"]),
    ("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}),
]


@pytest.mark.parametrize(("text", "value"), [row for row in SCALARS if row[0] != "-"])
def test_scalars_follow_the_core_schema(text, value):
    found = load(f"key: {text}", "f.yaml").data["key"]
    assert found == value
    assert type(found) is type(value)
    assert load_value(text, "value") == value


def test_nan_is_read_as_a_number():
    assert math.isnan(load("[.nan, .NaN, .NAN]", "f").data[1])


def test_lines_lead_to_every_key_and_item():
    text = "# comment\na: 1\n\nb:\n  c: [x,\n      y]\n  d:\n    - e: 2\n    - f\n"
    document = load(text, "f.yaml")
    assert document.data == {"a": 1, "b": {"c": ["x", "y"], "d": [{"e": 2}, "f"]}}
    assert document.lines == {
        (): 2,
        ("a",): 2,
        ("b",): 4,
        ("b", "c"): 5,
        ("b", "c", 0): 5,
        ("b", "c", 1): 6,
        ("b", "d"): 7,
        ("b", "d", 0): 8,
        ("b", "d", 0, "e"): 8,
        ("b", "d", 1): 9,
    }


def test_anchors_are_copied_and_merged():
    text = "base: &base {x: 1, y: [2]}\nmore: &more {z: 4, x: 5}\nuse: {<<: [*base, *more], y: 3}\nagain: *base\n"
    data = load(text, "f").data
    assert data["use"] == {"x": 1, "y": 3, "z": 4}
    assert data["again"] == data["base"]
    assert data["again"]["y"] is not data["base"]["y"]  # an override of one must not change the other


def test_merge_agrees_with_pyyaml():
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {z: 5, <<: [*b, *a], w: 6}\n"
    assert load(text, "f").data == yaml.safe_load(text)


def test_the_first_of_several_merged_mappings_wins_with_what_it_has_merged_itself():
    # The merge key's definition (yaml.org/type/merge.html); PyYAML 6.0.4 takes y from `a` here, earlier ones do not.
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3, z: 4}\nc: {z: 5, <<: [*b, *a], w: 6}\n"
    assert load(text, "f").data["c"] == {"z": 5, "w": 6, "y": 3, "x": 1}


def test_keys_are_text_as_written():
    assert load("2013: a\non: b\n1e3: c\nnull: d\n", "f").data == {"2013": "a", "on": "b", "1e3": "c", "null": "d"}


# the document, the line the error names, words it holds
FAULTS = [
    ("a: 1\nb: 2\na: 3", 3, "'a' was already given in line 1"),
    ("s:\n  lr: 1\n  x: 2\n  lr: 3", 4, "'lr' was already given in line 2"),
    ("a: {x: 1, x: 2}", 1, "'x' was already given"),
    ("a:\n\tb: 1", 2, "tab"),
    ("a: b: c", 1, "cannot stand here"),
    ("lr:0.1\nb: 2", 2, "space after its ':'"),
    ("a: [1, 2\nb: 3", 2, "not closed by ']'"),
    ("a: {x: 1", 1, "not closed by '}'"),
    ("a: 'x\n", 2, "quoted text is not closed"),
    ("a: @x", 1, "put it in quotes"),
    ("a: *x", 1, "no anchor"),
    ("a: 1\n---\nb: 2", 2, "one configuration"),
    ("a:\n  - 1\n b: 2", 3, "indentation"),
    ("a: 1\nb", 2, "`key: value`"),
    ("a: [1, , 2]", 1, "a value is missing"),
    ("a: &a [*a]", 1, "alias of itself"),
    ("a: &a {<<: *a}", 1, "`<<`"),
    ("a: 1\n<<: 3", 2, "`<<`"),
    ("? [a]\n: 1", 1, "key must be plain text"),
    ("a: !!python/object:os.system x", 1, "!!python/object"),
    ("a: !!set {x}", 1, "!!set"),
    ("a: !!timestamp 2001-01-01", 1, "!!timestamp"),
    ("a: !!int abc", 1, "!!int"),
    ("a: !!bool yes", 1, "cannot be read as bool"),
    ("a: 1\nb: \x01", 2, "U+0001"),
    ('a: "\\ud800"', 1, "surrogate"),
    ("a: " + "9" * 5000, 1, "cannot be read as int"),
    ("[" * 1000, 1, "deep"),
]


@pytest.mark.parametrize(("text", "line", "words"), FAULTS)
def test_faults_name_file_and_line_in_one_sentence(text, line, words):
    with pytest.raises(UserError) as caught:
        load(text, "dir/f.yaml")
    sentence = str(caught.value)
    assert sentence.startswith(f"dir/f.yaml:{line}: ")
    assert words in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("form", ["a{0}: &a{0} [{1}]\n", "a{0}: &a{0} {{<<: [{1}]}}\n"])
def test_alias_bombs_are_refused(form):
    first = "a0: &a0 {x: 1}\n"
    bomb = first + "".join(form.format(level, ",".join([f"*a{level - 1}"] * 10)) for level in range(1, 15))
    with pytest.raises(UserError, match=f"more than {MAX_VALUES} values"):
        load(bomb, "f.yaml")


def test_a_comment_as_an_override_is_refused():
    with pytest.raises(UserError, match="comment"):
        load_value("#3", "value")


_text = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2000, exclude_characters="\x7f", exclude_categories=["Cc"])
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_text.filter(lambda key: len(key) < 100), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(_json)
def test_json_is_read_as_json(value):
    assert load(json.dumps({"v": value}, ensure_ascii=False), "f").data == {"v": value}


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab01.:-#&*!%@`'\"[]{},<>|?~ \n\t_=\\"), max_size=40))
def test_whatever_is_written_gives_a_value_or_a_user_error(text):
    try:
        load(text, "f.yaml")
    except UserError as error:
        assert str(error).startswith("f.yaml:")

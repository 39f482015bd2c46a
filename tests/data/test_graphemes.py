from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.graphemes import clusters, count_clusters, nfc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("abc-1", ["a", "b", "c", "-", "1"]),
        ("na\u00efve", ["n", "a", "\u00ef", "v", "e"]),
        ("x\u030cy", ["x\u030c", "y"]),  # no code point of its own
        (
            "\u0915\u094d\u0937\u0924\u094d\u0930\u093f\u092f",
            ["\u0915\u094d\u0937", "\u0924\u094d\u0930\u093f", "\u092f"],
        ),
        ("\u0e17\u0e35\u0e48\u0e19\u0e33", ["\u0e17\u0e35\u0e48", "\u0e19\u0e33"]),
        ("\u0634\u064e\u0631\u0642", ["\u0634\u064e", "\u0631", "\u0642"]),
        ("\u0633\u0644\u0627\u0645", ["\u0633", "\u0644\u0627", "\u0645"]),
        ("\u0644\u064e\u0622\u0650", ["\u0644\u064e\u0622\u0650"]),
        ("\u0644\u200c\u0627", ["\u0644\u200c", "\u0627"]),  # kept apart by hand
        ("\u0644\u0644\u0647", ["\u0644", "\u0644", "\u0647"]),
        ("\u05e9\u05c1\u05dc", ["\u05e9\u05c1", "\u05dc"]),
        ("\u6f22\u5b57", ["\u6f22", "\u5b57"]),
        ("\ud55c\u1112\u1161\u11ab", ["\ud55c", "\u1112\u1161\u11ab"]),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467!", ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "!"]),
    ],
)
def test_units_are_what_a_reader_sees(text: str, expected: list[str]) -> None:
    assert clusters(text) == expected
    assert count_clusters(text) == len(expected)


@given(st.text(alphabet="aZ9 \u00e9e\u0301\u0644\u0627\u064e\u0915\u094d\u0e33\u200d\u200c\u1112\u1161\u5b57"))
def test_nothing_is_lost_and_nfc_keeps_the_count(text: str) -> None:
    assert "".join(clusters(text)) == text
    assert nfc(text) == unicodedata.normalize("NFC", text)
    assert count_clusters(nfc(text)) == count_clusters(text) == len(clusters(text))


@given(st.text())
def test_any_text_can_be_put_together_again(text: str) -> None:
    assert "".join(clusters(text)) == text and "" not in clusters(text)

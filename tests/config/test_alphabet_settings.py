"""What an alphabet of a configuration may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import UserError
from config.loader import load_config
from config.schema.alphabet import character_name


@pytest.mark.parametrize("key", ["characters", "train.ckpt_characters"])
@pytest.mark.parametrize(
    ("characters", "message"),
    [
        ("", "there is no character in it"),
        ("abca", r"the character 'a' \(U\+0061\) is there twice"),
        ("a b ", r"the character '␣' \(U\+0020\) is there twice"),
        ("ab\\t", r"the control character U\+0009 is in it"),
        ("\\u212bb", r"'\u212b' \(U\+212B\) does not occur in text of Unicode's NFC"),
    ],
)
def test_an_impossible_alphabet_is_one_sentence(tmp_path: Path, key: str, characters: str, message: str) -> None:
    (tmp_path / "job.yaml").write_text("task: recognition\n")
    with pytest.raises(UserError, match=f"{key}.*{message}") as caught:
        load_config(str(tmp_path / "job.yaml"), [f'{key}="{characters}"'], "recognition")
    assert "\n" not in str(caught.value)


def test_any_other_character_may_be_in_it(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("task: recognition\ncharacters: ']^-\\ A日ب'\n", encoding="utf-8")
    config = load_config(str(tmp_path / "job.yaml"), ["train.ckpt_characters=null"], "recognition")
    assert config.characters == "]^-\\ A日ب" and config.train.ckpt_characters is None
    assert character_name("日") == "'日' (U+65E5)"

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import UserError
from utils.draw.picture_file import picture_path, save_picture


def test_saved_picture_is_rgb_again(tmp_path: Path) -> None:
    picture = np.zeros((4, 5, 3), np.uint8)
    picture[..., 0] = 200
    save_picture(tmp_path / "new" / "red.png", picture)
    assert cv2.imread(str(tmp_path / "new" / "red.png"))[0, 0].tolist() == [0, 0, 200]


def test_a_picture_may_be_named_in_a_folder_that_is_still_to_be_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sheet.PNG"
    assert picture_path("--draw", str(path)) == path
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sheet.gif", "--draw .*sheet.gif: name a .png or .jpg file"),
        ("sheet", "--draw .*sheet: name a .png or .jpg file"),
        ("file/sheet.png", "cannot be written there"),
        ("folder.png", "cannot be written there"),
    ],
)
def test_a_path_that_can_be_no_picture_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match=said):
        picture_path("--draw", tmp_path / name)

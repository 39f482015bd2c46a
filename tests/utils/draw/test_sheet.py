from __future__ import annotations

import numpy as np
import pytest

from utils.draw.palette import BACKGROUND, FAINT, KEPT
from utils.draw.sheet import Cell, Header, beside, centred, fitted, lay_out


def flat(height: int, width: int, value: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def area(sheet: np.ndarray, value: int) -> int:
    return int((sheet == value).all(axis=2).sum())


def test_equal_pictures_form_a_grid() -> None:
    sheet = lay_out([Cell(flat(10, 20, 140 + index)) for index in range(7)], 3 * (20 + 6) + 6, gap=6)
    assert sheet.shape == (3 * (10 + 6) + 6, 3 * (20 + 6) + 6, 3)
    assert [area(sheet, 140 + index) for index in range(7)] == [200] * 7
    for index in range(7):
        top, left = 6 + index // 3 * 16, 6 + index % 3 * 26
        assert (sheet[top : top + 10, left : left + 20] == 140 + index).all()


def test_rows_break_where_a_picture_does_not_fit_and_wide_pictures_are_cut() -> None:
    sheet = lay_out([Cell(flat(8, 10 * (index + 1), 140 + index)) for index in range(12)], 100, gap=6)
    assert sheet.shape[1] == 100
    assert [area(sheet, 140 + index) for index in range(12)] == [8 * min(10 * (index + 1), 88) for index in range(12)]


def test_captions_stand_below_their_pictures_and_part_them() -> None:
    cells = [Cell(flat(20, 8, 140), "a long caption", KEPT), Cell(flat(30, 8, 141), "b")]
    sheet = lay_out(cells, 300)
    right = int(np.argwhere((sheet == 141).all(axis=2))[:, 1].min())
    below = sheet[16 + 20 : 16 + 20 + 24]
    written = np.argwhere((below == KEPT).all(axis=2))
    assert written.size and written[:, 1].min() >= 16 and written[:, 1].max() < right - 8
    assert (sheet[16 + 30 :] == FAINT).all(axis=2).any()


def test_a_caption_that_no_row_holds_loses_its_middle() -> None:
    sheet = lay_out([Cell(flat(20, 8, 140), "folder/" * 50 + "name.jpg")], 200)
    assert sheet.shape[1] == 200 and (sheet[:, 184:] == BACKGROUND).all()
    again = lay_out([Cell(flat(20, 8, 140), "folder/" * 60 + "name.jpg")], 200)
    np.testing.assert_array_equal(sheet, again)  # both ends are kept


def test_the_header_stands_above_the_pictures() -> None:
    header = Header("title", ((KEPT, "characters"),), ("a note", "another"))
    sheet = lay_out([Cell(flat(20, 8, 140))], 300, header)
    plain = lay_out([Cell(flat(20, 8, 140))], 300)
    added = sheet.shape[0] - plain.shape[0]
    np.testing.assert_array_equal(sheet[added + 16 :], plain[16:])
    assert (sheet[:added] == KEPT).all(axis=2).any()


@pytest.mark.parametrize(("width", "height"), [(200, 100), (25, 400), (50, 20)])
def test_fitted_pictures_keep_their_proportions_and_say_where_a_pixel_went(width: int, height: int) -> None:
    image = flat(40, 100, 0)
    image[10:20, 50:70] = 200
    resized, matrix = fitted(image, width, height)
    assert resized.shape[0] <= height and resized.shape[1] <= width
    assert resized.shape[0] == height or resized.shape[1] == width
    expected = matrix @ (59.5, 14.5, 1)
    weight = resized[..., 0].astype(float)
    rows, columns = np.indices(weight.shape)
    centre = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    np.testing.assert_allclose(centre, expected[:2], atol=0.6)


def test_pictures_are_centred_and_joined() -> None:
    canvas = centred(flat(4, 6, 140), 10, 8)
    assert canvas.shape == (8, 10, 3) and (canvas[2:6, 2:8] == 140).all() and area(canvas, 140) == 24
    assert beside([flat(4, 6, 1), flat(4, 3, 2)]).shape == (4, 6 + 8 + 3, 3)
    assert beside([flat(4, 6, 1), flat(2, 6, 2)], gap=3, axis=0).shape == (4 + 3 + 2, 6, 3)

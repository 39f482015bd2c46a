from __future__ import annotations

import shutil
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest

from config.errors import UserError
from config.schema.generation import FontSettings
from data.synth.resources import Resources
from data.synth.setting.faces import FontFace, open_face
from data.synth.setting.fonts import BUNDLED_FAMILIES, _of_weight, find_families
from data.synth.setting.glyphs import GlyphCache, drawing_size
from data.synth.wording.vocabulary import ASCII_ALPHABET


def bundled(slug: str) -> list[Path]:
    package = distribution(f"fontpkg-{slug.replace('_', '-')}")
    return sorted(Path(str(package.locate_file(file))) for file in package.files if file.suffix == ".ttf")


def test_all_bundled_families_write_ascii() -> None:
    families, report = find_families(FontSettings(), ASCII_ALPHABET)
    assert not report.dropped
    assert {family.name for family in families} == {slug for slugs in BUNDLED_FAMILIES.values() for slug in slugs}
    for family in families:
        for face in family.faces:
            assert 0.5 < face.cap_height < 0.95, face
    assert [family.name for family in families if family.faces[0].capitals_only] == [
        "bebas_neue",
        "permanent_marker",
    ]


def test_weights_of_variable_and_static_fonts() -> None:
    by_name = {family.name: family for family in find_families(FontSettings(weight=[500, 700]), "abc")[0]}
    assert {face.weight for face in by_name["open_sans"].faces} == {500, 567, 633, 700}
    assert {face.weight for face in by_name["crimson_text"].faces} == {600, 700}
    assert {face.weight for face in by_name["anton"].faces} == {400}  # the nearest it has
    # A heavier weight lays down more ink: the axis is really set.
    upright = sorted((face for face in by_name["open_sans"].faces if not face.italic), key=lambda face: face.weight)
    ink = [int(GlyphCache().glyph(face, 64, "m").mask.sum(dtype=np.int64)) for face in upright]
    assert ink == sorted(ink) and ink[-1] > 1.1 * ink[0]


def test_a_family_without_the_weights_asked_for_gives_the_nearest() -> None:
    face = FontFace("a.ttf", 0, (), 250.0, False, 0.7, False)
    pair = [face, replace(face, weight=850.0)]
    assert [face.weight for face in _of_weight(pair, [400, 800])] == [850.0]
    assert [face.weight for face in _of_weight(pair, [300, 800])] == [250.0, 850.0]
    assert [face.weight for face in _of_weight(pair, [200, 800])] == [250.0]


def test_folder_with_broken_and_foreign_files_uses_the_rest(tmp_path: Path) -> None:
    good = bundled("lora")[0]
    shutil.copy(good, tmp_path / "good.ttf")
    (tmp_path / "broken.ttf").write_bytes(good.read_bytes()[:5000])
    (tmp_path / "empty.otf").write_bytes(b"")
    (tmp_path / "web.ttf").write_bytes(b"wOF2" + bytes(60))  # under the name of another format
    (tmp_path / "notes.txt").write_text("not a font")
    shutil.copy(bundled("arvo")[0], tmp_path / "no_euro.ttf")
    families, report = find_families(FontSettings(folder=str(tmp_path)), "abc€")
    assert [family.name for family in families] == ["Lora"]
    assert report.dropped == {
        "font: cannot be read": 3,
        "font: lacks characters of the alphabet": 1,
        "font: not a font file": 1,
    }
    assert report.examples["font: lacks characters of the alphabet"] == ["no_euro.ttf lacks €"]
    assert report.left_out["cannot be read"][2].startswith("web.ttf")
    del report.left_out["cannot be read"][2]
    broken = report.left_out["cannot be read"][0]
    assert broken in ("broken.ttf (TTLibError)", "broken.ttf (AssertionError)")  # the latter in older fontTools
    assert report.left_out == {
        "cannot be read": [broken, "empty.otf (TTLibError)"],
        "lacks characters of the alphabet": ["no_euro.ttf lacks €"],
        "not a font file": ["notes.txt"],
    }


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a folder"):
        find_families(FontSettings(folder=str(tmp_path / "absent")), "abc")
    with pytest.raises(UserError, match=r"holds no \.ttf"):
        find_families(FontSettings(folder=str(tmp_path)), "abc")
    with pytest.raises(UserError, match=r"No font .* has 漢 \(U\+6F22\): add one"):
        find_families(FontSettings(), "abc漢")
    lacking = [bundled("arvo")[0], bundled("anton")[0]]  # neither has both
    for path in lacking:
        shutil.copy(path, tmp_path)
    with pytest.raises(UserError, match=r"has \u25cc\u064e \(U\+064E\)"):
        find_families(FontSettings(folder=str(tmp_path)), "abc\u064e")
    for path in lacking:
        (tmp_path / path.name).unlink()
    (tmp_path / "broken.ttf").write_bytes(b"\0\1\0\0 no font")
    with pytest.raises(UserError, match=r"can be read \(broken.ttf"):
        find_families(FontSettings(folder=str(tmp_path)), "abc")


def test_glyph_cache_gives_ink_and_forgets_the_oldest() -> None:
    face = FontFace(str(bundled("lora")[-1]), 0, (400.0,), 400, False, 0.7, False)
    cache = GlyphCache(max_bytes=20_000)
    glyph = cache.glyph(face, 64, "g")
    assert glyph.mask.any(axis=1)[[0, -1]].all() and glyph.mask.any(axis=0)[[0, -1]].all()
    assert glyph.top < 0 < glyph.top + glyph.mask.shape[0]  # g reaches below the baseline
    assert glyph.advance == pytest.approx(open_face(face, 64).getlength("g"))
    for character in "abcdefhijklmnopqrstuvwxyz":
        cache.glyph(face, 64, character)
    assert cache._bytes <= 20_000 and (face, 64, "g", "right") not in cache._glyphs
    assert cache.glyph(face, 64, " ").mask.size == 0
    assert cache.kerning(face, "A", "V") < -0.01 and abs(cache.kerning(face, "n", "n")) < 1e-6


def test_drawing_sizes_are_half_an_octave_apart() -> None:
    for em in np.geomspace(12, 512, 100):
        assert em <= drawing_size(em) <= max(16, em * 1.45)
    assert drawing_size(900) == 512


def test_a_text_is_as_long_the_first_time_as_ever_after(resources: Resources) -> None:
    faces = {face.path: face for family in resources.families["train"] for face in family.faces}
    for face in faces.values():
        open_face.cache_clear()
        font = open_face(face, 64)
        assert font.getlength("V") == font.getlength("V"), face.path

"""A font made in the tests, with Arabic forms, whose glyphs are bars that tell them apart by width and height."""

from __future__ import annotations

from pathlib import Path

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from data.synth.setting.faces import FontFace

DUAL = "\u0628\u0633\u0644\u0645"
RIGHT = "\u0627\u0631\u0648"
PLAIN = "abcXY0123456789-.,%\u0661\u0662\u05d0\u05d1\u05d2\u6f22\u5b57\u300c"
MIRRORED = "()[]"
FATHA, ACUTE = "\u064e", "\u0301"

_FEATURES = """
languagesystem DFLT dflt;
languagesystem arab dflt;
feature init {{ {init} }} init;
feature medi {{ {medi} }} medi;
feature fina {{ {fina} }} fina;
feature rlig {{ sub u0644.init u0627.fina by lamalef; sub u0644.medi u0627.fina by lamalef.fina; }} rlig;
feature vert {{ sub u300C by u300C.vert; }} vert;
"""


def make_font(path: Path, *, without: str = "", blank: str = "") -> FontFace:
    """Write the font, which has 100 units per em, and return its face.

    Args:
        path: file to write.
        without: characters that are left out.
        blank: characters whose glyph has no ink.
    """
    characters = [
        character for character in DUAL + RIGHT + PLAIN + MIRRORED + FATHA + ACUTE if character not in without
    ]
    names = {character: f"u{ord(character):04X}" for character in characters}
    wide = [*names.values(), *(f"{names[character]}.{form}" for character in DUAL for form in ("init", "medi", "fina"))]
    wide += [*(f"{names[character]}.fina" for character in RIGHT), "lamalef", "lamalef.fina", "u300C.vert"]
    marks = {names[FATHA], names[ACUTE]}
    glyphs, advances = {}, {}
    for index, name in enumerate([".notdef", "space", *wide]):
        # A bar and a dot over its left end, so that no glyph is its own mirror image.
        pen, advance = TTGlyphPen(None), 0 if name in marks else 2 * (14 + index)
        left = -20 if name in marks else 4
        if name != "space" and name not in {names[character] for character in blank}:
            _rectangle(pen, left, 90 if name in marks else 0, left + 8 + index, 96 if name in marks else 10 + index)
            if name not in marks:
                _rectangle(pen, left, 80, left + 4, 86)
        glyphs[name], advances[name] = pen.glyph(), (advance, 0)
    builder = FontBuilder(100, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({32: "space", **{ord(character): name for character, name in names.items()}})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (width, glyphs[name].xMin or 0 if glyphs[name].numberOfContours else 0)
                                    for name, (width, _) in advances.items()})  # fmt: skip
    builder.setupHorizontalHeader(ascent=100, descent=-20)
    builder.setupNameTable({"familyName": "Bars", "styleName": "Regular"})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    rules = {
        form: " ".join(f"sub {names[character]} by {names[character]}.{form};" for character in of)
        for form, of in {"init": DUAL, "medi": DUAL, "fina": DUAL + RIGHT}.items()
    }
    addOpenTypeFeaturesFromString(builder.font, _FEATURES.format(**rules))
    builder.save(path)
    return FontFace(str(path), 0, (), 400, False, 0.5, False)


def _rectangle(pen: TTGlyphPen, left: int, bottom: int, right: int, top: int) -> None:
    pen.moveTo((left, bottom))
    for point in ((left, top), (right, top), (right, bottom)):
        pen.lineTo(point)
    pen.closePath()

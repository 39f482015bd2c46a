"""Standing a block of text in a scene: what it says, how it is set, bent and turned, and where it finds room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.draws import between, between_log
from data.synth.placing.bend import Bend, band, hull, hulls_of, make_bend, quads_of
from data.synth.placing.placement import Pose, find_place, map_points, shift_matrix, tilt_matrix
from data.synth.placing.smooth import Preference
from data.synth.placing.spread import INK_SPREAD, with_spread_ink
from data.synth.resources import Resources
from data.synth.setting.glyphs import drawing_size
from data.synth.setting.layout import Block, BlockStyle, box_quads, set_block

_ATTEMPTS = 4
"""How often a block that finds no room is drawn anew, each time smaller and shorter."""
_PLACES = 25
_PLACES_TO_COMPARE = 60
"""Places that are looked at where the smoothest of them is wanted."""
_INK_SPREAD = 0.65
"""Bilinear resampling spreads ink up to a pixel of the scene; boxes are so much larger on each side. This and the next
are for drawings that are not smoothed; of others `data.synth.placing.spread` knows better."""
_BENT_SPREAD = 1.1
"""The inner side of an arc is drawn smaller than its middle, so ink spreads further there, about."""
_ARCHES_DOWN = 0.35
"""Share of the curves whose middle hangs down; more signs arch up."""
_BORDER = 2.0
"""Words keep this distance from the image's edge, pixels."""


@dataclass(frozen=True)
class PlacedBlock:
    """A block and where it stands.

    Attributes:
        block: the block, flat.
        matrix: homography [3, 3] from pixels of the (bent) block to pixels of the scene.
        size: pixels per em of the block's drawing.
        margin: of the ground that belongs to the block, pixels of the block.
        bend: applied before the matrix; None for straight lines.
    """

    block: Block
    matrix: np.ndarray
    size: int
    margin: float
    bend: Bend | None = None

    @cached_property
    def _bent_chars(self) -> np.ndarray:
        assert self.bend is not None, "only bent blocks have bent characters"
        return quads_of(self.block.char_boxes, self.bend)

    def _words(self, pad: float) -> np.ndarray:
        assert self.bend is not None, "only bent blocks have bent words"
        return hulls_of(self._bent_chars, self.block.char_words, self.block.word_boxes, self.bend, pad)

    def char_quads(self) -> np.ndarray:
        """Return the characters' corners in the scene, float64 [C, 4, 2]."""
        flat = box_quads(self.block.char_boxes) if self.bend is None else self._bent_chars
        return map_points(flat, self.matrix)

    def word_quads(self) -> np.ndarray:
        """Return the words' corners in the scene, float64 [W, 4, 2]."""
        flat = box_quads(self.block.word_boxes) if self.bend is None else self._words(0.0)
        return map_points(flat, self.matrix)

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        low = self.block.word_boxes[:, :2].min(axis=0) - self.margin
        return low, self.block.word_boxes[:, 2:].max(axis=0) + self.margin

    def quad(self) -> np.ndarray:
        """Return the convex ground [K, 2] that belongs to the block: its words and the margin."""
        low, high = self._limits()
        if self.bend is None:
            return map_points(box_quads(np.concatenate([low, high])[None])[0], self.matrix)
        points = np.concatenate([self._words(self.margin).reshape(-1, 2), band(low, high, self.bend)])
        return hull(map_points(points, self.matrix))

    def lattice(self) -> tuple[np.ndarray, float]:
        """Return points [12 * 3, 2] of the scene spread over the block, and half the height of what each stands for."""
        low, high = self._limits()
        across, down = np.meshgrid((np.arange(12) + 0.5) / 12, (np.arange(3) + 0.5) / 3)
        points = low + np.stack([across.ravel(), down.ravel()], axis=-1) * (high - low)
        if self.bend is not None:
            points = self.bend.apply(points)
        mapped = map_points(points, self.matrix)
        return mapped, float(np.linalg.norm(mapped[12:24] - mapped[:12], axis=1).mean()) / 2


def place_block(
    config: GenerateConfig,
    resources: Resources,
    split: str,
    scene_size: tuple[int, int],
    taken: list[np.ndarray],
    must: bool,
    rng: np.random.Generator,
    preference: Preference | None = None,
) -> PlacedBlock | None:
    """Draw a block and find it a place.

    Args:
        config: the settings.
        resources: words and fonts.
        split: which split's.
        scene_size: width and height of the scene.
        taken: areas of the blocks placed so far, convex polygons float64 [K, 2], in pixels of the scene.
        must: the block has to be placed: try until it is as small as the settings allow.
        rng: source of randomness.
        preference: which of the free places is taken, if any suits; without one, the first.

    Returns:
        The block, or None where no room was found.

    Raises:
        UserError: no room was found for a block that must stand.
    """
    layout = config.layout
    width, height = scene_size
    low, high = layout.text_height
    for attempt in range(_ATTEMPTS * (3 if must else 1)):
        # Each attempt asks for less: text height and number of words shrink towards the least allowed.
        share = max(0.0, 1 - attempt / _ATTEMPTS)
        face = resources.choose_face(split, config.fonts.italic, rng)
        cap_height = between_log(rng, (low, low * (high / low) ** share))
        # Where no scene has curves no number is drawn for them, so such scenes are what they were before curves.
        curved = layout.curve.probability > 0 and rng.random() < layout.curve.probability
        count = 1 if curved else layout.lines[0] + int(rng.random() * share * (layout.lines[1] - layout.lines[0] + 1))
        longest = None if attempt < _ATTEMPTS else max(layout.words[0], 3)
        lines = [
            [
                face.shown(resources.texts[split].draw(rng, longest))
                for _ in range(layout.words[0] + int(rng.random() * share * (layout.words[1] - layout.words[0] + 1)))
            ]
            for _ in range(count)
        ]
        em = cap_height / face.cap_height
        size = drawing_size(em)
        pose = _draw_pose(config, rng)
        style = BlockStyle(
            face=face,
            size=size,
            letter_spacing=between(rng, config.fonts.letter_spacing),
            line_spacing=between(rng, layout.line_spacing),
            alignment=float(rng.choice([0.0, 0.5, 1.0], p=[0.5, 0.4, 0.1])),
            pad=_pad(config, pose, curved) * size / em,
            vertical=not curved and layout.vertical > 0 and bool(rng.random() < layout.vertical),
        )
        block = set_block(lines, style, resources.glyphs)
        bend = _draw_bend(block, size, config, rng) if curved else None
        candidate = _stand(block, em / size, size, pose, config.layout.margin, bend)
        if config.look.antialias:
            candidate = replace(candidate, block=with_spread_ink(block, candidate.matrix, bend, style.pad))
        if preference is None or attempt >= _ATTEMPTS:
            place = find_place(candidate.quad(), taken, width, height, _PLACES, rng)
        else:
            place = find_place(
                candidate.quad(), taken, width, height, _PLACES_TO_COMPARE, rng, preference, *candidate.lattice()
            )
        if place is not None:
            return replace(candidate, matrix=shift_matrix(*place) @ candidate.matrix)
    if must:
        raise UserError(
            f"No word fits into a scene of {width} x {height} pixels at text height {layout.text_height[0]:g}: "
            f"raise layout.width and layout.height, or lower layout.text_height, layout.words or layout.lines."
        )
    return None


def _draw_pose(config: GenerateConfig, rng: np.random.Generator) -> Pose:
    layout = config.layout
    angles = (between(rng, layout.tilt), between(rng, layout.tilt), between(rng, layout.rotation))
    return Pose(angles, between(rng, layout.camera_distance))


def _pad(config: GenerateConfig, pose: Pose, curved: bool) -> float:
    """Return how far beyond the ink boxes reach, pixels of the scene."""
    if config.look.antialias:
        return INK_SPREAD  # and then as far as each character needs where it stands
    return _INK_SPREAD * pose.shrinking * (_BENT_SPREAD if curved else 1.0)


def _draw_bend(block: Block, size: int, config: GenerateConfig, rng: np.random.Generator) -> Bend | None:
    angle = np.radians(between(rng, config.layout.curve.strength))
    if rng.random() < _ARCHES_DOWN:
        angle = -angle
    middle = np.array([(block.width - 1) / 2, (block.height - 1) / 2])
    return make_bend(angle, block.word_boxes, block.char_boxes, block.char_words, middle, size)


def _stand(block: Block, scale: float, size: int, pose: Pose, margin: float, bend: Bend | None = None) -> PlacedBlock:
    """Turn and tilt a block about its middle; where it stands is not decided yet."""
    longer = max(block.width, block.height) * scale
    tilted = tilt_matrix(pose.angles, pose.distance * longer, scale)
    matrix = tilted @ shift_matrix(-(block.width - 1) / 2, -(block.height - 1) / 2)
    return PlacedBlock(block, matrix, size, max(margin * size, _BORDER / scale), bend)

"""Placing a block of text in a scene: its text, layout, bend, rotation and place."""

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
"""Number of attempts to place a block; in each the block is drawn again, smaller and shorter."""
_PLACES = 25
_PLACES_TO_COMPARE = 60
"""Number of places to try if the smoothest of them is wanted."""
_INK_SPREAD = 0.65
"""Bilinear resampling spreads ink by up to a pixel of the scene; boxes are extended by this much on each side. This and
the next constant are for drawings that are not smoothed; for others see `data.synth.placing.spread`."""
_BENT_SPREAD = 1.1
"""The inner side of an arc is drawn smaller than its middle, so ink spreads further there, about by this factor."""
_ARCHES_DOWN = 0.35
"""Share of the curves whose middle is the lowest part; on most signs it is the highest."""
_BORDER = 2.0
"""Least distance of words from the edge of the image, pixels."""


@dataclass(frozen=True)
class PlacedBlock:
    """A block and its place in the scene.

    Attributes:
        block: the block, flat.
        matrix: homography [3, 3] from pixels of the (bent) block to pixels of the scene.
        size: pixels per em of the block's drawing.
        margin: around the words, kept free of other blocks, pixels of the block.
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
        """Return the area of the block, words and margin, as a convex polygon, float64 [K, 2], pixels of the scene."""
        low, high = self._limits()
        if self.bend is None:
            return map_points(box_quads(np.concatenate([low, high])[None])[0], self.matrix)
        points = np.concatenate([self._words(self.margin).reshape(-1, 2), band(low, high, self.bend)])
        return hull(map_points(points, self.matrix))

    def lattice(self) -> tuple[np.ndarray, float]:
        """Return points of the scene spread over the block, [12 * 3, 2], and half the height of the part at each."""
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
    """Draw a block and find a place for it.

    Args:
        config: the settings.
        resources: words and fonts.
        split: name of the split.
        scene_size: width and height of the scene.
        taken: areas of the blocks placed so far, convex polygons float64 [K, 2], in pixels of the scene.
        must: the block has to be placed: try until it is as small as the settings allow.
        rng: source of randomness.
        preference: how to choose among free places; None takes the first.

    Returns:
        The block, or None if no place was found.

    Raises:
        UserError: no place was found for a block that has to be placed.
    """
    layout = config.layout
    width, height = scene_size
    low, high = layout.text_height
    for attempt in range(_ATTEMPTS * (3 if must else 1)):
        # Each attempt is smaller: text height and number of words approach the least allowed values.
        share = max(0.0, 1 - attempt / _ATTEMPTS)
        face = resources.choose_face(split, config.fonts.italic, rng)
        cap_height = between_log(rng, (low, low * (high / low) ** share))
        # Without curves in the settings no random value is drawn for them, so old recipes give the same scenes.
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
    """Return how far boxes reach beyond the ink, pixels of the scene."""
    if config.look.antialias:
        return INK_SPREAD  # extended later, for each character at its place
    return _INK_SPREAD * pose.shrinking * (_BENT_SPREAD if curved else 1.0)


def _draw_bend(block: Block, size: int, config: GenerateConfig, rng: np.random.Generator) -> Bend | None:
    angle = np.radians(between(rng, config.layout.curve.strength))
    if rng.random() < _ARCHES_DOWN:
        angle = -angle
    middle = np.array([(block.width - 1) / 2, (block.height - 1) / 2])
    return make_bend(angle, block.word_boxes, block.char_boxes, block.char_words, middle, size)


def _stand(block: Block, scale: float, size: int, pose: Pose, margin: float, bend: Bend | None = None) -> PlacedBlock:
    """Rotate and tilt a block about its middle; its place is chosen later."""
    longer = max(block.width, block.height) * scale
    tilted = tilt_matrix(pose.angles, pose.distance * longer, scale)
    matrix = tilted @ shift_matrix(-(block.width - 1) / 2, -(block.height - 1) / 2)
    return PlacedBlock(block, matrix, size, max(margin * size, _BORDER / scale), bend)

"""One scene: an image, its words and its characters, as a function of (seed, split, index) alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.sample import TextSample
from data.synth.backgrounds import make_background
from data.synth.distractors import draw_distractor
from data.synth.draws import between, between_log, pick, whole
from data.synth.effects import photograph
from data.synth.fonts import FontFace
from data.synth.glyphs import drawing_size
from data.synth.layout import Block, BlockStyle, box_quads, set_block
from data.synth.partition import stable_hash
from data.synth.photos import load_photo
from data.synth.placement import find_place, map_points, shift_matrix, tilt_matrix
from data.synth.render import draw_block
from data.synth.resources import Resources

_ATTEMPTS = 4
"""How often a block that finds no room is drawn anew, each time smaller and shorter."""
_PLACES = 25
_INK_SPREAD = 0.65
"""Bilinear resampling spreads ink up to a pixel of the scene; boxes are so much larger on each side."""
_BORDER = 2.0
"""Words keep this distance from the image's edge, pixels."""


@dataclass(frozen=True)
class PlacedBlock:
    """A block and where it stands: `matrix` [3, 3] takes its pixels to the scene's."""

    block: Block
    matrix: np.ndarray
    size: int
    margin: float

    def quad(self) -> np.ndarray:
        """Return the corners [4, 2] of the ground that belongs to the block: its words and the margin."""
        low = self.block.word_boxes[:, :2].min(axis=0) - self.margin
        high = self.block.word_boxes[:, 2:].max(axis=0) + self.margin
        return map_points(box_quads(np.concatenate([low, high])[None])[0], self.matrix)


@dataclass(frozen=True)
class Scene:
    """A scene as it will be written.

    Attributes:
        sample: image before JPEG, words and quads.
        texts: the text of each block, words parted by spaces and newlines, as `gt.mat` holds it.
        jpeg_quality: 1..100.
        blocks: where the blocks stand.
    """

    sample: TextSample
    texts: list[str]
    jpeg_quality: int
    blocks: list[PlacedBlock]


def render_scene(config: GenerateConfig, resources: Resources, split: str, index: int) -> TextSample:
    """Return scene `index` of a split as a reader would give it after it was written, JPEG and all."""
    scene = draw_scene(config, resources, split, index)
    image = cv2.imdecode(encode_jpeg(scene), cv2.IMREAD_COLOR)
    assert image is not None, "what was encoded can be decoded"
    return replace(scene.sample, image=cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def encode_jpeg(scene: Scene) -> np.ndarray:
    """Return the scene's image as the bytes of a JPEG file, uint8 [N]."""
    image = cv2.cvtColor(scene.sample.image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, scene.jpeg_quality])
    assert done, "a uint8 RGB image can always be encoded"
    return data


def draw_scene(config: GenerateConfig, resources: Resources, split: str, index: int) -> Scene:
    """Draw a scene.

    Args:
        config: the settings.
        resources: words, fonts and photos of the job.
        split: which split's.
        index: number of the scene in its split.

    Raises:
        UserError: not one word finds room in the scene.
    """
    rng = np.random.default_rng([config.seed, stable_hash("scene", split), index])
    layout = config.layout
    width, height = whole(rng, layout.width), whole(rng, layout.height)
    image = _background(config, resources, split, width, height, rng)
    placed: list[PlacedBlock] = []
    taken: list[np.ndarray] = []
    for number in range(whole(rng, layout.blocks)):
        one = _place_block(config, resources, split, (width, height), taken, number == 0, rng)
        if one is not None:
            placed.append(one)
            taken.append(one.quad())
    for one in placed:
        draw_block(image, one.block, one.matrix, one.size, one.margin, config.look, rng)
    _draw_distractors(image, config, taken, rng)
    image = photograph(image, config.camera, rng)
    word_quads = [map_points(box_quads(one.block.word_boxes), one.matrix) for one in placed]
    char_quads = [map_points(box_quads(one.block.char_boxes), one.matrix) for one in placed]
    firsts = np.cumsum([0] + [len(one.block.words) for one in placed])
    sample = TextSample(
        sample_id=f"{split}/{index}",
        image=image,
        words=[word for one in placed for word in one.block.words],
        word_quads=np.concatenate(word_quads).astype(np.float32),
        ignore=np.zeros(int(firsts[-1]), bool),
        char_quads=np.concatenate(char_quads).astype(np.float32),
        char_words=np.concatenate([one.block.char_words + first for one, first in zip(placed, firsts, strict=False)]),
    )
    return Scene(sample, [one.block.text for one in placed], whole(rng, config.camera.jpeg_quality), placed)


def _background(
    config: GenerateConfig, resources: Resources, split: str, width: int, height: int, rng: np.random.Generator
) -> np.ndarray:
    photos = resources.photos[split]
    if photos and rng.random() < config.backgrounds.photo_share:
        path = Path(config.backgrounds.folder or "") / pick(rng, photos)
        photo = load_photo(path, width, height, rng)
        if photo is not None:
            return photo
    return make_background(width, height, config.backgrounds, rng)


def _place_block(
    config: GenerateConfig,
    resources: Resources,
    split: str,
    scene_size: tuple[int, int],
    taken: list[np.ndarray],
    must: bool,
    rng: np.random.Generator,
) -> PlacedBlock | None:
    layout = config.layout
    width, height = scene_size
    low, high = layout.text_height
    for attempt in range(_ATTEMPTS * (3 if must else 1)):
        # Each attempt asks for less: text height and number of words shrink towards the least allowed.
        share = max(0.0, 1 - attempt / _ATTEMPTS)
        face = _choose_face(config, resources, split, rng)
        cap_height = between_log(rng, (low, low * (high / low) ** share))
        longest = None if attempt < _ATTEMPTS else max(layout.words[0], 3)
        lines = [
            [
                _written(resources.texts[split].draw(rng, longest), face)
                for _ in range(layout.words[0] + int(rng.random() * share * (layout.words[1] - layout.words[0] + 1)))
            ]
            for _ in range(layout.lines[0] + int(rng.random() * share * (layout.lines[1] - layout.lines[0] + 1)))
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
            pad=_INK_SPREAD * pose.shrinking * size / em,
        )
        block = set_block(lines, style, resources.glyphs)
        one = _stand(block, em / size, size, pose, config.layout.margin)
        place = find_place(one.quad(), taken, width, height, _PLACES, rng)
        if place is not None:
            return PlacedBlock(block, shift_matrix(*place) @ one.matrix, size, one.margin)
    if must:
        raise UserError(
            f"No word fits into a scene of {width} x {height} pixels at text height {layout.text_height[0]:g}: "
            f"raise layout.width and layout.height, or lower layout.text_height, layout.words or layout.lines."
        )
    return None


@dataclass(frozen=True)
class _Pose:
    """How a block is turned before the camera: angles in degrees, distance in units of its longer side."""

    angles: tuple[float, float, float]
    distance: float

    @property
    def shrinking(self) -> float:
        """How much smaller than in the middle a pixel of the block comes out at its far end, about.

        Distance shrinks by 1 + depth, and along the tilt once more; the mean of the two powers is taken, for the
        full square would pad the whole block for the sake of its last letter.
        """
        depth = 0.5 * float(np.abs(np.sin(np.radians(self.angles[:2]))).sum()) / self.distance
        return 1 + 1.5 * depth


def _draw_pose(config: GenerateConfig, rng: np.random.Generator) -> _Pose:
    layout = config.layout
    angles = (between(rng, layout.tilt), between(rng, layout.tilt), between(rng, layout.rotation))
    return _Pose(angles, between(rng, layout.camera_distance))


def _stand(block: Block, scale: float, size: int, pose: _Pose, margin: float) -> PlacedBlock:
    """Turn and tilt a block about its middle; where it stands is not decided yet."""
    longer = max(block.width, block.height) * scale
    tilted = tilt_matrix(pose.angles, pose.distance * longer, scale)
    matrix = tilted @ shift_matrix(-(block.width - 1) / 2, -(block.height - 1) / 2)
    return PlacedBlock(block, matrix, size, max(margin * size, _BORDER / scale))


def _choose_face(config: GenerateConfig, resources: Resources, split: str, rng: np.random.Generator) -> FontFace:
    """Choose a family, all alike, then upright or italic, then a weight."""
    families = resources.families[split]
    faces = pick(rng, families).faces
    italic = rng.random() < config.fonts.italic
    wanted = [face for face in faces if face.italic == italic] or list(faces)
    return pick(rng, wanted)


def _written(word: str, face: FontFace) -> str:
    """Return the word as the face shows it: in capitals where it has no others."""
    capitals = word.upper()
    return capitals if face.capitals_only and len(capitals) == len(word) else word


def _draw_distractors(
    image: np.ndarray, config: GenerateConfig, taken: list[np.ndarray], rng: np.random.Generator
) -> None:
    height, width = image.shape[:2]
    taken = list(taken)
    for _ in range(whole(rng, config.backgrounds.distractors)):
        tall = between_log(rng, config.layout.text_height)
        long = tall * rng.uniform(1.5, 9.0)
        box = np.array([[0.0, 0.0, long, tall]])
        quad = map_points(box_quads(box)[0], tilt_matrix((0, 0, between(rng, config.layout.rotation)), 1e6, 1.0))
        place = find_place(quad, taken, width, height, _PLACES, rng)
        if place is not None:
            draw_distractor(image, quad + place, rng)
            taken.append(quad + place)

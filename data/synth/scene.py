"""One scene: an image, its words and its characters, as a function of (seed, split, index) alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from config.schema.generation import GenerateConfig
from data.augment.effects import photograph
from data.draws import between, between_log, pick, stable_hash, whole
from data.sample import TextSample
from data.synth.ground.backgrounds import make_background
from data.synth.ground.distractors import draw_distractor
from data.synth.ground.photos import load_photo
from data.synth.ink.render import draw_block
from data.synth.placing.blocks import PlacedBlock, place_block
from data.synth.placing.placement import find_place, map_points, tilt_matrix
from data.synth.placing.smooth import Preference, Roughness
from data.synth.resources import Resources
from data.synth.setting.layout import box_quads

_PLACES = 25
"""Number of places to try for a distractor."""


@dataclass(frozen=True)
class Scene:
    """A scene as it will be written.

    Attributes:
        sample: image before JPEG, words and quads.
        texts: the text of each block, words separated by spaces and newlines, as in `gt.mat`.
        jpeg_quality: 1..100.
        blocks: the blocks with their places.
    """

    sample: TextSample
    texts: list[str]
    jpeg_quality: int
    blocks: list[PlacedBlock]


def render_scene(config: GenerateConfig, resources: Resources, split: str, index: int) -> TextSample:
    """Return scene `index` of a split as a reader would return it from disk, JPEG artefacts included."""
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
        split: name of the split.
        index: index of the scene in its split.

    Raises:
        UserError: the scene is too small for any word.
    """
    rng = np.random.default_rng([config.seed, stable_hash("scene", split), index])
    layout = config.layout
    width, height = whole(rng, layout.width), whole(rng, layout.height)
    ground = _ground(config, resources, split, width, height, rng)
    image = ground.image
    placed: list[PlacedBlock] = []
    taken: list[np.ndarray] = []
    for k in range(whole(rng, layout.blocks)):
        item = place_block(config, resources, split, (width, height), taken, k == 0, rng, ground.preference)
        if item is not None:
            placed.append(item)
            taken.append(item.quad())
    for item in placed:
        draw_block(image, item.block, item.matrix, item.size, item.margin, config.look, rng, item.bend)
    _draw_distractors(image, config, ground.distractors, taken, rng)
    image = photograph(image, config.camera, rng)
    word_quads = [item.word_quads() for item in placed]
    char_quads = [item.char_quads() for item in placed]
    firsts = np.cumsum([0] + [len(item.block.words) for item in placed])
    sample = TextSample(
        sample_id=f"{split}/{index}",
        image=image,
        words=[word for item in placed for word in item.block.words],
        word_quads=np.concatenate(word_quads).astype(np.float32),
        ignore=np.zeros(int(firsts[-1]), bool),
        char_quads=np.concatenate(char_quads).astype(np.float32),
        char_words=np.concatenate([item.block.char_words + first for item, first in zip(placed, firsts, strict=False)]),
    )
    return Scene(sample, [item.block.text for item in placed], whole(rng, config.camera.jpeg_quality), placed)


@dataclass(frozen=True)
class _Ground:
    """The background of a scene, the preference for places of text, and the range of the number of distractors."""

    image: np.ndarray
    preference: Preference | None
    distractors: Sequence[int]


def _ground(
    config: GenerateConfig, resources: Resources, split: str, width: int, height: int, rng: np.random.Generator
) -> _Ground:
    photos, settings = resources.photos[split], config.backgrounds
    if photos and rng.random() < settings.photo_share:
        path = Path(settings.folder or "") / pick(rng, photos)
        photo = load_photo(path, width, height, rng, settings.photo_flip, settings.photo_light)
        if photo is not None:
            preference = Preference(Roughness.of(photo), settings.smooth) if settings.smooth > 0 else None
            return _Ground(photo, preference, settings.photo_distractors or settings.distractors)
    return _Ground(make_background(width, height, settings, rng), None, settings.distractors)


def _draw_distractors(
    image: np.ndarray,
    config: GenerateConfig,
    counts: Sequence[int],
    taken: list[np.ndarray],
    rng: np.random.Generator,
) -> None:
    height, width = image.shape[:2]
    taken = list(taken)
    for _ in range(whole(rng, counts)):
        tall = between_log(rng, config.layout.text_height)
        long = tall * rng.uniform(1.5, 9.0)
        box = np.array([[0.0, 0.0, long, tall]])
        quad = map_points(box_quads(box)[0], tilt_matrix((0, 0, between(rng, config.layout.rotation)), 1e6, 1.0))
        place = find_place(quad, taken, width, height, _PLACES, rng)
        if place is not None:
            draw_distractor(image, quad + place, rng)
            taken.append(quad + place)

"""One crop: the picture of a word or of a line with its label, as a function of (seed, split, index) alone.

The text is drawn at the size at which the camera sees it, often very small, on a background that is just large enough.
Then the effects of the camera are applied, a box is cut out as a detector would cut it, and the result is resized once
to the height of the settings. So small text is as coarse as in a photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from config.errors import UserError
from config.schema.generation import CameraSettings, CropSettings, Effect, GenerateConfig
from data.augment.effects import photograph
from data.draws import between, between_log, stable_hash, whole
from data.synth.crop.ground import make_ground
from data.synth.crop.view import View, draw_pose, draw_view
from data.synth.crop.wording import CropText, draw_text
from data.synth.ink.render import draw_block
from data.synth.placing.bend import Bend, make_bend, quads_of
from data.synth.placing.placement import map_points
from data.synth.resources import Resources
from data.synth.setting.glyphs import drawing_size
from data.synth.setting.layout import Block, BlockStyle, box_quads, set_block

_JPEG_SIDE = 65_500
"""Greatest side of a JPEG file, pixels."""
_INK_SPREAD = 0.65
"""Bilinear resampling spreads ink by up to a pixel of the photo; boxes are extended by this much on each side."""
_RESIZE_SPREAD = 0.5
"""Resizing spreads ink again, by about half a pixel of the photo or of the crop, whichever is larger."""
_BENT_SPREAD = 1.1
"""The inner side of an arc is drawn smaller than its middle, so ink spreads further there, about by this factor."""
_TYPICAL_RATIO = 1.35
"""Approximate height of a box, in units of a capital's height."""
_PLATE_MARGIN = 0.35
_LEAST_DEPTH = 0.1
"""Least distance of a drawn character from the camera, in units of the label's distance."""
_MOST_SEEN = 0.5
"""Greatest visible share of a character beside the label: more could be read, although the label does not have it."""


@dataclass(frozen=True)
class Crop:
    """A crop as it will be written.

    Attributes:
        image: uint8 [H, W, 3] RGB before JPEG, H as `crops.height` says.
        text: the label; words are separated by single spaces.
        char_quads: float32 [C, 4, 2], the box of every character with ink, in reading order, in pixels of `image`.
        jpeg_quality: 1..100.
    """

    image: np.ndarray
    text: str
    char_quads: np.ndarray
    jpeg_quality: int


def encode_crop(crop: Crop) -> bytes:
    """Return the picture as a JPEG file.

    Raises:
        UserError: it is too large for one.
    """
    return _jpeg(crop.image[:, :, ::-1], crop.jpeg_quality).tobytes()


def draw_crop(config: GenerateConfig, resources: Resources, split: str, index: int) -> Crop:
    """Draw a crop.

    Args:
        config: the settings.
        resources: words, fonts and photos of the job.
        split: name of the split.
        index: index of the crop in its split.

    Raises:
        UserError: no word of the split is short enough, or the crop is too large for its format.
    """
    rng = _source(config, split, index)
    placed = place_text(config, resources, split, rng)
    image = make_ground(config, resources, split, index, placed.view.width, placed.view.height, rng)
    size = placed.style.size
    draw_block(image, placed.block, placed.view.matrix, size, _PLATE_MARGIN * size, config.look, rng, placed.bend)
    image = take_photo(image, placed.cap_height, config, rng)
    image = placed.view.cut(image, cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR)
    return Crop(image, placed.text.label, placed.char_quads(), whole(rng, config.crops.jpeg_quality))


def crop_label(config: GenerateConfig, resources: Resources, split: str, index: int) -> str:
    """Return the label of a crop without drawing it; arguments and errors as `draw_crop`."""
    return draw_text(config, resources, split, _source(config, split, index))[0].label


def crop_size(config: GenerateConfig, resources: Resources, split: str, index: int) -> tuple[int, int]:
    """Return height and width of a crop, pixels, from its layout alone; arguments and errors as `draw_crop`."""
    view = place_text(config, resources, split, _source(config, split, index)).view
    return view.out_height, view.out_width


def _source(config: GenerateConfig, split: str, index: int) -> np.random.Generator:
    """Return the random generator of a crop."""
    return np.random.default_rng([config.seed, stable_hash("crop", split), index])


@dataclass(frozen=True)
class PlacedText:
    """The text of a crop, set and placed before the camera.

    Attributes:
        text: label and neighbours.
        block: the layout of all of them.
        mine: bool [C], True for the characters of the label.
        style: style of the block.
        cap_height: height of a capital in the photo, pixels.
        view: the place of the block in the photo, and the box.
        bend: applied to the block before the view's matrix; None for straight text.
    """

    text: CropText
    block: Block
    mine: np.ndarray
    style: BlockStyle
    cap_height: float
    view: View
    bend: Bend | None

    def char_quads(self) -> np.ndarray:
        """Return the quads of the label's characters in the finished crop, float32 [C, 4, 2]."""
        matrix = self.view.to_crop() @ self.view.matrix
        return map_points(flat_quads(self.block.char_boxes[self.mine], self.bend), matrix).astype(np.float32)


def flat_quads(boxes: np.ndarray, bend: Bend | None) -> np.ndarray:
    """Return the quads, float [C, 4, 2], of boxes, float [C, 4], of a block, bent if the block is bent."""
    return box_quads(boxes) if bend is None else quads_of(boxes, bend)


def place_text(config: GenerateConfig, resources: Resources, split: str, rng: np.random.Generator) -> PlacedText:
    """Choose text, font, size and box, and lay the text out."""
    crops = config.crops
    text, face = draw_text(config, resources, split, rng)
    cap_height = between_log(rng, crops.text_height)
    em = cap_height / face.cap_height
    size = drawing_size(em)
    pose = draw_pose(crops, rng)
    curved = rng.random() < crops.curve.probability
    resize_spread = _RESIZE_SPREAD * max(1.0, _TYPICAL_RATIO * cap_height / crops.height)
    style = BlockStyle(
        face=face,
        size=size,
        letter_spacing=between(rng, config.fonts.letter_spacing),
        line_spacing=between(rng, config.layout.line_spacing),
        alignment=0.5,
        pad=(_INK_SPREAD + resize_spread) * pose.shrinking * size / em * (_BENT_SPREAD if curved else 1.0),
    )
    if curved:
        text = text.alone()
        block, mine = _set(text, style, resources)
        bend = _draw_bend(block, size, crops, rng)
        view = draw_view(flat_quads(block.char_boxes, bend), pose, em / size, cap_height, crops, rng)
        return PlacedText(text, block, mine, style, cap_height, view, bend)
    block, mine = _set(text, style, resources)
    view = draw_view(box_quads(block.char_boxes[mine]), pose, em / size, cap_height, crops, rng)
    if not mine.all() and _seen(block, mine, view) > _MOST_SEEN:
        text = text.alone()
        block, mine = _set(text, style, resources)
        view = draw_view(box_quads(block.char_boxes), pose, em / size, cap_height, crops, rng)
    return PlacedText(text, block, mine, style, cap_height, view, None)


def _draw_bend(block: Block, size: int, crops: CropSettings, rng: np.random.Generator) -> Bend | None:
    angle = np.radians(between(rng, crops.curve.strength)) * (1 if rng.random() < 0.6 else -1)
    middle = np.array([(block.width - 1) / 2, (block.height - 1) / 2])
    return make_bend(angle, block.word_boxes, block.char_boxes, block.char_words, middle, size)


def _set(text: CropText, style: BlockStyle, resources: Resources) -> tuple[Block, np.ndarray]:
    block = set_block(text.lines, style, resources.glyphs)
    return block, (block.char_words >= text.first) & (block.char_words < text.first + len(text.words))


def _seen(block: Block, mine: np.ndarray, view: View) -> float:
    """Return the greatest visible share of a character beside the label, by upright rectangles.

    A long word beside a short label may reach behind the camera when it is tilted: that counts as visible, too.
    """
    flat = box_quads(block.char_boxes[~mine])
    if (flat @ view.matrix[2, :2] + view.matrix[2, 2]).min() < _LEAST_DEPTH:
        return 1.0
    quads = map_points(flat, view.to_crop() @ view.matrix)
    low, high = quads.min(axis=1), quads.max(axis=1)
    limits = np.array([view.out_width, view.out_height]) - 0.5
    inside = np.maximum(np.minimum(high, limits) - np.maximum(low, -0.5), 0).prod(axis=1)
    return float((inside / (high - low).prod(axis=1)).max())


def take_photo(image: np.ndarray, cap_height: float, config: GenerateConfig, rng: np.random.Generator) -> np.ndarray:
    """Return the picture as the camera takes it; sometimes it is also compressed as JPEG and decoded again.

    Args:
        image: uint8 [H, W, 3] RGB.
        cap_height: height of a capital in the picture, pixels; it limits the blur.
        config: the settings.
        rng: source of randomness.

    Returns:
        uint8 [H, W, 3].
    """
    image = photograph(image, _within_limits(config.camera, cap_height, config.crops), rng)
    if rng.random() < config.crops.recompressed:
        kept = cv2.imdecode(_jpeg(image, whole(rng, config.camera.jpeg_quality)), cv2.IMREAD_COLOR)
        assert kept is not None, "what was encoded can be decoded"
        image = kept
    return image


def _within_limits(camera: CameraSettings, cap_height: float, crops: CropSettings) -> CameraSettings:
    """Return the settings with blurs that leave text of this height readable."""
    most = crops.blur_limit * cap_height
    changes = {}
    for name, limit in (("blur", most), ("defocus", 2 * most), ("motion", 2 * most)):
        effect: Effect = getattr(camera, name)
        if effect.strength[1] > limit:
            strength = [min(value, limit) for value in effect.strength]
            changes[name] = Effect.model_construct(probability=effect.probability, strength=strength)
    return camera.model_copy(update=changes)


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    if max(image.shape[:2]) > _JPEG_SIDE:
        raise UserError(
            f"A crop is {image.shape[1]:,} x {image.shape[0]:,} pixels, more than a JPEG file takes: lower "
            f"crops.height, crops.text_height, crops.words or crops.max_length."
        )
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "any image of this size can be encoded"
    return data

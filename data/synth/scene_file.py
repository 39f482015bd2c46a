"""Drawing a scene and writing its image: the unit of work of a process."""

from __future__ import annotations

from pathlib import Path

from config.schema.generation import GenerateConfig
from data.synth.gt_mat import SceneAnnotation
from data.synth.resources import Resources
from data.synth.scene import draw_scene, encode_jpeg

_PER_FOLDER = 1000


def image_name(index: int) -> str:
    """Return the path of a scene's image within its split."""
    return f"{index // _PER_FOLDER + 1}/scene_{index:06}.jpg"


def write_scene(config: GenerateConfig, resources: Resources, folder: Path, split: str, index: int) -> SceneAnnotation:
    """Draw one scene, write its JPEG below `folder`/`split` and return its annotation."""
    scene = draw_scene(config, resources, split, index)
    name = image_name(index)
    path = folder / split / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(scene).tobytes())
    return SceneAnnotation(name, scene.texts, scene.sample.word_quads, scene.sample.char_quads)

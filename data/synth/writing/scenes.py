"""Scenes in SynthText's format: a JPEG for each, and one `gt.mat` with the boxes of a shard's words and characters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from config.schema.generation import GenerateConfig
from data.io.durable import write_synced
from data.synth.resources import Resources
from data.synth.scene import draw_scene, encode_jpeg
from data.synth.writing.gt_mat import SceneAnnotation, gt_mat_bytes
from data.synth.writing.output import ShardSummary

_PER_FOLDER = 1000
GT = "gt.mat"


def image_name(index: int) -> str:
    """Return the path of a scene's image within its shard: the same, whatever the number of shards."""
    return f"{index // _PER_FOLDER + 1}/scene_{index:06}.jpg"


class SceneOutput:
    """See `data.synth.writing.output.Output`; the items are pairs of an annotation and the image's size in bytes."""

    format = "synthtext"
    unit = "scene"

    def draw(
        self, config: GenerateConfig, resources: Resources, folder: Path, split: str, index: int
    ) -> tuple[SceneAnnotation, int]:
        """Draw one scene, write its JPEG and return its annotation."""
        scene = draw_scene(config, resources, split, index)
        name = image_name(index)
        data = encode_jpeg(scene).tobytes()
        (folder / name).parent.mkdir(exist_ok=True)
        write_synced(folder / name, data)
        return SceneAnnotation(name, scene.texts, scene.sample.word_quads, scene.sample.char_quads), len(data)

    def finish(self, folder: Path, items: Iterable[tuple[SceneAnnotation, int]]) -> ShardSummary:
        """Write `gt.mat`, which is in memory as a whole: about 3 kB for each scene of 60 characters."""
        annotations: list[SceneAnnotation] = []
        files: dict[str, int] = {}
        for annotation, size in items:
            annotations.append(annotation)
            files[annotation.name] = size
        data = gt_mat_bytes(annotations)
        write_synced(folder / GT, data)
        files[GT] = len(data)
        counts = {
            "words": sum(len(annotation.word_quads) for annotation in annotations),
            "characters": sum(len(annotation.char_quads) for annotation in annotations),
        }
        return ShardSummary(_hash(annotations), files, counts)


def _hash(annotations: Iterable[SceneAnnotation]) -> str:
    digest = hashlib.sha256()
    for annotation in annotations:
        facts = [annotation.name, annotation.texts, len(annotation.word_quads), len(annotation.char_quads)]
        digest.update(json.dumps(facts).encode())
        digest.update(np.ascontiguousarray(annotation.word_quads, "<f4").tobytes())
        digest.update(np.ascontiguousarray(annotation.char_quads, "<f4").tobytes())
    return digest.hexdigest()

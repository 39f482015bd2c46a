"""Scenes of the generator as a dataset that is never written to disk: each is drawn when it is needed."""

from __future__ import annotations

import copy
import functools
import hashlib
from dataclasses import dataclass, replace

import numpy as np

from config.errors import UserError, nearest
from config.loader import load_config
from config.origins import COMMAND_LINE
from config.schema.datasets import GeneratedDataset
from config.schema.generation import GenerateConfig
from data.reader import DropReport, Reader, choose_samples
from data.sample import TextSample
from data.synth.resources import Resources
from data.synth.scene import draw_scene, render_scene
from data.synth.writing.manifest import settings_hash


@dataclass
class GeneratedReport(DropReport):
    """A report without the numbers of words and characters, which are unknown before the scenes are drawn.

    Attributes:
        source: the recipe that draws the scenes.
        unit: plural name of the samples.
    """

    source: str = ""
    unit: str = "scenes"

    def table(self) -> str:
        """Return the report as aligned text lines: the dataset, then one line per reason."""
        _, *dropped = super().table().split("\n")
        return "\n".join([f"{self.images:,} {self.unit}, drawn as they are asked for, of {self.source}", *dropped])


class GeneratedReader(Reader):
    """Reader of the scenes of a recipe's split, equal to those that the generator would write, JPEG artefacts included.

    A scene is a function of the recipe's seed, the split and the index: every process draws the same one.

    Attributes:
        report: fonts and words of the list that were left out.
        characters: every character that the words may have.

    Raises:
        UserError: the recipe does not exist, makes something else, or has no such split; or a setting is wrong, or a
            font, a word list or a photo folder that it names cannot be used.
    """

    def __init__(self, config: GeneratedDataset) -> None:
        self._config = load_recipe(config, "scenes", "a detector")
        self._split = config.split
        self._resources = load_resources(self._config.model_dump_json())
        self.characters = frozenset(self._resources.alphabet)
        size = config.size or self._config.splits[config.split]
        self._chosen = choose_samples(size, config.samples, config.source)
        self._length = size if self._chosen is None else len(self._chosen)
        found = self._resources.report
        self.report = GeneratedReport(
            images=self._length,
            dropped=dict(found.dropped),
            examples=copy.deepcopy(found.examples),
            source=config.source,
        )
        self._hash = settings_hash(self._config, self._resources)
        # Errors of drawing should be raised here and not in a loader process.
        draw_scene(self._config, self._resources, self._split, 0)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> TextSample:
        return render_scene(self._config, self._resources, self._split, self._stored_index(index))

    def annotation(self, index: int) -> TextSample:
        """Return the sample without its image, which is drawn nevertheless: the places of words depend on it."""
        scene = draw_scene(self._config, self._resources, self._split, self._stored_index(index))
        return replace(scene.sample, image=np.zeros((0, 0, 3), np.uint8))

    def fingerprint(self) -> str:
        content = f"{self._hash} {self._split} {None if self._chosen is None else self._chosen.tolist()} {self._length}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def _stored_index(self, index: int) -> int:
        """Return the index of the scene in its split."""
        index = self._checked(index)
        return index if self._chosen is None else int(self._chosen[index])


def load_recipe(config: GeneratedDataset, output: str, learner: str) -> GenerateConfig:
    """Return the recipe of a dataset; raise `UserError` if it does not exist or does not make `output`.

    Args:
        config: the dataset's section.
        output: `scenes` or `crops`.
        learner: the network that is trained on it, for the message.
    """
    try:
        recipe = load_config(config.recipe, config.set, task="generate")
    except UserError as fault:
        # The overrides come from `set`, not from the command line.
        message = str(fault).replace(COMMAND_LINE, "in its `set`")
        raise UserError(f"the recipe of a dataset of format 'generated', {config.recipe}: {message}") from None
    assert isinstance(recipe, GenerateConfig), "the task that was asked for"
    if recipe.output != output:
        raise UserError(
            f"the recipe {config.recipe} makes {recipe.output}; {learner} learns from {output} (output: {output})"
        )
    if config.split not in recipe.splits:
        guess = nearest(config.split, recipe.splits)
        hint = f"did you mean '{guess}'?" if guess else f"it has {', '.join(recipe.splits)}"
        raise UserError(f"the recipe {config.recipe} has no split '{config.split}'; {hint}")
    return recipe


@functools.lru_cache(maxsize=4)
def load_resources(settings: str) -> Resources:
    """Load words, fonts and photos once for all splits of a recipe; worker processes get them by pickle.

    Args:
        settings: the `GenerateConfig` as JSON.
    """
    return Resources.load(GenerateConfig.model_validate_json(settings))

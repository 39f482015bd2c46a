"""Settings and resources that the generator's tests share; finding the fonts takes half a second, once."""

from __future__ import annotations

import pytest
from synth_recipes import load

from config.schema.generation import GenerateConfig
from data.synth.resources import Resources


@pytest.fixture(scope="session")
def demo() -> GenerateConfig:
    return load("generate_demo")


@pytest.fixture(scope="session")
def scenes() -> GenerateConfig:
    return load("generate_scenes")


@pytest.fixture(scope="session")
def resources(demo: GenerateConfig) -> Resources:
    return Resources.load(demo)

"""The schema of generation jobs, one module for each part."""

from config.schema.generation.crops import CropSettings
from config.schema.generation.job import GenerateConfig
from config.schema.generation.scene import (
    BackgroundSettings,
    CameraSettings,
    Effect,
    LayoutSettings,
    LookSettings,
    Resolution,
)
from config.schema.generation.text import FontSettings, TextSettings

__all__ = [
    "BackgroundSettings",
    "CameraSettings",
    "CropSettings",
    "Effect",
    "FontSettings",
    "GenerateConfig",
    "LayoutSettings",
    "LookSettings",
    "Resolution",
    "TextSettings",
]

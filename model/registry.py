"""Builds the network that a configuration names."""

from __future__ import annotations

from config.schema.model import CraftModel
from model.craft import Craft


def build_detector(settings: CraftModel) -> Craft:
    """Return the detector with fresh weights; `backbone_weights` is the caller's to load."""
    return Craft(width=settings.width)

"""The options of `predict.py`. This module does not import torch, so mistakes in the options are reported at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.errors import UserError

DETECTION_SETTINGS = ("text_threshold", "low_text", "link_threshold", "canvas_size", "mag_ratio", "poly")
"""Keys of `config.schema.detection.DetectionTest` that control how words are found."""


@dataclass(frozen=True)
class PredictionJob:
    """The options of `predict.py`, one field for each."""

    images: list[str]
    detector: str | None = None
    recognizer: str | None = None
    output: str | None = None
    draw: bool = False
    detection: dict[str, Any] = field(default_factory=dict)
    yaml: str | None = None
    decode: str | None = None
    lexicon: str | None = None
    upright: bool | None = None
    device: str = "auto"
    amp: str | None = None

    def check(self) -> None:
        """Raise `UserError` if an option is missing or has no effect."""
        if self.detector is None and self.recognizer is None:
            raise UserError("no model is given: name weights by --detector FILE.pth, --recognizer FILE.pth or both")
        if not self.images:
            raise UserError("no image is given: name images or a folder of them")
        if self.draw and self.output is None:
            raise UserError("--draw writes pictures, so it needs a folder for them: --output FOLDER")
        if self.output is not None and Path(self.output).exists() and not Path(self.output).is_dir():
            raise UserError(f"--output {self.output} is a file, name a folder")
        needs = {f"--{key.replace('_', '-')}": "--detector" for key in self.detection} if self.detector is None else {}
        if self.recognizer is None:
            options = {"--decode": self.decode, "--lexicon": self.lexicon, "--yaml": self.yaml}
            needs |= {name: "--recognizer" for name, value in options.items() if value is not None}
        for option, required in needs.items():
            raise UserError(f"{option} has no effect without {required}")

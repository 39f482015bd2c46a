"""The kinds of datasets that the generator writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.schema.generation import GenerateConfig

if TYPE_CHECKING:
    from data.synth.writing.output import Output

__all__ = ["output_of"]


def output_of(config: GenerateConfig) -> Output:
    """Return the output that the settings ask for; what the others need is not imported."""
    if config.output == "scenes":
        from data.synth.writing.scenes import SceneOutput

        return SceneOutput()
    if config.crops.format == "folder":
        from data.recognition.writers.folder import FolderOutput

        return FolderOutput()
    from data.recognition.writers.lmdb import LmdbOutput

    return LmdbOutput()

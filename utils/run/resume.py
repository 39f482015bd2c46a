"""The settings that may change when a run is continued."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.errors import UserError
from config.schema.run import validation_entry

MAY_CHANGE = (
    r"name",
    r"results_dir",
    r"vis_test_dir",
    r"trained_model",
    r"device",
    r"test(\..*)?",
    r"model\.backbone_weights",
    r"train\.(ckpt_path|validation|num_workers|cpu_threads|max_unreadable|timeout_s|max_nonfinite|compile)",
    r"train\.(end_iter|eval_interval|save_interval|keep_last|keep_interval|log_interval|image_interval)",
    # How the samples of an iteration are distributed; the sampler's position verifies that their number is the same.
    r"train\.(batch_size|global_batch_size|accumulate)",
    # Data may have moved; its fingerprint verifies that it is the same.
    r"train\.(weak\.)?datasets\.\d+\.(root|gt|index_dir|images|labels(\.\d+)?|max_dropped|recipe|set(\..*)?)",
    r"train\.weak\.pseudo_vis_opt",
)
"""Settings that do not change what an iteration computes, as patterns of their dotted paths."""


WITHOUT_AN_END = ("step", "constant", "plateau")
"""Schedules that do not depend on `train.end_iter`."""


def check_same_run(before: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> None:
    """Refuse to continue a run with settings that would change what it computes.

    Args:
        before: configuration in the checkpoint.
        now: present configuration.
        path: the checkpoint, for the message.

    Raises:
        UserError: such a setting differs; the message names the first one.
    """
    old, new = flatten(before), flatten(now)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        if key == "train.end_iter" and (schedule := new.get("train.schedule", "step")) not in WITHOUT_AN_END:
            raise UserError(
                f"--resume: train.end_iter was {old.get(key)} in {path} and is {new.get(key)} now, but the {schedule} "
                "schedule of the iterations already done depends on it; give the old value, or start a new run from "
                f"those weights with train.ckpt_path={path}"
            )
        if not any(re.fullmatch(pattern, key) for pattern in MAY_CHANGE):
            raise UserError(
                f"--resume: {key} was {old.get(key)!r} in {path} and is {new.get(key)!r} now; give the old value to "
                f"continue that run, or start another one from its weights with train.ckpt_path={path}"
            )


def evaluation_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Tell whether scores of the two configurations cannot be compared."""

    def validation(config: Mapping[str, Any]) -> tuple[str | None, Any]:
        tests = config.get("test", {})
        name = validation_entry(config.get("train", {}).get("validation"), tests)
        return name, tests.get(name)

    return validation(before) != validation(now)


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings and lists by their dotted path."""
    if isinstance(tree, Mapping) and tree:
        items = tree.items()
    elif isinstance(tree, list) and tree:
        items = enumerate(tree)
    else:
        return {prefix: tree}
    leaves: dict[str, Any] = {}
    for key, value in items:
        leaves.update(flatten(value, f"{prefix}.{key}" if prefix else str(key)))
    return leaves

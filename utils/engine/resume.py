"""Which settings may differ when a run is continued."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.errors import UserError

MAY_CHANGE = (
    "name",
    "results_dir",
    "vis_test_dir",
    "trained_model",
    "device",
    "test",
    "train.end_iter",
    "train.eval_interval",
    "train.save_interval",
    "train.keep_interval",
    "train.log_interval",
    "train.image_interval",
    "train.num_workers",
    "train.validation",
    "train.ckpt_path",
)
"""Settings, or whole sections, that do not decide what an iteration computes."""


def check_same_run(before: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> None:
    """Refuse to continue a run under settings that would make it another run.

    Args:
        before: configuration in the checkpoint.
        now: the one given.
        path: the checkpoint, for the message.

    Raises:
        UserError: naming the first setting that differs.
    """
    old, new = flatten(before), flatten(now)
    for key in sorted(old.keys() | new.keys()):
        if any(key == allowed or key.startswith(f"{allowed}.") for allowed in MAY_CHANGE):
            continue
        if old.get(key) != new.get(key):
            raise UserError(
                f"--resume: {key} was {old.get(key)!r} in {path} and is {new.get(key)!r} now; give the old value to "
                f"continue that run, or start another one from its weights with train.ckpt_path={path}"
            )


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

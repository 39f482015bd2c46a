"""Reading weights in several forms, with a one-sentence error if they do not fit.

Three forms are read: a bare state dict, a state dict with DataParallel's `module.` prefix, and a checkpoint that holds
either under `craft` (as EasyOCR's trainer writes it) or `model`.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from config.errors import UserError

WEIGHT_KEYS = ("ema", "craft", "model", "state_dict", "model_state_dict")
PREFIX = "module."

DAMAGED = (RuntimeError, EOFError, OSError, ValueError, LookupError, AssertionError, AttributeError, TypeError)
"""The exceptions of torch.load for damaged files."""


class DamagedFile(UserError):
    """A file is incomplete or damaged."""


def read_file(path: str | Path, *, verify: Callable[[io.BytesIO, Path], None] | None = None) -> Any:
    """Load the content of a `.pth` file onto the CPU, as data only (no code of the file is run).

    Args:
        path: the file.
        verify: checks all bytes of the file first, and raises if they are damaged; the file is then read into memory
            once for both.

    Raises:
        UserError: the file is missing, is a web page or a Git LFS pointer, or holds other Python objects.
        DamagedFile: it is empty or incomplete.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file of weights")
    source: Path | io.BytesIO = path
    if verify is not None:
        source = io.BytesIO(path.read_bytes())
        verify(source, path)
        source.seek(0)
    with open(path, "rb") as file:
        head = file.read(512)
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise UserError(f"{path} is a web page, not weights: the download link answered with HTML, download it again")
    if start.startswith(b"version https://git-lfs"):
        raise UserError(f"{path} is a Git LFS pointer, not the weights: run `git lfs pull` in its repository")
    if not head:
        raise DamagedFile(f"{path} is empty: writing or downloading it was interrupted")
    try:
        return torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as fault:
        if "Unsupported global" in str(fault) or "Unsupported class" in str(fault):
            raise UserError(
                f"{path} cannot be loaded: it holds Python objects other than tensors, which are not loaded for "
                "security; save only its state dict"
            ) from fault
        raise DamagedFile(f"{path} cannot be loaded: it is not a file of torch.save") from fault
    except DAMAGED as fault:
        if "TorchScript" in str(fault):
            raise UserError(f"{path} is a TorchScript program; save the state dict of its model instead") from fault
        raise DamagedFile(f"{path} cannot be loaded: it is incomplete or not a file of torch.save") from fault


def state_dict_of(content: Any, path: str | Path) -> dict[str, Tensor]:
    """Return the weights in what `read_file` returned, without `module.` prefixes; averaged weights come first.

    Args:
        content: what `read_file` returned.
        path: the file, for messages.

    Returns:
        Tensors of any shape [...] by the names of the parameters and buffers.

    Raises:
        UserError: there is no state dict in it.
    """
    if isinstance(content, Mapping):
        content = next((content[key] for key in WEIGHT_KEYS if isinstance(content.get(key), Mapping)), content)
    if not isinstance(content, Mapping) or not content or not all(map(_is_weight, content.items())):
        raise UserError(f"{path} holds no state dict, neither bare nor under one of {', '.join(WEIGHT_KEYS[1:])}")
    if all(name.startswith(PREFIX) for name in content):
        return {name[len(PREFIX) :]: value for name, value in content.items()}
    return dict(content)


def _is_weight(entry: tuple[Any, Any]) -> bool:
    name, value = entry
    return isinstance(name, str) and isinstance(value, Tensor)


def load_into(model: nn.Module, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Copy weights into `model`.

    Args:
        model: the network.
        state: tensors by name; each has the shape [...] of the parameter or buffer of the same name.
        path: the file that the weights come from, for messages.

    Raises:
        UserError: a name or a shape differs; the message has the first such parameter, with both shapes.
    """
    current = model.state_dict()
    for name, value in current.items():
        if name not in state:
            # Old files lack the counters of batch norms, which are not used.
            if name.endswith("num_batches_tracked"):
                continue
            raise UserError(f"{path} does not fit this model: it has no '{name}' (here {_shape(value)})")
        if state[name].shape != value.shape:
            raise UserError(
                f"{path} does not fit this model: '{name}' is {_shape(state[name])} in the file and {_shape(value)} "
                f"here{_width_hint(model, state)}"
            )
    extra = next((name for name in state if name not in current), None)
    if extra is not None:
        raise UserError(f"{path} does not fit this model, which has no '{extra}' ({_shape(state[extra])})")
    model.load_state_dict({**current, **state})


def _width_hint(model: nn.Module, state: Mapping[str, Tensor]) -> str:
    """Return a hint about the `model.width` of CRAFT weights, whose first layer has 64 channels at width 1."""
    first = state.get("basenet.slice1.0.weight")
    if first is None or not hasattr(model, "width") or first.shape[0] / 64 == model.width:
        return ""
    return f" (the file seems to be of model.width={first.shape[0] / 64:g}, this model is of {model.width:g})"


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "a scalar"

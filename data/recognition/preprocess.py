"""The one preprocessing of a recogniser: training, evaluation, prediction and export all fit pictures of words here.

The rule is that of EasyOCR's trainer: the height is fixed; the width follows from the aspect ratio (rounded up), up to
a greatest width. A longer picture is squeezed to that width, and a shorter one may be padded on the right by repeating
its last column.

There are two kinds of padding. First, each picture is padded to a multiple of the network's stride, by at most 3
pixels, and to a least width; the network reads this padding like the picture. Second, the inputs of a batch are padded
to the widest of them. The batch holds the width of each input before this padding, and a network that reads no further
(`lengths` of the recognisers) reads the same as for the picture alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from config.schema.word_data import WordData

Whole = TypeVar("Whole", int, np.ndarray)
Warp = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
"""Function that enlarges a picture, uint8 [H, W] or [H, W, 3], to a given (width, height)."""


@dataclass(frozen=True)
class WordPreprocess:
    """Normalises pictures of words and fits them to the network's input; the fields are those of `WordData`.

    Attributes:
        height: of every input, pixels.
        channels: 1 (grey) or 3 (RGB).
        max_width, min_width: greatest and least width of an input.
        keep_ratio: False gives every input `max_width`.
        pad_to: width to which every input is padded; this padding counts as part of the picture.
        padding: "edge" repeats the last column, "mean" is an even area of the mean colour.
        width_multiple: widths of inputs are multiples of this, unless all inputs have one width.
        contrast_adjust: contrast below which grey levels are stretched; 0 never stretches them.
        mean, std: of each channel, for values in 0..1.
    """

    height: int = 64
    channels: int = 1
    max_width: int = 600
    min_width: int = 16
    keep_ratio: bool = True
    pad_to: int | None = None
    padding: Literal["edge", "mean"] = "edge"
    width_multiple: int = 4
    contrast_adjust: float = 0.0
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ValueError(f"a picture of words has 1 or 3 channels, not {self.channels}")
        least = min(self.height, self.min_width, self.width_multiple, 1 if self.pad_to is None else self.pad_to)
        if least < 1 or self.min_width > self.max_width or not (self.keep_ratio or self.pad_to is None):
            raise ValueError(f"these sizes do not go together: {self}")
        if self.padding not in ("edge", "mean"):
            raise ValueError(f"padding must be 'edge' or 'mean', not {self.padding!r}")
        for name in ("mean", "std"):
            values = tuple(float(value) for value in getattr(self, name))
            values = values * self.channels if len(values) == 1 else values
            if len(values) != self.channels or not np.isfinite(values).all():
                raise ValueError(f"{name} must be one finite number, or one for each channel, not {values}")
            object.__setattr__(self, name, values)
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, not {self.std}")

    @classmethod
    def of(cls, settings: WordData) -> WordPreprocess:
        """Build from the `data` section of a configuration."""
        values = {field.name: getattr(settings, field.name) for field in fields(cls)}
        return cls(**{**values, "mean": tuple(settings.mean), "std": tuple(settings.std)})

    @property
    def fixed_width(self) -> int | None:
        """The width of all inputs, or None if they differ in width."""
        return self.pad_to if self.keep_ratio else self.max_width

    def resized_width(self, height: Whole, width: Whole) -> Whole:
        """Return the width, in pixels, to which a picture is resized, before padding; for ints or int arrays [N]."""
        if not self.keep_ratio:
            return self.max_width + 0 * width
        return _like(width, np.minimum(self.natural_width(height, width), self._greatest_width))

    def natural_width(self, height: Whole, width: Whole) -> Whole:
        """Return the width, in pixels, at which a picture keeps its aspect ratio, without an upper limit."""
        return _like(width, np.maximum(1, -(-width * self.height // height)))

    def input_width(self, height: Whole, width: Whole) -> Whole:
        """Return the width, in pixels, of the input that `fit` makes of a picture of this size."""
        if self.fixed_width is not None:
            return self.fixed_width + 0 * width
        least = np.maximum(self.min_width, self.resized_width(height, width))
        return _like(width, -(-least // self.width_multiple) * self.width_multiple)

    def is_squeezed(self, height: Whole, width: Whole) -> Any:
        """Return whether a picture is too long for the greatest width and so loses its aspect ratio."""
        return self.keep_ratio and (self.natural_width(height, width) > self.resized_width(height, width))

    @property
    def _greatest_width(self) -> int:
        return self.max_width if self.pad_to is None else min(self.max_width, self.pad_to)

    def resize(self, image: np.ndarray, warp: Warp | None = None) -> np.ndarray:
        """Resize a picture, without padding.

        Shrinking averages over areas, enlarging interpolates by cubics.

        Args:
            image: uint8 [H, W, 3], RGB.
            warp: used instead of the enlargement, to change the geometry in the same resampling.

        Returns:
            uint8 [height, resized_width, channels].
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"expected a uint8 [H, W, 3] image, not {image.dtype} {list(image.shape)}")
        height, width = image.shape[:2]
        if self.channels == 1:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if self.contrast_adjust > 0:
            image = stretch_contrast(image, self.contrast_adjust)
        size = (self.resized_width(height, width), self.height)
        smaller = (min(width, size[0]), min(height, size[1]))
        if smaller != (width, height):
            image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
        image = (warp or enlarge)(image, size)
        return image.reshape(self.height, size[0], self.channels)

    def pad(self, image: np.ndarray) -> np.ndarray:
        """Pad a picture from `resize`, uint8 [height, W, channels], to the width of its input."""
        return self._padded(image, self.input_width(*image.shape[:2]))

    def fit(self, image: np.ndarray) -> np.ndarray:
        """Return a picture, uint8 [H, W, 3] RGB, as an input, uint8 [height, input_width, channels]."""
        return self.pad(self.resize(image))

    def join(self, images: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Pad inputs to the widest of them and join them.

        Args:
            images: one or more inputs from `fit`, uint8 [height, W, channels].

        Returns:
            uint8 [B, height, W, channels], and the width of each input before this padding, int64 [B].
        """
        widths = [image.shape[1] for image in images]
        # What a tensor can be made of without a copy: contiguous and writable.
        padded = [np.require(self._padded(image, max(widths)), requirements="CW") for image in images]
        return default_collate(padded), torch.tensor(widths)

    def padded_to(self, images: Tensor, width: int) -> Tensor:
        """Pad a batch from `join`, uint8 [B, height, W, channels] on any device, to a width of at least W."""
        if images.shape[2] == width:
            return images
        last = images[:, :, -1:]
        if self.padding == "mean":
            last = torch.full_like(last, 0) + torch.tensor(np.rint(255 * np.array(self.mean)), device=images.device)
        added = last.to(images.dtype).expand(-1, -1, width - images.shape[2], -1)
        return torch.cat([images, added], dim=2)

    def normalise_batch(self, images: Tensor) -> Tensor:
        """Return (images / 255 - mean) / std on the network's device; pictures are copied there as bytes.

        Args:
            images: uint8 [B, H, W, C], on any device.

        Returns:
            float32 [B, C, H, W] on the same device.
        """
        mean, std = _constants(self.mean, self.std, images.device)
        return ((images.float() / 255 - mean) / std).permute(0, 3, 1, 2)

    def state(self) -> dict[str, Any]:
        """Return plain values for a checkpoint; `from_state` is the inverse."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> WordPreprocess:
        """Build from what `state` returned."""
        return cls(**{**state, "mean": tuple(state["mean"]), "std": tuple(state["std"])})

    def _padded(self, image: np.ndarray, width: int) -> np.ndarray:
        end = image.shape[1]
        if end == width:
            return image
        padded = np.empty((image.shape[0], width, image.shape[2]), np.uint8)
        padded[:, :end] = image
        padded[:, end:] = image[:, end - 1 :] if self.padding == "edge" else np.rint(255 * np.array(self.mean))
        return padded


def enlarge(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a picture resized to `size` by bicubic interpolation.

    Args:
        image: uint8 [H, W] or [H, W, 3]; it is returned as it is where it has this size.
        size: width and height of the result, pixels.

    Returns:
        uint8 [height, width] or [height, width, 3].
    """
    if image.shape[1::-1] == size:
        return image
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)


def stretch_contrast(image: np.ndarray, target: float) -> np.ndarray:
    """Stretch the grey levels of a picture if its contrast is below `target`.

    The contrast is (high - low) / (high + low) of the 10th and 90th percentile of the grey levels. Stretched levels are
    v' = (v - low + 25) · 200 / (high - low). The rule and its constants are EasyOCR's; here both denominators are at
    least 10, because a picture of one colour has no contrast.

    Args:
        image: uint8 [H, W] or [H, W, 3], RGB.
        target: a picture of at least this contrast is returned unchanged.
    """
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    low, high = np.percentile(grey, (10, 90))
    if (high - low) / max(10.0, high + low) >= target:
        return image
    levels = (np.arange(256) - low + 25) * (200 / max(10.0, high - low))
    return cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8)).reshape(image.shape)


def _like(given: Whole, value: Any) -> Whole:
    """Return `value` as an int if `given` is an int: JSON and YAML cannot write the scalars of NumPy."""
    return int(value) if isinstance(given, int) else value


@functools.lru_cache
def _constants(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation on a device; copied once, because a copy in every step would block."""
    return torch.tensor(mean, device=device), torch.tensor(std, device=device)

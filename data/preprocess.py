"""The one preprocessing: training, evaluation, prediction and export all normalise and fit images here.

The resize rule is that of CRAFT (Baek et al., CVPR 2019): the longer side is enlarged by `mag_ratio`, up to
`canvas_size`; the aspect ratio is kept; the right and bottom are padded to multiples of 32.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

SIZE_MULTIPLE = 32


@dataclass(frozen=True)
class FittedImage:
    """A network input and where its pixels came from.

    Attributes:
        pixels: float32 [3, H, W], normalised; H and W are multiples of 32.
        matrix: float64 [3, 3], homography from the image's pixels to those of `pixels`.
    """

    pixels: np.ndarray
    matrix: np.ndarray


@dataclass(frozen=True)
class Preprocess:
    """Normalises RGB images and fits them to a canvas.

    Attributes:
        mean, std: of the RGB channels, for values in 0..1.
    """

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            values = tuple(float(value) for value in getattr(self, name))
            if len(values) != 3 or not np.isfinite(values).all():
                raise ValueError(f"{name} must be three finite numbers, one for each RGB channel, not {values}")
            object.__setattr__(self, name, values)  # a list from a YAML file or a checkpoint becomes a tuple
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, not {self.std}")

    @functools.cached_property
    def _tables(self) -> np.ndarray:
        """float32 [3, 256]: the normalised value of each 8-bit value, rounded once from float64."""
        values = np.arange(256, dtype=np.float64)[None] / 255
        return ((values - np.array(self.mean)[:, None]) / np.array(self.std)[:, None]).astype(np.float32)

    def normalise(self, image: np.ndarray) -> np.ndarray:
        """Return (image / 255 - mean) / std.

        Args:
            image: uint8 [H, W, 3], RGB.

        Returns:
            float32 [3, H, W], contiguous.

        Raises:
            ValueError: the array has another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"expected a uint8 [H, W, 3] image, not {image.dtype} {list(image.shape)}")
        return np.stack([np.take(table, image[..., channel]) for channel, table in enumerate(self._tables)])

    def normalise_batch(self, images: Tensor) -> Tensor:
        """Do what `normalise` does on the network's device; images are copied there as bytes, a quarter of the size.

        Args:
            images: uint8 [B, H, W, 3], RGB, on any device.

        Returns:
            float32 [B, 3, H, W] on the same device, laid out with channels last.
        """
        mean, std = _constants(self.mean, self.std, images.device)
        return ((images.float() / 255 - mean) / std).permute(0, 3, 1, 2)

    def normalise_exactly(self, images: Tensor, sizes: Tensor) -> Tensor:
        """Do what `normalise` does, to the last bit, where the network runs, and put 0 into the padding.

        Args:
            images: uint8 [B, H, W, 3], RGB, on any device.
            sizes: int64 [B, 2], on the same one: height and width of each image, the rest is padding.

        Returns:
            float32 [B, 3, H, W] on that device, laid out with channels last.
        """
        table = _device_tables(self, images.device)
        pixels = table[images.int() + torch.arange(0, 768, 256, device=images.device)]
        rows, columns = (torch.arange(side, device=images.device) for side in images.shape[1:3])
        real = (rows[:, None] < sizes[:, 0, None, None]) & (columns < sizes[:, 1, None, None])
        return torch.where(real[..., None], pixels, 0.0).permute(0, 3, 1, 2)

    def fit(self, image: np.ndarray, canvas_size: int, mag_ratio: float) -> FittedImage:
        """Resize an image so that its longer side has `mag_ratio` times its length, `canvas_size` at most.

        Enlarging interpolates bilinearly; shrinking averages over areas, which avoids aliasing. The padding is 0
        *after* normalisation, that is the mean colour.

        Args:
            image: uint8 [H, W, 3], RGB.
            canvas_size: greatest length of the longer side, pixels.
            mag_ratio: factor by which the image is enlarged.

        Returns:
            The padded input and the matrix from `image` to it, which follows OpenCV's convention that resizing
            maps the pixels' edges: x' = (x + 0.5) * scale - 0.5.
        """
        height, width = image.shape[:2]
        longer = max(height, width)
        ratio = min(mag_ratio * longer, canvas_size) / longer
        new_height, new_width = max(1, round(height * ratio)), max(1, round(width * ratio))
        if (new_height, new_width) != (height, width):
            interpolation = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
            image = cv2.resize(image, (new_width, new_height), interpolation=interpolation)
        scale_x, scale_y = new_width / width, new_height / height
        matrix = np.array([[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (scale_y - 1) / 2], [0, 0, 1]], np.float64)
        padded = np.zeros((3, _round_up(new_height), _round_up(new_width)), np.float32)
        padded[:, :new_height, :new_width] = self.normalise(image)
        return FittedImage(padded, matrix)

    def state(self) -> dict[str, list[float]]:
        """Return plain numbers for a checkpoint; `from_state` is the inverse."""
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_state(cls, state: Mapping[str, Sequence[float]]) -> Preprocess:
        """Build from what `state` returned."""
        return cls(tuple(state["mean"]), tuple(state["std"]))


@functools.lru_cache
def _constants(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation on a device; copied once, because a copy in every step would block."""
    return torch.tensor(mean, device=device), torch.tensor(std, device=device)


@functools.lru_cache
def _device_tables(preprocess: Preprocess, device: torch.device) -> Tensor:
    """Return the three tables of a `Preprocess` one after the other, [768], copied to a device once."""
    return torch.from_numpy(preprocess._tables.reshape(-1)).to(device)


def _round_up(length: int) -> int:
    return -(-length // SIZE_MULTIPLE) * SIZE_MULTIPLE

"""A dataset of painted rectangles and a "network" that reads them off the picture: evaluations with known scores."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data.preprocess import Preprocess
from data.reader import DropReport, UnreadableSample
from data.sample import TextSample

PLAIN = Preprocess((0, 0, 0), (1, 1, 1))


class ReadsRed(nn.Module):
    """Region score = the red channel, affinity score = the green one, at half the resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.BatchNorm2d(1)
        self.dropout = nn.Dropout()
        self.modes: list[bool] = []

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.modes.append(self.training)
        assert not torch.is_grad_enabled()
        half = F.avg_pool2d(x, 2)
        return half[:, :2].permute(0, 2, 3, 1), half.new_zeros(len(x), 32, *half.shape[2:])


def painted(
    sample_id: str, words: list[tuple[int, int, int, int]], painted_boxes: list, ignore: list[int]
) -> TextSample:
    """Make an image of 160 x 320 with red boxes and the words (left, top, right, bottom)."""
    image = np.zeros((160, 320, 3), np.uint8)
    for left, top, right, bottom in painted_boxes:
        image[top:bottom, left:right, 0] = 230
    quads = [[[a, b], [c, b], [c, d], [a, d]] for a, b, c, d in words]
    return TextSample(
        sample_id,
        image,
        [f"w{n}" for n in range(len(words))],
        np.array(quads, np.float32).reshape(-1, 4, 2),
        np.array(ignore, bool),
    )


class PaintedReader:
    """Three readable images and a broken one."""

    def __init__(self) -> None:
        self.report = DropReport()
        # A painted box of 80 x 24 pixels is 40 x 12 on the map; dilation widens it by reach = int(sqrt(12) * 2) = 6
        # map pixels in all, 12 in the image.
        box, found = (60, 40, 140, 64), (54, 34, 146, 70)
        other, other_found = (200, 100, 280, 124), (194, 94, 286, 130)
        self.samples = [
            painted("first", [found, other_found], [box, other], [0, 0]),  # two words, both found
            painted("a/second", [found, (10, 100, 40, 120)], [box, other], [0, 0]),  # one missed, one invented
            painted("third", [found, other_found], [box, other], [0, 1]),  # the second one is "don't care"
            painted("broken", [found], [], [0]),
        ]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> TextSample:
        if self.samples[index].sample_id == "broken":
            raise UnreadableSample("broken", "image: cut off")
        return self.samples[index]

    def annotation(self, index: int) -> TextSample:
        sample = self.samples[index]
        return sample.transformed(np.zeros((0, 0, 3), np.uint8), np.eye(3))

    def fingerprint(self) -> str:
        return "painted"

"""CRAFT's published post-processing, written the plain way: full-size masks for every component."""

from __future__ import annotations

import math

import cv2
import numpy as np


def plain_boxes(
    region: np.ndarray, affinity: np.ndarray, text_threshold: float, low_text: float, link_threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes float32 [N, 4, 2] and scores float32 [N]."""
    height, width = region.shape
    text, link = region > low_text, affinity > link_threshold
    count, labels, stats, _ = cv2.connectedComponentsWithStats((text | link).astype(np.uint8), connectivity=4)
    boxes, scores = [], []
    for label in range(1, count):
        x, y, w, h, size = (int(value) for value in stats[label])
        component = labels == label
        peak = region[component].max()
        if size < 10 or peak < text_threshold:
            continue
        mask = np.zeros((height, width), np.uint8)
        mask[component] = 255
        mask[link & ~text] = 0
        if not mask.any():
            continue
        reach = int(math.sqrt(size * min(w, h) / (w * h)) * 2)
        left, right = max(0, x - reach), min(width, x + w + reach + 1)
        top, bottom = max(0, y - reach), min(height, y + h + reach + 1)
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (1 + reach, 1 + reach))
        mask[top:bottom, left:right] = cv2.dilate(mask[top:bottom, left:right], kernel)
        ys, xs = np.nonzero(mask)
        box = cv2.boxPoints(cv2.minAreaRect(np.stack([xs, ys], axis=1).astype(np.int32))).reshape(4, 2)
        w, h = np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[1] - box[2])
        if abs(1 - max(w, h) / (min(w, h) + 1e-5)) <= 0.1:
            left, right, top, bottom = xs.min(), xs.max(), ys.min(), ys.max()
            box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
        area = sum(box[i - 1][0] * box[i][1] - box[i][0] * box[i - 1][1] for i in range(4))
        if area < 0:
            box = box[::-1]
        boxes.append(np.roll(box, 4 - box.sum(axis=1).argmin(), axis=0))
        scores.append(peak)
    return np.array(boxes, np.float32).reshape(-1, 4, 2), np.array(scores, np.float32)

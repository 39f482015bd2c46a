"""ICDAR 2015 folders small enough to check within seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH = 60, 100


def write_icdar(root: Path, images: int, words: int = 3, seed: int = 0) -> Path:
    """Write `images` noise images with `words` boxes each, 10 pixels high; the last of them is "don't care"."""
    rng = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    for number in range(1, images + 1):
        blocks = rng.integers(0, 255, (6, 10, 3), np.uint8)
        image = cv2.resize(blocks, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(root / f"images/img_{number}.jpg"), image)
        lines = [
            f"5,{5 + 15 * k},45,{5 + 15 * k},45,{15 + 15 * k},5,{15 + 15 * k},{'###' if k == words - 1 else 'Word'}\n"
            for k in range(words)
        ]
        (root / f"labels/gt_img_{number}.txt").write_text("".join(lines), encoding="utf-8-sig")
    return root


def recipe(path: Path, train: Path, test: Path, **options: str) -> Path:
    """Write a job with weak supervision on `train`, evaluated on `test`; `options` go to the test's dataset."""
    more = "".join(f", {key}: {value}" for key, value in options.items())
    path.write_text(
        f"""
task: detection
results_dir: {path.parent}/exp
device: cpu
amp: "off"
model: {{width: 0.1}}
train:
  batch_size: 2
  end_iter: 100
  num_workers: 1
  data: {{output_size: 64}}
  weak:
    use_synthtext: false
    datasets:
      - {{format: icdar2015, root: {train}, images: images, labels: labels}}
    custom_aug:
      random_crop: {{option: false}}
test:
  mine:
    dataset: {{format: icdar2015, root: {test}, images: images, labels: labels{more}}}
    canvas_size: 150
    mag_ratio: 2.0
""",
        encoding="utf-8",
    )
    return path

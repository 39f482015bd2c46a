"""A folder of painted words with a labels.csv, as EasyOCR's trainer reads it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from config.loader import load_config


def write_words(folder: Path, count: int, seed: int, letters: str = "abc", longest: int = 4) -> Path:
    """Write pictures 24 pixels high and `labels.csv`; return the folder."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    lines = ["filename,words"]
    for number in range(count):
        word = "".join(rng.choice(list(letters), rng.integers(1, longest + 1)))
        image = np.full((24, 12 + 15 * len(word), 3), rng.integers(180, 255), np.uint8)
        cv2.putText(image, word, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20, 20, 20), 2, cv2.LINE_AA)
        cv2.imwrite(str(folder / f"{number:03}.png"), image)
        lines.append(f"{number:03}.png,{word}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def recognition_yaml(path: Path, train: Path, test: Path) -> Path:
    """Write a job of seconds; return its path."""
    path.write_text(
        f"""
task: recognition
characters: abc
max_length: 8
device: cpu
amp: 'off'
results_dir: {path.parent / "exp"}
model: {{architecture: crnn_digits, output_channel: 32, hidden_size: 16}}
train:
  datasets: [{{format: labels_csv, root: {train}}}]
  batch_size: 8
  end_iter: 12
  eval_interval: 6
  log_interval: 1
  image_interval: 6
  num_workers: 0
  lr: 5e-3
  data:
    height: 32
    max_width: 200
    bucket_batches: 4
    augment: {{margin: {{probability: 0.5}}, noise: {{probability: 0.5}}}}
test:
  mine:
    dataset: {{format: labels_csv, root: {test}}}
    batch_size: 8
""",
        encoding="utf-8",
    )
    return path


def load(job: Path, *overrides: str):
    return load_config(str(job), list(overrides), "recognition")


def lines(folder, split: str) -> list[dict]:
    return [line for line in map(json.loads, folder.metrics.read_text().splitlines()) if line["split"] == split]

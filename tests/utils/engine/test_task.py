"""The least that a job has to be: the attributes, and a loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from config.loader import load_config
from config.schema.training import Training
from utils.engine.task import Task
from utils.engine.trainer import Trainer
from utils.run.folder import RunFolder
from utils.tasks.registry import task_class

CPU = torch.device("cpu")


class Nothing:
    def state(self) -> dict[str, Any]:
        return {}


class LineTask(Task):
    """Fits y = 3 x."""

    weights_key = "model"
    size_setting = "train.batch_size"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model, self.device, self.amp = nn.Linear(1, 1), CPU, "off"
        self.dataset = [(float(x), 3.0 * x) for x in range(-40, 40)]
        self.samples_per_step, self.data_fingerprint = 8, "line"
        self.preprocess, self.readers = Nothing(), {}

    def collate(self, samples: list[tuple[float, float]]) -> dict[str, Any]:
        return {"image": torch.tensor(samples)[:, :1] / 40, "wanted": torch.tensor(samples)[:, 1:], "unreadable": []}

    def loss(self, model: nn.Module, batch: dict[str, Any]) -> dict[str, Tensor]:
        return {"loss": (model(batch["image"]) - batch["wanted"] / 40).square().mean()}


def test_a_job_is_a_loss_and_attributes(tmp_path: Path) -> None:
    settings = Training(batch_size=8, end_iter=10, num_workers=0, lr=0.1, eval_interval=4, image_interval=2)
    folder = RunFolder(tmp_path / "run")
    folder.make(fresh=False)
    task = LineTask()
    config = {"task": "line", "seed": 1}
    Trainer(task, settings, config=config, folder=folder, device=CPU, amp="off").run()
    content = torch.load(folder.last, weights_only=True)
    assert content["step"] == 10 and content["task_state"] == {}
    assert torch.equal(content["model"]["weight"], task.model.weight)
    assert not folder.best.exists()  # Nothing was evaluated.
    assert task.stage_end(3) is None and task.stage_seconds() is None
    batch = {"image": torch.zeros(1)}
    assert task.worst_batch(batch) is batch


def test_a_job_without_a_loss_is_none() -> None:
    class Idle(Task):
        pass

    with pytest.raises(TypeError, match="loss"):
        Idle()


@pytest.mark.parametrize(
    ("yaml", "kind", "name"),
    [
        ("craft_tiny", "detection", "DetectionTask"),
        ("icdar2015_weak", "detection", "WeakDetectionTask"),
        ("rec_digits", "recognition", "RecognitionTask"),
    ],
)
def test_the_job_of_a_configuration(yaml: str, kind: str, name: str) -> None:
    assert task_class(load_config(yaml, [], kind)).__name__ == name

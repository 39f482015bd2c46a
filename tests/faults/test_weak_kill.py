"""A weakly supervised run that is killed while it labels and while it trains, and resumed, is the undisturbed run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tiny_icdar import write_icdar

from config.loader import load_config
from utils.train_job import train_job

REPOSITORY = Path(__file__).resolve().parents[2]


def test_sigkill_while_labelling_and_while_training(overrides, tmp_path: Path) -> None:
    words = write_icdar(tmp_path / "words", 160, seed=5)  # enough for a kill between the first block and the last
    start = [*overrides, "name=start", "train.end_iter=1", "train.validation=none"]
    begin = train_job(load_config("craft_tiny", start, "detection")).last
    dataset = f"{{format: icdar2015, root: {words}, images: images, labels: labels}}"
    job = [
        *overrides,  # name and results_dir are given once more behind these
        f"train.weak={{datasets: [{dataset}], relabel_interval: 10, crop_height: 32, synth_ratio: 2}}",
        f"train.ckpt_path={begin}",
        "train.validation=none",
        "train.end_iter=14",
        "train.save_interval=6",
        "train.num_workers=2",
    ]
    kills = "--kill=labelling,training,training"
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.training_kill", "--yaml=craft_tiny", f"--folder={tmp_path}", kills, *job],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SIGKILL while training") == 2 and "SIGKILL while labelling" in done.stdout
    assert "lines of the log equal: True" in done.stdout and "differ in last.pth: 0 of" in done.stdout

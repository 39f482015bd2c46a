"""A detector as a teacher, and one labelling pass from the outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from painted_labels import PREPROCESS, PaintedReader, brightness_teacher, faultless, painted, small_dataset

from config.errors import UserError
from data.preprocess import Preprocess
from data.pseudo_label.cache import LabelCache, fill_cache
from data.pseudo_label.records import LabelSettings
from model.craft import Craft
from utils.draw.palette import KEPT, SPLIT
from utils.draw.pseudo_labels import draw_label_sheet
from utils.tasks.teacher import DetectorTeacher, label_dataset, weights_hash

CPU = torch.device("cpu")
SETTINGS = LabelSettings(crop_height=32, preprocess=PREPROCESS)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Craft(0.125)


def test_a_teacher_runs_in_eval_mode_and_leaves_no_trace(model):
    model.train()
    before = weights_hash(model)
    batch = np.random.default_rng(0).normal(size=(2, 3, 32, 64)).astype(np.float32)
    scores = DetectorTeacher(model, CPU, "off")(batch)
    assert scores.shape == (2, 16, 32, 2) and scores.dtype == np.float32
    assert model.training and weights_hash(model) == before
    model.eval()
    with torch.no_grad():
        np.testing.assert_allclose(scores, model(torch.from_numpy(batch))[0].numpy(), atol=1e-5)


def test_a_batch_that_is_too_large_is_halved():
    sizes = []

    class Small(torch.nn.Module):
        def forward(self, pixels):
            if len(pixels) > 2:
                raise torch.OutOfMemoryError("too large")
            sizes.append(len(pixels))
            return pixels[:, :2, ::2, ::2].permute(0, 2, 3, 1), None

    batch = np.random.default_rng(0).normal(size=(5, 3, 32, 64)).astype(np.float32)
    scores = DetectorTeacher(Small(), CPU, "off")(batch)
    np.testing.assert_array_equal(scores, batch[:, :2, ::2, ::2].transpose(0, 2, 3, 1))
    assert sizes == [2, 1, 2]
    sizes.clear()
    pixels, whole = np.zeros((5, 32, 64, 3), np.uint8), np.full((5, 2), (32, 64))
    region = DetectorTeacher(Small(), CPU, "off").start(pixels, whole, Preprocess())()
    assert region.shape == (5, 16, 32) and sizes == [2, 1, 2]


def test_processes_outlast_ctrl_c_and_not_their_parent():
    script = (
        "import os, signal, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from utils.engine.helper import start_helper\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(1, get_context('spawn'), initializer=start_helper)\n"
        "    child = pool.submit(os.getpid).result()\n"
        "    os.kill(child, signal.SIGINT)\n"
        "    assert pool.submit(os.getpid).result() == child\n"
        "    print(child, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # A file, for processes that are spawned import the main program.
    done = run_script(script)
    child = int(done)
    for _ in range(200):
        if not alive(child):
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the process outlived its parent")


def run_script(text: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.py"
        path.write_text(text)
        root = Path(__file__).resolve().parents[3]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, str(path)], stdout=subprocess.PIPE, text=True, env=environment, timeout=60
        )
    return done.stdout


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def test_the_hash_is_that_of_the_weights(model):
    other = Craft(0.125)
    assert weights_hash(other) != weights_hash(model)
    other.load_state_dict(model.state_dict())
    assert weights_hash(other.to(memory_format=torch.channels_last)) == weights_hash(model)
    with torch.no_grad():
        other.conv_cls[-1].bias[0] += 1e-6
    assert weights_hash(other) != weights_hash(model)


def test_a_dataset_is_labelled_once(model, tmp_path, monkeypatch):
    reader = small_dataset(9)
    labels = label_dataset(model, reader, SETTINGS, tmp_path, CPU, progress=False).finish()
    assert labels.statistics().labelled == sum(len(sample.words) for sample in reader.samples)
    monkeypatch.setattr(DetectorTeacher, "__call__", None)
    again = label_dataset(model, reader, SETTINGS, tmp_path, CPU, progress=False).finish()
    assert again.folder == labels.folder


def test_processes_share_a_pass(model, tmp_path):
    reader = small_dataset(9)
    for rank in range(2):
        cache = label_dataset(model, reader, SETTINGS, tmp_path, CPU, rank=rank, world_size=2, progress=False)
    together = cache.finish()
    alone = label_dataset(model, reader, SETTINGS, tmp_path / "alone", CPU, progress=False).finish()
    for index in range(9):
        np.testing.assert_array_equal(together.of(index).char_quads, alone.of(index).char_quads)


def drawn(reader, tmp_path, **options):
    settings = LabelSettings(crop_height=64, preprocess=PREPROCESS)
    cache = LabelCache(tmp_path, reader, settings, "teacher")
    fill_cache(cache, reader, settings, brightness_teacher, max_batch_pixels=1 << 16)
    return draw_label_sheet(reader, cache.finish(), settings, **options)


def has(picture, colour):
    return bool((picture == np.array(colour, np.uint8)).all(axis=2).any())


def test_the_sheet_shows_kept_and_split_words(tmp_path):
    kept = drawn(faultless([("four", 20, 60, 4)]), tmp_path / "kept", teacher=brightness_teacher)
    split = drawn(faultless([("four", 20, 60, 1)]), tmp_path / "split", teacher=brightness_teacher)
    below_the_legend = slice(64, None)
    assert has(kept[below_the_legend], KEPT) and not has(kept[below_the_legend], SPLIT)
    assert has(split[below_the_legend], SPLIT) and not has(split[below_the_legend], KEPT)
    bare = drawn(faultless([("four", 20, 60, 4)]), tmp_path / "bare", teacher=None)
    assert bare.shape[0] < kept.shape[0] and bare.dtype == np.uint8


def test_the_sheet_takes_so_many_words_and_no_more(tmp_path):
    reader = small_dataset(12)
    small = drawn(reader, tmp_path, teacher=None, limit=3)
    large = drawn(reader, tmp_path, teacher=None, limit=500)
    assert large.shape[0] > small.shape[0] and large.shape[1] == small.shape[1]


def test_a_dataset_without_labelled_words_has_no_sheet(tmp_path):
    reader = PaintedReader([painted("a", [("###", 10, 10, 2)])])
    with pytest.raises(UserError, match="no word of the dataset was labelled"):
        drawn(reader, tmp_path, teacher=None)

"""The LMDB of crops, read back by plain lmdb with the keys that deep-text-recognition-benchmark reads."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from synth_recipes import load

from data.recognition.writers import lmdb as module
from data.recognition.writers.lmdb import LmdbItem
from data.synth.crop.draw import draw_crop
from data.synth.resources import Resources
from data.synth.writing.crops import LmdbOutput

LABELS = ["plain", "with,comma", '"quoted"', "it's", "two words", "größe", "a\\b", "#x;y", "😀"]
REPOSITORY = Path(__file__).resolve().parents[3]


def read(folder: Path) -> tuple[list[bytes], list[str]]:
    """Read a database as that benchmark does: number first, then image and label by number from 1."""
    database = lmdb.open(str(folder), max_readers=32, readonly=True, lock=False, readahead=False, meminit=False)
    with database, database.begin(write=False) as transaction:
        count = int(transaction.get(b"num-samples"))
        images = [transaction.get(f"image-{index:09d}".encode()) for index in range(1, count + 1)]
        labels = [transaction.get(f"label-{index:09d}".encode()).decode() for index in range(1, count + 1)]
        assert transaction.get(f"image-{count + 1:09d}".encode()) is None
        assert database.stat()["entries"] == 2 * count + 1
    return images, labels


def items(count: int, size: int = 500) -> list[LmdbItem]:
    rng = np.random.default_rng(count)
    return [
        LmdbItem(rng.bytes(int(rng.integers(1, 2 * size))), LABELS[index % len(LABELS)] + str(index))
        for index in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 999, 3000])
def test_what_is_written_is_read(tmp_path: Path, count: int) -> None:
    written = items(count)
    summary = LmdbOutput().finish(tmp_path, iter(written))
    images, labels = read(tmp_path)
    assert images == [item.image for item in written]
    assert labels == [item.text for item in written]
    assert [path.name for path in tmp_path.iterdir()] == ["data.mdb"]
    assert summary.files == {"data.mdb": (tmp_path / "data.mdb").stat().st_size}
    assert summary.counts == {"crops": count, "characters": sum(len(label) for label in labels)}


def test_values_of_every_size_and_a_map_that_has_to_grow(tmp_path: Path) -> None:
    # 0 bytes to 300 kB: within a page, beyond one, beyond a transaction's batch; 40 MB in all, the map begins at 16.
    rng = np.random.default_rng(0)
    sizes = [0, 1, 1000, 2000, 2035, 2036, 2037, 2048, 4000, 4079, 4080, 4081, 4096, 8000, 300_000, 6_000_000]
    written = [LmdbItem(rng.bytes(size), f"{size}") for size in sizes * 2] + items(6000, 4000)
    LmdbOutput().finish(tmp_path, iter(written))
    images, labels = read(tmp_path)
    assert images == [item.image for item in written] and labels == [item.text for item in written]
    payload = sum(len(item.image) for item in written)
    assert payload < (tmp_path / "data.mdb").stat().st_size < 2 * payload


def test_an_estimate_that_is_too_low_only_costs_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_MAP", 64 * 1024)
    monkeypatch.setattr(module, "_PAGE", 1)  # so the map is never made larger beforehand
    written = [LmdbItem(bytes(3000), str(index)) for index in range(2000)]
    LmdbOutput().finish(tmp_path, iter(written))
    assert read(tmp_path)[1] == [str(index) for index in range(2000)]


def test_the_file_takes_what_its_contents_take_on_the_disk(tmp_path: Path) -> None:
    written = items(2000, 1500)
    LmdbOutput().finish(tmp_path, iter(written))
    status = (tmp_path / "data.mdb").stat()
    # Not a large file full of holes, which some file systems and most copies would fill.
    assert status.st_size < 1.6 * sum(len(item.image) + 40 for item in written)


def test_same_items_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    written = items(2500)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        summary = LmdbOutput().finish(tmp_path / name, iter(written))
    assert (tmp_path / "one" / "data.mdb").read_bytes() == (tmp_path / "two" / "data.mdb").read_bytes()
    (tmp_path / "three").mkdir()
    script = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\n"
        "from test_synth_lmdb import LmdbOutput, items\n"
        "print(LmdbOutput().finish(Path(sys.argv[1]), iter(items(2500))).annotation_sha256)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "three"), str(REPOSITORY), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == summary.annotation_sha256
    assert (tmp_path / "one" / "data.mdb").read_bytes() == (tmp_path / "three" / "data.mdb").read_bytes()


def test_the_hash_is_of_the_labels_in_order(tmp_path: Path) -> None:
    hashes = []
    for name, pairs in {
        "same": [(b"1", "a"), (b"2", "b")],
        "other images": [(b"9", "a"), (b"8", "b")],
        "other order": [(b"1", "b"), (b"2", "a")],
        "moved border": [(b"1", "ab"), (b"2", "")],
    }.items():
        (tmp_path / name).mkdir()
        summary = LmdbOutput().finish(tmp_path / name, (LmdbItem(*pair) for pair in pairs))
        hashes.append(summary.annotation_sha256)
    assert hashes[0] == hashes[1] and len(set(hashes)) == 3


def test_drawn_crops_come_back_as_pictures_with_their_labels(tmp_path: Path) -> None:
    config = load("generate_words", splits={"train": 40, "test": 20})
    resources = Resources.load(config)
    output = LmdbOutput()
    output.finish(tmp_path, (output.draw(config, resources, tmp_path, "train", index) for index in range(40)))
    images, labels = read(tmp_path)
    for index, (data, label) in enumerate(zip(images, labels, strict=True)):
        crop = draw_crop(config, resources, "train", index)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert label == crop.text and image.shape == crop.image.shape


def test_a_full_disk_is_the_error_of_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise lmdb.DiskError("mdb_txn_commit: No space left on device")

    monkeypatch.setattr(module, "_put", full)
    with pytest.raises(OSError) as caught:
        LmdbOutput().finish(tmp_path, iter(items(3)))
    assert caught.value.errno == errno.ENOSPC


def test_a_file_size_limit_stops_with_an_error_of_the_system(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; sys.path[:0] = sys.argv[2:]\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
        "from pathlib import Path\n"
        "from test_synth_lmdb import LmdbOutput, items\n"
        "try:\n"
        "    LmdbOutput().finish(Path(sys.argv[1]), iter(items(20_000)))\n"
        "except OSError as error:\n"
        "    print('OSError', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(REPOSITORY), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("OSError")


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        LmdbOutput().finish(tmp_path / "gone", iter(items(1)))
    assert not (tmp_path / "gone").exists()


def test_an_error_while_drawing_passes_through(tmp_path: Path) -> None:
    def broken() -> object:
        yield items(1)[0]
        raise RuntimeError("drawing failed")

    with pytest.raises(RuntimeError, match="drawing failed"):
        LmdbOutput().finish(tmp_path, broken())

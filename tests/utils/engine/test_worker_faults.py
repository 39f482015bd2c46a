"""What PyTorch says when a loader process dies, and what a person is told."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

import pytest

from utils.engine.worker_faults import died, sentence

KILLED = "DataLoader worker (pid 4711) is killed by signal: Killed. "
BUS = (
    "DataLoader worker (pid 4711) is killed by signal: Bus error. It is possible that dataloader's workers are out of "
    "shared memory. Please try to raise your shared memory limit."
)
SEVERAL = "DataLoader worker (pid(s) 4711, 4712) exited unexpectedly"


@pytest.mark.parametrize(
    ("fault", "who", "words"),
    [
        (RuntimeError(KILLED), ("4711", "Killed"), "lack of memory"),
        (RuntimeError(BUS), ("4711", "Bus error"), "shared memory is short"),
        (RuntimeError(SEVERAL), ("4711, 4712", ""), "was ended by the system"),
    ],
)
def test_deaths(fault: RuntimeError, who: tuple[str, str], words: str) -> None:
    assert died(fault) == who
    assert words in sentence(fault) and who[0] in sentence(fault) and "train.num_workers" in sentence(fault)


def test_other_faults() -> None:
    assert sentence(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert sentence(OSError("DataLoader worker (pid 1) exited")) is None
    assert "shared memory is short" in sentence(
        RuntimeError("unable to allocate shared memory(shm) for file </torch_1_2_3>: No space left on device (28)")
    )
    assert "lack of memory" in sentence(BrokenProcessPool("A process in the process pool was terminated abruptly"))

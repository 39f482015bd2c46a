"""The house keeps its shape: every import points down, and `utils/` gains no loose file."""

from __future__ import annotations

import pytest

from tests.house import ROOT, arrows, circles, imports

# From the top to the bottom: a room may import those below it, never one above it.
FLOORS = {
    "utils.train_job": 0,
    "utils.check": 1,
    "utils.tasks": 2,
    "utils.predict": 2,
    "utils.evaluate": 3,
    "utils.engine": 3,
    "utils.engine.schedules": 2,  # imports the registry that finds it
    "utils.distributed": 4,
    "utils.draw": 4,
    "utils.run": 5,
    "utils.weights": 6,
    "utils.decode": 7,
    "utils.decode.ctc": 8,
    "utils.device": 9,
    "utils.files": 9,
}
BELOW = {
    "utils": {"data", "model", "loss", "metrics", "config"},
    "data": {"config"},
    "model": {"config"},
    "loss": {"data", "config"},
    "metrics": {"config"},
    "config": set(),
}


def package(room: str) -> str:
    return "scripts" if room.endswith(".py") else room.split(".")[0]


def test_every_room_of_utils_has_a_floor_and_no_file_lies_loose():
    loose = {f"utils.{path.stem}" for path in (ROOT / "utils").glob("*.py") if path.stem != "__init__"}
    folders = {f"utils.{path.name}" for path in (ROOT / "utils").iterdir() if any(path.glob("*.py"))}
    assert loose | folders <= set(FLOORS)
    assert loose == {"utils.train_job", "utils.device", "utils.files"}


def test_no_arrow_of_utils_climbs():
    climbing = [f"{above} -> {below}" for above, below in arrows(within="utils") if FLOORS[above] >= FLOORS[below]]
    assert not climbing


def test_packages_import_what_lies_below_them_alone():
    climbing = [
        f"{source} -> {target}"
        for source, target in imports()
        for above, below in [(package(source), package(target))]
        if "." in source and above != below and below not in BELOW[above]
    ]
    assert not climbing


@pytest.mark.parametrize("within", ["", "utils", "data.synth"])
def test_rooms_have_no_circles(within):
    assert circles(arrows(within=within)) == []


def test_modules_have_no_circles():
    assert circles(set(imports())) == []


def test_no_module_reaches_into_a_script():
    assert not [
        pair for pair in imports() if "." not in pair[1] and pair[1] + ".py" in {p.name for p in ROOT.glob("*.py")}
    ]


def test_circles_are_found():
    assert circles({("a", "b"), ("b", "c"), ("c", "b")}) == ["b", "c"]
    assert circles({("a", "b"), ("b", "c"), ("a", "c")}) == []

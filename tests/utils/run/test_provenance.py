from __future__ import annotations

from importlib import metadata

import cv2
import pytest

from utils.run.provenance import provenance


def test_the_opencv_that_was_imported_is_recorded() -> None:
    assert provenance("data")["packages"]["cv2"] == cv2.__version__


@pytest.mark.parametrize("both", [False, True])
def test_two_builds_of_opencv_are_warned_of(both: bool, monkeypatch, caplog) -> None:
    original = metadata.version

    def version(package: str) -> str:
        if package == "opencv-python":
            if both:
                return "4.12.0"
            raise metadata.PackageNotFoundError(package)
        return original(package)

    monkeypatch.setattr(metadata, "version", version)
    provenance("data")
    assert [record.levelname for record in caplog.records] == ["WARNING"] * both
    assert caplog.text.count("opencv-python and opencv-python-headless are both installed") == both

"""What the tests of several forms of label files share."""

from __future__ import annotations

from pathlib import Path

import pytest
from word_files import write_pictures
from word_lists import FIVE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of five pictures."""
    write_pictures(tmp_path, FIVE)
    return tmp_path

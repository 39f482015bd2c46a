"""The one exception a user is meant to see.

Every mistake a user can make (a key, a path, a file of the wrong kind) is raised as `UserError` with a
single sentence that says what is wrong, where, and what to do. The entry points print that sentence on
stderr and exit with status 2; any other exception is a defect of the program and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake of the user's, described in one sentence (what, where, what to do)."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most like `name`, or None where none is alike enough to be worth naming."""
    matches = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return matches[0] if matches else None

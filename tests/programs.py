"""Programs run within the test's process: what `python PROGRAM.py ARGUMENTS` does, without loading torch again."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from config.cli import run

ROOT = Path(__file__).resolve().parents[1]


def run_here(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `main` of a program in the repository's folder and return its exit status and what it printed and logged.

    An exception for which the program would print a traceback is raised.
    """
    main = importlib.import_module(program.removesuffix(".py")).main
    out, errors, level = io.StringIO(), io.StringIO(), logging.root.level
    try:
        with (
            patch.object(sys, "argv", [program, *arguments]),
            patch.object(logging.root, "handlers", []),
            contextlib.chdir(ROOT),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
        ):
            run(main)
    except SystemExit as done:
        return subprocess.CompletedProcess([program, *arguments], done.code, out.getvalue(), errors.getvalue())
    finally:
        logging.root.setLevel(level)

"""Runs the sections one after the other and prints their table."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

import benchmarks.gpu
from benchmarks.gpu import equality, passes, runs, steps
from benchmarks.gpu.bench import FAIL, MARK, Bench
from utils.device import resolve_device

SECTIONS: dict[str, tuple[Callable[[Bench], None], int]] = {
    "equality": (equality.run, 90),
    "steps": (steps.detection, 180),
    "recognition": (steps.recognition, 120),
    "data-wait": (runs.data_wait, 150),
    "labelling": (passes.labelling, 90),
    "evaluation": (passes.evaluation, 90),
    "resume": (runs.resume, 90),
}
"""What each section does, and the seconds that it may take."""


def main(argv: list[str] | None = None) -> int:
    """Return 1 where something is wrong, else 0."""
    options = parser().parse_args(argv)
    device = resolve_device(options.device)
    if options.section is not None:
        bench = Bench(device, options.data, Path(options.work), options.quick, options.tiny)
        SECTIONS[options.section][0](bench)
        return 0
    make_data(options.data, options.quick)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    rows = [["machine", "device", name, ""], ["machine", "torch", torch.__version__, ""]]
    with tempfile.TemporaryDirectory() as work:
        for section in options.only.split(",") if options.only else SECTIONS:
            rows += section_rows(section, SECTIONS[section][1], [*(argv or sys.argv[1:]), "--work", work])
    head = [["section", "what", "value", ""], ["---"] * 4]
    table = "\n".join(f"| {' | '.join(row)} |" for row in head + rows)
    print(table)
    if options.out is not None:
        options.out.write_text(table + "\n", encoding="utf-8")
    return int(any(row[-1] == FAIL for row in rows))


def section_rows(section: str, limit_s: float, arguments: list[str]) -> list[list[str]]:
    """Run a section in a process of its own and return its rows, those of an ended one, too."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.gpu", *arguments, "--section", section]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
        output, ending = done.stdout, "" if done.returncode == 0 else f"ended with status {done.returncode}"
        if ending:
            print(done.stderr[-4000:], file=sys.stderr)
    except subprocess.TimeoutExpired as late:
        output, ending = (late.stdout or b"").decode(), f"took more than {limit_s:g} s"
    rows = [[section, *json.loads(line.removeprefix(MARK))] for line in output.splitlines() if line.startswith(MARK)]
    rows += [[section, ending, "", FAIL]] if ending else []
    return [*rows, [section, "seconds", f"{time.monotonic() - begun:.0f}", ""]]


def make_data(folder: Path, quick: bool) -> None:
    """Draw scenes and words where they are not there yet."""
    jobs = {"scenes": ("generate_scenes", 40, 12), "words": ("generate_words", 1500 if quick else 6000, 300)}
    for name, (recipe, train, test) in jobs.items():
        if not (folder / name).exists():
            splits = f"splits={{train: {train}, test: {test}}}"
            command = [sys.executable, "generate.py", f"--yaml={recipe}", f"output_dir={folder / name}", splits]
            subprocess.run(command, check=True)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        "python -m benchmarks.gpu", description=benchmarks.gpu.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    result.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="scenes and words, made if missing")
    result.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    result.add_argument("--only", metavar="A,B", help=f"sections out of {', '.join(SECTIONS)}")
    result.add_argument("--quick", action="store_true", help="one batch size, two precisions")
    result.add_argument("--tiny", action="store_true", help="tries this program on a CPU; its times mean nothing")
    result.add_argument("--out", type=Path, metavar="FILE.md", help="also write the table there")
    result.add_argument("--section", choices=SECTIONS, help=argparse.SUPPRESS)
    result.add_argument("--work", help=argparse.SUPPRESS)
    return result


if __name__ == "__main__":
    sys.exit(main())

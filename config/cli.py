"""The command line that every program shares: `--yaml NAME_OR_PATH [key.sub=value ...]`.

This module does not import torch, so `--help` and error messages appear at once.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from config.errors import UserError, nearest
from config.loader import dump, load_config, recipes

EXIT_MISTAKE, EXIT_INTERRUPTED = 2, 130

_EXAMPLES = {
    "detection": ("train.batch_size=8 train.lr=5e-5", "train.datasets.0.root=/data/SynthText/"),
    "generate": ("splits.train=500", "text.language=de output_dir=./datasets/german"),
    "convert": ("datasets.0.root=./my_words to=jsonl", "output_dir=./datasets/my_words"),
}


class Parser(argparse.ArgumentParser):
    """An argument parser that raises a `UserError` instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"on the command line: {message}; see --help")


def parse(
    argv: Sequence[str] | None,
    description: str,
    task: str | Sequence[str],
    add_arguments: Callable[[argparse.ArgumentParser], Any] | None = None,
) -> tuple[Any, argparse.Namespace]:
    """Read a program's command line and load the configuration it names.

    Args:
        argv: arguments without the program's name; None uses those of the process.
        description: what the program does, for `--help`.
        task: the kind of configuration it needs, such as `detection`; or several kinds, the default first.
        add_arguments: adds the program's own options to the parser.

    Returns:
        The validated configuration and all parsed arguments.

    Raises:
        UserError: on a mistake in the arguments or the configuration.
        SystemExit: with status 0 after `--help` and `--print-config`.
    """
    parser = Parser(
        description=description,
        usage="%(prog)s --yaml NAME_OR_PATH [key.sub=value ...] [options]",
        epilog=_epilog(task),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--yaml", metavar="NAME_OR_PATH", help="a recipe's name (see below) or the path of a YAML file")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="key.sub=value",
        help="settings that replace those of the YAML, in its own syntax",
    )
    parser.add_argument("--print-config", action="store_true", help="only print all settings as they would be used")
    if add_arguments is not None:
        add_arguments(parser)
    arguments, unknown = parser.parse_known_intermixed_args(sys.argv[1:] if argv is None else list(argv))
    if unknown:
        raise UserError(_unknown_option(unknown[0], parser))
    if arguments.yaml is None:
        raise UserError(_no_yaml(arguments.overrides, task))
    config = load_config(arguments.yaml, arguments.overrides, task)
    if arguments.print_config:
        print(dump(config), end="")
        raise SystemExit(0)
    return config, arguments


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options `--resume` and `--fresh` of the training programs."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="continue the run from its last checkpoint")
    group.add_argument("--fresh", action="store_true", help="put an older run of this name aside and start anew")


def run(main: Callable[[list[str]], int | None]) -> NoReturn:
    """Run a program's `main` with the arguments of the process, and exit with its status.

    The status is 0 if it is done, 2 after a user's mistake (one sentence on stderr), and 130 if it was interrupted. Any
    other exception is a defect: it keeps its traceback and exits with 1.
    """
    # OpenMP reads this when torch is imported. Threads that spin while they wait for one another hold the cores which
    # the late ones need as soon as another program computes: training is then ten to a hundred times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"
    )
    try:
        try:
            status = main(sys.argv[1:]) or 0
        except SystemExit as done:
            sys.stdout.flush()
            raise done
        sys.stdout.flush()
    except UserError as mistake:
        print(f"error: {one_line(mistake)}", file=sys.stderr)
        status = EXIT_MISTAKE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = EXIT_INTERRUPTED
    except BrokenPipeError:
        if not _stdout_is_closed():
            raise
        status = 0
    sys.exit(status)


def one_line(mistake: UserError) -> str:
    """Return the sentence of a `UserError`, also if a DataLoader worker raised it.

    PyTorch re-raises a worker's exception with the worker's whole traceback as its text, which ends with the sentence.
    """
    text = str(mistake)
    marker = f"{UserError.__name__}: "
    if "Traceback (most recent call last)" in text and marker in text:
        text = text.rpartition(marker)[2]
    return " ".join(text.split())


def _stdout_is_closed() -> bool:
    """Tell whether the reader of stdout has closed the pipe (`... | head`); then silence stdout for the exit, too."""
    descriptor = sys.stdout.fileno()
    try:
        sys.stdout.flush()
        closed = False
    except BrokenPipeError:
        closed = True
    if not closed and hasattr(select, "poll"):
        # Unbuffered output leaves nothing to flush, so the pipe itself is polled.
        poll = select.poll()
        poll.register(descriptor, 0)
        closed = any(event & select.POLLERR for _, event in poll.poll(0))
    if closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    return closed


def _unknown_option(option: str, parser: argparse.ArgumentParser) -> str:
    name, equals, _ = option.partition("=")
    known = {text.lstrip("-"): text for action in parser._actions for text in action.option_strings}
    similar = nearest(name.lstrip("-"), known)
    if equals and ("." in name or similar is None):
        hint = f"settings are written without dashes: {option.lstrip('-')}"
    else:
        hint = f"did you mean {known[similar]}?" if similar else "see --help"
    return f"on the command line: there is no option {name}; {hint}"


def _no_yaml(overrides: Sequence[str], task: str | Sequence[str]) -> str:
    named = next((argument for argument in overrides if "=" not in argument), None)
    if named is not None:
        return f"on the command line: '{named}' has no option before it; did you mean --yaml {named}?"
    return f"on the command line: --yaml NAME_OR_PATH is missing; the recipes are {', '.join(recipes(task))}"


def _epilog(task: str | Sequence[str]) -> str:
    program = os.path.basename(sys.argv[0])
    known = recipes(task)
    name = next((recipe for recipe in ("syn_train", "generate_demo", "convert_words") if recipe in known), "NAME")
    width = max((len(recipe) for recipe in known), default=0)
    lines = [
        "recipes (config/NAME.yaml):",
        *(f"  {recipe:{width}}  {textwrap.shorten(text, 96, placeholder=' ...')}" for recipe, text in known.items()),
    ]
    lines += ["", "examples:", f"  python {program} --yaml {name}"]
    usual = task if isinstance(task, str) else task[0]
    lines += [f"  python {program} --yaml {name} {example}" for example in _EXAMPLES[usual]]
    lines += [f"  python {program} --yaml my/own.yaml --print-config"]
    lines += ["", "Every setting, its bounds and its default: docs/configuration.md"]
    return "\n".join(lines)

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.cli import one_line, parse, run
from config.errors import UserError
from config.loader import dump, load_config, recipes

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys
from config.cli import parse, run

def add_arguments(parser):
    parser.add_argument("--resume", action="store_true")

def main(argv):
    config, arguments = parse(argv, "Do a job.", "detection", add_arguments)
    assert "torch" not in sys.modules
    if config.seed == 13:
        raise RuntimeError("a defect")
    if config.seed == 14:
        raise KeyboardInterrupt
    if config.seed == 15:
        return 7
    print(config.train.lr, arguments.resume)

run(main)
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{PROGRAM}", encoding="utf-8")

    def start(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(path), *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
        )

    return start


def mistake(*argv: str) -> str:
    with pytest.raises(UserError) as caught:
        parse(argv, "Do a job.", "detection", lambda parser: parser.add_argument("--resume", action="store_true"))
    return str(caught.value)


@pytest.mark.parametrize(
    "argv",
    [
        ["--yaml", "syn_train", "train.lr=1e-5", "seed=2"],
        ["train.lr=1e-5", "--yaml", "syn_train", "seed=2"],
        ["train.lr=1e-5", "seed=2", "--yaml=syn_train"],
        ["--yaml=syn_train", "train.lr=1e-5", "--resume", "seed=2"],
    ],
)
def test_overrides_may_stand_anywhere(argv):
    config, arguments = parse(
        argv, "d", "detection", lambda parser: parser.add_argument("--resume", action="store_true")
    )
    assert (config.train.lr, config.seed) == (1e-5, 2)
    assert arguments.resume == ("--resume" in argv)


# arguments, words of the sentence
MISTAKES = [
    ([], "--yaml NAME_OR_PATH is missing; the recipes are "),
    (["syn_train"], "did you mean --yaml syn_train?"),
    (["--yaml"], "argument --yaml: expected one argument; see --help"),
    (["--yaml", "syn_train", "--resum"], "there is no option --resum; did you mean --resume?"),
    (["--yaml", "syn_train", "--train.lr=1"], "settings are written without dashes: train.lr=1"),
    (["--yaml", "syn_train", "--lr=1"], "there is no option --lr; settings are written without dashes: lr=1"),
    (["--yaml", "syn_train", "--fast"], "there is no option --fast; see --help"),
    (["--yaml", "syn_train", "train.lr", "1"], "'train.lr' is not of the form key.sub=value"),
    (["--yaml", "syn_train", "--resume=1"], "ignored explicit argument"),
]


@pytest.mark.parametrize(("argv", "words"), MISTAKES)
def test_mistakes_are_sentences(argv, words):
    text = mistake(*argv)
    assert text.startswith("on the command line: ")
    assert words in text


def test_help_names_recipes_examples_and_the_manual(capsys):
    with pytest.raises(SystemExit) as caught:
        parse(["--help"], "Do a job.", "detection")
    text = capsys.readouterr().out
    assert caught.value.code == 0
    for word in ("Do a job.", "--print-config", "docs/configuration.md", "train.lr=5e-5", *recipes("detection")):
        assert word in text
    assert "generate_demo  " not in text


def test_print_config_prints_the_resolved_whole(capsys):
    with pytest.raises(SystemExit) as caught:
        parse(["--yaml", "syn_train", "seed=3", "--print-config"], "d", "detection")
    assert caught.value.code == 0
    assert capsys.readouterr().out == dump(load_config("syn_train", ["seed=3"]))


def test_exit_statuses(program):
    done = program("--yaml", "craft_tiny", "train.lr=0.5")
    assert (done.returncode, done.stdout, done.stderr) == (0, "0.5 False\n", "")
    wrong = program("--yaml", "craft_tiny", "train.lr=no")
    sentence = "error: on the command line: train.lr is the text 'no', but must be a number above 0\n"
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", sentence)
    unknown = program("--yaml", "craft_tiny", "--what")
    assert unknown.returncode == 2 and unknown.stderr.count("\n") == 1
    defect = program("--yaml", "craft_tiny", "seed=13")
    assert defect.returncode == 1 and "Traceback" in defect.stderr and "a defect" in defect.stderr
    stopped = program("--yaml", "craft_tiny", "seed=14")
    assert (stopped.returncode, stopped.stderr) == (130, "interrupted\n")
    assert program("--yaml", "craft_tiny", "seed=15").returncode == 7


def test_a_reader_that_goes_away_is_no_error(program, tmp_path):
    command = [sys.executable, str(tmp_path / "program.py"), "--yaml", "syn_train", "--print-config"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    process.stdout.close()  # before anything was written
    stderr = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), stderr) == (0, b"")


def test_a_broken_pipe_that_is_not_stdout_is_a_defect():
    def main(argv):
        raise BrokenPipeError("a worker's pipe")

    with pytest.raises(BrokenPipeError):
        run(main)


def test_a_workers_mistake_is_its_sentence():
    """torch re-raises a worker's exception as the same type, with the whole traceback as its text."""
    text = (
        "Caught UserError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
        '  File "x.py", line 3, in f\n    raise UserError(...)\nconfig.errors.UserError: gt.txt:3: no text\n'
    )
    assert one_line(UserError(text)) == "gt.txt:3: no text"
    assert one_line(UserError("two\nlines")) == "two lines"

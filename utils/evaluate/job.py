"""What evaluating a detector and evaluating a recogniser have in common: entries, weights, and where results go."""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import UserError, nearest
from config.schema.detection import DetectionConfig
from config.schema.recognition import RecognitionConfig
from utils.device import resolve_amp, resolve_device
from utils.draw.picture_file import picture_path, save_picture
from utils.evaluate.results import write_results
from utils.run.folder import run_folder
from utils.weights.files import read_file

log = logging.getLogger(__name__)


class EvaluationJob:
    """The entries under `test` of a configuration, the weights they are evaluated with, and what is kept of them.

    Args:
        config: the job.
        checkpoint: path of the weights; None as in `find_checkpoint`.
        test: name of a single entry; None evaluates all.
        draw: path of a picture; with several entries their names are put into it.

    Attributes:
        tests: name -> settings of what is evaluated.
        checkpoint: the file of weights.
        checkpoint_sha256: hash of that file, "" until `read_weights` has read it.
        device, amp: where the network runs, and the precision there.

    Raises:
        UserError: weights or names are not as they should be.
    """

    def __init__(
        self, config: DetectionConfig | RecognitionConfig, checkpoint: str | None, test: str | None, draw: str | None
    ) -> None:
        self.tests = select_tests(config, test)
        self.checkpoint = find_checkpoint(config, checkpoint)
        self._draw = None if draw is None else picture_path("--draw", draw)
        self.checkpoint_sha256 = ""
        self.device = resolve_device(config.device)
        self.amp = resolve_amp(config.amp, self.device)
        self._folder = run_folder(config).root / "eval"

    def read_weights(self) -> Any:
        """Return what the file of weights holds; it is read once, for this and for `checkpoint_sha256`.

        Raises:
            UserError: as `read_file` does.
        """

        def note_hash(file: io.BytesIO, _: Path) -> None:
            self.checkpoint_sha256 = hashlib.file_digest(file, "sha256").hexdigest()

        return read_file(self.checkpoint, verify=note_hash)

    def keep(
        self,
        name: str,
        values: Mapping[str, Any],
        lines: Sequence[Mapping[str, Any]],
        picture: Callable[[], np.ndarray] | None,
    ) -> None:
        """Write the results of an entry, and its picture.

        Args:
            name: the entry.
            values: content of `results.json`.
            lines: one object for each sample.
            picture: returns a picture, uint8 [H, W, 3]; None draws no picture.
        """
        log.info("%s: %s", name, write_results(self._folder / safe_name(name), values, lines))
        if self._draw is not None and picture is not None:
            target = self._draw if len(self.tests) == 1 else with_name(self._draw, name)
            save_picture(target, picture())
            log.info("%s: %s", name, target)


def find_checkpoint(config: DetectionConfig | RecognitionConfig, given: str | None) -> Path:
    """Return the weights to evaluate: those given, else `trained_model`, else the run's best, else its last.

    Raises:
        UserError: there is no such file.
    """
    if given or config.trained_model:
        path = Path(given or str(config.trained_model))
        source = "--checkpoint" if given else "trained_model"
        if not path.is_file():
            raise UserError(f"{path}: there is no such file; check {source}")
        return path
    folder = run_folder(config)
    path = folder.best
    if not path.is_file() and folder.last.is_file():
        log.info("%s: the run was not evaluated so far, so its last checkpoint is used", folder.last)
        return folder.last
    if not path.is_file():
        program = "trainSynth.py" if config.task == "detection" else "train.py"
        raise UserError(
            f"{path}: this run has no checkpoint yet; make one with "
            f"`python {program} --yaml {config.name}`, or name another with --checkpoint"
        )
    return path


def select_tests(config: DetectionConfig | RecognitionConfig, name: str | None) -> dict[str, Any]:
    """Return the entries to evaluate.

    Raises:
        UserError: there is none, or none of that name.
    """
    if not config.test:
        raise UserError("the configuration has no entry under `test`; add one, or give test.NAME.dataset.root=FOLDER")
    if name is None:
        return dict(config.test)
    if name not in config.test:
        like = nearest(name, config.test)
        hint = f"did you mean '{like}'" if like else f"there are: {', '.join(config.test)}"
        raise UserError(f"--test {name}: there is no such entry under `test` ({hint})")
    return {name: config.test[name]}


def safe_name(name: str) -> str:
    """Return a name that is a single file name on every system."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".") or "_"


def with_name(path: Path, name: str) -> Path:
    """Return a path with a name put before its suffix."""
    return path.with_name(f"{path.stem}_{safe_name(name)}{path.suffix}")

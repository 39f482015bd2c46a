"""The scores of a run: the best so far, and the change since the starting weights."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from utils.engine.task import Evaluation

log = logging.getLogger(__name__)


@dataclass
class Scores:
    """The scores of a run's evaluations.

    Attributes:
        best: highest `Evaluation.score`.
        start: `Evaluation.level` of the unchanged starting weights; None if they were not evaluated.
        latest, latest_step: `Evaluation.level` of the last evaluation, and its iteration.
        best_regular: highest score of the regular evaluations, those at multiples of `eval_interval`.
        since_best: number of regular evaluations since `best_regular`.
        plateaus: how often `plateau_patience` regular evaluations in a row were not the best so far.
    """

    best: float = float("-inf")
    start: float | None = None
    latest: float | None = None
    latest_step: int = -1
    best_regular: float = float("-inf")
    since_best: int = 0
    plateaus: int = 0
    _waited: int = 0

    def judge(
        self, step: int, evaluation: Evaluation, *, at_start: bool, regular: bool = True, plateau_patience: int = 1
    ) -> tuple[bool, str]:
        """Record an evaluation.

        Args:
            step: its iteration.
            evaluation: its outcome.
            at_start: whether it evaluated the starting weights.
            regular: whether it was due by `eval_interval`. The evaluation at the end of a run does not count for the
                patience; otherwise a run that is extended later would end early sooner than an uninterrupted run.
            plateau_patience: number of regular evaluations without a better score that make a plateau.

        Returns:
            Whether it is the best so far, and a remark to print after its summary.
        """
        improved = evaluation.score > self.best
        self.best = max(self.best, evaluation.score)
        if regular:
            better = evaluation.score > self.best_regular
            self.best_regular = max(self.best_regular, evaluation.score)
            self.since_best = 0 if better else self.since_best + 1
            self._waited = 0 if better else self._waited + 1
        if self._waited >= plateau_patience:
            self.plateaus, self._waited = self.plateaus + 1, 0
        self.latest, self.latest_step = evaluation.level, step
        remark = "  (best so far)" if improved else ""
        if at_start:
            self.start = evaluation.level
            return improved, "  (the starting weights, unchanged)"
        if self.start is not None:
            change = f"{evaluation.level - self.start:+.3f}"
            remark += f"  {change}{' in ' if evaluation.level_name else ''}{evaluation.level_name} since the start"
            if evaluation.level < self.start:
                log.warning(
                    "validation%s (%.3f) is below that of the starting weights (%.3f): training has made the network "
                    "worse so far; best.pth keeps the weights of the best score",
                    f", {evaluation.level_name}" if evaluation.level_name else "", evaluation.level, self.start,
                )  # fmt: skip
        return improved, remark

    def at(self, step: int) -> float | None:
        """Return the level of the evaluation at iteration `step`, or None."""
        return self.latest if self.latest_step == step else None

    def forget(self) -> None:
        """Reset all scores, because older scores come from another evaluation."""
        self.__dict__.update(asdict(Scores()))

    def state(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return asdict(self)

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.__dict__.update(state)

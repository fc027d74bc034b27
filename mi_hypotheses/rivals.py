"""Floors: what trivial rivals of a claim get on the same tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.grids import Column, Floats
from mi_hypotheses.metrics import TEST, Evidence, Metric, computed, ratio, with_interval
from mi_hypotheses.reports import Score
from mi_hypotheses.stats import MOMENTS, Mask, RivalTable, UnitStatistics

RIVALS = {
    "constant": "predicting always",
    "random": "labels dealt at random, as many of each",
    "token_identity": "the current token alone",
    "previous_token": "the previous token alone",
    "position": "the position in the window alone",
    "comparison_best": "the best of the comparison units of the layer",
    "untrained": "the best unit of the layer in an untrained model",
}
_DIGITS = 9  # of scores; what differs further on is equal
HEAD_RIVALS = {
    "uniform": "attending evenly to all that is visible",
    "position": "the head's own habit by distance",
    "fixed_offset": "the best fixed offset",
    "comparison_best": "the best of the other heads of the layer",
    "untrained": "the best head of the layer in an untrained model",
}


def constant_floors(statistics: UnitStatistics) -> dict[str, float]:
    """Scores, on test tokens, of rivals that do not look: predicting always, and at random as
    often as the label holds."""
    if statistics.label_kind == "numeric":
        return {"pearson.constant": 0.0, "spearman.constant": 0.0}
    counts = statistics.counts[TEST].sum(axis=(0, 2))
    n = int(counts.sum())
    if statistics.label_kind == "categorical":
        chance = (np.count_nonzero(counts) - 1) / max(n - 1, 1)
        return {"eta_squared.constant": 0.0, "eta_squared.random": float(chance)}
    p = float(counts[1]) / max(n, 1)
    return {
        "pearson.constant": 0.0,
        "ap.random": p,
        "lift.random": 1.0,
        "f1.constant": 2 * p / (1 + p),
        "f1.random": p,
        "precision.random": p,
        "auroc.random": 0.5,
        "specificity.constant": p,
    }


def rival_pearson(table: RivalTable, statistics: UnitStatistics) -> float:
    """Correlation with the activation, on test tokens, of the best prediction of it from a key:
    the calibration mean for that key, e.g. for the current token."""
    calibration, test = table.sums
    overall = calibration[:, 1].sum() / max(calibration[:, 0].sum(), 1)
    means = calibration[:, 1] / np.maximum(calibration[:, 0], 1)
    prediction = np.where(calibration[:, 0] > 0, means, overall)
    n, a = test[:, 0], test[:, 1]
    centred = prediction - (prediction @ n) / max(n.sum(), 1)
    total, moment_a, _, moment_aa = statistics.moments[TEST].sum(axis=0)[:4]
    a = a - statistics.centre[0] * n - n * moment_a / max(total, 1)
    spread = (centred * centred) @ n * (moment_aa - moment_a**2 / max(total, 1))
    return float((centred @ a) / np.sqrt(spread)) if spread > 0 else 0.0


def prediction_floors(name: str, table: RivalTable, statistics: UnitStatistics) -> dict[str, float]:
    """`metric.name` → the score of that prediction itself, of metrics that compare it with the
    activation."""
    pearson = rival_pearson(table, statistics)
    if statistics.label_kind == "categorical":
        return {f"eta_squared.{name}": max(pearson, 0.0) ** 2}
    return {f"pearson.{name}": pearson, f"variance_explained.{name}": pearson**2}


def rival_keys(table: RivalTable, *, prevalence: float) -> Mask:
    """The keys, bool [keys], of the rival claim "fires on these".

    They are those with the highest mean activation on calibration documents, so many that they
    hold the share `prevalence` of the tokens there as nearly as possible: average precision and
    its like rise with the number of labelled tokens, so a fair rival labels as many.
    """
    n, a = table.sums[0].T
    chosen = np.zeros(len(n), dtype=np.bool_)
    if not n.sum():
        return chosen
    order = np.argsort(-ratio(a, n), kind="stable")  # keys never seen come last
    size = np.cumsum(n[order])
    best = int(np.argmin(np.abs(size - prevalence * n.sum())))
    chosen[order[: best + 1]] = True
    return chosen


@dataclass
class RivalClaim:
    """A rival claim's own counts on test tokens: what evidence is made of."""

    keys: Mask
    counts: Floats  # [2, activation bins]
    moments: Floats = field(default_factory=lambda: np.zeros(len(MOMENTS)))

    def update(self, keys: NDArray[np.int64], activations: Column, bins: NDArray[np.int64]) -> None:
        """Add test tokens: their keys, activations and activation bins."""
        known = keys < len(self.keys)
        label = known & self.keys[np.where(known, keys, 0)] if len(self.keys) else known & False
        width = self.counts.shape[1]
        cells = np.bincount(label * width + bins, minlength=2 * width)
        self.counts += cells.reshape(2, width)
        a, c = activations.astype(np.float64), label.astype(np.float64)
        positive = np.maximum(a, 0)
        sums = (len(a), a.sum(), c.sum(), a @ a, c.sum(), a @ c, positive.sum(), positive @ c)
        self.moments += np.array(sums)

    def floors(
        self, name: str, metrics: Sequence[Metric], *, threshold_bin: int | None
    ) -> dict[str, float]:
        """`metric.name` → the rival claim's score, at the unit's own threshold."""
        a, labelled = self.moments[MOMENTS.index("a")], self.moments[MOMENTS.index("ac")]
        evidence = Evidence(
            np.ones((1, 1)),
            self.moments[None],
            self.counts[None],
            threshold_bin,
            np.array([[a - labelled, labelled]]),
        )
        values = computed(evidence, metrics, "boolean")
        return {f"{key}.{name}": float(x[0]) for key, x in values.items() if np.isfinite(x[0])}


def unbeaten_floors(
    found: Mapping[str, Score],
    floors: Mapping[str, float | None],
    metrics: Sequence[str],
    *,
    names: Mapping[str, str] = RIVALS,
) -> list[str]:
    """For each of these metrics whose interval does not clear its strongest rival, a sentence.

    `names` says in words what the rivals are.
    """
    sentences = []
    for metric in dict.fromkeys(metrics):
        score = found.get(metric)
        rivals = {
            key.split(".", 1)[1]: floor
            for key, floor in floors.items()
            if key.split(".", 1)[0] == metric and floor is not None
        }
        if not rivals or score is None or score.value is None or score.low is None:
            continue
        # What differs by rounding alone is equal: a tie is no win, and the first rival is named.
        rival = max(rivals, key=lambda name: round(rivals[name], _DIGITS))
        if round(score.low, _DIGITS) <= round(rivals[rival], _DIGITS):
            sentences.append(
                f"{with_interval(metric, score)} does not beat its floor: "
                f"{rivals[rival]:.2f} for {names.get(rival, rival)}"
            )
    return sentences

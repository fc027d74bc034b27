"""Scores with intervals, floors and verdicts, from mergeable statistics.

Formulas: Pearson and variance explained after Gurnee et al. 2024 (universal neurons); average
precision as in scikit-learn's `average_precision_score`, with tokens of one histogram bin tied;
AUROC as the Mann-Whitney statistic; intervals by the percentile bootstrap over groups of
documents (Efron & Tibshirani 1993, chapter 13).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from mi_hypotheses.reports import Bar, Score, Status, Verdict
from mi_hypotheses.stats import Floats, RivalTable, UnitStatistics
from mi_hypotheses.text import CALIBRATION_GROUPS, GROUPS

RESAMPLES = 1000
LEAST_GROUPS = 8
LEAST_TOKENS = 20

CALIBRATION = slice(0, CALIBRATION_GROUPS)
TEST = slice(CALIBRATION_GROUPS, GROUPS)


@dataclass(frozen=True)
class Evidence:
    """Sums over test groups under one or more weightings of the groups.

    Row 0 weighs every group once: its scores are the reported values. The other rows are
    bootstrap resamples. `moments` is float64 [rows, 8] (`stats.MOMENTS`), `counts` float64
    [rows, label bins, activation bins], `threshold_bin` the first activation bin that counts
    as firing.
    """

    statistics: UnitStatistics
    weights: Floats  # [rows, test groups]
    threshold_bin: int | None = None

    @cached_property
    def moments(self) -> Floats:
        return self.weights @ self.statistics.moments[TEST]

    @cached_property
    def counts(self) -> Floats:
        counts = self.statistics.counts[TEST]
        flat = self.weights @ counts.reshape(len(counts), -1).astype(np.float64)
        return flat.reshape(len(self.weights), *counts.shape[1:])

    @cached_property
    def descending(self) -> tuple[Floats, Floats]:
        """Cumulative negatives and positives from the strongest bin down, [rows, bins]."""
        down = np.cumsum(self.counts[:, :, ::-1], axis=2)
        return down[:, 0], down[:, 1]

    @cached_property
    def confusion(self) -> tuple[Floats, Floats, Floats]:
        """True positives, false positives, false negatives at the threshold, [rows]."""
        if self.threshold_bin is None:
            nothing = np.full(len(self.weights), np.nan)
            return nothing, nothing, nothing
        fires = self.counts[:, :, self.threshold_bin :].sum(axis=2)
        return fires[:, 1], fires[:, 0], self.counts[:, 1].sum(axis=1) - fires[:, 1]


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, NaN where bottom is 0."""
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom != 0)


def _pearson(evidence: Evidence) -> Floats:
    n, a, c, aa, cc, ac = evidence.moments.T[:6]
    covariance = ac - _ratio(a * c, n)
    spread = np.maximum(aa - _ratio(a * a, n), 0) * np.maximum(cc - _ratio(c * c, n), 0)
    return np.clip(_ratio(covariance, np.sqrt(spread)), -1, 1)


def _precision(evidence: Evidence) -> Floats:
    hits, false, _ = evidence.confusion
    return _ratio(hits, hits + false)


def _recall(evidence: Evidence) -> Floats:
    hits, _, missed = evidence.confusion
    return _ratio(hits, hits + missed)


def _f1(evidence: Evidence) -> Floats:
    hits, false, missed = evidence.confusion
    return _ratio(2 * hits, 2 * hits + false + missed)


def _ap(evidence: Evidence) -> Floats:
    negative, positive = evidence.descending
    gained = np.diff(positive, axis=1, prepend=0)
    precision = np.nan_to_num(_ratio(positive, positive + negative))
    return _ratio((gained * precision).sum(axis=1), positive[:, -1])


def _prevalence(evidence: Evidence) -> Floats:
    negative, positive = evidence.descending
    return _ratio(positive[:, -1], positive[:, -1] + negative[:, -1])


def _auroc(evidence: Evidence) -> Floats:
    _, positive = evidence.descending
    here = evidence.counts[:, :, ::-1]
    above = positive - here[:, 1] / 2  # positives above each bin, ties counted half
    pairs = positive[:, -1] * here[:, 0].sum(axis=1)
    return _ratio((here[:, 0] * above).sum(axis=1), pairs)


def _spearman(evidence: Evidence) -> Floats:
    """Pearson correlation of mid-ranks, those of the joint histogram's bins."""

    def mid_ranks(counts: Floats) -> Floats:
        return np.cumsum(counts, axis=1) - counts / 2

    result = np.empty(len(evidence.weights))
    for row, joint in enumerate(evidence.counts):
        labels, activations = joint.sum(axis=1)[None], joint.sum(axis=0)[None]
        n = joint.sum()
        x, y = mid_ranks(labels)[0] - n / 2, mid_ranks(activations)[0] - n / 2
        spread = (labels[0] @ (x * x)) * (activations[0] @ (y * y))
        result[row] = (x @ joint @ y) / np.sqrt(spread) if spread > 0 else np.nan
    return result


def _specificity(evidence: Evidence) -> Floats:
    return _ratio(evidence.moments[:, 7], evidence.moments[:, 6])


@dataclass(frozen=True)
class Metric:
    """A score: its name, the labels it is defined for, and how it follows from evidence.

    `compute` returns float64 [rows], NaN where the score is undefined. `headline` scores are
    shown in summary tables.
    """

    name: str
    label: Literal["boolean", "numeric", "any"]
    compute: Callable[[Evidence], Floats]
    headline: bool = False

    def applies(self, *, numeric: bool) -> bool:
        return self.label in ("any", "numeric" if numeric else "boolean")


def builtin_metrics() -> list[Metric]:
    """The scores of every hypothesis, in the order in which reports show them."""
    return [
        Metric("pearson", "any", _pearson, headline=True),
        Metric("variance_explained", "any", lambda evidence: _pearson(evidence) ** 2),
        Metric("spearman", "numeric", _spearman, headline=True),
        Metric("ap", "boolean", _ap, headline=True),
        Metric("lift", "boolean", lambda evidence: _ratio(_ap(evidence), _prevalence(evidence))),
        Metric("f1", "boolean", _f1, headline=True),
        Metric("precision", "boolean", _precision),
        Metric("recall", "boolean", _recall),
        Metric("auroc", "boolean", _auroc),
        Metric("specificity", "boolean", _specificity),
    ]


def best_threshold_bin(statistics: UnitStatistics) -> int | None:
    """The first activation bin that counts as firing, so that F1 is highest on calibration.

    None where calibration documents have no positive token.
    """
    counts = statistics.counts[CALIBRATION].sum(axis=0).astype(np.float64)
    hits, false = counts[1, ::-1].cumsum()[::-1], counts[0, ::-1].cumsum()[::-1]
    if not hits[0]:
        return None
    f1 = _ratio(2 * hits, hits[0] + hits + false)
    f1[0] = -1  # a threshold below all activations would be no threshold
    return int(np.nanargmax(f1))


def bootstrap_weights(statistics: UnitStatistics, *, seed: int) -> Floats:
    """Weights [1 + RESAMPLES, test groups]: all ones, then resamples of non-empty groups."""
    groups = np.flatnonzero(statistics.moments[TEST, 0])
    weights = np.zeros((1 + RESAMPLES, GROUPS - CALIBRATION_GROUPS))
    weights[0, groups] = 1
    if len(groups):
        generator = np.random.default_rng(seed)
        even = np.full(len(groups), 1 / len(groups))
        weights[1:, groups] = generator.multinomial(len(groups), even, size=RESAMPLES)
    return weights


def interval(values: Floats) -> Score:
    """The score of row 0, with the 2.5% and 97.5% quantiles of the other rows."""
    value, resampled = values[0], values[1:][np.isfinite(values[1:])]
    if not np.isfinite(value):
        return Score(value=None)
    if not len(resampled):
        return Score(value=float(value))
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Score(value=float(value), low=float(low), high=float(high))


def undefined_reasons(statistics: UnitStatistics) -> tuple[str, ...]:
    """Why no score can be given on test documents; empty where it can."""
    moments, counts = statistics.moments[TEST], statistics.counts[TEST].sum(axis=(0, 2))
    n, a, c, aa, cc = moments.sum(axis=0)[:5]
    groups = int(np.count_nonzero(moments[:, 0]))
    if groups < LEAST_GROUPS:
        return (f"only {groups} of the 32 test groups have documents; {LEAST_GROUPS} are needed",)
    reasons = []
    if statistics.label_grid is None:
        for count, word in zip(counts.tolist(), ("negative", "positive"), strict=True):
            if count < LEAST_TOKENS:
                reasons.append(
                    f"only {count} {word} test tokens; at least {LEAST_TOKENS} are needed"
                )
    elif cc - c * c / n <= 1e-12 * max(cc, 1e-30):
        reasons.append("the label is the same on every test token")
    if aa - a * a / n <= 1e-12 * max(aa, 1e-30):
        reasons.append("the unit is dead: its activation is the same on every test token")
    return tuple(reasons)


def scores(evidence: Evidence, metrics: Sequence[Metric], *, numeric: bool) -> dict[str, Score]:
    """Every applicable score with its interval."""
    return {
        metric.name: interval(metric.compute(evidence))
        for metric in metrics
        if metric.applies(numeric=numeric)
    }


def constant_floors(prevalence: float, *, numeric: bool) -> dict[str, float]:
    """Scores of rivals that do not look: predicting always, and at random as often as the
    label holds."""
    if numeric:
        return {"pearson.constant": 0.0, "spearman.constant": 0.0}
    p = prevalence
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


def rival_floors(name: str, table: RivalTable, statistics: UnitStatistics) -> dict[str, float]:
    """What a rival reaches that knows one thing about each token, e.g. which token it is.

    Its prediction of the activation is the calibration mean for that key: `pearson` is that
    prediction's correlation with the activation on test tokens. Its prediction of firing is
    the set of keys that has the highest F1 on calibration: `f1` is that set's F1 on test.
    """
    calibration, test = table.sums
    floors = {f"pearson.{name}": _key_pearson(calibration, test, statistics)}
    if statistics.label_grid is None:
        floors[f"f1.{name}"] = _best_key_set(calibration, test)
    return floors


def _key_pearson(calibration: Floats, test: Floats, statistics: UnitStatistics) -> float:
    """Correlation of the keys' calibration means with the activation on test tokens."""
    overall = calibration[:, 1].sum() / max(calibration[:, 0].sum(), 1)
    means = calibration[:, 1] / np.maximum(calibration[:, 0], 1)
    prediction = np.where(calibration[:, 0] > 0, means, overall)
    n, a = test[:, 0], test[:, 1]
    centred = prediction - (prediction @ n) / max(n.sum(), 1)
    total, moment_a, _, moment_aa = statistics.moments[TEST].sum(axis=0)[:4]
    spread = (centred * centred) @ n * (moment_aa - moment_a**2 / max(total, 1))
    return float((centred @ a) / np.sqrt(spread)) if spread > 0 else 0.0


def _best_key_set(calibration: Floats, test: Floats) -> float:
    """F1 on test of the set of keys with the highest F1 on calibration."""
    n, _, fires = calibration.T
    if not len(n):
        return 0.0
    order = np.argsort(-_ratio(fires, n), kind="stable")  # keys never seen come last
    hits, size = np.cumsum(fires[order]), np.cumsum(n[order])
    f1 = _ratio(2 * hits, size + fires.sum())
    if not np.isfinite(f1).any():
        return 0.0
    chosen = order[: int(np.nanargmax(f1)) + 1]
    total = test[chosen, 0].sum() + test[:, 2].sum()
    return float(2 * test[chosen, 2].sum() / total) if total else 0.0


def judge(
    expect: Mapping[str, float], found: Mapping[str, Score], reasons: Sequence[str]
) -> tuple[tuple[Bar, ...], Verdict]:
    """How each bar fared, and the verdict: the worst of them.

    Args:
        expect: metric → bar.
        found: the scores.
        reasons: why scores are undefined, empty where they are defined.
    """
    bars = tuple(
        Bar(metric=metric, at_least=bar, status=_bar_status(bar, found.get(metric), reasons))
        for metric, bar in expect.items()
    )
    if reasons:
        return bars, Verdict(status="undefined", reasons=tuple(reasons))
    if not bars:
        return bars, Verdict(
            status="inconclusive", reasons=("nothing is expected: give expect= a bar",)
        )
    order: tuple[Status, ...] = ("undefined", "refuted", "inconclusive", "supported")
    status = min((bar.status for bar in bars), key=order.index)
    texts = tuple(_bar_reason(bar, found.get(bar.metric)) for bar in bars)
    if set(expect) == {"auroc"}:
        texts += ("auroc alone says little at low prevalence: expect ap or pearson as well",)
    return bars, Verdict(status=status, reasons=texts)


def _bar_status(bar: float, score: Score | None, reasons: Sequence[str]) -> Status:
    if reasons or score is None or score.low is None or score.high is None:
        return "undefined"
    if score.low >= bar:
        return "supported"
    return "refuted" if score.high < bar else "inconclusive"


def _bar_reason(bar: Bar, score: Score | None) -> str:
    if score is None or score.value is None:
        return f"{bar.metric} is undefined here"
    text = f"{bar.metric} {score.value:.2f} [{score.low:.2f}, {score.high:.2f}]"
    how = {
        "supported": f"reaches {bar.at_least:g}",
        "refuted": f"falls short of {bar.at_least:g}",
        "inconclusive": f"may or may not reach {bar.at_least:g}",
    }
    return f"{text} {how.get(bar.status, 'is undefined')}"


def unbeaten_floors(
    found: Mapping[str, Score], floors: Mapping[str, float | None], metrics: Sequence[str]
) -> list[str]:
    """For each of these metrics whose interval does not clear its strongest rival, a sentence."""
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
        rival = max(rivals, key=lambda name: rivals[name])
        if score.low <= rivals[rival]:
            sentences.append(
                f"{metric} {score.value:.2f} [{score.low:.2f}, {score.high:.2f}] does not beat "
                f"its floor: {rivals[rival]:.2f} for {RIVALS.get(rival, rival)}"
            )
    return sentences


RIVALS = {
    "constant": "predicting always",
    "random": "predicting at random, as often as the label holds",
    "token_identity": "the current token alone",
    "previous_token": "the previous token alone",
    "position": "the position in the window alone",
    "comparison_best": "the best of the comparison units of the layer",
    "untrained": "the best unit of the layer in an untrained model",
}

"""Scores with intervals, floors and verdicts, from mergeable statistics.

Formulas: Pearson and variance explained after Gurnee et al. 2024 (universal neurons); average
precision as in scikit-learn's `average_precision_score`, with tokens of one histogram bin tied;
AUROC as the Mann-Whitney statistic; η² as in one-way analysis of variance; intervals by the
percentile bootstrap over groups of documents (Efron & Tibshirani 1993, chapter 13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from mi_hypotheses.grids import Floats
from mi_hypotheses.reports import Bar, LabelKind, Score, Status, Verdict
from mi_hypotheses.stats import UnitStatistics
from mi_hypotheses.text import CALIBRATION_GROUPS, GROUPS

RESAMPLES = 1000
REPLICATES = 250
ROWS = 64  # resamples that are worked on at a time
LEAST_GROUPS = 8
LEAST_TOKENS = 20
CHOICE_DIGITS = 6  # of scores by which units are chosen: rounding decides nothing, the first does

CALIBRATION = slice(0, CALIBRATION_GROUPS)
TEST = slice(CALIBRATION_GROUPS, GROUPS)


@dataclass(frozen=True)
class Evidence:
    """Sums over groups of documents under one or more weightings of the groups.

    `weights` is float64 [rows, groups]. Row 0 weighs every group once: its scores are the reported
    values. The other rows are bootstrap resamples. What is weighted comes by group: `group_moments`
    is float64 [groups, 8] (`stats.MOMENTS`), `group_counts` [groups, label bins, activation bins],
    `group_sums` float64 [groups, label bins] the sums of activations. `threshold_bin` is the first
    activation bin that counts as firing. Of a categorical label counts have one activation bin, so
    that many categories stay cheap.

    A histogram for each row is much to make: a score that can sum over bins first, by group, and
    weigh the groups then is a hundred times cheaper.
    """

    weights: Floats
    group_moments: Floats
    group_counts: Floats
    threshold_bin: int | None = None
    group_sums: Floats = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def of(
        cls, statistics: UnitStatistics, weights: Floats, *, threshold_bin: int | None = None
    ) -> Evidence:
        """The evidence of test documents; `weights` is [rows, test groups]."""
        counts = statistics.counts[TEST]
        if statistics.label_kind == "categorical":
            counts = counts.sum(axis=2, keepdims=True)
        return cls(
            weights,
            statistics.moments[TEST],
            counts.astype(np.float64),
            threshold_bin,
            statistics.sums[TEST],
        )

    @cached_property
    def moments(self) -> Floats:
        """[rows, 8]."""
        return self.weights @ self.group_moments

    @cached_property
    def counts(self) -> Floats:
        """[rows, label bins, activation bins]: large, and made when it is first asked for."""
        return _weighted(self.weights, self.group_counts)

    @cached_property
    def sums(self) -> Floats:
        """[rows, label bins]."""
        return self.weights @ self.group_sums

    @cached_property
    def totals(self) -> Floats:
        """How many tokens have each label, [rows, label bins]."""
        return _weighted(self.weights, self.group_counts.sum(axis=2))

    @cached_property
    def _descending(self) -> tuple[Floats, Floats]:
        """Cumulative negatives and positives from the strongest bin down, [groups, bins]."""
        down = np.cumsum(self.group_counts[:, :2, ::-1], axis=2)
        return down[:, 0], down[:, 1]

    @cached_property
    def average_precision(self) -> Floats:
        """Of a ranking by activation, tokens of one bin being tied, [rows]."""
        negative, positive = self._descending
        gained = self.group_counts[:, 1, ::-1]
        bins = np.flatnonzero(gained.any(axis=0))  # only these add anything
        terms = gained[:, bins], positive[:, bins], (positive + negative)[:, bins]
        found = np.empty(len(self.weights))
        for rows in _blocks(len(found)):
            here, above, all_above = (self.weights[rows] @ term for term in terms)
            here *= above
            np.divide(here, all_above, out=here, where=all_above > 0)  # 0 / 0: nothing gained
            found[rows] = here.sum(axis=1)
        return ratio(found, self.totals[:, 1])

    @cached_property
    def confusion(self) -> tuple[Floats, Floats, Floats]:
        """True positives, false positives, false negatives at the threshold, [rows]."""
        if self.threshold_bin is None:
            nothing = np.full(len(self.weights), np.nan)
            return nothing, nothing, nothing
        fires = self.weights @ self.group_counts[:, :, self.threshold_bin :].sum(axis=2)
        return fires[:, 1], fires[:, 0], self.totals[:, 1] - fires[:, 1]


def _weighted(weights: Floats, of_groups: Floats) -> Floats:
    """What is given for each group, [groups, ...], summed under weights, [rows, ...]."""
    flat: Floats = weights @ of_groups.reshape(len(of_groups), -1)
    return flat.reshape(len(weights), *of_groups.shape[1:])


def _blocks(rows: int) -> Iterator[slice]:
    """So many rows at a time that what is made of them stays in the processor's cache."""
    return (slice(first, first + ROWS) for first in range(0, rows, ROWS))


def ratio(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, NaN where bottom is 0."""
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom != 0)


def _pearson(evidence: Evidence) -> Floats:
    n, a, c, aa, cc, ac = evidence.moments.T[:6]
    covariance = ac - ratio(a * c, n)
    spread = np.maximum(aa - ratio(a * a, n), 0) * np.maximum(cc - ratio(c * c, n), 0)
    return np.clip(ratio(covariance, np.sqrt(spread)), -1, 1)


def _precision(evidence: Evidence) -> Floats:
    hits, false, _ = evidence.confusion
    return ratio(hits, hits + false)


def _recall(evidence: Evidence) -> Floats:
    hits, _, missed = evidence.confusion
    return ratio(hits, hits + missed)


def _f1(evidence: Evidence) -> Floats:
    hits, false, missed = evidence.confusion
    return ratio(2 * hits, 2 * hits + false + missed)


def _ap(evidence: Evidence) -> Floats:
    return evidence.average_precision


def _prevalence(evidence: Evidence) -> Floats:
    return ratio(evidence.totals[:, 1], evidence.totals.sum(axis=1))


def _auroc(evidence: Evidence) -> Floats:
    _, positive = evidence._descending
    negative_here, positive_here = evidence.group_counts[:, :2, ::-1].swapaxes(0, 1)
    above = positive - positive_here / 2  # positives above each bin, ties counted half
    won = negative_here @ above.T  # [groups, groups], pairs of a negative and a positive
    under_weights: Floats = (evidence.weights @ won * evidence.weights).sum(axis=1)
    return ratio(under_weights, evidence.totals.prod(axis=1))


def _spearman(evidence: Evidence) -> Floats:
    """Pearson correlation of mid-ranks, those of the joint histogram's bins."""

    def mid_ranks(counts: Floats) -> Floats:
        """Of bins with such counts, [rows, bins], minus their mean."""
        half: Floats = (counts + counts.sum(axis=1, keepdims=True)) / 2
        return np.cumsum(counts, axis=1) - half

    found = np.empty(len(evidence.weights))
    for rows in _blocks(len(found)):
        joint = _weighted(evidence.weights[rows], evidence.group_counts)
        labels, activations = joint.sum(axis=2), joint.sum(axis=1)  # [rows, bins]
        x, y = mid_ranks(labels), mid_ranks(activations)
        together = (x[:, None] @ joint @ y[:, :, None])[:, 0, 0]
        spread = (labels * x * x).sum(axis=1) * (activations * y * y).sum(axis=1)
        found[rows] = ratio(together, np.sqrt(spread))
    return found


def _specificity(evidence: Evidence) -> Floats:
    return ratio(evidence.moments[:, 7], evidence.moments[:, 6])


def _eta_squared(evidence: Evidence) -> Floats:
    """Sum of squares between categories over all.

    It is never negative, and a resample's has its sampling error on top of that of the sample:
    many small categories would lift all resamples above the value. So their mean is moved to it.
    """
    n, sums = evidence.totals, evidence.sums
    mean = ratio(sums.sum(axis=1), n.sum(axis=1))
    apart = np.nan_to_num(ratio(sums, n) - mean[:, None])
    total, a, _, aa = evidence.moments.T[:4]
    found = np.clip(ratio((n * apart**2).sum(axis=1), aa - ratio(a * a, total)), 0, 1)
    if len(found) > 1 and np.isfinite(found[1:]).any():
        found[1:] = np.clip(found[1:] - (np.nanmean(found[1:]) - found[0]), 0, 1)
    return found


@dataclass(frozen=True)
class Metric:
    """A score: its name, the labels it is defined for, and how it follows from evidence.

    `label` `any` means boolean and numeric labels, which are numbers; categories are none.
    `compute` returns float64 [rows], NaN where the score is undefined. `headline` scores are
    shown in summary tables.
    """

    name: str
    label: LabelKind | Literal["any"]
    compute: Callable[[Evidence], Floats]
    headline: bool = False

    def applies(self, kind: LabelKind) -> bool:
        """Whether the score is defined for labels of this kind."""
        return self.label == kind or (self.label == "any" and kind != "categorical")


def builtin_metrics() -> list[Metric]:
    """The scores of every hypothesis, in the order in which reports show them."""
    return [
        Metric("pearson", "any", _pearson, headline=True),
        Metric("variance_explained", "any", lambda evidence: _pearson(evidence) ** 2),
        Metric("spearman", "numeric", _spearman, headline=True),
        Metric("ap", "boolean", _ap, headline=True),
        Metric("lift", "boolean", lambda evidence: ratio(_ap(evidence), _prevalence(evidence))),
        Metric("f1", "boolean", _f1, headline=True),
        Metric("precision", "boolean", _precision),
        Metric("recall", "boolean", _recall),
        Metric("auroc", "boolean", _auroc),
        Metric("specificity", "boolean", _specificity),
        Metric("eta_squared", "categorical", _eta_squared, headline=True),
    ]


def best_threshold_bin(statistics: UnitStatistics) -> int | None:
    """The first activation bin that counts as firing, so that F1 is highest on calibration.

    None where calibration documents have no positive token.
    """
    counts = statistics.counts[CALIBRATION].sum(axis=0).astype(np.float64)
    hits, false = counts[1, ::-1].cumsum()[::-1], counts[0, ::-1].cumsum()[::-1]
    if not hits[0]:
        return None
    f1 = ratio(2 * hits, hits[0] + hits + false)
    f1[0] = -1  # a threshold below all activations would be no threshold
    return int(np.nanargmax(f1))


def group_weights(sizes: Floats, *, seed: int) -> Floats:
    """Weights [1 + RESAMPLES, test groups]: all ones, then resamples of the groups whose size,
    [test groups], is not 0."""
    groups = np.flatnonzero(sizes)
    weights = np.zeros((1 + RESAMPLES, GROUPS - CALIBRATION_GROUPS))
    weights[0, groups] = 1
    if len(groups):
        generator = np.random.default_rng(seed)
        even = np.full(len(groups), 1 / len(groups))
        weights[1:, groups] = generator.multinomial(len(groups), even, size=RESAMPLES)
    return weights


def bootstrap_weights(statistics: UnitStatistics, *, seed: int) -> Floats:
    """`group_weights` of the groups that have tokens."""
    return group_weights(statistics.moments[TEST, 0], seed=seed)


def interval(values: Floats) -> Score:
    """The score of row 0, with the 2.5% and 97.5% quantiles of the other rows."""
    value, resampled = values[0], values[1:][np.isfinite(values[1:])]
    if not np.isfinite(value):
        return Score(value=None)
    if not len(resampled):
        return Score(value=float(value))
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Score(value=float(value), low=float(low), high=float(high))


def replicates(values: Floats) -> tuple[float | None, ...]:
    """The first `REPLICATES` bootstrap values of a metric, [rows], to five decimals.

    Two runs on the same corpus with the same seed weigh the same groups alike, row by row, so
    that their difference has a paired interval.
    """
    kept = values[1 : REPLICATES + 1].round(5).tolist()
    return tuple(value if np.isfinite(value) else None for value in kept)


def undefined_reasons(statistics: UnitStatistics) -> tuple[str, ...]:
    """Why no score can be given on test documents; empty where it can."""
    moments, counts = statistics.moments[TEST], statistics.counts[TEST].sum(axis=(0, 2))
    n, a, c, aa, cc = moments.sum(axis=0)[:5]
    groups = int(np.count_nonzero(moments[:, 0]))
    if groups < LEAST_GROUPS:
        which = "documents"
        if statistics.label_kind == "categorical":
            which = "tokens with a category"
        return (f"only {groups} of the 32 test groups have {which}; {LEAST_GROUPS} are needed",)
    reasons = []
    if statistics.label_kind == "categorical":
        enough = int(np.count_nonzero(counts >= LEAST_TOKENS))
        if enough < 2:
            reasons.append(
                f"only {enough} of the {len(counts)} categories {'has' if enough == 1 else 'have'} "
                f"at least {LEAST_TOKENS} test tokens; 2 are needed"
            )
    elif statistics.label_kind == "boolean":
        for count, word in zip(counts.tolist(), ("negative", "positive"), strict=True):
            if count < LEAST_TOKENS:
                reasons.append(
                    f"only {count} {word} test tokens; at least {LEAST_TOKENS} are needed"
                )
    elif cc - c * c / n <= 1e-12 * max(cc, 1e-30):
        reasons.append("the label is the same on every test token")
    elif n - counts.max() < LEAST_TOKENS:
        reasons.append(
            f"only {int(n - counts.max())} test tokens have another label than most; at least "
            f"{LEAST_TOKENS} are needed"
        )
    if aa - a * a / n <= 1e-12 * max(aa, 1e-30):
        reasons.append("the unit is dead: its activation is the same on every test token")
    return tuple(reasons)


def computed(evidence: Evidence, metrics: Sequence[Metric], kind: LabelKind) -> dict[str, Floats]:
    """Every applicable score, [rows] each.

    Raises:
        ValueError: a metric, of a plugin, gave something else.
    """
    found = {metric.name: metric.compute(evidence) for metric in metrics if metric.applies(kind)}
    for name, values in found.items():
        if np.shape(values) != (len(evidence.weights),):
            raise ValueError(
                f"the metric {name!r} gave an array of shape {np.shape(values)}, where a score for "
                f"each of the {len(evidence.weights)} rows of weights is wanted"
            )
    return found


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


def with_interval(metric: str, score: Score) -> str:
    """`f1 0.61 [0.58, 0.63]`."""
    if score.value is None or score.low is None or score.high is None:
        return f"{metric} {score.value} without an interval"
    return f"{metric} {score.value:.2f} [{score.low:.2f}, {score.high:.2f}]"


def _bar_reason(bar: Bar, score: Score | None) -> str:
    if score is None or score.value is None:
        return f"{bar.metric} is undefined here"
    text = with_interval(bar.metric, score)
    how = {
        "supported": f"reaches {bar.at_least:g}",
        "refuted": f"falls short of {bar.at_least:g}",
        "inconclusive": f"may or may not reach {bar.at_least:g}",
    }
    return f"{text} {how.get(bar.status, 'is undefined')}"

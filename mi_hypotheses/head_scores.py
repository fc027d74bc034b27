"""Scores of attention heads with intervals, from sums over queries, group by group.

A query is a scored token that attends. Its targets are the keys, in its window, to which a
target has edges from it; scores are about the queries that have some, unless they say otherwise.

`target_mass` and `mul` are sums of attention as in TransformerLens' `head_detector`, the first
over queries with a target, the second over all rows of attention, as there. `hit_rate` is the
accuracy of Clark et al. 2019 (What does BERT look at?), with BOS left out as they leave out
[SEP]; their best fixed offset is a floor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.grids import Floats
from mi_hypotheses.metrics import LEAST_GROUPS, LEAST_TOKENS, TEST, interval, ratio
from mi_hypotheses.reports import Score
from mi_hypotheses.text import GROUPS

# Of all queries: their number, and that of rows of attention, which are these and BOS's own. Of
# those with a target: their number, target mass, hits, mass on BOS, what uniform attention and what
# the head's habit by distance would put on the targets. Of the others: mass on BOS.
# `mul` is the attention under head_detector's matrix.
SUMS = (
    "queries",
    "rows",
    "targeted",
    "mass",
    "hit",
    "bos",
    "uniform",
    "position",
    "idle_bos",
    "mul",
)


@dataclass
class HeadSums:
    """Mergeable sums over the queries of a head: float64 [groups, len(SUMS)]."""

    values: Floats = field(default_factory=lambda: np.zeros((GROUPS, len(SUMS))))

    def add(self, group: NDArray[np.int64], **terms: NDArray[np.floating[Any]]) -> None:
        """Add queries: their groups [queries], and for each named sum their terms [queries]."""
        for name, term in terms.items():
            self.values[:, SUMS.index(name)] += np.bincount(group, term, minlength=GROUPS)

    def merge(self, other: Self) -> None:
        """Add another shard's sums."""
        self.values += other.values

    def total(self, name: str, groups: slice = TEST) -> float:
        """One of the sums over the test groups, or over others."""
        return float(self.values[groups, SUMS.index(name)].sum())


@dataclass(frozen=True)
class HeadEvidence:
    """Sums over test groups under one or more weightings of the groups, as `metrics.Evidence`:
    float64 [rows, len(SUMS)], row 0 being the plain sum."""

    sums: Floats

    @classmethod
    def of(cls, sums: HeadSums, weights: Floats) -> Self:
        """The evidence in sums; `weights` is [rows, test groups]."""
        return cls(weights @ sums.values[TEST])

    def __getitem__(self, name: str) -> Floats:
        column: Floats = self.sums[:, SUMS.index(name)]
        return column


@dataclass(frozen=True)
class HeadMetric:
    """A score of a head: `compute` returns float64 [rows], NaN where it is undefined.

    `headline` scores are shown in summary tables.
    """

    name: str
    compute: Callable[[HeadEvidence], Floats]
    headline: bool = False


def _mean(name: str) -> Callable[[HeadEvidence], Floats]:
    return lambda e: ratio(e[name], e["targeted"])


def builtin_head_metrics() -> list[HeadMetric]:
    """The scores of every head hypothesis, in the order in which reports show them."""
    return [
        HeadMetric("target_mass", _mean("mass"), headline=True),
        HeadMetric("hit_rate", _mean("hit"), headline=True),
        HeadMetric("lift_position", lambda e: ratio(e["mass"], e["position"]), headline=True),
        HeadMetric("lift_uniform", lambda e: ratio(e["mass"], e["uniform"])),
        HeadMetric("bos_mass", _mean("bos")),
        HeadMetric("off_target_bos", lambda e: ratio(e["idle_bos"], e["queries"] - e["targeted"])),
        HeadMetric("coverage", lambda e: ratio(e["targeted"], e["queries"])),
        HeadMetric("mul", lambda e: ratio(e["mul"], e["rows"])),
    ]


def head_scores(evidence: HeadEvidence, metrics: Sequence[HeadMetric]) -> dict[str, Score]:
    """Every score with its interval."""
    return {metric.name: interval(metric.compute(evidence)) for metric in metrics}


def undefined_head_reasons(sums: HeadSums) -> tuple[str, ...]:
    """Why no score can be given on test documents; empty where it can."""
    groups = int(np.count_nonzero(sums.values[TEST, SUMS.index("queries")]))
    if groups < LEAST_GROUPS:
        return (f"only {groups} of the 32 test groups have documents; {LEAST_GROUPS} are needed",)
    targeted, queries = int(sums.total("targeted")), int(sums.total("queries"))
    groups = int(np.count_nonzero(sums.values[TEST, SUMS.index("targeted")]))
    if targeted < LEAST_TOKENS or groups < LEAST_GROUPS:
        return (
            f"the target applies to {targeted} of the {queries} test queries, in {groups} groups "
            f"of documents; at least {LEAST_TOKENS} in {LEAST_GROUPS} are needed",
        )
    return ()

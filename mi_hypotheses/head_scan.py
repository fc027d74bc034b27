"""All heads of a model against targets in one pass: what a scan of heads is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.attending import Attending
from mi_hypotheses.false_discovery import jackknife_error, t_tail
from mi_hypotheses.grids import Floats
from mi_hypotheses.jobs import AttendsJob, attempt
from mi_hypotheses.metrics import ratio
from mi_hypotheses.scan_sums import PARTS, effective, parts_of
from mi_hypotheses.shards import Shard


@dataclass
class MassSums:
    """Sums over the queries of one target that have some, by part of the corpus."""

    layers: int
    heads: int
    n: Floats = field(default_factory=lambda: np.zeros(PARTS))
    uniform: Floats = field(default_factory=lambda: np.zeros(PARTS))
    mass: Floats = field(init=False)  # [parts, layers, heads]

    def __post_init__(self) -> None:
        self.mass = np.zeros((PARTS, self.layers, self.heads))


@dataclass(frozen=True)
class ScoredHeads:
    """How one target fares on every head, each [layers, heads].

    `chosen_by` is the target mass on calibration documents, `test` that on test documents,
    `error` its standard error; `p` says how likely so large a `test` is of a head that attends to
    all keys alike, which would put `uniform` on the targets.
    """

    chosen_by: Floats
    test: Floats
    error: Floats
    p: Floats
    folds: float
    uniform: float
    n: int  # test queries that have a target


@dataclass
class HeadScan:
    """All heads of some layers against the targets of `jobs`."""

    attending: Attending
    jobs: Sequence[AttendsJob]

    def scored(self) -> dict[int, ScoredHeads]:
        """How each job's target fares, by the job's place; those that failed are left out."""
        self.attending.run("scanning heads", self.jobs)
        found: dict[int, ScoredHeads] = {}
        for number, job in enumerate(self.jobs):
            attempt(job, self._score, number, found)
        return found

    def _score(self, job: AttendsJob, number: int, found: dict[int, ScoredHeads]) -> None:
        info = self.attending.info
        sums = MassSums(info.n_layers, info.n_heads or 0)
        for index, shard in enumerate(self.attending.store):
            self._add(job, index, shard, sums)
        found[number] = _scored(sums)

    def _add(self, job: AttendsJob, index: int, shard: Shard, into: MassSums) -> None:
        queries, key = job.queries(index, shard), job.keys[index]
        by_document = parts_of(shard.groups)
        part = by_document[shard.document[queries.tokens]]
        visible = shard.window_position + 1 if self.attending.info.causal else shard.window_size
        has_bos = shard.window.bos_id is not None
        uniform = queries.counts / (visible[queries.tokens] + has_bos)
        into.n += np.bincount(part, minlength=PARTS)
        into.uniform += np.bincount(part, uniform, minlength=PARTS)
        for layer in self.attending.layers(job):
            mass = self.attending.patterns.layer_mass(shard, layer, key, queries)
            np.add.at(into.mass[:, layer], by_document, mass)


def _scored(sums: MassSums) -> ScoredHeads:
    shape = sums.mass.shape[1:]
    mass = sums.mass.reshape(PARTS, -1).copy()
    mass[:, ~np.isfinite(mass).all(axis=0)] = np.nan  # such heads have no scores
    folds = np.flatnonzero(sums.n[1:] > 0) + 1
    test_n = sums.n[1:].sum()
    error = p = np.full(mass.shape[1], np.nan)
    carried = effective(sums.n[1:])
    if carried:
        error = jackknife_error(_without_each(mass, sums.n, folds))
        excess = mass - sums.uniform[:, None]
        of_excess = jackknife_error(_without_each(excess, sums.n, folds))
        with np.errstate(invalid="ignore", divide="ignore"):
            p = t_tail(excess[1:].sum(axis=0) / test_n / of_excess, max(carried - 1, 1))
    return ScoredHeads(
        chosen_by=ratio(mass[0], np.full(len(mass[0]), sums.n[0])).reshape(shape),
        test=ratio(mass[1:].sum(axis=0), np.full(len(mass[0]), test_n)).reshape(shape),
        error=error.reshape(shape),
        p=p.reshape(shape),
        folds=carried,
        uniform=float(sums.uniform[1:].sum() / test_n) if test_n else float("nan"),
        n=int(test_n),
    )


def _without_each(total: Floats, n: Floats, folds: NDArray[np.int64]) -> Floats:
    """The mean over test queries without each fold, [folds, heads], from sums by part."""
    rest, n_rest = total[1:].sum(axis=0) - total[folds], n[1:].sum() - n[folds]
    means: Floats = rest / n_rest[:, None]
    return means

"""One hypothesis on one corpus: from labels and columns to a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import findings, rivals
from mi_hypotheses import metrics as m
from mi_hypotheses.agreement import DocumentSums
from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.grids import Floats
from mi_hypotheses.hypotheses import Fires, Hypothesis
from mi_hypotheses.jobs import FiresJob, Job
from mi_hypotheses.loading import short_source
from mi_hypotheses.reports import Example, Examples, Result, Score, Verdict
from mi_hypotheses.shards import Shard
from mi_hypotheses.stats import Candidate, Pilot, RivalTable, UnitStatistics

PILOT_TOKENS = 16_384


def failed(blank: Result, message: str) -> Result:
    """The result of a hypothesis that cannot be scored."""
    return blank.model_copy(update={"verdict": Verdict(status="error", reasons=(message,))})


def unscored(hypothesis: Hypothesis, corpus: str) -> Result:
    """The result of a hypothesis before anything is measured."""
    fires = hypothesis if isinstance(hypothesis, Fires) else None
    return Result(
        name=hypothesis.name,
        claim=hypothesis.claim,
        source=short_source(hypothesis.source),
        kind="fires" if fires else "attends",
        label_kind=fires.on.label_kind if fires else "boolean",
        model=hypothesis.model,
        unit=str(hypothesis.unit),
        on=hypothesis.written,
        corpus=corpus,
        hypothesis_hash=hypothesis.hash,
        question_hash=hypothesis.question_hash,
        margin=hypothesis.margin,
        sign=fires.sign if fires else "+",
        verdict=Verdict(status="undefined"),
    )


def bare(job: Job) -> Result:
    """The result of a job before anything is measured, with the unit that a search chose."""
    changes = {
        "unit": str(job.unit or job.hypothesis.unit),
        "searched": job.searched,
        "labels_hash": job.labels_hash,
    }
    if isinstance(job, FiresJob) and job.neuron is not None:
        changes["sign"] = "-" if job.sign < 0 else "+"
    return unscored(job.hypothesis, job.corpus).model_copy(update=changes)


def add_to_pilot(
    job: FiresJob, index: int, shard: Shard, columns: ColumnStore, pilot: Pilot
) -> None:
    """Add the calibration tokens of a shard to what grids and centres are fixed on."""
    calibration = ~shard.test
    labels = job.labels_on(index, shard)[shard.scored]
    activations = job.activations(shard, columns)
    ranks = shard.tokens.rank
    pilot.update(ranks[calibration], activations[calibration], labels[calibration])


def start_statistics(job: FiresJob, pilot: Pilot) -> None:
    """Fix grids and centres."""
    stated = job.hypothesis.threshold
    extra = () if stated is None else (stated,)
    job.statistics = pilot.start(
        numeric=job.label_kind == "numeric", categories=len(job.categories), extra=extra
    )


def add_shard(job: FiresJob, index: int, shard: Shard, columns: ColumnStore) -> None:
    """Add a shard to the job's statistics."""
    activations = job.activations(shard, columns)
    labels = job.labels_on(index, shard)[shard.scored]
    _complete(job).update(shard.tokens, activations, labels, shard.test)


def threshold_bin(job: FiresJob, statistics: UnitStatistics) -> int | None:
    """The first bin that counts as firing: as stated, else as calibrated."""
    stated = job.hypothesis.threshold
    if job.label_kind != "boolean":
        return None
    if stated is not None:
        return int(np.searchsorted(statistics.grid.edges, np.float32(stated), side="right"))
    return m.best_threshold_bin(statistics)


RIVAL_KEYS: dict[str, Callable[[Shard], NDArray[np.int64]]] = {
    "token_identity": lambda shard: shard.ids.astype(np.int64),
    "previous_token": lambda shard: np.where(
        shard.window_position > 0, np.roll(shard.ids, 1).astype(np.int64) + 1, 0
    ),
    "position": lambda shard: shard.window_position,
}

ROUNDING = 1e-6  # of scores of float32 activations


@dataclass(frozen=True)
class Comparison:
    """What the comparison units get on `metric`, the job's own unit left out: |pearson|, or η²
    of a categorical label."""

    metric: str
    values: Floats

    def percentile(self, scores: Mapping[str, Score]) -> float | None:
        """The share of units that get less than the job's, by more than rounding."""
        score = scores.get(self.metric)
        if score is None or score.value is None or not len(self.values):
            return None
        return float(np.mean(self.values < abs(score.value) - ROUNDING))

    def floors(self) -> dict[str, float]:
        """`metric.comparison_best` → what the best of them gets."""
        if not len(self.values):
            return {}
        return {f"{self.metric}.comparison_best": float(self.values.max())}


@dataclass
class Review:
    """What the passes after the first find, the threshold being known.

    The second pass collects what rivals see (`tables`) and the examples: `chosen` names their
    tokens, `made` holds those met so far. The third scores the rivals' own claims.
    """

    fires_bin: int | None
    threshold: float | None
    chosen: dict[str, list[Candidate]]
    made: dict[Candidate, Example] = field(default_factory=dict)
    tables: dict[str, RivalTable] = field(
        default_factory=lambda: {name: RivalTable() for name in RIVAL_KEYS}
    )
    claims: dict[str, rivals.RivalClaim] = field(default_factory=dict)
    documents: DocumentSums = field(default_factory=DocumentSums)

    @classmethod
    def of(cls, job: FiresJob) -> Review:
        """Fix the threshold and the examples of a job whose first pass is done."""
        statistics = _complete(job)
        fires_bin = threshold_bin(job, statistics)
        threshold = float(statistics.grid.edges[fires_bin - 1]) if fires_bin else None
        return cls(fires_bin, threshold, findings.choose_examples(statistics, threshold))

    def second_pass(self, job: FiresJob, index: int, shard: Shard, columns: ColumnStore) -> None:
        """Add a shard to what the rivals see, and take the examples that lie in it."""
        activations = job.activations(shard, columns)
        known = ~np.isnan(job.labels_on(index, shard)[shard.scored])
        for name, keys in RIVAL_KEYS.items():
            seen = keys(shard)[shard.scored]
            self.tables[name].update(seen[known], activations[known], shard.test[known])
        if self.threshold is not None:
            labels = job.labels_on(index, shard)[shard.scored] > 0
            fires = activations >= np.float32(self.threshold)
            counted = shard.test & (labels | fires)
            agree = (labels & fires)[counted]
            self.documents.seed = shard.seed
            self.documents.add(shard.tokens.document_ids, shard.tokens.document[counted], agree)
        self.made.update(findings.examples_in(job, columns, index, shard, self.chosen))

    def fix_claims(self, job: FiresJob) -> None:
        """Fix what each rival claims, for boolean labels."""
        statistics = _complete(job)
        if statistics.label_kind != "boolean":
            return
        negative, positive = statistics.counts[m.CALIBRATION].sum(axis=(0, 2)).tolist()
        prevalence = positive / max(negative + positive, 1)
        for name, table in self.tables.items():
            keys = rivals.rival_keys(table, prevalence=prevalence)
            counts = np.zeros((2, statistics.grid.n_bins))
            self.claims[name] = rivals.RivalClaim(keys, counts)

    def third_pass(self, job: FiresJob, shard: Shard, columns: ColumnStore) -> None:
        """Add the test tokens of a shard to the counts of the rivals' claims."""
        if self.claims:
            activations = job.activations(shard, columns)[shard.test]
            bins = _complete(job).grid.bins(activations)
            for name, claim in self.claims.items():
                keys = RIVAL_KEYS[name](shard)[shard.scored][shard.test]
                claim.update(keys, activations, bins)

    def floors(self, job: FiresJob, metrics: Sequence[m.Metric]) -> dict[str, float]:
        """`metric.rival` → what the rival gets."""
        floors = rivals.constant_floors(_complete(job))
        for name, claim in self.claims.items():
            floors |= claim.floors(name, metrics, threshold_bin=self.fires_bin)
        for name, table in self.tables.items():
            floors |= rivals.prediction_floors(name, table, _complete(job))
        return floors


def _complete(job: FiresJob) -> UnitStatistics:
    assert job.statistics is not None  # made by start_statistics
    return job.statistics


def result(
    job: FiresJob, review: Review, comparison: Comparison, *, metrics: Sequence[m.Metric], seed: int
) -> Result:
    """Scores, floors, verdict and examples of a job when all passes are done."""
    statistics, hypothesis = _complete(job), job.hypothesis
    weights = m.bootstrap_weights(statistics, seed=seed)
    counted = _counted(job, statistics, weights)
    reasons = m.undefined_reasons(statistics)
    if reasons:
        bars, verdict = m.judge(hypothesis.expect, {}, reasons)
        return counted.model_copy(update={"verdict": verdict, "expect": bars})
    evidence = m.Evidence.of(statistics, weights, threshold_bin=review.fires_bin)
    values = m.computed(evidence, metrics, job.label_kind)
    scores = {name: m.interval(found) for name, found in values.items()}
    floors: dict[str, float | None] = {**review.floors(job, metrics), **comparison.floors()}
    bars, verdict = m.judge(hypothesis.expect, scores, ())
    headline = [metric.name for metric in metrics if metric.headline]
    unbeaten = rivals.unbeaten_floors(scores, floors, [*hypothesis.expect, *headline])
    examples = {name: tuple(review.made[c] for c in cs) for name, cs in review.chosen.items()}
    return counted.model_copy(
        update={
            "threshold": review.threshold,
            "scores": scores,
            "replicates": {
                metric.name: m.replicates(values[metric.name])
                for metric in metrics
                if metric.name in values and (metric.headline or metric.name in hypothesis.expect)
            },
            "floors": floors,
            "comparison_percentile": comparison.percentile(scores),
            "n_comparison": len(comparison.values),
            "expect": bars,
            "verdict": Verdict(status=verdict.status, reasons=(*verdict.reasons, *unbeaten)),
            "histogram": findings.histogram(statistics),
            "bands": findings.bands(statistics),
            "label_bands": findings.label_bands(statistics),
            "examples": Examples(**examples),
            "documents": review.documents.scores(),
        }
    )


def _counted(job: FiresJob, statistics: UnitStatistics, weights: Floats) -> Result:
    """The bare result with its counts, all of test documents, by category where labels are."""
    counts = statistics.counts[m.TEST].sum(axis=(0, 2))
    n, boolean = int(counts.sum()), job.label_kind == "boolean"
    positive = int(counts[1]) if boolean else 0
    return bare(job).model_copy(
        update={
            "n_tokens": n,
            "n_unlabelled": int(statistics.unlabelled[m.TEST].sum()),
            "n_positive": positive,
            "prevalence": positive / n if n and boolean else None,
            "category_bands": findings.category_bands(statistics, job.categories, weights),
            "n_documents": int(statistics.documents[m.TEST].sum()),
            "n_groups": int(np.count_nonzero(statistics.documents[m.TEST])),
        }
    )

"""One hypothesis on one corpus: from labels and columns to a result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import metrics as m
from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.errors import HypothesisError, MiHypothesesError, PredicateError
from mi_hypotheses.hypotheses import Fires, Neuron
from mi_hypotheses.models import Site
from mi_hypotheses.predicates import describe
from mi_hypotheses.reports import (
    Band,
    Example,
    Examples,
    ExampleToken,
    Histogram,
    LabelBand,
    Result,
    Score,
    Verdict,
)
from mi_hypotheses.shards import Shard, ShardStore
from mi_hypotheses.stats import (
    Candidate,
    Column,
    Floats,
    Grid,
    LabelGrid,
    RivalTable,
    UnitStatistics,
)

PILOT_TOKENS = 16_384
DISPLAY_BINS = 32
CONTEXT = 14
SHOWN = 6


@dataclass
class Job:
    """A hypothesis on a corpus, and what is known of it so far."""

    hypothesis: Fires
    corpus: str
    neuron: Neuron | None = None
    sign: float = 1.0
    searched: str | None = None
    error: str | None = None
    labels: list[NDArray[np.uint8] | Floats] = field(default_factory=list)  # one a shard
    digest: str = ""
    statistics: UnitStatistics | None = None

    def __post_init__(self) -> None:
        if isinstance(self.hypothesis.unit, Neuron):
            self.neuron = self.hypothesis.unit
            self.sign = -1.0 if self.hypothesis.sign == "-" else 1.0

    @property
    def site(self) -> Site:
        """Where the unit is read."""
        unit = self.neuron or self.hypothesis.unit
        return Site(unit.layer or 0, unit.at)

    @property
    def numeric(self) -> bool:
        return self.hypothesis.on.numeric

    def label(self, shard: Shard) -> None:
        """Label all tokens of the next shard.

        Raises:
            PredicateError: the predicate failed; the message names the document.
        """
        parts = [self._labels_of(shard, index) for index in range(len(shard.documents))]
        labels = np.concatenate([*parts, np.empty(0)])
        self.labels.append(labels if self.numeric else np.packbits(labels > 0))

    def _labels_of(self, shard: Shard, index: int) -> Floats:
        document = shard.documents[index]
        where = f"on document {document.id!r} of {self.corpus}"
        try:
            return self.hypothesis.on.labels(shard.view(index))
        except MiHypothesesError as error:
            raise PredicateError(f"The predicate failed {where}: {error}.") from error
        except Exception as error:
            raise PredicateError(
                f"The predicate raised {type(error).__name__} {where}: {error}."
            ) from error

    def labels_on(self, index: int, shard: Shard) -> Floats:
        """The labels of all tokens of a shard labelled before, [tokens]."""
        kept = self.labels[index]
        if self.numeric:
            return kept.astype(np.float64)
        return np.unpackbits(kept.astype(np.uint8), count=len(shard)).astype(np.float64)

    def finish_labels(self) -> None:
        """All shards are labelled: fix the digest of the labels."""
        digest = hashlib.blake2b(digest_size=16)
        for labels in self.labels:
            digest.update(labels.tobytes())
        self.digest = digest.hexdigest()

    def activations(self, shard: Shard, columns: ColumnStore) -> Column:
        """The unit's activations on the scored tokens, times the sign.

        Raises:
            HypothesisError: some are not finite; the message says where.
        """
        if self.neuron is None:
            raise HypothesisError("The search has not chosen a unit.")
        column = columns.unit(shard, self.site, self.neuron.index)[shard.scored]
        bad = np.flatnonzero(~np.isfinite(column))
        if len(bad):
            tokens = shard.tokens
            raise HypothesisError(
                f"{self.neuron} is not finite on {len(bad)} tokens, first at token "
                f"{tokens.position[bad[0]]} of document "
                f"{tokens.document_ids[tokens.document[bad[0]]]!r} of {self.corpus}. With "
                "float16 or bfloat16, try --dtype float32."
            )
        return column if self.sign > 0 else -column


def failed(job: Job, message: str) -> Result:
    """The result of a hypothesis that cannot be scored."""
    return _bare(job).model_copy(update={"verdict": Verdict(status="error", reasons=(message,))})


def _bare(job: Job) -> Result:
    hypothesis = job.hypothesis
    return Result(
        name=hypothesis.name,
        claim=hypothesis.claim,
        source=hypothesis.source,
        label_kind="numeric" if job.numeric else "boolean",
        model=hypothesis.model,
        unit=str(job.neuron or hypothesis.unit),
        searched=job.searched,
        on=describe(hypothesis.on),
        corpus=job.corpus,
        hypothesis_hash=hypothesis.hash,
        sign="-" if job.sign < 0 else "+",
        verdict=Verdict(status="undefined"),
    )


def start_statistics(job: Job, store: ShardStore, columns: ColumnStore) -> UnitStatistics:
    """Fix grids and centres on the first calibration documents of the corpus."""
    activations, labels = [], []
    count = 0
    for index, shard in enumerate(store):
        calibration = ~shard.test
        activations.append(job.activations(shard, columns)[calibration])
        labels.append(job.labels_on(index, shard)[shard.scored][calibration])
        count += len(labels[-1])
        if count >= PILOT_TOKENS:
            break
    a, c = np.concatenate(activations)[:PILOT_TOKENS], np.concatenate(labels)[:PILOT_TOKENS]
    stated = job.hypothesis.threshold
    grid = Grid.from_pilot(a, extra=() if stated is None else (stated,))
    label_grid = LabelGrid.from_pilot(c) if job.numeric else None
    if not len(a):
        return UnitStatistics(grid, (0.0, 0.0), label_grid)
    return UnitStatistics(grid, (float(a.mean(dtype=np.float64)), float(c.mean())), label_grid)


def add_shard(job: Job, index: int, shard: Shard, columns: ColumnStore) -> None:
    """Add a shard to the job's statistics."""
    assert job.statistics is not None  # made by start_statistics
    activations = job.activations(shard, columns)
    labels = job.labels_on(index, shard)[shard.scored]
    job.statistics.update(shard.tokens, activations, labels, shard.test)


def threshold_bin(job: Job, statistics: UnitStatistics) -> int | None:
    """The first bin that counts as firing: as stated, else as calibrated."""
    stated = job.hypothesis.threshold
    if job.numeric:
        return None
    if stated is not None:
        return int(np.searchsorted(statistics.grid.edges, np.float32(stated), side="right"))
    return m.best_threshold_bin(statistics)


RIVAL_KEYS: dict[str, Callable[[Shard], NDArray[np.int64]]] = {
    "token_identity": lambda shard: shard.ids.astype(np.int64),
    "previous_token": lambda shard: np.where(
        shard.position > 0, np.roll(shard.ids, 1).astype(np.int64) + 1, 0
    ),
    "position": lambda shard: shard.window_position,
}


def rivals(
    job: Job, store: ShardStore, columns: ColumnStore, fires_from: float | None
) -> dict[str, RivalTable]:
    """What rivals that know one thing about each token see, by rival."""
    size = max((int(shard.ids.max(initial=0)) for shard in store), default=0) + 2
    tables = {
        name: RivalTable.empty(store.window.length if name == "position" else size)
        for name in RIVAL_KEYS
    }
    for shard in store:
        activations = job.activations(shard, columns)
        fires = activations >= (np.inf if fires_from is None else fires_from)
        for name, keys in RIVAL_KEYS.items():
            tables[name].update(keys(shard)[shard.scored], activations, fires, shard.test)
    return tables


@dataclass(frozen=True)
class Comparison:
    """|pearson| of the comparison units with the label, the job's own unit left out."""

    pearson: Floats

    def percentile(self, score: Score | None) -> float | None:
        if score is None or score.value is None or not len(self.pearson):
            return None
        return float(np.mean(self.pearson < abs(score.value)))


def result(
    job: Job,
    store: ShardStore,
    columns: ColumnStore,
    comparison: Comparison,
    *,
    metrics: Sequence[m.Metric],
    seed: int,
) -> Result:
    """Scores, floors, verdict and examples of a job whose statistics are complete."""
    assert job.statistics is not None  # made by start_statistics
    statistics, hypothesis = job.statistics, job.hypothesis
    fires_bin = threshold_bin(job, statistics)
    threshold = None if not fires_bin else float(statistics.grid.edges[fires_bin - 1])
    counted = _counted(job, statistics)
    reasons = m.undefined_reasons(statistics)
    if reasons:
        _, verdict = m.judge(hypothesis.expect, {}, reasons)
        bars, _ = m.judge(hypothesis.expect, {}, reasons)
        return counted.model_copy(update={"verdict": verdict, "expect": bars})
    weights = m.bootstrap_weights(statistics, seed=seed)
    evidence = m.Evidence(statistics, weights, fires_bin)
    scores = m.scores(evidence, metrics, numeric=job.numeric)
    floors: dict[str, float | None] = {
        **m.constant_floors(counted.prevalence or 0.0, numeric=job.numeric)
    }
    for name, table in rivals(job, store, columns, threshold).items():
        floors.update(m.rival_floors(name, table, statistics))
    if len(comparison.pearson):
        floors["pearson.comparison_best"] = float(comparison.pearson.max())
    bars, verdict = m.judge(hypothesis.expect, scores, ())
    headline = [metric.name for metric in metrics if metric.headline]
    unbeaten = m.unbeaten_floors(scores, floors, [*hypothesis.expect, *headline])
    return counted.model_copy(
        update={
            "threshold": threshold,
            "scores": scores,
            "floors": floors,
            "comparison_percentile": comparison.percentile(scores.get("pearson")),
            "expect": bars,
            "verdict": Verdict(status=verdict.status, reasons=(*verdict.reasons, *unbeaten)),
            "histogram": _histogram(statistics),
            "bands": _bands(statistics),
            "label_bands": _label_bands(statistics),
            "examples": _examples(job, store, columns, statistics, threshold),
        }
    )


def _counted(job: Job, statistics: UnitStatistics) -> Result:
    """The bare result with its counts, all of test documents."""
    counts = statistics.counts[m.TEST].sum(axis=(0, 2))
    n = int(counts.sum())
    positive = 0 if job.numeric else int(counts[1])
    return _bare(job).model_copy(
        update={
            "n_tokens": n,
            "n_positive": positive,
            "prevalence": positive / n if n and not job.numeric else None,
            "n_documents": int(statistics.documents[m.TEST].sum()),
            "n_groups": int(np.count_nonzero(statistics.documents[m.TEST])),
        }
    )


def _regrouped(edges: Column, wanted: Column, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts [..., fine bins] summed to the bins between `wanted`, which are among `edges`.

    What lies outside goes to the first and last bin.
    """
    cuts = np.searchsorted(edges, wanted[1:-1], side="left") + 1
    regrouped: NDArray[np.int64] = np.add.reduceat(counts, [0, *cuts.tolist()], axis=-1)
    return regrouped


def _histogram(statistics: UnitStatistics) -> Histogram | None:
    grid = statistics.grid
    if grid.high <= grid.low:
        return None
    counts = statistics.counts[m.TEST].sum(axis=0)
    if statistics.label_grid is not None:
        edges = statistics.rank_edges
        shown = np.linspace(grid.low, grid.high, DISPLAY_BINS + 1)
        which = np.clip(np.searchsorted(edges, shown[1:-1]), 1, len(edges) - 1)
        negative = np.add.reduceat(counts.sum(axis=0), [0, *which.tolist()])
        none = (0,) * DISPLAY_BINS
        return Histogram(edges=tuple(shown), negative=tuple(negative.tolist()), positive=none)
    wanted = grid.display_edges(DISPLAY_BINS)
    negative, positive = _regrouped(grid.edges, wanted, counts).tolist()
    return Histogram(
        edges=tuple(wanted.tolist()), negative=tuple(negative), positive=tuple(positive)
    )


def _bands(statistics: UnitStatistics) -> tuple[Band, ...]:
    """P(label | band) for each tenth of the positive range, boolean labels only."""
    edges = statistics.grid.band_edges()
    if not len(edges) or statistics.label_grid is not None:
        return ()
    counts = statistics.counts[m.TEST].sum(axis=0)
    first = int(np.searchsorted(statistics.grid.edges, edges[0], side="left")) + 1
    fine = statistics.grid.edges[first - 1 :]
    negative, positive = _regrouped(fine, edges, counts[:, first:]).tolist()
    return tuple(
        Band(low=low, high=high, n_tokens=n + p, mean_label=p / (n + p) if n + p else None)
        for low, high, n, p in zip(
            edges[:-1].tolist(), edges[1:].tolist(), negative, positive, strict=True
        )
    )


def _label_bands(statistics: UnitStatistics) -> tuple[LabelBand, ...]:
    """The mean activation by label value, numeric labels only; at most 16 bands."""
    if statistics.label_grid is None or not len(statistics.label_grid.edges):
        return ()
    joint = statistics.counts[m.TEST].sum(axis=0).astype(np.float64)
    edges = statistics.rank_edges.astype(np.float64)
    centres = np.concatenate([[edges[0]], (edges[1:] + edges[:-1]) / 2, [edges[-1]]])
    cuts = statistics.label_grid.edges
    lows = np.concatenate([[2 * cuts[0] - cuts[min(1, len(cuts) - 1)]], cuts])
    highs = np.concatenate([cuts, [2 * cuts[-1] - cuts[max(len(cuts) - 2, 0)]]])
    starts = np.unique(np.linspace(0, len(joint), 17).astype(int)[:-1])
    stops = [*starts[1:].tolist(), len(joint)]
    bands = []
    for start, stop in zip(starts.tolist(), stops, strict=True):
        row = joint[start:stop].sum(axis=0)
        n = int(row.sum())
        if n:
            mean = float(row @ centres / n)
            low, high = float(lows[start]), float(highs[stop - 1])
            bands.append(LabelBand(low=low, high=high, n_tokens=n, mean_activation=mean))
    return tuple(bands)


def _examples(
    job: Job,
    store: ShardStore,
    columns: ColumnStore,
    statistics: UnitStatistics,
    threshold: float | None,
) -> Examples:
    kept = {name: examples.candidates for name, examples in statistics.examples.items()}
    at = np.inf if threshold is None else threshold
    chosen = {
        "top": kept["top"][:SHOWN],
        "false_positives": [c for c in kept["false_positives"] if c.activation >= at][:SHOWN],
        "false_negatives": [c for c in kept["positives"] if c.activation < at][:SHOWN],
    }
    wanted = {c.document_id for candidates in chosen.values() for c in candidates}
    made: dict[Candidate, Example] = {}
    for index, shard in enumerate(store):
        for number, document in enumerate(shard.documents):
            if document.id in wanted:
                here = [c for cs in chosen.values() for c in cs if c.document_id == document.id]
                made.update(_in_context(job, columns, index, shard, number, here))
    return Examples(**{name: tuple(made[c] for c in cs) for name, cs in chosen.items()})


def _in_context(
    job: Job,
    columns: ColumnStore,
    index: int,
    shard: Shard,
    number: int,
    candidates: Iterable[Candidate],
) -> dict[Candidate, Example]:
    """Examples of one document, each token with its neighbours."""
    assert job.neuron is not None  # chosen before statistics were made
    first, stop = int(shard.offsets[number]), int(shard.offsets[number + 1])
    column = job.sign * columns.unit(shard, job.site, job.neuron.index)[first:stop]
    labels, view = job.labels_on(index, shard)[first:stop], shard.view(number)
    made = {}
    for candidate in candidates:
        low = max(candidate.position - CONTEXT, 0)
        high = min(candidate.position + CONTEXT + 1, len(view))
        made[candidate] = Example(
            document=candidate.document_id,
            line=view.text.count("\n", 0, int(view.ends[candidate.position] - 1)) + 1,
            focus=candidate.position - low,
            tokens=tuple(
                ExampleToken(
                    text=view.text[
                        max(int(view.starts[i]), int(view.ends[i - 1]) if i else 0) : int(
                            view.ends[i]
                        )
                    ],
                    activation=round(float(column[i]), 4),
                    label=float(labels[i]),
                )
                for i in range(low, high)
            ),
        )
    return made

"""What a report shows beside scores: histograms, bands and examples of test documents."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.grids import Column, Floats
from mi_hypotheses.jobs import FiresJob
from mi_hypotheses.metrics import LEAST_GROUPS, TEST, Evidence, interval, ratio
from mi_hypotheses.reports import (
    Band,
    CategoryBand,
    Example,
    ExampleToken,
    Histogram,
    LabelBand,
    Score,
)
from mi_hypotheses.shards import Shard
from mi_hypotheses.stats import Candidate, UnitStatistics
from mi_hypotheses.text import TokenView

DISPLAY_BINS = 32
CONTEXT = 14
SHOWN = 6


def _regrouped(edges: Column, wanted: Column, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts [..., fine bins] summed to the bins between `wanted`, which are among `edges`.

    What lies outside goes to the first and last bin.
    """
    cuts = np.searchsorted(edges, wanted[1:-1], side="left") + 1
    regrouped: NDArray[np.int64] = np.add.reduceat(counts, [0, *cuts.tolist()], axis=-1)
    return regrouped


def histogram(statistics: UnitStatistics) -> Histogram | None:
    grid = statistics.grid
    if grid.high <= grid.low:
        return None
    counts = statistics.counts[TEST].sum(axis=0)
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


def bands(statistics: UnitStatistics) -> tuple[Band, ...]:
    """The mean label in each tenth of the positive range; exact zeros are in none of them."""
    edges = statistics.grid.band_edges()
    if not len(edges) or statistics.label_kind == "categorical":
        return ()
    counts = statistics.counts[TEST].sum(axis=0)  # [label bins, activation bins]
    numeric = statistics.label_grid is not None
    fine = statistics.rank_edges if numeric else statistics.grid.edges
    above_zero = np.nextafter(np.float32(0), np.float32(1))
    first = int(np.searchsorted(fine, above_zero, side="left")) + 1
    per_band = _regrouped(fine[first - 1 :], edges, counts[:, first:])
    values = statistics.label_grid.centres if statistics.label_grid else np.array([0.0, 1.0])
    return tuple(
        Band(low=low, high=high, n_tokens=int(n.sum()), mean_label=_mean(values, n))
        for low, high, n in zip(edges[:-1].tolist(), edges[1:].tolist(), per_band.T, strict=True)
    )


def _mean(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float | None:
    total = counts.sum()
    return float(values @ counts / total) if total else None


def label_bands(statistics: UnitStatistics) -> tuple[LabelBand, ...]:
    """The mean activation by label value, numeric labels only; at most 16 bands."""
    grid = statistics.label_grid
    if grid is None or grid.of == "categories":
        return ()
    counts = statistics.counts[TEST].sum(axis=(0, 2))  # [label bins]
    sums = statistics.sums[TEST].sum(axis=0)
    values = grid.centres
    starts = np.unique(np.linspace(0, len(values), 17).astype(int)[:-1]).tolist()
    found = []
    for start, stop in itertools.pairwise([*starts, len(values)]):
        n = int(counts[start:stop].sum())
        if n:
            low, high = grid.bounds(start, stop)
            mean = float(sums[start:stop].sum() / n)
            found.append(LabelBand(low=low, high=high, n_tokens=n, mean_activation=mean))
    return tuple(found)


def category_bands(
    statistics: UnitStatistics, names: Sequence[str], weights: Floats
) -> tuple[CategoryBand, ...]:
    """The mean activation of each category, in the order of `names`; `weights` are of
    `metrics.bootstrap_weights`.

    A mean has an interval where at least as many groups have the category as a score needs.
    """
    if not names:
        return ()
    evidence = Evidence.of(statistics, weights)
    means = ratio(evidence.sums, evidence.totals)  # [rows, categories]
    per_group = statistics.counts[TEST].sum(axis=2)  # [groups, categories]
    groups, totals = np.count_nonzero(per_group, axis=0), per_group.sum(axis=0)
    found = []
    for name, n, spread, column in zip(names, totals.tolist(), groups, means.T, strict=True):
        score = interval(column) if spread >= LEAST_GROUPS else Score(value=column[0])
        found.append(
            CategoryBand(
                name=name,
                n_tokens=n,
                mean_activation=score.value,
                low=score.low,
                high=score.high,
            )
        )
    return tuple(found)


def choose_examples(
    statistics: UnitStatistics, threshold: float | None
) -> dict[str, list[Candidate]]:
    """The tokens to show: strongest, strongest mistakes, and a sample of the misses."""
    kept = {name: examples.candidates for name, examples in statistics.examples.items()}
    at = np.inf if threshold is None else threshold
    return {
        "top": kept["top"][:SHOWN],
        "false_positives": [c for c in kept["false_positives"] if c.activation >= at][:SHOWN],
        "false_negatives": [c for c in kept["positives"] if c.activation < at][:SHOWN],
    }


def examples_in(
    job: FiresJob,
    columns: ColumnStore,
    index: int,
    shard: Shard,
    chosen: Mapping[str, Iterable[Candidate]],
) -> dict[Candidate, Example]:
    """The chosen tokens that lie in a shard, with their context."""
    by_document: dict[str, list[Candidate]] = {}
    for candidates in chosen.values():
        for candidate in candidates:
            by_document.setdefault(candidate.document_id, []).append(candidate)
    made: dict[Candidate, Example] = {}
    for number, document in enumerate(shard.documents):
        if document.id in by_document:
            made |= _in_context(job, columns, index, shard, number, by_document[document.id])
    return made


def _in_context(
    job: FiresJob,
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
    return {
        candidate: in_context(view, candidate, column, labels=labels) for candidate in candidates
    }


def _rounded(value: float) -> float | None:
    """Four decimals, and of what is small three digits that count; none where it is not finite."""
    if not math.isfinite(value):
        return None
    return round(value, 4) if abs(value) >= 0.1 else float(f"{value:.3g}")


def in_context(
    view: TokenView,
    candidate: Candidate,
    activations: Column,
    *,
    labels: Floats | None = None,
    context: int = CONTEXT,
) -> Example:
    """A token of a document with `context` neighbours on either side.

    `activations` and `labels` are of all tokens of the document, [tokens].
    """
    low = max(candidate.position - context, 0)
    high = min(candidate.position + context + 1, len(view))
    before = int(view.ends[low - 1]) if low else 0
    tokens = []
    for place in range(low, high):
        start, end = max(int(view.starts[place]), before), int(view.ends[place])
        label = None if labels is None or np.isnan(labels[place]) else float(labels[place])
        tokens.append(
            # Validating many of these takes longer than a claim's intervals.
            ExampleToken.model_construct(
                text=view.text[start:end],
                activation=_rounded(float(activations[place])),
                label=label,
            )
        )
        before = end
    return Example(
        document=candidate.document_id,
        line=view.text.count("\n", 0, int(view.ends[candidate.position] - 1)) + 1,
        focus=candidate.position - low,
        tokens=tuple(tokens),
    )

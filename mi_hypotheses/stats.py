"""Mergeable state: what is kept of a stream of (activation, label) pairs.

A label that is NaN is none: its token is left out, and counted where that is told.

All state is kept per group of documents (`text.group_of`), so that the split into calibration
and test documents, bootstrap intervals and merging fall out of one pass. Shards can be taken in
any order: counts merge exactly, float64 sums to rounding, example sets exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.grids import LABEL_BINS, Column, Floats, Grid, LabelGrid
from mi_hypotheses.reports import LabelKind
from mi_hypotheses.text import GROUPS

Mask = NDArray[np.bool_]

RANK_BINS = 256

MOMENTS = ("n", "a", "c", "aa", "cc", "ac", "positive_a", "positive_ac")


@dataclass
class Pilot:
    """What grids and centres are fixed on: a sample of all calibration tokens, by hash.

    The sample holds the `size` tokens with the smallest ranks, and beside it the extremes of
    all activations and the distinct labels, as long as these are few; so it does not depend on
    the order of shards.
    """

    size: int
    n: int = 0
    sums: Floats = field(default_factory=lambda: np.zeros(2))  # Σ a, Σ c
    ranks: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    activations: Column = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    labels: Floats = field(default_factory=lambda: np.empty(0))
    extremes: Column = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    distinct: Floats = field(default_factory=lambda: np.empty(0))

    def update(self, ranks: NDArray[np.uint64], activations: Column, labels: Floats) -> None:
        """Take in calibration tokens."""
        known = ~np.isnan(labels)
        if not known.all():
            ranks, activations, labels = ranks[known], activations[known], labels[known]
        if not len(ranks):
            return
        self.n += len(ranks)
        self.sums += (activations.sum(dtype=np.float64), labels.sum())
        both = np.concatenate([self.ranks, ranks])
        keep = np.argsort(both, kind="stable")[: self.size]
        self.ranks = both[keep]
        self.activations = np.concatenate([self.activations, activations])[keep]
        self.labels = np.concatenate([self.labels, labels])[keep]
        ends = [*self.extremes.tolist(), float(activations.min()), float(activations.max())]
        self.extremes = np.array([min(ends), max(ends)], dtype=np.float32)
        values = np.unique(np.concatenate([self.distinct, np.unique(labels)]))
        few = values if len(values) <= LABEL_BINS else values[[0, -1]]
        self.distinct = few

    def start(
        self, *, numeric: bool = False, categories: int = 0, extra: Sequence[float] = ()
    ) -> UnitStatistics:
        """Empty statistics with grids and centres fixed; `categories` is how many there are,
        of a categorical label."""
        grid = Grid.from_pilot(np.concatenate([self.activations, self.extremes]), extra=extra)
        a, c = (self.sums / max(self.n, 1)).tolist()
        if categories:
            return UnitStatistics(grid, (a, 0.0), LabelGrid.of_categories(categories))
        labels = np.concatenate([self.labels, self.distinct])
        return UnitStatistics(grid, (a, c), LabelGrid.from_pilot(labels) if numeric else None)


class Tokens(NamedTuple):
    """Where the scored tokens of a shard stand; documents are numbered within the shard."""

    document_ids: tuple[str, ...]
    document: NDArray[np.int32]  # [tokens], non-decreasing
    position: NDArray[np.int32]  # [tokens], index of the token in its document
    group: NDArray[np.int64]  # [tokens]
    rank: NDArray[np.uint64]  # [tokens], a hash of (seed, document, position)

    def where(self, chosen: Mask) -> Tokens:
        """Some of the tokens; `chosen` is bool [tokens]."""
        return self._replace(
            document=self.document[chosen],
            position=self.position[chosen],
            group=self.group[chosen],
            rank=self.rank[chosen],
        )


class Candidate(NamedTuple):
    """A token that may become an example. Smaller keys come first."""

    key: float
    rank: int
    document_id: str
    position: int
    activation: float
    label: float


@dataclass
class ExampleSet:
    """The first `size` candidates by (key, rank), at most two of one document."""

    size: int
    candidates: list[Candidate] = field(default_factory=list)

    def update(self, candidates: Iterable[Candidate]) -> None:
        """Take more candidates in; the result does not depend on the order of calls."""
        seen: dict[str, int] = {}
        kept: list[Candidate] = []
        for candidate in sorted({*self.candidates, *candidates}):
            count = seen.get(candidate.document_id, 0)
            if count < 2:
                seen[candidate.document_id] = count + 1
                kept.append(candidate)
                if len(kept) == self.size:
                    break
        self.candidates = kept

    def offer(
        self,
        tokens: Tokens,
        keys: Floats,
        activations: Column,
        labels: Floats,
        chosen: Mask,
    ) -> None:
        """Take in the tokens where `chosen` holds, by ascending `keys`."""
        index = np.flatnonzero(chosen)
        if len(self.candidates) == self.size:
            index = index[keys[index] <= self.candidates[-1].key]
        best = self._first(tokens, keys, _foremost(index, keys, 8 * self.size))
        if len(best) < self.size:  # too many were of the same documents
            best = self._first(tokens, keys, index)
        self.update(
            Candidate(
                key=float(keys[i]),
                rank=int(tokens.rank[i]),
                document_id=tokens.document_ids[tokens.document[i]],
                position=int(tokens.position[i]),
                activation=float(activations[i]),
                label=float(labels[i]),
            )
            for i in best.tolist()
        )

    def _first(self, tokens: Tokens, keys: Floats, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first `size` of some tokens, two of each document at most."""
        order = index[np.lexsort((tokens.rank[index], keys[index]))]
        documents = tokens.document[order]
        by_document = np.argsort(documents, kind="stable")
        first = np.searchsorted(documents[by_document], documents[by_document], side="left")
        nth = np.empty(len(order), dtype=np.int64)
        nth[by_document] = np.arange(len(order)) - first
        return order[nth < 2][: self.size]


def _foremost(index: NDArray[np.int64], keys: Floats, count: int) -> NDArray[np.int64]:
    """At least `count` of the tokens at `index`: those with the smallest keys, and their ties."""
    if len(index) > count:
        some = keys[index]
        index = index[some <= np.partition(some, count)[count]]
    return index


EXAMPLES_KEPT = {"top": 12, "false_positives": 24, "positives": 256}


@dataclass
class UnitStatistics:
    """Everything that scores need of one unit and one label over one corpus.

    `counts` is int64 [groups, 2, bins] for boolean labels (axis 1 is the label) and
    [groups, label bins, bins] for numeric and categorical ones, whose activation bins are
    coarser. `moments` is float64 [groups, 8], in the order of `MOMENTS`; a and c are centred by
    `centre` except in `positive_a` = Σ a and `positive_ac` = Σ a·c over a > 0. Categories are
    no numbers: c counts as 0 there. `unlabelled` counts the tokens that have no category and
    are in nothing else.
    """

    grid: Grid
    centre: tuple[float, float]
    label_grid: LabelGrid | None = None  # numeric and categorical labels only
    moments: Floats = field(default_factory=lambda: np.zeros((GROUPS, len(MOMENTS))))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    sums: Floats = field(default_factory=lambda: np.empty(0))  # [groups, label bins]: Σ a
    documents: NDArray[np.int64] = field(default_factory=lambda: np.zeros(GROUPS, dtype=np.int64))
    unlabelled: NDArray[np.int64] = field(default_factory=lambda: np.zeros(GROUPS, dtype=np.int64))
    examples: dict[str, ExampleSet] = field(
        default_factory=lambda: {name: ExampleSet(size) for name, size in EXAMPLES_KEPT.items()}
    )

    def __post_init__(self) -> None:
        if not self.counts.size:
            self.counts = np.zeros((GROUPS, *self._shape), dtype=np.int64)
            self.sums = np.zeros((GROUPS, self._shape[0]))

    @property
    def label_kind(self) -> LabelKind:
        """What the labels are."""
        if self.label_grid is None:
            return "boolean"
        return "categorical" if self.label_grid.of == "categories" else "numeric"

    @property
    def _shape(self) -> tuple[int, int]:
        if self.label_grid is None:
            return 2, self.grid.n_bins
        return self.label_grid.n_bins, len(self.rank_edges) + 1

    @property
    def rank_edges(self) -> Column:
        """The coarser activation edges of a numeric label's joint histogram."""
        edges, bands = self.grid.edges, self.grid.band_edges()
        some = edges[np.linspace(0, len(edges) - 1, RANK_BINS - len(bands) - 1).astype(np.int64)]
        above_zero = np.nextafter(np.float32(0), np.float32(1))
        return np.unique(np.concatenate([some, bands, [above_zero]]).astype(np.float32))

    def update(self, tokens: Tokens, activations: Column, labels: Floats, test: Mask) -> None:
        """Add the scored tokens of a shard.

        Args:
            tokens: where they stand.
            activations: float32 [tokens].
            labels: float64 [tokens].
            test: bool [tokens], true for tokens of test documents; only they are examples.
        """
        known = ~np.isnan(labels)
        if not known.all():
            self.unlabelled += np.bincount(tokens.group[~known], minlength=GROUPS)
            tokens, test = tokens.where(known), test[known]
            activations, labels = activations[known], labels[known]
        self._add_moments(tokens.group, activations.astype(np.float64), labels)
        rows, columns = self._shape
        if self.label_grid is None:
            bins, label_bins = self.grid.bins(activations), (labels > 0).astype(np.int64)
        else:
            bins = np.searchsorted(self.rank_edges, activations, side="right")
            label_bins = self.label_grid.bins(labels)
        cell = (tokens.group * rows + label_bins) * columns + bins
        self.counts += np.bincount(cell, minlength=GROUPS * rows * columns).reshape(
            GROUPS, rows, columns
        )
        part = np.bincount(tokens.group * rows + label_bins, activations, GROUPS * rows)
        self.sums += part.reshape(GROUPS, rows)
        first = np.flatnonzero(np.diff(tokens.document, prepend=-1))
        self.documents += np.bincount(tokens.group[first], minlength=GROUPS)
        self._offer_examples(tokens, activations, labels, test)

    def _add_moments(self, group: NDArray[np.int64], activations: Floats, labels: Floats) -> None:
        if self.label_kind == "categorical":
            labels = np.zeros_like(labels)
        a, c = activations - self.centre[0], labels - self.centre[1]
        positive = np.maximum(activations, 0)
        terms = (None, a, c, a * a, c * c, a * c, positive, positive * labels)
        for column, term in enumerate(terms):
            self.moments[:, column] += np.bincount(group, term, minlength=GROUPS)

    def _offer_examples(
        self, tokens: Tokens, activations: Column, labels: Floats, test: Mask
    ) -> None:
        down = -activations.astype(np.float64)
        self.examples["top"].offer(tokens, down, activations, labels, test)
        if self.label_grid is None:
            off = test & (labels == 0)
            self.examples["false_positives"].offer(tokens, down, activations, labels, off)
            at_random = tokens.rank.astype(np.float64)
            on = test & (labels > 0)
            self.examples["positives"].offer(tokens, at_random, activations, labels, on)

    def merge(self, other: Self) -> None:
        """Add another shard's state, made with the same grid and centre.

        Raises:
            ValueError: the states were made with different grids or centres.
        """
        if self.centre != other.centre or not np.array_equal(self.grid.edges, other.grid.edges):
            raise ValueError("states with different grids cannot be merged")
        self.moments += other.moments
        self.counts += other.counts
        self.sums += other.sums
        self.documents += other.documents
        self.unlabelled += other.unlabelled
        for name, examples in self.examples.items():
            examples.update(other.examples[name].candidates)

    def state_dict(self) -> dict[str, Any]:
        """The state as plain arrays and lists, e.g. to write it to a file."""
        grid = self.label_grid
        return {
            "edges": self.grid.edges,
            "range": (self.grid.low, self.grid.high),
            "centre": self.centre,
            "label_grid": None if grid is None else (grid.centres, grid.of),
            "moments": self.moments,
            "counts": self.counts,
            "sums": self.sums,
            "documents": self.documents,
            "unlabelled": self.unlabelled,
            "examples": {name: list(kept.candidates) for name, kept in self.examples.items()},
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state_dict`."""
        labels = state["label_grid"]
        made = cls(
            Grid(state["edges"], *state["range"]),
            tuple(state["centre"]),
            None if labels is None else LabelGrid(*labels),
            moments=state["moments"].copy(),
            counts=state["counts"].copy(),
            sums=state["sums"].copy(),
            documents=state["documents"].copy(),
            unlabelled=state["unlabelled"].copy(),
        )
        for name, candidates in state["examples"].items():
            made.examples[name].update(Candidate(*candidate) for candidate in candidates)
        return made


@dataclass
class RivalTable:
    """What a rival sees of each token, e.g. its identity: sums by key, for both splits.

    `sums` is float64 [2, keys, 2]: axis 0 is calibration, test; axis 2 is the number of tokens
    and Σ activation. It grows as larger keys come.
    """

    sums: Floats = field(default_factory=lambda: np.zeros((2, 0, 2)))

    def _grow(self, keys: int) -> None:
        missing = max(keys - self.sums.shape[1], 0)
        if missing:
            self.sums = np.pad(self.sums, ((0, 0), (0, missing), (0, 0)))

    def update(self, keys: NDArray[np.int64], activations: Column, test: Mask) -> None:
        """Add tokens: `keys` int [tokens], and whether each token is `test`."""
        self._grow(int(keys.max(initial=-1)) + 1)
        size = self.sums.shape[1]
        cell = keys + size * test.astype(np.int64)
        for column, term in enumerate((None, activations)):
            self.sums[:, :, column] += np.bincount(cell, term, minlength=2 * size).reshape(2, size)

    def merge(self, other: RivalTable) -> None:
        """Add another table."""
        self._grow(other.sums.shape[1])
        self.sums[:, : other.sums.shape[1]] += other.sums

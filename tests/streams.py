"""Streams of (activation, label) pairs cut into documents, for tests of statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.grids import Grid, LabelGrid
from mi_hypotheses.stats import Tokens, UnitStatistics
from mi_hypotheses.text import CALIBRATION_GROUPS, group_of


@dataclass(frozen=True)
class Stream:
    """Tokens of several documents, `per_document` each."""

    activations: NDArray[np.float32]
    labels: NDArray[np.float64]
    per_document: int = 50

    @property
    def documents(self) -> int:
        return -(-len(self.labels) // self.per_document)

    def tokens(self, documents: Sequence[int]) -> Tokens:
        """Where the tokens of these documents stand, as one shard."""
        sizes = [len(self.labels[self._part(d)]) for d in documents]
        local = np.repeat(np.arange(len(documents), dtype=np.int32), sizes)
        position = np.concatenate([np.arange(size, dtype=np.int32) for size in sizes])
        group = np.array([group_of(f"d{d}") for d in documents], dtype=np.int64)[local]
        rank = np.array([hash((d, 7)) & (2**63 - 1) for d in documents], dtype=np.uint64)[local]
        return Tokens(
            tuple(f"d{d}" for d in documents), local, position, group, rank ^ position.astype("u8")
        )

    def _part(self, document: int) -> slice:
        return slice(document * self.per_document, (document + 1) * self.per_document)

    def index(self, documents: Sequence[int]) -> NDArray[np.int64]:
        whole = np.arange(len(self.labels))
        return np.concatenate([whole[self._part(d)] for d in documents])

    @property
    def groups(self) -> NDArray[np.int64]:
        """The group of each token's document."""
        group = np.array([group_of(f"d{d}") for d in range(self.documents)])
        return group[np.arange(len(self.labels)) // self.per_document]

    @property
    def test(self) -> NDArray[np.bool_]:
        """Which tokens belong to test documents."""
        return self.groups >= CALIBRATION_GROUPS

    def empty(self, *, numeric: bool = False, categories: int = 0) -> UnitStatistics:
        """State with grids fixed on the whole stream."""
        labels = LabelGrid.from_pilot(self.labels) if numeric else None
        if categories:
            labels = LabelGrid.of_categories(categories)
        centre = 0.0 if categories else float(self.labels.mean())
        return UnitStatistics(
            Grid.from_pilot(self.activations), (float(self.activations.mean()), centre), labels
        )

    def statistics(
        self,
        documents: Sequence[int] | None = None,
        *,
        numeric: bool = False,
        categories: int = 0,
    ) -> UnitStatistics:
        """The state of one pass over these documents as one shard."""
        chosen = range(self.documents) if documents is None else documents
        made = self.empty(numeric=numeric, categories=categories)
        if len(chosen):
            tokens, index = self.tokens(chosen), self.index(chosen)
            test = tokens.group >= CALIBRATION_GROUPS
            made.update(tokens, self.activations[index], self.labels[index], test)
        return made


def noisy(
    *, prevalence: float = 0.1, strength: float = 1.5, tokens: int = 20_000, seed: int = 0
) -> Stream:
    """Boolean labels, and activations that are higher on them by `strength` deviations."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(tokens) < prevalence).astype(np.float64)
    activations = rng.normal(size=tokens) + strength * labels
    return Stream(np.maximum(activations, -0.2).astype(np.float32), labels)

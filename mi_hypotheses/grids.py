"""Fixed histogram edges, chosen once before anything is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Column = NDArray[np.float32]  # [tokens], a unit's activations

FINE_BINS = 1024
LABEL_BINS = 64


@dataclass(frozen=True)
class Grid:
    """Fixed histogram edges, from a pilot pass over calibration documents.

    `edges` are float32, ascending; bin 0 lies below the first edge and the last bin at or
    above the last one, so there are `len(edges) + 1` bins, each half-open [low, high).
    Exact zeros have a bin of their own.
    """

    edges: Column
    low: float
    high: float

    @property
    def n_bins(self) -> int:
        return len(self.edges) + 1

    def bins(self, activations: Column) -> NDArray[np.int64]:
        """The bin of each activation."""
        return np.searchsorted(self.edges, activations, side="right")

    def display_edges(self, bins: int) -> Column:
        """`bins` equal-width bins from `low` to `high`; every edge is one of `edges`."""
        return np.linspace(self.low, self.high, FINE_BINS + 1, dtype=np.float32)[
            :: FINE_BINS // bins
        ]

    def band_edges(self) -> Column:
        """The tenths of the positive range, 11 edges from 0; empty where none is positive."""
        if self.high <= 0:
            return np.empty(0, dtype=np.float32)
        return np.linspace(0, self.high, 11, dtype=np.float32)

    @classmethod
    def from_pilot(cls, activations: Column, *, extra: Sequence[float] = ()) -> Grid:
        """Edges for activations like these: equal widths, quantiles, tenths, and zero.

        Equal widths resolve the rare strong activations, quantiles the crowded region near
        zero, and steps of 5% what lies up to eight times above them. `extra` edges are added,
        e.g. a threshold that a hypothesis states.
        """
        finite = activations[np.isfinite(activations)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
        above = max(high, 0.0) * np.geomspace(1, 8, 44)[1:]
        bare = cls(np.empty(0, dtype=np.float32), low, high)
        zero = np.float32(0)
        parts = [
            np.linspace(low, high, FINE_BINS + 1, dtype=np.float32),
            np.quantile(finite, np.linspace(0, 1, FINE_BINS + 1)) if len(finite) else [],
            bare.band_edges(),
            above,
            [zero, np.nextafter(zero, np.float32(1))],
            extra,
        ]
        edges = np.unique(np.concatenate([np.asarray(part, dtype=np.float32) for part in parts]))
        return cls(edges, low, high)


@dataclass(frozen=True)
class LabelGrid:
    """Bins of a label that is not boolean: of a numeric one its distinct values where there are
    few, quantiles else; of a categorical one its categories.

    `centres` are those values, or the indices of the categories, which `of` says; `edges` lie
    between them.
    """

    centres: Floats
    of: Literal["values", "quantiles", "categories"] = "values"

    def bounds(self, start: int, stop: int) -> tuple[float, float]:
        """From where to where the labels in bins `start` to `stop` - 1 lie."""
        if self.of != "quantiles":
            return float(self.centres[start]), float(self.centres[stop - 1])
        ends = np.array([self.centres[0], *self.edges, self.centres[-1]])
        return float(ends[start]), float(ends[stop])

    @property
    def edges(self) -> Floats:
        return (self.centres[1:] + self.centres[:-1]) / 2

    @property
    def n_bins(self) -> int:
        return max(len(self.centres), 1)

    def bins(self, labels: Floats) -> NDArray[np.int64]:
        return np.searchsorted(self.edges, labels, side="right")

    @classmethod
    def of_categories(cls, count: int) -> LabelGrid:
        """A bin for each of `count` categories."""
        return cls(np.arange(count, dtype=np.float64), "categories")

    @classmethod
    def from_pilot(cls, labels: Floats) -> LabelGrid:
        """At most `LABEL_BINS` bins around labels like these."""
        values = np.unique(labels)
        few = len(values) <= LABEL_BINS
        if not few:
            quantiles = np.quantile(labels, np.linspace(0, 1, LABEL_BINS - 1))
            spread = np.linspace(values[0], values[-1], LABEL_BINS // 4)
            values = np.unique(np.concatenate([quantiles, spread]))
            values = values[np.linspace(0, len(values) - 1, LABEL_BINS).astype(np.int64)]
        return cls(np.unique(values), "values" if few else "quantiles")

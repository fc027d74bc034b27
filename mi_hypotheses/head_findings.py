"""What a report shows of a head beside its scores: where attention goes, and examples of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.edges import BOS, Indices
from mi_hypotheses.grids import Floats
from mi_hypotheses.head_slices import distance_band
from mi_hypotheses.patterns import Column
from mi_hypotheses.queries import Queries
from mi_hypotheses.reports import (
    AttentionExample,
    AttentionToken,
    DistanceBand,
    Shares,
)
from mi_hypotheses.shards import Shard

BEFORE, AFTER, AROUND = 10, 4, 2  # tokens shown around the query, and around the keys
KEYS_SHOWN = 4
LEAST_SHOWN = 0.05  # attention from which on a key is shown


@dataclass
class Distances:
    """Attention by distance, found and expected, over test queries with a target."""

    length: int
    found: Floats = field(init=False)  # [2 * length - 1]; entry length - 1 + d: d tokens back
    expected: Floats = field(init=False)
    bos_expected: float = 0.0

    def __post_init__(self) -> None:
        self.found, self.expected = np.zeros((2, 2 * self.length - 1))

    def add(self, profile: Floats, queries: Queries, edges: NDArray[np.bool_]) -> None:
        """Add a shard's attention by distance, and the chosen edges of its queries."""
        self.found += profile
        even = (1 / np.maximum(queries.counts, 1))[queries.owners]
        inside = edges & ~queries.at_bos
        far = queries.distances[inside] + self.length - 1
        self.expected += np.bincount(far, even[inside], minlength=len(self.expected))
        self.bos_expected += float(even[edges & queries.at_bos].sum())

    def merge(self, other: Distances) -> None:
        """Add another shard's sums."""
        self.found += other.found
        self.expected += other.expected
        self.bos_expected += other.bos_expected

    def bands(self, n: int) -> tuple[tuple[DistanceBand, ...], float]:
        """The bands in which there is anything, and the share expected on BOS, of `n` queries."""
        made: dict[tuple[int, int], list[float]] = {}
        for place in np.flatnonzero(self.found + self.expected).tolist():
            distance = place - self.length + 1
            low, high = distance_band(abs(distance))
            span = (low, high) if distance >= 0 else (-high, -low)
            sums = made.setdefault(span, [0.0, 0.0])
            sums[0] += float(self.found[place])
            sums[1] += float(self.expected[place])
        shown = tuple(
            DistanceBand(low=low, high=high, attention=found / n, expected=expected / n)
            for (low, high), (found, expected) in sorted(made.items())
        )
        return shown, self.bos_expected / n


def shares(target: float, bos: float | None) -> Shares:
    """Target, BOS and the rest, which add up to 1."""
    rest = None if bos is None else max(bos, 0.0)
    return Shares(target=target, bos=rest, elsewhere=max(1 - target - (rest or 0.0), 0.0))


def example(
    shard: Shard, token: int, targets: Indices, bos: float, row: Column
) -> AttentionExample:
    """One query with the keys around it, around its targets, and where it looked.

    Args:
        token: the query, a token of the shard.
        targets: its keys: tokens of the shard, or `BOS`.
        bos: its attention on BOS, NaN without BOS.
        row: its attention on its window's tokens.
    """
    first = token - int(shard.window_position[token])
    document = int(shard.document[token])
    view, start = shard.view(document), int(shard.offsets[document])
    query, keys = token - first, targets[targets != BOS] - first
    shown = _shown(query, keys, row)
    tokens = []
    for place, index in enumerate(shown):
        own = first - start + index
        low, high = int(view.starts[own]), int(view.ends[own])
        low = max(low, int(view.ends[own - 1]) if own else 0)
        tokens.append(
            AttentionToken(
                text=view.text[low:high],
                back=query - index,
                attention=round(float(row[index]), 4),
                expected=bool((keys == index).any()),
                gap=index > 0 if place == 0 else index != shown[place - 1] + 1,
            )
        )
    return AttentionExample(
        document=shard.documents[document].id,
        line=view.text.count("\n", 0, max(int(view.ends[token - start]) - 1, 0)) + 1,
        query=shown.index(query),
        tokens=tuple(tokens),
        target=_on_targets(targets, keys, bos, row),
        bos=None if np.isnan(bos) else round(bos, 4),
        bos_expected=bool((targets == BOS).any()),
    )


def _on_targets(targets: Indices, keys: Indices, bos: float, row: Column) -> float | None:
    if not len(targets):
        return None
    on_bos = bos if (targets == BOS).any() else 0.0
    return round(float(row[keys].sum()) + on_bos, 4)


def _shown(query: int, keys: Indices, row: Column) -> list[int]:
    """The tokens of the window to show, ascending."""
    strongest = np.argsort(-row, kind="stable")[:KEYS_SHOWN]
    looked = strongest[row[strongest] >= LEAST_SHOWN]
    best_targets = keys[np.argsort(-row[keys], kind="stable")][:KEYS_SHOWN]
    spans = [(query - BEFORE, query + AFTER)]
    spans += [(key - AROUND, key + AROUND) for key in (*looked.tolist(), *best_targets.tolist())]
    chosen = {index for low, high in spans for index in range(low, high + 1)}
    return sorted(index for index in chosen if 0 <= index < len(row))

"""Scores of a head on parts of its queries: a head can own only part of its claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.grids import Floats
from mi_hypotheses.head_calibration import Seen
from mi_hypotheses.head_scores import SUMS, HeadEvidence, HeadMetric, HeadSums, head_scores
from mi_hypotheses.metrics import LEAST_GROUPS, LEAST_TOKENS, TEST, with_interval
from mi_hypotheses.reports import Bar, Score, Slice

SLICED = ("target_mass", "hit_rate")
NONE = np.iinfo(np.int64).max

Key = tuple[str, int, str]  # what by, its place in the order, its name
Mask = NDArray[np.bool_]


def position_band(position: int) -> tuple[int, int]:
    """The band, first to last position, that a position in the window lies in: 0-7, then
    doubling."""
    if position < 8:
        return 0, 7
    low = 1 << (position.bit_length() - 1)
    return low, 2 * low - 1


def distance_band(distance: int) -> tuple[int, int]:
    """The band of a distance: 0 to 4 each alone, then 5-8, 9-16 and so on."""
    if distance <= 4:
        return distance, distance
    high = 1 << (distance - 1).bit_length()
    return high // 2 + 1, high


def bands(
    numbers: NDArray[np.int64], band: Callable[[int], tuple[int, int]]
) -> Iterator[tuple[int, int, str]]:
    """The bands that numbers fall in, ascending: first, last and name."""
    for low, high in sorted({band(number) for number in np.unique(numbers).tolist()}):
        yield low, high, f"{low}" if low == high else f"{low}–{high}"


@dataclass
class Slices:
    """Sums over the queries of each slice: by position in the window, by distance of the nearest
    target, by query token."""

    tokens: list[int]  # the ids that have slices of their own
    sums: dict[Key, HeadSums] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def add(self, seen: Seen) -> None:
        """Add the queries of a shard."""
        shard, looks = seen.shard, seen.looks
        group = shard.groups[shard.document[seen.queries.tokens]]
        for key, chosen in self._members(seen):
            sums = self.sums.setdefault(key, HeadSums())
            ones = np.ones(int(chosen.sum()))
            sums.add(group[chosen], targeted=ones, mass=looks.mass[chosen], hit=looks.hit[chosen])

    def _members(self, seen: Seen) -> Iterator[tuple[Key, Mask]]:
        """The slices that a shard has queries of, and which of them, bool [queries]."""
        shard, queries = seen.shard, seen.queries
        position = shard.window_position[queries.tokens]
        for low, high, name in bands(position, position_band):
            yield ("position", low, name), (position >= low) & (position <= high)
        nearest = np.full(len(queries), NONE)
        far = np.where(queries.at_bos, NONE, np.abs(queries.distances))
        np.minimum.at(nearest, queries.owners, far)
        if (nearest == NONE).any():
            yield ("distance", -1, "BOS"), nearest == NONE
        for low, high, name in bands(nearest[nearest < NONE], distance_band):
            yield ("distance", low, name), (nearest >= low) & (nearest <= high)
        ids = shard.ids[queries.tokens]
        for place, token in enumerate(self.tokens):
            chosen = ids == token
            if chosen.any():
                name = self._name(token, seen, int(queries.tokens[np.argmax(chosen)]))
                yield ("token", place, name), chosen

    def merge(self, other: Slices) -> None:
        """Add another shard's sums; the tokens are the same."""
        for key, sums in other.sums.items():
            self.sums.setdefault(key, HeadSums()).merge(sums)
        self.names = {**other.names, **self.names}

    def _name(self, token: int, seen: Seen, where: int) -> str:
        """A token id as the text that it first stood for."""
        if token not in self.names:
            text = seen.shard.documents[int(seen.shard.document[where])].text
            text = repr(text[int(seen.shard.starts[where]) : int(seen.shard.ends[where])])
            taken = text in self.names.values()
            self.names[token] = f"{text} (id {token})" if taken else text
        return self.names[token]

    def scored(self, weights: Floats, metrics: Sequence[HeadMetric]) -> tuple[Slice, ...]:
        """The slices that have test queries, `weights` being [rows, test groups]; with too few
        queries or groups of documents for an interval, their scores are undefined."""
        shown = [metric for metric in metrics if metric.name in SLICED]
        found = []
        for (by, _, name), sums in sorted(self.sums.items()):
            targeted = sums.values[TEST, SUMS.index("targeted")]
            n = int(targeted.sum())
            if not n:
                continue
            scores = {metric.name: Score(value=None) for metric in shown}
            if n >= LEAST_TOKENS and np.count_nonzero(targeted) >= LEAST_GROUPS:
                scores = head_scores(HeadEvidence.of(sums, weights), shown)
            found.append(Slice(by=by, name=name, n_tokens=n, scores=scores))
        return tuple(found)


def weak_slices(slices: Sequence[Slice], bars: Sequence[Bar], *, least: float) -> list[str]:
    """Sentences about slices of at least `least` queries on which a supported bar is missed,
    two at most, the worst first."""
    found = []
    for bar in bars:
        for part in slices:
            score = part.scores.get(bar.metric)
            missed = score is not None and score.high is not None and score.high < bar.at_least
            if bar.status == "supported" and missed and part.n_tokens >= least:
                assert score is not None  # as `missed` says
                assert score.value is not None
                text = with_interval(bar.metric, score)
                where = f"{part.by} {part.name} ({part.n_tokens} queries)"
                found.append((score.value, f"but not everywhere: {text} at {where}"))
    return [sentence for _, sentence in sorted(found)[:2]]

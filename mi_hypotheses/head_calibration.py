"""What is fixed on calibration documents before a head is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.edges import Indices
from mi_hypotheses.grids import Floats
from mi_hypotheses.metrics import LEAST_GROUPS, LEAST_TOKENS, ratio
from mi_hypotheses.patterns import Column, Looks
from mi_hypotheses.queries import Queries
from mi_hypotheses.shards import Shard
from mi_hypotheses.text import CALIBRATION_GROUPS

TOKEN_SLICES = 8
STEPS = 300
TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Seen:
    """A shard as one head hypothesis sees it.

    `bos` is the head's attention on BOS, [tokens], NaN where windows have none.
    """

    shard: Shard
    queries: Queries
    looks: Looks
    bos: Column

    @property
    def test(self) -> NDArray[np.bool_]:
        """Which queries belong to test documents, [queries]."""
        document = self.shard.document[self.queries.tokens]
        found: NDArray[np.bool_] = (self.shard.groups >= CALIBRATION_GROUPS)[document]
        return found


@dataclass(frozen=True)
class Habit:
    """A head that knows nothing but distances: it spreads its attention over what a query sees in
    proportion to a weight for each distance, and one for BOS.

    `weights` has `2 * length - 1` entries; entry `length - 1 + d` is for the key `d` tokens back.
    """

    weights: Floats
    bos: float

    @classmethod
    def fit(cls, attention: Floats, bos: float, reaches: Mapping[tuple[int, int], int]) -> Habit:
        """The weights that make a head's attention by distance most likely.

        That is Luce's choice model, whose sums by distance equal those of the head; it is fitted
        by the minorise-maximise steps of Hunter (2004, MM algorithms for generalized
        Bradley-Terry models).

        Args:
            attention: the head's attention by distance, summed over queries.
            bos: the same on BOS.
            reaches: the lowest and highest place in `attention` that a query sees → how many do.
        """
        ends = np.array(list(reaches), dtype=np.int64).reshape(-1, 2)
        low, high = ends[:, 0], ends[:, 1] + 1
        n = np.array(list(reaches.values()), dtype=np.float64)
        weights, on_bos = attention / max(n.sum(), 1), bos / max(n.sum(), 1)
        for _ in range(STEPS):
            before = np.concatenate([[0.0], np.cumsum(weights)])
            share = ratio(n, before[high] - before[low] + on_bos)
            share = np.nan_to_num(share)
            steps = np.zeros(len(weights) + 1)
            np.add.at(steps, low, share)
            np.add.at(steps, high, -share)
            seen = np.maximum(np.cumsum(steps)[:-1], 0)
            fitted = np.nan_to_num(ratio(attention, np.where(attention > 0, seen, 0)))
            fitted_bos = bos / share.sum() if share.sum() else 0.0
            total = fitted.sum() + fitted_bos
            if not total:
                break
            fitted, fitted_bos = fitted / total, float(fitted_bos / total)
            moved = max(float(np.abs(fitted - weights).max()), abs(fitted_bos - on_bos))
            weights, on_bos = fitted, fitted_bos
            if moved < TOLERANCE:
                break
        return cls(weights, on_bos)

    def expected(self, queries: Queries, low: Indices, high: Indices) -> Floats:
        """The attention that it puts on the targets of queries, [queries]; `low` and `high` are
        the ends of what each sees, as places in `weights`."""
        before = np.concatenate([[0.0], np.cumsum(self.weights)])
        total = before[high + 1] - before[low] + self.bos
        length = (len(self.weights) + 1) // 2
        far = np.where(queries.at_bos, 0, queries.distances) + length - 1
        each = np.where(queries.at_bos, self.bos, self.weights[far])
        on_targets = np.bincount(queries.owners, each, minlength=len(queries))
        return np.nan_to_num(ratio(on_targets.astype(np.float64), total))


@dataclass
class Calibration:
    """What is fixed on calibration documents: the head's habit, the best fixed offset, and the
    query tokens that have slices of their own.

    Arrays by distance are as in `Habit`. The habit is that of the queries with a target: a head
    that looks two back only where a claim applies has nothing else to show for it.
    """

    length: int
    causal: bool
    n: int = 0
    attention: Floats = field(init=False)
    targets: Floats = field(init=False)
    bos: float = 0.0
    reaches: Counter[tuple[int, int]] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    groups: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.attention, self.targets = np.zeros((2, 2 * self.length - 1))

    def add(self, seen: Seen) -> None:
        """Add the calibration queries of a shard."""
        queries, chosen = seen.queries, ~seen.test
        tokens = queries.tokens[chosen]
        self.n += len(tokens)
        self.groups.update(seen.shard.groups[seen.shard.document[tokens]].tolist())
        self.attention += seen.looks.profile[0]
        low, high = self.reach(seen)
        ends, counts = np.unique(
            np.stack([low[chosen], high[chosen]], axis=1), axis=0, return_counts=True
        )
        self.reaches.update(
            {(int(a), int(b)): int(n) for (a, b), n in zip(ends, counts, strict=True)}
        )
        edges = chosen[queries.owners] & ~queries.at_bos
        self.targets += np.bincount(
            queries.distances[edges] + self.length - 1, minlength=len(self.targets)
        )
        self.bos += float(np.nansum(seen.bos[tokens], dtype=np.float64))
        ids, counts = np.unique(seen.shard.ids[tokens], return_counts=True)
        self.tokens.update(dict(zip(ids.tolist(), counts.tolist(), strict=True)))

    def merge(self, other: Calibration) -> None:
        """Add what was seen of other shards."""
        self.n += other.n
        self.attention += other.attention
        self.targets += other.targets
        self.bos += other.bos
        self.reaches.update(other.reaches)
        self.tokens.update(other.tokens)
        self.groups |= other.groups

    def reach(self, seen: Seen) -> tuple[Indices, Indices]:
        """The ends of what each query sees of its window, as places by distance, [queries]."""
        tokens = seen.queries.tokens
        back = seen.shard.window_position[tokens]
        ahead = seen.shard.window_size[tokens] - 1 - back
        nearest = np.zeros_like(back) if self.causal else -ahead
        return nearest + self.length - 1, back + self.length - 1

    @cached_property
    def habit(self) -> Habit:
        """The head's habit, all shards having been seen."""
        return Habit.fit(self.attention, self.bos, self.reaches)

    @property
    def best_offset(self) -> int:
        """The distance at which most queries have a target."""
        return int(np.argmax(self.targets)) - self.length + 1

    def undefined_reasons(self) -> tuple[str, ...]:
        """Why calibration documents do not suffice; empty where they do."""
        if self.n >= LEAST_TOKENS and len(self.groups) >= LEAST_GROUPS:
            return ()
        return (
            f"the target applies to {self.n} queries of calibration documents, in "
            f"{len(self.groups)} groups; at least {LEAST_TOKENS} in {LEAST_GROUPS} are needed",
        )

    def sliced_tokens(self) -> list[int]:
        """The ids of the most frequent query tokens."""
        common = sorted(self.tokens.items(), key=lambda item: (-item[1], item[0]))
        return [token for token, _ in common[:TOKEN_SLICES]]

"""What is fixed on calibration documents before a head is judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.edges import Indices
from mi_hypotheses.grids import Floats
from mi_hypotheses.metrics import ratio
from mi_hypotheses.patterns import Column, Looks
from mi_hypotheses.queries import Queries
from mi_hypotheses.shards import Shard
from mi_hypotheses.text import CALIBRATION_GROUPS

TOKEN_SLICES = 8


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

    def reach(self, chosen: NDArray[np.bool_], *, causal: bool) -> tuple[Indices, Indices]:
        """The lowest and highest distance at which some queries see a token of their window."""
        tokens = self.queries.tokens[chosen]
        back = self.shard.window_position[tokens]
        ahead = self.shard.window_size[tokens] - 1 - back
        return (np.zeros_like(back) if causal else -ahead), back


@dataclass
class Calibration:
    """What is fixed on calibration documents: the head's habits by distance, the best fixed
    offset, and the query tokens that have slices of their own.

    Arrays by distance have `2 * length - 1` entries; entry `length - 1 + d` is for the key `d`
    tokens back. Habits are those of the queries with a target: a head that looks two back only
    where a claim applies has nothing else to show for it.
    """

    length: int
    causal: bool
    n: int = 0
    attention: Floats = field(init=False)
    visible: Floats = field(init=False)
    targets: Floats = field(init=False)
    bos: float = 0.0
    tokens: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for name in ("attention", "visible", "targets"):
            setattr(self, name, np.zeros(2 * self.length - 1))

    def add(self, seen: Seen) -> None:
        """Add the calibration queries of a shard."""
        queries, chosen = seen.queries, ~seen.test
        tokens = queries.tokens[chosen]
        self.n += len(tokens)
        self.attention += seen.looks.profile[0]
        low, high = seen.reach(chosen, causal=self.causal)
        steps = np.zeros(2 * self.length)
        np.add.at(steps, self.length - 1 + low, 1)
        np.add.at(steps, self.length + high, -1)
        self.visible += np.cumsum(steps)[:-1]
        edges = chosen[queries.owners] & ~queries.at_bos
        self.targets += np.bincount(
            queries.distances[edges] + self.length - 1, minlength=len(self.targets)
        )
        self.bos += float(np.nansum(seen.bos[tokens], dtype=np.float64))
        ids, counts = np.unique(seen.shard.ids[tokens], return_counts=True)
        self.tokens.update(dict(zip(ids.tolist(), counts.tolist(), strict=True)))

    @property
    def best_offset(self) -> int:
        """The distance at which most queries have a target."""
        return int(np.argmax(self.targets)) - self.length + 1

    def expected(self, queries: Queries) -> Floats:
        """What the head's mean attention by distance puts on the targets, [queries]."""
        habit = ratio(self.attention, self.visible)
        far = np.where(queries.at_bos, 0, queries.distances) + self.length - 1
        each = np.where(queries.at_bos, self.bos / max(self.n, 1), np.nan_to_num(habit)[far])
        total = np.bincount(queries.owners, each, minlength=len(queries))
        return total.astype(np.float64)

    def sliced_tokens(self) -> list[int]:
        """The ids of the most frequent query tokens."""
        common = sorted(self.tokens.items(), key=lambda item: (-item[1], item[0]))
        return [token for token, _ in common[:TOKEN_SLICES]]

"""Rows of attention that examples may need, kept while the patterns are there.

Which queries become examples is known only when a corpus was read to its end. But an example is
among the first two of its kind in its window, and among the first few of its shard, so their rows
suffice, and no window has to be run again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.forward import Batch
from mi_hypotheses.grids import Floats
from mi_hypotheses.queries import Queries
from mi_hypotheses.shards import Shard

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES = 6
PER_DOCUMENT = 2
EARLY = 16  # tokens of a window that see too little to be examples of a busy head

Column = NDArray[np.float32]


class Kinds(NamedTuple):
    """Which tokens of a shard may be examples, [tokens] each: test queries with a target, and
    those without one that see enough."""

    applies: NDArray[np.bool_]
    idle: NDArray[np.bool_]


def kinds_of(shard: Shard, queries: Queries) -> Kinds:
    """Which tokens of a shard may be examples for a target's queries."""
    targeted = np.zeros(len(shard), dtype=np.bool_)
    targeted[queries.tokens] = True
    test = np.zeros(len(shard), dtype=np.bool_)
    test[np.flatnonzero(shard.scored)[shard.test]] = True
    late = shard.window_position >= min(EARLY, shard.window.length // 2)
    return Kinds(test & targeted, test & ~targeted & late)


class Kept(NamedTuple):
    """A query of a kind; smaller keys come first."""

    kind: str
    key: float
    rank: int
    token: int
    row: Column


@dataclass
class RowKeeper:
    """The rows of one head that examples of one target may need, over a shard."""

    shard: Shard
    kinds: Kinds
    ranks: NDArray[np.uint64]  # [tokens], 0 where a token is not scored
    kept: list[Kept] = field(default_factory=list)

    @classmethod
    def of(cls, shard: Shard, queries: Queries) -> RowKeeper:
        """A keeper that has nothing yet."""
        ranks = np.zeros(len(shard), dtype=np.uint64)
        ranks[shard.scored] = shard.tokens.rank
        return cls(shard, kinds_of(shard, queries), ranks)

    def read(
        self, pattern: Tensor, batch: Batch, tokens: NDArray[np.int64], hit: Column
    ) -> list[Kept]:
        """The first of each kind in each window.

        Args:
            pattern: of the head, [batch, query, key].
            batch: its windows.
            tokens: the queries with a target that lie in them, tokens of the shard.
            hit: whether their largest attention is on a target, [tokens].
        """
        applies, idle = self.kinds
        wanted = {
            "typical": tokens[applies[tokens]],
            "missed": tokens[applies[tokens] & (hit < 0.5)],
        }
        keys = {name: self.ranks[which].astype(np.float64) for name, which in wanted.items()}
        if batch.bos:
            inside = batch.index[batch.real]
            on_bos = pattern[:, batch.bos :, 0].cpu().numpy()[batch.real]
            rests = idle[inside]
            wanted["busy"], keys["busy"] = inside[rests], on_bos[rests].astype(np.float64)
        row, column = np.nonzero(batch.real)
        places = dict(
            zip(batch.index[row, column].tolist(), zip(row, column, strict=True), strict=True)
        )
        found = []
        for kind, which in wanted.items():
            for place in self._first_of_windows(which, keys[kind]).tolist():
                token = int(which[place])
                in_batch, query = places[token]
                length = int(batch.real[in_batch].sum())
                values = pattern[in_batch, query + batch.bos, : batch.bos + length].cpu().numpy()
                rest = [] if batch.bos else [np.float32(np.nan)]
                whole = np.concatenate([rest, values]).astype(np.float32)
                key, rank = float(keys[kind][place]), int(self.ranks[token])
                found.append(Kept(kind, key, rank, token, whole))
        return found

    def _first_of_windows(self, tokens: NDArray[np.int64], keys: Floats) -> NDArray[np.int64]:
        """The places of the first two of each window by (key, rank)."""
        windows = self.shard.window_number[tokens]
        order = np.lexsort((self.ranks[tokens], keys, windows))
        sorted_windows = windows[order]
        nth = np.arange(len(order)) - np.searchsorted(sorted_windows, sorted_windows)
        return order[nth < PER_DOCUMENT]

    def rows(self) -> dict[str, Column]:
        """The rows by token, of the first few of each kind in the shard."""
        made: dict[str, Column] = {}
        for kind in dict.fromkeys(each.kind for each in self.kept):
            for each in self._first(each for each in self.kept if each.kind == kind):
                made[str(each.token)] = each.row
        return made

    def _first(self, candidates: Iterable[Kept]) -> list[Kept]:
        seen: dict[int, int] = {}
        chosen: list[Kept] = []
        for each in sorted(candidates, key=lambda each: each[1:4]):
            document = int(self.shard.document[each.token])
            seen[document] = seen.get(document, 0) + 1
            if seen[document] <= PER_DOCUMENT and len(chosen) < EXAMPLES:
                chosen.append(each)
        return chosen

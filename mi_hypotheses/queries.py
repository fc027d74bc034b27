"""A target's edges in a model's windows: what a head is measured on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.cache import Cache, key_of
from mi_hypotheses.edges import BOS, Edges, Indices, expand
from mi_hypotheses.errors import MiHypothesesError, TargetError
from mi_hypotheses.shards import Shard
from mi_hypotheses.targets import Target

OUTSIDE = "key outside the window"
NO_BOS = "key is BOS, which the model has none of"
UNSCORED = "query not scored"

Known = dict[object, str]  # what was asked before → the cache key of its queries


@dataclass(frozen=True, eq=False)
class Queries:
    """The scored tokens of a shard that have a target in their window, and their targets.

    The targets of query `i` are `keys[offsets[i]:offsets[i + 1]]`: tokens of the shard, or `BOS`.
    `dropped` counts the edges that cannot be scored, by reason.
    """

    tokens: NDArray[np.int32]  # [queries], ascending
    offsets: NDArray[np.int64]  # [queries + 1]
    keys: NDArray[np.int32]  # [edges]
    dropped: dict[str, int]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def counts(self) -> Indices:
        """The number of targets of each query, [queries]."""
        return np.diff(self.offsets)

    @cached_property
    def owners(self) -> Indices:
        """The query that each edge starts from, an index into `tokens`, [edges]."""
        return np.repeat(np.arange(len(self.tokens), dtype=np.int64), self.counts)

    @cached_property
    def distances(self) -> Indices:
        """How many tokens back each key is, [edges]; meaningless where it is BOS."""
        distances: Indices = self.tokens[self.owners].astype(np.int64) - self.keys
        return distances

    @property
    def at_bos(self) -> NDArray[np.bool_]:
        """Which edges end at BOS, [edges]."""
        found: NDArray[np.bool_] = self.keys == BOS
        return found

    def edges_of(self, chosen: Indices) -> tuple[Indices, Indices]:
        """The edges of some queries: for each the place of its query in `chosen`, and its key."""
        owners, edges = expand(self.offsets[chosen], self.offsets[chosen + 1])
        return owners, self.keys[edges].astype(np.int64)

    @classmethod
    def of(cls, shard: Shard, edges: Edges) -> Queries:
        """Edges between tokens of the shard, cut to its windows."""
        queries, keys = edges.queries, edges.keys
        scored, is_bos = shard.scored[queries], keys == BOS
        has_bos = shard.window.bos_id is not None
        window = shard.window_number
        near = window[queries] == window[np.where(is_bos, queries, keys)]
        reasons = {
            UNSCORED: ~scored,
            NO_BOS: scored & is_bos & (not has_bos),
            OUTSIDE: scored & ~is_bos & ~near,
        }
        kept = edges.only(~np.logical_or.reduce(list(reasons.values())))
        tokens, counts = np.unique(kept.queries, return_counts=True)
        return cls(
            tokens=tokens.astype(np.int32),
            offsets=np.cumsum([0, *counts.tolist()], dtype=np.int64),
            keys=kept.keys.astype(np.int32),
            dropped={reason: int(mask.sum()) for reason, mask in reasons.items() if mask.any()},
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The queries as arrays, for a cache."""
        dropped = [self.dropped.get(reason, 0) for reason in (UNSCORED, NO_BOS, OUTSIDE)]
        return {
            "tokens": self.tokens,
            "offsets": self.offsets,
            "keys": self.keys,
            "dropped": np.array(dropped, dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Queries:
        """The inverse of `arrays`."""
        counts = zip((UNSCORED, NO_BOS, OUTSIDE), arrays["dropped"].tolist(), strict=True)
        dropped = {reason: count for reason, count in counts if count}
        return cls(arrays["tokens"], arrays["offsets"], arrays["keys"], dropped)


def edges_on(target: Target, shard: Shard, *, corpus: str, causal: bool) -> Edges:
    """The target's edges on all documents of a shard, between tokens of the shard.

    Raises:
        TargetError: the target failed, or points ahead where a model is causal; the message
            names the document.
    """
    queries, keys = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number, document in enumerate(shard.documents):
        where = f"on document {document.id!r} of {corpus}"
        first = int(shard.offsets[number])
        view = shard.view(number)
        try:
            edges = target.edges(view)
        except MiHypothesesError as error:
            raise TargetError(f"The target failed {where}: {error}.") from error
        except (Exception, SystemExit) as error:
            raise TargetError(
                f"The target raised {type(error).__name__} {where}: {error}."
            ) from error
        ahead = np.flatnonzero(edges.keys > edges.queries) if causal else np.empty(0, np.int64)
        if len(ahead):
            query, key = edges.pairs[ahead[0]]
            raise TargetError(
                f"The target has an edge to the future {where}: from token {query} "
                f"({view.strings[query]!r}) to token {key} ({view.strings[key]!r}). The model is "
                "causal, its tokens see only what comes before them: keep the edges with "
                "key <= query, or turn them round."
            )
        queries.append(edges.queries + first)
        keys.append(np.where(edges.keys == BOS, BOS, edges.keys + first))
    return Edges(np.concatenate(queries), np.concatenate(keys))


@dataclass(frozen=True)
class QueryStore:
    """The queries of targets on the shards of a corpus, kept in the cache by their content."""

    cache: Cache
    corpus: str
    causal: bool

    def label(self, target: Target, shard: Shard, known: Known) -> str:
        """The key of the target's queries on a shard; `known` holds what equal targets gave.

        Raises:
            TargetError: see `edges_on`.
        """
        asked = (target, self.causal, shard.window)
        if asked not in known:
            known[asked] = self._make(target, shard)
        return known[asked]

    def load(self, key: str, target: Target, shard: Shard) -> Queries:
        """The queries that `label` gave the key of."""
        arrays = self.cache.obtain(key, lambda: self._make(target, shard))
        return Queries.from_arrays(arrays)

    def _make(self, target: Target, shard: Shard) -> str:
        edges = edges_on(target, shard, corpus=self.corpus, causal=self.causal)
        arrays = Queries.of(shard, edges).arrays()
        digest = hashlib.blake2b(digest_size=16)
        for array in arrays.values():
            digest.update(f"{array.size}:".encode() + array.tobytes())
        key = key_of("queries", shard.key, shard.window.settings, digest.hexdigest())
        if not self.cache.has(key):
            self.cache.put(key, arrays)
        return key

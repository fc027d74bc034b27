"""A target's edges are cut to the model's windows, and what is cut off is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi_hypotheses.cache import Cache
from mi_hypotheses.edges import BOS, Edges
from mi_hypotheses.errors import TargetError
from mi_hypotheses.predicates import Regex
from mi_hypotheses.queries import (
    NO_BOS,
    OUTSIDE,
    UNSCORED,
    Queries,
    QueryStore,
    edges_on,
)
from mi_hypotheses.shards import Shard, Window
from mi_hypotheses.targets import FirstToken, Offset, PreviousToken, Target, target
from mi_hypotheses.text import Document, TokenView


def shard(*lengths: int, window: int = 4, bos_id: int | None = 0, min_context: int = 0) -> Shard:
    """Documents of so many tokens, a character each."""
    texts = ["abcdefghijklmnopqrstuvwxyz"[:n] for n in lengths]
    starts = np.concatenate([np.arange(n, dtype=np.int32) for n in lengths])
    return Shard(
        key="shard " + "-".join(map(str, lengths)),
        documents=tuple(
            Document(id=f"d{n}", corpus="c", text=text) for n, text in enumerate(texts)
        ),
        ids=starts + 1,
        starts=starts,
        ends=starts + 1,
        offsets=np.cumsum([0, *lengths], dtype=np.int64),
        window=Window(length=window, bos_id=bos_id, min_context=min_context),
    )


def queries(made: Target, on: Shard) -> Queries:
    return Queries.of(on, edges_on(made, on, corpus="c", causal=True))


def pairs(found: Queries) -> list[tuple[int, int]]:
    return list(zip(found.tokens[found.owners].tolist(), found.keys.tolist(), strict=True))


def test_edges_are_counted_in_the_shard_and_stay_in_a_document() -> None:
    assert pairs(queries(PreviousToken(), shard(3, 2))) == [(1, 0), (2, 1), (4, 3)]


def test_keys_outside_the_window_are_counted() -> None:
    found = queries(Offset(2), shard(6))
    assert pairs(found) == [(2, 0), (3, 1)]
    assert found.dropped == {OUTSIDE: 2}


def test_bos_belongs_to_every_window_of_a_model_that_has_it() -> None:
    assert pairs(queries(FirstToken(), shard(5))) == [(n, BOS) for n in range(5)]
    without = queries(FirstToken(), shard(5, bos_id=None))
    assert (len(without), without.dropped) == (0, {NO_BOS: 5})


def test_queries_that_are_not_scored_are_counted() -> None:
    found = queries(PreviousToken(), shard(8, min_context=2))
    assert found.tokens.tolist() == [1, 2, 3, 6, 7]
    assert found.dropped == {UNSCORED: 2}


def test_edges_to_the_future_name_the_document_and_both_tokens() -> None:
    message = r"document 'd1' of c: from token 0 \('a'\) to token 1 \('b'\).*causal"
    ahead = target(lambda view: [(0, 1)] if len(view) == 2 else [])
    with pytest.raises(TargetError, match=message):
        queries(ahead, shard(3, 2))
    assert edges_on(ahead, shard(3, 2), corpus="c", causal=False).pairs == [(3, 4)]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda view: [(0, len(view))], r"failed on document 'd0' of c: .*edge \(0, 3\)"),
        (lambda _: [(0, 1 // 0)], "failed on document 'd0' of c: .*ZeroDivisionError"),
    ],
)
def test_targets_that_fail_name_the_document(function: object, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        queries(target(function), shard(3))  # type: ignore[arg-type] # wrong on purpose


def test_predicates_that_fail_in_a_target_name_the_document() -> None:
    slow = PreviousToken().where(Regex("(a|a|ab?)+$", timeout=1e-9))
    long = shard(26)
    with pytest.raises(TargetError, match=r"on document 'd0' of c: the pattern .* took more than"):
        queries(slow, long)


@given(
    lengths=st.lists(st.integers(1, 26), min_size=1, max_size=5),
    window=st.integers(1, 9),
    bos=st.booleans(),
    data=st.data(),
)
def test_every_edge_is_kept_or_counted(
    lengths: list[int], window: int, bos: bool, data: st.DataObject
) -> None:
    on = shard(*lengths, window=window, bos_id=0 if bos else None)
    drawn: list[tuple[int, int]] = []
    for first, size in zip(on.offsets.tolist(), lengths, strict=False):
        inside = st.integers(0, size - 1)
        edges = data.draw(st.sets(st.tuples(inside, st.integers(BOS, size - 1)), max_size=12))
        drawn += [(first + q, k if k == BOS else first + k) for q, k in edges]
    found = Queries.of(on, Edges.of(drawn))

    def kept(query: int, key: int) -> bool:
        if key == BOS:
            return bos
        return on.window_number[query] == on.window_number[key]

    assert pairs(found) == sorted(edge for edge in drawn if kept(*edge))
    assert len(found.keys) + sum(found.dropped.values()) == len(drawn)
    assert (found.counts > 0).all()
    again = Queries.from_arrays(found.arrays())
    assert (pairs(again), again.dropped) == (pairs(found), found.dropped)


def test_queries_are_kept_by_content_and_made_anew_when_lost(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    store = QueryStore(cache, "c", causal=True)
    on = shard(5, 4)
    key = store.label(PreviousToken(), on, {})
    assert key == store.label(Offset(1), on, {})
    assert key != store.label(Offset(2), on, {})
    cache.clear()
    assert pairs(store.load(key, PreviousToken(), on)) == pairs(queries(PreviousToken(), on))


def test_equal_targets_are_asked_once() -> None:
    calls = []

    def function(view: TokenView) -> list[tuple[int, int]]:
        calls.append(len(view))
        return []

    made, known = target(function), {}
    store = QueryStore(Cache.temporary(), "c", causal=True)
    on = shard(3, 2)
    assert store.label(made, on, known) == store.label(made, on, known)
    assert calls == [3, 2]

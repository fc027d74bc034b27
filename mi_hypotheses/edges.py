"""Edges from query tokens to key tokens, and the tokens of spans.

Tokens are counted in the document, not in a window of the model. A span has the tokens that
share a non-space character with it, as in `text.label_tokens`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.text import Spans, TokenView

BOS = -1  # as a key: the BOS at the beginning of the query's window

SpanTokenChoice = Literal["first", "last", "all"]

Indices = NDArray[np.int64]
Span = tuple[int, int]  # characters [start, end)


@dataclass(frozen=True, eq=False)
class Edges:
    """Pairs of a query token and a key token, without repetition, sorted by query, then key.

    Args:
        queries: indices of tokens in the document.
        keys: for each query an index of a token in the document, or `BOS`.

    Raises:
        ValueError: numbers that are not whole, arrays of two lengths, a query below 0 or a key
            below `BOS`.
    """

    queries: Indices  # [edges]
    keys: Indices  # [edges]

    def __post_init__(self) -> None:
        queries, keys = _indices(self.queries), _indices(self.keys)
        if queries.shape != keys.shape:
            raise ValueError(f"{queries.size} queries came with {keys.size} keys")
        bad = np.flatnonzero((queries < 0) | (keys < BOS))
        if len(bad):
            raise ValueError(
                f"the edge ({queries[bad[0]]}, {keys[bad[0]]}) is not between tokens: indices "
                "count from 0, and only a key may be BOS"
            )
        if len(queries):
            width = int(keys.max()) + 2
            codes = queries * width + (keys + 1)
            if (np.diff(codes) <= 0).any():
                codes.sort()
                kept = np.append(True, codes[1:] != codes[:-1])  # np.unique hashes: slow here
                queries, keys = np.divmod(codes[kept], width)
                keys -= 1
        object.__setattr__(self, "queries", queries)
        object.__setattr__(self, "keys", keys)

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Self:
        """Edges from (query, key) pairs in any order."""
        listed = list(pairs)
        if any(len(pair) != 2 for pair in listed):
            raise ValueError("an edge is a pair (query, key)")
        return cls(_indices([query for query, _ in listed]), _indices([key for _, key in listed]))

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The edges as (query, key) pairs."""
        return list(zip(self.queries.tolist(), self.keys.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.queries)

    def only(self, kept: NDArray[np.bool_]) -> Edges:
        """The edges that a mask [edges] keeps."""
        return Edges(self.queries[kept], self.keys[kept])


def _indices(numbers: Indices | Sequence[int]) -> Indices:
    array = np.asarray(numbers)
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise ValueError("queries and keys are whole numbers: indices of tokens")
    return array.astype(np.int64)


def expand(lows: Indices, highs: Indices) -> tuple[Indices, Indices]:
    """All items of the ranges [low, high): which range each belongs to, and the item itself."""
    counts = np.maximum(highs - lows, 0)
    owners = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    before = np.cumsum(counts) - counts
    return owners, np.arange(len(owners), dtype=np.int64) - before[owners] + lows[owners]


@dataclass(frozen=True, eq=False)
class SpanTokens:
    """The tokens of each of some spans: `tokens[low:high]`."""

    tokens: Indices  # [tokens that count], ascending
    lows: Indices  # [spans]
    highs: Indices  # [spans]

    @classmethod
    def of(cls, view: TokenView, spans: Spans) -> SpanTokens:
        """The tokens that share a counted character with each span.

        Counted is what is not white space, or every character where the spans say so.

        Raises:
            ValueError: a span ends behind the text.
        """
        if len(spans) and int(spans.ends.max()) > len(view.text):
            raise ValueError(
                f"a span ends at {spans.ends.max()}, behind the text, which has "
                f"{len(view.text)} characters"
            )
        counted = np.ones(len(view.text), np.bool_) if spans.whitespace else view.nonspace
        before = np.concatenate([[0], np.cumsum(counted)])  # counted characters before each
        tokens = np.flatnonzero(before[view.ends] > before[view.starts])
        starts, ends = view.starts[tokens], view.ends[tokens]
        places = np.append(np.flatnonzero(counted), len(view.text))
        first = places[before[spans.starts]]
        last = places[before[spans.ends] - 1]
        lows = np.searchsorted(ends, first, side="right")
        highs = np.searchsorted(starts, last, side="right")
        empty = before[spans.ends] == before[spans.starts]
        return cls(tokens, lows, np.where(empty, lows, np.maximum(highs, lows)))

    @classmethod
    def each(cls, view: TokenView) -> SpanTokens:
        """Every token of the document as a span of its own."""
        tokens = np.arange(len(view), dtype=np.int64)
        return cls(tokens, tokens, tokens + 1)

    @property
    def found(self) -> NDArray[np.bool_]:
        """For each span whether it has a token."""
        return self.highs > self.lows

    @property
    def first(self) -> Indices:
        """The first token of each span, where every span has one."""
        return self.tokens[self.lows]

    @property
    def last(self) -> Indices:
        """The last token of each span, where every span has one."""
        return self.tokens[self.highs - 1]

    def at(self, which: Indices | NDArray[np.bool_]) -> SpanTokens:
        """Some of the spans, by index or mask."""
        return SpanTokens(self.tokens, self.lows[which], self.highs[which])

    def chosen(self, choice: SpanTokenChoice) -> SpanTokens:
        """The spans cut to their first or last token."""
        if choice == "first":
            return SpanTokens(self.tokens, self.lows, np.minimum(self.lows + 1, self.highs))
        if choice == "last":
            return SpanTokens(self.tokens, np.maximum(self.highs - 1, self.lows), self.highs)
        return self

    def expanded(self) -> tuple[Indices, Indices]:
        """Which span each token belongs to, and the token."""
        owners, items = expand(self.lows, self.highs)
        return owners, self.tokens[items]


def paired(queries: SpanTokens, keys: SpanTokens) -> Edges:
    """From every token of each query span to every token of the key span in its row; no token
    looks at itself."""
    owners, query = queries.expanded()
    edge, key = keys.at(owners).expanded()
    kept = query[edge] != key
    return Edges(query[edge][kept], key[kept])


def paired_spans(
    view: TokenView,
    pairs: Sequence[tuple[Span, Span]],
    *,
    query_tokens: SpanTokenChoice = "all",
    key_tokens: SpanTokenChoice = "all",
) -> Edges:
    """`paired`, from (query, key) pairs of spans of the text."""
    queries = SpanTokens.of(view, Spans([query for query, _ in pairs]))
    keys = SpanTokens.of(view, Spans([key for _, key in pairs]))
    return paired(queries.chosen(query_tokens), keys.chosen(key_tokens))


def first_of_segment(view: TokenView, starts: Indices) -> Edges:
    """From each later token of a segment of the text to the segment's first token.

    A token belongs to the segment of its first non-space character, or, where it is all white
    space, of its first character. `starts` are ascending characters, the first of them 0; a
    segment ends where the next one starts.
    """
    if not len(view):
        return Edges.of([])
    ends = np.append(starts[1:], len(view.text))
    segments = SpanTokens.of(view, Spans(np.stack([starts, ends], axis=1).tolist()))
    before = np.concatenate([[0], np.cumsum(view.nonspace)])
    places = np.append(np.flatnonzero(view.nonspace), len(view.text))
    visible = before[view.ends] > before[view.starts]
    characters = np.where(visible, places[before[view.starts]], view.starts)
    own = np.searchsorted(starts, characters, side="right") - 1
    queries = np.flatnonzero((own >= 0) & segments.found[own])
    keys = segments.at(own[queries]).first
    return Edges(queries, keys).only(keys < queries)


def earlier_copies(
    labels: NDArray[np.int64], *, latest: bool, within: int | None
) -> tuple[Indices, Indices]:
    """For each position the earlier positions with the same label, or the latest of them.

    Returns:
        positions and earlier positions, at most `within` apart, by label.
    """
    order = np.argsort(labels, kind="stable")
    grouped = labels[order]
    ranks = np.arange(len(labels), dtype=np.int64)
    new = np.ones(len(labels), dtype=np.bool_)
    new[1:] = grouped[1:] != grouped[:-1]
    group = np.maximum.accumulate(np.where(new, ranks, 0))  # where each one's group begins
    if latest:
        lows = np.maximum(group, ranks - 1)
    elif within is None:
        lows = group
    else:
        width = len(labels) + 1
        codes = group * width + order  # ascending
        reach = codes - np.minimum(order, within)
        lows = np.searchsorted(codes, reach, side="left")
    owners, earlier = expand(lows, ranks)
    late, early = order[owners], order[earlier]
    if within is not None:
        near = late - early <= within
        late, early = late[near], early[near]
    return late, early

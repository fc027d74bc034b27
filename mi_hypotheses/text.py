"""Documents, character spans, and how both meet tokens.

A predicate sees a whole document as text and returns character spans; a token is labelled when
a non-space character of its own lies in a span. White space at a token's edges therefore never
decides (byte-level tokenizers put the leading space inside the token), and a token that is all
white space is labelled only by spans that ask for it (`whitespace=True`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from spacy.tokens import Doc

_SURROGATE = re.compile("[\ud800-\udfff]")
_LAST_SPACE = 0x3000  # the highest code point for which str.isspace() holds
_IS_SPACE = np.array([chr(code).isspace() for code in range(_LAST_SPACE + 2)])

GROUPS = 64
CALIBRATION_GROUPS = 32

TokenChoice = Literal["any", "all", "first", "last"]


class GoldLink(NamedTuple):
    """Two spans of a document's text that its author has linked: from `query` to `key`.

    Both are half-open character spans [start, end); `name` says what the link means.
    """

    name: str
    query: tuple[int, int]
    key: tuple[int, int]

    def check(self, length: int) -> None:
        """Raise ValueError where a span is not a stretch of a text of `length` characters."""
        for start, end in (self.query, self.key):
            if not 0 <= start < end <= length:
                raise ValueError(
                    f"the span ({start}, {end}) of a link {self.name!r} is not a stretch of the "
                    f"text, which has {length} characters: 0 <= start < end <= {length}"
                )


@dataclass(frozen=True, slots=True)
class Document:
    """One text with a stable id.

    `id` is unique within its corpus and the same on every machine that has the same files.
    `tokens` is set where the document is a list of token strings, of which `text` is the
    concatenation: for symbol vocabularies, and beside `ids`. With `ids` the document is these
    tokens of one vocabulary exactly, whatever its tokenizer would make of the text; `tokens`
    has a string that is not empty for each. `links` are gold annotation: targets make edges of
    them; `gold` is annotation of its words, as `annotation.Gold` writes it. Lone surrogates in
    any text, which no tokenizer accepts, are replaced by U+FFFD, one character for one.

    Raises:
        ValueError: `ids` without such `tokens`, or a link to what is not in the text.
    """

    id: str
    corpus: str
    text: str
    tokens: tuple[str, ...] | None = None
    ids: tuple[int, ...] | None = None
    links: tuple[GoldLink, ...] = ()
    gold: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("id", "text"):
            value = getattr(self, name)
            if _SURROGATE.search(value):
                object.__setattr__(self, name, _SURROGATE.sub("\ufffd", value))
        if self.tokens is not None:
            whole = tuple(_SURROGATE.sub("\ufffd", token) for token in self.tokens)
            object.__setattr__(self, "tokens", whole)
        if self.ids is not None:
            strings = self.tokens or ()
            if len(strings) != len(self.ids) or "" in strings or "".join(strings) != self.text:
                raise ValueError(
                    f"the document {self.id!r} has {len(self.ids)} token ids, which take as many "
                    "token strings, none of them empty, whose concatenation is the text"
                )
        for link in self.links:
            link.check(len(self.text))


def group_of(document_id: str, *, seed: int = 0) -> int:
    """The group, 0..63, that a document belongs to: blake2b(seed ‖ id) mod 64.

    Groups below `CALIBRATION_GROUPS` are calibration documents, the others test documents.
    """
    digest = hashlib.blake2b(f"{seed}:{document_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % GROUPS


def _whole_pairs(pairs: list[tuple[int, int]]) -> NDArray[np.int64]:
    if not pairs:
        return np.empty((0, 2), dtype=np.int64)
    try:
        array = np.asarray(pairs)
    except ValueError:  # of different lengths
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise ValueError(
            f"spans are pairs of whole numbers (start, end), and the first here is {pairs[0]!r}; "
            "values go into values="
        )
    return array.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Spans:
    """Half-open character spans [start, end) of one text, with a value each where numeric.

    Args:
        pairs: (start, end) in characters, in any order; they may overlap.
        values: one number a span; the label of its tokens. Without it the labels are 0 and 1.
        whitespace: let white space count as well, so that tokens made only of white space
            (indentation, line ends) can be labelled.

    Raises:
        ValueError: something else than pairs of whole numbers, an end before its start, a
            negative start, or another number of values than of spans.
    """

    pairs: Iterable[tuple[int, int]]
    values: Sequence[float] | NDArray[np.float64] | None = None
    whitespace: bool = False
    starts: NDArray[np.int64] = field(init=False, repr=False)  # [spans]
    ends: NDArray[np.int64] = field(init=False, repr=False)  # [spans]

    def __post_init__(self) -> None:
        array = _whole_pairs(list(self.pairs))
        if (array[:, 0] > array[:, 1]).any() or (array < 0).any():
            bad = array[(array[:, 0] > array[:, 1]) | (array < 0).any(axis=1)][0]
            raise ValueError(
                f"the span ({bad[0]}, {bad[1]}) is not a stretch of text: "
                "a span is (start, end) with 0 <= start <= end"
            )
        if self.values is not None:
            values = np.asarray(self.values, dtype=np.float64)
            if values.shape != (len(array),):
                raise ValueError(f"{len(array)} spans came with {values.size} values")
            if not np.isfinite(values).all():
                raise ValueError("the value of a span is not a finite number")
            object.__setattr__(self, "values", values)
        object.__setattr__(self, "starts", array[:, 0])
        object.__setattr__(self, "ends", array[:, 1])

    def __len__(self) -> int:
        return len(self.starts)


class Docs(Protocol):
    """A document's annotation as spaCy has it, by pipelines or by the document's author."""

    @property
    def has_gold(self) -> bool:
        """Whether the document came with annotation."""

    def doc(self, name: str) -> Doc:
        """The annotation by the pipeline of that name, or by the document's author (`gold`).

        Raises:
            AnnotationError: there is none.
        """


@dataclass(frozen=True, eq=False)
class TokenView:
    """A document's text as its tokens: character spans, without BOS or padding.

    Pieces of one multi-byte character share that character's span. `ids` are the tokens' ids,
    where a vocabulary is at hand; `links` are the document's gold links; `reach` is how many
    tokens back the model can see at most, where there is a model; `docs` is its spaCy annotation,
    where it was prepared.
    """

    text: str
    starts: NDArray[np.int32]  # [tokens]
    ends: NDArray[np.int32]  # [tokens]
    ids: NDArray[np.int32] | None = None  # [tokens]
    links: tuple[GoldLink, ...] = ()
    reach: int | None = None
    docs: Docs | None = None

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def strings(self) -> list[str]:
        """Each token's own stretch of the text, white space included."""
        text = self.text
        return [text[a:b] for a, b in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    @cached_property
    def nonspace(self) -> NDArray[np.bool_]:
        """For each character whether it is not white space, as `str.isspace` has it."""
        codes = np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        return ~_IS_SPACE[np.minimum(codes, _LAST_SPACE + 1)]


def _painted(spans: Spans, length: int) -> NDArray[np.bool_]:
    """For each character whether it lies in a span."""
    edges = np.zeros(length + 1, dtype=np.int32)
    np.add.at(edges, spans.starts, 1)
    np.add.at(edges, spans.ends, -1)
    return np.cumsum(edges[:-1]) > 0


def _counts(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Prefix counts: entry i is the number of true characters before character i."""
    counts = np.zeros(len(mask) + 1, dtype=np.int64)
    np.cumsum(mask, out=counts[1:])
    return counts


def _edge_tokens(
    view: TokenView, spans: Spans, counted: NDArray[np.bool_], *, last: bool
) -> NDArray[np.int64]:
    """The first (or last) token that shares a counted character with each span."""
    positions = np.flatnonzero(counted)
    if last:
        found = np.searchsorted(positions, spans.ends, side="left") - 1
    else:
        found = np.searchsorted(positions, spans.starts, side="left")
    valid = (found >= 0) & (found < len(positions))
    characters = positions[np.where(valid, found, 0)] if len(positions) else found
    valid &= (characters >= spans.starts) & (characters < spans.ends)
    characters = characters[valid]
    if last:
        tokens = np.searchsorted(view.starts, characters, side="right") - 1
    else:
        tokens = np.searchsorted(view.ends, characters, side="right")
    tokens = tokens[(tokens >= 0) & (tokens < len(view))]
    return tokens.astype(np.int64)


def label_tokens(
    view: TokenView, spans: Spans, *, tokens: TokenChoice = "any"
) -> NDArray[np.float64]:
    """Labels of the tokens: 0 or 1, or the value of the span for numeric spans (0 outside).

    Args:
        view: the document's tokens, in order.
        spans: character spans inside `view.text`.
        tokens: which tokens of a span count. `any`: each that shares a non-space character
            with a span; `all`: each whose non-space characters all lie in spans; `first`,
            `last`: the first or last token that shares a non-space character with the span.

    Where several numeric spans meet in one token, the span that starts last decides: it is
    the innermost of nested ones.

    Returns:
        float64 [tokens].

    Raises:
        ValueError: a span ends behind the text.
    """
    length = len(view.text)
    if len(spans) and int(spans.ends.max()) > length:
        worst = int(np.argmax(spans.ends))
        raise ValueError(
            f"the span ({spans.starts[worst]}, {spans.ends[worst]}) ends behind the text, "
            f"which has {length} characters"
        )
    if not len(spans) or not len(view):
        return np.zeros(len(view))
    counted = np.ones(length, dtype=np.bool_) if spans.whitespace else view.nonspace
    chosen = np.zeros(len(view), dtype=np.bool_)
    if tokens in ("first", "last"):
        chosen[_edge_tokens(view, spans, counted, last=tokens == "last")] = True
    else:
        inside = _counts(_painted(spans, length) & counted)
        shared = inside[view.ends] - inside[view.starts]
        chosen = shared > 0
        if tokens == "all":
            own = _counts(counted)
            chosen &= shared == own[view.ends] - own[view.starts]
    if spans.values is None:
        return chosen.astype(np.float64)
    return np.where(chosen, _values(view, spans, counted), 0.0)


_AT_ONCE = 1 << 20  # meetings of a span and a token that are looked at together


def _values(view: TokenView, spans: Spans, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each token the value of the span that starts last among those it meets."""
    values = np.asarray(spans.values, dtype=np.float64)
    result = np.zeros(len(view))
    prefix = _counts(counted)
    order = np.lexsort((-spans.ends, spans.starts))
    first = np.searchsorted(view.ends, spans.starts[order], side="right")
    stop = np.searchsorted(view.starts, spans.ends[order], side="left")
    lengths = np.maximum(stop - first, 0)  # [spans], in how many tokens each can lie
    before = np.concatenate([[0], np.cumsum(lengths)])
    low = 0
    while low < len(order):
        high = max(int(np.searchsorted(before, before[low] + _AT_ONCE, side="right")) - 1, low + 1)
        place = np.repeat(np.arange(low, high), lengths[low:high])  # [meetings], in `order`
        token = np.arange(before[low], before[high]) - before[place] + first[place]
        begin = np.maximum(view.starts[token], spans.starts[order[place]])
        end = np.minimum(view.ends[token], spans.ends[order[place]])
        meets = prefix[np.maximum(end, begin)] > prefix[begin]
        result[token[meets]] = values[order[place[meets]]]  # of several, the last one stays
        low = high
    return result

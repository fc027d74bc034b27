"""Targets: where an attention head should look, as code.

A target turns a document's tokens into edges from query tokens to key tokens. `a | b` joins
the edges of two targets, and `.where(predicate)` keeps the queries that a predicate labels.
Targets that follow the text's structure (words, brackets, tags, matches of patterns) are in
`links`, those that need a parser in `dependencies`.

Where an earlier key may lie anywhere in the document, `within` says how many tokens back it may
be; without it, as far as the model's window reaches.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import KW_ONLY, field
from typing import Annotated, Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from mi_hypotheses.edges import BOS, Edges, earlier_copies
from mi_hypotheses.errors import TargetError
from mi_hypotheses.predicates import Predicate, hash_of_source, pipelines_in
from mi_hypotheses.text import Spans, TokenView

CONFIG = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)

Within = Annotated[int, Field(ge=1)] | None
Copies = Literal["all", "latest"]

_NARROW = "to narrow a target use .where(predicate)"


class Target(ABC):
    """Something that says which tokens the tokens of a document should attend to."""

    @abstractmethod
    def edges(self, view: TokenView) -> Edges:
        """The edges of one document.

        Raises:
            TargetError: the target cannot be evaluated on this text.
            PredicateError: a predicate in it cannot.
        """

    @property
    def positional(self) -> bool:
        """Whether the claim itself is one of position, so that rivals which know nothing but
        positions are no rivals of it."""
        return False

    @property
    def reaches_bos(self) -> bool:
        """Whether `head_detector`'s matrix has the edge from a window's first token to BOS,
        which no document contains."""
        return False

    @property
    def pipelines(self) -> frozenset[str]:
        """The spaCy pipelines whose annotation it asks for: those of what it is made of."""
        return pipelines_in(self)

    def fingerprint(self) -> str:
        """Hash of the target as written; equal targets have equal fingerprints."""
        written = TypeAdapter(type(self)).dump_python(self, mode="json")
        return _digest([type(self).__name__, written])

    def __or__(self, other: Target) -> Either:
        if not isinstance(other, Target):
            raise TypeError(f"| joins targets, and {type(other).__name__} is none; {_NARROW}")
        return Either((self, other))

    def __and__(self, _other: object) -> NoReturn:
        raise TypeError(_NARROW)

    def __invert__(self) -> NoReturn:
        raise TypeError(_NARROW)

    def where(self, predicate: Predicate) -> Where:
        """Only the queries that the predicate labels."""
        return Where(self, predicate)


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, config=CONFIG)
class Either(Target):
    """The edges of all parts; written `a | b`."""

    of: tuple[Target, ...]
    kind: Literal["either"] = field(default="either", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        flat: list[Target] = []
        for part in self.of:
            flat.extend(part.of if isinstance(part, Either) else [part])
        object.__setattr__(self, "of", tuple(flat))

    @property
    def positional(self) -> bool:
        return all(part.positional for part in self.of)

    @property
    def reaches_bos(self) -> bool:
        return any(part.reaches_bos for part in self.of)

    def fingerprint(self) -> str:
        return _digest(["Either", [part.fingerprint() for part in self.of]])

    def edges(self, view: TokenView) -> Edges:
        found = [part.edges(view) for part in self.of]
        return Edges(
            np.concatenate([edges.queries for edges in found]),
            np.concatenate([edges.keys for edges in found]),
        )


@dataclass(frozen=True, config=CONFIG)
class Where(Target):
    """The edges whose query a boolean predicate labels; written `target.where(predicate)`."""

    of: Target
    predicate: Predicate
    kind: Literal["where"] = field(default="where", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        kind = self.predicate.label_kind
        if kind != "boolean":
            raise ValueError(f"where() takes a boolean predicate, and this one is {kind}")

    @property
    def positional(self) -> bool:
        return self.of.positional

    def fingerprint(self) -> str:
        return _digest(["Where", self.of.fingerprint(), self.predicate.fingerprint()])

    def edges(self, view: TokenView) -> Edges:
        edges = self.of.edges(view)
        return edges.only(self.predicate.labels(view)[edges.queries] > 0)


@dataclass(frozen=True, config=CONFIG)
class Offset(Target):
    """The token `by` tokens back; a negative number looks ahead, in bidirectional models.

    Queries that are too near the edge of the document have no target.
    """

    by: int
    kind: Literal["offset"] = field(default="offset", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.by == 0:
            raise ValueError("an offset of 0 is the token itself: write CurrentToken()")

    @property
    def positional(self) -> bool:
        return True

    def edges(self, view: TokenView) -> Edges:
        return _back(view, self.by)


def _back(view: TokenView, by: int) -> Edges:
    queries = np.arange(max(by, 0), len(view) + min(by, 0), dtype=np.int64)
    return Edges(queries, queries - by)


@dataclass(frozen=True, config=CONFIG)
class PreviousToken(Target):
    """The token just before."""

    kind: Literal["previous_token"] = field(
        default="previous_token", init=False, repr=False, kw_only=True
    )

    @property
    def positional(self) -> bool:
        return True

    @property
    def reaches_bos(self) -> bool:
        return True

    def edges(self, view: TokenView) -> Edges:
        return _back(view, 1)


@dataclass(frozen=True, config=CONFIG)
class CurrentToken(Target):
    """The query itself."""

    kind: Literal["current_token"] = field(
        default="current_token", init=False, repr=False, kw_only=True
    )

    @property
    def positional(self) -> bool:
        return True

    def edges(self, view: TokenView) -> Edges:
        return _back(view, 0)


@dataclass(frozen=True, config=CONFIG)
class FirstToken(Target):
    """BOS, at the beginning of the query's window."""

    kind: Literal["first_token"] = field(
        default="first_token", init=False, repr=False, kw_only=True
    )

    @property
    def positional(self) -> bool:
        return True

    def edges(self, view: TokenView) -> Edges:
        return Edges(np.arange(len(view)), np.full(len(view), BOS))


def token_labels(view: TokenView) -> NDArray[np.int64]:
    """A number for each token, equal for equal tokens: by id, or by text where there are none."""
    if view.ids is not None:
        return view.ids.astype(np.int64)
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(x, len(numbers)) for x in view.strings], dtype=np.int64)


@dataclass(frozen=True, config=CONFIG)
class DuplicateToken(Target):
    """Earlier copies of the current token.

    Args:
        choose: `all` of them, or the `latest`.
        within: how many tokens back a copy may be.
    """

    _: KW_ONLY
    choose: Copies = "all"
    within: Within = None
    kind: Literal["duplicate_token"] = field(
        default="duplicate_token", init=False, repr=False, kw_only=True
    )

    def edges(self, view: TokenView) -> Edges:
        labels = token_labels(view)
        within = nearer(self.within, view.reach)
        return Edges(*earlier_copies(labels, latest=self.choose == "latest", within=within))


@dataclass(frozen=True, config=CONFIG)
class AfterPrevious(Target):
    """Induction: the token after an earlier copy of the current one.

    In a run of equal tokens the token after the copy can be the current one itself.

    Args:
        match_length: how many tokens, the current one last, the copy has to match.
        choose: the tokens after `all` copies, or after the `latest`.
        within: how many tokens back the key may be.
    """

    _: KW_ONLY
    match_length: int = Field(default=1, ge=1)
    choose: Copies = "all"
    within: Within = None
    kind: Literal["after_previous"] = field(
        default="after_previous", init=False, repr=False, kw_only=True
    )

    def edges(self, view: TokenView) -> Edges:
        labels, skipped = token_labels(view), self.match_length - 1
        if len(labels) <= skipped:
            return Edges.of([])
        _, labels = np.unique(labels, return_inverse=True)
        grams = labels
        for _step in range(skipped):  # one token more to the left, at the same last token
            _, grams = np.unique(
                grams[1:] * len(labels) + labels[: len(grams) - 1], return_inverse=True
            )
        within = nearer(self.within, view.reach)
        within = None if within is None else within + 1  # of the copy, not the key
        late, early = earlier_copies(grams, latest=self.choose == "latest", within=within)
        return Edges(late + skipped, early + skipped + 1)


def nearer(within: int | None, reach: int | None) -> int | None:
    """The smaller of two bounds, None being none."""
    return min((bound for bound in (within, reach) if bound is not None), default=None)


EdgeFunction = Callable[[TokenView], Edges | Iterable[tuple[int, int]]]


@dataclass(frozen=True, config=CONFIG)
class FunctionTarget(Target):
    """A Python function from a token view to edges; made by `@target`."""

    function: Callable[[TokenView], Any] = Field(exclude=True)
    _: KW_ONLY
    name: str = ""
    source_hash: str = ""
    kind: Literal["function"] = field(default="function", init=False, repr=False, kw_only=True)

    def __call__(self, view: TokenView) -> Edges:
        """What the function returns for `view`, as `Edges`."""
        found = self.function(view)
        if isinstance(found, Iterator):
            found = list(found)
        if came := _no_pairs(found):
            raise TargetError(f"the target {self.name!r} returned {came}")
        return found if isinstance(found, Edges) else Edges.of(found)

    def edges(self, view: TokenView) -> Edges:
        try:
            edges = self(view)
        except TargetError:
            raise
        except Exception as error:
            raise TargetError(
                f"the target {self.name!r} failed: {type(error).__name__}: {error}"
            ) from error
        outside = np.flatnonzero(np.maximum(edges.queries, edges.keys) >= len(view))
        if len(outside):
            query, key = edges.pairs[outside[0]]
            raise TargetError(
                f"the target {self.name!r} returned the edge ({query}, {key}), but the document "
                f"has {len(view)} tokens, counted from 0"
            )
        return edges


def _no_pairs(found: object) -> str | None:
    """What a target function returned and should have, where it is neither edges nor pairs."""
    wanted = "return Edges, or pairs (query, key)"
    if isinstance(found, np.ndarray):
        if found.size == 0 or (found.dtype.kind in "iu" and found.shape[1:] == (2,)):
            return None
        if found.ndim == 2:
            wanted = "return Edges(*np.nonzero(mask))"
        return f"an array of shape {found.shape}: {wanted}"
    if isinstance(found, Edges):
        return None
    if isinstance(found, Spans) or not isinstance(found, Iterable):
        return f"{'None' if found is None else type(found).__name__}: {wanted}"
    single = next((pair for pair in found if not isinstance(pair, Sized)), None)
    if single is None:
        return None
    return f"a {type(found).__name__} of {type(single).__name__}: {wanted}"


def target(function: EdgeFunction, /) -> FunctionTarget:
    """Make a target of a function from a document's tokens to edges.

    The function returns `Edges`, or an iterable of (query, key): indices of tokens in the
    document, where a key may be `BOS`.
    """
    return FunctionTarget(
        function,
        name=getattr(function, "__name__", type(function).__name__),
        source_hash=hash_of_source(function),
    )

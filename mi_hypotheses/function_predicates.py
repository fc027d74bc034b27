"""Predicates that are Python functions: of a document's text, or of its tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, field
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field
from pydantic.dataclasses import dataclass

from mi_hypotheses.errors import PredicateError
from mi_hypotheses.predicates import CONFIG, Labels, Predicate, hash_of_source
from mi_hypotheses.text import Spans, TokenChoice, TokenView, label_tokens

SpanFunction = Callable[[str], Spans | Iterable[tuple[int, int]]]


@dataclass(frozen=True, config=CONFIG)
class FunctionPredicate(Predicate):
    """A Python function from a text to spans; made by `@predicate`."""

    function: Callable[[str], Any] = Field(exclude=True)
    _: KW_ONLY
    tokens: TokenChoice = "any"
    is_numeric: bool = False
    name: str = ""
    source_hash: str = ""
    kind: Literal["function"] = field(default="function", init=False, repr=False, kw_only=True)

    def __call__(self, text: str) -> Spans:
        """What the function returns for `text`, as `Spans`."""
        found = self.function(text)
        return found if isinstance(found, Spans) else Spans(found)

    @property
    def numeric(self) -> bool:
        return self.is_numeric

    @property
    def written(self) -> str:
        return f"@predicate {self.name}"

    def labels(self, view: TokenView) -> Labels:
        spans = self(view.text)
        if len(spans) and (spans.values is not None) != self.is_numeric:
            raise PredicateError(
                f"the predicate {self.name!r} returned spans with values but is boolean: "
                "write @predicate(numeric=True)"
                if not self.is_numeric
                else f"the predicate {self.name!r} is numeric but returned spans without values"
            )
        return label_tokens(view, spans, tokens=self.tokens)


@overload
def predicate(function: SpanFunction, /) -> FunctionPredicate: ...
@overload
def predicate(
    *, numeric: bool = False, tokens: TokenChoice = "any"
) -> Callable[[SpanFunction], FunctionPredicate]: ...
def predicate(
    function: SpanFunction | None = None,
    /,
    *,
    numeric: bool = False,
    tokens: TokenChoice = "any",
) -> FunctionPredicate | Callable[[SpanFunction], FunctionPredicate]:
    """Make a predicate of a function from a document's text to spans.

    The function returns `Spans`, or an iterable of (start, end).

    Args:
        numeric: the spans carry values, and labels are numbers. It is said here rather than
            guessed from a first answer, because documents without a span have no values.
        tokens: which tokens of a span count: `any`, `all`, `first` or `last`.
    """

    def wrap(function: SpanFunction) -> FunctionPredicate:
        return FunctionPredicate(
            function,
            tokens=tokens,
            is_numeric=numeric,
            name=getattr(function, "__name__", type(function).__name__),
            source_hash=hash_of_source(function),
        )

    return wrap if function is None else wrap(function)


TokenFunction = Callable[[TokenView], ArrayLike]


@dataclass(frozen=True, config=CONFIG)
class TokenPredicate(Predicate):
    """A Python function from a document's tokens to their labels; made by `@token_predicate`."""

    function: Callable[[TokenView], Any] = Field(exclude=True)
    _: KW_ONLY
    is_numeric: bool = False
    name: str = ""
    source_hash: str = ""
    kind: Literal["token_function"] = field(
        default="token_function", init=False, repr=False, kw_only=True
    )

    @property
    def numeric(self) -> bool:
        return self.is_numeric

    @property
    def written(self) -> str:
        return f"@token_predicate {self.name}"

    def labels(self, view: TokenView) -> Labels:
        labels = np.asarray(self.function(view), dtype=np.float64)
        if labels.shape != (len(view),):
            raise PredicateError(
                f"the predicate {self.name!r} gives one label for each of the {len(view)} tokens, "
                f"and returned an array of shape {labels.shape}"
            )
        return labels if self.is_numeric else (labels != 0).astype(np.float64)


@overload
def token_predicate(function: TokenFunction, /) -> TokenPredicate: ...
@overload
def token_predicate(*, numeric: bool = False) -> Callable[[TokenFunction], TokenPredicate]: ...
def token_predicate(
    function: TokenFunction | None = None, /, *, numeric: bool = False
) -> TokenPredicate | Callable[[TokenFunction], TokenPredicate]:
    """Make a predicate of a function from a document's tokens to one label each.

    The function returns something that numpy makes an array of, [tokens]: true or false, or
    numbers with `numeric=True`. White space counts as it does: the labels are taken as they are.
    """

    def wrap(function: TokenFunction) -> TokenPredicate:
        return TokenPredicate(
            function,
            is_numeric=numeric,
            name=getattr(function, "__name__", type(function).__name__),
            source_hash=hash_of_source(function),
        )

    return wrap if function is None else wrap(function)

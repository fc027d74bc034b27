"""Predicates that are Python functions: of a document's text, or of its tokens.

`@predicate` and `@token_predicate` label with 0 and 1 or with numbers, `@category` and
`@token_category` with one category of several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, field
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field
from pydantic.dataclasses import dataclass

from mi_hypotheses.errors import PredicateError, did_you_mean
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


MOST_CATEGORIES = 256

NamedSpans = Iterable[tuple[int, int, str]]
NamingFunction = Callable[[str], NamedSpans]
TokenNamingFunction = Callable[[TokenView], Sequence[str | None]]


@dataclass(frozen=True, config=CONFIG)
class CategoryPredicate(Predicate):
    """A Python function that puts stretches of text, or tokens, into categories; made by
    `@category` and `@token_category`.

    Raises:
        pydantic.ValidationError: a name is empty or stands twice, or there are fewer than two
            or more than `MOST_CATEGORIES`.
    """

    function: Callable[[Any], Any] = Field(exclude=True)
    _: KW_ONLY
    names: tuple[str, ...] = Field(min_length=2, max_length=MOST_CATEGORIES)
    of_tokens: bool = False
    tokens: TokenChoice = "any"
    whitespace: bool = False
    name: str = ""
    source_hash: str = ""
    kind: Literal["category"] = field(default="category", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        for name in self.names:
            if not name.strip():
                raise ValueError("the name of a category is empty")
            if self.names.count(name) > 1:
                raise ValueError(f"the category {name!r} is declared twice")

    @property
    def categories(self) -> tuple[str, ...]:
        return self.names

    @property
    def written(self) -> str:
        return f"@{'token_' if self.of_tokens else ''}category {self.name}"

    def labels(self, view: TokenView) -> Labels:
        if self.of_tokens:
            codes = self._codes(self.function(view))
            if len(codes) != len(view):
                raise PredicateError(
                    f"the predicate {self.name!r} gives one category, or None, for each of the "
                    f"{len(view)} tokens, and returned {len(codes)}"
                )
            return codes
        starts, ends, names = self._triples(view.text)
        numbers = self._codes(names) + 1  # 0 is what tokens outside all spans get
        spans = Spans(zip(starts, ends, strict=True), numbers, whitespace=self.whitespace)
        found = label_tokens(view, spans, tokens=self.tokens)
        return np.where(found > 0, found - 1, np.nan)

    def _triples(self, text: str) -> tuple[Sequence[int], Sequence[int], Sequence[str | None]]:
        """The starts, ends and names of what the function returns."""
        found = list(self.function(text))
        for one in found:
            if not isinstance(one, tuple | list) or len(one) != 3 or one[2] is None:
                raise PredicateError(
                    f"the predicate {self.name!r} gives triples (start, end, name), and "
                    f"returned {one!r}"
                )
        return tuple(zip(*found, strict=True)) if found else ((), (), ())  # type: ignore[return-value] # three columns

    def _codes(self, names: Iterable[str | None]) -> Labels:
        """The label of each name, NaN for None."""
        code: dict[str | None, float] = {name: float(i) for i, name in enumerate(self.names)}
        code[None] = np.nan
        try:
            return np.array([code[name] for name in names], dtype=np.float64)
        except (KeyError, TypeError) as error:
            wrong = error.args[0] if isinstance(error, KeyError) else error
            raise PredicateError(
                f"the predicate {self.name!r} gave the category {wrong!r}, which is none of the "
                f"names= it declares. {did_you_mean(str(wrong), self.names).rstrip('.')}"
            ) from None


def category(
    *, names: Sequence[str], tokens: TokenChoice = "any", whitespace: bool = False
) -> Callable[[NamingFunction], CategoryPredicate]:
    """Make a categorical predicate of a function from a document's text to named spans.

    The function returns an iterable of (start, end, name). Tokens outside all spans have no
    category and are left out of the score; where spans meet in one token, the one that starts
    last decides: it is the innermost of nested ones.

    Args:
        names: all categories. They are said here rather than gathered, so that a label means
            the same in every document.
        tokens: which tokens of a span count: `any`, `all`, `first` or `last`.
        whitespace: let white space count as well, so that tokens made only of white space
            can have a category.
    """

    def wrap(function: NamingFunction) -> CategoryPredicate:
        return _categorical(function, names, tokens=tokens, whitespace=whitespace)

    return wrap


def token_category(*, names: Sequence[str]) -> Callable[[TokenNamingFunction], CategoryPredicate]:
    """Make a categorical predicate of a function from a document's tokens to a name each.

    The function returns a sequence, [tokens], of names, and None for tokens that have no
    category: these are left out of the score.

    Args:
        names: all categories.
    """

    def wrap(function: TokenNamingFunction) -> CategoryPredicate:
        return _categorical(function, names, of_tokens=True)

    return wrap


def _categorical(
    function: Callable[[Any], Any],
    names: Sequence[str],
    *,
    of_tokens: bool = False,
    tokens: TokenChoice = "any",
    whitespace: bool = False,
) -> CategoryPredicate:
    if isinstance(names, str):
        raise PredicateError(f"names= takes a list of names, not the one string {names!r}")
    return CategoryPredicate(
        function,
        names=tuple(names),
        of_tokens=of_tokens,
        tokens=tokens,
        whitespace=whitespace,
        name=getattr(function, "__name__", type(function).__name__),
        source_hash=hash_of_source(function),
    )

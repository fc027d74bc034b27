"""Predicates: what a unit should fire on, as code.

A predicate turns a document's tokens into labels. Leaves (`Regex`, `TokenIn`, and the functions of
`function_predicates`) say which stretches of text count; `&`, `|`, `~` and `.shift(n)` combine the
labels token by token. A categorical predicate gives each token one category of several, or none.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import Literal, cast

import numpy as np
import regex
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, PydanticSchemaGenerationError, TypeAdapter
from pydantic.dataclasses import dataclass

from mi_hypotheses.errors import PredicateError, did_you_mean
from mi_hypotheses.reports import LabelKind
from mi_hypotheses.text import Spans, TokenChoice, TokenView, label_tokens

# [tokens]: 0 or 1; any finite number where numeric; where categorical the index of the category,
# and NaN on tokens that have none.
Labels = NDArray[np.float64]

CONFIG = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)

FLAGS = {
    "i": regex.IGNORECASE,
    "m": regex.MULTILINE,
    "s": regex.DOTALL,
    "x": regex.VERBOSE,
    "a": regex.ASCII,
    "w": regex.WORD,
}


class Predicate(ABC):
    """Something that labels the tokens of a document."""

    @abstractmethod
    def labels(self, view: TokenView) -> Labels:
        """Labels of the tokens of one document, float64 [tokens].

        Raises:
            PredicateError: the predicate cannot be evaluated on this text.
        """

    @property
    def numeric(self) -> bool:
        """Whether labels are numbers rather than 0 and 1."""
        return False

    @property
    def categories(self) -> tuple[str, ...] | None:
        """The names of the categories, in the order of their labels; None where labels are
        not categories."""
        return None

    @property
    def label_kind(self) -> LabelKind:
        """What labels are: 0 and 1, numbers, or categories."""
        if self.categories is not None:
            return "categorical"
        return "numeric" if self.numeric else "boolean"

    @property
    def pipelines(self) -> frozenset[str]:
        """The spaCy pipelines whose annotation it asks for: those of what it is made of."""
        return pipelines_in(self)

    @property
    def written(self) -> str:
        """What reports call the predicate, where it is none that can be written out."""
        return repr(self)

    def fingerprint(self) -> str:
        """Hash of the predicate as written; equal predicates have equal fingerprints."""
        try:
            fields: object = TypeAdapter(type(self)).dump_python(self, mode="json")
        except PydanticSchemaGenerationError:  # a plain class: its source and attributes
            fields = [hash_of_source(type(self)), repr(vars(self))]
        text = json.dumps(fields, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def __and__(self, other: Predicate) -> All:
        return All((self, other))

    def __or__(self, other: Predicate) -> AnyOf:
        return AnyOf((self, other))

    def __invert__(self) -> Not:
        return Not(self)

    def shift(self, by: int) -> Shift:
        """The labels moved `by` tokens on: `.shift(1)` labels the token after."""
        return Shift(self, by=by)

    def is_(self, category: str) -> IsCategory:
        """The tokens of one category, of a categorical predicate."""
        return IsCategory(self, category)


def pipelines_in(whole: object) -> frozenset[str]:
    """The spaCy pipelines that the predicates and targets among an object's attributes ask for."""
    found: set[str] = set()
    for value in getattr(whole, "__dict__", {}).values():
        for part in value if isinstance(value, tuple | list) else (value,):
            found.update(getattr(part, "pipelines", ()))
    return frozenset(found)


@dataclass(frozen=True, config=CONFIG)
class Regex(Predicate):
    """Tokens inside the matches of a regular expression (the `regex` module's syntax).

    Args:
        pattern: searched in the whole document, so look-arounds reach beyond the token.
        flags: letters out of `imsxaw`: ignore case, multi-line, dot matches newline,
            verbose, ASCII, word boundaries by Unicode.
        group: label only this group of each match (all its captures), by name or number.
        tokens: which tokens of a match count: `any`, `all`, `first` or `last`.
        whitespace: let white space count as well, so that tokens made only of white space
            can be labelled.
        timeout: seconds a document may take before the pattern is given up as catastrophic.

    Raises:
        pydantic.ValidationError: the pattern does not compile or has no such group.
    """

    pattern: str
    _: KW_ONLY
    flags: str = ""
    group: str | int = 0
    tokens: TokenChoice = "any"
    whitespace: bool = False
    timeout: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    kind: Literal["regex"] = field(default="regex", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.flags) - set(FLAGS))
        if unknown:
            raise ValueError(f"unknown flag {unknown[0]!r}; the flags are {''.join(FLAGS)}")
        try:
            compiled = self._compiled()
        except regex.error as error:
            raise ValueError(
                f"the pattern {self.pattern!r} does not compile: {error.msg} "
                f"at position {error.pos}"
            ) from None
        groups = {*range(compiled.groups + 1), *compiled.groupindex}
        if self.group not in groups:
            raise ValueError(f"the pattern {self.pattern!r} has no group {self.group!r}")

    def _compiled(self) -> regex.Pattern[str]:
        flags = 0
        for letter in self.flags:
            flags |= FLAGS[letter]
        return regex.compile(self.pattern, flags)  # kept in the module's own cache

    def spans(self, text: str) -> Spans:
        """The matches, or the captures of `group` in them."""
        matches = self._compiled().finditer(text, timeout=self.timeout)
        try:
            if self.group == 0:
                pairs = [match.span() for match in matches]
            else:
                pairs = [pair for match in matches for pair in match.spans(self.group)]
        except TimeoutError:
            raise PredicateError(
                f"the pattern {self.pattern!r} took more than {self.timeout:g} s; nested "
                "repetition such as (a+)+ is the usual cause: use possessive a++ or atomic "
                "(?>...) groups, or give the predicate a longer timeout="
            ) from None
        return Spans(pairs, whitespace=self.whitespace)

    def labels(self, view: TokenView) -> Labels:
        return label_tokens(view, self.spans(view.text), tokens=self.tokens)


@dataclass(frozen=True, config=CONFIG)
class TokenIn(Predicate):
    """Tokens whose own text, leading space included, is one of these strings.

    Args:
        strings: exact token texts, e.g. `[" self", "self"]`.
        strip: compare without the white space at both ends.
    """

    strings: frozenset[str] = Field(strict=False, min_length=1)
    _: KW_ONLY
    strip: bool = False
    kind: Literal["token_in"] = field(default="token_in", init=False, repr=False, kw_only=True)

    def labels(self, view: TokenView) -> Labels:
        strings = view.strings
        if self.strip:
            return np.array([text.strip() in self.strings for text in strings], dtype=np.float64)
        return np.array([text in self.strings for text in strings], dtype=np.float64)

    def fingerprint(self) -> str:
        text = json.dumps(["token_in", sorted(self.strings), self.strip])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def hash_of_source(function: Callable[..., object]) -> str:
    """Hash of the file that defines the function, so that its helpers count as well."""
    try:
        source = Path(inspect.getsourcefile(function) or "").read_bytes()
    except (OSError, TypeError):
        source = getattr(getattr(function, "__code__", None), "co_code", b"")
    name = getattr(function, "__qualname__", "")
    return hashlib.blake2b(source + name.encode(), digest_size=16).hexdigest()


class _Combination(Predicate):
    """A predicate made of others, boolean ones."""

    @abstractmethod
    def parts(self) -> tuple[Predicate, ...]: ...

    def _own(self) -> list[str | int]:
        """What tells it from another combination of the same parts."""
        return [type(self).__name__, 0]

    def fingerprint(self) -> str:
        text = json.dumps([self._own(), [part.fingerprint() for part in self.parts()]])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _boolean(parts: Iterable[Predicate], operator: str) -> None:
    for part in parts:
        if not isinstance(part, Predicate):
            raise ValueError(f"{operator} joins predicates, not {type(part).__name__}")
        if part.label_kind != "boolean":
            raise ValueError(
                f"{operator} joins boolean predicates, and one of these is {part.label_kind}"
                + _one_category(part)
            )


def _one_category(part: Predicate) -> str:
    """What to write instead of a categorical predicate."""
    return f": write .is_({part.categories[0]!r}) for one category" if part.categories else ""


@dataclass(frozen=True, config=CONFIG)
class All(_Combination):
    """Tokens that every part labels; written `a & b`."""

    of: tuple[Predicate, ...]
    kind: Literal["all"] = field(default="all", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        _boolean(self.of, "&")

    def parts(self) -> tuple[Predicate, ...]:
        return self.of

    def labels(self, view: TokenView) -> Labels:
        return cast(Labels, np.minimum.reduce([part.labels(view) for part in self.of]))


@dataclass(frozen=True, config=CONFIG)
class AnyOf(_Combination):
    """Tokens that some part labels; written `a | b`."""

    of: tuple[Predicate, ...]
    kind: Literal["any_of"] = field(default="any_of", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        _boolean(self.of, "|")

    def parts(self) -> tuple[Predicate, ...]:
        return self.of

    def labels(self, view: TokenView) -> Labels:
        return cast(Labels, np.maximum.reduce([part.labels(view) for part in self.of]))


@dataclass(frozen=True, config=CONFIG)
class Not(_Combination):
    """Tokens that the part does not label; written `~a`."""

    of: Predicate
    kind: Literal["not"] = field(default="not", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        _boolean((self.of,), "~")

    def parts(self) -> tuple[Predicate, ...]:
        return (self.of,)

    def labels(self, view: TokenView) -> Labels:
        return 1.0 - self.of.labels(view)


@dataclass(frozen=True, config=CONFIG)
class Shift(_Combination):
    """The labels of the part moved `by` tokens on, within the document.

    Zeros come in, or where labels are categories, tokens that have none.
    """

    of: Predicate
    _: KW_ONLY
    by: int
    kind: Literal["shift"] = field(default="shift", init=False, repr=False, kw_only=True)

    def parts(self) -> tuple[Predicate, ...]:
        return (self.of,)

    def _own(self) -> list[str | int]:
        return [type(self).__name__, self.by]

    @property
    def categories(self) -> tuple[str, ...] | None:
        return self.of.categories

    @property
    def numeric(self) -> bool:
        return self.of.numeric

    def labels(self, view: TokenView) -> Labels:
        labels = self.of.labels(view)
        moved = np.full_like(labels, 0 if self.categories is None else np.nan)
        if abs(self.by) >= len(labels):
            return moved
        if self.by >= 0:
            moved[self.by :] = labels[: len(labels) - self.by]
        else:
            moved[: self.by] = labels[-self.by :]
        return moved


@dataclass(frozen=True, config=CONFIG)
class IsCategory(_Combination):
    """Tokens of one category of a categorical predicate; written `part.is_("name")`."""

    of: Predicate
    category: str
    kind: Literal["is_category"] = field(
        default="is_category", init=False, repr=False, kw_only=True
    )

    def __post_init__(self) -> None:
        names = self.of.categories
        if names is None:
            raise ValueError(f"is_() asks a categorical predicate; this is {self.of.label_kind}")
        if self.category not in names:
            raise ValueError(
                f"there is no category {self.category!r}. {did_you_mean(self.category, names)}"
            )

    def parts(self) -> tuple[Predicate, ...]:
        return (self.of,)

    def _own(self) -> list[str | int]:
        return [type(self).__name__, self.category]

    def labels(self, view: TokenView) -> Labels:
        code = (self.of.categories or ()).index(self.category)
        return np.asarray(self.of.labels(view) == code, dtype=np.float64)

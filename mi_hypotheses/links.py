"""Targets that follow the structure of the text: words, lines, sentences, brackets, tags,
matches of patterns, and what the author of a corpus has linked.

`query_tokens` and `key_tokens` say which tokens of a span have an edge, at either end: the
`first`, the `last` or `all`.
"""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, field
from typing import Annotated, Literal

import numpy as np
import regex
from pydantic import Field
from pydantic.dataclasses import dataclass

from mi_hypotheses.edges import (
    Edges,
    SpanTokenChoice,
    SpanTokens,
    expand,
    first_of_segment,
    paired,
    paired_spans,
)
from mi_hypotheses.pairing import bracket_pairs, tag_pairs
from mi_hypotheses.predicates import Regex
from mi_hypotheses.targets import CONFIG, Target, Within, nearer
from mi_hypotheses.text import Spans, TokenView

Choice = Literal["nearest", "first", "all"]
Order = Literal["before", "any"]

_WORD = regex.compile(r"\w+")
_LINE_END = re.compile(r"\r\n?|\n")
_SENTENCE_END = regex.compile(
    r"""
      [.!?…]["'”’»)\]]*+ \s++ (?!\p{Ll})   # an end, white space, and no lower-case letter
    | [。！？][”’」』）]*+ \s*+             # scripts that write no spaces
    | \n\s*\n                               # an empty line
    """,
    regex.VERBOSE,
)


@dataclass(frozen=True, config=CONFIG)
class SameWordStart(Target):
    """From a later piece of a word to the word's first piece.

    A word is a maximal run of `\\w` characters: letters with their marks, digits and `_`.
    """

    kind: Literal["same_word_start"] = field(
        default="same_word_start", init=False, repr=False, kw_only=True
    )

    def edges(self, view: TokenView) -> Edges:
        words = SpanTokens.of(view, Spans([match.span() for match in _WORD.finditer(view.text)]))
        return paired(words, words.chosen("first"))


@dataclass(frozen=True, config=CONFIG)
class LineStart(Target):
    """From the later tokens of a line to its first token with a non-space character.

    Lines end with `\\n`, `\\r\\n` or `\\r`, which belong to the line that they end. A token is
    on the line of its first non-space character, or, where it has none, of its first character.
    """

    kind: Literal["line_start"] = field(default="line_start", init=False, repr=False, kw_only=True)

    def edges(self, view: TokenView) -> Edges:
        ends = [match.end() for match in _LINE_END.finditer(view.text)]
        return first_of_segment(view, np.array([0, *ends], dtype=np.int64))


@dataclass(frozen=True, config=CONFIG)
class SentenceStart(Target):
    """From the later tokens of a sentence to its first token.

    A sentence ends at an empty line, at `.`, `!`, `?` or `…` (closing quotes and brackets
    included) where white space and no lower-case letter follow, and at `。`, `！` or `？`. No
    list of abbreviations is kept: "Dr. Smith" counts as two sentences.
    """

    kind: Literal["sentence_start"] = field(
        default="sentence_start", init=False, repr=False, kw_only=True
    )

    def edges(self, view: TokenView) -> Edges:
        ends = [match.end() for match in _SENTENCE_END.finditer(view.text)]
        return first_of_segment(view, np.array([0, *ends], dtype=np.int64))


@dataclass(frozen=True, config=CONFIG)
class MatchingBracket(Target):
    """From a closing bracket to the opening one: (), [] and {}.

    A closing bracket takes the innermost open one of its kind; brackets without a partner have
    no edge. A token with several brackets has the edges of each; a pair inside one token has
    none.

    Args:
        python: the text is Python: brackets in comments and string literals (f-strings too) do
            not count. Broken code is read on after the mistake.
    """

    _: KW_ONLY
    python: bool = True
    kind: Literal["matching_bracket"] = field(
        default="matching_bracket", init=False, repr=False, kw_only=True
    )

    def edges(self, view: TokenView) -> Edges:
        return paired_spans(view, bracket_pairs(view.text, python=self.python))


@dataclass(frozen=True, config=CONFIG)
class OpeningTag(Target):
    """From the name in a closing HTML or XML tag to the name in its opening tag.

    Names match without regard to case; comments, scripts and style sheets are skipped.
    """

    _: KW_ONLY
    query_tokens: SpanTokenChoice = "all"
    key_tokens: SpanTokenChoice = "all"
    kind: Literal["opening_tag"] = field(
        default="opening_tag", init=False, repr=False, kw_only=True
    )

    def edges(self, view: TokenView) -> Edges:
        return paired_spans(
            view,
            tag_pairs(view.text),
            query_tokens=self.query_tokens,
            key_tokens=self.key_tokens,
        )


def _without_choice(pattern: Regex, option: str) -> None:
    if pattern.tokens != "any":
        raise ValueError(
            f"the pattern {pattern.pattern!r} says tokens={pattern.tokens!r}; in a target "
            f"that is said with {option}="
        )


def _earlier(
    queries: SpanTokens,
    keys: SpanTokens,
    *,
    choose: Choice,
    query_tokens: SpanTokenChoice,
    key_tokens: SpanTokenChoice,
    within: int | None,
) -> Edges:
    """From the tokens of query spans to those of key spans that end before the query span."""
    queries, keys = queries.at(queries.found), keys.at(keys.found)
    keys = keys.at(np.argsort(keys.last, kind="stable"))
    before = np.searchsorted(keys.last, queries.first, side="left")  # key spans, per query span
    ends, keys = keys.last, keys.chosen(key_tokens)
    owners, query = queries.chosen(query_tokens).expanded()
    before = before[owners]
    reach = np.zeros_like(query) if within is None else query - within
    if choose == "nearest":
        edge, span = expand(np.maximum(before - 1, 0), before)
    elif choose == "first":
        edge, span = expand(np.zeros_like(before), np.minimum(before, 1))
    else:
        edge, span = expand(np.searchsorted(ends, reach, side="left"), before)
    query, reach = query[edge], reach[edge]
    lows = np.maximum(keys.lows[span], np.searchsorted(keys.tokens, reach, side="left"))
    edge, item = expand(lows, keys.highs[span])
    return Edges(query[edge], keys.tokens[item])


@dataclass(frozen=True, config=CONFIG)
class NearestPrevious(Target):
    """From every token to the nearest match of a pattern that ends before it.

    Args:
        key: the pattern.
        key_tokens: which tokens of the match are keys: the `first`, the `last` or `all`.
        within: how many tokens back a key may be; the nearest match has no edge from farther on.
    """

    key: Regex
    _: KW_ONLY
    key_tokens: SpanTokenChoice = "all"
    within: Within = None
    kind: Literal["nearest_previous"] = field(
        default="nearest_previous", init=False, repr=False, kw_only=True
    )

    def __post_init__(self) -> None:
        _without_choice(self.key, "key_tokens")

    def edges(self, view: TokenView) -> Edges:
        return _earlier(
            SpanTokens.each(view),
            SpanTokens.of(view, self.key.spans(view.text)),
            choose="nearest",
            query_tokens="all",
            key_tokens=self.key_tokens,
            within=nearer(self.within, view.reach),
        )


@dataclass(frozen=True, config=CONFIG)
class Link(Target):
    """From the matches of one pattern to earlier matches of another.

    Earlier is a match whose last token comes before the query match's first.

    Args:
        query: the pattern whose matches look.
        key: the pattern whose matches are looked at.
        choose: the `nearest` earlier match, the `first` of the document, or `all` of them.
        query_tokens: which tokens of a query match look: the `first`, the `last` or `all`.
        key_tokens: which tokens of a key match are keys.
        within: how many tokens back a key may be. It is asked after the choice: a `first`
            match farther back has no edge, rather than a later match in its place.
    """

    _: KW_ONLY
    query: Regex
    key: Regex
    choose: Choice = "nearest"
    query_tokens: SpanTokenChoice = "all"
    key_tokens: SpanTokenChoice = "all"
    within: Within = None
    kind: Literal["link"] = field(default="link", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        _without_choice(self.query, "query_tokens")
        _without_choice(self.key, "key_tokens")

    def edges(self, view: TokenView) -> Edges:
        return _earlier(
            SpanTokens.of(view, self.query.spans(view.text)),
            SpanTokens.of(view, self.key.spans(view.text)),
            choose=self.choose,
            query_tokens=self.query_tokens,
            key_tokens=self.key_tokens,
            within=nearer(self.within, view.reach),
        )


def _annotated(
    view: TokenView,
    name: str,
    *,
    order: Order,
    query_tokens: SpanTokenChoice,
    key_tokens: SpanTokenChoice,
) -> Edges:
    """The edges of the document's gold links of this name."""
    pairs = [(link.query, link.key) for link in view.links if link.name == name]
    edges = paired_spans(view, pairs, query_tokens=query_tokens, key_tokens=key_tokens)
    return edges if order == "any" else edges.only(edges.keys < edges.queries)


@dataclass(frozen=True, config=CONFIG)
class GoldLinks(Target):
    """From one stretch of text to another, where the corpus itself says so.

    A document brings its links by name, as the `links` of a line in a `.jsonl` corpus. One that
    has none of this name has no edges.

    Args:
        name: which of the document's links.
        order: `before` keeps edges whose key comes first in the text, as a causal model can see
            no other; `any` keeps all.
        query_tokens: which tokens of a query look: the `first`, the `last` or `all`.
        key_tokens: which tokens of a key are keys.
    """

    name: Annotated[str, Field(min_length=1)]
    _: KW_ONLY
    order: Order = "before"
    query_tokens: SpanTokenChoice = "all"
    key_tokens: SpanTokenChoice = "all"
    kind: Literal["gold_links"] = field(default="gold_links", init=False, repr=False, kw_only=True)

    def edges(self, view: TokenView) -> Edges:
        return _annotated(
            view,
            self.name,
            order=self.order,
            query_tokens=self.query_tokens,
            key_tokens=self.key_tokens,
        )


@dataclass(frozen=True, config=CONFIG)
class Translation(Target):
    """From a word to the word that it translates, in an earlier sentence of another language.

    Which words these are the corpus says: by the links of its documents named `translation`, as
    those of the corpus `translations`.

    Args:
        order: `before` keeps edges whose key comes first in the text; `any` keeps all.
        query_tokens: which tokens of the translating word look: the `first`, the `last` or `all`.
        key_tokens: which tokens of the translated word are keys.
    """

    _: KW_ONLY
    order: Order = "before"
    query_tokens: SpanTokenChoice = "all"
    key_tokens: SpanTokenChoice = "all"
    kind: Literal["translation"] = field(
        default="translation", init=False, repr=False, kw_only=True
    )

    def edges(self, view: TokenView) -> Edges:
        return _annotated(
            view,
            "translation",
            order=self.order,
            query_tokens=self.query_tokens,
            key_tokens=self.key_tokens,
        )

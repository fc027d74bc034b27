"""Features of where a token stands: in the document, the window, the sentence and the line.

A token stands where its first character that is not white space does; one that is all white space,
where it begins. Some of these look ahead, which a causal model cannot: `relative`, `last_token`,
`tokens_left_in_line` and `place_in_line`.
"""

from __future__ import annotations

import numpy as np
import regex
from numpy.typing import NDArray

from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.features.text.lines import PARAGRAPH_START, SENTENCE_START
from mi_hypotheses.function_predicates import token_predicate
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.text import TokenView

Indices = NDArray[np.int64]

FIRST = 8  # how many tokens `first_tokens` has


def _feature(name: str, summary: str, of: Predicate, *examples: str) -> Feature:
    return define(f"position.{name}", summary, of, *examples)


def _places(view: TokenView) -> Indices:
    """The character where each token stands, [tokens]."""
    visible = np.append(np.flatnonzero(view.nonspace), len(view.text))
    first = visible[np.searchsorted(visible, view.starts)]
    return np.where(first < view.ends, first, view.starts).astype(np.int64)


def _part(view: TokenView, starts: Indices) -> Indices:
    """How many of these characters, in order, every token stands at or behind, [tokens]."""
    return np.searchsorted(starts, _places(view), side="right").astype(np.int64)


def _since(part: Indices) -> Indices:
    """The tokens since the first of the same part, [tokens]; parts come in order."""
    return np.arange(len(part)) - np.searchsorted(part, part, side="left")


def _starts(expression: regex.Pattern[str], text: str) -> Indices:
    """Where the matches begin."""
    return np.array([match.start() for match in expression.finditer(text)], dtype=np.int64)


_SENTENCE = regex.compile(SENTENCE_START)
_PARAGRAPH = regex.compile(rf"{PARAGRAPH_START}\K(?=\S)")


def _line(view: TokenView) -> Indices:
    """The line of each token, counted from 0, [tokens]."""
    return _part(view, np.array([m.end() for m in regex.finditer("\n", view.text)], np.int64))


# In the document.


@token_predicate(numeric=True)
def _index(view: TokenView) -> Indices:
    return np.arange(len(view))


@token_predicate(numeric=True)
def _relative(view: TokenView) -> NDArray[np.float64]:
    return np.divide(np.arange(len(view)), max(len(view) - 1, 1))


@token_predicate
def _first_token(view: TokenView) -> NDArray[np.bool_]:
    return np.equal(np.arange(len(view)), 0)


@token_predicate
def _first_tokens(view: TokenView) -> NDArray[np.bool_]:
    return np.less(np.arange(len(view)), FIRST)


@token_predicate
def _last_token(view: TokenView) -> NDArray[np.bool_]:
    return np.equal(np.arange(len(view)), len(view) - 1)


def _in_window(view: TokenView) -> Indices:
    """Each token's index in its window, [tokens]: windows follow each other, and a token reaches
    back over all others of a full one."""
    index = np.arange(len(view))
    return index if view.reach is None else index % (view.reach + 1)


@token_predicate(numeric=True)
def _window(view: TokenView) -> Indices:
    return _in_window(view)


@token_predicate
def _window_start(view: TokenView) -> NDArray[np.bool_]:
    return np.equal(_in_window(view), 0)


index = _feature(
    "index",
    "How many tokens of the document come before.",
    _index,
    "the¦«1: man»¦«2: is»",
)
relative = _feature(
    "relative",
    "Where in the document the token stands, from 0 for the first to 1 for the last.",
    _relative,
    "the¦«0.5: man»¦«1: is»",
)
first_token = _feature(
    "first_token", "The first token of the document.", _first_token, "«the»¦ man¦ is"
)
first_tokens = _feature(
    "first_tokens",
    f"The first {FIRST} tokens of the document.",
    _first_tokens,
    "«a»¦«b»¦«c»¦«d»¦«e»¦«f»¦«g»¦«h»¦i¦j",
)
last_token = _feature(
    "last_token", "The last token of the document.", _last_token, "the¦ man¦« is»"
)
window = _feature(
    "window",
    "How many tokens come before in the model's window; without a model, in the document.",
    _window,
    "the¦«1: man»¦«2: is»",
)
window_start = _feature(
    "window_start",
    "The first token of each of the model's windows; without a model, that of the document.",
    _window_start,
    "«the»¦ man¦ is",
)

# In the line, the sentence and the paragraph.


@token_predicate(numeric=True)
def _line_number(view: TokenView) -> Indices:
    return _line(view) + 1


@token_predicate(numeric=True)
def _column(view: TokenView) -> Indices:
    starts = np.array([0, *(m.end() for m in regex.finditer("\n", view.text))], dtype=np.int64)
    return _places(view) - starts[_line(view)]


@token_predicate(numeric=True)
def _since_newline(view: TokenView) -> Indices:
    return _since(_line(view))


@token_predicate(numeric=True)
def _tokens_left_in_line(view: TokenView) -> Indices:
    line = _line(view)
    return np.searchsorted(line, line, side="right") - np.arange(len(line)) - 1


@token_predicate(numeric=True)
def _place_in_line(view: TokenView) -> NDArray[np.float64]:
    line = _line(view)
    first, stop = (np.searchsorted(line, line, side=side) for side in ("left", "right"))
    return np.asarray((np.arange(len(line)) - first) / np.maximum(stop - first - 1, 1))


@token_predicate(numeric=True)
def _since_sentence_start(view: TokenView) -> Indices:
    return _since(_part(view, _starts(_SENTENCE, view.text)))


@token_predicate(numeric=True)
def _since_paragraph_start(view: TokenView) -> Indices:
    return _since(_part(view, _starts(_PARAGRAPH, view.text)))


line_number = _feature(
    "line_number",
    "The number of the line, from 1.",
    _line_number,
    "«1:a»¦«1:\n»¦«2: b»¦«2: c\n»¦«3:\n»¦«4:d»",
)
column = _feature(
    "column",
    "How many characters of the line come before the token's own first one.",
    _column,
    "a¦«2: b»¦«3:\n»¦«2:  c»¦«4: d»",
)
since_newline = _feature(
    "since_newline",
    "How many tokens of the line come before.",
    _since_newline,
    "a¦«1: b»¦«2:\n»¦c¦«1: d»",
)
tokens_left_in_line = _feature(
    "tokens_left_in_line",
    "How many tokens of the line come behind; that of the line end is one.",
    _tokens_left_in_line,
    "«2:a»¦«1: b»¦\n¦«1:c»¦ d",
)
place_in_line = _feature(
    "place_in_line",
    "Where in the line the token stands, from 0 for its first token to 1 for its last.",
    _place_in_line,
    "a¦«0.5: b»¦«1:\n»¦c¦«1: d»",
)
since_sentence_start = _feature(
    "since_sentence_start",
    "How many tokens of the sentence come before; see `text.sentence_start`.",
    _since_sentence_start,
    "He¦«1: is»¦«2:.»¦ I¦«1: am»¦«2: not»",
)
since_paragraph_start = _feature(
    "since_paragraph_start",
    "How many tokens of the paragraph come before; an empty line ends one.",
    _since_paragraph_start,
    "He¦«1: is»¦«2:.»¦«3:\n\n»¦I¦«1: am»¦«2:\n»¦«3:not»",
)

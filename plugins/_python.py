"""Predicates about Python source that a regular expression cannot say, by the standard lexer.

Broken source is labelled up to the place where the lexer gives up.
"""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from mi_hypotheses import Spans, predicate


class Lexeme(NamedTuple):
    """A token of Python's own lexer, with its place in characters."""

    kind: int
    text: str
    start: int
    end: int


@lru_cache(maxsize=32)  # documents come in turns of a few dozen, for each predicate
def lexemes(text: str) -> tuple[Lexeme, ...]:
    """The lexemes of `text` up to its first error; an f-string is one, as before Python 3.12."""
    return tuple(_lexemes(text))


def _lexemes(text: str) -> Iterator[Lexeme]:
    offsets = [0]
    for line in io.StringIO(text):  # lines as the lexer counts them: ended by \n alone
        offsets.append(offsets[-1] + len(line))
    nested, begin = 0, 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            (first, left), (last, right) = token.start, token.end
            if max(first, last) >= len(offsets):
                continue
            start, end = offsets[first - 1] + left, offsets[last - 1] + right
            kind = tokenize.tok_name[token.type]
            if kind == "FSTRING_START":
                begin = begin if nested else start
                nested += 1
            elif kind == "FSTRING_END":
                nested -= 1
                if not nested:
                    yield Lexeme(tokenize.STRING, text[begin:end], begin, end)
            elif not nested:
                yield Lexeme(token.type, token.string, start, end)
    except (tokenize.TokenError, SyntaxError):
        return


def _is_triple(literal: str) -> bool:
    return literal.lstrip("rRbBuUfF").startswith(('"""', "'''"))


@predicate
def short_string(text: str) -> list[tuple[int, int]]:
    """String literals in single quotes or double quotes, quotes included."""
    return [
        (lexeme.start, lexeme.end)
        for lexeme in lexemes(text)
        if lexeme.kind == tokenize.STRING and not _is_triple(lexeme.text)
    ]


@predicate
def docstring(text: str) -> list[tuple[int, int]]:
    """Triple-quoted strings, nearly all of them docstrings."""
    return [
        (lexeme.start, lexeme.end)
        for lexeme in lexemes(text)
        if lexeme.kind == tokenize.STRING and _is_triple(lexeme.text)
    ]


@predicate
def comment(text: str) -> list[tuple[int, int]]:
    """Comments, not the `#` inside strings."""
    return [(x.start, x.end) for x in lexemes(text) if x.kind == tokenize.COMMENT]


@predicate
def keyword_name(text: str) -> list[tuple[int, int]]:
    """Keywords of the language, outside strings and comments."""
    return [(x.start, x.end) for x in lexemes(text) if keyword.iskeyword(x.text)]


@predicate(numeric=True)
def bracket_depth(text: str) -> Spans:
    """How many brackets are open, outside strings and comments; a bracket counts for itself."""
    pairs, depths = [], []
    depth, since = 0, 0
    for lexeme in lexemes(text):
        if lexeme.kind != tokenize.OP or lexeme.text not in "()[]{}":
            continue
        opens = lexeme.text in "([{"
        until = lexeme.start if opens else lexeme.end
        pairs.append((since, until))
        depths.append(float(depth))
        depth = depth + 1 if opens else max(depth - 1, 0)
        since = until
    return Spans(pairs, depths)


@predicate(numeric=True)
def indentation(text: str) -> Spans:
    """Columns of white space at the beginning of the line, for all of the line's tokens."""
    pairs, columns, start = [], [], 0
    for line in io.StringIO(text):
        pairs.append((start, start + len(line)))
        columns.append(float(len(line) - len(line.lstrip(" "))) if line.strip() else 0.0)
        start += len(line)
    return Spans(pairs, columns, whitespace=True)

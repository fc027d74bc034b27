"""The parts of Python source by name: which names are called, which strings document, and so on.

What a part is follows from the lexemes of its statement, so that broken and unfinished source has
parts as well. `outline` is kept for the last texts: all features of Python share one reading.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.features._lexing import Lexeme, Literal, lex
from mi_hypotheses.features._statements import BLOCKS, Statement, split

_NEVER_IN_BRACKETS = re.compile(  # a line that begins with one of these ends all brackets
    r"assert|break|class|continue|def|del|elif|except|finally|global|import|nonlocal|pass|raise"
    r"|return|try|while|with"
)
_LEADING = re.compile(r"[ \t\f]*")

Intervals = NDArray[np.int32]  # [parts, 2], or [parts, 3] with a number each


@lru_cache(maxsize=256)  # the documents of a shard come in turn, once for each predicate
def outline(text: str) -> dict[str, Intervals]:
    """The parts of a text by name, as (start, end) or (start, end, number)."""
    found = _Outline(text).parts
    return {name: np.array(parts, dtype=np.int32) for name, parts in found.items()}


class _Outline:
    """Reads a text once, from its first lexeme to its last."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts: defaultdict[str, list[tuple[int, ...]]] = defaultdict(list)
        self.columns = [0]  # of the blocks that are open, as Python's lexer has them
        self.scopes: list[tuple[int, str]] = []  # column and keyword of each open def and class
        self.may_document = True  # whether a string here would be a docstring
        lexed = lex(text)
        for literal in lexed.literals:
            self._literal(literal)
        for line in self._lines(lexed.lexemes):
            self._line(line)

    def _add(self, name: str, start: int, end: int, *number: int) -> None:
        self.parts[name].append((start, end, *number))

    def _literal(self, literal: Literal) -> None:
        start, end, prefix = literal.start, literal.end, literal.prefix.lower()
        inside = start + len(prefix) + len(literal.quote)
        until = end - len(literal.quote) if literal.closed else end
        self._add("string", start, end)
        self._add("triple" if len(literal.quote) > 1 else "short", start, end)
        self._add("quote", start + len(prefix), inside)
        self._add("quote", until, end)
        self._add("string content", inside, until)
        for letter in prefix:
            self._add(f"{letter} string", start, end)
        if prefix:
            self._add("prefix", start, start + len(prefix))
        for hole in literal.holes:
            self._add("hole", hole.start, hole.end)
            Statement(hole.lexemes, self._add).read()

    def _lines(self, lexemes: Sequence[Lexeme]) -> Iterator[list[Lexeme]]:
        """The logical lines, without comments; one that is cut off ends where the next begins."""
        line: list[Lexeme] = []
        depth, since, fresh = 0, 0, True
        for lexeme in lexemes:
            kind, text, start, end = lexeme
            if kind == "newline":
                fresh = True
                if line and not depth:
                    yield line
                    line = []
                continue
            if fresh and depth and _NEVER_IN_BRACKETS.fullmatch(text):
                self._add("depth", since, start, depth)
                depth, since = 0, start
                yield line
                line = []
            fresh, begins = False, fresh
            if kind in ("comment", "error", "continuation"):
                self._add(kind, start, end)
            if kind == "comment" and begins and not depth:
                self._level(lexeme)
            if kind in ("comment", "error", "continuation"):
                continue
            if kind == "operator" and text in "()[]{}":
                opens = text in "([{"
                until = start if opens else end
                self._add("depth", since, until, depth)
                depth = depth + 1 if opens else max(depth - 1, 0)
                since = until
            line.append(lexeme)
        self._add("depth", since, len(self.text), depth)
        if line:
            yield line

    def _column(self, start: int) -> int:
        begin = self.text.rfind("\n", 0, start) + 1
        indent = _LEADING.match(self.text, begin)
        return len(indent[0].expandtabs(8)) if indent else 0

    def _level(self, comment: Lexeme) -> None:
        """A comment that has a line of its own belongs to the blocks that it is indented to."""
        column = self._column(comment.start)
        self._nest(comment.start, comment.end, column)

    def _nest(self, start: int, end: int, column: int) -> None:
        inside = [kind for left, kind in self.scopes if left < column]
        self._add("block depth", start, end, sum(0 < left <= column for left in self.columns))
        self._add("function depth", start, end, inside.count("def"))
        self._add("class depth", start, end, inside.count("class"))

    def _line(self, line: list[Lexeme]) -> None:
        first = line[0]
        column = self._column(first.start)
        if column > self.columns[-1]:
            self.columns.append(column)
            self._add("indent", first.start, first.end)
        elif column < self.columns[-1]:
            self._add("dedent", first.start, first.end)
            while self.columns[-1] > column:
                self.columns.pop()
            if self.columns[-1] < column:  # to where no block was
                self.columns.append(column)
        while self.scopes and self.scopes[-1][0] >= column:
            self.scopes.pop()
        self._nest(first.start, line[-1].end, column)
        for lexemes, colon in split(line):
            self._statement(lexemes, colon, column=column)

    def _statement(self, lexemes: list[Lexeme], colon: Lexeme | None, *, column: int) -> None:
        in_class = bool(self.scopes) and self.scopes[-1][1] == "class"
        Statement(lexemes, self._add, in_class=in_class, block=colon is not None).read()
        if self.may_document and all(each.kind == "string" for each in lexemes):
            for each in lexemes:
                if each.text.lstrip("rRuU")[0] in "'\"":
                    self._add("docstring", each.start, each.end)
        words = [each.text for each in lexemes[:2] if each.text != "async"]
        opens = colon is not None and words[:1] in (["def"], ["class"])
        self.may_document = opens
        if opens:
            self.scopes.append((column, words[0]))
        if colon is not None:
            self._add("block colon", colon.start, colon.end)
            first = next((each for each in lexemes if each.text in BLOCKS), lexemes[0])
            self._add("block keyword", first.start, first.end)

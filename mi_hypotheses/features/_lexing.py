"""Python source as lexemes, whatever it is: the whole of a module, a piece of one, or no Python.

Documents are cut anywhere, hold the code of any version of Python, or none. There `tokenize` raises
and `ast` gives no tree at all, and what they make of an f-string depends on the version that runs.
This one goes on after a mistake on the next line, takes the literals of all versions from Python 2
on, and reads the holes of f-strings. On whole modules it finds what `tokenize` finds; the tests
compare them. Its time is linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_DEEPEST = 6  # f-strings inside holes of f-strings
_LONGEST = 5000  # characters from the start of a hole to its end

_LEXEME = re.compile(
    r"""
      (?P<space>[ \t\f\r\ufeff]++)
    | (?P<newline>\n)
    | (?P<comment>\#[^\r\n]*+)
    | (?P<string>(?P<prefix>(?i:[bft]r|r[bft]|ur|[bfrtu])?)(?P<quote>'''|\"\"\"|'|\"))
    | (?P<number>
        0[xX](?:_?[0-9a-fA-F])++[lL]? | 0[bB](?:_?[01])++[lL]? | 0[oO](?:_?[0-7])++[lL]?
      | (?:[0-9](?:_?[0-9])*+(?:\.(?:[0-9](?:_?[0-9])*+)?+)?+ | \.[0-9](?:_?[0-9])*+)
        (?:[eE][-+]?[0-9](?:_?[0-9])*+)?+[jJlL]?
      )
    | (?P<name>[^\W\d]\w*+)
    | (?P<operator>
        \*\*= | //= | >>= | <<= | \.\.\. | \*\* | // | >> | << | [-+*/%@&|^=<>!:]= | -> | <>
      | [-+*/%@&|^~=<>()\[\]{},:.;]
      )
    | (?P<continuation>\\\r?\n)
    | (?P<error>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = r"\\(?:\r\n|.)"
_BODY = {  # the rest of a literal, behind its opening quote
    quote: re.compile(
        rf"(?:[^\\{quote[0]}{'' if len(quote) > 1 else chr(10)}]++|{_ESCAPE}"
        rf"{f'|{quote[0]}(?!{quote[0]}{{2}})' if len(quote) > 1 else ''})*+{quote}",
        re.DOTALL,
    )
    for quote in ("'", '"', "'''", '"""')
}
_PLAIN = {  # the text of an f-string up to a hole, its end, or the end of the line
    (quote, raw): re.compile(
        rf"(?:[^\\{{{quote[0]}{'' if len(quote) > 1 else chr(10)}]++|{{{{"
        rf"|\\(?:\r\n|{'' if raw else 'N{[^{}]*}|'}[^{{]|(?={{))"
        rf"{f'|{quote[0]}(?!{quote[0]}{{2}})' if len(quote) > 1 else ''})*+",
        re.DOTALL,
    )
    for quote in ("'", '"', "'''", '"""')
    for raw in (False, True)
}
_DEBUG = re.compile(r"=\s*[!:}]")  # f"{value=}"
_CONVERSION = re.compile(r"![a-z]\s*(?=[:}])")
_SPECIFICATION = re.compile(r"[^{}\n'\"]*+")


class Lexeme(NamedTuple):
    """A piece of source: `kind` is the name of the group in the pattern above."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Literal:
    """A string literal: where it is, and the code in the holes of an f-string."""

    start: int
    end: int
    prefix: str
    quote: str
    closed: bool
    holes: tuple[Hole, ...] = ()


class Hole(NamedTuple):
    """A hole of an f-string with its braces, and the lexemes of the expression in it."""

    start: int
    end: int
    lexemes: list[Lexeme]


@dataclass(frozen=True)
class Lexed:
    """The lexemes of a text without white space, and its literals, those in holes as well."""

    lexemes: list[Lexeme]
    literals: list[Literal]


class _NoFString(Exception):  # noqa: N818 (it is a way out, not an error of anybody's)
    """The text is no f-string as Python reads it."""


def lex(text: str) -> Lexed:
    """The lexemes of a text. An f-string is one lexeme; its holes are in its literal.

    A string in triple quotes that never ends goes to the end of the text. One in single quotes
    that does not end on its line makes the rest of that line an `error`, except on the last line,
    where the text may have been cut.
    """
    lexemes: list[Lexeme] = []
    literals: list[Literal] = []
    place = 0
    while match := _LEXEME.match(text, place):
        kind, place = match.lastgroup or "error", match.end()
        if kind == "space":
            continue
        start = match.start()
        if kind == "string":
            literal = _literal(text, match, literals)
            if literal is None:
                kind, place = "error", text.index("\n", start)
            else:
                literals.append(literal)
                place = literal.end
        lexemes.append(Lexeme(kind, text[start:place], start, place))
    return Lexed(lexemes, literals)


def _literal(text: str, match: re.Match[str], literals: list[Literal]) -> Literal | None:
    """The literal that begins with this match; None where it does not end on its line."""
    prefix, quote, start = match["prefix"], match["quote"], match.start()
    if "f" in prefix.lower() or "t" in prefix.lower():
        known = len(literals)
        try:
            return _FString(text, quote, prefix, literals).read(start)
        except _NoFString:
            del literals[known:]
    end = _BODY[quote].match(text, match.end())
    if end:
        return Literal(start, end.end(), prefix, quote, closed=True)
    if len(quote) > 1 or text.find("\n", match.end()) < 0:
        return Literal(start, len(text), prefix, quote, closed=False)
    return None


@dataclass
class _FString:
    """Reads one f-string, with those in its holes. `around` are the quotes of those around it."""

    text: str
    quote: str
    prefix: str
    literals: list[Literal]
    around: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.quotes = (*self.around, self.quote)
        self.one_line = any(len(quote) == 1 for quote in self.quotes)
        self.triple = tuple(quote for quote in self.quotes if len(quote) > 1)
        self.holes: list[Hole] = []
        if len(self.quotes) > _DEEPEST:
            raise _NoFString

    def read(self, start: int) -> Literal:
        plain = _PLAIN[self.quote, "r" in self.prefix.lower()]
        place = start + len(self.prefix) + len(self.quote)
        while match := plain.match(self.text, place):
            place = match.end()
            if self.text.startswith(self.quote, place):
                break
            if not self.text.startswith("{", place):
                raise _NoFString
            place = self._hole(place)
        end = place + len(self.quote)
        return Literal(start, end, self.prefix, self.quote, closed=True, holes=tuple(self.holes))

    def _hole(self, start: int) -> int:
        """Read the hole that opens at `start`; the place behind its closing brace."""
        lexemes: list[Lexeme] = []
        place, depth = start + 1, 0
        while match := _LEXEME.match(self.text, place):
            kind, found, begin = match.lastgroup or "error", match[0], place
            place = match.end()
            if place - start > _LONGEST or (self.one_line and kind in ("newline", "comment")):
                raise _NoFString
            if self.text.startswith(self.triple, begin):
                raise _NoFString
            if not depth and (end := self._end_of_expression(begin)) is not None:
                self.holes.append(Hole(start, end, lexemes))
                return end
            if kind == "string":
                place = self._inner(match)
            elif kind == "operator":
                depth += (found in "([{") - (found in ")]}")
            elif kind in ("error", "continuation"):
                raise _NoFString
            if kind not in ("space", "newline", "comment"):
                lexemes.append(Lexeme(kind, self.text[begin:place], begin, place))
        raise _NoFString

    def _end_of_expression(self, place: int) -> int | None:
        """Where the hole ends, if its expression ends here."""
        if debug := _DEBUG.match(self.text, place):
            place = debug.end() - 1
        if conversion := _CONVERSION.match(self.text, place):
            place = conversion.end()
        if self.text.startswith("}", place):
            return place + 1
        return self._specification(place + 1) if self.text.startswith(":", place) else None

    def _specification(self, place: int) -> int:
        """The place behind the hole whose format begins here; it may have holes of its own."""
        begin = place
        ends = (*self.triple, self.quote, *("\n" if self.one_line else ""))
        while place - begin < _LONGEST and (match := _SPECIFICATION.match(self.text, place)):
            place = match.end()
            if self.text.startswith("}", place):
                return place + 1
            if self.text.startswith("{", place):
                place = self._hole(place)
            elif self.text.startswith(ends, place) or place == len(self.text):
                break
            else:
                place += 1
        raise _NoFString

    def _inner(self, match: re.Match[str]) -> int:
        """Read a literal inside a hole; the place behind it."""
        prefix, quote = match["prefix"], match["quote"]
        if "f" in prefix.lower() or "t" in prefix.lower():
            inner = _FString(self.text, quote, prefix, self.literals, self.quotes)
            literal = inner.read(match.start())
        else:
            end = _BODY[quote].match(self.text, match.end())
            if end is None or (self.one_line and "\n" in end[0]):
                raise _NoFString
            literal = Literal(match.start(), end.end(), prefix, quote, closed=True)
        self.literals.append(literal)
        return literal.end

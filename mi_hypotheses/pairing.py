"""Which closing bracket or tag belongs to which opening one, in characters of the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from mi_hypotheses.edges import Span

_OPENING = {")": "(", "]": "[", "}": "{"}
_BRACKET = re.compile(r"[()\[\]{}]")

# A prefix such as rb changes nothing here: a backslash keeps a quote from closing raw strings
# as well. A literal in one quote that is never closed ends with its line.
_PYTHON = re.compile(
    r"""
      \#[^\r\n]*
    | \"{3}(?:[^"\\]|\\.?|"(?!""))*+(?:\"{3}|\Z)
    | '{3}(?:[^'\\]|\\.?|'(?!''))*+(?:'{3}|\Z)
    | "(?:[^"\\\r\n]|\\(?:\r\n|.)?)*+"?
    | '(?:[^'\\\r\n]|\\(?:\r\n|.)?)*+'?
    | (?P<bracket>[()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)


class _Open:
    """What is open at a place in the text, innermost last."""

    def __init__(self) -> None:
        self._stack: list[tuple[str, Span]] = []
        self._counts: Counter[str] = Counter()

    def open(self, name: str, span: Span) -> None:
        self._stack.append((name, span))
        self._counts[name] += 1

    def close(self, name: str) -> Span | None:
        """The innermost one of this name; what was opened inside it stays without a partner."""
        if not self._counts[name]:
            return None
        while True:
            other, span = self._stack.pop()
            self._counts[other] -= 1
            if other == name:
                return span


def bracket_pairs(text: str, *, python: bool) -> list[tuple[Span, Span]]:
    """The closing and the opening bracket of each pair of (), [] and {}.

    A closing bracket takes the innermost open one of its kind; brackets without a partner are
    left out.

    Args:
        python: brackets in Python's comments and string literals (f-strings too) do not count.
            The text is scanned rather than run through `tokenize`, which stops at the first
            mistake and differs between versions of Python.
    """
    found: Iterable[re.Match[str]] = _BRACKET.finditer(text)
    if python:
        found = (match for match in _PYTHON.finditer(text) if match["bracket"])
    pairs, pending = [], _Open()
    for match in found:
        bracket, span = match[0], match.span()
        if bracket not in _OPENING:
            pending.open(bracket, span)
        elif opening := pending.close(_OPENING[bracket]):
            pairs.append((span, opening))
    return pairs


# In HTML what is never closed, a comment or a script, goes on to the end of the text.
_NAME = r"[^\W\d][\w:.\-]*+"
_ATTRIBUTES = r"""(?:=\s*"[^"]*"|=\s*'[^']*'|[^<>])*+"""
_TAG = re.compile(
    rf"""
      <!--(?:.*?-->|.*+)
    | <!\[CDATA\[(?:.*?\]\]>|.*+)
    | <[!?][^>]*+
    | </\s*(?P<closing>{_NAME})[^<>]*+>
    | <(?P<raw>script|style)(?![\w:.\-]){_ATTRIBUTES}(?<!/)>(?:.*?(?=</(?P=raw)\b)|.*+)
    | <(?P<opening>{_NAME}){_ATTRIBUTES}>
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def tag_pairs(text: str) -> list[tuple[Span, Span]]:
    """The names in the closing and the opening tag of each HTML or XML element.

    A closing tag takes the innermost open one of its name, without regard to case; tags
    without a partner (`<br>`, a forgotten `</p>`) are left out, and so are `<br/>` and what
    stands in comments, CDATA sections, scripts and style sheets. The text is scanned rather
    than run through `html.parser`, whose time grows with the square of some broken texts and
    whose answers differ between versions of Python.
    """
    pairs, pending = [], _Open()
    for match in _TAG.finditer(text):
        kind = match.lastgroup
        if kind == "closing":
            if opening := pending.close(match["closing"].lower()):
                pairs.append((match.span("closing"), opening))
        elif kind == "raw":
            pending.open(match["raw"].lower(), match.span("raw"))
        elif kind == "opening" and text[match.end() - 2] != "/":
            pending.open(match["opening"].lower(), match.span("opening"))
    return pairs

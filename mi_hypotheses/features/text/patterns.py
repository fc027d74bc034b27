"""How the features of text are written: a name, a sentence, a pattern and examples."""

from __future__ import annotations

from mi_hypotheses.features import _patterns
from mi_hypotheses.features.catalogue import Feature


def pattern(
    name: str,
    summary: str,
    expression: str,
    *examples: str,
    group: str | int = 0,
    whitespace: bool = False,
) -> Feature:
    """A feature of text: the matches of a regular expression, or a group in them."""
    return _patterns.pattern(
        f"text.{name}", summary, expression, *examples, group=group, whitespace=whitespace
    )


def one_of(words: str) -> str:
    """A pattern of one of the words, which stand between spaces; it backtracks into none."""
    longest_first = sorted(words.split(), key=len, reverse=True)
    return f"(?>{'|'.join(longest_first)})"

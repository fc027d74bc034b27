"""How features of patterns are written: a name, a sentence, a pattern and examples."""

from __future__ import annotations

from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.predicates import Regex


def pattern(
    name: str,
    summary: str,
    expression: str,
    *examples: str,
    group: str | int = 0,
    whitespace: bool = False,
) -> Feature:
    """A feature of the matches of a regular expression, or of a group in them.

    `name` is `module.variable` of the place where it is defined.
    """
    of = Regex(expression, group=group, whitespace=whitespace)
    return define(name, summary, of, *examples)

"""How the features of Python are written: parts of the source, all of a kind or some of them."""

from __future__ import annotations

from collections.abc import Iterable

from mi_hypotheses.features._parts import Part
from mi_hypotheses.features.catalogue import Feature, define


def of_part(
    name: str, summary: str, part: str, *examples: str, texts: Iterable[str] = ()
) -> Feature:
    """A feature of parts of the source, or of those that read as one of `texts`."""
    return define(f"python.{name}", summary, Part(part, texts=frozenset(texts)), *examples)


def of_pattern(name: str, summary: str, part: str, pattern: str, *examples: str) -> Feature:
    """A feature of parts of the source that match a pattern from end to end."""
    return define(f"python.{name}", summary, Part(part, pattern=pattern), *examples)


def of_number(name: str, summary: str, part: str, *examples: str) -> Feature:
    """A numeric feature."""
    return define(f"python.{name}", summary, Part(part, is_numeric=True), *examples)

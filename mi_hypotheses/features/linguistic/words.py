"""How the features of words are written: a name, a sentence, annotation and examples."""

from __future__ import annotations

from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.spacy_rules import SpacyToken


def of_words(
    name: str,
    summary: str,
    *examples: str,
    pos: str | tuple[str, ...] | None = None,
    tag: str | None = None,
    dep: str | tuple[str, ...] | None = None,
    morph: str | tuple[str, ...] | None = None,
) -> Feature:
    """A feature of words by their own annotation."""
    of = SpacyToken(pos=pos, tag=tag, dep=dep, morph=morph)
    return define(f"linguistic.{name}", summary, of, *examples)

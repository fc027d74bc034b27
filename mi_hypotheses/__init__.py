"""pytest for interpretations: claims about neurons and attention heads, as code, scored and kept
true."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mi_hypotheses.dependencies import SpacyDependency
    from mi_hypotheses.edges import BOS, Edges
    from mi_hypotheses.errors import MiHypothesesError
    from mi_hypotheses.features.catalogue import feature
    from mi_hypotheses.function_predicates import (
        category,
        predicate,
        token_category,
        token_predicate,
    )
    from mi_hypotheses.hookspecs import hookimpl
    from mi_hypotheses.hypotheses import AnyHead, AnyNeuron, Attends, Fires, Head, Neuron
    from mi_hypotheses.links import (
        GoldLinks,
        LineStart,
        Link,
        MatchingBracket,
        NearestPrevious,
        OpeningTag,
        SameWordStart,
        SentenceStart,
        Translation,
    )
    from mi_hypotheses.predicates import Predicate, Regex, TokenIn
    from mi_hypotheses.spacy_rules import SpacyPattern, SpacyPhrase, SpacyToken, SpacyTree
    from mi_hypotheses.targets import (
        AfterPrevious,
        CurrentToken,
        DuplicateToken,
        FirstToken,
        Offset,
        PreviousToken,
        Target,
        target,
    )
    from mi_hypotheses.text import Document, GoldLink, Spans, TokenView

__all__ = [
    "BOS",
    "AfterPrevious",
    "AnyHead",
    "AnyNeuron",
    "Attends",
    "CurrentToken",
    "Document",
    "DuplicateToken",
    "Edges",
    "Fires",
    "FirstToken",
    "GoldLink",
    "GoldLinks",
    "Head",
    "LineStart",
    "Link",
    "MatchingBracket",
    "MiHypothesesError",
    "NearestPrevious",
    "Neuron",
    "Offset",
    "OpeningTag",
    "Predicate",
    "PreviousToken",
    "Regex",
    "SameWordStart",
    "SentenceStart",
    "SpacyDependency",
    "SpacyPattern",
    "SpacyPhrase",
    "SpacyToken",
    "SpacyTree",
    "Spans",
    "Target",
    "TokenIn",
    "TokenView",
    "Translation",
    "category",
    "feature",
    "hookimpl",
    "predicate",
    "target",
    "token_category",
    "token_predicate",
]

_MODULES = {
    "BOS": "edges",
    "AfterPrevious": "targets",
    "AnyHead": "hypotheses",
    "AnyNeuron": "hypotheses",
    "Attends": "hypotheses",
    "CurrentToken": "targets",
    "Document": "text",
    "DuplicateToken": "targets",
    "Edges": "edges",
    "Fires": "hypotheses",
    "FirstToken": "targets",
    "GoldLink": "text",
    "GoldLinks": "links",
    "Head": "hypotheses",
    "LineStart": "links",
    "Link": "links",
    "MatchingBracket": "links",
    "MiHypothesesError": "errors",
    "NearestPrevious": "links",
    "Neuron": "hypotheses",
    "Offset": "targets",
    "OpeningTag": "links",
    "Predicate": "predicates",
    "PreviousToken": "targets",
    "Regex": "predicates",
    "SameWordStart": "links",
    "SentenceStart": "links",
    "SpacyDependency": "dependencies",
    "SpacyPattern": "spacy_rules",
    "SpacyPhrase": "spacy_rules",
    "SpacyToken": "spacy_rules",
    "SpacyTree": "spacy_rules",
    "Spans": "text",
    "Target": "targets",
    "TokenIn": "predicates",
    "TokenView": "text",
    "Translation": "links",
    "category": "function_predicates",
    "feature": "features.catalogue",
    "hookimpl": "hookspecs",
    "predicate": "function_predicates",
    "target": "targets",
    "token_category": "function_predicates",
    "token_predicate": "function_predicates",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that importing the package is instant."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__]

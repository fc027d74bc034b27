"""pytest for interpretations: claims about what neurons do, as code, scored and kept true."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mi_hypotheses.errors import MiHypothesesError
    from mi_hypotheses.hookspecs import hookimpl
    from mi_hypotheses.hypotheses import AnyNeuron, Fires, Neuron
    from mi_hypotheses.predicates import Predicate, Regex, TokenIn, predicate
    from mi_hypotheses.text import Document, Spans

__all__ = [
    "AnyNeuron",
    "Document",
    "Fires",
    "MiHypothesesError",
    "Neuron",
    "Predicate",
    "Regex",
    "Spans",
    "TokenIn",
    "hookimpl",
    "predicate",
]

_MODULES = {
    "AnyNeuron": "hypotheses",
    "Document": "text",
    "Fires": "hypotheses",
    "MiHypothesesError": "errors",
    "Neuron": "hypotheses",
    "Predicate": "predicates",
    "Regex": "predicates",
    "Spans": "text",
    "TokenIn": "predicates",
    "hookimpl": "hookspecs",
    "predicate": "predicates",
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

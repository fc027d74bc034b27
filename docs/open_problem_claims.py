"""Claims of the map of open problems that take more than a pattern or a ready-made predicate."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mi_hypotheses import AnyNeuron, Fires, TokenIn, category, feature, hookimpl
from mi_hypotheses.features.tokens import split_word

MODEL, CORPORA = "py-gelu-1l", ["networkx-sample"]
FREQUENT = ["self", "if", "for", "return", "the"]
IN = re.compile(r"\b(?:(?P<loop>for)|(?P<test>if|elif|while|not))\b[^\n:]*?\bin\b")

# Words that larger vocabularies have as one token.
WORDS = ["matrix", "vertices", "neighbors", "algorithm", "parameters", "weighted", "directed"]

PIECES = Fires(
    name="pieces-of-a-word",
    claim="Some neuron fires on the last piece of a common word that is cut into several.",
    model=MODEL,
    unit=AnyNeuron(layer=0),
    on=split_word(WORDS) & feature("tokens.word_end"),
    corpora=CORPORA,
    expect={"pearson": 0.3},
)


@category(names=["loop", "test"])
def loop_or_test(text: str) -> Iterator[tuple[int, int, str]]:
    """The word `in`: of a loop, or of a test."""
    for match in IN.finditer(text):
        yield match.end() - len("in"), match.end(), match.lastgroup or ""


@hookimpl
def mi_hypotheses() -> Iterator[Fires]:
    """One claim for each of the frequent tokens."""
    for token in FREQUENT:
        yield Fires(
            name=f"{token}-again",
            claim=f"Some neuron fires on {token!r} where it has been in the document before.",
            model=MODEL,
            unit=AnyNeuron(layer=0),
            on=TokenIn(frozenset([token]), strip=True) & feature("tokens.repeated"),
            corpora=CORPORA,
            expect={"pearson": 0.3},
        )

"""How a claim about one neuron of a shipped model is written here, and where it is judged.

How each was found: on calibration documents of `networkx-sample`, the neuron with the highest
|pearson| out of 2,048 (`AnyNeuron`; by η² where labels are categories). Its bars are three
quarters of what it then scored on test documents of `networkx-sample`, rounded down to 0.05: an
interpretation is said to carry over if it keeps that much on `sympy-sample`, which took no part
in finding it. The verdicts on `networkx-sample` stand beside it for comparison. Claims about
prose were found and are judged on the docstrings of these files in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mi_hypotheses import Fires, Neuron, Predicate

FOUND_ON, JUDGED_ON = "networkx-sample", "sympy-sample"
FILES = (JUDGED_ON, FOUND_ON)
PROSE = ("sympy-prose-sample", "networkx-prose-sample")


def claim(
    name: str,
    text: str,
    model: str,
    index: int,
    on: Predicate,
    *,
    at: Literal["post", "pre", "mid"] = "post",
    sign: Literal["+", "-"] = "+",
    corpora: tuple[str, ...] = FILES,
    expect: Mapping[str, float],
) -> Fires:
    """A hypothesis about one neuron of a model's only layer."""
    return Fires(
        name=name,
        claim=text,
        model=model,
        unit=Neuron(layer=0, index=index, at=at),
        on=on,
        corpora=corpora,
        expect=expect,
        sign=sign,
    )

"""Units and hypotheses that are written wrongly say how to write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from mi_hypotheses.dependencies import SpacyDependency
from mi_hypotheses.hypotheses import AnyHead, Attends, Fires, Head, Neuron
from mi_hypotheses.links import NearestPrevious
from mi_hypotheses.predicates import Regex
from mi_hypotheses.targets import PreviousToken

SUBJECT = SpacyDependency(
    [
        {"RIGHT_ID": "verb", "RIGHT_ATTRS": {"POS": "VERB"}},
        {"LEFT_ID": "verb", "REL_OP": ">", "RIGHT_ID": "subject", "RIGHT_ATTRS": {"DEP": "nsubj"}},
    ],
    query="verb",
    key="subject",
)


def plain(_view: object) -> None:
    """A function without a decorator."""


@pytest.mark.parametrize(
    ("cls", "fields", "message"),
    [
        (Attends, {"to": PreviousToken}, r"write PreviousToken\(\)"),
        (Attends, {"to": NearestPrevious}, r"write NearestPrevious\(\.\.\.\)"),
        (Attends, {"to": plain}, "decorate it with @target"),
        (Fires, {"on": Regex}, r"write Regex\(\.\.\.\)"),
        (Fires, {"on": plain}, "decorate it with @predicate"),
        (Fires, {"on": SUBJECT}, r"a target.*write on=target.node\('verb'\), or on=SpacyTree"),
        (Fires, {"on": PreviousToken()}, "a target, for Attends"),
        (Attends, {"to": SUBJECT.node("verb")}, r"a predicate.*write to=SpacyDependency\("),
        (Attends, {"to": Regex("a")}, r"a predicate, for Fires\(on=...\)"),
    ],
)
def test_a_class_or_a_function_is_not_what_is_made_of_it(
    cls: type[Attends] | type[Fires], fields: dict[str, Any], message: str
) -> None:
    unit = Head(layer=0, index=0) if cls is Attends else Neuron(layer=0, index=0)
    with pytest.raises(ValidationError, match=message):
        cls(name="x", claim="X.", model="py-attn-2l", unit=unit, **fields)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Head(0, 0), r"write Head\(layer=0, index=0\)"),  # type: ignore[misc] # refused
        (lambda: Neuron(0, 417), r"write Neuron\(layer=0, index=417\)"),  # type: ignore[misc] # too
        (lambda: AnyHead(1), r"write AnyHead\(layer=1\)"),  # type: ignore[misc] # too
    ],
)
def test_units_take_their_numbers_by_name(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()

"""Predicates and targets are written as code that makes them again; see also `test_spacy_rules`."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

import mi_hypotheses
from mi_hypotheses.descriptions import describe, describe_target
from mi_hypotheses.links import NearestPrevious, OpeningTag
from mi_hypotheses.predicates import Regex, TokenIn
from mi_hypotheses.targets import AfterPrevious, Offset, Target
from tests.test_targets import WRITTEN

PUBLIC = {name: getattr(mi_hypotheses, name) for name in mi_hypotheses.__all__}


def test_description_is_what_one_would_write() -> None:
    made = Regex(r"\w+", tokens="last") & ~(TokenIn(["a"]) | Regex("b").shift(-1))
    text = describe(made)
    assert text == "Regex(r\"\\w+\", tokens='last') & ~(TokenIn(['a']) | Regex('b').shift(-1))"
    assert eval(text, PUBLIC) == made


def test_the_shift_of_a_negation_does_not_read_as_the_negation_of_a_shift() -> None:
    hash_sign = Regex("#")
    assert describe((~hash_sign).shift(1)) == "(~Regex('#')).shift(1)"
    assert describe(~hash_sign.shift(1)) == "~Regex('#').shift(1)"


@pytest.mark.parametrize("made", WRITTEN, ids=describe_target)
def test_a_description_is_the_target_again(made: Target) -> None:
    again = eval(describe_target(made), PUBLIC)
    assert again == made
    assert again.fingerprint() == made.fingerprint()
    assert json.loads(TypeAdapter(type(made)).dump_json(made))["kind"]


def test_descriptions_leave_defaults_out() -> None:
    assert describe_target(AfterPrevious(within=None)) == "AfterPrevious()"
    assert describe_target(Offset(-1) | OpeningTag(key_tokens="last")) == (
        "Offset(-1) | OpeningTag(key_tokens='last')"
    )
    assert describe_target(NearestPrevious(Regex(r"\d")).where(~Regex("a"))) == (
        "NearestPrevious(Regex(r\"\\d\")).where(~Regex('a'))"
    )

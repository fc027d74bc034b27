"""A question without a claim gets one in plain words."""

from __future__ import annotations

import pytest

from mi_hypotheses.cli.claims import attending, firing
from mi_hypotheses.predicates import Regex
from mi_hypotheses.target_expressions import parse_target
from mi_hypotheses.targets import Target, describe_target, target
from mi_hypotheses.text import TokenView
from tests.test_targets import WRITTEN


@pytest.mark.parametrize(
    ("target", "claim"),
    [
        ("previous-token", "Attends to the previous token."),
        ("Offset(-1)", "Attends to the next token."),
        ("Offset(3)", "Attends to the token 3 back."),
        ("bos", "Attends to the beginning of its window (BOS)."),
        ("induction", "Attends to the token after earlier copies of the current token."),
        (
            "AfterPrevious(match_length=2, choose='latest')",
            "Attends to the token after the latest earlier copy of the last 2 tokens.",
        ),
        ("SameWordStart", "Attends to the first piece of the same word."),
        ("SentenceStart", "Attends to the start of its sentence."),
        ("OpeningTag(key_tokens='first')", "Attends from a closing tag to its opening one."),
        (
            "NearestPrevious(Regex('a'))",
            "Attends to the nearest earlier match of Regex('a').",
        ),
        ("MatchingBracket", "Attends from a closing bracket to its opening one."),
        (
            "Link(query=Regex('a'), key=Regex('b'), choose='all')",
            "Attends from Regex('a') to all earlier matches of Regex('b').",
        ),
        (
            "duplicate.where(Regex('a')) | LineStart",
            "Attends to earlier copies of the current token, on queries of Regex('a'), or to the "
            "start of its line.",
        ),
    ],
)
def test_what_a_head_attends_to_is_said_in_words(target: str, claim: str) -> None:
    assert attending(parse_target(target)) == claim


@pytest.mark.parametrize("made", WRITTEN, ids=describe_target)
def test_every_target_makes_a_sentence(made: Target) -> None:
    assert attending(made).startswith(("Attends to ", "Attends from "))
    assert attending(made).endswith(".")


def test_what_is_a_function_is_named() -> None:
    @target
    def mine(view: TokenView) -> list[tuple[int, int]]:
        return [(len(view) - 1, 0)]

    assert attending(mine) == "Attends to the keys of mine."
    assert firing(Regex("a")) == "Fires on Regex('a')."

"""Where some heads of the shipped models look, and where they were thought to look.

How each was found: on calibration documents of `networkx-sample`, the head of its layer with the
highest target mass (`AnyHead(layer=)`). The bars are three quarters of what it then scored on test
documents there, rounded down to 0.05 (lifts to a whole number); it is judged on `sympy-sample`,
which took no part in finding it. Claims marked as tempting fit what a look at patterns suggests;
their bars were set beforehand, and what refutes them is a rival that knows only positions.
"""

from __future__ import annotations

from collections.abc import Mapping

from _claims import FOUND_ON, JUDGED_ON

from mi_hypotheses import (
    AfterPrevious,
    AnyHead,
    Attends,
    CurrentToken,
    DuplicateToken,
    FirstToken,
    Head,
    LineStart,
    Link,
    MatchingBracket,
    Offset,
    PreviousToken,
    Regex,
    SameWordStart,
    Target,
)

CORPORA = (JUDGED_ON, FOUND_ON)
RANDOM = "tokens:repeated"
MODEL = "py-attn-2l"

BLOCK = Link(
    query=Regex(r":(?=\n)"),
    key=Regex(r"\b(?:if|elif|else|for|while|def|class|with|try|except|finally)\b"),
)


def claim(
    name: str,
    text: str,
    unit: Head | AnyHead,
    to: Target,
    expect: Mapping[str, float],
    *,
    model: str = MODEL,
    corpora: tuple[str, ...] = CORPORA,
) -> Attends:
    """A hypothesis about a head of a shipped model."""
    return Attends(
        name=name, claim=text, model=model, unit=unit, to=to, corpora=corpora, expect=expect
    )


PREVIOUS = claim(
    "previous-token-head",
    "Attends to the token just before.",
    Head(layer=0, index=1),
    PreviousToken(),
    {"target_mass": 0.65, "hit_rate": 0.7},
)
TWO_BACK = claim(
    "two-back-head",
    "Attends to the token two back.",
    Head(layer=0, index=2),
    Offset(2),
    {"target_mass": 0.3, "hit_rate": 0.6},
)
SELF = claim(
    "self-attending-head",
    "Attends to the current token itself.",
    Head(layer=0, index=4),
    CurrentToken(),
    {"target_mass": 0.7, "hit_rate": 0.7},
)
BOS_RESTING = claim(
    "bos-resting-head",
    "Rests on BOS, whatever the token.",
    Head(layer=1, index=5),
    FirstToken(),
    {"target_mass": 0.5, "hit_rate": 0.65},
)
INDUCTION = claim(
    "induction-head",
    "Attends to the token after an earlier copy of the current one.",
    Head(layer=1, index=4),
    AfterPrevious(),
    {"target_mass": 0.3, "hit_rate": 0.55, "lift_position": 18},
)
INDUCTION_RANDOM = claim(
    "induction-on-random-tokens",
    "Some head attends to the token after the earlier copy in repeated random tokens.",
    AnyHead(layer=1),
    AfterPrevious(),
    {"target_mass": 0.6, "lift_position": 10},
    corpora=(RANDOM,),
)
BLOCK_KEYWORD = claim(
    "colon-to-block-keyword",
    "Looks from the colon that ends a line to the keyword that opened the statement.",
    Head(layer=1, index=1),
    BLOCK,
    {"target_mass": 0.6, "hit_rate": 0.7, "lift_position": 11},
)
IN_TO_FOR = claim(
    "in-to-for",
    "Looks from 'in' to the 'for' before it.",
    Head(layer=1, index=3),
    Link(query=Regex(r"\bin\b"), key=Regex(r"\bfor\b")),
    {"target_mass": 0.3, "hit_rate": 0.35, "lift_position": 2},
)
LINE_START = claim(
    "line-start-head",
    "Attends to the first token of the line.",
    Head(layer=1, index=0),
    LineStart(),
    {"target_mass": 0.1, "hit_rate": 0.15, "lift_position": 2},
)
SELF_ATTRIBUTE = claim(
    "attribute-to-self",
    "Looks from an attribute's name back to the 'self' before its dot.",
    Head(layer=1, index=0),
    Link(query=Regex(r"(?<=\bself\.)\w+"), key=Regex(r"\bself\b")),
    {"target_mass": 0.15, "hit_rate": 0.25, "lift_position": 2},
)
SELF_DEF = claim(
    "self-to-def",
    "Looks from 'self' to the 'def' of the method it stands in.",
    Head(layer=1, index=3),
    Link(query=Regex(r"\bself\b"), key=Regex(r"\bdef\b")),
    {"target_mass": 0.15, "hit_rate": 0.25, "lift_position": 8},
)

# Tempting claims.

DUPLICATE = claim(
    "some-duplicate-token-head",
    "Some head attends to earlier copies of the current token.",
    AnyHead(),
    DuplicateToken(),
    {"target_mass": 0.3, "lift_position": 2},
)
BRACKET = claim(
    "some-bracket-head",
    "Some head looks from a closing bracket to the one it closes.",
    AnyHead(),
    MatchingBracket(),
    {"target_mass": 0.3, "lift_position": 1.5},
)
WORD_START = claim(
    "some-word-start-head",
    "Some head looks from a later piece of a word to its first.",
    AnyHead(),
    SameWordStart(),
    {"target_mass": 0.3, "lift_position": 1.5},
)

# Heads of the one-layer models.

PREVIOUS_GELU = claim(
    "previous-token-head-gelu",
    "Attends to the token just before.",
    Head(layer=0, index=2),
    PreviousToken(),
    {"target_mass": 0.2, "hit_rate": 0.45},
    model="py-gelu-1l",
)
PREVIOUS_SOLU = claim(
    "previous-token-head-solu",
    "Attends to the token just before.",
    Head(layer=0, index=2),
    PreviousToken(),
    {"target_mass": 0.2, "hit_rate": 0.4},
    model="py-solu-1l",
)
BLOCK_GELU = claim(
    "colon-to-block-keyword-gelu",
    "Looks from the colon that ends a line to the keyword that opened the statement.",
    Head(layer=0, index=1),
    BLOCK,
    {"target_mass": 0.15, "hit_rate": 0.4, "lift_position": 4},
    model="py-gelu-1l",
)
BLOCK_SOLU = claim(
    "colon-to-block-keyword-solu",
    "Looks from the colon that ends a line to the keyword that opened the statement.",
    Head(layer=0, index=1),
    BLOCK,
    {"target_mass": 0.1, "hit_rate": 0.35, "lift_position": 3},
    model="py-solu-1l",
)

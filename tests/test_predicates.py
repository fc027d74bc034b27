"""Predicates label tokens."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from mi_hypotheses.errors import PredicateError
from mi_hypotheses.function_predicates import predicate
from mi_hypotheses.predicates import Predicate, Regex, TokenIn, describe
from mi_hypotheses.text import Spans, TokenView


def view(*tokens: str) -> TokenView:
    ends = np.cumsum([len(token) for token in tokens], dtype=np.int32)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int32)
    return TokenView("".join(tokens), starts, ends)


CODE = view("x", " =", " 1", "  ", "#", " a", " note", "\n", "self", ".y")


def labelled(made: Predicate, on: TokenView = CODE) -> list[str]:
    return [on.strings[i] for i in np.flatnonzero(made.labels(on))]


def test_regex_labels_the_tokens_of_its_matches() -> None:
    assert labelled(Regex(r"#[^\n]*")) == ["#", " a", " note"]


def test_regex_group_labels_only_that_group() -> None:
    assert labelled(Regex(r"# (?P<word>\w+)", group="word")) == [" a"]
    assert labelled(Regex(r"(?:(\w+)\s*)+=", group=1)) == ["x"]


def test_regex_flags_and_token_choice() -> None:
    assert labelled(Regex("SELF", flags="i")) == ["self"]
    assert labelled(Regex(r"#[^\n]*", tokens="first")) == ["#"]
    assert labelled(Regex(r"#[^\n]*", tokens="last")) == [" note"]
    assert labelled(Regex("not", tokens="all")) == []


def test_white_space_counts_only_where_asked() -> None:
    assert labelled(Regex(r"\n")) == []
    assert labelled(Regex(r"\n", whitespace=True)) == ["\n"]


def test_token_in_compares_whole_tokens() -> None:
    assert labelled(TokenIn(["a", " note"])) == [" note"]
    assert labelled(TokenIn(["a", "note"], strip=True)) == [" a", " note"]


def test_combinations() -> None:
    comment = Regex(r"#[^\n]*")
    assert labelled(comment & ~TokenIn(["#"])) == [" a", " note"]
    assert labelled(comment | TokenIn(["self"])) == ["#", " a", " note", "self"]
    assert labelled(TokenIn(["#"]).shift(1)) == [" a"]
    assert labelled(TokenIn(["#"]).shift(-2)) == [" 1"]
    assert labelled(TokenIn(["#"]).shift(99)) == []


def test_function_predicates_boolean_and_numeric() -> None:
    @predicate
    def first_character(text: str) -> list[tuple[int, int]]:
        return [(0, 1)] if text else []

    @predicate(numeric=True)
    def thirds(text: str) -> Spans:
        return Spans([(0, len(text))], [1 / 3])

    assert labelled(first_character) == ["x"]
    assert thirds.numeric
    assert thirds.labels(CODE)[0] == pytest.approx(1 / 3)


def test_values_from_a_boolean_function_are_refused() -> None:
    @predicate
    def surprising(text: str) -> Spans:  # noqa: ARG001 (the signature is given)
        return Spans([(0, 1)], [2.0])

    with pytest.raises(PredicateError, match=r"numeric=True"):
        surprising.labels(CODE)


def test_numeric_predicates_do_not_combine() -> None:
    @predicate(numeric=True)
    def number(text: str) -> Spans:  # noqa: ARG001 (the signature is given)
        return Spans([(0, 1)], [2.0])

    with pytest.raises(ValidationError, match="one of these is numeric"):
        number & Regex("x")
    assert number.shift(1).numeric


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pattern": "(a"}, "does not compile: missing \\) at position 2"),
        ({"pattern": "a", "flags": "q"}, "unknown flag 'q'"),
        ({"pattern": "a", "group": "word"}, "has no group 'word'"),
        ({"pattern": "a", "tokens": "some"}, "'any', 'all', 'first' or 'last'"),
        ({"pattern": "a", "timeout": 0}, "greater than 0"),
        ({"pattern": 3}, "valid string"),
    ],
)
def test_patterns_are_validated_when_written(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Regex(**arguments)  # type: ignore[arg-type] # wrong on purpose


def test_a_catastrophic_pattern_ends_in_a_clear_error() -> None:
    slow = Regex(r"(?:a|aa)+$", timeout=0.05)
    with pytest.raises(PredicateError, match=r"took more than 0\.05 s"):
        slow.labels(view("a" * 60 + "b"))


def test_fingerprints_tell_predicates_apart() -> None:
    made = [
        Regex("a"),
        Regex("b"),
        Regex("a", flags="i"),
        ~Regex("a"),
        Regex("a") & Regex("b"),
        Regex("a") | Regex("b"),
        Regex("a").shift(1),
        Regex("a").shift(2),
        TokenIn(["a"]),
        TokenIn(["b"]),
    ]
    assert len({one.fingerprint() for one in made}) == len(made)
    assert Regex("a").fingerprint() == Regex("a").fingerprint()
    assert TokenIn(["a", "b"]).fingerprint() == TokenIn(["b", "a"]).fingerprint()
    assert len({hash(one) for one in made}) == len(made)


def test_description_is_what_one_would_write() -> None:
    made = Regex(r"\w+", tokens="last") & ~(TokenIn(["a"]) | Regex("b").shift(-1))
    text = describe(made)
    assert text == "Regex(r\"\\w+\", tokens='last') & ~(TokenIn(['a']) | Regex('b').shift(-1))"
    assert eval(text, {"Regex": Regex, "TokenIn": TokenIn}) == made


def test_the_shift_of_a_negation_does_not_read_as_the_negation_of_a_shift() -> None:
    hash_sign = Regex("#")
    assert describe((~hash_sign).shift(1)) == "(~Regex('#')).shift(1)"
    assert describe(~hash_sign.shift(1)) == "~Regex('#').shift(1)"

"""Predicates label tokens."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pydantic import ValidationError

from mi_hypotheses.descriptions import describe
from mi_hypotheses.errors import PredicateError
from mi_hypotheses.function_predicates import (
    CategoryPredicate,
    category,
    predicate,
    token_category,
    token_predicate,
)
from mi_hypotheses.predicates import Predicate, Regex, TokenIn
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


@category(names=["word", "sign"])
def sort(text: str) -> list[tuple[int, int, str]]:
    """Words and signs; the note is a sign within words."""
    return [(m.start(), m.end(), "word") for m in re.finditer(r"[a-z]+( note)?", text)] + [
        (m.start(), m.end(), "sign") for m in re.finditer(r"[=#]|note", text)
    ]


def named(made: Predicate, on: TokenView = CODE) -> dict[str, str]:
    """The category of each token that has one."""
    names = made.categories or ()
    labels = made.labels(on)
    return {on.strings[i]: names[int(labels[i])] for i in np.flatnonzero(~np.isnan(labels))}


def test_a_category_predicate_gives_each_token_one_category_or_none() -> None:
    assert sort.categories == ("word", "sign")
    assert (sort.label_kind, sort.numeric) == ("categorical", False)
    assert named(sort) == {
        "x": "word",
        " =": "sign",
        "#": "sign",
        " a": "word",
        " note": "sign",  # the span that starts last
        "self": "word",
        ".y": "word",
    }
    assert np.isnan(sort.labels(view(" ", "1"))).all()


def test_a_category_predicate_of_tokens() -> None:
    @token_category(names=["short", "long"])
    def length(on: TokenView) -> list[str | None]:
        sizes = [len(text.strip()) for text in on.strings]
        return [None if size == 0 else "long" if size > 1 else "short" for size in sizes]

    assert named(length)[" note"] == "long"
    assert named(length)[" ="] == "short"
    assert "\n" not in named(length)
    assert describe(length) == "@token_category length"


def test_white_space_has_a_category_only_where_asked() -> None:
    def everything(text: str) -> list[tuple[int, int, str]]:
        return [(0, len(text), "a")]

    names = ["a", "b"]
    assert "\n" not in named(category(names=names)(everything))
    assert named(category(names=names, whitespace=True)(everything))["\n"] == "a"
    first = category(names=names, tokens="first")(everything)
    assert named(first) == {"x": "a"}


def test_one_category_is_a_boolean_predicate() -> None:
    words = sort.is_("word")
    assert words.label_kind == "boolean"
    assert labelled(words) == ["x", " a", "self", ".y"]
    assert labelled(words & ~Regex("self")) == ["x", " a", ".y"]
    assert describe(~sort.is_("sign")) == "~@category sort.is_('sign')"
    assert words.fingerprint() != sort.is_("sign").fingerprint()
    with pytest.raises(ValidationError, match=r"no category 'wrd'\. Did you mean 'word'"):
        sort.is_("wrd")
    with pytest.raises(ValidationError, match="this is boolean"):
        Regex("x").is_("word")


def test_categories_do_not_combine() -> None:
    mend = r"write \.is_\('word'\) for one category"
    for combine in (
        lambda: sort & Regex("x"),
        lambda: Regex("x") | sort,
        lambda: ~sort,
    ):
        with pytest.raises(ValidationError, match=mend):
            combine()


def test_moved_categories_leave_tokens_without_one() -> None:
    after = sort.shift(1)
    assert after.categories == ("word", "sign")
    assert (after.label_kind, after.numeric) == ("categorical", False)
    before, labels = sort.labels(CODE), after.labels(CODE)
    assert np.isnan(labels[0])
    np.testing.assert_array_equal(labels[1:], before[:-1])
    np.testing.assert_array_equal(sort.shift(-2).labels(CODE)[:-2], before[2:])
    assert np.isnan(sort.shift(-2).labels(CODE)[-2:]).all()
    assert np.isnan(sort.shift(99).labels(CODE)).all()
    assert labelled(after.is_("word")) == labelled(sort.is_("word").shift(1))
    assert describe(after) == "@category sort.shift(1)"
    assert after.fingerprint() != sort.fingerprint()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([(0, 1, "wrod")], "'wrod', which is none of the names= it declares. Did you mean 'word'"),
        ([(0, 1)], r"triples \(start, end, name\), and returned \(0, 1\)"),
        ([(0, 1, None)], "triples"),
        ([(0, 1, 1)], "gave the category 1"),
        ([(0, 1, [])], "gave the category"),
    ],
)
def test_what_a_category_function_returns_is_checked(found: object, message: str) -> None:
    made = category(names=["word", "sign"])(lambda _: found)  # type: ignore[arg-type, return-value] # wrong on purpose
    with pytest.raises(PredicateError, match=message):
        made.labels(CODE)


def test_a_category_for_each_token_is_checked() -> None:
    made = token_category(names=["a", "b"])(lambda _: ["a"])
    with pytest.raises(PredicateError, match="each of the 10 tokens, and returned 1"):
        made.labels(CODE)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "at least 2"),
        (["a"], "at least 2"),
        (["a", "a"], "'a' is declared twice"),
        (["a", " "], "empty"),
        ([1, 2], "valid string"),
        ([str(i) for i in range(300)], "at most 256"),
    ],
)
def test_names_of_categories_are_validated_when_written(names: list[str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        category(names=names)(lambda _: [])
    with pytest.raises(PredicateError, match="not the one string 'ab'"):
        category(names="ab")(lambda _: [])


def test_the_order_of_names_belongs_to_a_category_predicate() -> None:
    def made(*names: str) -> CategoryPredicate:
        return category(names=names)(lambda _: [])

    assert made("a", "b").fingerprint() != made("b", "a").fingerprint()


def test_a_numeric_predicate_of_tokens_can_look_ids_up_in_a_table() -> None:
    ranks = np.array([3.0, 1.0, 2.0])

    @token_predicate(numeric=True)
    def frequency_rank(on: TokenView) -> np.ndarray:
        assert on.ids is not None
        return ranks[on.ids]

    text = view("a", "b", "c")
    seen = TokenView(text.text, text.starts, text.ends, np.array([2, 0, 1], dtype=np.int32))
    assert frequency_rank.labels(seen).tolist() == [2.0, 3.0, 1.0]


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

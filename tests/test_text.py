"""Character spans meet tokens."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi_hypotheses.text import GROUPS, Document, Spans, TokenView, group_of, label_tokens

AWKWARD = [
    "a", "Z", "0", "_", "#", " ", "  ", "\n", "\r\n", "\t", "\0", "\x1f", "\x85", "\u00a0",
    "\u3000", "\u200b", "\ufeff", "é", "e\u0301", "ß", "ﬁ", "İ", "😀", "👩\u200d💻", "🇫🇷",
    "中", "日本", "שלום", "مرحبا", "\u202e", "\ud800", "\udfff", "\U0010ffff",
]  # fmt: skip

texts = st.lists(st.sampled_from(AWKWARD) | st.text(max_size=3), max_size=25).map("".join)


@st.composite
def views(draw: st.DrawFn) -> TokenView:
    """A text cut into tokens anywhere; some tokens are pieces of one character."""
    text = Document(id="d", corpus="c", text=draw(texts)).text
    cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=20))})
    spans = list(itertools.pairwise(cuts))
    pieces = [
        span
        for span in spans
        for _ in range(draw(st.integers(1, 3)) if span[1] - span[0] == 1 else 1)
    ]
    starts, ends = np.array(pieces, dtype=np.int32).reshape(-1, 2).T
    return TokenView(text, starts, ends)


@st.composite
def views_and_pairs(draw: st.DrawFn) -> tuple[TokenView, list[tuple[int, int]]]:
    view = draw(views())
    place = st.integers(0, len(view.text))
    pairs = draw(st.lists(st.tuples(place, place).map(sorted).map(tuple), max_size=6))
    return view, pairs


def counted(view: TokenView, token: int, pair: tuple[int, int], *, whitespace: bool) -> set[int]:
    """The characters that a token shares with a span, one by one."""
    shared = range(max(int(view.starts[token]), pair[0]), min(int(view.ends[token]), pair[1]))
    return {i for i in shared if whitespace or not view.text[i].isspace()}


@given(views_and_pairs(), st.booleans())
def test_a_token_is_labelled_exactly_when_non_space_characters_overlap(
    case: tuple[TokenView, list[tuple[int, int]]], whitespace: bool
) -> None:
    view, pairs = case
    labels = label_tokens(view, Spans(pairs, whitespace=whitespace))
    expected = [
        any(counted(view, token, pair, whitespace=whitespace) for pair in pairs)
        for token in range(len(view))
    ]
    assert labels.tolist() == [float(label) for label in expected]


@given(views_and_pairs())
def test_all_asks_for_every_non_space_character(
    case: tuple[TokenView, list[tuple[int, int]]],
) -> None:
    view, pairs = case
    labels = label_tokens(view, Spans(pairs), tokens="all")
    for token, label in enumerate(labels.tolist()):
        own = counted(view, token, (0, len(view.text)), whitespace=False)
        inside = set().union(*(counted(view, token, pair, whitespace=False) for pair in pairs))
        assert label == float(bool(own) and own == inside)


@given(views_and_pairs(), st.sampled_from(["first", "last"]))
def test_first_and_last_choose_an_outermost_token_of_each_span(
    case: tuple[TokenView, list[tuple[int, int]]], which: str
) -> None:
    view, pairs = case
    expected = set()
    for pair in pairs:
        meets = [t for t in range(len(view)) if counted(view, t, pair, whitespace=False)]
        if meets:
            expected.add(meets[0] if which == "first" else meets[-1])
    labels = label_tokens(view, Spans(pairs), tokens=which)  # type: ignore[arg-type] # drawn
    assert set(np.flatnonzero(labels).tolist()) == expected


@given(views_and_pairs())
def test_numeric_labels_are_the_value_of_the_span_that_starts_last(
    case: tuple[TokenView, list[tuple[int, int]]],
) -> None:
    view, pairs = case
    values = [float(i + 1) for i in range(len(pairs))]
    labels = label_tokens(view, Spans(pairs, values))
    order = sorted(range(len(pairs)), key=lambda i: (pairs[i][0], -pairs[i][1]))
    for token, label in enumerate(labels.tolist()):
        met = [i for i in order if counted(view, token, pairs[i], whitespace=False)]
        assert label == (values[met[-1]] if met else 0.0)


def test_leading_space_inside_a_token_does_not_count() -> None:
    view = TokenView("a b", np.array([0, 1], np.int32), np.array([1, 3], np.int32))
    assert label_tokens(view, Spans([(0, 2)])).tolist() == [1, 0]


@pytest.mark.parametrize("pairs", [[(3, 2)], [(-1, 2)]])
def test_spans_that_are_no_stretch_of_text_are_refused(pairs: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="not a stretch of text"):
        Spans(pairs)


def test_spans_behind_the_text_are_refused() -> None:
    view = TokenView("ab", np.array([0], np.int32), np.array([2], np.int32))
    with pytest.raises(ValueError, match="behind the text"):
        label_tokens(view, Spans([(0, 3)]))


def test_values_must_match_the_spans_and_be_finite() -> None:
    with pytest.raises(ValueError, match="1 spans came with 2 values"):
        Spans([(0, 1)], [1.0, 2.0])
    with pytest.raises(ValueError, match="not a finite number"):
        Spans([(0, 1)], [float("nan")])


@pytest.mark.parametrize("pairs", [[(0, 1, 2)], [0, 5], [(0.9, 4.7)], [(0, 1), (2,)], ["ab"]])
def test_spans_that_are_no_pairs_of_whole_numbers_are_refused(pairs: list[Any]) -> None:
    with pytest.raises(ValueError, match="pairs of whole numbers"):
        Spans(pairs)


def test_lone_surrogates_become_replacement_characters() -> None:
    document = Document(id="d\ud800", corpus="c", text="a\ud800b\udfff", tokens=("a\ud800",))
    assert (document.id, document.text) == ("d\ufffd", "a\ufffdb\ufffd")
    assert document.tokens == ("a\ufffd",)


@pytest.mark.parametrize(
    "tokens", [None, ("a",), ("a", "b", "c"), ("ab", ""), ("a", "c")], ids=repr
)
def test_ids_take_a_string_each_that_make_up_the_text(tokens: tuple[str, ...] | None) -> None:
    with pytest.raises(ValueError, match="'d' has 2 token ids, which take as many token strings"):
        Document("d", "c", "ab", tokens, (1, 2))
    assert Document("d", "c", "ab", ("a", "b"), (1, 2)).ids == (1, 2)
    assert Document("d", "c", "a\ud800", ("a", "\ud800"), (1, 2)).tokens == ("a", "\ufffd")


def test_groups_are_stable_and_even() -> None:
    groups = [group_of(f"document {i}") for i in range(6400)]
    assert groups == [group_of(f"document {i}") for i in range(6400)]
    counts = np.bincount(groups, minlength=GROUPS)
    assert counts.min() > 50
    assert counts.max() < 160
    assert group_of("a", seed=1) != group_of("a", seed=2)

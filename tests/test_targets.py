"""Targets turn tokens into edges."""

from __future__ import annotations

import ast
import io
import itertools
import random
import re
import tokenize
import traceback
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import regex
import spacy
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from spacy.language import Language
from spacy.tokens import Doc

from mi_hypotheses.dependencies import SpacyDependency
from mi_hypotheses.descriptions import describe_target
from mi_hypotheses.edges import BOS, Edges, SpanTokens
from mi_hypotheses.errors import AnnotationError, TargetError
from mi_hypotheses.function_predicates import category, predicate
from mi_hypotheses.links import (
    GoldLinks,
    LineStart,
    Link,
    MatchingBracket,
    NearestPrevious,
    OpeningTag,
    SameWordStart,
    SentenceStart,
    Translation,
)
from mi_hypotheses.pairing import bracket_pairs, tag_pairs
from mi_hypotheses.predicates import Regex, TokenIn
from mi_hypotheses.targets import (
    AfterPrevious,
    CurrentToken,
    DuplicateToken,
    FirstToken,
    Offset,
    PreviousToken,
    Target,
    target,
)
from mi_hypotheses.text import GoldLink, Spans, TokenView, label_tokens
from tests import test_predicates
from tests.test_text import views

Pairs = set[tuple[int, int]]

sequences = st.lists(st.sampled_from("aab "), max_size=12).map(lambda letters: view(*letters))
reaches = st.none() | st.integers(1, 5)


def view(*tokens: str) -> TokenView:
    none = np.zeros(0, dtype=np.int32)
    return test_predicates.view(*tokens) if tokens else TokenView("", none, none)


def named(made: Target, on: TokenView) -> list[tuple[str, str]]:
    return [(on.strings[q], on.strings[k]) for q, k in made.edges(on).pairs]


def cut(text: str) -> TokenView:
    """One token a character, and sometimes two."""
    cuts = sorted({0, len(text), *random.Random(text).sample(range(len(text)), len(text) * 3 // 4)})
    return view(*(text[a:b] for a, b in itertools.pairwise(cuts)))


def test_edges_are_unique_and_sorted() -> None:
    edges = Edges.of([(3, 1), (2, BOS), (3, 0), (3, 1), (2, 1)])
    assert edges.pairs == [(2, BOS), (2, 1), (3, 0), (3, 1)]
    assert len(edges) == 4
    assert edges.only(edges.keys == 1).pairs == [(2, 1), (3, 1)]
    assert Edges(np.array([1, 0]), np.array([0, 0])).pairs == [(0, 0), (1, 0)]
    assert Edges.of([]).pairs == []


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(0, -2)], r"\(0, -2\) is not between tokens"),
        ([(BOS, 0)], r"\(-1, 0\) is not between tokens"),
        ([(0.5, 0)], "whole numbers"),
        ([(0, 1, 2)], "a pair"),
    ],
)
def test_edges_that_join_no_tokens_are_refused(pairs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Edges.of(pairs)
    with pytest.raises(ValueError, match="2 queries came with 1 keys"):
        Edges(np.array([1, 2]), np.array([0]))


@given(views(), st.data())
def test_a_span_has_the_tokens_that_labels_give_it(on: TokenView, data: st.DataObject) -> None:
    ends = sorted(data.draw(st.integers(0, len(on.text))) for _ in range(2))
    for whitespace in (False, True):
        spans = Spans([(ends[0], ends[1])], whitespace=whitespace)
        found = SpanTokens.of(on, spans)
        assert found.expanded()[1].tolist() == np.flatnonzero(label_tokens(on, spans)).tolist()
        for choice in ("first", "last"):
            expected = np.flatnonzero(label_tokens(on, spans, tokens=choice))
            chosen = found.chosen(choice).expanded()[1]
            # of the pieces of one character any may stand for it
            assert on.starts[chosen].tolist() == on.starts[expected].tolist()


@given(st.integers(0, 6), st.integers(-8, 8).filter(bool))
def test_offsets(length: int, by: int) -> None:
    on = view(*"abcdef"[:length])
    expected = {(q, q - by) for q in range(length) if 0 <= q - by < length}
    assert set(Offset(by).edges(on).pairs) == expected
    assert set(PreviousToken().edges(on).pairs) == {(q, q - 1) for q in range(1, length)}
    assert set(CurrentToken().edges(on).pairs) == {(q, q) for q in range(length)}
    assert set(FirstToken().edges(on).pairs) == {(q, BOS) for q in range(length)}


def latest_only(pairs: Pairs) -> Pairs:
    return {(q, max(k for p, k in pairs if p == q)) for q, _ in pairs}


def near(pairs: Pairs, within: int | None) -> Pairs:
    return {(q, k) for q, k in pairs if within is None or q - k <= within}


@given(sequences, reaches)
def test_duplicates_are_earlier_equal_tokens(on: TokenView, within: int | None) -> None:
    tokens = on.strings
    copies = {(q, k) for q in range(len(on)) for k in range(q) if tokens[q] == tokens[k]}
    assert set(DuplicateToken(within=within).edges(on).pairs) == near(copies, within)
    latest = DuplicateToken(choose="latest", within=within)
    assert set(latest.edges(on).pairs) == near(latest_only(copies), within)


@given(sequences, st.integers(1, 4), reaches)
def test_induction_looks_at_what_followed(on: TokenView, n: int, within: int | None) -> None:
    tokens = on.strings
    after = {
        (q, j + 1)
        for q in range(n - 1, len(on))
        for j in range(n - 1, q)
        if tokens[q - n + 1 : q + 1] == tokens[j - n + 1 : j + 1]
    }
    made = AfterPrevious(match_length=n, within=within)
    assert set(made.edges(on).pairs) == near(after, within)
    latest = AfterPrevious(match_length=n, choose="latest", within=within)
    assert set(latest.edges(on).pairs) == near(latest_only(after), within)


def test_induction_in_a_sentence() -> None:
    on = view("The", " cat", " sat", ".", " The", " cat")
    assert named(AfterPrevious(), on) == [(" cat", " sat")]
    assert AfterPrevious(match_length=2).edges(on).pairs == []
    assert named(AfterPrevious(), view("a", "b", "a")) == [("a", "b")]


def test_tokens_are_told_apart_by_id_where_there_are_ids() -> None:
    plain = view("a", "b", "a")
    ids = np.array([5, 5, 9], dtype=np.int32)
    with_ids = TokenView(plain.text, plain.starts, plain.ends, ids)
    assert DuplicateToken().edges(plain).pairs == [(2, 0)]
    assert DuplicateToken().edges(with_ids).pairs == [(1, 0)]
    assert AfterPrevious().edges(with_ids).pairs == [(1, 1)]


def test_a_long_document_stays_within_reach() -> None:
    length = 100_000
    ids = np.arange(length, dtype=np.int32) % 7
    starts = np.arange(length, dtype=np.int32)
    on = TokenView("x" * length, starts, starts + 1, ids)
    for made in (DuplicateToken(within=20), AfterPrevious(match_length=3, within=20)):
        edges = made.edges(on)
        assert 0 < len(edges) <= 3 * length
        assert (edges.queries - edges.keys).max() <= 20


@given(views())
def test_later_pieces_of_a_word_look_at_its_first(on: TokenView) -> None:
    expected: Pairs = set()
    for word in regex.finditer(r"\w+", on.text):
        pieces = [
            i for i in range(len(on)) if on.starts[i] < word.end() and on.ends[i] > word.start()
        ]
        expected |= {(piece, pieces[0]) for piece in pieces[1:]}
    assert set(SameWordStart().edges(on).pairs) == expected


def test_words_of_several_scripts() -> None:
    on = view("un", "believ", "able", " na", "i\u0308", "ve", "-", "pre", "fix_", "1", " 日", "本")
    assert named(SameWordStart(), on) == [
        ("believ", "un"),
        ("able", "un"),
        ("i\u0308", " na"),
        ("ve", " na"),
        ("fix_", "pre"),
        ("1", "pre"),
        ("本", " 日"),
    ]


@given(views())
def test_later_tokens_of_a_line_look_at_its_first(on: TokenView) -> None:
    """Character by character: which line each is on, and which tokens each line shows."""
    line_of, line = [], 0
    for i, character in enumerate(on.text):
        line_of.append(line)
        line += character == "\n" or (character == "\r" and on.text[i + 1 : i + 2] != "\n")
    line_of.append(line)
    shown = [
        [i for i in range(a, b) if not on.text[i].isspace()]
        for a, b in zip(on.starts.tolist(), on.ends.tolist(), strict=True)
    ]
    first: dict[int, int] = {}
    for token, characters in enumerate(shown):
        for character in characters:
            first.setdefault(line_of[character], token)
    expected = set()
    for token, characters in enumerate(shown):
        own = line_of[characters[0] if characters else int(on.starts[token])]
        if first.get(own, token) < token:
            expected.add((token, first[own]))
    assert set(LineStart().edges(on).pairs) == expected


def test_line_starts_skip_indentation() -> None:
    on = view("if", " x", ":\n", "    ", "return", " 1", "\r\n", "\n", "y")
    assert named(LineStart(), on) == [
        (" x", "if"),
        (":\n", "if"),
        (" 1", "return"),
        ("\r\n", "return"),
    ]


def test_sentences() -> None:
    on = view(
        *("He", " said", ' "', "No", '."', " Then", " 3.5", " e.g.", " that", "…", "\n\n", "new"),
        *(" line", "？", "日", "本", "。", "中"),
    )
    assert named(SentenceStart(), on) == [
        (" said", "He"),
        (' "', "He"),
        ("No", "He"),
        ('."', "He"),
        (" 3.5", " Then"),
        (" e.g.", " Then"),
        (" that", " Then"),
        ("…", " Then"),
        ("\n\n", " Then"),
        (" line", "new"),
        ("？", "new"),
        ("本", "日"),
        ("。", "日"),
    ]


def brackets(text: str, *, python: bool = True) -> list[str]:
    """Each pair as the text from its opening to its closing bracket."""
    pairs = bracket_pairs(text, python=python)
    return [text[opening[0] : closing[1]] for closing, opening in pairs]


balanced = st.recursive(
    st.sampled_from(["", "a", "\n", " "]),
    lambda inner: st.lists(
        st.tuples(inner, st.sampled_from(["()", "[]", "{}"])).map(
            lambda x: x[1][0] + x[0] + x[1][1]
        ),
        max_size=3,
    ).map("".join),
    max_leaves=8,
)


@given(balanced)
def test_brackets_close_what_they_open(text: str) -> None:
    expected = set()
    for start, opening in enumerate(text):
        if opening in "([{":
            depth = 0
            for end in range(start, len(text)):  # the end of this bracket: depth 0 again
                depth += (text[end] in "([{") - (text[end] in ")]}")
                if depth == 0:
                    break
            expected.add((end, start))
    assert set(MatchingBracket().edges(view(*text)).pairs) == expected
    assert set(MatchingBracket(python=False).edges(view(*text)).pairs) == expected


@given(st.text("()[]{}\"'#\\\n\ra", max_size=30), st.booleans())
def test_unbalanced_brackets_never_cross(text: str, python: bool) -> None:
    pairs = bracket_pairs(text, python=python)
    ends = [place for (a, _), (b, _) in pairs for place in (a, b)]
    assert len(ends) == len(set(ends))
    for (closing, _), (opening, _) in pairs:
        assert text[opening] + text[closing] in ("()", "[]", "{}")
        for (other_closing, _), (other_opening, _) in pairs:
            assert (opening < other_opening < closing) == (opening < other_closing < closing)


def test_strings_and_comments_hide_brackets() -> None:
    text = "f(')', '''\n)\n''', rb\"\\\")\",  # :)\n  f'{x(1)}')"
    assert brackets(text) == [text[1:]]
    assert brackets("it's (so)") == []
    assert brackets("it's (so)", python=False) == ["(so)"]


def test_broken_code_is_read_on_after_the_mistake() -> None:
    assert brackets("x = 'unclosed (\n(a]b)\n\x0c[1)\r\n{2}") == ["(a]b)", "{2}"]
    assert brackets("(a) '''never closed (b)") == ["(a)"]
    assert brackets("a \\ ) (b) \\") == ["(b)"]
    assert brackets("'a\\\r\n(' (b)") == ["(b)"]
    assert brackets("if x:\n   (a)\n (b)\nprint 'x' (c)") == ["(a)", "(b)", "(c)"]


def lexed_brackets(text: str) -> Iterator[tuple[int, int]]:
    """Closing and opening brackets by Python's own lexer, those in f-strings left out."""
    lines = [0]
    for line in io.StringIO(text):
        lines.append(lines[-1] + len(line))
    opened, strings = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        strings += kind.endswith("STRING_START") - kind.endswith("STRING_END")
        place = lines[token.start[0] - 1] + token.start[1]
        if kind == "OP" and not strings and token.string in "([{":
            opened.append(place)
        elif kind == "OP" and not strings and token.string in ")]}":
            yield place, opened.pop()


@pytest.mark.parametrize("module", [ast.__file__, tokenize.__file__, traceback.__file__])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\x0c"])
def test_brackets_agree_with_pythons_lexer(module: str, ending: str) -> None:
    text = Path(module).read_text(encoding="utf-8").replace("\n\n", f"\n{ending}")
    found = [(closing[0], opening[0]) for closing, opening in bracket_pairs(text, python=True)]
    assert found == list(lexed_brackets(text))
    assert len(found) > 20


def test_bracket_tokens() -> None:
    on = view("f", "((", "a", ")", ",[]", "))", "(", " x", ")")
    assert MatchingBracket().edges(on).pairs == [(3, 1), (5, 1), (8, 6)]


def test_closing_tags_look_at_opening_tags() -> None:
    on = view(
        *("<", "div", " a='>'", ">", "\r\n", "<!-- </div> -->", "<", "br", ">", "<", "b", "/>"),
        *("\x0c\u2028", "<", "P", "><", "p", ">é", "</", "p", ">", "</ ", "none", ">"),
        *("<script>", "'</div>'", "</", "script", ">", "</", "div", ">", "</", "div", ">"),
    )
    strings = on.strings
    assert [(strings[q], q, strings[k], k) for q, k in OpeningTag().edges(on).pairs] == [
        ("p", 19, "p", 16),
        ("script", 27, "<script>", 24),
        ("div", 30, "div", 1),
    ]


class StandardTags(HTMLParser):
    """The names of elements in the order of their closing tags, by the standard parser."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[tuple[str, int]] = []
        self.closed: list[tuple[str, int]] = []
        self._lines = [0, *(m.end() for m in re.finditer("\n", text))]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 (given)
        line, column = self.getpos()
        self.opened.append((tag, self._lines[line - 1] + column + 1))

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        name, place = self.opened.pop()
        assert name == tag
        self.closed.append((tag, place))


markup = st.recursive(
    st.sampled_from(["", "é\n", "<br/>", "<!-- </a> -->", "<!DOCTYPE x>", "&lt;", "a < b", "\x0c"]),
    lambda inner: st.lists(
        st.tuples(
            st.sampled_from(["a", "p", "x:y", "h1"]),
            st.sampled_from(["", " b", " c='>'", ' d="</a>"\n', " e=it's", " f=1\t"]),
            inner,
        ).map(lambda x: f"<{x[0]}{x[1]}>{x[2]}</{x[0].upper()}>"),
        max_size=3,
    ).map("".join),
    max_leaves=6,
)


@given(markup)
def test_tags_agree_with_the_standard_parser(text: str) -> None:
    found = [(text[a:b].lower(), opening[0]) for (a, b), opening in tag_pairs(text)]
    assert found == StandardTags(text).closed


def test_tag_names_in_pieces() -> None:
    on = view("<", "x:", "Row", " a=1>", "1", "</", "x", ":row", ">")
    assert OpeningTag().edges(on).pairs == [(6, 1), (6, 2), (7, 1), (7, 2)]
    assert OpeningTag(query_tokens="first", key_tokens="last").edges(on).pairs == [(6, 2)]


@pytest.mark.parametrize(
    "text", ["<![if", "<![CDATA[ <a>", "<a><!x <b>", "</", "<a", "&#x; <a></a>"]
)
def test_broken_markup_is_no_error(text: str) -> None:
    assert len(OpeningTag().edges(cut(text))) <= 1


def test_nearest_previous_match() -> None:
    on = view("def", " foo", "(", "x", ")", " bar", " foo", "2", ":")
    made = NearestPrevious(Regex(r"foo\d?"))
    assert named(made, on)[:4] == [("(", " foo"), ("x", " foo"), (")", " foo"), (" bar", " foo")]
    assert [pair for pair in made.edges(on).pairs if pair[0] >= 6] == [
        (6, 1),
        (7, 1),
        (8, 6),
        (8, 7),
    ]
    last = NearestPrevious(Regex(r"foo\d?"), key_tokens="last", within=3)
    assert last.edges(on).pairs == [(2, 1), (3, 1), (4, 1), (8, 7)]


@given(
    sequences,
    st.sampled_from(["nearest", "first", "all"]),
    st.sampled_from(["first", "last", "all"]),
    st.sampled_from(["first", "last", "all"]),
    reaches,
)
def test_links_by_brute_force(
    on: TokenView, choose: Any, query_tokens: Any, key_tokens: Any, within: int | None
) -> None:
    query, key = Regex("b+a?"), Regex("a+")

    def spans(pattern: Regex) -> list[list[int]]:
        found = pattern.spans(on.text)
        return [list(range(a, b)) for a, b in zip(found.starts, found.ends, strict=True)]

    slices = {"first": slice(0, 1), "last": slice(-1, None), "all": slice(None)}
    expected = set()
    for match in spans(query):
        earlier = [other for other in spans(key) if other[-1] < match[0]]
        kept = {"nearest": earlier[-1:], "first": earlier[:1], "all": earlier}[choose]
        for other in kept:
            expected |= set(
                itertools.product(match[slices[query_tokens]], other[slices[key_tokens]])
            )
    made = Link(
        query=query,
        key=key,
        choose=choose,
        query_tokens=query_tokens,
        key_tokens=key_tokens,
        within=within,
    )
    assert set(made.edges(on).pairs) == near(expected, within)


def test_links_to_white_space_where_asked() -> None:
    on = view("a", "\n", "b")
    assert Link(query=Regex("b"), key=Regex(r"\n")).edges(on).pairs == []
    asked = Link(query=Regex("b"), key=Regex(r"\n", whitespace=True))
    assert asked.edges(on).pairs == [(2, 1)]


def linked(on: TokenView, *links: GoldLink) -> TokenView:
    return TokenView(on.text, on.starts, on.ends, on.ids, links)


def test_translations_look_at_the_aligned_word() -> None:
    on = linked(
        view("The", " red", " wi", "ne", ".", " Le", " v", "in", " rou", "ge", "."),
        GoldLink("translation", (13, 15), (0, 3)),
        GoldLink("translation", (16, 19), (8, 12)),
        GoldLink("translation", (20, 25), (4, 7)),
        GoldLink("other", (20, 25), (0, 3)),
    )
    assert named(Translation(), on) == [
        (" Le", "The"),
        (" v", " wi"),
        (" v", "ne"),
        ("in", " wi"),
        ("in", "ne"),
        (" rou", " red"),
        ("ge", " red"),
    ]
    assert named(Translation(query_tokens="last", key_tokens="first"), on) == [
        (" Le", "The"),
        ("in", " wi"),
        ("ge", " red"),
    ]
    assert Translation().edges(on).pairs == GoldLinks("translation").edges(on).pairs
    assert named(GoldLinks("other", query_tokens="first"), on) == [(" rou", "The")]


def test_links_of_another_name_are_no_edges() -> None:
    on = view("a", "b")
    assert Translation().edges(on).pairs == []
    assert GoldLinks("coreference").edges(on).pairs == []
    assert Translation().edges(linked(on, GoldLink("Translation", (1, 2), (0, 1)))).pairs == []


def test_links_to_a_later_word_are_kept_on_request() -> None:
    on = linked(view("a", "b", "c"), GoldLink("x", (0, 2), (1, 3)))
    assert GoldLinks("x").edges(on).pairs == []
    assert GoldLinks("x", order="any").edges(on).pairs == [(0, 1), (0, 2), (1, 2)]


@given(views(), st.data())
def test_gold_links_by_brute_force(on: TokenView, data: st.DataObject) -> None:
    places = st.integers(0, len(on.text))
    spans = st.tuples(places, places).filter(lambda span: span[0] < span[1])
    links = [
        GoldLink(data.draw(st.sampled_from("xy")), data.draw(spans), data.draw(spans))
        for _ in range(data.draw(st.integers(0, 4)) if on.text else 0)
    ]
    expected = {
        (q, k)
        for link in links
        if link.name == "x"
        for q in np.flatnonzero(label_tokens(on, Spans([link.query]))).tolist()
        for k in np.flatnonzero(label_tokens(on, Spans([link.key]))).tolist()
    }
    every = GoldLinks("x", order="any").edges(linked(on, *links))
    assert set(every.pairs) == {(q, k) for q, k in expected if q != k}
    before = GoldLinks("x").edges(linked(on, *links))
    assert set(before.pairs) == {(q, k) for q, k in expected if k < q}


def test_function_targets_see_links() -> None:
    @target
    def same(on: TokenView) -> Edges:
        return GoldLinks("x").edges(on)

    on = linked(view("a", "b"), GoldLink("x", (1, 2), (0, 1)))
    assert (same | Translation()).where(Regex("b")).edges(on).pairs == [(1, 0)]


def test_function_targets() -> None:
    @target
    def two_back(on: TokenView) -> list[tuple[int, int]]:
        return [(q, q - 2) for q in range(2, len(on))]

    @target
    def resting(on: TokenView) -> Edges:
        return Edges.of([(q, BOS) for q in range(len(on))])

    on = view(*"abcd")
    assert two_back.edges(on).pairs == Offset(2).edges(on).pairs
    assert resting.edges(on).pairs == FirstToken().edges(on).pairs
    assert two_back.fingerprint() != resting.fingerprint()
    assert describe_target(two_back) == "@target two_back"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda on: [(0, len(on.text) // 0)], "failed: ZeroDivisionError"),
        (lambda on: [(len(on), 0)], r"edge \(3, 0\), but the document has 3 tokens"),
        (lambda on: [(0, len(on))], r"edge \(0, 3\), but the document has 3 tokens"),
        (lambda _: [(0, -2)], "is not between tokens"),
        (lambda _: None, r"returned None: return Edges, or pairs \(query, key\)"),
        (lambda _: [2, 1], r"returned a list of int: return Edges, or pairs \(query, key\)"),
        (lambda _: Spans([(0, 1)]), r"returned Spans: return Edges, or pairs"),
        (lambda _: np.eye(3, dtype=bool), r"shape \(3, 3\): return Edges\(\*np.nonzero\(mask\)\)"),
        (lambda _: np.arange(3), r"shape \(3,\): return Edges, or pairs"),
    ],
)
def test_functions_that_go_wrong_say_so(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(TargetError, match=message):
        target(function).edges(view(*"abc"))


def test_functions_may_return_an_array_of_pairs_or_a_generator() -> None:
    on = view(*"abc")
    assert target(lambda _: np.array([[2, 0], [1, 0]])).edges(on).pairs == [(1, 0), (2, 0)]
    assert target(lambda _: ((q, 0) for q in (2, 1))).edges(on).pairs == [(1, 0), (2, 0)]


def test_operators_of_predicates_do_not_narrow_targets() -> None:
    for wrong in (lambda made: made & Regex("a"), lambda made: ~made):
        with pytest.raises(TypeError, match=r"to narrow a target use \.where\(predicate\)"):
            wrong(PreviousToken())
    with pytest.raises(TypeError, match=r"\| joins targets, and Regex is none"):
        PreviousToken() | Regex("a")  # type: ignore[operator] # what is refused


def test_targets_join_and_are_restricted() -> None:
    on = view(*"abab")
    made = PreviousToken() | DuplicateToken() | AfterPrevious()
    assert made.edges(on).pairs == [(1, 0), (2, 0), (2, 1), (3, 1), (3, 2)]
    assert made.where(TokenIn(["b"])).edges(on).pairs == [(1, 0), (3, 1), (3, 2)]
    assert (FirstToken() | PreviousToken()).edges(on).pairs[:3] == [(0, BOS), (1, BOS), (1, 0)]
    assert PreviousToken().where(Regex("z")).edges(on).pairs == []


def test_every_target_takes_an_empty_document() -> None:
    for made in WRITTEN:
        assert made.edges(view()).pairs == []


VERB_SUBJECT: list[dict[str, Any]] = [
    {"RIGHT_ID": "verb", "RIGHT_ATTRS": {"DEP": "ROOT"}},
    {
        "LEFT_ID": "verb",
        "REL_OP": ">",
        "RIGHT_ID": "subject",
        "RIGHT_ATTRS": {"DEP": {"IN": ["nsubj"]}},
    },
]

WRITTEN: list[Target] = [
    PreviousToken(),
    Offset(2),
    Offset(-1),
    CurrentToken(),
    FirstToken(),
    DuplicateToken(),
    DuplicateToken(choose="latest"),
    DuplicateToken(within=9),
    AfterPrevious(),
    AfterPrevious(match_length=2, choose="latest"),
    SameWordStart(),
    LineStart(),
    SentenceStart(),
    MatchingBracket(),
    MatchingBracket(python=False),
    OpeningTag(),
    OpeningTag(key_tokens="first"),
    NearestPrevious(Regex("a")),
    NearestPrevious(Regex(r"\d", flags="i"), key_tokens="last"),
    Link(query=Regex("a"), key=Regex("b")),
    Link(query=Regex("b"), key=Regex("a"), choose="all", within=20),
    GoldLinks("coreference"),
    GoldLinks("translation", order="any"),
    Translation(),
    Translation(order="any"),
    Translation(query_tokens="last", key_tokens="first"),
    SpacyDependency(VERB_SUBJECT, query="verb", key="subject"),
    SpacyDependency(VERB_SUBJECT, query="subject", key="verb", pipeline="gold", order="any"),
    PreviousToken() | LineStart(),
    LineStart() | PreviousToken(),
    PreviousToken().where(Regex("a")),
    PreviousToken().where(~Regex("a") & TokenIn(["b"])),
    (PreviousToken() | LineStart()).where(Regex("a")) | SentenceStart(),
]


def test_targets_are_told_apart() -> None:
    assert len({made.fingerprint() for made in WRITTEN}) == len(WRITTEN)
    assert len(set(WRITTEN)) == len(WRITTEN)
    assert Offset(3).fingerprint() == Offset(3).fingerprint()
    assert Offset(1).fingerprint() != PreviousToken().fingerprint()


@predicate(numeric=True)
def depth(text: str) -> Spans:
    return Spans([(0, len(text))], [2.0])


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (Offset, {"by": 0}, "write CurrentToken"),
        (Offset, {"by": "1"}, "valid integer"),
        (DuplicateToken, {"choose": "first"}, "'all' or 'latest'"),
        (DuplicateToken, {"within": 0}, "greater than or equal to 1"),
        (AfterPrevious, {"match_length": 0}, "greater than or equal to 1"),
        (AfterPrevious, {"length": 2}, "nexpected keyword"),
        (NearestPrevious, {"key": "a"}, "instance of Regex"),
        (NearestPrevious, {"key": Regex("a", tokens="last")}, "said with key_tokens="),
        (Link, {"query": Regex("a", tokens="all"), "key": Regex("b")}, "with query_tokens="),
        (GoldLinks, {}, "name\n *Field required|missing"),
        (GoldLinks, {"name": ""}, "at least 1 character"),
        (GoldLinks, {"name": "x", "order": "after"}, "'before' or 'any'"),
        (Translation, {"query_tokens": "any"}, "'first', 'last' or 'all'"),
        (Link, {"query": Regex("a")}, "key\n *Field required|missing"),
        (PreviousToken().where, {"predicate": depth}, "takes a boolean predicate"),
        (PreviousToken().where, {"predicate": PreviousToken()}, "instance of Predicate"),
    ],
)
def test_targets_are_validated_when_written(
    make: Callable[..., Target], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        make(**arguments)


def dependency(patterns: Any = VERB_SUBJECT, **changed: Any) -> SpacyDependency:
    return SpacyDependency(
        patterns, **{"query": "verb", "key": "subject", "pipeline": "gold", **changed}
    )


@pytest.mark.parametrize(
    ("patterns", "changed", "message"),
    [
        (VERB_SUBJECT, {"key": "subjekt"}, "has no node 'subjekt'. Did you mean 'subject'"),
        ([VERB_SUBJECT, VERB_SUBJECT[:1]], {}, "pattern 1 has no node 'subject'"),
        ([], {}, "not empty"),
        ([[]], {}, "not a list of nodes"),
        ("verb", {}, "a list of dicts"),
        (VERB_SUBJECT[1:], {}, "node 0 of pattern 0 needs exactly RIGHT_ATTRS, RIGHT_ID"),
        ([VERB_SUBJECT[0], {**VERB_SUBJECT[1], "REL_OP": "=>"}], {}, "no relation '=>'"),
        ([VERB_SUBJECT[0], {**VERB_SUBJECT[1], "LEFT_ID": "x"}], {}, "hangs on 'x'"),
        ([VERB_SUBJECT[0], {**VERB_SUBJECT[1], "RIGHT_ID": "verb"}], {}, "two nodes named"),
        ([{"RIGHT_ID": "verb", "RIGHT_ATTRS": {1, 2}}], {}, "lists, dicts, text and numbers"),
        ([{"RIGHT_ID": "verb", "RIGHT_ATTRS": 3}], {}, "is not a dict"),
    ],
)
def test_dependency_patterns_are_validated_when_written(
    patterns: Any, changed: dict[str, str], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        dependency(patterns, **changed)


@Language.component("verb_second")
def verb_second(doc: Doc) -> Doc:
    """A parser for tests: each second word is the verb, the words around it are its arguments."""
    for token in doc:
        token.head = doc[min(1, len(doc) - 1)]
        token.dep_ = {0: "nsubj", 1: "ROOT"}.get(token.i, "obj")
    return doc


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    nlp = spacy.blank("en")
    nlp.add_pipe("verb_second")
    path = tmp_path_factory.mktemp("pipelines") / "verb_second"
    nlp.to_disk(path)
    return str(path)


def test_dependencies_join_words(pipeline: str) -> None:
    on = view("Nao", "mi", " vis", "its", " Zo", "é")
    made = dependency(pipeline=pipeline)
    assert made.edges(on).pairs == [(2, 0), (2, 1), (3, 0), (3, 1)]
    last = dependency(pipeline=pipeline, query_tokens="last", key_tokens="first")
    assert named(last, on) == [("its", "Nao")]
    assert made.edges(view("  ")).pairs == []


def test_dependencies_to_a_later_word_are_kept_on_request(pipeline: str) -> None:
    on = view("Naomi", " visits", " Zoé")
    turned = {"query": "subject", "key": "verb", "pipeline": pipeline}
    assert dependency(**turned).edges(on).pairs == []
    assert dependency(**turned, order="any").edges(on).pairs == [(0, 1)]


def test_alternative_patterns_add_up(pipeline: str) -> None:
    turned = {"query": "subject", "key": "verb", "pipeline": pipeline}
    to_object = [VERB_SUBJECT[0], {**VERB_SUBJECT[1], "RIGHT_ATTRS": {"DEP": "obj"}}]
    made = dependency([VERB_SUBJECT, to_object], **turned)
    assert named(made, view("Naomi", " visits", " Zoé")) == [(" Zoé", " visits")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("blank:en", r"'blank:en' has no dependency parse .*components: none.*spacy download"),
        ("en_core_web_xy", r"no spaCy pipeline 'en_core_web_xy'.*spacy download en_core_web_xy"),
        ("blank:xy", "does not load"),
        ("tests", "does not load"),
    ],
)
def test_a_pipeline_that_cannot_parse_says_what_is_missing(name: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        dependency(pipeline=name)


def test_attributes_that_spacy_does_not_know_are_an_error(pipeline: str) -> None:
    patterns = [VERB_SUBJECT[0], {**VERB_SUBJECT[1], "RIGHT_ATTRS": {"DEPP": "obj"}}]
    with pytest.raises(ValidationError, match=r"no attribute .DEPP.*Did you mean .DEP"):
        dependency(patterns, pipeline=pipeline)


def test_dependencies_without_a_pipeline_or_gold_trees_say_so() -> None:
    with pytest.raises(AnnotationError, match="no gold annotation"):
        dependency(pipeline=None).edges(view("Naomi", " visits"))


@pytest.mark.parametrize("make", [lambda: PreviousToken(2), lambda: Offset(1, 2)])
def test_arguments_too_many_are_refused(make: Callable[[], Target]) -> None:
    with pytest.raises((TypeError, ValidationError)):
        make()


def test_where_takes_no_categories() -> None:
    @category(names=["a", "b"])
    def sort(text: str) -> list[tuple[int, int, str]]:
        return [(0, len(text), "a")]

    with pytest.raises(ValidationError, match="boolean predicate, and this one is categorical"):
        PreviousToken().where(sort)
    kept = PreviousToken().where(sort.is_("a")).edges(view("x", "y"))
    assert kept.queries.tolist() == [1]

"""Targets are read from text as `describe_target` writes them, and nothing is run on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi_hypotheses.descriptions import describe_target
from mi_hypotheses.errors import UsageError
from mi_hypotheses.features.catalogue import feature
from mi_hypotheses.links import LineStart, Link, MatchingBracket, NearestPrevious, OpeningTag
from mi_hypotheses.predicates import Predicate, Regex, TokenIn
from mi_hypotheses.target_expressions import parse_target
from mi_hypotheses.targets import (
    AfterPrevious,
    CurrentToken,
    DuplicateToken,
    FirstToken,
    Offset,
    PreviousToken,
    Target,
)
from tests.test_targets import WRITTEN

texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)
regexes = st.builds(
    Regex,
    st.sampled_from(["#", r"\d", r"\"", "'", "a-b", "\n", r"\n", "\\\\", "é\t", "日本 "]),
    flags=st.sampled_from(["", "i", "ms"]),
)
words = st.builds(TokenIn, st.lists(texts, min_size=1, max_size=3), strip=st.booleans())
predicates: st.SearchStrategy[Predicate] = st.recursive(
    regexes | words | st.sampled_from(["python.comment", "python.string"]).map(feature),
    lambda parts: st.one_of(
        st.builds(lambda a, b: a & b, parts, parts),
        st.builds(lambda a, b: a | b, parts, parts),
        parts.map(lambda part: ~part),
        st.builds(lambda a, by: a.shift(by), parts, st.integers(-3, 3)),
    ),
    max_leaves=5,
)
within = st.none() | st.integers(1, 1000)
plain = st.one_of(
    st.sampled_from([PreviousToken(), CurrentToken(), FirstToken(), LineStart()]),
    st.integers(-9, 9).filter(bool).map(Offset),
    st.builds(DuplicateToken, choose=st.sampled_from(["all", "latest"]), within=within),
    st.builds(AfterPrevious, match_length=st.integers(1, 4), within=within),
    st.builds(MatchingBracket, python=st.booleans()),
    st.builds(OpeningTag, key_tokens=st.sampled_from(["first", "last", "all"])),
    st.builds(NearestPrevious, regexes, within=within),
    st.builds(Link, query=regexes, key=regexes, choose=st.sampled_from(["nearest", "all"])),
)
targets: st.SearchStrategy[Target] = st.recursive(
    plain,
    lambda parts: st.one_of(
        st.builds(lambda a, b: a | b, parts, parts),
        st.builds(lambda a, on: a.where(on), parts, predicates),
    ),
    max_leaves=5,
)


@given(targets)
def test_a_description_is_read_as_the_target_again(made: Target) -> None:
    again = parse_target(describe_target(made))
    assert again == made
    assert again.fingerprint() == made.fingerprint()


@pytest.mark.parametrize("made", WRITTEN, ids=describe_target)
def test_targets_of_every_kind_are_read(made: Target) -> None:
    assert parse_target(describe_target(made)) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("PreviousToken", PreviousToken()),
        (" PreviousToken()\n", PreviousToken()),
        ("previous_token", PreviousToken()),
        ("previous-token", PreviousToken()),
        ("previous_token_head", PreviousToken()),
        ("previous", PreviousToken()),
        ("bos", FirstToken()),
        ("induction", AfterPrevious()),
        ("induction(match_length=2)", AfterPrevious(match_length=2)),
        ("duplicate", DuplicateToken()),
        ("offset(-1)", Offset(-1)),
        ("Offset(by=2)", Offset(2)),
        ("induction | duplicate-token", AfterPrevious() | DuplicateToken()),
        ("(induction\n  | offset(2))", AfterPrevious() | Offset(2)),
        ("nearest-previous(Regex('a-b'))", NearestPrevious(Regex("a-b"))),
        (r"NearestPrevious(Regex('\d'))", NearestPrevious(Regex(r"\d"))),
        ("NearestPrevious(key=Regex('#', flags='i'))", NearestPrevious(Regex("#", flags="i"))),
        (
            "previous-token.where(~Regex('it\\'s a-b') & token_in({'x-y'}).shift(by=-1))",
            PreviousToken().where(~Regex("it's a-b") & TokenIn(["x-y"]).shift(-1)),
        ),
        ("PreviousToken.where(predicate=Regex('a'))", PreviousToken().where(Regex("a"))),
    ],
)
def test_names_can_be_short(text: str, made: Target) -> None:
    assert parse_target(text) == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no target: it is empty. Write PreviousToken()"),
        ("@target mine", "named by its file. Write"),
        (
            "PrevToken",
            "at character 1, there is no target or predicate called 'PrevToken'. Did you",
        ),
        ("inducton", "Did you mean 'induction'?"),
        ("previous-tokn", "called 'previous_tokn'. Did you mean 'PreviousToken'?"),
        ("NearestPrevious(Regex('é')) | Ofset(2)", "at character 31, there is no target"),
        ("PreviousToken()\n | Ofset(2)", "at character 20, there is no target"),
        ("NearestPrevious(Regex('''a\n'''), ofset)", "at character 34, there is no target"),
        ("Offset(2", "at character 7, '(' was never closed."),
        ("Offset(2))", "at character 10, unmatched ')'."),
        ("Offset(0)", "at character 1, Offset cannot be built: an offset of 0 is the token itself"),
        ("Offset", "Offset cannot be built: the field 'by' is missing."),
        ("Offset('2')", "the field 'by' was given '2': input should be a valid integer."),
        ("Offset(1, 2)", "Offset takes only by without a name."),
        ("PreviousToken(1)", "PreviousToken takes no argument without a name."),
        ("Offset(1, by=2)", "by= of Offset is given twice."),
        ("Offset(by=1, by=2)", "at character 17, by= is given twice."),
        ("Offset(by=1, kind='x')", "'kind' is no field of Offset. Available: by."),
        ("AfterPrevious(match_lenth=2)", "Did you mean 'match_length'?"),
        ("DuplicateToken(choose='last')", "input should be 'all' or 'latest'."),
        ("NearestPrevious('a')", "given 'a': input should be an instance of Regex."),
        ("NearestPrevious(Regex('('))", "at character 17, Regex cannot be built: the pattern '('"),
        ("PreviousToken().wher(Regex('a'))", "at character 16, a target has no .wher(). Did you"),
        ("PreviousToken().shift(1)", "a target has no .shift()."),
        ("PreviousToken().where()", ".where() takes one argument: .where(predicate)."),
        ("PreviousToken().where(on=Regex('a'))", ".where() takes one argument"),
        ("PreviousToken().where(Offset(1))", ".where() takes a predicate, such as Regex"),
        ("PreviousToken.where", "at character 14, write .where(predicate)."),
        ("PreviousToken.edges", "PreviousToken.edges is neither a target nor a predicate."),
        ("PreviousToken().where(Regex('a').shift('x'))", "the field 'by' was given 'x'"),
        ("PreviousToken().where(Regex('a').by)", "Regex('a').by is neither"),
        ("Regex('a')", "it is a predicate, which says where a neuron fires. NearestPrevious("),
        ("PreviousToken | Regex('a')", "at character 14, | joins two targets or two predicates"),
        (
            "previous.where(feature('python.coment'))",
            "at character 16, there is no feature named 'python.coment'. Did you mean 'python.comm",
        ),
        ("previous.where(feature())", 'feature takes one name: feature("python.comment").'),
        ("previous.where(feature(1))", "feature takes one name"),
        ("feature('python.comment')", "it is a predicate"),
        ("previous.where(feature)", "there is no target or predicate called 'feature'"),
        ("PreviousToken & Offset(2)", "& joins predicates. To keep some queries of a target"),
        ("~PreviousToken", "~ turns predicates around"),
        ("PreviousToken + Offset(2)", "PreviousToken + Offset(2) is neither"),
        ("'PreviousToken'", "'PreviousToken' is neither a target nor a predicate."),
        ("plugins/mine.py", "plugins / mine.py is neither"),
        ("Offset('\0')", "null bytes"),
        ("(" * 300 + "Offset(1)" + ")" * 300, "too many nested parentheses"),
        (" | ".join(["Offset(1)"] * 3000), "..." + "' is no target: it is nested too deep."),
    ],
)
def test_a_mistake_is_shown_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_target(text)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getcwd()",
        "Offset(__import__('os').getpid())",
        "Offset([x for x in (1,)][0])",
        "Offset((lambda: 1)())",
        "Offset(1 + 1)",
        "Offset(*[1])",
        "Offset(**{'by': 1})",
        "Offset(f'{1}')",
        "(lambda: 1)()",
        "PreviousToken().__class__()",
        "PreviousToken().edges(1)",
        "Offset(1) if 1 else Offset(2)",
        "Regex.spans('a')",
        "FunctionTarget(print)",
        "(x := Offset(1))",
    ],
)
def test_nothing_but_targets_and_literals_is_taken(text: str) -> None:
    with pytest.raises(UsageError, match="is no target: at character"):
        parse_target(text)

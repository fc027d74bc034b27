"""Predicates in spaCy's words: what they label, and what is said of those that cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from spacy.matcher import DependencyMatcher, Matcher
from spacy.schemas import TokenPattern
from spacy.vocab import Vocab

import mi_hypotheses
from mi_hypotheses import models
from mi_hypotheses.dependencies import SpacyDependency
from mi_hypotheses.descriptions import describe
from mi_hypotheses.errors import AnnotationError
from mi_hypotheses.matching import PARTS_OF_SPEECH, parts_of_speech
from mi_hypotheses.predicates import Predicate, Regex, TokenIn
from mi_hypotheses.spacy_rules import SpacyPattern, SpacyPhrase, SpacyToken, SpacyTree
from mi_hypotheses.text import TokenView
from mi_hypotheses.tokenizing import Tokenizer
from tests.small_pipelines import saved

VERB_SUBJECT: list[dict[str, Any]] = [
    {"RIGHT_ID": "verb", "RIGHT_ATTRS": {"POS": "VERB"}},
    {"LEFT_ID": "verb", "REL_OP": ">", "RIGHT_ID": "subject", "RIGHT_ATTRS": {"DEP": "nsubj"}},
]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pipeline that annotates everything."""
    folder = tmp_path_factory.mktemp("pipelines") / "full"
    return saved(folder, "tests_tagger", "tests_parser", names=True)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("pipelines") / "tagger", "tests_tagger")


def view(*tokens: str) -> TokenView:
    ends = np.cumsum([len(token) for token in tokens], dtype=np.int32)
    return TokenView("".join(tokens), np.concatenate([[0], ends[:-1]]).astype(np.int32), ends)


def labelled(rule: Predicate, *tokens: str) -> list[str]:
    on = view(*tokens)
    return [tokens[place] for place in np.flatnonzero(rule.labels(on))]


SENTENCE = ("The", " cat", "s", " see", " Zo", "é", " and", " 12", " dogs", ".", "\n")


# --- patterns ------------------------------------------------------------------------------------


def test_a_pattern_labels_the_pieces_of_its_words() -> None:
    assert labelled(SpacyPattern([{"LOWER": "cats"}]), *SENTENCE) == [" cat", "s"]
    assert labelled(SpacyPattern([{"LOWER": "cats"}], tokens="first"), *SENTENCE) == [" cat"]
    assert labelled(SpacyPattern([{"LOWER": "cats"}], tokens="last"), *SENTENCE) == ["s"]
    assert labelled(SpacyPattern([{"LOWER": "cats"}]), "cats", "see", "cats!") == []
    assert labelled(SpacyPattern([{"LOWER": "cats"}]), " cats and") == [" cats and"]
    assert labelled(SpacyPattern([{"LOWER": "cats"}], tokens="all"), " cats and") == []


def test_several_patterns_add_up() -> None:
    rule = SpacyPattern([[{"LIKE_NUM": True}], [{"LOWER": "the"}, {"IS_ALPHA": True}]])
    assert labelled(rule, *SENTENCE) == ["The", " cat", "s", " 12"]


def test_a_pattern_can_label_one_of_its_tokens() -> None:
    rule = SpacyPattern([{"LOWER": "the"}, {"IS_ALPHA": True, "OP": "+"}], label=1)
    assert labelled(rule, *SENTENCE) == [" cat", "s", " see", " Zo", "é", " and"]
    before = SpacyPattern([{"LOWER": "the"}, {"IS_ALPHA": True}], label=0)
    assert labelled(before, *SENTENCE) == ["The"]


def test_greedy_patterns_have_one_first_word() -> None:
    runs: list[dict[str, Any]] = [{"IS_ALPHA": True, "OP": "+"}]
    loose = SpacyPattern(runs, tokens="first")
    assert labelled(loose, *SENTENCE) == ["The", " cat", " see", " Zo", " and", " dogs"]
    longest = SpacyPattern(runs, tokens="first", greedy="longest")
    assert labelled(longest, *SENTENCE) == ["The", " dogs"]


def test_patterns_see_what_a_pipeline_annotates(full: str) -> None:
    nouns = SpacyPattern(
        [{"POS": "NOUN", "MORPH": {"IS_SUPERSET": ["Number=Plur"]}}], pipeline=full
    )
    assert labelled(nouns, *SENTENCE) == [" cat", "s", " dogs"]
    people = SpacyPattern([{"ENT_TYPE": "PERSON"}], pipeline=full)
    assert labelled(people, *SENTENCE) == [" Zo", "é"]


def test_rules_compose_with_other_predicates() -> None:
    rule = SpacyPattern([{"IS_TITLE": True}]) & ~TokenIn(["The"]) | SpacyToken(like_num=True)
    assert labelled(rule, *SENTENCE) == [" Zo", "é", " 12"]
    assert labelled(SpacyToken(like_num=True).shift(1), *SENTENCE) == [" dogs"]


# --- phrases -------------------------------------------------------------------------------------


def test_phrases_match_as_they_are_in_lower_case_or_by_lemma(full: str) -> None:
    assert labelled(SpacyPhrase(["the cats", "Dogs"]), *SENTENCE) == []
    lower = SpacyPhrase(["the cats", "Dogs"], attr="LOWER")
    assert labelled(lower, *SENTENCE) == ["The", " cat", "s", " dogs"]
    lemma = SpacyPhrase(["cat see"], attr="LEMMA", pipeline=full)
    assert labelled(lemma, *SENTENCE) == [" cat", "s", " see"]


def test_phrases_are_cut_into_words_as_the_document_is() -> None:
    assert labelled(SpacyPhrase(["don't  know"]), "I", " don", "'t", " know") == [
        " don",
        "'t",
        " know",
    ]


def test_long_lists_of_phrases_are_fine() -> None:
    rule = SpacyPhrase([f"word{number}" for number in range(20_000)] + ["cats see"])
    assert labelled(rule, *SENTENCE) == [" cat", "s", " see"]


# --- attributes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"pos": "NOUN"}, [" cat", "s", " dogs"]),
        ({"pos": ["PROPN", "DET"]}, ["The", " Zo", "é"]),
        ({"tag": "NNS", "text": "dogs"}, [" dogs"]),
        ({"dep": "nsubj"}, [" cat", "s"]),
        ({"ent_type": "PERSON"}, [" Zo", "é"]),
        ({"morph": "Number=Plur"}, [" cat", "s", " dogs"]),
        ({"morph": ["Number=Plur", "Number=Sing"]}, [" cat", "s", " Zo", "é", " dogs"]),
        ({"morph": "Number=Sing|Person=3"}, []),
        ({"lemma": ["cat", "see"]}, [" cat", "s", " see"]),
        ({"shape": "Xxx"}, ["The", " Zo", "é"]),
        ({"lower": "the"}, ["The"]),
        ({"like_num": True}, [" 12"]),
        ({"is_title": True, "is_sent_start": False}, [" Zo", "é"]),
        ({"is_sent_start": True}, ["The"]),
        ({"is_alpha": False}, [" 12", "."]),
        ({"is_space": True}, ["\n"]),
        ({"is_punct": True}, ["."]),
        ({"is_stop": True, "is_title": False}, [" see", " and"]),
    ],
)
def test_words_are_told_by_their_attributes(
    asked: dict[str, Any], expected: list[str], full: str
) -> None:
    assert labelled(SpacyToken(**asked, pipeline=full), *SENTENCE) == expected


def test_pieces_of_a_word_that_a_bpe_tokenizer_splits() -> None:
    tokenizer = models.resolve("py-gelu-1l").tokenizer()
    assert isinstance(tokenizer, Tokenizer)
    text = "the zoophytologically inclined cats"
    [encoding] = tokenizer.encode([text])
    on = TokenView(text, encoding.starts, encoding.ends, encoding.ids)
    start, end = 4, 4 + len("zoophytologically")
    pieces = np.flatnonzero((on.ends > start) & (on.starts < end)).tolist()
    assert len(pieces) > 2
    word = SpacyToken(text="zoophytologically")

    def found(rule: Predicate) -> list[int]:
        return np.flatnonzero(rule.labels(on)).tolist()

    assert found(word) == pieces
    assert found(SpacyToken(text="zoophytologically", tokens="all")) == pieces
    assert found(SpacyToken(text="zoophytologically", tokens="first")) == pieces[:1]
    assert found(SpacyToken(text="zoophytologically", tokens="last")) == pieces[-1:]


# --- dependencies --------------------------------------------------------------------------------


def test_a_node_of_a_dependency_pattern_is_labelled(full: str) -> None:
    subject = SpacyTree(VERB_SUBJECT, label="subject", pipeline=full)
    assert labelled(subject, *SENTENCE) == [" cat", "s"]
    verb = SpacyTree([VERB_SUBJECT], label="verb", pipeline=full)
    assert labelled(verb, *SENTENCE) == [" see"]


def test_a_target_gives_the_predicate_of_one_of_its_nodes(full: str) -> None:
    target = SpacyDependency(VERB_SUBJECT, query="verb", key="subject", pipeline=full)
    subject = SpacyTree(VERB_SUBJECT, label="subject", pipeline=full, tokens="last")
    assert target.node("subject", tokens="last") == subject
    with pytest.raises(ValidationError, match=r"no node 'subjects'\. Did you mean 'subject'"):
        target.node("subjects")
    make: Any = SpacyDependency
    with pytest.raises(ValidationError, match=r"a target.*SpacyTree\(patterns, label='verb'\)"):
        make(VERB_SUBJECT, label="verb")


# --- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ([{"PSO": "NOUN"}], "no attribute 'PSO' .token 0 of pattern 0.. Did you mean 'POS'"),
        ([{"POS": "NOUNN"}], "part of speech 'NOUNN' .token 0 of pattern 0.. Did you mean 'NOUN'"),
        ([{"pos": {"IN": ["X", "verb"]}}], "no part of speech 'verb' .* mean 'VERB'"),
        ([{"POS": {"NOT_IN": ["NOM"]}}], "no part of speech 'NOM'"),
        ([{"LOWER": "The"}], "compared with 'The' in lower case and never match it .*write 'the'"),
        ([{"LOWER": {"IN": ["the", "I"]}}], "write 'i'"),
        ([{"LOWER": {"REGEXX": "a"}}], "spaCy does not take pattern 0: .*REGEXX"),
        ([{"LOWER": 3}], "does not take pattern 0: .*LOWER.*valid string"),
        ([{"OP": "+++"}], "OP"),
        ([{"TEXT": {"REGEX": "("}}], "does not take pattern 0: missing .,"),
        ([{"LOWER": "a"}, "b"], "token 1 of pattern 0 is not a dict"),
        ([[{"LOWER": "a"}], []], "pattern 1 is not a list of dicts"),
        ([], "not empty"),
        ("noun", "a list of dicts"),
        ([{"LOWER": {"a", "b"}}], "lists, dicts, text and numbers"),
    ],
)
def test_patterns_are_validated_by_spacy_when_written(patterns: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SpacyPattern(patterns)


def test_the_parts_of_speech_are_those_of_spacy() -> None:
    assert {"", *PARTS_OF_SPEECH} == {*parts_of_speech()}


VALUES = (
    "x", "", "?", "+", "{2}", "a\ud800", True, 1, 0.5, [], ["x"], {}, {"IN": ["x"]}, {"IN": []},
    {"NOT_IN": ["x", "y"]}, {"IN": "x"}, {"IN": [1]}, {"IN": ["x"], "NOT_IN": ["y"]},
    {"REGEX": "x"}, {"REGEX": "("}, {"REGEX": 1}, {"FUZZY": "x"}, {"==": 1}, {"in": ["x"]},
)  # fmt: skip


@pytest.mark.parametrize("name", ["spaced", *sorted({*TokenPattern.model_fields} - {"pos"})])
def test_plain_patterns_of_which_spacy_is_not_asked_are_those_that_it_takes(name: str) -> None:
    taken = 0
    for value in VALUES:
        pattern = [{name.upper(): value}]
        try:
            Matcher(Vocab(), validate=True).add("pattern", [pattern])
        except Exception:  # of many kinds
            with pytest.raises(ValidationError):
                SpacyPattern(pattern)
        else:
            SpacyPattern(pattern)
            taken += 1
    assert (taken > 0) == (name not in ("spaced", "underscore"))


@pytest.mark.parametrize("operator", ["?", "!", "{2}", "x"])
def test_nodes_have_the_operators_that_spacy_lets_them(operator: str) -> None:
    node = {"RIGHT_ID": "a", "RIGHT_ATTRS": {"LOWER": "x", "OP": operator}}
    try:
        DependencyMatcher(Vocab(), validate=True).add("pattern", [[node]])
    except Exception:  # of many kinds
        with pytest.raises(ValidationError, match="spaCy does not take"):
            SpacyTree([node], label="a")
    else:
        SpacyTree([node], label="a")


@pytest.mark.parametrize(
    ("rule", "asked", "message"),
    [
        (
            SpacyToken,
            {"dep": "nsubj"},
            r"no dependency parse \(DEP\); its components: tests_tagger",
        ),
        (SpacyToken, {"ent_type": "X"}, r"entities \(ENT_TYPE\).*spacy download en_core_web_sm"),
        (SpacyToken, {"pos": "NOUN", "pipeline": "blank:en"}, r"parts of speech \(POS\).*none"),
        (SpacyPattern, {"patterns": [{"DEP": "y"}], "pipeline": "blank:de"}, "models/de"),
        (SpacyPhrase, {"phrases": ["a"], "attr": "LEMMA", "pipeline": "blank:en"}, "lemmas"),
        (SpacyTree, {"patterns": VERB_SUBJECT, "label": "verb"}, "dependency parse"),
        (SpacyToken, {"lower": "a", "pipeline": "en_core_web_xy"}, "download en_core_web_xy"),
        (SpacyToken, {"lower": "a", "pipeline": "blank:xy"}, "does not load"),
        (SpacyToken, {"lower": "a", "pipeline": "tests"}, "does not load"),
    ],
)
def test_what_a_pipeline_lacks_is_an_error_when_the_rule_is_written(
    rule: Any, asked: dict[str, Any], message: str, tagger: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        rule(**{"pipeline": tagger, **asked})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpacyToken(), "no attribute is given"),
        (lambda: SpacyToken(pos="noun"), "no part of speech 'noun' .pos=.. Did you mean 'NOUN'"),
        (lambda: SpacyToken(lower=["a", "The"]), "never match it .lower=.: write 'the'"),
        (lambda: SpacyToken(lemma=[]), "lemma"),
        (lambda: SpacyToken(morph="Plur"), "written like Number=Plur"),
        (lambda: SpacyToken(is_title="yes"), "valid bool"),
        (lambda: SpacyToken(entity="X"), "nexpected keyword"),
        (lambda: SpacyToken(lower="a", tokens="some"), "'any', 'all', 'first' or 'last'"),
        (lambda: SpacyPhrase([]), "at least 1"),
        (lambda: SpacyPhrase([" "]), "no word in it"),
        (lambda: SpacyPhrase(["a"], attr="POS"), "'ORTH', 'LOWER' or 'LEMMA'"),
        (lambda: SpacyPattern([{"LOWER": "a"}], label=1), "has 1 tokens, counted from 0"),
        (lambda: SpacyTree(VERB_SUBJECT, label="verbs"), "no node 'verbs'. Did you mean 'verb'"),
        (
            lambda: SpacyTree([{"RIGHT_ID": "a", "RIGHT_ATTRS": {"POS": "NOM"}}], label="a"),
            "no part of speech 'NOM' .node 0 of pattern 0, 'a'",
        ),
        (lambda: SpacyTree([{"LOWER": "a"}], label="a"), "node 0 of pattern 0 needs exactly"),
        (lambda: SpacyToken("NOUN"), "positional"),
    ],
)
def test_rules_are_validated_when_written(make: Any, message: str) -> None:
    with pytest.raises((ValidationError, TypeError), match=message):
        make()


def test_a_rule_that_needs_annotation_that_nothing_makes_says_so() -> None:
    with pytest.raises(
        AnnotationError, match=r"needs parts of speech \(POS\).*pipeline=.*download"
    ):
        SpacyToken(pos="NOUN").labels(view("a", " cat"))
    with pytest.raises(AnnotationError, match="no gold annotation"):
        SpacyToken(lower="a", pipeline="gold").labels(view("a", " cat"))


# --- rules as values -----------------------------------------------------------------------------

WRITTEN: list[Predicate] = [
    SpacyPattern([{"LOWER": "a"}]),
    SpacyPattern([[{"LOWER": "a"}], [{"LOWER": {"REGEX": r"^\d"}}]], tokens="first"),
    SpacyPattern([{"LOWER": "a"}, {"OP": "+"}], label=1, greedy="longest"),
    SpacyPattern([{"POS": "NOUN"}], pipeline="gold"),
    SpacyPattern([{"POS": "NOUN"}], whitespace=True),
    SpacyPhrase(["a b", "c"], attr="LOWER"),
    SpacyPhrase(["a b", "c"]),
    SpacyToken(pos=["NOUN", "PROPN"], morph="Number=Plur", tokens="last"),
    SpacyToken(is_title=False, pipeline="blank:en"),
    SpacyToken(is_space=True),
    SpacyTree(VERB_SUBJECT, label="verb"),
    SpacyTree(VERB_SUBJECT, label="subject", tokens="all"),
    SpacyToken(like_num=True) & ~Regex("1"),
]


@pytest.mark.parametrize("rule", WRITTEN, ids=describe)
def test_a_description_is_the_rule_again(rule: Predicate) -> None:
    names = {name: getattr(mi_hypotheses, name) for name in mi_hypotheses.__all__}
    again = eval(describe(rule), names)
    assert again == rule
    assert hash(again) == hash(rule)
    assert again.fingerprint() == rule.fingerprint()
    assert json.loads(TypeAdapter(type(rule)).dump_json(rule))["kind"]


def test_rules_are_told_apart() -> None:
    assert len({rule.fingerprint() for rule in WRITTEN}) == len(WRITTEN)
    assert len(set(WRITTEN)) == len(WRITTEN)


def test_descriptions_leave_defaults_out() -> None:
    assert describe(WRITTEN[0]) == "SpacyPattern([{'LOWER': 'a'}])"
    assert describe(SpacyToken(pos={"NOUN", "ADJ"})) == "SpacyToken(pos=['ADJ', 'NOUN'])"


def test_a_rule_does_not_change_with_the_list_it_was_made_of() -> None:
    pattern = [{"LOWER": "a"}]
    rule = SpacyPattern(pattern)
    pattern.append({"LOWER": "b"})
    assert rule == SpacyPattern([{"LOWER": "a"}])


def test_combinations_ask_for_the_pipelines_of_their_parts(full: str) -> None:
    noun, number = SpacyToken(pos="NOUN", pipeline=full), SpacyToken(like_num=True)
    assert noun.pipelines == {full}
    assert number.pipelines == {"blank:en"}
    assert SpacyToken(pos="NOUN").pipelines == {"gold"}
    assert Regex("a").pipelines == frozenset()
    assert (~noun & number.shift(1) | Regex("a")).pipelines == {full, "blank:en"}
    target = mi_hypotheses.PreviousToken().where(noun) | mi_hypotheses.SpacyDependency(
        VERB_SUBJECT, query="subject", key="verb"
    )
    assert target.pipelines == {full, "gold"}


def test_the_module_loads_without_spacy() -> None:
    code = "import sys, mi_hypotheses.spacy_rules, mi_hypotheses.dependencies, mi_hypotheses.shards"
    code += "\nprint('spacy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

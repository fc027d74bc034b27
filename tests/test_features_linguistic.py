"""Features of language label the words that the columns of the hand-annotated sentences name.

What is expected is read from `corpora/sentences.conllu` here, with nothing but `str.split`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from mi_hypotheses.annotation import GOLD, DocumentDocs, Gold
from mi_hypotheses.cache import Cache
from mi_hypotheses.corpora import resolve
from mi_hypotheses.errors import AnnotationError, UsageError
from mi_hypotheses.features.catalogue import Feature, feature, features
from mi_hypotheses.models import resolve as resolve_model
from mi_hypotheses.shards import Shard, ShardStore, Window
from mi_hypotheses.spacy_rules import SpacyRule
from mi_hypotheses.text import TokenView
from tests.small_pipelines import saved

CORPUS = Path(__file__).parent.parent / "corpora" / "sentences.conllu"
FEATURES = features("linguistic")


@dataclass(frozen=True)
class Word:
    """A line of the file; `words` are those of its sentence, `start` its place in the text."""

    number: int
    form: str
    pos: str
    tag: str
    morph: frozenset[str]
    head: int
    dep: str
    entity: str  # the type, "" outside
    start: int
    words: list[Word]

    @property
    def children(self) -> list[Word]:
        return [word for word in self.words if word.head == self.number]

    @property
    def phrase(self) -> list[Word]:
        return [self, *(below for child in self.children for below in child.phrase)]

    @property
    def begins(self) -> set[str]:
        """The relations of the words whose phrase it is the first word of, punctuation aside."""
        words = [word for word in self.words if word.pos != "PUNCT"]
        firsts = [min(each.number for each in word.phrase if each.pos != "PUNCT") for word in words]
        return {word.dep for word, first in zip(words, firsts, strict=True) if first == self.number}


@dataclass(frozen=True)
class Sentence:
    text: str
    words: list[Word]


@cache
def sentences() -> dict[str, Sentence]:
    """The sentences by their text."""
    return {
        each.text: each for each in map(_sentence, CORPUS.read_text("utf-8").strip().split("\n\n"))
    }


def _sentence(block: str) -> Sentence:
    lines = block.strip().split("\n")
    [text] = [line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")]
    words: list[Word] = []
    place = 0
    for line in lines:
        number, *columns = line.split("\t")
        if not number.isdecimal():
            continue
        form, _, pos, tag, morph, head, dep, _, misc = columns
        found = re.search(r"NER=[BI]-(\w+)", misc)
        entity = found[1] if found else ""
        place = text.index(form, place)
        features_ = frozenset(morph.split("|"))
        word = Word(int(number), form, pos, tag, features_, int(head), dep, entity, place, words)
        words.append(word)
        place += len(form)
    return Sentence(text, words)


# --- what is expected ----------------------------------------------------------------------------

Expected = Callable[[Word], bool]


def pos(*names: str) -> Expected:
    return lambda word: word.pos in names


def tag(name: str) -> Expected:
    return lambda word: word.tag == name


def dep(*names: str) -> Expected:
    return lambda word: word.dep in names


def has(*wanted: str) -> Expected:
    return lambda word: word.morph >= set(wanted)


def verb(*wanted: str) -> Expected:
    return lambda word: word.pos in ("VERB", "AUX") and word.morph >= set(wanted)


def noun(*wanted: str) -> Expected:
    return lambda word: word.pos == "NOUN" and word.morph >= set(wanted)


def pronoun(*wanted: str) -> Expected:
    return lambda word: word.pos == "PRON" and word.morph >= set(wanted)


def begins(*relations: str) -> Expected:
    return lambda word: bool(word.begins & set(relations))


def of_type(*types: str) -> Expected:
    return lambda word: word.entity in types


SUBJECTS = ("nsubj", "nsubj:pass", "csubj", "csubj:pass")
EXPECTED: dict[str, Expected] = {
    "noun": pos("NOUN"),
    "verb": pos("VERB"),
    "adjective": pos("ADJ"),
    "adverb": pos("ADV"),
    "adposition": pos("ADP"),
    "determiner": pos("DET"),
    "pronoun": pos("PRON"),
    "proper_noun": pos("PROPN"),
    "auxiliary": pos("AUX"),
    "coordinating_conjunction": pos("CCONJ"),
    "subordinating_conjunction": pos("SCONJ"),
    "particle": pos("PART"),
    "numeral": pos("NUM"),
    "interjection": pos("INTJ"),
    "punctuation": pos("PUNCT"),
    "symbol": pos("SYM"),
    "finite_verb": verb("VerbForm=Fin"),
    "past_tense": verb("VerbForm=Fin", "Tense=Past"),
    "present_tense": verb("VerbForm=Fin", "Tense=Pres"),
    "third_person_singular": tag("VBZ"),
    "imperative": verb("Mood=Imp"),
    "infinitive": verb("VerbForm=Inf"),
    "participle": verb("VerbForm=Part"),
    "past_participle": tag("VBN"),
    "present_participle": verb("VerbForm=Part", "Tense=Pres"),
    "gerund": verb("VerbForm=Ger"),
    "modal_verb": tag("MD"),
    "singular_noun": noun("Number=Sing"),
    "plural_noun": tag("NNS"),
    "possessive_marker": tag("POS"),
    "comparative": has("Degree=Cmp"),
    "superlative": has("Degree=Sup"),
    "cardinal_number": has("NumType=Card"),
    "ordinal_number": has("NumType=Ord"),
    "definite_article": lambda word: word.pos == "DET" and word.form.lower() == "the",
    "indefinite_article": lambda word: word.pos == "DET" and word.form.lower() in ("a", "an"),
    "negation": lambda word: bool(word.morph & {"Polarity=Neg", "PronType=Neg"}),
    "personal_pronoun": pronoun("PronType=Prs"),
    "first_person_pronoun": pronoun("Person=1"),
    "second_person_pronoun": pronoun("Person=2"),
    "third_person_pronoun": pronoun("Person=3"),
    "masculine_pronoun": lambda word: word.form.lower() in ("he", "him", "his", "himself"),
    "feminine_pronoun": lambda word: word.form.lower() in ("she", "her", "hers", "herself"),
    "neuter_pronoun": lambda word: word.form.lower() in ("it", "its", "itself"),
    "singular_pronoun": pronoun("Number=Sing"),
    "plural_pronoun": pronoun("Number=Plur"),
    "nominative_pronoun": pronoun("Case=Nom"),
    "accusative_pronoun": pronoun("Case=Acc"),
    "possessive_pronoun": pronoun("Poss=Yes"),
    "reflexive_pronoun": pronoun("Reflex=Yes"),
    "relative_pronoun": pronoun("PronType=Rel"),
    "question_word": has("PronType=Int"),
    "demonstrative": has("PronType=Dem"),
    "subject": dep(*SUBJECTS),
    "object": dep("obj"),
    "indirect_object": dep("iobj"),
    "copula": dep("cop"),
    "conjunct": dep("conj"),
    "clause_marker": dep("mark"),
    "possessor": dep("nmod:poss"),
    "adjectival_modifier": dep("amod"),
    "adverbial_modifier": dep("advmod"),
    "appositive": dep("appos"),
    "expletive": dep("expl"),
    "relative_clause": dep("acl:relcl"),
    "adverbial_clause": dep("advcl"),
    "complement_clause": dep("ccomp"),
    "root_verb": lambda word: word.head == 0 and word.pos in ("VERB", "AUX"),
    "passive_auxiliary": dep("aux:pass"),
    "passive_subject": dep("nsubj:pass", "csubj:pass"),
    "passive": lambda word: any(child.dep == "aux:pass" for child in word.children),
    "relative_clause_start": begins("acl:relcl"),
    "clause_start": begins("acl:relcl", "advcl", "ccomp", "csubj", "csubj:pass"),
    "subject_start": begins(*SUBJECTS),
    "entity": lambda word: word.entity != "",
    "person": of_type("PERSON"),
    "organisation": of_type("ORG"),
    "place": of_type("GPE", "LOC", "FAC"),
    "date_or_time": of_type("DATE", "TIME"),
    "quantity": of_type("CARDINAL", "MONEY", "ORDINAL", "PERCENT", "QUANTITY"),
}


# --- what is labelled ----------------------------------------------------------------------------


@cache
def views() -> dict[str, tuple[TokenView, int]]:
    """For each sentence its document, character by character, and where it begins there."""
    found: dict[str, tuple[TokenView, int]] = {}
    for document in resolve(str(CORPUS)).documents():
        ends = np.arange(1, len(document.text) + 1, dtype=np.int32)
        docs = DocumentDocs(document.text, document.gold)
        view = TokenView(document.text, ends - 1, ends, docs=docs)
        found |= {t: (view, view.text.index(t)) for t in sentences() if t in view.text}
    return found


def labels_of(found: Feature, text: str) -> list[float]:
    """The labels of a sentence's characters, in its document."""
    view, start = views()[text]
    labels: list[float] = found.labels(view)[start : start + len(text)].tolist()
    return labels


def marked(text: str, labels: list[float]) -> list[tuple[int, str]]:
    """The characters that are labelled."""
    return [(i, text[i]) for i, label in enumerate(labels) if label == 1]


def characters(words: list[Word]) -> list[tuple[int, str]]:
    return [(word.start + i, letter) for word in words for i, letter in enumerate(word.form)]


def test_every_sentence_is_in_a_document() -> None:
    assert len(sentences()) == 60
    assert views().keys() == sentences().keys()


def test_every_feature_has_something_expected() -> None:
    names = {name.removeprefix("linguistic.") for name in FEATURES}
    assert names == EXPECTED.keys() | {"part_of_speech"}


@pytest.mark.parametrize("name", EXPECTED)
def test_features_label_what_the_columns_say(name: str) -> None:
    found = feature(f"linguistic.{name}")
    for text, sentence in sentences().items():
        expected = [word for word in sentence.words if EXPECTED[name](word)]
        assert marked(text, labels_of(found, text)) == characters(expected), text


@pytest.mark.parametrize("name", EXPECTED)
def test_features_hold_of_some_words_and_not_of_others(name: str) -> None:
    held = {EXPECTED[name](word) for each in sentences().values() for word in each.words}
    assert held == {True, False}


def test_parts_of_speech_are_categories() -> None:
    found = feature("linguistic.part_of_speech")
    names = found.categories
    assert names is not None
    assert found.label_kind == "categorical"
    seen = {word.pos for each in sentences().values() for word in each.words}
    assert seen == set(names)
    for text, sentence in sentences().items():
        labels = labels_of(found, text)
        inside = {
            word.start + i: word.pos for word in sentence.words for i in range(len(word.form))
        }
        said = {i: names[int(label)] for i, label in enumerate(labels) if not np.isnan(label)}
        assert said == inside, text


@pytest.mark.parametrize("found", FEATURES.values(), ids=FEATURES)
def test_examples_are_sentences_of_the_corpus(found: Feature) -> None:
    names = found.categories
    for example in found.examples:
        text, wanted = "", []
        for piece in re.split(r"(«[^»]*»)", example):
            shown, label = piece, np.nan if names else 0.0
            if piece.startswith("«"):
                name, _, shown = piece[1:-1].partition(":") if names else ("", "", piece[1:-1])
                label = float(names.index(name)) if names else 1.0
            text += shown
            wanted += [label] * len(shown)
        np.testing.assert_array_equal(labels_of(found, text), wanted)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("person", ["PERSON", "PER", "person"]),
        ("organisation", ["ORG", "organization"]),
        ("place", ["GPE", "LOC", "FAC", "place"]),
        ("date_or_time", ["DATE", "TIME", "time"]),
        ("quantity", ["MONEY", "PERCENT"]),
        ("entity", ["NORP", "MISC", "abstract"]),
    ],
)
def test_entities_go_by_the_names_of_several_schemes(name: str, types: list[str]) -> None:
    for kind in types:
        gold = Gold(words=["A", "b"], spaces=[True, False], ents=[f"B-{kind}", "O"])
        view = TokenView(
            "A b",
            np.array([0, 2], dtype=np.int32),
            np.array([1, 3], dtype=np.int32),
            docs=DocumentDocs("A b", gold.to_bytes()),
        )
        labelled = {each for each, found in FEATURES.items() if _asks_for_entities(found)}
        labelled = {each for each in labelled if FEATURES[each].labels(view).tolist() == [1, 0]}
        assert labelled == {f"linguistic.{name}", "linguistic.entity"}, kind


def _asks_for_entities(found: Feature) -> bool:
    return isinstance(found.of, SpacyRule) and found.of.needs == {"ENT_IOB"}


# --- where they are used -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Shard:
    cache_ = Cache(tmp_path_factory.mktemp("cache"))
    store = ShardStore(str(CORPUS), resolve_model("py-gelu-1l"), cache_, Window(64, None))
    return store.add(tuple(resolve(str(CORPUS)).documents()))


@pytest.mark.parametrize("found", FEATURES.values(), ids=FEATURES)
def test_tokens_of_a_model_are_labelled_as_their_characters_are(
    found: Feature, shard: Shard
) -> None:
    whole = {view.text: view for view, _ in views().values()}
    for index in range(len(shard.documents)):
        view = shard.view(index)
        letters = found.labels(whole[view.text])
        visible = whole[view.text].nonspace
        for label, start, end in zip(found.labels(view), view.starts, view.ends, strict=True):
            own = letters[start:end][visible[start:end]]
            if found.categories:
                assert np.isnan(label) if np.isnan(own).all() else label in own
            else:
                assert label == float(own.any())


@pytest.mark.parametrize("found", FEATURES.values(), ids=FEATURES)
def test_text_without_annotation_is_refused(found: Feature) -> None:
    assert found.pipelines == {"gold"}
    view = TokenView("a", np.array([0], dtype=np.int32), np.array([1], dtype=np.int32))
    with pytest.raises(AnnotationError, match="has no gold annotation"):
        found.labels(view)


@pytest.mark.parametrize("found", FEATURES.values(), ids=FEATURES)
def test_empty_text_has_no_label(found: Feature) -> None:
    ends = np.arange(1, 3, dtype=np.int32)
    labels = found.labels(TokenView(" \n", ends - 1, ends))
    assert np.isnan(labels).all() if found.categories else not labels.any()


def test_features_of_language_can_be_read_from_a_pipeline(tmp_path: Path) -> None:
    path = saved(tmp_path / "pipeline", "tests_tagger")
    found = feature("linguistic.plural_noun", pipeline=path)
    assert found.written == f'feature("linguistic.plural_noun", pipeline="{path}")'
    assert found.pipelines == {path}
    assert found.fingerprint() != feature("linguistic.plural_noun").fingerprint()
    text = "the cats see a dog"
    starts = np.array([0, 4, 9, 13, 15], dtype=np.int32)
    ends = np.array([3, 8, 12, 14, 18], dtype=np.int32)
    labels = found.labels(TokenView(text, starts, ends))
    assert labels.tolist() == [0, 1, 0, 0, 0]


def test_every_rule_of_a_feature_moves_to_the_pipeline(tmp_path: Path) -> None:
    path = saved(tmp_path / "pipeline", "tests_tagger", "tests_parser", names=True)
    for name, found in FEATURES.items():
        assert GOLD in found.pipelines, name
        assert feature(name, pipeline=path).pipelines == {path}, name


def test_pipelines_that_cannot_be_used_are_told() -> None:
    with pytest.raises(UsageError, match=r"'linguistic.noun': the spaCy pipeline 'blank:en' has"):
        feature("linguistic.noun", pipeline="blank:en")
    with pytest.raises(UsageError, match="reads no annotation"):
        feature("python.comment", pipeline="blank:en")

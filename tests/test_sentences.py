"""The hand-annotated sentences: every column of `corpora/sentences.conllu` is what it should be.

The file is read here with nothing but `str.split`, so that it can be held against whatever else
reads it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent / "corpora" / "sentences.conllu"

# Universal part of speech → the Penn tags that it can have here.
TAGS = {
    "ADJ": {"JJ", "JJR", "JJS"},
    "ADP": {"IN", "RP"},
    "ADV": {"RB", "RBR", "WRB"},
    "AUX": {"MD", "VB", "VBD", "VBN", "VBP", "VBZ"},
    "CCONJ": {"CC"},
    "DET": {"DT", "PDT"},
    "INTJ": {"UH"},
    "NOUN": {"NN", "NNS"},
    "NUM": {"CD"},
    "PART": {"POS", "RB", "TO"},
    "PRON": {"DT", "EX", "NN", "PRP", "PRP$", "WDT", "WP", "WP$"},
    "PROPN": {"NNP"},
    "PUNCT": {".", ",", ":", "``", "''", "-LRB-", "-RRB-", "HYPH"},
    "SCONJ": {"IN"},
    "SYM": {"NN", "NFP"},
    "VERB": {"VB", "VBD", "VBG", "VBN", "VBP", "VBZ"},
}
RELATIONS = frozenset(
    re.findall(
        r"\w+",
        """
        acl advcl advmod amod appos aux case cc ccomp clf compound conj cop csubj dep det
        discourse dislocated expl fixed flat goeswith iobj list mark nmod nsubj nummod obj obl
        orphan parataxis punct reparandum root vocative xcomp
        """,
    )
)
SUBTYPES = {
    "acl:relcl",
    "aux:pass",
    "compound:prt",
    "csubj:pass",
    "det:predet",
    "nmod:npmod",
    "nmod:poss",
    "nsubj:pass",
    "obl:agent",
    "obl:npmod",
    "obl:tmod",
}
FEATURES = {
    "Case": {"Acc", "Gen", "Nom"},
    "Definite": {"Def", "Ind"},
    "Degree": {"Cmp", "Pos", "Sup"},
    "Gender": {"Fem", "Masc", "Neut"},
    "Mood": {"Imp", "Ind"},
    "NumForm": {"Digit", "Word"},
    "NumType": {"Card", "Frac", "Mult", "Ord"},
    "Number": {"Plur", "Sing"},
    "Person": {"1", "2", "3"},
    "Polarity": {"Neg"},
    "Poss": {"Yes"},
    "PronType": {"Art", "Dem", "Emp", "Ind", "Int", "Neg", "Prs", "Rel", "Tot"},
    "Reflex": {"Yes"},
    "Tense": {"Past", "Pres"},
    "VerbForm": {"Fin", "Ger", "Inf", "Part"},
    "Voice": {"Pass"},
}
ENTITIES = frozenset(
    re.findall(
        r"\w+",
        "CARDINAL DATE FAC GPE LOC MONEY ORDINAL ORG PERCENT PERSON QUANTITY TIME WORK_OF_ART",
    )
)


@dataclass
class Row:
    """One line of ten columns; `id` is `7`, `7-8` for a stretch of words, `7.1` if empty."""

    id: str
    form: str
    lemma: str
    upos: str
    xpos: str
    feats: str
    head: str
    relation: str
    deps: str
    misc: str

    @property
    def features(self) -> dict[str, str]:
        return _pairs(self.feats)

    @property
    def entity(self) -> str:
        return _pairs(self.misc).get("NER", "").partition("-")[2]

    @property
    def space(self) -> str:
        return "" if _pairs(self.misc).get("SpaceAfter") == "No" else " "


@dataclass
class Sentence:
    document: str
    id: str
    text: str
    rows: list[Row] = field(default_factory=list)

    @property
    def words(self) -> list[Row]:
        return [row for row in self.rows if row.id.isdigit()]

    @property
    def ranges(self) -> list[tuple[Row, int, int]]:
        return [
            (row, *(int(end) for end in row.id.split("-"))) for row in self.rows if "-" in row.id
        ]

    @property
    def empty(self) -> list[Row]:
        return [row for row in self.rows if "." in row.id]


def _pairs(column: str) -> dict[str, str]:
    if column == "_":
        return {}
    return dict(part.split("=", 1) for part in column.split("|"))


def _read() -> list[Sentence]:
    sentences: list[Sentence] = []
    document = ""
    for block in PATH.read_text("utf-8").rstrip("\n").split("\n\n"):
        comments = dict(
            line[2:].split(" = ", 1) for line in block.split("\n") if line.startswith("# ")
        )
        document = comments.get("newdoc id", document)
        sentence = Sentence(document, comments["sent_id"], comments["text"])
        for line in block.split("\n"):
            if not line.startswith("#"):
                columns = line.split("\t")
                assert len(columns) == 10, line
                assert all(column.strip() == column != "" for column in columns), line
                sentence.rows.append(Row(*columns))
        sentences.append(sentence)
    return sentences


SENTENCES = _read()
each = pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.id)


def test_the_file_ends_as_the_format_says_and_has_no_stray_lines() -> None:
    text = PATH.read_text("utf-8")
    assert text.endswith("\n\n")
    assert not text.endswith("\n\n\n")
    assert "\r" not in text
    assert "\n\n\n" not in text
    for line in text.split("\n"):
        assert line == "" or re.match(r"# (newdoc id|sent_id|text) = \S|\d", line), line


def test_it_is_as_large_as_it_says() -> None:
    documents = Counter(sentence.document for sentence in SENTENCES)
    words = [word for s in SENTENCES for word in s.words if word.upos != "PUNCT"]
    assert len(documents) >= 24
    assert set(documents.values()) <= {2, 3}
    assert 40 <= len(SENTENCES) <= 60
    assert 580 <= len(words) <= 800


def test_sentences_are_numbered_through_their_document() -> None:
    seen: Counter[str] = Counter()
    for sentence in SENTENCES:
        seen[sentence.document] += 1
        assert sentence.id == f"{sentence.document}-{seen[sentence.document]}"


@each
def test_ids_are_in_order(sentence: Sentence) -> None:
    assert [word.id for word in sentence.words] == [
        str(n) for n in range(1, len(sentence.words) + 1)
    ]
    at = 0  # the last word so far
    until = 0  # the end of the last range
    for row in sentence.rows:
        if row.id.isdigit():
            at = int(row.id)
        elif "-" in row.id:
            first, last = (int(end) for end in row.id.split("-"))
            assert first == max(at, until) + 1
            assert last > first
            until = last
            assert last <= len(sentence.words)
        else:
            assert row.id == f"{at}.1"


@each
def test_the_text_is_made_of_the_forms(sentence: Sentence) -> None:
    covered = {n for _, first, last in sentence.ranges for n in range(first, last + 1)}
    pieces = [
        row.form + row.space
        for row in sentence.rows
        if "-" in row.id or (row.id.isdigit() and int(row.id) not in covered)
    ]
    assert "".join(pieces).removesuffix(" ") == sentence.text
    for n in covered:
        assert "SpaceAfter" not in sentence.words[n - 1].misc


@each
def test_the_words_of_a_range_spell_it_and_its_other_columns_are_blank(sentence: Sentence) -> None:
    for row, first, last in sentence.ranges:
        assert row.form == "".join(word.form for word in sentence.words[first - 1 : last])
        assert [row.lemma, row.upos, row.xpos, row.feats, row.head, row.relation, row.deps] == [
            "_"
        ] * 7


@each
def test_there_is_one_root_and_no_circle(sentence: Sentence) -> None:
    heads = {int(word.id): int(word.head) for word in sentence.words}
    assert list(heads.values()).count(0) == 1
    for word in sentence.words:
        assert (word.head == "0") == (word.relation == "root")
        assert 0 <= int(word.head) <= len(heads)
        passed, at = set(), int(word.id)
        while at:
            assert at not in passed, word
            passed.add(at)
            at = heads[at]


def _crossings(sentence: Sentence) -> list[Row]:
    """Words whose edge to their head is crossed by another that starts to the left of it."""
    edges = [(word, *sorted((int(word.id), int(word.head)))) for word in sentence.words]
    return [word for word, c, d in edges if c and any(a < c < b < d for _, a, b in edges if a)]


def test_edges_cross_only_where_a_question_word_has_moved_out_of_its_clause() -> None:
    crossing = [(s.id, word.form) for s in SENTENCES for word in _crossings(s)]
    assert crossing == [("school-1", "what")]


@each
def test_tags_and_relations_are_known(sentence: Sentence) -> None:
    for word in [*sentence.words, *sentence.empty]:
        assert word.xpos in TAGS[word.upos], word
    for word in sentence.words:
        assert word.relation in RELATIONS | SUBTYPES, word
        assert (word.relation == "punct") == (word.upos == "PUNCT"), word
        if word.relation in {"case", "mark", "cc", "det", "aux", "cop"}:
            assert word.upos in {"ADP", "SCONJ", "PART", "CCONJ", "DET", "AUX"}, word


@each
def test_function_words_have_no_dependents_but_a_few(sentence: Sentence) -> None:
    for word in sentence.words:
        head = sentence.words[int(word.head) - 1] if word.head != "0" else None
        if head is not None:
            assert head.relation.split(":")[0] not in {"case", "mark", "cc", "aux", "cop", "punct"}


@each
def test_features_are_known_and_sorted(sentence: Sentence) -> None:
    for word in [*sentence.words, *sentence.empty]:
        names = list(word.features)
        assert names == sorted(names, key=str.lower), word
        for name, value in word.features.items():
            assert value in FEATURES[name], word


@each
def test_features_agree_with_tags(sentence: Sentence) -> None:
    for word in sentence.words:
        found = word.features
        if word.xpos in {"VBD", "VBP", "VBZ"}:
            assert {"Mood", "Person", "Tense", "VerbForm"} <= set(found), word
            assert found["Tense"] == ("Past" if word.xpos == "VBD" else "Pres"), word
        if word.upos == "NOUN":
            assert found["Number"] == ("Plur" if word.xpos == "NNS" else "Sing"), word
        if word.xpos in {"PRP", "PRP$"}:
            assert {"Person", "PronType"} <= set(found), word
        if found.get("Voice") == "Pass":
            relations = [w.relation for w in sentence.words if w.head == word.id]
            assert "aux:pass" in relations, word


@each
def test_empty_nodes_are_reached_and_stand_in_a_graph(sentence: Sentence) -> None:
    known = {row.id for row in sentence.rows if "-" not in row.id} | {"0"}
    for row in sentence.empty:
        assert (row.head, row.relation, row.misc) == ("_", "_", "_")
    for row in [*sentence.words, *sentence.empty]:
        if not sentence.empty:
            assert row.deps == "_"
            continue
        head, _, relation = row.deps.partition(":")
        assert head in known, row
        assert relation.split(":")[0] in RELATIONS - {"orphan"}, row
    for row in sentence.empty:
        assert any(word.deps.startswith(f"{row.id}:") for word in sentence.words)


@each
def test_misc_says_nothing_but_entities_and_spaces(sentence: Sentence) -> None:
    for row in sentence.rows:
        for name, value in _pairs(row.misc).items():
            if name == "NER":
                assert row.entity in ENTITIES, row
                assert row.upos != "PUNCT", row
                assert row.id.isdigit()
            else:
                assert (name, value) == ("SpaceAfter", "No"), row


@each
def test_entities_begin_with_their_first_word(sentence: Sentence) -> None:
    before = ""
    for word in sentence.words:
        begins = _pairs(word.misc).get("NER", "B-").startswith("B-")
        assert begins or word.entity == before, word
        before = word.entity


def test_the_sample_is_varied() -> None:
    words = [word for sentence in SENTENCES for word in sentence.words]
    for name, values in FEATURES.items():
        assert {word.features[name] for word in words if name in word.features} == values
    assert {word.upos for word in words} == set(TAGS)
    assert {word.relation for word in words} >= SUBTYPES
    assert {word.entity for word in words} - {""} == ENTITIES
    assert sum(len(sentence.ranges) for sentence in SENTENCES) >= 20
    assert sum(len(sentence.empty) for sentence in SENTENCES) == 3
    assert any(row.space == "" for sentence in SENTENCES for row, *_ in sentence.ranges)
    assert any(not sentence.text.isascii() for sentence in SENTENCES)
    assert {sentence.text[-1] for sentence in SENTENCES} == set(".?!")

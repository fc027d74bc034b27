"""Corpora with gold annotation: CoNLL-U and spaCy's DocBin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.attrs import HEAD
from spacy.tokens import Doc, DocBin

from mi_hypotheses import conllu
from mi_hypotheses.annotation import DocumentDocs, Gold, gold_doc
from mi_hypotheses.cache import Cache
from mi_hypotheses.corpora import measure, resolve
from mi_hypotheses.dependencies import SpacyDependency
from mi_hypotheses.errors import AnnotationError, CorpusError
from mi_hypotheses.models import resolve as resolve_model
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.shards import ShardStore, Window
from mi_hypotheses.spacy_rules import SpacyPattern, SpacyPhrase, SpacyToken, SpacyTree
from mi_hypotheses.text import Document, TokenView


def row(
    number: str,
    form: str,
    pos: str = "_",
    head: str = "_",
    dep: str = "_",
    misc: str = "_",
    *,
    lemma: str = "_",
    tag: str = "_",
    feats: str = "_",
) -> str:
    return "\t".join([number, form, lemma, pos, tag, feats, head, dep, "_", misc])


def read(*lines: str) -> list[tuple[str, Gold]]:
    return list(conllu.documents(lines, path="x.conllu"))


def one(*lines: str) -> Gold:
    [(_, gold)] = read(*lines)
    return gold


FRENCH = (
    "# newdoc id = french",
    "# sent_id = 1",
    "# text = Le chat du  voisin dort.",
    row("1", "Le", "DET", "2", "det", lemma="le"),
    row("2", "chat", "NOUN", "6", "nsubj", lemma="chat", feats="Gender=Masc|Number=Sing"),
    row("3-4", "du"),
    row("3", "de", "ADP", "5", "case", lemma="de"),
    row("4", "le", "DET", "5", "det", lemma="le"),
    row("5", "voisin", "NOUN", "2", "nmod", lemma="voisin", feats="Number=Sing"),
    row("6", "dort", "VERB", "0", "root", "SpaceAfter=No", lemma="dormir", tag="V"),
    row("6.1", "dort", "VERB"),
    row("7", ".", "PUNCT", "6", "punct", lemma="."),
    "",
)


# --- text ----------------------------------------------------------------------------------------


def test_the_text_is_that_of_the_comment() -> None:
    assert one(*FRENCH).text == "Le chat du  voisin dort."


def test_words_without_a_comment_are_joined_by_their_spaces() -> None:
    lines = [
        row("1-2", "don't", misc="SpaceAfter=No"),
        row("1", "do"),
        row("2", "n't", misc="SpaceAfter=Yes"),
        row("3", "!", misc=r"SpacesAfter=\s\t\n\p\\"),
        row("4", "Go"),
    ]
    assert one(*lines).text == "don't! \t\n|\\Go"


def test_sentences_are_joined_as_the_file_says() -> None:
    def joined(misc: str, *comments: str) -> str:
        return one(row("1", "A", misc=misc), "", *comments, row("1", "B"), "").text

    assert joined("_") == "A B"
    assert joined("SpaceAfter=No") == "AB"
    assert joined(r"SpacesAfter=\n") == "A\nB"
    assert joined("_", "# newpar") == "A\n\nB"
    assert joined("SpaceAfter=No", "# newpar id = 2") == "A\n\nB"
    assert joined(r"SpacesAfter=\n", "# newpar") == "A\nB"


def test_white_space_at_both_ends_of_a_document_is_kept_where_it_is_said() -> None:
    assert one(row("1", "A", misc=r"SpacesBefore=\s\s|SpacesAfter=\n")).text == "  A\n"
    assert one(row("1", "A")).text == "A"


def test_each_newdoc_is_a_document() -> None:
    a, b = row("1", "A"), row("1", "B")
    assert [name for name, _ in read(a, "", b)] == [""]
    named = read(a, "", "# newdoc id = x y", b, "", "# newdoc", a, "", b, "")
    assert [(name, gold.text) for name, gold in named] == [("", "A"), ("x y", "B"), ("#2", "A B")]


WORDS = st.text("abcdé'-.12", min_size=1, max_size=6)
GAPS = st.sampled_from(["", " ", "  ", "\t", "\n", " \n", "\u00a0"])


@dataclass
class Token:
    form: str
    words: list[str]
    gap: str


TOKENS = st.builds(Token, WORDS, st.lists(WORDS, max_size=3), GAPS)
SENTENCES = st.lists(st.lists(TOKENS, min_size=1, max_size=6), min_size=1, max_size=4)


def escaped(gap: str) -> str:
    for written, meant in ((r"\s", " "), (r"\t", "\t"), (r"\n", "\n")):
        gap = gap.replace(meant, written)
    return gap


def written(sentences: list[list[Token]], *, comments: bool) -> list[str]:
    """The lines of a file with these sentences; with comments, white space is in them alone."""
    lines = []
    for sentence in sentences:
        if comments:
            text = "".join(token.form + token.gap for token in sentence[:-1])
            lines.append(f"# text = {text}{sentence[-1].form}")
        number = 1
        for token in sentence:
            misc = "SpaceAfter=No" if token.gap == "" else "_"
            if token.gap not in ("", " ") and (not comments or token is sentence[-1]):
                misc = f"SpacesAfter={escaped(token.gap)}"
            words = token.words if len(token.words) > 1 else [token.form]
            if len(words) > 1:
                lines.append(row(f"{number}-{number + len(words) - 1}", token.form, misc=misc))
            for word in words:
                lines.append(row(str(number), word, misc=misc if len(words) == 1 else "_"))
                number += 1
        lines.append("")
    return lines


@given(SENTENCES, st.booleans())
def test_any_text_is_reproduced_character_by_character(
    sentences: list[list[Token]], comments: bool
) -> None:
    if comments:  # a comment is one line
        for sentence in sentences:
            for token in sentence[:-1]:
                token.gap = token.gap.replace("\n", " ")
    expected = "".join(token.form + token.gap for sentence in sentences for token in sentence)
    if sentences[-1][-1].gap == " ":
        expected = expected[:-1]  # nothing follows it
    gold = one(*written(sentences, comments=comments))
    assert gold.text == expected
    assert gold_doc(gold.to_bytes()).text == expected


# --- annotation ----------------------------------------------------------------------------------


def test_a_word_keeps_its_annotation() -> None:
    doc = gold_doc(one(*FRENCH).to_bytes())
    assert [word.text for word in doc] == ["Le", "chat", "du", " ", "voisin", "dort", "."]
    assert [word.pos_ for word in doc if not word.is_space] == [
        *("DET", "NOUN", "ADP", "NOUN", "VERB", "PUNCT")
    ]
    assert [word.head.text for word in doc if not word.is_space] == [
        *("chat", "dort", "voisin", "chat", "dort", "dort")
    ]
    assert [word.dep_ for word in doc if not word.is_space] == [
        *("det", "nsubj", "case", "nmod", "ROOT", "punct")
    ]
    assert doc[1].morph.to_dict() == {"Gender": "Masc", "Number": "Sing"}
    assert [doc[place].lemma_ for place in (1, 2, 5)] == ["chat", "de", "dormir"]
    assert doc[5].tag_ == "V"


def test_a_multiword_token_made_of_its_words_becomes_them() -> None:
    gold = one(
        "# text = I don't.",
        row("1", "I", "PRON", "2", "nsubj"),
        row("2-3", "don't", misc="SpaceAfter=No"),
        row("2", "do", "AUX", "0", "root"),
        row("3", "n't", "PART", "2", "advmod"),
        row("4", ".", "PUNCT", "2", "punct"),
    )
    assert gold.text == "I don't."
    assert list(gold.words) == ["I", "do", "n't", "."]
    assert gold.pos == ["PRON", "AUX", "PART", "PUNCT"]
    assert gold.heads == [1, 1, 1, 1]


def test_a_multiword_token_makes_no_circle_of_a_tree() -> None:
    lines = [
        row("1-2", "xy"),
        row("1", "a", "ADP", "3", "case"),
        row("2", "b", "VERB", "0", "root"),
        row("3", "c", "NOUN", "2", "obj"),
    ]
    doc = gold_doc(one(*lines).to_bytes())
    assert [(word.text, word.pos_, word.head.text) for word in doc] == [
        ("xy", "VERB", "xy"),
        ("c", "NOUN", "xy"),
    ]


def test_sentences_keep_their_borders() -> None:
    lines = [
        *(row("1", "A", "X", "0", "root", r"SpacesAfter=\n\n"), ""),
        *(row("1", "B", "X", "2", "dep"), row("2", "C", "X", "0", "root"), ""),
    ]
    doc = gold_doc(one(*lines).to_bytes())
    assert [sentence.text.strip() for sentence in doc.sents] == ["A", "B C"]
    untagged = gold_doc(one(row("1", "A"), "", row("1", "B"), row("2", "C"), "").to_bytes())
    assert [sentence.text for sentence in untagged.sents] == ["A", "B C"]
    assert not untagged.has_annotation("POS")
    assert not untagged.has_annotation("DEP")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\tA"], "Line 1 of x.conllu has 2 fields; a line of CoNLL-U has 10"),
        (
            [row("1", "A"), "# text = B", row("1", "B")],
            "Line 2 of x.conllu is a comment inside a sentence: an empty line is missing before",
        ),
        ([row("x", "A")], "Line 1 of x.conllu begins with 'x'"),
        ([row("2", "A")], "has the number 2 where word 1 comes next"),
        ([row("1", "A"), row("1", "B")], "Line 2 .* has the number 1 where word 2"),
        ([row("1-2", "A"), row("1", "A")], "'A' reaches to word 2, which is missing"),
        ([row("1", "A", "NOM")], r"part of speech 'NOM', .*Did you mean 'NUM'"),
        ([row("1", "A", head="x")], "head 'x', which is no number"),
        ([row("1", "A", head="3")], "head 3, which is missing"),
        ([row("1", "A", head="0"), row("2", "B", head="2")], "Line 2 .*'B' is its own head"),
        (
            [row("1", "A", head="0"), row("2", "B", head="3"), row("3", "C", head="2")],
            "Line 2 of x.conllu: the word 'B' has no root above it: heads go round in a circle",
        ),
        (["# text = B", row("1", "A")], "Line 2 .*'A' is not in '# text', .* 'B'"),
        (["# text = A B", row("1", "A")], "is the last one, and '# text' goes on with 'B'"),
        (
            ["# text = A B", row("1", "A", misc="SpaceAfter=No"), row("2", "B")],
            "Line 2 .*'A' has SpaceAfter=No, and '# text' has a space",
        ),
        (["# text = AB", row("1", "A"), row("2", "B")], "no SpaceAfter=No, and '# text' has no"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(lines: list[str], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(*lines)


# --- entities ------------------------------------------------------------------------------------


def marked(*marks: str, header: str = "") -> list[str]:
    """A sentence `a b c ...` whose words have these marks."""
    comments = [f"# global.Entity = {header}"] if header else []
    letters = zip("abcdefgh", marks, strict=False)
    rows = [row(str(n), letter, misc=mark) for n, (letter, mark) in enumerate(letters, 1)]
    return [*comments, *rows, ""]


def ents(*lines: str) -> list[tuple[str, str]]:
    doc = gold_doc(one(*lines).to_bytes())
    return [(ent.text, ent.label_) for ent in doc.ents]


@pytest.mark.parametrize("name", ["NER", "ner", "NE"])
def test_tags_of_words_are_entities(name: str) -> None:
    def tagged(*tags: str) -> list[tuple[str, str]]:
        return ents(*marked(*(f"{name}={tag}" for tag in tags)))

    assert tagged("B-PER", "I-PER", "O", "B-LOC") == [("a b", "PER"), ("d", "LOC")]
    assert tagged("B-PER", "B-PER", "I-LOC") == [("a", "PER"), ("b", "PER"), ("c", "LOC")]
    assert tagged("I-PER", "I-PER", "O", "I-PER") == [("a b", "PER"), ("d", "PER")]
    assert tagged("S-PER", "B-ORG", "I-ORG", "E-ORG", "I-ORG") == [
        *(("a", "PER"), ("b c d", "ORG"), ("e", "ORG"))
    ]


def test_words_without_a_tag_are_outside() -> None:
    assert ents(*marked("NER=B-PER", "_", "SpaceAfter=No|NER=I-PER")) == [
        *(("a", "PER"), ("c", "PER"))
    ]


def test_a_tag_of_a_range_is_that_of_its_words() -> None:
    words = [row("1", "do"), row("2", "n't"), row("3", "x", misc="NER=I-LAW"), ""]
    assert ents(row("1-2", "don't", misc="NER=B-LAW"), *words) == [("don't x", "LAW")]
    assert ents(row("1-2", "don't", misc="NER=S-LAW"), *words) == [("don't", "LAW"), ("x", "LAW")]


def test_entities_hold_the_space_in_them_and_end_with_the_sentence() -> None:
    lines = [
        *(
            row("1", "New", misc=r"SpacesAfter=\n\n|NER=B-GPE"),
            row("2", "York", misc="NER=I-GPE"),
            "",
        ),
        *(row("1", "York", misc="NER=B-GPE"), ""),
    ]
    assert ents(*lines) == [("New\n\nYork", "GPE"), ("York", "GPE")]


@pytest.mark.parametrize(
    ("header", "marks", "expected"),
    [
        (
            "eid-etype-head-other",
            ["(e1-person-1-", "e1)", "(e2-place-1-)"],
            ["a b:person", "c:place"],
        ),
        ("GRP-etype-infstat", ["(1-person-new(2-place-new)", "_", "1)"], ["a:place"]),
        ("entity-GRP-identity", ["(person-1-John", "person-1)"], ["a b:person"]),
        ("", ["(e1-person-1", "e1)"], ["a b:person"]),
        ("", ["(person-1-John_(b)", "_"], None),
        ("", ["(person-1-John", "person-1-John)", "(place)"], ["a b:person", "c:place"]),
        ("", ["(org(place)", "place)org)", "_"], None),
        ("", ["(org", "(place)", "org)(person", "person)"], ["b:place", "c d:person"]),
        ("", ["(e1-a-1(e2-b-1", "e1)", "e2)"], ["a b:a"]),
        ("eid-etype", ["(e1[1/2]-person)", "(e2-place)", "(e1[2/2]-person)"], ["b:place"]),
    ],
)
def test_brackets_are_entities(header: str, marks: list[str], expected: list[str] | None) -> None:
    lines = marked(*(mark if mark == "_" else f"Entity={mark}" for mark in marks), header=header)
    if expected is None:
        with pytest.raises(CorpusError):
            read(*lines)
    else:
        assert [f"{text}:{label}" for text, label in ents(*lines)] == expected


def test_brackets_may_stand_at_empty_nodes_and_cross_sentences() -> None:
    lines = [
        row("1", "a"),
        row("1.1", "_", misc="Entity=(e1-person(e2-place)"),
        *(row("2", "b"), "", row("1", "c", misc="Entity=e1)"), ""),
    ]
    assert ents(*lines) == [("b c", "person")]


def test_where_there_are_tags_brackets_do_not_count() -> None:
    lines = marked("Entity=(e1-person-1)|NER=O", "NER=B-LOC|Entity=(e2-time-1)")
    assert ents(*lines) == [("b", "LOC")]


@pytest.mark.parametrize(
    ("misc", "message"),
    [
        ("NER=PERSON", "Line 1 of x.conllu has NER=PERSON; tags are O, or B-"),
        ("Entity=PERSON", "Line 1 of x.conllu has Entity=PERSON, which is not in brackets"),
        ("Entity=e1)", "Line 1 of x.conllu closes 'e1', which nothing has opened"),
        ("Entity=(e1-person-1", "Line 1 of x.conllu opens 'e1-person-1', which nothing closes"),
    ],
)
def test_entities_that_are_written_wrongly_say_where(misc: str, message: str) -> None:
    with pytest.raises(CorpusError, match=re.escape(message)):
        read(row("1", "a", misc=misc), row("2", "b", misc="Entity=(e9-person)"), "")


def test_a_document_without_entities_has_none_where_its_file_has_some() -> None:
    rest = ["# newdoc", *marked("_")]
    first, second = read(*marked("NER=B-PER"), *rest)
    assert first[1].ents == ["B-PER"]
    assert second[1].ents == ["O"]
    assert [gold.ents for _, gold in read(*marked("_"), *rest)] == [None, None]
    assert [gold.ents for _, gold in read(*marked("Entity=(1)"), *rest)] == [None, None]
    assert [gold.ents for _, gold in read(*marked("NER=O"), *rest)] == [["O"], ["O"]]


def test_rules_see_entities() -> None:
    view = gold_view("A", "lic", "e", " sl", "eeps", gold=one(*ALICE))
    assert SpacyToken(ent_type="PER").labels(view).tolist() == [1, 1, 1, 0, 0]
    none = SpacyPattern([{"ENT_TYPE": {"IN": ["ORG", "LOC"]}}])
    assert not none.labels(view).any()
    last = SpacyPattern([{"ENT_IOB": 3}, {"POS": "VERB"}], label=0, tokens="last")
    assert last.labels(view).tolist() == [0, 0, 1, 0, 0]


ALICE = (row("1", "Alice", "PROPN", misc="NER=B-PER"), row("2", "sleeps", "VERB"), "")


# --- corpora -------------------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    lines = [*FRENCH, "# newdoc", row("1", "Dors", "VERB", "0", "root"), ""]
    (tmp_path / "fr.conllu").write_bytes("\r\n".join(lines).encode())
    return tmp_path / "fr.conllu"


def documents(path: Path) -> list[Document]:
    return list(resolve(str(path)).documents())


def test_a_conllu_file_is_a_corpus(corpus: Path) -> None:
    first, second = documents(corpus)
    assert (first.id, first.text) == ("fr.conllu:french", "Le chat du  voisin dort.")
    assert (second.id, second.text) == ("fr.conllu:#2", "Dors")
    assert first.gold is not None


def test_a_docbin_is_a_corpus(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = nlp("Zoé sees  cats.\n")
    doc[0].pos_, doc[2].lemma_ = "PROPN", "space"
    doc.ents = [doc.char_span(0, 3, label="PERSON")]
    other = Doc(nlp.vocab, words=["We", "see"], heads=[1, 1], deps=["nsubj", "ROOT"])
    DocBin(docs=[doc, other]).to_disk(tmp_path / "a.spacy")
    first, second = documents(tmp_path)
    assert (first.id, first.text, second.id) == ("a.spacy:1", "Zoé sees  cats.\n", "a.spacy:2")
    again = DocumentDocs(first.text, first.gold).doc("gold")
    assert [word.pos_ for word in again] == [word.pos_ for word in doc]
    assert [(ent.text, ent.label_) for ent in again.ents] == [("Zoé", "PERSON")]
    assert [word.text for word in again] == [word.text for word in doc]
    assert second.gold is not None
    assert [word.head.text for word in gold_doc(second.gold)] == ["see", "see"]


def test_a_docbin_whose_heads_go_round_in_a_circle_is_refused(tmp_path: Path) -> None:
    doc = Doc(spacy.blank("en").vocab, words=["a", "b"], heads=[0, 0], deps=["ROOT", "dep"])
    made = DocBin(docs=[doc])
    made.tokens[0] = made.tokens[0].copy()
    made.tokens[0][0, made.attrs.index(HEAD)] = 1
    path = tmp_path / "circle.spacy"
    path.write_bytes(made.to_bytes())
    with pytest.raises(CorpusError, match="heads of the word 'a' in 'a b ' go round in a circle"):
        list(resolve(str(path)).documents())


def test_a_file_that_is_no_docbin_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.spacy").write_bytes(b"text")
    with pytest.raises(CorpusError, match=r"a.spacy is not what spaCy's DocBin writes"):
        documents(tmp_path)


def test_annotation_enters_the_fingerprint(corpus: Path) -> None:
    before = measure(resolve(str(corpus)))
    corpus.write_bytes(corpus.read_bytes().replace(b"nmod", b"obj"))
    after = measure(resolve(str(corpus)))
    assert before.documents == after.documents
    assert before.fingerprint != after.fingerprint


def test_shards_with_other_entities_are_others(corpus: Path, tmp_path: Path) -> None:
    """What an earlier reading of the same text left in the cache is not found again."""
    rule = SpacyToken(ent_type="ANIMAL")
    cache, source = Cache(tmp_path / "cache"), resolve_model("py-gelu-1l")
    before = ShardStore(str(corpus), source, cache, Window(64, None))
    with pytest.raises(AnnotationError, match="has no entities"):
        rule.labels(before.add(tuple(documents(corpus))).view(0))
    untagged = b"|Number=Sing\t6\tnsubj\t_\t_"
    corpus.write_bytes(corpus.read_bytes().replace(untagged, untagged[:-1] + b"NER=B-ANIMAL"))
    after = ShardStore(str(corpus), source, cache, Window(64, None))
    assert rule.labels(after.add(tuple(documents(corpus))).view(0)).any()
    assert before.keys != after.keys
    assert before.fingerprint != after.fingerprint


def test_shards_keep_annotation(corpus: Path, tmp_path: Path) -> None:
    source = resolve_model("py-gelu-1l")
    store = ShardStore(str(corpus), source, Cache(tmp_path / "cache"), Window(64, None))
    made = store.add(tuple(documents(corpus)))
    again = store.load(0)
    assert again.documents == made.documents
    rule = SpacyToken(pos="NOUN")
    assert rule.labels(made.view(0)).sum() >= 2
    assert np.array_equal(rule.labels(made.view(0)), rule.labels(again.view(0)))


# --- rules on gold annotation --------------------------------------------------------------------


def gold_view(*tokens: str, gold: Gold) -> TokenView:
    ends = np.cumsum([len(token) for token in tokens], dtype=np.int32)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int32)
    text = "".join(tokens)
    return TokenView(text, starts, ends, docs=DocumentDocs(text, gold.to_bytes()))


PIECES = ("Le", " ch", "at", " du", "  vois", "in", " dort", ".")
SUBJECT = [
    {"RIGHT_ID": "verb", "RIGHT_ATTRS": {"POS": "VERB"}},
    {"LEFT_ID": "verb", "REL_OP": ">", "RIGHT_ID": "subject", "RIGHT_ATTRS": {"DEP": "nsubj"}},
]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (SpacyToken(pos="NOUN"), [" ch", "at", "  vois", "in"]),
        (SpacyToken(pos="NOUN", pipeline="gold", tokens="last"), ["at", "in"]),
        (
            SpacyPattern([{"POS": "ADP"}, {"IS_SPACE": True, "OP": "?"}, {"POS": "NOUN"}], label=2),
            ["  vois", "in"],
        ),
        (SpacyPhrase(["dormir"], attr="LEMMA"), [" dort"]),
        (SpacyTree(SUBJECT, label="subject"), [" ch", "at"]),
        (SpacyToken(is_title=True), ["Le"]),
    ],
)
def test_rules_need_no_pipeline_where_there_is_gold(rule: Predicate, expected: list[str]) -> None:
    view = gold_view(*PIECES, gold=one(*FRENCH))
    assert [PIECES[place] for place in np.flatnonzero(rule.labels(view))] == expected


def test_contractions_have_the_norms_that_a_tokenizer_gives_them() -> None:
    text = "They don't, he can't: I'm gonna go. Let's see, it's Tom's."
    made = spacy.blank("en")(text)
    gold = gold_doc(Gold.of(made).to_bytes())
    assert [(word.text, word.norm_) for word in gold] == [(w.text, w.norm_) for w in made]
    apart = gold_doc(Gold(["ca", "n't"], [True, False]).to_bytes())
    assert [word.norm_ for word in apart] == ["ca", "n't"]


def test_dependencies_follow_gold_trees() -> None:
    target = SpacyDependency(SUBJECT, query="verb", key="subject")
    assert target.edges(gold_view(*PIECES, gold=one(*FRENCH))).pairs == [(6, 1), (6, 2)]


def test_a_named_pipeline_is_asked_in_spite_of_gold() -> None:
    view = gold_view("12", "3", gold=Gold(words=["12", "3"], spaces=[False, False]))
    first = SpacyToken(like_num=True, tokens="first")
    assert first.labels(view).tolist() == [1, 1]
    blank = SpacyToken(like_num=True, tokens="first", pipeline="blank:en")
    assert blank.labels(view).tolist() == [1, 0]


def test_gold_annotation_that_lacks_something_says_so() -> None:
    view = gold_view("A", " b", gold=one(row("1", "A", "X"), row("2", "b", "X")))
    with pytest.raises(
        AnnotationError, match=r"gold annotation has no entities .*; it has parts of"
    ):
        SpacyToken(ent_type="PERSON").labels(view)

"""Corpora of tokens: what is drawn, how it reads, and what a wrong URI is told."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi_hypotheses.cache import Cache
from mi_hypotheses.corpora import BindableCorpus, Corpus, FileCorpus, Fingerprint, measure, resolve
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.errors import CorpusError
from mi_hypotheses.hypotheses import Fires, Neuron
from mi_hypotheses.predicates import Regex
from mi_hypotheses.targets import AfterPrevious
from mi_hypotheses.text import Document, TokenView
from mi_hypotheses.token_corpora import RepeatedTokens, parse
from mi_hypotheses.tokenizing import SymbolTokenizer, Tokenizer, exact_encoding
from mi_hypotheses.weights import PRETRAINED
from tests.planted import PLANTED, planted_model

BPE = Tokenizer.from_file(PRETRAINED / "tokenizer.json", bos_id=0)
SYMBOLS = SymbolTokenizer(("BOS", "a", "b", "c", "="), bos_id=0)


def documents(uri: str, tokenizer: Tokenizer | SymbolTokenizer = BPE) -> list[Document]:
    corpus = resolve(uri)
    assert isinstance(corpus, BindableCorpus)
    return list(corpus.bind(tokenizer).documents())


def ids(document: Document) -> tuple[int, ...]:
    assert document.ids is not None
    return document.ids


def error(uri: str, tokenizer: Tokenizer | SymbolTokenizer = BPE) -> str:
    with pytest.raises(CorpusError) as caught:
        documents(uri, tokenizer)
    return str(caught.value)


# -- what is drawn -------------------------------------------------------------------------------


def test_documents_are_random_tokens_repeated() -> None:
    made = documents("tokens:repeated")
    assert len(made) == 256
    assert len({document.id for document in made}) == 256
    for document in made:
        once = ids(document)[: len(ids(document)) // 2]
        assert ids(document) == once * 2
        assert len(set(once)) == len(once)
        assert 0 not in once
    lengths = {len(ids(document)) // 2 for document in made}
    assert (min(lengths), max(lengths)) == (32, 96)


def test_induction_has_one_key_for_each_token_of_the_second_copy() -> None:
    [document, *_] = documents("tokens:repeated?length=20")
    encoding = exact_encoding(ids(document), document.tokens or ())
    view = TokenView(document.text, encoding.starts, encoding.ends, encoding.ids)
    assert AfterPrevious().edges(view).pairs == [(q, q - 19) for q in range(20, 40)]


def test_the_same_tokens_are_drawn_on_every_machine() -> None:
    first, second = documents("tokens:repeated?documents=2&length=6&repeats=1&seed=3")
    assert (first.id, second.id) == ("repeated:0", "repeated:1")
    assert ids(first) == (1623, 1447, 1816, 1220, 775, 13)
    assert ids(second) == (580, 29, 1554, 439, 45, 959)


def test_a_document_is_the_same_however_many_there_are() -> None:
    few = documents("tokens:repeated?documents=3&length=8")
    many = documents("tokens:repeated?documents=9&length=8")
    assert [ids(document) for document in few] == [ids(document) for document in many[:3]]
    assert [document.id for document in few] == [document.id for document in many[:3]]
    assert ids(few[0]) != ids(documents("tokens:repeated?documents=1&length=8&seed=1")[0])


def test_every_token_is_as_likely_as_any_other() -> None:
    made = documents("tokens:repeated?documents=4000&length=5&repeats=1&vocabulary=100-119")
    counts = Counter(itertools.chain.from_iterable(map(ids, made)))
    assert set(counts) == set(range(100, 120))
    assert max(abs(count - 1000) for count in counts.values()) < 5 * np.sqrt(1000)
    places = Counter(ids(document)[4] for document in made)
    assert max(abs(count - 200) for count in places.values()) < 5 * np.sqrt(200)


def test_tokens_come_again_within_a_copy_only_where_there_are_too_few() -> None:
    made = documents("tokens:repeated?documents=20&length=10&repeats=1&vocabulary=50-59")
    assert all(sorted(ids(document)) == list(range(50, 60)) for document in made)
    made = documents("tokens:repeated?documents=20&length=11&repeats=1&vocabulary=50-59")
    assert all(set(ids(document)) <= set(range(50, 60)) for document in made)


def test_special_tokens_are_never_drawn() -> None:
    made = documents("tokens:repeated?documents=50&length=9&repeats=1&vocabulary=0-9")
    assert all(sorted(ids(document)) == list(range(1, 10)) for document in made)


def test_symbols_are_drawn_but_for_bos() -> None:
    made = documents("tokens:repeated?documents=9&length=4&repeats=3", SYMBOLS)
    for document in made:
        assert sorted(ids(document)[:4]) == [1, 2, 3, 4]
        assert document.tokens == SYMBOLS.pieces(ids(document))
        assert document.text == "".join(document.tokens)


def test_documents_that_come_out_equal_are_read_once() -> None:
    corpus = resolve("tokens:repeated?documents=40&length=1").bind(SYMBOLS)
    assert len(list(corpus.documents())) == 4
    assert corpus.skipped == {"duplicate": 36}


@given(
    length=st.integers(1, 40),
    repeats=st.integers(1, 4),
    seed=st.integers(0, 2**63 - 1),
    low=st.integers(1, 2000),
    width=st.integers(1, 47),
)
def test_tokens_have_their_own_stretch_of_the_text(
    length: int, repeats: int, seed: int, low: int, width: int
) -> None:
    recipe = RepeatedTokens(1, (length, length), repeats, seed, (low, low + width))
    [entry] = recipe.entries("tokens:repeated", BPE)
    assert entry.ids is not None
    assert entry.tokens is not None
    assert len(entry.ids) == length * repeats
    assert entry.ids == entry.ids[:length] * repeats
    assert len(set(entry.ids[:length])) == length or length > width + 1
    assert "" not in entry.tokens
    assert "".join(entry.tokens) == entry.text
    for token, piece in zip(entry.ids, entry.tokens, strict=True):
        assert piece == (BPE.decode([token]) or "\ufffd")


# -- the corpus ----------------------------------------------------------------------------------


def test_a_corpus_of_tokens_is_a_corpus() -> None:
    unbound = resolve("tokens:repeated?documents=3")
    assert isinstance(unbound, Corpus)
    bound = unbound.bind(BPE)
    assert isinstance(bound, Corpus)
    assert bound.uri == unbound.uri == "tokens:repeated?documents=3"
    assert {document.corpus for document in bound.documents()} == {bound.uri}
    assert measure(bound) == measure(unbound.bind(BPE))


def test_without_a_model_there_are_no_documents() -> None:
    with pytest.raises(CorpusError, match="has no documents without one"):
        resolve("tokens:repeated").documents()


def test_fingerprints_tell_ids_apart() -> None:
    made = {
        fingerprint(Document("d", "c", "ab", tokens, ids))
        for tokens in (("a", "b"), ("ab",), None)
        for ids in ((1, 2), (2, 1), (7,), None)
        if ids is None or len(ids) == len(tokens or ())
    }
    assert len(made) == 3 + 2 + 1


def fingerprint(document: Document) -> str:
    made = Fingerprint()
    made.update(document)
    return made.hexdigest()


def test_a_named_corpus_can_be_made_of_tokens(tmp_path: Path) -> None:
    source = "tokens:repeated?documents=40&length=5"
    (tmp_path / "induction.toml").write_text(
        f'source = "{source}"\ndescription = "Repeats."\nlicence = "ours"\n[filter]\nshare = 0.5\n'
    )
    corpus = resolve("induction", named_dirs=[tmp_path])
    assert isinstance(corpus, BindableCorpus)
    made = list(corpus.bind(BPE).documents())
    assert {document.corpus for document in made} == {"induction"}
    assert 5 < len(made) < 35
    whole = {document.id: document.ids for document in documents(source)}
    assert all(whole[document.id] == document.ids for document in made)


def test_a_named_corpus_of_files_needs_no_binding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "mine.toml").write_text('source = "a.txt"\ndescription = "A."\nlicence = "ours"\n')
    corpus = resolve("mine", named_dirs=[tmp_path])
    assert isinstance(corpus, BindableCorpus)
    assert corpus.bind(BPE) is corpus
    assert not isinstance(resolve(str(tmp_path / "a.txt")), BindableCorpus)
    assert isinstance(resolve(str(tmp_path / "a.txt")), FileCorpus)


# -- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("tokens:repeatd", "no tokens 'repeatd'.*Did you mean 'repeated'"),
        ("tokens:", "no tokens ''.*Available: repeated"),
        ("token:repeated", "no kind of corpus 'token:'.*Did you mean 'tokens:'"),
        ("tokens:repeated#docstrings", "has no docstrings"),
        ("tokens:repeated?lenght=3", "no option 'lenght'. Did you mean 'length'"),
        ("tokens:repeated?", "no option ''. Available: documents, length"),
        ("tokens:repeated?seed=1&", "no option ''"),
        ("tokens:repeated?seed", "gives 'seed' no value"),
        ("tokens:repeated?seed=1&seed=1", "gives the option 'seed' twice"),
        ("tokens:repeated?vocabulary=1-9&vocabulary=1-9", "'vocabulary' twice"),
        ("tokens:repeated?length=", "length=: it takes a whole number from 1"),
        ("tokens:repeated?length=ten", "length=ten: it takes a whole number from 1"),
        ("tokens:repeated?length=1.5", "length=1.5: it takes"),
        ("tokens:repeated?length=٣", "it takes a whole number"),
        ("tokens:repeated?length=9-5", "length=9-5: the least comes first"),
        ("tokens:repeated?length=0-5", "length=0: it takes a whole number from 1"),
        ("tokens:repeated?length=0", "length=0: it takes a whole number from 1"),
        ("tokens:repeated?repeats=0", "repeats=0: it takes a whole number from 1"),
        ("tokens:repeated?documents=-1", "documents=-1: it takes a whole number from 1"),
        ("tokens:repeated?documents=9999999999", "to 1000000"),
        ("tokens:repeated?seed=-1", "seed=-1: it takes a whole number from 0"),
        ("tokens:repeated?vocabulary=7", "vocabulary=7: it takes two token ids"),
        ("tokens:repeated?vocabulary=9-7", "from 9 to 7.*goes from 0 to 2047"),
        ("tokens:repeated?vocabulary=9-2048", "from 9 to 2048.*goes from 0 to 2047"),
        ("tokens:repeated?vocabulary=9-9", "from 9 to 9 1 can be drawn"),
        ("tokens:repeated?vocabulary=0-1", "from 0 to 1 1 can be drawn"),
        ("tokens:repeated?vocabulary=0-0", "from 0 to 0 none can be drawn"),
    ],
)
def test_a_uri_that_cannot_be_served_is_an_error_that_says_why(uri: str, message: str) -> None:
    found = error(uri)
    with pytest.raises(CorpusError, match=message):
        raise CorpusError(found)
    assert "\n" not in found


def test_a_vocabulary_of_bos_and_one_symbol_is_too_small() -> None:
    said = error("tokens:repeated", SymbolTokenizer(("BOS", "a"), bos_id=0))
    assert "of the 2 tokens that the model knows 1 can be drawn" in said


def test_options_are_read_in_any_order() -> None:
    found = parse("tokens:repeated?vocabulary=100-2000&seed=4&documents=7&repeats=3&length=5")
    assert found == RepeatedTokens(7, (5, 5), 3, 4, (100, 2000))
    assert parse("tokens:repeated") == RepeatedTokens()


# -- end to end ----------------------------------------------------------------------------------


def test_a_model_is_scored_on_the_very_tokens(tmp_path: Path) -> None:
    claim = Fires(
        name="hash",
        claim="Fires on '#'.",
        model=str(planted_model(tmp_path / "planted")),
        unit=Neuron(layer=0, index=PLANTED),
        on=Regex("#"),
        corpora=["tokens:repeated?documents=150&length=12&repeats=3&vocabulary=1-40"],
        expect={"f1": 0.99},
    )
    cache = Cache(tmp_path / "cache")
    reports = [run([claim], options=RunOptions(device="cpu"), cache=cache) for _ in range(2)]
    for report in reports:
        [result], [read] = report.results, report.corpora
        assert result.verdict.status == "supported", result.verdict
        assert result.scores["f1"].value == 1
        assert (read.n_documents, read.n_tokens) == (150, 150 * 36)
        assert read.excluded == {}
        assert {example.tokens[example.focus].text for example in result.examples.top} == {"#"}
    assert reports[0].corpora == reports[1].corpora


def test_a_vocabulary_that_is_not_there_fails_the_hypothesis_alone(tmp_path: Path) -> None:
    claim = Fires(
        name="hash",
        claim="Fires on '#'.",
        model=str(planted_model(tmp_path / "planted")),
        unit=Neuron(layer=0, index=PLANTED),
        on=Regex("#"),
        corpora=["tokens:repeated?vocabulary=1-4000"],
        expect={"f1": 0.99},
    )
    report = run([claim], options=RunOptions(device="cpu"), cache=Cache(tmp_path / "cache"))
    [result] = report.results
    assert result.verdict.status == "error"
    assert "goes from 0 to 256" in json.dumps(result.verdict.reasons)

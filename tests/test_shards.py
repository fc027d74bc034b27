"""Shards keep documents and their tokens, through the cache and back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi_hypotheses.cache import Cache
from mi_hypotheses.corpora import resolve
from mi_hypotheses.errors import CorpusError, ModelError
from mi_hypotheses.links import Translation
from mi_hypotheses.models import ModelSource
from mi_hypotheses.reports import ModelInfo
from mi_hypotheses.shards import Shard, ShardStore, Window
from mi_hypotheses.text import Document, GoldLink
from mi_hypotheses.tokenizing import SymbolTokenizer, Tokenizer
from mi_hypotheses.weights import PRETRAINED
from tests.test_text import texts

BPE = Tokenizer.from_file(PRETRAINED / "tokenizer.json", bos_id=0)
SYMBOLS = SymbolTokenizer(("BOS", "left", "=", "右", " "), bos_id=0)
CORPUS = "some corpus"
ROOT = Path(__file__).parent.parent


def store(cache: Cache, tokenizer: Tokenizer | SymbolTokenizer = BPE) -> ShardStore:
    def no_model(device: str, dtype: str) -> object:
        raise AssertionError(device, dtype)

    info = ModelInfo(
        reference="none",
        fingerprint="none",
        tokenizer_fingerprint=tokenizer.fingerprint,
        n_layers=1,
        d_model=1,
        d_mlp=1,
        n_heads=1,
        n_ctx=9,
        act_fn="relu",
        causal=True,
    )
    source = ModelSource("none", info, 0, lambda: tokenizer, no_model)  # type: ignore[arg-type] # never called
    return ShardStore(CORPUS, source, cache, Window(length=8, bos_id=0))


@pytest.fixture(scope="module")
def cache() -> Iterator[Cache]:
    with tempfile.TemporaryDirectory() as directory:
        yield Cache(Path(directory))


pieces = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)


@st.composite
def exact_documents(draw: st.DrawFn, name: str) -> Document:
    tokens = tuple(draw(st.lists(pieces, min_size=1, max_size=12)))
    ids = tuple(draw(st.integers(0, BPE.size - 1)) for _ in tokens)
    return Document(name, CORPUS, "".join(tokens), tokens, ids)


@st.composite
def link_lists(draw: st.DrawFn, text: str) -> tuple[GoldLink, ...]:
    places = st.integers(0, len(text))
    spans = st.tuples(places, places).filter(lambda span: span[0] < span[1])
    names = st.sampled_from(["translation", "coreference"]) | st.text(max_size=3)
    count = draw(st.integers(0, 3)) if text else 0
    return tuple(GoldLink(draw(names), draw(spans), draw(spans)) for _ in range(count))


@st.composite
def document_lists(draw: st.DrawFn) -> tuple[Document, ...]:
    """Texts, lists of strings and lists of ids, side by side."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        name = f"{number} {draw(texts)}"
        tokens = draw(st.none() | st.lists(pieces, max_size=4).map(tuple))
        text = draw(texts) if tokens is None else "".join(tokens)
        plain = Document(name, CORPUS, text, tokens)
        document = draw(st.just(plain) | exact_documents(name))
        made.append(replace(document, links=draw(link_lists(document.text))))
    return tuple(made)


@given(document_lists())
def test_documents_come_back_from_the_cache_as_they_were(
    cache: Cache, documents: tuple[Document, ...]
) -> None:
    first = store(cache)
    added, loaded = first.add(documents), first.load(0)
    again = store(cache).add(documents)  # from the cache as well
    for shard in (added, loaded, again):
        assert shard.documents == documents
        assert shard.key == added.key
        for index, document in enumerate(documents):
            assert_exact(shard, index, document)


def assert_exact(shard: Shard, index: int, document: Document) -> None:
    view = shard.view(index)
    assert view.text == document.text
    assert view.links == document.links
    if document.ids is None:
        [encoding] = BPE.encode([document.text])
        assert view.ids is not None
        assert view.ids.tolist() == encoding.ids.tolist()
    else:
        assert view.ids is not None
        assert tuple(view.ids.tolist()) == document.ids
        assert tuple(view.strings) == document.tokens
        assert (view.starts < view.ends).all()


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=9), min_size=1, max_size=3))
def test_symbols_come_back_from_the_cache_as_they_were(
    cache: Cache, lists: list[list[int]]
) -> None:
    documents = []
    for number, ids in enumerate(lists):
        tokens = SYMBOLS.pieces(ids)
        given_ids = tuple(ids) if number % 2 else None
        documents.append(Document(str(number), CORPUS, "".join(tokens), tokens, given_ids))
    made = store(cache, SYMBOLS)
    made.add(tuple(documents))
    shard = made.load(0)
    assert shard.documents == tuple(documents)
    for number, ids in enumerate(lists):
        view = shard.view(number)
        assert view.ids is not None
        assert view.ids.tolist() == ids
        assert tuple(view.strings) == SYMBOLS.pieces(ids)


def test_shards_with_other_ids_are_other_shards(cache: Cache) -> None:
    keys = {
        store(cache).add((Document("d", CORPUS, "ab", tokens, ids),)).key
        for tokens, ids in [
            (None, None),
            (("a", "b"), None),
            (("a", "b"), (1, 2)),
            (("a", "b"), (2, 1)),
            (("ab",), (3,)),
        ]
    }
    assert len(keys) == 5


def test_shards_with_other_links_are_other_shards(cache: Cache) -> None:
    plain = Document("d", CORPUS, "a b")
    linked = replace(plain, links=(GoldLink("x", (2, 3), (0, 1)),))
    assert store(cache).add((plain,)).key != store(cache).add((linked,)).key
    assert store(cache).add((linked,)).view(0).links == linked.links


def test_translations_are_aligned_with_tokens(cache: Cache) -> None:
    made = store(cache)
    named = resolve("translations", named_dirs=[ROOT / "corpora"])
    made.add(tuple(named.documents()))
    shard = made.load(0)
    found = 0
    for index in range(len(shard.documents)):
        view = shard.view(index)
        edges = Translation().edges(view)
        asked = {query for query, _ in edges.pairs}
        french = view.text.index("\nFrench: ") + len("\nFrench: ")
        assert all(french <= view.ends[query] - 1 for query in asked)
        assert all(view.ends[key] <= french for _, key in edges.pairs)
        found += len(asked)
    assert found > 200


def test_ids_that_the_vocabulary_lacks_are_an_error(cache: Cache) -> None:
    for tokenizer in (BPE, SYMBOLS):
        for wrong in (tokenizer.size, -1):
            document = Document("d", CORPUS, "ab", ("a", "b"), (1, wrong))
            with pytest.raises(CorpusError, match=f"'d' .* has the token id {wrong}, which is not"):
                store(cache, tokenizer).add((document,))


def test_text_is_no_document_of_a_symbol_model(cache: Cache) -> None:
    with pytest.raises(ModelError, match="cannot split text"):
        store(cache, SYMBOLS).add((Document("d", CORPUS, "left="),))

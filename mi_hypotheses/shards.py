"""Documents become shards: whole documents with their tokens, the unit of work and of caching."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.annotation import DocumentDocs
from mi_hypotheses.cache import Cache, key_of
from mi_hypotheses.corpora import Fingerprint
from mi_hypotheses.errors import CorpusError
from mi_hypotheses.memory import give_back
from mi_hypotheses.models import ModelSource
from mi_hypotheses.stats import Tokens
from mi_hypotheses.text import CALIBRATION_GROUPS, Docs, Document, GoldLink, TokenView, group_of
from mi_hypotheses.tokenizing import Encoding, SymbolTokenizer, Tokenizer, exact_encoding

SHARD_CHARACTERS = 200_000
GIVEN_BACK = 8  # shards, after which a pass gives back what it freed: to ask each time takes long


@dataclass(frozen=True)
class Window:
    """How documents are cut for the model, and which tokens are scored.

    `length` is the number of a document's own tokens in a window; BOS comes before them where
    the model was trained so (`bos_id` is not None). In windows after a document's first,
    tokens with fewer than `min_context` tokens before them are not scored.
    """

    length: int
    bos_id: int | None
    min_context: int = 0

    @property
    def settings(self) -> list[int | None]:
        """What the activations depend on."""
        return [self.length, self.bos_id]


@dataclass(frozen=True, eq=False)
class Shard:
    """Some whole documents and their tokens.

    `starts` and `ends` are character offsets within the token's own document; `offsets` says
    where in the token arrays each document begins, and ends with the number of tokens. `docs`
    are the documents' spaCy annotation, where it was prepared.
    """

    key: str
    documents: tuple[Document, ...]
    ids: NDArray[np.int32]  # [tokens]
    starts: NDArray[np.int32]  # [tokens]
    ends: NDArray[np.int32]  # [tokens]
    offsets: NDArray[np.int64]  # [documents + 1]
    window: Window = field(repr=False)
    seed: int = 0
    docs: tuple[Docs, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def document(self) -> NDArray[np.int32]:
        """The index of each token's document, [tokens]."""
        return np.repeat(np.arange(len(self.documents), dtype=np.int32), np.diff(self.offsets))

    @cached_property
    def position(self) -> NDArray[np.int32]:
        """Each token's index in its document, [tokens]."""
        return (np.arange(len(self)) - self.offsets[self.document]).astype(np.int32)

    @cached_property
    def window_position(self) -> NDArray[np.int64]:
        """Each token's index in its window, BOS not counted, [tokens]."""
        return self.position.astype(np.int64) % self.window.length

    @cached_property
    def window_number(self) -> NDArray[np.int64]:
        """The number of each token's window in the shard, [tokens]."""
        new = self.window_position == 0
        return np.cumsum(new) - 1

    @cached_property
    def window_size(self) -> NDArray[np.int64]:
        """The number of a document's own tokens in each token's window, [tokens]."""
        return np.bincount(self.window_number)[self.window_number]

    @cached_property
    def excluded(self) -> dict[str, NDArray[np.bool_]]:
        """Why tokens are not scored: reason → bool [tokens]; no token has two reasons."""
        unaligned = self.starts >= self.ends
        early = self.window_position < self.window.min_context
        early &= (self.position >= self.window.length) & ~unaligned
        return {"unaligned": unaligned, "min_context": early}

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """Which tokens are scored, [tokens]."""
        unaligned, early = self.excluded.values()
        return ~(unaligned | early)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """The group of each document, [documents]."""
        return np.array([group_of(d.id, seed=self.seed) for d in self.documents], dtype=np.int64)

    @cached_property
    def test(self) -> NDArray[np.bool_]:
        """Which of the scored tokens belong to test documents, [scored]."""
        return (self.groups >= CALIBRATION_GROUPS)[self.document[self.scored]]

    @cached_property
    def tokens(self) -> Tokens:
        """Where the scored tokens stand."""
        document, position = self.document[self.scored], self.position[self.scored]
        seeds = np.array([_seed64(d.id, self.seed) for d in self.documents], dtype=np.uint64)
        return Tokens(
            document_ids=tuple(d.id for d in self.documents),
            document=document,
            position=position,
            group=self.groups[document],
            rank=_mixed(seeds[document] + position.astype(np.uint64)),
        )

    def view(self, index: int) -> TokenView:
        """One document's text, token spans and links."""
        part = slice(self.offsets[index], self.offsets[index + 1])
        document = self.documents[index]
        starts, ends, ids = self.starts[part], self.ends[part], self.ids[part]
        return TokenView(
            document.text,
            starts,
            ends,
            ids,
            document.links,
            reach=self.window.length - 1,
            docs=self.docs[index] if self.docs else DocumentDocs(document.text, document.gold),
        )

    def windows(self) -> list[tuple[int, int]]:
        """(first token, number of tokens) of each window."""
        length = self.window.length
        return [
            (start, min(length, stop - start))
            for first, stop in zip(
                self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True
            )
            for start in range(first, stop, length)
        ]


def _seed64(document_id: str, seed: int) -> int:
    digest = hashlib.blake2b(f"{seed}:{document_id}".encode(), digest_size=8, person=b"rank")
    return int.from_bytes(digest.digest(), "little")


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijective hash of 64-bit integers: the finaliser of SplitMix64 (Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@dataclass
class ShardStore:
    """The shards of one corpus for one tokenizer: tokenised once, then read from the cache.

    `keys` lists the shards in order. Documents are kept with the tokens, so that later passes
    over the corpus need neither its files nor the memory for all of it; `reread` gives its
    shards once more, should the cache lose one.
    """

    corpus: str
    source: ModelSource
    cache: Cache
    window: Window
    seed: int = 0
    keys: list[str] = field(default_factory=list)
    n_documents: int = 0
    n_tokens: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    reread: Callable[[], Iterable[tuple[Document, ...]]] = field(default=tuple, repr=False)
    _fingerprint: Fingerprint = field(default_factory=Fingerprint, repr=False)

    @property
    def fingerprint(self) -> str:
        """Hash of ids, texts, links and gold annotation of all documents, in order; shard borders
        do not enter."""
        return self._fingerprint.hexdigest()

    def add(self, documents: tuple[Document, ...]) -> Shard:
        """Append a shard: tokenise its documents, or take the tokens from the cache."""
        for document in documents:
            self._fingerprint.update(document)
        key, arrays = self._tokenised(documents)
        shard = self._shard(key, documents, arrays)
        self.keys.append(key)
        self.n_documents += len(documents)
        self.n_tokens += len(shard)
        for reason, mask in shard.excluded.items():
            self.excluded[reason] += int(mask.sum())
        return shard

    def _tokenised(self, documents: tuple[Document, ...]) -> tuple[str, Mapping[str, NDArray[Any]]]:
        """The shard's key and arrays, from the cache or made and put there."""
        content = Fingerprint()
        for document in documents:
            content.update(document)
        key = key_of("shard with gold", content.hexdigest(), self.source.tokenizer_fingerprint)
        arrays: Mapping[str, NDArray[Any]] | None = self.cache.get(key)
        if arrays is None:
            arrays = {**_token_arrays(self._encode(documents)), **_document_arrays(documents)}
            self.cache.put(key, arrays)
        return key, arrays

    def __iter__(self) -> Iterator[Shard]:
        for index in range(len(self.keys)):
            yield self.load(index)
            if index % GIVEN_BACK == GIVEN_BACK - 1:
                give_back()

    def load(self, index: int) -> Shard:
        """A shard that was added before.

        Raises:
            CorpusError: the cache has lost it, and the corpus is no longer what it was.
        """
        arrays: Mapping[str, NDArray[Any]] | None = self.cache.get(self.keys[index])
        if arrays is None:
            documents = next(itertools.islice(self.reread(), index, None), ())
            key, arrays = self._tokenised(documents) if documents else ("", {})
            if key != self.keys[index]:
                raise CorpusError(f"The corpus {self.corpus!r} changed during the run. Run again.")
        return self._shard(self.keys[index], self._documents(arrays), arrays)

    def _shard(
        self, key: str, documents: tuple[Document, ...], arrays: Mapping[str, NDArray[Any]]
    ) -> Shard:
        ids, starts, ends, offsets = (arrays[x] for x in ("ids", "starts", "ends", "offsets"))
        return Shard(key, documents, ids, starts, ends, offsets, self.window, self.seed)

    def _documents(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[Document, ...]:
        written = json.loads(arrays["documents"].tobytes())
        texts = _cut_bytes(arrays["text"], arrays["text_offsets"])
        golds = _cut_bytes(arrays["gold"], arrays["gold_offsets"])
        return tuple(
            _document(fields, corpus=self.corpus, text=text.decode(), gold=gold or None)
            for fields, text, gold in zip(written, texts, golds, strict=True)
        )

    @cached_property
    def tokenizer(self) -> Tokenizer | SymbolTokenizer:
        """The model's tokenizer."""
        return self.source.tokenizer()

    def _encode(self, documents: tuple[Document, ...]) -> list[Encoding]:
        free = [document for document in documents if document.ids is None]
        encoded = iter(self._encode_text(free))
        return [next(encoded) if d.ids is None else self._exact(d) for d in documents]

    def _encode_text(self, documents: list[Document]) -> list[Encoding]:
        tokenizer = self.tokenizer
        if isinstance(tokenizer, SymbolTokenizer):
            return [
                tokenizer.encode([d.text])[0]
                if d.tokens is None
                else tokenizer.encode_symbols(d.tokens)
                for d in documents
            ]
        return tokenizer.encode([d.text for d in documents])

    def _exact(self, document: Document) -> Encoding:
        """The tokens of a document that has their ids."""
        ids, tokens = document.ids or (), document.tokens or ()
        unknown = np.setdiff1d(ids, self.tokenizer.known_ids)
        if len(unknown):
            raise CorpusError(
                f"The document {document.id!r} of the corpus {self.corpus!r} has the token id "
                f"{unknown[0]}, which is not in the model's vocabulary of {self.tokenizer.size} "
                "tokens."
            )
        return exact_encoding(ids, tokens)


def _token_arrays(encodings: list[Encoding]) -> dict[str, NDArray[Any]]:
    lengths = [len(encoding.ids) for encoding in encodings]
    return {
        "ids": np.concatenate([encoding.ids for encoding in encodings]),
        "starts": np.concatenate([encoding.starts for encoding in encodings]),
        "ends": np.concatenate([encoding.ends for encoding in encodings]),
        "offsets": np.cumsum([0, *lengths], dtype=np.int64),
    }


def _document_arrays(documents: tuple[Document, ...]) -> dict[str, NDArray[Any]]:
    texts = [document.text.encode() for document in documents]
    golds = [document.gold or b"" for document in documents]
    written = json.dumps([_fields(document) for document in documents]).encode()
    return {
        "documents": np.frombuffer(written, dtype=np.uint8),
        "text": np.frombuffer(b"".join(texts), dtype=np.uint8),
        "text_offsets": np.cumsum([0, *map(len, texts)], dtype=np.int64),
        "gold": np.frombuffer(b"".join(golds), dtype=np.uint8),
        "gold_offsets": np.cumsum([0, *map(len, golds)], dtype=np.int64),
    }


def _cut_bytes(joined: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[bytes]:
    content, cuts = joined.tobytes(), offsets.tolist()
    return [content[start:stop] for start, stop in itertools.pairwise(cuts)]


def _fields(document: Document) -> dict[str, Any]:
    """What a document has beside its corpus, text and gold annotation, as JSON."""
    fields: dict[str, Any] = {
        "id": document.id,
        "tokens": document.tokens,
        "ids": document.ids,
        "links": document.links or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _document(fields: Mapping[str, Any], *, corpus: str, text: str, gold: bytes | None) -> Document:
    """A document from its `_fields`."""
    tokens, ids = (
        None if fields.get(name) is None else tuple(fields[name]) for name in ("tokens", "ids")
    )
    links = tuple(
        GoldLink(name, (query[0], query[1]), (key[0], key[1]))
        for name, query, key in fields.get("links", ())
    )
    return Document(fields["id"], corpus, text, tokens, ids, links, gold)


def cut(
    documents: Iterable[Document], *, size: int = SHARD_CHARACTERS
) -> Iterator[tuple[Document, ...]]:
    """Shards of whole documents with about `size` characters."""
    shard: list[Document] = []
    characters = 0
    for document in documents:
        shard.append(document)
        characters += len(document.text)
        if characters >= size:
            yield tuple(shard)
            shard, characters = [], 0
    if shard:
        yield tuple(shard)

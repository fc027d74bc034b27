"""Documents annotated once: what a pipeline makes of a text is kept in the cache as a DocBin."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mi_hypotheses import pipelines
from mi_hypotheses.annotation import GOLD, DocumentDocs
from mi_hypotheses.cache import Cache, key_of
from mi_hypotheses.errors import AnnotationError
from mi_hypotheses.matching import Words
from mi_hypotheses.pipelines import Pipeline, pipeline
from mi_hypotheses.shards import Shard
from mi_hypotheses.text import TokenView

if TYPE_CHECKING:
    from spacy.tokens import Doc

Made = list["Doc | AnnotationError"]

_PLAIN = (str, int, float, bool, type(None))


class _Place(NamedTuple):
    """The entry of the cache that has a text's annotation, and which of its Docs that is."""

    key: str
    number: int


@dataclass
class DocStore:
    """Annotation by text and pipeline, whatever they are called and in whichever shard they are.

    `uncovered` counts the words, white space aside, that no token of the model shares a
    character with: no rule can label them. It is by pipeline, as are the `fingerprints`.
    """

    cache: Cache
    processes: int | None = None  # see `Pipeline.docs`
    uncovered: Counter[str] = field(default_factory=Counter)
    fingerprints: dict[str, str] = field(default_factory=dict)

    def annotated(self, shard: Shard, names: Iterable[str]) -> Shard:
        """The shard with what these pipelines (or `gold`) make of its documents."""
        texts = [document.text for document in shard.documents]
        made = {name: self._docs(name, texts) for name in sorted(names) if name != GOLD}
        docs = tuple(
            DocumentDocs(document.text, document.gold, {name: made[name][i] for name in made})
            for i, document in enumerate(shard.documents)
        )
        shard = dataclasses.replace(shard, docs=docs)
        for index in range(len(docs)):
            for name in names:
                self.uncovered[name] += _uncovered(shard.view(index), name)
        return shard

    def _docs(self, name: str, texts: list[str]) -> Made:
        """The annotation of each text, or why there is none; what is not kept is made together."""
        try:
            source = pipeline(name)
            self.fingerprints[name] = source.fingerprint
            index = key_of("docs by text", _code_hash(), source.fingerprint)
            made = self._kept(texts, index, source)
        except AnnotationError as error:
            return [error] * len(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in made]
        fresh = dict(zip(missing, self._fresh(missing, source), strict=True))
        self._keep(fresh, index)
        made |= fresh
        return [made[text] for text in texts]

    def _kept(
        self, texts: Iterable[str], index: str, source: Pipeline
    ) -> dict[str, Doc | AnnotationError]:
        """What the cache has, by text."""
        places = self._places(index)
        asked: dict[str, dict[int, str]] = defaultdict(dict)
        for text in dict.fromkeys(texts):
            if (place := places.get(_hash(text))) is not None:
                asked[place.key][place.number] = text
        found: dict[str, Doc | AnnotationError] = {}
        for key, wanted in asked.items():
            arrays = self.cache.get(key)
            docs = [] if arrays is None else _unpacked(arrays["docs"].tobytes(), source)
            found |= {wanted[n]: doc for n, doc in enumerate(docs) if n in wanted}
        return found

    def _keep(self, made: Mapping[str, Doc | AnnotationError], index: str) -> None:
        """Put annotation into one entry, and into the index where it is.

        What another process puts into the index at the same time may be lost; it is made anew.
        """
        good = {_hash(t): doc for t, doc in made.items() if not isinstance(doc, AnnotationError)}
        if not good:
            return
        key = key_of("docs", index, [*good])
        self.cache.put(key, {"docs": np.frombuffer(_packed(good.values()), dtype=np.uint8)})
        places = self._places(index) | {text: _Place(key, n) for n, text in enumerate(good)}
        self.cache.put(index, {"places": np.frombuffer(json.dumps(places).encode(), np.uint8)})

    def _places(self, index: str) -> dict[str, _Place]:
        """Where annotation is kept, by the hashes of texts."""
        arrays = self.cache.get(index)
        written = {} if arrays is None else json.loads(arrays["places"].tobytes())
        return {text: _Place(*place) for text, place in written.items()}

    def _fresh(self, texts: list[str], source: Pipeline) -> Made:
        if not texts:  # the pipeline need not even be loaded
            return []
        try:
            return source.docs(texts, processes=self.processes)
        except AnnotationError as error:
            return [error] * len(texts)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of the modules that run pipelines and keep what they make, so that nothing that an
    earlier version made is taken for theirs."""
    modules = (pipelines, sys.modules[__name__])
    return _hash("".join(inspect.getsource(module) for module in modules))


def _packed(docs: Iterable[Doc]) -> bytes:
    """Docs as bytes, with the values of extension attributes that are plain."""
    from spacy.tokens import DocBin

    packed = DocBin(store_user_data=True)
    for doc in docs:
        kept: dict[Any, Any] = dict(doc.user_data)
        doc.user_data = {key: x for key, x in kept.items() if isinstance(x, _PLAIN)}
        packed.add(doc)
        doc.user_data = kept
    return packed.to_bytes()


def _unpacked(content: bytes, source: Pipeline) -> list[Doc]:
    from spacy.tokens import DocBin

    return list(DocBin().from_bytes(content).get_docs(source.vocab))


def _uncovered(view: TokenView, name: str) -> int:
    """How many words no token of the model shares a character with."""
    assert view.docs is not None  # it was prepared
    if name == GOLD and not view.docs.has_gold:
        return 0
    try:
        words = Words(view.docs.doc(name))
    except AnnotationError:  # the rules that ask for it say so
        return 0
    covered = np.zeros(len(view.text) + 1, dtype=np.int64)
    np.add.at(covered, view.starts, 1)
    np.add.at(covered, view.ends, -1)
    visible = view.nonspace
    reached = np.concatenate([[0], np.cumsum(visible & (np.cumsum(covered[:-1]) > 0))])
    present = np.concatenate([[0], np.cumsum(visible)])
    has = present[words.ends] > present[words.starts]
    return int((has & (reached[words.ends] == reached[words.starts])).sum())

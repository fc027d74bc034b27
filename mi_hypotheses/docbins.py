"""Documents annotated once: what a pipeline makes of a shard is kept in the cache as a DocBin."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

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


@dataclass
class DocStore:
    """Annotation of shards by texts and pipeline, whatever they are called.

    `uncovered` counts the words, white space aside, that no token of the model shares a
    character with: no rule can label them. It is by pipeline.
    """

    cache: Cache
    processes: int | None = None  # see `Pipeline.docs`
    uncovered: Counter[str] = field(default_factory=Counter)

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
        """The annotation of each text, or why there is none."""
        try:
            source = pipeline(name)
            hashes = [_hash(text) for text in texts]
            key = key_of("docs", _code_hash(), hashes, source.fingerprint)
            arrays = self.cache.get(key)
            if arrays is not None:
                return list(_unpacked(arrays["docs"].tobytes(), source))
            docs = source.docs(texts, processes=self.processes)
        except AnnotationError as error:
            return [error] * len(texts)
        whole = [doc for doc in docs if not isinstance(doc, AnnotationError)]
        if len(whole) == len(texts):
            self.cache.put(key, {"docs": np.frombuffer(_packed(whole), dtype=np.uint8)})
        return docs


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of the modules that run pipelines and keep what they make, so that nothing that an
    earlier version made is taken for theirs."""
    modules = (pipelines, sys.modules[__name__])
    return _hash("".join(inspect.getsource(module) for module in modules))


def _packed(docs: list[Doc]) -> bytes:
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

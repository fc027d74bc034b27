"""A document's spaCy annotation: what a pipeline makes of it, or what its author has given.

A rule that names a pipeline gets that pipeline's annotation. A rule that names none takes the
gold annotation of a document that has one; of other documents it gets the words that `blank:en`
cuts, if it asks for no more.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from mi_hypotheses.errors import AnnotationError
from mi_hypotheses.pipelines import DEFAULT, NEEDS, hint, named, pipeline
from mi_hypotheses.text import TokenView

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

GOLD = "gold"


@dataclass(frozen=True)
class Gold:
    """Annotation by a document's author: the arguments of spaCy's `Doc`, for each word one value.

    The words and the spaces after them make up the text. What is None is not annotated.
    `heads` are indices of words; `ents` are IOB tags such as `B-PERSON`.
    """

    words: Sequence[str]
    spaces: Sequence[bool]
    pos: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    morphs: Sequence[str] | None = None
    lemmas: Sequence[str] | None = None
    heads: Sequence[int] | None = None
    deps: Sequence[str] | None = None
    sent_starts: Sequence[bool] | None = None
    ents: Sequence[str] | None = None

    @property
    def text(self) -> str:
        """The text that is annotated."""
        pairs = zip(self.words, self.spaces, strict=True)
        return "".join(word + " " * space for word, space in pairs)

    def to_bytes(self) -> bytes:
        """The annotation as JSON, the same for the same annotation."""
        columns = {name: value for name, value in vars(self).items() if value is not None}
        return json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def of(cls, doc: Doc) -> Gold:
        """What is annotated in spaCy's `Doc`, but for links to a knowledge base and groups of
        spans.

        Raises:
            ValueError: heads go round in a circle, which spaCy would follow for ever.
        """
        has = {need: doc.has_annotation(need) for need in NEEDS}
        if has["DEP"]:
            _check_trees(doc)
        return cls(
            words=[word.text for word in doc],
            spaces=[bool(word.whitespace_) for word in doc],
            pos=[word.pos_ for word in doc] if has["POS"] else None,
            tags=[word.tag_ for word in doc] if has["TAG"] else None,
            morphs=[str(word.morph) for word in doc] if has["MORPH"] else None,
            lemmas=[word.lemma_ for word in doc] if has["LEMMA"] else None,
            heads=[word.head.i for word in doc] if has["DEP"] else None,
            deps=[word.dep_ for word in doc] if has["DEP"] else None,
            sent_starts=[bool(word.is_sent_start) for word in doc]
            if has["SENT_START"] and not has["DEP"]
            else None,
            ents=[_iob(word) for word in doc] if has["ENT_IOB"] else None,
        )


def words_above(heads: Sequence[int | None]) -> list[int | None]:
    """How many words stand above each in its tree; None for those that no root stands above.

    Args:
        heads: the index of each word's head, None for roots.
    """
    below: dict[int | None, list[int]] = defaultdict(list)
    for word, head in enumerate(heads):
        below[head].append(word)
    above: list[int | None] = [None] * len(heads)
    level, depth = below[None], 0
    while level:
        for word in level:
            above[word] = depth
        level, depth = [each for word in level for each in below[word]], depth + 1
    return above


def _check_trees(doc: Doc) -> None:
    above = words_above([None if word.head.i == word.i else word.head.i for word in doc])
    lost = [word for word, count in zip(doc, above, strict=True) if count is None]
    if lost:
        raise ValueError(
            f"the heads of the word {lost[0].text!r} in {doc.text[:40]!r} go round in a circle"
        )


def _iob(word: Token) -> str:
    inside = word.ent_iob_ in ("B", "I") and word.ent_type_
    return f"{word.ent_iob_}-{word.ent_type_}" if inside else word.ent_iob_.replace("B", "O")


def read_docbin(content: bytes) -> list[Gold]:
    """The annotation in the file that spaCy's DocBin writes; errors are spaCy's own."""
    from spacy.tokens import DocBin

    docs = DocBin().from_bytes(content).get_docs(pipeline(DEFAULT).vocab)
    return [Gold.of(doc) for doc in docs]


def gold_doc(gold: bytes) -> Doc:
    """Gold annotation as spaCy has it; lexical attributes are those of English."""
    from spacy.tokens import Doc

    columns: dict[str, Any] = json.loads(gold)
    doc = Doc(pipeline(DEFAULT).vocab, **columns)
    _set_norms(doc)
    return doc


def _set_norms(doc: Doc) -> None:
    """Give the pieces of contractions the norms that spaCy's tokenizer gives them."""
    known, texts = _contractions(), [word.text for word in doc]
    spaces = [bool(word.whitespace_) for word in doc]
    longest, start = max(map(len, known)), 0
    while start < len(texts):
        sizes = range(min(longest, len(texts) - start), 0, -1)
        cuts = (
            tuple(texts[start : start + n]) for n in sizes if not any(spaces[start : start + n - 1])
        )
        cut = next((cut for cut in cuts if cut in known), None)
        for word, norm in zip(doc[start:], known[cut] if cut else (), strict=False):
            word.norm_ = norm or word.norm_
        start += len(cut) if cut else 1


@lru_cache(maxsize=1)
def _contractions() -> dict[tuple[str, ...], tuple[str, ...]]:
    """The norms of words that the tokenizer of English cuts by a table, such as `do|n't`."""
    tokenizer: Any = pipeline(DEFAULT).language.tokenizer
    orth, norm = (tokenizer.vocab.strings[name] for name in ("ORTH", "NORM"))
    cuts = tokenizer.rules.values()
    return {tuple(x[orth] for x in cut): tuple(x.get(norm, "") for x in cut) for cut in cuts}


@dataclass(frozen=True, eq=False)
class DocumentDocs:
    """The annotation of one document, by pipeline; what is not `made` is made when asked for."""

    text: str
    gold: bytes | None = None
    made: Mapping[str, Doc | AnnotationError] = field(default_factory=dict)

    @property
    def has_gold(self) -> bool:
        """Whether the document came with annotation."""
        return self.gold is not None

    def doc(self, name: str) -> Doc:
        """The annotation by the pipeline of that name, or by the document's author (`gold`).

        Raises:
            AnnotationError: there is none.
        """
        if name == GOLD:
            if self.gold is None:
                raise AnnotationError(
                    "the document has no gold annotation: .conllu and .spacy files have"
                )
            return self._gold_doc
        made = self.made[name] if name in self.made else parsed(self.text, name)
        if isinstance(made, AnnotationError):
            raise made
        return made

    @cached_property
    def _gold_doc(self) -> Doc:
        return gold_doc(self.gold or b"")


@lru_cache(maxsize=8)
def parsed(text: str, name: str) -> Doc | AnnotationError:
    """What a pipeline makes of a text, here and now."""
    return pipeline(name).docs([text])[0]


def check_needs(name: str | None, needs: frozenset[str]) -> None:
    """Raise AnnotationError where a named pipeline is not there or lacks what is needed."""
    if name is not None and name != GOLD:
        pipeline(name).check(needs)


def pipelines_for(name: str | None, needs: frozenset[str]) -> frozenset[str]:
    """Whose annotation a rule asks for that names this pipeline, or none."""
    return frozenset({name or (GOLD if needs else DEFAULT)})


def doc_of(view: TokenView, name: str | None, needs: frozenset[str]) -> Doc:
    """The annotation of a document that a rule is to be matched on.

    Raises:
        AnnotationError: it cannot be had, or lacks what the rule needs.
    """
    docs = view.docs or DocumentDocs(view.text)
    if name is None:
        if not docs.has_gold and needs:
            raise AnnotationError(
                f"the rule needs {named(needs)}, and the document has no gold annotation: say "
                "which pipeline makes it with pipeline= (mih score and mih scan: --pipeline). "
                f"{hint()}"
            )
        name = GOLD if docs.has_gold else DEFAULT
    doc = docs.doc(name)
    if name == GOLD:
        missing = [need for need in needs if not doc.has_annotation(need)]
        if missing:
            has = [NEEDS[need] for need in NEEDS if doc.has_annotation(need)]
            raise AnnotationError(
                f"the document's gold annotation has no {named(missing)}; it has "
                f"{', '.join(has) or 'words alone'}. Name a pipeline that makes it with pipeline="
            )
    return doc

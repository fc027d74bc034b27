"""Predicates behind the features of language that no pattern of spaCy's can say."""

from __future__ import annotations

from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from mi_hypotheses.annotation import doc_of
from mi_hypotheses.matching import Span, Words
from mi_hypotheses.predicates import CONFIG, Labels
from mi_hypotheses.spacy_rules import SpacyRule, SpanRule
from mi_hypotheses.text import Spans, TokenView, label_tokens

if TYPE_CHECKING:
    from spacy.tokens import Doc

_NO_WORDS = ("PUNCT", "SPACE")


@dataclass(frozen=True, config=CONFIG)
class FirstWord(SpanRule):
    """The first word of the phrase of every word with one of these relations to its head.

    The phrase is the word and all that hangs on it; punctuation before its first word is left out.
    """

    dep: tuple[str, ...] = Field(min_length=1)
    _: KW_ONLY
    kind: Literal["first_word"] = field(default="first_word", init=False, repr=False, kw_only=True)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"DEP", "POS"})

    def spans(self, doc: Doc) -> list[Span]:
        heads = [word for word in doc if word.dep_ in self.dep and word.pos_ not in _NO_WORDS]
        firsts = {
            min(word.i for word in head.subtree if word.pos_ not in _NO_WORDS) for head in heads
        }
        return Words(doc).of(np.array(sorted(firsts), dtype=np.int64))


@dataclass(frozen=True, config=CONFIG)
class PartOfSpeech(SpacyRule):
    """The part of speech of a token's word as a category; words of none of these have none."""

    names: tuple[str, ...] = Field(min_length=2)
    _: KW_ONLY
    kind: Literal["part_of_speech"] = field(
        default="part_of_speech", init=False, repr=False, kw_only=True
    )

    @property
    def categories(self) -> tuple[str, ...]:
        return self.names

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"POS"})

    def labels(self, view: TokenView) -> Labels:
        if not view.text.strip():
            return np.full(len(view), np.nan)
        doc = doc_of(view, self.pipeline, self.needs)
        numbers = {name: number for number, name in enumerate(self.names, start=1)}
        codes = np.array([numbers.get(word.pos_, 0) for word in doc])
        spans = Spans(Words(doc).of(codes > 0), codes[codes > 0], whitespace=self.whitespace)
        found = label_tokens(view, spans, tokens=self.tokens)
        return np.where(found > 0, found - 1, np.nan)

"""Predicates in spaCy's words: patterns of tokens, lists of phrases, attributes, dependencies.

All of them label the model's tokens that a word or a stretch of words is made of. Which
annotation they see, that of a pipeline or a document's own, `annotation` explains; what a rule
needs and its pipeline lacks is an error when the rule is written.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import KW_ONLY, field
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, SkipValidation
from pydantic.dataclasses import dataclass

from mi_hypotheses.annotation import check_needs, doc_of, pipelines_for
from mi_hypotheses.descriptions import call
from mi_hypotheses.errors import AnnotationError
from mi_hypotheses.matching import (
    Alternatives,
    Greedy,
    Patterns,
    Span,
    Words,
    alternatives,
    check_tokens,
    check_trees,
    check_values,
    copied,
    parts_of_speech,
    token_needs,
    token_spans,
    tree_needs,
    tree_words,
)
from mi_hypotheses.pipelines import needs_of
from mi_hypotheses.predicates import CONFIG, Labels, Predicate
from mi_hypotheses.text import Spans, TokenChoice, TokenView, label_tokens

if TYPE_CHECKING:
    from spacy.matcher import PhraseMatcher
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

PipelineName = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, config=CONFIG)
class SpacyRule(Predicate):
    """What all spaCy predicates share.

    Args:
        pipeline: an installed pipeline, the path of one, `blank:xx` for the words of a language
            alone, or `gold` for the annotation that came with the documents. Without it, gold
            where a document has it, and otherwise `blank:en`, which is enough for attributes of
            the words themselves.
        tokens: which of the model's tokens of a stretch count: `any` that shares a character
            with it, `all` those that lie in it, the `first`, the `last`.
        whitespace: let white space count as well.
    """

    _: KW_ONLY
    pipeline: PipelineName | None = None
    tokens: TokenChoice = "any"
    whitespace: bool = False

    @property
    def needs(self) -> frozenset[str]:
        """What has to be annotated: keys of `pipelines.NEEDS`."""
        return frozenset()

    @property
    def pipelines(self) -> frozenset[str]:
        return pipelines_for(self.pipeline, self.needs)

    @property
    def written(self) -> str:
        return call(self, show=_argument)

    def _check_pipeline(self) -> None:
        try:
            check_needs(self.pipeline, self.needs)
        except AnnotationError as error:
            raise ValueError(str(error)) from None


def _argument(value: object) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)


class SpanRule(SpacyRule):
    """A rule that labels the tokens of stretches of text."""

    @abstractmethod
    def spans(self, doc: Doc) -> list[Span]:
        """The stretches of the text that count, as characters."""

    def labels(self, view: TokenView) -> Labels:
        if not view.text.strip() and not self.whitespace:
            return np.zeros(len(view))
        spans = self.spans(doc_of(view, self.pipeline, self.needs))
        return label_tokens(view, Spans(spans, whitespace=self.whitespace), tokens=self.tokens)


@dataclass(frozen=True, config=CONFIG)
class SpacyPattern(SpanRule):
    """Words in a row, as spaCy's Matcher finds them.

        SpacyPattern([{"LOWER": {"IN": ["a", "an", "the"]}}, {"POS": "NOUN"}], label=1,
                     pipeline="en_core_web_sm")

    Where a token of a pattern may match more than once (`"OP": "+"`), spaCy finds every stretch
    that fits; `greedy` keeps the first or the longest of those that overlap, which is what
    `tokens="first"` and `"last"` want.

    Args:
        patterns: one pattern, a list of dicts with the attributes of one token each, or a list
            of such patterns, of which any may match.
        label: label only the words that this token of the pattern, counted from 0, stands for.
        greedy: of matches of one pattern that overlap keep the `first` or the `longest`.
        pipeline, tokens, whitespace: see `SpacyRule`.

    Raises:
        pydantic.ValidationError: spaCy does not take a pattern, or the pipeline lacks what it
            asks for.
    """

    patterns: SkipValidation[Patterns]
    _: KW_ONLY
    label: Annotated[int, Field(ge=0)] | None = None
    greedy: Greedy | None = None
    kind: Literal["spacy_pattern"] = field(
        default="spacy_pattern", init=False, repr=False, kw_only=True
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", copied(self.patterns))
        for number, pattern in enumerate(self.alternatives):
            check_tokens(pattern, f"pattern {number}")
            if self.label is not None and self.label >= len(pattern):
                raise ValueError(
                    f"pattern {number} has {len(pattern)} tokens, counted from 0, and label= is "
                    f"{self.label}"
                )
        self._check_pipeline()

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    @property
    def alternatives(self) -> Alternatives:
        """The patterns as a list, where one alone was given too."""
        return alternatives(self.patterns)

    @property
    def needs(self) -> frozenset[str]:
        return token_needs(self.alternatives)

    def spans(self, doc: Doc) -> list[Span]:
        return token_spans(doc, self.alternatives, greedy=self.greedy, label=self.label)


def _as_tuple(value: object) -> object:
    if isinstance(value, set | frozenset):
        return tuple(sorted(value))
    return tuple(value) if isinstance(value, list) else value


Word = Annotated[str, Field(min_length=1)]
Phrases = Annotated[tuple[Word, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


@dataclass(frozen=True, config=CONFIG)
class SpacyPhrase(SpanRule):
    """Words and phrases out of a list, as spaCy's PhraseMatcher finds them; the list may be long.

    Args:
        phrases: cut into words as the document is, so that `don't` matches `don't`.
        attr: what has to be equal: `ORTH`, the words as they are; `LOWER`, in lower case;
            `LEMMA`, where the phrases are written in lemmas (`be able to`), with spaces between.
        pipeline, tokens, whitespace: see `SpacyRule`.
    """

    phrases: Phrases
    _: KW_ONLY
    attr: Literal["ORTH", "LOWER", "LEMMA"] = "ORTH"
    kind: Literal["spacy_phrase"] = field(
        default="spacy_phrase", init=False, repr=False, kw_only=True
    )

    def __post_init__(self) -> None:
        blank = [phrase for phrase in self.phrases if not phrase.strip()]
        if blank:
            raise ValueError(f"the phrase {blank[0]!r} has no word in it")
        self._check_pipeline()

    @property
    def needs(self) -> frozenset[str]:
        return needs_of([self.attr])

    def spans(self, doc: Doc) -> list[Span]:
        name = self.pipeline if self.pipeline not in (None, "gold") else "blank:en"
        matcher = _phrase_matcher(self.phrases, self.attr, name or "", doc.vocab)
        words = Words(doc)
        return [words.span(start, stop) for _, start, stop in matcher(doc)]


@lru_cache(maxsize=32)
def _phrase_matcher(phrases: tuple[str, ...], attr: str, name: str, vocab: Vocab) -> PhraseMatcher:
    from spacy.matcher import PhraseMatcher
    from spacy.tokens import Doc

    from mi_hypotheses.pipelines import pipeline

    matcher = PhraseMatcher(vocab, attr=attr)
    cut = [phrase.split() for phrase in phrases]
    if attr == "LEMMA":
        docs = [Doc(vocab, words=words, lemmas=words) for words in cut]
    else:
        nlp = pipeline(name).language
        spaced = [nlp.make_doc(" ".join(words)) for words in cut]
        docs = [Doc(vocab, words=[word.text for word in doc]) for doc in spaced]
    matcher.add("phrase", docs)
    return matcher


Values = Annotated[Word | tuple[Word, ...], BeforeValidator(_as_tuple)] | None

_ATTRIBUTES = {"text": "ORTH", "is_sent_start": "SENT_START"}  # where spaCy's arrays differ


@dataclass(frozen=True, config=CONFIG)
class SpacyToken(SpanRule):
    """Words by their attributes, as spaCy's Token has them: all that are given must hold.

        SpacyToken(pos=["NOUN", "PROPN"], morph="Number=Plur", pipeline="en_core_web_sm")
        SpacyToken(like_num=True)

    Args:
        text, lower, norm, lemma, shape, pos, tag, dep, ent_type: a string, or a list of
            alternatives.
        morph: features that the word has, such as `Number=Plur` or `Case=Nom|Number=Plur`, or a
            list of alternatives.
        is_alpha, ...: true or false.
        pipeline, tokens, whitespace: see `SpacyRule`. With `is_space=True` white space counts.

    Raises:
        pydantic.ValidationError: no attribute is given, a part of speech is none, or the
            pipeline lacks what is asked for.
    """

    _: KW_ONLY
    text: Values = None
    lower: Values = None
    norm: Values = None
    lemma: Values = None
    shape: Values = None
    pos: Values = None
    tag: Values = None
    dep: Values = None
    ent_type: Values = None
    morph: Values = None
    is_alpha: bool | None = None
    is_ascii: bool | None = None
    is_bracket: bool | None = None
    is_currency: bool | None = None
    is_digit: bool | None = None
    is_left_punct: bool | None = None
    is_lower: bool | None = None
    is_punct: bool | None = None
    is_quote: bool | None = None
    is_right_punct: bool | None = None
    is_sent_start: bool | None = None
    is_space: bool | None = None
    is_stop: bool | None = None
    is_title: bool | None = None
    is_upper: bool | None = None
    like_email: bool | None = None
    like_num: bool | None = None
    like_url: bool | None = None
    kind: Literal["spacy_token"] = field(
        default="spacy_token", init=False, repr=False, kw_only=True
    )

    def __post_init__(self) -> None:
        if not self._asked:
            raise ValueError('no attribute is given: write, say, SpacyToken(pos="NOUN")')
        for name, values in self._asked.items():
            if values == ():
                raise ValueError(f"{name}= is an empty list, which no word could match")
        for name in ("pos", "lower"):
            check_values(name.upper(), _listed(getattr(self, name)), f"{name}=")
        for features in _listed(self.morph):
            if not all("=" in feature for feature in features.split("|")):
                raise ValueError(f"morph= is written like Number=Plur, not {features!r}")
        if self.is_space:
            object.__setattr__(self, "whitespace", True)
        self._check_pipeline()

    @property
    def _asked(self) -> dict[str, Any]:
        """The attributes that are given."""
        shared = {*SpacyRule.__dataclass_fields__, "kind"}
        given = {name: getattr(self, name) for name in type(self).__dataclass_fields__}
        return {k: v for k, v in given.items() if k not in shared and v is not None}

    @property
    def needs(self) -> frozenset[str]:
        return needs_of(name.upper() for name in self._asked)

    def spans(self, doc: Doc) -> list[Span]:
        chosen = np.ones(len(doc), dtype=np.bool_)
        for name, wanted in self._asked.items():
            chosen &= _holds(doc, name, wanted)
        return Words(doc).of(chosen)


def _listed(values: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return values if isinstance(values, tuple) else () if values is None else (values,)


def _holds(doc: Doc, name: str, wanted: Any) -> NDArray[np.bool_]:
    """For each word whether an attribute is as wanted, [words]."""
    values: NDArray[Any] = doc.to_array([_ATTRIBUTES.get(name, name.upper())])
    if isinstance(wanted, bool):
        held: NDArray[np.bool_] = values == 1  # of starts of sentences, unknown is 0 and no is -1
        return held if wanted else ~held
    if name == "morph":
        alternatives = [set(features.split("|")) for features in _listed(wanted)]
        found = [
            value
            for value in np.unique(values)
            if any(each <= set(doc.vocab.strings[value].split("|")) for each in alternatives)
        ]
        return np.isin(values, np.array(found, dtype=values.dtype))
    if name == "pos":
        hashes = [parts_of_speech()[value] for value in _listed(wanted)]
    else:
        hashes = [doc.vocab.strings.add(value) for value in _listed(wanted)]
    return np.isin(values, np.array(hashes, dtype=values.dtype))


@dataclass(frozen=True, config=CONFIG)
class SpacyTree(SpanRule):
    """Words at one node of a dependency pattern, as spaCy's DependencyMatcher finds them.

        SpacyTree(
            [
                {"RIGHT_ID": "verb", "RIGHT_ATTRS": {"POS": "VERB"}},
                {"LEFT_ID": "verb", "REL_OP": ">", "RIGHT_ID": "subject",
                 "RIGHT_ATTRS": {"DEP": "nsubj"}},
            ],
            label="subject", pipeline="en_core_web_sm",
        )

    `SpacyDependency` is the target with such patterns.

    Args:
        patterns: one pattern, or a list of alternatives.
        label: the `RIGHT_ID` of the node whose words are labelled.
        pipeline, tokens, whitespace: see `SpacyRule`; the pipeline needs a parser.

    Raises:
        pydantic.ValidationError: a pattern is malformed or lacks the node, or the pipeline
            lacks what it asks for.
    """

    patterns: SkipValidation[Patterns]
    _: KW_ONLY
    label: str
    kind: Literal["spacy_tree"] = field(default="spacy_tree", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", copied(self.patterns))
        check_trees(self.patterns, [self.label])
        self._check_pipeline()

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    @property
    def needs(self) -> frozenset[str]:
        return tree_needs(alternatives(self.patterns))

    def spans(self, doc: Doc) -> list[Span]:
        return [span for (span,) in tree_words(doc, alternatives(self.patterns), [self.label])]

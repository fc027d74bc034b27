"""Targets by the words' grammar, as a spaCy pipeline parses them."""

from __future__ import annotations

from dataclasses import KW_ONLY, field
from typing import Annotated, Any, Literal

from pydantic import Field, SkipValidation, model_validator
from pydantic.dataclasses import dataclass

from mi_hypotheses.annotation import check_needs, doc_of, pipelines_for
from mi_hypotheses.edges import Edges, SpanTokenChoice, paired_spans
from mi_hypotheses.errors import AnnotationError
from mi_hypotheses.matching import (
    Alternatives,
    Patterns,
    alternatives,
    check_trees,
    copied,
    tree_needs,
    tree_words,
)
from mi_hypotheses.spacy_rules import SpacyTree
from mi_hypotheses.targets import CONFIG, Target
from mi_hypotheses.text import TokenChoice, TokenView


@dataclass(frozen=True, config=CONFIG)
class SpacyDependency(Target):
    """From one word to another that stands in a grammatical relation to it.

    A pattern is what spaCy's DependencyMatcher takes: a list of nodes, the first with
    `RIGHT_ID` and `RIGHT_ATTRS`, the others with `LEFT_ID` and `REL_OP` as well. From a verb to
    its subject:

        SpacyDependency(
            [
                {"RIGHT_ID": "verb", "RIGHT_ATTRS": {"POS": "VERB"}},
                {"LEFT_ID": "verb", "REL_OP": ">", "RIGHT_ID": "subject",
                 "RIGHT_ATTRS": {"DEP": "nsubj"}},
            ],
            query="verb", key="subject", pipeline="en_core_web_sm",
        )

    `SpacyTree` is the predicate with such patterns: `.node("subject")` is the one that labels
    these subjects.

    Args:
        patterns: one pattern, or a list of alternatives.
        query: the `RIGHT_ID` of the word that looks.
        key: the `RIGHT_ID` of the word that is looked at.
        pipeline: the name of an installed pipeline, or the path of one, with a parser; or
            `gold`, which it is without a name: the trees that came with the documents.
        order: `before` keeps pairs whose key comes first in the text, as a causal model can
            see no other; `any` keeps all.
        query_tokens: which tokens of the query word look: the `first`, the `last` or `all`.
        key_tokens: which tokens of the key word are keys.

    Raises:
        pydantic.ValidationError: a pattern is malformed or lacks a node, or the pipeline lacks
            what it asks for.
    """

    patterns: SkipValidation[Patterns]
    _: KW_ONLY
    query: str
    key: str
    pipeline: Annotated[str, Field(min_length=1)] | None = None
    order: Literal["before", "any"] = "before"
    query_tokens: SpanTokenChoice = "all"
    key_tokens: SpanTokenChoice = "all"
    kind: Literal["spacy_dependency"] = field(
        default="spacy_dependency", init=False, repr=False, kw_only=True
    )

    @model_validator(mode="before")
    @classmethod
    def _no_predicate(cls, given: Any) -> Any:
        label = (getattr(given, "kwargs", None) or {}).get("label")
        if label is not None:
            raise ValueError(
                "this is a target, which has query= and key=. The predicate that labels a node is "
                f"SpacyTree(patterns, label={label!r}), or .node({label!r}) of a target"
            )
        return given

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", copied(self.patterns))
        check_trees(self.patterns, [self.query, self.key])
        try:
            check_needs(self.pipeline, self.needs)
        except AnnotationError as error:
            raise ValueError(str(error)) from None

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def node(self, label: str, *, tokens: TokenChoice = "any") -> SpacyTree:
        """The predicate that labels the words at this node of the same patterns.

        Raises:
            pydantic.ValidationError: a pattern has no such node.
        """
        return SpacyTree(self.patterns, label=label, pipeline=self.pipeline, tokens=tokens)

    @property
    def alternatives(self) -> Alternatives:
        """The patterns as a list, where one alone was given too."""
        return alternatives(self.patterns)

    @property
    def needs(self) -> frozenset[str]:
        """What has to be annotated: keys of `pipelines.NEEDS`."""
        return tree_needs(self.alternatives)

    @property
    def pipelines(self) -> frozenset[str]:
        return pipelines_for(self.pipeline, self.needs)

    def edges(self, view: TokenView) -> Edges:
        if not view.text.strip():
            return Edges.of([])
        doc = doc_of(view, self.pipeline, self.needs)
        pairs = [
            (query, key)
            for query, key in tree_words(doc, self.alternatives, [self.query, self.key])
        ]
        edges = paired_spans(
            view, pairs, query_tokens=self.query_tokens, key_tokens=self.key_tokens
        )
        return edges if self.order == "any" else edges.only(edges.keys < edges.queries)

"""Targets by the words' grammar, as a spaCy pipeline parses them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SkipValidation
from pydantic.dataclasses import dataclass

from mi_hypotheses.edges import Edges, Span, SpanTokenChoice, paired_spans
from mi_hypotheses.errors import TargetError, did_you_mean
from mi_hypotheses.targets import CONFIG, Target
from mi_hypotheses.text import TokenView

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

Node = Mapping[str, Any]
Patterns = Sequence[Node] | Sequence[Sequence[Node]]

_RELATIONS = frozenset(
    {"<", ">", "<<", ">>", ".", ".*", ";", ";*"}
    | {"$+", "$-", "$++", "$--", ">+", ">-", ">++", ">--", "<+", "<-", "<++", "<--"}
)  # of spaCy's DependencyMatcher


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

    The pattern's shape is checked when it is written; the pipeline and the attributes when
    the first document is parsed, so that a plugin file loads without spaCy.

    Args:
        patterns: one pattern, or a list of alternatives.
        query: the `RIGHT_ID` of the word that looks.
        key: the `RIGHT_ID` of the word that is looked at.
        pipeline: the name of an installed pipeline, or the path of one; it needs a parser.
        order: `before` keeps pairs whose key comes first in the text, as a causal model can
            see no other; `any` keeps all.
        query_tokens: which tokens of the query word look: the `first`, the `last` or `all`.
        key_tokens: which tokens of the key word are keys.

    Raises:
        pydantic.ValidationError: a pattern is malformed or lacks a node.
    """

    patterns: SkipValidation[Patterns]
    _: KW_ONLY
    query: str
    key: str
    pipeline: Annotated[str, Field(min_length=1)]
    order: Literal["before", "any"] = "before"
    query_tokens: SpanTokenChoice = "all"
    key_tokens: SpanTokenChoice = "all"
    kind: Literal["spacy_dependency"] = field(
        default="spacy_dependency", init=False, repr=False, kw_only=True
    )

    def __post_init__(self) -> None:
        try:
            copied = json.loads(json.dumps(self.patterns))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"a pattern is made of lists, dicts, text and numbers: {error}"
            ) from None
        if not isinstance(copied, list) or not copied:
            raise ValueError("patterns is a list of nodes, or a list of such lists, and not empty")
        object.__setattr__(self, "patterns", copied)
        for number, pattern in enumerate(self.alternatives):
            names = _node_names(pattern, f"pattern {number}")
            for name in (self.query, self.key):
                if name not in names:
                    raise ValueError(
                        f"pattern {number} has no node {name!r}. {did_you_mean(name, names)}"
                    )

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    @property
    def alternatives(self) -> list[list[dict[str, Any]]]:
        """The patterns as a list, where one alone was given too."""
        patterns: Any = self.patterns
        return [patterns] if isinstance(patterns[0], dict) else patterns

    def edges(self, view: TokenView) -> Edges:
        if not view.text.strip():
            return Edges.of([])
        pairs = self._words(_parsed(view.text, self.pipeline))
        edges = paired_spans(
            view, pairs, query_tokens=self.query_tokens, key_tokens=self.key_tokens
        )
        return edges if self.order == "any" else edges.only(edges.keys < edges.queries)

    def _words(self, doc: Doc) -> list[tuple[Span, Span]]:
        """The characters of the query word and the key word of each match."""
        from spacy.matcher import DependencyMatcher

        words = []
        try:
            for pattern in self.alternatives:
                names = [node["RIGHT_ID"] for node in pattern]
                matcher = DependencyMatcher(doc.vocab)
                matcher.add("pattern", [pattern])
                for _, found in matcher(doc):
                    query, key = (doc[found[names.index(x)]] for x in (self.query, self.key))
                    words.append(
                        ((query.idx, query.idx + len(query)), (key.idx, key.idx + len(key)))
                    )
        except Exception as error:
            raise TargetError(
                f"spaCy cannot match the dependency patterns with the pipeline "
                f"{self.pipeline!r}: {error}"
            ) from error
        return words


def _node_names(pattern: object, where: str) -> list[str]:
    """The names of a pattern's nodes, in order; ValueError where it is none."""
    if not isinstance(pattern, list) or not pattern:
        raise ValueError(f"{where} is not a list of nodes")
    names: list[str] = []
    for place, node in enumerate(pattern):
        wanted = {"RIGHT_ID", "RIGHT_ATTRS"} | ({"LEFT_ID", "REL_OP"} if place else set())
        if not isinstance(node, dict) or set(node) != wanted:
            raise ValueError(f"node {place} of {where} needs exactly {', '.join(sorted(wanted))}")
        name = node["RIGHT_ID"]
        if not isinstance(name, str) or name in names:
            raise ValueError(f"{where} has two nodes named {name!r}, or the name is no text")
        if not isinstance(node["RIGHT_ATTRS"], dict):
            raise ValueError(f"RIGHT_ATTRS of node {name!r} of {where} is not a dict")
        if place and node["LEFT_ID"] not in names:
            raise ValueError(
                f"node {name!r} of {where} hangs on {node['LEFT_ID']!r}, which comes nowhere "
                "before it"
            )
        if place and node["REL_OP"] not in _RELATIONS:
            raise ValueError(
                f"there is no relation {node['REL_OP']!r} (node {name!r} of {where}); the "
                f"relations are {' '.join(sorted(_RELATIONS))}"
            )
        names.append(name)
    return names


@lru_cache(maxsize=4)
def _pipeline(name: str) -> Language:
    try:
        import spacy
    except ImportError:
        raise TargetError("SpacyDependency needs spaCy: python -m pip install spacy") from None
    try:
        return spacy.blank(name[6:]) if name.startswith("blank:") else spacy.load(name)
    except Exception as error:
        if isinstance(error, OSError) and not Path(name).exists():
            raise TargetError(
                f"no spaCy pipeline {name!r} is installed, and it is no path. Install it: "
                f"python -m spacy download {name}"
            ) from None
        raise TargetError(f"the spaCy pipeline {name!r} does not load: {error}") from error


def _parsed(text: str, name: str) -> Doc:
    nlp = _pipeline(name)
    nlp.max_length = max(nlp.max_length, len(text) + 1)  # the caller's documents are bounded
    try:
        doc = nlp(text)
    except Exception as error:
        raise TargetError(f"the spaCy pipeline {name!r} failed: {error}") from error
    if not doc.has_annotation("DEP"):
        components = ", ".join(nlp.pipe_names) or "none"
        raise TargetError(
            f"the spaCy pipeline {name!r} has no dependency parser (its components: "
            f"{components}). Use one that has, such as en_core_web_sm: "
            "python -m spacy download en_core_web_sm"
        )
    return doc

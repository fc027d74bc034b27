"""spaCy's patterns: checked when they are written, and where they match.

A pattern is what spaCy's Matcher takes, a list of dicts with attributes of tokens, or what its
DependencyMatcher takes, a list of nodes. Plain ones are known to be right; of all others spaCy is
asked, which takes seconds to load and brings torch along.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mi_hypotheses.errors import AnnotationError, did_you_mean
from mi_hypotheses.pipelines import needs_of

if TYPE_CHECKING:
    from spacy.matcher import DependencyMatcher, Matcher
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

Part = Mapping[str, Any]  # a token of a Matcher pattern, a node of a DependencyMatcher pattern
Patterns = Sequence[Part] | Sequence[Sequence[Part]]
Alternatives = list[list[dict[str, Any]]]
Greedy = Literal["first", "longest"]
Span = tuple[int, int]  # characters [start, end)

_RELATIONS = frozenset(
    {"<", ">", "<<", ">>", ".", ".*", ";", ";*"}
    | {"$+", "$-", "$++", "$--", ">+", ">-", ">++", ">--", "<+", "<-", "<++", "<--"}
)  # of spaCy's DependencyMatcher

_TAGS = """
    ADJ ADP ADV AUX CCONJ CONJ DET EOL INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SPACE SYM VERB X
"""
_OF_TEXT = "DEP ENT_TYPE LEMMA LOWER NORM ORTH POS SHAPE TAG TEXT"
_OF_TRUTH = """
    IS_ALPHA IS_ASCII IS_BRACKET IS_CURRENCY IS_DIGIT IS_LEFT_PUNCT IS_LOWER IS_PUNCT IS_QUOTE
    IS_RIGHT_PUNCT IS_SENT_START IS_SPACE IS_STOP IS_TITLE IS_UPPER LIKE_EMAIL LIKE_NUM LIKE_URL
"""
PARTS_OF_SPEECH = frozenset(_TAGS.split())
_TEXTS, _FLAGS = frozenset(_OF_TEXT.split()), frozenset(_OF_TRUTH.split())
_PLAIN = {*_TEXTS, *_FLAGS, "OP"}


def copied(patterns: object) -> Any:
    """The patterns as lists and dicts of their own; ValueError where they are none."""
    try:
        made = json.loads(json.dumps(patterns))
    except (TypeError, ValueError) as error:
        raise ValueError(f"a pattern is made of lists, dicts, text and numbers: {error}") from None
    if not isinstance(made, list) or not made:
        raise ValueError("patterns is a list of dicts, or a list of such lists, and not empty")
    return made


def alternatives(patterns: Any) -> Alternatives:
    """The patterns as a list, where one alone was given too."""
    return [patterns] if isinstance(patterns[0], dict) else patterns


# --- patterns of tokens in a row -------------------------------------------------------------


def check_tokens(pattern: object, where: str) -> None:
    """Raise ValueError where spaCy's Matcher would not take a pattern."""
    if not isinstance(pattern, list) or not pattern:
        raise ValueError(f"{where} is not a list of dicts, one for each token")
    for place, attributes in enumerate(pattern):
        _check_names(attributes, f"token {place} of {where}")
    if all(map(_plain, pattern)):
        return

    from spacy.matcher import Matcher
    from spacy.vocab import Vocab

    matcher = Matcher(Vocab(), validate=True)
    _as_spacy_says(lambda: matcher.add("pattern", [pattern]), where)


def _check_names(attributes: object, where: str) -> None:
    """Raise ValueError where an attribute's name is none, with the one that was meant."""
    if not isinstance(attributes, dict):
        raise ValueError(f"{where} is not a dict of attributes")
    for name in attributes:
        if name not in _PLAIN and name.upper() not in (known := _known_attributes()):
            raise ValueError(
                f"spaCy's patterns have no attribute {name!r} ({where}). "
                f"{did_you_mean(name.upper(), known)}"
            )
    for name, wanted in attributes.items():
        check_values(name.upper(), _compared(wanted), where)


def _plain(attributes: Mapping[str, Any]) -> bool:
    """Whether a token's attributes are of the common kinds, which spaCy is known to take."""
    return all(
        isinstance(wanted, bool) if name in _FLAGS else name in _TEXTS and _plain_text(wanted)
        for name, wanted in attributes.items()
        if name != "OP" or wanted not in ("!", "?", "+", "*")
    )


def _plain_text(wanted: object) -> bool:
    """Whether it is a text, a list of alternatives or of exceptions, or a regular expression."""
    match wanted:
        case str(text):
            return text.isprintable()
        case {"IN": [*texts], **rest} | {"NOT_IN": [*texts], **rest}:
            return not rest and all(isinstance(text, str) and text.isprintable() for text in texts)
        case {"REGEX": str(pattern), **rest}:
            with contextlib.suppress(re.error):
                return not rest and bool(re.compile(pattern))
    return False


def _compared(wanted: object) -> list[str]:
    """The texts that a pattern compares an attribute with, one by one."""
    if isinstance(wanted, dict):
        lists = [wanted[name] for name in ("IN", "NOT_IN") if isinstance(wanted.get(name), list)]
        return [value for values in lists for value in values if isinstance(value, str)]
    return [wanted] if isinstance(wanted, str) else []


def check_values(name: str, values: Iterable[str], where: str) -> None:
    """Raise ValueError where no word can have one of these values of an attribute."""
    for value in values:
        if name == "POS" and value and value not in PARTS_OF_SPEECH:  # "" is none
            raise ValueError(
                f"there is no part of speech {value!r} ({where}). "
                f"{did_you_mean(value.upper(), PARTS_OF_SPEECH)}"
            )
        if name == "LOWER" and value != value.lower():
            raise ValueError(
                f"words are compared with {value!r} in lower case and never match it ({where}): "
                f"write {value.lower()!r}, or ask for the text as it is"
            )


@lru_cache(maxsize=1)
def parts_of_speech() -> Mapping[str, int]:
    """spaCy's numbers of `PARTS_OF_SPEECH`; "" is none."""
    numbers: Mapping[str, int] = importlib.import_module("spacy.parts_of_speech").IDS
    return numbers


@lru_cache(maxsize=1)
def _known_attributes() -> frozenset[str]:
    from spacy.schemas import TokenPattern

    fields: Mapping[str, Any] = TokenPattern.model_fields
    return frozenset(each.alias or name.upper() for name, each in fields.items())


def _as_spacy_says(add: Callable[[], object], where: str) -> None:
    try:
        add()
    except Exception as error:  # of many kinds: MatchPatternError, ValueError, re.error, ...
        lines = [line.strip() for line in str(error).splitlines()]
        found = [line.removeprefix("- ") for line in lines if line.startswith("- [")]
        text = "; ".join(dict.fromkeys(found)) or " ".join(filter(None, lines))
        raise ValueError(f"spaCy does not take {where}: {text}") from None


def token_needs(patterns: Alternatives) -> frozenset[str]:
    """What has to be annotated for patterns of tokens."""
    return needs_of(name.upper() for pattern in patterns for each in pattern for name in each)


class Words:
    """Where the words of a Doc stand in its text."""

    def __init__(self, doc: Doc) -> None:
        starts, lengths = (doc.to_array([name]).astype(np.int64) for name in ("IDX", "LENGTH"))
        self.starts = starts  # [words]
        self.ends = starts + lengths  # [words]

    def span(self, start: int, stop: int) -> Span:
        """The characters of the words [start, stop)."""
        return int(self.starts[start]), int(self.ends[stop - 1])

    def of(self, words: Any) -> list[Span]:
        """The characters of the words that a mask or indices choose."""
        pairs = np.stack([self.starts[words], self.ends[words]], axis=1)
        return [(start, end) for start, end in pairs.tolist()]


@lru_cache(maxsize=64)
def _matcher(written: str, greedy: Greedy | None, vocab: Vocab) -> Matcher:
    from spacy.matcher import Matcher

    matcher = Matcher(vocab)
    for number, pattern in enumerate(json.loads(written)):  # a key each: greedy is by key
        matcher.add(str(number), [pattern], greedy=greedy.upper() if greedy else None)
    return matcher


def token_spans(
    doc: Doc, patterns: Alternatives, *, greedy: Greedy | None, label: int | None
) -> list[Span]:
    """The characters of each match, or of the words in it that stand for token `label` of the
    pattern."""
    matcher: Any = _matcher(json.dumps(patterns), greedy, doc.vocab)  # its stub has no alignments
    words = Words(doc)
    if label is None:
        found = matcher(doc, allow_missing=True)
        return [words.span(start, stop) for _, start, stop in found if stop > start]
    spans = []
    for _, start, _, places in matcher(doc, allow_missing=True, with_alignments=True):
        own = [start + offset for offset, place in enumerate(places) if place == label]
        if own:  # the words that one token of a pattern stands for are neighbours
            spans.append(words.span(own[0], own[-1] + 1))
    return spans


# --- patterns of nodes in a dependency tree --------------------------------------------------


def check_nodes(pattern: object, where: str) -> list[str]:
    """The names of a dependency pattern's nodes, in order; ValueError where it is none."""
    if not isinstance(pattern, list) or not pattern:
        raise ValueError(f"{where} is not a list of nodes")
    names: list[str] = []
    for place, node in enumerate(pattern):
        names.append(_checked_node(node, names, f"node {place} of {where}", first=not place))
    if all("OP" not in node["RIGHT_ATTRS"] and _plain(node["RIGHT_ATTRS"]) for node in pattern):
        return names

    from spacy.matcher import DependencyMatcher
    from spacy.vocab import Vocab

    matcher = DependencyMatcher(Vocab(), validate=True)
    _as_spacy_says(lambda: matcher.add("pattern", [pattern]), where)
    return names


def _checked_node(node: object, names: list[str], where: str, *, first: bool) -> str:
    """The name of a node that may hang on the nodes with these names."""
    wanted = {"RIGHT_ID", "RIGHT_ATTRS"} | (set() if first else {"LEFT_ID", "REL_OP"})
    if not isinstance(node, dict) or set(node) != wanted:
        raise ValueError(f"{where} needs exactly {', '.join(sorted(wanted))}")
    name = node["RIGHT_ID"]
    if not isinstance(name, str) or name in names:
        raise ValueError(f"{where}: there are two nodes named {name!r}, or the name is no text")
    if not isinstance(node["RIGHT_ATTRS"], dict):
        raise ValueError(f"RIGHT_ATTRS of {where} ({name!r}) is not a dict")
    _check_names(node["RIGHT_ATTRS"], f"{where}, {name!r}")
    if not first and node["LEFT_ID"] not in names:
        raise ValueError(
            f"{where} ({name!r}) hangs on {node['LEFT_ID']!r}, which comes nowhere before it"
        )
    if not first and node["REL_OP"] not in _RELATIONS:
        raise ValueError(
            f"there is no relation {node['REL_OP']!r} ({where}, {name!r}); the relations are "
            f"{' '.join(sorted(_RELATIONS))}"
        )
    return name


def check_trees(patterns: Any, wanted: Sequence[str]) -> None:
    """Raise ValueError where the alternatives are no dependency patterns with these nodes."""
    for number, pattern in enumerate(alternatives(patterns)):
        names = check_nodes(pattern, f"pattern {number}")
        for name in wanted:
            if name not in names:
                raise ValueError(
                    f"pattern {number} has no node {name!r}. {did_you_mean(name, names)}"
                )


def tree_needs(patterns: Alternatives) -> frozenset[str]:
    """What has to be annotated for dependency patterns."""
    names = [
        name.upper() for pattern in patterns for node in pattern for name in node["RIGHT_ATTRS"]
    ]
    return needs_of([*names, "DEP"])


@lru_cache(maxsize=64)
def _tree_matcher(written: str, vocab: Vocab) -> DependencyMatcher:
    from spacy.matcher import DependencyMatcher

    matcher = DependencyMatcher(vocab)
    matcher.add("pattern", [json.loads(written)])
    return matcher


def tree_words(doc: Doc, patterns: Alternatives, wanted: Sequence[str]) -> list[tuple[Span, ...]]:
    """For each match of a pattern the characters of the words at these nodes.

    Raises:
        AnnotationError: spaCy fails.
    """
    words, found = Words(doc), []
    for pattern in patterns:
        places = [[node["RIGHT_ID"] for node in pattern].index(name) for name in wanted]
        try:
            matches = _tree_matcher(json.dumps(pattern), doc.vocab)(doc)
        except Exception as error:
            raise AnnotationError(f"spaCy cannot match a dependency pattern: {error}") from error
        for _, nodes in matches:
            found.append(tuple(words.span(nodes[x], nodes[x] + 1) for x in places))
    return found

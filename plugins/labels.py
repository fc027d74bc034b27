"""Claims in other words than regexes: spaCy's rules, numbers and categories.

`_claims.py` says how they were found and where their bars come from. spaCy's rules ask for
attributes of the words themselves, for which its tokenizer (`blank:en`) is enough; two read the
tags and trees that the corpus `sentences` brings along. Numbers and
categories that follow from the token alone cannot beat what is known of the token; their scores
say how short a description of the neuron can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from _claims import PROSE, claim
from numpy.typing import NDArray

from mi_hypotheses import (
    Predicate,
    SpacyPattern,
    SpacyPhrase,
    SpacyToken,
    Spans,
    TokenView,
    category,
    feature,
    predicate,
    token_category,
    token_predicate,
)

GELU, SOLU = "py-gelu-1l", "py-solu-1l"

# In spaCy's words.

PREPOSITIONS = """
    about above across after against along among around at before behind below between beyond by
    down during except for from in inside into like near of off on onto out outside over past per
    since through throughout to toward towards under until up upon via with within without
"""
AUXILIARIES = """
    is are was were be been being am do does did has have had can could may might must shall should
    will would cannot
"""

STOP_AFTER_WORD: list[dict[str, Any]] = [{"IS_ALPHA": True, "IS_LOWER": True}, {"ORTH": "."}]
COMMA_AFTER_NUMBER: list[dict[str, Any]] = [{"LIKE_NUM": True}, {"ORTH": ","}]

FULL_STOP = claim(
    "full-stop",
    "Fires on the full stop after a word of prose.",
    GELU,
    289,
    SpacyPattern(STOP_AFTER_WORD, label=1),
    corpora=PROSE,
    expect={"pearson": 0.4, "ap": 0.35},
)
CAPITALISED = claim(
    "capitalised-word",
    "Fires on capitalised words in prose.",
    GELU,
    1193,
    SpacyToken(is_title=True),
    corpora=PROSE,
    expect={"pearson": 0.25, "ap": 0.25},
)
PREPOSITION = claim(
    "preposition",
    "Fires on prepositions.",
    SOLU,
    769,
    SpacyPhrase(tuple(PREPOSITIONS.split()), attr="LOWER"),
    expect={"pearson": 0.45, "ap": 0.45},
)
AUXILIARY = claim(
    "auxiliary",
    "Fires on auxiliary and modal verbs.",
    SOLU,
    1127,
    SpacyPhrase(tuple(AUXILIARIES.split()), attr="LOWER"),
    expect={"pearson": 0.45, "ap": 0.4},
)
NUMBER_COMMA = claim(
    "comma-after-number",
    "Fires on the comma after a number.",
    SOLU,
    380,
    SpacyPattern(COMMA_AFTER_NUMBER, label=1),
    expect={"pearson": 0.5, "ap": 0.55},
)
NUMBER_WORD = claim(
    "number-in-digits-or-words",
    "Fires on numbers, in digits or in words.",
    SOLU,
    472,
    SpacyToken(like_num=True),
    expect={"pearson": 0.35, "ap": 0.35},
)

# By gold annotation: the neurons and bars of `full-stop` and `capitalised-word`, on sentences that
# took no part in finding them. A tag tells full stops from the dots of abbreviations, and names
# from the first words of sentences.

GOLD_FULL_STOP = claim(
    "full-stop-by-tag",
    "Fires on the full stop of a sentence.",
    GELU,
    289,
    SpacyToken(pos="PUNCT", text="."),
    corpora=("sentences",),
    expect={"pearson": 0.4, "ap": 0.35},
)
GOLD_NAME = claim(
    "name-by-tag",
    "Fires on proper nouns.",
    GELU,
    1193,
    SpacyToken(pos="PROPN"),
    corpora=("sentences",),
    expect={"pearson": 0.25, "ap": 0.25},
)

# Numbers.


@predicate(numeric=True)
def words_before(text: str) -> Spans:
    """How many words stand before a word in its line."""
    spans, counts = [], []
    for line in re.finditer(r"[^\n]+", text):
        for count, word in enumerate(re.finditer(r"\S+", line[0])):
            spans.append((line.start() + word.start(), line.start() + word.end()))
            counts.append(float(count))
    return Spans(spans, counts)


@predicate(numeric=True)
def letters_of_word(text: str) -> Spans:
    """How long a word is, underscores and digits counted."""
    words = [match.span() for match in re.finditer(r"\w+", text)]
    return Spans(words, [float(end - start) for start, end in words])


def _running_count(text: str, *, sign: str) -> Spans:
    """How many of a sign the line had so far, from each on to the next or to the line's end."""
    spans: list[tuple[int, int]] = []
    counts: list[float] = []
    for line in re.finditer(r"[^\n]+", text):
        found = [line.start() + match.start() for match in re.finditer(sign, line[0])]
        spans += zip(found, [*found[1:], line.end()], strict=False)
        counts += [float(count) for count in range(1, len(found) + 1)]
    return Spans(spans, counts)


@predicate(numeric=True)
def quotes_so_far(text: str) -> Spans:
    """How many quotes the line had so far."""
    return _running_count(text, sign="[\"']")


@predicate(numeric=True)
def commas_so_far(text: str) -> Spans:
    """How many commas the line had so far."""
    return _running_count(text, sign=",")


@token_predicate(numeric=True)
def pieces_before(view: TokenView) -> list[int]:
    """How many tokens of the same word come before a token."""
    counts: list[int] = []
    for start in view.starts.tolist():
        goes_on = start > 0 and view.text[start - 1 : start + 1].isalnum()
        counts.append(counts[-1] + 1 if goes_on and counts else 0)
    return counts


@token_predicate(numeric=True)
def log_tokens_seen(view: TokenView) -> NDArray[np.float64]:
    """The logarithm of how many tokens of the window the model has seen."""
    window = len(view) if view.reach is None else view.reach + 1
    return np.log1p(np.arange(len(view)) % window)


@token_predicate(numeric=True)
def token_rank(view: TokenView) -> NDArray[np.float64]:
    """The number of the token: pieces are numbered as they were learned, frequent ones first."""
    return np.zeros(len(view)) if view.ids is None else view.ids.astype(np.float64)


ALONG_LINE = claim(
    "along-the-line",
    "Rises with the number of words before it in the line.",
    SOLU,
    589,
    words_before,
    expect={"pearson": 0.35, "spearman": 0.4},
)
WORD_LENGTH = claim(
    "word-length",
    "Rises with the length of the word.",
    SOLU,
    1389,
    letters_of_word,
    expect={"pearson": 0.3, "spearman": 0.3},
)
LATER_PIECES = claim(
    "later-pieces-of-a-word",
    "Rises with the pieces of the word that came before.",
    SOLU,
    1328,
    pieces_before,
    expect={"pearson": 0.35, "spearman": 0.5},
)
COMMAS = claim(
    "commas-so-far",
    "Rises with the commas of the line so far.",
    SOLU,
    1399,
    commas_so_far,
    expect={"pearson": 0.3, "spearman": 0.15},
)
QUOTES = claim(
    "quotes-so-far",
    "Rises with the quotes of the line so far.",
    GELU,
    1358,
    quotes_so_far,
    expect={"pearson": 0.2, "spearman": 0.15},
)
WINDOW_START = claim(
    "start-of-the-window",
    "Is strongest where the model has seen little, and falls with every doubling of it.",
    SOLU,
    1155,
    log_tokens_seen,
    sign="-",
    expect={"pearson": 0.25, "spearman": 0.1},
)
RARE_TOKEN = claim(
    "rare-token",
    "Rises with the rank of the token by frequency: fires on rare ones.",
    GELU,
    1245,
    token_rank,
    expect={"pearson": 0.25, "spearman": 0.2},
)

# Categories.

KINDS: Mapping[str, Predicate] = {
    "comment": feature("python.comment"),
    "string": feature("python.string"),
    "constant": feature("python.constant"),
    "keyword": feature("python.keyword"),
    "name": feature("python.name"),
    "number": feature("python.number"),
    "operator": feature("python.operator"),
}
KEYWORDS: Mapping[str, Predicate] = {
    "control flow": feature("python.control_flow_keyword"),
    "definition": feature("python.definition_keyword"),
    "import": feature("python.import_keyword"),
    "exception": feature("python.exception_keyword"),
    "return": feature("python.return_keyword"),
    "context": feature("python.context_keyword"),
    "operator": feature("python.word_operator"),
}
QUOTE = re.compile(r"(?P<triple>\"\"\"|''')|(?P<double>\")|(?P<single>')|(?P<backtick>`+)")


def _first_that_holds(view: TokenView, table: Mapping[str, Predicate]) -> list[str | None]:
    """For each token the first name of the table whose predicate labels it."""
    labels = np.stack([each.labels(view) > 0 for each in table.values()])  # [names, tokens]
    first = np.where(labels.any(axis=0), labels.argmax(axis=0), len(table))
    names = [*table, None]
    return [names[number] for number in first.tolist()]


@token_category(names=[*KINDS])
def kind_of_python(view: TokenView) -> list[str | None]:
    """What part of Python a token belongs to."""
    return _first_that_holds(view, KINDS)


@token_category(names=[*KEYWORDS])
def kind_of_keyword(view: TokenView) -> list[str | None]:
    """What a keyword is for."""
    return _first_that_holds(view, KEYWORDS)


@category(names=["triple", "double", "single", "backtick"])
def kind_of_quote(text: str) -> Iterator[tuple[int, int, str]]:
    """Which quote stands there."""
    for match in QUOTE.finditer(text):
        yield match.start(), match.end(), match.lastgroup or ""


TELLS_PYTHON = claim(
    "tells-parts-of-python-apart",
    "Tells the parts of Python apart: comments, strings, keywords, names and others.",
    SOLU,
    1932,
    kind_of_python,
    expect={"eta_squared": 0.2},
)
TELLS_KEYWORDS = claim(
    "tells-keywords-apart",
    "Tells keywords apart by what they are for.",
    SOLU,
    572,
    kind_of_keyword,
    expect={"eta_squared": 0.55},
)
TELLS_QUOTES = claim(
    "tells-quotes-apart",
    "Tells triple quotes, double and single ones and backticks apart.",
    GELU,
    86,
    kind_of_quote,
    expect={"eta_squared": 0.5},
)

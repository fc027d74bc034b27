"""Features of a model's tokens: pieces of words, and what has been there before.

A word is a run of letters, figures and underscores, so that a name is one word. What depends on a
vocabulary or on a corpus is made by a function of `mi_hypotheses.features.tokens`, to which that
is given. `ngram(" is", " not")` labels the last of these tokens where they stand in a row, `ngrams`
does so for several rows, and `follows(" is", " not")` labels the token behind the row.
`split_word(vocabulary)` labels words in several pieces that the vocabulary has as one token.
`rare(frequent)` labels tokens that are not among the frequent ones, and `frequency_rank(ranks)`
says the rank of a token in a corpus; `ranks_of(documents)` counts the ranks. All take tokens as
they stand in the text, with their leading space.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.features._token_runs import (
    follows,
    frequency_rank,
    ngram,
    ngrams,
    ranks_of,
    rare,
    split_word,
)
from mi_hypotheses.features._token_words import WordPieces, pieces_of_words
from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.function_predicates import token_predicate
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.text import TokenView

__all__ = ["follows", "frequency_rank", "ngram", "ngrams", "ranks_of", "rare", "split_word"]

FACTORIES = (ngram, ngrams, follows, split_word, rare, frequency_rank)
"""What makes a predicate of arguments."""


def _feature(name: str, summary: str, of: Predicate, *examples: str) -> Feature:
    return define(f"tokens.{name}", summary, of, *examples)


# Words in pieces.


@token_predicate
def _word_start(view: TokenView) -> NDArray[np.bool_]:
    words = pieces_of_words(view)
    return words.mask(words.first)


@token_predicate
def _word_end(view: TokenView) -> NDArray[np.bool_]:
    words = pieces_of_words(view).of_several()
    return words.mask(words.last)


@token_predicate
def _word_inside(view: TokenView) -> NDArray[np.bool_]:
    words = pieces_of_words(view).of_several()
    return words.between(words.first + 1, words.last)


@token_predicate
def _word_continues(view: TokenView) -> NDArray[np.bool_]:
    words = pieces_of_words(view).of_several()
    return words.between(words.first, words.last)


@token_predicate
def _split(view: TokenView) -> NDArray[np.bool_]:
    words = pieces_of_words(view).of_several()
    return words.between(words.first, words.last + 1)


@token_predicate
def _whole_word(view: TokenView) -> NDArray[np.bool_]:
    words: WordPieces = pieces_of_words(view)
    whole = words.mask(words.first[words.first == words.last])
    several = words.of_several()
    return whole & ~several.between(several.first, several.last + 1)


@token_predicate(numeric=True)
def _pieces(view: TokenView) -> NDArray[np.int64]:
    words = pieces_of_words(view)
    counts = np.zeros(len(view), dtype=np.int64)
    sizes = words.last - words.first + 1
    place = np.repeat(words.first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    np.maximum.at(counts, place, np.repeat(sizes, sizes))
    return counts


word_start = _feature(
    "word_start",
    "The first token of every word, also where it is the only one.",
    _word_start,
    "«the»¦« un»¦believ¦able¦« x»¦_y¦ =¦« a»¦«.b»",
)
word_end = _feature(
    "word_end",
    "The last token of words that have several.",
    _word_end,
    "the¦ un¦believ¦«able»¦ x¦«_y»¦.",
)
word_inside = _feature(
    "word_inside",
    "Tokens inside a word, neither its first nor its last.",
    _word_inside,
    "the¦ un¦«believ»¦able¦ x¦_y¦.",
)
word_continues = _feature(
    "word_continues",
    "Tokens that leave a word unfinished: more of it comes in the next one.",
    _word_continues,
    "the¦« un»¦«believ»¦able¦« x»¦_y¦.",
)
split = _feature(
    "split",
    "All tokens of words that have several.",
    _split,
    "the¦« un»¦«believ»¦«able»¦ a¦.",
)
whole_word = _feature(
    "whole_word",
    "Tokens that hold a word by themselves, and no piece of another.",
    _whole_word,
    "«the»¦ un¦believ¦able¦« a,»¦.",
)
pieces = _feature(
    "pieces",
    "How many tokens the word has, 0 outside words; of two words in a token, the greater number.",
    _pieces,
    "«1:the»¦«3: un»¦«3:believ»¦«3:able»¦.¦«1: a»",
)

# What a token looks like.


@token_predicate
def _leading_space(view: TokenView) -> NDArray[np.bool_]:
    """Some tokenizers leave the space out of the token's span, and then no token has it."""
    if not len(view):
        return np.zeros(0, dtype=np.bool_)
    space = np.append(~view.nonspace, False)
    before = np.maximum(view.starts - 1, 0)
    unowned = space[before] & (view.starts > np.append([0], view.ends[:-1]))
    begins: NDArray[np.bool_] = (space[view.starts] | unowned) & _visible(view)
    return begins


def _visible(view: TokenView) -> NDArray[np.bool_]:
    """Which tokens are not all white space, [tokens]."""
    seen = np.concatenate([[0], np.cumsum(view.nonspace)])
    visible: NDArray[np.bool_] = seen[view.ends] > seen[view.starts]
    return visible


@token_predicate
def _no_leading_space(view: TokenView) -> NDArray[np.bool_]:
    led: NDArray[np.bool_] = _leading_space.labels(view) > 0
    return _visible(view) & ~led


@token_predicate
def _whitespace(view: TokenView) -> NDArray[np.bool_]:
    has_text: NDArray[np.bool_] = view.ends > view.starts
    return has_text & ~_visible(view)


@token_predicate
def _single_character(view: TokenView) -> list[bool]:
    return [len(text.strip()) == 1 for text in view.strings]


@token_predicate
def _digits(view: TokenView) -> list[bool]:
    return [text.strip().isdigit() for text in view.strings]


@token_predicate
def _signs(view: TokenView) -> list[bool]:
    return [
        text != "" and not any(sign.isalnum() for sign in text)
        for text in (text.strip() for text in view.strings)
    ]


@token_predicate(numeric=True)
def _length(view: TokenView) -> NDArray[np.int32]:
    return view.ends - view.starts


leading_space = _feature(
    "leading_space",
    "Tokens that begin with white space and have more to them.",
    _leading_space,
    "the¦« man»¦ ¦«  is»¦n't",
)
no_leading_space = _feature(
    "no_leading_space",
    "Tokens that do not begin with white space.",
    _no_leading_space,
    "«the»¦ man¦ ¦ is¦«n't»",
)
whitespace = _feature(
    "whitespace",
    "Tokens that are all white space.",
    _whitespace,
    "the¦« »¦ man¦.¦«\n    »¦is",
)
single_character = _feature(
    "single_character",
    "Tokens of a single character, beside white space.",
    _single_character,
    "the¦« a»¦ b.¦«.»",
)
digits = _feature(
    "digits",
    "Tokens of figures only.",
    _digits,
    "«19»¦«84»¦ x1¦« 7»¦.5",
)
signs = _feature(
    "signs",
    "Tokens of signs only: neither letters nor figures.",
    _signs,
    "x¦«_»¦ 1¦« +=»¦ .5¦«)»",
)
length = _feature(
    "length",
    "How many characters the token has, its leading space too.",
    _length,
    "«3:the»¦«4: man»¦«1:.»",
)

# What has been there before.


def _codes(view: TokenView) -> NDArray[np.int64]:
    """A number for each token, the same for the same token: by ids where there are any."""
    if view.ids is not None:
        return view.ids.astype(np.int64)
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(text, len(numbers)) for text in view.strings]
    return np.array(codes, dtype=np.int64)


def _seen(codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which entries have an equal one before them."""
    seen = np.ones(len(codes), dtype=np.bool_)
    seen[np.unique(codes, return_index=True)[1]] = False
    return seen


def _previous(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The index of the equal entry before each, -1 where there is none."""
    order = np.argsort(codes, kind="stable")
    previous = np.full(len(codes), -1)
    same = codes[order[1:]] == codes[order[:-1]]
    previous[order[1:][same]] = order[:-1][same]
    return previous


@token_predicate
def _repeated(view: TokenView) -> NDArray[np.bool_]:
    return _seen(_codes(view))


@token_predicate
def _bigram_repeated(view: TokenView) -> NDArray[np.bool_]:
    codes = _codes(view)
    pairs = (codes[:-1] << 32) + codes[1:]
    return np.concatenate([np.zeros(min(len(codes), 1), np.bool_), _seen(pairs)])


@token_predicate
def _repeated_after_new(view: TokenView) -> NDArray[np.bool_]:
    seen = _seen(_codes(view))
    after_new = np.zeros_like(seen)
    after_new[1:] = ~seen[:-1]
    return seen & after_new


@token_predicate(numeric=True)
def _occurrence(view: TokenView) -> NDArray[np.int64]:
    codes = _codes(view)
    order = np.argsort(codes, kind="stable")
    group = codes[order]
    counts = np.empty_like(codes)
    counts[order] = np.arange(len(codes)) - np.searchsorted(group, group, side="left") + 1
    return counts


@token_predicate(numeric=True)
def _distance(view: TokenView) -> NDArray[np.int64]:
    previous = _previous(_codes(view))
    return np.where(previous < 0, 0, np.arange(len(previous)) - previous)


@token_predicate(numeric=True)
def _rank_in_document(view: TokenView) -> NDArray[np.int64]:
    codes = _codes(view)
    _, first, inverse, counts = np.unique(
        codes, return_index=True, return_inverse=True, return_counts=True
    )
    ranks = np.empty(len(counts), dtype=np.int64)
    ranks[np.lexsort((first, -counts))] = np.arange(1, len(counts) + 1)
    return ranks[inverse.reshape(-1)]


repeated = _feature(
    "repeated",
    "Tokens that have been in the document before.",
    _repeated,
    "the¦ man¦ saw¦« man»¦ The¦«the»",
)
bigram_repeated = _feature(
    "bigram_repeated",
    "Tokens that have stood behind the same token before.",
    _bigram_repeated,
    "a¦ b¦ c¦a¦« b»¦ d¦ b",
)
repeated_after_new = _feature(
    "repeated_after_new",
    "Tokens that have been in the document before, just behind one that has not.",
    _repeated_after_new,
    "a¦ b¦ c¦« b»¦ c¦ d¦« c»",
)
occurrence = _feature(
    "occurrence",
    "How many times the token has been in the document up to here, this time included.",
    _occurrence,
    "«1:a»¦«1: b»¦«2:a»¦«3:a»¦«2: b»",
)
distance = _feature(
    "distance",
    "How many tokens ago the same token was there; 0 where it is new.",
    _distance,
    "a¦ b¦«2:a»¦«1:a»¦«3: b»",
)
rank_in_document = _feature(
    "rank_in_document",
    "The rank of the token by how often the whole document has it, 1 for the most frequent.",
    _rank_in_document,
    "«2: b»¦«1:a»¦«3:c»¦«1:a»",
)

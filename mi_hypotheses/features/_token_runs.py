"""Predicates of tokens that take a vocabulary, a corpus, or tokens to look for."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from mi_hypotheses.features._token_words import pieces_of_words
from mi_hypotheses.predicates import CONFIG, Labels, Predicate
from mi_hypotheses.text import TokenView

Run = tuple[str, ...]


def _hashed(*fields: object) -> str:
    return hashlib.blake2b(json.dumps(fields).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, config=CONFIG)
class TokenRuns(Predicate):
    """The last token of each of these runs of token strings, or the token behind the run."""

    runs: tuple[Run, ...] = Field(min_length=1)
    _: KW_ONLY
    behind: bool = False
    kind: Literal["token_runs"] = field(default="token_runs", init=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not all(self.runs) or any("" in run for run in self.runs):
            raise ValueError("a run of tokens has at least one, and none of them is empty")

    @property
    def written(self) -> str:
        if len(self.runs) > 1:
            return f"ngrams({[list(run) for run in self.runs]})"
        name = "follows" if self.behind else "ngram"
        return f"{name}({', '.join(map(repr, self.runs[0]))})"

    def labels(self, view: TokenView) -> Labels:
        strings = view.strings
        by_last: dict[str, list[Run]] = {}
        for run in self.runs:
            by_last.setdefault(run[-1], []).append(run)
        found = np.zeros(len(strings) + 1)
        for token, string in enumerate(strings):
            for run in by_last.get(string, ()):
                start = token + 1 - len(run)
                if start >= 0 and tuple(strings[start : token + 1]) == run:
                    found[token + self.behind] = 1
        return found[: len(strings)]


@dataclass(frozen=True, config=CONFIG)
class SplitWord(Predicate):
    """The tokens of words that have several, and that a vocabulary has as one token."""

    vocabulary: frozenset[str] = Field(strict=False, min_length=1)
    _: KW_ONLY
    pieces: int | None = Field(default=None, ge=2)
    kind: Literal["split_word"] = field(default="split_word", init=False, repr=False, kw_only=True)

    @property
    def written(self) -> str:
        return f"split_word of {len(self.vocabulary)} tokens"

    def fingerprint(self) -> str:
        return _hashed(self.kind, sorted(self.vocabulary), self.pieces)

    def labels(self, view: TokenView) -> Labels:
        words = pieces_of_words(view).of_several()
        places = zip(words.starts.tolist(), words.ends.tolist(), strict=True)
        texts = (view.text[start:end] for start, end in places)
        known = np.array([self._knows(text) for text in texts], dtype=np.bool_)
        if self.pieces is not None:
            known &= words.last - words.first + 1 == self.pieces
        words = words.only(known)
        return words.between(words.first, words.last + 1).astype(np.float64)

    def _knows(self, word: str) -> bool:
        return word in self.vocabulary or f" {word}" in self.vocabulary


@dataclass(frozen=True, config=CONFIG)
class Rare(Predicate):
    """Tokens that are not among the frequent ones."""

    frequent: frozenset[str] = Field(strict=False, min_length=1)
    _: KW_ONLY
    kind: Literal["rare"] = field(default="rare", init=False, repr=False, kw_only=True)

    @property
    def written(self) -> str:
        return f"rare beside {len(self.frequent)} tokens"

    def fingerprint(self) -> str:
        return _hashed(self.kind, sorted(self.frequent))

    def labels(self, view: TokenView) -> Labels:
        return np.array([text not in self.frequent for text in view.strings], dtype=np.float64)


@dataclass(frozen=True, config=CONFIG)
class FrequencyRank(Predicate):
    """The rank of each token; tokens without one have the rank behind the last."""

    ranks: tuple[tuple[str, int], ...] = Field(min_length=1)
    _: KW_ONLY
    kind: Literal["frequency_rank"] = field(
        default="frequency_rank", init=False, repr=False, kw_only=True
    )

    @property
    def numeric(self) -> bool:
        return True

    @property
    def written(self) -> str:
        return f"frequency_rank of {len(self.ranks)} tokens"

    def fingerprint(self) -> str:
        return _hashed(self.kind, self.ranks)

    def labels(self, view: TokenView) -> Labels:
        ranks = dict(self.ranks)
        unknown = max(ranks.values()) + 1
        return np.array([ranks.get(text, unknown) for text in view.strings], dtype=np.float64)


def ngram(*tokens: str) -> TokenRuns:
    """The last of these tokens where they stand in a row, as in `ngram(" is", " not")`."""
    return TokenRuns((tokens,))


def ngrams(rows: Iterable[Sequence[str]]) -> TokenRuns:
    """The last token of every one of these rows, which can have different lengths."""
    return TokenRuns(tuple(tuple(row) for row in rows))


def follows(*tokens: str) -> TokenRuns:
    """The token behind these tokens, where they stand in a row."""
    return TokenRuns((tokens,), behind=True)


def split_word(vocabulary: Collection[str], *, pieces: int | None = None) -> SplitWord:
    """All tokens of words in several pieces that the vocabulary has as one token.

    It has the word where it has the word with a space before it: words are cut differently at
    the beginning of a line or behind a bracket. `& feature("tokens.word_end")` keeps the last
    piece.

    Args:
        vocabulary: the strings of the model's tokens, as they stand in text.
        pieces: only words of that many tokens.
    """
    return SplitWord(frozenset(vocabulary), pieces=pieces)


def rare(frequent: Collection[str]) -> Rare:
    """The tokens that are not among these, such as the first thousand of `ranks_of`."""
    return Rare(frozenset(frequent))


def ranks_of(documents: Iterable[Iterable[str]]) -> dict[str, int]:
    """The rank of each token by how often it stands in the documents, in this order.

    Args:
        documents: the token strings of each, such as `view.strings`.

    Returns:
        Token → rank, 1 for the most frequent; of equally frequent ones, the first by its text.
    """
    counts = Counter(token for document in documents for token in document)
    ordered = sorted(counts, key=lambda token: (-counts[token], token))
    return {token: rank for rank, token in enumerate(ordered, start=1)}


def frequency_rank(ranks: Mapping[str, int]) -> FrequencyRank:
    """The rank of each token in a corpus; tokens without one have the rank behind the last."""
    return FrequencyRank(tuple(sorted(ranks.items())))

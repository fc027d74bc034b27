"""How the words of a text lie in its tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from mi_hypotheses.text import TokenView

_WORD = regex.compile(r"[\w\p{M}]++")


@dataclass(frozen=True, eq=False)
class WordPieces:
    """The words of a document and the tokens that they lie in.

    `first` and `last` are the first and the last token of each word, `starts` and `ends` its
    place in the text. Words that no token has are left out.
    """

    first: NDArray[np.int64]  # [words]
    last: NDArray[np.int64]  # [words]
    starts: NDArray[np.int64]  # [words]
    ends: NDArray[np.int64]  # [words]
    n_tokens: int

    def only(self, chosen: NDArray[np.bool_]) -> WordPieces:
        """Some of the words."""
        return WordPieces(
            self.first[chosen],
            self.last[chosen],
            self.starts[chosen],
            self.ends[chosen],
            self.n_tokens,
        )

    def of_several(self) -> WordPieces:
        """The words that have more than one token."""
        return self.only(self.last > self.first)

    def mask(self, tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each token of the document is one of `tokens`, [tokens]."""
        chosen = np.zeros(self.n_tokens, dtype=np.bool_)
        chosen[tokens] = True
        return chosen

    def between(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each token of the document lies in one of the ranges [low, high), [tokens]."""
        steps = np.zeros(self.n_tokens + 1, dtype=np.int64)
        np.add.at(steps, low, 1)
        np.add.at(steps, np.maximum(high, low), -1)
        return np.cumsum(steps[:-1]) > 0


def pieces_of_words(view: TokenView) -> WordPieces:
    """The words of a document: runs of letters, figures and underscores."""
    pairs = [match.span() for match in _WORD.finditer(view.text)]
    places = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    starts, ends = places[:, 0], places[:, 1]
    first = np.searchsorted(view.ends, starts, side="right")
    last = np.searchsorted(view.starts, ends, side="left") - 1
    words = WordPieces(first, last, starts, ends, len(view))
    return words.only((last >= first) & (first < len(view)))

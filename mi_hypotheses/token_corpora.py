"""Corpora of tokens rather than text: drawn from a model's own vocabulary, the same everywhere.

`tokens:repeated` is the standard test of induction heads (Elhage et al. 2021; Olsson et al.
2022): random tokens, repeated, so that nothing but the repetition tells what comes next. Options
follow as a query string; these are the defaults:

    tokens:repeated?documents=256&length=32-96&repeats=2&seed=0

| option | meaning |
|---|---|
| `documents` | how many; number N is the same whatever their number is |
| `length` | tokens drawn for a document, none of them twice where the vocabulary is large enough: \
a number, or the least and the most, as in `32-96` |
| `repeats` | how often they stand there: a document has `length` × `repeats` tokens |
| `seed` | another seed, other tokens |
| `vocabulary` | the ids to draw from, both ends included, as in `100-2000`; all by default |

Lengths differ by default because of the floors: with one length for all documents every copy
stands the same number of tokens back, and a head that always looks so far back is as good.

Every id is as likely as any other. BOS, the unknown token and tokens that were added to the
vocabulary are never drawn. A document longer than the model's window is cut as any other is, and
a copy in the next window cannot be seen: keep `length` × `repeats` within the window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.errors import CorpusError, did_you_mean
from mi_hypotheses.sources import Entry
from mi_hypotheses.tokenizing import SymbolTokenizer, Tokenizer

REPEATED = "repeated"

_MILLION = 1_000_000
_BOUNDS = {
    "documents": (1, _MILLION),
    "repeats": (1, _MILLION),
    "seed": (0, 2**63 - 1),
}
_LENGTHS = (1, _MILLION)
_OPTIONS = ("documents", "length", "repeats", "seed", "vocabulary")
_NUMBER = re.compile(r"[0-9]{1,19}")
_RANGE = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class RepeatedTokens:
    """Documents of random tokens, repeated.

    `length` is the least and the most tokens that are drawn for one, `vocabulary` the lowest and
    the highest id.
    """

    documents: int = 256
    length: tuple[int, int] = (32, 96)
    repeats: int = 2
    seed: int = 0
    vocabulary: tuple[int, int] | None = None

    def entries(self, uri: str, tokenizer: Tokenizer | SymbolTokenizer) -> Iterator[Entry]:
        """What the documents are made of, for the vocabulary of this tokenizer.

        Raises:
            CorpusError: the vocabulary has not the ids that are asked for.
        """
        vocabulary = self._vocabulary(uri, tokenizer)
        for number in range(self.documents):
            length = self._length(number)
            once = vocabulary[_drawn(len(vocabulary), length, seed=(self.seed, number))]
            strings, ids = tokenizer.pieces(once), tuple(once.tolist())
            tokens = strings * self.repeats
            yield Entry(f"{REPEATED}:{number}", "".join(tokens), tokens, ids * self.repeats)

    def _length(self, number: int) -> int:
        least, most = self.length
        bits = np.random.PCG64(np.random.SeedSequence((self.seed, number, 1))).random_raw()
        return least + int(bits) % (most - least + 1)

    def _vocabulary(
        self, uri: str, tokenizer: Tokenizer | SymbolTokenizer
    ) -> NDArray[np.int64]:  # [ids]
        known, ids = tokenizer.known_ids, tokenizer.text_ids
        where = f"of the {tokenizer.size} tokens that the model knows"
        if self.vocabulary is not None:
            low, high = self.vocabulary
            if high < low or high > known[-1]:
                raise CorpusError(
                    f"The corpus {uri!r} cannot draw tokens from {low} to {high}: a vocabulary is "
                    f"LOWEST-HIGHEST, and the model's goes from 0 to {known[-1]}."
                )
            ids = ids[(ids >= low) & (ids <= high)]
            where = f"from {low} to {high}"
        if len(ids) < 2:
            raise CorpusError(
                f"The corpus {uri!r} needs 2 tokens or more to draw from, and {where} "
                f"{len(ids) or 'none'} can be drawn: BOS and other special tokens never are."
            )
        return ids


def _drawn(size: int, length: int, *, seed: tuple[int, int]) -> NDArray[np.int64]:
    """`length` indices below `size`, without repetition where `length` allows it.

    Made from the raw bits of PCG64, which stay the same in all versions of NumPy; methods of its
    Generator need not.
    """
    bits = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(length)
    if length > size:
        return (bits % np.uint64(size)).astype(np.int64)
    moved: dict[int, int] = {}  # where a shuffle of all indices would differ from their order
    drawn = []
    for place, number in enumerate(bits.tolist()):
        other = place + number % (size - place)
        drawn.append(moved.get(other, other))
        moved[other] = moved.get(place, place)
    return np.array(drawn, dtype=np.int64)


def parse(uri: str) -> RepeatedTokens:
    """The documents that a URI `tokens:NAME?OPTION=VALUE&...` asks for.

    Raises:
        CorpusError: there is no such generator or option, or a value is none that it can take.
    """
    name, mark, query = uri.removeprefix("tokens:").partition("?")
    if name != REPEATED:
        raise CorpusError(
            f"There are no tokens {name!r}, as in the corpus {uri!r}. "
            f"{did_you_mean(name, [REPEATED])}"
        )
    numbers: dict[str, Any] = {}
    ranges: dict[str, Any] = {}
    for part in query.split("&") if mark else []:
        option, equals, value = part.partition("=")
        if option not in _OPTIONS:
            raise CorpusError(
                f"The corpus {uri!r} has no option {option!r}. {did_you_mean(option, _OPTIONS)}"
            )
        if option in numbers or option in ranges:
            raise CorpusError(f"The corpus {uri!r} gives the option {option!r} twice.")
        if not equals:
            raise CorpusError(f"The corpus {uri!r} gives {option!r} no value: {option}=...")
        if option == "vocabulary":
            ranges[option] = _range(value, uri=uri)
        elif option == "length":
            ranges[option] = _lengths(value, uri=uri)
        else:
            numbers[option] = _number(option, value, uri=uri, bounds=_BOUNDS[option])
    return RepeatedTokens(**numbers, **ranges)


def _lengths(value: str, *, uri: str) -> tuple[int, int]:
    least, _, most = value.partition("-")
    low, high = (
        _number("length", each, uri=uri, bounds=_LENGTHS) for each in (least, most or least)
    )
    if high < low:
        raise CorpusError(f"The corpus {uri!r} has length={value}: the least comes first.")
    return low, high


def _number(option: str, value: str, *, uri: str, bounds: tuple[int, int]) -> int:
    low, high = bounds
    if not _NUMBER.fullmatch(value) or not low <= int(value) <= high:
        raise CorpusError(
            f"The corpus {uri!r} has {option}={value}: it takes a whole number from {low} to "
            f"{high}."
        )
    return int(value)


def _range(value: str, *, uri: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(value)
    if match is None:
        raise CorpusError(
            f"The corpus {uri!r} has vocabulary={value}: it takes two token ids, the lowest and "
            "the highest, as in vocabulary=100-2000."
        )
    return int(match[1]), int(match[2])

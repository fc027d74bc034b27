"""Text to measure on: documents of installed packages, cut so that windows are full.

Padding would make the engine's batches and the reference's differ, so a document is exactly one
window of tokens.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import regex

from mi_hypotheses import corpora
from mi_hypotheses.models import AnyTokenizer
from mi_hypotheses.text import GROUPS, group_of
from mi_hypotheses.tokenizing import Tokenizer

SOURCE = "package:sympy"
_CHARACTERS = 8  # of text that are enough for a token, nearly always


@dataclass(frozen=True)
class FullWindows:
    """A corpus file whose documents are one full window each, and their tokens without BOS."""

    path: Path
    names: tuple[str, ...]
    texts: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]

    @property
    def n_tokens(self) -> int:
        """Tokens in all documents."""
        return sum(map(len, self.ids))


def full_windows(
    path: Path, tokenizer: AnyTokenizer, *, length: int, documents: int
) -> FullWindows:
    """Write a corpus of so many documents of exactly `length` tokens to `path`, a JSON Lines
    file; their groups follow each other, so that half are test documents."""
    assert isinstance(tokenizer, Tokenizer)
    found = list(itertools.islice(_exact(tokenizer, length), documents))
    if len(found) < documents:
        raise RuntimeError(f"{SOURCE} has text for {len(found)} windows of {length} tokens only")
    names = _spread_names(documents)
    lines = [
        json.dumps({"id": name, "text": text}) for name, (text, _) in zip(names, found, strict=True)
    ]
    path.write_text("\n".join(lines), "utf-8")
    texts, ids = zip(*found, strict=True)
    return FullWindows(path, tuple(names), texts, ids)


def _exact(tokenizer: Tokenizer, length: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The beginnings of documents, as far as `length` tokens reach, that are as many tokens
    when they stand alone."""
    for document in corpora.resolve(SOURCE).documents():
        head = document.text[: _CHARACTERS * length]
        (encoding,) = tokenizer.encode([head])
        if len(encoding.ids) > length:
            beginning = head[: int(encoding.ends[length - 1])]
            (alone,) = tokenizer.encode([beginning])
            if len(alone.ids) == length:
                yield beginning, tuple(alone.ids.tolist())


def _spread_names(count: int) -> list[str]:
    """Document ids, calibration and test groups in turn, none before another is used up."""
    order = [group for pair in range(GROUPS // 2) for group in (pair, pair + GROUPS // 2)]
    waiting: dict[int, list[str]] = {group: [] for group in order}
    names: list[str] = []
    numbers = itertools.count()
    for group in itertools.islice(itertools.cycle(order), count):
        while not waiting[group]:
            name = f"text-{next(numbers)}"
            waiting[group_of(name)].append(name)
        names.append(waiting[group].pop(0))
    return names


def common_pairs(texts: tuple[str, ...], *, count: int) -> list[str]:
    """The pairs of letters that occur most often in words."""
    pairs = Counter(
        pair for text in texts for pair in regex.findall("[a-z]{2}", text, overlapped=True)
    )
    return [pair for pair, _ in pairs.most_common(count)]


def megabytes(uri: str, size: float) -> list[str]:
    """The first documents of a corpus, about `size` MB of text."""
    texts, read = [], 0
    for document in corpora.resolve(uri).documents():
        texts.append(document.text)
        read += len(document.text.encode())
        if read >= size * 1e6:
            break
    return texts

"""How far claim and unit agree in each document: what tells which documents changed sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.reports import DocumentScore

KEPT = 200


@dataclass
class DocumentSums:
    """Counts of the `size` documents that come first in an order by hash; mergeable.

    `counts` is document → (rank, tokens or queries that count, those that agree).
    """

    seed: int = 0
    size: int = KEPT
    counts: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def add(
        self,
        ids: Sequence[str],
        document: NDArray[np.integer],
        agree: NDArray[np.bool_],
    ) -> None:
        """Add whole documents.

        Args:
            ids: of the documents of a shard.
            document: for each token or query that counts, the number of its document.
            agree: whether claim and unit agree there.
        """
        n = np.bincount(document, minlength=len(ids)).tolist()
        good = np.bincount(document[agree], minlength=len(ids)).tolist()
        for name, total, agreed in zip(ids, n, good, strict=True):
            if total:
                self.counts[name] = (self._rank(name), total, agreed)
        self._trim()

    def _rank(self, name: str) -> int:
        digest = hashlib.blake2b(f"{self.seed}:{name}".encode(), digest_size=8, person=b"document")
        return int.from_bytes(digest.digest(), "little")

    def _trim(self) -> None:
        if len(self.counts) > self.size:
            kept = sorted(self.counts.items(), key=lambda item: (item[1][0], item[0]))
            self.counts = dict(kept[: self.size])

    def merge(self, other: Self) -> None:
        """Add another shard's counts."""
        self.counts |= other.counts
        self._trim()

    def scores(self) -> tuple[DocumentScore, ...]:
        """The documents by name."""
        return tuple(
            DocumentScore(document=name, n=n, agreement=round(good / n, 4))
            for name, (_, n, good) in sorted(self.counts.items())
        )

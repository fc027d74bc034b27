"""The sums of a site while they grow, on the model's device: products are taken in float32 tiles,
and added up in float64."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.scan_sums import COUNTS, PARTS, THRESHOLDS, PartSums, Rows, shapes

if TYPE_CHECKING:
    from torch import Tensor

TILE = 4096  # tokens: what is added up in float32

Additions: TypeAlias = "list[tuple[Tensor, Tensor]]"  # what is added to, and what is added


def add(additions: Additions) -> None:
    """Add what was made of a batch, and let go of it."""
    while additions:
        total, more = additions.pop()
        total += more


class LabelCounts:
    """What is counted of the labels alone, the same for all sites."""

    def __init__(self, rows: Rows) -> None:
        self.n = np.zeros(PARTS)
        self.labels = np.zeros((PARTS, 2, rows.total))

    def add(self, labels: NDArray[np.float32], borders: Sequence[int]) -> None:
        """Add labels [rows, tokens]; those of a part lie between two borders."""
        for part, (start, stop) in enumerate(itertools.pairwise(borders)):
            wide = labels[:, start:stop].astype(np.float64)
            self.n[part] += stop - start
            self.labels[part] += wide.sum(axis=1), np.square(wide).sum(axis=1)


class LayerTotals:
    """The sums of one site."""

    def __init__(self, rows: Rows, centre: Tensor, step: Tensor, *, device: str) -> None:
        import torch

        self.rows, self.centre, self.step = rows, centre.to(device), step.to(device)
        self.home = "cpu" if device.startswith("mps") else device  # MPS has no float64
        self.totals = {
            name: torch.zeros(
                shape, dtype=torch.int32 if name in COUNTS else torch.float64, device=self.home
            )
            for name, shape in shapes(rows, len(centre)).items()
            if name not in ("n", "labels")
        }

    def additions(self, a: Tensor, labels: Tensor, borders: Sequence[int]) -> Additions:
        """What a batch adds; nothing is added yet.

        Args:
            a: activations [tokens, units], which are changed; the tokens of a part lie between
                two borders.
            labels: [1 + rows, tokens], the first of ones: it makes sums of products, and is why
                what a label comes to depends on others in its last bits at most: a single row is
                multiplied otherwise.
        """
        a -= self.centre
        made: Additions = []
        for part, (start, stop) in enumerate(itertools.pairwise(borders)):
            if start < stop:
                made += self._of_part(part, a[start:stop], labels[:, start:stop])
        for split, (start, stop) in enumerate(((0, borders[1]), (borders[1], borders[-1]))):
            if start < stop and self.rows.n_boolean:
                boolean = labels[: 1 + self.rows.n_boolean, start:stop]
                made += self._of_split(split, a[start:stop], boolean)
        return made

    def _of_part(self, part: int, a: Tensor, labels: Tensor) -> Additions:
        units, products, squares = (
            self.totals[name][part] for name in ("units", "products", "squares")
        )
        tiles = _tiles(len(a))
        product = self._summed(labels[:, tile] @ a[tile] for tile in tiles)
        squared = self._summed((a[tile] * a[tile]).sum(0) for tile in tiles)
        made = [(units[0], product[0]), (units[1], squared), (products, product[1:])]
        if self.rows.categories:
            members = self._members(labels)
            by_label = self._summed(members[:, tile] @ (a[tile] * a[tile]) for tile in tiles)
            made.append((squares, by_label[1:]))
        return made

    def _members(self, labels: Tensor) -> Tensor:
        """Which tokens have any category of each categorical label, after a row of ones."""
        import torch

        of_each = [self.rows.of_category(number) for number in range(len(self.rows.categories))]
        return torch.stack([labels[0], *(labels[1:][rows].sum(0) for rows in of_each)])

    def _of_split(self, split: int, a: Tensor, labels: Tensor) -> Additions:
        import torch

        counted = torch.zeros(len(THRESHOLDS), len(labels), a.shape[1], device=a.device)
        room = torch.empty_like(a[:TILE])  # one for all: new memory costs more than its use
        for tile in _tiles(len(a)):
            fires = room[: len(a[tile])]
            for place, deviations in enumerate(THRESHOLDS):
                torch.gt(a[tile], deviations * self.step, out=fires)  # ten times a cast's speed
                counted[place].addmm_(labels[:, tile], fires)
        exact = counted.to(self.home, torch.int32)
        fires_of, hits_of = self.totals["fires"][split], self.totals["hits"][split]
        return [(fires_of, exact[:, 0]), (hits_of, exact[:, 1:])]

    def _summed(self, tiles: Iterable[Tensor]) -> Tensor:
        """Float32 tiles, added up in float64 where there is more than one."""
        first, *others = (tile.to(self.home) for tile in tiles)
        for other in others:
            first = first.double() + other
        return first

    def sums(self, counts: LabelCounts) -> PartSums:
        """What was added up, on the host, with what was counted of the labels."""
        found = {name: total.cpu().numpy() for name, total in self.totals.items()}
        return PartSums(self.rows, n=counts.n, labels=counts.labels, **found)


def _tiles(tokens: int) -> list[slice]:
    """The stretches that are added up in float32."""
    return [slice(first, first + TILE) for first in range(0, tokens, TILE)]

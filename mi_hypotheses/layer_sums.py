"""Mergeable sums of many units of a layer against labels: what searches and comparisons need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.grids import Floats

# What is not finite is so of its own unit alone, and who reads the sums says so.
_NOT_FINITE = np.errstate(invalid="ignore")


@dataclass
class CrossSums:
    """Sums of several units of a layer against several labels.

    All are centred by fixed means: `centre` [units] and `label_centre` [labels]. Sums are float64
    throughout: float32 ones would depend on where shards end and which labels come together.
    """

    centre: Floats
    label_centre: Floats
    n: int = 0
    unit_sums: Floats = field(init=False)  # [2, units]: Σ a, Σ a²
    label_sums: Floats = field(init=False)  # [2, labels]: Σ c, Σ c²
    products: Floats = field(init=False)  # [labels, units]: Σ a·c

    def __post_init__(self) -> None:
        self.unit_sums = np.zeros((2, len(self.centre)))
        self.label_sums = np.zeros((2, len(self.label_centre)))
        self.products = np.zeros((len(self.label_centre), len(self.centre)))

    @_NOT_FINITE
    def update(self, activations: NDArray[np.float32], labels: Floats) -> None:
        """Add tokens: activations [tokens, units], labels [tokens, labels]."""
        a, c = activations - self.centre, labels - self.label_centre
        self.n += len(a)
        self.unit_sums += np.stack([a.sum(0), np.einsum("tu,tu->u", a, a)])
        self.label_sums += np.stack([c.sum(0), np.einsum("tl,tl->l", c, c)])
        self.products += c.T @ a

    def merge(self, other: CrossSums) -> None:
        self.n += other.n
        self.unit_sums += other.unit_sums
        self.label_sums += other.label_sums
        self.products += other.products

    def not_finite(self) -> int:
        """How many units have activations that are no finite numbers."""
        return int(np.count_nonzero(~np.isfinite(self.unit_sums).all(axis=0)))

    def keep_labels(self, index: Sequence[int]) -> None:
        """Drop the labels that are not listed."""
        self.label_centre = self.label_centre[index]
        self.label_sums = self.label_sums[:, index]
        self.products = self.products[index]

    @_NOT_FINITE
    def pearson(self) -> Floats:
        """Correlation of each label with each unit, [labels, units]; 0 where one is constant."""
        n = max(self.n, 1)
        (a, aa), (c, cc) = self.unit_sums / n, self.label_sums / n
        covariance = self.products / n - np.outer(c, a)
        spread = np.outer(np.maximum(cc - c * c, 0), np.maximum(aa - a * a, 0))
        tiny = 1e-12 * np.outer(cc, aa)  # what rounding leaves of a constant
        return np.divide(
            covariance, np.sqrt(spread), out=np.zeros_like(covariance), where=spread > tiny
        )


@dataclass
class CategorySums:
    """Sums of several units of a layer by category.

    Activations are centred by fixed means, `centre` [units].
    """

    centre: Floats
    categories: int
    counts: NDArray[np.int64] = field(init=False)  # [categories]
    sums: Floats = field(init=False)  # [categories, units]: Σ a
    squares: Floats = field(init=False)  # [units]: Σ a²

    def __post_init__(self) -> None:
        self.counts = np.zeros(self.categories, dtype=np.int64)
        self.sums = np.zeros((self.categories, len(self.centre)))
        self.squares = np.zeros(len(self.centre))

    @_NOT_FINITE
    def update(self, activations: NDArray[np.float32], labels: Floats) -> None:
        """Add tokens: activations [tokens, units], labels [tokens]; those without are left out."""
        known = ~np.isnan(labels)
        a = activations[known] - self.centre
        members = one_hot(labels[known], self.categories)
        self.counts += members.sum(axis=1, dtype=np.int64)
        self.sums += members @ a
        self.squares += np.einsum("tu,tu->u", a, a)

    def merge(self, other: CategorySums) -> None:
        self.counts += other.counts
        self.sums += other.sums
        self.squares += other.squares

    @_NOT_FINITE
    def eta_squared(self) -> Floats:
        """The share of each unit's variance that lies between categories, [units]; 0 where it
        is constant."""
        n = self.counts.astype(np.float64)
        total = max(n.sum(), 1.0)
        means = self.sums / np.maximum(n, 1)[:, None]
        mean = self.sums.sum(axis=0) / total
        between = n @ (means - mean) ** 2
        spread = self.squares - total * mean**2
        tiny = 1e-12 * (self.squares + total * self.centre**2)  # what rounding leaves of a constant
        shares: Floats = np.divide(between, spread, out=np.zeros_like(between), where=spread > tiny)
        return np.minimum(shares, 1)


def one_hot(labels: Floats, categories: int) -> NDArray[np.float32]:
    """For each category its tokens, [categories, tokens]; none has those whose label is NaN."""
    return np.asarray(labels == np.arange(categories)[:, None], dtype=np.float32)

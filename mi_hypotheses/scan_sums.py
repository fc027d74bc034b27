"""Sums of a whole layer against many labels, and the scores that follow from them.

Documents fall into parts: part 0 is the calibration documents, the others are folds of the test
documents, so that choosing, reporting and a standard error come out of one pass. All sums add up
over shards in any order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.false_discovery import LEAST_FOLDS, jackknife_error, t_tail
from mi_hypotheses.grids import Floats
from mi_hypotheses.text import CALIBRATION_GROUPS

FOLDS = 16
PARTS = 1 + FOLDS
# Activations at which firing is counted, in standard deviations above the mean.
THRESHOLDS = (1.0, 2.0, 4.0)
COUNTS = ("fires", "hits")  # the sums that are int32; the others are float64

Counts = NDArray[np.int32]


def parts_of(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The part of each group of documents: 0 for calibration, 1 to `FOLDS` for test."""
    return np.where(groups < CALIBRATION_GROUPS, 0, 1 + (groups - CALIBRATION_GROUPS) % FOLDS)


@dataclass(frozen=True)
class Rows:
    """Which rows of a label matrix belong to which label.

    Boolean labels come first, with a row each; then each categorical label has a row a category;
    then come numeric labels, which alone are centred and scaled.
    """

    n_boolean: int
    categories: tuple[int, ...]  # of each categorical label, how many
    centre: Floats  # [numeric]
    scale: Floats  # [numeric]

    @property
    def total(self) -> int:
        return self.n_boolean + sum(self.categories) + len(self.centre)

    def of_category(self, number: int) -> slice:
        """The rows of a categorical label."""
        start = self.n_boolean + sum(self.categories[:number])
        return slice(start, start + self.categories[number])

    def of_numeric(self, number: int) -> int:
        """The row of a numeric label."""
        return self.n_boolean + sum(self.categories) + number

    def matrix(
        self,
        tokens: int,
        boolean: Iterable[Floats],
        categorical: Iterable[Floats],
        numeric: Iterable[Floats],
    ) -> NDArray[np.float32]:
        """The labels, each [tokens], as a matrix [1 + rows, tokens]; the first row is ones."""
        made = np.ones((1 + self.total, tokens), dtype=np.float32)
        rows = iter(made[1:])
        for label in boolean:
            next(rows)[:] = label
        for label, count in zip(categorical, self.categories, strict=True):
            for category in range(count):
                next(rows)[:] = label == category
        for label, centre, scale in zip(numeric, self.centre, self.scale, strict=True):
            next(rows)[:] = (label - centre) / scale
        return made


class Scored(NamedTuple):
    """How one label fares on every unit of a layer, each [units]; NaN where it is undefined.

    `chosen_by` is the score on calibration documents, signed; `test` the same on test documents,
    `error` its standard error, `p` how likely so large a `test` of the same sign is where there is
    no relation. `f1` is that of test documents at the best of `THRESHOLDS`, chosen on calibration
    documents, of boolean labels and units that fire on them only. `folds` is how many folds carry
    the label, see `effective`; `counts` are the test tokens without and with a boolean label, or
    of each category, or all. `not_finite` and `constant` are of the units whatever the label, and
    say why some have no score.
    """

    chosen_by: Floats
    test: Floats
    error: Floats
    p: Floats
    f1: Floats
    folds: float
    counts: tuple[int, ...] = ()
    not_finite: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
    constant: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)


@dataclass
class PartSums:
    """The sums of one layer. Activations are centred by fixed means that are not kept."""

    rows: Rows
    n: Floats  # [parts]
    units: Floats  # [parts, 2, units]: Σ a, Σ a²
    labels: Floats  # [parts, 2, rows]: Σ c, Σ c²
    products: Floats  # [parts, rows, units]: Σ a·c
    squares: Floats  # [parts, categorical, units]: Σ a² over tokens that have a category
    fires: Counts  # [2, thresholds, units]: tokens above each, of calibration and of test
    hits: Counts  # [2, thresholds, boolean, units]: those of them that are labelled

    @classmethod
    def empty(cls, rows: Rows, units: int) -> PartSums:
        """Sums of nothing yet."""
        made = {
            name: np.zeros(shape, np.int32 if name in COUNTS else np.float64)
            for name, shape in shapes(rows, units).items()
        }
        return cls(rows, **made)

    def merge(self, other: PartSums) -> None:
        """Add the sums of other tokens, centred by the same means."""
        for name in shapes(self.rows, 0):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def not_finite(self) -> NDArray[np.bool_]:
        """Which units have activations that are no finite numbers, [units]."""
        return np.asarray(~np.isfinite(self.units.sum(axis=(0, 1))))

    def constant(self) -> NDArray[np.bool_]:
        """Which units are the same on all test tokens, [units]."""
        a, aa = self.units[1:].sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(aa - a * a / self.n[1:].sum() <= 1e-12 * aa)  # what rounding leaves

    # --- scores ----------------------------------------------------------------------------------

    def boolean(self, number: int) -> Scored:
        """The scores of a boolean label: Pearson and F1."""
        positive = self.labels[1:, 0, number]
        negative = self.n[1:] - positive
        found = self._graded(number, min(effective(positive), effective(negative)))
        return found._replace(
            f1=np.where(found.chosen_by >= 0, self._f1(number), np.nan),
            counts=(int(negative.sum()), int(positive.sum())),
        )

    def numeric(self, number: int) -> Scored:
        """The scores of a numeric label: Pearson."""
        found = self._graded(self.rows.of_numeric(number), effective(self.n[1:]))
        return found._replace(counts=(int(self.n[1:].sum()),))

    def _graded(self, row: int, folds: float) -> Scored:
        n, c, cc = self.n, self.labels[:, 0, row], self.labels[:, 1, row]
        moments = [n[:, None], c[:, None], cc[:, None]]
        parts = [*moments, self.units[:, 0], self.units[:, 1], self.products[:, row]]
        chosen_by = _pearson(*(part[0] for part in parts))
        return _judged(chosen_by, _pearson(*_test(parts)), _left_out(parts, _pearson), folds)

    def category(self, number: int) -> Scored:
        """The scores of a categorical label: η².

        As η² is never negative, it is the correlation of activations with the means by category
        of calibration documents that is tested for being none.
        """
        rows = self.rows.of_category(number)
        counts = self.labels[:, 0, rows]  # [parts, categories]
        sums, squares = self.products[:, rows], self.squares[:, number]
        eta = _eta_squared(counts[0], sums[0], squares[0])
        test_parts = counts[1:].sum(axis=0), sums[1:].sum(axis=0), squares[1:].sum(axis=0)
        test = _eta_squared(*test_parts)
        means = sums[0] / np.maximum(counts[0], 1)[:, None]  # [categories, units]
        predicted = [
            np.broadcast_to(counts.sum(axis=1)[:, None], squares.shape),
            counts @ means,
            counts @ np.square(means),
            sums.sum(axis=1),
            squares,
            np.einsum("pcu,cu->pu", sums, means),
        ]
        # The second most widespread category: a difference takes two.
        folds = sorted((effective(each) for each in counts[1:].T), reverse=True)[1]
        related = _judged(
            np.ones_like(eta), _pearson(*_test(predicted)), _left_out(predicted, _pearson), folds
        )
        left = list(_each_left_out([counts, sums, squares]))
        error = _error([_eta_squared(*rest) for rest in left], folds)
        tokens = tuple(int(count) for count in test_parts[0])
        return related._replace(chosen_by=eta, test=test, error=error, counts=tokens)

    def _f1(self, row: int) -> Floats:
        positive = self.labels[:, 0, row]
        counts = np.array([positive[0], positive[1:].sum()])[:, None, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = 2.0 * self.hits[:, :, row] / (counts + self.fires)  # [2, thresholds, units]
        f1 = np.nan_to_num(f1)
        best = f1[0].argmax(axis=0)
        found: Floats = f1[1, best, np.arange(f1.shape[2])]
        return found


def shapes(rows: Rows, units: int) -> dict[str, tuple[int, ...]]:
    """Of the sums of `PartSums`, by name."""
    return {
        "n": (PARTS,),
        "units": (PARTS, 2, units),
        "labels": (PARTS, 2, rows.total),
        "products": (PARTS, rows.total, units),
        "squares": (PARTS, len(rows.categories), units),
        "fires": (2, len(THRESHOLDS), units),
        "hits": (2, len(THRESHOLDS), rows.n_boolean, units),
    }


def bytes_of(rows: Rows, units: int) -> int:
    """What the sums of a layer take: as much as they are, and while a batch is added the float32
    or int32 that it adds to each."""
    return sum(
        math.prod(shape) * (8 if name in COUNTS else 12)
        for name, shape in shapes(rows, units).items()
    )


def _pearson(n: Floats, c: Floats, cc: Floats, a: Floats, aa: Floats, ac: Floats) -> Floats:
    """Correlation from sums; NaN where there are no tokens or one of both is constant."""
    with np.errstate(invalid="ignore", divide="ignore"):
        of_a, of_c = aa - a * a / n, cc - c * c / n
        found = (ac - a * c / n) / np.sqrt(np.maximum(of_a, 0) * np.maximum(of_c, 0))
    constant = (of_a <= 1e-12 * aa) | (of_c <= 1e-12 * cc)  # what rounding leaves
    return np.where(constant, np.nan, np.clip(found, -1, 1))


def _eta_squared(counts: Floats, sums: Floats, squares: Floats) -> Floats:
    """The share of the variance that lies between categories, from [categories],
    [categories, units] and [units]; NaN where there is none."""
    n = counts.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / np.maximum(counts, 1)[:, None]
        mean = sums.sum(axis=0) / n
        spread = squares - n * mean**2
        found = counts @ np.square(means - mean) / spread
    return np.where(spread <= 1e-12 * squares, np.nan, np.clip(found, 0, 1))


def _test(parts: Sequence[Floats]) -> list[Floats]:
    """The sums over all test documents."""
    return [part[1:].sum(axis=0) for part in parts]


def _each_left_out(parts: Sequence[Floats]) -> Iterator[list[Floats]]:
    """The sums over the test documents without each fold that has some."""
    whole = _test(parts)
    size = parts[0].reshape(PARTS, -1)[1:].sum(axis=1)
    for fold in np.flatnonzero(size > 0) + 1:
        yield [total - part[fold] for total, part in zip(whole, parts, strict=True)]


def _left_out(parts: Sequence[Floats], score: Any) -> list[Floats]:
    return [score(*rest) for rest in _each_left_out(parts)]


def effective(counts: Floats) -> float:
    """How many folds as large as each other would carry these counts, [folds]: Kish's effective
    number, and 0 where fewer than `LEAST_FOLDS` carry any. A label that lives in two documents is
    seen twice, however many tokens it has."""
    if np.count_nonzero(counts) < LEAST_FOLDS:
        return 0.0
    return float(counts.sum()) ** 2 / float(np.square(counts).sum())


def _error(left_out: list[Floats], folds: float) -> Floats:
    if not folds:
        return np.full_like(left_out[0], np.nan) if left_out else np.empty(0)
    return jackknife_error(np.stack(left_out))


def _judged(chosen_by: Floats, test: Floats, left_out: list[Floats], folds: float) -> Scored:
    """A score with its error and p-value, against none of the sign that was chosen by."""
    nothing = np.full_like(test, np.nan)
    error = _error(left_out, folds) if left_out else nothing
    with np.errstate(invalid="ignore", divide="ignore"):
        t = test * np.where(chosen_by < 0, -1, 1) / error
    p = t_tail(t, max(folds - 1, 1)) if folds else nothing
    return Scored(chosen_by, test, error, p, nothing, folds)

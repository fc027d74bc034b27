"""What the current token alone says about a unit's activation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.grids import Column, Floats
from mi_hypotheses.unit_page import TokenMean, TokenMeans

LEAST_COUNT = 10
HIGHEST, LOWEST = 20, 5


def token_means(
    ids: NDArray[np.int32],
    activations: Column,
    test: NDArray[np.bool_],
    *,
    texts: Callable[[Iterable[int]], tuple[str, ...]],
) -> TokenMeans:
    """Mean activation by token, and how much of the activation that explains.

    Args:
        ids: the tokens, [tokens].
        activations: [tokens].
        test: which tokens belong to test documents, [tokens].
        texts: gives the text of some ids.
    """
    values = activations.astype(np.float64)
    counts = np.bincount(ids).astype(np.float64)
    sums = np.bincount(ids, values)
    means = sums / np.maximum(counts, 1)
    frequent = np.flatnonzero(counts >= LEAST_COUNT)
    order = frequent[np.argsort(-means[frequent], kind="stable")]
    highest = order[:HIGHEST].tolist()
    lowest = order[len(highest) :][::-1][:LOWEST].tolist()
    n_kinds = int(np.count_nonzero(counts))
    named = [
        TokenMean(id=i, text=text, n_tokens=int(counts[i]), mean=float(means[i]))
        for i, text in zip([*highest, *lowest], texts([*highest, *lowest]), strict=True)
    ]
    return TokenMeans(
        n_kinds=n_kinds,
        least_count=LEAST_COUNT,
        n_frequent=len(frequent),
        highest=tuple(named[: len(highest)]),
        lowest=tuple(named[len(highest) :]),
        share_explained=_share_explained(counts, means, values),
        share_by_chance=(n_kinds - 1) / (len(values) - 1) if len(values) > 1 else None,
        share_held_out=_held_out(ids, values, test),
    )


def _share_explained(counts: Floats, means: Floats, values: Floats) -> float | None:
    """η²: the variance between tokens over all variance; None where nothing varies."""
    total = float(np.square(values - values.mean()).sum())
    if not values.min() < values.max():
        return None
    between = float(counts @ np.square(means - values.mean()))
    return min(between / total, 1.0)


def _held_out(ids: NDArray[np.int32], values: Floats, test: NDArray[np.bool_]) -> float | None:
    """The squared correlation, on test tokens, with the calibration mean of the same token.

    A token that calibration documents lack is predicted by their mean. A negative correlation
    explains nothing. None where there are no tokens of either kind, or nothing varies.
    """
    known, asked = ~test, values[test]
    if not known.any() or not len(asked) or not asked.min() < asked.max():
        return None
    size = int(ids.max()) + 1
    counts = np.bincount(ids[known], minlength=size)
    sums = np.bincount(ids[known], values[known], minlength=size)
    overall = float(values[known].mean())
    means = np.where(counts > 0, sums / np.maximum(counts, 1), overall)
    predicted = means[ids[test]]
    if not predicted.min() < predicted.max():
        return 0.0
    return max(float(np.corrcoef(predicted, asked)[0, 1]), 0.0) ** 2

"""The shape of a unit's activations over all tokens: histogram, moments, quantiles."""

from __future__ import annotations

import numpy as np

from mi_hypotheses.grids import Column
from mi_hypotheses.reports import Histogram
from mi_hypotheses.unit_page import Tails

HISTOGRAM_BINS = 80
PERCENTS = (50.0, 90.0, 99.0, 99.9)


def tails(activations: Column) -> Tails:
    """Moments and quantiles of activations, float32 [tokens], at least one.

    With mᵣ = Σ (a − mean)ʳ / n: deviation √m₂, skewness m₃ / m₂^(3/2), excess kurtosis
    m₄ / m₂² − 3, which is 0 for a normal distribution. These are g₁ and g₂ of Joanes and Gill,
    "Comparing measures of sample skewness and kurtosis" (The Statistician 47, 1998), without
    correction for small samples. Quantiles are interpolated linearly, as type 7 of Hyndman and
    Fan, "Sample quantiles in statistical packages" (The American Statistician 50, 1996).
    """
    values = activations.astype(np.float64)
    mean = float(values.mean())
    centred = values - mean
    square = centred * centred
    second = float(square.mean())
    # Rounding alone leaves a little variance where all values are equal.
    spread = second > 0 and float(values.max()) > float(values.min())
    deviation = second**0.5 if spread else 0.0
    third, fourth = float((square * centred).mean()), float((square * square).mean())
    found = np.quantile(values, np.array(PERCENTS) / 100)
    return Tails(
        n_tokens=len(values),
        zero_share=float(np.mean(values == 0)),
        positive_share=float(np.mean(values > 0)),
        mean=mean,
        deviation=deviation,
        skewness=third / second**1.5 if spread else None,
        excess_kurtosis=fourth / second**2 - 3 if spread else None,
        minimum=float(values.min()),
        maximum=float(values.max()),
        maximum_in_deviations=(float(values.max()) - mean) / deviation if spread else None,
        quantiles={f"{p:g}": float(v) for p, v in zip(PERCENTS, found, strict=True)},
    )


def histogram(activations: Column) -> Histogram | None:
    """Counts in equal-width bins from the lowest to the highest activation; None where these are
    the same."""
    low, high = float(activations.min()), float(activations.max())
    if not low < high:
        return None
    counts, edges = np.histogram(activations.astype(np.float64), HISTOGRAM_BINS, (low, high))
    return Histogram(
        edges=tuple(edges.tolist()),
        negative=tuple(counts.tolist()),
        positive=(0,) * HISTOGRAM_BINS,
    )

"""How surprising scores are when many were looked at: p-values and q-values.

p: Student's t on a delete-a-group jackknife (Efron & Tibshirani 1993, chapter 11); q: the step-up
procedure of Benjamini & Hochberg 1995.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from mi_hypotheses.grids import Floats

DISCOVERY = 0.05  # the q up to which a unit is a discovery
LEAST_FOLDS = 8  # that carry a label
_TERMS = 400  # of the series below: more than it takes
_OUTSIDE = 0.05  # of an interval


def t_tail(t: Floats, degrees: float) -> Floats:
    """P(T > t) of Student's distribution with `degrees` of freedom; NaN where t is.

    It is half of the regularised incomplete beta function I_x(degrees / 2, 1/2) at
    x = degrees / (degrees + t²), by its power series (DLMF 8.17.7), so that tiny tails are exact
    too; near t = 0 by that of its complement.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        x = degrees / (degrees + np.square(t))
        y = np.square(t) / (degrees + np.square(t))  # 1 - x, exact near t = 0
    far, near = x < 0.5, x >= 0.5
    tail = np.full(t.shape, np.nan)
    tail[far] = 0.5 * _beta_series(x[far], degrees / 2, 0.5)
    tail[near] = 0.5 - 0.5 * _beta_series(y[near], 0.5, degrees / 2)
    return np.where(t > 0, tail, 1 - tail)


def _beta_series(x: Floats, a: float, b: float) -> Floats:
    """I_x(a, b) for x up to 1/2."""
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    term = np.exp(a * np.log(np.maximum(x, 1e-300)) + b * np.log1p(-x) - math.log(a) - log_beta)
    total = term.copy()
    for k in range(_TERMS):
        term *= x
        term *= (a + b + k) / (a + 1 + k)
        total += term
        # Nothing more is added; it is dear to ask each time.
        if k % 8 == 7 and not (term > 1e-17 * total).any():
            break
    return total


@cache
def t_quantile(degrees: float) -> float:
    """How many standard errors a 95% interval reaches to either side."""
    low, high = 0.0, 1e3
    for _ in range(7):
        between = np.linspace(low, high, 1001)
        above = np.count_nonzero(t_tail(between, degrees) > _OUTSIDE / 2)
        place = min(max(int(above), 1), len(between) - 1)  # the last bits are not in order
        low, high = between[place - 1 : place + 1].tolist()
    return low


def jackknife_error(left_out: Floats) -> Floats:
    """The standard error of a score, from its values with each fold left out, [folds, ...]."""
    folds = len(left_out)
    spread = np.square(left_out - left_out.mean(axis=0)).sum(axis=0)
    error: Floats = np.sqrt(spread * (folds - 1) / folds)
    return error


def q_values(p: Floats) -> Floats:
    """The least false discovery rate at which each test is a discovery, in the shape of `p`.

    Tests that are NaN are none: they do not count.
    """
    flat = p.reshape(-1)
    order = np.argsort(flat, kind="stable")  # NaN comes last
    order = order[: np.count_nonzero(~np.isnan(flat))]
    scaled = flat[order] * len(order) / np.arange(1, len(order) + 1)
    found = np.full(len(flat), np.nan)
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return found.reshape(p.shape)

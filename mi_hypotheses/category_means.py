"""What renderings show of a categorical label: the mean activation of each category."""

from __future__ import annotations

from collections.abc import Sequence

from mi_hypotheses.presentation import MISSING, one_line
from mi_hypotheses.reports import CategoryBand, Result, Score

MOST_SHOWN = 12  # in a text


def by_mean(bands: Sequence[CategoryBand]) -> list[CategoryBand]:
    """The categories that have test tokens, the highest mean activation first."""
    return sorted(
        (band for band in bands if band.mean_activation is not None),
        key=lambda band: -(band.mean_activation or 0.0),
    )


def overall_activation(bands: Sequence[CategoryBand]) -> float | None:
    """The mean activation of all tokens that have a category."""
    n = sum(band.n_tokens for band in bands)
    return sum(b.n_tokens * (b.mean_activation or 0.0) for b in bands) / n if n else None


def mean_of(band: CategoryBand) -> Score:
    """The mean activation of a category as a score with its interval."""
    return Score(value=band.mean_activation, low=band.low, high=band.high)


def means_shown(result: Result) -> tuple[list[CategoryBand], int]:
    """The categories whose means stand in a text: the highest, and of many the lowest too; and
    how many are left out between these."""
    bands = by_mean(result.category_bands)
    if len(bands) <= MOST_SHOWN:
        return bands, 0
    shown = [*bands[: MOST_SHOWN - 4], *bands[-4:]]
    return shown, len(bands) - len(shown)


def absent_text(result: Result) -> str:
    """`no test tokens: verb, noun`, or nothing where every category has some."""
    names = [one_line(band.name) for band in result.category_bands if not band.n_tokens]
    shown = ", ".join(names[:MOST_SHOWN])
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return f"no test tokens: {shown}{more}" if names else ""


def category_name(result: Result, label: float | None) -> str:
    """The name of the category that a token's label stands for."""
    if label is None or not 0 <= label < len(result.category_bands):
        return MISSING
    return result.category_bands[int(label)].name

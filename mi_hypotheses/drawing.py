"""What all drawings of a report are made of: scales, axes, and inline SVG.

Colours come from classes in `templates/report.css`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup, escape

WIDTH, LEFT, RIGHT = 480, 38, 8

Scale = Callable[[float], float]


def x_axis(low: float, high: float, x: Scale, bottom: float) -> list[str]:
    """An axis with numbers under it."""
    at = ticks(low, high, most=8)
    marks = [
        f'<path class="axis" d="M{x(v):.1f} {bottom}v4"/>'
        f'<text class="mid" x="{x(v):.1f}" y="{bottom + 16}">{text}</text>'
        for v, text in zip(at, _written(at), strict=True)
    ]
    return [f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>', *marks]


def scale(low: float, high: float, start: float, end: float) -> Scale:
    """A linear map of [low, high] to [start, end]; what lies outside goes to the nearer end."""
    span = (high - low) or 1.0

    def scaled(value: float) -> float:
        return start + (end - start) * min(max((value - low) / span, 0.0), 1.0)

    return scaled


def round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(value))
    return next((m * power for m in (1, 2, 2.5, 5) if m * power >= value), 10 * power)


def limits_of(values: Sequence[float]) -> tuple[float, float]:
    """An axis that holds zero and all `values`, with room for a number at either end."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if low == high:
        return 0.0, 1.0
    room = (high - low) * 0.12
    return (low - room if low < 0 else 0.0), (high + room if high > 0 else 0.0)


def ticks(low: float, high: float, *, most: int) -> list[float]:
    """At most about `most` round numbers within [low, high]."""
    step = round_up(max((high - low) / most, 1e-12))
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def _written(values: Sequence[float]) -> list[str]:
    """Short numbers, with as many decimals as it takes to write them in full."""
    enough = (d for d in range(2, 12) if all(abs(round(v, d) - v) < 1e-13 for v in values))
    decimals = next(enough, 12)
    return [tick(value, decimals=decimals) for value in values]


def tick(value: float, *, decimals: int = 2) -> str:
    """A short number for an axis: `0.25`, `12`, `−3`."""
    text = f"{value:,.{decimals if abs(value) < 10 else 0}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text.replace("-", "−")


def svg(width: float, height: float, name: str, title: str, parts: Iterable[str]) -> Markup:
    return Markup(
        f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )

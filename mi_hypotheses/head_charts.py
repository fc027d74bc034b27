"""Drawings of where a head's attention goes: onto targets, BOS and the rest, and how far back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mi_hypotheses.drawing import LEFT, RIGHT, WIDTH, Scale, round_up, scale, svg, tick, ticks
from mi_hypotheses.presentation import MISSING, number, shares_text
from mi_hypotheses.reports import Attention, DistanceBand, Shares

_DIGIT = 6.2  # width of a character of a chart's text


@dataclass(frozen=True, slots=True)
class _Pair:
    """What lies at one distance, and what the target would have there."""

    label: str
    attention: float | None
    expected: float | None


def shares_chart(attention: Attention) -> Markup:
    """Mean attention on targets, BOS and elsewhere: a stacked bar for the queries with a target
    and one for the others, their numbers above."""
    rows = [
        (title, shares)
        for title, shares in (
            ("with a target", attention.with_target),
            ("without a target", attention.without_target),
        )
        if shares is not None
    ]
    parts = []
    described = []
    for i, (title, shares) in enumerate(rows):
        top = 4 + 42 * i
        numbers = shares_text(shares)
        parts.append(
            f'<text x="0" y="{top + 9}"><tspan class="strong">{title}</tspan>  {numbers}</text>'
        )
        parts += _stack(shares, top + 15)
        described.append(f"queries {title}: {numbers}")
    return svg(
        WIDTH, 4 + 42 * len(rows), "chart shares", f"Attention of {'; '.join(described)}", parts
    )


def _named(shares: Shares) -> list[tuple[str, float]]:
    named = (("target", shares.target), ("BOS", shares.bos), ("elsewhere", shares.elsewhere))
    return [(name, value) for name, value in named if value is not None]


def _stack(shares: Shares, top: float) -> list[str]:
    """One bar from left to right; BOS is hatched, so that it is told without colour."""
    x = scale(0, 1, 0.5, WIDTH - 0.5)
    parts = []
    before = 0.0
    for name, value in _named(shares):
        left, right = x(before), x(before + value)
        box = f'x="{left:.1f}" y="{top}" width="{max(right - left, 0):.1f}" height="16"'
        parts.append(f'<rect class="on-{name.lower()}" {box}/>')
        if name == "BOS":
            marks = "".join(
                f"M{at:.1f} {top + 16}l4 -16" for at in _steps(left + 1, right - 5, width=6)
            )
            parts.append(f'<path class="hatch" d="{marks}"/>')
        before += value
    return parts


def _steps(start: float, end: float, *, width: float) -> list[float]:
    return [start + i * width for i in range(int(max(end - start, -1) // width) + 1)]


def distance_chart(attention: Attention) -> Markup:
    """Mean attention by distance beside what the target asks for, as pairs of bars."""
    pairs = _pairs(attention)
    top, bottom = 14, 140
    values = [v for pair in pairs for v in (pair.attention, pair.expected) if v is not None]
    high = min(round_up(max([*values, 0.01])), 1.0)
    y = scale(0, high, bottom, top)
    step = (WIDTH - RIGHT - LEFT) / max(len(pairs), 1)
    parts = [
        f'<path class="grid" d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}"/>'
        f'<text class="end" x="{LEFT - 5}" y="{y(v) + 3.5:.1f}">{tick(v)}</text>'
        for v in ticks(0, high, most=4)
    ]
    for i, pair in enumerate(pairs):
        parts.append(_paired_bars(pair, LEFT + i * step, step, y))
    parts += _band_labels([pair.label for pair in pairs], step, bottom + 14)
    if step >= 4.5 * _DIGIT:
        parts += _numbers("mean", [pair.attention for pair in pairs], step, bottom + 29)
        parts += _numbers("exp.", [pair.expected for pair in pairs], step, bottom + 42)
    parts.append(f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>')
    described = "; ".join(
        f"{pair.label}: {number(pair.attention)}, expected {number(pair.expected)}"
        for pair in pairs
    )
    return svg(
        WIDTH, bottom + 48, "chart", f"Attention by tokens back to the key: {described}", parts
    )


def _pairs(attention: Attention) -> list[_Pair]:
    """The bands as they come, then BOS."""
    pairs = [_Pair(_band(b), b.attention, b.expected) for b in attention.distances]
    bos = attention.with_target.bos if attention.with_target else None
    if bos is not None or attention.bos_expected is not None:
        pairs.append(_Pair("BOS", bos, attention.bos_expected))
    return pairs


def _band(band: DistanceBand) -> str:
    """`3`, `4–7`, `−7…−4`."""
    if band.low == band.high:
        return tick(band.low)
    joint = "…" if band.low < 0 else "–"
    return f"{tick(band.low)}{joint}{tick(band.high)}"


def _paired_bars(pair: _Pair, left: float, step: float, y: Scale) -> str:
    """Attention filled, expectation in outline, with the numbers for whoever hovers."""
    title = f"{pair.label}: {number(pair.attention)}, expected {number(pair.expected)}"
    parts = [f"<title>{title}</title>"]
    for value, style, share in ((pair.attention, "share", 0.1), (pair.expected, "wanted", 0.52)):
        if value:
            parts.append(
                f'<rect class="{style}" x="{left + step * share:.1f}" y="{y(value):.1f}" '
                f'width="{step * 0.38:.1f}" height="{y(0) - y(value):.1f}"/>'
            )
    return f"<g>{''.join(parts)}</g>"


def _numbers(title: str, values: Sequence[float | None], step: float, y: float) -> Iterator[str]:
    """A row of numbers under the bands."""
    yield f'<text class="end faint" x="{LEFT - 5}" y="{y}">{title}</text>'
    for i, value in enumerate(values):
        text = MISSING if value is None else tick(value)
        if value and text == "0":
            text = "&lt;.01"
        yield f'<text class="mid faint" x="{LEFT + (i + 0.5) * step:.1f}" y="{y}">{text}</text>'


def _band_labels(labels: Sequence[str], step: float, y: float) -> list[str]:
    """The labels in the middle of their bands; one that would run into another is left out."""
    parts = []
    free = 0.0
    for i, label in enumerate(labels):
        middle, half = LEFT + (i + 0.5) * step, len(label) * _DIGIT / 2
        last = i == len(labels) - 1
        if not last and middle + half > WIDTH - RIGHT - step / 2 - len(labels[-1]) * _DIGIT / 2:
            continue
        if middle - half >= free:
            parts.append(f'<text class="mid" x="{middle:.1f}" y="{y}">{label}</text>')
            free = middle + half + _DIGIT / 2
    return parts

"""The report's drawings, as inline SVG; colours come from classes in `templates/report.css`.

Only numbers, fixed words and the escaped names of categories are written into the markup here,
never text of a corpus.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from mi_hypotheses.category_means import by_mean, mean_of, overall_activation
from mi_hypotheses.drawing import (
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    limits_of,
    round_up,
    scale,
    svg,
    tick,
    ticks,
    x_axis,
)
from mi_hypotheses.presentation import (
    bar_for,
    count,
    floors_of,
    number,
    score_text,
    short_count,
    visible,
)
from mi_hypotheses.reports import Band, CategoryBand, Histogram, LabelBand, Result, Score, Slice

MOST_BINS = 80
MOST_ROWS = 40  # of categories
_DIGIT = 6.2  # width of a character of a chart's text


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of a bar chart; `label` stands under it."""

    label: str
    value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row of dots on their intervals; `label` stands before it."""

    label: str
    score: Score
    n: int


def interval_bar(
    score: Score,
    *,
    floors: Iterable[float] = (),
    at_least: float | None = None,
    limits: tuple[float, float] | None = None,
    width: int = 120,
) -> Markup:
    """A dot on its interval, ticks for the floors, a triangle at the expectation.

    The track runs between `limits`, those of `tracks` for a column of bars, otherwise as far as
    its own values need; where it ends beyond 1, the end is written there.
    """
    marks = list(floors)
    start, end = limits or _track([score.value, score.low, score.high, at_least, *marks])
    room = width - (34 if end > 1 else 4)
    x = scale(start, end, 4, room)
    parts = [f'<path class="track" d="M4 10H{room}M4 7v6M{room} 7v6"/>']
    if start < 0:
        parts.append(f'<path class="track" d="M{x(0):.1f} 7v6"/>')
    parts += [f'<path class="floor" d="M{x(v):.1f} 5v10"/>' for v in marks]
    if score.low is not None and score.high is not None:
        low, high = x(score.low), x(score.high)
        parts.append(
            f'<rect class="interval" x="{low:.1f}" y="5.5" width="{max(high - low, 1):.1f}" '
            'height="9" rx="1.5"/>'
        )
    if score.value is not None:
        parts.append(f'<circle class="value" cx="{x(score.value):.1f}" cy="10" r="2.4"/>')
    if at_least is not None:
        parts.append(f'<path class="bar" d="M{x(at_least):.1f} 17V4l-3.5-4h7l-3.5 4"/>')
    if end > 1:
        parts.append(f'<text x="{room + 4}" y="13.5">{number(end)}</text>')
    return svg(width, 18, "strip", _described(score, marks, at_least), parts)


def tracks(
    parts: Iterable[Result | Slice], metrics: Iterable[str]
) -> dict[str, tuple[float, float]]:
    """Limits for each metric that all bars of its column fit in."""
    parts = list(parts)
    return {
        metric: _track(v for part in parts for v in _marked(part, metric)) for metric in metrics
    }


def _marked(part: Result | Slice, metric: str) -> list[float | None]:
    """The values that a bar shows of a metric."""
    score = part.scores.get(metric)
    if score is None:
        return []
    shown = [score.value, score.low, score.high]
    if isinstance(part, Result):
        bar = bar_for(part, metric)
        shown += [bar.at_least if bar else None, *(f.value for f in floors_of(part, metric))]
    return shown


def _track(values: Iterable[float | None]) -> tuple[float, float]:
    """From 0 to 1, from −1 where a value is clearly negative, to a round number above 1."""
    known = [value for value in values if value is not None]
    start = -1.0 if min(known, default=0) < -0.05 else 0.0
    return start, round_up(max(known)) if max(known, default=0) > 1 else 1.0


def _described(score: Score, floors: Sequence[float], at_least: float | None) -> str:
    text = number(score.value)
    if score.low is not None and score.high is not None:
        text += f", interval {number(score.low)} to {number(score.high)}"
    if at_least is not None:
        text += f", expected at least {number(at_least)}"
    return text + (f", best floor {number(max(floors))}" if floors else "")


def histogram_chart(
    histogram: Histogram, *, threshold: float | None = None, counted: str = "activations"
) -> Markup:
    """Counts by activation on a logarithmic axis, the two labels over each other."""
    edges, negative, positive = _rebinned(histogram, threshold)
    top, bottom = 18, 172
    most = max([1, *negative, *positive])
    decades = math.log10(most) + 0.35  # a count of 1 stands a little above the axis
    x = scale(edges[0], edges[-1], LEFT, WIDTH - RIGHT)

    def y(n: float) -> float:
        share = (math.log10(n) + 0.35) / decades if n > 0 else 0
        return bottom - (bottom - top - 6) * share

    parts = [
        f'<path class="grid" d="M{LEFT} {y(10**k):.1f}H{WIDTH - RIGHT}"/>'
        f'<text class="end" x="{LEFT - 5}" y="{y(10**k) + 3.5:.1f}">{short_count(10**k)}</text>'
        for k in range(int(math.log10(most)) + 1)
    ]
    for counts, name in ((negative, "label0"), (positive, "label1")):
        if any(counts):
            steps = "".join(f"H{x(edges[i]):.1f}V{y(n):.1f}" for i, n in enumerate(counts))
            path = f"M{LEFT} {bottom}{steps}H{x(edges[-1]):.1f}V{bottom}"
            parts.append(f'<path class="{name}" d="{path}"/>')
    parts += x_axis(edges[0], edges[-1], x, bottom)
    if threshold is not None and edges[0] <= threshold <= edges[-1]:
        at = x(threshold)
        side, dx = ("end", -5) if at > WIDTH * 0.7 else ("", 5)
        parts.append(
            f'<path class="threshold" d="M{at:.1f} {bottom}V4"/>'
            f'<text class="{side}" x="{at + dx:.1f}" y="12">threshold {number(threshold)}</text>'
        )
    title = f"Histogram of {count(sum(negative) + sum(positive))} {counted}"
    return svg(WIDTH, 196, "chart", title, parts)


def _rebinned(
    histogram: Histogram, threshold: float | None
) -> tuple[list[float], list[int], list[int]]:
    """The occupied stretch of the histogram (and its threshold) in at most `MOST_BINS` bins."""
    edges, low, high = histogram.edges, histogram.negative, histogram.positive
    used = [i for i, pair in enumerate(zip(low, high, strict=True)) if any(pair)] or [0]
    first, last = used[0], used[-1] + 1
    if threshold is not None and edges[0] <= threshold <= edges[-1]:
        while edges[first] > threshold:
            first -= 1
        while edges[last] < threshold:
            last += 1
    step = max(1, math.ceil((last - first) / MOST_BINS))
    starts = range(first, last, step)
    return (
        [*(edges[i] for i in starts), edges[last]],
        [sum(low[i : min(i + step, last)]) for i in starts],
        [sum(high[i : min(i + step, last)]) for i in starts],
    )


def bands_chart(bands: Sequence[Band], *, boolean: bool, overall: float | None = None) -> Markup:
    """P(c=1 | band), or the mean of a numeric label, by activation; `overall` as a dotted line."""
    columns = [Column(tick(band.low), band.mean_label, band.n_tokens) for band in bands]
    limits = (0.0, 1.0) if boolean else None
    return _bar_chart(columns, "share", limits=limits, overall=overall, edge=True)


def label_bands_chart(bands: Sequence[LabelBand]) -> Markup:
    """The mean activation by the value of a numeric label: bars where their labels have room,
    else rows."""
    labels = [
        tick(band.low) if band.low == band.high else f"{tick(band.low)}…{tick(band.high)}"
        for band in bands
    ]
    room = (WIDTH - RIGHT - LEFT) / max(len(bands), 1)
    written = [*labels, *(tick(band.mean_activation or 0) for band in bands)]
    if max(map(len, written), default=0) * _DIGIT <= room:
        columns = [
            Column(label, band.mean_activation, band.n_tokens)
            for label, band in zip(labels, bands, strict=True)
        ]
        return _bar_chart(columns, "activation", limits=None, overall=None, edge=False)
    rows = [
        Row(label, Score(value=band.mean_activation), band.n_tokens)
        for label, band in zip(labels, bands, strict=True)
    ]
    return _row_chart(rows, overall=None)


def category_chart(bands: Sequence[CategoryBand]) -> Markup:
    """The mean activation of each category with its interval, the highest first; the mean of
    all as a dotted line. Of very many the highest and the lowest are drawn."""
    rows = [
        Row(
            visible(band.name),
            mean_of(band),
            band.n_tokens,
        )
        for band in by_mean(bands)
    ]
    if len(rows) > MOST_ROWS:
        rows = [*rows[: MOST_ROWS - 10], *rows[-10:]]
    return _row_chart(rows, overall=overall_activation(bands))


def _row_chart(rows: Sequence[Row], *, overall: float | None) -> Markup:
    """A dot a row on its interval, its n at the right; a name that is too long is cut."""
    longest = 22
    left = _DIGIT * min(max((len(row.label) for row in rows), default=0), longest) + 12
    right = WIDTH - 46
    top, height = 14, 18
    bottom = top + height * len(rows) + 2
    low, high = _spread(rows)
    x = scale(low, high, left + 6, right - 6)
    marks = ticks(low, high, most=6)
    parts = [f'<path class="grid" d="M{x(v):.1f} {top - 4}V{bottom}"/>' for v in marks]
    if overall is not None:
        parts.append(f'<path class="overall" d="M{x(overall):.1f} {top - 6}V{bottom}"/>')
    for i, row in enumerate(rows):
        name = row.label if len(row.label) <= longest else row.label[: longest - 1] + "…"
        parts.append(_dot_row(row, name, left, top + height * (i + 0.5), x))
    parts.append(f'<text class="end faint" x="{WIDTH}" y="{top - 4}">n</text>')
    parts.append(f'<path class="axis" d="M{left:.1f} {bottom}H{right}"/>')
    for v in marks:
        parts.append(
            f'<path class="axis" d="M{x(v):.1f} {bottom}v4"/>'
            f'<text class="mid" x="{x(v):.1f}" y="{bottom + 16}">{tick(v)}</text>'
        )
    title = "; ".join(_told(row) for row in rows)
    return svg(WIDTH, bottom + 22, "chart", f"Mean activation of {title}", parts)


def _spread(rows: Sequence[Row]) -> tuple[float, float]:
    """An axis that holds all values and intervals, and zero where it is near."""
    scores = [row.score for row in rows]
    known = [v for s in scores for v in (s.value, s.low, s.high) if v is not None] or [0.0]
    low, high = min(known), max(known)
    room = (high - low) or abs(high) or 1.0
    low, high = low - 0.03 * room, high + 0.03 * room
    if 0 < low < room:
        low = 0.0
    if -room < high < 0:
        high = 0.0
    return low, high


def _told(row: Row) -> str:
    """`noun 0.31 [0.28, 0.33] (n 12,345)`."""
    return f"{row.label} {score_text(row.score)} (n {count(row.n)})"


def _dot_row(row: Row, name: str, left: float, y: float, x: Scale) -> str:
    """A name, a dot on its interval, and n; the numbers for whoever hovers."""
    parts = [
        f"<title>{escape(_told(row))}</title>",
        f'<rect class="hit" x="0" y="{y - 9:.1f}" width="{WIDTH}" height="18"/>',
        f'<text class="end" x="{left - 6:.1f}" y="{y + 3.5:.1f}">{escape(name)}</text>',
        f'<text class="end faint" x="{WIDTH}" y="{y + 3.5:.1f}">{short_count(row.n)}</text>',
    ]
    score = row.score
    if score.low is not None and score.high is not None:
        start, end = x(score.low), x(score.high)
        parts.append(
            f'<rect class="interval" x="{start:.1f}" y="{y - 4:.1f}" '
            f'width="{max(end - start, 1):.1f}" height="8" rx="1.5"/>'
        )
    if score.value is not None:
        parts.append(f'<circle class="value" cx="{x(score.value):.1f}" cy="{y:.1f}" r="3"/>')
    return f"<g>{''.join(parts)}</g>"


def _bar_chart(
    columns: Sequence[Column],
    style: str,
    *,
    limits: tuple[float, float] | None,
    overall: float | None,
    edge: bool,
) -> Markup:
    """Bars with their value above and their n below; `edge` puts labels at the left edges."""
    top, bottom = 16, 140
    low, high = limits or limits_of([c.value for c in columns if c.value is not None])
    y = scale(low, high, bottom, top)
    step = (WIDTH - RIGHT - LEFT) / max(len(columns), 1)
    parts = [
        f'<path class="grid" d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}"/>'
        f'<text class="end" x="{LEFT - 5}" y="{y(v) + 3.5:.1f}">{tick(v)}</text>'
        for v in ticks(low, high, most=4)
    ]
    if overall is not None and low <= overall <= high:
        parts.append(f'<path class="overall" d="M{LEFT} {y(overall):.1f}H{WIDTH - RIGHT}"/>')
    for i, column in enumerate(columns):
        left = LEFT + i * step
        parts.append(_bar(column, style, left, step, y))
        label_x, anchor = (left, "mid") if edge else (left + step / 2, "mid")
        parts.append(
            f'<text class="{anchor}" x="{label_x:.1f}" y="{bottom + 14}">{column.label}</text>'
            f'<text class="mid faint" x="{left + step / 2:.1f}" y="{bottom + 28}">'
            f"{short_count(column.n)}</text>"
        )
    parts.append(f'<path class="axis" d="M{LEFT} {y(max(low, 0)):.1f}H{WIDTH - RIGHT}"/>')
    parts.append(f'<text class="end faint" x="{LEFT - 5}" y="{bottom + 28}">n</text>')
    title = "; ".join(f"from {c.label}: {number(c.value)} (n {count(c.n)})" for c in columns)
    return svg(WIDTH, bottom + 34, "chart", title, parts)


def _bar(column: Column, style: str, left: float, step: float, y: Scale) -> str:
    """One bar, from zero to its value, which is written at its end."""
    middle = left + step / 2
    if column.value is None:
        return f'<text class="mid faint" x="{middle:.1f}" y="{y(0) - 4:.1f}">–</text>'
    zero, end = y(0), y(column.value)
    text_y = end - 4 if end <= zero else end + 11
    return (
        f'<rect class="{style}" x="{left + step * 0.08:.1f}" y="{min(zero, end):.1f}" '
        f'width="{step * 0.84:.1f}" height="{abs(zero - end):.1f}"/>'
        f'<text class="mid" x="{middle:.1f}" y="{text_y:.1f}">{tick(column.value)}</text>'
    )

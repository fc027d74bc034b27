"""A score over the checkpoints of a model, as a curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from mi_hypotheses.comparison import FINAL, Series
from mi_hypotheses.drawing import Scale, round_up, scale, svg, tick, ticks
from mi_hypotheses.presentation import bar_for, count, floors_of, interval, number, visible
from mi_hypotheses.reports import Result, Score, Status

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 360, 34, 16, 10, 132
_DIGIT = 6.2  # width of a character of a chart's text

# A shape for each verdict, drawn around (0, 0), so that none is told by its colour alone.
MARKERS: dict[Status, str] = {
    "supported": '<circle r="4.2"/>',
    "refuted": '<path d="M-4 -4L4 4M4 -4L-4 4"/>',
    "inconclusive": '<path class="hollow" d="M0 -5.2L5.2 0L0 5.2L-5.2 0Z"/>',
    "undefined": '<circle class="hollow" r="4"/><path d="M-4.5 4.5L4.5 -4.5"/>',
    "error": '<path class="hollow" d="M-4.6 4L0 -4.6L4.6 4Z"/>',
}
PLAIN = '<circle r="2.6"/>'  # where nothing is expected of the metric


@dataclass(frozen=True, slots=True)
class _Point:
    """A score at a step; `y` is None where there is no score."""

    x: float
    step: int | None
    score: Score
    floor: float | None
    status: Status | None
    result: Result


def training_chart(
    series: Series,
    metric: str,
    steps: Sequence[int | None],
    link: Callable[[Result], str],
) -> Markup:
    """The score with its interval, its strongest floor and its bar; `steps` are the axis, and
    `link` gives the fragment of a result."""
    x = step_scale(steps)
    points = [_point(x[step], step, result, metric) for step, result in series.points]
    bars = {bar.at_least for p in points if (bar := bar_for(p.result, metric)) is not None}
    low, high = _limits(points, bars)
    y = scale(low, high, BOTTOM, TOP)
    parts = [
        *_grid(low, high, y),
        *_step_axis(x),
        *(f'<path class="band" d="{path}"/>' for path in _band_paths(points, y)),
        *(f'<path class="wanted-line" d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}"/>' for v in bars),
        *_lines([(p.x, p.floor) for p in points], y, "floor-line"),
        *_lines([(p.x, p.score.value) for p in points], y, "curve"),
        *(_marker(point, y, link(point.result)) for point in points),
    ]
    described = "; ".join(_described(point) for point in points)
    return svg(WIDTH, BOTTOM + 32, "chart over-steps", f"Over training steps: {described}", parts)


def step_scale(steps: Sequence[int | None]) -> dict[int | None, float]:
    """Where each step stands: by its logarithm, but never too near to the one before.

    Step 0 and the final model, whose step is not known, stand one ordinary gap away.
    """
    positive = [step for step in steps if step]
    logs = [math.log10(b / a) for a, b in pairwise(positive)]
    ordinary = sum(logs) / len(logs) if logs else 1.0
    gaps = [max(gap, ordinary / 2) for gap in logs]
    if 0 in steps and positive:
        gaps = [ordinary, *gaps]
    if None in steps and len(steps) > 1:
        gaps = [*gaps, ordinary]
    unit = (WIDTH - RIGHT - LEFT - 16) / (sum(gaps) or 1.0)
    places = [LEFT + 8 + unit * sum(gaps[:i]) for i in range(len(steps))]
    return dict(zip(steps, places, strict=True))


def _point(x: float, step: int | None, result: Result, metric: str) -> _Point:
    floors = floors_of(result, metric)
    bar = bar_for(result, metric)
    status = result.verdict.status
    if status not in ("undefined", "error"):
        return _Point(
            x,
            step,
            result.scores.get(metric, Score(value=None)),
            floors[0].value if floors else None,
            bar.status if bar else None,
            result,
        )
    return _Point(x, step, result.scores.get(metric, Score(value=None)), None, status, result)


def _limits(points: Sequence[_Point], bars: set[float]) -> tuple[float, float]:
    """0 to 1 unless something lies outside."""
    scores = [v for p in points for v in (p.score.value, p.score.low, p.score.high)]
    known = [v for v in (*scores, *(p.floor for p in points), *bars) if v is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    return (-round_up(-low) if low < -0.05 else 0.0), (round_up(high) if high > 1 else 1.0)


def _grid(low: float, high: float, y: Scale) -> Iterator[str]:
    for v in ticks(low, high, most=4):
        yield f'<path class="grid" d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text class="end" x="{LEFT - 5}" y="{y(v) + 3.5:.1f}">{tick(v)}</text>'


def _step_axis(x: dict[int | None, float]) -> Iterator[str]:
    """The axis, broken where distances are not to scale, and as many labels as have room."""
    yield f'<path class="axis" d="M{LEFT} {BOTTOM}H{WIDTH - RIGHT}"/>'
    steps = list(x)
    for a, b in pairwise(steps):
        if a == 0 or b is None:
            middle = (x[a] + x[b]) / 2
            yield f'<path class="axis" d="M{middle - 3:.1f} {BOTTOM + 3}l3 -6m3 0l-3 6"/>'
    rows = _label_rows(x)
    for step, at in x.items():
        row = rows.get(step)
        yield f'<path class="axis" d="M{at:.1f} {BOTTOM}v{4 if row is None else 4 + 11 * row}"/>'
        if row is not None:
            label_y = BOTTOM + 15 + 12 * row
            yield f'<text class="mid" x="{at:.1f}" y="{label_y}">{_step(step)}</text>'


def _label_rows(x: dict[int | None, float]) -> dict[int | None, int]:
    """In which of two rows each step's label stands, so that none runs into another: the ends
    first, then from the left; what has no room has no label."""
    taken: list[list[tuple[float, float]]] = [[], []]
    rows = {}
    steps = list(x)
    for step in dict.fromkeys([steps[0], steps[-1], *steps]):
        half = len(_step(step)) * _DIGIT / 2 + 1.5
        left, right = x[step] - half, x[step] + half
        for row, labels in enumerate(taken):
            if all(right <= a or left >= b for a, b in labels):
                labels.append((left, right))
                rows[step] = row
                break
    return rows


def _step(step: int | None) -> str:
    return FINAL if step is None else count(step)


def _runs(known: Sequence[bool]) -> Iterator[range]:
    """The stretches of a series without a hole."""
    start = None
    for i, there in enumerate([*known, False]):
        if there and start is None:
            start = i
        elif not there and start is not None:
            yield range(start, i)
            start = None


def _lines(places: Sequence[tuple[float, float | None]], y: Scale, style: str) -> Iterator[str]:
    """A line through the known values, with a hole where one is missing."""
    drawn = [f"{x:.1f} {y(v):.1f}" if v is not None else "" for x, v in places]
    for run in _runs([bool(place) for place in drawn]):
        path = "L".join(drawn[i] for i in run)
        yield f'<path class="{style}" d="M{path}{"h.1" if len(run) == 1 else ""}"/>'


def _band_paths(points: Sequence[_Point], y: Scale) -> Iterator[str]:
    """The 95% intervals, joined to a band; a whisker where a point has no neighbour."""
    sides = [
        None
        if p.score.low is None or p.score.high is None
        else (p.x, y(p.score.low), y(p.score.high))
        for p in points
    ]
    for run in _runs([side is not None for side in sides]):
        known = [side for i in run if (side := sides[i]) is not None]
        if len(known) == 1:
            x, low, high = known[0]
            known = [(x - 1.5, low, high), (x + 1.5, low, high)]
        there = "L".join(f"{x:.1f} {high:.1f}" for x, _, high in known)
        back = "L".join(f"{x:.1f} {low:.1f}" for x, low, _ in reversed(known))
        yield f"M{there}L{back}Z"


def _marker(point: _Point, y: Scale, fragment: str) -> str:
    """The point in the shape of its verdict, with its numbers for whoever hovers, as a link.

    The grid of numbers has the same links, so these are left out of the order of tabs.
    """
    at = y(point.score.value) if point.score.value is not None else BOTTOM
    shape = MARKERS[point.status] if point.status else PLAIN
    return (
        f'<a href="#{escape(fragment)}" tabindex="-1" class="mark {point.status or "plain"}" '
        f'transform="translate({point.x:.1f} {at:.1f})"><title>{escape(_described(point))}</title>'
        f'<circle class="hit" r="8"/>{shape}</a>'
    )


def _described(point: _Point) -> str:
    """`step 400: 0.71 [0.70, 0.72], floor 0.21, supported`."""
    step = "final model" if point.step is None else f"step {count(point.step)}"
    parts = [f"{step}: {number(point.score.value)} {interval(point.score)}".rstrip()]
    if point.floor is not None:
        parts.append(f"floor {number(point.floor)}")
    if point.status:
        parts.append(point.status)
    if point.result.searched:
        parts.append(visible(point.result.unit))
    return ", ".join(parts)

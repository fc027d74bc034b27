"""Where in a model the units are that fit a subject, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from mi_hypotheses.drawing import svg
from mi_hypotheses.presentation import number
from mi_hypotheses.scan_reports import MapPoint, ScannedSubject, ScanReport

WIDTH, LEFT = 1080, 34
ROW = 22
CELL = 46
MOST_CELLS = 60


def unit_map(report: ScanReport, subject: ScannedSubject) -> Markup:
    """The layers as rows, in each a mark for every unit with a score worth one."""
    if subject.kind == "attends":
        return _heads(report, subject)
    return _neurons(report, subject)


def _neurons(report: ScanReport, subject: ScannedSubject) -> Markup:
    layers = sorted({point.layer for point in subject.points})
    total = report.model.d_mlp or 1
    most = max((abs(point.value) for point in subject.points), default=1.0) or 1.0
    row_of = {layer: row for row, layer in enumerate(layers)}
    room = WIDTH - LEFT - 8
    parts = []
    for layer, row in row_of.items():
        middle = row * ROW + ROW / 2
        parts.append(
            f'<text class="end" x="{LEFT - 6}" y="{middle + 3.5:g}">L{layer}</text>'
            f'<path class="track" d="M{LEFT} {middle:g}H{WIDTH - 8}"/>'
        )
    # The strongest are drawn last, over the others.
    for point in sorted(subject.points, key=lambda point: abs(point.value)):
        share = abs(point.value) / most
        x = LEFT + room * (point.index + 0.5) / total
        half = 1 + 8 * share
        middle = row_of[point.layer] * ROW + ROW / 2
        parts.append(
            f'<path class="{"fits" if point.value >= 0 else "against"}" opacity="{share:.2f}" '
            f'd="M{x:.1f} {middle - half:.1f}V{middle + half:.1f}">'
            f"<title>{_told(point, 'N')}</title></path>"
        )
    title = f"{subject.name}: neurons by layer and index"
    return svg(WIDTH, max(len(layers), 1) * ROW + 2, "map", title, parts)


def _heads(report: ScanReport, subject: ScannedSubject) -> Markup:
    layers = sorted({point.layer for point in subject.points})
    row_of = {layer: row for row, layer in enumerate(layers)}
    heads = (report.model.n_heads or 1) if len(subject.points) > 1 else 1
    size = min(CELL, (WIDTH - LEFT) / heads)
    parts = [
        f'<text class="end" x="{LEFT - 6}" y="{(row + 0.5) * ROW + 3.5:g}">L{layer}</text>'
        for layer, row in row_of.items()
    ]
    for point in subject.points:
        x, y = LEFT + size * (point.index if heads > 1 else 0), row_of[point.layer] * ROW
        share = min(max(point.value, 0.0), 1.0)
        parts.append(
            f'<rect class="cell" x="{x:.1f}" y="{y}" width="{size - 2:.1f}" height="{ROW - 2}" '
            f'fill-opacity="{share:.2f}"><title>{_told(point, "H")}</title></rect>'
        )
        if size >= 30:
            dark = " strong" if share > 0.55 else ""
            parts.append(
                f'<text class="mid{dark}" x="{x + size / 2 - 1:.1f}" y="{y + ROW / 2 + 3:g}">'
                f"{number(point.value)}</text>"
            )
    title = f"{subject.name}: heads by layer"
    return svg(LEFT + size * heads, max(len(layers), 1) * ROW + 2, "map", title, parts)


def _told(point: MapPoint, kind: str) -> str:
    return f"L{point.layer}{kind}{point.index} {number(point.value)}"


def matrix_map(subjects: Sequence[ScannedSubject], columns: Sequence[str]) -> Markup:
    """Subjects as rows, the best units of each as columns, their scores as shades."""
    columns = columns[:MOST_CELLS]
    names = 210
    size = min(30.0, (WIDTH - names) / max(len(columns), 1))
    top, height = 62, 17
    parts = [
        f'<text class="turned" transform="translate({names + size * (place + 0.6):.1f} {top - 6})'
        f' rotate(-60)">{escape(unit)}</text>'
        for place, unit in enumerate(columns)
    ]
    for row, subject in enumerate(subjects):
        y = top + row * height
        shown = subject.name if len(subject.name) < 34 else subject.name[:32] + "…"
        parts.append(f'<text class="end" x="{names - 8}" y="{y + 12}">{escape(shown)}</text>')
        for place, value in enumerate(subject.row[: len(columns)]):
            if value is None:
                continue
            kind = "fits" if value >= 0 else "against"
            parts.append(
                f'<rect class="cell {kind}" x="{names + size * place:.1f}" y="{y}" '
                f'width="{size - 1:.1f}" height="{height - 1}" fill-opacity="{abs(value):.2f}">'
                f"<title>{escape(subject.name)}, {escape(columns[place])}: {number(value)}</title>"
                "</rect>"
            )
    return svg(
        names + size * len(columns) + 30,
        top + height * len(subjects) + 4,
        "matrix",
        "Subjects and units: scores on test documents",
        parts,
    )

"""A scan as a page of its own."""

from __future__ import annotations

from markupsafe import Markup

from mi_hypotheses import scan_view, unit_maps
from mi_hypotheses.render import anchors, asset, environment
from mi_hypotheses.scan_reports import ScanReport

MOST_ROWS = 80  # of the table of subjects and units
MOST_MAPS = 40


def render_scan(report: ScanReport) -> str:
    """A page that needs nothing from elsewhere and runs no script."""
    subjects = scan_view.strongest_first(report)
    tables = []
    for kind, columns in (("fires", report.columns), ("attends", report.head_columns)):
        rows = [each for each in subjects if each.kind == kind][:MOST_ROWS]
        if len(rows) > 1 and len(columns) > 1:
            tables.append((kind, unit_maps.matrix_map(rows, columns)))
    template = environment().get_template("scan.html")
    return template.render(
        report=report,
        view=scan_view,
        maps=unit_maps,
        style=Markup(asset("report.css")),
        subjects=subjects,
        kinds={each.kind for each in subjects},
        label_kinds={each.label_kind for each in subjects},
        tables=tables,
        most_maps=MOST_MAPS,
        undefined=scan_view.by_reason([each for each in report.subjects if each.undefined]),
        anchor=anchors(report.results),
        results={result.name: result for result in report.results},
    )

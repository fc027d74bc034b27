"""Two runs side by side as a page of its own: changes, histograms, documents that changed sides."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mi_hypotheses import changes as c
from mi_hypotheses.charts import histogram_chart
from mi_hypotheses.differences import SYMBOLS, by_change, change_text, summary
from mi_hypotheses.presentation import one_line
from mi_hypotheses.render import asset, environment
from mi_hypotheses.reports import Result

# A state takes the colour of the verdict that it is closest to.
COLOURS = {
    "error": "error",
    "missing": "undefined",
    "incomparable": "error",
    "fell": "refuted",
    "stale": "undefined",
    "inconclusive": "inconclusive",
    "recorded": "undefined",
    "held": "supported",
    "rose": "supported",
}


def render_changes(changes: Sequence[c.Change], *, title: str, note: str = "") -> str:
    """A page that needs nothing from elsewhere and runs no script."""
    ordered = c.in_order(changes, by_change([change.comparison for change in changes]))
    template = environment().get_template("compare.html")
    return template.render(
        title=one_line(title),
        note=note,
        summary=summary([change.comparison for change in changes]),
        changes=ordered,
        style=Markup(asset("report.css")),
        colours=COLOURS,
        state_symbols=SYMBOLS,
        change_text=change_text,
        changed_sides=c.changed_sides,
        histogram=_histogram,
    )


def _histogram(result: Result) -> Markup:
    """The histogram of a result; of heads it counts queries by target mass."""
    if result.histogram is None:
        return Markup("")
    counted = "queries by target mass" if result.kind == "attends" else "activations"
    return histogram_chart(result.histogram, threshold=result.threshold, counted=counted)

"""A scan on the terminal: the best units of each subject, and what units share."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mi_hypotheses.presentation import (
    count,
    interval,
    number,
    one_line,
    rival_words,
    words,
)
from mi_hypotheses.reports import Result
from mi_hypotheses.scan_reports import ScannedSubject, ScannedUnit, ScanReport

MOST_SUBJECTS = 400
MOST_OF_A_UNIT = 20
MOST_SHARED = 15
MOST_NAMES = 6


def render_scan_terminal(report: ScanReport, console: Console) -> None:
    """Print the units of one subject, or the subjects of one unit, or a row for each subject."""
    console.print(Text(heading(report), style="bold"))
    console.print(Text(counted(report), style="dim"))
    defined = strongest_first(report)
    undefined = [each for each in report.subjects if each.undefined]
    results = {result.name: result for result in report.results}
    if report.n_units == 1:
        console.print(_subjects_table(defined[:MOST_OF_A_UNIT], results))
        if (more := len(defined) - MOST_OF_A_UNIT) > 0:
            console.print(
                Text(f"{count(more)} weaker subjects are in scan.json (-o DIR).", style="dim")
            )
    elif len(defined) == 1:
        console.print(_units_table(defined[0], results))
    elif defined:
        console.print(_subjects_table(defined[:MOST_SUBJECTS], results))
    for line in shared_lines(report):
        console.print(Text(line), soft_wrap=True)
    for reason, names in by_reason(undefined).items():
        console.print(
            Text(f"No scores for {listed(names)}: {reason}.", style="dim"), soft_wrap=True
        )
    if report.not_finite:
        console.print(
            Text(f"{count(report.not_finite)} units are not finite or do not vary.", style="dim")
        )


def heading(report: ScanReport) -> str:
    """`3 subjects against 2,048 units: py-gelu-1l on stdlib`."""
    n = len(report.subjects)
    subjects = "1 subject" if n == 1 else f"{count(n)} subjects"
    units = report.asked if report.n_units == 1 else f"{count(report.n_units)} units"
    where = f"{report.model.reference} on {report.corpus.uri}"
    return one_line(f"{subjects} against {units}: {where}")


def counted(report: ScanReport) -> str:
    """Where numbers come from."""
    return (
        f"{count(report.corpus.n_tokens)} tokens of {count(report.corpus.n_documents)} documents; "
        f"chosen on calibration documents, shown on test documents; q over {count(report.family)} "
        "pairs"
    )


def strongest_first(report: ScanReport) -> list[ScannedSubject]:
    """The subjects that have scores, those with the strongest unit first."""
    defined = [each for each in report.subjects if each.units]
    return sorted(defined, key=lambda each: -abs(each.units[0].chosen_by))


def by_reason(subjects: Sequence[ScannedSubject]) -> dict[str, list[str]]:
    """The names of subjects by why they have no scores."""
    found: dict[str, list[str]] = {}
    for each in subjects:
        found.setdefault("; ".join(each.undefined), []).append(each.name)
    return found


def listed(names: Sequence[str]) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(map(one_line, names[:MOST_NAMES]))
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def shared_lines(report: ScanReport) -> list[str]:
    """What units several subjects found."""
    if report.n_units == 1 or not report.shared:
        return []
    lines = [
        f"Units that several subjects found (from {number(report.least)} on, on calibration and "
        "on test documents):"
    ]
    lines += [f"  {each.unit}: {listed(each.subjects)}" for each in report.shared[:MOST_SHARED]]
    if (more := len(report.shared) - MOST_SHARED) > 0:
        lines.append(f"  and {count(more)} more units")
    return lines


def q_text(q: float | None) -> str:
    """A q-value, or that it is below what is worth telling."""
    if q is None:
        return "–"
    return "<0.001" if q < 0.001 else f"{q:.3f}"


def exact_number(result: Result | None, *metrics: str) -> str:
    """The exact score of the first of these metrics that there is."""
    scores = {} if result is None else result.scores
    return next((number(scores[name].value) for name in metrics if name in scores), "")


def exact_metric(subject: ScannedSubject) -> str:
    """The exact score that is shown beside the one that units are chosen by."""
    if subject.kind == "attends":
        return "hit_rate"
    return {"boolean": "ap", "numeric": "spearman"}.get(subject.label_kind, "")


def best_floor(result: Result | None, metric: str) -> tuple[float, str] | None:
    """What the best rival gets on a metric, and its name."""
    floors = {} if result is None else result.floors
    found = [
        (value, name.partition(".")[2])
        for name, value in floors.items()
        if name.startswith(f"{metric}.") and value is not None
    ]
    return max(found, default=None)


def result_of(
    results: dict[str, Result], subject: ScannedSubject, unit: ScannedUnit
) -> Result | None:
    """The exact result of a pair, if there is one."""
    return results.get(f"{subject.name}-{unit.unit}")


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for title in titles:
        fold = title in ("subject", "best floor")
        table.add_column(
            title,
            no_wrap=not fold,
            overflow="fold",
            ratio=1 if fold else None,
            min_width=19 if fold else None,
        )
    return table


def _units_table(subject: ScannedSubject, results: dict[str, Result]) -> Table:
    exact = exact_metric(subject)
    titles = ("unit", f"{words(subject.metric)} [95%]", "q", words(exact), "F1", "best floor")
    table = _table(*titles)
    table.title = Text(one_line(f"{subject.name}: {found_text(subject)}"))
    table.title_justify = "left"
    for unit in subject.units:
        result = result_of(results, subject, unit)
        floor = best_floor(result, subject.metric)
        told = f"{number(floor[0])} {rival_words(result, floor[1])}" if floor and result else ""
        table.add_row(
            unit.unit,
            *_score_and_q(unit),
            exact_number(result, exact),
            exact_number(result, "f1"),
            Text(told, style="dim"),
        )
    return table


def _subjects_table(subjects: Sequence[ScannedSubject], results: dict[str, Result]) -> Table:
    metrics = {subject.metric for subject in subjects}
    score = words(min(metrics)) if len(metrics) == 1 else "score"
    table = _table("subject", "unit", f"{score} [95%]", "q", "AP", "floor", "found")
    for subject in subjects:
        unit = subject.units[0]
        result = result_of(results, subject, unit)
        floor = best_floor(result, subject.metric)
        table.add_row(
            Text(one_line(subject.name)),
            unit.unit,
            *_score_and_q(unit),
            exact_number(result, "ap"),
            number(floor[0]) if floor else "",
            count(subject.found),
        )
    return table


def _score_and_q(unit: ScannedUnit) -> list[str | Text]:
    test = Text.assemble(f"{number(unit.test.value):>6} ", (interval(unit.test), "dim"))
    return [test, q_text(unit.q)]


def found_text(subject: ScannedSubject) -> str:
    """How many units fit."""
    units = "1 unit" if subject.found == 1 else f"{count(subject.found)} units"
    return f"{units} found"

"""A scan on the terminal: the best units of each subject, and what units share."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mi_hypotheses.false_discovery import DISCOVERY
from mi_hypotheses.presentation import (
    count,
    floors_of,
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
FLOOR = "its floor"  # the title of the column to the right of a score
ROUGH = "~"
ROUGH_MEANS = (
    "marks the best of three thresholds, 1, 2 and 4 standard deviations above the mean; exact "
    "results choose among all"
)


def render_scan_terminal(report: ScanReport, console: Console) -> None:
    """Print the units of one subject, or the subjects of one unit, or a row for each subject."""
    console.print(Text(heading(report), style="bold"))
    console.print(Text(counted(report), style="dim"))
    defined = strongest_first(report)
    undefined = [each for each in report.subjects if each.undefined]
    results = {result.name: result for result in report.results}
    if report.n_units == 1 and defined:
        console.print(_subjects_table(defined[:MOST_OF_A_UNIT], results, of_one=True))
        if (more := len(defined) - MOST_OF_A_UNIT) > 0:
            console.print(
                Text(f"{count(more)} weaker subjects are in scan.json (-o DIR).", style="dim")
            )
    elif len(defined) == 1:
        console.print(_units_table(defined[0], results))
    elif defined:
        console.print(_subjects_table(defined[:MOST_SUBJECTS], results, of_one=False))
    for line in shared_lines(report):
        console.print(Text(line), soft_wrap=True)
    for reason, names in by_reason(undefined).items():
        console.print(
            Text(f"No scores for {listed(names)}: {reason}.", style="dim"), soft_wrap=True
        )
    if report.not_finite:
        console.print(Text(not_finite_text(report), style="bold"), soft_wrap=True)
    if report.constant:
        console.print(Text(constant_text(report), style="dim"), soft_wrap=True)


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
    """The subjects that have scores, those with the strongest unit first; last those whose best
    unit on calibration documents was none on test documents."""

    def rank(subject: ScannedSubject) -> tuple[bool, float]:
        best = subject.units[0]
        return best.q is None or best.q > DISCOVERY, -abs(best.chosen_by)

    return sorted((each for each in report.subjects if each.units), key=rank)


def by_reason(subjects: Sequence[ScannedSubject]) -> dict[str, list[str]]:
    """The names of subjects by why they have no scores."""
    found: dict[str, list[str]] = {}
    for each in subjects:
        found.setdefault("; ".join(each.undefined), []).append(each.name)
    return found


def listed(names: Sequence[str], total: int | None = None) -> str:
    """`a, b, c and 4 more`; `total` where not all names are given."""
    shown = ", ".join(map(one_line, names[:MOST_NAMES]))
    more = (len(names) if total is None else total) - MOST_NAMES
    return f"{shown} and {count(more)} more" if more > 0 else shown


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


def not_finite_text(report: ScanReport) -> str:
    """Which units have no scores for a fault, and what may mend it."""
    n = report.not_finite
    units = "1 unit is" if n == 1 else f"{count(n)} units are"
    advice = ". Try --dtype float32" if report.run.dtype in ("float16", "bfloat16") else ""
    return (
        f"{units} not finite (NaN or infinite) on some tokens, and so without scores: "
        f"{listed(report.not_finite_units, n)}{advice}."
    )


def constant_text(report: ScanReport) -> str:
    """How many neurons have no scores for being dead."""
    n = report.constant
    units = "1 neuron is" if n == 1 else f"{count(n)} neurons are"
    return f"{units} the same on all test tokens (dead there), and so without scores."


def left_out_text(report: ScanReport) -> str:
    """Which subjects do not fit the corpus, and why the first does not."""
    names = [error.source for error in report.left_out]
    return f"{count(len(names))} features were left out: {listed(names)}. " + one_line(
        report.left_out[0].message
    )


def q_text(q: float | None) -> str:
    """A q-value, or that it is below what is worth telling."""
    if q is None:
        return "–"
    return "<0.001" if q < 0.001 else f"{q:.3f}"


def exact_number(result: Result | None, *metrics: str) -> str:
    """The exact score of the first of these metrics that there is."""
    scores = {} if result is None else result.scores
    return next((number(scores[name].value) for name in metrics if name in scores), "")


def is_rough(unit: ScannedUnit, result: Result | None) -> bool:
    """Whether the only F1 of a pair is that of the scan."""
    return unit.f1 is not None and (result is None or "f1" not in result.scores)


def f1_text(unit: ScannedUnit, result: Result | None) -> str:
    """The exact F1 of a pair, or that of the scan, `~0.386`, or nothing."""
    if is_rough(unit, result):
        return f"{ROUGH}{number(unit.f1)}"
    return exact_number(result, "f1")


def has_f1(subjects: Sequence[ScannedSubject]) -> bool:
    """Whether any label is boolean."""
    return any(each.kind == "fires" and each.label_kind == "boolean" for each in subjects)


def exact_metric(subject: ScannedSubject) -> str:
    """The exact score that is shown beside the one that units are chosen by."""
    if subject.kind == "attends":
        return "hit_rate"
    return {"boolean": "ap", "numeric": "spearman"}.get(subject.label_kind, "")


def floor_text(result: Result | None, metric: str, *, rival: bool = True) -> str:
    """`0.819 token`: what the strongest rival gets on a metric, and which `rival` that is."""
    floors = floors_of(result, metric) if result and metric in result.scores else []
    if not (result and floors):
        return ""
    value = number(floors[0].value)
    return f"{value} {rival_words(result, floors[0].rival, short=True)}" if rival else value


def result_of(
    results: dict[str, Result], subject: ScannedSubject, unit: ScannedUnit
) -> Result | None:
    """The exact result of a pair, if there is one."""
    return results.get(f"{subject.name}-{unit.unit}")


def _table(*titles: str, pairs: Sequence[tuple[ScannedUnit, Result | None]]) -> Table:
    """A table without rows, under which it is told what marks an F1, if any of `pairs` has it."""
    gap = 0 if {"subject", "unit"} <= {*titles} else 1  # where there are many columns
    folding = "subject" if "subject" in titles else FLOOR
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, gap, 0, 0))
    for title in titles:
        fold = title == folding
        table.add_column(
            title,
            no_wrap=not fold,
            overflow="fold",
            justify="left" if fold or title == "unit" or "[95%]" in title else "right",
            ratio=1 if fold else None,
            min_width={"subject": 19, FLOOR: 11}[folding] if fold else None,
        )
    if any(is_rough(*pair) for pair in pairs):
        table.caption = Text(f"F1: {ROUGH} {ROUGH_MEANS}.", style="dim")
        table.caption_justify = "left"
    return table


def _units_table(subject: ScannedSubject, results: dict[str, Result]) -> Table:
    exact, f1 = exact_metric(subject), has_f1([subject])
    pairs = [(unit, result_of(results, subject, unit)) for unit in subject.units]
    titles = ["unit", f"{words(subject.metric)} [95%]", FLOOR, "q"]
    titles += [words(exact), FLOOR] * bool(exact) + ["F1"] * f1
    table = _table(*titles, pairs=pairs)
    table.title = Text(one_line(f"{subject.name}: {found_text(subject)}"))
    table.title_justify = "left"
    for unit, result in pairs:
        second = exact_number(result, exact), Text(floor_text(result, exact), style="dim")
        table.add_row(
            unit.unit,
            _score(unit),
            Text(floor_text(result, subject.metric), style="dim"),
            q_text(unit.q),
            *(second if exact else ()),
            *([f1_text(unit, result)] * f1),
        )
    return table


def _subjects_table(
    subjects: Sequence[ScannedSubject], results: dict[str, Result], *, of_one: bool
) -> Table:
    """The best unit of each subject, or how they fare on the one unit that was looked at."""
    f1, units = has_f1(subjects), not of_one
    best = [(each, each.units[0], result_of(results, each, each.units[0])) for each in subjects]
    titles = ["subject", *(["unit"] * units), f"{score_name(subjects)} [95%]", FLOOR, "q"]
    titles += ["F1"] * f1 + ["found"]
    table = _table(*titles, pairs=[(unit, result) for _, unit, result in best])
    for subject, unit, result in best:
        table.add_row(
            Text(one_line(subject.name)),
            *([unit.unit] * units),
            _score(unit),
            Text(floor_text(result, subject.metric, rival=False), style="dim"),
            q_text(unit.q),
            *([f1_text(unit, result)] * f1),
            count(subject.found),
        )
    return table


def score_name(subjects: Sequence[ScannedSubject]) -> str:
    """The metric that all these subjects have, or `score`."""
    metrics = {subject.metric for subject in subjects}
    return words(min(metrics)) if len(metrics) == 1 else "score"


def _score(unit: ScannedUnit) -> Text:
    return Text.assemble(f"{number(unit.test.value):>6} ", (interval(unit.test), "dim"))


def found_text(subject: ScannedSubject) -> str:
    """How many units fit."""
    units = "1 unit" if subject.found == 1 else f"{count(subject.found)} units"
    return f"{units} found"

"""A report on the terminal: tables of all results, and why those fell short that did."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mi_hypotheses import category_means, presentation, tallies
from mi_hypotheses.comparison import Column, Grid, side_by_side, trainings, without_checkpoints
from mi_hypotheses.presentation import (
    MISSING,
    SYMBOLS,
    bar_for,
    count,
    grouped,
    headline_metrics,
    number,
    one_line,
    summary_line,
    visible,
    words,
)
from mi_hypotheses.reports import Report, Result, Status

MANY = 40  # results that have a table with all their headline scores

_STYLES: dict[Status, str] = {
    "supported": "green",
    "refuted": "red",
    "inconclusive": "yellow",
    "undefined": "bright_black",
    "error": "magenta",
}

# How reasons begin or what they contain that hold against a claim whose bars are reached.
_NOT_EVERYWHERE = "but not everywhere"
_UNBEATEN = "does not beat its floor"


def render_terminal(report: Report, console: Console) -> None:
    """Print a table of all results, then why those fell short that did, and all errors in full.

    Of more than `MANY` results each is one line, with the score that decided; reports have the
    rest. The checkpoints of a model are a table of steps × hypotheses, and only the last of them is
    a row of the first table.
    """
    shown = without_checkpoints(report.results)
    brief = len(shown) > MANY
    if shown:
        narrow = console.width < 104
        console.print(_lines(shown, console.width) if brief else _table(shown, narrow=narrow))
    if note := presentation.unbeaten_note(shown):
        console.print(Text(note, style="yellow"))
    for result in () if brief else shown:
        if result.label_kind == "categorical" and result.n_tokens:
            console.print()
            console.print(category_table(result))
    for training in trainings(report.results):
        _print_grid(training.grid(), "Over training", console, intervals=False)
    for grid in side_by_side(report.results):
        _print_grid(grid, "Models side by side", console, intervals=True)
    for result in shown:
        if brief and result.verdict.status in presentation.JUDGED:
            continue  # the score that decided says it
        if result.verdict.status != "error" and (untold := _untold(result)):
            reasons = "; ".join(map(one_line, untold))
            console.print(_labelled(result.verdict.status, _where([result]), reasons))
    for message, failed in _failures(report.results).items():
        console.print(_labelled("error", _where(failed), visible(message, line_ends=False)))
    for corpus in report.corpora:
        if corpus.uncovered:  # a rule cannot label what no token stands for
            told = one_line("; ".join(tallies.uncovered_words(corpus)))
            console.print(Text(f"{one_line(corpus.uri)}: {told}", style="dim"))
    for error in report.errors:
        message = visible(error.message, line_ends=False)
        console.print(_labelled("error", one_line(error.source), message))
    console.print(Text(summary_line(report), style="bold"))


def category_table(result: Result) -> Table:
    """The mean activation of each category."""
    shown, left_out = category_means.means_shown(result)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    where = f"category, {_where([result])}"
    table.add_column(Text(where), overflow="fold", max_width=40)
    table.add_column("mean activation [95% interval]", no_wrap=True)
    table.add_column("tokens", justify="right")
    for place, band in enumerate(shown):
        if left_out and place == len(shown) - 4:
            table.add_row(Text(f"{count(left_out)} between these", style="dim"), "", "")
        mean = category_means.mean_of(band)
        value = Text.assemble(f"{number(mean.value):>6} ", (presentation.interval(mean), "dim"))
        table.add_row(Text(one_line(band.name)), value, count(band.n_tokens))
    if absent := category_means.absent_text(result):
        table.caption, table.caption_justify = Text(absent, style="dim"), "left"
    return table


def _print_grid(grid: Grid, title: str, console: Console, *, intervals: bool) -> None:
    """One score of each result: `✓ 0.712`, in as many tables as the width needs."""
    first = max(len(one_line(row)) for row in (grid.row_title, *grid.rows)) + 1
    first = min(first, console.width // 3)
    longest = max(len(one_line(column.name)) for column in grid.columns) + 1
    width = min(max(longest, 17 if intervals else 14), 24)
    console.print(Text.assemble("\n", (f"{title}: {one_line(grid.title)}", "bold")))
    for part in grid.narrower(max((console.width - first) // width, 1)):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        table.add_column(grid.row_title, overflow="fold", width=first - 1)
        for column in part.columns:
            table.add_column(_column_title(column), overflow="fold", width=width - 1)
        for row, results in zip(part.rows, part.cells, strict=True):
            pairs = zip(part.columns, results, strict=True)
            cells = [_cell(result, column.metric, intervals=intervals) for column, result in pairs]
            table.add_row(Text(one_line(row)), *cells)
        console.print(table)
    console.print()


def _column_title(column: Column) -> Text:
    """The hypothesis, its metric and what is expected of it, on lines of their own."""
    lines = [(one_line(column.name), "bold")]
    if column.metric:
        lines.append((f"\n{words(column.metric)}", "dim"))
    if column.bar is not None:
        lines.append((f"\n≥ {number(column.bar, exact=True)}", "dim"))
    return Text.assemble(*lines)


def _cell(result: Result | None, metric: str | None, *, intervals: bool) -> Text:
    if result is None:
        return Text("")
    score = result.scores.get(metric) if metric else None
    symbol, _, told = presentation.cell_text(result, metric).partition(" ")
    value, _, interval = told.partition(" ") if score else (told, "", "")
    style = _STYLES[presentation.status_of(result, metric)]
    return Text.assemble(
        (f"{symbol} {value}", style), (f"\n{interval}" if intervals and interval else "", "dim")
    )


def _untold(result: Result) -> list[str]:
    """The reasons that the marks of the table do not tell already; of a supported result what
    speaks against it."""
    reasons = [*result.verdict.reasons]
    if result.verdict.status == "supported":
        return [r for r in reasons if r.startswith(_NOT_EVERYWHERE) or _UNBEATEN in r]
    if not presentation.unbeaten(result):
        return reasons
    return [reason for reason in reasons if _UNBEATEN not in reason] or reasons


def _failures(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The errors, each with all results that it stands for."""
    failures: dict[str, list[Result]] = {}
    for result in results:
        if result.verdict.status == "error":
            failures.setdefault("\n".join(result.verdict.reasons), []).append(result)
    return failures


def _where(results: Sequence[Result]) -> str:
    """`a, b on package:sympy`."""
    names = dict.fromkeys(result.name for result in results)
    corpora = dict.fromkeys(result.corpus for result in results)
    return one_line(f"{', '.join(names)} on {', '.join(corpora)}")


def _labelled(status: Status, where: str, message: str) -> Text:
    head = (f"{SYMBOLS[status]} {status} ", _STYLES[status])
    return Text.assemble(head, (where, "bold"), ": ", message)


def _table(results: Sequence[Result], *, narrow: bool) -> Table:
    """One row a result, of a few short lines; a `narrow` one fits 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    if not narrow:
        table.add_column("verdict", no_wrap=True)
    table.add_column("verdict, hypothesis" if narrow else "hypothesis", overflow="fold", ratio=1)
    for title in ("score [95% interval]", "wanted", "floor"):
        table.add_column(Text(title), no_wrap=True)
    ordered = [result for group in grouped(results) for result in group]
    pad = max([10, *(len(words(m)) for r in ordered for m in headline_metrics(r))])
    for result in ordered:
        verdict = Text(presentation.verdict_text(result), style=_STYLES[result.verdict.status])
        name = _name(result)
        metrics = [m for m in headline_metrics(result) if m in result.scores]
        table.add_row(
            *([Text("\n").join([verdict, name])] if narrow else [verdict, name]),
            Text("\n").join(_score(result, metric, pad) for metric in metrics),
            "\n".join(_wanted(result, metric) for metric in metrics),
            Text("\n").join(_floor(result, metric) for metric in metrics),
        )
    return table


def _lines(results: Sequence[Result], width: int) -> Table:
    """One line a result, in a terminal of this width."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    deciding = [_deciding(result) for result in results]
    units = max(len(one_line(result.unit)) for result in results) + 1
    scores = max(map(len, deciding)) + 1
    names = max(width - units - scores - 8, 24)  # of hypotheses and of corpora
    columns = (3, names * 3 // 5, units, names * 2 // 5, scores)
    for title, wide in zip(("", "hypothesis", "unit", "corpus", "score"), columns, strict=True):
        table.add_column(title, no_wrap=True, overflow="ellipsis", width=wide)
    told = dict(zip(map(id, results), deciding, strict=True))
    for result in (result for group in grouped(results) for result in group):
        style = _STYLES[result.verdict.status]
        star = presentation.UNBEATEN if presentation.unbeaten(result) else ""
        table.add_row(
            Text(SYMBOLS[result.verdict.status] + star, style=style),
            Text(one_line(result.name), style="bold"),
            Text(one_line(result.unit), style="dim"),
            Text(one_line(result.corpus), style="dim"),
            Text(told[id(result)], style=style),
        )
    return table


def _deciding(result: Result) -> str:
    """The score whose bar came out worst, `Pearson r 0.512 ≥ 0.4`, else the first headline."""
    order: tuple[Status, ...] = ("undefined", "refuted", "inconclusive", "supported")
    worst = min(result.expect, key=lambda bar: order.index(bar.status), default=None)
    metric = worst.metric if worst else next(iter(headline_metrics(result)), "")
    score = result.scores.get(metric)
    if score is None:
        return ""
    told = f"{words(metric)} {number(score.value)}"
    if worst is None:
        return told
    sign = {"supported": "≥", "refuted": "<"}.get(worst.status, "?")
    return f"{told} {sign} {number(worst.at_least, exact=True)}"


def _name(result: Result) -> Text:
    unit = f"{one_line(result.unit)} of {one_line(result.model)}"
    name = (one_line(result.name), "bold")
    return Text.assemble(name, "\n", (unit, "dim"), "\n", (one_line(result.corpus), "dim"))


def _score(result: Result, metric: str, pad: int) -> Text:
    score = result.scores[metric]
    value = f"{words(metric):<{pad}} {number(score.value):>5} "
    return Text.assemble(value, (presentation.interval(score), "dim"))


def _wanted(result: Result, metric: str) -> str:
    bar = bar_for(result, metric)
    return f"≥ {number(bar.at_least, exact=True)}" if bar else ""


def _floor(result: Result, metric: str) -> Text:
    beaten = metric not in presentation.unbeaten(result)
    text = presentation.floor_text(result, metric) or MISSING
    return Text(text, style="dim" if beaten else "yellow")

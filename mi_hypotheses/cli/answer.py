"""The answer to `mih score`: all scores beside their floors, the verdict, and some examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mi_hypotheses.presentation import (
    bar_for,
    count,
    floors_of,
    interval,
    number,
    one_line,
    ordered_scores,
    percent,
    visible,
    words,
)
from mi_hypotheses.reports import Example, Report, Result

SHOWN = 3  # examples of a kind
AROUND = 8  # tokens on each side of the one that is shown
COLOURS = {"supported": "green", "refuted": "red", "inconclusive": "yellow"}


def print_answer(report: Report) -> None:
    """Print every result of a report in full, on stdout."""
    console = Console(highlight=False)
    for result in report.results:
        console.print(_heading(result))
        if result.scores:
            console.print(_table(result))
        for line in _verdict(result):
            console.print(line)
        for title, examples in (
            ("strongest activations", result.examples.top),
            ("fires, but should not", result.examples.false_positives),
            ("should fire, but does not", result.examples.false_negatives),
        ):
            for line in _examples(title, examples):
                console.print(line, soft_wrap=True)
        console.print()


def _heading(result: Result) -> Text:
    where = f"{result.unit} of {result.model} on {result.corpus}"
    facts = f"{count(result.n_tokens)} test tokens in {count(result.n_documents)} documents"
    if result.label_kind == "boolean":
        facts += f", {count(result.n_positive)} positive ({percent(result.prevalence)})"
    if result.threshold is not None:
        facts += f", threshold {number(result.threshold)}"
    if result.searched:
        facts += f"\n{result.searched}"
    return Text.assemble((one_line(where), "bold"), f"\n{one_line(result.claim)}\n", (facts, "dim"))


def _table(result: Result) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("score", "value", "95% interval", "wanted", "floors"):
        table.add_column(title, overflow="fold")
    for metric, score in ordered_scores(result):
        bar = bar_for(result, metric)
        floors = [
            f"{number(floor.value)} {words(floor.rival)}" for floor in floors_of(result, metric)
        ]
        table.add_row(
            words(metric),
            number(score.value),
            interval(score),
            f"≥ {number(bar.at_least, exact=True)}" if bar else "",
            Text(", ".join(floors), style="dim"),
        )
    return table


def _verdict(result: Result) -> Iterator[Text]:
    status = result.verdict.status
    reasons = result.verdict.reasons
    if status == "inconclusive" and not result.expect:
        reasons = tuple(reason for reason in reasons if "is expected" not in reason)
        yield Text("No bar was given, so there is no verdict; --expect f1=0.6 would give one.")
    else:
        yield Text(status, style=f"bold {COLOURS.get(status, 'magenta')}")
    for reason in reasons:
        yield Text(f"  {visible(reason, line_ends=False)}")


def _examples(title: str, examples: Sequence[Example]) -> Iterator[Text]:
    if not examples:
        return
    yield Text(f"\n{title}", style="bold")
    for example in examples[:SHOWN]:
        yield _example(example)


def _example(example: Example) -> Text:
    focus = example.focus
    line = Text("  ")
    for place in range(max(0, focus - AROUND), min(len(example.tokens), focus + AROUND + 1)):
        token = example.tokens[place]
        shown = visible(token.text).replace("\n", "").replace("\t", "")
        style = "underline " if token.label else ""
        line.append(shown, style=style + ("reverse" if place == focus else ""))
    activation = number(example.tokens[focus].activation)
    line.append(f"  {activation}  {one_line(example.document)}:{example.line}", style="dim")
    return line

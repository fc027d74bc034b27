"""The answer to `mih score`: all scores beside their floors, the verdict, and some examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mi_hypotheses.attention_view import in_words, looked_most
from mi_hypotheses.category_means import category_name
from mi_hypotheses.presentation import (
    bar_for,
    count,
    floors_of,
    head_facts,
    interval,
    number,
    one_line,
    ordered_scores,
    percent,
    rival_words,
    token_text,
    visible,
    words,
)
from mi_hypotheses.reports import AttentionExample, Example, Report, Result
from mi_hypotheses.terminal import category_table

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
        if result.label_kind == "categorical" and result.n_tokens:
            console.print()
            console.print(category_table(result))
            console.print()
        for line in _verdict(result):
            console.print(line)
        for line in _told_of_attention(result) if result.attention else _told_of_firing(result):
            console.print(line, soft_wrap=True)
        console.print()


def _heading(result: Result) -> Text:
    where = f"{result.unit} of {result.model} on {result.corpus}"
    title = Text.assemble((one_line(where), "bold"), f"\n{one_line(result.claim)}\n")
    if result.verdict.status == "error":  # nothing was counted
        return title
    return title.append(_counted(result), style="dim")


def _counted(result: Result) -> str:
    """What was tested, the threshold, and how the unit was chosen."""
    head = result.kind == "attends"
    noun = "queries" if head else "tokens"
    facts = f"{count(result.n_tokens)} test {noun} in {count(result.n_documents)} documents"
    if head:
        facts += f", {count(result.n_positive)} with a target ({percent(result.prevalence)})"
    elif result.label_kind == "categorical":
        facts += f" have a category, {count(result.n_unlabelled)} have none"
    elif result.label_kind == "boolean":
        facts += f", {count(result.n_positive)} positive ({percent(result.prevalence)})"
    if result.threshold is not None:
        facts += f", threshold {number(result.threshold)}"
    if result.searched:
        facts += f"\n{result.searched}"
    return facts


def _table(result: Result) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("score", "value", "95% interval", "wanted", "floors"):
        table.add_column(title, overflow="fold")
    for metric, score in ordered_scores(result):
        bar = bar_for(result, metric)
        floors = [
            f"{number(floor.value)} {rival_words(result, floor.rival)}"
            for floor in floors_of(result, metric)
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
        bars = {"boolean": "f1=0.6", "numeric": "pearson=0.5", "categorical": "eta_squared=0.2"}
        bar = "target_mass=0.5" if result.kind == "attends" else bars[result.label_kind]
        yield Text(f"No bar was given, so there is no verdict; --expect {bar} would give one.")
    else:
        yield Text(status, style=f"bold {COLOURS.get(status, 'magenta')}")
    for reason in reasons:
        yield Text(f"  {visible(reason, line_ends=False)}")


def _told_of_firing(result: Result) -> Iterator[Text]:
    """What the unit fires on, rightly and wrongly."""
    for title, examples in (
        ("strongest activations", result.examples.top),
        ("fires, but should not", result.examples.false_positives),
        ("should fire, but does not", result.examples.false_negatives),
    ):
        yield from _titled(title, [_example(result, example) for example in examples[:SHOWN]])


def _told_of_attention(result: Result) -> Iterator[Text]:
    """Where the head's attention goes, and queries with the keys around them."""
    attention = result.attention
    if attention is None:
        return
    for fact in head_facts(result):
        yield Text(one_line(fact))
    for title, examples in (
        ("queries with a target", attention.typical),
        ("looked elsewhere most", attention.missed),
        ("looked around without a target", attention.busy),
    ):
        yield from _titled(title, [_query(example) for example in examples[:SHOWN]])


def _titled(title: str, lines: Sequence[Text]) -> Iterator[Text]:
    if lines:
        yield Text(f"\n{title}", style="bold")
        yield from lines


def _example(result: Result, example: Example) -> Text:
    """The token in reverse with its neighbours; labelled ones underlined, a category named."""
    focus = example.focus
    categorical = result.label_kind == "categorical"
    line = Text("  ")
    for place in range(max(0, focus - AROUND), min(len(example.tokens), focus + AROUND + 1)):
        token = example.tokens[place]
        shown = visible(token.text).replace("\n", "").replace("\t", "")
        style = "underline " if token.label and not categorical else ""
        line.append(shown, style=style + ("reverse" if place == focus else ""))
    told = number(example.tokens[focus].activation)
    if categorical:
        told += f" {one_line(category_name(result, example.tokens[focus].label))}"
    line.append(f"  {told}  {one_line(example.document)}:{example.line}", style="dim")
    return line


def _query(example: AttentionExample) -> Text:
    """The query in reverse, its targets underlined, what it looked at most bold; then in words."""
    line = Text("  ")
    most = looked_most(example)
    for run in _near(example, most.place if most else None):
        if run.start > 0:
            line.append("… ", style="dim")
        for place in run:
            token = example.tokens[place]
            marks = (
                "underline" * token.expected,
                "bold" * (most is not None and most.place == place),
                "reverse" * (place == example.query),
            )
            shown = visible(token.text).replace("\n", "").replace("\t", "")
            line.append(shown, style=" ".join(filter(None, marks)))
    where = f"{one_line(example.document)}:{example.line}"
    query = one_line(token_text(example.tokens[example.query].text))
    told = " · ".join([f"query “{query}”", *in_words(example)])
    return line.append(f"\n    {told}  {where}", style="dim")


def _near(example: AttentionExample, looked: int | None) -> Iterator[range]:
    """The tokens around the query and around what it looked at most, as stretches of the text;
    one ends where text is left out."""
    keys = {example.query, looked} - {None}
    near = [
        place
        for place in range(len(example.tokens))
        if any(-AROUND <= place - key <= AROUND for key in keys if key is not None)
    ]
    start = 0
    for i in range(1, len(near) + 1):
        if i == len(near) or near[i] != near[i - 1] + 1 or example.tokens[near[i]].gap:
            yield range(near[start], near[i - 1] + 1)
            start = i

"""Comparisons as a table on the terminal, as Markdown, and as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mi_hypotheses.presentation import number, one_line, visible, words
from mi_hypotheses.regression import STATES, Comparison, Difference, State

MOST_SHOWN = 30

SYMBOLS: dict[State, str] = {
    "error": "!",
    "missing": "?",
    "incomparable": "≠",
    "fell": "↓",
    "stale": "-",
    "inconclusive": "≈",
    "recorded": "+",
    "held": "✓",
    "rose": "↑",
}
_STYLES: dict[State, str] = {
    "error": "magenta",
    "missing": "yellow",
    "incomparable": "magenta",
    "fell": "red",
    "stale": "bright_black",
    "inconclusive": "yellow",
    "recorded": "cyan",
    "held": "green",
    "rose": "cyan",
}


def by_change(compared: Sequence[Comparison]) -> list[Comparison]:
    """What needs attention first: by state, then by how far the scores moved."""

    def key(each: Comparison) -> tuple[int, float, str, str]:
        changes = [abs(d.change.value) for d in each.differences if d.change.value is not None]
        return STATES.index(each.state), -max(changes, default=0.0), each.name, each.corpus

    return sorted(compared, key=key)


def render_terminal(compared: Sequence[Comparison], console: Console) -> None:
    """Print a row for each metric, what needs attention first, then the reasons and a summary.

    Of many comparisons those that held are left out.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("", "hypothesis", "metric", "before", "after", "change [95% interval]"):
        table.add_column(title, overflow="fold")
    ordered = by_change(compared)
    if len(ordered) > MOST_SHOWN:
        ordered = [each for each in ordered if each.state != "held"]
    for each in ordered:
        label = Text(f"{SYMBOLS[each.state]} {each.state}", style=_STYLES[each.state])
        name = Text.assemble((one_line(each.name), "bold"), f"\n{one_line(each.corpus)}")
        rows = list(_cells(each)) or [("", "", "", "")]
        for place, cells in enumerate(rows):
            first = (label, name) if place == 0 else (Text(), Text())
            table.add_row(*first, *cells)
    if ordered:
        console.print(table)
    for each in ordered:
        for reason in each.reasons:
            told = f"{each.name} on {each.corpus}: {visible(reason, line_ends=False)}"
            console.print(Text.assemble((f"{SYMBOLS[each.state]} ", _STYLES[each.state]), told))
    if len(ordered) < len(compared):
        console.print("Those that held are not shown.")
    console.print(Text(summary(compared), style="bold"))


def _cells(each: Comparison) -> Iterator[tuple[str, str, str, str]]:
    for difference in each.differences:
        yield (
            words(difference.metric),
            number(difference.before.value),
            number(difference.after.value),
            change_text(difference),
        )


def change_text(difference: Difference) -> str:
    """`-0.21 [-0.24, -0.18] fell`."""
    change = difference.change
    if change.value is None or change.low is None or change.high is None:
        return difference.state
    ends = f"[{change.low:+z.3f}, {change.high:+z.3f}]"  # z: -0.000 is +0.000
    return f"{change.value:+z.3f} {ends} {difference.state}"


def summary(compared: Sequence[Comparison]) -> str:
    """`3 held · 1 fell`."""
    counts = Counter(each.state for each in compared)
    return " · ".join(f"{counts[state]} {state}" for state in STATES if counts[state])


def render_markdown(compared: Sequence[Comparison]) -> str:
    """A table for a comment on a pull request, what needs attention first."""
    lines = [
        f"**{summary(compared)}**",
        "",
        "| | hypothesis | corpus | metric | before | after | change [95% interval] |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in by_change(compared):
        state, name = f"{SYMBOLS[each.state]} {each.state}", _escaped(each.name)
        rows = list(_cells(each)) or [("", "", "", "; ".join(each.reasons))]
        for place, cells in enumerate(rows):
            first = (state, name, _escaped(each.corpus)) if place == 0 else ("", "", "")
            lines.append("| " + " | ".join((*first, *map(_escaped, cells))) + " |")
        if each.differences:
            lines += [f"| | | | | | | {_escaped(reason)} |" for reason in each.reasons]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def as_data(each: Comparison) -> dict[str, Any]:
    """A comparison as JSON-able data, without the replicates."""
    return {
        "name": each.name,
        "corpus": each.corpus,
        "state": each.state,
        "reasons": list(each.reasons),
        "differences": [
            {
                "metric": d.metric,
                "state": d.state,
                "before": d.before.model_dump(),
                "after": d.after.model_dump(),
                "change": d.change.model_dump(),
            }
            for d in each.differences
        ],
        "models": [m.model if m else None for m in (each.before, each.after)],
    }

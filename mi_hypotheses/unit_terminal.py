"""The page of a unit on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mi_hypotheses import unit_text
from mi_hypotheses.presentation import count, number, one_line, percent, token_text
from mi_hypotheses.reports import Example
from mi_hypotheses.unit_page import LogitEffect, TokenMean, UnitPage, UnitWeights
from mi_hypotheses.unit_text import figure

BEFORE, AFTER = 12, 6  # tokens around the focus
WIDE = 100  # columns that give room for explanations beside a table


def render_terminal(page: UnitPage, console: Console) -> None:
    """Print all but the histograms; of each band of the activation one example."""
    console.print(
        Text.assemble(
            (page.unit, "bold"),
            f" of {one_line(page.model.reference)} on {one_line(page.corpus.uri)}: "
            f"{count(page.n_tokens)} tokens of {count(page.corpus.n_documents)} documents",
        )
    )
    for note in page.notes:
        console.print(Text(one_line(note), style="yellow"))
    _heading(console, "Activations")
    console.print(_tails(page, explained=console.width >= WIDE))
    _heading(console, "Tokens")
    console.print(Text(unit_text.token_sentence(page.tokens)))
    console.print(_named("highest means", _means(page.tokens.highest)))
    console.print(_named("lowest means", _means(page.tokens.lowest)))
    if page.weights is not None:
        _heading(console, "Weights")
        _print_weights(page.weights, console)
    _heading(console, f"Strongest tokens ({page.at})")
    console.print(_examples(((figure(_activation(e)), e) for e in page.top), console))
    _heading(console, f"From all of the range ({page.at}), a random token of each band")
    sampled = (
        (f"{figure(band.low)} to {figure(band.high)} ({percent(band.share)})", example)
        for band in page.bands
        for example in band.examples[:1]
    )
    console.print(_examples(sampled, console))


def _heading(console: Console, title: str) -> None:
    console.print(Text(f"\n{title}", style="bold"))


def _tails(page: UnitPage, *, explained: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for spread in page.spreads:
        table.add_column(spread.at, justify="right", no_wrap=True)
    if explained:
        table.add_column("", style="dim")
    for row in unit_text.tail_rows(page):
        table.add_row(row.name, *row.values, *([row.told] if explained else []))
    return table


def _named(title: str, listed: Text) -> Text:
    return Text.assemble((f"{title}: ", "dim"), listed)


def _means(tokens: Sequence[TokenMean]) -> Text:
    parts = [
        Text.assemble(
            (unit_text.token_name(t.text, number=t.id), "bold"),
            f" {figure(t.mean)}",
            (f" ×{t.n_tokens}", "dim"),
        )
        for t in tokens
    ]
    return Text(", ").join(parts) if parts else Text("none")


def _effects(effects: Sequence[LogitEffect]) -> Text:
    parts = [
        Text.assemble(
            (unit_text.token_name(e.text, number=e.id), "bold"), f" {unit_text.signed(e.logit)}"
        )
        for e in effects
    ]
    return Text(", ").join(parts)


def _print_weights(weights: UnitWeights, console: Console) -> None:
    for each in weights.inputs:
        name = unit_text.input_name(each.name)
        told = f"cosine with the output {unit_text.signed(each.cosine)}, norm {number(each.norm)}"
        console.print(_named(name, Text(told)))
    chance = f" (cosines of random vectors: 0 ± {figure(weights.chance_cosine)})"
    norm = f"norm {number(weights.output_norm)}"
    console.print(_named("output", Text.assemble(norm, (chance, "dim"))))
    if weights.promoted:
        console.print(_named("promotes", _effects(weights.promoted)))
        console.print(_named("suppresses", _effects(weights.suppressed)))
    console.print(Text(unit_text.direct_path_sentence(weights), style="dim"))


def _activation(example: Example) -> float | None:
    return example.tokens[example.focus].activation


def _examples(rows: Iterable[tuple[str, Example]], console: Console) -> Table:
    """A line for each example: some tokens, and where they stand."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(no_wrap=True, style="dim")
    for told, example in rows:
        place = f"{one_line(example.document)}:{example.line}"
        longest = max(console.width // 4, 16)
        if len(place) > longest:
            place = "…" + place[1 - longest :]  # the line is at the end, and the file before it
        table.add_row(told, _context(example, console), Text(place))
    return table


def _context(example: Example, console: Console) -> Text:
    """Some tokens, the focus in reverse, or between marks where there is no reverse."""
    low, high = max(example.focus - BEFORE, 0), example.focus + AFTER + 1
    texts = [one_line_piece(token.text) for token in example.tokens[low:high]]
    focus = example.focus - low
    before = "".join(texts[:focus])[-(console.width // 5) :]  # so that the focus is in sight
    middle = texts[focus] if console.is_terminal else f"»{texts[focus]}«"
    return Text.assemble(before, (middle, "bold reverse"), "".join(texts[focus + 1 :]))


def one_line_piece(text: str) -> str:
    """A token's text on one line: line ends as `↵`, a run of spaces as one."""
    if not text:
        return "·"
    spaces = " " if text[:1] in " \t" else ""
    shown = token_text(text)
    return spaces + shown if text.strip(" ") else " "

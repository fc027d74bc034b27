"""A report as a page, as Markdown and on the terminal. Each is made from the report alone."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mi_hypotheses import charts, presentation
from mi_hypotheses.presentation import (
    MISSING,
    STATUSES,
    SYMBOLS,
    bar_for,
    count,
    grouped,
    headline_columns,
    headline_metrics,
    number,
    one_line,
    percent,
    score_text,
    seconds,
    status_counts,
    summary_line,
    visible,
    words,
)
from mi_hypotheses.reports import Example, ExampleToken, Report, Result, Score, Status

# Examples are shown with this many tokens around the focus, and this many of a kind, so that
# the page stays small; report.json has all of them.
BEFORE, AFTER = 40, 16
MOST_EXAMPLES = 12
SHADES = 9

_STYLES: dict[Status, str] = {
    "supported": "green",
    "refuted": "red",
    "inconclusive": "yellow",
    "undefined": "bright_black",
    "error": "magenta",
}


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of one overview table and the metrics that are its columns."""

    title: str
    results: tuple[Result, ...]
    metrics: tuple[str, ...]


def render_html(report: Report) -> str:
    """One self-contained page: no script, style, font or image comes from elsewhere."""
    script = _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            style=Markup(_asset("report.css")),
            script=Markup(script),
            script_hash=digest,
            groups=grouped(report.results),
            tables=_tables(report.results),
            anchor=_anchors(report.results),
            counts=status_counts(report),
            shades=range(1, SHADES + 1),
            example_score=Score(value=0.62, low=0.55, high=0.69),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mi_hypotheses", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number,
        count=count,
        percent=percent,
        seconds=seconds,
        words=words,
        visible=visible,
        breakable=_breakable,
        interval=presentation.interval,
        tokens=_tokens_markup,
    )
    environment.globals.update(
        statuses=STATUSES,
        symbols=SYMBOLS,
        missing=MISSING,
        most_examples=MOST_EXAMPLES,
        charts=charts,
        present=presentation,
        strongest=_strongest,
    )
    return environment


def _asset(name: str) -> str:
    return (resources.files("mi_hypotheses") / "templates" / name).read_text("utf-8")


def _tables(results: tuple[Result, ...]) -> list[_Table]:
    """Neurons and heads have other scores, so each kind has a table of its own."""
    tables = []
    for kind, title in (("fires", "Neurons"), ("attends", "Attention heads")):
        chosen = tuple(r for group in grouped(results) for r in group if r.kind == kind)
        if chosen:
            tables.append(_Table(title, chosen, tuple(headline_columns(chosen))))
    return tables


def _anchors(results: tuple[Result, ...]) -> Callable[[Result], str]:
    """A function that gives each result a unique, readable fragment."""
    taken: dict[str, int] = {}
    anchors = {}
    for result in results:
        slug = re.sub(r"[^A-Za-z0-9]+", "-", result.name).strip("-").lower() or "hypothesis"
        taken[slug] = taken.get(slug, 0) + 1
        anchors[id(result)] = slug if taken[slug] == 1 else f"{slug}.{taken[slug]}"
    return lambda result: anchors[id(result)]


def _strongest(result: Result) -> float:
    """The largest |activation| of a result's examples: full colour."""
    found = result.examples
    return max(
        (
            abs(token.activation)
            for example in (*found.top, *found.false_positives, *found.false_negatives)
            for token in example.tokens
            if token.activation is not None
        ),
        default=0.0,
    )


def _breakable(text: str) -> Markup:
    """An identifier that may be broken after colons and slashes, and before `#` and `@`."""
    return Markup("<wbr>").join(re.split(r"(?<=[:/])(?=.)|(?=[#@])", visible(text)))


def _tokens_markup(example: Example, strongest: float) -> Markup:
    """The example's tokens, shaded by activation, labelled ones underlined, focus outlined.

    Attributes are written without quotes and classes with few letters: this is most of the page.
    """
    start = max(0, example.focus - BEFORE)
    end = min(len(example.tokens), example.focus + AFTER + 1)
    parts = ["<u>…</u>"] if start > 0 else []
    parts += [
        _token_markup(example.tokens[i], strongest, focus=i == example.focus)
        for i in range(start, end)
    ]
    if end < len(example.tokens):
        parts.append("<u>…</u>")
    return Markup("".join(parts))


def _token_markup(token: ExampleToken, strongest: float, *, focus: bool) -> str:
    classes = []
    if token.activation is not None and strongest > 0:
        shade = round(SHADES * abs(token.activation) / strongest)
        if shade:
            classes.append(f"{'p' if token.activation > 0 else 'n'}{shade}")
    if token.label is not None and token.label > 0:
        classes.append("l")
    if focus:
        classes.append("f")
    names = f' class="{" ".join(classes)}"' if len(classes) > 1 else ""
    names = f" class={classes[0]}" if len(classes) == 1 else names
    # A token inside a multi-byte character has no text of its own.
    return f"<i{names} title={number(token.activation)}>{escape(visible(token.text) or '·')}</i>"


def render_markdown(report: Report) -> str:
    """A table and a few facts for each hypothesis, fit for a pull request comment."""
    run = report.run
    speed = f" · {number(run.tokens_per_second)} tokens/s" if run.tokens_per_second else ""
    lines = [
        "## Hypotheses",
        "",
        f"**{summary_line(report)}**",
        "",
        f"{_plain(run.device)} · {_plain(run.dtype)} · seed {run.seed} · "
        f"{seconds(run.seconds)}{speed} · {_code(run.command)}",
    ]
    for table in _tables(report.results):
        lines += ["", *_markdown_table(table)]
    if report.errors:
        lines += ["", "### Not loaded", ""]
        lines += [f"- {_code(e.source)}: {_plain(e.message)}" for e in report.errors]
    for group in grouped(report.results):
        lines += ["", *_markdown_facts(group)]
    lines += ["", *_markdown_sources(report)]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_table(table: _Table) -> Iterator[str]:
    head = ["verdict", "hypothesis", "unit", "model", "corpus", *map(words, table.metrics)]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for result in table.results:
        cells = [
            _plain(presentation.verdict_text(result)),
            _plain(result.name),
            *(_code(text, cell=True) for text in (result.unit, result.model, result.corpus)),
            *(_plain(_markdown_score(result, metric)) for metric in table.metrics),
        ]
        yield f"| {' | '.join(cells)} |"
    if note := presentation.unbeaten_note(table.results):
        yield ""
        yield _plain(note)


def _markdown_score(result: Result, metric: str) -> str:
    """`0.712 [0.690, 0.734], floor 0.546 token`."""
    floor = presentation.floor_text(result, metric)
    score = score_text(result.scores.get(metric))
    return f"{score}, floor {floor}" if floor and metric in result.scores else score


def _markdown_facts(group: tuple[Result, ...]) -> Iterator[str]:
    first = group[0]
    yield f"### {_plain(first.name)}"
    yield ""
    yield f"{_plain(first.claim)} {_code(first.source)}"
    if first.on:
        yield ""
        yield f"on {_code(first.on)}"
    yield ""
    for result in group:
        verdict = result.verdict
        where = f"{_code(result.unit)} of {_code(result.model)} on {_code(result.corpus)}"
        yield f"- {SYMBOLS[verdict.status]} **{verdict.status}**: {where}"
        if verdict.status != "error":
            yield f"  - {_plain(_counts_text(result))}"
        if result.searched:
            yield f"  - chosen by search: {_plain(result.searched)}"
        yield from (f"  - {_plain(reason)}" for reason in verdict.reasons)


def _markdown_sources(report: Report) -> Iterator[str]:
    for corpus in report.corpora:
        left_out = _left_out(corpus.excluded, "tokens") + _left_out(corpus.skipped, "files")
        yield (
            f"- corpus {_code(corpus.uri)}: {count(corpus.n_documents)} documents, "
            f"{count(corpus.n_tokens)} tokens{_plain(left_out)}"
        )
    for model in report.models:
        yield f"- model {_code(model.reference)}: {_code(model.fingerprint[:12])}"


def _left_out(counts: dict[str, int], noun: str) -> str:
    return "".join(f"; {count(n)} {noun} left out ({words(why)})" for why, n in counts.items())


def _counts_text(result: Result) -> str:
    """How much was tested: tokens, positives, documents, groups, and the threshold."""
    parts = [f"{count(result.n_tokens)} test tokens"]
    if result.label_kind == "boolean" and result.kind == "fires":
        parts.append(f"{count(result.n_positive)} positive ({percent(result.prevalence)})")
    parts.append(f"{count(result.n_documents)} documents in {count(result.n_groups)} groups")
    if result.threshold is not None:
        parts.append(f"threshold {number(result.threshold)}")
    if result.sign == "-":
        parts.append("sign −")
    if result.comparison_percentile is not None:
        above = percent(result.comparison_percentile)
        parts.append(f"|pearson| above {above} of comparison units")
    return " · ".join(parts)


def _plain(text: str) -> str:
    """`text` on one line, with everything that Markdown or HTML would read as markup escaped."""
    return re.sub(r"([\\`*_\[\]<>|~#&$])", r"\\\1", one_line(text))


def _code(text: str, *, cell: bool = False) -> str:
    """`text` as a code span; in a table `cell` the pipes are escaped, as GitHub wants it."""
    shown = one_line(text) or " "
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padded = f" {shown} " if shown[0] == "`" or shown[-1] == "`" else shown
    return fence + (padded.replace("|", "\\|") if cell else padded) + fence


def render_terminal(report: Report, console: Console) -> None:
    """Print a table of all results, then why those fell short that did, and all errors in full."""
    if report.results:
        console.print(_terminal_table(report, narrow=console.width < 104))
    if note := presentation.unbeaten_note(report.results):
        console.print(Text(note, style="yellow"))
    for result in report.results:
        if result.verdict.status not in ("supported", "error"):
            reasons = "; ".join(map(one_line, _untold(result)))
            console.print(_labelled(result.verdict.status, _where([result]), reasons))
    for message, failed in _failures(report.results).items():
        console.print(_labelled("error", _where(failed), visible(message, line_ends=False)))
    for error in report.errors:
        message = visible(error.message, line_ends=False)
        console.print(_labelled("error", one_line(error.source), message))
    console.print(Text(summary_line(report), style="bold"))


def _untold(result: Result) -> list[str]:
    """The reasons that the marks of the table do not tell already."""
    reasons = [*result.verdict.reasons]
    if not presentation.unbeaten(result):
        return reasons
    return [reason for reason in reasons if "does not beat its floor" not in reason] or reasons


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


def _terminal_table(report: Report, *, narrow: bool) -> Table:
    """One row a result, of a few short lines; a `narrow` one fits 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    if not narrow:
        table.add_column("verdict", no_wrap=True)
    table.add_column("verdict, hypothesis" if narrow else "hypothesis", overflow="fold", ratio=1)
    for title in ("score [95% interval]", "wanted", "floor"):
        table.add_column(Text(title), no_wrap=True)
    for result in (result for group in grouped(report.results) for result in group):
        verdict = Text(presentation.verdict_text(result), style=_STYLES[result.verdict.status])
        name = _terminal_name(result)
        metrics = [m for m in headline_metrics(result) if m in result.scores]
        table.add_row(
            *([Text("\n").join([verdict, name])] if narrow else [verdict, name]),
            Text("\n").join(_terminal_score(result, metric) for metric in metrics),
            "\n".join(_wanted(result, metric) for metric in metrics),
            Text("\n").join(_terminal_floor(result, metric) for metric in metrics),
        )
    return table


def _terminal_name(result: Result) -> Text:
    unit = f"{one_line(result.unit)} of {one_line(result.model)}"
    name = (one_line(result.name), "bold")
    return Text.assemble(name, "\n", (unit, "dim"), "\n", (one_line(result.corpus), "dim"))


def _terminal_score(result: Result, metric: str) -> Text:
    score = result.scores[metric]
    value = f"{words(metric):<10} {number(score.value):>5} "
    return Text.assemble(value, (presentation.interval(score), "dim"))


def _wanted(result: Result, metric: str) -> str:
    bar = bar_for(result, metric)
    return f"≥ {number(bar.at_least, exact=True)}" if bar else ""


def _terminal_floor(result: Result, metric: str) -> Text:
    beaten = metric not in presentation.unbeaten(result)
    text = presentation.floor_text(result, metric) or MISSING
    return Text(text, style="dim" if beaten else "yellow")

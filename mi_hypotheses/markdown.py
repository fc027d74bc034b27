"""A report as Markdown: tables and a few facts for each hypothesis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mi_hypotheses import category_means, presentation, tallies
from mi_hypotheses.comparison import (
    Column,
    Grid,
    Overview,
    overviews,
    side_by_side,
    trainings,
    without_checkpoints,
)
from mi_hypotheses.presentation import (
    SYMBOLS,
    count,
    grouped,
    number,
    one_line,
    score_text,
    seconds,
    summary_line,
    words,
)
from mi_hypotheses.reports import Report, Result


def render_markdown(report: Report) -> str:
    """A table and a few facts for each hypothesis, fit for a pull request comment."""
    run = report.run
    speed = f" · {number(run.tokens_per_second)} tokens/s" if run.tokens_per_second else ""
    lines = [
        "## Hypotheses",
        "",
        f"**{summary_line(report)}**",
        "",
        f"{_plain(presentation.device_text(run.device))} · {_plain(run.dtype)} · seed {run.seed} · "
        f"{seconds(run.seconds)}{speed} · {_code(run.command)}",
    ]
    for training in trainings(report.results):
        lines += ["", *_grid(training.grid(), "Over training")]
    for grid in side_by_side(report.results):
        lines += ["", *_grid(grid, "Models side by side")]
    for table in overviews(report.results):
        lines += ["", *_table(table)]
    if report.errors:
        lines += ["", "### Not loaded", ""]
        lines += [f"- {_code(e.source)}: {_plain(e.message)}" for e in report.errors]
    for group in grouped(_told(report.results)):
        lines += ["", *_facts(group)]
    lines += ["", *_sources(report)]
    return "\n".join(lines).rstrip() + "\n"


def _told(results: Sequence[Result]) -> list[Result]:
    """The results with a section: of a series over training the last, and what went wrong."""
    full = {id(result) for result in without_checkpoints(results)}
    return [r for r in results if id(r) in full or r.verdict.status in ("undefined", "error")]


def _grid(grid: Grid, title: str) -> Iterator[str]:
    """One score of each result, as `✓ 0.712 [0.690, 0.734]`."""
    yield f"### {title}: {_plain(grid.title)}"
    yield ""
    heads = [grid.row_title, *(_column_title(column) for column in grid.columns)]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for row, results in zip(grid.rows, grid.cells, strict=True):
        cells = [
            "" if result is None else _plain(presentation.cell_text(result, column.metric))
            for column, result in zip(grid.columns, results, strict=True)
        ]
        yield f"| {' | '.join([_plain(row), *cells])} |"


def _column_title(column: Column) -> str:
    """`induction: target mass ≥ 0.5`."""
    text = f"{column.name}: {words(column.metric)}" if column.metric else column.name
    return _plain(text if column.bar is None else f"{text} ≥ {number(column.bar, exact=True)}")


def _table(table: Overview) -> Iterator[str]:
    head = ["verdict", "hypothesis", "unit", "model", "corpus", *map(words, table.metrics)]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for result in table.results:
        cells = [
            _plain(presentation.verdict_text(result)),
            _plain(result.name),
            *(_code(text, cell=True) for text in (result.unit, result.model, result.corpus)),
            *(_plain(_score(result, metric)) for metric in table.metrics),
        ]
        yield f"| {' | '.join(cells)} |"
    if note := presentation.unbeaten_note(table.results):
        yield ""
        yield _plain(note)


def _score(result: Result, metric: str) -> str:
    """`0.712 [0.690, 0.734], floor 0.546 token`."""
    floor = presentation.floor_text(result, metric)
    score = score_text(result.scores.get(metric))
    return f"{score}, floor {floor}" if floor and metric in result.scores else score


def _facts(group: tuple[Result, ...]) -> Iterator[str]:
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
            yield f"  - {_plain(tallies.counts_text(result))}"
        yield from (f"  - {_plain(line)}" for line in presentation.head_facts(result))
        yield from (f"  - {_plain(line)}" for line in _means(result))
        if result.searched:
            yield f"  - chosen by search: {_plain(result.searched)}"
        yield from (f"  - {_plain(reason)}" for reason in verdict.reasons)


def _means(result: Result) -> Iterator[str]:
    """The mean activation of each category, on one line."""
    shown, left_out = category_means.means_shown(result)
    if shown:
        means = [
            f"{one_line(band.name)} {score_text(category_means.mean_of(band))} "
            f"(n {count(band.n_tokens)})"
            for band in shown
        ]
        rest = f"; {count(left_out)} between these" if left_out else ""
        yield f"mean activation by category: {'; '.join(means)}{rest}"
    if absent := category_means.absent_text(result):
        yield absent


def _sources(report: Report) -> Iterator[str]:
    for corpus in report.corpora:
        left_out = "".join(
            f"; {text}" for text in [*tallies.left_out(corpus), *tallies.annotated(corpus)]
        )
        yield (
            f"- corpus {_code(corpus.uri)}: {count(corpus.n_documents)} documents, "
            f"{count(corpus.n_tokens)} tokens{_plain(left_out)}"
        )
    for model in report.models:
        yield f"- model {_code(model.reference)}: {_code(model.fingerprint[:12])}"


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

"""`mih compare`: two reports, two models, or two corpora."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import (
    engine_options,
    json_option,
    open_plugins,
    plugin_options,
    print_errors,
    write_file,
)

if TYPE_CHECKING:
    from mi_hypotheses.changes import Change
    from mi_hypotheses.hypotheses import Hypothesis

UNPAIRED = (
    "The two corpora have no documents in common: intervals are unpaired, which makes them wider."
)


@click.command
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.argument("paths", nargs=-1, metavar="[PATH[::NAME]]...")
@click.option("--corpora", is_flag=True, help="A and B are corpora, not models.")
@click.option("-k", "keyword", metavar="EXPR", help="Only hypotheses that match, as for mih run.")
@click.option(
    "--fail-on",
    "margins",
    multiple=True,
    metavar="METRIC:MARGIN",
    help="How far a metric may move and be held: f1:0.05.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "md"]),
    default="terminal",
    help="md is a table for a comment on a pull request.",
)
@click.option(
    "-o",
    "--output",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Write a page with histograms and the documents that changed sides.",
)
@plugin_options
@engine_options
@json_option
@click.pass_obj
def compare(
    command: str,
    /,
    *,
    before: str,
    after: str,
    paths: Sequence[str],
    corpora: bool,
    keyword: str | None,
    modules: Sequence[str],
    margins: Sequence[str],
    form: str,
    page: Path | None,
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Compare two reports of mih run, two models, or with --corpora two corpora.

    A and B are files written by 'mih run' (report.json), or two models on which the hypotheses
    in PATH are scored, such as 'py-attn-2l@step=800' and 'py-attn-2l'. Differences have paired
    95% intervals, on two corpora unpaired ones. What moved comes first. The exit code is 1 if
    something could not be scored; a fall is no failure here, see 'mih check'.
    """
    from mi_hypotheses.changes import changes_of_reports, in_order
    from mi_hypotheses.differences import by_change
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.regression import read_margins
    from mi_hypotheses.reports import read_report

    allowed = read_margins(margins, option="--fail-on")
    if before.endswith(".json") and after.endswith(".json") and not corpora:
        if paths:
            raise UsageError("Two reports are compared as they are: leave PATH out.")
        reports = read_report(Path(before)), read_report(Path(after))
        found = changes_of_reports(*reports, margins=allowed)
    elif before.endswith(".json") != after.endswith(".json") and not corpora:
        raise UsageError(f"{before} and {after} are a report and a model: name two of a kind.")
    else:
        scored = _score(
            (before, after),
            paths=paths,
            modules=modules,
            keyword=keyword,
            corpora=corpora,
            margins=allowed,
            work=(no_cache, quiet, command),
            flags=flags,
        )
        if isinstance(scored, int):
            return scored
        found = scored
    found = in_order(found, by_change([change.comparison for change in found]))
    note = UNPAIRED if corpora else ""
    _print(found, form="json" if as_json else form, note=note)
    if page is not None:
        from mi_hypotheses.compare_page import render_changes

        write_file(page, render_changes(found, title=f"{before} → {after}", note=note))
    failed = not found or any(change.comparison.state == "error" for change in found)
    return ExitCode.FELL_SHORT if failed else ExitCode.OK


def _score(
    sides: tuple[str, str],
    *,
    paths: Sequence[str],
    modules: Sequence[str],
    keyword: str | None,
    corpora: bool,
    margins: dict[str, float],
    work: tuple[bool, bool, str],
    flags: dict[str, Any],
) -> list[Change] | int:
    """The hypotheses on both sides, in one run; or the exit code where there are none."""
    from mi_hypotheses.changes import changes, measurements
    from mi_hypotheses.cli.running import Work, engine_settings, nothing_collected, run_engine

    settings = engine_settings(flags)
    plugins = open_plugins(settings, paths=paths, modules=modules)
    collected = plugins.collect(keyword=keyword)
    if not collected.hypotheses:
        return nothing_collected(collected, keyword=keyword)
    if corpora:
        asked = [h.model_copy(update={"corpora": sides}) for h in collected.hypotheses]
    else:
        about = _about(collected.hypotheses, sides)
        asked = [h.model_copy(update={"model": model}) for h in about for model in sides]
    no_cache, quiet, command = work
    done = Work(settings, plugins, no_cache=no_cache, quiet=quiet, command=command)
    found = measurements(run_engine(asked, done, load_errors=collected.errors))
    print_errors(collected.errors)
    if corpora:
        return changes(zip(found[::2], found[1::2], strict=True), margins=margins, paired=False)
    by_side = {
        model: [one for one in found if one.result.model == model] for model in dict.fromkeys(sides)
    }
    return changes(zip(*(by_side[model] for model in sides), strict=True), margins=margins)


def _about(hypotheses: Sequence[Hypothesis], models: Sequence[str]) -> Sequence[Hypothesis]:
    """Those about one of the models, at whatever checkpoint; all where there are none."""
    from mi_hypotheses.model_patterns import is_checkpoint_of

    names = {model.partition("@")[0] for model in models}
    about = [h for h in hypotheses if any(is_checkpoint_of(h.model, name) for name in names)]
    return about or hypotheses


def _print(found: Sequence[Change], *, form: str, note: str) -> None:
    from rich.console import Console

    from mi_hypotheses.changes import changed_sides
    from mi_hypotheses.differences import as_data, render_markdown, render_terminal

    compared = [change.comparison for change in found]
    if form == "json":
        import json

        data = [{**as_data(change.comparison), "changed_sides": _sides(change)} for change in found]
        click.echo(json.dumps(data, indent=1))
    elif form == "md":
        click.echo(render_markdown(compared) + (f"\n{note}\n" if note else ""), nl=False)
    else:
        render_terminal(compared, Console())
        for change in found:
            sides = changed_sides(change, most=1000)
            if sides:
                lost = sum(side.lost for side in sides)
                click.echo(
                    f"{change.comparison.name} on {change.comparison.corpus}: {lost} documents "
                    f"lost, {len(sides) - lost} won; first {sides[0].before.document}"
                )
        if note:
            click.echo(note)


def _sides(change: Change) -> list[dict[str, Any]]:
    from mi_hypotheses.changes import changed_sides

    return [
        {"before": side.before.model_dump(), "after": side.after.model_dump()}
        for side in changed_sides(change)
    ]

"""`mih run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import (
    engine_options,
    json_option,
    open_plugins,
    print_errors,
    selection_options,
    write_file,
)

if TYPE_CHECKING:
    from mi_hypotheses.cache import Cache
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.plugins import Collected, Plugins
    from mi_hypotheses.reports import LoadError, Report
    from mi_hypotheses.settings import Settings


@click.command
@selection_options
@engine_options
@click.option(
    "-o", "--output", metavar="DIR", help="Where the report goes.  [default: reports/latest]"
)
@json_option
@click.pass_obj
def run(
    command: str,
    /,
    *,
    paths: Sequence[str],
    keyword: str | None,
    modules: Sequence[str],
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    **flags: object,
) -> int:
    """Score hypotheses and write a report.

    PATH is a plugin file or a directory of them, ::NAME one hypothesis in it. Without a path the
    directories named in pyproject.toml are searched. The exit code is 0 if all hypotheses came
    out as expected, 1 if some fell short or failed, 5 if there are none.
    """
    from mi_hypotheses.settings import load_settings

    settings = load_settings(flags)
    plugins = open_plugins(settings, paths=paths, modules=modules)
    collected = plugins.collect(keyword=keyword)
    if not collected.hypotheses:
        return nothing_collected(collected)
    report = run_engine(
        override(collected.hypotheses, settings),
        settings=settings,
        plugins=plugins,
        load_errors=collected.errors,
        no_cache=no_cache,
        quiet=quiet,
        command=command,
    )
    page = _write(report, plugins, settings.output)
    if as_json:
        click.echo(report.model_dump_json(indent=1))
        print_errors(report.errors)
    else:
        print_table(report)
        click.echo(f"Report: {page}")
    return exit_code(report)


def nothing_collected(collected: Collected) -> int:
    """Say that there is nothing to do, and why; the exit code."""
    print_errors(collected.errors)
    if collected.errors:
        return ExitCode.FELL_SHORT
    click.echo(
        "No hypothesis was collected. Name a plugin file or directory, or set plugins = [...] in "
        "[tool.mi_hypotheses] of pyproject.toml; 'mih list' shows what is there.",
        err=True,
    )
    return ExitCode.NOTHING_COLLECTED


def override(hypotheses: Sequence[Hypothesis], settings: Settings) -> list[Hypothesis]:
    """The hypotheses with the model and corpora that a flag or variable asks for."""
    changes: dict[str, object] = {}
    if "model" in settings.given:
        changes["model"] = settings.model
    if "corpus" in settings.given:
        changes["corpora"] = settings.corpus
    return [hypothesis.model_copy(update=changes) for hypothesis in hypotheses]


def run_engine(
    hypotheses: Sequence[Hypothesis],
    *,
    settings: Settings,
    plugins: Plugins,
    load_errors: Sequence[LoadError] = (),
    no_cache: bool,
    quiet: bool,
    command: str,
) -> Report:
    """Run the engine as the settings say, watched on stderr."""
    from mi_hypotheses.cli.progress import watch
    from mi_hypotheses.engine import RunOptions, run

    options = RunOptions(
        device=settings.device,
        dtype=settings.dtype,
        seed=settings.seed,
        limit=settings.limit,
        limit_tokens=settings.limit_tokens,
        batch_size=settings.batch_size,
        min_context=settings.min_context,
        untrained=settings.untrained,
    )
    with watch(quiet=quiet) as progress:
        return run(
            hypotheses,
            options=options,
            plugins=plugins,
            cache=open_cache(settings, temporary=no_cache),
            load_errors=load_errors,
            progress=progress,
            command=command,
        )


def open_cache(settings: Settings, *, temporary: bool = False) -> Cache:
    """The cache of the settings, or one that is gone when the command ends."""
    from mi_hypotheses.cache import Cache, default_directory

    if temporary:
        return Cache.temporary()
    return Cache(settings.cache_dir or default_directory(), limit_bytes=settings.cache_size)


def _write(report: Report, plugins: Plugins, directory: Path) -> Path:
    """Write `report.json`, `report.md` and `report.html`; the path of the page."""
    from mi_hypotheses.loading import short_path

    writers = plugins.report_writers()
    for suffix in ("json", "md", "html"):
        write_file(directory / f"report.{suffix}", writers[suffix](report))
    return Path(short_path(directory / "report.html"))


def print_table(report: Report) -> None:
    """Print all results on stdout."""
    from rich.console import Console

    from mi_hypotheses.render import render_terminal

    render_terminal(report, Console())


def exit_code(report: Report) -> int:
    """0 if every result is as expected; without `expect` any score is."""
    as_expected = all(
        result.verdict.status == "supported"
        or (not result.expect and result.verdict.status not in ("error", "undefined"))
        for result in report.results
    )
    return ExitCode.OK if as_expected and not report.errors else ExitCode.FELL_SHORT

"""`mih run`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import (
    engine_options,
    open_plugins,
    prepare_directory,
    print_errors,
    read_settings,
    selection_options,
    write_file,
)

if TYPE_CHECKING:
    from mi_hypotheses.cache import Cache
    from mi_hypotheses.context import RunOptions
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.plugins import Collected, Plugins
    from mi_hypotheses.reports import LoadError, Report
    from mi_hypotheses.settings import Settings


@click.command
@selection_options
@click.option(
    "-m",
    "--model",
    multiple=True,
    help="Score this model instead of the one that was named; may be repeated. 'NAME@*' scores "
    "hypotheses about NAME on all its checkpoints.",
)
@click.option(
    "--corpus",
    multiple=True,
    metavar="URI",
    help="Use this corpus instead of those that were named; may be repeated.",
)
@engine_options
@click.option(
    "-o", "--output", metavar="DIR", help="Where the report goes.  [default: reports/latest]"
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the report as JSON; files are written as well."
)
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

    With several models there is a result for each. 'NAME@*' stands for all checkpoints of NAME
    and the end of its training, 'NAME@step=1*' for some:

    mih run plugins -m 'py-attn-2l@*'
    """
    settings = engine_settings(flags)
    plugins = open_plugins(settings, paths=paths, modules=modules)
    collected = plugins.collect(keyword=keyword)
    if not collected.hypotheses:
        return nothing_collected(collected, keyword=keyword)
    hypotheses = override(collected.hypotheses, settings)
    if (left_out := _left_out(collected.hypotheses, hypotheses)) and not quiet:
        click.echo(left_out, err=True)
    prepare_directory(settings.output)
    work = Work(settings, plugins, no_cache=no_cache, quiet=quiet, command=command)
    report = run_engine(hypotheses, work, load_errors=collected.errors)
    _print(report, as_json=as_json)
    page = _write(report, plugins, settings.output)
    if not as_json:
        click.echo(f"Report: {page}")
    return exit_code(report)


def nothing_collected(collected: Collected, *, keyword: str | None) -> int:
    """Say that there is nothing to do, and why; the exit code."""
    print_errors(collected.errors)
    if collected.errors:
        return ExitCode.FELL_SHORT
    if n := collected.left_out:
        hypotheses = "the one hypothesis" if n == 1 else f"the {n} hypotheses"
        click.echo(f"-k {keyword!r} left none of {hypotheses}; 'mih list' shows them.", err=True)
    else:
        click.echo(
            "No hypothesis was collected. Name a plugin file or directory, or set plugins = [...] "
            "in [tool.mi_hypotheses] of pyproject.toml; 'mih list' shows what is there.",
            err=True,
        )
    return ExitCode.NOTHING_COLLECTED


def override(hypotheses: Sequence[Hypothesis], settings: Settings) -> list[Hypothesis]:
    """The hypotheses on the models and corpora that a flag or variable asks for: each on each of
    the models, but on a pattern's only if it is about that model.

    Raises:
        UsageError: a pattern stands for no checkpoint, or no hypothesis is about its model.
    """
    changes: dict[str, object] = {}
    if "corpus" in settings.given:
        changes["corpora"] = tuple(dict.fromkeys(settings.corpus))
    if "model" not in settings.given:
        return [hypothesis.model_copy(update=changes) for hypothesis in hypotheses]
    made: dict[tuple[int, str], Hypothesis] = {}
    for reference, numbers in _asked(hypotheses, settings.model):
        for number in numbers:
            update = {**changes, "model": reference}
            made[number, reference] = hypotheses[number].model_copy(update=update)
    return [made[key] for key in sorted(made, key=lambda key: key[0])]


def _asked(
    hypotheses: Sequence[Hypothesis], models: Sequence[str]
) -> Iterator[tuple[str, Sequence[int]]]:
    """Each model that is asked for, with the numbers of the hypotheses to score on it."""
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.model_patterns import expand, is_checkpoint_of, is_pattern

    for written in models:
        references = expand(written)
        numbers: Sequence[int] = range(len(hypotheses))
        if is_pattern(written):
            name = written.partition("@")[0]
            numbers = [n for n in numbers if is_checkpoint_of(hypotheses[n].model, name)]
            if not numbers:
                about = sorted({hypothesis.model for hypothesis in hypotheses})
                raise UsageError(
                    f"-m {written!r} takes hypotheses about {name}, and none was collected; they "
                    f"are about {', '.join(about)}. -m {name} would score them all on it."
                )
        yield from ((reference, numbers) for reference in references)


def _left_out(collected: Sequence[Hypothesis], chosen: Sequence[Hypothesis]) -> str:
    """A note on the hypotheses that are scored on no model; "" where there are none."""
    left = len(collected) - len({hypothesis.name for hypothesis in chosen})
    hypotheses = "1 hypothesis" if left == 1 else f"{left} hypotheses"
    return f"{hypotheses} about other models left out." if left else ""


def engine_settings(flags: Mapping[str, object]) -> Settings:
    """The settings of a command that runs models.

    Raises:
        UsageError: the device or dtype is misspelled.
    """
    from mi_hypotheses.models import check_device, check_dtype

    settings = read_settings(flags)
    check_device(settings.device)
    check_dtype(settings.dtype)
    return settings


@dataclass(frozen=True, kw_only=True)
class Work:
    """How a command has its hypotheses scored."""

    settings: Settings = field(kw_only=False)
    plugins: Plugins = field(kw_only=False)
    no_cache: bool
    quiet: bool
    command: str


def run_engine(
    hypotheses: Sequence[Hypothesis], work: Work, *, load_errors: Sequence[LoadError] = ()
) -> Report:
    """Run the engine as the settings say, watched on stderr."""
    from mi_hypotheses.cli.progress import watch
    from mi_hypotheses.engine import run

    settings = work.settings
    with watch(quiet=work.quiet) as progress:
        return run(
            hypotheses,
            options=run_options(settings),
            plugins=work.plugins,
            cache=open_cache(settings, temporary=work.no_cache),
            load_errors=load_errors,
            progress=progress,
            command=work.command,
        )


def run_options(settings: Settings) -> RunOptions:
    """How to run, as the settings say."""
    from mi_hypotheses.context import RunOptions

    return RunOptions(
        device=settings.device,
        dtype=settings.dtype,
        seed=settings.seed,
        limit=settings.limit,
        limit_tokens=settings.limit_tokens,
        batch_size=settings.batch_size,
        min_context=settings.min_context,
        untrained=settings.untrained,
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


def _print(report: Report, *, as_json: bool) -> None:
    """Print all results on stdout."""
    from rich.console import Console

    from mi_hypotheses.render import render_terminal

    if as_json:
        click.echo(report.model_dump_json(indent=1))
        print_errors(report.errors)
    else:
        render_terminal(report, Console())


def exit_code(report: Report) -> int:
    """0 if every result is as expected; without `expect` any score is."""
    as_expected = all(
        result.verdict.status == "supported"
        or (not result.expect and result.verdict.status not in ("error", "undefined"))
        for result in report.results
    )
    return ExitCode.OK if as_expected and not report.errors else ExitCode.FELL_SHORT

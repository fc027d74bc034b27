"""`mih check`: hypotheses against their baselines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import (
    engine_options,
    json_option,
    open_plugins,
    print_errors,
    selection_options,
)

if TYPE_CHECKING:
    from mi_hypotheses.baselines import Baselines
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.regression import Comparison, Measured


@click.command
@selection_options
@click.option(
    "-m", "--model", multiple=True, help="Check this model against what is recorded of another."
)
@click.option("--update", is_flag=True, help="Record what is found, and drop what is stale.")
@click.option("--update-new", is_flag=True, help="Record what is not recorded yet.")
@click.option(
    "--fail-on",
    "margins",
    multiple=True,
    metavar="METRIC:MARGIN",
    help="f1:0.05 lets f1 fall by 0.05; it comes before the hypothesis' own margin.",
)
@click.option("--strict", is_flag=True, help="Inconclusive and stale fail as well.")
@engine_options
@json_option
@click.pass_obj
def check(
    command: str,
    /,
    *,
    paths: Sequence[str],
    keyword: str | None,
    modules: Sequence[str],
    update: bool,
    update_new: bool,
    margins: Sequence[str],
    strict: bool,
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Check hypotheses against what is recorded of them in __baselines__/ beside their files.

    Every score is compared by a paired interval of the difference: it held, fell, rose, or the
    difference is inconclusive. The exit code is 1 if a score fell, if nothing is recorded of a
    hypothesis, if it cannot be compared, or if it failed.
    """
    from mi_hypotheses.baselines import Baselines
    from mi_hypotheses.cli.running import (
        Work,
        engine_settings,
        nothing_collected,
        override,
        run_engine,
    )
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.regression import measured, read_margins

    settings = engine_settings(flags)
    if update and update_new:
        raise UsageError("Say either --update or --update-new.")
    if (update or update_new) and settings.given & {"model", "corpus"}:
        raise UsageError(
            "A baseline is of the model and the corpora that a hypothesis names: --update goes "
            "without -m, MIH_MODEL and MIH_CORPUS."
        )
    allowed = read_margins(margins, option="--fail-on")
    plugins = open_plugins(settings, paths=paths, modules=modules)
    collected = plugins.collect(keyword=keyword)
    if not collected.hypotheses:
        return nothing_collected(collected, keyword=keyword)
    hypotheses = override(collected.hypotheses, settings)
    named = any("::" in path for path in paths)
    other = settings.given & {"corpus", "model"}
    whole = keyword is None and not (named or other or collected.errors)
    baselines = Baselines(plugin_files(hypotheses), whole=whole)
    work = Work(settings, plugins, no_cache=no_cache, quiet=quiet, command=command)
    found = measured(run_engine(hypotheses, work, load_errors=collected.errors))
    compared = baselines.check(found, margins=allowed, recording=update or update_new)
    _print(compared, as_json=as_json)
    print_errors(collected.errors)
    if update or update_new:
        _update(baselines, found, only_new=update_new)
        failed = any(each.state == "error" for each in compared)
        return ExitCode.FELL_SHORT if failed or collected.errors else ExitCode.OK
    return exit_code(compared, strict=strict, errors=bool(collected.errors))


def plugin_files(hypotheses: Iterable[Hypothesis]) -> dict[str, Path]:
    """The file that each hypothesis was written in, by the hypothesis' name."""
    return {h.name: Path(h.source.rpartition(":")[0]) for h in hypotheses}


def _print(compared: Sequence[Comparison], *, as_json: bool) -> None:
    from rich.console import Console

    from mi_hypotheses.differences import as_data, render_terminal

    if as_json:
        import json

        click.echo(json.dumps([as_data(each) for each in compared], indent=1))
    else:
        render_terminal(compared, Console())


def _update(baselines: Baselines, found: Sequence[Measured], *, only_new: bool) -> None:
    from mi_hypotheses.loading import short_path

    written = baselines.update(found, only_new=only_new)
    for path in written:
        click.echo(f"Recorded: {short_path(path)}", err=True)
    if not written:
        click.echo("The baselines are as they were.", err=True)


def exit_code(compared: Sequence[Comparison], *, strict: bool, errors: bool) -> int:
    """1 where something fails the check."""
    from mi_hypotheses.regression import FAILING, FAILING_WHEN_STRICT

    failing = FAILING_WHEN_STRICT if strict else FAILING
    failed = errors or any(each.state in failing for each in compared)
    return ExitCode.FELL_SHORT if failed else ExitCode.OK

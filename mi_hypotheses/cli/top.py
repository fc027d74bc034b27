"""`mih top`: one unit, looked at before anything is claimed about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import (
    cache_options,
    json_option,
    open_plugins,
    plugin_options,
    prepare_directory,
    reading_options,
    write_file,
)

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Neuron
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.settings import Settings
    from mi_hypotheses.unit_page import UnitPage


@click.command
@click.argument("unit")
@click.option("-m", "--model", help="The model that the unit is of.")
@click.option("--corpus", metavar="URI", help="What to look at the unit on.  [default: stdlib]")
@click.option(
    "-n",
    "n_examples",
    type=click.IntRange(1, 500),
    default=20,
    metavar="N",
    help="How many of the strongest tokens to show.  [default: 20]",
)
@click.option(
    "-o",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write DIR/unit.html, the page of the unit, and DIR/unit.json.",
)
@reading_options
@cache_options
@plugin_options
@json_option
@click.pass_obj
def top(
    command: str,
    /,
    *,
    unit: str,
    model: str | None,
    corpus: str | None,
    n_examples: int,
    directory: Path | None,
    modules: Sequence[str],
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Look at a neuron: what it fires on, how strongly, and what its weights say.

    UNIT is a neuron, L0N417, or its pre-activation, L0N417.pre. Shown are its strongest tokens in
    context and samples from all of its range, the distribution of its activations, the tokens it
    likes, and the tokens that its output weights promote. Heads are looked at with 'mih score
    --target', against what they might attend to.

    mih top L0N417 -m py-gelu-1l --corpus networkx-sample -o reports/L0N417
    """
    from mi_hypotheses.cli.running import engine_settings
    from mi_hypotheses.loading import short_path

    neuron = _neuron(unit)
    given = {"model": (model,) if model else (), "corpus": (corpus,) if corpus else ()}
    settings = engine_settings({**flags, **given})
    plugins = open_plugins(settings, modules=modules)
    if directory is not None:
        prepare_directory(directory)
    page = _look(neuron, settings, plugins, n_examples=n_examples, work=(no_cache, quiet, command))
    try:
        if directory is not None:
            _write(page, directory)
    finally:
        _print(page, as_json=as_json)
    if as_json:
        return ExitCode.OK
    if directory is None:
        click.echo("-o DIR writes the page: histograms, all examples in context.", err=True)
    else:
        click.echo(f"Page: {short_path(directory / 'unit.html')}")
    return ExitCode.OK


def _write(page: UnitPage, directory: Path) -> None:
    from mi_hypotheses.unit_view import render_page

    write_file(directory / "unit.json", page.model_dump_json(indent=1))
    write_file(directory / "unit.html", render_page(page))


def _neuron(written: str) -> Neuron:
    """The neuron that is asked for.

    Raises:
        UsageError: it is no unit, a head, or no single neuron.
    """
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.hypotheses import AnyNeuron, Neuron, parse_unit

    unit = parse_unit(written)
    if isinstance(unit, Neuron):
        return unit
    if isinstance(unit, AnyNeuron):
        raise UsageError(
            f"{unit} stands for many neurons, and 'mih top' looks at one, as in L0N417. "
            f"'mih score --regex PATTERN --unit {unit!s}' finds the one that a pattern is about."
        )
    raise UsageError(
        f"{unit} is a head, and 'mih top' looks at neurons. A head has no activation of a token: "
        "it is looked at edge by edge, against a target, as in 'mih score --target induction "
        f"--unit {unit}'. Its report shows typical queries, missed ones, and where the attention "
        "goes that the target does not explain."
    )


def _only(values: Sequence[str], *, option: str, default: str | None = None) -> str:
    """The one model or corpus that is asked for."""
    from mi_hypotheses.errors import UsageError

    if len(values) > 1:
        raise UsageError(
            f"'mih top' takes one {option}, and the settings name {len(values)}: "
            f"{', '.join(values)}. Name one with --{option}."
        )
    if not values and default is None:
        raise UsageError(f"Say which {option}: -m NAME; 'mih models' lists those that are there.")
    return values[0] if values else default or ""


def _look(
    neuron: Neuron,
    settings: Settings,
    plugins: Plugins,
    *,
    n_examples: int,
    work: tuple[bool, bool, str],
) -> UnitPage:
    """Measure the unit as the settings say, watched on stderr."""
    from mi_hypotheses import models
    from mi_hypotheses.cli.progress import watch
    from mi_hypotheses.cli.running import open_cache
    from mi_hypotheses.context import Context, RunOptions
    from mi_hypotheses.unit_measurement import measure_unit

    no_cache, quiet, command = work
    options = RunOptions(
        device=settings.device,
        dtype=settings.dtype,
        seed=settings.seed,
        limit=settings.limit,
        limit_tokens=settings.limit_tokens,
        batch_size=settings.batch_size,
        min_context=settings.min_context,
    )
    source = models.resolve(_only(settings.model, option="model"), loaders=[plugins.load_model])
    corpus = _only(settings.corpus, option="corpus", default="stdlib")
    cache = open_cache(settings, temporary=no_cache)
    with watch(quiet=quiet) as progress:
        context = Context(options, cache, plugins, progress)
        page = measure_unit(neuron, source, corpus, context, n_examples=n_examples, command=command)
        cache.trim()
        for note in dict.fromkeys(cache.notes):
            progress.note(note)
    return page


def _print(page: UnitPage, *, as_json: bool) -> None:
    from rich.console import Console

    from mi_hypotheses.unit_terminal import render_terminal

    if as_json:
        click.echo(page.model_dump_json(indent=1))
    else:
        render_terminal(page, Console())

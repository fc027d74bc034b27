"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.reports import LoadError
    from mi_hypotheses.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

traceback_option = click.option(
    "--traceback", is_flag=True, expose_value=False, help="Show where in the code an error arose."
)


def _together(*options: Callable[[F], F]) -> Callable[[F], F]:
    return lambda function: reduce(lambda made, option: option(made), reversed(options), function)


plugin_options: Callable[[F], F] = _together(
    click.option(
        "-p",
        "modules",
        multiple=True,
        metavar="MODULE",
        help="Load the plugin MODULE as well; no:NAME keeps the plugin NAME out.",
    ),
    traceback_option,
)

selection_options: Callable[[F], F] = _together(
    click.argument("paths", nargs=-1, metavar="[PATH[::NAME]]..."),
    click.option(
        "-k",
        "keyword",
        metavar="EXPR",
        help="Only hypotheses whose name, claim or model match EXPR: 'comment and not string'.",
    ),
    plugin_options,
)

engine_options: Callable[[F], F] = _together(
    click.option("-m", "--model", help="Score this model instead of the one that was named."),
    click.option(
        "--corpus",
        multiple=True,
        metavar="URI",
        help="Use this corpus instead of those that were named; may be repeated.",
    ),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N documents."),
    click.option(
        "--limit-tokens", type=click.IntRange(1), metavar="N", help="At most about N tokens."
    ),
    click.option("--device", help="auto, cpu, cuda, cuda:1 or mps.  [default: auto]"),
    click.option("--dtype", help="float32, bfloat16 or float16.  [default: float32]"),
    click.option("--seed", type=click.IntRange(0), help="Of splits and resampling.  [default: 0]"),
    click.option(
        "--batch-size", type=click.IntRange(1), metavar="N", help="Windows a batch.  [default: 32]"
    ),
    click.option(
        "--min-context",
        type=click.IntRange(0),
        metavar="N",
        help="Leave out the first N tokens of every later window of a document.",
    ),
    click.option(
        "--untrained",
        is_flag=True,
        default=None,
        help="Add the floor of an untrained model: another pass.",
    ),
    click.option(
        "--cache-dir", type=click.Path(file_okay=False), help="Where activations are kept."
    ),
    click.option("--no-cache", is_flag=True, help="Neither read nor keep activations."),
    click.option("-q", "--quiet", is_flag=True, help="No progress and no notes."),
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def open_plugins(
    settings: Settings, *, paths: Sequence[str] = (), modules: Sequence[str] = ()
) -> Plugins:
    """All plugins, those of the settings where no path is given."""
    from mi_hypotheses.plugins import load_plugins

    return load_plugins(
        paths=paths,
        modules=modules,
        directories=settings.plugins,
        named_corpora=settings.corpora,
    )


def print_errors(errors: Sequence[LoadError]) -> None:
    """Print each mistake on stderr, a paragraph each."""
    for error in errors:
        click.echo(f"{error.source}: {error.message}", err=True)


def write_file(path: Path, content: str) -> None:
    """Write a file that the user asked for.

    Raises:
        UsageError: it cannot be written there.
    """
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.reports import write_atomically

    try:
        write_atomically(path, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} cannot be written: {reason}. Choose another place.") from None

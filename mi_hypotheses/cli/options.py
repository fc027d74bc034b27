"""Options that several commands share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
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


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Options as one decorator."""
    return lambda function: reduce(lambda made, option: option(made), reversed(options), function)


plugin_options: Callable[[F], F] = together(
    click.option(
        "-p",
        "modules",
        multiple=True,
        metavar="MODULE",
        help="Load the plugin MODULE as well; no:NAME keeps the plugin NAME out.",
    ),
    traceback_option,
)

selection_options: Callable[[F], F] = together(
    click.argument("paths", nargs=-1, metavar="[PATH[::NAME]]..."),
    click.option(
        "-k",
        "keyword",
        metavar="EXPR",
        help="Only hypotheses whose name, claim or model match EXPR: 'comment and not string'.",
    ),
    plugin_options,
)

reading_options: Callable[[F], F] = together(
    click.option(
        "--limit",
        type=click.IntRange(1),
        metavar="N",
        help="At most N documents, the first in the corpus's order; a verdict takes at least a "
        "few dozen.",
    ),
    click.option(
        "--limit-tokens",
        type=click.IntRange(1),
        metavar="N",
        help="At most about N tokens, in whole documents in the corpus's order.",
    ),
    click.option("--device", help="auto, cpu, cuda, cuda:1 or mps.  [default: auto]"),
    click.option("--dtype", help="float32, bfloat16 or float16.  [default: float32]"),
    click.option(
        "--seed",
        type=click.IntRange(0),
        metavar="N",
        help="Of splits and resampling.  [default: 0]",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(1),
        metavar="N",
        help="Windows a batch; it is halved where memory runs out.  [default: 32, on a CPU as many "
        "as hold 2,048 tokens]",
    ),
    click.option(
        "--min-context",
        type=click.IntRange(0),
        metavar="N",
        help="Leave out the first N tokens of every later window of a document, which see little "
        "of what comes before: with 32, each token there has at least 32 before it.",
    ),
)

cache_options: Callable[[F], F] = together(
    click.option(
        "--cache-dir", type=click.Path(file_okay=False), help="Where activations are kept."
    ),
    click.option("--no-cache", is_flag=True, help="Neither read nor keep activations."),
    click.option("-q", "--quiet", is_flag=True, help="No progress and no notes."),
)

engine_options: Callable[[F], F] = together(
    reading_options,
    click.option(
        "--untrained",
        is_flag=True,
        default=None,
        help="Add the floor of an untrained model: another pass.",
    ),
    cache_options,
)

pipeline_option = click.option(
    "--pipeline",
    metavar="NAME",
    help="The spaCy pipeline that features of language read, where documents have no annotation.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def read_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """The settings in force; what is noted about them goes to stderr."""
    from mi_hypotheses.settings import load_settings

    settings = load_settings(flags)
    for note in settings.notes:
        click.echo(note, err=True)
    return settings


def open_plugins(
    settings: Settings, *, paths: Sequence[str] = (), modules: Sequence[str] = ()
) -> Plugins:
    """All plugins, those of the settings where no path is given."""
    from mi_hypotheses.plugins import DIRECTORIES_FROM, load_plugins

    return load_plugins(
        paths=paths,
        modules=modules,
        directories=settings.plugins,
        directories_from="MIH_PLUGINS" if "plugins" in settings.given else DIRECTORIES_FROM,
        named_corpora=settings.corpora,
    )


def print_errors(errors: Sequence[LoadError]) -> None:
    """Print each mistake on stderr, a paragraph each."""
    for error in errors:
        click.echo(f"{error.source}: {error.message}", err=True)


def prepare_directory(directory: Path) -> None:
    """Make the directory of files that will be written at the end, and see that they can be.

    Raises:
        UsageError: they cannot.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise _unwritable(directory, error) from None


def _unwritable(path: Path, error: OSError) -> Exception:
    from mi_hypotheses.errors import UsageError

    reason = error.strerror or str(error)
    return UsageError(f"{path} cannot be written: {reason}. Choose another place.")


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file that the user asked for.

    Raises:
        UsageError: it cannot be written there.
    """
    from mi_hypotheses.reports import write_atomically

    try:
        write_atomically(path, content)
    except OSError as error:
        raise _unwritable(path, error) from None

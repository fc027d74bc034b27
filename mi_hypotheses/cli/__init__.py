"""The command `mih`. Each command imports what it needs when it is called, so that `--help`
is instant."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import print_errors, traceback_option
from mi_hypotheses.errors import MiHypothesesError

if TYPE_CHECKING:
    from mi_hypotheses.reports import LoadError

GROUP = "mi_hypotheses"


class _Commands(click.Group):
    """The built-in commands, and those that installed plugins bring."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_installed_commands()[0]})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (known := super().get_command(ctx, cmd_name)) is not None:
            return known
        commands, errors = _installed_commands()
        if cmd_name not in commands:
            print_errors(errors)  # the plugin that was to bring it may be among them
        return commands.get(cmd_name)


def _installed_commands() -> tuple[dict[str, click.Command], Sequence[LoadError]]:
    """By name, and what is wrong in the plugins that are installed."""
    if not metadata.entry_points(group=GROUP):
        return {}, ()
    from mi_hypotheses.plugins import load_plugins

    plugins = load_plugins()
    commands = {command.name or "": command for command in plugins.commands()}
    return commands, plugins.errors()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mi_hypotheses", prog_name="mih")
@traceback_option
def cli() -> None:
    """Write claims about neurons as code, and see how true they are."""


def _add_commands() -> None:
    from mi_hypotheses.cli import (
        checking,
        comparing,
        listing,
        reporting,
        running,
        scanning,
        scoring,
        top,
    )

    for command in (
        listing.list_,
        listing.plugins,
        listing.models,
        listing.corpora,
        listing.cache,
        listing.features,
        checking.check,
        comparing.compare,
        reporting.report,
        running.run,
        scanning.scan,
        scoring.score,
        top.top,
    ):
        cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is returned."""
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    command = shlex.join(["mih", *given])
    if "--traceback" in given:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("mi_hypotheses").setLevel(logging.DEBUG)
    try:
        code = cli.main(given, prog_name="mih", standalone_mode=False, obj=command)
    except click.Abort:
        kept = (
            "" if "--no-cache" in given else " What was finished is cached: run it again to go on."
        )
        click.echo(f"Interrupted.{kept}", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except MiHypothesesError as error:
        _explain(str(error), trace="--traceback" in given)
        return ExitCode.USAGE
    except Exception as error:
        text = f"Internal error: {type(error).__name__}: {error}".rstrip(".: ")
        _explain(f"{text}. Run again with --traceback to see where.", trace="--traceback" in given)
        return ExitCode.INTERNAL_ERROR
    return code if isinstance(code, int) else ExitCode.OK


def _explain(message: str, *, trace: bool) -> None:
    if trace:
        import traceback

        traceback.print_exc()
    click.echo(message, err=True)


_add_commands()

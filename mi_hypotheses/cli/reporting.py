"""`mih report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mi_hypotheses.cli.options import (
    open_plugins,
    plugin_options,
    print_errors,
    read_settings,
    write_file,
)


@click.command
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN.json")
@click.option("-f", "--format", "form", default="html", help="html, md, json or a plugin's.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The file to write; else stdout."
)
@plugin_options
def report(run: Path, *, form: str, output: Path | None, modules: Sequence[str]) -> None:
    """Write the report of a run in another format."""
    from mi_hypotheses.errors import MiHypothesesError, PluginError, unknown_name
    from mi_hypotheses.reports import read_report

    plugins = open_plugins(read_settings(), modules=modules)
    writers = plugins.report_writers()
    if form not in writers:
        print_errors(plugins.errors())  # the one that was to bring it may be among them
        raise unknown_name("report format", form, writers)
    content = read_report(run)
    try:
        written = writers[form](content)
    except MiHypothesesError:
        raise
    except Exception as error:
        raise PluginError(
            f"The writer of the report format {form!r} failed on {run}: "
            f"{type(error).__name__}: {error}."
        ) from error
    if not isinstance(written, str):
        raise PluginError(f"The writer of the report format {form!r} returned no text.")
    if output is None:
        click.echo(written, nl=not written.endswith("\n"))
    else:
        write_file(output, written)

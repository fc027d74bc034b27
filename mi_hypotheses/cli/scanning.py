"""`mih scan`: every subject against every unit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import (
    engine_options,
    json_option,
    pipeline_option,
    plugin_options,
    prepare_directory,
    print_errors,
    write_file,
)
from mi_hypotheses.cli.patterns import PatternOptions, pattern_options
from mi_hypotheses.cli.subjects import Found, everything, find_subjects

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.scan import Scan, ScanOptions, Subject
    from mi_hypotheses.scan_reports import ScanReport
    from mi_hypotheses.settings import Settings


@click.command
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...")
@click.option(
    "--unit",
    metavar="UNIT",
    help="What to look at: N* or H* (all neurons or heads), L0N*, L0N*.pre, L1H*, or one unit.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="How many units are listed for each subject.",
)
@click.option(
    "--least",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="The score from which on a unit counts as found.",
)
@click.option(
    "--exact",
    type=click.IntRange(0),
    default=40,
    show_default=True,
    help="How many of the best pairs are scored exactly, with floors and examples.",
)
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    metavar="FILE.py",
    help="Add the best units to this plugin file, with bars as measured.",
)
@pattern_options
@pipeline_option
@click.option("-m", "--model", multiple=True, help="The model to scan.")
@click.option(
    "--corpus", multiple=True, metavar="URI", help="What to scan it on.  [default: stdlib]"
)
@engine_options
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    help="Write scan.html, scan.json, matrix.npz, and the exact results as report.* here.",
)
@plugin_options
@json_option
@click.pass_obj
def scan(
    command: str,
    /,
    *,
    subjects: Sequence[str],
    unit: str | None,
    top: int,
    least: float,
    exact: int,
    write: Path | None,
    output: str | None,
    flags: str,
    group: str | None,
    tokens: str,
    pipeline: str | None,
    modules: Sequence[str],
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Find the units that do what SUBJECT says, among all of a model.

    SUBJECT is a feature (python.comment), many (features:python.*), regex:PATTERN, a target
    (induction, "Offset(2)"), a predicate or target in a file (FILE.py::NAME), or plugin files,
    whose hypotheses say what is looked for. Units are chosen on calibration documents and
    reported on test documents, with q-values over all pairs (Benjamini-Hochberg). Without SUBJECT
    all features are meant.

    mih scan python.comment -m py-gelu-1l

    mih scan induction -m py-attn-2l --corpus tokens:repeated

    mih scan 'regex:\\bin\\b' --tokens first -m py-gelu-1l

    mih scan plugins 'features:*' -m py-gelu-1l

    mih scan --unit L0N417 -m py-gelu-1l
    """
    from mi_hypotheses.cli.running import engine_settings

    settings = engine_settings(given)
    subjects = subjects or everything(unit)
    found = find_subjects(
        subjects,
        settings,
        modules=modules,
        reading=PatternOptions(flags, group, tokens),
        pipeline=pipeline,
    )
    options, asked = _options(found.subjects, unit, top=top, exact=exact, least=least)
    if not asked:
        print_errors(found.errors)
        click.echo("Nothing was collected that could be looked for.", err=True)
        return ExitCode.NOTHING_COLLECTED
    model, corpus = _model(settings, found.hypotheses), _corpus(settings)
    if write:  # here, so that a mistake shows before the scan
        from mi_hypotheses.saving import add_all_to_file

        add_all_to_file(write, [])
        prepare_directory(write.parent)
    if output:
        prepare_directory(Path(output))
    made = _scan(
        asked,
        options,
        found,
        settings,
        model,
        corpus,
        no_cache=no_cache,
        quiet=quiet,
        command=command,
    )
    _tell(made.report, as_json=as_json)
    if output:
        _write_all(made, found.plugins, Path(output))
    if write:
        _write_plugin(made, write)
    failed = bool(made.report.errors) or all(each.undefined for each in made.report.subjects)
    return ExitCode.FELL_SHORT if failed else ExitCode.OK


def _tell(report: ScanReport, *, as_json: bool) -> None:
    """Print a scan on stdout, and on stderr what could not be scanned."""
    from rich.console import Console

    from mi_hypotheses.scan_view import left_out_text, render_scan_terminal

    if as_json:
        click.echo(report.model_dump_json(indent=1))
    elif report.subjects:
        render_scan_terminal(report, Console(highlight=False))
    print_errors(report.errors)
    if report.left_out:
        click.echo(left_out_text(report), err=True)


def _options(
    subjects: Sequence[Subject], unit: str | None, *, top: int, exact: int, least: float
) -> tuple[ScanOptions, list[Subject]]:
    """The options, and the subjects that can be asked of the units.

    Raises:
        UsageError: none can.
    """
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.hypotheses import AnyHead, AnyNeuron, Head, Neuron, parse_unit
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.scan import ScanOptions

    common: dict[str, Any] = {"top": top, "exact": exact, "least": least}
    if unit is None:
        return ScanOptions(**common), [*subjects]
    asked = parse_unit(unit)
    neurons = isinstance(asked, Neuron | AnyNeuron)
    fitting = [each for each in subjects if isinstance(each.what, Predicate) == neurons]
    if subjects and not fitting:
        kind, wanted = ("neuron", "predicates") if neurons else ("head", "targets")
        raise UsageError(
            f"--unit {unit} is a {kind}, which is scanned for {wanted}, and none was named."
        )
    if isinstance(asked, Neuron | AnyNeuron):
        return ScanOptions(neurons=asked, **common), fitting
    assert isinstance(asked, Head | AnyHead)  # units are neurons or heads
    return ScanOptions(heads=asked, **common), fitting


def _model(settings: Settings, hypotheses: Sequence[Hypothesis]) -> str:
    """The one model to scan: as named, else the one that all hypotheses are about."""
    from mi_hypotheses.errors import UsageError

    named = [*dict.fromkeys(settings.model)] or sorted({each.model for each in hypotheses})
    if len(named) != 1:
        raise UsageError(
            "Say which model to scan: -m NAME; 'mih models' lists those that are there."
            if not named
            else f"A scan is of one model, and there are {len(named)}: {', '.join(named)}. Name "
            "one with -m."
        )
    return named[0]


def _corpus(settings: Settings) -> str:
    from mi_hypotheses.errors import UsageError

    named = [*dict.fromkeys(settings.corpus)] or ["stdlib"]
    if len(named) > 1:
        raise UsageError(
            f"A scan is on one corpus, and --corpus names {len(named)}: {', '.join(named)}."
        )
    return named[0]


def _scan(
    subjects: Sequence[Subject],
    options: ScanOptions,
    found: Found,
    settings: Settings,
    model: str,
    corpus: str,
    *,
    no_cache: bool,
    quiet: bool,
    command: str,
) -> Scan:
    from mi_hypotheses.cli.progress import watch
    from mi_hypotheses.cli.running import open_cache, run_options
    from mi_hypotheses.scan import scan as scan_units

    with watch(quiet=quiet) as progress:
        return scan_units(
            subjects,
            model=model,
            corpus=corpus,
            options=options,
            run_options=run_options(settings),
            cache=open_cache(settings, temporary=no_cache),
            plugins=found.plugins,
            progress=progress,
            load_errors=found.errors,
            command=command,
        )


def _write_all(made: Scan, plugins: Plugins, directory: Path) -> None:
    """Write the scan's page and data, and the exact results as a report."""
    import io

    import numpy as np

    from mi_hypotheses.loading import short_path
    from mi_hypotheses.scan_page import render_scan

    write_file(directory / "scan.json", made.report.model_dump_json(indent=1))
    write_file(directory / "scan.html", render_scan(made.report))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **made.matrix)  # type: ignore[arg-type] # its stub takes a flag for an array
    write_file(directory / "matrix.npz", buffer.getvalue())
    writers = plugins.report_writers()
    for suffix in ("json", "md", "html"):
        write_file(directory / f"report.{suffix}", writers[suffix](made.results))
    click.echo(f"Scan: {short_path(directory / 'scan.html')}", err=True)


def _write_plugin(made: Scan, path: Path) -> None:
    """Add the units that are discoveries to a plugin file."""
    from mi_hypotheses.saving import add_all_to_file
    from mi_hypotheses.scan_view import listed

    claims = made.claims()
    text, left_out = add_all_to_file(path, claims)
    if left_out:
        names = listed([hypothesis.name for hypothesis, _ in left_out])
        click.echo(
            f"{len(left_out)} are in {path} already, or cannot be written out, and were left as "
            f"they are: {names}. The first: {left_out[0][1]}",
            err=True,
        )
    kept = len(claims) - len(left_out)
    if kept:
        write_file(path, text)
    click.echo(f"{kept} of {len(claims)} found pairs were written to {path}.", err=True)

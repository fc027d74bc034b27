"""`mih scan`: every subject against every unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import (
    engine_options,
    json_option,
    open_plugins,
    plugin_options,
    prepare_directory,
    print_errors,
    write_file,
)

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.reports import LoadError
    from mi_hypotheses.scan import Scan, ScanOptions, Subject
    from mi_hypotheses.settings import Settings
    from mi_hypotheses.targets import Target


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
@click.option(
    "--pipeline",
    metavar="NAME",
    help="The spaCy pipeline that features of language read, where documents have no annotation.",
)
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
    pipeline: str | None,
    modules: Sequence[str],
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Find the units that do what SUBJECT says, among all of a model.

    SUBJECT is a feature (python.comment), many (features:python.*), regex:PATTERN, a target
    (induction, "Offset(2)"), a predicate or target in a file (FILE.py::NAME), or plugin files,
    whose hypotheses say what is looked for. Units are chosen on calibration documents and
    reported on test documents, with q-values over all pairs (Benjamini-Hochberg). Without SUBJECT
    all features are meant.

    mih scan python.comment -m py-gelu-1l

    mih scan induction -m py-attn-2l --corpus tokens:repeated

    mih scan plugins 'features:*' -m py-gelu-1l

    mih scan --unit L0N417 -m py-gelu-1l
    """
    from rich.console import Console

    from mi_hypotheses.cli.running import engine_settings
    from mi_hypotheses.scan_view import listed, render_scan_terminal

    settings = engine_settings(flags)
    subjects = subjects or _everything(unit)
    found = _found(subjects, settings, modules=modules, pipeline=pipeline)
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
    if as_json:
        click.echo(made.report.model_dump_json(indent=1))
    else:
        render_scan_terminal(made.report, Console(highlight=False))
    print_errors(made.report.errors)
    if left_out := made.report.left_out:
        names = listed([error.source for error in left_out])
        click.echo(
            f"{len(left_out)} features were left out: {names}. {left_out[0].message}", err=True
        )
    if output:
        _write_all(made, found.plugins, Path(output))
    if write:
        _write_plugin(made, write)
    failed = bool(made.report.errors) or all(each.undefined for each in made.report.subjects)
    return ExitCode.FELL_SHORT if failed else ExitCode.OK


@dataclass(frozen=True)
class _Found:
    """What the arguments name."""

    subjects: list[Subject]
    hypotheses: list[Hypothesis]
    errors: tuple[LoadError, ...]
    plugins: Plugins


def _found(
    arguments: Sequence[str], settings: Settings, *, modules: Sequence[str], pipeline: str | None
) -> _Found:

    paths = [argument for argument in arguments if _is_path(argument)]
    of_files = {path: what for path in paths for what in _in_file(path)}
    rest = [path for path in paths if path not in of_files]
    plugins = open_plugins(settings, paths=rest, modules=modules)
    collected = plugins.collect() if rest else None
    hypotheses = [*collected.hypotheses] if collected else []
    subjects = [_of_hypothesis(each) for each in hypotheses]
    for argument in arguments:
        if argument in of_files:
            subjects.append(of_files[argument])
        elif argument not in rest:
            subjects += _ready_made(argument, pipeline)
    by_what = {each.what.fingerprint(): each for each in reversed(subjects)}
    once = [each for each in subjects if by_what[each.what.fingerprint()] is each]
    errors = collected.errors if collected else ()
    return _Found(once, hypotheses, errors, plugins)


def _is_path(argument: str) -> bool:
    """Whether it names a plugin file, something in one, or a directory of them."""
    path = argument.partition("::")[0]
    return path.endswith(".py") or Path(path).is_dir()


def _in_file(argument: str) -> Iterator[Subject]:
    """The predicate or target `FILE.py::NAME`, unless it is a hypothesis."""
    from mi_hypotheses.loading import load_file, short_path
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.scan import Subject
    from mi_hypotheses.targets import Target

    file, _, name = argument.partition("::")
    path = Path(file)
    if not name or not path.is_file():
        return
    what = getattr(load_file(path).module, name, None)
    if isinstance(what, Predicate | Target):
        yield Subject(name, _claim(what), what, short_path(path))


def _of_hypothesis(hypothesis: Hypothesis) -> Subject:
    from mi_hypotheses.hypotheses import Attends
    from mi_hypotheses.scan import Subject

    what = hypothesis.to if isinstance(hypothesis, Attends) else hypothesis.on
    return Subject(hypothesis.name, hypothesis.claim, what, hypothesis.source)


def _claim(what: Predicate | Target) -> str:
    """What is claimed of a unit that fits."""
    from mi_hypotheses.predicates import Predicate, describe
    from mi_hypotheses.targets import describe_target

    if not isinstance(what, Predicate):
        return f"Attends to {describe_target(what)}."
    if what.categories is not None:
        return f"Tells the categories of {describe(what)} apart."
    return f"Fires on {describe(what)}."


def _ready_made(argument: str, pipeline: str | None) -> Iterator[Subject]:
    """The features, pattern or target that an argument names; see `scan`."""
    from mi_hypotheses.cli.scoring import read_regex
    from mi_hypotheses.features.catalogue import THEMES, feature
    from mi_hypotheses.scan import Subject
    from mi_hypotheses.target_expressions import parse_target

    kind, _, rest = argument.partition(":")
    if kind == "features":
        yield from _features(rest, pipeline)
    elif kind == "regex":
        pattern = read_regex(rest)
        yield Subject(rest, _claim(pattern), pattern)
    elif kind == "feature" or argument.partition(".")[0] in THEMES:
        found = feature(argument, pipeline=pipeline)
        yield Subject(found.name, _claim(found), found)
    else:
        target = parse_target(argument)
        yield Subject(argument, _claim(target), target)


def _features(pattern: str, pipeline: str | None) -> Iterator[Subject]:
    """All features whose names match; those of language that cannot be read are left out."""
    from mi_hypotheses.annotation import GOLD
    from mi_hypotheses.errors import UnknownNameError
    from mi_hypotheses.features.catalogue import catalogue, feature
    from mi_hypotheses.scan import Subject

    matching = [each for name, each in catalogue().items() if fnmatchcase(name, pattern)]
    if not matching:
        raise UnknownNameError(
            f"No feature's name matches {pattern!r}. The command 'mih features' lists all."
        )
    for each in matching:
        read = each if GOLD not in each.pipelines else feature(each.name, pipeline=pipeline)
        yield Subject(each.name, _claim(read), read, optional=True)


def _everything(unit: str | None) -> tuple[str, ...]:
    """What is asked of units where no subject is named: all features, or the common targets."""
    from mi_hypotheses.hypotheses import AnyHead, Head, parse_unit

    if unit is not None and isinstance(parse_unit(unit), Head | AnyHead):
        return ("current-token", "previous-token", "duplicate-token", "induction", "bos")
    return ("features:*",)


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
    found: _Found,
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

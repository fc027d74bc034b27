"""`mih score`: one question without a plugin file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from mi_hypotheses.cli.options import (
    engine_options,
    json_option,
    open_plugins,
    plugin_options,
    print_errors,
    write_file,
)

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Fires
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.settings import Settings


@click.command
@click.option("--regex", metavar="PATTERN", help="Text that the unit should fire on.")
@click.option("--flags", default="", help="Of the pattern: letters out of imsxaw.")
@click.option("--group", help="Only this group of each match, by name or number.")
@click.option("--tokens", default="any", help="any, all, first or last tokens of a match.")
@click.option("--predicate", "named", metavar="FILE.py::NAME", help="A predicate in a file.")
@click.option("--unit", required=True, help="L0N417, or L0N* for the best neuron of layer 0.")
@click.option("--expect", multiple=True, metavar="METRIC=VALUE", help="f1=0.6; may be repeated.")
@click.option("--name", help="What the hypothesis is called.")
@click.option("--claim", help="What it claims, in words.")
@click.option("--save", type=click.Path(path_type=Path), help="Add it to this plugin file.")
@engine_options
@plugin_options
@json_option
@click.pass_obj
def score(
    command: str,
    /,
    *,
    regex: str | None,
    flags: str,
    group: str | None,
    tokens: str,
    named: str | None,
    unit: str,
    expect: Sequence[str],
    name: str | None,
    claim: str | None,
    save: Path | None,
    modules: Sequence[str],
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    **settings_flags: object,
) -> int:
    """Ask one question: does this unit fire on that text?

    mih score --regex '#[^\\n]*' --unit L0N417 -m py-gelu-1l --corpus package:sympy
    """
    from mi_hypotheses.cli.answer import print_answer
    from mi_hypotheses.cli.running import exit_code, run_engine
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.settings import load_settings

    settings = load_settings(settings_flags)
    plugins = open_plugins(settings, modules=modules)
    if (regex is None) == (named is None):
        raise UsageError("Say what the unit should fire on: either --regex or --predicate.")
    on = _predicate(named) if named else _regex(regex or "", flags, group, tokens)
    hypothesis = _hypothesis(on, unit, _bars(expect), name=name, claim=claim, settings=settings)
    for mistake in plugins.mistakes(hypothesis):
        raise UsageError(mistake.message)
    saved = _to_save(save, hypothesis, named) if save else ""
    report = run_engine(
        [hypothesis],
        settings=settings,
        plugins=plugins,
        no_cache=no_cache,
        quiet=quiet,
        command=command,
    )
    if as_json:
        click.echo(report.model_dump_json(indent=1))
    else:
        print_answer(report)
    if save:
        write_file(save, saved)
        click.echo(f"Saved as {hypothesis.name!r} in {save}.", err=True)
    return exit_code(report)


def _regex(pattern: str, flags: str, group: str | None, tokens: str) -> Predicate:
    from pydantic import ValidationError

    from mi_hypotheses.errors import UsageError, unknown_name
    from mi_hypotheses.loading import plain_validation
    from mi_hypotheses.predicates import Regex
    from mi_hypotheses.text import TokenChoice

    choices: dict[str, TokenChoice] = {choice: choice for choice in get_args(TokenChoice)}
    if tokens not in choices:
        raise unknown_name("choice of tokens", tokens, choices)
    which = 0 if group is None else int(group) if group.isdecimal() else group
    try:
        return Regex(pattern, flags=flags, group=which, tokens=choices[tokens])
    except ValidationError as error:
        raise UsageError(plain_validation(error)) from None


def _predicate(named: str) -> Predicate:
    """The predicate `FILE.py::NAME`."""
    from mi_hypotheses.errors import UsageError, unknown_name
    from mi_hypotheses.loading import load_file
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.selection import parse_selection

    selection = parse_selection(named)
    if selection.name is None or selection.path.is_dir():
        raise UsageError(f"--predicate {named!r} names no predicate: write FILE.py::NAME.")
    loaded = load_file(selection.path)
    print_errors(loaded.errors)
    found = vars(loaded.module) if loaded.module else {}
    predicate = found.get(selection.name)
    if not isinstance(predicate, Predicate):
        available = [name for name, value in found.items() if isinstance(value, Predicate)]
        raise unknown_name("predicate", selection.name, available)
    return predicate


def _bars(expect: Sequence[str]) -> dict[str, float]:
    from mi_hypotheses.errors import UsageError

    bars: dict[str, float] = {}
    for text in expect:
        metric, equals, value = text.partition("=")
        try:
            bars[metric.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise UsageError(f"--expect {text!r} cannot be read: write METRIC=VALUE, as in f1=0.6.")
    return bars


def _hypothesis(
    on: Predicate,
    unit: str,
    expect: Mapping[str, float],
    *,
    name: str | None,
    claim: str | None,
    settings: Settings,
) -> Fires:
    from pydantic import ValidationError

    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.hypotheses import Fires, parse_unit
    from mi_hypotheses.loading import plain_validation
    from mi_hypotheses.predicates import describe

    parsed = parse_unit(unit)
    if settings.model is None:
        raise UsageError("Say which model: -m NAME; 'mih models' lists those that are there.")
    try:
        hypothesis = Fires(
            name=str(parsed).replace("*", "any") if name is None else name,
            claim=claim or f"Fires on {describe(on)}.",
            model=settings.model,
            unit=parsed,
            on=on,
            corpora=settings.corpus or ("stdlib",),
            expect=expect,
        )
    except ValidationError as error:
        raise UsageError(plain_validation(error)) from None
    hypothesis._source = "command line"
    return hypothesis


def _to_save(path: Path, hypothesis: Fires, named: str | None) -> str:
    """The new text of the plugin file; made before scoring, so that a mistake shows at once."""
    from mi_hypotheses.saving import add_to_file

    if named is None:
        return add_to_file(path, hypothesis)
    file, _, name = named.partition("::")
    return add_to_file(path, hypothesis, predicate=(Path(file), name))

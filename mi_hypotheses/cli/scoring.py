"""`mih score`: one question without a plugin file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

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
    from mi_hypotheses.hypotheses import Fires
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.settings import Settings


@dataclass(frozen=True)
class _Question:
    """The options that say what is asked."""

    regex: str | None
    flags: str
    group: str | None
    tokens: str
    named: str | None
    unit: str
    expect: tuple[str, ...]
    name: str | None
    claim: str | None


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
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE.py",
    help="Add it to this plugin file, unless scoring it fails.",
)
@click.option(
    "-m",
    "--model",
    multiple=True,
    help="The model to score; may be repeated. 'NAME@*' is all checkpoints of NAME.",
)
@click.option(
    "--corpus",
    multiple=True,
    metavar="URI",
    help="What to score it on; may be repeated.  [default: stdlib]",
)
@engine_options
@plugin_options
@json_option
@click.pass_obj
def score(
    command: str,
    /,
    *,
    save: Path | None,
    modules: Sequence[str],
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Ask one question: does this unit fire on that text?

    mih score --regex '#[^\\n]*' --unit L0N417 -m py-gelu-1l --corpus package:sympy
    """
    from mi_hypotheses.cli.answer import print_answer
    from mi_hypotheses.cli.running import Work, engine_settings, exit_code, run_engine
    from mi_hypotheses.errors import UsageError

    question = _Question(**{each.name: options.pop(each.name) for each in fields(_Question)})
    settings = engine_settings(options)
    plugins = open_plugins(settings, modules=modules)
    hypotheses = _hypotheses(question, settings, plugins)
    hypothesis = hypotheses[0]
    if save and len(hypotheses) > 1:
        raise UsageError(
            f"--save keeps a hypothesis about one model, and -m names {len(hypotheses)}: "
            f"{', '.join(each.model for each in hypotheses)}. Name the one that the claim is about."
        )
    if save:
        _to_save(save, hypothesis, question.named)  # so that a mistake shows before the run
        prepare_directory(save.parent)
    work = Work(settings, plugins, no_cache=no_cache, quiet=quiet, command=command)
    report = run_engine(hypotheses, work)
    if as_json:
        click.echo(report.model_dump_json(indent=1))
    else:
        print_answer(report)
    failed = any(result.verdict.status == "error" for result in report.results)
    if failed:
        print_errors(plugins.errors())  # a plugin that could not be loaded may be why
    if save and failed:
        click.echo(f"{save} is as it was: what cannot be scored is not saved.", err=True)
    elif save:
        write_file(save, _to_save(save, hypothesis, question.named))
        click.echo(f"Saved as {hypothesis.name!r} in {save}.", err=True)
    return exit_code(report)


def _predicate(question: _Question) -> Predicate:
    from mi_hypotheses.errors import UsageError

    if question.regex is not None and question.named is None:
        return _regex(question.regex, question.flags, question.group, question.tokens)
    if question.named is not None and question.regex is None:
        return _named(question.named)
    raise UsageError("Say what the unit should fire on: either --regex or --predicate.")


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


def _named(named: str) -> Predicate:
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


def _models(settings: Settings) -> list[str]:
    """All models to score, in the order in which they are named."""
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.model_patterns import expand

    if not settings.model:
        raise UsageError("Say which model: -m NAME; 'mih models' lists those that are there.")
    return list(dict.fromkeys(one for written in settings.model for one in expand(written)))


def _hypotheses(question: _Question, settings: Settings, plugins: Plugins) -> list[Fires]:
    """The question to each model."""
    from pydantic import ValidationError

    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.hypotheses import Fires, parse_unit
    from mi_hypotheses.loading import plain_validation
    from mi_hypotheses.predicates import describe

    on, unit = _predicate(question), parse_unit(question.unit)
    expect = _bars(question.expect)
    models = _models(settings)
    try:
        hypothesis = Fires(
            name=str(unit).replace("*", "any") if question.name is None else question.name,
            claim=question.claim or f"Fires on {describe(on)}.",
            model=models[0],
            unit=unit,
            on=on,
            corpora=tuple(dict.fromkeys(settings.corpus)) or ("stdlib",),
            expect=expect,
        )
    except ValidationError as error:
        raise UsageError(plain_validation(error)) from None
    hypothesis._source = "command line"
    for mistake in plugins.mistakes(hypothesis):
        raise UsageError(mistake.message)
    return [hypothesis.model_copy(update={"model": model}) for model in models]


def _to_save(path: Path, hypothesis: Fires, named: str | None) -> str:
    """The new text of the plugin file."""
    from mi_hypotheses.saving import add_to_file

    file, _, name = (named or "").partition("::")
    return add_to_file(path, hypothesis, predicate=(Path(file), name) if named else None)

"""`mih score`: one question without a plugin file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from mi_hypotheses.cli.options import (
    engine_options,
    json_option,
    open_plugins,
    pipeline_option,
    plugin_options,
    prepare_directory,
    print_errors,
    write_file,
)
from mi_hypotheses.cli.patterns import PatternOptions, pattern_options, read_regex

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Hypothesis, Unit
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.settings import Settings
    from mi_hypotheses.targets import Target


@dataclass(frozen=True)
class _Question(PatternOptions):
    """The options that say what is asked."""

    regex: str | None
    predicate: str | None
    feature: str | None
    pipeline: str | None
    target: str | None
    unit: str
    expect: tuple[str, ...]
    name: str | None
    claim: str | None

    @property
    def named(self) -> tuple[Path, str] | None:
        """The file and the name of the predicate or target, where it was asked for by name."""
        written = self.predicate or self.target or ""
        file, _, name = written.rpartition("::")
        return (Path(file), name) if file and _in_a_file(written) else None


def _in_a_file(written: str) -> bool:
    """Whether it is written `FILE.py::NAME`; with nothing after `::` it was meant to be."""
    _, colons, name = written.rpartition("::")
    return bool(colons) and (name.isidentifier() or not name)


@click.command
@click.option("--regex", metavar="PATTERN", help="Text that the neuron should fire on.")
@pattern_options
@click.option(
    "--feature", metavar="NAME", help="A ready-made predicate: python.comment; see 'mih features'."
)
@pipeline_option
@click.option(
    "--predicate",
    metavar="FILE.py::NAME",
    help="A predicate in a file, or feature:NAME.",
)
@click.option(
    "--target",
    metavar="EXPR",
    help='What the head should attend to: induction, previous-token, "Offset(2)", '
    "\"PreviousToken().where(Regex('a'))\", or a target in a file, FILE.py::NAME.",
)
@click.option(
    "--unit",
    required=True,
    help="L0N417, or L0N* for the best neuron of layer 0; L0H3, L0H* or H* for a head.",
)
@click.option(
    "--expect",
    multiple=True,
    metavar="METRIC=VALUE",
    help="f1=0.6, or for a head target_mass=0.5; may be repeated.",
)
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
    """Ask one question: does this neuron fire on that text, or this head attend to that token?

    mih score --regex '>>>' --unit L0N1147 -m py-gelu-1l --corpus sympy-sample

    mih score --feature python.comment --unit 'L0N*' -m py-gelu-1l

    mih score --target induction --unit 'L1H*' -m py-attn-2l --expect target_mass=0.4
    """
    from mi_hypotheses.cli.answer import print_answer
    from mi_hypotheses.cli.running import Work, engine_settings, exit_code, run_engine
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.saving import add_to_file

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
    if save:  # here, so that a mistake shows before the run
        add_to_file(save, hypothesis, named=question.named)
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
        write_file(save, add_to_file(save, hypothesis, named=question.named))
        click.echo(f"Saved as {hypothesis.name!r} in {save}.", err=True)
    return exit_code(report)


def _subject(question: _Question) -> Predicate | Target:
    """What the unit should do, on tokens or from token to token."""
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.features.catalogue import feature
    from mi_hypotheses.target_expressions import parse_target

    options = ("regex", "predicate", "feature", "target")
    given = [f"--{name}" for name in options if getattr(question, name) is not None]
    if len(given) > 1:
        raise UsageError(
            f"Give only one of {' and '.join(given)}: each says what the unit should do."
        )
    if not given:
        raise UsageError(
            "Say what the unit should do: either --regex or --predicate or --feature, what a "
            "neuron should fire on, or --target, what a head should attend to."
        )
    if question.regex is not None:
        return read_regex(question.regex, question)
    question.refuse("--regex")
    named = question.predicate or ""
    if question.feature is not None or named.startswith("feature:"):
        return feature(question.feature or named, pipeline=question.pipeline)
    if question.pipeline:
        raise UsageError("--pipeline says how to read --feature, and there is none.")
    if question.predicate is not None:
        return _named(question.predicate, option="predicate")
    written = question.target or ""
    if _in_a_file(written) or written.endswith(".py"):
        return _named(written, option="target")
    return parse_target(written)


def _named(named: str, *, option: Literal["predicate", "target"]) -> Predicate | Target:
    """The predicate or target `FILE.py::NAME`."""
    from mi_hypotheses.errors import UsageError, unknown_name
    from mi_hypotheses.loading import load_file
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.selection import parse_selection
    from mi_hypotheses.targets import Target

    selection = parse_selection(named)
    if selection.name is None or selection.path.is_dir():
        raise UsageError(f"--{option} {named!r} names no {option}: write FILE.py::NAME.")
    loaded = load_file(selection.path)
    print_errors(loaded.errors)
    kind = Predicate if option == "predicate" else Target
    found: dict[str, Predicate | Target] = {
        name: value
        for name, value in (vars(loaded.module) if loaded.module else {}).items()
        if isinstance(value, kind)
    }
    if selection.name not in found:
        raise unknown_name(option, selection.name, found)
    return found[selection.name]


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


def _hypotheses(question: _Question, settings: Settings, plugins: Plugins) -> list[Hypothesis]:
    """The question to each model."""
    from pydantic import ValidationError

    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.loading import plain_validation

    subject, unit = _subject(question), _unit(question)
    expect = _bars(question.expect)
    models = _models(settings)
    fields: dict[str, Any] = {
        "name": str(unit).replace("*", "any") if question.name is None else question.name,
        "claim": question.claim,
        "model": models[0],
        "unit": unit,
        "corpora": tuple(dict.fromkeys(settings.corpus)) or ("stdlib",),
        "expect": expect,
    }
    try:
        hypothesis = _claimed(subject, fields)
    except ValidationError as error:
        raise UsageError(plain_validation(error)) from None
    hypothesis._source = "command line"
    for mistake in plugins.mistakes(hypothesis):
        raise UsageError(mistake.message)
    return [hypothesis.model_copy(update={"model": model}) for model in models]


def _claimed(subject: Predicate | Target, fields: dict[str, Any]) -> Hypothesis:
    from mi_hypotheses.cli.subjects import claim_of
    from mi_hypotheses.hypotheses import Attends, Fires
    from mi_hypotheses.predicates import Predicate

    said = {**fields, "claim": fields["claim"] or claim_of(subject)}
    if isinstance(subject, Predicate):
        return Fires(on=subject, **said)
    return Attends(to=subject, **said)


def _unit(question: _Question) -> Unit:
    """The unit, which must be of the kind that the question is about."""
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.hypotheses import AnyNeuron, Neuron, parse_unit

    unit = parse_unit(question.unit)
    neuron = isinstance(unit, Neuron | AnyNeuron)
    if neuron and question.target is not None:
        raise UsageError(
            f"--target says what a head should attend to, and {unit} is a neuron. Name a head, as "
            "in --unit L0H3, or say with --regex, --predicate or --feature what the neuron should "
            "fire on."
        )
    if not neuron and question.target is None:
        asked = {"--regex": question.regex, "--feature": question.feature}
        option = next((name for name, value in asked.items() if value is not None), "--predicate")
        raise UsageError(
            f"{option} says what a neuron should fire on, and {unit} is a head. Name a neuron, as "
            "in --unit L0N417, or say with --target what the head should attend to."
        )
    return unit

"""What `mih scan` looks for: features, patterns, targets, and what plugin files hold."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from mi_hypotheses.cli.options import open_plugins
from mi_hypotheses.cli.patterns import PatternOptions, read_regex

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.predicates import Predicate
    from mi_hypotheses.reports import LoadError
    from mi_hypotheses.scan import Subject
    from mi_hypotheses.settings import Settings
    from mi_hypotheses.targets import Target

PATTERN = "regex:"  # what a pattern begins with


@dataclass(frozen=True)
class Found:
    """What the arguments of `mih scan` name."""

    subjects: list[Subject]
    hypotheses: list[Hypothesis]
    errors: tuple[LoadError, ...]
    plugins: Plugins


def find_subjects(
    arguments: Sequence[str],
    settings: Settings,
    *,
    modules: Sequence[str],
    reading: PatternOptions,
    pipeline: str | None,
) -> Found:
    """What the arguments of `mih scan` name, each predicate and target once.

    Raises:
        UsageError: one of them names nothing, or there is no pattern to be read so.
    """
    if not any(argument.startswith(PATTERN) for argument in arguments):
        reading.refuse(f"{PATTERN}PATTERN")
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
            subjects += _ready_made(argument, reading, pipeline)
    by_what = {each.what.fingerprint(): each for each in reversed(subjects)}
    once = [each for each in subjects if by_what[each.what.fingerprint()] is each]
    errors = collected.errors if collected else ()
    return Found(once, hypotheses, errors, plugins)


def _is_path(argument: str) -> bool:
    """Whether it names a plugin file, something in one, or a directory of them."""
    path = argument.partition("::")[0]
    if path.startswith(PATTERN):
        return False
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
        yield Subject(name, claim_of(what), what, short_path(path))


def _of_hypothesis(hypothesis: Hypothesis) -> Subject:
    from mi_hypotheses.hypotheses import Attends
    from mi_hypotheses.scan import Subject

    what = hypothesis.to if isinstance(hypothesis, Attends) else hypothesis.on
    return Subject(hypothesis.name, hypothesis.claim, what, hypothesis.source)


def claim_of(what: Predicate | Target) -> str:
    """What is claimed of a unit that fits."""
    from mi_hypotheses.descriptions import describe, describe_target
    from mi_hypotheses.features.catalogue import Feature
    from mi_hypotheses.predicates import Predicate

    if not isinstance(what, Predicate):
        return f"Attends to {describe_target(what)}."
    name = describe(what)
    if isinstance(what, Feature):
        name = f"{what.name} ({what.summary.rstrip('.')})"
    return {
        "boolean": f"Fires on {name}.",
        "numeric": f"Rises with {name}.",
        "categorical": f"Tells the categories of {name} apart.",
    }[what.label_kind]


def _ready_made(argument: str, reading: PatternOptions, pipeline: str | None) -> Iterator[Subject]:
    """The features, pattern or target that an argument names; see `scan`."""
    from mi_hypotheses.features.catalogue import THEMES, feature
    from mi_hypotheses.scan import Subject
    from mi_hypotheses.target_expressions import parse_target

    kind, _, rest = argument.partition(":")
    if kind == "features":
        yield from _features(rest, pipeline)
    elif argument.startswith(PATTERN):
        pattern = read_regex(rest, reading)
        yield Subject(rest, claim_of(pattern), pattern)
    elif kind == "feature" or argument.partition(".")[0] in THEMES:
        found = feature(argument, pipeline=pipeline)
        yield Subject(found.name, claim_of(found), found)
    else:
        target = parse_target(argument)
        yield Subject(argument, claim_of(target), target)


def _features(pattern: str, pipeline: str | None) -> Iterator[Subject]:
    """All features whose names match; those of language that cannot be read are left out."""
    from mi_hypotheses.annotation import GOLD
    from mi_hypotheses.errors import UnknownNameError
    from mi_hypotheses.features.catalogue import THEMES, catalogue, feature
    from mi_hypotheses.scan import Subject

    matching = [each for name, each in catalogue().items() if fnmatchcase(name, pattern)]
    if not matching:
        patterns = [*(f"{theme}.*" for theme in THEMES), *catalogue()]
        close = difflib.get_close_matches(pattern, patterns, n=1)
        hint = f"Did you mean 'features:{close[0]}'? " if close else ""
        raise UnknownNameError(
            f"No feature's name matches {pattern!r}. {hint}The command 'mih features' lists all."
        )
    for each in matching:
        read = each if GOLD not in each.pipelines else feature(each.name, pipeline=pipeline)
        yield Subject(each.name, claim_of(read), read, optional=True)


def everything(unit: str | None) -> tuple[str, ...]:
    """What is asked of units where no subject is named: all features, or the common targets."""
    from mi_hypotheses.hypotheses import AnyHead, Head, parse_unit

    if unit is not None and isinstance(parse_unit(unit), Head | AnyHead):
        return ("current-token", "previous-token", "duplicate-token", "induction", "bos")
    return ("features:*",)

"""Features: predicates under stable names, with examples of what they label.

`define` makes one in a module of this package, `feature` finds one by its name. A name is that of
the module and the variable: `python.comment` is `comment` in `features/python`.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable
from dataclasses import KW_ONLY, field, replace
from typing import Literal

from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass

from mi_hypotheses.annotation import GOLD
from mi_hypotheses.errors import UnknownNameError, UsageError
from mi_hypotheses.predicates import (
    CONFIG,
    All,
    AnyOf,
    IsCategory,
    Labels,
    Not,
    Predicate,
    Shift,
)
from mi_hypotheses.spacy_rules import SpacyRule
from mi_hypotheses.text import TokenView

# The modules of this package that define features.
THEMES: tuple[str, ...] = (
    "text",
    "tokens",
    "position",
    "python",
    "latex",
    "html",
    "markdown",
    "markup",
    "linguistic",
)


@dataclass(frozen=True, config=CONFIG)
class Feature(Predicate):
    """A predicate with a stable name.

    `examples` are texts in which what is labelled stands between `«` and `»`; they run as
    tests, character by character. A numeric feature says the label after `«`, as in `«2:text»`,
    a categorical one the category. Where a feature depends on the tokens, `¦` stands between
    them. Those of a feature that needs annotation are sentences of `corpora/sentences.conllu`;
    `pipeline` is whose annotation it reads, where it is not that of the documents.
    """

    name: str
    _: KW_ONLY
    summary: str = Field(min_length=1)
    of: Predicate
    examples: tuple[str, ...] = Field(min_length=1)
    pipeline: str | None = None
    kind: Literal["feature"] = field(default="feature", init=False, repr=False, kw_only=True)

    @property
    def numeric(self) -> bool:
        return self.of.numeric

    @property
    def theme(self) -> str:
        """The module that it is defined in."""
        return self.name.partition(".")[0]

    @property
    def categories(self) -> tuple[str, ...] | None:
        return self.of.categories

    @property
    def written(self) -> str:
        asked = "" if self.pipeline is None else f', pipeline="{self.pipeline}"'
        return f'feature("{self.name}"{asked})'

    def fingerprint(self) -> str:
        return self.of.fingerprint()

    def labels(self, view: TokenView) -> Labels:
        return self.of.labels(view)


def define(name: str, summary: str, of: Predicate, *examples: str) -> Feature:
    """A feature; `name` is `module.variable` of the place where it is defined."""
    return Feature(name, summary=summary, of=of, examples=examples)


def features(theme: str) -> dict[str, Feature]:
    """The features of one module, by name, as it defines them."""
    module = importlib.import_module(f"mi_hypotheses.features.{theme}")
    found = [value for value in vars(module).values() if isinstance(value, Feature)]
    return {feature.name: feature for feature in found}


def factories(theme: str) -> dict[str, str]:
    """What the functions of one module label that make a predicate of arguments, by how they are
    called, as in `tokens.rare(frequent)`; they are not found by `feature`."""
    module = importlib.import_module(f"mi_hypotheses.features.{theme}")
    return {
        f"{theme}.{make.__name__}({_arguments(make)})": (inspect.getdoc(make) or "").split("\n")[0]
        for make in getattr(module, "FACTORIES", ())
    }


def _arguments(make: Callable[..., Predicate]) -> str:
    """The names of a function's arguments, and the defaults of those that can be left out."""
    parameters = inspect.signature(make).parameters.values()
    named = [each.replace(annotation=each.empty) for each in parameters]
    optional = [f"{each.name}={each.default!r}" for each in named if each.default is not each.empty]
    return ", ".join([*(str(each) for each in named if each.default is each.empty), *optional])


def catalogue() -> dict[str, Feature]:
    """All features, by name, theme after theme."""
    return {name: found for theme in THEMES for name, found in features(theme).items()}


def feature(name: str, *, pipeline: str | None = None) -> Feature:
    """The feature called `name`, as in `python.comment`; `feature:` before it is left out.

    Args:
        name: `theme.variable`.
        pipeline: the spaCy pipeline that annotates the documents, for a feature of language;
            without it their own annotation is read.

    Raises:
        UnknownNameError: there is none.
        UsageError: the feature reads no annotation, or the pipeline cannot give what it needs.
    """
    name = name.removeprefix("feature:")
    theme = name.partition(".")[0]
    found = features(theme) if theme in THEMES else {}
    if name not in found:
        raise _unknown(name)
    return found[name] if pipeline is None else _by_pipeline(found[name], pipeline)


def _by_pipeline(found: Feature, pipeline: str) -> Feature:
    """The feature, read from a pipeline's annotation."""
    if GOLD not in found.pipelines:
        raise UsageError(f"The feature {found.name!r} reads no annotation: leave pipeline= out.")
    try:
        return replace(found, of=_rules_by(found.of, pipeline), pipeline=pipeline)
    except ValidationError as error:
        first = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UsageError(f"The feature {found.name!r}: {first}") from None


def _rules_by(predicate: Predicate, pipeline: str) -> Predicate:
    """The predicate with all spaCy rules in it on a pipeline."""
    if isinstance(predicate, SpacyRule):
        return replace(predicate, pipeline=pipeline)
    if isinstance(predicate, All | AnyOf):
        return replace(predicate, of=tuple(_rules_by(part, pipeline) for part in predicate.of))
    if isinstance(predicate, Not | Shift | IsCategory | Feature):
        return replace(predicate, of=_rules_by(predicate.of, pipeline))
    return predicate


def _unknown(name: str) -> UnknownNameError:
    """The error for a name that no feature has; there are too many to list them all."""
    names = {each: each.rpartition(".")[2] for each in catalogue()}
    variable = name.rpartition(".")[2]
    close = [each for each in names if names[each] == variable]
    close = close or difflib.get_close_matches(name, names, n=1)
    for alike in [] if close else difflib.get_close_matches(variable, names.values(), n=1):
        close = [each for each in names if names[each] == alike]
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return UnknownNameError(
        f"There is no feature named {name!r}. {hint}The command 'mih features' lists all "
        f"{len(names)}."
    )

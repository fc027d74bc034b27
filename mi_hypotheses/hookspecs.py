"""Every hook a plugin can implement, with `@mi_hypotheses.hookimpl` before the function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from mi_hypotheses.corpora import Corpus
    from mi_hypotheses.head_scores import HeadMetric
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.metrics import Metric
    from mi_hypotheses.models import Model
    from mi_hypotheses.reports import Report

PROJECT = "mi_hypotheses"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def mi_hypotheses() -> Iterable[Hypothesis]:  # type: ignore[empty-body] # a specification
    """Hypotheses that are made by code, such as one for each word of a list."""


@hookspec(firstresult=True)
def mi_corpus(uri: str) -> Corpus | None:
    """The corpus at `uri`, or None where the plugin does not know this kind of URI."""


@hookspec(firstresult=True)
def mi_load_model(reference: str) -> Model | None:
    """The model called `reference`, or None where it is not one of this plugin's."""


@hookspec
def mi_metrics() -> Iterable[Metric | HeadMetric]:  # type: ignore[empty-body] # a specification
    """More metrics, of neurons or of heads, which `expect` can then name."""


@hookspec
def mi_report_writers() -> Mapping[str, Callable[[Report], str]]:  # type: ignore[empty-body] # a specification
    """More report formats for `mih report -f`: the name of each, and what writes it."""


@hookspec
def mi_commands() -> Iterable[click.Command]:  # type: ignore[empty-body] # a specification
    """More `mih` commands; asked of installed plugins only, so that `mih --help` is quick."""

"""Scans: every subject against every unit of a model, chosen on calibration documents, reported
on test documents."""

from __future__ import annotations

import itertools
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import models
from mi_hypotheses.cache import Cache
from mi_hypotheses.context import Context, RunOptions
from mi_hypotheses.engine import Silent, run_info
from mi_hypotheses.errors import ModelError
from mi_hypotheses.forward import Progress
from mi_hypotheses.hypotheses import (
    AnyHead,
    AnyNeuron,
    Attends,
    Fires,
    Head,
    Hypothesis,
    Neuron,
)
from mi_hypotheses.measurement import Measurement
from mi_hypotheses.models import ModelSource
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.reports import LoadError, Report, Result
from mi_hypotheses.scan_findings import (
    best_units,
    fitted_units,
    matrix,
    shared,
    told,
    without_scores,
)
from mi_hypotheses.scan_reports import ScanReport
from mi_hypotheses.targets import Target
from mi_hypotheses.unit_scores import UnitScores, judge_together, of_heads, of_neurons

if TYPE_CHECKING:
    from mi_hypotheses.plugins import Plugins

BARRED = {"fires": ("pearson", "ap", "eta_squared"), "attends": ("target_mass",)}
LEAST_BAR = 0.05  # a lower one would expect nothing
KINDS = ("fires", "attends")
_UNNAMEABLE = re.compile(r"[\s:\[\]/]+")


@dataclass(frozen=True)
class Subject:
    """What is looked for in units: a predicate in neurons, a target in heads.

    An `optional` one was not asked for by its own name: where it fails it is left out.
    """

    name: str
    claim: str
    what: Predicate | Target
    source: str = ""
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """What is looked at and how much is told.

    Args:
        neurons: the neurons that are looked at.
        heads: the heads that are looked at.
        top: how many units are listed for each subject.
        exact: how many pairs of subject and unit are scored exactly, with floors and examples.
        least: the score from which on a unit counts as found.
    """

    neurons: Neuron | AnyNeuron = field(default_factory=AnyNeuron)
    heads: Head | AnyHead = field(default_factory=AnyHead)
    top: int = 5
    exact: int = 40
    least: float = 0.3


@dataclass(frozen=True)
class Scan:
    """What a scan found: the report, and the scores of every subject on every unit."""

    report: ScanReport
    results: Report
    scored: Sequence[UnitScores]
    exact: tuple[Hypothesis, ...] = ()  # what the results of the report are of

    @cached_property
    def matrix(self) -> dict[str, NDArray[Any]]:
        """All scores as arrays, a copy: `chosen_by`, `test`, `error`, `p` and `q`, [subject, unit]
        each, `subjects`, `units`, and `folds` [subject], the effective number of folds that p is
        from; for neurons under these names and for heads with `heads_` before them."""
        return matrix(self.scored)

    def claims(self) -> list[Hypothesis]:
        """The pairs that were found, as claims, with bars at the lower ends of the headline
        scores' intervals, rounded down."""
        found = {
            pair_name(subject.name, unit.unit)
            for subject in self.report.subjects
            for unit in subject.units
            if unit.found
        }
        made = []
        for hypothesis, result in zip(self.exact, self.report.results, strict=True):
            bars = {
                metric: math.floor(low * 100) / 100
                for metric in BARRED[result.kind]
                if metric in result.scores and (low := result.scores[metric].low or 0) >= LEAST_BAR
            }
            if bars and hypothesis.name in found:
                made.append(hypothesis.model_copy(update={"expect": bars}))
        return made


def scan(
    subjects: Sequence[Subject],
    *,
    model: str,
    corpus: str,
    options: ScanOptions,
    run_options: RunOptions,
    cache: Cache,
    plugins: Plugins | None = None,
    progress: Progress | None = None,
    load_errors: Sequence[LoadError] = (),
    command: str = "",
) -> Scan:
    """Score every subject on every unit of a model, and the best pairs exactly.

    A subject that fails is among the errors of the report; the others go on.

    Raises:
        MiHypothesesError: the model or the corpus cannot be used.
    """
    began = time.perf_counter()
    context = Context(run_options, cache, plugins, progress or Silent())
    source = models.resolve(model, loaders=[plugins.load_model] if plugins else [])
    _check_units(subjects, source, options)
    hypotheses = [
        _searching(each, name, source, corpus, options)
        for each, name in zip(subjects, _names(subjects), strict=True)
    ]
    measurement = Measurement(context, source, corpus, hypotheses)
    measurement.prepare()
    scored = [*of_neurons(measurement, options.neurons), *of_heads(measurement, options.heads)]
    measurement.finish()
    with context.stages.timed("scores"):
        judge_together(scored)
    chosen = _for_exact(scored, options)
    claims = [_claim(scored[number], unit) for number, _, unit in chosen]
    results = tuple(
        result.model_copy(update={"searched": _searched(scored[number], rank, unit)})
        for result, (number, rank, unit) in zip(_exact(measurement, claims), chosen, strict=True)
    )
    cache.trim()
    for note in dict.fromkeys(cache.notes):
        context.progress.note(note)
    failed = [
        (subject.optional, LoadError(source=job.hypothesis.name, message=job.error))
        for subject, job in zip(subjects, measurement.jobs, strict=True)
        if job.error is not None
    ]
    run = run_info(context, seconds=time.perf_counter() - began, command=command)
    report = ScanReport(
        run=run,
        model=source.info,
        corpus=context.corpora[0],
        asked=_asked(subjects, options),
        least=options.least,
        results=results,
        errors=(*load_errors, *(error for optional, error in failed if not optional)),
        left_out=tuple(error for optional, error in failed if optional),
        **_findings(scored, options),
    )
    whole = Report(run=run, models=(source.info,), corpora=(report.corpus,), results=results)
    return Scan(report, whole, scored, tuple(claims))


def _findings(scored: Sequence[UnitScores], options: ScanOptions) -> dict[str, Any]:
    """What the report tells of the scores."""
    columns = {kind: best_units(scored, kind) for kind in KINDS}
    listed = tuple(
        told(each, columns[each.kind], top=options.top, least=options.least) for each in scored
    )
    return {
        "n_units": sum(
            max((len(each.units) for each in scored if each.kind == kind), default=0)
            for kind in KINDS
        ),
        "family": sum(int(np.count_nonzero(~np.isnan(each.p))) for each in scored),
        "subjects": listed,
        "columns": tuple(columns["fires"]),
        "head_columns": tuple(columns["attends"]),
        "units": tuple(
            unit
            for kind in KINDS
            for unit in fitted_units([s for s in listed if s.kind == kind], columns[kind])
        ),
        "shared": shared(scored, options.least),
        **without_scores(scored),
    }


def _asked(subjects: Sequence[Subject], options: ScanOptions) -> str:
    kinds = {isinstance(each.what, Predicate) for each in subjects}
    units = [options.neurons if neurons else options.heads for neurons in sorted(kinds)[::-1]]
    return ", ".join(map(str, units))


def _check_units(subjects: Sequence[Subject], source: ModelSource, options: ScanOptions) -> None:
    """Refuse units that the model does not have, unless some subjects are about others.

    Raises:
        ModelError: it has none of the units that are asked about.
    """
    problems: dict[bool, ModelError | None] = {}
    for neurons in {isinstance(each.what, Predicate) for each in subjects}:
        try:
            if neurons:
                unit = options.neurons
                index = unit.index if isinstance(unit, Neuron) else None
                models.check_unit(source.info, layer=unit.layer or 0, index=index, at=unit.at)
            else:
                head = options.heads
                index = head.index if isinstance(head, Head) else None
                models.check_head(source.info, layer=head.layer or 0, index=index)
            problems[neurons] = None
        except ModelError as error:
            problems[neurons] = error
    wrong = [error for error in problems.values() if error is not None]
    if wrong and len(wrong) == len(problems):
        raise wrong[0]


def _names(subjects: Sequence[Subject]) -> list[str]:
    """What the subjects are called, each otherwise: names have no spaces, colons or brackets."""
    made: list[str] = []
    for subject in subjects:
        name = _UNNAMEABLE.sub("-", subject.name).strip("-") or "subject"
        numbered = (f"{name}.{number}" for number in itertools.count(2))
        made.append(
            next(
                each
                for each in (name, *itertools.islice(numbered, len(made) + 1))
                if each not in made
            )
        )
    return made


def _searching(
    subject: Subject, name: str, source: ModelSource, corpus: str, options: ScanOptions
) -> Hypothesis:
    """The subject as a claim about any of the units."""
    common: dict[str, Any] = {
        "name": name,
        "claim": subject.claim,
        "model": source.reference,
        "corpora": (corpus,),
    }
    made: Hypothesis
    if isinstance(subject.what, Predicate):
        made = Fires(unit=options.neurons, on=subject.what, **common)
    else:
        made = Attends(unit=options.heads, to=subject.what, **common)
    made._source = subject.source
    return made


# --- exact results of the best -------------------------------------------------------------------


def _for_exact(scored: Sequence[UnitScores], options: ScanOptions) -> list[tuple[int, int, int]]:
    """The pairs that are scored exactly: subject, rank from 0, and unit.

    The best unit of each subject first, the strongest of these first, then the second of each, as
    far as the budget goes.
    """
    listed = [
        (rank, -abs(float(each.chosen_by[unit])), number, int(unit))
        for number, each in enumerate(scored)
        for rank, unit in enumerate(each.order()[: options.top].tolist())
    ]
    chosen = sorted(listed)[: options.exact]
    return sorted((number, rank, unit) for rank, _, number, unit in chosen)


def _exact(measurement: Measurement, claims: Sequence[Hypothesis]) -> list[Result]:
    """The results of claims about known units, as a run of these would give them."""
    if not claims:
        return []
    of = measurement.store
    again = Measurement(measurement.context, of.source, of.corpus, claims)
    again.forward.loaded = measurement.forward.loaded
    again.forward.batch_size = measurement.forward.batch_size  # perhaps less than was asked for
    return again.results()


def _claim(scores: UnitScores, number: int) -> Hypothesis:
    """The claim that a pair makes."""
    hypothesis, unit = scores.job.hypothesis, scores.units[number]
    changes: dict[str, Any] = {"name": pair_name(hypothesis.name, str(unit)), "unit": unit}
    if scores.metric == "pearson" and scores.chosen_by[number] < 0:
        changes["sign"] = "-"
    made = hypothesis.model_copy(update=changes)
    made._source = hypothesis.source
    return made


def pair_name(subject: str, unit: str) -> str:
    """What the claim about a unit is called."""
    return f"{subject}-{unit}"


def _searched(scores: UnitScores, rank: int, unit: int) -> str:
    by = "|pearson|" if scores.metric == "pearson" else scores.metric.replace("_", " ")
    return (
        f"scan: number {rank + 1} of {len(scores.units)} by {by} on calibration documents "
        f"({scores.chosen_by[unit]:+.2f})"
    )

"""Scans: every subject against every unit of a model, chosen on calibration documents, reported
on test documents."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import models
from mi_hypotheses.cache import Cache
from mi_hypotheses.context import Context, RunOptions
from mi_hypotheses.engine import Silent, run_info
from mi_hypotheses.errors import UsageError
from mi_hypotheses.false_discovery import q_values, t_quantile
from mi_hypotheses.forward import Progress
from mi_hypotheses.grids import Floats
from mi_hypotheses.head_scan import HeadScan
from mi_hypotheses.hypotheses import (
    AnyHead,
    AnyNeuron,
    Attends,
    Fires,
    Head,
    Hypothesis,
    Neuron,
    Unit,
)
from mi_hypotheses.jobs import AttendsJob, FiresJob, Job
from mi_hypotheses.measurement import Measurement
from mi_hypotheses.metrics import LEAST_TOKENS
from mi_hypotheses.models import ModelSource, Site
from mi_hypotheses.neuron_scan import NeuronScan
from mi_hypotheses.predicates import Predicate, describe
from mi_hypotheses.reports import LoadError, Report, Result, Score
from mi_hypotheses.scan_reports import (
    MapPoint,
    ScannedSubject,
    ScannedUnit,
    ScanReport,
    Shared,
)
from mi_hypotheses.scan_sums import FOLDS, PartSums
from mi_hypotheses.targets import Target, describe_target

if TYPE_CHECKING:
    from mi_hypotheses.plugins import Plugins

DISCOVERY = 0.05  # the q up to which a unit is a discovery
POINTS = 400  # of a map of neurons
COLUMNS = 60  # of the table of subjects and units
_UNNAMEABLE = re.compile(r"[\s:\[\]/]+")


@dataclass(frozen=True)
class Subject:
    """What is looked for in units: a predicate in neurons, a target in heads."""

    name: str
    claim: str
    what: Predicate | Target
    source: str = ""


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
    """What a scan found: the report, and all scores as arrays, `[subject, unit]` each.

    `matrix` has `subjects`, `units`, `chosen_by`, `test`, `error` and `q`, for neurons under
    these names and for heads with `heads_` before them.
    """

    report: ScanReport
    results: Report
    matrix: dict[str, NDArray[Any]]


@dataclass
class _Scores:
    """The scores of a subject on all units, [units] each."""

    job: Job
    units: Sequence[Neuron] | Sequence[Head]
    metric: str
    chosen_by: Floats
    test: Floats
    error: Floats
    p: Floats
    f1: Floats
    folds: int
    n_test: int
    n_positive: int
    uniform: float | None = None
    undefined: tuple[str, ...] = ()
    q: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def kind(self) -> Literal["fires", "attends"]:
        return "fires" if isinstance(self.job, FiresJob) else "attends"

    def order(self) -> NDArray[np.int64]:
        """The units by falling score on calibration documents, without those that have none."""
        if self.undefined:
            return np.empty(0, dtype=np.int64)
        strength = np.nan_to_num(np.abs(self.chosen_by), nan=-1.0)
        order = np.argsort(-strength, kind="stable")
        return order[strength[order] >= 0]

    def found(self, least: float) -> NDArray[np.bool_]:
        """Which units reach `least` on calibration and on test documents and are discoveries."""
        if self.undefined:
            return np.zeros(len(self.test), dtype=np.bool_)
        same = np.sign(self.chosen_by) == np.sign(self.test)
        strong = np.minimum(np.abs(self.chosen_by), np.abs(self.test)) >= least
        return np.asarray(same & strong & (self.q <= DISCOVERY))


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
    hypotheses = [_searching(each, source, corpus, options) for each in subjects]
    measurement = Measurement(context, source, corpus, hypotheses)
    measurement.prepare()
    scored = [*_neurons(measurement, options), *_heads(measurement, options)]
    measurement.finish()
    with context.stages.timed("scores"):
        _judge_together(scored)
    chosen = _for_exact(scored, options)
    results = _exact(measurement, scored, chosen)
    cache.trim()
    for note in dict.fromkeys(cache.notes):
        context.progress.note(note)
    errors = [
        LoadError(source=job.hypothesis.name, message=job.error)
        for job in measurement.jobs
        if job.error is not None
    ]
    columns = {kind: _columns(scored, kind) for kind in ("fires", "attends")}
    run = run_info(context, seconds=time.perf_counter() - began, command=command)
    info = context.corpora[0]
    report = ScanReport(
        run=run,
        model=source.info,
        corpus=info,
        asked=_asked(subjects, options),
        n_units=max((len(each.units) for each in scored), default=0),
        family=sum(int(np.count_nonzero(~np.isnan(each.p))) for each in scored),
        least=options.least,
        subjects=tuple(_told(each, options, columns[each.kind]) for each in scored),
        columns=columns["fires"],
        head_columns=columns["attends"],
        shared=_shared(scored, options.least),
        results=tuple(results),
        not_finite=max((_not_finite(each) for each in scored), default=0),
        errors=(*load_errors, *errors),
    )
    whole = Report(run=run, models=(source.info,), corpora=(info,), results=tuple(results))
    return Scan(report, whole, _matrix(scored))


def _asked(subjects: Sequence[Subject], options: ScanOptions) -> str:
    kinds = {isinstance(each.what, Predicate) for each in subjects}
    units = [options.neurons if neurons else options.heads for neurons in sorted(kinds)[::-1]]
    return ", ".join(map(str, units))


def _searching(
    subject: Subject, source: ModelSource, corpus: str, options: ScanOptions
) -> Hypothesis:
    """The subject as a claim about any of the units."""
    common: dict[str, Any] = {
        "name": _UNNAMEABLE.sub("-", subject.name).strip("-") or "subject",
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


# --- scores on all units -------------------------------------------------------------------------


def _neurons(measurement: Measurement, options: ScanOptions) -> list[_Scores]:
    jobs = [j for j in measurement.jobs if isinstance(j, FiresJob) and j.error is None]
    if not jobs:
        return []
    unit, info = options.neurons, measurement.store.source.info
    layers = range(info.n_layers) if unit.layer is None else [unit.layer]
    sites = [Site(layer, unit.at) for layer in layers]
    scan = NeuronScan(
        measurement.store,
        measurement.forward,
        measurement.context.cache,
        jobs,
        sites,
        unit=unit.index if isinstance(unit, Neuron) else None,
    )
    with measurement.stages.timed("forward"):
        sums = scan.sums()
    if isinstance(unit, Neuron):
        units = [unit]
    else:
        units = [
            Neuron.model_construct(layer=s.layer, index=i, at=s.at)
            for s in sites
            for i in range(scan.n_units)
        ]
    return [_of_neurons(job, scan, [sums[site] for site in sites], units) for job in jobs]


def _of_neurons(
    job: FiresJob, scan: NeuronScan, sums: Sequence[PartSums], units: Sequence[Neuron]
) -> _Scores:
    each = [scan.scored(job, of_site) for of_site in sums]
    arrays = [scored[:5] for scored in each]
    chosen_by, test, error, p, f1 = (np.concatenate(a) for a in zip(*arrays, strict=True))
    counts = scan.test_counts(job, sums[0])
    scores = _Scores(
        job,
        units,
        "eta_squared" if job.categories else "pearson",
        chosen_by,
        test,
        error,
        p,
        f1,
        each[0].folds,
        n_test=sum(counts),
        n_positive=counts[1] if job.label_kind == "boolean" else 0,
    )
    scores.undefined = _undefined(job, counts, test, p)
    return scores


def _undefined(job: FiresJob, counts: Sequence[int], test: Floats, p: Floats) -> tuple[str, ...]:
    """Why there are no scores; empty where there are."""
    if job.label_kind == "boolean" and min(counts) < LEAST_TOKENS:
        which = "positive" if counts[1] <= counts[0] else "negative"
        return (f"only {min(counts)} {which} test tokens; at least {LEAST_TOKENS} are needed",)
    if job.label_kind == "categorical" and sum(n >= LEAST_TOKENS for n in counts) < 2:
        return (f"fewer than two categories have {LEAST_TOKENS} test tokens",)
    if np.isnan(test).all():
        return ("the label or every unit is the same on all test tokens",)
    if np.isnan(p).all():
        return (f"too few of the {FOLDS} folds of test documents have tokens",)
    return ()


def _heads(measurement: Measurement, options: ScanOptions) -> list[_Scores]:
    jobs = [j for j in measurement.jobs if isinstance(j, AttendsJob) and j.error is None]
    if not jobs:
        return []
    info, unit = measurement.store.source.info, options.heads
    layers = range(info.n_layers) if unit.layer is None else [unit.layer]
    indices = [unit.index] if isinstance(unit, Head) else range(info.n_heads or 0)
    units = [Head(layer=layer, index=index) for layer in layers for index in indices]
    rows = np.array([each.layer for each in units]), np.array([each.index for each in units])
    found = HeadScan(measurement.attending, jobs).scored()
    made = []
    for number, of_job in found.items():
        arrays = (of_job.chosen_by, of_job.test, of_job.error, of_job.p)
        chosen_by, test, error, p = (array[rows] for array in arrays)
        nothing = np.full(len(units), np.nan)
        scores = _Scores(
            jobs[number],
            units,
            "target_mass",
            chosen_by,
            test,
            error,
            p,
            nothing,
            of_job.folds,
            n_test=of_job.n,
            n_positive=of_job.n,
            uniform=of_job.uniform,
        )
        if of_job.n < LEAST_TOKENS or np.isnan(p).all():
            scores.undefined = (f"the target applies to only {of_job.n} test queries",)
        made.append(scores)
    return made


def _judge_together(scored: Sequence[_Scores]) -> None:
    """Give every pair its q-value: all are one family."""
    for each in scored:
        if each.undefined:
            each.p = np.full_like(each.p, np.nan)
    if scored:
        together = q_values(np.concatenate([each.p for each in scored]))
        sizes = np.cumsum([len(each.p) for each in scored])[:-1]
        for each, q in zip(scored, np.split(together, sizes), strict=True):
            each.q = q


# --- exact results of the best -------------------------------------------------------------------


def _for_exact(scored: Sequence[_Scores], options: ScanOptions) -> list[tuple[int, int, int]]:
    """The pairs that are scored exactly: subject, rank from 0, and unit.

    All that are listed where these are few, otherwise the best unit of each subject, the
    strongest first.
    """
    listed = [
        (number, rank, int(unit))
        for number, each in enumerate(scored)
        for rank, unit in enumerate(each.order()[: options.top])
    ]
    if len(listed) > options.exact:
        best = [pair for pair in listed if pair[1] == 0]
        best.sort(key=lambda pair: -abs(float(scored[pair[0]].chosen_by[pair[2]])))
        listed = sorted(best[: options.exact])
    return listed


def _exact(
    measurement: Measurement, scored: Sequence[_Scores], chosen: Sequence[tuple[int, int, int]]
) -> list[Result]:
    """The exact results of pairs, as a run of these claims would give them."""
    if not chosen:
        return []
    claims = [_claim(scored[number], unit) for number, _, unit in chosen]
    again = Measurement(
        measurement.context, measurement.store.source, measurement.store.corpus, claims
    )
    again.forward.loaded = measurement.forward.loaded
    return [
        result.model_copy(update={"searched": _searched(scored[number], rank, unit)})
        for result, (number, rank, unit) in zip(again.results(), chosen, strict=True)
    ]


def _claim(scores: _Scores, number: int) -> Hypothesis:
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


def _searched(scores: _Scores, rank: int, unit: int) -> str:
    by = "|pearson|" if scores.metric == "pearson" else scores.metric.replace("_", " ")
    return (
        f"scan: number {rank + 1} of {len(scores.units)} by {by} on calibration documents "
        f"({scores.chosen_by[unit]:+.2f})"
    )


# --- telling -------------------------------------------------------------------------------------


def _columns(scored: Sequence[_Scores], kind: str) -> tuple[str, ...]:
    """The best unit of each subject of a kind, those of the strongest first."""
    best = [
        (-abs(float(each.chosen_by[order[0]])), str(each.units[order[0]]))
        for each in scored
        if each.kind == kind and len(order := each.order())
    ]
    return tuple(dict.fromkeys(unit for _, unit in sorted(best)))[:COLUMNS]


def _told(scores: _Scores, options: ScanOptions, columns: Sequence[str]) -> ScannedSubject:
    job = scores.job
    hypothesis = job.hypothesis
    found = scores.found(options.least)
    reach = t_quantile(max(scores.folds - 1, 1))
    order = scores.order()
    heads = scores.kind == "attends"
    places = {str(unit): place for place, unit in enumerate(scores.units)} if columns else {}
    shown = np.argsort(-np.nan_to_num(np.abs(scores.test)), kind="stable")
    shown = shown if heads else shown[:POINTS]
    return ScannedSubject(
        name=hypothesis.name,
        claim=hypothesis.claim,
        source=hypothesis.source,
        on=hypothesis.written,
        kind=scores.kind,
        label_kind=job.label_kind if isinstance(job, FiresJob) else "boolean",
        metric=scores.metric,
        n_test=scores.n_test,
        n_positive=scores.n_positive,
        found=int(found.sum()),
        uniform=scores.uniform,
        units=tuple(_unit(scores, int(unit), reach) for unit in order[: options.top]),
        points=tuple(
            MapPoint(layer=u.layer, index=u.index, value=round(float(scores.test[i]), 4))
            for i in shown.tolist()
            if np.isfinite(scores.test[i])
            for u in [scores.units[i]]
        )
        if not scores.undefined
        else (),
        row=tuple(float(scores.test[places[unit]]) for unit in columns),
        undefined=scores.undefined,
    )


def _unit(scores: _Scores, unit: int, reach: float) -> ScannedUnit:
    test, spread = float(scores.test[unit]), reach * float(scores.error[unit])
    least = -1.0 if scores.metric == "pearson" else 0.0
    return ScannedUnit(
        unit=str(scores.units[unit]),
        sign="-" if scores.chosen_by[unit] < 0 else "+",
        chosen_by=float(scores.chosen_by[unit]),
        test=Score(value=test, low=max(test - spread, least), high=min(test + spread, 1.0)),
        q=float(scores.q[unit]),
        f1=float(scores.f1[unit]),
    )


def _shared(scored: Sequence[_Scores], least: float) -> tuple[Shared, ...]:
    """Units that more than one subject found, those with most first."""
    finders: dict[str, list[tuple[float, str]]] = {}
    for each in scored:
        for unit in np.flatnonzero(each.found(least)).tolist():
            pair = (-abs(float(each.test[unit])), each.job.hypothesis.name)
            finders.setdefault(str(each.units[unit]), []).append(pair)
    shared = [
        Shared(unit=unit, subjects=tuple(name for _, name in sorted(pairs)))
        for unit, pairs in finders.items()
        if len(pairs) > 1
    ]
    return tuple(sorted(shared, key=lambda each: (-len(each.subjects), each.unit)))


def _not_finite(scores: _Scores) -> int:
    return int(np.count_nonzero(np.isnan(scores.test))) if not scores.undefined else 0


def _matrix(scored: Iterable[_Scores]) -> dict[str, NDArray[Any]]:
    made: dict[str, NDArray[Any]] = {}
    everything = [*scored]
    for prefix, heads in (("", False), ("heads_", True)):
        members = [each for each in everything if (each.kind == "attends") == heads]
        if members:
            made[f"{prefix}subjects"] = np.array([each.job.hypothesis.name for each in members])
            made[f"{prefix}units"] = np.array([str(unit) for unit in members[0].units])
            for name in ("chosen_by", "test", "error", "q"):
                rows = [getattr(each, name) for each in members]
                made[f"{prefix}{name}"] = np.stack(rows).astype(np.float32)
    return made

"""How each subject of a scan fares on all units that are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.false_discovery import DISCOVERY, q_values
from mi_hypotheses.grids import Floats
from mi_hypotheses.head_scan import HeadScan
from mi_hypotheses.hypotheses import AnyHead, AnyNeuron, Head, Neuron
from mi_hypotheses.jobs import AttendsJob, FiresJob, Job
from mi_hypotheses.measurement import Measurement
from mi_hypotheses.metrics import CHOICE_DIGITS, LEAST_TOKENS
from mi_hypotheses.models import Site
from mi_hypotheses.neuron_scan import NeuronScan
from mi_hypotheses.scan_sums import FOLDS

Flags: TypeAlias = NDArray[np.bool_]

_ARRAYS = ("chosen_by", "test", "error", "p", "f1", "not_finite", "constant")


@dataclass
class UnitScores:
    """The scores of a subject on all units, [units] each."""

    job: Job
    units: Sequence[Neuron] | Sequence[Head]
    metric: str
    chosen_by: Floats
    test: Floats
    error: Floats
    p: Floats
    f1: Floats
    folds: float = 0.0
    n_test: int = 0
    n_positive: int = 0
    uniform: float | None = None
    undefined: tuple[str, ...] = ()
    not_finite: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    constant: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    q: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def kind(self) -> Literal["fires", "attends"]:
        return "fires" if isinstance(self.job, FiresJob) else "attends"

    def order(self) -> NDArray[np.int64]:
        """The units by falling score on calibration documents, without those that have none."""
        if self.undefined:
            return np.empty(0, dtype=np.int64)
        strength = np.round(np.nan_to_num(np.abs(self.chosen_by), nan=-1.0), CHOICE_DIGITS)
        order = np.argsort(-strength, kind="stable")
        return order[strength[order] >= 0]

    def found(self, least: float) -> NDArray[np.bool_]:
        """Which units reach `least` on calibration and on test documents and are discoveries."""
        if self.undefined:
            return np.zeros(len(self.test), dtype=np.bool_)
        same = np.sign(self.chosen_by) == np.sign(self.test)
        strong = np.minimum(np.abs(self.chosen_by), np.abs(self.test)) >= least
        return np.asarray(same & strong & (self.q <= DISCOVERY))


def of_neurons(measurement: Measurement, unit: Neuron | AnyNeuron) -> list[UnitScores]:
    jobs = [j for j in measurement.jobs if isinstance(j, FiresJob) and j.error is None]
    if not jobs:
        return []
    info = measurement.store.source.info
    layers = range(info.n_layers) if unit.layer is None else [unit.layer]
    sites = [Site(layer, unit.at) for layer in layers]
    scan = NeuronScan(
        measurement.store,
        measurement.firing.columns,
        jobs,
        sites,
        unit=unit.index if isinstance(unit, Neuron) else None,
        stages=measurement.stages,
    )
    if isinstance(unit, Neuron):
        units = [unit]
    else:
        units = [
            Neuron.model_construct(layer=s.layer, index=i, at=s.at)
            for s in sites
            for i in range(scan.n_units)
        ]
    not_finite, constant = np.zeros((2, len(units)), dtype=np.bool_)  # the same for all jobs
    made = {job: _empty(job, units, (not_finite, constant)) for job in jobs}
    counts: dict[FiresJob, Sequence[int]] = {}
    for site, job, scored in scan.scores():
        start = sites.index(site) * scan.n_units
        for name in _ARRAYS:
            getattr(made[job], name)[start : start + scan.n_units] = getattr(scored, name)
        made[job].folds, counts[job] = scored.folds, scored.counts
    for job, scores in made.items():
        scores.n_test = sum(counts[job])
        scores.n_positive = counts[job][1] if job.label_kind == "boolean" else 0
        scores.undefined = _undefined(scores, counts[job])
    return [*made.values()]


def _empty(job: FiresJob, units: Sequence[Neuron], flags: tuple[Flags, Flags]) -> UnitScores:
    metric = "eta_squared" if job.categories else "pearson"
    chosen_by, test, error, p, f1 = np.full((5, len(units)), np.nan)
    made = UnitScores(job, units, metric, chosen_by, test, error, p, f1)
    made.not_finite, made.constant = flags
    return made


def _undefined(scores: UnitScores, counts: Sequence[int]) -> tuple[str, ...]:
    """Why there are no scores; empty where there are."""
    job = scores.job
    assert isinstance(job, FiresJob)  # heads have targets
    if job.label_kind == "boolean" and min(counts) < LEAST_TOKENS:
        which = "positive" if counts[1] <= counts[0] else "negative"
        return (f"fewer than {LEAST_TOKENS} {which} test tokens",)
    if job.label_kind == "categorical" and sum(n >= LEAST_TOKENS for n in counts) < 2:
        return (f"fewer than two categories have {LEAST_TOKENS} test tokens",)
    if scores.not_finite.all():
        return ("the activations of all units are not finite",)
    if np.isnan(scores.test).all():
        return ("the label or every unit is the same on all test tokens",)
    if np.isnan(scores.p).all():
        return (f"too few of the {FOLDS} folds of test documents carry the label",)
    return ()


def of_heads(measurement: Measurement, unit: Head | AnyHead) -> list[UnitScores]:
    jobs = [j for j in measurement.jobs if isinstance(j, AttendsJob) and j.error is None]
    if not jobs:
        return []
    info = measurement.store.source.info
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
        scores = UnitScores(
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
            not_finite=np.isnan(test) & (of_job.n > 0),
        )
        if of_job.n < LEAST_TOKENS:
            scores.undefined = (f"the target applies to only {of_job.n} test queries",)
        elif scores.not_finite.all():
            scores.undefined = ("the attention of all heads is not finite",)
        elif np.isnan(p).all():
            scores.undefined = (f"too few of the {FOLDS} folds of test documents have a target",)
        made.append(scores)
    return made


def judge_together(scored: Sequence[UnitScores]) -> None:
    """Give every pair its q-value: all are one family."""
    for each in scored:
        if each.undefined:
            each.p = np.full_like(each.p, np.nan)
    if scored:
        together = q_values(np.concatenate([each.p for each in scored]))
        sizes = np.cumsum([len(each.p) for each in scored])[:-1]
        for each, q in zip(scored, np.split(together, sizes), strict=True):
            each.q = q

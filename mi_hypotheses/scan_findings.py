"""What a scan tells of its scores: the units that fit best, and those that subjects share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.false_discovery import t_quantile
from mi_hypotheses.jobs import FiresJob
from mi_hypotheses.reports import Score
from mi_hypotheses.scan_reports import (
    Fit,
    FittedUnit,
    MapPoint,
    ScannedSubject,
    ScannedUnit,
    Shared,
)
from mi_hypotheses.unit_scores import UnitScores

POINTS = 400  # of a map of neurons
COLUMNS = 60  # of the table of subjects and units
FITS = 5  # subjects of a unit
FAULTY = 20  # units that are named


def best_units(scored: Sequence[UnitScores], kind: str) -> dict[str, int]:
    """The best unit of each subject of a kind, those of the strongest first, with its place among
    the units."""
    members = [each for each in scored if each.kind == kind]
    best = [
        (-abs(float(each.chosen_by[order[0]])), int(order[0]))
        for each in members
        if len(order := each.order())
    ]
    places = dict.fromkeys(place for _, place in sorted(best))
    return {str(members[0].units[place]): place for place in [*places][:COLUMNS]}


def fitted_units(subjects: Sequence[ScannedSubject], columns: Iterable[str]) -> list[FittedUnit]:
    """For each of the columns of one kind the subjects with the strongest scores."""
    made = []
    for place, unit in enumerate(columns):
        scores = [
            (value, each.name)
            for each in subjects
            if not each.undefined and (value := each.row[place]) is not None
        ]
        strongest = sorted(scores, key=lambda pair: -abs(pair[0]))[:FITS]
        fits = tuple(Fit(subject=name, test=value) for value, name in strongest)
        made.append(FittedUnit(unit=unit, fits=fits))
    return made


def told(
    scores: UnitScores, columns: Mapping[str, int], *, top: int, least: float
) -> ScannedSubject:
    """What is told of a subject; `columns` are the units of its row, with their places."""
    job = scores.job
    hypothesis = job.hypothesis
    found = scores.found(least)
    reach = t_quantile(round(max(scores.folds - 1, 1.0), 2))
    order = scores.order()
    heads = scores.kind == "attends"
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
        units=tuple(
            _unit(scores, int(unit), reach, found=bool(found[unit])) for unit in order[:top]
        ),
        points=tuple(
            MapPoint(layer=u.layer, index=u.index, value=round(float(scores.test[i]), 4))
            for i in shown.tolist()
            if np.isfinite(scores.test[i])
            for u in [scores.units[i]]
        )
        if not scores.undefined
        else (),
        row=tuple(float(scores.test[place]) for place in columns.values()),
        undefined=scores.undefined,
    )


def _unit(scores: UnitScores, unit: int, reach: float, *, found: bool) -> ScannedUnit:
    test, spread = float(scores.test[unit]), reach * float(scores.error[unit])
    least = -1.0 if scores.metric == "pearson" else 0.0
    return ScannedUnit(
        unit=str(scores.units[unit]),
        sign="-" if scores.chosen_by[unit] < 0 else "+",
        chosen_by=float(scores.chosen_by[unit]),
        test=Score(value=test, low=max(test - spread, least), high=min(test + spread, 1.0)),
        q=float(scores.q[unit]),
        f1=float(scores.f1[unit]),
        found=found,
    )


def shared(scored: Sequence[UnitScores], least: float) -> tuple[Shared, ...]:
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


def without_scores(scored: Sequence[UnitScores]) -> dict[str, Any]:
    """What the report tells of units that have no scores, by the name of its field."""
    lost: list[str] = []
    constant = 0
    for kind in ("fires", "attends"):
        if members := [each for each in scored if each.kind == kind]:
            either = np.logical_or.reduce([each.not_finite for each in members])
            lost += [str(members[0].units[unit]) for unit in np.flatnonzero(either).tolist()]
            constant += int(np.count_nonzero(members[0].constant))  # the same for all labels
    return {"not_finite": len(lost), "not_finite_units": tuple(lost[:FAULTY]), "constant": constant}


def matrix(scored: Iterable[UnitScores]) -> dict[str, NDArray[Any]]:
    made: dict[str, NDArray[Any]] = {}
    everything = [*scored]
    for prefix, heads in (("", False), ("heads_", True)):
        members = [each for each in everything if (each.kind == "attends") == heads]
        if members:
            made[f"{prefix}subjects"] = np.array([each.job.hypothesis.name for each in members])
            made[f"{prefix}units"] = np.array([str(unit) for unit in members[0].units])
            made[f"{prefix}folds"] = np.array([each.folds for each in members])
            for name in ("chosen_by", "test", "error", "p", "q"):
                rows = [getattr(each, name) for each in members]
                made[f"{prefix}{name}"] = np.stack(rows)
    return made

"""Which results belong side by side: one hypothesis at the checkpoints of a model, or on models.

A checkpoint is written `NAME@step=N`; plain `NAME` is what training ended with, so it comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mi_hypotheses.presentation import count, grouped, headline_columns, headline_metrics
from mi_hypotheses.reports import ModelInfo, Result

_CHECKPOINT = re.compile(r"(.+)@step=(\d+)", re.DOTALL)
FINAL = "final"


@dataclass(frozen=True, slots=True)
class Overview:
    """The rows of one overview table and the metrics that are its columns."""

    title: str
    results: tuple[Result, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A hypothesis in a grid, and the one metric that is shown of it."""

    name: str
    metric: str | None
    bar: float | None  # what is expected of the metric at least, where all results expect the same


@dataclass(frozen=True, slots=True)
class Grid:
    """Results as a table: `cells` has a row for each of `rows`, a result for each column."""

    title: str
    row_title: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: tuple[tuple[Result | None, ...], ...]

    def narrower(self, most: int) -> list[Grid]:
        """The same in grids of at most `most` columns."""
        starts = range(0, len(self.columns), most)
        return [
            Grid(
                self.title,
                self.row_title,
                self.rows,
                self.columns[at : at + most],
                tuple(row[at : at + most] for row in self.cells),
            )
            for at in starts
        ]


@dataclass(frozen=True, slots=True)
class Series:
    """One hypothesis on one corpus at the checkpoints of a model, in the order of training."""

    name: str
    points: tuple[tuple[int | None, Result], ...]  # step, None for the final model

    @property
    def last(self) -> Result:
        return self.points[-1][1]

    @property
    def undefined(self) -> bool:
        """Whether nothing could be measured at any checkpoint."""
        return all(result.verdict.status == "undefined" for _, result in self.points)

    def at(self, step: int | None) -> Result | None:
        """The result at a step."""
        return next((result for at, result in self.points if at == step), None)

    @property
    def metrics(self) -> list[str]:
        """The metrics to draw: the expected ones first, then the headline metrics."""
        results = [result for _, result in self.points]
        expected = [bar.metric for result in results for bar in result.expect]
        leading = [metric for result in results for metric in headline_metrics(result)]
        present = {metric for result in results for metric in result.scores}
        return [metric for metric in dict.fromkeys([*expected, *leading]) if metric in present]


@dataclass(frozen=True, slots=True)
class Training:
    """All series of one model on one corpus; `steps` has every step of any of them."""

    model: str
    corpus: str
    steps: tuple[int | None, ...]
    series: tuple[Series, ...]

    def grid(self) -> Grid:
        """Steps × hypotheses."""
        return Grid(
            f"{self.model} on {self.corpus}",
            "step",
            tuple(FINAL if step is None else count(step) for step in self.steps),
            tuple(_column(s.name, [result for _, result in s.points]) for s in self.series),
            tuple(tuple(s.at(step) for s in self.series) for step in self.steps),
        )


def checkpoint(reference: str) -> tuple[str, int | None]:
    """The model's name and the step of a checkpoint, None where the reference names none."""
    match = _CHECKPOINT.fullmatch(reference)
    return (match[1], int(match[2])) if match else (reference, None)


def in_natural_order(references: Iterable[str]) -> list[str]:
    """Models in order of first appearance, the checkpoints of each in the order of training."""
    listed = [(checkpoint(reference), reference) for reference in references]
    names = list(dict.fromkeys(name for (name, _), _ in listed))
    listed.sort(key=lambda one: (names.index(one[0][0]), _order(one[0][1])))
    return [reference for _, reference in listed]


@dataclass(frozen=True, slots=True)
class Family:
    """A model and the checkpoints before it, in order; `last` is the final model or the last."""

    last: ModelInfo
    earlier: tuple[ModelInfo, ...]


def families(models: Iterable[ModelInfo]) -> list[Family]:
    """The models in order of first appearance, each once."""
    by_reference = {model.reference: model for model in models}
    found: dict[str, list[ModelInfo]] = {}
    for reference in in_natural_order(by_reference):
        found.setdefault(checkpoint(reference)[0], []).append(by_reference[reference])
    return [Family(last, tuple(earlier)) for *earlier, last in found.values()]


def trainings(results: Iterable[Result]) -> list[Training]:
    """The series of two or more checkpoints, or of one and the final model."""
    found: dict[tuple[str, str], dict[str, dict[int | None, Result]]] = {}
    for result in results:
        model, step = checkpoint(result.model)
        series = found.setdefault((model, result.corpus), {}).setdefault(result.name, {})
        series.setdefault(step, result)
    return [
        training
        for (model, corpus), by_name in found.items()
        if (training := _training(model, corpus, by_name)) is not None
    ]


def _training(
    model: str, corpus: str, by_name: dict[str, dict[int | None, Result]]
) -> Training | None:
    kept = {name: points for name, points in by_name.items() if len(points) > 1}
    if not kept:
        return None
    return Training(
        model,
        corpus,
        tuple(sorted({step for points in kept.values() for step in points}, key=_order)),
        tuple(
            Series(name, tuple(sorted(points.items(), key=lambda point: _order(point[0]))))
            for name, points in kept.items()
        ),
    )


def _order(step: int | None) -> float:
    return float("inf") if step is None else step


def earlier_checkpoints(results: Iterable[Result]) -> list[Result]:
    """The results that a series sums up: all of its points but the last."""
    return [
        result
        for training in trainings(results)
        for series in training.series
        for _, result in series.points[:-1]
    ]


def without_checkpoints(results: Sequence[Result]) -> tuple[Result, ...]:
    """The results that are shown in full: of every series only the last."""
    hidden = {id(result) for result in earlier_checkpoints(results)}
    return tuple(result for result in results if id(result) not in hidden)


def side_by_side(results: Sequence[Result]) -> list[Grid]:
    """For each corpus, models × hypotheses, of the hypotheses that were put to several models.

    A model's checkpoints count as one model, which stands there as its last.
    """
    by_corpus: dict[str, dict[str, dict[str, Result]]] = {}
    for result in without_checkpoints(results):
        by_model = by_corpus.setdefault(result.corpus, {}).setdefault(result.name, {})
        by_model.setdefault(result.model, result)
    return [
        grid
        for corpus, by_name in by_corpus.items()
        if (grid := _models_grid(corpus, by_name)) is not None
    ]


def _models_grid(corpus: str, by_name: dict[str, dict[str, Result]]) -> Grid | None:
    kept = {name: found for name, found in by_name.items() if len(found) > 1}
    if not kept:
        return None
    models = tuple(dict.fromkeys(model for found in kept.values() for model in found))
    return Grid(
        f"on {corpus}",
        "model",
        models,
        tuple(_column(name, list(found.values())) for name, found in kept.items()),
        tuple(tuple(found.get(model) for found in kept.values()) for model in models),
    )


def _column(name: str, results: Sequence[Result]) -> Column:
    metric = next((m for result in results if (m := lead_metric(result))), None)
    bars = {bar.at_least for result in results for bar in result.expect if bar.metric == metric}
    return Column(name, metric, bars.pop() if len(bars) == 1 else None)


def lead_metric(result: Result) -> str | None:
    """The one metric that stands for a result: the first expected, else the first headline."""
    expected = [bar.metric for bar in result.expect]
    return next(iter([*expected, *headline_metrics(result)]), None)


def overviews(results: Sequence[Result]) -> list[Overview]:
    """Neurons and heads have other scores, so each kind has a table of its own."""
    found = []
    shown = grouped(without_checkpoints(results))
    for kind, title in (("fires", "Neurons"), ("attends", "Attention heads")):
        chosen = tuple(result for group in shown for result in group if result.kind == kind)
        if chosen:
            found.append(Overview(title, chosen, tuple(headline_columns(chosen))))
    return found

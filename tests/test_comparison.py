"""Results that belong side by side: over the checkpoints of a model, and over models."""

from __future__ import annotations

import itertools

import pytest

from mi_hypotheses import curves
from mi_hypotheses.comparison import (
    checkpoint,
    lead_metric,
    overviews,
    side_by_side,
    trainings,
    without_checkpoints,
)
from tests import sample_heads, sample_report


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("py-attn-2l", ("py-attn-2l", None)),
        ("py-attn-2l@step=0", ("py-attn-2l", 0)),
        ("models/a@b@step=1200", ("models/a@b", 1200)),
        ("py-attn-2l@step=x", ("py-attn-2l@step=x", None)),
    ],
)
def test_a_checkpoint_is_a_name_with_a_step(reference: str, parts: tuple[str, int | None]) -> None:
    assert checkpoint(reference) == parts


def test_a_series_is_in_the_order_of_training_with_the_final_model_last() -> None:
    shuffled = sample_heads.checkpoint_series((None, 2400, 0, 100))
    (training,) = trainings(shuffled)
    assert training.steps == (0, 100, 2400, None)
    assert [series.name for series in training.series] == ["previous-token-head", "induction"]
    assert [step for step, _ in training.series[0].points] == [0, 100, 2400, None]
    assert training.series[0].last.model == "py-attn-2l"


def test_one_checkpoint_alone_or_several_models_make_no_series() -> None:
    assert trainings(sample_heads.checkpoint_series((400,))) == []
    assert trainings(sample_heads.two_models()) == []


def test_corpora_have_series_of_their_own() -> None:
    one = sample_heads.checkpoint_series((0, 100))
    other = [result.model_copy(update={"corpus": "stdlib"}) for result in one]
    assert [t.corpus for t in trainings([*one, *other])] == ["package:sympy", "stdlib"]


def test_a_step_that_a_hypothesis_was_not_put_to_is_an_empty_cell() -> None:
    results = [
        result
        for result in sample_heads.checkpoint_series((0, 100, 400))
        if (result.name, result.model) != ("induction", "py-attn-2l@step=100")
    ]
    (training,) = trainings(results)
    grid = training.grid()
    assert grid.rows == ("0", "100", "400")
    assert [[cell is None for cell in row] for row in grid.cells] == [
        [False, False],
        [False, True],
        [False, False],
    ]


def test_of_a_series_only_the_last_result_is_shown_in_full() -> None:
    series = sample_heads.checkpoint_series()
    shown = without_checkpoints(series)
    assert [(r.name, r.model) for r in shown] == [
        ("previous-token-head", "py-attn-2l"),
        ("induction", "py-attn-2l"),
    ]
    assert overviews(series)[0].results == shown


def test_models_stand_beside_hypotheses_that_were_put_to_several() -> None:
    (grid,) = side_by_side(sample_heads.two_models())
    assert grid.rows == ("py-attn-2l", "gpt2-small")
    assert [(c.name, c.metric, c.bar) for c in grid.columns] == [
        ("previous-token-head", "target_mass", 0.5),
        ("induction", "target_mass", 0.5),
    ]
    units = [[cell.unit if cell else None for cell in row] for row in grid.cells]
    assert units == [["L0H3", "L1H5"], ["L4H11", "L5H5"]]


def test_checkpoints_of_one_model_are_one_model() -> None:
    series = sample_heads.checkpoint_series()
    assert side_by_side(series) == []
    (grid,) = side_by_side([*series, sample_heads.head(model="gpt2-small")])
    assert grid.rows == ("py-attn-2l", "gpt2-small")


def test_the_first_expected_metric_stands_for_a_result() -> None:
    assert lead_metric(sample_report.result()) == "f1"
    assert lead_metric(sample_report.result(expect=())) == "pearson"
    assert lead_metric(sample_report.error_result()) is None


def test_steps_stand_in_order_by_logarithm_and_never_too_near() -> None:
    steps = (*sample_heads.STEPS, None)
    places = list(curves.step_scale(steps).values())
    gaps = [b - a for a, b in itertools.pairwise(places)]
    assert min(gaps) >= 10
    assert gaps[2] > gaps[3]  # 400 to 800 is farther than 800 to 900
    assert places[-1] <= curves.WIDTH - curves.RIGHT
    assert curves.step_scale((0,)) == {0: curves.LEFT + 8}
    assert len(curves.step_scale((0, None))) == 2

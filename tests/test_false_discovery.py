"""p-values and q-values are those of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mi_hypotheses.false_discovery import jackknife_error, q_values, t_quantile, t_tail
from mi_hypotheses.scan_sums import FOLDS


@pytest.mark.parametrize("degrees", range(2, FOLDS))
def test_the_tail_of_t_is_scipys(degrees: int) -> None:
    t = np.concatenate([np.linspace(-60, 60, 2001), np.logspace(-9, 6, 500), [0.0]])
    found, expected = t_tail(t, degrees), stats.t.sf(t, degrees)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


def test_what_is_no_number_has_no_tail_and_infinity_has_none_left() -> None:
    found = t_tail(np.array([np.nan, np.inf, -np.inf]), 15)
    assert np.isnan(found[0])
    assert found[1:].tolist() == [0, 1]


@pytest.mark.parametrize("degrees", [2, 7, 15, 40])
def test_the_quantile_of_t_is_scipys(degrees: int) -> None:
    assert t_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-9)


@given(st.integers(0, 2**31), st.integers(8, 16))
def test_the_jackknife_is_a_plain_loop(seed: int, folds: int) -> None:
    left_out = np.random.default_rng(seed).normal(size=(folds, 5))
    for column, found in enumerate(jackknife_error(left_out).tolist()):
        mean = sum(left_out[:, column]) / folds
        spread = sum((value - mean) ** 2 for value in left_out[:, column])
        assert found == pytest.approx((spread * (folds - 1) / folds) ** 0.5)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=16)
    left_out = np.array([np.delete(values, i).mean() for i in range(16)])
    assert jackknife_error(left_out[:, None])[0] == pytest.approx(stats.sem(values))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_q_is_scipys_false_discovery_control(p: list[float]) -> None:
    expected = stats.false_discovery_control(p)
    np.testing.assert_allclose(q_values(np.array(p)), expected, rtol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_tests_that_are_none_do_not_count(p: list[float]) -> None:
    known = np.array(p)
    shuffle = np.random.default_rng(len(p) + int(known.sum() * 1e6)).permutation(2 * len(p))
    mixed = np.concatenate([known, np.full(len(p), np.nan)])[shuffle]
    found = q_values(mixed.reshape(2, -1))
    assert found.shape == (2, len(p))
    back = np.empty(2 * len(p))
    back[shuffle] = found.reshape(-1)
    np.testing.assert_allclose(back[: len(p)], stats.false_discovery_control(p), rtol=1e-12)
    assert np.isnan(back[len(p) :]).all()
    assert np.isnan(q_values(np.full((2, 3), np.nan))).all()

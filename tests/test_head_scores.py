"""Scores of heads from sums over queries, group by group."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi_hypotheses.head_calibration import Calibration, Habit, Seen
from mi_hypotheses.head_findings import Distances, shares
from mi_hypotheses.head_scores import (
    SUMS,
    HeadEvidence,
    HeadSums,
    builtin_head_metrics,
    head_scores,
    undefined_head_reasons,
)
from mi_hypotheses.head_slices import Slices, bands, distance_band, position_band, weak_slices
from mi_hypotheses.metrics import CALIBRATION, TEST, group_weights
from mi_hypotheses.patterns import Looks
from mi_hypotheses.queries import Queries, edges_on
from mi_hypotheses.reports import Bar, Score, Slice
from mi_hypotheses.targets import DuplicateToken, FirstToken, PreviousToken
from mi_hypotheses.text import GROUPS
from tests.test_queries import shard

METRICS = builtin_head_metrics()


def sums(queries: int = 2000, *, groups: int = GROUPS, seed: int = 0) -> HeadSums:
    """Random queries, half of them with a target."""
    rng = np.random.default_rng(seed)
    made, group = HeadSums(), rng.integers(GROUPS - groups, GROUPS, queries)
    targeted = rng.random(queries) < 0.5
    made.add(group, queries=np.ones(queries), rows=np.ones(queries))
    terms = {name: rng.random(queries)[targeted] for name in SUMS[3:8]}
    made.add(group[targeted], targeted=np.ones(int(targeted.sum())), mul=terms["mass"], **terms)
    made.add(group[~targeted], idle_bos=rng.random(queries)[~targeted])
    return made


def scored(made: HeadSums) -> dict[str, Score]:
    weights = group_weights(made.values[TEST, 0], seed=0)
    return head_scores(HeadEvidence.of(made, weights), METRICS)


def test_scores_are_ratios_of_test_sums() -> None:
    made = sums()
    total = {name: made.values[TEST, SUMS.index(name)].sum() for name in SUMS}
    expected = {
        "target_mass": total["mass"] / total["targeted"],
        "hit_rate": total["hit"] / total["targeted"],
        "lift_position": total["mass"] / total["position"],
        "lift_uniform": total["mass"] / total["uniform"],
        "bos_mass": total["bos"] / total["targeted"],
        "off_target_bos": total["idle_bos"] / (total["queries"] - total["targeted"]),
        "coverage": total["targeted"] / total["queries"],
        "mul": total["mul"] / total["rows"],
    }
    found = scored(made)
    assert {name: score.value for name, score in found.items()} == pytest.approx(expected)
    for score in found.values():
        assert score.low is not None
        assert score.low < score.value < score.high


def test_calibration_documents_change_no_score() -> None:
    made = sums()
    before = scored(made)
    made.values[CALIBRATION] += 5.0
    assert scored(made) == before


def test_intervals_are_percentiles_over_resampled_groups() -> None:
    made = sums()
    parts = made.values[TEST]
    rng = np.random.default_rng(1)
    resampled = []
    for _ in range(4000):
        total = parts[rng.integers(0, len(parts), len(parts))].sum(axis=0)
        resampled.append(total[SUMS.index("mass")] / total[SUMS.index("targeted")])
    low, high = np.quantile(resampled, [0.025, 0.975])
    found = scored(made)["target_mass"]
    assert (found.low, found.high) == pytest.approx((low, high), abs=4e-3)


@given(st.integers(0, 2**31), st.integers(1, 400), st.lists(st.integers(0, 2), min_size=400))
def test_sums_merge_in_any_order(seed: int, queries: int, owners: list[int]) -> None:
    rng = np.random.default_rng(seed)
    group, terms = rng.integers(0, GROUPS, queries), rng.random(queries)
    whole, parts = HeadSums(), [HeadSums() for _ in range(3)]
    whole.add(group, queries=np.ones(queries), mass=terms)
    owner = np.array(owners[:queries])
    for number, part in enumerate(parts):
        chosen = owner == number
        part.add(group[chosen], queries=np.ones(int(chosen.sum())), mass=terms[chosen])
    merged = HeadSums()
    for number in rng.permutation(3).tolist():
        merged.merge(parts[number])
    np.testing.assert_array_equal(merged.values[:, 0], whole.values[:, 0])
    np.testing.assert_allclose(merged.values, whole.values, rtol=1e-9)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (sums(groups=5), "only 5 of the 32 test groups"),
        (
            sums(40),
            "the target applies to 1. of the .* test queries, in .* groups .*; at least 20",
        ),
        (HeadSums(), "only 0 of the 32 test groups"),
    ],
)
def test_too_little_is_undefined_and_counted(made: HeadSums, reason: str) -> None:
    found = undefined_head_reasons(made)
    assert len(found) == 1
    assert re.search(reason, found[0])


def test_enough_is_defined() -> None:
    assert undefined_head_reasons(sums()) == ()


@given(st.integers(0, 5000))
def test_bands_hold_their_numbers_and_no_others(number: int) -> None:
    for band in (position_band, distance_band):
        low, high = band(number)
        assert low <= number <= high
        assert band(low) == band(high) == (low, high)
        assert low == 0 or band(low - 1)[1] == low - 1


def test_bands_are_named_by_their_ends() -> None:
    found = list(bands(np.array([1, 6, 40, 5]), distance_band))
    assert [name for _, _, name in found] == ["1", "5–8", "33–64"]


def test_shares_add_up_to_one() -> None:
    assert shares(0.25, 0.5).elsewhere == pytest.approx(0.25)
    assert shares(0.25, None).elsewhere == pytest.approx(0.75)
    assert shares(0.75, 0.25 + 1e-9).elsewhere == 0


def part(value: float, n: int, *, name: str = "0–7") -> Slice:
    score = Score(value=value, low=value - 0.01, high=value + 0.01)
    return Slice(by="position", name=name, n_tokens=n, scores={"target_mass": score})


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({}, 1),
        ({"value": 0.6}, 0),
        ({"n": 4}, 0),
        ({"status": "refuted"}, 0),
    ],
)
def test_a_large_slice_below_a_supported_bar_is_told(
    changes: dict[str, Any], sentences: int
) -> None:
    case = {"value": 0.1, "n": 10, "status": "supported"} | changes
    bar = Bar(metric="target_mass", at_least=0.5, status=case["status"])
    slices = [part(case["value"], case["n"]), part(0.9, 100, name="8–15")]
    found = weak_slices(slices, [bar], least=5)
    assert len(found) == sentences
    if found:
        assert found[0] == (
            "but not everywhere: target_mass 0.10 [0.09, 0.11] at position 0–7 (10 queries)"
        )


def seen(*lengths: int, seed: int) -> Seen:
    """Random attention on earlier tokens, over documents of so many tokens."""
    rng = np.random.default_rng(seed)
    on = shard(*lengths, window=6)
    edges = edges_on(DuplicateToken() | PreviousToken() | FirstToken(), on, corpus="c", causal=True)
    found = Queries.of(on, edges)
    looks = Looks(
        rng.random(len(found), dtype=np.float32),
        rng.random(len(found), dtype=np.float32),
        rng.random((2, 11)),
    )
    return Seen(on, found, looks, rng.random(len(on), dtype=np.float32))


@given(st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=4), min_size=2, max_size=4))
def test_what_is_kept_of_shards_merges(lengths: list[list[int]]) -> None:
    parts = [seen(*each, seed=number) for number, each in enumerate(lengths)]
    once, merged = Calibration(6, causal=True), Calibration(6, causal=True)
    slices, merged_slices = Slices([1, 2]), Slices([1, 2])
    distances, merged_distances = Distances(6), Distances(6)
    for part in parts:
        once.add(part)
        slices.add(part)
        distances.add(part.looks.profile[1], part.queries, part.test[part.queries.owners])
    for part in reversed(parts):
        alone, some, far = Calibration(6, causal=True), Slices([1, 2]), Distances(6)
        alone.add(part)
        some.add(part)
        far.add(part.looks.profile[1], part.queries, part.test[part.queries.owners])
        merged.merge(alone)
        merged_slices.merge(some)
        merged_distances.merge(far)
    assert (merged.n, merged.reaches, merged.tokens) == (once.n, once.reaches, once.tokens)
    assert merged.groups == once.groups
    np.testing.assert_array_equal(merged.targets, once.targets)
    np.testing.assert_allclose(merged.attention, once.attention, rtol=1e-9)
    assert merged_slices.sums.keys() == slices.sums.keys()
    for key, sums in slices.sums.items():
        np.testing.assert_allclose(merged_slices.sums[key].values, sums.values, rtol=1e-9)
    np.testing.assert_allclose(merged_distances.found, distances.found, rtol=1e-9)
    np.testing.assert_allclose(merged_distances.expected, distances.expected, rtol=1e-9)


@pytest.mark.parametrize("causal", [True, False])
def test_a_habit_gives_back_the_attention_it_was_fitted_to(causal: bool) -> None:
    rng = np.random.default_rng(0)
    length = 12
    weights = rng.random(2 * length - 1) ** 3
    reaches: dict[tuple[int, int], int] = {}
    attention, bos = np.zeros(2 * length - 1), 0.0
    for place in range(length):
        low = length - 1 if causal else place
        high = length - 1 + place
        n = int(rng.integers(1, 50))
        reaches[low, high] = n
        total = weights[low : high + 1].sum() + 0.5
        attention[low : high + 1] += n * weights[low : high + 1] / total
        bos += n * 0.5 / total
    fitted = Habit.fit(attention, bos, reaches)
    seen_at_all = attention > 0
    scale = fitted.bos / 0.5
    np.testing.assert_allclose(
        fitted.weights[seen_at_all], weights[seen_at_all] * scale, rtol=1e-3, atol=1e-9
    )

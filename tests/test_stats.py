"""State of shards, merged in any order, is the state of one pass."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mi_hypotheses import columns
from mi_hypotheses.grids import Grid, LabelGrid
from mi_hypotheses.layer_sums import CategorySums, CrossSums
from mi_hypotheses.stats import (
    Candidate,
    ExampleSet,
    Pilot,
    RivalTable,
    Tokens,
    UnitStatistics,
)
from tests.streams import Stream, noisy


def assert_same(left: UnitStatistics, right: UnitStatistics) -> None:
    assert np.array_equal(left.counts, right.counts)
    assert np.array_equal(left.documents, right.documents)
    assert np.array_equal(left.unlabelled, right.unlabelled)
    assert left.label_kind == right.label_kind
    np.testing.assert_allclose(left.sums, right.sums, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(left.moments, right.moments, rtol=1e-9, atol=1e-9)
    for name, examples in left.examples.items():
        assert examples.candidates == right.examples[name].candidates


def some_categories(seed: int, tokens: int) -> np.ndarray:
    """One of four categories a token, or none."""
    codes = np.random.default_rng(seed).integers(-1, 4, size=tokens)
    return np.where(codes < 0, np.nan, codes)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from(["boolean", "numeric", "categorical"]),
    st.integers(1, 9),
)
def test_merging_shards_in_any_order_is_one_pass(seed: int, kind: str, shards: int) -> None:
    stream = noisy(tokens=3_000, prevalence=0.2, seed=seed)
    numeric, categories = kind == "numeric", 4 if kind == "categorical" else 0
    if numeric:
        stream = Stream(stream.activations, np.round(stream.activations.astype(np.float64) * 3))
    if categories:
        stream = Stream(stream.activations, some_categories(seed, 3_000))
    order = list(range(stream.documents))
    random.Random(seed).shuffle(order)
    merged = stream.empty(numeric=numeric, categories=categories)
    for part in range(shards):
        some = sorted(order[part::shards])
        merged.merge(stream.statistics(some, numeric=numeric, categories=categories))
    assert_same(merged, stream.statistics(numeric=numeric, categories=categories))


def test_state_survives_a_round_trip_through_plain_data() -> None:
    made = noisy(tokens=2_000).statistics()
    assert_same(UnitStatistics.from_state_dict(made.state_dict()), made)
    numeric = noisy(tokens=2_000).statistics(numeric=True)
    assert_same(UnitStatistics.from_state_dict(numeric.state_dict()), numeric)
    stream = Stream(noisy(tokens=2_000).activations, some_categories(0, 2_000))
    categorical = stream.statistics(categories=4)
    assert_same(UnitStatistics.from_state_dict(categorical.state_dict()), categorical)


def test_tokens_without_a_category_are_counted_and_in_nothing_else() -> None:
    stream = noisy(tokens=4_000)
    labels = some_categories(1, 4_000)
    known = ~np.isnan(labels)
    made = Stream(stream.activations, labels).statistics(categories=4)
    assert made.unlabelled.sum() == (~known).sum()
    assert made.counts.sum() == made.moments[:, 0].sum() == known.sum()
    assert made.counts.sum(axis=(0, 2)).tolist() == [(labels == c).sum() for c in range(4)]
    shown = [c for examples in made.examples.values() for c in examples.candidates]
    assert shown
    assert not any(np.isnan(c.label) for c in shown)
    pilot = Pilot(100)
    tokens = stream.tokens(range(stream.documents))
    pilot.update(tokens.rank, stream.activations, labels)
    assert pilot.n == known.sum()
    assert pilot.start(categories=4).label_kind == "categorical"


def test_states_with_different_grids_do_not_merge() -> None:
    with pytest.raises(ValueError, match="different grids"):
        noisy(seed=1).statistics().merge(noisy(seed=2).statistics())


def test_grid_has_a_bin_of_its_own_for_exact_zeros_and_overflow_at_both_ends() -> None:
    grid = Grid.from_pilot(np.array([-1, 0, 0.5, 2], dtype=np.float32))
    tiny = np.nextafter(np.float32(0), np.float32(1))
    values = np.array([-9, -tiny, 0, tiny, 99], dtype=np.float32)
    bins = grid.bins(values)
    assert len(set(bins.tolist())) == 5
    assert bins[0] == 0
    assert bins[-1] == grid.n_bins - 1
    assert grid.n_bins >= 1024


def test_grid_contains_its_display_and_band_edges_and_stated_thresholds() -> None:
    grid = Grid.from_pilot(np.linspace(-0.3, 4.1, 999, dtype=np.float32), extra=[1.234])
    for wanted in (*grid.display_edges(32), *grid.band_edges(), np.float32(1.234)):
        assert wanted in grid.edges


def test_what_the_pilot_has_not_seen_is_still_told_apart() -> None:
    grid = Grid.from_pilot(np.linspace(0, 1, 500, dtype=np.float32))
    assert len(set(grid.bins(np.array([1.5, 2, 3, 4, 6], dtype=np.float32)).tolist())) == 5


@given(st.integers(0, 2**31), st.integers(1, 6))
def test_the_pilot_does_not_depend_on_the_order_of_shards(seed: int, shards: int) -> None:
    stream = noisy(tokens=600, seed=seed)
    order = list(range(stream.documents))
    random.Random(seed).shuffle(order)
    whole, parts = Pilot(100), Pilot(100)
    for pilot, cuts in ((whole, [range(stream.documents)]), (parts, range(shards))):
        for cut in cuts:
            documents = sorted(order[cut::shards]) if isinstance(cut, int) else cut
            if documents:
                index = stream.index(documents)
                ranks = stream.tokens(documents).rank
                pilot.update(ranks, stream.activations[index], stream.labels[index])
    left, right = whole.start(numeric=False), parts.start(numeric=False)
    assert np.array_equal(left.grid.edges, right.grid.edges)
    assert left.centre == pytest.approx(right.centre)


def test_a_constant_unit_has_a_grid_too() -> None:
    grid = Grid.from_pilot(np.full(10, 3, dtype=np.float32))
    assert grid.bins(np.array([2, 3, 99], dtype=np.float32))[2] == grid.n_bins - 1
    assert Grid.from_pilot(np.empty(0, dtype=np.float32)).n_bins >= 2


def test_label_grid_keeps_few_values_apart_and_bounds_many() -> None:
    few = LabelGrid.from_pilot(np.array([0.0, 1.0, 1.0, 4.0]))
    assert len(set(few.bins(np.array([0.0, 1.0, 4.0])).tolist())) == 3
    assert few.bounds(1, 3) == (1.0, 4.0)
    many = LabelGrid.from_pilot(np.random.default_rng(0).normal(size=9999))
    assert many.n_bins <= 64
    cuts = [0, 10, 30, many.n_bins]
    bounds = [many.bounds(a, b) for a, b in itertools.pairwise(cuts)]
    assert [high for _, high in bounds[:-1]] == [low for low, _ in bounds[1:]]


def test_examples_hold_at_most_two_tokens_of_a_document() -> None:
    kept = ExampleSet(4)
    kept.update(Candidate(-9.0 + i, i, "same", i, 9.0 - i, 0.0) for i in range(5))
    kept.update([Candidate(-1.0, 0, "other", 0, 1.0, 0.0)])
    assert [c.document_id for c in kept.candidates] == ["same", "same", "other"]


@pytest.mark.parametrize("size", [1, 12])
def test_examples_of_many_tokens_are_the_first_two_of_each_document(size: int) -> None:
    drawn = np.random.default_rng(size)
    document = np.sort(drawn.integers(3, 20, size=4_000)).astype(np.int32)
    document[:1_000] = 0  # one document has all the strongest tokens
    activations = drawn.integers(9, size=4_000).astype(np.float32)  # so that many are equal
    activations[:1_000] += 10
    rank = drawn.permutation(4_000).astype(np.uint64)
    names = tuple(f"d{number}" for number in range(20))
    tokens = Tokens(names, document, np.arange(4_000, dtype=np.int32), document % 64, rank)
    kept, chosen = ExampleSet(size), drawn.random(4_000) < 0.9
    kept.offer(tokens, -activations.astype(np.float64), activations, activations, chosen)
    expected: list[int] = []
    for i in sorted(np.flatnonzero(chosen), key=lambda i: (-activations[i], rank[i])):
        if sum(document[i] == document[other] for other in expected) < 2:
            expected.append(int(i))
    assert [each.position for each in kept.candidates] == expected[:size]


def test_only_test_documents_become_examples() -> None:
    stream = noisy(tokens=5_000)
    test_ids = {f"d{i // stream.per_document}" for i in np.flatnonzero(stream.test)}
    for examples in stream.statistics().examples.values():
        assert examples.candidates
        assert {c.document_id for c in examples.candidates} <= test_ids


def test_cross_sums_are_the_correlation_matrix() -> None:
    rng = np.random.default_rng(0)
    units, labels = rng.normal(size=(500, 4)).astype(np.float32), rng.normal(size=(500, 3))
    sums = CrossSums(units.mean(0, dtype=np.float64), np.zeros(3))
    other = CrossSums(sums.centre, sums.label_centre)
    sums.update(units[:200], labels[:200])
    other.update(units[200:], labels[200:])
    sums.merge(other)
    expected = np.corrcoef(labels.T, units.T)[:3, 3:]
    np.testing.assert_allclose(sums.pearson(), expected, atol=1e-6)
    sums.keep_labels([2])
    np.testing.assert_allclose(sums.pearson(), expected[2:], atol=1e-6)


def test_sums_by_category_give_each_units_eta_squared() -> None:
    rng = np.random.default_rng(0)
    codes = some_categories(2, 900)
    units = rng.normal(size=(900, 5)).astype(np.float32)
    units[:, 1] += np.nan_to_num(codes).astype(np.float32)
    units[:, 2] = 3.7  # constant
    sums = CategorySums(units.mean(0, dtype=np.float64), 4)
    other = CategorySums(sums.centre, 4)
    sums.update(units[:300], codes[:300])
    other.update(units[300:], codes[300:])
    sums.merge(other)
    known = ~np.isnan(codes)
    for unit, found in enumerate(sums.eta_squared().tolist()):
        parts = [units[codes == c, unit].astype(np.float64) for c in range(4)]
        a = units[known, unit].astype(np.float64)
        between = sum(len(part) * (part.mean() - a.mean()) ** 2 for part in parts)
        spread = ((a - a.mean()) ** 2).sum()
        assert found == pytest.approx(between / spread if unit != 2 else 0, abs=1e-6)


def test_sums_by_category_on_the_device_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    codes = some_categories(3, 700)
    units = rng.normal(size=(700, 6)).astype(np.float32)
    here, there = CategorySums(np.zeros(6), 4), CategorySums(np.zeros(6), 4)
    here.update(units, codes)
    for part in (slice(0, 200), slice(200, 700)):
        columns._add_categories(there, torch.from_numpy(units[part]), codes[part])
    assert np.array_equal(here.counts, there.counts)
    np.testing.assert_allclose(here.sums, there.sums, atol=1e-4)
    np.testing.assert_allclose(here.eta_squared(), there.eta_squared(), atol=1e-6)


def test_rival_tables_split_calibration_from_test() -> None:
    table = RivalTable()
    keys = np.array([0, 2, 2])
    activations = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    table.update(keys, activations, np.array([False, False, True]))
    assert table.sums[0].tolist() == [[1, 1], [0, 0], [1, 2]]
    assert table.sums[1].tolist() == [[0, 0], [0, 0], [1, 3]]
    larger = RivalTable()
    larger.update(np.array([4]), activations[:1], np.array([True]))
    table.merge(larger)
    larger.merge(table)
    assert table.sums[1].tolist() == [[0, 0], [0, 0], [1, 3], [0, 0], [1, 1]]
    assert larger.sums[1, 4].tolist() == [2, 2]

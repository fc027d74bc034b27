"""Sums of any split of the tokens, merged in any order, are the sums of one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mi_hypotheses.head_scores import SUMS, HeadSums
from mi_hypotheses.layer_sums import CategorySums, CrossSums
from mi_hypotheses.scan_sums import PARTS, PartSums, Rows
from mi_hypotheses.scan_totals import LabelCounts, LayerTotals, add
from mi_hypotheses.stats import Candidate, ExampleSet, RivalTable
from mi_hypotheses.text import GROUPS

TOKENS = 400
UNITS = 6

Tokens = NDArray[np.int64]
Split = Sequence[Tokens]
T = TypeVar("T")


@st.composite
def splits(draw: Callable[..., Any]) -> tuple[int, list[Tokens]]:
    """A seed, and all tokens in some parts, of which some may be empty."""
    seed, parts = draw(st.integers(0, 2**31)), draw(st.integers(1, 7))
    owner = np.random.default_rng(seed).integers(parts, size=TOKENS)
    order = draw(st.permutations(range(parts)))
    return seed, [np.flatnonzero(owner == part) for part in order]


def merged(empty: Callable[[], T], add: Callable[[T, Tokens], None], split: Split) -> T:
    """What the parts of a split add up to, each taken into a state of its own."""
    into = empty()
    for part in split:
        of_part = empty()
        add(of_part, part)
        into.merge(of_part)  # type: ignore[attr-defined] # all that is tested here merges
    return into


def whole(empty: Callable[[], T], add: Callable[[T, Tokens], None]) -> T:
    """One pass over all tokens."""
    made = empty()
    add(made, np.arange(TOKENS))
    return made


def near(left: NDArray[Any], right: NDArray[Any]) -> None:
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


def activations(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng([seed, 1]).normal(3, 2, size=(TOKENS, UNITS)).astype(np.float32)


def codes(seed: int) -> NDArray[np.float64]:
    drawn = np.random.default_rng([seed, 2]).integers(-1, 4, size=TOKENS)
    return np.where(drawn < 0, np.nan, drawn)


@settings(max_examples=25)
@given(splits())
def test_cross_sums(split: tuple[int, list[Tokens]]) -> None:
    seed, parts = split
    a, labels = activations(seed), np.random.default_rng(seed).normal(size=(TOKENS, 3))

    def add(into: CrossSums, tokens: Tokens) -> None:
        into.update(a[tokens], labels[tokens])

    def empty() -> CrossSums:
        return CrossSums(np.full(UNITS, 2.5), np.zeros(3))

    found, expected = merged(empty, add, parts), whole(empty, add)
    assert found.n == expected.n
    for name in ("unit_sums", "label_sums", "products"):
        near(getattr(found, name), getattr(expected, name))
    near(found.pearson(), expected.pearson())


@settings(max_examples=25)
@given(splits())
def test_category_sums(split: tuple[int, list[Tokens]]) -> None:
    seed, parts = split
    a, labels = activations(seed), codes(seed)

    def add(into: CategorySums, tokens: Tokens) -> None:
        into.update(a[tokens], labels[tokens])

    def empty() -> CategorySums:
        return CategorySums(np.full(UNITS, 2.5), 4)

    found, expected = merged(empty, add, parts), whole(empty, add)
    assert np.array_equal(found.counts, expected.counts)
    near(found.sums, expected.sums)
    near(found.squares, expected.squares)
    near(found.eta_squared(), expected.eta_squared())


@settings(max_examples=25)
@given(splits())
def test_rival_tables(split: tuple[int, list[Tokens]]) -> None:
    seed, parts = split
    drawn = np.random.default_rng(seed)
    keys, test, a = drawn.integers(50, size=TOKENS), drawn.random(TOKENS) < 0.5, activations(seed)

    def add(into: RivalTable, tokens: Tokens) -> None:
        into.update(keys[tokens], a[tokens, 0], test[tokens])

    found, expected = merged(RivalTable, add, parts), whole(RivalTable, add)
    assert np.array_equal(found.sums[:, :, 0], expected.sums[:, :, 0])
    near(found.sums, expected.sums)


@settings(max_examples=25)
@given(splits())
def test_head_sums(split: tuple[int, list[Tokens]]) -> None:
    seed, parts = split
    drawn = np.random.default_rng(seed)
    group, terms = drawn.integers(GROUPS, size=TOKENS), drawn.random((len(SUMS), TOKENS))

    def add(into: HeadSums, tokens: Tokens) -> None:
        named = {name: terms[row, tokens] for row, name in enumerate(SUMS)}
        into.add(group[tokens], **named)

    near(merged(HeadSums, add, parts).values, whole(HeadSums, add).values)


@settings(max_examples=25)
@given(splits())
def test_the_sums_of_scans(split: tuple[int, list[Tokens]]) -> None:
    seed, parts = split
    drawn = np.random.default_rng(seed)
    a, part = activations(seed), drawn.integers(PARTS, size=TOKENS)
    rows = Rows(2, (4,), np.array([0.3]), np.array([2.0]))
    booleans = [(drawn.random(TOKENS) < 0.3).astype(np.float64) for _ in range(2)]
    labels = rows.matrix(TOKENS, booleans, [codes(seed)], [drawn.normal(size=TOKENS)])

    def sums(tokens: Tokens) -> PartSums:
        order = tokens[np.argsort(part[tokens], kind="stable")]
        borders = np.searchsorted(part[order], np.arange(PARTS + 1)).tolist()
        counts = LabelCounts(rows)
        counts.add(labels[1:, order], borders)
        centre, step = torch.full((UNITS,), 3.0), torch.full((UNITS,), 2.0)
        layer = LayerTotals(rows, centre, step, device="cpu")
        chosen = torch.from_numpy(labels[:, order])
        add(layer.additions(torch.from_numpy(a[order]), chosen, borders))
        return layer.sums(counts)

    found, expected = PartSums.empty(rows, UNITS), sums(np.arange(TOKENS))
    for some in parts:
        found.merge(sums(some))
    for name in ("n", "fires", "hits"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    for name in ("units", "labels", "products", "squares"):  # float32 within a tile
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=1e-4, atol=1e-3
        )
    for score in ("boolean", "category", "numeric"):
        left, right = getattr(found, score)(0), getattr(expected, score)(0)
        np.testing.assert_allclose(left.test, right.test, atol=1e-5)
        np.testing.assert_allclose(left.error, right.error, atol=1e-5)


@settings(max_examples=50)
@given(splits(), st.integers(1, 20))
def test_example_sets(split: tuple[int, list[Tokens]], size: int) -> None:
    seed, parts = split
    drawn = np.random.default_rng(seed)
    keys, owner = drawn.integers(9, size=TOKENS), drawn.integers(30, size=TOKENS)
    everything = [
        Candidate(float(keys[i]), int(i * 7919 % TOKENS), f"d{owner[i]}", i, -float(keys[i]), 0.0)
        for i in range(TOKENS)
    ]
    found, expected = ExampleSet(size), ExampleSet(size)
    expected.update(everything)
    for part in parts:
        of_part = ExampleSet(size)
        of_part.update(everything[i] for i in part.tolist())
        found.update(of_part.candidates)
    assert found.candidates == expected.candidates
    assert len(found.candidates) == size

"""Scores equal scikit-learn's and SciPy's, and fall when the claim is made worse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn import metrics as sklearn_metrics

from mi_hypotheses import metrics as m
from mi_hypotheses import rivals
from mi_hypotheses.reports import Score
from mi_hypotheses.stats import RivalTable, UnitStatistics
from mi_hypotheses.text import CALIBRATION_GROUPS, group_of
from tests.streams import Stream, noisy

HEADLINE = ("pearson", "ap", "f1")


def scored(
    statistics: UnitStatistics, *, numeric: bool = False, fires_bin: int | None = None
) -> dict[str, Score]:
    chosen = fires_bin if fires_bin is not None or numeric else m.best_threshold_bin(statistics)
    weights = m.bootstrap_weights(statistics, seed=0)
    evidence = m.Evidence.of(statistics, weights, threshold_bin=chosen)
    return m.scores(evidence, m.builtin_metrics(), numeric=numeric)


def values(stream: Stream, *, numeric: bool = False) -> dict[str, float]:
    found = scored(stream.statistics(numeric=numeric), numeric=numeric)
    return {name: score.value for name, score in found.items() if score.value is not None}


@pytest.mark.parametrize("prevalence", [0.5, 0.1, 0.01])
def test_scores_equal_scikit_learn_and_scipy(prevalence: float) -> None:
    stream = noisy(prevalence=prevalence, strength=2)
    statistics = stream.statistics()
    found = values(stream)
    test = stream.test
    a, c = stream.activations[test], stream.labels[test]
    fires_bin = m.best_threshold_bin(statistics)
    assert fires_bin is not None
    fires = a >= statistics.grid.edges[fires_bin - 1]
    assert found["pearson"] == pytest.approx(scipy_stats.pearsonr(a, c).statistic, abs=1e-6)
    assert found["f1"] == pytest.approx(sklearn_metrics.f1_score(c, fires))
    assert found["precision"] == pytest.approx(sklearn_metrics.precision_score(c, fires))
    assert found["recall"] == pytest.approx(sklearn_metrics.recall_score(c, fires))
    assert found["auroc"] == pytest.approx(sklearn_metrics.roc_auc_score(c, a), abs=2e-3)
    exact = sklearn_metrics.average_precision_score(c, a)
    assert found["ap"] == pytest.approx(exact, abs=2e-3)
    assert found["lift"] == pytest.approx(found["ap"] / c.mean())
    positive = np.maximum(a.astype(np.float64), 0)
    assert found["specificity"] == pytest.approx((positive * c).sum() / positive.sum())


def test_variance_explained_is_the_share_of_variance_between_labels() -> None:
    stream = noisy()
    a, c = stream.activations[stream.test].astype(np.float64), stream.labels[stream.test]
    p = c.mean()
    within = (1 - p) * a[c == 0].var() + p * a[c == 1].var()
    assert values(stream)["variance_explained"] == pytest.approx(1 - within / a.var(), abs=1e-6)


def test_numeric_scores_equal_scipy() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 9, size=20_000).astype(np.float64)
    activations = (np.exp(labels / 4) + rng.normal(size=len(labels))).astype(np.float32)
    stream = Stream(activations, labels)
    found = values(stream, numeric=True)
    a, c = activations[stream.test], labels[stream.test]
    assert found["pearson"] == pytest.approx(scipy_stats.pearsonr(a, c).statistic, abs=1e-6)
    assert found["spearman"] == pytest.approx(scipy_stats.spearmanr(a, c).statistic, abs=2e-3)
    assert "f1" not in found


def test_planted_truth_scores_one_everywhere() -> None:
    labels = noisy(prevalence=0.1).labels
    found = values(Stream(labels.astype(np.float32), labels))
    assert {name: round(value, 9) for name, value in found.items() if name != "lift"} == (
        dict.fromkeys(set(found) - {"lift"}, 1.0)
    )


@pytest.mark.parametrize("prevalence", [0.5, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("change", ["drop half of the positives", "double them with wrong ones"])
def test_headline_scores_fall_when_labels_get_worse(prevalence: float, change: str) -> None:
    tokens = int(max(20_000, 400 / prevalence))
    good = noisy(prevalence=prevalence, strength=4, tokens=tokens)
    rng = np.random.default_rng(1)
    labels = good.labels.copy()
    positive, negative = np.flatnonzero(labels > 0), np.flatnonzero(labels == 0)
    if change.startswith("drop"):
        labels[rng.permutation(positive)[: len(positive) // 2]] = 0
    else:
        wrong = min(len(positive), len(negative) // 2)  # half of the tokens cannot be doubled
        labels[rng.permutation(negative)[:wrong]] = 1
    before, after = values(good), values(Stream(good.activations, labels))
    for metric in HEADLINE:
        assert after[metric] < 0.95 * before[metric], metric


def test_threshold_is_chosen_on_calibration_documents() -> None:
    base = noisy(prevalence=0.3)
    calibration = ~base.test
    activations = np.where(calibration, base.labels * 2, base.labels * 4).astype(np.float32)
    activations += np.where(base.labels == 0, 0.5, 0).astype(np.float32)
    statistics = Stream(activations, base.labels).statistics()
    fires_bin = m.best_threshold_bin(statistics)
    assert fires_bin is not None
    assert 0.5 < statistics.grid.edges[fires_bin - 1] <= 2


def test_reported_scores_ignore_calibration_documents() -> None:
    base = noisy()
    spoilt = np.where(base.test, base.activations, -base.activations).astype(np.float32)
    statistics, other = base.statistics(), Stream(spoilt, base.labels).statistics()
    for metric in ("pearson", "auroc"):
        assert scored(statistics)[metric].value == pytest.approx(
            scored(other)[metric].value, abs=2e-3
        )


def test_intervals_cover_and_widen_with_fewer_documents() -> None:
    many, few = (scored(noisy(tokens=n, seed=5).statistics())["pearson"] for n in (40_000, 4_000))
    for score in (many, few):
        assert score.low is not None
        assert score.high is not None
        assert score.value is not None
        assert score.low < score.value < score.high
    assert few.high - few.low > 1.5 * (many.high - many.low)  # type: ignore[operator] # above


def test_too_few_groups_or_tokens_is_undefined_with_the_reason() -> None:
    short = noisy(tokens=300)
    assert "test groups have documents" in m.undefined_reasons(short.statistics())[0]
    rare = noisy(prevalence=0.0005, tokens=5_000)
    assert "positive test tokens" in m.undefined_reasons(rare.statistics())[0]
    dead = Stream(np.full(5_000, 0.5, dtype=np.float32), noisy(tokens=5_000).labels)
    assert "dead" in m.undefined_reasons(dead.statistics())[0]
    same = Stream(noisy(tokens=5_000).activations, np.ones(5_000))
    assert "same on every" in m.undefined_reasons(same.statistics(numeric=True))[0]
    assert m.undefined_reasons(noisy().statistics()) == ()


def test_verdict_is_the_worst_bar() -> None:
    found = {
        "f1": Score(value=0.8, low=0.7, high=0.9),
        "ap": Score(value=0.5, low=0.4, high=0.6),
        "pearson": Score(value=0.2, low=0.1, high=0.3),
    }
    assert m.judge({"f1": 0.7}, found, ())[1].status == "supported"
    assert m.judge({"f1": 0.7, "ap": 0.5}, found, ())[1].status == "inconclusive"
    bars, verdict = m.judge({"f1": 0.7, "ap": 0.5, "pearson": 0.4}, found, ())
    assert verdict.status == "refuted"
    assert [bar.status for bar in bars] == ["supported", "inconclusive", "refuted"]
    assert "pearson 0.20 [0.10, 0.30] falls short of 0.4" in verdict.reasons
    undefined = m.judge({"f1": 0.7}, {}, ("no positives",))[1]
    assert (undefined.status, undefined.reasons) == ("undefined", ("no positives",))


def test_auroc_alone_is_warned_about() -> None:
    found = {"auroc": Score(value=0.99, low=0.98, high=0.999)}
    assert "auroc alone" in m.judge({"auroc": 0.9}, found, ())[1].reasons[-1]


def test_constant_floors_are_what_scikit_learn_gives_to_constant_answers() -> None:
    c = noisy(prevalence=0.1).labels
    floors = rivals.constant_floors(float(c.mean()), numeric=False)
    assert floors["f1.constant"] == pytest.approx(sklearn_metrics.f1_score(c, np.ones_like(c)))
    assert floors["ap.random"] == pytest.approx(
        sklearn_metrics.average_precision_score(c, np.ones_like(c))
    )


def rival(stream: Stream, keys: np.ndarray, threshold: float) -> dict[str, float]:
    """The floors of a rival that sees the keys, at a stated threshold."""
    statistics, table = stream.statistics(), RivalTable()
    table.update(keys, stream.activations, stream.test)
    prevalence = float(stream.labels[~stream.test].mean())
    fires_bin = int(np.searchsorted(statistics.grid.edges, threshold))
    chosen = rivals.rival_keys(table, prevalence=prevalence)
    claim = rivals.RivalClaim(chosen, np.zeros((2, statistics.grid.n_bins)))
    test = stream.test
    bins = statistics.grid.bins(stream.activations[test])
    claim.update(keys[test], stream.activations[test], bins)
    floors = claim.floors("token_identity", m.builtin_metrics(), threshold_bin=fires_bin + 1)
    return floors | {"pearson.token_identity": rivals.rival_pearson(table, statistics)}


def test_a_unit_that_is_a_token_detector_is_wholly_explained_by_the_token() -> None:
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 50, size=20_000)
    per_key = rng.normal(size=50).astype(np.float32)
    stream = Stream(per_key[keys], (keys < 5).astype(np.float64))
    floors = rival(stream, keys, 0.5)
    assert floors["pearson.token_identity"] == pytest.approx(1)
    for metric in ("ap", "auroc", "recall"):
        assert floors[f"{metric}.token_identity"] == pytest.approx(1, abs=0.02), metric


def test_a_rival_that_knows_nothing_of_use_is_near_zero() -> None:
    stream = noisy()
    keys = np.random.default_rng(1).integers(0, 5, size=len(stream.labels))
    floors = rival(stream, keys, 1.0)
    assert abs(floors["pearson.token_identity"]) < 0.05
    assert floors["auroc.token_identity"] == pytest.approx(0.5, abs=0.05)
    assert floors["ap.token_identity"] < 0.25


def test_a_permuted_predicate_does_not_beat_its_floors() -> None:
    good = noisy(strength=4)
    labels = np.random.default_rng(2).permutation(good.labels)
    found = scored(Stream(good.activations, labels).statistics())
    floors = rivals.constant_floors(float(labels.mean()), numeric=False)
    sentences = rivals.unbeaten_floors(found, floors, ["pearson", "f1", "ap"])
    assert any(sentence.startswith("pearson") for sentence in sentences)
    assert any(sentence.startswith("f1") for sentence in sentences)
    assert rivals.unbeaten_floors(scored(good.statistics()), floors, ["pearson", "f1", "ap"]) == []


def test_bootstrap_resamples_only_test_groups_that_have_documents() -> None:
    stream = noisy(tokens=1_500)
    weights = m.bootstrap_weights(stream.statistics(), seed=0)
    present = {group_of(f"d{d}") - CALIBRATION_GROUPS for d in range(stream.documents)}
    present = {group for group in present if group >= 0}
    assert set(np.flatnonzero(weights.sum(axis=0)).tolist()) == present
    assert np.all(weights[1:].sum(axis=1) == len(present))

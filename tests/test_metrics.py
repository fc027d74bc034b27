"""Scores equal scikit-learn's and SciPy's, and fall when the claim is made worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn import linear_model
from sklearn import metrics as sklearn_metrics

from mi_hypotheses import metrics as m
from mi_hypotheses import rivals
from mi_hypotheses.reports import Score
from mi_hypotheses.stats import RivalTable, UnitStatistics
from mi_hypotheses.text import CALIBRATION_GROUPS, group_of
from tests.streams import Stream, noisy

HEADLINE = ("pearson", "ap", "f1")


def scored(statistics: UnitStatistics) -> dict[str, Score]:
    boolean = statistics.label_kind == "boolean"
    chosen = m.best_threshold_bin(statistics) if boolean else None
    weights = m.bootstrap_weights(statistics, seed=0)
    evidence = m.Evidence.of(statistics, weights, threshold_bin=chosen)
    values = m.computed(evidence, m.builtin_metrics(), statistics.label_kind)
    return {name: m.interval(found) for name, found in values.items()}


def values(stream: Stream, *, numeric: bool = False, categories: int = 0) -> dict[str, float]:
    found = scored(stream.statistics(numeric=numeric, categories=categories))
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


def test_scores_of_a_resample_are_those_of_tokens_as_often_as_their_group_was_drawn() -> None:
    stream = noisy(prevalence=0.1, strength=1, tokens=20_000)
    statistics = stream.statistics()
    weights = m.bootstrap_weights(statistics, seed=3)[:80]
    evidence = m.Evidence.of(statistics, weights, threshold_bin=m.best_threshold_bin(statistics))
    found = m.computed(evidence, m.builtin_metrics(), "boolean")
    test = stream.test
    a, c = stream.activations[test], stream.labels[test]
    bins, group = statistics.grid.bins(a), stream.groups[test] - CALIBRATION_GROUPS
    for row in (0, 1, 79):
        often = weights[row, group]
        ap = sklearn_metrics.average_precision_score(c, bins, sample_weight=often)
        auroc = sklearn_metrics.roc_auc_score(c, bins, sample_weight=often)
        f1 = sklearn_metrics.f1_score(c, bins >= evidence.threshold_bin, sample_weight=often)
        assert found["ap"][row] == pytest.approx(ap)
        assert found["auroc"][row] == pytest.approx(auroc)
        assert found["f1"][row] == pytest.approx(f1)
        assert found["lift"][row] == pytest.approx(ap * often.sum() / (often @ c))


def test_spearman_of_a_resample_is_that_of_tokens_as_often_as_their_group_was_drawn() -> None:
    stream = noisy(prevalence=0.3, strength=1, tokens=5_000)
    stream = replace(stream, labels=stream.labels + np.arange(5_000) % 3)
    statistics = stream.statistics(numeric=True)
    weights = m.bootstrap_weights(statistics, seed=3)[:80]
    found = m.computed(m.Evidence.of(statistics, weights), m.builtin_metrics(), "numeric")
    test = stream.test
    bins = np.searchsorted(statistics.rank_edges, stream.activations[test], side="right")
    group = stream.groups[test] - CALIBRATION_GROUPS
    for row in (0, 1, 79):
        often = weights[row, group].astype(int)
        expected = scipy_stats.spearmanr(bins.repeat(often), stream.labels[test].repeat(often))
        assert found["spearman"][row] == pytest.approx(expected.statistic)


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


def test_spearman_of_a_label_with_many_values_is_near_scipys() -> None:
    rng = np.random.default_rng(4)
    labels = np.round(rng.gamma(2.0, 300.0, size=20_000))  # like a position in a document
    activations = (np.log1p(labels) + rng.normal(size=len(labels))).astype(np.float32)
    stream = Stream(activations, labels)
    a, c = activations[stream.test], labels[stream.test]
    exact = scipy_stats.spearmanr(a, c).statistic
    assert values(stream, numeric=True)["spearman"] == pytest.approx(exact, abs=5e-3)


def kinds(
    *, categories: int = 6, strength: float = 1.0, tokens: int = 20_000, seed: int = 0
) -> Stream:
    """Categories of unequal sizes, activations with a mean for each, and no category on a tenth
    of the tokens."""
    rng = np.random.default_rng(seed)
    sizes = rng.dirichlet(np.full(categories, 3.0))
    labels = rng.choice(categories, size=tokens, p=sizes).astype(np.float64)
    means = strength * rng.normal(size=categories)
    activations = rng.normal(size=tokens) + means[labels.astype(int)] + 7
    labels[rng.random(tokens) < 0.1] = np.nan
    return Stream(activations.astype(np.float32), labels)


def test_eta_squared_is_the_share_of_variance_between_categories() -> None:
    stream = kinds()
    found = values(stream, categories=6)
    assert set(found) == {"eta_squared"}
    known = stream.test & ~np.isnan(stream.labels)
    a, c = stream.activations[known].astype(np.float64), stream.labels[known]
    groups = [a[c == code] for code in np.unique(c)]
    between = sum(len(part) * (part.mean() - a.mean()) ** 2 for part in groups)
    eta = between / ((a - a.mean()) ** 2).sum()
    assert found["eta_squared"] == pytest.approx(eta, abs=1e-6)
    f = scipy_stats.f_oneway(*groups).statistic
    k, n = len(groups), len(a)
    assert found["eta_squared"] == pytest.approx(f * (k - 1) / (f * (k - 1) + n - k), abs=1e-6)
    indicators = (c[:, None] == np.unique(c)).astype(np.float64)
    fit = linear_model.LinearRegression(fit_intercept=False).fit(indicators, a)
    assert found["eta_squared"] == pytest.approx(fit.score(indicators, a), abs=1e-6)


def test_eta_squared_of_two_categories_is_the_variance_explained_by_a_boolean_label() -> None:
    stream = noisy()
    explained = values(stream)["variance_explained"]
    assert values(stream, categories=2)["eta_squared"] == pytest.approx(explained, abs=1e-9)


def test_planted_categories_score_one_and_permuted_ones_do_not_beat_their_floors() -> None:
    labels = kinds().labels
    activations = np.nan_to_num(labels).astype(np.float32) ** 2
    assert values(Stream(activations, labels), categories=6)["eta_squared"] == pytest.approx(1)
    permuted = np.random.default_rng(2).permutation(labels)
    statistics = Stream(activations, permuted).statistics(categories=6)
    floors = rivals.constant_floors(statistics)
    assert floors["eta_squared.constant"] == 0
    known = int(statistics.moments[m.TEST, 0].sum())
    assert floors["eta_squared.random"] == pytest.approx(5 / (known - 1))
    assert rivals.unbeaten_floors(scored(statistics), floors, ["eta_squared"])
    good = Stream(activations, labels).statistics(categories=6)
    assert not rivals.unbeaten_floors(scored(good), floors, ["eta_squared"])


@pytest.mark.parametrize("seed", range(3))
def test_many_categories_without_an_effect_do_not_beat_chance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 60, size=6_000).astype(np.float64)
    statistics = Stream(rng.normal(size=6_000).astype(np.float32), labels).statistics(categories=60)
    score = scored(statistics)["eta_squared"]
    assert score.low is not None
    assert score.low <= rivals.constant_floors(statistics)["eta_squared.random"]


@pytest.mark.parametrize("strength", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("change", ["deal half anew", "merge pairs", "cover the unlabelled"])
def test_eta_squared_falls_when_categories_get_worse(strength: float, change: str) -> None:
    good = kinds(strength=strength)
    rng = np.random.default_rng(1)
    labels = good.labels.copy()
    if change == "merge pairs":
        labels = labels // 2
    elif change == "deal half anew":
        some = np.flatnonzero(rng.random(len(labels)) < 0.5)
        labels[some] = rng.permutation(labels[some])
    else:
        labels[np.isnan(labels)] = rng.integers(0, 6, size=int(np.isnan(labels).sum()))
    before, after = (
        values(good, categories=6),
        values(Stream(good.activations, labels), categories=6),
    )
    assert after["eta_squared"] < 0.95 * before["eta_squared"]


def test_categories_that_cannot_be_scored_are_undefined_with_the_reason() -> None:
    stream = kinds(tokens=5_000)
    one = Stream(stream.activations, np.where(stream.labels == 0, 0.0, np.nan))
    reasons = m.undefined_reasons(one.statistics(categories=6))
    assert reasons == ("only 1 of the 6 categories has at least 20 test tokens; 2 are needed",)
    none = Stream(stream.activations, np.full(5_000, np.nan))
    assert "tokens with a category" in m.undefined_reasons(none.statistics(categories=6))[0]
    dead = Stream(np.full(5_000, 0.5, dtype=np.float32), stream.labels)
    assert "dead" in m.undefined_reasons(dead.statistics(categories=6))[0]
    assert m.undefined_reasons(stream.statistics(categories=6)) == ()


def test_a_token_detectors_variance_is_all_explained_by_the_token() -> None:
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 50, size=20_000)
    stream = Stream(rng.normal(size=50).astype(np.float32)[keys], (keys % 4).astype(np.float64))
    statistics, table = stream.statistics(categories=4), RivalTable()
    table.update(keys, stream.activations, stream.test)
    floors = rivals.prediction_floors("token_identity", table, statistics)
    assert floors == {"eta_squared.token_identity": pytest.approx(1)}
    assert 0 < values(stream, categories=4)["eta_squared"] < 0.5


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
    stream = noisy(prevalence=0.1)
    c = stream.labels[stream.test]
    floors = rivals.constant_floors(stream.statistics())
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
    permuted = Stream(good.activations, labels).statistics()
    found, floors = scored(permuted), rivals.constant_floors(permuted)
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


def test_a_metric_that_gives_no_score_for_each_row_is_refused() -> None:
    statistics = noisy(tokens=5_000).statistics()
    evidence = m.Evidence.of(statistics, m.bootstrap_weights(statistics, seed=0))
    by_group = m.Metric("by_group", "boolean", lambda evidence: evidence.group_moments[:, 0])
    with pytest.raises(ValueError, match=r"'by_group'.*shape \(32,\).*1001 rows"):
        m.computed(evidence, [by_group], "boolean")


def test_a_rival_has_all_that_a_metric_may_ask_for() -> None:
    drawn = np.random.default_rng(0)
    keys, a = drawn.integers(4, size=500), drawn.normal(size=500).astype(np.float32)
    claim = rivals.RivalClaim(np.array([True, False, False, True]), np.zeros((2, 8)))
    claim.update(keys[:200], a[:200], np.zeros(200, dtype=np.int64))
    claim.update(keys[200:], a[200:], np.zeros(300, dtype=np.int64))
    mean = m.Metric("mean", "boolean", lambda evidence: evidence.sums[:, 1] / evidence.totals[:, 1])
    found = claim.floors("token_identity", [mean], threshold_bin=None)
    expected = a[(keys == 0) | (keys == 3)].mean()
    assert found == {"mean.token_identity": pytest.approx(expected, rel=1e-5)}

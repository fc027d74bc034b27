"""The engine, end to end, on a model whose truth is known."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from mi_hypotheses import metrics
from mi_hypotheses.cache import Cache
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.function_predicates import (
    CategoryPredicate,
    category,
    predicate,
    token_category,
    token_predicate,
)
from mi_hypotheses.hypotheses import AnyNeuron, Fires, Neuron, Unit
from mi_hypotheses.predicates import Labels, Predicate, Regex
from mi_hypotheses.reports import Report, Result
from mi_hypotheses.text import Spans, TokenView
from tests.planted import DEAD, PLANTED, planted_model, random_texts

HASH = Regex("#")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted_model(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred documents of letters, spaces and '#', some longer than a window."""
    path = tmp_path_factory.mktemp("corpus") / "texts.jsonl"
    return random_texts(path, "abcdé <#\n", documents=200, least=5)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


class Asker:
    """Asks about the planted model on the corpus."""

    def __init__(self, model: Path, corpus: Path, cache: Cache) -> None:
        self.model, self.corpus, self.cache = str(model), str(corpus), cache

    def claim(
        self,
        on: Predicate = HASH,
        unit: Unit | None = None,
        *,
        name: str = "hash",
        corpus: str = "",
        threshold: float | None = None,
    ) -> Fires:
        return Fires(
            name=name,
            claim="Fires on '#'.",
            model=self.model,
            unit=unit or Neuron(layer=0, index=PLANTED),
            on=on,
            corpora=[corpus or self.corpus],
            expect={
                "boolean": {"f1": 0.9, "pearson": 0.9},
                "numeric": {"pearson": 0.9},
                "categorical": {"eta_squared": 0.9},
            }[on.label_kind],
            threshold=threshold,
        )

    def report(self, *claims: Fires, options: RunOptions | None = None) -> Report:
        return run(claims, options=options or RunOptions(device="cpu"), cache=self.cache)

    def result(self, claim: Fires, options: RunOptions | None = None) -> Result:
        [result] = self.report(claim, options=options).results
        return result


@pytest.fixture
def ask(model: Path, corpus: Path, cache: Cache) -> Asker:
    return Asker(model, corpus, cache)


def test_planted_truth_scores_one_on_every_metric(ask: Asker) -> None:
    result = ask.result(ask.claim())
    assert result.verdict.status == "supported"
    for name, score in result.scores.items():
        if name != "lift":
            assert score.value == pytest.approx(1), name
            assert score.low == pytest.approx(1), name
    assert result.examples.false_positives == ()
    assert result.examples.false_negatives == ()
    assert {example.tokens[example.focus].text for example in result.examples.top} == {"#"}
    assert result.comparison_percentile == 1


def test_a_permuted_predicate_does_not_beat_its_floors(ask: Asker) -> None:
    @predicate
    def anywhere(text: str) -> list[tuple[int, int]]:
        rng = random.Random(text)
        places = rng.sample(range(len(text)), text.count("#"))
        return [(place, place + 1) for place in places]

    result = ask.result(ask.claim(anywhere))
    assert result.verdict.status == "refuted"
    assert any("does not beat its floor" in reason for reason in result.verdict.reasons)
    assert result.scores["pearson"].value == pytest.approx(0, abs=0.1)


def test_a_search_finds_the_planted_neuron(ask: Asker) -> None:
    for unit in (AnyNeuron(layer=0), AnyNeuron()):
        result = ask.result(ask.claim(unit=unit))
        assert result.unit == f"L0N{PLANTED}"
        assert result.searched is not None
        assert "best of 80" in result.searched
        assert result.scores["pearson"].value == pytest.approx(1)


def test_a_search_finds_a_neuron_that_goes_down(ask: Asker) -> None:
    result = ask.result(ask.claim(~HASH, AnyNeuron(layer=0)))
    assert (result.unit, result.sign) == (f"L0N{PLANTED}", "-")


def test_a_dead_unit_is_undefined(ask: Asker) -> None:
    result = ask.result(ask.claim(unit=Neuron(layer=0, index=DEAD)))
    assert result.verdict.status == "undefined"
    assert "dead" in result.verdict.reasons[0]


def test_a_predicate_without_positives_is_undefined(ask: Asker) -> None:
    result = ask.result(ask.claim(Regex("never")))
    assert result.verdict.status == "undefined"
    assert "only 0 positive" in result.verdict.reasons[0]


def test_numeric_labels(ask: Asker) -> None:
    @predicate(numeric=True)
    def twice(text: str) -> Spans:
        places = [(i, i + 1) for i, c in enumerate(text) if c == "#"]
        return Spans(places, [2.0] * len(places))

    result = ask.result(ask.claim(twice))
    assert result.verdict.status == "supported"
    assert result.scores["spearman"].value == pytest.approx(1)
    assert [band.mean_activation for band in result.label_bands] == pytest.approx([0, 1], abs=0.01)


@category(names=["hash", "letter", "never", "bracket"])
def sort_of_character(text: str) -> list[tuple[int, int, str]]:
    """White space and 'é' have none."""
    names = {"#": "hash", "<": "bracket"} | dict.fromkeys("abcd", "letter")
    return [(i, i + 1, names[c]) for i, c in enumerate(text) if c in names]


def test_planted_categories(ask: Asker) -> None:
    result = ask.result(ask.claim(sort_of_character))
    assert result.label_kind == "categorical"
    assert result.verdict.status == "supported"
    assert set(result.scores) == {"eta_squared"}
    assert result.scores["eta_squared"].value == pytest.approx(1)
    bands = {band.name: band for band in result.category_bands}
    assert list(bands) == ["hash", "letter", "never", "bracket"]
    assert bands["hash"].mean_activation == pytest.approx(1)
    assert bands["hash"].low == bands["hash"].high == pytest.approx(1)
    assert bands["letter"].mean_activation == bands["bracket"].mean_activation == 0
    assert (bands["never"].n_tokens, bands["never"].mean_activation) == (0, None)
    assert sum(band.n_tokens for band in result.category_bands) == result.n_tokens
    plain = ask.result(ask.claim(name="plain"))
    assert bands["hash"].n_tokens == plain.n_positive
    assert result.n_tokens + result.n_unlabelled == plain.n_tokens
    assert result.n_unlabelled > 0
    assert result.floors["eta_squared.token_identity"] == pytest.approx(1)
    assert 0 < (result.floors["eta_squared.comparison_best"] or 0) < 1
    assert result.comparison_percentile == 1
    assert result.n_comparison > 8
    assert {example.tokens[example.focus].label for example in result.examples.top} == {0.0}
    assert (result.bands, result.label_bands, result.n_positive) == ((), (), 0)


def test_moved_categories_are_scored_where_they_are(ask: Asker) -> None:
    moved = ask.result(ask.claim(sort_of_character.shift(1)))
    back = ask.result(ask.claim(sort_of_character.shift(1).shift(-1)))
    assert back.scores["eta_squared"].value == pytest.approx(1)
    assert (moved.scores["eta_squared"].value or 0) < 0.5
    assert moved.label_kind == "categorical"
    assert moved.n_tokens == back.n_tokens
    assert moved.n_unlabelled == back.n_unlabelled
    assert moved.n_tokens < ask.result(ask.claim(sort_of_character)).n_tokens  # last ones fall off


def test_scores_of_categories_come_back_from_the_cache(ask: Asker) -> None:
    claims = [
        ask.claim(sort_of_character),
        ask.claim(sort_of_character, Neuron(layer=0, index=11), name="other"),
    ]
    first, again = ask.report(*claims), ask.report(*claims)
    assert again.run.tokens_per_second is None
    assert same(first, again)
    assert Report.model_validate_json(first.model_dump_json()).results == first.results


def test_a_search_takes_the_neuron_that_best_tells_categories_apart(ask: Asker) -> None:
    @token_category(names=["rest", "hash"])
    def by_token(view: TokenView) -> list[str | None]:
        return [
            "hash" if text == "#" else "rest" if text.strip() else None for text in view.strings
        ]

    report = ask.report(
        ask.claim(sort_of_character, AnyNeuron(layer=0)),
        ask.claim(HASH, AnyNeuron(layer=0), name="boolean"),
        ask.claim(by_token, AnyNeuron(), name="tokens"),
    )
    for result in report.results:
        assert result.unit == f"L0N{PLANTED}"
    first = report.results[0]
    assert first.searched == "L0N*: best of 80 by η² on calibration documents (1.00)"
    assert first.sign == "+"
    assert first.scores["eta_squared"].value == pytest.approx(1)


def permuted(on: CategoryPredicate) -> Predicate:
    """The same categories on the wrong tokens of each document."""

    @token_category(names=on.names)
    def wrong(view: TokenView) -> list[str | None]:
        found = [None if np.isnan(code) else on.names[int(code)] for code in on.labels(view)]
        random.Random(view.text).shuffle(found)
        return found

    return wrong


def test_permuted_categories_do_not_beat_their_floors(ask: Asker) -> None:
    result = ask.result(ask.claim(permuted(sort_of_character)))
    assert result.verdict.status == "refuted"
    assert any("does not beat its floor" in reason for reason in result.verdict.reasons)
    assert result.scores["eta_squared"].value == pytest.approx(0, abs=0.02)


def test_categories_without_enough_tokens_are_undefined_and_counted(ask: Asker) -> None:
    @category(names=["hash", "never"])
    def only_one(text: str) -> list[tuple[int, int, str]]:
        return [(i, i + 1, "hash") for i, c in enumerate(text) if c == "#"]

    result = ask.result(ask.claim(only_one))
    assert result.verdict.status == "undefined"
    assert "only 1 of the 2 categories has at least 20" in result.verdict.reasons[0]
    assert [band.n_tokens > 0 for band in result.category_bands] == [True, False]
    dead = ask.result(ask.claim(sort_of_character, Neuron(layer=0, index=DEAD)))
    assert "dead" in dead.verdict.reasons[0]


def test_an_undeclared_category_is_an_error_that_names_the_document(ask: Asker) -> None:
    @category(names=["hash", "other"])
    def misspelt(text: str) -> list[tuple[int, int, str]]:
        return [(0, len(text), "hsh")]

    [wrong, fine] = ask.report(ask.claim(misspelt), ask.claim(name="fine")).results
    assert (wrong.verdict.status, fine.verdict.status) == ("error", "supported")
    [reason] = wrong.verdict.reasons
    assert "on document 'texts.jsonl" in reason
    assert "Did you mean 'hash'? Available: hash, other." in reason


class Grades(Predicate):
    """Categories of one's own, every token getting `code`."""

    categories = ("low", "high")

    def __init__(self, code: float) -> None:
        self.code = code

    def labels(self, view: TokenView) -> Labels:
        return np.full(len(view), self.code)


@pytest.mark.parametrize("code", [2.0, -1.0, 0.5, float("inf")])
def test_labels_that_are_no_categories_are_an_error(ask: Asker, code: float) -> None:
    result = ask.result(ask.claim(Grades(code)))
    assert "the index of one of its 2 categories or NaN" in result.verdict.reasons[0]
    assert ask.result(ask.claim(Grades(1.0))).verdict.status == "undefined"


def test_a_categorical_label_has_no_sign_and_no_threshold(ask: Asker) -> None:
    with pytest.raises(ValidationError, match="threshold= says nothing about a categorical"):
        ask.claim(sort_of_character, threshold=0.5)
    with pytest.raises(ValidationError, match="sign= says nothing about a categorical"):
        Fires(
            name="low",
            claim="c",
            model="m",
            unit=AnyNeuron(),
            on=sort_of_character,
            sign="-",
        )


def test_an_untrained_model_is_a_floor_of_categories_too(ask: Asker) -> None:
    options = RunOptions(device="cpu", untrained=True)
    result = ask.result(ask.claim(sort_of_character), options)
    assert 0 < (result.floors["eta_squared.untrained"] or 0) < 1


def test_useful_numbers_can_be_written(ask: Asker) -> None:
    @predicate(numeric=True)
    def quotes_so_far(text: str) -> Spans:
        places = [(i, i + 1) for i in range(len(text))]
        return Spans(places, [float(text[:i].count("<")) for i in range(len(text))])

    @predicate(numeric=True)
    def column(text: str) -> Spans:
        places = [(i, i + 1) for i in range(len(text))]
        return Spans(places, [float(i - text.rfind("\n", 0, i) - 1) for i in range(len(text))])

    @predicate(numeric=True)
    def word_length(text: str) -> Spans:
        words = list(re.finditer(r"\w+", text))
        return Spans([m.span() for m in words], [float(len(m[0])) for m in words])

    @token_predicate(numeric=True)
    def position(view: TokenView) -> np.ndarray:
        return np.arange(len(view))

    @token_predicate(numeric=True)
    def frequency_rank(view: TokenView) -> np.ndarray:
        assert view.ids is not None
        return (view.ids.astype(np.int64) * 7919) % 257

    made = [quotes_so_far, column, word_length, position, frequency_rank]
    unit = Neuron(layer=0, index=11)
    report = ask.report(*(ask.claim(on, unit, name=on.name) for on in made))
    for result in report.results:
        assert result.verdict.status == "refuted", result
        assert set(result.scores) == {"pearson", "variance_explained", "spearman"}
        assert 1 < len(result.label_bands) <= 16
        assert sum(band.n_tokens for band in result.label_bands) == result.n_tokens


def test_what_fails_stays_with_its_hypothesis(ask: Asker) -> None:
    @predicate
    def broken(text: str) -> list[tuple[int, int]]:
        raise RuntimeError(f"no idea about {len(text)} characters")

    @predicate
    def outside(text: str) -> list[tuple[int, int]]:
        return [(0, len(text) + 1)]

    report = ask.report(
        ask.claim(broken, name="raises"),
        ask.claim(outside, name="outside"),
        ask.claim(unit=Neuron(layer=7, index=0), name="layer"),
        ask.claim(unit=Neuron(layer=0, index=9999), name="index"),
        ask.claim(corpus="package:not-there", name="corpus"),
        ask.claim(name="fine"),
    )
    said = {result.name: " ".join(result.verdict.reasons) for result in report.results}
    statuses = {result.name: result.verdict.status for result in report.results}
    assert statuses.pop("fine") == "supported"
    assert set(statuses.values()) == {"error"}
    assert "RuntimeError on document 'texts.jsonl" in said["raises"]
    assert "no idea" in said["raises"]
    assert "behind the text" in said["outside"]
    assert "texts.jsonl" in said["outside"]
    assert "no layer 7" in said["layer"]
    assert "no neuron 9999" in said["index"]
    assert "not-there" in said["corpus"]


def same(left: Report, right: Report) -> bool:
    return left.results == right.results


def test_scores_do_not_depend_on_batch_size_or_cache_state(ask: Asker, tmp_path: Path) -> None:
    claims = [ask.claim(), ask.claim(Regex("[a#]"), Neuron(layer=0, index=11), name="other")]
    first = ask.report(*claims)
    assert first.run.tokens_per_second is not None
    again = ask.report(*claims)
    assert again.run.tokens_per_second is None
    assert same(first, again)
    fresh = Asker(Path(ask.model), Path(ask.corpus), Cache(tmp_path / "other"))
    small = fresh.report(*claims, options=RunOptions(device="cpu", batch_size=3))
    assert small.results[0] == first.results[0]
    for name, score in first.results[1].scores.items():
        assert small.results[1].scores[name].value == pytest.approx(score.value, rel=1e-5)


def test_damaged_columns_are_recomputed_not_trusted(ask: Asker, cache: Cache) -> None:
    first = ask.report(ask.claim())
    for path in cache.entries():
        path.write_bytes(path.read_bytes()[:-7] + b"garbage")
    assert same(first, ask.report(ask.claim()))


def test_an_edited_predicate_needs_no_model(ask: Asker, cache: Cache) -> None:
    ask.report(ask.claim())
    where = str(cache.directory)
    code = (
        "import sys; from pathlib import Path; from mi_hypotheses import *\n"
        "from mi_hypotheses.cache import Cache; from mi_hypotheses.engine import RunOptions, run\n"
        f"claim = Fires(name='n', claim='c', model={ask.model!r}, corpora=[{ask.corpus!r}],\n"
        f"    unit=Neuron(layer=0, index={PLANTED}), on=Regex('#|a'), expect={{'f1': 0.1}})\n"
        f"report = run([claim], options=RunOptions(), cache=Cache(Path({where!r})))\n"
        "assert report.results[0].verdict.status == 'supported', report.results[0].verdict\n"
        "print(sorted({'torch', 'transformers', 'transformer_lens', 'spacy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_changed_corpus_is_measured_anew(ask: Asker, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    lines = Path(ask.corpus).read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:150]), "utf-8")
    before = ask.result(ask.claim(corpus=str(path)))
    path.write_text("".join(lines), "utf-8")
    after = ask.result(ask.claim(corpus=str(path)))
    assert after.n_tokens > before.n_tokens


def test_limits_bound_documents_and_tokens(ask: Asker) -> None:
    whole = ask.report(ask.claim()).corpora[0]
    few = ask.report(ask.claim(), options=RunOptions(device="cpu", limit=40)).corpora[0]
    short = ask.report(ask.claim(), options=RunOptions(device="cpu", limit_tokens=900)).corpora[0]
    assert (few.n_documents, whole.n_documents) == (40, 200)
    assert 900 <= short.n_tokens < 2_000 < whole.n_tokens


def test_min_context_excludes_and_counts(ask: Asker) -> None:
    report = ask.report(ask.claim(), options=RunOptions(device="cpu", min_context=4))
    excluded = report.corpora[0].excluded["min_context"]
    assert excluded > 0
    whole = ask.report(ask.claim())
    assert report.results[0].n_tokens < whole.results[0].n_tokens
    assert whole.corpora[0].excluded == {}


def test_a_stated_threshold_is_used(ask: Asker) -> None:
    result = ask.result(ask.claim(threshold=0.25))
    assert result.threshold == pytest.approx(0.25)


def test_pre_activations_can_be_asked_for(ask: Asker) -> None:
    result = ask.result(ask.claim(unit=Neuron(layer=0, index=PLANTED, at="pre")))
    assert result.scores["pearson"].value == pytest.approx(1)


def test_only_test_documents_are_counted(ask: Asker) -> None:
    report = ask.report(ask.claim())
    [result], [read] = report.results, report.corpora
    assert 0.3 * read.n_documents < result.n_documents < 0.7 * read.n_documents
    assert result.n_groups <= 32


def test_an_untrained_model_is_a_floor_on_request(ask: Asker) -> None:
    report = ask.report(ask.claim(), options=RunOptions(device="cpu", untrained=True))
    [result] = report.results
    floor = result.floors["pearson.untrained"]
    assert floor is not None
    assert 0 < floor < 1
    assert result.verdict.status == "supported"
    assert "pearson.untrained" not in ask.result(ask.claim()).floors


def test_a_search_for_a_low_unit_takes_the_most_negative_one(ask: Asker) -> None:
    claim = ask.claim(~HASH, AnyNeuron(layer=0)).model_copy(update={"sign": "-"})
    result = ask.result(claim)
    assert (result.unit, result.sign) == (f"L0N{PLANTED}", "-")
    other = ask.claim(HASH, AnyNeuron(layer=0)).model_copy(update={"sign": "-"})
    assert ask.result(other).unit != f"L0N{PLANTED}"


class Everything(Predicate):
    """A predicate of one's own, with as many labels as `surplus` says beyond the tokens."""

    def __init__(self, surplus: int = 0, value: float = 1.0) -> None:
        self.surplus, self.value = surplus, value

    def labels(self, view: TokenView) -> Labels:
        return np.full(len(view) + self.surplus, self.value)


@pytest.mark.parametrize("wrong", [Everything(surplus=1), Everything(value=float("nan"))])
def test_labels_that_do_not_fit_the_tokens_are_an_error(ask: Asker, wrong: Predicate) -> None:
    result = ask.result(ask.claim(wrong))
    assert result.verdict.status == "error"
    assert "one finite number for each of the" in result.verdict.reasons[0]


def test_a_predicate_class_of_ones_own_is_scored(ask: Asker) -> None:
    result = ask.result(ask.claim(Everything()))
    assert "only 0 negative" in result.verdict.reasons[0]


def test_a_predicate_that_exits_is_its_own_error(ask: Asker) -> None:
    @predicate
    def leaves(text: str) -> list[tuple[int, int]]:
        sys.exit(len(text))

    report = ask.report(ask.claim(leaves, name="leaves"), ask.claim(name="fine"))
    assert [result.verdict.status for result in report.results] == ["error", "supported"]


def test_a_metric_that_raises_fails_its_hypotheses_and_is_never_kept(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [0.9]

    def compute(evidence: metrics.Evidence) -> np.ndarray:
        return np.full(len(evidence.counts), answers[0])

    ours = metrics.builtin_metrics()
    mine = metrics.Metric("mine", "boolean", compute)
    monkeypatch.setattr(metrics, "builtin_metrics", lambda: [*ours, mine])
    first = ask.result(ask.claim())
    assert first.scores["mine"].value == pytest.approx(0.9)
    answers[0] = 0.1
    assert ask.result(ask.claim()).scores["mine"].value == pytest.approx(0.1)
    answers.clear()
    failed = ask.result(ask.claim())
    assert failed.verdict.status == "error"
    assert "IndexError" in failed.verdict.reasons[0]


@pytest.mark.parametrize("limits", [{}, {"limit": 150}, {"limit_tokens": 4_000}])
def test_shards_that_vanish_from_the_cache_are_read_again(
    ask: Asker, cache: Cache, limits: dict[str, int]
) -> None:
    options = RunOptions(device="cpu", **limits)
    first = ask.report(ask.claim(), options=options)
    original, asked, lost = cache.get, Counter[str](), []

    def forgetful(key: str) -> object:
        found = original(key)
        asked[key] += 1
        if asked[key] == 2 and "text_offsets" in (found or {}):  # after it was added: a load
            lost.append(key)
            return None
        return found

    other = ask.claim(Regex("#|a"), name="other")
    cache.get = forgetful  # type: ignore[method-assign, assignment] # on purpose
    report = ask.report(ask.claim(), other, options=options)
    assert lost
    assert report.results[0] == first.results[0]
    assert report.results[1].verdict.status != "error"


def test_bands_hold_no_exact_zeros(ask: Asker) -> None:
    result = ask.result(ask.claim())
    assert sum(band.n_tokens for band in result.bands) == result.n_positive
    assert [band.mean_label for band in result.bands if band.n_tokens] == [1.0]


def test_every_bar_of_a_boolean_label_has_the_token_as_its_rival(ask: Asker) -> None:
    floors = ask.result(ask.claim()).floors
    for metric in ("pearson", "ap", "f1", "precision", "recall", "auroc", "specificity"):
        assert floors[f"{metric}.token_identity"] == pytest.approx(1), metric


def test_numbers_that_are_none_are_refused(ask: Asker) -> None:
    with pytest.raises(ValidationError, match="finite"):
        ask.claim(threshold=float("nan"))
    with pytest.raises(ValidationError, match="search"):
        ask.claim(unit=AnyNeuron(), threshold=0.5)
    with pytest.raises(TypeError):
        ask.claim().expect["f1"] = 0.1  # type: ignore[index] # read only

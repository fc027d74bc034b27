"""How a score compares with what was recorded of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi_hypotheses.differences import change_text
from mi_hypotheses.errors import UsageError
from mi_hypotheses.metrics import group_weights, interval
from mi_hypotheses.regression import (
    Comparison,
    Difference,
    Measured,
    check,
    compare,
    paired_interval,
    read_margins,
)
from mi_hypotheses.reports import Score, Verdict

SPREAD = np.random.default_rng(0).normal(0, 1, 250)  # of one set of resamples


def measured(
    name: str = "comment", f1: float | None = 0.6, *, noise: float = 0.0, **changes: Any
) -> Measured:
    """A measurement whose replicates follow `SPREAD`, and `noise` of its own."""
    own = np.random.default_rng(1).normal(0, noise, len(SPREAD)) if noise else 0.0
    values = () if f1 is None else tuple((f1 + 0.05 * SPREAD + own).tolist())
    fields: dict[str, Any] = {
        "name": name,
        "corpus": "sympy-sample",
        "model": "py-gelu-1l",
        "unit": "L0N1",
        "on": "Regex('#')",
        "question_hash": "q",
        "labels_hash": "l",
        "hypothesis_hash": "h",
        "model_fingerprint": "m",
        "tokenizer_fingerprint": "t",
        "corpus_fingerprint": "c" * 16,
        "versions": {"numpy": "2"},
        "dtype": "float32",
        "device": "cpu",
        "seed": 0,
        "n_documents": 40,
        "n_tokens": 1000,
        "n_positive": 100,
        "margin": 0.02,
        "verdict": Verdict(status="supported"),
        "scores": {} if f1 is None else {"f1": Score(value=f1, low=f1 - 0.1, high=f1 + 0.1)},
        "replicates": {} if f1 is None else {"f1": values},
    }
    return Measured(**{**fields, **changes})


def state(before: Measured, after: Measured, **options: Any) -> str:
    return compare(before, after, **options).state


# States.


def test_the_same_score_held() -> None:
    found = compare(measured(), measured())
    assert (found.state, found.reasons) == ("held", ())
    (difference,) = found.differences
    assert difference.change == Score(value=0, low=0, high=0)


def test_a_score_whose_difference_lies_below_the_margin_fell() -> None:
    assert state(measured(f1=0.6), measured(f1=0.5)) == "fell"


def test_a_score_whose_difference_lies_above_the_margin_rose() -> None:
    assert state(measured(f1=0.6), measured(f1=0.7)) == "rose"


def test_a_fall_within_the_margin_held() -> None:
    assert state(measured(f1=0.6), measured(f1=0.585)) == "held"


def test_an_interval_that_spans_the_margin_is_inconclusive() -> None:
    assert state(measured(f1=0.6), measured(f1=0.58, noise=0.02)) == "inconclusive"


def test_the_worst_metric_decides() -> None:
    def both(f1: float, ap: float) -> Measured:
        one = measured(f1=f1)
        score = {"ap": Score(value=ap, low=ap, high=ap)}
        more = {"ap": tuple((ap + 0 * SPREAD).tolist())}
        return one.model_copy(
            update={"scores": one.scores | score, "replicates": one.replicates | more}
        )

    assert state(both(0.6, 0.6), both(0.7, 0.5)) == "fell"
    assert state(both(0.6, 0.6), both(0.7, 0.6)) == "held"


# Margins.


def test_the_hypothesis_sets_its_margin() -> None:
    assert state(measured(f1=0.6), measured(f1=0.5, margin=0.15)) == "held"


def test_a_given_margin_comes_before_the_hypothesis_own() -> None:
    after = measured(f1=0.5, margin=0.15)
    assert state(measured(f1=0.6), after, margins={"f1": 0.01}) == "fell"
    assert state(measured(f1=0.6), measured(f1=0.5), margins={"f1": 0.2}) == "held"
    assert state(measured(f1=0.6), measured(f1=0.5), margins={"ap": 0.2}) == "fell"


def test_above_1_the_margin_is_a_share() -> None:
    assert state(measured(f1=20.0), measured(f1=19.7)) == "held"
    assert state(measured(f1=20.0), measured(f1=19.5)) == "fell"


def test_margins_are_written_with_a_colon() -> None:
    assert read_margins(["f1:0.05", "ap:0"], option="--fail-on") == {"f1": 0.05, "ap": 0}


@pytest.mark.parametrize("text", ["f1", "f1=0.05", "f1:", "f1:x", "f1:-1", "f1:nan"])
def test_a_margin_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError, match=r"--fail-on .* cannot be read: write METRIC:MARGIN"):
        read_margins([text], option="--fail-on")


# Undefined scores.


def test_a_score_that_became_undefined_fell() -> None:
    undefined = measured(f1=None, verdict=Verdict(status="undefined", reasons=("it is dead",)))
    found = compare(measured(), undefined)
    assert found.state == "fell"
    assert found.reasons == ("it is now undefined: it is dead",)


def test_a_score_that_became_defined_held_and_is_said_so() -> None:
    undefined = measured(f1=None, verdict=Verdict(status="undefined", reasons=("it is dead",)))
    found = compare(undefined, measured())
    assert found.state == "held"
    assert found.reasons == ("it was undefined: it is dead",)


def test_an_error_is_an_error() -> None:
    error = measured(f1=None, verdict=Verdict(status="error", reasons=("no such layer",)))
    assert compare(measured(), error).state == "error"
    assert check([], [error])[0].state == "error"


def test_a_metric_that_was_not_recorded_is_named() -> None:
    before = measured()
    after = before.model_copy(update={"scores": {**before.scores, "ap": Score(value=0.5)}})
    (reason,) = compare(before, after).reasons
    assert reason == "nothing is recorded of ap: 'mih check --update' records it"


# What can be compared.


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"question_hash": "other", "labels_hash": "other"},
            "another question was recorded: the predicate or target then",
        ),
        (
            {"question_hash": "other", "labels_hash": "other", "on": "Regex('x')"},
            "another question was recorded: it was Regex('#') then",
        ),
        (
            {"question_hash": "other", "unit": "L0N2"},
            "another question was recorded: the predicate or target of L0N1 then",
        ),
        (
            {"corpus_fingerprint": "d" * 16},
            "the documents of sympy-sample have changed (fingerprint cccccccccccc then, "
            "dddddddddddd now)",
        ),
        (
            {"corpus_fingerprint": "d" * 16, "n_documents": 143},
            "the documents of sympy-sample have changed (40 documents then, 143 now: was --limit "
            "another?)",
        ),
        ({"seed": 3}, "the seed was 0 and is 3: other documents are tested"),
    ],
)
def test_what_makes_measurements_incomparable_is_said(changes: dict[str, Any], said: str) -> None:
    found = compare(measured(), measured(**changes))
    assert (found.state, found.reasons) == ("incomparable", (said,))
    assert found.differences == ()


def test_an_edited_predicate_that_labels_the_same_is_the_same_question() -> None:
    assert state(measured(), measured(question_hash="other", on="Regex('[#]')")) == "held"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_fingerprint": "n"}, "other weights (py-gelu-1l)"),
        ({"model_fingerprint": "n", "model": "mine"}, "py-gelu-1l → mine"),
        ({"model": "mine"}, "py-gelu-1l → mine, whose weights are the same"),
        ({"unit": "L0N7"}, "the search found L0N1 → L0N7"),
        ({"dtype": "bfloat16"}, "dtype float32 → bfloat16"),
        ({"device": "cuda:1"}, "device cpu → cuda"),
    ],
)
def test_what_else_may_have_moved_a_score_is_named(changes: dict[str, Any], said: str) -> None:
    found = compare(measured(), measured(**changes))
    assert (found.state, found.reasons) == ("held", (said,))


def test_a_difference_of_nought_has_no_minus() -> None:
    nought, score = Score(value=-0.0, low=-0.0004, high=0.0004), Score(value=0.5)
    told = change_text(Difference("f1", score, score, nought, "held"))
    assert told == "+0.000 [+0.000, +0.000] held"


# All that is recorded against all that is found.


def states(compared: list[Comparison]) -> dict[str, str]:
    return {each.name: each.state for each in compared}


def test_what_is_not_recorded_is_missing_and_what_is_not_found_is_stale() -> None:
    gone = measured("gone", question_hash="g")
    compared = check([measured(), gone], [measured(), measured("new", question_hash="n")])
    assert states(compared) == {"comment": "held", "new": "missing", "gone": "stale"}
    assert "'mih check --update-new' records it" in compared[1].reasons[0]
    recording = check([measured()], [measured("new", question_hash="n")], recording=True)
    assert states(recording) == {"new": "recorded", "comment": "stale"}


def test_a_renamed_hypothesis_is_suggested() -> None:
    compared = check([measured("old")], [measured("new")])
    assert states(compared) == {"new": "missing", "old": "stale"}
    assert "It asks what 'old' asked: if it was renamed" in compared[0].reasons[0]


def test_corpora_are_compared_each_with_itself() -> None:
    elsewhere = measured(corpus="networkx-sample", f1=0.3)
    compared = check([measured(), elsewhere], [elsewhere, measured()])
    assert [each.state for each in compared] == ["held", "held"]


# The paired interval.


@given(
    seed=st.integers(0, 10_000),
    correlation=st.floats(0.6, 0.99),
    shift=st.floats(-0.5, 0.5),
)
def test_pairing_narrows_the_interval_of_correlated_scores(
    seed: int, correlation: float, shift: float
) -> None:
    rng = np.random.default_rng(seed)
    common, one = rng.normal(0, 1, (2, 32))  # of 32 groups of documents
    own = np.sqrt(1 - correlation**2)
    before, after = common, correlation * common + own * one + shift
    weights = group_weights(np.ones(32), seed=0) / 32
    old, new = weights @ before, weights @ after
    paired = paired_interval(old[1:251].tolist(), new[1:251].tolist(), float(new[0] - old[0]))
    shuffled = group_weights(np.ones(32), seed=seed + 1) / 32
    apart = interval(shuffled @ after - old)  # under resamples of its own
    assert apart.low is not None
    assert apart.high is not None
    assert paired[1] - paired[0] < apart.high - apart.low
    assert paired[0] <= new[0] - old[0] <= paired[1]


@pytest.mark.parametrize(
    ("before", "after"), [((), ()), ((0.1,), (0.1, 0.2)), ((None, None), (0.1, 0.2))]
)
def test_without_replicates_the_interval_is_the_difference(
    before: tuple[float | None, ...], after: tuple[float | None, ...]
) -> None:
    assert paired_interval(before, after, 0.25) == (0.25, 0.25)

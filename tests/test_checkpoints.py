"""Claims over training: the induction heads of py-attn-2l form between two of its checkpoints."""

from __future__ import annotations

import pytest

from mi_hypotheses.cache import Cache
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.hypotheses import Attends, Head
from mi_hypotheses.models import checkpoints
from mi_hypotheses.render import render_html, render_markdown
from mi_hypotheses.reports import Report
from mi_hypotheses.targets import AfterPrevious, PreviousToken

NAME = "py-attn-2l"
STEPS = (0, 400, 800, 1000, 2400)
CORPUS = "tokens:repeated?documents=96&length=20-60"


@pytest.fixture(scope="module")
def report() -> Report:
    models = [*(f"{NAME}@step={step}" for step in STEPS), NAME]
    claims = {
        "induction-head": (Head(layer=1, index=6), AfterPrevious()),
        "previous-token-head": (Head(layer=0, index=1), PreviousToken()),
    }
    hypotheses = [
        Attends(
            name=name,
            claim="Attends to where it should.",
            model=model,
            unit=unit,
            to=to,
            corpora=[CORPUS],
            expect={"target_mass": 0.6},
        )
        for model in models
        for name, (unit, to) in claims.items()
    ]
    return run(hypotheses, options=RunOptions(device="cpu"), cache=Cache.temporary())


def masses(report: Report, name: str) -> list[float]:
    found = [result.scores["target_mass"].value for result in report.results if result.name == name]
    return [value for value in found if value is not None]


def test_the_checkpoints_are_there() -> None:
    assert set(STEPS) <= set(checkpoints(NAME))


@pytest.mark.parametrize("name", ["induction-head", "previous-token-head"])
def test_both_heads_of_the_circuit_form_between_steps_800_and_1000(
    report: Report, name: str
) -> None:
    *before, formed, after, final = masses(report, name)
    assert len(before) == 3
    assert max(before) < 0.1
    assert formed > 0.3
    assert min(after, final) > 0.8


def test_verdicts_follow_the_scores(report: Report) -> None:
    found = [r.verdict.status for r in report.results if r.name == "induction-head"]
    assert found == ["refuted"] * 3 + ["supported"] * 3


def test_the_page_draws_a_curve_of_each_claim(report: Report) -> None:
    page = render_html(report)
    assert page.count("Over training steps: ") >= 2
    assert "2,400" in page
    assert "Over training" in render_markdown(report)


def test_the_best_head_of_an_untrained_model_is_a_floor() -> None:
    claim = Attends(
        name="previous-token-head",
        claim="Attends to the previous token.",
        model=NAME,
        unit=Head(layer=0, index=1),
        to=PreviousToken(),
        corpora=[CORPUS],
        expect={"target_mass": 0.6},
    )
    options = RunOptions(device="cpu", untrained=True)
    (result,) = run([claim], options=options, cache=Cache.temporary()).results
    floor = result.floors["target_mass.untrained"]
    assert floor is not None
    assert 0 < floor < 0.2
    assert result.verdict.status == "supported"

"""Activations and attention that are no finite numbers: who asks is told where, others go on."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from mi_hypotheses.cache import Cache
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.reports import Report, Result
from tests import toy
from tests.toy import Toy

SPOILT = {(1, 5), (0, 9)}
SPOILT_HEADS = {(1, 1)}


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus") / "texts.jsonl")


def ask(where: Path, model: Toy) -> Report:
    return run(
        toy.claims(where),
        options=RunOptions(device="cpu"),
        cache=Cache.temporary(),
        plugins=toy.plugins(model),
    )


@pytest.fixture(scope="module")
def sound(where: Path) -> dict[str, Result]:
    return {result.name: result for result in ask(where, Toy()).results}


@pytest.fixture(scope="module", params=[math.nan, -math.inf])
def spoilt(where: Path, request: pytest.FixtureRequest) -> dict[str, Result]:
    model = Toy(
        spoilt=dict.fromkeys(SPOILT, request.param),
        spoilt_heads=dict.fromkeys(SPOILT_HEADS, request.param),
    )
    return {result.name: result for result in ask(where, model).results}


def test_a_hypothesis_is_told_where(spoilt: dict[str, Result], where: Path) -> None:
    first = next(
        (line["id"], line["text"])
        for line in map(json.loads, where.read_text("utf-8").splitlines())
        if "#" in line["text"]
    )
    for name in ("hash-other", "length-other", "sort-other"):
        [reason] = spoilt[name].verdict.reasons
        assert spoilt[name].verdict.status == "error"
        assert reason.startswith("L1N5 is not finite on ")
        assert f"of document {first[0]!r} of {where}" in reason
        assert "--dtype float32" in reason
    for name in ("back-other", "copy-other"):
        [reason] = spoilt[name].verdict.reasons
        assert spoilt[name].verdict.status == "error"
        assert reason.startswith("The attention of L1H1 is not finite from ")
        assert "of document 'd" in reason


def test_other_hypotheses_go_on(spoilt: dict[str, Result], sound: dict[str, Result]) -> None:
    for name, result in spoilt.items():
        if name.endswith("-known"):
            toy.same(
                {key: score.model_dump() for key, score in result.scores.items()},
                {key: score.model_dump() for key, score in sound[name].scores.items()},
                name,
            )


def test_searches_pass_over_such_units_and_say_how_many(
    spoilt: dict[str, Result], sound: dict[str, Result]
) -> None:
    for name, result in spoilt.items():
        if name.endswith("-any"):
            assert result.unit not in ("L1N5", "L0N9", "L1H1")
            assert result.searched is not None
            neurons = result.kind == "fires"
            told = "; 2 neurons are not finite" if neurons else "; 1 heads are not finite"
            assert result.searched.endswith(told)
    for name in ("hash-any", "back-any"):
        assert spoilt[name].unit == sound[name].unit

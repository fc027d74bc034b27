"""Results of attention heads, made up: every verdict, checkpoints of a model, two models."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Sequence
from typing import Any

from mi_hypotheses.reports import (
    Attention,
    AttentionExample,
    AttentionToken,
    Bar,
    DistanceBand,
    Examples,
    Histogram,
    Report,
    Result,
    Score,
    Shares,
    Slice,
    Status,
    Verdict,
)
from tests import sample_report

STEPS = (0, 100, 400, 800, 900, 1000, 1400, 2000, 2400, 8000)
_CODE = '''    def total(self, rows):
\t\t"""Sum of <b>rows</b> & 'naïve' 🧪 cells."""
        result = 0
        for row in rows:
            result = result + row.value
        return result
'''


def tokens(text: str = _CODE) -> list[str]:
    """Words with the space before them, line ends, tabs and marks, one token each."""
    return re.findall(r"\n|\t| ?\w+| +|[^\w\s]", text)


def example(
    pieces: Sequence[str],
    query: int,
    attention: dict[int, float],
    *,
    targets: Sequence[int] = (),
    bos: float | None = 0.1,
    bos_expected: bool = False,
    gaps: Sequence[int] = (),
    line: int = 3,
) -> AttentionExample:
    """A query that attends as given; all other keys get a thousandth."""
    mass = sum(attention.get(key, 0.001) for key in targets) + (bos or 0.0) * bos_expected
    return AttentionExample(
        document="sympy/polys/domains/algebraicfield.py",
        line=line,
        query=query,
        tokens=tuple(
            AttentionToken(
                text=piece,
                back=query - place,
                attention=attention.get(place, 0.001),
                expected=place in targets,
                gap=place in gaps,
            )
            for place, piece in enumerate(pieces)
        ),
        target=mass if targets or bos_expected else None,
        bos=bos,
        bos_expected=bos_expected,
    )


def examples(rng: random.Random, kind: str, n: int = 4) -> tuple[AttentionExample, ...]:
    """Queries that look one back (`typical`), at BOS or elsewhere (`missed`), without a target
    (`busy`)."""
    pieces = tokens()
    found = []
    for _ in range(n):
        query = rng.randrange(12, len(pieces))
        other = rng.randrange(2, query - 4)
        spread = {other: 0.08, query - 3: 0.05, query: 0.03}
        if kind == "typical":
            one = example(pieces, query, spread | {query - 1: 0.71}, targets=(query - 1,))
        elif kind == "missed":
            one = example(pieces, query, spread | {query - 1: 0.04}, targets=(query - 1,), bos=0.79)
        else:
            one = example(pieces, query, spread | {other: 0.44, query - 1: 0.2}, bos=0.07)
        found.append(one.model_copy(update={"line": rng.randrange(1, 900)}))
    return tuple(found)


def distances(value: float, *, bidirectional: bool = False) -> tuple[DistanceBand, ...]:
    """Most at one back; a bidirectional head also looks ahead."""
    bands = [(0, 0), (1, 1), (2, 2), (3, 3), (4, 7), (8, 15), (16, 31), (32, 63), (64, 255)]
    if bidirectional:
        bands = [*((-high, -low) for low, high in reversed(bands[1:])), *bands]
    weights = [value if band == (1, 1) else (1 - value) / (len(bands) + 1) for band in bands]
    return tuple(
        DistanceBand(low=low, high=high, attention=weight, expected=float((low, high) == (1, 1)))
        for (low, high), weight in zip(bands, weights, strict=True)
    )


def attention(name: str, value: float, *, bos: bool = True, **changes: Any) -> Attention:
    rng = random.Random(name)
    at_bos = round((1 - value) * 0.6, 3) if bos else None
    found: dict[str, Any] = {
        "n_edges": 52_345,
        "dropped": {"another_window": 1_204, "not_scored": 17},
        "with_target": Shares(target=value, bos=at_bos, elsewhere=1 - value - (at_bos or 0)),
        "without_target": Shares(
            target=0.0, bos=0.83 if bos else None, elsewhere=0.17 if bos else 1.0
        ),
        "distances": distances(value),
        "bos_expected": 0.0 if bos else None,
    }
    for kind in ("typical", "missed", "busy"):
        shown = examples(rng, kind)
        if not bos:
            shown = tuple(one.model_copy(update={"bos": None}) for one in shown)
        found[kind] = shown
    return Attention(**(found | changes))


def scores(value: float, *, wide: float = 0.02) -> dict[str, Score]:
    """All scores of a head with target mass `value`."""
    values = {
        "target_mass": value,
        "hit_rate": min(value * 1.1, 1.0),
        "lift_position": 0.6 + value * 2.2,
        "lift_uniform": 0.9 + value * 34,
        "bos_mass": (1 - value) * 0.6,
        "off_target_bos": 0.83,
        "coverage": 0.31,
        "mul": value * 0.4,
    }
    return {
        name: Score(
            value=v,
            low=v * (1 - 1.5 * wide),
            high=min(v * (1 + 1.5 * wide) + 0.003, math.inf if "lift" in name else 1.0),
        )
        for name, v in values.items()
    }


def floors(value: float) -> dict[str, float | None]:
    return {
        "target_mass.uniform": 0.021,
        "target_mass.position": 0.3 * value + 0.02,
        "target_mass.comparison_best": 0.35 * value + 0.02,
        "target_mass.untrained": 0.024,
        "hit_rate.fixed_offset": 0.4 * value + 0.03,
        "lift_position.position": 1.0,
        "lift_uniform.uniform": 1.0,
    }


def by_mass(value: float, bins: int = 20) -> Histogram:
    """Queries by target mass, around `value`, most of the others at 0."""
    edges = tuple(i / bins for i in range(bins + 1))
    middles = [(a + b) / 2 for a, b in itertools.pairwise(edges)]
    counts = tuple(int(40_000 * math.exp(-((m - value) ** 2) / 0.05)) for m in middles)
    return Histogram(edges=edges, negative=(0,) * bins, positive=(9_000 + counts[0], *counts[1:]))


def slices(value: float) -> tuple[Slice, ...]:
    parts = (
        ("position", "0-15", 0.2),
        ("position", "16-63", 1.05),
        ("position", "64-255", 1.02),
        ("token", " self", 1.1),
        ("token", "\n", 0.3),
        ("distance", "1", 1.0),
    )
    return tuple(
        Slice(
            by=by,
            name=name,
            n_tokens=9_000,
            scores={k: s for k, s in scores(value * f).items() if k in ("target_mass", "hit_rate")},
        )
        for by, name, f in parts
    )


def status_of(score: Score, at_least: float) -> Status:
    """The verdict by the rule of the interval."""
    assert score.low is not None
    assert score.high is not None
    if score.low >= at_least:
        return "supported"
    return "refuted" if score.high < at_least else "inconclusive"


def head(
    name: str = "previous-token-head", value: float = 0.71, *, bos: bool = True, **changes: Any
) -> Result:
    """A head hypothesis with everything that a report can show, then `changes`."""
    found = scores(value)
    status = status_of(found["target_mass"], 0.5)
    low, high = found["target_mass"].low, found["target_mass"].high
    fields: dict[str, Any] = {
        "name": name,
        "claim": "Attends to the token just before.",
        "source": "plugins/py_attn_2l.py:21",
        "kind": "attends",
        "model": "py-attn-2l",
        "unit": "L0H3",
        "on": "PreviousToken()",
        "corpus": "package:sympy",
        "hypothesis_hash": "77aa01",
        "n_tokens": 168_230,
        "n_positive": 52_151,
        "prevalence": 0.31,
        "n_documents": 388,
        "n_groups": 31,
        "comparison_percentile": 0.93,
        "n_comparison": 14,
        "scores": found,
        "floors": floors(value),
        "expect": (Bar(metric="target_mass", at_least=0.5, status=status),),
        "verdict": Verdict(
            status=status,
            reasons=(f"target_mass {value:.2f} [{low:.2f}, {high:.2f}] beside 0.5",),
        ),
        "histogram": by_mass(value),
        "slices": slices(value),
        "attention": attention(name, value, bos=bos),
    }
    return Result(**(fields | changes))


def undefined_head() -> Result:
    return head(
        "never",
        claim="Attends to the subject of a relative clause.",
        unit="L1H7",
        on="Dependency('relcl')",
        n_positive=3,
        prevalence=1.8e-5,
        scores=dict.fromkeys(scores(0.1), Score(value=None)),
        floors={},
        expect=(Bar(metric="target_mass", at_least=0.5, status="undefined"),),
        verdict=Verdict(
            status="undefined",
            reasons=("the target applies to 3 of the 168230 test queries; at least 20 are needed",),
        ),
        histogram=None,
        slices=(),
        comparison_percentile=None,
        attention=Attention(n_edges=3, dropped={"another_window": 2}),
    )


def bos_head() -> Result:
    """A head whose target is BOS, for some queries."""
    pieces = tokens()[:20]
    resting = example(pieces, 14, {3: 0.05}, bos=0.91, bos_expected=True)
    return head(
        "rests",
        0.88,
        claim="Rests on BOS at the beginning of a line.",
        unit="L1H0",
        on="bos_at_line_start",
        attention=attention(
            "rests",
            0.88,
            bos_expected=1.0,
            with_target=Shares(target=0.88, bos=0.0, elsewhere=0.12),
            typical=(resting,),
            missed=(),
            busy=(),
        ),
    )


def bidirectional_head() -> Result:
    """A head of a model that sees ahead, without BOS; text between query and key left out."""
    pieces = tokens()
    ahead = example(pieces, 6, {11: 0.62, 40: 0.2}, targets=(11,), bos=None, gaps=(30,))
    far = example(pieces, 44, {7: 0.52, 40: 0.2}, targets=(7, 9), bos=None, gaps=(9, 30))
    base = attention("looks-ahead", 0.52, bos=False)
    return head(
        "looks-ahead",
        0.52,
        bos=False,
        claim="Attends from a noun's modifier to the noun.",
        model="bert-like",
        unit="L3H2",
        on="Dependency('amod', to='head')",
        attention=base.model_copy(
            update={
                "distances": distances(0.52, bidirectional=True),
                "typical": (ahead, far),
            }
        ),
    )


def heads() -> tuple[Result, ...]:
    """A head of every verdict and of every shape."""
    return (
        head(),
        head(
            "duplicate-token", 0.09, unit="L0H1", claim="Attends to the same token before.", on=""
        ),
        undefined_head(),
        bos_head(),
        bidirectional_head(),
    )


def learned(step: int | None, *, at: float, least: float, most: float) -> float:
    """A score that jumps around a step, as induction does."""
    steps_in = math.log10((step if step is not None else 20_000) + 1) - math.log10(at)
    return least + (most - least) / (1 + math.exp(-22 * steps_in))


def checkpoint_series(
    steps: Sequence[int | None] = (*STEPS, None), model: str = "py-attn-2l"
) -> tuple[Result, ...]:
    """Two hypotheses at the checkpoints of a model: one is learned early, one in a jump."""
    results = []
    for step in steps:
        reference = model if step is None else f"{model}@step={step}"
        for name, claim, unit, at, most in (
            ("previous-token-head", "Attends to the token just before.", "L0H3", 420, 0.81),
            ("induction", "Attends to what came after this token before.", "L1H5", 930, 0.74),
        ):
            value = learned(step, at=at, least=0.03, most=most)
            results.append(head(name, value, claim=claim, unit=unit, model=reference))
    return tuple(results)


def two_models() -> tuple[Result, ...]:
    """Three hypotheses, two of which were put to two models."""
    return (
        head(),
        head(model="gpt2-small", value=0.44, unit="L4H11"),
        head("induction", 0.66, unit="L1H5"),
        head("induction", 0.505, model="gpt2-small", unit="L5H5"),
        sample_report.result(),
    )


def hostile_head(text: str) -> Result:
    """Foreign text in every place that only heads have."""
    piece = example([text, text], 1, {0: 0.7}, targets=(0,))
    piece = piece.model_copy(update={"document": text})
    return head(
        text,
        attention=attention(
            text, 0.7, dropped={text: 1}, typical=(piece,), missed=(piece,), busy=(piece,)
        ),
        slices=(Slice(by=text, name=text, n_tokens=1, scores=scores(0.1)),),
        examples=Examples(),
    )


def report(*results: Result, **changes: Any) -> Report:
    return sample_report.report(*(results or heads()), **({"errors": ()} | changes))

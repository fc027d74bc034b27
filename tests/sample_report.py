"""A report with every verdict and kind of label, made up, for the tests of its renderings."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

from mi_hypotheses.reports import (
    Band,
    Bar,
    CategoryBand,
    CorpusInfo,
    Example,
    Examples,
    ExampleToken,
    Histogram,
    LabelBand,
    LoadError,
    ModelInfo,
    Report,
    Result,
    RunInfo,
    Score,
    Slice,
    Verdict,
)

_CODE = '''    def parse(self, text):
        """Split on <b>tags</b> & keep them."""
        # the first token decides, see below
        return [part for part in text.split("\\t") if part]

class Reader(Base):
\tlimit = 4096  # bytes
'''


def example(rng: random.Random, *, label: bool = True, text: str = _CODE, n: int = 60) -> Example:
    """A context of `text` with made-up activations; comments are the labelled tokens."""
    pieces = [text[i : i + 3] for i in range(0, len(text), 3)][:n]
    in_comment = [("#" in text[max(0, 3 * i - 30) : 3 * i + 3]) for i in range(len(pieces))]
    tokens = tuple(
        ExampleToken(
            text=piece,
            activation=max(-0.17, rng.gauss(2.2 if inside else -0.1, 0.6)),
            label=float(inside and label),
        )
        for piece, inside in zip(pieces, in_comment, strict=True)
    )
    focus = next((i for i, inside in enumerate(in_comment) if inside), 0) + 3
    return Example(
        document="sympy/polys/domains/algebraicfield.py",
        line=rng.randrange(1, 900),
        focus=min(focus, len(tokens) - 1),
        tokens=tokens,
    )


def examples(rng: random.Random, *, n: int = 5) -> Examples:
    return Examples(
        top=tuple(example(rng) for _ in range(n)),
        false_positives=tuple(example(rng, label=False) for _ in range(n)),
        false_negatives=tuple(example(rng) for _ in range(n)),
    )


def histogram(rare: float = 0.02, bins: int = 160) -> Histogram:
    """A large class near zero and a rare one around 2."""
    edges = tuple(-0.25 + 4.25 * i / bins for i in range(bins + 1))
    at = [(a + b) / 2 for a, b in itertools.pairwise(edges)]
    negative = tuple(int(400_000 * math.exp(-abs(x) * 6)) for x in at)
    positive = tuple(int(400_000 * rare * math.exp(-((x - 2) ** 2) / 0.5)) for x in at)
    return Histogram(edges=edges, negative=negative, positive=positive)


def bands() -> tuple[Band, ...]:
    return tuple(
        Band(
            low=0.4 * i,
            high=0.4 * (i + 1),
            n_tokens=int(300_000 * math.exp(-i)),
            mean_label=1 / (1 + math.exp(4 - i)) if i < 9 else None,
        )
        for i in range(10)
    )


def scores(value: float) -> dict[str, Score]:
    names = {
        "pearson": value,
        "variance_explained": value**2,
        "precision": value * 0.95,
        "recall": value * 1.05,
        "f1": value,
        "ap": value * 0.9,
        "lift": value * 37,
        "auroc": 0.5 + value / 2,
        "specificity": value * 0.8,
    }
    return {
        name: Score(value=v, low=v * 0.96, high=min(v * 1.05, v + 0.04))
        for name, v in names.items()
    }


def floors(value: float) -> dict[str, float | None]:
    rivals = {"constant": 0.0, "random": 0.02, "token_identity": 0.6, "position": 0.04}
    found: dict[str, float | None] = {
        f"{metric}.{rival}": value * share
        for metric in ("pearson", "ap", "f1")
        for rival, share in rivals.items()
    }
    return found | {"pearson.previous_token": None, "pearson.comparison_best": value * 0.7}


def result(name: str = "python-comment", status: str = "supported", **changes: Any) -> Result:
    """A boolean neuron hypothesis with everything that a report can show, then `changes`."""
    rng = random.Random(name)
    value = {"supported": 0.78, "refuted": 0.21, "inconclusive": 0.51}.get(status, 0.4)
    fields: dict[str, Any] = {
        "name": name,
        "claim": "Fires inside Python comments.",
        "source": "plugins/python_code.py:12",
        "model": "py-gelu-1l",
        "unit": "L0N417",
        "on": r'Regex(r"#[^\n]*")',
        "corpus": "package:sympy",
        "hypothesis_hash": "2f1c9a",
        "n_tokens": 1_234_567,
        "n_positive": 28_345,
        "prevalence": 0.02296,
        "n_documents": 412,
        "n_groups": 31,
        "threshold": 0.83,
        "comparison_percentile": 0.984,
        "n_comparison": 64,
        "scores": scores(value),
        "floors": floors(value),
        "expect": (
            Bar(metric="f1", at_least=0.5, status=status if status != "error" else "undefined"),
            Bar(metric="pearson", at_least=0.45, status="supported"),
        ),
        "verdict": Verdict(
            status=status,
            reasons=(f"f1 {value} reaches 0.5", "pearson 0.5 [0.4, 0.6] may or may not reach 0.45"),
        ),
        "histogram": histogram(),
        "bands": bands(),
        "slices": tuple(
            Slice(
                by="position",
                name=f"{i}-{2 * i}",
                n_tokens=90_000,
                scores={"pearson": Score(value=0.7, low=0.6, high=0.8), "ap": Score(value=None)},
            )
            for i in (16, 32, 64, 128)
        ),
        "examples": examples(rng),
    }
    return Result(**(fields | changes))


def numeric_result() -> Result:
    base = scores(0.62)
    return result(
        "indent-depth",
        "inconclusive",
        claim="Grows with the depth of indentation.",
        label_kind="numeric",
        unit="L0N88",
        searched="AnyNeuron(layer=0): best of 1024 by |pearson|",
        on="indent_depth",
        sign="-",
        threshold=None,
        prevalence=None,
        n_positive=0,
        scores={"pearson": base["pearson"], "spearman": base["f1"], "r2": Score(value=-0.2)},
        expect=(Bar(metric="pearson", at_least=0.61, status="inconclusive"),),
        label_bands=tuple(
            LabelBand(low=i, high=i, n_tokens=100_000 >> i, mean_activation=0.3 * i - 0.4)
            for i in range(9)
        ),
    )


def categorical_result(**changes: Any) -> Result:
    """One category has no interval, one no tokens."""
    means = {"noun": 0.31, "verb": -0.12, "proper noun": 1.4, "adverb": 0.02}
    bands = tuple(
        CategoryBand(name=name, n_tokens=9_000 >> i, mean_activation=m, low=m - 0.05, high=m + 0.07)
        for i, (name, m) in enumerate(means.items())
    )
    fields: dict[str, Any] = {
        "claim": "Tells parts of speech apart.",
        "label_kind": "categorical",
        "on": "@category part_of_speech",
        "threshold": None,
        "n_positive": 0,
        "n_unlabelled": 4_321,
        "prevalence": None,
        "scores": {"eta_squared": Score(value=0.34, low=0.31, high=0.37)},
        "floors": {"eta_squared.token_identity": 0.41, "eta_squared.random": 2.1e-5},
        "expect": (Bar(metric="eta_squared", at_least=0.3, status="supported"),),
        "bands": (),
        "category_bands": (
            *bands,
            CategoryBand(name="interjection", n_tokens=2, mean_activation=2.25),
            CategoryBand(name="particle", n_tokens=0, mean_activation=None),
        ),
    }
    return result("part-of-speech", **(fields | changes))


def error_result() -> Result:
    return result(
        "broken",
        "error",
        claim="Fires on numbers.",
        scores={},
        floors={},
        comparison_percentile=None,
        expect=(),
        n_tokens=0,
        n_positive=0,
        prevalence=None,
        threshold=None,
        histogram=None,
        bands=(),
        slices=(),
        examples=Examples(),
        verdict=Verdict(
            status="error",
            reasons=("The predicate 'number' raised on sympy/a.py:\nValueError: bad span (9, 4).",),
        ),
    )


def undefined_result() -> Result:
    return result(
        "walrus",
        "undefined",
        claim="Fires on assignment expressions.",
        scores={"pearson": Score(value=None), "f1": Score(value=0.1), "ap": Score(value=None)},
        floors={},
        n_positive=3,
        prevalence=2.43e-6,
        examples=Examples(),
        verdict=Verdict(status="undefined", reasons=("Only 3 positive tokens; 20 are needed.",)),
    )


def report(*results: Result, **changes: Any) -> Report:
    """The given results, or one of every verdict and of every kind of label."""
    fields: dict[str, Any] = {
        "run": RunInfo(
            created="2026-01-31T12:00:00Z",
            command="mih run plugins -o reports/demo",
            versions={"mi_hypotheses": "0.1.0", "torch": "2.9.0", "python": "3.11.2"},
            device="cpu",
            dtype="float32",
            seed=0,
            seconds=93.4,
            tokens_per_second=24_513.2,
            stages={"read": 1.2, "forward_pass": 61.0, "score": 8.4},
        ),
        "models": (
            ModelInfo(
                reference="py-gelu-1l",
                fingerprint="9f8e7d6c5b4a39281706",
                tokenizer_fingerprint="0a1b2c3d4e5f60718293",
                n_layers=1,
                d_model=256,
                d_mlp=2048,
                n_heads=8,
                n_ctx=256,
            ),
        ),
        "corpora": (
            CorpusInfo(
                uri="package:sympy",
                fingerprint="c0ffee00c0ffee00",
                n_documents=1_431,
                n_tokens=6_204_112,
                excluded={"bos": 24_000, "not_aligned": 12},
                skipped={"undecodable": 2},
                uncovered={"en_core_web_sm": 7},
                pipelines={"en_core_web_sm": "0a1b2c3d4e5f60718293"},
            ),
            CorpusInfo(uri="stdlib", fingerprint="deadbeef", n_documents=700, n_tokens=2_000_000),
        ),
        "results": results or every_kind(),
        "errors": (
            LoadError(
                source="plugins/typo.py:3", message="There is no hook 'mi_modles'.\nDid you?"
            ),
        ),
    }
    return Report(**(fields | changes))


def every_kind() -> tuple[Result, ...]:
    return (
        result(),
        result(corpus="package:networkx", status="inconclusive", unit="L0N417"),
        result("class-name", "refuted", claim="Fires on capitalised names of classes."),
        numeric_result(),
        categorical_result(),
        undefined_result(),
        error_result(),
    )

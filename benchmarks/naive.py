"""The way without this package: keep activations in memory, score each claim with scikit-learn."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Benchmark, Measured, in_turn
from benchmarks.running import neurons, options, scored
from benchmarks.shapes import Shape
from benchmarks.texts import FullWindows
from benchmarks.workplace import Workplace
from mi_hypotheses.hypotheses import Fires, Hypothesis, Neuron
from mi_hypotheses.predicates import Regex

CONTEXT, CLAIMS, THRESHOLDS = 1024, 20, 100


class Notebook:
    """What one would write in a notebook, and how long its parts took."""

    def __init__(self, shape: Shape, texts: FullWindows, claims: Sequence[Hypothesis]) -> None:
        self.shape, self.texts, self.claims = shape, texts, claims
        self.parts: dict[str, float] = {}

    def run(self) -> None:
        """Activations first, then claim by claim."""
        began = time.perf_counter()
        kept = self._activations()
        self.parts = {"run_with_cache": time.perf_counter() - began, "labels": 0.0, "scores": 0.0}
        for claim in self.claims:
            assert isinstance(claim, Fires)
            assert isinstance(claim.on, Regex)
            assert isinstance(claim.unit, Neuron)
            began = time.perf_counter()
            labels = self._labels(claim.on.pattern)
            between = time.perf_counter()
            scores(labels, kept[:, claim.unit.index])
            self.parts["labels"] += between - began
            self.parts["scores"] += time.perf_counter() - between

    def _activations(self) -> NDArray[np.float32]:
        """The last layer's activations on all tokens, [token, neuron], document by document."""
        bridge, layer = self.shape.model.bridge, self.shape.source.info.n_layers - 1
        kept = []
        for tokens in self.shape.batches(self.texts.ids, size=1):
            _, cache = bridge.run_with_cache(tokens)
            kept.append(cache[f"blocks.{layer}.mlp.hook_post"][0, 1:].detach().numpy())
        return np.concatenate(kept)

    def _labels(self, pattern: str) -> NDArray[np.bool_]:
        """Whether each token meets a match, [token]."""
        labels = []
        encodings = self.shape.source.tokenizer().encode(self.texts.texts)
        for text, encoding in zip(self.texts.texts, encodings, strict=True):
            inside = np.zeros(len(text), dtype=np.bool_)
            for match in re.finditer(pattern, text, re.MULTILINE):
                inside[match.start() : match.end()] = True
            spans = zip(encoding.starts.tolist(), encoding.ends.tolist(), strict=True)
            labels += [inside[start:end].any() for start, end in spans]
        return np.array(labels)


def scores(labels: NDArray[np.bool_], activations: NDArray[np.float32]) -> dict[str, float]:
    """Average precision, AUROC, the best F1 over thresholds, and the correlation."""
    from scipy.stats import pearsonr  # type: ignore[import-untyped] # it has none
    from sklearn.metrics import (  # type: ignore[import-untyped] # it has none
        average_precision_score,
        f1_score,
        roc_auc_score,
    )

    thresholds = np.quantile(activations, np.linspace(0, 1, THRESHOLDS, endpoint=False))
    return {
        "ap": average_precision_score(labels, activations),
        "auroc": roc_auc_score(labels, activations),
        "f1": max(f1_score(labels, activations >= each) for each in thresholds),
        "pearson": pearsonr(labels.astype(float), activations).statistic,
    }


def _against_naive(workplace: Workplace) -> Measured:
    shape = workplace.shape(CONTEXT)
    texts = workplace.texts(CONTEXT, workplace.sizes.windows[CONTEXT])
    claims = neurons(shape, texts, CLAIMS)
    notebook = Notebook(shape, texts, claims)
    scored(shape, claims, options(CONTEXT))
    times = in_turn(
        notebook.run,
        lambda: scored(shape, claims, options(CONTEXT)),
        pairs=1,
    )
    parts = {name: round(each, 2) for name, each in notebook.parts.items()}
    details = {"tokens": texts.n_tokens, **times.told("naive", "run"), "naive parts (s)": parts}
    return Measured(times.ratio, details)


BENCHMARKS = (
    Benchmark(
        name="naive",
        what="20 regex claims with `run_with_cache` and scikit-learn: its time over `run`'s",
        measure=_against_naive,
        target=5,
        why="both sides run the model, which bounds the ratio, and the naive one computes no "
        "intervals and no floors",
    ),
)

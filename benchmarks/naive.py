"""The way without this package: keep activations in memory, score each claim with scikit-learn."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Benchmark, Measured, in_turn
from benchmarks.running import neurons, options, scored
from benchmarks.shapes import Shape
from benchmarks.texts import FullWindows
from benchmarks.workplace import Workplace
from mi_hypotheses.hypotheses import Fires, Hypothesis, Neuron
from mi_hypotheses.metrics import RESAMPLES
from mi_hypotheses.predicates import Regex
from mi_hypotheses.text import CALIBRATION_GROUPS, group_of

CONTEXT, CLAIMS, THRESHOLDS = 1024, 20, 100
TIMED = 20  # resamples; the rest of `RESAMPLES` is counted as taking as long


class Notebook:
    """What one would write in a notebook, and how long its parts took."""

    def __init__(self, shape: Shape, texts: FullWindows, claims: Sequence[Hypothesis]) -> None:
        self.shape, self.texts, self.claims = shape, texts, claims
        self.parts: dict[str, float] = {}
        self.kept = np.empty((0, 0), dtype=np.float32)

    def run(self, *, resamples: int = 0) -> None:
        """Activations first, then claim by claim; intervals from so many resamples."""
        self.parts = dict.fromkeys(("run_with_cache", "labels", "scores", "intervals"), 0.0)
        with self._timed("run_with_cache"):
            self.kept = self._activations()
        for claim in self.claims:
            assert isinstance(claim, Fires)
            assert isinstance(claim.on, Regex)
            assert isinstance(claim.unit, Neuron)
            with self._timed("labels"):
                labels = self._labels(claim.on.pattern)
            column = self.kept[:, claim.unit.index]
            with self._timed("scores"):
                _, threshold = scores(labels, column)
            with self._timed("intervals"):
                test, document = self._test()
                intervals(labels[test], column[test], threshold, document, resamples=resamples)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.parts[part] += time.perf_counter() - began

    def _test(self) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which tokens are of test documents, [token], and the numbers of theirs, [test token]."""
        test = np.array([group_of(name) >= CALIBRATION_GROUPS for name in self.texts.names])
        sizes = np.array([len(ids) for ids in self.texts.ids])
        return test.repeat(sizes), np.arange(int(test.sum())).repeat(sizes[test])

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


def scores(
    labels: NDArray[np.bool_], activations: NDArray[np.float32]
) -> tuple[dict[str, float], np.float32]:
    """Average precision, AUROC, the best F1 over thresholds, and the correlation; and the
    threshold of that F1."""
    from scipy.stats import pearsonr  # type: ignore[import-untyped] # it has none
    from sklearn.metrics import (  # type: ignore[import-untyped] # it has none
        average_precision_score,
        f1_score,
        roc_auc_score,
    )

    thresholds = np.quantile(activations, np.linspace(0, 1, THRESHOLDS, endpoint=False))
    f1 = [f1_score(labels, activations >= each) for each in thresholds]
    best = int(np.argmax(f1))
    found = {
        "ap": average_precision_score(labels, activations),
        "auroc": roc_auc_score(labels, activations),
        "f1": f1[best],
        "pearson": pearsonr(labels.astype(float), activations).statistic,
    }
    return found, thresholds[best]


def intervals(
    labels: NDArray[np.bool_],
    activations: NDArray[np.float32],
    threshold: np.float32,
    document: NDArray[np.int64],
    *,
    resamples: int,
) -> NDArray[np.float64]:
    """The same four, of the nine that a run has, for resamples of the documents, [resamples, 4]:
    scikit-learn takes how often each token was drawn as its weight."""
    from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

    drawn, count = np.random.default_rng(0), int(document[-1]) + 1
    found = np.empty((resamples, 4))
    for row in found:
        often = drawn.multinomial(count, np.full(count, 1 / count))[document]
        c, a = np.repeat(labels, often).astype(float), np.repeat(activations, often)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a resample without the label
            row[:] = (
                average_precision_score(labels, activations, sample_weight=often),
                roc_auc_score(labels, activations, sample_weight=often),
                f1_score(labels, activations >= threshold, sample_weight=often),
                np.corrcoef(c, a)[0, 1],
            )
    return found


def _against_naive(workplace: Workplace, *, with_intervals: bool) -> Measured:
    shape = workplace.shape(CONTEXT)
    texts = workplace.texts(CONTEXT, workplace.sizes.windows[CONTEXT])
    claims = neurons(shape, texts, CLAIMS)
    notebook = Notebook(shape, texts, claims)
    scored(shape, claims, options(CONTEXT))
    scores(np.array([False, True]), np.array([0, 1], dtype=np.float32))  # what it imports
    times = in_turn(
        lambda: notebook.run(resamples=TIMED if with_intervals else 0),
        lambda: scored(shape, claims, options(CONTEXT)),
        pairs=1,
    )
    unseen = notebook.parts["intervals"] * (RESAMPLES / TIMED - 1)
    details = {
        "tokens": texts.n_tokens,
        **times.told("naive", "run"),
        "naive parts (s)": {name: round(each, 2) for name, each in notebook.parts.items()},
        "naive, resamples not timed (s)": round(unseen, 1),
        "naive keeps (GB a million tokens)": round(notebook.kept.nbytes / texts.n_tokens / 1e3, 1),
    }
    return Measured((times.first[0] + unseen) / times.second[0], details)


_WHAT = "20 regex claims with `run_with_cache` and scikit-learn{}: its time over `run`'s"

BENCHMARKS = (
    Benchmark(
        name="naive",
        what=_WHAT.format(", scores without intervals"),
        measure=partial(_against_naive, with_intervals=False),
        target=5,
        why="both sides run the model, which bounds the ratio, and the naive one computes no "
        "intervals and no floors",
    ),
    Benchmark(
        name="naive-intervals",
        what=_WHAT.format(f", scores with intervals from {RESAMPLES:,} resamples, as `run`'s are"),
        measure=partial(_against_naive, with_intervals=True),
        target=5,
    ),
)

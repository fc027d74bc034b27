"""Text to labels: how fast a pattern is matched and aligned to tokens."""

from __future__ import annotations

import statistics

from benchmarks.measuring import Benchmark, Measured, seconds
from benchmarks.texts import SOURCE, megabytes
from benchmarks.workplace import Workplace
from mi_hypotheses import models
from mi_hypotheses.predicates import Regex
from mi_hypotheses.text import TokenView

MODEL, REPEATS = "py-gelu-1l", 5
PATTERN = r"\b[A-Z]\w*"  # it matches in nearly every line


def _throughput(workplace: Workplace) -> Measured:
    """One core: nothing here is parallel but the tokenizer, which is not timed."""
    texts = megabytes(SOURCE, workplace.sizes.megabytes)
    encodings = models.resolve(MODEL).tokenizer().encode(texts)
    pairs = list(zip(texts, encodings, strict=True))
    predicate = Regex(PATTERN)

    def label() -> None:
        for text, encoding in pairs:
            predicate.labels(TokenView(text, encoding.starts, encoding.ends, encoding.ids))

    label()
    taken = statistics.median(seconds(label) for _ in range(REPEATS))
    size = sum(len(text.encode()) for text in texts) / 1e6
    tokens = sum(len(encoding.ids) for encoding in encodings)
    details = {
        "MB": round(size, 2),
        "seconds": round(taken, 3),
        "tokens a second": round(tokens / taken),
    }
    return Measured(size / taken, details)


BENCHMARKS = (
    Benchmark(
        name="labels",
        what=f"`Regex({PATTERN!r})`, matched and aligned to tokens, one core: text a second",
        measure=_throughput,
        target=5,
        unit="MB/s",
    ),
)

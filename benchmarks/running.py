"""`run` from text to scores, against the bare forward pass of the same model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.measuring import Benchmark, Measured, in_turn
from benchmarks.shapes import Shape
from benchmarks.texts import FullWindows, common_pairs
from benchmarks.workplace import Workplace
from mi_hypotheses.cache import Cache
from mi_hypotheses.context import RunOptions
from mi_hypotheses.engine import run
from mi_hypotheses.hypotheses import Attends, Fires, Head, Hypothesis, Neuron
from mi_hypotheses.predicates import Regex
from mi_hypotheses.reports import Report
from mi_hypotheses.targets import (
    AfterPrevious,
    CurrentToken,
    DuplicateToken,
    FirstToken,
    PreviousToken,
    Target,
)

BATCH = 2048  # tokens: more at a time is slower on a CPU

PATTERNS = (
    r"#[^\n]*",
    r'"[^"\n]*"',
    r"'[^'\n]*'",
    r"\d+",
    r"[()]",
    r"[()\[\]{}]",
    r"\b(?:the|a|of|to)\b",
    r"\b[a-z]{1,3}\b",
    r"\w+(?:s|ed|ing)\b",
    r"(?<=[ \t])[a-z]+",
    r"\bimport\b",
    r"\w+(?=\()",
    r"(?<=\.)\w+",
    r"^\s+\w+",
    r"[A-Z]\w*",
    r"\b\w\b",
    r"[=<>!]=?",
    r"[,:;]",
    r"\w+_\w+",
    r">>> [^\n]*",
)
TARGETS: tuple[Target, ...] = (
    PreviousToken(),
    DuplicateToken(),
    AfterPrevious(),
    FirstToken(),
    CurrentToken(),
)


def options(n_ctx: int) -> RunOptions:
    """How the engine runs: on the CPU, in batches of `BATCH` tokens."""
    return RunOptions(device="cpu", batch_size=BATCH // n_ctx)


def neurons(shape: Shape, texts: FullWindows, count: int) -> list[Hypothesis]:
    """Claims about neurons of the last layer, each with a regular expression of its own: those
    above, then one for the words with each common pair of letters."""
    pairs = common_pairs(texts.texts, count=max(count - len(PATTERNS), 0))
    patterns = [*PATTERNS, *(rf"\w*{pair}\w*" for pair in pairs)][:count]
    last = shape.source.info.n_layers - 1
    width = shape.source.info.d_mlp or 1
    return [
        Fires(
            name=f"neuron-{number}",
            claim="A claim to measure with.",
            model=shape.reference,
            unit=Neuron(layer=last, index=7 * number % width),
            on=Regex(pattern, flags="m"),
            corpora=(str(texts.path),),
        )
        for number, pattern in enumerate(patterns)
    ]


def heads(
    shape: Shape, texts: FullWindows, count: int, targets: Sequence[Target] = TARGETS
) -> list[Hypothesis]:
    """Claims about heads from the last layer down, with targets in turn."""
    n_layers, n_heads = shape.source.info.n_layers, shape.source.info.n_heads or 1
    return [
        Attends(
            name=f"head-{number}",
            claim="A claim to measure with.",
            model=shape.reference,
            unit=Head(layer=n_layers - 1 - number % n_layers, index=number % n_heads),
            to=targets[number % len(targets)],
            corpora=(str(texts.path),),
        )
        for number in range(count)
    ]


def scored(shape: Shape, hypotheses: Sequence[Hypothesis], options: RunOptions) -> Report:
    """A run from nothing: an empty cache, but a model that is loaded.

    Raises:
        RuntimeError: most claims came out without scores, so that the run did too little.
    """
    report = run(hypotheses, options=options, cache=Cache.temporary(), plugins=shape.plugins)
    with_scores = sum(bool(result.scores) for result in report.results)
    if with_scores < 0.8 * len(hypotheses):
        bare = next(result for result in report.results if not result.scores)
        raise RuntimeError(
            f"{with_scores} of {len(hypotheses)} claims have scores; {bare.name} has none: "
            f"{'; '.join(bare.verdict.reasons)}"
        )
    return report


Claims = Callable[[Shape, FullWindows, int], list[Hypothesis]]


def _against_reference(
    workplace: Workplace,
    *,
    make: Claims,
    count: int,
    n_ctx: int,
    of_heads: bool = False,
    times_the_text: int = 1,
) -> Measured:
    """The engine's tokens a second over those of the bare forward pass."""
    shape = workplace.shape(n_ctx)
    texts = workplace.texts(n_ctx, times_the_text * workplace.sizes.windows[n_ctx])
    hypotheses = make(shape, texts, count)
    batches = shape.batches(texts.ids, size=BATCH // n_ctx)
    stop = shape.after_heads if of_heads else shape.after_neurons
    stages: dict[str, float] = {}

    def ours() -> None:
        stages.update(scored(shape, hypotheses, options(n_ctx)).run.stages)

    def bare() -> None:
        shape.forward(batches, stop=stop)

    shape.forward(batches[:1], stop=stop)
    ours()
    times = in_turn(bare, ours, pairs=workplace.sizes.pairs)
    details = {
        "tokens": texts.n_tokens,
        **times.told("bare forward", "run"),
        "tokens a second": round(texts.n_tokens / min(times.second)),
        "stages (s)": stages,
    }
    return Measured(times.ratio, details)


def _benchmark(
    name: str,
    what: str,
    target: float,
    *,
    make: Claims,
    count: int,
    of_heads: bool = False,
    contexts: Sequence[int] = (1024, 256),
    times_the_text: int = 1,
    why: str = "",
) -> list[Benchmark]:
    """A line for each length of windows; only the first one has a target. `why` is what it may
    be missed for."""
    measure = partial(
        _against_reference,
        make=make,
        count=count,
        of_heads=of_heads,
        times_the_text=times_the_text,
    )
    return [
        Benchmark(
            name=name if n_ctx == contexts[0] else f"{name}-{n_ctx}",
            what=f"run, {what}, windows of {n_ctx:,}: tokens/s over the bare forward pass's",
            measure=partial(measure, n_ctx=n_ctx),
            target=target if n_ctx == contexts[0] else None,
            why=why,
        )
        for n_ctx in contexts
    ]


_SCORES = (
    "a claim's scores and their intervals cost as much on few tokens as on many (stage: scores); "
    "the rest is what the forward pass takes beyond the bare one (stage: forward)"
)

BENCHMARKS = (
    *_benchmark(
        "neurons-20",
        "20 regex claims about neurons",
        0.90,
        make=neurons,
        count=20,
        why=_SCORES,
    ),
    *_benchmark(
        "neurons-200",
        "200 regex claims about neurons on four times the text",
        0.80,
        make=neurons,
        count=200,
        contexts=[1024],
        times_the_text=4,  # what a claim costs whatever the text is 200 times as much, too
        why=_SCORES,
    ),
    *_benchmark(
        "heads-20",
        "20 head targets",
        0.80,
        make=heads,
        count=20,
        of_heads=True,
        why="the 20 heads lie in all layers, and to compare them patterns are made of all 12 heads "
        "of each layer, where fused attention makes none (stage: forward)",
    ),
)

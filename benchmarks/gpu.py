"""The same on a GPU, in bfloat16; skipped where there is none."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.measuring import Benchmark, Measured, SkippedError, in_turn, seconds
from benchmarks.running import neurons, scored
from benchmarks.scanning import scanned
from benchmarks.shapes import Shape
from benchmarks.workplace import Workplace
from mi_hypotheses.context import RunOptions

CONTEXT, BATCH, WINDOWS = 1024, 32, 512
OPTIONS = RunOptions(device="cuda", dtype="bfloat16", batch_size=BATCH)
_SIDE = 8192  # of the matrices whose product shows what the card can do


def _shape(workplace: Workplace) -> Shape:
    import torch

    if not torch.cuda.is_available():
        raise SkippedError("torch sees no CUDA device here")
    on_cpu = workplace.shape(CONTEXT)
    return replace(on_cpu, device=OPTIONS.device, dtype=OPTIONS.dtype)


def _windows(workplace: Workplace) -> int:
    return BATCH if workplace.sizes.tiny else WINDOWS


def _run(workplace: Workplace) -> Measured:
    shape = _shape(workplace)
    texts = workplace.texts(CONTEXT, _windows(workplace))
    claims, batches = neurons(shape, texts, 20), shape.batches(texts.ids, size=BATCH)
    shape.forward(batches, stop=shape.after_neurons)
    scored(shape, claims, OPTIONS)
    times = in_turn(
        lambda: shape.forward(batches, stop=shape.after_neurons),
        lambda: scored(shape, claims, OPTIONS),
        pairs=workplace.sizes.pairs,
    )
    rate = round(texts.n_tokens / min(times.second))
    details = {"tokens": texts.n_tokens, **times.told("bare forward", "run"), "tokens/s": rate}
    return Measured(times.ratio, details)


def _scan(workplace: Workplace) -> Measured:
    shape = _shape(workplace)
    texts = workplace.texts(CONTEXT, _windows(workplace))
    batches = shape.batches(texts.ids, size=BATCH)
    shape.forward(batches, stop=shape.after_neurons)
    scanned(shape, texts, OPTIONS)
    times = in_turn(
        lambda: scanned(shape, texts, OPTIONS),
        lambda: shape.forward(batches, stop=shape.after_neurons),
        pairs=workplace.sizes.pairs,
    )
    return Measured(times.ratio, {"tokens": texts.n_tokens, **times.told("scan", "bare forward")})


def _limit(workplace: Workplace) -> Measured:
    """The share of the card's arithmetic that the bare forward pass reaches.

    Counted are 2 operations a weight and token, and 4 x width a token and key in attention of
    half the keys; the limit is what a large matrix product in the same dtype reaches.
    """
    import torch

    shape = _shape(workplace)
    texts = workplace.texts(CONTEXT, _windows(workplace))
    batches = shape.batches(texts.ids, size=BATCH)
    width, layers = shape.source.info.d_model, shape.source.info.n_layers
    a = torch.randn(_SIDE, _SIDE, device=shape.device, dtype=getattr(torch, shape.dtype))

    def multiply() -> None:
        for _ in range(20):
            a @ a
        torch.cuda.synchronize()

    def forward() -> None:
        shape.forward(batches, stop=shape.after_neurons)

    multiply()
    forward()
    limit = 20 * 2 * _SIDE**3 / seconds(multiply)
    weights = 12 * layers * width**2 - 4 * width**2  # the last projection is not reached
    tokens = sum(batch.numel() for batch in batches)
    operations = tokens * (2 * weights + 4 * width * layers * CONTEXT / 2)
    taken = seconds(forward)
    details = {"tokens a second": round(tokens / taken), "limit (TFLOP/s)": limit / 1e12}
    return Measured(operations / taken / limit, details)


BENCHMARKS = (
    Benchmark(
        name="gpu-neurons-20",
        what="run on a GPU, bfloat16, 20 regex claims: tokens/s over the bare forward pass's",
        measure=_run,
        target=0.90,
    ),
    Benchmark(
        name="gpu-scan",
        what="a scan, all neurons x 50 features, none scored exactly, on a GPU, bfloat16: time "
        "over the bare forward pass's",
        measure=_scan,
        target=1.25,
        better="lower",
    ),
    Benchmark(
        name="gpu-limit",
        what="the bare forward pass on a GPU, bfloat16: arithmetic over that of a matrix product",
        measure=_limit,
    ),
)

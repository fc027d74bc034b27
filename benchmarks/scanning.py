"""Every neuron against many features, against the bare forward pass."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.measuring import Benchmark, Measured, in_turn
from benchmarks.running import BATCH, neurons, options
from benchmarks.shapes import Shape
from benchmarks.texts import FullWindows
from benchmarks.workplace import Workplace
from mi_hypotheses.cache import Cache
from mi_hypotheses.context import RunOptions
from mi_hypotheses.hypotheses import Fires
from mi_hypotheses.neuron_scan import CPU_ACTIVATIONS
from mi_hypotheses.scan import Scan, ScanOptions, Subject, scan

CONTEXT, FEATURES = 256, 50


def scanned(shape: Shape, texts: FullWindows, run_options: RunOptions) -> Scan:
    """A scan for all features in all neurons from nothing: an empty cache, but a model that is
    loaded. No pair is scored exactly.

    Raises:
        RuntimeError: most features came out without scores, so that the scan did too little.
    """
    claims = neurons(shape, texts, FEATURES)
    found = scan(
        [Subject(each.name, each.claim, each.on) for each in claims if isinstance(each, Fires)],
        model=shape.reference,
        corpus=str(texts.path),
        options=ScanOptions(exact=0),
        run_options=run_options,
        cache=Cache.temporary(),
        plugins=shape.plugins,
    )
    with_scores = sum(bool(subject.units) for subject in found.report.subjects)
    if with_scores < 0.8 * FEATURES and run_options.limit is None:
        raise RuntimeError(f"{with_scores} of {FEATURES} features have scores")
    return found


def _against_reference(workplace: Workplace) -> Measured:
    shape = workplace.shape(CONTEXT)
    texts = workplace.texts(CONTEXT, workplace.sizes.scanned)
    info = shape.source.info
    held = CPU_ACTIVATIONS // (4 * (info.d_mlp or 1) * info.n_layers * CONTEXT)
    batches = shape.batches(texts.ids, size=min(held, BATCH // CONTEXT))
    stages: dict[str, float] = {}

    def ours() -> None:
        stages.update(scanned(shape, texts, options(CONTEXT)).report.run.stages)

    shape.forward(batches[:1], stop=shape.after_neurons)
    scanned(shape, texts, replace(options(CONTEXT), limit=4))
    times = in_turn(ours, lambda: shape.forward(batches, stop=shape.after_neurons), pairs=1)
    told = times.told("run", "bare forward")
    return Measured(times.ratio, {"tokens": texts.n_tokens, **told, "stages (s)": stages})


BENCHMARKS = (
    Benchmark(
        name="scan",
        what="a scan, all neurons of all layers (36,864) x 50 features, none scored exactly: time "
        "over the bare forward pass's",
        measure=_against_reference,
        target=1.5,
        better="lower",
        why="about 2,000 tokens are run twice, to fix centres and thresholds, and scores cost the "
        "same, whatever the corpus; the rest are products of labels and activations",
    ),
)

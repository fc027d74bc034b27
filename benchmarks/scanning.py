"""Every neuron against many features, against the bare forward pass."""

from __future__ import annotations

from benchmarks.measuring import Benchmark, Measured, in_turn
from benchmarks.running import neurons, options
from benchmarks.shapes import Shape
from benchmarks.texts import FullWindows
from benchmarks.workplace import Workplace
from mi_hypotheses import models
from mi_hypotheses.cache import Cache
from mi_hypotheses.context import Context, RunOptions
from mi_hypotheses.engine import Silent
from mi_hypotheses.jobs import FiresJob
from mi_hypotheses.measurement import Measurement
from mi_hypotheses.models import Site
from mi_hypotheses.neuron_scan import CPU_ACTIVATIONS, NeuronScan

CONTEXT, FEATURES = 256, 50


def prepared(shape: Shape, texts: FullWindows, run_options: RunOptions) -> Measurement:
    """The features' labels on the corpus, ready to be scanned for."""
    context = Context(run_options, Cache.temporary(), shape.plugins, Silent())
    source = models.resolve(shape.reference, loaders=[shape.plugins.load_model])
    claims = neurons(shape, texts, FEATURES)
    measurement = Measurement(context, source, str(texts.path), claims)
    measurement.prepare()
    return measurement


def scan(measurement: Measurement) -> None:
    """The sums of all neurons of all layers, from an empty cache."""
    info = measurement.store.source.info
    NeuronScan(
        measurement.store,
        measurement.firing.columns,
        [job for job in measurement.jobs if isinstance(job, FiresJob)],
        [Site(layer) for layer in range(info.n_layers)],
    ).sums()


def _against_reference(workplace: Workplace) -> Measured:
    shape = workplace.shape(CONTEXT)
    texts = workplace.texts(CONTEXT, workplace.sizes.scanned)
    measurement = prepared(shape, texts, options(CONTEXT))
    info = shape.source.info
    held = CPU_ACTIVATIONS // (4 * (info.d_mlp or 1) * info.n_layers * CONTEXT)
    batches = shape.batches(texts.ids, size=min(held, options(CONTEXT).batch_size))
    shape.forward(batches[:1], stop=shape.after_neurons)
    times = in_turn(
        lambda: scan(measurement),
        lambda: shape.forward(batches, stop=shape.after_neurons),
        pairs=1,
    )
    return Measured(times.ratio, {"tokens": texts.n_tokens, **times.told("scan", "bare forward")})


BENCHMARKS = (
    Benchmark(
        name="scan",
        what="all neurons of all layers (36,864) x 50 features: time over the bare forward pass's",
        measure=_against_reference,
        target=1.5,
        better="lower",
        why="about 2,000 tokens are run twice, to fix centres and thresholds, whatever the corpus; "
        "the rest are products of labels and activations",
    ),
)

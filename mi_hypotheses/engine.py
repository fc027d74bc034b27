"""The engine: hypotheses in, report out. One forward pass serves all of a (model, corpus)."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

from mi_hypotheses import models, scoring
from mi_hypotheses.cache import Cache
from mi_hypotheses.context import Context, RunOptions
from mi_hypotheses.errors import MiHypothesesError
from mi_hypotheses.forward import Progress
from mi_hypotheses.head_slices import SLICED
from mi_hypotheses.hypotheses import AnyHead, AnyNeuron, Attends, Hypothesis
from mi_hypotheses.jobs import unexpected
from mi_hypotheses.measurement import Measurement
from mi_hypotheses.models import ModelSource
from mi_hypotheses.reports import LoadError, Report, Result, RunInfo, Slice
from mi_hypotheses.rivals import HEAD_RIVALS, RIVALS, unbeaten_floors

if TYPE_CHECKING:
    from mi_hypotheses.plugins import Plugins

VERSIONED = (
    "mi_hypotheses",
    "torch",
    "transformer_lens",
    "transformers",
    "numpy",
    "regex",
    "spacy",
)


class Silent:
    """A `Progress` that nobody watches."""

    def stage(self, description: str, *, total: int | None) -> None: ...
    def advance(self, amount: int) -> None: ...
    def note(self, message: str) -> None: ...


def run(
    hypotheses: Sequence[Hypothesis],
    *,
    options: RunOptions,
    cache: Cache,
    plugins: Plugins | None = None,
    load_errors: Sequence[LoadError] = (),
    progress: Progress | None = None,
    command: str = "",
) -> Report:
    """Score every hypothesis on each of its corpora.

    A model, corpus or hypothesis that fails becomes `error` results; the others go on.
    """
    began = time.perf_counter()
    context = Context(options, cache, plugins, progress or Silent())
    sources: dict[str, ModelSource] = {}
    results = _results(hypotheses, sources, context)
    if options.untrained:
        fresh = _results([_on_untrained(h) for h in hypotheses], sources, context)
        results = [_with_floor(*pair) for pair in zip(results, fresh, strict=True)]
    cache.trim()
    for note in dict.fromkeys(cache.notes):
        context.progress.note(note)
    return Report(
        run=run_info(context, seconds=time.perf_counter() - began, command=command),
        models=tuple(source.info for source in sources.values()),
        corpora=tuple(context.corpora),
        results=tuple(results),
        errors=tuple(load_errors),
    )


def run_info(context: Context, *, seconds: float, command: str) -> RunInfo:
    """What is told of a run that took so long."""
    return RunInfo(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        versions=_versions(),
        device=context.device or "none: all activations were cached",
        dtype=context.options.dtype,
        seed=context.options.seed,
        seconds=round(seconds, 3),
        tokens_per_second=context.tokens_run / context.forward_seconds
        if context.tokens_run
        else None,
        stages={name: round(value, 3) for name, value in context.stages.seconds.items()},
    )


def _results(
    hypotheses: Sequence[Hypothesis], sources: dict[str, ModelSource], context: Context
) -> list[Result]:
    """Results in the order of hypotheses and their corpora."""
    found: dict[tuple[int, str], Result] = {}
    for (model, corpus), members in _by_model_and_corpus(hypotheses).items():
        asked = [hypotheses[number] for number in members]
        scored = _score(model, corpus, asked, sources, context)
        for number, outcome in zip(members, scored, strict=True):
            found[number, corpus] = outcome
    return [
        result
        for number, hypothesis in enumerate(hypotheses)
        for result in _by_corpus([found[number, corpus] for corpus in hypothesis.corpora])
    ]


def _by_corpus(results: list[Result]) -> list[Result]:
    """The results of one hypothesis about a head, each with the others as slices by corpus.

    Where a search found different heads, they are no parts of one.
    """
    scored = [result for result in results if result.kind == "attends" and result.scores]
    if len(scored) < 2 or len({result.unit for result in scored}) > 1:
        return results
    slices = tuple(
        Slice(
            by="corpus",
            name=result.corpus,
            n_tokens=result.n_positive,
            scores={name: result.scores[name] for name in SLICED},
        )
        for result in scored
    )
    return [
        result.model_copy(update={"slices": (*result.slices, *slices)}) if result.scores else result
        for result in results
    ]


def _on_untrained(hypothesis: Hypothesis) -> Hypothesis:
    """The same question to the best unit of the same layer before any training."""
    layer = hypothesis.unit.layer
    model = hypothesis.model + models.UNTRAINED
    if isinstance(hypothesis, Attends):
        return hypothesis.model_copy(update={"model": model, "unit": AnyHead(layer=layer)})
    unit = AnyNeuron(layer=layer, at=hypothesis.unit.at)
    return hypothesis.model_copy(update={"model": model, "unit": unit, "threshold": None})


def _with_floor(result: Result, fresh: Result) -> Result:
    """The result with the untrained model's scores among its floors."""
    floors = {f"{name}.untrained": score.value for name, score in fresh.scores.items()}
    asked = [bar.metric for bar in result.expect]
    names = HEAD_RIVALS if result.kind == "attends" else RIVALS
    unbeaten = unbeaten_floors(result.scores, floors, asked, names=names)
    verdict = result.verdict.model_copy(update={"reasons": (*result.verdict.reasons, *unbeaten)})
    return result.model_copy(update={"floors": {**result.floors, **floors}, "verdict": verdict})


def _by_model_and_corpus(hypotheses: Sequence[Hypothesis]) -> dict[tuple[str, str], list[int]]:
    pairs: dict[tuple[str, str], list[int]] = {}
    for number, hypothesis in enumerate(hypotheses):
        for corpus in dict.fromkeys(hypothesis.corpora):
            pairs.setdefault((hypothesis.model, corpus), []).append(number)
    return dict(sorted(pairs.items()))


def _versions() -> dict[str, str]:
    """Of Python and of the packages that results depend on."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _score(
    model: str,
    corpus: str,
    hypotheses: Sequence[Hypothesis],
    sources: dict[str, ModelSource],
    context: Context,
) -> list[Result]:
    """Results of hypotheses about one model on one corpus; a model that is not found is said
    for each."""
    try:
        if model not in sources:
            loaders = [] if context.plugins is None else [context.plugins.load_model]
            sources[model] = models.resolve(model, loaders=loaders)
        measurement = Measurement(context, sources[model], corpus, hypotheses)
    except Exception as error:
        message = str(error) if isinstance(error, MiHypothesesError) else unexpected(error)
        return [scoring.failed(scoring.unscored(h, corpus), message) for h in hypotheses]
    return measurement.results()


__all__ = ["Progress", "RunOptions", "Silent", "run", "run_info"]

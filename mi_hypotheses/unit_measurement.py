"""One unit of a model on a corpus, without any claim: what `mih top` shows."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import checks, engine, findings, unit_weights
from mi_hypotheses.context import Context
from mi_hypotheses.errors import HypothesisError, ModelError
from mi_hypotheses.grids import Column
from mi_hypotheses.hypotheses import Neuron
from mi_hypotheses.measurement import Measurement
from mi_hypotheses.models import ModelSource, Site
from mi_hypotheses.reports import Example
from mi_hypotheses.shards import Shard
from mi_hypotheses.stats import Candidate, ExampleSet
from mi_hypotheses.tails import histogram, tails
from mi_hypotheses.token_means import token_means
from mi_hypotheses.unit_page import ExampleBand, Place, Spread, UnitPage, UnitWeights

# Where the bands end whose tokens are sampled: ever smaller shares of the tokens, up to the top.
QUANTILES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1.0)
BANDS = len(QUANTILES) - 1
PER_BAND = 3
CONTEXT = 20

NO_WEIGHTS = (
    "The model comes from a plugin and does not show its weights: it has no neuron_weights()."
)


@dataclass(frozen=True)
class Reading:
    """All scored tokens of a corpus, in order, and a neuron's activations on them, by place."""

    activations: dict[Place, Column]  # each [tokens]
    ids: NDArray[np.int32]  # [tokens]
    test: NDArray[np.bool_]  # [tokens]

    def spreads(self) -> tuple[Spread, ...]:
        """How the activations are spread at each place."""
        return tuple(
            Spread(at=place, histogram=histogram(column), tails=tails(column))
            for place, column in self.activations.items()
        )


def measure_unit(
    neuron: Neuron,
    source: ModelSource,
    corpus: str,
    context: Context,
    *,
    n_examples: int,
    command: str = "",
) -> UnitPage:
    """Everything that the page of a neuron shows.

    The neuron's column over the whole corpus is held in memory: 4 bytes a token and place.

    Raises:
        ModelError: the model has no such neuron.
        CorpusError: the corpus cannot be read, or no token of it is scored.
        HypothesisError: some activations are not finite.
    """
    began = time.perf_counter()
    checks.check_unit(source.info, layer=neuron.layer, index=neuron.index, at=neuron.at)
    measurement = Measurement(context, source, corpus, ())
    with context.stages.timed("read, tokenise"):
        measurement.read()
    view = _UnitView(neuron, measurement)
    with context.stages.timed("forward"):
        places = view.make_columns()
    with context.stages.timed("statistics"):
        reading = view.read(places)
        activations = reading.activations[neuron.at]
        top, bands = view.examples(activations, n_examples)
        weights = view.weights()
        texts = measurement.store.tokenizer.pieces
        measurement.finish()
        return UnitPage(
            run=engine.run_info(context, seconds=time.perf_counter() - began, command=command),
            model=source.info,
            corpus=context.corpora[-1],
            unit=str(neuron),
            at=neuron.at,
            n_tokens=len(reading.ids),
            spreads=reading.spreads(),
            tokens=token_means(reading.ids, activations, reading.test, texts=texts),
            top=top,
            bands=bands,
            weights=weights,
            notes=tuple(view.notes),
        )


class _UnitView:
    """A neuron's columns over the shards of a corpus."""

    def __init__(self, neuron: Neuron, measurement: Measurement) -> None:
        self.neuron = neuron
        self.store, self.columns = measurement.store, measurement.firing.columns
        self.info, self.progress = measurement.store.source.info, measurement.progress
        self.notes: list[str] = []

    def site(self, place: Place) -> Site:
        return Site(self.neuron.layer, place)

    def make_columns(self) -> list[Place]:
        """Make the columns that are missing, one forward pass a shard; the places that the model
        shows, in the order of the computation.

        Raises:
            ModelError: it does not show the place where the unit is read.
        """
        between: list[Place] = ["mid"] if self.info.act_fn == "solu_ln" else []
        places: list[Place] = ["pre", *between, "post"]
        try:
            self._make(places)
        except ModelError as error:
            others = [place for place in places if place != self.neuron.at]
            self._make([self.neuron.at])
            self.notes.append(f"Not shown: activations at {' and '.join(others)}. {error}")
            return [self.neuron.at]
        return places

    def _make(self, places: Iterable[Place]) -> None:
        units = {self.site(place): {self.neuron.index} for place in places}
        name = f"{self.store.source.reference} on {self.store.corpus}"
        self.progress.stage(name, total=self.store.n_tokens)
        for shard in self.store:
            if missing := self.columns.missing(shard, units):
                self.columns.make(shard, missing)
            else:
                self.progress.advance(len(shard))

    def column(self, shard: Shard, place: Place) -> Column:
        """The neuron's activations on all tokens of a shard, [tokens]."""
        return self.columns.unit(shard, self.site(place), self.neuron.index)

    def read(self, places: Iterable[Place]) -> Reading:
        """Its activations on all scored tokens.

        Raises:
            HypothesisError: some are not finite, or no token is scored.
        """
        parts: dict[Place, list[Column]] = {place: [] for place in places}
        ids, test = [], []
        for shard in self.store:
            ids.append(shard.ids[shard.scored])
            test.append(shard.test)
            for place, found in parts.items():
                column = self.column(shard, place)[shard.scored]
                if not np.isfinite(column).all():
                    raise HypothesisError(
                        f"{self.neuron} is not finite at {place} on some tokens of "
                        f"{self.store.corpus}. With float16 or bfloat16, try --dtype float32."
                    )
                found.append(column)
        if not sum(map(len, ids)):
            raise HypothesisError(f"No token of {self.store.corpus} is scored.")
        joined = {place: np.concatenate(found) for place, found in parts.items()}
        return Reading(joined, np.concatenate(ids), np.concatenate(test))

    def examples(
        self, activations: Column, n_top: int
    ) -> tuple[tuple[Example, ...], tuple[ExampleBand, ...]]:
        """The strongest tokens, and some between each two quantiles of the activation, at most two
        of one document; `activations` is of all scored tokens."""
        edges = np.unique(np.quantile(activations, QUANTILES).astype(np.float32))
        counts = np.bincount(_band_of(activations, edges), minlength=max(len(edges) - 1, 1))
        top = ExampleSet(n_top)
        sampled = [ExampleSet(PER_BAND) for _ in counts]
        for shard in self.store:
            column = self.column(shard, self.neuron.at)[shard.scored]
            self._offer(shard, column, top, sampled, _band_of(column, edges))
        made = self._in_context([top, *sampled])
        bands = [
            ExampleBand(
                low=float(edges[i]),
                high=float(edges[min(i + 1, len(edges) - 1)]),
                n_tokens=int(counts[i]),
                share=float(counts[i] / len(activations)),
                examples=tuple(made[candidate] for candidate in sampled[i].candidates),
            )
            for i in reversed(range(len(counts)))
        ]
        return tuple(made[candidate] for candidate in top.candidates), tuple(bands)

    def _offer(
        self,
        shard: Shard,
        column: Column,
        top: ExampleSet,
        sampled: list[ExampleSet],
        band: NDArray[np.int64],
    ) -> None:
        tokens, unlabelled = shard.tokens, np.zeros(len(column))
        down = -column.astype(np.float64)
        top.offer(tokens, down, column, unlabelled, np.ones(len(column), dtype=np.bool_))
        at_random = tokens.rank.astype(np.float64)
        for number, examples in enumerate(sampled):
            examples.offer(tokens, at_random, column, unlabelled, band == number)

    def _in_context(self, sets: Iterable[ExampleSet]) -> dict[Candidate, Example]:
        by_document: dict[str, list[Candidate]] = {}
        for candidate in {candidate for each in sets for candidate in each.candidates}:
            by_document.setdefault(candidate.document_id, []).append(candidate)
        made: dict[Candidate, Example] = {}
        for shard in self.store:
            for number, document in enumerate(shard.documents):
                candidates = by_document.get(document.id)
                if candidates is None:
                    continue
                part = slice(int(shard.offsets[number]), int(shard.offsets[number + 1]))
                column, view = self.column(shard, self.neuron.at)[part], shard.view(number)
                for candidate in candidates:
                    made[candidate] = findings.in_context(view, candidate, column, context=CONTEXT)
        return made

    def weights(self) -> UnitWeights | None:
        """What the page shows of the neuron's weights; where that is nothing, a note says why."""
        try:
            weights = unit_weights.weights_of(self.columns, self.neuron)
        except ModelError as error:
            self.notes.append(str(error))
            return None
        if weights is None:
            self.notes.append(NO_WEIGHTS)
            return None
        tokenizer = self.store.tokenizer
        return unit_weights.summary(weights, at=self.neuron.at, tokenizer=tokenizer)


def _band_of(activations: Column, edges: Column) -> NDArray[np.int64]:
    """The band of each activation; the last one holds its upper edge."""
    band = np.searchsorted(edges, activations, side="right") - 1
    return np.clip(band, 0, max(len(edges) - 2, 0)).astype(np.int64)

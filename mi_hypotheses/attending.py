"""Head hypotheses of one model on one corpus: searching, running the model, statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from mi_hypotheses import models
from mi_hypotheses.context import Context
from mi_hypotheses.errors import HypothesisError, ModelError
from mi_hypotheses.grids import Floats
from mi_hypotheses.head_calibration import Calibration, Seen
from mi_hypotheses.head_findings import example
from mi_hypotheses.head_review import HeadReview
from mi_hypotheses.head_scores import HeadMetric
from mi_hypotheses.hypotheses import Head
from mi_hypotheses.jobs import AttendsJob, attempt
from mi_hypotheses.metrics import CHOICE_DIGITS
from mi_hypotheses.patterns import PatternStore, Question
from mi_hypotheses.queries import Queries
from mi_hypotheses.reports import Result
from mi_hypotheses.shards import Shard, ShardStore
from mi_hypotheses.text import CALIBRATION_GROUPS


class Attending:
    """The head hypotheses of a measurement, all passes over its shards."""

    def __init__(
        self,
        context: Context,
        store: ShardStore,
        patterns: PatternStore,
        metrics: Sequence[HeadMetric],
    ) -> None:
        self.context, self.store, self.patterns, self.metrics = context, store, patterns, metrics
        self.stages, self.progress = context.stages, context.progress
        self.info = store.source.info
        self.reviews: dict[int, HeadReview] = {}

    def check(self, job: AttendsJob) -> None:
        """Refuse a head that the model does not have, before anything runs."""
        unit = job.hypothesis.unit
        index = unit.index if isinstance(unit, Head) else None
        models.check_head(self.info, layer=unit.layer or 0, index=index)

    def measure(self, jobs: list[AttendsJob]) -> None:
        """Find the heads that are searched for, run the model and make the statistics."""
        name = f"{self.store.source.reference} on {self.store.corpus}"
        self.run(name, jobs)
        searches = [job for job in jobs if job.head is None]
        if searches:
            with self.stages.timed("statistics"):
                for job in searches:
                    attempt(job, self._choose)
            self.run("the heads that were found", searches)
        with self.stages.timed("statistics"):
            self._accumulate(jobs)

    def result(self, job: AttendsJob) -> Result:
        """The result of a measured job."""
        return self.reviews[id(job)].result(self.metrics, seed=self.context.options.seed)

    # --- searching and running the model ---------------------------------------------------------

    def layers(self, job: AttendsJob) -> list[int]:
        """The layers to read: that of the head, or those to search."""
        layer = job.hypothesis.unit.layer if job.head is None else job.head.layer
        every = range(self.info.n_layers) if layer is None else [layer]
        return [layer for layer in every if layer not in job.without_attention]

    def run(self, stage: str, jobs: Sequence[AttendsJob]) -> None:
        """Make what is missing of these jobs' layers, one forward pass a shard."""
        self.progress.stage(stage, total=self.store.n_tokens)
        with self.stages.timed("forward"):
            for index, shard in enumerate(self.store):
                live = [job for job in jobs if job.error is None]
                try:
                    if missing := self.missing(index, shard, live):
                        self.patterns.make(shard, missing)
                    else:
                        self.progress.advance(len(shard))
                except ModelError:  # perhaps of one layer only: each on its own
                    for job in live:
                        attempt(job, self._make_one, index, shard)

    def _make_one(self, job: AttendsJob, index: int, shard: Shard) -> None:
        """Make what a job needs; a search goes on without the layers that have no attention."""
        for layer in self.layers(job):
            others = {*range(self.info.n_layers)} - {layer}
            alone = replace(job, without_attention=others)
            try:
                if missing := self.missing(index, shard, [alone]):
                    self.patterns.make(shard, missing)
            except ModelError:
                job.without_attention.add(layer)
                if not self.layers(job):
                    raise

    def missing(
        self, index: int, shard: Shard, jobs: Iterable[AttendsJob]
    ) -> dict[Question, Queries]:
        """What `patterns.make` has to answer about a shard for these jobs."""
        heads: dict[tuple[int, str], set[int]] = {}
        owners: dict[str, AttendsJob] = {}
        for job in jobs:
            key = job.keys[index]
            owners[key] = job
            for layer in self.layers(job):
                own = () if job.head is None else (job.head.index,)
                heads.setdefault((layer, key), set()).update(own)
        asked = [Question(layer, key, tuple(sorted(own))) for (layer, key), own in heads.items()]
        missing = self.patterns.missing(shard, asked)
        queries = {key: owners[key].queries(index, shard) for key in {q.key for q in missing}}
        return {question: queries[question.key] for question in missing}

    def _choose(self, job: AttendsJob) -> None:
        """Take the head with the highest mean target mass on calibration documents."""
        layers, n = self.layers(job), 0
        mass = np.zeros((len(layers), self.patterns.n_heads))
        for index, shard in enumerate(self.store):
            queries, key = job.queries(index, shard), job.keys[index]
            chosen = shard.groups < CALIBRATION_GROUPS
            n += int(chosen[shard.document[queries.tokens]].sum())
            for row, layer in enumerate(layers):
                by_document = self.patterns.layer_mass(shard, layer, key, queries)
                mass[row] += by_document[chosen].sum(axis=0)
        if not n:  # the counts of any head say that the target does not apply
            job.head, job.found = Head(layer=layers[0], index=0), False
            job.searched = f"{job.hypothesis.unit}: nothing to choose by on calibration documents"
            return
        finite = np.isfinite(mass)
        strength = np.round(np.where(finite, mass / n, -np.inf), CHOICE_DIGITS)
        row, index = divmod(int(np.argmax(strength)), mass.shape[1])
        job.head = Head(layer=layers[row], index=index)
        job.searched = (
            f"{job.hypothesis.unit}: best of {mass.size} by target mass on calibration documents "
            f"({mass[row, index] / n:.2f})"
        )
        if job.without_attention:
            lacking = ", ".join(map(str, sorted(job.without_attention)))
            job.searched += f"; no attention in layer {lacking}"
        if not finite.all():
            job.searched += f"; {np.count_nonzero(~finite)} heads are not finite"

    # --- statistics ------------------------------------------------------------------------------

    def _accumulate(self, jobs: list[AttendsJob]) -> None:
        self.progress.stage("statistics", total=self.store.n_tokens)
        length = self.store.window.length
        known = {id(job): Calibration(length, self.info.causal) for job in jobs}

        def calibrate(job: AttendsJob, index: int, shard: Shard) -> None:
            known[id(job)].add(self._seen(job, index, shard))

        def add(job: AttendsJob, index: int, shard: Shard) -> None:
            review = self.reviews.setdefault(id(job), HeadReview(job, known[id(job)]))
            seen = self._seen(job, index, shard)
            review.add(seen, self._layer_mass(job, index, shard, seen.queries))

        for index, shard in enumerate(self.store):
            for job in jobs:
                attempt(job, calibrate, index, shard)
        for index, shard in enumerate(self.store):
            for job in jobs:
                attempt(job, add, index, shard)
            self.progress.advance(len(shard))
        for index, shard in enumerate(self.store):
            for job in jobs:
                attempt(job, self._make_examples, index, shard)

    def _seen(self, job: AttendsJob, index: int, shard: Shard) -> Seen:
        assert job.head is not None  # chosen before anything is measured
        layer, head, key = job.head.layer, job.head.index, job.keys[index]
        queries = job.queries(index, shard)
        looks = self.patterns.looks(shard, layer, head, key, queries)
        bad = np.flatnonzero(~np.isfinite(looks.mass))
        if len(bad):
            token = int(queries.tokens[bad[0]])
            raise HypothesisError(
                f"The attention of {job.head} is not finite from {len(bad)} queries, first from "
                f"token {shard.position[token]} of document "
                f"{shard.documents[shard.document[token]].id!r} of {job.corpus}. With float16 or "
                "bfloat16, try --dtype float32."
            )
        return Seen(shard, queries, looks, self.patterns.bos(shard, layer, head, key, queries))

    def _layer_mass(self, job: AttendsJob, index: int, shard: Shard, queries: Queries) -> Floats:
        assert job.head is not None  # as above
        return self.patterns.layer_mass(shard, job.head.layer, job.keys[index], queries)

    def _make_examples(self, job: AttendsJob, index: int, shard: Shard) -> None:
        """The examples of a shard, with their queries' attention."""
        review = self.reviews[id(job)]
        by_kind = review.example_tokens(shard)
        tokens = sorted({token for chosen in by_kind.values() for token in chosen})
        if not tokens:
            return
        assert job.head is not None  # as above
        rows = self.patterns.rows(
            shard, job.head.layer, job.head.index, tokens, asked=job.keys[index]
        )
        queries = job.queries(index, shard)
        for kind, chosen in by_kind.items():
            made = []
            for token in chosen:
                place = np.flatnonzero(queries.tokens == token)
                _, targets = queries.edges_of(place)
                position = int(shard.position[token])
                made.append((position, example(shard, token, targets, *rows[token])))
            review.keep_examples(kind, made)

"""One model on one corpus: all its hypotheses, shard by shard."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mi_hypotheses import (
    columns,
    corpora,
    findings,
    grids,
    jobs,
    metrics,
    models,
    reports,
    rivals,
    scoring,
    shards,
    stats,
    text,
)
from mi_hypotheses.cache import key_of
from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.context import Context
from mi_hypotheses.errors import MiHypothesesError
from mi_hypotheses.hypotheses import AnyNeuron, Neuron
from mi_hypotheses.jobs import Job
from mi_hypotheses.models import ModelSource, Site
from mi_hypotheses.reports import CorpusInfo, Result
from mi_hypotheses.scoring import Comparison, Review
from mi_hypotheses.shards import SHARD_CHARACTERS, Shard, ShardStore, Window, cut
from mi_hypotheses.stats import CrossSums, Pilot
from mi_hypotheses.text import Document

if TYPE_CHECKING:
    pass

_log = logging.getLogger(__name__)


def _attempt(job: Job, step: Callable[..., None], *arguments: object) -> None:
    """Do a step for a job; its failure is the job's own and does not stop the others."""
    if job.error is None:
        try:
            step(job, *arguments)
        except MiHypothesesError as error:
            job.error = str(error)
        except Exception as error:
            job.error = unexpected(error)


def unexpected(error: Exception) -> str:
    """The message of an exception that nobody foresaw; where it arose goes to the log."""
    _log.debug("", exc_info=error)
    return (
        f"{type(error).__name__}: {error}. This is a mistake in a plugin or in this package; "
        "--traceback shows where it arose."
    )


def _check(job: Job, source: ModelSource) -> None:
    """Refuse a unit that the model does not have, before anything runs."""
    unit = job.hypothesis.unit
    if isinstance(unit, Neuron):
        models.check_unit(source.info, layer=unit.layer, index=unit.index, at=unit.at)
    else:
        models.check_unit(source.info, layer=unit.layer or 0, at=unit.at)


class Measurement:
    """One model on one corpus: all its jobs, shard by shard."""

    def __init__(
        self, context: Context, source: ModelSource, corpus: str, members: list[Job]
    ) -> None:
        options = context.options
        window = Window(
            length=source.n_ctx - int(source.bos_id is not None),
            bos_id=source.bos_id,
            min_context=options.min_context,
        )
        self.context, self.options, self.jobs = context, options, members
        self.stages, self.progress = context.stages, context.progress
        self.store = ShardStore(corpus, source, context.cache, window, seed=options.seed)
        self.columns = ColumnStore(
            source,
            context.cache,
            context.progress,
            device=options.device,
            dtype=options.dtype,
            batch_size=options.batch_size,
            seed=options.seed,
        )
        self.metrics = (
            metrics.builtin_metrics() if context.plugins is None else context.plugins.metrics()
        )

    def results(self) -> list[Result]:
        """Results of all jobs, in order."""
        for job in self.jobs:
            _attempt(job, _check, self.columns.source)
        with self.stages.timed("read, tokenise, label"):
            self._read()
        cached = {id(job): self._cached(job) for job in self.jobs if job.error is None}
        todo = [job for job in self.jobs if job.error is None and cached[id(job)] is None]
        self.reviews: dict[int, Review] = {}
        if todo:
            self._search([job for job in todo if job.neuron is None])
            self._forward(todo)
            with self.stages.timed("statistics"):
                self._accumulate(todo)
                self._revisit(todo)
        done = []
        with self.stages.timed("scores"):
            for job in self.jobs:
                kept = cached.get(id(job))
                done.append(kept if kept is not None else self._result(job))
        self.context.tokens_run += self.columns.tokens_run
        if self.columns.model is not None:
            self.context.device = self.columns.model.device
        return done

    # --- reading -----------------------------------------------------------------------------

    def _read(self) -> None:
        uri = self.store.corpus
        corpus = self.context.plugins.corpus(uri) if self.context.plugins is not None else None
        corpus = corpus or corpora.resolve(uri)
        if isinstance(corpus, corpora.BindableCorpus):
            corpus = corpus.bind(self.store.tokenizer)
        self.progress.stage(f"reading {uri}", total=None)
        limit = self.options.limit_tokens
        size = SHARD_CHARACTERS if limit is None else min(SHARD_CHARACTERS, max(limit, 1))
        # The limit in tokens only ends the last shard, so the shards before it come out the same.
        self.store.reread = lambda: cut(
            itertools.islice(corpus.documents(), self.options.limit), size=size
        )
        for documents in cut(self._limited(corpus.documents()), size=size):
            shard = self.store.add(documents)
            known = self.context.labels.setdefault(shard.key, {})
            for job in self.jobs:
                _attempt(job, Job.label, shard, known)
            self.progress.advance(len(shard))
        for job in self.jobs:
            job.finish_labels()
        read = CorpusInfo(
            uri=uri,
            fingerprint=self.store.fingerprint,
            n_documents=self.store.n_documents,
            n_tokens=self.store.n_tokens,
            excluded={reason: n for reason, n in self.store.excluded.items() if n},
            skipped=dict(corpus.skipped),
        )
        if read not in self.context.corpora:
            self.context.corpora.append(read)

    def _limited(self, documents: Iterable[Document]) -> Iterator[Document]:
        for number, document in enumerate(documents):
            if self.options.limit is not None and number >= self.options.limit:
                return
            limit = self.options.limit_tokens
            if limit is not None and self.store.n_tokens >= limit:
                return
            yield document

    # --- searching and running the model ---------------------------------------------------------

    def _search(self, jobs: list[Job]) -> None:
        """Choose the unit of each search by |pearson| on calibration documents."""
        by_sites: dict[tuple[Site, ...], list[Job]] = {}
        for job in jobs:
            by_sites.setdefault(self._sites(job), []).append(job)
        for sites, members in by_sites.items():
            width = self.columns.source.info.d_mlp or 0
            centres = self._calibration_means(members)
            sums = {site: CrossSums(np.zeros(width), centres) for site in sites}
            self.progress.stage("searching units", total=self.store.n_tokens)
            with self.stages.timed("forward"):
                for index, shard in enumerate(self.store):
                    chosen = shard.scored.copy()
                    chosen[shard.scored] = ~shard.test
                    labels = np.stack([job.labels_on(index, shard) for job in members])
                    self.columns.add_layer_sums(shard, chosen, labels, sums)
            correlations = np.stack([sums[site].pearson() for site in sites], axis=1)
            for job, found in zip(members, correlations, strict=True):
                _choose(job, sites, found)

    def _calibration_means(self, members: list[Job]) -> NDArray[np.float64]:
        """The mean label of each job on calibration tokens."""
        total, n = np.zeros(len(members)), 0
        for index, shard in enumerate(self.store):
            labels = np.stack([job.labels_on(index, shard) for job in members])
            chosen = labels[:, shard.scored][:, ~shard.test]
            total, n = total + chosen.sum(axis=1), n + chosen.shape[1]
        return total / max(n, 1)

    def _sites(self, job: Job) -> tuple[Site, ...]:
        unit = job.hypothesis.unit
        assert isinstance(unit, AnyNeuron)  # only searches come here
        layers = range(self.columns.source.info.n_layers) if unit.layer is None else [unit.layer]
        return tuple(Site(layer, unit.at) for layer in layers)

    def _forward(self, jobs: list[Job]) -> None:
        """Make the columns that are missing, one forward pass a shard."""
        units: dict[Site, set[int]] = {}
        for job in jobs:
            if job.neuron is not None:
                units.setdefault(job.site, set()).add(job.neuron.index)
        name = f"{self.columns.source.reference} on {self.store.corpus}"
        self.progress.stage(name, total=self.store.n_tokens)
        with self.stages.timed("forward"):
            for shard in self.store:
                missing = self.columns.missing(shard, units)
                if missing:
                    self.columns.make(shard, missing)
                else:
                    self.progress.advance(len(shard))

    # --- statistics ------------------------------------------------------------------------------

    def _accumulate(self, jobs: list[Job]) -> None:
        self.progress.stage("statistics", total=self.store.n_tokens)
        self.cross: dict[Site, tuple[list[Job], CrossSums]] = {}
        pilots = {id(job): Pilot(scoring.PILOT_TOKENS) for job in jobs}
        for index, shard in enumerate(self.store):
            for job in jobs:
                pilot = pilots[id(job)]
                _attempt(job, scoring.add_to_pilot, index, shard, self.columns, pilot)
        for job in jobs:
            _attempt(job, scoring.start_statistics, pilots[id(job)])
        for index, shard in enumerate(self.store):
            for job in jobs:
                _attempt(job, scoring.add_shard, index, shard, self.columns)
            self._compare(index, shard, [job for job in jobs if job.error is None])
            self.progress.advance(len(shard))

    def _compare(self, index: int, shard: Shard, jobs: list[Job]) -> None:
        """Add the shard to the sums of the comparison units of each layer."""
        for site in dict.fromkeys(job.site for job in jobs):
            members = [job for job in jobs if job.site == site]
            block = self.columns.comparison(shard, site)[shard.scored][shard.test]
            labels = np.stack([job.labels_on(index, shard) for job in members], axis=1)
            if site not in self.cross:
                means = (
                    block.mean(axis=0, dtype=np.float64) if len(block) else np.zeros(block.shape[1])
                )
                centres = [job.statistics.centre[1] if job.statistics else 0.0 for job in members]
                self.cross[site] = members, CrossSums(means, np.array(centres))
            known, sums = self.cross[site]
            if known != members:
                keep = [known.index(job) for job in members]
                sums.keep_labels(keep)
                self.cross[site] = members, sums
            sums.update(block, labels[shard.scored][shard.test])

    def _revisit(self, jobs: list[Job]) -> None:
        """The second and third pass, for those that the first has not failed."""

        def review(job: Job) -> None:
            self.reviews[id(job)] = Review.of(job)

        def second(job: Job, index: int, shard: Shard) -> None:
            self.reviews[id(job)].second_pass(job, index, shard, self.columns)

        def between(job: Job) -> None:
            self.reviews[id(job)].fix_claims(job)

        def third(job: Job, shard: Shard) -> None:
            self.reviews[id(job)].third_pass(job, shard, self.columns)

        for job in jobs:
            _attempt(job, review)
        for index, shard in enumerate(self.store):
            for job in jobs:
                _attempt(job, second, index, shard)
        for job in jobs:
            _attempt(job, between)
        for shard in self.store:
            for job in jobs:
                _attempt(job, third, shard)

    def _comparison(self, job: Job) -> Comparison:
        members, sums = self.cross[job.site]
        row: NDArray[np.float64] = np.abs(sums.pearson()[members.index(job)])
        assert job.neuron is not None  # chosen before statistics were made
        return Comparison(row[self.columns.comparison_units(job.site) != job.neuron.index])

    # --- results ---------------------------------------------------------------------------------

    def _result(self, job: Job) -> Result:
        made: list[Result] = []

        def make(job: Job) -> None:
            review, comparison = self.reviews[id(job)], self._comparison(job)
            seed = self.options.seed
            made.append(scoring.result(job, review, comparison, metrics=self.metrics, seed=seed))

        _attempt(job, make)
        if not made:
            return scoring.failed(job, job.error or "it was not measured")
        if self._metrics_are_ours:
            content = np.frombuffer(made[0].model_dump_json().encode(), dtype=np.uint8)
            self.context.cache.put(self._key(job), {"result": content})
        return made[0]

    @property
    def _metrics_are_ours(self) -> bool:
        """Whether `_code_hash` covers all metrics; what others compute is not kept."""
        return all(metric.compute.__module__ == metrics.__name__ for metric in self.metrics)

    def _key(self, job: Job) -> str:
        """What a result depends on; the labels enter by content, so a predicate that calls
        changed code is measured anew."""
        return key_of(
            "result",
            _code_hash(),
            job.hypothesis.hash,
            job.digest,
            self.store.keys,
            [*self.store.window.settings, self.store.window.min_context],
            self.columns.source.fingerprint,
            self.options.dtype,
            self.options.seed,
            [metric.name for metric in self.metrics],
        )

    def _cached(self, job: Job) -> Result | None:
        arrays = self.context.cache.get(self._key(job)) if self._metrics_are_ours else None
        if arrays is None:
            return None
        try:
            kept = Result.model_validate_json(arrays["result"].tobytes())
        except ValidationError:  # written by another version
            return None
        now = scoring.bare(job)
        return kept.model_copy(
            update={"claim": now.claim, "source": now.source, "corpus": now.corpus}
        )


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of the modules that results follow from, so that none outlives a change of them."""
    digest = hashlib.blake2b(digest_size=16)
    parts = (text, grids, stats, metrics, rivals, scoring, findings, jobs, reports, shards, columns)
    for module in parts:
        digest.update(inspect.getsource(module).encode())
    digest.update(inspect.getsource(sys.modules[__name__]).encode())
    return digest.hexdigest()


def _choose(job: Job, sites: Sequence[Site], correlations: NDArray[np.float64]) -> None:
    """Take the unit with the highest |pearson|, or the lowest pearson where the claim is that
    it is low; `correlations` is [sites, units]."""
    low = job.hypothesis.sign == "-"
    best = int(np.argmax(-correlations if low else np.abs(correlations)))
    site, index = divmod(best, correlations.shape[1])
    found = float(correlations[site, index])
    job.neuron = Neuron(layer=sites[site].layer, index=index, at=sites[site].at)
    job.sign = -1.0 if low or found < 0 else 1.0
    job.searched = (
        f"{job.hypothesis.unit}: best of {correlations.size} by "
        f"{'lowest pearson' if low else '|pearson|'} on calibration documents ({found:+.2f})"
    )

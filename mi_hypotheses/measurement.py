"""One model on one corpus: all its hypotheses, shard by shard."""

from __future__ import annotations

import hashlib
import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import corpora, findings, jobs, metrics, models, reports, scoring, stats, text
from mi_hypotheses.cache import Cache, key_of
from mi_hypotheses.columns import ColumnStore, Progress
from mi_hypotheses.errors import MiHypothesesError
from mi_hypotheses.hypotheses import AnyNeuron, Neuron
from mi_hypotheses.jobs import Job, PackedLabels
from mi_hypotheses.models import ModelSource, Site
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.reports import CorpusInfo, Result
from mi_hypotheses.scoring import Comparison, Second
from mi_hypotheses.shards import SHARD_CHARACTERS, Shard, ShardStore, Window, cut
from mi_hypotheses.stats import CrossSums
from mi_hypotheses.text import Document

if TYPE_CHECKING:
    from mi_hypotheses.plugins import Plugins


@dataclass(frozen=True)
class RunOptions:
    """How to run; none of it changes what a hypothesis claims.

    `limit` and `limit_tokens` bound the corpus by documents and by tokens (whole documents);
    `batch_size` counts windows. `untrained` adds a floor: the best unit of the layer in the same
    architecture, freshly initialised.
    """

    device: str = "auto"
    dtype: str = "float32"
    seed: int = 0
    limit: int | None = None
    limit_tokens: int | None = None
    batch_size: int = 32
    min_context: int = 0
    untrained: bool = False


@dataclass
class Stages:
    """Seconds spent in each stage of a run."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


@dataclass
class Context:
    """What the measurements of a run share, and what they add up."""

    options: RunOptions
    cache: Cache
    plugins: Plugins | None
    progress: Progress
    stages: Stages = field(default_factory=Stages)
    corpora: list[CorpusInfo] = field(default_factory=list)
    device: str = ""
    tokens_run: int = 0


def _attempt(job: Job, step: Callable[..., None], *arguments: object) -> None:
    """Do a step for a job; its failure is the job's own and does not stop the others."""
    if job.error is None:
        try:
            step(job, *arguments)
        except MiHypothesesError as error:
            job.error = str(error)


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
        second: dict[int, Second] = {}
        if todo:
            self._search([job for job in todo if job.neuron is None])
            self._forward(todo)
            with self.stages.timed("statistics"):
                self._accumulate(todo)
                second = self._revisit(todo)
        done = []
        with self.stages.timed("scores"):
            for job in self.jobs:
                kept = cached.get(id(job))
                done.append(kept if kept is not None else self._result(job, second.get(id(job))))
        self.context.tokens_run += self.columns.tokens_run
        if self.columns.model is not None:
            self.context.device = self.columns.model.device
        return done

    # --- reading -----------------------------------------------------------------------------

    def _read(self) -> None:
        uri = self.store.corpus
        corpus = self.context.plugins.corpus(uri) if self.context.plugins is not None else None
        corpus = corpus or corpora.resolve(uri)
        self.progress.stage(f"reading {uri}", total=None)
        limit = self.options.limit_tokens
        size = SHARD_CHARACTERS if limit is None else min(SHARD_CHARACTERS, max(limit, 1))
        for documents in cut(self._limited(corpus.documents()), size=size):
            shard = self.store.add(documents)
            known: dict[Predicate, PackedLabels] = {}
            for job in self.jobs:
                _attempt(job, Job.label, shard, known)
            self.progress.advance(len(shard))
        for job in self.jobs:
            job.finish_labels()
        self.context.corpora.append(
            CorpusInfo(
                uri=uri,
                fingerprint=self.store.fingerprint,
                n_documents=self.store.n_documents,
                n_tokens=self.store.n_tokens,
                excluded={reason: n for reason, n in self.store.excluded.items() if n},
                skipped=dict(corpus.skipped),
            )
        )

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
            sums = {s: CrossSums(np.zeros(width), np.zeros(len(members))) for s in sites}
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
        for job in jobs:
            _attempt(job, self._start)
        for index, shard in enumerate(self.store):
            for job in jobs:
                _attempt(job, scoring.add_shard, index, shard, self.columns)
            self._compare(index, shard, [job for job in jobs if job.error is None])
            self.progress.advance(len(shard))

    def _start(self, job: Job) -> None:
        job.statistics = scoring.start_statistics(job, self.store, self.columns)

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
                self.cross[site] = members, CrossSums(means, np.zeros(len(members)))
            known, sums = self.cross[site]
            if known != members:
                keep = [known.index(job) for job in members]
                sums.keep_labels(keep)
                self.cross[site] = members, sums
            sums.update(block, labels[shard.scored][shard.test])

    def _revisit(self, jobs: list[Job]) -> dict[int, Second]:
        """The second pass, for those that the first has not failed."""
        second = {id(job): Second.of(job) for job in jobs if job.error is None}
        for index, shard in enumerate(self.store):
            for job in jobs:
                if job.error is None:
                    _attempt(job, self._add_second, second[id(job)], index, shard)
        return second

    def _add_second(self, job: Job, second: Second, index: int, shard: Shard) -> None:
        second.add_shard(job, index, shard, self.columns)

    def _comparison(self, job: Job) -> Comparison:
        members, sums = self.cross[job.site]
        row: NDArray[np.float64] = np.abs(sums.pearson()[members.index(job)])
        assert job.neuron is not None  # chosen before statistics were made
        return Comparison(row[self.columns.comparison_units(job.site) != job.neuron.index])

    # --- results ---------------------------------------------------------------------------------

    def _result(self, job: Job, second: Second | None) -> Result:
        if job.error is not None or second is None:
            return scoring.failed(job, job.error or "it was not measured")
        made = scoring.result(
            job,
            second,
            self._comparison(job),
            metrics=self.metrics,
            seed=self.options.seed,
        )
        content = np.frombuffer(made.model_dump_json().encode(), dtype=np.uint8)
        self.context.cache.put(self._key(job), {"result": content})
        return made

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
        arrays = self.context.cache.get(self._key(job))
        if arrays is None:
            return None
        kept = Result.model_validate_json(arrays["result"].tobytes())
        now = scoring.bare(job)
        return kept.model_copy(
            update={"claim": now.claim, "source": now.source, "corpus": now.corpus}
        )


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of the modules that results follow from, so that none outlives a change of them."""
    digest = hashlib.blake2b(digest_size=16)
    for module in (text, stats, metrics, scoring, findings, jobs, reports):
        digest.update(inspect.getsource(module).encode())
    return digest.hexdigest()


def _choose(job: Job, sites: Sequence[Site], correlations: NDArray[np.float64]) -> None:
    """Take the unit with the highest |pearson|; `correlations` is [sites, units]."""
    best = int(np.argmax(np.abs(correlations)))
    site, index = divmod(best, correlations.shape[1])
    found = float(correlations[site, index])
    job.neuron = Neuron(layer=sites[site].layer, index=index, at=sites[site].at)
    job.sign = -1.0 if found < 0 else 1.0
    job.searched = (
        f"{job.hypothesis.unit}: best of {correlations.size} by |pearson| on calibration "
        f"documents ({found:+.2f})"
    )

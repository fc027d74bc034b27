"""One model on one corpus: all its hypotheses, shard by shard."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial

import numpy as np
from pydantic import ValidationError

from mi_hypotheses import (
    agreement,
    attending,
    columns,
    corpora,
    edges,
    findings,
    firing,
    forward,
    grids,
    head_calibration,
    head_findings,
    head_review,
    head_scores,
    head_slices,
    jobs,
    layer_sums,
    metrics,
    patterns,
    queries,
    reports,
    rivals,
    scoring,
    shards,
    stats,
    text,
)
from mi_hypotheses.ahead import Ahead, computes_alone
from mi_hypotheses.attending import Attending
from mi_hypotheses.cache import key_of
from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.context import Context
from mi_hypotheses.docbins import DocStore
from mi_hypotheses.errors import MiHypothesesError
from mi_hypotheses.firing import Firing
from mi_hypotheses.forward import Forward
from mi_hypotheses.head_scores import HeadMetric
from mi_hypotheses.hypotheses import Attends, Hypothesis
from mi_hypotheses.jobs import AttendsJob, FiresJob, J, Job, Said, attempt, unexpected
from mi_hypotheses.memory import give_back
from mi_hypotheses.metrics import Metric
from mi_hypotheses.models import ModelSource
from mi_hypotheses.patterns import PatternStore
from mi_hypotheses.queries import QueryStore
from mi_hypotheses.reports import CorpusInfo, Result
from mi_hypotheses.shards import SHARD_CHARACTERS, Shard, ShardStore, Window, cut
from mi_hypotheses.text import Document


class Measurement:
    """Hypotheses about one model on one corpus."""

    def __init__(
        self, context: Context, source: ModelSource, corpus: str, hypotheses: Iterable[Hypothesis]
    ) -> None:
        options, cache = context.options, context.cache
        window = Window(
            length=source.n_ctx - int(source.bos_id is not None),
            bos_id=source.bos_id,
            min_context=options.min_context,
        )
        self.context, self.options = context, options
        self.stages, self.progress = context.stages, context.progress
        self.store = ShardStore(corpus, source, cache, window, seed=options.seed)
        self.forward = Forward(
            source,
            context.progress,
            device=options.device,
            dtype=options.dtype,
            batch_size=options.batch_size,
        )
        if context.plugins is None:
            of_neurons, of_heads = metrics.builtin_metrics(), head_scores.builtin_head_metrics()
        else:
            of_neurons, of_heads = context.plugins.metrics(), context.plugins.head_metrics()
        self.metrics: list[Metric | HeadMetric] = [*of_neurons, *of_heads]
        columns = ColumnStore(self.forward, cache, seed=options.seed)
        patterns = PatternStore(self.forward, cache, seed=options.seed)
        self.firing = Firing(context, self.store, columns, of_neurons)
        self.attending = Attending(context, self.store, patterns, of_heads)
        queries = QueryStore(cache, corpus, causal=source.info.causal)
        self.jobs: list[Job] = [
            AttendsJob(hypothesis, corpus, store=queries)
            if isinstance(hypothesis, Attends)
            else FiresJob(hypothesis, corpus)
            for hypothesis in hypotheses
        ]

    def results(self) -> list[Result]:
        """Results of all hypotheses, in order; what fails for all is said for each."""
        try:
            return self._measured()
        except Exception as error:
            message = str(error) if isinstance(error, MiHypothesesError) else unexpected(error)
            return [scoring.failed(scoring.bare(job), job.error or message) for job in self.jobs]

    def prepare(self) -> None:
        """Check the units, read the corpus and label it.

        Raises:
            MiHypothesesError: the corpus cannot be read.
        """
        for job in self.jobs:
            attempt(job, self._check)
        new = self._known_and_new()
        with (
            self.stages.timed("forward"),
            Ahead(self.forward, partial(self._make, new)) as ahead,
            self.stages.timed("read, tokenise, label"),
        ):
            self.read(each=ahead.begin if new else None)

    def _known_and_new(self) -> list[Job]:
        """Jobs whose activations will be needed and can be made while the corpus is read."""
        live = [job for job in self.jobs if job.error is None]
        if self.options.device == "cpu":  # it would take the processor from who reads
            return []
        if any(job.pipelines for job in live):  # spaCy forks, which a thread that computes forbids
            return []
        if any(job.unit is None for job in live):  # a pass will serve these too, when all is read
            return []
        # What was asked before is most likely in the cache as a result.
        return [job for job in live if self.context.cache.get(self._asked_key(job)) is None]

    def _make(self, jobs: Sequence[Job], number: int) -> bool:
        """Make what is missing of a labelled shard for jobs with known units; whether to go on."""
        shard = self.store.load(number)
        live = [job for job in jobs if job.error is None]
        neurons = [job for job in live if isinstance(job, FiresJob)]
        heads = [job for job in live if isinstance(job, AttendsJob)]
        columns = self.firing.missing(shard, neurons)
        patterns = self.attending.missing(number, shard, heads)
        if (columns or patterns) and not computes_alone(self.forward.device):
            return False
        if columns:
            self.firing.columns.make(shard, columns)
        if patterns:
            self.attending.patterns.make(shard, patterns)
        return True

    def finish(self) -> None:
        """Add what the forward passes took to what the context counts."""
        self.context.tokens_run += self.forward.tokens_run
        self.context.forward_seconds += self.forward.seconds
        if self.forward.loaded is not None:
            self.context.device = self.forward.loaded.device

    def _measured(self) -> list[Result]:
        self.prepare()
        cached = {id(job): self._cached(job) for job in self.jobs if job.error is None}
        todo = [job for job in self.jobs if job.error is None and cached[id(job)] is None]
        self._measure([job for job in todo if isinstance(job, FiresJob)], self.firing.measure)
        self._measure([job for job in todo if isinstance(job, AttendsJob)], self.attending.measure)
        with self.stages.timed("scores"):
            done = [cached.get(id(job)) or self._result(job) for job in self.jobs]
        self.finish()
        return done

    def _measure(self, jobs: list[J], measure: Callable[[list[J]], None]) -> None:
        """Measure the jobs of a kind; what fails for all of them is not said of the others."""
        try:
            if jobs:
                measure(jobs)
        except Exception as error:
            message = str(error) if isinstance(error, MiHypothesesError) else unexpected(error)
            for job in jobs:
                job.error = job.error or message

    def _check(self, job: Job) -> None:
        if isinstance(job, AttendsJob):
            self.attending.check(job)
        elif isinstance(job, FiresJob):
            self.firing.check(job)

    # --- reading -----------------------------------------------------------------------------

    def read(self, *, each: Callable[[int], None] | None = None) -> None:
        """Read the corpus into shards, as far as the options' limits go, and label them; `each` is
        given the number of each shard that is done."""
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
        docs = DocStore(self.context.cache)
        for documents in cut(self._limited(corpus.documents()), size=size):
            shard = self.store.add(documents)
            pipelines = {name for job in self.jobs if job.error is None for name in job.pipelines}
            if pipelines:
                with self.stages.timed("annotate"):
                    shard = docs.annotated(shard, pipelines)
            said = self.context.said.setdefault(shard.key, Said())
            for job in self.jobs:
                attempt(job, _label, shard, said)
            if each is not None:
                each(len(self.store.keys) - 1)
            self.progress.advance(len(shard))
        give_back()
        for job in self.jobs:
            job.finish_labels()
        read = CorpusInfo(
            uri=uri,
            fingerprint=self.store.fingerprint,
            n_documents=self.store.n_documents,
            n_tokens=self.store.n_tokens,
            excluded={reason: n for reason, n in self.store.excluded.items() if n},
            skipped=dict(corpus.skipped),
            uncovered={name: n for name, n in docs.uncovered.items() if n},
            pipelines=docs.fingerprints,
        )
        _tell(self.context.corpora, read)

    def _limited(self, documents: Iterable[Document]) -> Iterator[Document]:
        for number, document in enumerate(documents):
            if self.options.limit is not None and number >= self.options.limit:
                return
            limit = self.options.limit_tokens
            if limit is not None and self.store.n_tokens >= limit:
                return
            yield document

    # --- results ---------------------------------------------------------------------------------

    def _result(self, job: Job) -> Result:
        made: list[Result] = []

        def make(job: Job) -> None:
            if isinstance(job, AttendsJob):
                made.append(self.attending.result(job))
            elif isinstance(job, FiresJob):
                made.append(self.firing.result(job))

        attempt(job, make)
        if not made:
            return scoring.failed(scoring.bare(job), job.error or "it was not measured")
        if self._metrics_are_ours:
            content = np.frombuffer(made[0].model_dump_json().encode(), dtype=np.uint8)
            self.context.cache.put(self._key(job), {"result": content})
            self.context.cache.put(self._asked_key(job), {})
        return made[0]

    @property
    def _metrics_are_ours(self) -> bool:
        """Whether `_code_hash` covers all metrics; what others compute is not kept."""
        ours = (metrics.__name__, head_scores.__name__)
        return all(metric.compute.__module__ in ours for metric in self.metrics)

    def _key(self, job: Job) -> str:
        """What a result depends on; the labels enter by content, so a predicate that calls
        changed code is measured anew."""
        return key_of(
            "result",
            _code_hash(),
            forward.versions(),
            job.hypothesis.hash,
            job.digest,
            self.store.keys,
            [*self.store.window.settings, self.store.window.min_context],
            self.store.source.fingerprint,
            self.options.dtype,
            self.options.seed,
            [metric.name for metric in self.metrics],
        )

    def _asked_key(self, job: Job) -> str:
        """What is known of a result before the corpus is read."""
        return key_of(
            "asked",
            job.hypothesis.hash,
            self.store.corpus,
            [*self.store.window.settings, self.store.window.min_context],
            self.store.source.fingerprint,
            [self.options.dtype, self.options.seed],
            [self.options.limit, self.options.limit_tokens],
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


def _label(job: Job, shard: Shard, said: Said) -> None:
    job.label(shard, said)


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of the modules that results follow from, so that none outlives a change of them."""
    digest = hashlib.blake2b(digest_size=16)
    parts = [text, grids, stats, metrics, rivals, scoring, findings, jobs, reports, shards]
    parts += [columns, layer_sums, firing, forward, edges, queries, patterns]
    parts += [attending, head_calibration, head_findings, head_review, head_scores, head_slices]
    parts += [agreement]
    for module in parts:
        digest.update(inspect.getsource(module).encode())
    digest.update(inspect.getsource(sys.modules[__name__]).encode())
    return digest.hexdigest()


def _tell(corpora: list[CorpusInfo], read: CorpusInfo) -> None:
    """Add what was read, once for all models that it is the same for, whoever annotated it."""
    for place, other in enumerate(corpora):
        if other.model_copy(update={"pipelines": read.pipelines}) == read:
            by = other.pipelines | read.pipelines
            corpora[place] = other.model_copy(update={"pipelines": by})
            return
    corpora.append(read)

"""A hypothesis on a corpus, and what a run knows of it so far."""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.errors import HypothesisError, MiHypothesesError, PredicateError
from mi_hypotheses.grids import Column, Floats
from mi_hypotheses.hypotheses import Attends, Fires, Head, Hypothesis, Neuron
from mi_hypotheses.memory import first_line, is_out_of_memory
from mi_hypotheses.models import Site
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.queries import Known, Queries, QueryStore
from mi_hypotheses.reports import LabelKind
from mi_hypotheses.shards import Shard, Window
from mi_hypotheses.stats import UnitStatistics

# Bits of boolean labels, indices of categories (-1 where there is none), or numbers.
PackedLabels = NDArray[np.uint8] | NDArray[np.int16] | Floats

_log = logging.getLogger(__name__)


@dataclass
class Said:
    """What predicates and targets said of a shard, for all hypotheses with an equal one.

    Predicates can go by the window, so what they said holds for models with the same one.
    """

    labels: dict[tuple[Predicate, Window], PackedLabels] = field(default_factory=dict)
    queries: Known = field(default_factory=dict)


@dataclass(eq=False)
class Job(ABC):
    """A hypothesis on a corpus, and what is known of it so far.

    `digest` is a hash of what its predicate or target said, shard by shard; `labels_hash` is one
    of the same that does not depend on where shards end.
    """

    hypothesis: Hypothesis
    corpus: str
    searched: str | None = None
    error: str | None = None
    digest: str = ""
    labels_hash: str = ""

    @property
    @abstractmethod
    def unit(self) -> Neuron | Head | None:
        """The unit that is measured, None as long as a search has not chosen it."""

    @property
    @abstractmethod
    def pipelines(self) -> frozenset[str]:
        """The spaCy pipelines whose annotation its predicate or target asks for."""

    @abstractmethod
    def label(self, shard: Shard, said: Said) -> None:
        """Ask the predicate or target about the next shard, or take what an equal one said.

        Raises:
            PredicateError, TargetError: it failed; the message names the document.
        """

    @abstractmethod
    def finish_labels(self) -> None:
        """All shards are labelled: fix the hashes."""


J = TypeVar("J", bound=Job)
P = ParamSpec("P")


def attempt(
    job: J, step: Callable[Concatenate[J, P], object], *args: P.args, **kwargs: P.kwargs
) -> None:
    """Do a step for a job; its failure is the job's own and does not stop the others."""
    if job.error is None:
        try:
            step(job, *args, **kwargs)
        except MiHypothesesError as error:
            job.error = str(error)
        except Exception as error:
            job.error = unexpected(error)


def unexpected(error: Exception) -> str:
    """The message of an exception that nobody foresaw; where it arose goes to the log."""
    _log.debug("", exc_info=error)
    if is_out_of_memory(error):
        return (
            f"There was too little memory ({first_line(error)}). Try a smaller --batch-size, "
            "--dtype bfloat16, or another --device."
        )
    return (
        f"{type(error).__name__}: {error}. This is a mistake in a plugin or in this package; "
        "--traceback shows where it arose."
    )


def _hasher() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)


@dataclass(eq=False)
class FiresJob(Job):
    """A claim about a neuron."""

    hypothesis: Fires
    neuron: Neuron | None = None
    sign: float = 1.0
    labels: list[PackedLabels] = field(default_factory=list)  # one a shard
    statistics: UnitStatistics | None = None
    _content: hashlib.blake2b = field(default_factory=_hasher, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.hypothesis.unit, Neuron):
            self.neuron = self.hypothesis.unit
            self.sign = -1.0 if self.hypothesis.sign == "-" else 1.0

    @property
    def unit(self) -> Neuron | None:
        return self.neuron

    @property
    def pipelines(self) -> frozenset[str]:
        return self.hypothesis.on.pipelines

    @property
    def site(self) -> Site:
        """Where the unit is read."""
        unit = self.neuron or self.hypothesis.unit
        return Site(unit.layer or 0, unit.at)

    @property
    def label_kind(self) -> LabelKind:
        return self.hypothesis.on.label_kind

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the categories, empty where labels are none."""
        return self.hypothesis.on.categories or ()

    def label(self, shard: Shard, said: Said) -> None:
        asked = (self.hypothesis.on, shard.window)
        if asked not in said.labels:
            parts = [self._labels_of(shard, index) for index in range(len(shard.documents))]
            said.labels[asked] = _packed(np.concatenate([*parts, np.empty(0)]), self.label_kind)
        self.labels.append(said.labels[asked])
        self._content.update(self.labels_on(len(self.labels) - 1, shard).tobytes())

    def _labels_of(self, shard: Shard, index: int) -> Floats:
        document = shard.documents[index]
        where = f"on document {document.id!r} of {self.corpus}"
        view = shard.view(index)
        try:
            labels = np.asarray(self.hypothesis.on.labels(view), dtype=np.float64)
        except MiHypothesesError as error:
            raise PredicateError(f"The predicate failed {where}: {error}.") from error
        except (Exception, SystemExit) as error:
            raise PredicateError(
                f"The predicate raised {type(error).__name__} {where}: {error}."
            ) from error
        if self.categories:
            if labels.shape != (len(view),) or not _are_categories(labels, len(self.categories)):
                raise PredicateError(
                    "A categorical predicate must give, for each of the "
                    f"{len(view)} tokens, the index of one of its {len(self.categories)} "
                    f"categories or NaN, and did not {where}."
                )
        elif labels.shape != (len(view),) or not np.isfinite(labels).all():
            raise PredicateError(
                f"The predicate must give one finite number for each of the {len(view)} tokens, "
                f"and gave an array of shape {labels.shape} or one with NaN {where}."
            )
        return labels

    def labels_on(self, index: int, shard: Shard) -> Floats:
        """The labels of all tokens of a shard labelled before, [tokens]; NaN where a token
        has no category."""
        kept = self.labels[index]
        if self.label_kind == "categorical":
            return np.where(kept < 0, np.nan, kept)
        if self.label_kind == "numeric":
            return kept.astype(np.float64)
        return np.unpackbits(kept.astype(np.uint8), count=len(shard)).astype(np.float64)

    def finish_labels(self) -> None:
        digest = hashlib.blake2b(digest_size=16)
        for labels in self.labels:
            digest.update(labels.tobytes())
        self.digest = digest.hexdigest()
        # How the unit is read is part of the question as much as the labels are.
        read = f"{self.hypothesis.sign} {self.hypothesis.threshold}"
        self._content.update(read.encode())
        self.labels_hash = self._content.hexdigest()

    def activations(self, shard: Shard, columns: ColumnStore) -> Column:
        """The unit's activations on the scored tokens, times the sign.

        Raises:
            HypothesisError: some are not finite; the message says where.
        """
        if self.neuron is None:
            raise HypothesisError("The search has not chosen a unit.")
        column = columns.unit(shard, self.site, self.neuron.index)[shard.scored]
        bad = np.flatnonzero(~np.isfinite(column))
        if len(bad):
            tokens = shard.tokens
            raise HypothesisError(
                f"{self.neuron} is not finite on {len(bad)} tokens, first at token "
                f"{tokens.position[bad[0]]} of document "
                f"{tokens.document_ids[tokens.document[bad[0]]]!r} of {self.corpus}. With "
                "float16 or bfloat16, try --dtype float32."
            )
        return column if self.sign > 0 else -column


def _packed(labels: Floats, kind: LabelKind) -> PackedLabels:
    if kind == "boolean":
        return np.packbits(labels > 0)
    return np.nan_to_num(labels, nan=-1).astype(np.int16) if kind == "categorical" else labels


def _are_categories(labels: Floats, count: int) -> bool:
    known = labels[~np.isnan(labels)]
    return bool(np.isin(known, np.arange(count)).all())


@dataclass(eq=False)
class AttendsJob(Job):
    """A claim about a head, and the queries of its target, by their key in `store`."""

    hypothesis: Attends
    store: QueryStore = field(kw_only=True)
    head: Head | None = None
    keys: list[str] = field(default_factory=list)  # one a shard
    found: bool = True  # false where a search had nothing to choose by
    without_attention: set[int] = field(default_factory=set)  # layers that a search left out
    _content: hashlib.blake2b = field(default_factory=_hasher, repr=False)
    _n_documents: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.hypothesis.unit, Head):
            self.head = self.hypothesis.unit

    @property
    def unit(self) -> Head | None:
        return self.head if self.found else None

    @property
    def pipelines(self) -> frozenset[str]:
        return self.hypothesis.to.pipelines

    def label(self, shard: Shard, said: Said) -> None:
        self.keys.append(self.store.label(self.hypothesis.to, shard, said.queries))
        queries = self.queries(len(self.keys) - 1, shard)
        tokens = queries.tokens[queries.owners]
        back = np.where(queries.at_bos, np.iinfo(np.int64).min, queries.distances)
        number = self._n_documents + shard.document[tokens].astype(np.int64)
        edges = np.stack([number, shard.position[tokens], back], axis=1)  # [edges, 3]
        self._content.update(edges.tobytes())
        self._n_documents += len(shard.documents)

    def finish_labels(self) -> None:
        self.digest = hashlib.blake2b("".join(self.keys).encode(), digest_size=16).hexdigest()
        self.labels_hash = self._content.hexdigest()

    def queries(self, index: int, shard: Shard) -> Queries:
        """The target's queries on a shard labelled before."""
        return self.store.load(self.keys[index], self.hypothesis.to, shard)

"""A hypothesis on a corpus, and what a run knows of it so far."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.errors import HypothesisError, MiHypothesesError, PredicateError
from mi_hypotheses.grids import Column, Floats
from mi_hypotheses.hypotheses import Fires, Neuron
from mi_hypotheses.models import Site
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.shards import Shard
from mi_hypotheses.stats import UnitStatistics

PackedLabels = NDArray[np.uint8] | Floats  # bits of boolean labels, or numbers


@dataclass(eq=False)
class Job:
    """A hypothesis on a corpus, and what is known of it so far."""

    hypothesis: Fires
    corpus: str
    neuron: Neuron | None = None
    sign: float = 1.0
    searched: str | None = None
    error: str | None = None
    labels: list[PackedLabels] = field(default_factory=list)  # one a shard
    digest: str = ""
    statistics: UnitStatistics | None = None

    def __post_init__(self) -> None:
        if isinstance(self.hypothesis.unit, Neuron):
            self.neuron = self.hypothesis.unit
            self.sign = -1.0 if self.hypothesis.sign == "-" else 1.0

    @property
    def site(self) -> Site:
        """Where the unit is read."""
        unit = self.neuron or self.hypothesis.unit
        return Site(unit.layer or 0, unit.at)

    @property
    def numeric(self) -> bool:
        return self.hypothesis.on.numeric

    def label(self, shard: Shard, known: dict[Predicate, PackedLabels]) -> None:
        """Label all tokens of the next shard, or take what an equal predicate said of it.

        Raises:
            PredicateError: the predicate failed; the message names the document.
        """
        on = self.hypothesis.on
        if on not in known:
            parts = [self._labels_of(shard, index) for index in range(len(shard.documents))]
            labels = np.concatenate([*parts, np.empty(0)])
            known[on] = labels if self.numeric else np.packbits(labels > 0)
        self.labels.append(known[on])

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
        if labels.shape != (len(view),) or not np.isfinite(labels).all():
            raise PredicateError(
                f"The predicate must give one finite number for each of the {len(view)} tokens, "
                f"and gave an array of shape {labels.shape} or one with NaN {where}."
            )
        return labels

    def labels_on(self, index: int, shard: Shard) -> Floats:
        """The labels of all tokens of a shard labelled before, [tokens]."""
        kept = self.labels[index]
        if self.numeric:
            return kept.astype(np.float64)
        return np.unpackbits(kept.astype(np.uint8), count=len(shard)).astype(np.float64)

    def finish_labels(self) -> None:
        """All shards are labelled: fix the digest of the labels."""
        digest = hashlib.blake2b(digest_size=16)
        for labels in self.labels:
            digest.update(labels.tobytes())
        self.digest = digest.hexdigest()

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

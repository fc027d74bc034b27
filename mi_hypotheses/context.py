"""What a run is asked to do, and what its measurements share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mi_hypotheses.cache import Cache
from mi_hypotheses.forward import Progress
from mi_hypotheses.jobs import Said
from mi_hypotheses.reports import CorpusInfo

if TYPE_CHECKING:
    from mi_hypotheses.plugins import Plugins


@dataclass(frozen=True)
class RunOptions:
    """How to run; none of it changes what a hypothesis claims.

    `limit` and `limit_tokens` bound the corpus by documents and by tokens (whole documents);
    `batch_size` counts windows, None is what the device takes best. `untrained` adds a floor: the
    best unit of the layer in the same architecture, freshly initialised.
    """

    device: str = "auto"
    dtype: str = "float32"
    seed: int = 0
    limit: int | None = None
    limit_tokens: int | None = None
    batch_size: int | None = None
    min_context: int = 0
    untrained: bool = False


@dataclass
class Stages:
    """Seconds spent in each stage of a run; a stage within another counts for itself alone."""

    seconds: dict[str, float] = field(default_factory=dict)
    _within: float = 0.0  # seconds of the stages within the one that runs

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began, before, self._within = time.perf_counter(), self._within, 0.0
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + spent - self._within
            self._within = before + spent


@dataclass
class Context:
    """What the measurements of a run share, and what they add up.

    `said` holds what predicates and targets said of each shard, by the shard's key: models with
    the same tokenizer share it.
    """

    options: RunOptions
    cache: Cache
    plugins: Plugins | None
    progress: Progress
    stages: Stages = field(default_factory=Stages)
    corpora: list[CorpusInfo] = field(default_factory=list)
    said: dict[str, Said] = field(default_factory=dict)
    device: str = ""
    tokens_run: int = 0
    forward_seconds: float = 0.0

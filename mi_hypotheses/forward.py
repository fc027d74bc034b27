"""Forward passes over shards: the model, loaded when it is first needed, and its batches."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.cache import key_of
from mi_hypotheses.models import Model, ModelSource
from mi_hypotheses.shards import Shard

if TYPE_CHECKING:
    from torch import Tensor


class Progress(Protocol):
    """Somebody who watches a run; all calls come from the main thread."""

    def stage(self, description: str, *, total: int | None) -> None:
        """A stage begins; `total` is its number of tokens, if known."""

    def advance(self, amount: int) -> None:
        """`amount` more tokens are done."""

    def note(self, message: str) -> None:
        """Something the user should know."""


@dataclass
class Batch:
    """Some windows of a shard, padded on the right.

    `index` [batch, position] is each token's index in the shard; where `real` is false there
    is padding. BOS, if there is one, is column 0 of `tokens` only.
    """

    tokens: NDArray[np.int64]  # [batch, bos + position]
    index: NDArray[np.int64]  # [batch, position]
    real: NDArray[np.bool_]  # [batch, position]

    @property
    def bos(self) -> int:
        """How many columns of `tokens` come before the document's own: 1 or 0."""
        return int(self.tokens.shape[1] - self.index.shape[1])


def batches(shard: Shard, windows: Sequence[tuple[int, int]], size: int) -> Iterator[Batch]:
    """The windows by falling length, `size` at a time, so that little is padding."""
    ordered = sorted(windows, key=lambda window: -window[1])
    for first in range(0, len(ordered), size):
        starts, lengths = np.array(ordered[first : first + size]).T
        column = np.arange(lengths.max())
        real = column < lengths[:, None]
        index = np.where(real, starts[:, None] + column, 0)
        tokens = np.where(real, shard.ids[index], 0).astype(np.int64)
        if shard.window.bos_id is not None:
            tokens = np.insert(tokens, 0, shard.window.bos_id, axis=1)
        yield Batch(tokens, index, real)


@lru_cache(maxsize=1)
def _versions() -> list[str]:
    """Of the libraries that compute activations, and of the code that asks them."""
    own = [_code(name) for name in ("forward.py", "bridge.py", "fused.py", "fused_body.py")]
    return [*map(metadata.version, ("torch", "transformers", "transformer_lens")), *own]


def _code(name: str) -> str:
    """Hash of a module of this package."""
    source = Path(__file__).with_name(name).read_bytes()
    return hashlib.blake2b(source, digest_size=16).hexdigest()


@dataclass
class Forward:
    """How a model is run over shards.

    The model is loaded when it is first asked for, and not at all where everything is cached.
    """

    source: ModelSource
    progress: Progress
    device: str = "auto"
    dtype: str = "float32"
    batch_size: int = 32
    seconds: float = 0.0
    tokens_run: int = 0
    loaded: Model | None = field(default=None, repr=False)

    @property
    def model(self) -> Model:
        """The model, ready to run."""
        if self.loaded is None:
            self.loaded = self.source.load(device=self.device, dtype=self.dtype)
        return self.loaded

    def key(self, kind: str, shard: Shard, *parts: object) -> str:
        """A cache key of something that the model computes on a shard."""
        return key_of(
            kind,
            shard.key,
            shard.window.settings,
            self.source.fingerprint,
            _versions(),
            self.dtype,
            *parts,
        )

    def batches(
        self, shard: Shard, windows: Sequence[tuple[int, int]], *, most: int | None = None
    ) -> Iterator[tuple[Batch, Tensor, Tensor | None]]:
        """Batches, of `most` windows at most, with their tokens and attention mask on the
        model's device.

        The mask is None where nothing is padding. What is done between one batch and the next
        counts as the forward pass.
        """
        import torch
        from torch.nn.functional import pad

        model = self.model
        for batch in batches(shard, windows, min(self.batch_size, most or self.batch_size)):
            began = time.perf_counter()
            tokens = torch.from_numpy(batch.tokens).to(model.device)
            real = torch.from_numpy(batch.real).to(model.device)
            mask = None if batch.real.all() else pad(real, (batch.bos, 0), value=True).long()
            yield batch, tokens, mask
            self.seconds += time.perf_counter() - began
            self.tokens_run += int(batch.real.sum())
            self.progress.advance(int(batch.real.sum()))

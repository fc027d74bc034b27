"""Forward passes over shards: the model, loaded when it is first needed, and its batches."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.cache import key_of
from mi_hypotheses.errors import DeviceMemoryError
from mi_hypotheses.memory import first_line, give_back, is_out_of_memory, make_room
from mi_hypotheses.models import Model, ModelSource
from mi_hypotheses.shards import Shard

if TYPE_CHECKING:
    from torch import Tensor

Made = TypeVar("Made")

BATCH = 32  # windows
GIVEN_BACK = 16  # batches, after which what was freed is given back
CPU_BATCH = 2048  # tokens: with more, what a layer makes no longer stays in a processor's cache


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


def _batch(shard: Shard, windows: Sequence[tuple[int, int]]) -> Batch:
    starts, lengths = np.array(windows).T
    column = np.arange(lengths.max())
    real = column < lengths[:, None]
    index = np.where(real, starts[:, None] + column, 0)
    tokens = np.where(real, shard.ids[index], 0).astype(np.int64)
    if shard.window.bos_id is not None:
        tokens = np.insert(tokens, 0, shard.window.bos_id, axis=1)
    return Batch(tokens, index, real)


@lru_cache(maxsize=1)
def versions() -> list[str]:
    """Of the libraries that compute activations, and of the code that asks them."""
    own = [_code(name) for name in ("forward.py", "bridge.py", "fused.py", "fused_body.py")]
    return [*map(metadata.version, ("torch", "transformers", "transformer_lens")), *own]


def _code(name: str) -> str:
    """Hash of a module of this package."""
    source = Path(__file__).with_name(name).read_bytes()
    return hashlib.blake2b(source, digest_size=16).hexdigest()


def on_device(array: NDArray[Any], device: str) -> Tensor:
    """A copy there; on a GPU by way of pinned memory, so that nobody waits for it here."""
    import torch

    tensor = torch.from_numpy(array)
    if device.startswith("cuda"):
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@dataclass
class Forward:
    """How a model is run over shards.

    The model is loaded when it is first asked for, and not at all where everything is cached.
    """

    source: ModelSource
    progress: Progress
    device: str = "auto"
    dtype: str = "float32"
    batch_size: int | None = None  # windows; None: as many as the device takes best
    seconds: float = 0.0
    tokens_run: int = 0
    loaded: Model | None = field(default=None, repr=False)
    _too_large: int = field(default=0, repr=False)  # a batch that memory did not suffice for

    @property
    def model(self) -> Model:
        """The model, ready to run.

        Raises:
            DeviceMemoryError: there is too little memory for its weights.
        """
        if self.loaded is None:
            try:
                self.loaded = self.source.load(device=self.device, dtype=self.dtype)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                raise DeviceMemoryError(
                    f"The device {self.device!r} has too little memory for the weights of "
                    f"{self.source.reference} ({first_line(error)}). Try --dtype bfloat16, or "
                    "another --device."
                ) from None
        return self.loaded

    def key(self, kind: str, shard: Shard, *parts: object) -> str:
        """A cache key of something that the model computes on a shard."""
        return key_of(
            kind,
            shard.key,
            shard.window.settings,
            self.source.fingerprint,
            versions(),
            self.dtype,
            *parts,
        )

    def batches(
        self,
        shard: Shard,
        windows: Sequence[tuple[int, int]],
        run: Callable[[Batch, Tensor, Tensor | None], Made],
        *,
        most: int | None = None,
    ) -> Iterator[tuple[Batch, Made]]:
        """Batches, of `most` windows at most, and what `run` makes of each from its tokens and
        attention mask on the model's device.

        The mask is None where nothing is padding. Where memory runs out, `run` is called again
        with half of the windows, and batches stay as small; so it must only make, and what is
        made is added to other things by who takes it from here. What is done between one batch
        and the next counts as the forward pass.

        Raises:
            DeviceMemoryError: there is too little memory for one window.
        """
        import torch

        ordered = sorted(windows, key=lambda window: -window[1])  # so that little is padding
        first = number = 0
        while first < len(ordered):
            began = time.perf_counter()
            wanted = self.batch_size or self._fitting(shard)
            size = min(wanted, most or wanted, len(ordered) - first)
            batch = _batch(shard, ordered[first : first + size])
            try:
                with torch.no_grad():  # for models of plugins; this may be any thread
                    made = run(batch, *self._on_device(batch))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                reason = first_line(error)
            else:
                self._say_what_fits(size)
                yield batch, made
                del made
                first += size
                self.tokens_run += int(batch.real.sum())
                self.progress.advance(int(batch.real.sum()))
                reason = ""
                number += 1
                if number % GIVEN_BACK == 0:
                    give_back()
            self.seconds += time.perf_counter() - began
            if reason:
                self._halve(size, batch, reason)
        give_back()

    def _fitting(self, shard: Shard) -> int:
        """How many windows a batch has where nobody said so."""
        if self.model.device == "cpu":
            return max(CPU_BATCH // shard.window.length, 1)
        return BATCH

    def _on_device(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The tokens and the attention mask of a batch."""
        from torch.nn.functional import pad

        tokens = on_device(batch.tokens, self.model.device)
        if batch.real.all():
            return tokens, None
        real = on_device(batch.real, self.model.device)
        return tokens, pad(real, (batch.bos, 0), value=True).long()

    def _halve(self, size: int, batch: Batch, reason: str) -> None:
        """Go on with half of a batch of `size` windows, which was too large."""
        device = self.model.device
        if size == 1:
            raise DeviceMemoryError(
                f"{device} has too little memory for {self.source.reference}, even for one window "
                f"of {batch.tokens.shape[1]} tokens ({reason}). A smaller --batch-size does not "
                "help; try --dtype bfloat16, or another --device."
            )
        self._too_large = max(self._too_large, size)
        self.batch_size = size // 2
        make_room(device)

    def _say_what_fits(self, size: int) -> None:
        if self._too_large:
            self.progress.note(
                f"{self.model.device} ran out of memory on a batch of {self._too_large} windows: "
                f"the run goes on with batches of {size}; --batch-size {size} would begin so"
            )
            self._too_large = 0

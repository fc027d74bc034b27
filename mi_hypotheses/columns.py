"""Columns: the activations of chosen units over a shard, from the cache or the model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.cache import Cache, key_of
from mi_hypotheses.errors import CacheError
from mi_hypotheses.grids import Column, Floats
from mi_hypotheses.models import Model, ModelSource, Site
from mi_hypotheses.shards import Shard
from mi_hypotheses.stats import CrossSums

if TYPE_CHECKING:
    from torch import Tensor

COMPARISON_UNITS = 64


@lru_cache(maxsize=1)
def _versions() -> list[str]:
    """Of the libraries that compute activations."""
    return [metadata.version(name) for name in ("torch", "transformers", "transformer_lens")]


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


@dataclass
class ColumnStore:
    """Where activations come from.

    The model is loaded when the first column is missing, and not at all where none is.
    """

    source: ModelSource
    cache: Cache
    progress: Progress
    device: str = "auto"
    dtype: str = "float32"
    batch_size: int = 32
    seed: int = 0
    seconds: float = 0.0
    tokens_run: int = 0
    model: Model | None = field(default=None, repr=False)

    def comparison_units(self, site: Site) -> NDArray[np.int64]:
        """The indices of the comparison units of a layer, drawn by seed."""
        total = self.source.info.d_mlp or 0
        generator = np.random.default_rng([self.seed, site.layer])
        drawn = generator.choice(total, min(COMPARISON_UNITS, total), replace=False)
        return np.sort(drawn)

    def _key(self, shard: Shard, site: Site, units: object) -> str:
        return key_of(
            "column",
            shard.key,
            shard.window.settings,
            self.source.fingerprint,
            _versions(),
            self.dtype,
            [site.layer, site.at],
            units,
        )

    def _comparison_key(self, shard: Shard, site: Site) -> str:
        return self._key(shard, site, self.comparison_units(site).tolist())

    def missing(self, shard: Shard, units: Mapping[Site, set[int]]) -> dict[Site, list[int]]:
        """The units, by site, whose columns (or whose site's comparison units) are absent."""
        absent: dict[Site, list[int]] = {}
        for site, indices in units.items():
            lacking = [i for i in sorted(indices) if not self.cache.has(self._key(shard, site, i))]
            if lacking or not self.cache.has(self._comparison_key(shard, site)):
                absent[site] = lacking
        return absent

    def make(self, shard: Shard, units: Mapping[Site, list[int]]) -> None:
        """One forward pass over the shard for these units and the comparison units."""
        import torch

        model = self._loaded()
        gather, found = {}, {}
        for site, indices in units.items():
            both = np.concatenate(
                [np.asarray(indices, dtype=np.int64), self.comparison_units(site)]
            )
            gather[site] = torch.from_numpy(both).to(model.device)
            found[site] = np.empty((len(shard), len(both)), dtype=np.float32)
        for batch, activations in self._run(shard, shard.windows(), gather):
            for site, values in activations.items():
                found[site][batch.index[batch.real]] = values.cpu().numpy()
        for site, indices in units.items():
            for column, unit in enumerate(indices):
                self.cache.put(self._key(shard, site, unit), {"a": found[site][:, column]})
            rest = np.ascontiguousarray(found[site][:, len(indices) :])
            self.cache.put(self._comparison_key(shard, site), {"a": rest})

    def unit(self, shard: Shard, site: Site, index: int) -> Column:
        """The activations of one unit on all tokens of the shard, [tokens]."""
        return self._get(shard, site, self._key(shard, site, index), [index])

    def comparison(self, shard: Shard, site: Site) -> NDArray[np.float32]:
        """The activations of the comparison units, [tokens, units]."""
        return self._get(shard, site, self._comparison_key(shard, site), [])

    def _get(self, shard: Shard, site: Site, key: str, units: list[int]) -> NDArray[np.float32]:
        arrays = self.cache.get(key)
        if arrays is None:  # damaged or dropped since it was made
            self.make(shard, {site: units})
            arrays = self.cache.get(key)
        if arrays is None:
            raise CacheError(
                f"The cache {self.cache.directory} does not keep what is written to it. Clear "
                "it with 'mih cache clear', or choose another place with --cache-dir."
            )
        values: NDArray[np.float32] = arrays["a"]
        return values

    def add_layer_sums(
        self,
        shard: Shard,
        chosen: NDArray[np.bool_],
        labels: Floats,
        sums: dict[Site, CrossSums],
    ) -> None:
        """Add the `chosen` tokens [tokens] of a shard to the sums of whole layers.

        Args:
            labels: [labels, tokens].
            sums: changed in place, one entry a site. Products are float32 within a batch and
                float64 across batches.
        """
        import torch

        windows = [w for w in shard.windows() if chosen[w[0] : w[0] + w[1]].any()]
        for batch, activations in self._run(shard, windows, dict.fromkeys(sums)):
            index = batch.index[batch.real]
            keep = chosen[index]
            targets = torch.from_numpy(labels[:, index[keep]].astype(np.float32))
            for site, values in activations.items():
                into = sums[site]
                a = values[torch.from_numpy(keep).to(values.device)]
                if not into.n and len(a):
                    into.centre = a.mean(0).cpu().double().numpy()
                c = targets.to(a.device)
                a = a - torch.from_numpy(into.centre).to(a)
                c = c - torch.from_numpy(into.label_centre).to(c)[:, None]
                into.n += len(a)
                into.unit_sums += torch.stack([a.sum(0), (a * a).sum(0)]).cpu().double().numpy()
                into.label_sums += torch.stack([c.sum(1), (c * c).sum(1)]).cpu().double().numpy()
                into.products += (c @ a).cpu().double().numpy()

    def _run(
        self, shard: Shard, windows: Sequence[tuple[int, int]], sites: Mapping[Site, Tensor | None]
    ) -> Iterator[tuple[Batch, dict[Site, Tensor]]]:
        """Forward passes; yields each batch with [real tokens, units] for each site."""
        import torch
        from torch.nn.functional import pad

        model = self._loaded()
        bos = int(shard.window.bos_id is not None)
        for batch in batches(shard, windows, self.batch_size):
            began = time.perf_counter()
            tokens = torch.from_numpy(batch.tokens).to(model.device)
            real = torch.from_numpy(batch.real).to(model.device)
            mask = None if batch.real.all() else pad(real, (bos, 0), value=True).long()
            activations = model.activations(tokens, sites=sites, attention_mask=mask)
            yield batch, {site: a[:, bos:][real] for site, a in activations.items()}
            self.seconds += time.perf_counter() - began
            self.tokens_run += int(batch.real.sum())
            self.progress.advance(int(batch.real.sum()))

    def _loaded(self) -> Model:
        if self.model is None:
            self.model = self.source.load(device=self.device, dtype=self.dtype)
        return self.model

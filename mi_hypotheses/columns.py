"""Columns: the activations of chosen units over a shard, from the cache or the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.cache import Cache
from mi_hypotheses.forward import Batch, Forward, Made, on_device
from mi_hypotheses.grids import Column, Floats
from mi_hypotheses.layer_sums import CategorySums, CrossSums, one_hot
from mi_hypotheses.models import Site
from mi_hypotheses.shards import Shard

if TYPE_CHECKING:
    from torch import Tensor

COMPARISON_UNITS = 64
_NO_TOKENS: Column = np.empty(0, dtype=np.float32)
PIECE = 2**16  # tokens whose activations are held and kept at a time


@dataclass
class LayerSums:
    """Sums of whole layers: against boolean and numeric labels, and by the categories of each
    categorical label."""

    cross: CrossSums
    categories: list[CategorySums]

    def merge(self, other: LayerSums) -> None:
        """Add the sums of other tokens; the first that are added say what all are centred by."""
        if not self.cross.n:
            self.cross.centre = other.cross.centre
            for each in self.categories:
                each.centre = other.cross.centre
        self.cross.merge(other.cross)
        for mine, others in zip(self.categories, other.categories, strict=True):
            mine.merge(others)


@dataclass
class ColumnStore:
    """Where activations come from."""

    forward: Forward
    cache: Cache
    seed: int = 0

    def comparison_units(self, site: Site) -> NDArray[np.int64]:
        """The indices of the comparison units of a layer, drawn by seed."""
        total = self.forward.source.info.d_mlp or 0
        generator = np.random.default_rng([self.seed, site.layer])
        drawn = generator.choice(total, min(COMPARISON_UNITS, total), replace=False)
        return np.sort(drawn)

    def _key(self, shard: Shard, site: Site, piece: slice, units: object) -> str:
        at = [site.layer, site.at, piece.start, piece.stop]
        return self.forward.key("column", shard, at, units)

    def _comparison_key(self, shard: Shard, site: Site, piece: slice) -> str:
        return self._key(shard, site, piece, self.comparison_units(site).tolist())

    def missing(self, shard: Shard, units: Mapping[Site, set[int]]) -> dict[Site, list[int]]:
        """The units, by site, whose columns (or whose site's comparison units) are absent."""
        absent: dict[Site, list[int]] = {}
        pieces = [piece for piece, _ in _pieces(shard)]
        has = self.cache.has
        for site, indices in units.items():
            lacking = [
                index
                for index in sorted(indices)
                if not all(has(self._key(shard, site, piece, index)) for piece in pieces)
            ]
            compared = all(has(self._comparison_key(shard, site, piece)) for piece in pieces)
            if lacking or not compared:
                absent[site] = lacking
        return absent

    def make(self, shard: Shard, units: Mapping[Site, list[int]]) -> None:
        """One forward pass over the shard for these units and the comparison units."""
        for piece, windows in _pieces(shard):
            self._make_piece(shard, units, piece, windows)

    def _make_piece(
        self,
        shard: Shard,
        units: Mapping[Site, list[int]],
        piece: slice,
        windows: Sequence[tuple[int, int]],
    ) -> None:
        import torch

        gather, found = {}, {}
        for site, indices in units.items():
            both = np.concatenate(
                [np.asarray(indices, dtype=np.int64), self.comparison_units(site)]
            )
            gather[site] = torch.from_numpy(both).to(self.forward.model.device)
            found[site] = np.empty((piece.stop - piece.start, len(both)), dtype=np.float32)

        def on_host(_batch: Batch, activations: Mapping[Site, Tensor]) -> dict[Site, Column]:
            return {site: values.cpu().numpy() for site, values in activations.items()}

        for batch, activations in self._run(shard, windows, gather, on_host):
            for site, values in activations.items():
                found[site][batch.index[batch.real] - piece.start] = values
        for site, indices in units.items():
            for column, unit in enumerate(indices):
                key = self._key(shard, site, piece, unit)
                self.cache.put(key, {"a": found[site][:, column]})
            rest = np.ascontiguousarray(found[site][:, len(indices) :])
            self.cache.put(self._comparison_key(shard, site, piece), {"a": rest})

    def unit(self, shard: Shard, site: Site, index: int) -> Column:
        """The activations of one unit on all tokens of the shard, [tokens]."""
        pieces = [
            self._get(shard, site, self._key(shard, site, piece, index), [index])
            for piece, _ in _pieces(shard)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate([*pieces, _NO_TOKENS])

    def comparison(self, shard: Shard, site: Site) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """The activations of the comparison units, [tokens, units], piece by piece of the
        shard's tokens."""
        for piece, _ in _pieces(shard):
            yield piece, self._get(shard, site, self._comparison_key(shard, site, piece), [])

    def _get(self, shard: Shard, site: Site, key: str, units: list[int]) -> NDArray[np.float32]:
        arrays = self.cache.obtain(key, lambda: self.make(shard, {site: units}))
        values: NDArray[np.float32] = arrays["a"]
        return values

    def add_layer_sums(
        self,
        shard: Shard,
        chosen: NDArray[np.bool_],
        labels: Floats,
        categories: Sequence[Floats],
        sums: Mapping[Site, LayerSums],
    ) -> None:
        """Add the `chosen` tokens [tokens] of a shard to the sums of whole layers.

        Args:
            labels: [labels, tokens], boolean and numeric.
            categories: [tokens] for each categorical label; NaN where a token has none.
            sums: changed in place, one entry a site. Products are float32 within a batch and
                float64 across batches.
        """
        windows = [w for w in shard.windows() if chosen[w[0] : w[0] + w[1]].any()]

        def add_up(batch: Batch, activations: Mapping[Site, Tensor]) -> dict[Site, LayerSums]:
            index = batch.index[batch.real]
            keep = chosen[index]
            targets = labels[:, index[keep]]
            codes = [label[index[keep]] for label in categories]
            return {
                site: _layer_sums(values, keep, targets, codes, sums[site])
                for site, values in activations.items()
            }

        for _, of_batch in self._run(shard, windows, dict.fromkeys(sums), add_up):
            for site, made in of_batch.items():
                sums[site].merge(made)

    def _run(
        self,
        shard: Shard,
        windows: Sequence[tuple[int, int]],
        sites: Mapping[Site, Tensor | None],
        reduce: Callable[[Batch, Mapping[Site, Tensor]], Made],
    ) -> Iterator[tuple[Batch, Made]]:
        """Forward passes; yields each batch with what `reduce` makes of the activations
        [real tokens, units] of each site."""

        def run(batch: Batch, tokens: Tensor, mask: Tensor | None) -> Made:
            activations = self.forward.model.activations(tokens, sites=sites, attention_mask=mask)
            real = on_device(batch.real, self.forward.model.device)
            return reduce(batch, {site: a[:, batch.bos :][real] for site, a in activations.items()})

        return self.forward.batches(shard, windows, run)


def _pieces(shard: Shard) -> Iterator[tuple[slice, list[tuple[int, int]]]]:
    """The tokens of a shard in pieces of whole windows, `PIECE` tokens or little more, with their
    windows: a document can be as large as ten shards, and its activations are not held whole."""
    piece: list[tuple[int, int]] = []
    for window in shard.windows():
        piece.append(window)
        if sum(window) - piece[0][0] >= PIECE:
            yield slice(piece[0][0], sum(window)), piece
            piece = []
    if piece:
        yield slice(piece[0][0], sum(piece[-1])), piece


def _layer_sums(
    values: Tensor,
    keep: NDArray[np.bool_],
    labels: Floats,
    codes: Sequence[Floats],
    before: LayerSums,
) -> LayerSums:
    """The sums of a batch, to be merged with those before: of activations [tokens, units] where
    `keep` holds, with labels [labels, kept] and of each categorical label the codes [kept]."""
    import torch

    a = values[torch.from_numpy(keep).to(values.device)]
    first = not before.cross.n and len(a) > 0
    centre = a.mean(0).cpu().double().numpy() if first else before.cross.centre
    made = LayerSums(
        CrossSums(centre, before.cross.label_centre),
        [CategorySums(centre, each.categories) for each in before.categories],
    )
    a = a - torch.from_numpy(centre).to(a)
    _add_labels(made.cross, a, torch.from_numpy(labels.astype(np.float32)).to(a.device))
    for each, code in zip(made.categories, codes, strict=True):
        _add_categories(each, a, code)
    return made


def _add_labels(into: CrossSums, a: Tensor, c: Tensor) -> None:
    """Add centred activations `a` [tokens, units] and labels `c` [labels, tokens]."""
    import torch

    c = c - torch.from_numpy(into.label_centre).to(c)[:, None]
    into.n += len(a)
    into.unit_sums += torch.stack([a.sum(0), (a * a).sum(0)]).cpu().double().numpy()
    into.label_sums += torch.stack([c.sum(1), (c * c).sum(1)]).cpu().double().numpy()
    into.products += (c @ a).cpu().double().numpy()


def _add_categories(into: CategorySums, a: Tensor, labels: Floats) -> None:
    """Add centred activations `a` [tokens, units] and labels [tokens]."""
    import torch

    members = one_hot(labels, into.categories)  # [categories, tokens]
    into.counts += members.sum(axis=1, dtype=np.int64)
    on_device = torch.from_numpy(members).to(a)
    into.sums += (on_device @ a).cpu().double().numpy()
    into.squares += (on_device.sum(0) @ (a * a)).cpu().double().numpy()

"""Whole layers against many labels in one pass: what a scan of neurons is made of.

Products are taken on the model's device, in float32 tiles that are added up in float64.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.cache import key_of
from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.forward import Batch, Forward, versions
from mi_hypotheses.grids import Floats
from mi_hypotheses.jobs import FiresJob
from mi_hypotheses.models import Site
from mi_hypotheses.scan_sums import PARTS, THRESHOLDS, PartSums, Rows, Scored, parts_of, shapes
from mi_hypotheses.shards import Shard, ShardStore

if TYPE_CHECKING:
    from torch import Tensor

PILOT_TOKENS = 2048
TILE = 4096  # tokens: what is added up in float32
CPU_ACTIVATIONS = 2**28  # bytes of all layers that are held at a time
GPU_ACTIVATIONS = 2**31


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of the modules that sums are made by, so that none outlives a change of them."""
    files = [Path(__file__).with_name(name) for name in ("neuron_scan.py", "scan_sums.py")]
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=16).hexdigest()


@dataclass
class NeuronScan:
    """All neurons of some layers, or one neuron, against the labels of `jobs`.

    `unit` is the index of the one neuron that is asked about, None for whole layers. Its column is
    cached like that of any claim, so that asking again needs no model.
    """

    store: ShardStore
    columns: ColumnStore
    jobs: Sequence[FiresJob]
    sites: Sequence[Site]
    unit: int | None = None
    booleans: list[FiresJob] = field(init=False)
    categoricals: list[FiresJob] = field(init=False)
    numerics: list[FiresJob] = field(init=False)

    def __post_init__(self) -> None:
        by_kind: dict[str, list[FiresJob]] = {"boolean": [], "categorical": [], "numeric": []}
        for job in self.jobs:
            by_kind[job.label_kind].append(job)
        self.booleans, self.categoricals, self.numerics = by_kind.values()

    @property
    def forward(self) -> Forward:
        return self.columns.forward

    @property
    def device(self) -> str:
        """Where sums are made."""
        return self.forward.model.device if self.unit is None else "cpu"

    @property
    def n_units(self) -> int:
        """How many units of a site are looked at."""
        return (self.forward.source.info.d_mlp or 0) if self.unit is None else 1

    def sums(self) -> dict[Site, PartSums]:
        """The sums of each site, from the cache or from one pass over the corpus."""
        rows = Rows(
            len(self.booleans),
            tuple(len(job.categories) for job in self.categoricals),
            *self._centres(),
        )
        found = {site: self._cached(site, rows) for site in self.sites}
        missing = [site for site, sums in found.items() if sums is None]
        if missing:
            for site, sums in self._run(missing, rows).items():
                found[site] = sums
                self.columns.cache.put(self._key(site), sums.arrays())
        return {site: sums for site, sums in found.items() if sums is not None}

    def scored(self, job: FiresJob, sums: PartSums) -> Scored:
        """How a job's label fares on the units of a site."""
        found = self._scored(job, sums)
        return found._replace(not_finite=sums.not_finite(), constant=sums.constant())

    def _scored(self, job: FiresJob, sums: PartSums) -> Scored:
        if job in self.booleans:
            return sums.boolean(self.booleans.index(job))
        if job in self.categoricals:
            return sums.category(self.categoricals.index(job))
        return sums.numeric(self.numerics.index(job))

    def test_counts(self, job: FiresJob, sums: PartSums) -> list[int]:
        """The test tokens of each boolean label or category; of a numeric label, all."""
        n, positive = sums.n[1:].sum(), sums.labels[1:, 0].sum(axis=0)
        if job in self.booleans:
            labelled = positive[self.booleans.index(job)]
            return [int(n - labelled), int(labelled)]
        if job in self.categoricals:
            rows = sums.rows.of_category(self.categoricals.index(job))
            return [int(count) for count in positive[rows]]
        return [int(n)]

    # --- caching ---------------------------------------------------------------------------------

    def _key(self, site: Site) -> str:
        window, forward = self.store.window, self.forward
        return key_of(
            "scan",
            _code_hash(),
            versions(),
            self.store.keys,
            [*window.settings, window.min_context, self.store.seed],
            forward.source.fingerprint,
            forward.dtype,
            [site.layer, site.at, self.unit],
            [job.digest for job in (*self.booleans, *self.categoricals, *self.numerics)],
        )

    def _cached(self, site: Site, rows: Rows) -> PartSums | None:
        arrays = self.columns.cache.get(self._key(site))
        return None if arrays is None else PartSums(rows, **arrays)

    # --- one pass --------------------------------------------------------------------------------

    def _centres(self) -> tuple[Floats, Floats]:
        """The mean and the deviation of each numeric label on calibration documents; 1 where it
        does not vary."""
        sums, n = np.zeros((2, len(self.numerics))), 0
        for index, shard in enumerate(self.store) if self.numerics else ():
            chosen = shard.scored & (_parts(shard) == 0)
            n += int(chosen.sum())
            for place, job in enumerate(self.numerics):
                labels = job.labels_on(index, shard)[chosen]
                sums[:, place] += labels.sum(), np.square(labels).sum()
        mean, square = sums / max(n, 1)
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        return mean, np.where(deviation > 0, deviation, 1.0)

    def _run(self, sites: Sequence[Site], rows: Rows) -> dict[Site, PartSums]:
        centres, steps = self._pilot(sites)
        import torch

        counts = _LabelCounts(rows)
        layers = {
            site: _Layer(rows, centres[site], steps[site], device=self.device) for site in sites
        }
        progress = self.forward.progress
        progress.stage("scanning", total=self.store.n_tokens)
        for index, shard in enumerate(self.store):
            labels = self._labels(rows, index, shard)
            for part, columns, activations in self._batches(shard, sites, shard.windows()):
                chosen = np.ascontiguousarray(labels[:, columns])
                borders = np.searchsorted(part, np.arange(PARTS + 1)).tolist()
                counts.add(chosen, borders)
                on_device = torch.from_numpy(chosen).to(self.device)
                for site, values in activations():
                    layers[site].add(values, on_device, borders)
        return {site: layer.sums(counts) for site, layer in layers.items()}

    def _labels(self, rows: Rows, index: int, shard: Shard) -> NDArray[np.float32]:
        kinds = (self.booleans, self.categoricals, self.numerics)
        return rows.matrix(*([job.labels_on(index, shard) for job in jobs] for jobs in kinds))

    def _pilot(self, sites: Sequence[Site]) -> tuple[dict[Site, Tensor], dict[Site, Tensor]]:
        """The mean and the standard deviation of each unit, [units], on the first calibration
        documents; what they are fixes centres and thresholds and nothing else."""
        sums: dict[Site, Tensor] = {}
        n = 0
        for shard in self.store:
            mine = _parts(shard)
            windows = [w for w in shard.windows() if mine[w[0]] == 0]
            for part, _, activations in self._batches(shard, sites, _until(windows, n)):
                n += int((part == 0).sum())
                for site, values in activations():
                    both = _moments(values)
                    sums[site] = sums[site] + both if site in sums else both
            if n >= PILOT_TOKENS:
                break
        centres, steps = {}, {}
        for site in sites:
            first, second = sums[site] / max(n, 1) if site in sums else _nothing(self.n_units)
            centres[site] = first.float()
            steps[site] = (second - first * first).clamp(min=0).sqrt().float()
        return centres, steps

    def _batches(
        self, shard: Shard, sites: Sequence[Site], windows: Sequence[tuple[int, int]]
    ) -> Iterator[_OfBatch]:
        """Forward passes: the parts of the scored tokens of each, ascending, their indices in
        the shard, and their activations."""
        import torch

        parts = np.where(shard.scored, _parts(shard), -1)
        if self.unit is not None:
            yield self._of_unit(shard, sites[0], windows, parts)
            return

        def run(batch: Batch, tokens: Tensor, mask: Tensor | None) -> _OfBatch | None:
            flat, index = _by_part(batch, parts)
            if not len(index):
                return None
            found = self.forward.model.activations(
                tokens, sites=dict.fromkeys(sites), attention_mask=mask
            )
            chosen = torch.from_numpy(flat).to(tokens.device)
            return parts[index], index, _Activations(found, chosen)

        most = self._most(shard)
        for _, made in self.forward.batches(shard, windows, run, most=most):
            if made is not None:
                yield made

    def _of_unit(
        self,
        shard: Shard,
        site: Site,
        windows: Sequence[tuple[int, int]],
        parts: NDArray[np.int64],
    ) -> _OfBatch:
        """The same of the one unit and all windows at once, from its column."""
        import torch

        assert self.unit is not None  # what is read is its column
        inside = np.zeros(len(shard), dtype=np.bool_)
        for first, length in windows:
            inside[first : first + length] = True
        index = np.flatnonzero(inside & (parts >= 0))
        index = index[np.argsort(parts[index], kind="stable")]
        column = torch.from_numpy(self.columns.unit(shard, site, self.unit))
        return parts[index], index, _Activations({site: column[:, None]}, torch.from_numpy(index))

    def _most(self, shard: Shard) -> int:
        """How many windows' activations of all layers are held at a time."""
        one = 4 * self.n_units * len(self.sites) * (shard.window.length + 1)
        room = CPU_ACTIVATIONS if self.device == "cpu" else GPU_ACTIVATIONS
        return max(room // max(one, 1), 1)


@dataclass
class _Activations:
    """The activations of a batch, of which each site is taken once."""

    found: dict[Site, Tensor]
    chosen: Tensor  # [tokens], places in the flattened batch

    def __call__(self) -> Iterator[tuple[Site, Tensor]]:
        """Each site with its activations [tokens, units], a copy."""
        for site in [*self.found]:
            values = self.found.pop(site)
            yield site, values.reshape(-1, values.shape[-1]).index_select(0, self.chosen)


_OfBatch: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], _Activations]


def _parts(shard: Shard) -> NDArray[np.int64]:
    """The part of each token of a shard, [tokens]."""
    return parts_of(shard.groups)[shard.document]


def _until(windows: Sequence[tuple[int, int]], n: int) -> list[tuple[int, int]]:
    """The first windows that hold what is missing of the pilot's tokens."""
    before = n + np.cumsum([0, *(length for _, length in windows)])
    return [window for window, seen in zip(windows, before, strict=False) if seen < PILOT_TOKENS]


def _by_part(batch: Batch, parts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The scored tokens of a batch by ascending part: their places in the flattened batch, and
    their indices in the shard."""
    row, column = np.nonzero(batch.real)
    index = batch.index[row, column]
    flat = row * batch.tokens.shape[1] + column + batch.bos
    order = np.argsort(parts[index], kind="stable")
    order = order[np.searchsorted(parts[index][order], 0) :]
    return flat[order], index[order]


def _moments(a: Tensor) -> Tensor:
    """Σ a and Σ a² of each unit, [2, units]."""
    import torch

    return torch.stack([a.sum(0), (a * a).sum(0)])


def _nothing(units: int) -> Tensor:
    import torch

    return torch.zeros(2, units)


class _LabelCounts:
    """What is counted of the labels alone, the same for all sites."""

    def __init__(self, rows: Rows) -> None:
        self.n = np.zeros(PARTS)
        self.labels = np.zeros((PARTS, 2, rows.total))

    def add(self, labels: NDArray[np.float32], borders: Sequence[int]) -> None:
        """Add labels [rows, tokens]; those of a part lie between two borders."""
        for part, (start, stop) in enumerate(itertools.pairwise(borders)):
            wide = labels[:, start:stop].astype(np.float64)
            self.n[part] += stop - start
            self.labels[part] += wide.sum(axis=1), np.square(wide).sum(axis=1)


class _Layer:
    """The sums of one site, on the model's device."""

    def __init__(self, rows: Rows, centre: Tensor, step: Tensor, *, device: str) -> None:
        import torch

        self.rows, self.centre, self.step = rows, centre.to(device), step.to(device)
        self.home = "cpu" if device.startswith("mps") else device  # MPS has no float64
        self.totals = {
            name: torch.zeros(shape, dtype=torch.float64, device=self.home)
            for name, shape in shapes(rows, len(centre)).items()
            if name not in ("n", "labels")
        }

    def add(self, a: Tensor, labels: Tensor, borders: Sequence[int]) -> None:
        """Add activations [tokens, units], which are changed, and labels [rows, tokens]; the tokens
        of a part lie between two borders."""
        a -= self.centre
        for part, (start, stop) in enumerate(itertools.pairwise(borders)):
            for tile in _tiles(start, stop):
                self._add_tile(part, a[tile], labels[:, tile])
        for split, (start, stop) in enumerate(((0, borders[1]), (borders[1], borders[-1]))):
            for tile in _tiles(start, stop):
                self._add_fires(split, a[tile], labels[: self.rows.n_boolean, tile])

    def _add_tile(self, part: int, a: Tensor, labels: Tensor) -> None:
        import torch

        squared = a * a
        self.totals["units"][part] += torch.stack([a.sum(0), squared.sum(0)]).to(self.home)
        self.totals["products"][part] += (labels @ a).to(self.home)
        if self.rows.categories:
            members = [
                labels[self.rows.of_category(number)].sum(0)
                for number in range(len(self.rows.categories))
            ]
            self.totals["squares"][part] += (torch.stack(members) @ squared).to(self.home)

    def _add_fires(self, split: int, a: Tensor, labels: Tensor) -> None:
        import torch

        if not len(labels):
            return
        fires = torch.empty_like(a)  # 0 and 1: a comparison into it is ten times as fast as a cast
        for place, deviations in enumerate(THRESHOLDS):
            torch.gt(a, deviations * self.step, out=fires)
            self.totals["fires"][split, place] += fires.sum(0).to(self.home)
            self.totals["hits"][split, place] += (labels @ fires).to(self.home)

    def sums(self, counts: _LabelCounts) -> PartSums:
        """What was added up, on the host, with what was counted of the labels."""
        found = {name: total.cpu().numpy() for name, total in self.totals.items()}
        return PartSums(self.rows, n=counts.n, labels=counts.labels, **found)


def _tiles(start: int, stop: int) -> Iterator[slice]:
    """The stretches that are added up in float32."""
    return (slice(first, min(first + TILE, stop)) for first in range(start, stop, TILE))

"""Whole layers against many labels in one pass, or a few: what a scan of neurons is made of."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.cache import key_of
from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.context import Stages
from mi_hypotheses.forward import Batch, Forward, Made, on_device, versions
from mi_hypotheses.jobs import FiresJob
from mi_hypotheses.models import Site
from mi_hypotheses.scan_sums import PARTS, PartSums, Rows, Scored, bytes_of, parts_of
from mi_hypotheses.scan_totals import Additions, LabelCounts, LayerTotals, add
from mi_hypotheses.shards import Shard, ShardStore

if TYPE_CHECKING:
    from torch import Tensor

PILOT_TOKENS = 2048
CPU_ACTIVATIONS = 2**28  # bytes of all layers that are held at a time
GPU_ACTIVATIONS = 2**31
SUMS = 2**31  # bytes of sums that are held at a time, see `bytes_of`

Pass: TypeAlias = tuple[Sequence[Site], Sequence[FiresJob]]


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of the modules that scores are made by, so that none outlives a change of them."""
    names = ["neuron_scan.py", "scan_totals.py", "scan_sums.py", "false_discovery.py"]
    names += ["text.py", "shards.py", "jobs.py"]  # groups, and what is scored and labelled
    files = [Path(__file__).with_name(name) for name in names]
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=16).hexdigest()


@dataclass
class NeuronScan:
    """All neurons of some layers, or one neuron, against the labels of `jobs`.

    `unit` is the index of the one neuron that is asked about, None for whole layers. Its column is
    cached like that of any claim, so that asking again needs no model.

    Sums take `SUMS` bytes at most, or what those of one job and site take: where all do not fit,
    the corpus is gone over more than once, each time for some sites and all jobs, or where that
    takes fewer passes, for some jobs. Scores do not depend on it, but
    for the last bits of float32.
    """

    store: ShardStore
    columns: ColumnStore
    jobs: Sequence[FiresJob]
    sites: Sequence[Site]
    unit: int | None = None
    stages: Stages = field(default_factory=Stages)

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

    def scores(self) -> Iterator[tuple[Site, FiresJob, Scored]]:
        """How each job's label fares on the units of each site, from the cache or from as few
        passes over the corpus as sums have room for; in no particular order."""
        sites: set[Site] = set()
        missing: dict[FiresJob, None] = {}
        for site, job in itertools.product(self.sites, self.jobs):
            known = self._cached(site, job)
            if known is None:
                sites.add(site)
                missing[job] = None
            else:
                yield site, job, known
        ordered = sorted(sites, key=lambda site: site.layer)
        asked = passes(ordered, [*missing], units=self.n_units, room=SUMS)
        if len(asked) > 1:
            self.forward.progress.note(
                f"the sums of {len(missing)} subjects on {len(sites)} layers take more than "
                f"{SUMS / 2**30:.3g} GiB: the corpus is gone over {len(asked)} times"
            )
        for number, (some_sites, some_jobs) in enumerate(asked, start=1):
            which = f", pass {number} of {len(asked)}" if len(asked) > 1 else ""
            yield from self._scored(some_sites, _Labels(some_jobs), f"scanning{which}")

    def _scored(
        self, sites: Sequence[Site], labels: _Labels, stage: str
    ) -> Iterator[tuple[Site, FiresJob, Scored]]:
        """The scores that one pass gives; each site's sums are let go of when it is scored."""
        with self.stages.timed("forward"):
            totals, counts = self._run(sites, labels, stage)
        for site in sites:
            with self.stages.timed("scores"):
                sums = totals.pop(site).sums(counts)
                found = [(job, labels.scored(job, sums)) for job in labels.jobs]
                for job, scored in found:
                    self._keep(site, job, scored)
            for job, scored in found:
                yield site, job, scored

    # --- caching ---------------------------------------------------------------------------------

    @cached_property
    def _asked(self) -> str:
        """Hash of what is the same for all sites and jobs."""
        window, forward = self.store.window, self.forward
        return key_of(
            "scan",
            _code_hash(),
            versions(),
            self.store.keys,
            [*window.settings, window.min_context, self.store.seed],
            forward.source.fingerprint,
            forward.dtype,
            self.unit,
        )

    def _key(self, site: Site, job: FiresJob) -> str:
        labels = [job.label_kind, len(job.categories), job.digest]
        return key_of("scores", self._asked, [site.layer, site.at], labels)

    def _cached(self, site: Site, job: FiresJob) -> Scored | None:
        arrays = self.columns.cache.get(self._key(site, job))
        if arrays is None:
            return None
        chosen_by, test, error, p, f1 = arrays["scores"]
        [folds], counts = arrays["folds"].tolist(), tuple(arrays["counts"].tolist())
        return Scored(chosen_by, test, error, p, f1, folds, counts, *arrays["flags"])

    def _keep(self, site: Site, job: FiresJob, scored: Scored) -> None:
        """Put scores into the cache."""
        arrays = {
            "scores": np.stack(scored[:5]),
            "folds": np.array([scored.folds]),
            "counts": np.array(scored.counts, dtype=np.int64),
            "flags": np.stack([scored.not_finite, scored.constant]),
        }
        self.columns.cache.put(self._key(site, job), arrays)

    # --- one pass --------------------------------------------------------------------------------

    def _run(
        self, sites: Sequence[Site], labels: _Labels, stage: str
    ) -> tuple[dict[Site, LayerTotals], LabelCounts]:
        centres, steps = self._pilot(sites)
        rows = labels.centred(self.store)
        counts = LabelCounts(rows)
        totals = {
            site: LayerTotals(rows, centres[site], steps[site], device=self.device)
            for site in sites
        }
        self.forward.progress.stage(stage, total=self.store.n_tokens)
        for index, shard in enumerate(self.store):
            matrix = labels.on(index, shard)
            make = partial(self._additions, totals, matrix)
            for tokens, borders, additions in self._batches(shard, sites, shard.windows(), make):
                counts.add(matrix[1:, tokens], borders)
                add(additions)
        return totals, counts

    def _additions(
        self,
        totals: Mapping[Site, LayerTotals],
        labels: NDArray[np.float32],
        part: NDArray[np.int64],
        index: NDArray[np.int64],
        activations: _Activations,
    ) -> tuple[NDArray[np.int64], list[int], Additions]:
        """What a batch adds to all sites, of labels [1 + rows, tokens of the shard], and the
        tokens of it by part."""
        borders = np.searchsorted(part, np.arange(PARTS + 1)).tolist()
        chosen = on_device(np.ascontiguousarray(labels[:, index]), self.device)
        made: Additions = []
        for site, values in activations():
            made += totals[site].additions(values, chosen, borders)
        return index, borders, made

    def _pilot(self, sites: Sequence[Site]) -> tuple[dict[Site, Tensor], dict[Site, Tensor]]:
        """The mean and the standard deviation of each unit, [units], on the first calibration
        documents; what they are fixes centres and thresholds and nothing else."""
        sums: dict[Site, Tensor] = {}
        n = 0
        for shard in self.store:
            mine = _parts(shard)
            windows = [w for w in shard.windows() if mine[w[0]] == 0]
            for some, moments in self._batches(shard, sites, _until(windows, n), _moments):
                n += some
                for site, both in moments.items():
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
        self,
        shard: Shard,
        sites: Sequence[Site],
        windows: Sequence[tuple[int, int]],
        make: Callable[[NDArray[np.int64], NDArray[np.int64], _Activations], Made],
    ) -> Iterator[Made]:
        """Forward passes: what `make` makes of each from the parts of its scored tokens,
        ascending, their indices in the shard, and their activations."""
        parts = np.where(shard.scored, _parts(shard), -1)
        if self.unit is not None:
            yield make(*self._of_unit(shard, sites[0], windows, parts))
            return

        def run(batch: Batch, tokens: Tensor, mask: Tensor | None) -> Made | None:
            flat, index = _by_part(batch, parts)
            if not len(index):
                return None
            found = self.forward.model.activations(
                tokens, sites=dict.fromkeys(sites), attention_mask=mask
            )
            chosen = on_device(flat, self.device)
            return make(parts[index], index, _Activations(found, chosen))

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
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], _Activations]:
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
        """How many windows' activations of all layers are held at a time. Those of the sites of
        other passes count too: batches, and with them the last bits, are the same in any pass."""
        one = 4 * self.n_units * len(self.sites) * (shard.window.length + 1)
        room = CPU_ACTIVATIONS if self.device == "cpu" else GPU_ACTIVATIONS
        return max(room // max(one, 1), 1)


def passes(sites: Sequence[Site], jobs: Sequence[FiresJob], *, units: int, room: int) -> list[Pass]:
    """The sites, ascending, and the jobs of each pass: as few passes as there is room for, in
    bytes of sums; where that leaves a choice, each with as many jobs as can be. The last sites
    come together, since a pass is as long as the way to its last site."""
    best: list[Pass] = []
    for n_tiles in range(1, len(jobs) + 1):
        if best and n_tiles >= len(best):
            break
        cuts = [len(jobs) * number // n_tiles for number in range(n_tiles + 1)]
        tiles = [jobs[start:stop] for start, stop in itertools.pairwise(cuts)]
        largest = max(bytes_of(_Labels(tile).rows, units) for tile in tiles)
        fit = room // max(largest, 1) or int(n_tiles == len(jobs))
        if fit and (not best or n_tiles * math.ceil(len(sites) / fit) < len(best)):
            groups = [sites[max(stop - fit, 0) : stop] for stop in range(len(sites), 0, -fit)]
            best = [(group, tile) for group in groups[::-1] for tile in tiles]
    return best


class _Labels:
    """The labels of some jobs as the rows of a matrix; numeric ones are not scaled at first."""

    def __init__(self, jobs: Sequence[FiresJob]) -> None:
        by_kind: dict[str, list[FiresJob]] = {"boolean": [], "categorical": [], "numeric": []}
        for job in jobs:
            by_kind[job.label_kind].append(job)
        self.jobs = jobs
        self.kinds = self.booleans, self.categoricals, self.numerics = (*by_kind.values(),)
        nothing, one = np.zeros(len(self.numerics)), np.ones(len(self.numerics))
        categories = tuple(len(job.categories) for job in self.categoricals)
        self.rows = Rows(len(self.booleans), categories, nothing, one)

    def centred(self, store: ShardStore) -> Rows:
        """Centre and scale numeric labels by their mean and deviation on calibration documents,
        by 1 where they do not vary; gives the rows."""
        sums, n = np.zeros((2, len(self.numerics))), 0
        for index, shard in enumerate(store) if self.numerics else ():
            chosen = shard.scored & (_parts(shard) == 0)
            n += int(chosen.sum())
            for place, job in enumerate(self.numerics):
                labels = job.labels_on(index, shard)[chosen]
                sums[:, place] += labels.sum(), np.square(labels).sum()
        mean, square = sums / max(n, 1)
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        scale = np.where(deviation > 0, deviation, 1.0)
        self.rows = replace(self.rows, centre=mean, scale=scale)
        return self.rows

    def on(self, index: int, shard: Shard) -> NDArray[np.float32]:
        """The labels of a shard after a row of ones, [1 + rows, tokens]."""
        labels = ((job.labels_on(index, shard) for job in jobs) for jobs in self.kinds)
        return self.rows.matrix(len(shard), *labels)

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


def _moments(
    part: NDArray[np.int64], _: NDArray[np.int64], activations: _Activations
) -> tuple[int, dict[Site, Tensor]]:
    """The number of calibration tokens of a batch of these, and Σ a and Σ a² of each unit,
    [2, units]."""
    import torch

    sums = {site: torch.stack([a.sum(0), (a * a).sum(0)]) for site, a in activations()}
    return int((part == 0).sum()), sums


def _nothing(units: int) -> Tensor:
    import torch

    return torch.zeros(2, units)

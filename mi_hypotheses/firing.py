"""Neuron hypotheses of one model on one corpus: searching, running the model, statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import models, scoring
from mi_hypotheses.columns import ColumnStore, LayerSums
from mi_hypotheses.context import Context
from mi_hypotheses.grids import Floats
from mi_hypotheses.hypotheses import AnyNeuron, Neuron
from mi_hypotheses.jobs import FiresJob, attempt
from mi_hypotheses.layer_sums import CategorySums, CrossSums
from mi_hypotheses.metrics import CHOICE_DIGITS, Metric
from mi_hypotheses.models import Site
from mi_hypotheses.reports import Result
from mi_hypotheses.scoring import Comparison, Review
from mi_hypotheses.shards import Shard, ShardStore
from mi_hypotheses.stats import Pilot


class Firing:
    """The neuron hypotheses of a measurement, all passes over its shards."""

    def __init__(
        self, context: Context, store: ShardStore, columns: ColumnStore, metrics: Sequence[Metric]
    ) -> None:
        self.context, self.store, self.columns, self.metrics = context, store, columns, metrics
        self.stages, self.progress = context.stages, context.progress
        self.info = store.source.info
        self.reviews: dict[int, Review] = {}
        self.cross: dict[Site, tuple[list[FiresJob], CrossSums]] = {}
        self.by_category: dict[int, CategorySums] = {}  # by the id of the job

    def check(self, job: FiresJob) -> None:
        """Refuse a unit that the model does not have, before anything runs."""
        unit = job.hypothesis.unit
        if isinstance(unit, Neuron):
            models.check_unit(self.info, layer=unit.layer, index=unit.index, at=unit.at)
        else:
            models.check_unit(self.info, layer=unit.layer or 0, at=unit.at)

    def measure(self, jobs: list[FiresJob]) -> None:
        """Find the units that are searched for, run the model and make the statistics."""
        self._search([job for job in jobs if job.neuron is None])
        self._forward(jobs)
        with self.stages.timed("statistics"):
            self._accumulate(jobs)
            self._revisit(jobs)

    def result(self, job: FiresJob) -> Result:
        """The result of a measured job."""
        review, comparison = self.reviews[id(job)], self._comparison(job)
        seed = self.context.options.seed
        return scoring.result(job, review, comparison, metrics=self.metrics, seed=seed)

    def _search(self, jobs: list[FiresJob]) -> None:
        """Choose the unit of each search on calibration documents: by |pearson|, or by η² where
        labels are categories."""
        by_sites: dict[tuple[Site, ...], list[FiresJob]] = {}
        for job in jobs:
            by_sites.setdefault(self._sites(job), []).append(job)
        for sites, members in by_sites.items():
            graded = [job for job in members if not job.categories]
            sorted_out = [job for job in members if job.categories]
            nothing = np.zeros(self.info.d_mlp or 0)
            centres = self._calibration_means(graded)
            sums = {
                site: LayerSums(
                    CrossSums(nothing, centres),
                    [CategorySums(nothing, len(job.categories)) for job in sorted_out],
                )
                for site in sites
            }
            self.progress.stage("searching units", total=self.store.n_tokens)
            with self.stages.timed("forward"):
                for index, shard in enumerate(self.store):
                    chosen = shard.scored.copy()
                    chosen[shard.scored] = ~shard.test
                    labels = _stacked(graded, index, shard)
                    categories = [job.labels_on(index, shard) for job in sorted_out]
                    self.columns.add_layer_sums(shard, chosen, labels, categories, sums)
            lost = sum(each.cross.not_finite() for each in sums.values())
            correlations = np.stack([sums[site].cross.pearson() for site in sites], axis=1)
            for job, found in zip(graded, correlations, strict=True):
                _choose(job, sites, found, lost)
            for number, job in enumerate(sorted_out):
                shares = [sums[site].categories[number].eta_squared() for site in sites]
                _choose(job, sites, np.stack(shares), lost)

    def _calibration_means(self, members: list[FiresJob]) -> NDArray[np.float64]:
        """The mean label of each job on calibration tokens."""
        total, n = np.zeros(len(members)), 0
        for index, shard in enumerate(self.store):
            labels = _stacked(members, index, shard)
            chosen = labels[:, shard.scored][:, ~shard.test]
            total, n = total + chosen.sum(axis=1), n + chosen.shape[1]
        return total / max(n, 1)

    def _sites(self, job: FiresJob) -> tuple[Site, ...]:
        unit = job.hypothesis.unit
        assert isinstance(unit, AnyNeuron)  # only searches come here
        layers = range(self.info.n_layers) if unit.layer is None else [unit.layer]
        return tuple(Site(layer, unit.at) for layer in layers)

    def _forward(self, jobs: list[FiresJob]) -> None:
        """Make the columns that are missing, one forward pass a shard."""
        name = f"{self.store.source.reference} on {self.store.corpus}"
        self.progress.stage(name, total=self.store.n_tokens)
        with self.stages.timed("forward"):
            for shard in self.store:
                missing = self.missing(shard, jobs)
                if missing:
                    self.columns.make(shard, missing)
                else:
                    self.progress.advance(len(shard))

    def missing(self, shard: Shard, jobs: Iterable[FiresJob]) -> dict[Site, list[int]]:
        """What `columns.make` has to make of a shard for these jobs."""
        units: dict[Site, set[int]] = {}
        for job in jobs:
            if job.neuron is not None:
                units.setdefault(job.site, set()).add(job.neuron.index)
        return self.columns.missing(shard, units)

    def _accumulate(self, jobs: list[FiresJob]) -> None:
        self.progress.stage("statistics", total=self.store.n_tokens)
        pilots = {id(job): Pilot(scoring.PILOT_TOKENS) for job in jobs}
        for index, shard in enumerate(self.store):
            for job in jobs:
                pilot = pilots[id(job)]
                attempt(job, scoring.add_to_pilot, index, shard, self.columns, pilot)
        for job in jobs:
            attempt(job, scoring.start_statistics, pilots[id(job)])
        for index, shard in enumerate(self.store):
            for job in jobs:
                attempt(job, scoring.add_shard, index, shard, self.columns)
            self._compare(index, shard, [job for job in jobs if job.error is None])
            self.progress.advance(len(shard))

    def _compare(self, index: int, shard: Shard, jobs: list[FiresJob]) -> None:
        """Add the shard to the sums of the comparison units of each layer."""
        test = np.zeros(len(shard), dtype=np.bool_)
        test[shard.scored] = shard.test
        for site in dict.fromkeys(job.site for job in jobs):
            here = [job for job in jobs if job.site == site]
            for piece, block in self.columns.comparison(shard, site):
                labels = _stacked(here, index, shard, part=piece)[:, test[piece]]
                self._add_comparison(site, here, block[test[piece]], labels)

    def _add_comparison(
        self, site: Site, jobs: list[FiresJob], block: NDArray[np.float32], labels: Floats
    ) -> None:
        """Add tokens: activations of the comparison units [tokens, units], and the labels of the
        jobs about their layer [jobs, tokens]."""
        means = block.mean(axis=0, dtype=np.float64) if len(block) else np.zeros(block.shape[1])
        for job, codes in zip(jobs, labels, strict=True):
            if job.categories:
                fresh = CategorySums(means, len(job.categories))
                self.by_category.setdefault(id(job), fresh).update(block, codes)
        members = [job for job in jobs if not job.categories]
        if not members:
            return
        if site not in self.cross:
            centres = [job.statistics.centre[1] if job.statistics else 0.0 for job in members]
            self.cross[site] = members, CrossSums(means, np.array(centres))
        known, sums = self.cross[site]
        if known != members:
            sums.keep_labels([known.index(job) for job in members])
            self.cross[site] = members, sums
        graded = [not job.categories for job in jobs]
        sums.update(block, labels[graded].T)

    def _revisit(self, jobs: list[FiresJob]) -> None:
        """The second and third pass, for those that the first has not failed."""

        def review(job: FiresJob) -> None:
            self.reviews[id(job)] = Review.of(job)

        def second(job: FiresJob, index: int, shard: Shard) -> None:
            self.reviews[id(job)].second_pass(job, index, shard, self.columns)

        def between(job: FiresJob) -> None:
            self.reviews[id(job)].fix_claims(job)

        def third(job: FiresJob, shard: Shard) -> None:
            self.reviews[id(job)].third_pass(job, shard, self.columns)

        for job in jobs:
            attempt(job, review)
        for index, shard in enumerate(self.store):
            for job in jobs:
                attempt(job, second, index, shard)
        for job in jobs:
            attempt(job, between)
        for shard in self.store:
            for job in jobs:
                attempt(job, third, shard)

    def _comparison(self, job: FiresJob) -> Comparison:
        assert job.neuron is not None  # chosen before statistics were made
        others = self.columns.comparison_units(job.site) != job.neuron.index
        if job.categories:
            return Comparison("eta_squared", self.by_category[id(job)].eta_squared()[others])
        members, sums = self.cross[job.site]
        row: NDArray[np.float64] = np.abs(sums.pearson()[members.index(job)])
        return Comparison("pearson", row[others])


def _stacked(
    jobs: Sequence[FiresJob], index: int, shard: Shard, *, part: slice | None = None
) -> Floats:
    """The labels of each job on a shard, or on some of its tokens, [jobs, tokens]."""
    part = part or slice(len(shard))
    labels = [job.labels_on(index, shard)[part] for job in jobs]
    return np.stack(labels) if labels else np.empty((0, len(range(len(shard))[part])))


def _choose(
    job: FiresJob, sites: Sequence[Site], correlations: NDArray[np.float64], lost: int
) -> None:
    """Take the unit with the highest |pearson|, or the lowest pearson where the claim is that
    it is low, or the highest η²; `correlations` is these, [sites, units], and 0 for the `lost`
    units that are not finite."""
    low = job.hypothesis.sign == "-"
    strength = -correlations if low else np.abs(correlations)
    best = int(np.argmax(np.round(strength, CHOICE_DIGITS)))
    site, index = divmod(best, correlations.shape[1])
    found = float(correlations[site, index])
    job.neuron = Neuron(layer=sites[site].layer, index=index, at=sites[site].at)
    job.sign = -1.0 if low or found < 0 else 1.0
    by, shown = "lowest pearson" if low else "|pearson|", f"{found:+.2f}"
    if job.categories:
        by, shown = "η²", f"{found:.2f}"
    job.searched = (
        f"{job.hypothesis.unit}: best of {correlations.size} by {by} on calibration documents "
        f"({shown})"
    )
    if lost:
        job.searched += f"; {lost} neurons are not finite" if lost > 1 else "; 1 is not finite"

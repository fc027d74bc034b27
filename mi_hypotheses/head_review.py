"""One head hypothesis on one corpus: from queries and attention to a result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import head_findings, head_scores, scoring
from mi_hypotheses import metrics as m
from mi_hypotheses.agreement import DocumentSums
from mi_hypotheses.grids import Floats
from mi_hypotheses.head_calibration import Calibration, Seen
from mi_hypotheses.head_findings import Distances
from mi_hypotheses.head_scores import HeadEvidence, HeadMetric, HeadSums
from mi_hypotheses.head_slices import Slices, weak_slices
from mi_hypotheses.jobs import AttendsJob
from mi_hypotheses.pattern_rows import EXAMPLES, kinds_of
from mi_hypotheses.reports import (
    Attention,
    AttentionExample,
    Histogram,
    Result,
    Score,
    Verdict,
)
from mi_hypotheses.rivals import HEAD_RIVALS, unbeaten_floors
from mi_hypotheses.shards import Shard
from mi_hypotheses.stats import ExampleSet
from mi_hypotheses.text import CALIBRATION_GROUPS

MASS_BINS = 20
LARGE_SLICE = 0.05  # of the queries: one that the verdict speaks of


@dataclass
class HeadReview:
    """What the passes over the shards find, `calibration` being complete."""

    job: AttendsJob
    calibration: Calibration
    sums: HeadSums = field(default_factory=HeadSums)
    slices: Slices = field(init=False)
    distances: Distances = field(init=False)
    masses: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MASS_BINS, dtype=np.int64))
    offset_hits: int = 0
    bos_as_target: float = 0.0  # attention on BOS where it is a target
    has_bos: bool = False
    n_edges: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    n_documents: int = 0
    layer_mass: Floats = field(default_factory=lambda: np.zeros(0))  # [heads], Σ on test queries
    examples: dict[str, ExampleSet] = field(
        default_factory=lambda: {n: ExampleSet(EXAMPLES) for n in ("typical", "missed", "busy")}
    )
    made: dict[str, dict[tuple[str, int], AttentionExample]] = field(default_factory=dict)
    documents: DocumentSums = field(default_factory=DocumentSums)

    def __post_init__(self) -> None:
        self.distances = Distances(self.calibration.length)
        self.slices = Slices(self.calibration.sliced_tokens())

    def add(self, seen: Seen, layer_mass: Floats) -> None:
        """Add a shard; `layer_mass` is the target mass of all heads by document."""
        shard, queries = seen.shard, seen.queries
        test_documents = shard.groups >= CALIBRATION_GROUPS
        total = layer_mass[test_documents].sum(axis=0)
        self.layer_mass = total + (self.layer_mass if self.layer_mass.size else 0)
        self.n_documents += len(np.unique(shard.tokens.document[shard.test]))
        self.dropped.update(queries.dropped)
        self._add_sums(seen)
        test = seen.test
        edges = test[queries.owners]
        self.n_edges += int(edges.sum())
        self.distances.add(seen.looks.profile[1], queries, edges)
        at_offset = edges & ~queries.at_bos & (queries.distances == self.calibration.best_offset)
        self.offset_hits += int(at_offset.sum())
        at_bos = np.zeros(len(queries), dtype=np.bool_)
        at_bos[queries.owners[queries.at_bos]] = True
        self.bos_as_target += float(seen.bos[queries.tokens[at_bos & test]].sum(dtype=np.float64))
        bins = np.minimum((seen.looks.mass[test] * MASS_BINS).astype(np.int64), MASS_BINS - 1)
        self.masses += np.bincount(bins, minlength=MASS_BINS)
        self.slices.add(seen)
        self.documents.seed = shard.seed
        document = shard.document[queries.tokens[test]]
        self.documents.add(shard.tokens.document_ids, document, seen.looks.hit[test] > 0.5)
        self._offer_examples(seen)

    def _add_sums(self, seen: Seen) -> None:
        shard, queries, looks = seen.shard, seen.queries, seen.looks
        group = shard.groups[shard.document]
        starts = shard.window_position == 0
        self.has_bos = shard.window.bos_id is not None
        targeted = np.zeros(len(shard), dtype=np.bool_)
        targeted[queries.tokens] = True
        idle = shard.scored & ~targeted
        self.sums.add(group[shard.scored], queries=np.ones(int(shard.scored.sum())))
        self.sums.add(group, rows=shard.scored + 1.0 * starts * self.has_bos)
        visible = shard.window_size if not self.calibration.causal else shard.window_position + 1
        self.sums.add(
            group[queries.tokens],
            targeted=np.ones(len(queries)),
            mass=looks.mass,
            hit=looks.hit,
            bos=seen.bos[queries.tokens],
            uniform=queries.counts / (visible[queries.tokens] + self.has_bos),
            position=self.calibration.habit.expected(queries, *self.calibration.reach(seen)),
            mul=looks.mass,
        )
        self.sums.add(group[idle], idle_bos=seen.bos[idle])
        if self.job.hypothesis.to.reaches_bos and self.has_bos:
            starts[queries.tokens[queries.owners[queries.at_bos]]] = False  # counted already
            self.sums.add(group[starts], mul=seen.bos[starts])

    def _offer_examples(self, seen: Seen) -> None:
        shard, queries, looks = seen.shard, seen.queries, seen.looks
        mass, hit = np.zeros(len(shard), np.float32), np.zeros(len(shard), np.float32)
        targeted = np.zeros(len(shard), np.bool_)
        mass[queries.tokens], hit[queries.tokens], targeted[queries.tokens] = (
            looks.mass,
            looks.hit,
            True,
        )
        scored, tokens = shard.scored, shard.tokens
        mass, hit, labels = mass[scored], hit[scored], targeted[scored].astype(np.float64)
        applies, idle = (kind[scored] for kind in kinds_of(shard, queries))
        at_random = tokens.rank.astype(np.float64)
        self.examples["typical"].offer(tokens, at_random, mass, labels, applies)
        self.examples["missed"].offer(tokens, at_random, mass, labels, applies & (hit < 0.5))
        if self.has_bos:
            rest = seen.bos[scored].astype(np.float64)
            self.examples["busy"].offer(tokens, rest, mass, labels, idle)

    def example_tokens(self, shard: Shard) -> dict[str, list[int]]:
        """The chosen queries that lie in a shard, as tokens of it."""
        first = {
            document.id: int(shard.offsets[number])
            for number, document in enumerate(shard.documents)
        }
        return {
            kind: [
                first[candidate.document_id] + candidate.position
                for candidate in kept.candidates
                if candidate.document_id in first
            ]
            for kind, kept in self.examples.items()
        }

    def keep_examples(self, kind: str, made: Iterable[tuple[int, AttentionExample]]) -> None:
        """Keep examples of a kind, each with the position of its query in its document."""
        kept = self.made.setdefault(kind, {})
        kept.update({(example.document, position): example for position, example in made})

    # --- the result ------------------------------------------------------------------------------

    def result(self, metrics: Sequence[HeadMetric], *, seed: int) -> Result:
        """Scores, floors, verdict and examples when all passes are done."""
        hypothesis, counted = self.job.hypothesis, self._counted()
        reasons = head_scores.undefined_head_reasons(self.sums)
        reasons = reasons or self.calibration.undefined_reasons()
        if reasons:
            reasons += tuple(f"{n} edges were left out: {why}" for why, n in self.dropped.items())
            bars, verdict = m.judge(hypothesis.expect, {}, reasons)
            return counted.model_copy(update={"verdict": verdict, "expect": bars})
        weights = m.group_weights(self.sums.values[m.TEST, 0], seed=seed)
        if hypothesis.to.positional:  # the rival would be the claim itself
            metrics = [metric for metric in metrics if metric.name != "lift_position"]
        evidence = HeadEvidence.of(self.sums, weights)
        scores = head_scores.head_scores(evidence, metrics)
        if not self.has_bos:
            scores |= dict.fromkeys(("bos_mass", "off_target_bos"), Score(value=None))
        floors = self._floors()
        bars, verdict = m.judge(hypothesis.expect, scores, ())
        headline = [metric.name for metric in metrics if metric.headline]
        # lift_position asks the same of its rival, query by query.
        rivals = {name: floor for name, floor in floors.items() if name != "target_mass.position"}
        asked = [*hypothesis.expect, *headline]
        unbeaten = unbeaten_floors(scores, rivals, asked, names=HEAD_RIVALS)
        slices = self.slices.scored(weights, metrics)
        weak = weak_slices(slices, bars, least=LARGE_SLICE * counted.n_positive)
        return counted.model_copy(
            update={
                "scores": scores,
                "replicates": {
                    metric.name: m.replicates(metric.compute(evidence))
                    for metric in metrics
                    if metric.headline or metric.name in hypothesis.expect
                },
                "floors": floors,
                "comparison_percentile": self._percentile(),
                "n_comparison": len(self._others()),
                "expect": bars,
                "verdict": Verdict(
                    status=verdict.status, reasons=(*verdict.reasons, *weak, *unbeaten)
                ),
                "histogram": Histogram(
                    edges=tuple(np.linspace(0, 1, MASS_BINS + 1).tolist()),
                    negative=(0,) * MASS_BINS,
                    positive=tuple(self.masses.tolist()),
                ),
                "slices": slices,
                "attention": self._attention(),
                "documents": self.documents.scores(),
            }
        )

    def _counted(self) -> Result:
        queries, targeted = int(self.sums.total("queries")), int(self.sums.total("targeted"))
        groups = np.count_nonzero(self.sums.values[m.TEST, 0])
        return scoring.bare(self.job).model_copy(
            update={
                "n_tokens": queries,
                "n_positive": targeted,
                "prevalence": targeted / queries if queries else None,
                "n_documents": self.n_documents,
                "n_groups": int(groups),
                "attention": Attention(n_edges=self.n_edges, dropped=dict(self.dropped)),
            }
        )

    def _others(self) -> Floats:
        """The mean target mass of the other heads of the layer."""
        assert self.job.head is not None  # chosen before anything is measured
        others: Floats = np.delete(self.layer_mass, self.job.head.index)
        return others[np.isfinite(others)] / max(self.sums.total("targeted"), 1)

    def _percentile(self) -> float | None:
        others = self._others()
        mine = self.sums.total("mass") / max(self.sums.total("targeted"), 1)
        return float(np.mean(others < mine)) if len(others) else None

    def _floors(self) -> dict[str, float | None]:
        """`metric.rival` → what the rival gets; rivals by position only where the claim is not
        itself one of position."""
        targeted = self.sums.total("targeted")
        floors: dict[str, float | None] = {
            "target_mass.uniform": self.sums.total("uniform") / targeted,
            "lift_uniform.uniform": 1.0,
        }
        others = self._others()
        if len(others):
            floors["target_mass.comparison_best"] = float(others.max())
        if not self.job.hypothesis.to.positional:
            floors["target_mass.position"] = self.sums.total("position") / targeted
            floors["lift_position.position"] = 1.0
            floors["hit_rate.fixed_offset"] = self.offset_hits / targeted
        return floors

    def _attention(self) -> Attention:
        n, total = self.sums.total("targeted"), self.sums.total
        idle = total("queries") - n
        bos = (total("bos") - self.bos_as_target) / n if self.has_bos else None
        resting = total("idle_bos") / idle if self.has_bos and idle else None
        bands, bos_expected = self.distances.bands(int(n))
        kept = {
            kind: tuple(
                self.made[kind][candidate.document_id, candidate.position]
                for candidate in examples.candidates
            )
            for kind, examples in self.examples.items()
        }
        return Attention(
            n_edges=self.n_edges,
            dropped=dict(self.dropped),
            with_target=head_findings.shares(total("mass") / n, bos),
            without_target=head_findings.shares(0.0, resting) if idle else None,
            distances=bands,
            bos_expected=bos_expected,
            typical=kept["typical"],
            missed=kept["missed"],
            busy=kept["busy"],
        )

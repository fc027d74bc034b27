"""How a score compares with what was recorded of it.

The difference of two scores has a paired interval: both are taken under the same resamples of the
same groups of documents, so what the documents have in common cancels. A score *fell* where the
95% interval of the difference lies below minus the margin, *rose* where it lies above the margin,
*held* where it lies above minus the margin, and is *inconclusive* otherwise. Of a score above 1,
such as a lift, the margin is that share.

The question is the same where the hypothesis says the same, or where an edited predicate labels
the same tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mi_hypotheses.errors import UsageError
from mi_hypotheses.reports import Number, Record, Report, Result, Score, Verdict

State = Literal[
    "error", "missing", "incomparable", "fell", "stale", "inconclusive", "recorded", "held", "rose"
]
STATES: tuple[State, ...] = get_args(State)
FAILING = ("error", "missing", "incomparable", "fell")
FAILING_WHEN_STRICT = (*FAILING, "inconclusive", "stale")


class Measured(Record):
    """What was measured of a hypothesis on a corpus, with all that says whether another
    measurement can be compared with it. Among `versions` are the fingerprints of the corpus's
    pipelines."""

    name: str
    corpus: str
    source: str = ""
    model: str
    unit: str
    on: str
    question_hash: str
    labels_hash: str
    hypothesis_hash: str
    model_fingerprint: str
    tokenizer_fingerprint: str
    corpus_fingerprint: str
    versions: dict[str, str]
    dtype: str
    device: str
    seed: int
    n_documents: int
    n_tokens: int
    n_positive: int
    margin: float
    verdict: Verdict
    scores: dict[str, Score]
    replicates: dict[str, tuple[Number, ...]]


def measured(report: Report) -> list[Measured]:
    """What a report says of each hypothesis on each corpus.

    Scores are those that have replicates: what is expected, and the headline ones.
    """
    models = {model.reference: model for model in report.models}
    corpora = {corpus.uri: corpus for corpus in report.corpora}
    return [
        Measured(
            name=result.name,
            corpus=result.corpus,
            source=result.source,
            model=result.model,
            unit=result.unit,
            on=result.on,
            question_hash=result.question_hash,
            labels_hash=result.labels_hash,
            hypothesis_hash=result.hypothesis_hash,
            model_fingerprint=models[result.model].fingerprint if result.model in models else "",
            tokenizer_fingerprint=(
                models[result.model].tokenizer_fingerprint if result.model in models else ""
            ),
            corpus_fingerprint=(
                corpora[result.corpus].fingerprint if result.corpus in corpora else ""
            ),
            versions={
                **report.run.versions,
                **(corpora[result.corpus].pipelines if result.corpus in corpora else {}),
            },
            dtype=report.run.dtype,
            device="" if report.run.device.startswith("none") else report.run.device,
            seed=report.run.seed,
            n_documents=corpora[result.corpus].n_documents if result.corpus in corpora else 0,
            n_tokens=result.n_tokens,
            n_positive=result.n_positive,
            margin=result.margin,
            verdict=result.verdict,
            scores={name: result.scores[name] for name in _kept(result)},
            replicates=result.replicates,
        )
        for result in report.results
    ]


def _kept(result: Result) -> Iterator[str]:
    return (name for name in result.scores if name in result.replicates)


@dataclass(frozen=True)
class Difference:
    """A metric before and after: the difference `after - before` with its paired interval."""

    metric: str
    before: Score
    after: Score
    change: Score
    state: State


@dataclass(frozen=True)
class Comparison:
    """A hypothesis on a corpus, before and after; `reasons` are plain sentences."""

    name: str
    corpus: str
    state: State
    reasons: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    before: Measured | None = None
    after: Measured | None = None


def compare(
    before: Measured,
    after: Measured,
    *,
    margins: Mapping[str, float] | None = None,
    paired: bool = True,
) -> Comparison:
    """How a measurement compares with an earlier one.

    Another predicate, unit, corpus or seed makes them incomparable. Another model, and what else
    may have moved a score, is named. `margins` (metric → δ) come before the hypothesis' own.
    Where the measurements are not `paired`, on two corpora, say, intervals are of independent
    resamples.
    """
    said = (before.name, before.corpus)
    if after.verdict.status == "error":
        return Comparison(*said, "error", after.verdict.reasons, before=before, after=after)
    apart = tuple(_incomparable(before, after, paired=paired))
    if apart:
        return Comparison(*said, "incomparable", apart, before=before, after=after)
    differences = tuple(
        _difference(
            metric,
            before,
            after,
            margin=(margins or {}).get(metric, after.margin),
            paired=paired,
        )
        for metric in before.scores
        if metric in after.scores or before.scores[metric].value is not None
    )
    states = [difference.state for difference in differences]
    state = min(states, key=STATES.index) if states else "held"
    reasons = (
        *_undefined(before, after),
        *_unrecorded(before, after),
        *_named_changes(before, after),
    )
    return Comparison(*said, state, reasons, differences, before, after)


def _incomparable(before: Measured, after: Measured, *, paired: bool) -> Iterator[str]:
    same_labels = before.labels_hash == after.labels_hash and before.unit == after.unit
    if before.question_hash != after.question_hash and not same_labels:
        what = "the predicate or target" if before.on == after.on else f"it was {before.on}"
        unit = "" if before.unit == after.unit else f" of {before.unit}"
        yield f"another question was recorded: {what}{unit} then"
    if not paired:
        return
    if before.corpus_fingerprint != after.corpus_fingerprint:
        if before.n_documents != after.n_documents:
            how = f"{before.n_documents} documents then, {after.n_documents} now"
            how += ": was --limit another?"
        else:
            how = f"fingerprint {before.corpus_fingerprint[:12]} then, "
            how += f"{after.corpus_fingerprint[:12]} now"
        yield f"the documents of {before.corpus} have changed ({how})"
    if before.seed != after.seed:
        yield f"the seed was {before.seed} and is {after.seed}: other documents are tested"


def _unrecorded(before: Measured, after: Measured) -> Iterator[str]:
    """What is scored now and was not then."""
    new = [metric for metric in after.scores if metric not in before.scores]
    if new and before.scores:
        yield f"nothing is recorded of {', '.join(new)}: 'mih check --update' records it"


def _undefined(before: Measured, after: Measured) -> Iterator[str]:
    if "undefined" in (before.verdict.status, after.verdict.status):
        when = "was" if before.verdict.status == "undefined" else "is now"
        one = before if when == "was" else after
        yield f"it {when} undefined: {'; '.join(one.verdict.reasons)}"


def _named_changes(before: Measured, after: Measured) -> Iterator[str]:
    """What else may have moved a score."""
    if before.model_fingerprint != after.model_fingerprint:
        same = before.model == after.model
        yield f"other weights ({before.model})" if same else f"{before.model} → {after.model}"
    elif before.model != after.model:
        yield f"{before.model} → {after.model}, whose weights are the same"
    if before.unit != after.unit:
        yield f"the search found {before.unit} → {after.unit}"
    for word, old, new in (
        ("dtype", before.dtype, after.dtype),
        ("device", _kind(before.device), _kind(after.device)),
    ):
        if old and new and old != new:
            yield f"{word} {old} → {new}"


def _kind(device: str) -> str:
    """`cuda` of `cuda:1`; nothing where all was cached."""
    return device.partition(":")[0]


def _difference(
    metric: str, before: Measured, after: Measured, *, margin: float, paired: bool
) -> Difference:
    old, new = before.scores[metric], after.scores.get(metric, Score(value=None))
    if old.value is None or new.value is None:
        state: State = "held" if new.value is not None or old.value is None else "fell"
        return Difference(metric, old, new, Score(value=None), state)
    interval = paired_interval if paired else unpaired_interval
    low, high = interval(
        before.replicates.get(metric, ()), after.replicates.get(metric, ()), new.value - old.value
    )
    margin *= max(abs(old.value), 1.0)  # lifts are ratios, and not bounded by 1
    state = "inconclusive"
    if high < -margin:
        state = "fell"
    elif low > margin:
        state = "rose"
    elif low >= -margin:
        state = "held"
    change = Score(value=new.value - old.value, low=low, high=high)
    return Difference(metric, old, new, change, state)


def paired_interval(
    before: Sequence[float | None], after: Sequence[float | None], difference: float
) -> tuple[float, float]:
    """The 95% interval of the difference, from replicates under the same resamples.

    Where there are none, or not as many, it is the difference alone.
    """
    if len(before) != len(after) or not before:
        return difference, difference
    old = np.array([np.nan if x is None else x for x in before])
    new = np.array([np.nan if x is None else x for x in after])
    change = (new - old)[np.isfinite(new - old)]
    if not len(change):
        return difference, difference
    low, high = np.quantile(change, [0.025, 0.975]).tolist()
    return min(low, difference), max(high, difference)


def unpaired_interval(
    before: Sequence[float | None], after: Sequence[float | None], difference: float
) -> tuple[float, float]:
    """The same of two measurements that have no documents in common.

    The replicates of the second are put in an order of their own, so that no resample of one
    goes with the same resample of the other.
    """
    order = np.random.default_rng(0).permutation(len(after)).tolist()
    return paired_interval(before, [after[place] for place in order], difference)


def read_margins(written: Iterable[str], *, option: str) -> dict[str, float]:
    """Margins by metric, each written `f1:0.05`.

    Raises:
        UsageError: one is not written so; `option` is what it was given to.
    """
    margins: dict[str, float] = {}
    for text in written:
        metric, colon, value = text.partition(":")
        try:
            margin = float(value) if colon else -1.0
        except ValueError:
            margin = -1.0
        if not margin >= 0:
            raise UsageError(
                f"{option} {text!r} cannot be read: write METRIC:MARGIN, as in f1:0.05."
            )
        margins[metric.strip()] = margin
    return margins


def check(
    recorded: Iterable[Measured],
    found: Iterable[Measured],
    *,
    margins: Mapping[str, float] | None = None,
    recording: bool = False,
) -> list[Comparison]:
    """What was found against what was recorded, by name and corpus.

    What was found and not recorded is `missing`, or `recorded` where this run is `recording` it;
    what was recorded and not found is `stale`. A renamed hypothesis is suggested where a stale one
    asks the same question.
    """
    old = {(each.name, each.corpus): each for each in recorded}
    now = [((each.name, each.corpus), each) for each in found]
    lost = {key: old[key] for key in old if key not in dict(now)}
    return [
        *(
            compare(old[key], each, margins=margins)
            if key in old
            else _missing(each, lost.values(), recording=recording)
            for key, each in now
        ),
        *(
            Comparison(
                *key, "stale", ("it is recorded, and there is no such hypothesis",), before=each
            )
            for key, each in lost.items()
        ),
    ]


def _missing(found: Measured, lost: Iterable[Measured], *, recording: bool) -> Comparison:
    if found.verdict.status == "error":
        return Comparison(found.name, found.corpus, "error", found.verdict.reasons, after=found)
    renamed = [
        each.name
        for each in lost
        if each.question_hash == found.question_hash and each.corpus == found.corpus
    ]
    reason = "nothing was recorded of it: it is recorded now"
    if not recording:
        reason = "nothing is recorded of it: 'mih check --update-new' records it"
    if renamed:
        reason += f". It asks what {renamed[0]!r} asked: if it was renamed, 'mih check --update'"
    state: State = "recorded" if recording else "missing"
    return Comparison(found.name, found.corpus, state, (reason,), after=found)

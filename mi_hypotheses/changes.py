"""Two runs side by side: what moved, and which documents changed sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mi_hypotheses.regression import Comparison, Measured, compare, measured
from mi_hypotheses.reports import DocumentScore, Report, Result

AGREES = 0.5  # from this agreement on claim and unit are said to agree in a document


@dataclass(frozen=True)
class Measurement:
    """A result, and what of it is compared."""

    measured: Measured
    result: Result


@dataclass(frozen=True)
class Change:
    """A hypothesis before and after, with all that reports hold of it."""

    comparison: Comparison
    before: Result | None
    after: Result | None


@dataclass(frozen=True)
class Side:
    """A document in which claim and unit agreed in one run and not in the other."""

    before: DocumentScore
    after: DocumentScore

    @property
    def lost(self) -> bool:
        return self.before.agreement > self.after.agreement

    @property
    def weight(self) -> float:
        """How much of the corpus it speaks for."""
        return abs(self.after.agreement - self.before.agreement) * max(self.before.n, self.after.n)


def measurements(report: Report) -> list[Measurement]:
    """All results of a report."""
    return [Measurement(*pair) for pair in zip(measured(report), report.results, strict=True)]


def changes_of_reports(
    before: Report, after: Report, *, margins: Mapping[str, float] | None = None
) -> list[Change]:
    """Every result of one report with that of the other: of the same model where there is one,
    else of the only model that the other report has it of."""
    left = {_key(m): m for m in measurements(before)}
    right = {_key(m): m for m in measurements(after)}
    partners = {key: _partner(key, left, right) for key in left}
    taken = set(partners.values())
    pairs = [(left[key], right.get(partner)) for key, partner in partners.items() if partner]
    alone = [(left[key], None) for key, partner in partners.items() if not partner]
    new = [(None, m) for key, m in right.items() if key not in taken]
    return changes([*pairs, *alone, *new], margins=margins)


_Key = tuple[str, str, str]


def _key(one: Measurement) -> _Key:
    return one.result.name, one.result.corpus, one.result.model


def _partner(key: _Key, left: Iterable[_Key], right: Mapping[_Key, Measurement]) -> _Key | None:
    if key in right:
        return key
    mine = [other for other in left if other[:2] == key[:2]]
    found = [other for other in right if other[:2] == key[:2]]
    return found[0] if len(mine) == len(found) == 1 else None


def changes(
    pairs: Iterable[tuple[Measurement | None, Measurement | None]],
    *,
    margins: Mapping[str, float] | None = None,
    paired: bool = True,
) -> list[Change]:
    """What moved between the measurements of each pair, one of which may be missing."""
    return [_change(*pair, margins=margins, paired=paired) for pair in pairs]


def _change(
    before: Measurement | None,
    after: Measurement | None,
    *,
    margins: Mapping[str, float] | None,
    paired: bool,
) -> Change:
    if before is not None and after is not None:
        found = compare(before.measured, after.measured, margins=margins, paired=paired)
        return Change(found, before.result, after.result)
    if before is not None:
        one = before.measured
        found = Comparison(one.name, one.corpus, "stale", ("only the first has it",), before=one)
        return Change(found, before.result, None)
    assert after is not None  # a pair has one at least
    one = after.measured
    found = Comparison(one.name, one.corpus, "missing", ("only the second has it",), after=one)
    return Change(found, None, after.result)


def in_order(found: Sequence[Change], compared: Iterable[Comparison]) -> list[Change]:
    """The changes in the order of their comparisons."""
    by_id = {id(change.comparison): change for change in found}
    return [by_id[id(each)] for each in compared]


def changed_sides(change: Change, *, most: int = 10) -> Sequence[Side]:
    """The documents that changed sides, those that speak for most first.

    Both runs must have the document among those they tell of; numeric labels have none.
    """
    return sorted(_sides(change), key=lambda side: (-side.weight, side.before.document))[:most]


def _sides(change: Change) -> Iterator[Side]:
    if change.before is None or change.after is None:
        return
    after = {each.document: each for each in change.after.documents}
    for old in change.before.documents:
        new = after.get(old.document)
        if new is not None and (old.agreement >= AGREES) != (new.agreement >= AGREES):
            yield Side(old, new)

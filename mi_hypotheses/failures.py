"""What a hypothesis that failed as a test says."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mi_hypotheses.regression import Comparison
    from mi_hypotheses.reports import Result


class Failed(Exception):  # noqa: N818 (pytest's own is called so)
    """A hypothesis that failed; the message is the whole report."""


def as_expected(result: Result) -> bool:
    status = result.verdict.status
    return status == "supported" or (not result.expect and status not in ("error", "undefined"))


def explained(result: Result) -> str:
    """What was expected and found, the floors, and where claim and model differ most."""
    from mi_hypotheses.metrics import with_interval

    lines = [
        f"{result.name}: {result.claim}",
        f"{result.unit} of {result.model} on {result.corpus} is {result.verdict.status}",
    ]
    for bar in result.expect:
        score = result.scores.get(bar.metric)
        found = bar.metric if score is None else with_interval(bar.metric, score)
        lines.append(f"  {found}, expected at least {bar.at_least:g}: {bar.status}")
        floors = {
            key.partition(".")[2]: value
            for key, value in result.floors.items()
            if key.partition(".")[0] == bar.metric and value is not None
        }
        if floors:
            told = ", ".join(f"{rival} {value:.2f}" for rival, value in floors.items())
            lines.append(f"    floors: {told}")
    if not result.expect or not result.scores:
        lines += [f"  {reason}" for reason in result.verdict.reasons]
    worst = _worst(result)
    if worst:
        lines += ["  where they differ:", *(f"    {place}" for place in worst)]
    return "\n".join(lines)


def _worst(result: Result) -> list[str]:
    """Three documents in which claim and unit differ, with a line of each."""
    missed: list[tuple[str, int, int, list[str]]] = []
    if result.attention is not None:
        for look in result.attention.missed:
            words = [token.text for token in look.tokens]
            missed.append((look.document, look.line, look.query, words))
    else:
        # By turns, so that neither kind of mistake hides the other.
        kinds = (result.examples.false_positives, result.examples.false_negatives)
        for wrong in (each for pair in zip_longest(*kinds) for each in pair if each is not None):
            words = [token.text for token in wrong.tokens]
            missed.append((wrong.document, wrong.line, wrong.focus, words))
    found: dict[str, str] = {}
    for document, line, focus, words in missed:
        text = "".join(words[max(focus - 6, 0) : focus]) + f"»{words[focus]}«"
        found.setdefault(document, f"{document}:{line}: {' '.join(text.split())}")
    return [*found.values()][:3]


def told(each: Comparison) -> str:
    """A comparison in a few lines."""
    from mi_hypotheses.differences import change_text

    lines = [f"{each.name} on {each.corpus}: {each.state}"]
    for difference in each.differences:
        lines.append(f"  {difference.metric}: {change_text(difference)}")
    return "\n".join([*lines, *(f"  {reason}" for reason in each.reasons)])

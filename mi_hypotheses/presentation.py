"""What all renderings of a report share: its order, which scores lead, how numbers are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from mi_hypotheses.reports import (
    Attention,
    Bar,
    Report,
    Result,
    Score,
    Shares,
    Slice,
    Status,
)

STATUSES: tuple[Status, ...] = get_args(Status)
MISSING = "–"

# A shape for each verdict, so that none is told by its colour alone.
SYMBOLS: dict[Status, str] = {
    "supported": "✓",
    "refuted": "✗",
    "inconclusive": "≈",
    "undefined": "∅",
    "error": "!",
}

_LABELS = {
    "pearson": "Pearson r",
    "spearman": "Spearman ρ",
    "ap": "AP",
    "f1": "F1",
    "auroc": "AUROC",
    "eta_squared": "η²",
    "bos_mass": "BOS mass",
    "off_target_bos": "off-target BOS",
    "comparison_best": "best other unit",
}
# Rivals of a head have names of their own.
_HEAD_LABELS = {
    "position": "its mean by distance",
    "comparison_best": "best other head",
    "fixed_offset": "best fixed offset",
}
# Rivals in a table's cell.
_SHORT = {
    "token_identity": "token",
    "previous_token": "previous",
    "comparison_best": "other unit",
}
_HEAD_SHORT = {
    "position": "by distance",
    "comparison_best": "other head",
    "fixed_offset": "fixed offset",
}
_RIVALS: dict[str, dict[str, str]] = {  # what they know, by the kind of unit
    "fires": {
        "token_identity": "it knows only the token",
        "previous_token": "it knows only the token before",
        "position": "it knows only the place in the window",
        "comparison_best": "the best of the comparison units of its layer",
        "random": "as many labels, dealt at random",
        "constant": "the label everywhere",
        "untrained": "the best of the layer without training",
    },
    "attends": {
        "uniform": "it attends to all keys alike",
        "fixed_offset": "always as many tokens back",
        "position": "as this head does on average at each distance",
        "comparison_best": "the best of the other heads of its layer",
        "untrained": "the best of the layer without training",
    },
}
UNBEATEN = "*"
JUDGED: tuple[Status, ...] = ("supported", "refuted", "inconclusive")
_HEADLINES = {
    "boolean": ("pearson", "ap", "f1"),
    "numeric": ("pearson", "spearman"),
    "categorical": ("eta_squared",),
}
_HEAD_HEADLINES = ("target_mass", "hit_rate", "lift_position")
WEAK = 0.5  # a slice is weak whose interval lies below this share of the whole's score

# Control characters as their Unicode pictures; marks that reorder text as their code points.
_VISIBLE = {
    **{code: chr(0x2400 + code) for code in range(32)},
    0x09: "⇥\t",
    0x0A: "↵\n",
    0x7F: "␡",
    **{code: f"⟨{code:04X}⟩" for code in range(0x80, 0xA0)},
    **{code: f"⟨{code:04X}⟩" for code in (0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF)},
    **{code: f"⟨{code:04X}⟩" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}


@dataclass(frozen=True, slots=True)
class Floor:
    """What the trivial `rival` scores on `metric`."""

    metric: str
    rival: str
    value: float


def number(value: float | None, *, exact: bool = False) -> str:
    """`0.712`, `12.3`, `1,204`; `–` for a missing value.

    An `exact` number is one that somebody wrote: `0.5` stays `0.5`.
    """
    if value is None:
        return MISSING
    size = abs(value)
    if size < 1e-30:  # a denormal threshold stands for 'above zero'
        return "0"
    if exact:
        text = f"{value:.6g}"
    elif size < 0.001:
        text = f"{value:.2g}"
    else:
        decimals = 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0
        text = f"{value:,.{decimals}f}"
    return text.replace("-", "−")


def count(value: int | None) -> str:
    """`1,234,567`."""
    return MISSING if value is None else f"{value:,}"


def short_count(value: int) -> str:
    """`873`, `12k`, `3.4M`: for the narrow places of a chart."""
    for size, suffix in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            scaled = value / size
            return f"{scaled:.0f}{suffix}" if scaled >= 10 else f"{scaled:.2g}{suffix}"
    return str(value)


def percent(value: float | None) -> str:
    """`2.31%`, with two or three significant digits."""
    if value is None:
        return MISSING
    share = 100 * value
    decimals = 1 if share >= 10 else 2 if share >= 0.1 or share == 0 else 4
    return f"{share:.{decimals}f}%"


def seconds(value: float) -> str:
    """`0.42 s`, `42 s`, `3 min 20 s`."""
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes:,} min {rest} s"


def device_text(device: str) -> str:
    """The device of a run; of one that needed none `no model run, all was cached`."""
    return "no model run, all was cached" if device.startswith("none") else one_line(device)


def interval(score: Score | None) -> str:
    """`[0.690, 0.734]`, or nothing where there is no interval."""
    if score is None or score.low is None or score.high is None:
        return ""
    return f"[{number(score.low)}, {number(score.high)}]"


def score_text(score: Score | None) -> str:
    """`0.712 [0.690, 0.734]`."""
    value = number(score.value if score else None)
    return f"{value} {interval(score)}".rstrip()


def words(name: str) -> str:
    """A metric's, rival's or stage's name as a reader sees it: `token identity`."""
    return _LABELS.get(name, name.replace("_", " "))


def visible(text: str, *, line_ends: bool = True) -> str:
    """`text` with line ends, tabs and control characters shown, and no power to reorder."""
    shown = text.translate(_VISIBLE)
    return shown if line_ends else shown.replace("↵\n", "\n")


def one_line(text: str) -> str:
    """`visible` text with all white space runs made one space."""
    return visible(" ".join(text.split()))


def rival_words(result: Result, rival: str, *, short: bool = False) -> str:
    """A rival's name as a reader sees it: `best other head`, or in short `other head`."""
    head = result.kind == "attends"
    full = _HEAD_LABELS.get(rival, words(rival)) if head else words(rival)
    return (_HEAD_SHORT if head else _SHORT).get(rival, full) if short else full


def token_text(text: str) -> str:
    """A token as one quotes it: `for`, `⇥`, `↵`, `␣␣`; `·` for one without text of its own."""
    if not text.strip(" "):
        return "␣" * len(text) or "·"
    return visible(text.strip(" ")).replace("↵\n", "↵").replace("⇥\t", "⇥")


def status_counts(report: Report) -> dict[Status, int]:
    """How many results have each verdict, in the order of `STATUSES`, zeros included."""
    counts = Counter(result.verdict.status for result in report.results)
    return {status: counts[status] for status in STATUSES}


def summary_line(report: Report) -> str:
    """`3 supported · 1 refuted · 1 plugin not loaded`."""
    parts = [f"{n} {status}" for status, n in status_counts(report).items() if n]
    if report.errors:
        parts.append(f"{len(report.errors)} not loaded")
    return " · ".join(parts) or "nothing was scored"


def headline_metrics(result: Result) -> list[str]:
    """The metrics that lead for this kind of label, then those that the hypothesis expects."""
    leading = _HEAD_HEADLINES if result.kind == "attends" else _HEADLINES[result.label_kind]
    present = [metric for metric in leading if metric in result.scores]
    return list(dict.fromkeys([*present, *(bar.metric for bar in result.expect)]))


def headline_columns(results: Sequence[Result], *, most: int = 4) -> list[str]:
    """Headline metrics of all `results`: those that most of them have first, at most `most`."""
    counts = Counter(metric for result in results for metric in headline_metrics(result))
    chosen = {metric for metric, _ in counts.most_common(most)}
    return [metric for metric in counts if metric in chosen]


def ordered_scores(result: Result) -> list[tuple[str, Score]]:
    """All scores, the headline metrics first."""
    first = [metric for metric in headline_metrics(result) if metric in result.scores]
    return [(metric, result.scores[metric]) for metric in dict.fromkeys([*first, *result.scores])]


def slice_metrics(result: Result) -> list[str]:
    """The metrics that any slice has, headline metrics first."""
    present = dict.fromkeys(metric for part in result.slices for metric in part.scores)
    first = [metric for metric in headline_metrics(result) if metric in present]
    return list(dict.fromkeys([*first, *present]))


def weak(result: Result, part: Slice, metric: str) -> bool:
    """Whether a slice's whole interval lies below half of the score on all test documents."""
    whole, score = result.scores.get(metric), part.scores.get(metric)
    if whole is None or score is None or whole.value is None or score.high is None:
        return False
    return score.high < WEAK * whole.value


def slice_name(part: Slice) -> str:
    """The slice's name; of a token with its white space shown: `␣self`, `↵`."""
    if part.by != "token":
        return part.name
    shown = visible(part.name).replace("↵\n", "↵").replace("⇥\t", "⇥")
    return shown.replace(" ", "␣") or "·"


def weak_slices(result: Result) -> list[tuple[Slice, list[str]]]:
    """The slices of a head that are weak, each with the metrics in which it is."""
    if result.kind != "attends":
        return []
    found = [(s, [m for m in s.scores if weak(result, s, m)]) for s in result.slices]
    return [(part, metrics) for part, metrics in found if metrics]


def floors_of(result: Result, metric: str) -> list[Floor]:
    """The rivals' scores on `metric`, the best first."""
    found = [
        Floor(metric, rival, value)
        for (name, _, rival), value in ((k.partition("."), v) for k, v in result.floors.items())
        if name == metric and value is not None
    ]
    return sorted(found, key=lambda floor: -floor.value)


def floor_text(result: Result, metric: str) -> str:
    """`0.546 other unit`: the strongest rival on a metric, with `*` where it is not beaten."""
    floors = floors_of(result, metric)
    if not floors:
        return ""
    rival = rival_words(result, floors[0].rival, short=True)
    mark = UNBEATEN if metric in unbeaten(result) else ""
    return f"{number(floors[0].value)} {one_line(rival)}{mark}"


def unbeaten(result: Result) -> list[str]:
    """The headline metrics whose 95% interval does not lie above the strongest rival."""
    return [
        metric
        for metric in headline_metrics(result)
        if (score := result.scores.get(metric)) is not None
        and score.low is not None
        and any(score.low <= floor.value for floor in floors_of(result, metric)[:1])
        and not score.value == floors_of(result, metric)[0].value == 0
    ]


def verdict_text(result: Result) -> str:
    """`✓ supported`, with a `*` where a floor is not beaten."""
    status = result.verdict.status
    mark = UNBEATEN if unbeaten(result) and status in JUDGED else ""
    return f"{SYMBOLS[status]} {status}{mark}"


def unbeaten_note(results: Sequence[Result]) -> str | None:
    """What the mark says, where any of the results has it."""
    marked = [r for r in results if unbeaten(r) and r.verdict.status in JUDGED]
    if not marked:
        return None
    known = "; ".join(_rivals_shown(results))
    return (
        f"{UNBEATEN} floor not beaten: the score's 95% interval does not lie above what that "
        f"trivial rival gets on the same tokens ({known})."
    )


def _rivals_shown(results: Sequence[Result]) -> list[str]:
    """What the strongest rivals are that stand beside scores: `token: it knows only the token`."""
    shown: dict[tuple[str, str], str] = {
        (result.kind, floors[0].rival): rival_words(result, floors[0].rival, short=True)
        for result in results
        for metric in headline_metrics(result)
        if metric in result.scores and (floors := floors_of(result, metric))
    }
    return [
        f"{shown[kind, rival]}: {told}"
        for kind, meanings in _RIVALS.items()
        for rival, told in meanings.items()
        if (kind, rival) in shown
    ]


def bar_for(result: Result, metric: str) -> Bar | None:
    """What the hypothesis expects of `metric`, if anything."""
    return next((bar for bar in result.expect if bar.metric == metric), None)


def grouped(results: Sequence[Result]) -> list[tuple[Result, ...]]:
    """Results of one hypothesis side by side, in order of first appearance."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.name, []).append(result)
    return [tuple(group) for group in groups.values()]


def status_of(result: Result, metric: str | None) -> Status:
    """How one score fared: by its own bar, where it has one, else as the whole hypothesis."""
    bar = bar_for(result, metric) if metric and metric in result.scores else None
    return bar.status if bar else result.verdict.status


def cell_text(result: Result, metric: str | None) -> str:
    """`✓ 0.712 [0.690, 0.734]`, or `∅ undefined` where there is no number."""
    score, status = result.scores.get(metric) if metric else None, status_of(result, metric)
    told = score_text(score) if score and score.value is not None else status
    return f"{SYMBOLS[status]} {told}"


def head_facts(result: Result) -> list[str]:
    """Where a head's attention goes, which edges could not be scored, where it is weak."""
    attention = result.attention
    if attention is None:
        return []
    lines = [
        f"attention of queries {title}: {shares_text(shares)}"
        for title, shares in (
            ("with a target", attention.with_target),
            ("without a target", attention.without_target),
        )
        if shares is not None
    ]
    if attention.dropped:
        lines.append(dropped_text(attention))
    return lines + ([weak_text(result)] if weak_slices(result) else [])


def shares_text(shares: Shares) -> str:
    """`target 0.71 · BOS 0.12 · elsewhere 0.17`."""
    named = (("target", shares.target), ("BOS", shares.bos), ("elsewhere", shares.elsewhere))
    return " · ".join(f"{name} {number(value)}" for name, value in named if value is not None)


def dropped_text(attention: Attention) -> str:
    """`edges not scored, of all documents: 12 (another window), 3 (not aligned)`."""
    counts = (f"{count(n)} ({words(why)})" for why, n in attention.dropped.items())
    return f"edges not scored, of all documents: {', '.join(counts)}"


def weak_text(result: Result) -> str:
    """`less than half of the whole's score in position 0-15 (target mass); ...`."""
    parts = [
        f"{words(part.by)} {slice_name(part)} ({', '.join(map(words, metrics))})"
        for part, metrics in weak_slices(result)
    ]
    return f"less than half of the whole's score in {'; '.join(parts)}"

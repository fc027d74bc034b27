"""How much was tested, what was left out, and how a unit stands among others, in words."""

from __future__ import annotations

from mi_hypotheses.presentation import count, number, percent, words
from mi_hypotheses.reports import CorpusInfo, Result


def counts_text(result: Result) -> str:
    """How much was tested: tokens, positives, documents, groups, and the threshold."""
    head = result.kind == "attends"
    parts = [f"{count(result.n_tokens)} test {'queries' if head else 'tokens'}"]
    if result.label_kind == "categorical":
        parts = [f"{parts[0]} with a category", f"{count(result.n_unlabelled)} without"]
    if head:
        parts.append(f"{count(result.n_positive)} with a target ({percent(result.prevalence)})")
    elif result.label_kind == "boolean":
        parts.append(f"{count(result.n_positive)} positive ({percent(result.prevalence)})")
    parts.append(f"{count(result.n_documents)} documents in {count(result.n_groups)} groups")
    if result.threshold is not None:
        parts.append(f"threshold {number(result.threshold)}")
    if result.sign == "-":
        parts.append("sign −")
    if told := compared(result):
        parts.append(" ".join(told))
    return " · ".join(parts)


def left_out(corpus: CorpusInfo) -> list[str]:
    """`12 tokens not scored (unaligned)`, `2 files left out (undecodable)`, and words."""
    return [
        *(f"{count(n)} tokens not scored ({words(why)})" for why, n in corpus.excluded.items()),
        *(f"{count(n)} files left out ({words(why)})" for why, n in corpus.skipped.items()),
        *uncovered_words(corpus),
    ]


def annotated(corpus: CorpusInfo) -> list[str]:
    """`annotated by blank:en (0123456789ab)`."""
    return [f"annotated by {name} ({each[:12]})" for name, each in corpus.pipelines.items()]


def uncovered_words(corpus: CorpusInfo) -> list[str]:
    """`3 words of blank:en without a token`."""
    return [f"{count(n)} words of {name} without a token" for name, n in corpus.uncovered.items()]


def compared(result: Result) -> tuple[str, str] | None:
    """`target mass`, `best of the 8 heads of its layer`: how a unit stands among the comparison
    units, None where there are none."""
    share, n = result.comparison_percentile, result.n_comparison
    if share is None:
        return None
    if result.kind == "attends":
        score, others = "target mass", "other heads of its layer"
        best = f"best of the {count(n + 1)} heads of its layer"
    else:
        score = words("eta_squared") if result.label_kind == "categorical" else "|pearson|"
        others, best = "comparison units", f"above all {count(n)} comparison units"
    if not n:  # reports of early versions do not say
        return score, f"above {percent(share)} of the {others}"
    return score, best if share == 1 else f"above {count(round(share * n))} of {count(n)} {others}"

"""What is there without any plugin, registered through the same hooks as a stranger's plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mi_hypotheses.hookspecs import hookimpl

if TYPE_CHECKING:
    from mi_hypotheses.corpora import Corpus
    from mi_hypotheses.head_scores import HeadMetric
    from mi_hypotheses.metrics import Metric
    from mi_hypotheses.reports import Report


class Builtin:
    """The corpora, metrics and report formats of this package.

    It is asked last for corpora, as it raises for what nothing knows.
    """

    def __init__(self, named_corpora: Sequence[Path] = ()) -> None:
        self.named_corpora = tuple(named_corpora)

    @hookimpl(trylast=True)
    def mi_corpus(self, uri: str) -> Corpus | None:
        from mi_hypotheses import corpora

        return corpora.resolve(uri, named_dirs=self.named_corpora)

    @hookimpl
    def mi_metrics(self) -> Iterable[Metric | HeadMetric]:
        from mi_hypotheses.head_scores import builtin_head_metrics
        from mi_hypotheses.metrics import builtin_metrics

        return [*builtin_metrics(), *builtin_head_metrics()]

    @hookimpl
    def mi_report_writers(self) -> Mapping[str, Callable[[Report], str]]:
        return {"html": _html, "json": _json, "md": _markdown}


def _html(report: Report) -> str:
    from mi_hypotheses.render import render_html

    return render_html(report)


def _markdown(report: Report) -> str:
    from mi_hypotheses.render import render_markdown

    return render_markdown(report)


def _json(report: Report) -> str:
    return report.model_dump_json(indent=1) + "\n"

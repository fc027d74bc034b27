"""The schema of reports reads what earlier versions wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mi_hypotheses.errors import ReportError
from mi_hypotheses.reports import Report, read_report
from tests import sample_report


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


def written(path: Path, **corpus: object) -> Report:
    """A report whose first corpus has these fields beside those that every version had."""
    content = json.loads(sample_report.report().model_dump_json())
    kept = ("uri", "fingerprint", "n_documents", "n_tokens")
    content["corpora"][0] = {name: content["corpora"][0][name] for name in kept} | corpus
    path.write_text(json.dumps(content), "utf-8")
    return read_report(path)


def test_a_report_is_read_as_it_was_written(path: Path) -> None:
    report = sample_report.report()
    path.write_text(report.model_dump_json(), "utf-8")
    assert read_report(path) == report


def test_words_among_the_excluded_tokens_of_early_reports_find_their_place(path: Path) -> None:
    corpus = written(path, excluded={"unaligned": 3, "words of blank:en without a token": 2})
    assert corpus.corpora[0].excluded == {"unaligned": 3}
    assert corpus.corpora[0].uncovered == {"blank:en": 2}


def test_a_report_without_such_words_has_none(path: Path) -> None:
    assert written(path, excluded={"unaligned": 3}).corpora[0].uncovered == {}
    assert written(path, uncovered={"gold": 1}).corpora[0].uncovered == {"gold": 1}


def test_what_the_schema_does_not_know_is_refused(path: Path) -> None:
    with pytest.raises(
        ReportError, match=r"is not a report of schema version 1: .* at corpora\.0\.words"
    ):
        written(path, words=1)
    with pytest.raises(ReportError, match=r"at corpora\.0\.excluded"):
        written(path, excluded=3)

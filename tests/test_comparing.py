"""`mih compare`: two reports, models or corpora; what moved, and which documents changed sides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi_hypotheses.agreement import DocumentSums
from mi_hypotheses.changes import Change, changed_sides
from mi_hypotheses.regression import Comparison
from mi_hypotheses.reports import DocumentScore, Result, Verdict, read_report
from tests.checked_project import make_project
from tests.test_checking import Mih, mih, project

__all__ = ["mih", "project"]  # fixtures


@pytest.fixture
def reports(mih: Mih, project: Path) -> tuple[str, str]:
    for name, noise in (("a", 0.0), ("b", 3.0)):
        (project / "noise.txt").write_text(str(noise), "utf-8")
        mih("run", "-o", name, "--quiet")
    return "a/report.json", "b/report.json"


# Reports.


def test_two_reports_are_compared_and_what_moved_comes_first(
    mih: Mih,
    reports: tuple[str, str],
) -> None:
    done = mih("compare", *reports, "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert [(each["name"], each["state"]) for each in found] == [
        ("hash-sign", "fell"),
        ("digit", "held"),
    ]
    (f1,) = (d for d in found[0]["differences"] if d["metric"] == "f1")
    assert f1["change"]["high"] < -0.02
    assert found[0]["reasons"] == ["other weights (planted)"]
    lines = mih("compare", *reports).out.splitlines()
    assert lines[2].startswith("↓ fell")
    assert any(line == "1 fell · 1 held" for line in lines)


def test_the_markdown_is_a_table_for_a_pull_request(
    mih: Mih,
    reports: tuple[str, str],
) -> None:
    lines = mih("compare", *reports, "--format", "md").out.splitlines()
    assert lines[0] == "**1 fell · 1 held**"
    assert lines[4].startswith("| ↓ fell | hash-sign | texts.jsonl | ")
    assert {line.count("|") - line.count("\\|") for line in lines[2:] if line} == {8}


def test_the_page_has_histograms_and_the_documents_that_changed_sides(
    mih: Mih,
    project: Path,
    reports: tuple[str, str],
) -> None:
    mih("compare", *reports, "-o", "page.html")
    page = (project / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("Histogram of ") == 4
    assert "Documents that changed sides" in page
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_documents_change_sides_where_one_run_was_right(
    mih: Mih,
    reports: tuple[str, str],
) -> None:
    (moved, held) = json.loads(mih("compare", *reports, "--json").out)
    assert len(moved["changed_sides"]) == 10
    assert all(side["before"]["agreement"] == 1 for side in moved["changed_sides"])
    assert all(side["after"]["agreement"] < 0.5 for side in moved["changed_sides"])
    assert held["changed_sides"] == []


def test_a_report_tells_of_each_test_document(
    project: Path,
    reports: tuple[str, str],
) -> None:
    right, digit = read_report(project / reports[0]).results
    assert len(right.documents) == right.n_documents
    assert {each.n for each in right.documents} == {2}  # each has two hashes
    assert {each.agreement for each in right.documents} == {1.0}
    assert len(digit.documents) == digit.n_documents


@pytest.mark.usefixtures("reports")
def test_what_one_report_alone_has_is_said(mih: Mih) -> None:
    mih("run", "claims/planted.py::digit", "-o", "c", "--quiet")
    done = mih("compare", "a/report.json", "c/report.json", "--json")
    by_name = {each["name"]: each for each in json.loads(done.out)}
    assert by_name["hash-sign"]["reasons"] == ["only the first has it"]
    assert by_name["digit"]["state"] == "held"
    done = mih("compare", "c/report.json", "a/report.json", "--json")
    assert json.loads(done.out)[0]["reasons"] == ["only the second has it"]


# Models and corpora.


def test_two_models_are_scored_in_one_run_and_compared(mih: Mih) -> None:
    done = mih("compare", "planted", "planted-noisy", "--json")
    assert done.code == 0
    by_name = {each["name"]: each for each in json.loads(done.out)}
    assert by_name["hash-sign"]["state"] == "fell"
    assert by_name["hash-sign"]["models"] == ["planted", "planted-noisy"]
    assert by_name["digit"]["state"] == "held"


def test_hypotheses_about_the_models_are_chosen(
    mih: Mih,
    project: Path,
) -> None:
    text = (project / "claims" / "planted.py").read_text("utf-8")
    about = text.partition("HASH_SIGN =")[0] + text.partition("DIGIT =")[2].join(["DIGIT =", ""])
    other = about.replace('model="planted"', 'model="planted-other"').replace("digit", "of-other")
    (project / "claims" / "other.py").write_text(other, "utf-8")
    found = json.loads(mih("compare", "planted", "planted-noisy", "--json").out)
    assert {each["name"] for each in found} == {"hash-sign", "digit"}
    found = json.loads(mih("compare", "planted-a", "planted-b", "--json").out)
    assert {each["name"] for each in found} == {"hash-sign", "digit", "of-other"}


def test_two_corpora_have_unpaired_intervals(
    mih: Mih,
    project: Path,
) -> None:
    lines = (project / "texts.jsonl").read_text("utf-8").splitlines(keepends=True)
    (project / "first.jsonl").write_text("".join(lines[:150]), "utf-8")
    (project / "second.jsonl").write_text("".join(lines[150:]), "utf-8")
    (project / "noise.txt").write_text("1.2", "utf-8")
    done = mih("compare", "first.jsonl", "second.jsonl", "--corpora", "-k", "hash")
    assert done.code == 0
    assert "intervals are unpaired" in done.out
    (one,) = json.loads(mih("compare", "first.jsonl", "second.jsonl", "--corpora", "--json").out)[
        :1
    ]
    assert one["state"] != "incomparable"
    change = one["differences"][0]["change"]
    assert change["low"] < change["value"] < change["high"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["a.json", "b.json"], 4, "The report a.json cannot be read"),
        (["a.json", "planted"], 4, "a.json and planted are a report and a model: name two of a"),
        (["a.json", "b.json", "claims"], 4, "Two reports are compared as they are"),
        (["planted", "planted", "calims"], 4, "Did you mean 'claims'?"),
        (["planted", "planted", "-k", "nothing"], 5, "left none of the 2 hypotheses"),
        (["planted", "planted", "--fail-on", "f1"], 4, "cannot be read: write METRIC:MARGIN"),
    ],
)
def test_what_cannot_be_compared_is_said(
    mih: Mih,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    done = mih("compare", *arguments)
    assert done.code == code
    assert said in done.err


def test_a_model_that_is_not_there_is_an_error(mih: Mih) -> None:
    done = mih("compare", "planted", "./nowhere")
    assert done.code == 1
    assert "2 error" in done.out


# Agreement by document.


def sums_of(documents: dict[str, list[bool]], *, size: int = 200) -> DocumentSums:
    made = DocumentSums(size=size)
    numbers = [i for i, agree in enumerate(documents.values()) for _ in agree]
    agree = [value for values in documents.values() for value in values]
    made.add([*documents], np.array(numbers, np.int64), np.array(agree, np.bool_))
    return made


def test_agreement_is_the_share_of_tokens_that_count() -> None:
    found = sums_of({"a": [True, True, False, False], "b": [], "c": [True]}).scores()
    assert found == (
        DocumentScore(document="a", n=4, agreement=0.5),
        DocumentScore(document="c", n=1, agreement=1.0),
    )


@given(st.lists(st.integers(0, 2), min_size=30, max_size=30))
def test_sums_merge_in_any_order(parts: list[int]) -> None:
    documents = {f"d{i}": [True] * (i % 4) + [False] * (i % 3) for i in range(30)}
    whole = sums_of(documents, size=7)
    pieces = [
        sums_of(
            {k: v for (k, v), p in zip(documents.items(), parts, strict=True) if p == part}, size=7
        )
        for part in (2, 0, 1)
    ]
    merged = DocumentSums(size=7)
    for piece in pieces:
        merged.merge(piece)
    assert merged.scores() == whole.scores()
    assert len(merged.scores()) == 7


def test_documents_that_speak_for_most_come_first() -> None:
    def result(*scores: tuple[str, int, float]) -> Result:
        documents = tuple(DocumentScore(document=d, n=n, agreement=a) for d, n, a in scores)
        return Result(
            name="x",
            claim="x",
            source="",
            model="m",
            unit="L0N0",
            corpus="c",
            hypothesis_hash="h",
            verdict=Verdict(status="supported"),
            documents=documents,
        )

    before = result(("small", 1, 1.0), ("large", 50, 0.9), ("same", 9, 0.7), ("gone", 3, 1.0))
    after = result(("small", 1, 0.0), ("large", 40, 0.1), ("same", 9, 0.6))
    sides = changed_sides(Change(Comparison("x", "c", "fell"), before, after))
    assert [side.before.document for side in sides] == ["large", "small"]
    assert all(side.lost for side in sides)
    assert make_project  # the fixtures' own

"""Baseline files: what they hold, what is wrong with them, and how they change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mi_hypotheses import baselines
from mi_hypotheses.baselines import Baselines, baseline_path, read_baseline, write_baseline
from mi_hypotheses.errors import BaselineError
from mi_hypotheses.regression import Measured
from mi_hypotheses.reports import Score, Verdict
from tests.test_regression import measured


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "claims" / "python_code.py"
    path.parent.mkdir()
    path.write_text("", "utf-8")
    return path


@pytest.fixture
def path(plugin: Path) -> Path:
    path = baseline_path(plugin)
    write_baseline(path, [measured(), measured("other", f1=0.1)])
    return path


def of(plugin: Path, *names: str, whole: bool = True) -> Baselines:
    return Baselines(dict.fromkeys(names, plugin), whole=whole)


def names(path: Path) -> set[str]:
    return {each.name for each in read_baseline(path)}


# Files.


def test_a_baseline_lies_beside_its_plugin(plugin: Path, path: Path) -> None:
    assert path == plugin.parent / "__baselines__" / "python_code.json"


def test_what_is_written_is_read(plugin: Path) -> None:
    path = baseline_path(plugin)
    one = measured(f1=0.5)
    write_baseline(path, [one])
    (found,) = read_baseline(path)
    assert found.replicates["f1"] == pytest.approx(one.replicates["f1"], rel=5e-4)
    same = {"replicates": one.replicates, "source": one.source}
    assert found.model_copy(update=same) == one.model_copy(update={"scores": found.scores})
    assert found.scores["f1"].value == pytest.approx(0.5)


@pytest.mark.parametrize("value", [0.5, -0.25, 0.0, 1.0, 23.456, 1e-5, -3e-7, 0.9999999, None])
def test_replicates_keep_four_digits(plugin: Path, value: float | None) -> None:
    path = baseline_path(plugin)
    one = measured().model_copy(update={"replicates": {"f1": (value,)}})
    write_baseline(path, [one])
    ((found,),) = (each.replicates["f1"] for each in read_baseline(path))
    assert found == (None if value is None else pytest.approx(value, rel=5e-4))


def test_a_second_writing_changes_nothing(path: Path) -> None:
    before = path.read_text("utf-8")
    write_baseline(path, reversed(read_baseline(path)))
    assert path.read_text("utf-8") == before


def test_keys_are_sorted_and_a_line_holds_one_thing(path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    assert json.dumps(content, sort_keys=True) == json.dumps(content)
    lines = path.read_text("utf-8").splitlines()
    assert sum('"f1": "' in line for line in lines) == 2  # the replicates of each
    assert path.read_text("utf-8").endswith("}\n")
    assert path.stat().st_size < 8_000


def test_the_file_says_what_makes_it_comparable(path: Path) -> None:
    entry = json.loads(path.read_text("utf-8"))["hypotheses"]["comment"]["sympy-sample"]
    for key in (
        "hypothesis_hash",
        "question_hash",
        "model_fingerprint",
        "tokenizer_fingerprint",
        "corpus_fingerprint",
        "versions",
        "dtype",
        "device",
        "seed",
    ):
        assert key in entry


def test_nothing_is_recorded_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_baseline(tmp_path / "none.json") == []


def test_a_baseline_of_nothing_is_deleted(path: Path) -> None:
    write_baseline(path, [])
    assert not path.exists()
    write_baseline(path, [])


# What can be wrong with a file.


def edited(path: Path, change: str) -> str:
    text = path.read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    entry = content["hypotheses"]["comment"]["sympy-sample"]
    match change:
        case "truncated":
            return text[:-200]
        case "empty":
            return ""
        case "a list":
            return "[]"
        case "no version":
            del content["schema_version"]
        case "a field too many":
            entry["f2"] = 1
        case "a field too few":
            del entry["seed"]
        case "a text for a number":
            entry["scores"]["f1"]["value"] = "much"
        case "a word among the replicates":
            entry["replicates"]["f1"] = "0.5 half"
        case "a number for an entry":
            content["hypotheses"]["comment"] = 3
    return json.dumps(content)


@pytest.mark.parametrize(
    "change",
    [
        "truncated",
        "empty",
        "a list",
        "no version",
        "a field too many",
        "a field too few",
        "a text for a number",
        "a word among the replicates",
        "a number for an entry",
    ],
)
def test_a_damaged_baseline_is_one_paragraph_and_stays_as_it_is(
    plugin: Path, path: Path, change: str
) -> None:
    path.write_text(edited(path, change), "utf-8")
    damaged = path.read_bytes()
    with pytest.raises(BaselineError, match="is damaged") as caught:
        read_baseline(path)
    assert "\n" not in str(caught.value)
    assert "mih check --update-new" in str(caught.value)
    kept = of(plugin, "comment")
    assert [each.state for each in kept.check([measured()])] == ["error"]
    assert kept.update([measured()], only_new=False) == []
    assert path.read_bytes() == damaged


def test_a_newer_schema_asks_for_a_newer_version(path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, "schema_version": 99}), "utf-8")
    with pytest.raises(
        BaselineError, match=r"schema version 99, .* reads up to 1. Install a newer"
    ):
        read_baseline(path)


def test_a_file_that_is_no_text_cannot_be_read(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(BaselineError, match="cannot be read"):
        read_baseline(path)


def test_a_read_only_directory_is_one_paragraph(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_options: object) -> None:  # whoever runs this may be root
        raise PermissionError(13, "Permission denied")

    before = path.read_bytes()
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(BaselineError, match=r"cannot be written: Permission denied\.") as caught:
        write_baseline(path, [measured(f1=0.9)])
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_one_paragraph(plugin: Path) -> None:
    (plugin.parent / "__baselines__").write_text("a file", "utf-8")
    with pytest.raises(BaselineError, match=r"The baseline .* cannot be written: .*\."):
        write_baseline(baseline_path(plugin), [measured()])


def test_a_baseline_is_never_half_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(BaselineError, match="No space left on device"):
        write_baseline(path, [measured(f1=0.9)])
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


# Checking and recording.


@pytest.mark.usefixtures("path")
def test_a_check_reads_the_file_of_each_plugin(plugin: Path) -> None:
    second = plugin.with_name("second.py")
    write_baseline(baseline_path(second), [measured("third")])
    files = {"comment": plugin, "other": plugin, "third": second}
    found = [measured(), measured("other", f1=0.1), measured("third", f1=0.2)]
    compared = Baselines(files, whole=True).check(found)
    states = {each.name: each.state for each in compared}
    assert states == {"comment": "held", "other": "held", "third": "fell"}


@pytest.mark.usefixtures("path")
def test_stale_is_told_of_whole_files_only(plugin: Path) -> None:
    whole = of(plugin, "comment").check([measured()])
    assert {each.name: each.state for each in whole} == {"comment": "held", "other": "stale"}
    part = of(plugin, "comment", whole=False).check([measured()])
    assert {each.name: each.state for each in part} == {"comment": "held"}


def test_update_replaces_all_and_drops_what_is_stale(plugin: Path, path: Path) -> None:
    assert of(plugin, "comment").update([measured(f1=0.7)], only_new=False) == [path]
    (kept,) = read_baseline(path)
    assert (kept.name, kept.scores["f1"].value) == ("comment", 0.7)


def test_update_of_a_part_keeps_the_rest(plugin: Path, path: Path) -> None:
    of(plugin, "comment", whole=False).update([measured(f1=0.7)], only_new=False)
    assert names(path) == {"comment", "other"}


def test_update_new_keeps_what_is_recorded(plugin: Path, path: Path) -> None:
    found = [measured(f1=0.7), measured("new", f1=0.2)]
    of(plugin, "comment", "new").update(found, only_new=True)
    kept = {each.name: each.scores["f1"].value for each in read_baseline(path)}
    assert kept == {"comment": 0.6, "other": 0.1, "new": 0.2}


def test_what_failed_is_not_recorded_and_keeps_its_baseline(plugin: Path, path: Path) -> None:
    error = Verdict(status="error", reasons=("no such layer",))
    failed = [measured(f1=None, verdict=error), measured("new", f1=None, verdict=error)]
    of(plugin, "comment", "new").update(failed, only_new=False)
    assert names(path) == {"comment"}
    assert read_baseline(path)[0].scores["f1"].value == 0.6


def test_an_update_that_changes_nothing_writes_nothing(plugin: Path, path: Path) -> None:
    assert of(plugin, "comment", "other").update(read_baseline(path), only_new=False) == []
    assert of(plugin, "comment", "other").update(read_baseline(path), only_new=True) == []


def test_undefined_is_recorded(plugin: Path) -> None:
    undefined = measured(f1=None, verdict=Verdict(status="undefined", reasons=("it is dead",)))
    of(plugin, "comment").update([undefined], only_new=False)
    (kept,) = read_baseline(baseline_path(plugin))
    assert kept.verdict.status == "undefined"


def test_a_score_without_a_value_is_kept(plugin: Path) -> None:
    one: Measured = measured().model_copy(update={"scores": {"f1": Score(value=None)}})
    write_baseline(baseline_path(plugin), [one])
    assert read_baseline(baseline_path(plugin))[0].scores["f1"] == Score(value=None)


def test_the_version_of_the_schema_is_written(path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    assert content["schema_version"] == baselines.SCHEMA_VERSION

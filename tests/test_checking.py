"""`mih check`: states, exit codes, and what it records."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mi_hypotheses.cli import main
from tests.checked_project import DIGIT, HASH, MODEL, claim, make_project, model_runs


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def states(self) -> dict[str, str]:
        return {each["name"]: each["state"] for each in json.loads(self.out)}


Mih = Callable[..., Done]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # plugin files add their directories
    for name in [name for name in os.environ if name.startswith("MIH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MIH_CACHE_DIR", str(tmp_path / "cache"))
    return make_project(tmp_path)


@pytest.fixture
def mih(capfd: pytest.CaptureFixture[str]) -> Mih:
    def call(*arguments: str) -> Done:
        capfd.readouterr()
        code = main(arguments)
        return Done(code, *capfd.readouterr())

    return call


@pytest.fixture
def recorded(mih: Mih, project: Path) -> Path:
    assert mih("check", "--update", "--quiet").code == 0
    return project / "claims" / "__baselines__" / "planted.json"


def write(project: Path, *claims: str) -> None:
    (project / "claims" / "planted.py").write_text(MODEL + "".join(claims), "utf-8")


def add_noise(project: Path, noise: float) -> None:
    (project / "noise.txt").write_text(str(noise), "utf-8")


# States and exit codes.


def test_without_a_baseline_a_check_fails_and_says_how_to_make_one(mih: Mih) -> None:
    done = mih("check")
    assert done.code == 1
    assert "2 missing" in done.out
    assert "'mih check --update-new' records it" in " ".join(done.out.split())


@pytest.mark.usefixtures("recorded")
def test_what_is_as_it_was_held(mih: Mih) -> None:
    done = mih("check", "--strict")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "2 held"


@pytest.mark.usefixtures("recorded")
def test_what_fell_fails_and_the_rest_held(mih: Mih, project: Path) -> None:
    add_noise(project, 1.4)
    done = mih("check", "--json")
    assert done.code == 1
    assert done.states == {"hash-sign": "fell", "digit": "held"}
    assert "fell" in mih("check").out


@pytest.mark.usefixtures("recorded")
def test_the_margin_can_be_given(mih: Mih, project: Path) -> None:
    add_noise(project, 1.4)
    wide = [word for m in ("f1", "ap", "pearson") for word in ("--fail-on", f"{m}:0.99")]
    assert mih("check", *wide).code == 0
    done = mih("check", "--fail-on", "f1")
    assert done.code == 4
    assert "--fail-on 'f1' cannot be read: write METRIC:MARGIN, as in f1:0.05." in done.err


def test_the_hypothesis_has_a_margin(mih: Mih, project: Path) -> None:
    write(project, HASH.replace("expect", "margin=0.99,\n    expect"))
    mih("check", "--update")
    add_noise(project, 1.4)
    assert mih("check").code == 0


def test_what_rose_passes(mih: Mih, project: Path) -> None:
    add_noise(project, 1.4)
    mih("check", "--update")
    (project / "noise.txt").unlink()
    done = mih("check", "--json")
    assert (done.code, done.states["hash-sign"]) == (0, "rose")


@pytest.mark.usefixtures("recorded")
def test_an_edited_predicate_cannot_be_compared(mih: Mih, project: Path) -> None:
    write(project, claim("hash-sign", on="value"), DIGIT)
    done = mih("check")
    assert done.code == 1
    assert "another question was recorded: it was Regex('#') then" in " ".join(done.out.split())


@pytest.mark.usefixtures("recorded")
def test_a_predicate_written_otherwise_can(mih: Mih, project: Path) -> None:
    write(project, claim("hash-sign", on="[#]"), DIGIT)
    assert mih("check").code == 0


@pytest.mark.usefixtures("recorded")
def test_another_threshold_is_another_question(mih: Mih, project: Path) -> None:
    write(project, HASH.replace("expect", "threshold=0.1,\n    expect"), DIGIT)
    assert mih("check", "--json").states["hash-sign"] == "incomparable"


@pytest.mark.usefixtures("recorded")
def test_other_documents_cannot_be_compared(mih: Mih, project: Path) -> None:
    done = mih("check", "--limit", "200")
    assert done.code == 1
    assert "300 documents then, 200 now: was --limit another?" in " ".join(done.out.split())
    with (project / "texts.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": "# one more"}) + "\n")
    assert mih("check", "--json").states == {"hash-sign": "incomparable", "digit": "incomparable"}


@pytest.mark.usefixtures("recorded")
def test_another_seed_cannot_be_compared(mih: Mih) -> None:
    assert "the seed was 0 and is 3" in " ".join(mih("check", "--seed", "3").out.split())


@pytest.mark.usefixtures("recorded")
def test_another_model_is_compared_and_named(mih: Mih) -> None:
    done = mih("check", "-m", "planted-noisy", "--json")
    assert done.code == 1
    by_name = {each["name"]: each for each in json.loads(done.out)}
    assert by_name["hash-sign"]["state"] == "fell"
    assert by_name["hash-sign"]["reasons"] == ["planted → planted-noisy"]
    assert by_name["digit"]["state"] == "held"


@pytest.mark.usefixtures("recorded")
def test_several_models_are_each_compared(mih: Mih) -> None:
    done = mih("check", "-m", "planted", "-m", "planted-noisy", "--json")
    found = [(each["name"], each["models"][1], each["state"]) for each in json.loads(done.out)]
    assert found == [
        ("hash-sign", "planted", "held"),
        ("hash-sign", "planted-noisy", "fell"),
        ("digit", "planted", "held"),
        ("digit", "planted-noisy", "held"),
    ]


@pytest.mark.usefixtures("recorded")
def test_batches_change_nothing(mih: Mih) -> None:
    done = mih("check", "--batch-size", "3", "--no-cache", "--strict")
    assert done.code == 0


@pytest.mark.usefixtures("recorded")
def test_an_error_fails(mih: Mih, project: Path) -> None:
    write(project, HASH, claim("digit", index=7, on="[0-9]"))
    done = mih("check", "--json")
    assert (done.code, done.states["digit"]) == (1, "error")


@pytest.mark.usefixtures("recorded")
def test_a_plugin_that_does_not_load_fails_and_the_rest_is_checked(mih: Mih, project: Path) -> None:
    (project / "claims" / "broken.py").write_text("import not_there\n", "utf-8")
    done = mih("check")
    assert done.code == 1
    assert "2 held" in done.out
    assert "The module 'not_there' cannot be imported" in done.err


@pytest.mark.usefixtures("recorded")
def test_two_hypotheses_of_one_name_are_told(mih: Mih, project: Path) -> None:
    (project / "claims" / "second.py").write_text(MODEL + claim("digit", on="##"), "utf-8")
    done = mih("check", "--quiet")
    assert done.code == 1
    assert "The name 'digit' belongs to the hypothesis at claims/planted.py:" in done.err
    assert done.err.count("\n") == 1


def test_two_plugins_in_two_directories_have_a_file_each(mih: Mih, project: Path) -> None:
    (project / "claims" / "deep").mkdir()
    (project / "claims" / "deep" / "planted.py").write_text(
        MODEL + claim("deep-digit", index=1, on="[0-9]"), "utf-8"
    )
    mih("check", "--update")
    found = sorted(
        path.relative_to(project).as_posix() for path in project.rglob("__baselines__/*.json")
    )
    assert found == ["claims/__baselines__/planted.json", "claims/deep/__baselines__/planted.json"]
    assert mih("check", "--strict").code == 0


def test_nothing_to_check_exits_with_5(mih: Mih) -> None:
    assert mih("check", "-k", "nothing").code == 5


# Recording.


def names(path: Path) -> set[str]:
    return set(json.loads(path.read_text("utf-8"))["hypotheses"])


@pytest.mark.usefixtures("recorded")
def test_recording_prints_what_changes(mih: Mih, project: Path) -> None:
    add_noise(project, 1.4)
    done = mih("check", "--update")
    assert done.code == 0
    assert "fell" in done.out
    assert "Recorded: claims/__baselines__/planted.json" in done.err
    assert mih("check").code == 0


def test_recording_the_same_changes_no_byte(mih: Mih, recorded: Path) -> None:
    before = recorded.read_bytes()
    assert "The baselines are as they were." in mih("check", "--update").err
    assert "The baselines are as they were." in mih("check", "--update", "--no-cache").err
    assert recorded.read_bytes() == before


def test_stale_is_told_fails_when_strict_and_goes_with_update(
    mih: Mih, recorded: Path, project: Path
) -> None:
    write(project, HASH)
    assert mih("check", "--json").states["digit"] == "stale"
    assert mih("check").code == 0
    assert mih("check", "--strict").code == 1
    mih("check", "--update")
    assert names(recorded) == {"hash-sign"}


def test_a_part_of_a_file_leaves_the_rest_recorded(mih: Mih, recorded: Path, project: Path) -> None:
    write(project, HASH)
    for part in (["claims/planted.py::hash-sign"], ["-k", "hash"]):
        assert mih("check", *part, "--json").states == {"hash-sign": "held"}
        mih("check", *part, "--update")
        assert names(recorded) == {"digit", "hash-sign"}


def test_update_new_records_only_what_is_missing(mih: Mih, project: Path) -> None:
    write(project, HASH)
    mih("check", "--update")
    write(project, HASH, DIGIT)
    add_noise(project, 1.4)
    done = mih("check", "--update-new")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "1 fell · 1 recorded"
    assert "digit on texts.jsonl: nothing was recorded of it: it is recorded now" in done.out
    assert "missing" not in done.out
    path = project / "claims" / "__baselines__" / "planted.json"
    assert names(path) == {"digit", "hash-sign"}
    assert mih("check", "--json").states == {"hash-sign": "fell", "digit": "held"}


@pytest.mark.usefixtures("recorded")
def test_a_renamed_hypothesis_is_suggested(mih: Mih, project: Path) -> None:
    write(project, claim("hash-mark"), DIGIT)
    done = mih("check")
    assert done.code == 1
    assert "It asks what 'hash-sign' asked: if it was renamed" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--update", "--update-new"], "Say either --update or --update-new."),
        (["--update", "-m", "planted-noisy"], "--update goes without -m"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_anything_runs(
    mih: Mih, project: Path, arguments: list[str], said: str
) -> None:
    done = mih("check", *arguments)
    assert done.code == 4
    assert said in done.err
    assert model_runs(project) == 0


def test_a_damaged_baseline_is_an_error_and_stays(mih: Mih, recorded: Path) -> None:
    recorded.write_text(recorded.read_text("utf-8").replace('"seed": 0', '"seed": "none"'), "utf-8")
    damaged = recorded.read_bytes()
    for arguments in ([], ["--update"], ["--update-new"]):
        done = mih("check", *arguments)
        assert done.code == 1
        assert "is damaged" in done.out
    assert recorded.read_bytes() == damaged


def test_a_place_that_cannot_be_written_is_one_paragraph(mih: Mih, project: Path) -> None:
    (project / "claims" / "__baselines__").write_text("a file", "utf-8")
    done = mih("check", "--update", "--quiet")
    assert done.code == 1
    assert "cannot be read" in done.out
    assert (project / "claims" / "__baselines__").read_text("utf-8") == "a file"


def test_a_read_only_directory_is_one_paragraph(
    mih: Mih, recorded: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_noise(project, 1.4)
    before = recorded.read_bytes()
    make = tempfile.mkstemp

    def refuse(**options: Any) -> Any:  # whoever runs this may be root
        if str(options["dir"]).endswith("__baselines__"):
            raise PermissionError(13, "Permission denied")
        return make(**options)

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    done = mih("check", "--update", "--quiet")
    assert done.code == 4
    assert done.err.startswith("The baseline ")
    assert done.err.endswith("cannot be written: Permission denied.\n")
    assert recorded.read_bytes() == before

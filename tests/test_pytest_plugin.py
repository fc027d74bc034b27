"""`pytest --mih`: hypotheses as tests, one run of the engine for all, and the fixture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch  # noqa: F401 (it must not be imported anew in each run inside this process)

import mi_hypotheses.engine
from tests.checked_project import DIGIT, HASH, MODEL, WRONG, claim, make_project, model_runs

pytest_plugins = ["pytester"]

INSTALLED = any(point.name == "mih" for point in metadata.entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "mi_hypotheses.pytest_plugin")
Run = Callable[..., pytest.RunResult]
assert mi_hypotheses.engine  # as torch: imported once


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith("MIH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MIH_CACHE_DIR", str(pytester.path / "cache"))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])  # plugin files add their directories
    # A run inside this process must not unload what it loads of this package, rich or torch:
    # a second copy of their classes would meet the first in later tests.
    monkeypatch.setattr("_pytest.pytester.SysModulesSnapshot.restore", lambda _self: None)
    yield make_project(pytester.path)
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", "")).startswith(str(pytester.path)):
            del sys.modules[name]


@pytest.fixture
def tests(pytester: pytest.Pytester) -> Run:
    def call(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(*PLUGIN, *arguments)

    return call


def write(project: Path, *claims: str, file: str = "planted.py") -> Path:
    path = project / "claims" / file
    path.write_text(MODEL + "".join(claims), "utf-8")
    return path


# Collecting.


@pytest.mark.parametrize(
    ("arguments", "exempt"),
    [((), True), (("--timeout", "60"), False), (("-p", "no:timeout"), None)],
)
def test_a_timeout_of_single_tests_does_not_stop_the_run_that_all_share(
    pytester: pytest.Pytester, arguments: tuple[str, ...], exempt: bool | None
) -> None:
    if exempt is not None:
        pytester.makeini("[pytest]\ntimeout = 1")
    options = (*PLUGIN, *arguments, "--strict-markers", "--mih-update-new", "claims", "--mih")
    items, _ = pytester.inline_genitems(*options)
    assert len(items) == 4
    markers = [item.get_closest_marker("timeout") for item in items]
    assert {marker is not None and marker.args == (0,) for marker in markers} == {bool(exempt)}


def test_hypotheses_are_items_named_by_model_and_unit(tests: Run) -> None:
    done = tests("claims", "--mih", "--collect-only", "-q")
    done.stdout.fnmatch_lines(
        [
            "claims/planted.py::hash-sign[[]planted L0N0[]]",
            "claims/planted.py::digit[[]planted L0N1[]]",
        ]
    )


def test_without_the_option_nothing_is_collected(tests: Run) -> None:
    assert tests("claims").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_without_the_option_nothing_is_loaded(project: Path) -> None:
    (project / "test_nothing.py").write_text(
        "import sys\n\n"
        "def test_it():\n"
        "    heavy = ['torch', 'numpy', 'pydantic', 'mi_hypotheses.hooks', 'rich', 'jinja2']\n"
        "    assert 'mi_hypotheses.pytest_plugin' in sys.modules\n"
        "    assert [name for name in heavy if name in sys.modules] == []\n"
    )
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "mi_hypotheses.pytest_plugin"]
    done = subprocess.run([*command, "test_nothing.py"], cwd=project, env=alone | path_of_package())
    assert done.returncode == 0


def test_the_plugin_costs_little_to_load() -> None:
    code = (
        "import pytest, time; began = time.perf_counter(); import mi_hypotheses.pytest_plugin\n"
        "print(time.perf_counter() - began)"
    )
    seconds = [
        float(subprocess.check_output([sys.executable, "-c", code], env=path_of_package()))
        for _ in range(3)
    ]
    assert min(seconds) < 0.05


def path_of_package() -> dict[str, str]:
    """Variables under which a fresh Python finds this very package."""
    root = str(Path(mi_hypotheses.__file__).parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}


def test_options_without_mih_are_refused(tests: Run) -> None:
    done = tests("--mih-update")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*--mih-update goes with --mih.*"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--mih-update", "--mih-update-new"], "Say either --mih-update or --mih-update-new."),
        (["--mih-fail-on", "f1"], "--mih-fail-on 'f1' cannot be read: write METRIC:MARGIN"),
    ],
)
def test_options_that_cannot_be_followed(tests: Run, options: list[str], said: str) -> None:
    done = tests("claims", "--mih", *options)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"*{said}*"])


def test_a_broken_plugin_fails_and_stops_no_other(tests: Run, project: Path) -> None:
    (project / "claims" / "broken.py").write_text("import not_there\n", "utf-8")
    done = tests("claims", "--mih")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(
        ["claims/broken.py:1: The module 'not_there' cannot be imported.*"],
    )


def test_a_hypothesis_that_cannot_be_built_stops_no_other(tests: Run, project: Path) -> None:
    write(project, HASH, "\nBAD = Fires(name='bad', claim='')\n", DIGIT)
    done = tests("claims", "--mih")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["*The hypothesis 'bad' (Fires) cannot be built*"])


def test_two_hypotheses_of_one_name_are_told(tests: Run, project: Path) -> None:
    write(project, claim("hash-sign", on="##"), file="second.py")
    done = tests("claims", "--mih")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["claims/second.py:*: The name 'hash-sign' belongs to*"])


def test_other_tests_run_beside_and_their_asserts_are_explained(tests: Run, project: Path) -> None:
    (project / "test_other.py").write_text("def test_it():\n    x = 1\n    assert x == 2\n")
    done = tests("claims", "test_other.py", "--mih")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["E*assert 1 == 2"])


# Expectations.


def test_a_failure_says_what_was_expected_and_found_and_where_it_fails(
    tests: Run, project: Path
) -> None:
    write(project, WRONG)
    done = tests("claims", "--mih")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*hash-sign-wrong[[]planted L0N1[]]*",
            "hash-sign-wrong: Fires on #.",
            "L0N1 of planted on texts.jsonl is refuted",
            "  f1 0.* [[]0.*, 0.*[]], expected at least 0.9: refuted",
            "    floors: *",
            "  where they differ:",
            "    *:*: *»*«",
            "    *:*: *»*«",
            "    *:*: *»*«",
        ]
    )
    assert "Traceback" not in done.stdout.str()


def test_one_run_serves_all_items_of_all_files(tests: Run, project: Path) -> None:
    write(project, WRONG, file="wrong.py")
    tests("claims", "--mih").assert_outcomes(passed=2, failed=1)
    assert model_runs(project) == 1


def test_items_can_be_chosen(tests: Run) -> None:
    tests("claims", "--mih", "-k", "digit").assert_outcomes(passed=1, deselected=1)
    tests("claims/planted.py::digit[planted L0N1]", "--mih").assert_outcomes(passed=1)


def test_a_file_that_is_named_is_run_once_and_is_no_test_module(tests: Run, project: Path) -> None:
    path = write(project, HASH, "\nwith open('executed.txt', 'a') as file:\n    file.write('x')\n")
    tests(str(path), "--mih").assert_outcomes(passed=1)
    assert (project / "executed.txt").read_text("utf-8") == "x"
    path.write_text("import not_there\n", "utf-8")
    tests(str(path), "--mih").assert_outcomes(failed=1)


def test_the_first_failure_can_end_the_run(tests: Run, project: Path) -> None:
    write(project, WRONG, HASH, DIGIT)
    tests("claims", "--mih", "-x").assert_outcomes(failed=1)


def test_the_last_failures_can_be_run_again(tests: Run, project: Path) -> None:
    write(project, WRONG, HASH, DIGIT)
    tests("claims", "--mih").assert_outcomes(failed=1, passed=2)
    tests("claims", "--mih", "--lf").assert_outcomes(failed=1)


def test_the_junit_report_has_the_scores(tests: Run, project: Path) -> None:
    tests("claims", "--mih", "--mih-update")
    tests("claims", "--mih", "--junitxml", "junit.xml")
    cases = ElementTree.parse(project / "junit.xml").findall(".//testcase")
    found = {
        case.get("name"): {
            each.get("name"): each.get("value") for each in case.findall(".//property")
        }
        for case in cases
    }
    assert found["hash-sign[planted L0N0]"]["f1"] == "1.0"
    assert found["hash-sign[planted L0N0 baseline]"] == {"texts.jsonl.baseline": "held"}


def test_workers_share_one_run(project: Path, pytester: pytest.Pytester) -> None:
    write(project, WRONG, file="wrong.py")
    assert pytester.runpytest_inprocess(*PLUGIN, "claims", "--mih", "--mih-update").ret == 1
    (project / "cache").rename(project / "old-cache")
    (project / "runs.txt").unlink()
    pytester.makeconftest("")
    environment = path_of_package()
    command = [sys.executable, "-m", "pytest", *PLUGIN, "claims", "--mih", "-n", "2"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert "5 passed" in done.stdout, done.stdout
    assert "1 failed" in done.stdout
    assert "L0N1 of planted on texts.jsonl is refuted" in done.stdout
    assert model_runs(project) == 1


def test_workers_tell_what_they_recorded(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", *PLUGIN, "claims", "--mih", "-n", "2"]
    done = subprocess.run(
        [*command, "--mih-update"],
        cwd=project,
        env=path_of_package(),
        capture_output=True,
        text=True,
    )
    assert "4 passed" in done.stdout, done.stdout
    assert done.stdout.count("recorded claims/__baselines__/planted.json") == 1


# Baselines.


def recorded(project: Path) -> dict[str, object]:
    path = project / "claims" / "__baselines__" / "planted.json"
    found: dict[str, object] = json.loads(path.read_text("utf-8"))["hypotheses"]
    return found


def test_a_baseline_fails_on_its_own(tests: Run, project: Path) -> None:
    write(project, claim("hash-sign", expect='"f1": 0.2'), DIGIT)
    tests("claims", "--mih", "--mih-update").assert_outcomes(passed=4)
    tests("claims", "--mih").assert_outcomes(passed=4)
    (project / "noise.txt").write_text("1.4", "utf-8")
    done = tests("claims", "--mih")
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(
        [
            "*hash-sign[[]planted L0N0 baseline[]]*",
            "hash-sign on texts.jsonl: fell",
            "  f1: -0.* [[]-0.*, -0.*[]] fell",
            "  other weights (planted)",
        ]
    )


def test_a_margin_of_the_command_line_comes_first(tests: Run, project: Path) -> None:
    write(project, claim("hash-sign", expect='"f1": 0.2'))
    tests("claims", "--mih", "--mih-update")
    (project / "noise.txt").write_text("1.4", "utf-8")
    wide = [option for m in ("f1", "ap", "pearson") for option in ("--mih-fail-on", f"{m}:0.99")]
    tests("claims", "--mih").assert_outcomes(passed=1, failed=1)
    tests("claims", "--mih", *wide).assert_outcomes(passed=2)


def test_without_a_baseline_file_expectations_are_all(tests: Run) -> None:
    tests("claims", "--mih").assert_outcomes(passed=2)


def test_what_is_not_recorded_is_missing_until_it_is_recorded(tests: Run, project: Path) -> None:
    write(project, HASH)
    tests("claims", "--mih", "--mih-update")
    write(project, HASH, DIGIT)
    done = tests("claims", "--mih")
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(["*nothing is recorded of it: 'mih check --update-new' records it*"])
    done = tests("claims", "--mih", "--mih-update-new")
    done.assert_outcomes(passed=4)
    done.stdout.fnmatch_lines(["digit on texts.jsonl: recorded", "recorded claims/__baselines__/*"])
    assert set(recorded(project)) == {"digit", "hash-sign"}


def test_only_a_whole_run_drops_what_is_stale(tests: Run, project: Path) -> None:
    tests("claims", "--mih", "--mih-update")
    write(project, HASH)
    tests("claims", "--mih", "--mih-update", "-k", "hash")
    assert set(recorded(project)) == {"digit", "hash-sign"}
    tests("claims/planted.py::hash-sign[planted L0N0]", "--mih", "--mih-update")
    assert set(recorded(project)) == {"digit", "hash-sign"}
    tests("claims", "--mih", "--mih-update")
    assert set(recorded(project)) == {"hash-sign"}


def test_what_is_stale_is_told_and_fails_where_asked_to(tests: Run, project: Path) -> None:
    tests("claims", "--mih", "--mih-update")
    write(project, HASH)
    done = tests("claims", "--mih")
    assert done.ret == pytest.ExitCode.OK
    done.stdout.fnmatch_lines(["digit on texts.jsonl: stale"])
    assert tests("claims", "--mih", "--mih-strict").ret == pytest.ExitCode.TESTS_FAILED


def test_a_damaged_baseline_fails_its_hypotheses_alone(tests: Run, project: Path) -> None:
    tests("claims", "--mih", "--mih-update")
    path = project / "claims" / "__baselines__" / "planted.json"
    path.write_text(path.read_text("utf-8")[:-40], "utf-8")
    done = tests("claims", "--mih")
    done.assert_outcomes(passed=2, failed=2)
    done.stdout.fnmatch_lines(["*The baseline */planted.json is damaged*"])


# The fixture.

WITH_SCORES = """
from mi_hypotheses import Fires, Neuron, Regex

ABOUT = dict(claim="On #.", model="planted", on=Regex("#"), corpora=["texts.jsonl"])


def test_right(mih_score):
    score = mih_score(Fires(name="right", unit=Neuron(layer=0, index=0), **ABOUT))
    assert score.f1.low > 0.9
    assert score.verdict == "inconclusive"  # nothing is expected


def test_wrong(mih_score):
    score = mih_score(Fires(name="wrong", unit=Neuron(layer=0, index=1), **ABOUT))
    assert score.f1.low > 0.9


def test_error(mih_score):
    mih_score(Fires(name="error", unit=Neuron(layer=7, index=1), **ABOUT))


def test_unknown(mih_score):
    mih_score(Fires(name="right", unit=Neuron(layer=0, index=0), **ABOUT)).f2
"""


def test_scores_can_be_asserted_in_a_test_function(tests: Run, project: Path) -> None:
    (project / "test_scores.py").write_text(WITH_SCORES, "utf-8")
    done = tests("test_scores.py")
    done.assert_outcomes(passed=1, failed=3)
    done.stdout.fnmatch_lines(["E*where*= Score(*).low"])
    done.stdout.fnmatch_lines(["*There is no layer 7*"])
    done.stdout.fnmatch_lines(["*there is no score 'f2'; there are pearson, *"])

"""The pytest plugin: `pytest plugins/ --mih` runs hypotheses as tests.

Each hypothesis is an item, `plugins/python_code.py::python-comment[py-gelu-1l L0N417]`, which fails
where an expectation is not met; where its file has a baseline there is a second one,
`python-comment[py-gelu-1l L0N417 baseline]`, which fails where a score fell. All items share one
run of the engine, under pytest-xdist too. What is heavy is imported when there is something to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mi_hypotheses.pytest_items import HypothesisFile
from mi_hypotheses.pytest_run import SHARED, ScoredItem, Workers, margins_of, shared_run

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.reports import Result, Score

_OPTIONS = ("--mih-update", "--mih-update-new", "--mih-fail-on", "--mih-strict")
_IMPORTS = re.compile(r"^\s*(?:from|import)\s+mi_hypotheses\b", re.MULTILINE)


# --- options --------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mih", "hypotheses about models (mi_hypotheses)")
    group.addoption("--mih", action="store_true", help="collect hypotheses and score them")
    group.addoption(
        "--mih-update", action="store_true", help="record what is found as the new baselines"
    )
    group.addoption("--mih-update-new", action="store_true", help="record what is not recorded yet")
    group.addoption(
        "--mih-fail-on",
        action="append",
        default=[],
        metavar="METRIC:MARGIN",
        help="f1:0.05 lets f1 fall by 0.05",
    )
    group.addoption(
        "--mih-strict", action="store_true", help="inconclusive differences fail as well"
    )


def pytest_configure(config: pytest.Config) -> None:
    option = config.getoption
    if not option("--mih"):
        given = [name for name in _OPTIONS if option(name)]
        if given:
            raise pytest.UsageError(f"{given[0]} goes with --mih.")
        return
    if option("--mih-update") and option("--mih-update-new"):
        raise pytest.UsageError("Say either --mih-update or --mih-update-new.")
    if option("--mih-fail-on"):
        margins_of(config)
    if config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Workers(), "mih-workers")


# --- collection -----------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if parent.session.isinitpath(file_path):
        return None  # pytest makes a module of any file that is named: see the next hook
    return _hypothesis_file(file_path, parent)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    return _hypothesis_file(module_path, parent)


def _hypothesis_file(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not parent.config.getoption("--mih") or not _may_hold_hypotheses(path, parent.config):
        return None
    collector: pytest.Collector = HypothesisFile.from_parent(parent, path=path)
    return collector


def _may_hold_hypotheses(path: Path, config: pytest.Config) -> bool:
    """Whether a file is worth running: it is Python, no test, and was named, or lies in a plugin
    directory of the project, or imports this package."""
    name = path.name
    tests = name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
    if path.suffix != ".py" or name[0] in "_." or tests:
        return False
    asked = [config.invocation_params.dir / str(arg).partition("::")[0] for arg in config.args]
    if path in asked:
        return True
    if any(path.is_relative_to(directory) for directory in shared_run(config).settings.plugins):
        return True
    try:
        return _IMPORTS.search(path.read_text("utf-8", "replace")) is not None
    except OSError:
        return False


# --- what the session comes to --------------------------------------------------------------------


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    ours = [item for item in items if isinstance(item, ScoredItem)]
    if ours:
        shared_run(ours[0].config).deselected = True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    shared = session.config.stash.get(SHARED, None)
    if shared is None:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["mih"] = {"written": shared.written, "stale": shared.stale}
    if shared.stale and session.config.getoption("--mih-strict") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    shared = config.stash.get(SHARED, None)
    if shared is not None and shared.written:
        terminalreporter.section("hypotheses: baselines")
        for text in dict.fromkeys(shared.written):
            terminalreporter.write_line(text)


# --- the fixture ----------------------------------------------------------------------------------


class Scores:
    """The scores of a hypothesis on one corpus: `scores.f1.low`, `scores.verdict`."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def __getattr__(self, name: str) -> Score:
        scores: dict[str, Score] = self.result.scores
        if name not in scores:
            raise AttributeError(f"there is no score {name!r}; there are {', '.join(scores)}")
        return scores[name]

    @property
    def verdict(self) -> str:
        """`supported`, `refuted`, `inconclusive`, `undefined` or `error`."""
        return self.result.verdict.status


@pytest.fixture(scope="session")
def mih_score(request: pytest.FixtureRequest) -> Callable[..., Scores]:
    """Score a hypothesis in a test: `assert mih_score(Fires(...)).f1.low > 0.6`.

    With several corpora, `corpus=` says on which; the first where it is not given. A hypothesis
    that cannot be scored fails the test, with the reason.
    """
    shared = shared_run(request.config)

    def score(hypothesis: Hypothesis, *, corpus: str | None = None) -> Scores:
        uri = corpus or hypothesis.corpora[0]
        asked = hypothesis.model_copy(update={"corpora": (uri,)})
        (result,) = shared.score([asked], shared.project).results
        if result.verdict.status == "error":
            pytest.fail("; ".join(result.verdict.reasons), pytrace=False)
        return Scores(result)

    return score

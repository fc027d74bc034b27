"""The pytest plugin: `pytest plugins/ --mih` runs hypotheses as tests.

Each hypothesis is an item, `plugins/python_code.py::python-comment[py-gelu-1l L0N417]`, which fails
where an expectation is not met; where its file has a baseline there is a second one,
`python-comment[py-gelu-1l L0N417 baseline]`, which fails where a score fell. All items share one
run of the engine, under pytest-xdist too. What is heavy is imported when there is something to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mi_hypotheses.failures import Failed

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.regression import Comparison
    from mi_hypotheses.reports import Report, Result, Score

_SHARED = pytest.StashKey["SharedRun"]()
_OPTIONS = ("--mih-update", "--mih-update-new", "--mih-fail-on", "--mih-strict")
_IMPORTS = re.compile(r"^\s*(?:from|import)\s+mi_hypotheses\b", re.MULTILINE)


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
        _margins(config)
    if config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Workers(), "mih-workers")


def _margins(config: pytest.Config) -> dict[str, float]:
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.regression import read_margins

    try:
        return read_margins(config.getoption("--mih-fail-on"), option="--mih-fail-on")
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


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
    if any(path.is_relative_to(directory) for directory in _shared(config).settings.plugins):
        return True
    try:
        return _IMPORTS.search(path.read_text("utf-8", "replace")) is not None
    except OSError:
        return False


class HypothesisFile(pytest.File):
    """A plugin file. What is broken in it is an item that fails, so that the rest still runs."""

    def collect(self) -> Iterator[pytest.Item]:
        from mi_hypotheses.baselines import baseline_path
        from mi_hypotheses.errors import MiHypothesesError

        shared = _shared(self.config)
        try:
            hypotheses, errors = shared.load(self.path)
        except MiHypothesesError as error:
            raise self.CollectError(str(error)) from None
        for number, message in enumerate(errors, start=1):
            yield self._item(BrokenItem, f"[not loaded {number}]", message=message)
        option = self.config.getoption
        recorded = baseline_path(self.path).exists()
        for hypothesis in hypotheses:
            where = f"{hypothesis.model} {hypothesis.unit}"
            yield self._item(HypothesisItem, f"{hypothesis.name}[{where}]", hypothesis=hypothesis)
            if recorded or option("--mih-update") or option("--mih-update-new"):
                name = f"{hypothesis.name}[{where} baseline]"
                yield self._item(BaselineItem, name, hypothesis=hypothesis)

    def _item(self, kind: type[pytest.Item], name: str, **content: object) -> pytest.Item:
        """An item whose node id is read back from the cache as it is: --lf compares them."""
        nodeid = f"{self.nodeid}::{name}"
        made: pytest.Item = kind.from_parent(self, name=name, nodeid=nodeid, **content)
        return made


class BrokenItem(pytest.Item):
    """What could not be loaded of a plugin file."""

    def __init__(self, *, message: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.message = message

    def runtest(self) -> None:
        raise Failed(self.message)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class _Item(pytest.Item):
    """A hypothesis that is scored together with all others of the session."""

    def __init__(self, *, hypothesis: Hypothesis, **rest: Any) -> None:
        super().__init__(**rest)
        self.hypothesis = hypothesis

    @property
    def results(self) -> list[Result]:
        """Its results, one for each corpus."""
        return _shared(self.config).results(self.session, self.hypothesis)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from mi_hypotheses.errors import MiHypothesesError

        if isinstance(excinfo.value, Failed | MiHypothesesError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        _, _, line = self.hypothesis.source.rpartition(":")
        return self.path, max(int(line) - 1, 0) if line.isdecimal() else 0, self.name


class HypothesisItem(_Item):
    """What a hypothesis expects of its scores."""

    def runtest(self) -> None:
        from mi_hypotheses.failures import as_expected, explained

        failures = []
        for result in self.results:
            prefix = f"{result.corpus}." if len(self.results) > 1 else ""
            for name, score in result.scores.items():
                if score.value is not None:
                    self.user_properties.append((f"{prefix}{name}", round(score.value, 5)))
            if not as_expected(result):
                failures.append(explained(result))
        if failures:
            raise Failed("\n\n".join(failures))


class BaselineItem(_Item):
    """What is recorded of a hypothesis."""

    def runtest(self) -> None:
        from mi_hypotheses.failures import told
        from mi_hypotheses.regression import FAILING, FAILING_WHEN_STRICT

        strict = self.config.getoption("--mih-strict")
        failing = FAILING_WHEN_STRICT if strict else FAILING
        compared = _shared(self.config).compared(self.session, self.hypothesis)
        for each in compared:
            self.user_properties.append((f"{each.corpus}.baseline", each.state))
        failures = [told(each) for each in compared if each.state in failing]
        if failures:
            raise Failed("\n\n".join(failures))


# --- one run for all ------------------------------------------------------------------------------


def _shared(config: pytest.Config) -> SharedRun:
    if _SHARED not in config.stash:
        config.stash[_SHARED] = SharedRun(config)
    return config.stash[_SHARED]


class SharedRun:
    """The plugins, the report of all items of a session, and what it says of baselines."""

    def __init__(self, config: pytest.Config) -> None:
        from mi_hypotheses.settings import load_settings

        self.config = config
        self.settings = load_settings()
        self.written: list[str] = []  # what to tell of baselines at the end
        self.deselected = False
        self.stale = False
        self._hypotheses: dict[str, Hypothesis] = {}
        self._report: Report | None = None
        self._failed: str | None = None
        self._compared: list[Comparison] = []

    @cached_property
    def collected(self) -> Plugins:
        """The plugins of the files that pytest has met."""
        from mi_hypotheses.plugins import load_plugins

        return load_plugins(named_corpora=self.settings.corpora)

    @cached_property
    def project(self) -> Plugins:
        """The plugins of the project's own directories, as `mih run` uses them."""
        from mi_hypotheses.plugins import load_plugins

        return load_plugins(directories=self.settings.plugins, named_corpora=self.settings.corpora)

    def load(self, path: Path) -> tuple[list[Hypothesis], list[str]]:
        """The hypotheses of a plugin file, and what is wrong with it."""
        from mi_hypotheses.loading import short_source
        from mi_hypotheses.plugins import load_plugins

        loaded = load_plugins(paths=[str(path)], named_corpora=self.settings.corpora)
        found = loaded.collect()
        self.collected.take(loaded)
        errors, hypotheses = [f"{error.source}: {error.message}" for error in found.errors], []
        for hypothesis in found.hypotheses:
            first = self._hypotheses.setdefault(hypothesis.name, hypothesis)
            if (first.source, first.hash) == (hypothesis.source, hypothesis.hash):
                hypotheses.append(hypothesis)
            else:
                errors.append(
                    f"{short_source(hypothesis.source)}: The name {hypothesis.name!r} belongs to "
                    f"the hypothesis at {short_source(first.source)}, which is the one that is "
                    "used. Give this one another name."
                )
        return hypotheses, errors

    def results(self, session: pytest.Session, hypothesis: Hypothesis) -> list[Result]:
        """The results of one of the session's hypotheses."""
        report = self._run(session)
        return [
            result
            for result in report.results
            if (result.name, result.hypothesis_hash) == (hypothesis.name, hypothesis.hash)
        ]

    def compared(self, session: pytest.Session, hypothesis: Hypothesis) -> list[Comparison]:
        """How the results of one of the session's hypotheses compare with its baseline."""
        self._run(session)
        return [each for each in self._compared if each.name == hypothesis.name]

    def _run(self, session: pytest.Session) -> Report:
        """The report of all items, made once; its failure is that of every item."""
        from mi_hypotheses.errors import MiHypothesesError

        if self._failed is not None:
            raise Failed(self._failed)
        if self._report is None:
            items = [item for item in session.items if isinstance(item, _Item)]
            hypotheses = list({item.hypothesis.hash: item.hypothesis for item in items}.values())
            whole = self._complete(session)
            try:
                with self._alone() as directory:
                    self._report = self._made(hypotheses, directory)
                    self._check(self._report, hypotheses, whole=whole)
            except MiHypothesesError as error:
                self._failed = str(error)
                raise Failed(self._failed) from None
        return self._report

    def _complete(self, session: pytest.Session) -> bool:
        """Whether nothing was deselected or picked by name."""
        config = session.config
        picked = any("::" in str(arg) for arg in config.args)
        chosen = config.getoption("keyword") or config.getoption("lf", default=False)
        return not (self.deselected or picked or chosen)

    def score(self, hypotheses: Sequence[Hypothesis], plugins: Plugins) -> Report:
        """Run the engine with the project's settings and the user's cache."""
        from mi_hypotheses.cache import Cache, default_directory
        from mi_hypotheses.engine import RunOptions, run

        said = self.settings
        options = RunOptions(
            device=said.device,
            dtype=said.dtype,
            seed=said.seed,
            limit=said.limit,
            limit_tokens=said.limit_tokens,
            batch_size=said.batch_size,
            min_context=said.min_context,
            untrained=said.untrained,
        )
        cache = Cache(said.cache_dir or default_directory(), limit_bytes=said.cache_size)
        return run(hypotheses, options=options, cache=cache, plugins=plugins, command="pytest")

    @contextmanager
    def _alone(self) -> Iterator[Path | None]:
        """The directory that the workers of pytest-xdist share, no other being in here; None
        where there are no workers. The lock of a worker that dies goes with it."""
        worker: Mapping[str, Any] = getattr(self.config, "workerinput", {})
        directory = Path(worker["mih_directory"]) if "mih_directory" in worker else None
        if directory is None or not directory.is_dir():
            yield None
            return
        import fcntl

        with (directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield directory

    def _made(self, hypotheses: Sequence[Hypothesis], directory: Path | None) -> Report:
        """The report: of the worker that came first, or made now."""
        from mi_hypotheses.reports import read_report, write_atomically

        kept = None if directory is None else directory / "report.json"
        if kept is not None and kept.exists():
            return read_report(kept)
        report = self.score(hypotheses, self.collected)
        if kept is not None:
            write_atomically(kept, report.model_dump_json())
        return report

    def _check(self, report: Report, hypotheses: Sequence[Hypothesis], *, whole: bool) -> None:
        from mi_hypotheses.baselines import Baselines
        from mi_hypotheses.failures import told
        from mi_hypotheses.loading import short_path
        from mi_hypotheses.regression import measured

        files = {h.name: Path(h.source.rpartition(":")[0]) for h in hypotheses}
        baselines = Baselines(files, whole=whole)
        found, margins = measured(report), _margins(self.config)
        compared = baselines.check(found, margins=margins)
        option = self.config.getoption
        update, only_new = option("--mih-update"), option("--mih-update-new")
        if update or only_new:
            written = baselines.update(found, only_new=only_new)
            if written:
                self.written += [told(each) for each in compared if each.state != "held"]
            self.written += [f"recorded {short_path(path)}" for path in written]
            compared = Baselines(files, whole=whole).check(found, margins=margins)
        self._compared = compared
        stale = [told(each) for each in compared if each.state == "stale"]
        self.written += stale
        self.stale = bool(stale)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    ours = [item for item in items if isinstance(item, _Item)]
    if ours:
        _shared(ours[0].config).deselected = True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    shared = session.config.stash.get(_SHARED, None)
    if shared is None:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["mih"] = {"written": shared.written, "stale": shared.stale}
    if shared.stale and session.config.getoption("--mih-strict") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    shared = config.stash.get(_SHARED, None)
    if shared is not None and shared.written:
        terminalreporter.section("hypotheses: baselines")
        for text in dict.fromkeys(shared.written):
            terminalreporter.write_line(text)


class _Workers:
    """Gives the workers of pytest-xdist a directory to share, and tells what they wrote."""

    def __init__(self) -> None:
        self.directory: str | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        import tempfile

        self.directory = self.directory or tempfile.mkdtemp(prefix="mih-xdist-")
        node.workerinput["mih_directory"] = self.directory

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", None) or {}  # none of a worker that died
        shared, found = _shared(node.config), output.get("mih", {})
        shared.written += found.get("written", [])
        shared.stale |= found.get("stale", False)

    def pytest_unconfigure(self) -> None:
        import shutil

        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)


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
    shared = _shared(request.config)

    def score(hypothesis: Hypothesis, *, corpus: str | None = None) -> Scores:
        uri = corpus or hypothesis.corpora[0]
        asked = hypothesis.model_copy(update={"corpora": (uri,)})
        (result,) = shared.score([asked], shared.project).results
        if result.verdict.status == "error":
            pytest.fail("; ".join(result.verdict.reasons), pytrace=False)
        return Scores(result)

    return score

"""The pytest plugin: `pytest plugins/ --mih` runs hypotheses as tests.

Each hypothesis is an item, `plugins/python_code.py::python-comment[py-gelu-1l L0N417]`, which fails
where an expectation is not met; where its file has a baseline there is a second one,
`python-comment[py-gelu-1l L0N417 baseline]`, which fails where a score fell. All items share one
run of the engine, under pytest-xdist too. What is heavy is imported when there is something to do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mi_hypotheses.hypotheses import Hypothesis
    from mi_hypotheses.plugins import Plugins
    from mi_hypotheses.regression import Comparison
    from mi_hypotheses.reports import Report, Result, Score

_SHARED = pytest.StashKey["SharedRun"]()


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
    if config.getoption("--mih-update") and config.getoption("--mih-update-new"):
        raise pytest.UsageError("Say either --mih-update or --mih-update-new.")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not parent.config.getoption("--mih") or not _may_hold_hypotheses(file_path):
        return None
    collector: pytest.Collector = HypothesisFile.from_parent(parent, path=file_path)
    return collector


def _may_hold_hypotheses(path: Path) -> bool:
    """Whether a file is worth importing: it is Python, no test, and names this package."""
    name = path.name
    if path.suffix != ".py" or name.startswith(("_", "test_")) or name == "conftest.py":
        return False
    try:
        return "mi_hypotheses" in path.read_text("utf-8", "replace")
    except OSError:
        return False


class HypothesisFile(pytest.File):
    """A plugin file."""

    def collect(self) -> Iterator[pytest.Item]:
        from mi_hypotheses.baselines import baseline_path
        from mi_hypotheses.errors import MiHypothesesError

        shared = _shared(self.config)
        try:
            collected = shared.load(self.path)
        except MiHypothesesError as error:
            raise self.CollectError(str(error)) from None
        if collected.errors:
            raise self.CollectError(
                "\n".join(f"{error.source}: {error.message}" for error in collected.errors)
            )
        recording = self.config.getoption("--mih-update") or self.config.getoption(
            "--mih-update-new"
        )
        for hypothesis in collected.hypotheses:
            where = f"{hypothesis.model} {hypothesis.unit}"
            yield HypothesisItem.from_parent(
                self, name=f"{hypothesis.name}[{where}]", hypothesis=hypothesis
            )
            if recording or baseline_path(self.path).exists():
                yield BaselineItem.from_parent(
                    self, name=f"{hypothesis.name}[{where} baseline]", hypothesis=hypothesis
                )


class Failed(Exception):  # noqa: N818 (pytest's own is called so)
    """A hypothesis that failed; the message is the whole report."""


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
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        _, _, line = self.hypothesis.source.rpartition(":")
        return self.path, max(int(line) - 1, 0), self.name


class HypothesisItem(_Item):
    """What a hypothesis expects of its scores."""

    def runtest(self) -> None:
        told = []
        for result in self.results:
            prefix = f"{result.corpus}." if len(self.results) > 1 else ""
            for name, score in result.scores.items():
                if score.value is not None:
                    self.user_properties.append((f"{prefix}{name}", round(score.value, 5)))
            if not _as_expected(result):
                told.append(_explained(result))
        if told:
            raise Failed("\n\n".join(told))


class BaselineItem(_Item):
    """What is recorded of a hypothesis."""

    def runtest(self) -> None:
        from mi_hypotheses.regression import FAILING, FAILING_WHEN_STRICT

        strict = self.config.getoption("--mih-strict")
        failing = FAILING_WHEN_STRICT if strict else FAILING
        compared = _shared(self.config).compared(self.session, self.hypothesis)
        for each in compared:
            self.user_properties.append((f"{each.corpus}.baseline", each.state))
        told = [_told(each) for each in compared if each.state in failing]
        if told:
            raise Failed("\n\n".join(told))


def _as_expected(result: Result) -> bool:
    status = result.verdict.status
    return status == "supported" or (not result.expect and status not in ("error", "undefined"))


def _explained(result: Result) -> str:
    """What was expected and found, the floors, and where claim and model differ most."""
    from mi_hypotheses.metrics import with_interval

    lines = [
        f"{result.name}: {result.claim}",
        f"{result.unit} of {result.model} on {result.corpus} is {result.verdict.status}",
    ]
    for bar in result.expect:
        score = result.scores.get(bar.metric)
        found = bar.metric if score is None else with_interval(bar.metric, score)
        lines.append(f"  {found}, expected at least {bar.at_least:g}: {bar.status}")
        floors = {
            key.partition(".")[2]: value
            for key, value in result.floors.items()
            if key.partition(".")[0] == bar.metric and value is not None
        }
        if floors:
            told = ", ".join(f"{rival} {value:.2f}" for rival, value in floors.items())
            lines.append(f"    floors: {told}")
    if not result.expect or not result.scores:
        lines += [f"  {reason}" for reason in result.verdict.reasons]
    worst = _worst(result)
    if worst:
        lines += ["  where they differ:", *(f"    {place}" for place in worst)]
    return "\n".join(lines)


def _worst(result: Result) -> list[str]:
    """Three documents in which claim and unit differ, with a line of each."""
    if result.attention is not None:
        missed = [(e.document, e.line, e.tokens, e.query) for e in result.attention.missed]
    else:
        wrong = (*result.examples.false_positives, *result.examples.false_negatives)
        missed = [(e.document, e.line, e.tokens, e.focus) for e in wrong]
    found: dict[str, str] = {}
    for document, line, tokens, focus in missed:
        near = tokens[max(focus - 6, 0) : focus]
        text = "".join(token.text for token in near) + f"»{tokens[focus].text}«"
        found.setdefault(document, f"{document}:{line}: {' '.join(text.split())}")
    return [*found.values()][:3]


def _told(each: Comparison) -> str:
    """A comparison in a few lines."""
    from mi_hypotheses.differences import change_text

    lines = [f"{each.name} on {each.corpus}: {each.state}"]
    for difference in each.differences:
        lines.append(f"  {difference.metric}: {change_text(difference)}")
    return "\n".join([*lines, *(f"  {reason}" for reason in each.reasons)])


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
        self._plugins: Plugins | None = None
        self._report: Report | None = None
        self._compared: list[Comparison] = []
        self.written: list[Path] = []

    def load(self, path: Path) -> Any:
        """The hypotheses of a plugin file, with what is wrong with it."""
        from mi_hypotheses.plugins import load_plugins

        self._plugins = load_plugins(paths=[str(path)], named_corpora=self.settings.corpora)
        return self._plugins.collect()

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
        if self._report is None:
            items = [item for item in session.items if isinstance(item, _Item)]
            hypotheses = list({item.hypothesis.hash: item.hypothesis for item in items}.values())
            self._report = self._once(lambda: self.score(hypotheses))
            self._check(hypotheses, complete=self._complete(session))
        return self._report

    @staticmethod
    def _complete(session: pytest.Session) -> bool:
        """Whether nothing was deselected or picked by name."""
        deselected = session.testscollected != len(session.items)
        return not deselected and not any("::" in str(arg) for arg in session.config.args)

    def score(self, hypotheses: Sequence[Hypothesis]) -> Report:
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
        return run(hypotheses, options=options, cache=cache, plugins=self._plugins)

    def _once(self, make: Callable[[], Report]) -> Report:
        """What `make` gives, made by one worker of pytest-xdist and read by the others."""
        from mi_hypotheses.reports import read_report, write_atomically

        worker: Mapping[str, Any] | None = getattr(self.config, "workerinput", None)
        if worker is None:
            return make()
        directory = Path(worker["mih_directory"])
        done, claim = directory / "report.json", directory / "owner"
        try:
            os.close(os.open(claim, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            while not done.exists():
                if (directory / "failed").exists():
                    raise Failed((directory / "failed").read_text("utf-8")) from None
                time.sleep(0.05)
            return read_report(done)
        try:
            report = make()
        except BaseException as error:
            write_atomically(directory / "failed", f"{type(error).__name__}: {error}")
            raise
        write_atomically(done, report.model_dump_json())
        return report

    def _check(self, hypotheses: Sequence[Hypothesis], *, complete: bool) -> None:
        from mi_hypotheses.baselines import Baselines
        from mi_hypotheses.regression import measured, read_margins

        assert self._report is not None  # it was just made
        files = {h.name: Path(h.source.rpartition(":")[0]) for h in hypotheses}
        baselines = Baselines(files, whole=complete)
        found = measured(self._report)
        option = self.config.getoption
        update, only_new = option("--mih-update"), option("--mih-update-new")
        if update or only_new:
            self.written = baselines.update(found, only_new=only_new)
            baselines = Baselines(files, whole=complete)
        margins = read_margins(option("--mih-fail-on"), option="--mih-fail-on")
        self._compared = baselines.check(found, margins=margins)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _SHARED in config.stash:
        for path in config.stash[_SHARED].written:
            terminalreporter.write_line(f"mih: recorded {path}")


class _Workers:
    """Gives the workers of pytest-xdist a directory to share."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        import tempfile

        if not hasattr(self, "directory"):
            self.directory = tempfile.mkdtemp(prefix="mih-xdist-")
        node.workerinput["mih_directory"] = self.directory

    def pytest_unconfigure(self) -> None:
        import shutil

        shutil.rmtree(getattr(self, "directory", ""), ignore_errors=True)


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    if manager.hasplugin("xdist") and not manager.hasplugin("mih-workers"):
        manager.register(_Workers(), "mih-workers")


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
        (result,) = shared.score([asked]).results
        if result.verdict.status == "error":
            pytest.fail("; ".join(result.verdict.reasons), pytrace=False)
        return Scores(result)

    return score

"""One run of the engine for all hypotheses of a pytest session, under pytest-xdist too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    from mi_hypotheses.reports import Report, Result

SHARED = pytest.StashKey["SharedRun"]()


class ScoredItem(pytest.Item):
    """A hypothesis that is scored together with all others of the session."""

    def __init__(self, *, hypothesis: Hypothesis, **rest: Any) -> None:
        super().__init__(**rest)
        self.hypothesis = hypothesis
        limits = self.config.pluginmanager.hasplugin("timeout")  # pytest-timeout
        if limits and self.config.getoption("timeout", None) is None:
            self.add_marker(pytest.mark.timeout(0))  # the first waits for the run of all

    @property
    def results(self) -> list[Result]:
        """Its results, one for each corpus."""
        return shared_run(self.config).results(self.session, self.hypothesis)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from mi_hypotheses.errors import MiHypothesesError

        if isinstance(excinfo.value, Failed | MiHypothesesError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        _, _, line = self.hypothesis.source.rpartition(":")
        return self.path, max(int(line) - 1, 0) if line.isdecimal() else 0, self.name


def margins_of(config: pytest.Config) -> dict[str, float]:
    """How far each metric may fall, as `--mih-fail-on` says.

    Raises:
        pytest.UsageError: it says something else.
    """
    from mi_hypotheses.errors import UsageError
    from mi_hypotheses.regression import read_margins

    try:
        return read_margins(config.getoption("--mih-fail-on"), option="--mih-fail-on")
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def shared_run(config: pytest.Config) -> SharedRun:
    """The one run of the session, made when first asked for."""
    if SHARED not in config.stash:
        config.stash[SHARED] = SharedRun(config)
    return config.stash[SHARED]


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
            items = [item for item in session.items if isinstance(item, ScoredItem)]
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
        found, margins = measured(report), margins_of(self.config)
        option = self.config.getoption
        update, only_new = option("--mih-update"), option("--mih-update-new")
        compared = baselines.check(found, margins=margins, recording=update or only_new)
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


class Workers:
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
        shared, found = shared_run(node.config), output.get("mih", {})
        shared.written += found.get("written", [])
        shared.stale |= found.get("stale", False)

    def pytest_unconfigure(self) -> None:
        import shutil

        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)

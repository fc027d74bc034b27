"""The plugin manager: finds plugins, keeps their mistakes apart, and is alone in calling hooks.

Plugins are found in this order: built-in, entry points of the group `mi_hypotheses`, the
directories named in `[tool.mi_hypotheses]` (only where no path is given), the paths of the
command line, and `-p MODULE`; `-p no:NAME` keeps one out. Where paths are given, hypotheses come
from these and from `-p` modules; the hooks of installed plugins work all the same.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mi_hypotheses.errors import (
    PluginError,
    UnknownNameError,
    UsageError,
    did_you_mean,
    unknown_name,
)
from mi_hypotheses.hooks import Hooks, Named, Origin, kind_of
from mi_hypotheses.hypotheses import Attends, Hypothesis
from mi_hypotheses.loading import explain, load_file, short_path, short_source
from mi_hypotheses.reports import LoadError, Report
from mi_hypotheses.selection import Selection, keyword_matcher, parse_selection

if TYPE_CHECKING:
    import click

    from mi_hypotheses.corpora import Corpus
    from mi_hypotheses.head_scores import HeadMetric
    from mi_hypotheses.metrics import Metric
    from mi_hypotheses.models import Model

GROUP = "mi_hypotheses"
_BUILTIN = "mi_hypotheses.builtin"  # by name, as it stands on a higher floor than this module

DIRECTORIES_FROM = "plugins in [tool.mi_hypotheses] of pyproject.toml"


@dataclass(frozen=True)
class Collected:
    """The hypotheses to run, in order, and what could not be loaded.

    `left_out` counts the hypotheses that did not match the keyword.
    """

    hypotheses: tuple[Hypothesis, ...]
    errors: tuple[LoadError, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Listed:
    """A plugin as `mih plugins` shows it."""

    name: str
    origin: Origin
    location: str
    hooks: tuple[str, ...]
    hypotheses: int


class Plugins:
    """The plugins of one run; made by `load_plugins`."""

    def __init__(self, *, blocked: Iterable[str] = ()) -> None:
        self._hooks = Hooks()
        self._plugins = self._hooks.plugins
        self._errors = self._hooks.errors
        self._selections: list[Selection] = []
        self._blocked = dict.fromkeys(blocked, False)  # name -> whether there was such a plugin

    def collect(self, *, keyword: str | None = None) -> Collected:
        """The hypotheses that were selected, and every mistake that was met on the way.

        Args:
            keyword: keep those for which this expression, as in `pytest -k`, holds over name,
                claim and model.

        Raises:
            UsageError: the expression cannot be read, or a path has no hypothesis of the name.
        """
        matches = keyword_matcher(keyword) if keyword else None
        hypotheses: dict[str, Hypothesis] = {}
        errors: list[LoadError] = []
        left_out = 0
        self.metrics()  # mistakes in them are told even where no hypothesis uses them
        for hypothesis in self._selected():
            words = f"{hypothesis.name}\n{hypothesis.claim}\n{hypothesis.model}"
            if matches is not None and not matches(words):
                left_out += 1
                continue
            first = hypotheses.get(hypothesis.name)
            if first is not None:
                errors += _duplicate(first, hypothesis)
                continue
            wrong = list(self.mistakes(hypothesis))
            errors += wrong
            if not wrong:
                hypotheses[hypothesis.name] = hypothesis
        return Collected(tuple(hypotheses.values()), (*self._errors, *errors), left_out)

    def mistakes(self, hypothesis: Hypothesis) -> Iterator[LoadError]:
        """What a hypothesis expects that no metric gives."""
        if isinstance(hypothesis, Attends):
            subject, fitting = "heads", [metric.name for metric in self.head_metrics()]
        else:
            kind = hypothesis.on.label_kind
            subject = f"{kind} labels"
            fitting = [m.name for m in self.metrics() if m.applies(kind)]
        for name in hypothesis.expect:
            if name in fitting:
                continue
            problem = f"is no metric for {subject}" if name in self._metrics else "is no metric"
            yield LoadError(
                source=short_source(hypothesis.source),
                message=f"The hypothesis {hypothesis.name!r} expects {name!r}, which {problem}. "
                + did_you_mean(name, fitting),
            )

    def corpus(self, uri: str) -> Corpus | None:
        """The corpus at `uri`, from the first plugin that knows it.

        Raises:
            CorpusError: nothing knows the URI, or it cannot be read.
            PluginError: a plugin failed on it.
        """
        corpus: Corpus | None = self._hooks.first("mi_corpus", uri)
        if corpus is not None and not callable(getattr(corpus, "documents", None)):
            raise PluginError(
                f"A plugin's hook 'mi_corpus' returned {kind_of(corpus)} for {uri!r}, which is no "
                "corpus: it has no method documents()."
            )
        return corpus

    def load_model(self, reference: str) -> Model | None:
        """The model called `reference`, from the first plugin that knows it, or None.

        Shipped models, directories and hub names are found by `models.resolve`.

        Raises:
            PluginError: a plugin failed on it.
        """
        model: Model | None = self._hooks.first("mi_load_model", reference)
        return model

    def metrics(self) -> list[Metric]:
        """All metrics of neurons, the built-in ones first."""
        from mi_hypotheses.metrics import Metric

        return [metric for metric in self._metrics.values() if isinstance(metric, Metric)]

    def head_metrics(self) -> list[HeadMetric]:
        """All metrics of heads, the built-in ones first."""
        from mi_hypotheses.head_scores import HeadMetric

        return [metric for metric in self._metrics.values() if isinstance(metric, HeadMetric)]

    def report_writers(self) -> dict[str, Callable[[Report], str]]:
        """What writes a report, by the name of the format."""
        writers: dict[str, Callable[[Report], str]] = {}
        for plugin, result in self._hooks.results("mi_report_writers"):
            try:
                found = {**result}
            except Exception:  # no mapping, or one that fails
                found = None
            if found is None or not all(map(callable, found.values())):
                self._hooks.wrong_result(
                    plugin, "mi_report_writers", result, "a mapping of formats to functions"
                )
                continue
            writers = {**{str(name): writer for name, writer in found.items()}, **writers}
        return writers

    def commands(self) -> list[click.Command]:
        """The commands that installed plugins add to `mih`."""
        import click

        return [
            command
            for plugin, command in self._hooks.items("mi_commands", click.Command, "click commands")
            if plugin.origin == "entry point" and command.name
        ]

    def errors(self) -> tuple[LoadError, ...]:
        """What could not be loaded so far."""
        return tuple(self._errors)

    def listing(self) -> list[Listed]:
        """Every plugin, in the order they were found."""
        return [
            Listed(
                name=plugin.name,
                origin=plugin.origin,
                location=plugin.location,
                hooks=self._hooks.implemented(plugin),
                hypotheses=len(self._hypotheses[plugin.name]),
            )
            for plugin in self._plugins.values()
        ]

    def take(self, other: Plugins) -> None:
        """Use the plugins that another has loaded as well."""
        for plugin in other._plugins.values():
            if plugin.name not in self._plugins:
                self._hooks.register(plugin.module, name=plugin.name, origin=plugin.origin)

    # Finding plugins.

    def _admits(self, *names: str) -> bool:
        """Whether no name of a plugin is kept out by `-p no:NAME`."""
        stopped = [name for name in names if name in self._blocked]
        self._blocked.update(dict.fromkeys(stopped, True))
        return not stopped

    def _load_entry_points(self) -> None:
        points = {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}
        for name, point in sorted(points.items()):
            if not self._admits(name, point.value):
                continue
            try:
                module = point.load()
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                owner = f" of {point.dist.name}" if point.dist else ""
                found = explain(error, file=None, what=f"the entry point {name!r}{owner}")
                self._errors.append(found)
                continue
            self._hooks.register(module, name=name, origin="entry point")

    def _load_files(self, selection: Selection, origin: Origin) -> None:
        for file in selection.files():
            name = short_path(file)
            if name in self._plugins or not self._admits(name, file.stem):
                continue
            loaded = load_file(file)
            self._errors += loaded.errors
            if loaded.module is not None:
                self._hooks.register(loaded.module, name=name, origin=origin)

    def _load_directory(self, directory: Path, *, named_in: str) -> None:
        try:
            selection = parse_selection(str(directory))
        except UsageError as error:
            message = f"{error} Mend the setting, or make the directory."
            self._errors.append(LoadError(source=named_in, message=message))
            return
        self._load_files(selection, "directory")

    def _load_module(self, name: str) -> None:
        try:
            module = importlib.import_module(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._errors.append(explain(error, file=None, what=f"-p {name}"))
            return
        self._hooks.register(module, name=name, origin="module")

    def _check_blocked(self) -> None:
        unused = [name for name, found in self._blocked.items() if not found]
        if unused:
            available = [plugin for plugin in self._plugins if plugin != "built-in"]
            raise unknown_name("plugin", unused[0], available)

    # Collecting hypotheses.

    @cached_property
    def _hypotheses(self) -> dict[str, list[Named]]:
        """By plugin: those at module level in the order of their lines, then those of the hook."""
        made: dict[str, list[Named]] = {name: [] for name in self._plugins}
        for plugin, hypothesis in self._hooks.items("mi_hypotheses", Hypothesis, "hypotheses"):
            made[plugin.name].append(("", hypothesis))
        return {
            name: [*plugin.at_module_level(), *made[name]] for name, plugin in self._plugins.items()
        }

    def _selected(self) -> Iterator[Hypothesis]:
        seen: set[int] = set()
        for hypothesis in self._chosen():
            if id(hypothesis) not in seen:
                seen.add(id(hypothesis))
                yield hypothesis

    def _chosen(self) -> Iterator[Hypothesis]:
        for selection in self._selections:
            yield from self._in(selection)
        for plugin in self._plugins.values():
            if not self._selections or plugin.origin == "module":
                yield from (hypothesis for _, hypothesis in self._hypotheses[plugin.name])

    def _in(self, selection: Selection) -> list[Hypothesis]:
        """The hypotheses in the files of a selection, the named one only where it has a name."""
        files = set(selection.files())
        inside = [
            named
            for plugin in self._plugins.values()
            if plugin.file in files
            for named in self._hypotheses[plugin.name]
        ]
        if selection.name is None:
            return [hypothesis for _, hypothesis in inside]
        found = [h for variable, h in inside if selection.name in (variable, h.name)]
        broken = {short_path(file) for file in files}
        if not found and not any(e.source.rpartition(":")[0] in broken for e in self._errors):
            raise UnknownNameError(
                f"There is no hypothesis {selection.name!r} in {short_path(selection.path)}. "
                + did_you_mean(selection.name, {hypothesis.name for _, hypothesis in inside})
            )
        return found

    @cached_property
    def _metrics(self) -> dict[str, Metric | HeadMetric]:
        from mi_hypotheses.head_scores import HeadMetric
        from mi_hypotheses.metrics import Metric

        metrics: dict[str, Metric | HeadMetric] = {}
        for plugin, metric in self._hooks.items("mi_metrics", (Metric, HeadMetric), "metrics"):
            if metric.name in metrics:
                message = (
                    f"The plugin {plugin.name!r} brings a metric {metric.name!r}, which there "
                )
                message += "is already; the first one is used. Give it another name."
                self._errors.append(LoadError(source=plugin.location, message=message))
            else:
                metrics[metric.name] = metric
        return metrics


def _duplicate(first: Hypothesis, second: Hypothesis) -> Iterator[LoadError]:
    """The error for a second hypothesis of a name, none where it is the same one read twice."""
    if (first.source, first.hash) != (second.source, second.hash):
        yield LoadError(
            source=short_source(second.source),
            message=f"The name {second.name!r} belongs to the hypothesis at "
            f"{short_source(first.source)}, which is the one that is used. Give this one another "
            "name.",
        )


def load_plugins(
    *,
    paths: Sequence[str] = (),
    modules: Sequence[str] = (),
    directories: Sequence[Path] = (),
    directories_from: str = DIRECTORIES_FROM,
    named_corpora: Sequence[Path] = (),
    entry_points: bool = True,
) -> Plugins:
    """Find and load all plugins; mistakes in them are kept for `Plugins.collect`.

    Args:
        paths: `PATH` or `PATH::NAME`, as on the command line.
        modules: what `-p` was given: `MODULE` to load one, `no:NAME` to keep one out.
        directories: directories or files to load where no path is given.
        directories_from: where they are named, for the message about one that is not there.
        named_corpora: directories of corpora that have a name.
        entry_points: whether to load installed plugins.

    Raises:
        UsageError: a path does not exist, or `no:NAME` names no plugin.
    """
    blocked = [name.removeprefix("no:") for name in modules if name.startswith("no:")]
    plugins = Plugins(blocked=blocked)
    builtin = importlib.import_module(_BUILTIN).Builtin(named_corpora)
    plugins._hooks.register(builtin, name="built-in", origin="built-in")
    if entry_points:
        plugins._load_entry_points()
    plugins._selections = [parse_selection(path) for path in paths]
    for selection in plugins._selections:
        plugins._load_files(selection, "path")
    if not paths:
        for directory in directories:
            plugins._load_directory(directory, named_in=directories_from)
    wanted = [name for name in modules if not name.startswith("no:")]
    if wanted and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # as `python -m` has it
    for name in wanted:
        plugins._load_module(name)
    plugins._check_blocked()
    return plugins

"""Registered plugins, and calls of their hooks.

Nowhere else are hooks called. A wrong hook is left out and reported; a plugin that fails takes
no other along, as each is called by itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pluggy

from mi_hypotheses import hookspecs
from mi_hypotheses.errors import MiHypothesesError, PluginError, did_you_mean
from mi_hypotheses.hypotheses import Hypothesis
from mi_hypotheses.loading import explain, short_path
from mi_hypotheses.reports import LoadError

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("mi_"))

Origin = Literal["built-in", "entry point", "directory", "path", "module"]
Named = tuple[str, Hypothesis]  # a variable's name, "" where there is none, and what it holds


@dataclass(frozen=True, eq=False)
class Plugin:
    """A registered plugin; `file` is the Python file it was written in, where there is one."""

    name: str
    origin: Origin
    module: object
    file: Path | None

    @property
    def location(self) -> str:
        """The file, short."""
        return short_path(self.file) if self.file else self.name

    def at_module_level(self) -> list[Named]:
        """The hypotheses that the module's variables hold, alone or in lists, tuples and dicts,
        in the order of their lines."""
        found: list[Named] = []
        variables = vars(self.module) if isinstance(self.module, ModuleType) else {}
        for variable, value in list(variables.items()):
            if _is_hypothesis(value):
                found.append((variable, value))
            elif issubclass(type(value), list | tuple):
                found += [("", item) for item in value if _is_hypothesis(item)]
            elif issubclass(type(value), dict):
                found += [("", item) for item in value.values() if _is_hypothesis(item)]
        return sorted(found, key=self._line)

    def _line(self, named: Named) -> int:
        where, _, number = named[1].source.rpartition(":")
        return int(number) if where == str(self.file) else 0


def _is_hypothesis(value: object) -> bool:
    return issubclass(type(value), Hypothesis)  # isinstance would ask proxies, which can raise


class _CheckingManager(pluggy.PluginManager):
    """pluggy's manager; `mistakes` collects the hooks that were left out."""

    def __init__(self) -> None:
        super().__init__(hookspecs.PROJECT)
        self.add_hookspecs(hookspecs)
        self.mistakes: list[LoadError] = []

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """The options of a hook that can be called, None for anything else."""
        try:
            options = super().parse_hookimpl_opts(plugin, name)
            function = inspect.getattr_static(plugin, name, None)
            if not inspect.isroutine(function):
                return options
        except Exception:  # a variable that cannot even be looked at, as some proxies
            return None
        problem = _problem(name, function, options)
        if problem is None:
            return options
        self.mistakes.append(LoadError(source=source_of(function), message=problem))
        return None


def _problem(
    name: str, function: Callable[..., object], options: pluggy.HookimplOpts | None
) -> str | None:
    if options is None:
        if name not in HOOKS or function.__module__ == hookspecs.__name__:
            return None
        return (
            f"The function {name!r} is named like a hook: write @hookimpl above it, or rename it."
        )
    hook = options["specname"] or name
    if hook not in HOOKS:
        return f"There is no hook named {hook!r}, so it is not called. {did_you_mean(hook, HOOKS)}"
    if options["wrapper"] or options["hookwrapper"]:
        return f"The hook {name!r} is written as a wrapper, which is never called here."
    known = list(inspect.signature(getattr(hookspecs, hook)).parameters)
    taken = [argument for argument in inspect.signature(function).parameters if argument != "self"]
    wrong = [argument for argument in taken if argument not in known]
    if not wrong:
        return None
    takes = f"It can take {', '.join(known)}." if known else "It takes no argument."
    return f"The hook {name!r} asks for an argument {wrong[0]!r}, which it is not given. {takes}"


def source_of(function: Callable[..., object]) -> str:
    """`file:line` of a function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return str(getattr(function, "__module__", "<unknown>"))
    return f"{short_path(code.co_filename)}:{code.co_firstlineno}"


class Hooks:
    """All plugins by name, in the order they were found, and `errors`: what is wrong in them."""

    def __init__(self) -> None:
        self._manager = _CheckingManager()
        self.plugins: dict[str, Plugin] = {}
        self.errors: list[LoadError] = []

    def register(self, module: object, *, name: str, origin: Origin) -> None:
        """Take in a plugin: a module, or an object whose methods are hooks."""
        if self._manager.is_registered(module):
            return
        where = getattr(module, "__file__", None)
        plugin = Plugin(name, origin, module, Path(where) if isinstance(where, str) else None)
        try:
            self._manager.register(module, name=name)
        except Exception as error:  # an object whose attributes raise, say
            self.errors.append(explain(error, file=plugin.file, what=f"the plugin {name!r}"))
            return
        self.errors += self._manager.mistakes
        self._manager.mistakes.clear()
        self.plugins[name] = plugin
        if origin not in ("built-in", "entry point") and "mi_commands" in self.implemented(plugin):
            self._report(
                plugin,
                "mi_commands",
                "is called for installed plugins only, so that mih --help is quick: install this "
                "module with an entry point of the group 'mi_hypotheses'.",
            )

    def implemented(self, plugin: Plugin) -> tuple[str, ...]:
        """The hooks that a plugin implements."""
        return tuple(hook for hook in HOOKS if self._implementation(plugin, hook))

    def _implementation(self, plugin: Plugin, hook: str) -> pluggy.HookImpl | None:
        found = getattr(self._manager.hook, hook).get_hookimpls()
        return next((each for each in found if each.plugin is plugin.module), None)

    def first(self, hook: str, argument: str) -> Any:
        """What the first plugin that knows the `argument` returns, the latest plugin asked first.

        Raises:
            PluginError: a plugin failed on it.
        """
        for found in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            plugin = self.plugins[found.plugin_name]
            try:
                result = found.function(*(argument for _ in found.argnames))
            except (MiHypothesesError, KeyboardInterrupt):
                raise
            except BaseException as error:
                what = f"the hook {hook!r} of the plugin {plugin.name!r}"
                problem = explain(error, file=plugin.file, what=what)
                raise PluginError(f"{problem.source}: {problem.message}") from error
            if result is not None:
                return result
        return None

    def results(self, hook: str) -> Iterator[tuple[Plugin, Any]]:
        """What each plugin returns."""
        for found in getattr(self._manager.hook, hook).get_hookimpls():
            plugin = self.plugins[found.plugin_name]
            try:
                result = found.function()
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._failed(plugin, hook, error)
            else:
                yield plugin, result

    def items(self, hook: str, wanted: Any, what: str) -> Iterator[tuple[Plugin, Any]]:
        """Each thing that each plugin returns, where it is of the type that is wanted."""
        for plugin, result in self.results(hook):
            if not isinstance(result, Iterable) or isinstance(result, str):
                self.wrong_result(plugin, hook, result, f"several {what}, as in a list")
                continue
            for item in self._each(plugin, hook, result):
                if issubclass(type(item), wanted):
                    yield plugin, item
                else:
                    self.wrong_result(plugin, hook, item, f"{what} only")

    def _each(self, plugin: Plugin, hook: str, result: Iterable[Any]) -> Iterator[Any]:
        """The things that a hook returned, up to where making them fails."""
        try:
            things = iter(result)
        except Exception as error:
            self._failed(plugin, hook, error)
            return
        while True:
            try:
                thing = next(things)
            except (StopIteration, KeyboardInterrupt) as end:
                if isinstance(end, KeyboardInterrupt):
                    raise
                return
            except BaseException as error:
                self._failed(plugin, hook, error)
                return
            yield thing

    def _failed(self, plugin: Plugin, hook: str, error: BaseException) -> None:
        self.errors.append(explain(error, file=plugin.file, what=f"the hook {hook!r}"))

    def wrong_result(self, plugin: Plugin, hook: str, result: object, wanted: str) -> None:
        self._report(plugin, hook, f"must return {wanted}; it returned {kind_of(result)}.")

    def _report(self, plugin: Plugin, hook: str, problem: str) -> None:
        found = self._implementation(plugin, hook)
        source = source_of(found.function) if found else plugin.location
        self.errors.append(LoadError(source=source, message=f"The hook {hook!r} {problem}"))


def kind_of(value: object) -> str:
    """`None`, `a str` or `an int`, to say what something is."""
    name = type(value).__name__
    article = "an" if name[0] in "aeiouAEIOU" else "a"
    return "None" if value is None else f"{article} {name}"

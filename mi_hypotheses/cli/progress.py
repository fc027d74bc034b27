"""How a run is watched: bars on a terminal, plain lines elsewhere, always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import Task, TaskID

    from mi_hypotheses.forward import Progress


class Quiet:
    """Says nothing."""

    def stage(self, description: str, *, total: int | None) -> None: ...
    def advance(self, amount: int) -> None: ...
    def note(self, message: str) -> None: ...


class Lines:
    """A line for each stage and note, where stderr is no terminal."""

    def __init__(self) -> None:
        self._description = ""
        self._began = 0.0
        self._tokens = 0

    def stage(self, description: str, *, total: int | None) -> None:  # noqa: ARG002 (protocol)
        self.finish()
        self._description, self._began, self._tokens = description, time.perf_counter(), 0

    def advance(self, amount: int) -> None:
        self._tokens += amount

    def note(self, message: str) -> None:
        click.echo(message, err=True)

    def finish(self) -> None:
        """Say how the stage went that has just ended."""
        if self._description:
            seconds = time.perf_counter() - self._began
            speed = f", {_speed(self._tokens, seconds)}" if self._tokens else ""
            click.echo(f"{self._description}: {seconds:.1f} s{speed}", err=True)
        self._description = ""


class Terminal:
    """A bar for the stage that runs, with tokens per second and the time left."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def stage(self, description: str, *, total: int | None) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(description, total=total)

    def advance(self, amount: int) -> None:
        if self._task is not None:
            self._bars.advance(self._task, amount)

    def note(self, message: str) -> None:
        self._bars.console.print(message, markup=False, highlight=False)


def _speed(tokens: float, seconds: float) -> str:
    return f"{tokens / max(seconds, 1e-9):,.0f} tokens/s"


@contextmanager
def watch(*, quiet: bool) -> Iterator[Progress]:
    """Somebody who watches a run."""
    if quiet:
        yield Quiet()
    elif sys.stderr.isatty():
        with _bars(_console()) as bars:
            yield Terminal(bars)
    else:
        lines = Lines()
        yield lines
        lines.finish()


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def _bars(console: Console) -> Bars:
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} tokens/s" if task.speed else "")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        Speed(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )

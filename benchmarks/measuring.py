"""Benchmarks, and how times are taken: in pairs, one after the other, so that both sides of a
ratio see the same machine."""

from __future__ import annotations

import statistics
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from benchmarks.workplace import Workplace

Better = Literal["higher", "lower"]


class SkippedError(Exception):
    """The benchmark cannot be run here; the message says why."""


@dataclass(frozen=True)
class Measured:
    """What a benchmark found: its ratio, and whatever explains it."""

    value: float
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark:
    """One line of the table.

    Args:
        name: what the command line calls it.
        what: what is measured, for the table.
        unit: of the value; `x` for a ratio.
        target: the value to reach, None where the line only informs.
        why: why the target may be missed, as far as it is known.
    """

    name: str
    what: str
    measure: Callable[[Workplace], Measured]
    target: float | None = None
    better: Better = "higher"
    unit: str = "x"
    why: str = ""

    def met(self, value: float) -> bool | None:
        """Whether a value reaches the target."""
        if self.target is None:
            return None
        return value >= self.target if self.better == "higher" else value <= self.target


def result(benchmark: Benchmark, workplace: Workplace) -> dict[str, Any]:
    """Run a benchmark: its line in `bench.json`. Whatever happens it has one, and says why."""
    line: dict[str, Any] = {
        "name": benchmark.name,
        "what": benchmark.what,
        "unit": benchmark.unit,
        "value": None,
        "target": benchmark.target,
        "better": benchmark.better,
        "met": None,
    }
    try:
        measured = benchmark.measure(workplace)
    except SkippedError as reason:
        return {**line, "why": f"skipped: {reason}"}
    except Exception as error:  # the others go on
        traceback.print_exc()
        return {**line, "why": f"failed: {type(error).__name__}: {error}", "failed": True}
    line |= {"value": round(measured.value, 4), "met": benchmark.met(measured.value)}
    if line["met"] is False:
        line["why"] = benchmark.why or "not explained yet"
    return {**line, "details": dict(measured.details)}


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Pairs:
    """The seconds of two things, timed in turn."""

    first: tuple[float, ...]
    second: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median over pairs of the first's time over the second's."""
        return statistics.median(a / b for a, b in zip(self.first, self.second, strict=True))

    def told(self, first: str, second: str) -> dict[str, Any]:
        """The seconds under these names, for the details."""
        return {
            f"{name} (s)": [round(each, 3) for each in taken]
            for name, taken in ((first, self.first), (second, self.second))
        }


def in_turn(first: Callable[[], object], second: Callable[[], object], *, pairs: int) -> Pairs:
    """Time two things in turn. Both have to be warm: what is done once a process is done."""
    taken = [(seconds(first), seconds(second)) for _ in range(pairs)]
    return Pairs(tuple(a for a, _ in taken), tuple(b for _, b in taken))

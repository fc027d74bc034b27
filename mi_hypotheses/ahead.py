"""Forward passes while the corpus is still read and labelled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from mi_hypotheses.forward import Forward
from mi_hypotheses.models import choose_device

_log = logging.getLogger(__name__)


def computes_alone(device: str) -> bool:
    """Whether the device computes while the processor does other things.

    Raises:
        UsageError: there is no such device.
    """
    return choose_device(device) != "cpu"


class _Stopped(Exception):  # noqa: N818 (a signal, not an error)
    """Raised to leave a pass that nobody waits for."""


class _Watch:
    """The `Progress` of the other thread: it keeps notes for the main one."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.stopped = False

    def stage(self, description: str, *, total: int | None) -> None: ...

    def advance(self, amount: int) -> None:  # noqa: ARG002 (protocol)
        if self.stopped:
            raise _Stopped

    def note(self, message: str) -> None:
        self.notes.append(message)


class Ahead:
    """A thread that makes what is missing of one shard after the other, as long as it is entered.

    It only fills the cache. What it has not begun when it is left, and what it failed at, is made,
    or told, when it is needed. The model is the other thread's until then.

    Args:
        forward: how the model is run.
        make: makes what is missing of the shard with this number; whether to go on.
    """

    def __init__(self, forward: Forward, make: Callable[[int], bool]) -> None:
        self._forward, self._make = forward, make
        self._watch, self._progress = _Watch(), forward.progress
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forward")
        self._goes_on = True

    def begin(self, number: int) -> None:
        """Make what is missing of a shard, after those that were begun before."""
        self._pool.submit(self._try, number)

    def _try(self, number: int) -> None:
        try:
            self._goes_on = self._goes_on and self._make(number)
        except Exception:  # it comes again where it can be told
            _log.debug("", exc_info=True)
            self._goes_on = False

    def __enter__(self) -> Self:
        self._forward.progress = self._watch
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the shard that is being made, or leave it where something failed."""
        self._watch.stopped = kind is not None
        try:
            self._pool.shutdown(cancel_futures=True)
        except BaseException:  # Ctrl-C while it waits
            self._watch.stopped = True
            raise
        self._forward.progress = self._progress
        for note in self._watch.notes:
            self._progress.note(note)

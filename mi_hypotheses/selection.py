"""What of the collected hypotheses to use: `PATH`, `PATH::NAME` and `-k EXPR`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mi_hypotheses.errors import UsageError, did_you_mean

Matcher = Callable[[str], bool]
MOST_LISTED = 8  # of what lies beside a path that does not exist

_TOKEN = re.compile(r"\s*(?:(?P<paren>[()])|(?P<word>[^\s()]+))")


@dataclass(frozen=True)
class Selection:
    """A file or directory, and the one hypothesis in it that is meant, if only one is."""

    path: Path
    name: str | None = None

    def files(self) -> Iterator[Path]:
        """The plugin files: the file itself, or all `*.py` below the directory, in order.

        Names that start with `_` or `.` are left out, directories of such names as well.
        """
        if self.path.is_file():
            yield self.path
            return
        for file in sorted(self.path.rglob("*.py")):
            if not any(part[0] in "_." for part in file.relative_to(self.path).parts):
                yield file


def parse_selection(text: str, *, directory: Path | None = None) -> Selection:
    """The selection written `PATH` or `PATH::NAME`, relative to `directory`.

    Raises:
        UsageError: the path does not exist, or is neither a directory nor a Python file.
    """
    written, _, name = text.partition("::")
    path = (directory or Path.cwd()) / written
    if not path.exists():
        raise UsageError(f"There is no file or directory {written!r}. {_siblings(path)}")
    if path.is_file() and path.suffix != ".py":
        raise UsageError(
            f"{written!r} is not a plugin: hypotheses are collected from Python files (*.py) "
            "and from directories of them."
        )
    return Selection(path.resolve(), name or None)


def _siblings(path: Path) -> str:
    """Did-you-mean among what lies beside a path that does not exist."""
    parent = path.parent
    if not parent.is_dir():
        return f"The directory {str(parent)!r} does not exist either."
    beside = [
        entry.name
        for entry in parent.iterdir()
        if entry.name[0] not in "_." and (entry.is_dir() or entry.suffix == ".py")
    ]
    return did_you_mean(path.name, beside, most=MOST_LISTED)


def keyword_matcher(expression: str) -> Matcher:
    """A test for texts from an expression as in `pytest -k`: words, `and`, `or`, `not`, `( )`.

    A word matches a text that contains it, in any case.

    Raises:
        UsageError: the expression cannot be read.
    """
    return _Keyword(expression).matcher()


class _Keyword:
    """Recursive descent over or-expressions of and-expressions of words and `not`."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = [m["paren"] or m["word"] for m in _TOKEN.finditer(expression)]
        self.position = 0

    def matcher(self) -> Matcher:
        matcher = self._either()
        if self.position < len(self.tokens):
            raise self._wrong(f"{self.tokens[self.position]!r} was not expected there")
        return matcher

    def _wrong(self, what: str) -> UsageError:
        return UsageError(
            f"The expression -k {self.expression!r} cannot be read: {what}. Write words joined "
            "by and, or, not and brackets, as in -k 'comment and not (string or number)'."
        )

    def _accept(self, token: str) -> bool:
        if self.position < len(self.tokens) and self.tokens[self.position] == token:
            self.position += 1
            return True
        return False

    def _either(self) -> Matcher:
        left = self._both()
        while self._accept("or"):
            left = _or(left, self._both())
        return left

    def _both(self) -> Matcher:
        left = self._single()
        while self._accept("and"):
            left = _and(left, self._single())
        return left

    def _single(self) -> Matcher:
        if self._accept("not"):
            inner = self._single()
            return lambda text: not inner(text)
        if self._accept("("):
            inside = self._either()
            if not self._accept(")"):
                raise self._wrong("a closing bracket is missing")
            return inside
        if self.position == len(self.tokens):
            raise self._wrong("it ends where a word should stand")
        word = self.tokens[self.position]
        if word in (")", "and", "or"):
            raise self._wrong(f"{word!r} stands where a word should")
        self.position += 1
        return lambda text: word.casefold() in text.casefold()


def _or(left: Matcher, right: Matcher) -> Matcher:
    return lambda text: left(text) or right(text)


def _and(left: Matcher, right: Matcher) -> Matcher:
    return lambda text: left(text) and right(text)

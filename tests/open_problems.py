"""The map of open problems: its data, and the page that is written from them.

`python -m tests.open_problems` writes the tables of `docs/open-problems.md` again.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "open-problems.md"
DATA = DOCS / "open_problems.toml"
MADE = re.compile(r"(?<=<!-- made from open_problems.toml -->\n).*(?=<!-- end -->)", re.DOTALL)
SERVED = ("yes", "part", "no")


@dataclass(frozen=True)
class Problem:
    """A line of the map. `commands` run on what is shipped, `hub` on models that are fetched."""

    id: str
    words: str
    number: str
    served: str
    how: str
    commands: tuple[str, ...]
    hub: tuple[str, ...]

    @property
    def section(self) -> str:
        return self.id.partition(".")[0]

    @property
    def place(self) -> tuple[int, int]:
        section, _, number = self.id.partition(".")
        return int(section), int(number)


def read() -> tuple[Problem, ...]:
    """All problems."""
    data = tomllib.loads(DATA.read_text("utf-8"))
    return tuple(
        Problem(commands=tuple(each.pop("run", ())), hub=tuple(each.pop("hub", ())), **each)
        for each in data["problem"]
    )


def sections() -> dict[str, str]:
    """The titles of the list's parts, by number."""
    titles: dict[str, str] = tomllib.loads(DATA.read_text("utf-8"))["sections"]
    return titles


def tables(problems: tuple[Problem, ...]) -> str:
    """The part of the page that is made: a table and its commands for each part of the list."""
    titles = sections()
    parts = []
    for section, group in groupby(problems, key=lambda problem: problem.section):
        found = list(group)
        rows = "".join(_row(problem) for problem in found)
        parts.append(
            f"\n## {section}. {titles[section]}\n\n"
            "| | problem | served | how |\n|---|---|---|---|\n"
            f"{rows}{_commands(found)}"
        )
    return "".join(parts) + "\n"


def _row(problem: Problem) -> str:
    star = "" if problem.number == "read" else "\\*"
    cells = (problem.id + star, problem.words, problem.served, problem.how)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _commands(problems: list[Problem]) -> str:
    """Every command once, under the numbers of the problems that it is for."""
    numbers: dict[str, list[str]] = {}
    for problem in problems:
        for command in problem.commands:
            numbers.setdefault(command, []).append(problem.id)
        for command in problem.hub:
            numbers.setdefault(command, []).append(f"{problem.id} on models of the hub")
    lines: list[str] = []
    for which, commands in groupby(numbers, key=lambda command: numbers[command]):
        lines += [f"# {', '.join(which)}", *(f"$ {command}" for command in commands)]
    return "\n```console\n" + "\n".join(lines) + "\n```\n" if lines else ""


def page() -> str:
    """The whole page, with its tables made again."""
    text = PAGE.read_text("utf-8")
    made = tables(read())
    return MADE.sub(lambda _: made, text)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

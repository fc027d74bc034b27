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
class Later:
    """A command that waits for what `needs` names."""

    run: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """A line of the map. `commands` can be run now; `later` cannot."""

    id: str
    words: str
    number: str
    served: str
    how: str
    commands: tuple[str, ...]
    later: tuple[Later, ...]

    @property
    def section(self) -> str:
        return self.id.partition(".")[0]

    @property
    def place(self) -> tuple[int, int]:
        section, _, number = self.id.partition(".")
        return int(section), int(number)


def read() -> tuple[Problem, ...]:
    """All problems, with commands that no longer wait among those that can be run."""
    data = tomllib.loads(DATA.read_text("utf-8"))
    built = {name for name, there in data["built"].items() if there}
    problems = []
    for each in data["problem"]:
        waiting = [Later(later["run"], tuple(later["needs"])) for later in each.pop("later", [])]
        for later in waiting:
            if unknown := set(later.needs) - set(data["built"]):
                raise ValueError(f"{each['id']} needs {unknown}, which [built] does not name")
        ready = [later.run for later in waiting if built >= set(later.needs)]
        problems.append(
            Problem(
                commands=(*each.pop("run", []), *ready),
                later=tuple(later for later in waiting if later.run not in ready),
                **each,
            )
        )
    return tuple(problems)


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
    needs = sorted({need for later in problem.later for need in later.needs})
    waits = f" *More waits for: {', '.join(needs)}.*" if needs else ""
    star = "" if problem.number == "read" else "\\*"
    cells = (problem.id + star, problem.words, problem.served, problem.how + waits)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _commands(problems: list[Problem]) -> str:
    """Every command once, under the numbers of the problems that it is for."""
    numbers: dict[str, list[str]] = {}
    for problem in problems:
        for command in problem.commands:
            numbers.setdefault(command, []).append(problem.id)
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

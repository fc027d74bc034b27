"""Settings: a flag beats a `MIH_*` variable beats `[tool.mi_hypotheses]` in `pyproject.toml`.

The table is that of the nearest `pyproject.toml` upward that has one; paths in it are relative
to that file. Variables are named like the fields: `MIH_BATCH_SIZE=8`; where a field takes
several values they are separated by white space, with quotes as in a shell.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mi_hypotheses.errors import UsageError, did_you_mean

TABLE = "mi_hypotheses"
PREFIX = "MIH_"

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """What a command works with.

    `corpora` without an entry is the folder `corpora` beside the file, where there is one.
    `model` and `corpus` from the file are for questions that name none (`mih score`); given by
    a flag or a variable they replace what every hypothesis says. `given` holds the names of the
    fields that a flag or a variable has set, `notes` what a command should tell beforehand.
    """

    plugins: tuple[Path, ...] = ()
    model: tuple[str, ...] = ()
    corpus: tuple[str, ...] = ()
    limit: int | None = None
    limit_tokens: int | None = None
    device: str = "auto"
    dtype: str = "float32"
    seed: int = 0
    batch_size: int | None = None
    min_context: int = 0
    untrained: bool = False
    output: Path = Path("reports/latest")
    cache_dir: Path | None = None
    cache_size: int = 5 * 2**30  # bytes
    corpora: tuple[Path, ...] = ()
    given: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


_FIELDS = [
    field.name for field in dataclasses.fields(Settings) if field.name not in ("given", "notes")
]


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force.

    Args:
        flags: by field name; None and empty ones count as not given.
        directory: where to look for `pyproject.toml`, and upward; the working directory.
        environment: variables; those of the process.

    Raises:
        UsageError: a key is unknown, or a value is not what it should be.
    """
    directory = directory or Path.cwd()
    root, table = _find_table(directory)
    values = _read(table, where=f"[tool.{TABLE}] of {root / 'pyproject.toml'}", base=root)
    if table and "corpora" not in values and (root / "corpora").is_dir():
        values["corpora"] = (root / "corpora",)
    written, notes = _variables(os.environ if environment is None else environment)
    values |= _read(written, where="the environment", base=directory)
    asked = {name: value for name, value in (flags or {}).items() if value not in (None, (), "")}
    values |= _read(asked, where="the command line", base=directory)
    return Settings(**values, given=frozenset(written) | frozenset(asked), notes=notes)


def _find_table(directory: Path) -> tuple[Path, dict[str, object]]:
    """The table and the directory of its file; an empty one where there is none."""
    for folder in (directory, *directory.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            table = tomllib.loads(file.read_text("utf-8")).get("tool", {}).get(TABLE)
        except (OSError, ValueError) as error:
            raise UsageError(f"{file} cannot be read: {error}.") from None
        if isinstance(table, dict):
            return folder, table
    return directory, {}


def _variables(environment: Mapping[str, str]) -> tuple[dict[str, object], tuple[str, ...]]:
    """What the variables set, and a note for each unknown one: it may be another program's."""
    found: dict[str, object] = {}
    notes = []
    for variable, value in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or not value:
            continue
        if name in _FIELDS:
            found[name] = value
        else:
            known = [PREFIX + field.upper() for field in _FIELDS]
            hint = did_you_mean(variable, known)
            notes.append(f"The variable {variable} is no setting and was passed over. {hint}")
    return found, tuple(notes)


def _read(table: Mapping[str, object], *, where: str, base: Path) -> dict[str, Any]:
    """Checked values of the fields that a table has."""
    readers = _readers(base)
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in readers:
            raise UsageError(
                f"There is no setting {name!r} ({where}). {did_you_mean(name, readers)}"
            )
        try:
            values[name] = readers[name](value)
        except ValueError as error:
            raise UsageError(
                f"The setting {name!r} ({where}) cannot be {value!r}: {error}."
            ) from None
    return values


def _readers(base: Path) -> dict[str, Callable[[object], object]]:
    """What makes a checked value for each field; paths are taken from `base`."""

    def path(value: object) -> Path:
        return base / Path(_text(value)).expanduser()

    def paths(value: object) -> tuple[Path, ...]:
        return tuple(path(each) for each in _several(value))

    special: dict[str, Callable[[object], object]] = {
        "plugins": paths,
        "corpora": paths,
        "model": _several,
        "corpus": _several,
        "output": path,
        "cache_dir": path,
        "cache_size": parse_size,
        "limit": _positive,
        "limit_tokens": _positive,
        "seed": _whole_number,
        "batch_size": _positive,
        "min_context": _whole_number,
        "untrained": _yes_or_no,
    }
    return {name: special.get(name, _text) for name in _FIELDS}


def _text(value: object) -> str:
    if isinstance(value, str | Path):
        return str(value)
    raise ValueError("a text is wanted")


def _several(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(shlex.split(value))
    if isinstance(value, list | tuple):
        return tuple(_text(each) for each in value)
    raise ValueError("a list of texts is wanted")


def _whole_number(value: object) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("a whole number is wanted")


def _positive(value: object) -> int:
    number = _whole_number(value)
    if number == 0:
        raise ValueError("a whole number above 0 is wanted")
    return number


def _yes_or_no(value: object) -> bool:
    answers = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    answer = answers.get(str(value).strip().lower())
    if answer is None:
        raise ValueError("true or false is wanted")
    return answer


def parse_size(value: object) -> int:
    """Bytes, from a number or a text such as `500MB` or `2 GiB` (both in powers of 1024).

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(str(value).strip())
    if match is None or isinstance(value, bool):
        raise ValueError("a size is wanted, such as 500MB or 5GB")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " "))

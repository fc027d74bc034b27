"""Plugin files become modules, and what goes wrong in them becomes plain paragraphs.

A file runs statement by statement: where one hypothesis cannot be built, that statement alone
is lost and the next ones still run. Any other exception ends the file there; what was defined
before it is kept.

A file inside a package (its directory has an `__init__.py`) is imported by its dotted name. Any
other file gets a module name of its own, so that files of the same name in two directories never
meet, and its directory goes to the end of `sys.path`: siblings can be imported by name, and none
of them can hide a module of the standard library or an installed one.
"""

from __future__ import annotations
import __future__

import ast
import difflib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from pydantic import ValidationError

from mi_hypotheses.errors import MiHypothesesError, did_you_mean
from mi_hypotheses.reports import LoadError

_OWN = str(Path(__file__).parent) + os.sep
_PYDANTIC = f"{os.sep}pydantic{os.sep}"
_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument")
_LISTS = ("list_type", "tuple_type", "set_type", "frozen_set_type", "sequence_str")
_NO_NAME = re.compile(r"cannot import name '(\w+)' from 'mi_hypotheses'")


@dataclass(frozen=True)
class LoadedFile:
    """A plugin file as a module; `module` is None where nothing of it could run."""

    module: ModuleType | None
    errors: tuple[LoadError, ...] = ()


def short_path(path: str | Path) -> str:
    """The path as a reader wants it: relative where it lies below the working directory."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def short_source(source: str) -> str:
    """`file:line` with a short file."""
    file, _, line = source.rpartition(":")
    return f"{short_path(file)}:{line}" if file else source


def load_file(path: Path) -> LoadedFile:
    """Run the plugin file at `path`; its mistakes are returned, not raised."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
        compile(tree, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"{short_path(path)}:{error.lineno or 1}"
        return LoadedFile(None, (LoadError(source=where, message=_syntax(error)),))
    except (OSError, ValueError) as error:
        message = f"The file cannot be read: {error}."
        return LoadedFile(None, (LoadError(source=f"{short_path(path)}:1", message=message),))
    try:
        module = _new_module(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # of whatever kind: it is other people's code
        return LoadedFile(None, (explain(error, file=path),))
    if hasattr(module, "__mi_loaded__"):
        return LoadedFile(module)
    return LoadedFile(module, tuple(_execute(tree, module, path)))


def _syntax(error: SyntaxError) -> str:
    text = (error.text or "").strip()
    shown = f" in {text!r}" if text else ""
    return f"The file is not Python: {error.msg}{shown}. Nothing of it was loaded."


def _new_module(path: Path) -> ModuleType:
    """An empty module for the file, in `sys.modules`, or the one that was imported before."""
    package = _package_of(path)
    if package is None:
        digest = hashlib.blake2b(str(path).encode("utf-8", "replace"), digest_size=4)
        stem = re.sub(r"\W", "_", path.stem)
        name = f"mi_plugin_{stem}_{digest.hexdigest()}"
        base = path.parent
    else:
        name, base = package
    if str(base) not in sys.path:
        sys.path.append(str(base))
    if package is not None:
        present = sys.modules.get(name)
        if present is not None and getattr(present, "__file__", None) == str(path):
            present.__dict__["__mi_loaded__"] = True
            return present
        importlib.import_module(name.rpartition(".")[0])
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    return module


def _package_of(path: Path) -> tuple[str, Path] | None:
    """The dotted name of a file in a package, and the directory that holds the package."""
    parts = [path.stem]
    base = path.parent
    while (base / "__init__.py").is_file() and base.name.isidentifier():
        parts.insert(0, base.name)
        base = base.parent
    return (".".join(parts), base) if len(parts) > 1 else None


def _execute(tree: ast.Module, module: ModuleType, path: Path) -> Iterator[LoadError]:
    module.__doc__ = ast.get_docstring(tree)
    flags = 0
    lost: set[str] = set()  # names that were to be bound by statements that failed
    for statement in tree.body:
        unit = ast.Module([statement], [])
        code = compile(unit, str(path), "exec", flags=flags, dont_inherit=True)
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            for alias in statement.names:
                flags |= getattr(__future__, alias.name).compiler_flag
        try:
            exec(code, module.__dict__)
        except (ValidationError, MiHypothesesError) as error:
            lost.update(_bound(statement))
            yield explain(error, file=path)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # pytest's Skipped, say, is no Exception
            if isinstance(error, NameError) and error.name in lost:
                lost.update(_bound(statement))
                continue
            rest = "" if statement is tree.body[-1] else " What follows there was not loaded."
            found = explain(error, file=path)
            yield LoadError(source=found.source, message=found.message + rest)
            return


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement binds, roughly: all that it stores to."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def explain(error: BaseException, *, file: Path | None, what: str = "") -> LoadError:
    """An exception from a plugin's code as one paragraph with the place in the user's code.

    Args:
        error: with its traceback.
        file: the plugin's file; the innermost line in it is the place that is named, unless
            the mistake is in what was handed to this package, where the caller's line is.
        what: what was being done, such as `the hook mi_hypotheses`.
    """
    where = _place(error.__traceback__, file, direct=isinstance(error, ValidationError))
    prefix = f"In {what}: " if what else ""
    match error:
        case ValidationError():
            message = plain_validation(error)
        case MiHypothesesError():
            message = _sentence(said(error))
        case ModuleNotFoundError():
            message = (
                f"The module {error.name!r} cannot be imported. Install it in this environment, "
                "or mend its name."
            )
        case ImportError() if found := _NO_NAME.search(said(error)):
            import mi_hypotheses

            hint = did_you_mean(found[1], mi_hypotheses.__all__)
            message = f"mi_hypotheses has no {found[1]!r}. {hint}"
        case _:
            text = said(error)
            message = f"{type(error).__name__}: {text}" if text else type(error).__name__
            message = f"Python raised {_sentence(message)}"
    return LoadError(source=where, message=prefix + message)


def said(error: BaseException) -> str:
    """The text of an exception; "" where even that raises."""
    try:
        return str(error)
    except Exception:
        return ""


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _place(tb: TracebackType | None, file: Path | None, *, direct: bool) -> str:
    """`file:line` of the innermost frame in the plugin's file, or in any code not ours."""
    frames = [
        frame
        for frame in traceback.extract_tb(tb)
        if not frame.filename.startswith((_OWN, "<")) and _PYDANTIC not in frame.filename
    ]
    own = [frame for frame in frames if file is not None and frame.filename == str(file)]
    chosen = frames if direct and frames else own or frames
    if not chosen:
        return short_path(file) if file else "<unknown>"
    return f"{short_path(chosen[-1].filename)}:{chosen[-1].lineno}"


def plain_validation(error: ValidationError) -> str:
    """`The hypothesis 'x' (Fires): the field 'claim' is missing.`"""
    cls, name = _constructed(error)
    kind = cls.__name__ if cls else error.title
    fields = sorted(_fields(cls)) if cls else []
    subject = f"The hypothesis {name!r} ({kind})" if name else kind
    details = [_by_name(detail, cls) for detail in _first_each(error)]
    missing = [_path(detail) for detail in details if detail["type"] in _MISSING]
    others = [detail for detail in details if detail["type"] not in _MISSING]
    for path in map(_path, others):  # a misspelled field is not missing as well
        meant = difflib.get_close_matches(path, missing)
        missing = [name for name in missing if name not in meant]
    problems = [_missing(missing)] if missing else []
    problems += [_problem(detail, kind, fields) for detail in others]
    return f"{subject} cannot be built: {_sentence('; '.join(dict.fromkeys(problems)))}"


def _constructed(error: ValidationError) -> tuple[type | None, str | None]:
    """The class whose construction failed, and the `name` it was to have, off the frames."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        values = frame.f_locals
        if frame.f_code.co_name != "__init__" or "pydantic" not in frame.f_code.co_filename:
            continue
        built = values.get("self", values.get("__dataclass_self__"))
        name = values.get("data", values.get("kwargs", {})).get("name")
        return type(built), name if isinstance(name, str) else None
    return None, None


def _fields(cls: type) -> Iterable[str]:
    for key, field in getattr(cls, "__pydantic_fields__", {}).items():
        if field.init is not False and key != "_":
            yield key


def _by_name(detail: Any, cls: type | None) -> Any:
    """A problem with the name of its field, where that was given by its place."""
    given = getattr(cls, "__pydantic_fields__", {})
    names = [key for key in (_fields(cls) if cls else ()) if not given[key].kw_only]
    place, *rest = detail["loc"] or (None,)
    if isinstance(place, int) and place < len(names):
        return {**detail, "loc": (names[place], *rest), "placed": True}
    return detail


def _first_each(error: ValidationError) -> Iterator[Any]:
    """The first problem of each field: a field that may be one of several types has many."""
    seen: set[object] = set()
    for detail in error.errors(include_url=False):
        key = detail["loc"][0] if detail["loc"] else None
        if key is None or key not in seen:
            seen.add(key)
            yield detail


def _path(detail: Any) -> str:
    """The field, with the parts in it, as in `expect.f1`; classes tried for it do not count."""
    return ".".join(part for part in map(str, detail["loc"]) if not part[:1].isupper())


def _missing(names: list[str]) -> str:
    if len(names) == 1:
        return f"the field {names[0]!r} is missing"
    return f"the fields {', '.join(map(repr, names[:-1]))} and {names[-1]!r} are missing"


def _problem(detail: Any, kind: str, fields: list[str]) -> str:
    path = _path(detail)
    match detail["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"{path!r} is no field of {kind}. {did_you_mean(path, fields)}".rstrip(".")
        case "value_error":
            text = str(detail["msg"]).removeprefix("Value error, ")
            return f"{path}: {text}" if path else text
        case "unexpected_positional_argument":
            return f"{_short(detail)} was given without the name of a field"
        case wrong if wrong in _LISTS and isinstance(detail["input"], str) and "." not in path:
            written = f"[{_short(detail)}]"
            written = f"{kind}({written})" if "placed" in detail else f"{path}={written}"
            return f"the field {path!r} is a list: {written}"
        case _:
            given = _short(detail)
            text = str(detail["msg"]).replace("valid dictionary or instance of ", "")
            return f"the field {path!r} was given {given}: {text[:1].lower()}{text[1:]}"


def _short(detail: Any) -> str:
    """What was given, shortened."""
    given = repr(detail["input"])
    return given if len(given) <= 60 else given[:57] + "..."

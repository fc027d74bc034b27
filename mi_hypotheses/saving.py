"""A hypothesis written into a plugin file, as its author would have written it."""

from __future__ import annotations

import ast
import io
import json
import keyword
import re
import sys
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import mi_hypotheses
from mi_hypotheses.errors import UsageError
from mi_hypotheses.hypotheses import Fires, Hypothesis

_WIDTH = 100  # a longer line is told to linters as one that cannot be broken
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_HEADER = '"""Hypotheses saved by `mih`."""\n'


def add_to_file(
    path: Path, hypothesis: Hypothesis, *, named: tuple[Path, str] | None = None
) -> str:
    """The text of the plugin file with the hypothesis added at its end; nothing is written.

    Args:
        path: the plugin file; it need not exist.
        named: the file and the name of the predicate or target, where it has a name; otherwise
            it is written out.

    Raises:
        UsageError: the file is no Python, has such a name already, or cannot reach what is named.
    """
    return _added(_text_of(path), path, hypothesis, named=named)


def add_all_to_file(
    path: Path, hypotheses: Sequence[Hypothesis]
) -> tuple[str, list[tuple[Hypothesis, str]]]:
    """The text of the plugin file with hypotheses added at its end, and those that cannot be,
    each with the reason; nothing is written.

    Raises:
        UsageError: the file is no Python.
    """
    text, left_out = _text_of(path), []
    _parsed(text, f"Nothing can be added to {path}")
    for hypothesis in hypotheses:
        try:
            text = _added(text, path, hypothesis)
        except UsageError as error:
            left_out.append((hypothesis, str(error)))
    return text, left_out


def _added(
    text: str, path: Path, hypothesis: Hypothesis, *, named: tuple[Path, str] | None = None
) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    tree = _parsed(text, f"Nothing can be added to {path}")
    variable = _variable(hypothesis.name)
    _check_names(tree, hypothesis.name, variable, path=path)
    subject = _restyled(hypothesis.written) if named is None else named[1]
    imports = {type(hypothesis).__name__, type(hypothesis.unit).__name__}
    if named is None:
        imports |= _public_names(_parsed(subject, f"The hypothesis cannot be added to {path}"))
    text = _with_imports(text, "mi_hypotheses", imports, newline=newline)
    if named is not None and named[0].resolve() != path.resolve():
        module = _module_beside(path, named[0])
        text = _with_imports(text, module, {named[1]}, newline=newline)
    added = f"\n\n{_source(variable, hypothesis, subject)}".replace("\n", newline)
    text = f"{text.rstrip()}{added}"
    _parsed(text, f"The hypothesis cannot be added to {path}, which would be no Python any more")
    return text


def _public_names(tree: ast.Module) -> set[str]:
    """What an expression uses of this package."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return used & {*mi_hypotheses.__all__}


def _text_of(path: Path) -> str:
    """The text of the plugin file with its own line ends, that of a new one where there is none."""
    if path.suffix != ".py":
        raise UsageError(f"{path} is no plugin file: its name must end in .py.")
    try:
        return path.read_bytes().decode("utf-8") if path.exists() else _HEADER
    except UnicodeDecodeError:
        raise UsageError(f"Nothing can be added to {path}: it is not UTF-8.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"Nothing can be added to {path}: {reason}.") from None


def _parsed(text: str, problem: str) -> ast.Module:
    """The tree of a text that compiles.

    Raises:
        UsageError: it does not; the message begins with `problem`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the file's own, which importing it tells
            tree = ast.parse(text)
            compile(text, "<plugin>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise UsageError(f"{problem}, line {error.lineno}: {error.msg}.") from None
    except ValueError as error:
        raise UsageError(f"{problem}: {error}.") from None
    return tree


def _check_names(tree: ast.Module, name: str, variable: str, *, path: Path) -> None:
    """Raise UsageError where the file has the hypothesis or the variable already."""
    if name in _hypothesis_names(tree):
        taken = f"a hypothesis {name!r}"
    elif variable in _names(tree):
        taken = f"something called {variable}"
    else:
        return
    raise UsageError(f"{path} has {taken} already. Give this one another name with --name.")


def _module_beside(path: Path, other: Path) -> str:
    """The module to import in the file `path` to reach what is in the file `other`."""
    if other.resolve().parent != path.resolve().parent:
        raise UsageError(
            f"A file in {path.parent} cannot import {other}: save into the directory "
            f"{other.parent}, beside it."
        )
    stem = other.stem
    if not stem.isidentifier() or keyword.iskeyword(stem):
        raise UsageError(
            f"{other} cannot be imported, as {stem!r} is no name in Python: rename it, or "
            "save into that file itself."
        )
    if (other.resolve().parent / "__init__.py").is_file():
        return f".{stem}"
    if stem in sys.stdlib_module_names:
        raise UsageError(
            f"{other} cannot be imported, as {stem!r} is a module of Python's own: rename "
            "it, or save into that file itself."
        )
    return stem


def _variable(name: str) -> str:
    made = re.sub(r"\W+", "_", name).strip("_").upper() or "SAVED"
    return f"H_{made}" if made[0].isdigit() or keyword.iskeyword(made) else made


def _names(tree: ast.Module) -> set[str]:
    """What is bound at module level, and a little more."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.alias(name=name, asname=other):
                bound.add(other or name)
    return bound


def _hypothesis_names(tree: ast.Module) -> set[object]:
    return {
        argument.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for argument in node.keywords
        if argument.arg == "name" and isinstance(argument.value, ast.Constant)
    }


def _with_imports(text: str, module: str, names: set[str], *, newline: str) -> str:
    """The text, importing these names, in the import of that module where there is one."""
    tree = _parsed(text, "Nothing can be imported")
    lines = _LINE.findall(text)  # as Python counts them: str.splitlines knows other line ends
    same = [n for n in tree.body if isinstance(n, ast.ImportFrom) and _module(n) == module]
    missing = names - {alias.name for n in same for alias in n.names if not alias.asname}
    if not missing:
        return text
    for node in same:
        if _stands_alone(node, tree, lines):
            written = {f"{a.name} as {a.asname}" if a.asname else a.name for a in node.names}
            before = lines[node.lineno - 1][: node.col_offset]  # a form feed may stand there
            made = before + _import(module, written | missing)
            lines[node.lineno - 1 : node.end_lineno] = [made.replace("\n", newline)]
            return "".join(lines)
    line, gap = (same[0].end_lineno or 0, "") if same else _place(tree, module)
    line = _boundary(tree, line)
    if line and not lines[line - 1].endswith(("\n", "\r")):
        lines[line - 1] += newline
    followed = line < len(lines) and lines[line].strip()
    after = "\n" if followed and not lines[line].startswith(("import ", "from ")) else ""
    lines.insert(line, (gap + _import(module, missing) + after).replace("\n", newline))
    return "".join(lines)


def _module(node: ast.ImportFrom) -> str:
    return "." * node.level + (node.module or "")


def _stands_alone(node: ast.ImportFrom, tree: ast.Module, lines: list[str]) -> bool:
    """Whether the lines of an import can be replaced: nothing but names is on them."""
    first, last = node.lineno, node.end_lineno or node.lineno
    shared = [n for n in tree.body if n.lineno <= last and (n.end_lineno or 0) >= first]
    star = any(alias.name == "*" for alias in node.names)
    return not star and len(shared) == 1 and "#" not in "".join(lines[first - 1 : last])


def _boundary(tree: ast.Module, line: int) -> int:
    """The first line from `line` on after which no statement goes on."""
    for node in tree.body:
        if node.lineno <= line < (node.end_lineno or 0):
            line = node.end_lineno or 0
    return line


def _place(tree: ast.Module, module: str) -> tuple[int, str]:
    """After which line a new import goes, and what stands before it, as import sorters have it."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    installed = [node for node in imports if not _is_standard(node)]
    for node in installed:
        if isinstance(node, ast.ImportFrom) and not node.level and _module(node) > module:
            return node.lineno - 1, ""
    if imports:
        return imports[-1].end_lineno or 0, "" if installed else "\n"
    if tree.body and _is_text(tree.body[0]):
        return tree.body[0].end_lineno or 0, "\n"
    return 0, ""


def _is_standard(node: ast.Import | ast.ImportFrom) -> bool:
    name = node.names[0].name if isinstance(node, ast.Import) else node.module or ""
    return name.partition(".")[0] in sys.stdlib_module_names


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _import(module: str, names: set[str]) -> str:
    ordered = sorted(names, key=_isort_key)
    line = f"from {module} import {', '.join(ordered)}\n"
    if len(line) <= _WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")\n"


def _isort_key(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions, as import sorters have it."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def _source(variable: str, hypothesis: Hypothesis, subject: str) -> str:
    """The statement that makes the hypothesis."""
    lines = [f"{variable} = {type(hypothesis).__name__}("]
    lines += [f"    {line}," for line in _arguments(hypothesis, subject)]
    return "\n".join(_fitted(line) for line in [*lines, ")"]) + "\n"


def _arguments(hypothesis: Hypothesis, subject: str) -> Iterator[str]:
    yield f"name={_literal(hypothesis.name)}"
    yield f"claim={_literal(hypothesis.claim)}"
    yield f"model={_literal(hypothesis.model)}"
    unit = hypothesis.unit.model_dump(exclude_defaults=True)
    options = ", ".join(
        f"{key}={_literal(value) if isinstance(value, str) else value}"
        for key, value in unit.items()
    )
    yield f"unit={type(hypothesis.unit).__name__}({options})"
    yield f"{'on' if isinstance(hypothesis, Fires) else 'to'}={subject}"
    if isinstance(hypothesis, Fires) and hypothesis.sign == "-":
        yield 'sign="-"'
    yield f"corpora=[{', '.join(map(_literal, hypothesis.corpora))}]"
    if hypothesis.expect:
        bars = ", ".join(f"{_literal(name)}: {bar}" for name, bar in hypothesis.expect.items())
        yield f"expect={{{bars}}}"


def _literal(text: str) -> str:
    """A Python literal, in double quotes unless the text itself has some."""
    if not text.isprintable() or ('"' in text and "'" not in text):
        return repr(text)
    return json.dumps(text, ensure_ascii=False)


def _restyled(expression: str) -> str:
    """A one-line expression with double quotes, as formatters have it."""
    styled = expression
    for token in tokenize.generate_tokens(io.StringIO(expression).readline):
        text = token.string
        if token.type == tokenize.STRING and text[0] == "'" and '"' not in text:
            styled = f'{styled[: token.start[1]]}"{text[1:-1]}"{styled[token.end[1] :]}'
    return styled


def _fitted(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line}  # noqa: E501 (as it was given)"

"""A hypothesis written into a plugin file, as its author would have written it."""

from __future__ import annotations

import ast
import io
import json
import keyword
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from mi_hypotheses.errors import UsageError
from mi_hypotheses.hypotheses import Fires
from mi_hypotheses.predicates import describe

_WIDTH = 100  # a longer line is told to linters as one that cannot be broken
_PUBLIC = re.compile(r"\b(Regex|TokenIn)\(")
_HEADER = '"""Hypotheses saved by `mih score`."""\n'


def add_to_file(path: Path, hypothesis: Fires, *, predicate: tuple[Path, str] | None = None) -> str:
    """The text of the plugin file with the hypothesis added at its end; nothing is written.

    Args:
        path: the plugin file; it need not exist.
        predicate: the file and the name of the predicate, where it has a name; otherwise it is
            written out.

    Raises:
        UsageError: the file is no Python, has such a name already, or cannot reach the predicate.
    """
    text = path.read_text("utf-8") if path.exists() else _HEADER
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise UsageError(
            f"Nothing can be added to {path}, line {error.lineno}: {error.msg}."
        ) from None
    variable = _variable(hypothesis.name)
    if hypothesis.name in _hypothesis_names(tree) or variable in _names(tree):
        raise UsageError(
            f"{path} has a hypothesis {hypothesis.name!r} already. Give this one another name "
            "with --name."
        )
    on = _restyled(describe(hypothesis.on)) if predicate is None else predicate[1]
    imports = {"Fires", type(hypothesis.unit).__name__}
    if predicate is None:
        imports.update(_PUBLIC.findall(on))
    text = _with_imports(text, tree, "mi_hypotheses", imports)
    if predicate is not None and predicate[0].resolve() != path.resolve():
        if predicate[0].resolve().parent != path.resolve().parent:
            raise UsageError(
                f"A file in {path.parent} cannot import {predicate[0]}: save into the directory "
                f"{predicate[0].parent}, where the predicate is."
            )
        text = _with_imports(text, ast.parse(text), predicate[0].stem, {predicate[1]})
    return f"{text.rstrip()}\n\n{_source(variable, hypothesis, on)}"


def _variable(name: str) -> str:
    made = re.sub(r"\W+", "_", name).strip("_").upper() or "SAVED"
    return f"H_{made}" if made[0].isdigit() or keyword.iskeyword(made) else made


def _names(tree: ast.Module) -> set[str]:
    """What is bound at module level."""
    return {
        node.id
        for statement in tree.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _hypothesis_names(tree: ast.Module) -> set[object]:
    return {
        argument.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for argument in node.keywords
        if argument.arg == "name" and isinstance(argument.value, ast.Constant)
    }


def _with_imports(text: str, tree: ast.Module, module: str, names: set[str]) -> str:
    """The text, importing these names, in the import of that module where there is one."""
    lines = text.splitlines(keepends=True)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == module and not node.level:
            present = {alias.name: alias.asname for alias in node.names}
            if all(name in present and not present[name] for name in names):
                return text
            written = {f"{name} as {other}" if other else name for name, other in present.items()}
            lines[node.lineno - 1 : node.end_lineno] = [_import(module, written | names)]
            return "".join(lines)
    line, gap = _place(tree, module)
    if line and not lines[line - 1].endswith("\n"):
        lines[line - 1] += "\n"
    followed = line < len(lines) and lines[line].strip()
    after = "\n" if followed and not lines[line].startswith(("import ", "from ")) else ""
    lines.insert(line, gap + _import(module, names) + after)
    return "".join(lines)


def _place(tree: ast.Module, module: str) -> tuple[int, str]:
    """After which line a new import goes, and what stands before it, as import sorters have it."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    installed = [node for node in imports if not _is_standard(node)]
    for node in installed:
        if isinstance(node, ast.ImportFrom) and (node.module or "") > module:
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


def _source(variable: str, hypothesis: Fires, on: str) -> str:
    """The statement that makes the hypothesis."""
    lines = [f"{variable} = Fires("]
    lines += [f"    {line}," for line in _arguments(hypothesis, on)]
    return "\n".join(_fitted(line) for line in [*lines, ")"]) + "\n"


def _arguments(hypothesis: Fires, on: str) -> Iterator[str]:
    yield f"name={_literal(hypothesis.name)}"
    yield f"claim={_literal(hypothesis.claim)}"
    yield f"model={_literal(hypothesis.model)}"
    unit = hypothesis.unit.model_dump(exclude_defaults=True)
    options = ", ".join(
        f"{key}={_literal(value) if isinstance(value, str) else value}"
        for key, value in unit.items()
    )
    yield f"unit={type(hypothesis.unit).__name__}({options})"
    yield f"on={on}"
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

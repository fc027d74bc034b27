"""Features of Python agree with Python's own lexer and parser, and go on where these give up."""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import time
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from mi_hypotheses.features._lexing import lex
from mi_hypotheses.features._outline import outline
from mi_hypotheses.features.catalogue import feature
from mi_hypotheses.text import TokenView

MODULES = ["argparse", "ast", "dataclasses", "doctest", "inspect", "json.decoder", "typing"]
KINDS = {"COMMENT": "comment", "NAME": "name", "NUMBER": "number", "OP": "operator"}
Functions = ast.FunctionDef | ast.AsyncFunctionDef


def source(module: str) -> str:
    return inspect.getsource(importlib.import_module(module))


def labelled(name: str, text: str) -> str:
    """The characters of the text that a feature labels, white space left out."""
    ends = np.arange(1, len(text) + 1, dtype=np.int32)
    labels = feature(f"python.{name}").labels(TokenView(text, ends - 1, ends))
    return "".join(letter for letter, label in zip(text, labels, strict=True) if label)


def parts(name: str, text: str) -> Counter[str]:
    return Counter(text[start:end].strip() for start, end, *_ in outline(text)[name].tolist())


@pytest.mark.parametrize("module", MODULES)
def test_lexemes_are_those_of_python(module: str) -> None:
    text = source(module)
    places = [0]
    for line in io.StringIO(text):
        places.append(places[-1] + len(line))
    lexed = lex(text)
    found = {(each.kind, each.text, each.start) for each in lexed.lexemes}
    inside = [range(each.start, each.end) for each in lexed.literals if each.holes]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = KINDS.get(tokenize.tok_name[token.type])
        start = places[min(token.start[0], len(places)) - 1] + token.start[1]
        if kind and not any(start in place for place in inside):
            assert (kind, token.string, start) in found


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def arguments(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg


def defaults(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            yield from map(ast.unparse, [*node.defaults, *filter(None, node.kw_defaults)])


def annotations(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        found = [node.returns] if isinstance(node, Functions) else []
        found += [node.annotation] if isinstance(node, ast.arg | ast.AnnAssign) else []
        yield from map(ast.unparse, filter(None, found))


def keyword_arguments(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def attributes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr


def definitions(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, Functions | ast.ClassDef):
            yield node.name


def lambdas(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            yield ast.unparse(node.body)


def loop_variables(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            for inner in ast.walk(node.target):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


def assigned(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        for target in targets:
            for inner in ast.walk(target):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


def comprehensions(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            yield type(node).__name__


def subscripts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            yield "subscript"


def docstrings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Functions):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                value = first.value.value
                if isinstance(value, str):
                    yield value


def exceptions(tree: ast.AST) -> Iterator[str]:
    """The exceptions of except clauses, and those raised by a name that begins with a capital."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            yield from (ast.unparse(each).rpartition(".")[2] for each in caught)
        elif isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(raised).rpartition(".")[2]
            if name[:1].isupper():
                yield name


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["call"], called),
        (["parameter"], arguments),
        (["keyword argument"], keyword_arguments),
        (["attribute"], attributes),
        (["function name", "method name", "class name"], definitions),
        (["loop variable"], loop_variables),
        (["assigned name"], assigned),
        (["exception"], exceptions),
    ],
)
def test_names_are_those_of_the_parser(
    module: str, names: list[str], found: Callable[[ast.AST], Iterator[str]]
) -> None:
    text = source(module)
    ours = sum((parts(name, text) for name in names if name in outline(text)), Counter[str]())
    assert ours == Counter(found(ast.parse(text)))


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("docstring", docstrings),
        ("lambda body", lambdas),
        ("comprehension", comprehensions),
        ("subscript", subscripts),
        ("annotation", annotations),
        ("default", defaults),
    ],
)
def test_there_are_as_many_parts_as_the_parser_finds(
    module: str, name: str, found: Callable[[ast.AST], Iterator[str]]
) -> None:
    text = source(module)
    assert len(outline(text).get(name, ())) == len([*found(ast.parse(text))])


def test_broken_source_is_labelled_after_the_mistake() -> None:
    text = "x = 'never closed\ny = f(  # 1\ndef g(a): return 'b'  # 2\n"
    assert labelled("comment", text) == "#1#2"
    assert labelled("definition_name", text) == "g"
    assert labelled("parameter", text) == "a"
    assert labelled("string", text) == "'b'"


def test_old_python_is_labelled() -> None:
    text = 'print "a", `b`, 0777L, ur"c"\nexcept E, e: raise F, "g"\nx <> y  # z\n'
    assert labelled("string", text) == '"a"ur"c""g"'
    assert labelled("number", text) == "0777L"
    assert labelled("keyword", text) == "exceptraise"
    assert labelled("comparison_operator", text) == "<>"


def test_a_cut_document_is_labelled_to_its_end() -> None:
    assert labelled("docstring", 'def f():\n    """It do') == '"""Itdo'
    assert labelled("string", "x = 'ab") == "'ab"
    assert labelled("keyword_argument", "f(a, b=1, c=") == "bc"


@pytest.mark.parametrize(
    "text",
    ['f"{x["a"]}" + y', "f'{a:{b:{c}}}' + y", 'f"{f"{f"{1}"}"}" + y', "f'{a!r}{{' '}}' + y"],
)
def test_f_strings_are_read_as_in_the_newest_python(text: str) -> None:
    assert labelled("f_string", f"{text}\n").endswith(("'", '"'))
    assert labelled("arithmetic_operator", f"{text}\n") == "+"


@pytest.mark.parametrize("text", ["f'{a' + b", "f'{a}}' + b", 'f"{\'" + b', "f'''{a''' + b"])
def test_a_broken_f_string_is_a_plain_one(text: str) -> None:
    assert labelled("arithmetic_operator", f"{text}\n") == "+"


@pytest.mark.parametrize(
    "piece",
    [
        "('",
        "f'{",
        "f'''{",
        "f'{f\"{",
        '\\"',
        "(((\n",
        "lambda ",
        "x: ",
        "{",
        "f'{(",
        "a=b,",
        "'''\n",
    ],
)
def test_time_is_linear(piece: str) -> None:
    start = time.perf_counter()
    outline(piece * 20_000)
    assert time.perf_counter() - start < 10

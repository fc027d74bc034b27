"""Targets from text: what `describe_target` writes becomes the target again, and no code is run.

An expression is the name of a target (`PreviousToken`, `previous-token`, `induction`), a call of
one with literals and predicates as arguments, or what `|` and `.where(...)` make of these; a
feature is `feature("python.comment")`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

import mi_hypotheses
from mi_hypotheses.errors import UsageError, did_you_mean
from mi_hypotheses.features.catalogue import Feature, feature
from mi_hypotheses.loading import plain_validation
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.targets import (
    AfterPrevious,
    CurrentToken,
    DuplicateToken,
    FirstToken,
    PreviousToken,
    Target,
)

Part = Target | Predicate


def _public_classes() -> dict[str, type[Part]]:
    """The targets and predicates that a plugin file can import."""
    public = {name: getattr(mi_hypotheses, name) for name in mi_hypotheses.__all__}
    return {
        name: value
        for name, value in public.items()
        if isinstance(value, type)
        and issubclass(value, Target | Predicate)
        and value not in (Target, Predicate)
    }


_CLASSES = _public_classes()
_ALIASES: dict[str, type[Part]] = {  # `..._head` as TransformerLens' head_detector has it
    "bos": FirstToken,
    "current": CurrentToken,
    "duplicate": DuplicateToken,
    "duplicate_token_head": DuplicateToken,
    "induction": AfterPrevious,
    "induction_head": AfterPrevious,
    "previous": PreviousToken,
    "previous_token_head": PreviousToken,
}
_SHOWN = [*_CLASSES, *(name for name in _ALIASES if not name.endswith("_head"))]
_NAMES = {
    **_CLASSES,
    **{re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): made for name, made in _CLASSES.items()},
    **_ALIASES,
}
_METHODS = {"where": "predicate", "shift": "by"}  # and the name of their one argument

_STRING = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_OUTSIDE = re.compile(rf"({_STRING})|(?<=\w)-(?=[^\W\d])|[\r\n]", re.DOTALL)
_LONGEST = 200  # characters of an expression in a message
_LINE_END = re.compile(r"\r\n|\r|\n")


class _ExpressionError(Exception):
    """What is wrong with an expression: at a node, or just after it."""

    def __init__(self, node: ast.expr, problem: str, *, after: bool = False) -> None:
        super().__init__(problem)
        self.line = (node.end_lineno if after else None) or node.lineno
        self.column = (node.end_col_offset if after else None) or node.col_offset


def parse_target(text: str) -> Target:
    """The target that an expression describes.

    Names can be written in kebab and snake case as well: `previous-token`, `after_previous`.

    Raises:
        UsageError: the expression cannot be read; the message says where in it the mistake is.
    """
    text = text.strip()
    try:
        made = _part(_parsed(text))
    except _ExpressionError as mistake:
        start = _line_start(text, mistake.line)
        before = text[start:].encode()[: mistake.column].decode()
        raise _no_target(text, f"at character {start + len(before) + 1}, {mistake}") from None
    except RecursionError:
        raise _no_target(text, "it is nested too deep.") from None
    if isinstance(made, Predicate):
        raise _no_target(
            text,
            "it is a predicate, which says where a neuron fires. NearestPrevious(...) and "
            "Link(query=..., key=...) make targets of patterns, and .where(...) takes a predicate.",
        )
    return made


def _no_target(text: str, problem: str) -> UsageError:
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return UsageError(f"{shown!r} is no target: {problem}")


def _parsed(text: str) -> ast.expr:
    if not text or text.startswith("@"):
        problem = "a function with @target is named by its file" if text else "it is empty"
        raise _no_target(text, f"{problem}. Write PreviousToken(), Offset(2) or FILE.py::NAME.")
    plain = _OUTSIDE.sub(  # as long as before, so that places stay what they are
        lambda match: match[1] or ("_" if match[0] == "-" else " "), text
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of '\d', which means the same in a pattern
            return ast.parse(plain, mode="eval").body
    except SyntaxError as error:
        character = _line_start(text, error.lineno or 1) + (error.offset or 1)
        raise _no_target(text, f"at character {character}, {error.msg}.") from None
    except (ValueError, MemoryError) as error:  # a null character; brackets without end
        raise _no_target(text, f"{error or 'it is nested too deep'}.") from None


def _line_start(text: str, line: int) -> int:
    """Where a line begins; only inside a string can there be a second one."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))][line - 1]


def _part(node: ast.expr) -> Part:
    """The target or predicate that a node stands for."""
    match node:
        case ast.Name():
            return _made(node, _class(node), [], {})
        case ast.Call(func=ast.Name(id="feature")):
            return _feature(node)
        case ast.Call(func=ast.Name() as name):
            return _made(node, _class(name), *_arguments(node))
        case ast.Call(func=ast.Attribute() as method):
            return _applied(node, method)
        case ast.Attribute(value=of, attr=name) if name in _METHODS:
            raise _ExpressionError(of, f"write .{name}({_METHODS[name]}).", after=True)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd()):
            return _joined(node)
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            part = _part(operand)
            if isinstance(part, Target):
                raise _ExpressionError(node, "~ turns predicates around, and this is a target.")
            return _built(node, lambda: ~part)
    raise _ExpressionError(
        node,
        f"{_shown(node)} is neither a target nor a predicate. Write targets such as "
        "PreviousToken() or Offset(2), joined by | and narrowed by .where(Regex(...)).",
    )


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _class(name: ast.Name) -> type[Part]:
    if name.id not in _NAMES:
        hint = did_you_mean(name.id, _SHOWN)
        raise _ExpressionError(name, f"there is no target or predicate called {name.id!r}. {hint}")
    return _NAMES[name.id]


def _feature(call: ast.Call) -> Feature:
    """The feature that `feature("python.comment")` names, on a pipeline where one is given."""
    by_place, by_name = _arguments(call)
    pipeline = by_name.pop("pipeline", None)
    names = [*by_place, *by_name.values()]
    if len(names) != 1 or not by_name.keys() <= {"name"} or not isinstance(names[0], str):
        raise _ExpressionError(call, 'feature takes one name: feature("python.comment").')
    if not isinstance(pipeline, str | None):
        raise _ExpressionError(call, 'pipeline= of feature is a name: "en_core_web_sm".')
    try:
        return feature(names[0], pipeline=pipeline)
    except UsageError as error:
        raise _ExpressionError(call, f"{str(error)[:1].lower()}{str(error)[1:]}") from None


def _arguments(call: ast.Call) -> tuple[list[object], dict[str, object]]:
    """The arguments of a call, by place and by name."""
    by_name: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise _ExpressionError(
                keyword.value, "arguments cannot be unpacked: write each by itself."
            )
        if keyword.arg in by_name:
            raise _ExpressionError(keyword.value, f"{keyword.arg}= is given twice.")
        by_name[keyword.arg] = _argument(keyword.value)
    return [_argument(argument) for argument in call.args], by_name


def _argument(node: ast.expr) -> object:
    """A literal, or the predicate or target that is written there."""
    match node:
        case ast.Name() | ast.Call() | ast.Attribute() | ast.UnaryOp(op=ast.Invert()):
            return _part(node)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd()):
            return _part(node)
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError):
        raise _ExpressionError(
            node,
            f"{_shown(node)} is no argument: write text in quotes, a number, True, False, None, "
            "or a list or dict of these.",
        ) from None
    return value


def _applied(call: ast.Call, method: ast.Attribute) -> Part:
    """The result of `part.where(...)` or `part.shift(...)`."""
    part = _part(method.value)
    kind, own = ("target", "where") if isinstance(part, Target) else ("predicate", "shift")
    if method.attr != own:
        hint = did_you_mean(method.attr, [own])
        raise _ExpressionError(
            method.value, f"a {kind} has no .{method.attr}(). {hint}", after=True
        )
    by_place, by_name = _arguments(call)
    values: list[Any] = [*by_place, *by_name.values()]
    if len(values) != 1 or not by_name.keys() <= {_METHODS[own]}:
        problem = f".{own}() takes one argument: .{own}({_METHODS[own]})."
        raise _ExpressionError(method.value, problem, after=True)
    if isinstance(part, Predicate):
        return _built(call, lambda: part.shift(values[0]))
    if not isinstance(values[0], Predicate):
        problem = ".where() takes a predicate, such as Regex('...') or TokenIn(['...'])."
        raise _ExpressionError(method.value, problem, after=True)
    return _built(call, lambda: part.where(values[0]))


def _joined(node: ast.BinOp) -> Part:
    left, right = _part(node.left), _part(node.right)
    both = isinstance(node.op, ast.BitAnd)
    if isinstance(left, Predicate) and isinstance(right, Predicate):
        return _built(node, lambda: left & right if both else left | right)
    if both:
        problem = "& joins predicates. To keep some queries of a target, write .where(...)."
        raise _ExpressionError(node.left, problem, after=True)
    if isinstance(left, Target) and isinstance(right, Target):
        return _built(node, lambda: left | right)
    problem = "| joins two targets or two predicates, not one of each."
    raise _ExpressionError(node.left, problem, after=True)


def _made(
    node: ast.expr, made: type[Part], by_place: list[object], by_name: dict[str, object]
) -> Part:
    """An instance of the class; pydantic itself would pass over an argument too many."""
    fields: dict[str, FieldInfo] = getattr(made, "__pydantic_fields__", {})
    free = [name for name, each in fields.items() if each.init is not False and not each.kw_only]
    if len(by_place) > len(free):
        takes = f"only {', '.join(free)}" if free else "no argument"
        problem = f"{made.__name__} takes {takes} without a name."
        raise _ExpressionError(node, problem)
    named = dict(zip(free, by_place, strict=False))
    if twice := named.keys() & by_name.keys():
        raise _ExpressionError(node, f"{min(twice)}= of {made.__name__} is given twice.")
    return _built(node, lambda: made(**named, **by_name))


def _built(node: ast.expr, build: Callable[[], Part]) -> Part:
    """What `build` returns; what pydantic has against it is said in plain words."""
    try:
        return build()
    except ValidationError as error:
        raise _ExpressionError(node, plain_validation(error)) from None

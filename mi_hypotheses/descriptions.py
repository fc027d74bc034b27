"""Predicates and targets as their authors would write them: for reports and generated plugin files.

What is written here of a target, `target_expressions` reads.
"""

from __future__ import annotations

from collections.abc import Callable

from mi_hypotheses.predicates import All, AnyOf, IsCategory, Not, Predicate, Regex, Shift, TokenIn
from mi_hypotheses.targets import Either, FunctionTarget, Target, Where


def describe(predicate: Predicate) -> str:
    """The predicate as code."""
    match predicate:
        case All(of=parts):
            return " & ".join(_grouped(part) for part in parts)
        case AnyOf(of=parts):
            return " | ".join(_grouped(part) for part in parts)
        case Not(of=part):
            return f"~{_grouped(part)}"
        case Shift(of=part, by=by):
            inner = _grouped(part)
            return f"({inner}).shift({by})" if isinstance(part, Not) else f"{inner}.shift({by})"
        case IsCategory(of=part, category=category):
            return f"{_grouped(part)}.is_({category!r})"
        case Regex() | TokenIn():
            return call(predicate, show=_literal)
        case _:
            return predicate.written


def _grouped(predicate: Predicate) -> str:
    text = describe(predicate)
    return f"({text})" if isinstance(predicate, All | AnyOf) else text


def _literal(value: object) -> str:
    """A Python literal, of a string a raw one where that reads better."""
    if isinstance(value, str):
        plain = '"' not in value and value.isprintable() and not value.endswith("\\")
        return f'r"{value}"' if plain and "\\" in value else repr(value)
    return repr(sorted(value) if isinstance(value, frozenset) else value)


def describe_target(target: Target) -> str:
    """The target as code."""
    match target:
        case Either(of=parts):
            return " | ".join(describe_target(part) for part in parts)
        case Where(of=part, predicate=predicate):
            text = describe_target(part)
            text = f"({text})" if isinstance(part, Either) else text
            return f"{text}.where({describe(predicate)})"
        case FunctionTarget(name=name):
            return f"@target {name}"
        case _:
            return call(target, show=_argument)


def _argument(value: object) -> str:
    return describe(value) if isinstance(value, Predicate) else repr(value)


def call(made: object, *, show: Callable[[object], str]) -> str:
    """`Name(first, option=value, ...)`, with the options that differ from their defaults.

    Args:
        made: a pydantic dataclass; of anything else there is its name alone.
        show: writes the value of an argument.
    """
    arguments: list[str] = []
    options: list[str] = []
    for name, spec in getattr(type(made), "__pydantic_fields__", {}).items():
        value = getattr(made, name)
        if spec.is_required() and not spec.kw_only:
            arguments.append(show(value))
        elif name != "kind" and value != spec.get_default(call_default_factory=True):
            options.append(f"{name}={show(value)}")
    return f"{type(made).__name__}({', '.join([*arguments, *options])})"

"""Patterns of models: `NAME@*` and `NAME@step=1*` stand for checkpoints of one training run."""

from __future__ import annotations

from fnmatch import fnmatchcase

from mi_hypotheses.errors import UsageError
from mi_hypotheses.models import checkpoints, local_directory, shipped_models


def is_pattern(reference: str) -> bool:
    """Whether a reference stands for several checkpoints: `NAME@*` or `NAME@step=1*`."""
    return _has_wildcard(reference.partition("@")[2])


def _has_wildcard(text: str) -> bool:
    return any(letter in text for letter in "*?[")


def expand(reference: str) -> list[str]:
    """The checkpoints that a pattern stands for, ascending, or the reference itself if it is none.

    `NAME@*` has the final model as well, last.

    Raises:
        UsageError: the model has no such checkpoints, the pattern stands before `@`, or nothing
            stands after it.
        ModelError: the model's directory cannot be read.
    """
    name, at, pattern = reference.partition("@")
    if _has_wildcard(name) and local_directory(name) is None:
        raise UsageError(
            f"{reference!r} is no model. Patterns go after @ and stand for checkpoints of one "
            "model (NAME@*): name each model by itself."
        )
    if at and not pattern:
        raise UsageError(
            f"Nothing stands after the @ of {reference!r}: write {name}, {name}@step=N for a "
            f"checkpoint, or {name}@* for all of them."
        )
    if not is_pattern(reference):
        return [reference]
    steps = checkpoints(name)
    if not steps:
        raise _no_checkpoints(reference, name)
    found = [f"{name}@step={step}" for step in steps if fnmatchcase(f"step={step}", pattern)]
    if not found:
        listed = ", ".join(map(str, steps))
        raise UsageError(
            f"No checkpoint of {name} matches {reference!r}: write NAME@* for all of them or "
            f"NAME@step=1* for some. Its steps are {listed}."
        )
    return [*found, name] if pattern == "*" else found


def _no_checkpoints(reference: str, name: str) -> UsageError:
    having = [f"{model} ({len(n)})" for model in shipped_models() if (n := checkpoints(model))]
    where = f"Shipped models with checkpoints: {', '.join(having)}."
    if local_directory(name) is not None:
        return UsageError(f"{reference!r} matches nothing: {name} has no checkpoints. {where}")
    return UsageError(
        f"{reference!r} is a pattern, which can be looked up only for a shipped model or a "
        f"directory in TransformerLens's native layout, and {name!r} is neither. {where} Name each "
        "revision of a model on the hub by itself: -m NAME@REVISION."
    )


def is_checkpoint_of(reference: str, name: str) -> bool:
    """Whether a reference means the model `name`, at whatever step; one directory may be written
    in several ways."""
    own = reference.partition("@")[0]
    directory, other = local_directory(own), local_directory(name)
    if directory is None or other is None:
        return own == name
    return directory.resolve() == other.resolve()

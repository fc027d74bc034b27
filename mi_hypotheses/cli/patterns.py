"""Regular expressions on the command line: their options, and the predicates they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from mi_hypotheses.cli.options import together

if TYPE_CHECKING:
    from mi_hypotheses.predicates import Predicate

F = TypeVar("F", bound=Callable[..., Any])

pattern_options: Callable[[F], F] = together(
    click.option("--flags", default="", help="Of the pattern: letters out of imsxaw."),
    click.option("--group", help="Only this group of each match, by name or number."),
    click.option("--tokens", default="any", help="any, all, first or last tokens of a match."),
)


@dataclass(frozen=True)
class PatternOptions:
    """How a pattern is read: the values of `pattern_options`."""

    flags: str
    group: str | None
    tokens: str

    def refuse(self, pattern: str) -> None:
        """See that none is given where there is no `pattern` to read.

        Raises:
            UsageError: some are.
        """
        from mi_hypotheses.errors import UsageError

        if self.flags or self.group or self.tokens != "any":
            raise UsageError(
                f"--flags, --group and --tokens say how to read {pattern}, and there is none."
            )


def read_regex(pattern: str, options: PatternOptions) -> Predicate:
    """The pattern of the command line.

    Raises:
        UsageError: it does not compile, or an option of it is wrong.
    """
    from pydantic import ValidationError

    from mi_hypotheses.errors import UsageError, unknown_name
    from mi_hypotheses.loading import plain_validation
    from mi_hypotheses.predicates import Regex
    from mi_hypotheses.text import TokenChoice

    choices: dict[str, TokenChoice] = {choice: choice for choice in get_args(TokenChoice)}
    if options.tokens not in choices:
        raise unknown_name("choice of tokens", options.tokens, choices)
    group = options.group
    which = 0 if group is None else int(group) if group.isdecimal() else group
    try:
        return Regex(pattern, flags=options.flags, group=which, tokens=choices[options.tokens])
    except ValidationError as error:
        raise UsageError(plain_validation(error)) from None

"""What a question claims, in words, where its author gave none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mi_hypotheses.dependencies import SpacyDependency
from mi_hypotheses.links import (
    LineStart,
    Link,
    MatchingBracket,
    NearestPrevious,
    OpeningTag,
    SameWordStart,
    SentenceStart,
)
from mi_hypotheses.predicates import describe
from mi_hypotheses.targets import (
    AfterPrevious,
    CurrentToken,
    DuplicateToken,
    Either,
    FirstToken,
    FunctionTarget,
    Offset,
    PreviousToken,
    Target,
    Where,
    describe_target,
)

if TYPE_CHECKING:
    from mi_hypotheses.predicates import Predicate


def firing(on: Predicate) -> str:
    """`Fires on Regex('#').`"""
    return f"Fires on {describe(on)}."


def attending(to: Target) -> str:
    """`Attends to the previous token.`"""
    return f"Attends {_to(to)}."


def _to(target: Target) -> str:
    match target:
        case Either(of=parts):
            return ", or ".join(_to(part) for part in parts)
        case Where(of=part, predicate=predicate):
            return f"{_to(part)}, on queries of {describe(predicate)}"
        case Link(query=query, key=key, choose=choose):
            matches = "all earlier matches" if choose == "all" else f"the {_EARLIER[choose]} match"
            return f"from {describe(query)} to {matches} of {describe(key)}"
        case MatchingBracket():
            return "from a closing bracket to its opening one"
        case OpeningTag():
            return "from a closing tag to its opening one"
        case SpacyDependency(query=query, key=key):
            return f"from the {query} to its {key}"
    return f"to {_keys(target)}"


_EARLIER = {"nearest": "nearest earlier", "first": "first"}


def _keys(target: Target) -> str:
    match target:
        case PreviousToken() | Offset(by=1):
            return "the previous token"
        case Offset(by=-1):
            return "the next token"
        case Offset(by=by):
            where = "back" if by > 0 else "ahead"
            return f"the token {abs(by)} {where}"
        case CurrentToken():
            return "the current token itself"
        case FirstToken():
            return "the beginning of its window (BOS)"
        case DuplicateToken(choose=choose):
            return f"{_copies(choose)} of the current token"
        case AfterPrevious(match_length=1, choose=choose):
            return f"the token after {_copies(choose)} of the current token"
        case AfterPrevious(match_length=length, choose=choose):
            return f"the token after {_copies(choose)} of the last {length} tokens"
        case SameWordStart():
            return "the first piece of the same word"
        case LineStart():
            return "the start of its line"
        case SentenceStart():
            return "the start of its sentence"
        case NearestPrevious(key=key):
            return f"the nearest earlier match of {describe(key)}"
        case FunctionTarget(name=name):
            return f"the keys of {name}"
    return f"the keys of {describe_target(target)}"


def _copies(choose: str) -> str:
    return "earlier copies" if choose == "all" else "the latest earlier copy"

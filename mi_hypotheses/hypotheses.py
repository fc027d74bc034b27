"""Units and hypotheses: the claims that users write."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from inspect import isfunction
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PrivateAttr,
    SerializeAsAny,
    field_serializer,
    field_validator,
    model_validator,
)

from mi_hypotheses.dependencies import SpacyDependency
from mi_hypotheses.descriptions import describe, describe_target
from mi_hypotheses.errors import UsageError
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.spacy_rules import SpacyTree
from mi_hypotheses.targets import Target

Place = Literal["post", "pre", "mid"]

_NAME = re.compile(r"[^\s:\[\]/][^\s:\[\]]*")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Place(_Frozen):
    """Base of units: their fields are given by name."""

    if not TYPE_CHECKING:  # for type checkers pydantic's own signature is the right one

        def __init__(self, *numbers: object, **fields: object) -> None:
            if numbers:
                named = zip(type(self).model_fields, numbers, strict=False)
                written = ", ".join(f"{name}={number!r}" for name, number in named)
                raise TypeError(
                    f"a unit's fields are given by name: write {type(self).__name__}({written})"
                )
            super().__init__(**fields)


class Neuron(_Place):
    """One MLP neuron. `at` is where it is read: after the activation function (`post`),
    before it (`pre`), or, in SoLU models, between SoLU and its LayerNorm (`mid`)."""

    layer: int = Field(ge=0)
    index: int = Field(ge=0)
    at: Place = "post"

    def __str__(self) -> str:
        return f"L{self.layer}N{self.index}" + ("" if self.at == "post" else f".{self.at}")


class AnyNeuron(_Place):
    """Some neuron of the model, or of one layer.

    The one with the highest |pearson| on calibration documents is taken, with its sign, or with
    the highest η² where labels are categories, and judged on test documents.
    """

    layer: int | None = Field(default=None, ge=0)
    at: Place = "post"

    def __str__(self) -> str:
        where = "" if self.layer is None else f"L{self.layer}"
        return f"{where}N*" + ("" if self.at == "post" else f".{self.at}")


class Head(_Place):
    """One attention head."""

    layer: int = Field(ge=0)
    index: int = Field(ge=0)

    def __str__(self) -> str:
        return f"L{self.layer}H{self.index}"


class AnyHead(_Place):
    """Some head of the model, or of one layer.

    The one with the highest target mass on calibration documents is taken, and judged on test
    documents.
    """

    layer: int | None = Field(default=None, ge=0)

    def __str__(self) -> str:
        return "H*" if self.layer is None else f"L{self.layer}H*"


Unit = Neuron | AnyNeuron | Head | AnyHead

_UNIT = re.compile(
    r"(?:L(?P<layer>\d+))?(?P<kind>[NH])(?P<index>\d+|\*)(?:\.(?P<at>post|pre|mid))?"
)


def parse_unit(text: str) -> Unit:
    """The unit written `L0N417`, `L0N417.pre`, `L0N*` (some neuron of layer 0), `N*`, or, for
    heads, `L0H3`, `L0H*` or `H*`.

    Raises:
        UsageError: the text is no unit.
    """
    match = _UNIT.fullmatch(text.strip())
    unit = None if match is None else _parsed_unit(match)
    if unit is None:
        raise UsageError(
            f"{text!r} is not a unit. Write a neuron as L0N417 (layer 0, neuron 417), "
            "L0N417.pre for its pre-activation, L0N* for some neuron of layer 0, N* for any; "
            "and a head as L0H3, L0H* or H*."
        )
    return unit


def _parsed_unit(match: re.Match[str]) -> Unit | None:
    layer = None if match["layer"] is None else int(match["layer"])
    index = None if match["index"] == "*" else int(match["index"])
    at = cast(Place | None, match["at"])
    if (layer is None and index is not None) or (match["kind"] == "H" and at):
        return None
    if match["kind"] == "H":
        return AnyHead(layer=layer) if index is None else Head(layer=layer or 0, index=index)
    if index is None:
        return AnyNeuron(layer=layer, at=at or "post")
    return Neuron(layer=layer or 0, index=index, at=at or "post")


def _caller() -> str:
    """`file:line` of the statement that made the hypothesis.

    That is the innermost frame outside this package and pydantic; where a function made it, the
    statement of a module in the same directory that called for it, if there is one.
    """
    package = str(Path(__file__).parent) + os.sep
    made: FrameType | None = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if made is not None and Path(file).parent != Path(made.f_code.co_filename).parent:
            break
        if not file.startswith(package) and "/pydantic/" not in file.replace("\\", "/"):
            made = made or frame
            if frame.f_code.co_name == "<module>":
                return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return f"{made.f_code.co_filename}:{made.f_lineno}" if made else "<unknown>:0"


def _each_once(corpora: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(corpora))


def _made(given: object, base: type, decorator: str) -> object:
    """`given`, where it is not a class or a plain function in place of an object made of it."""
    if isinstance(given, type) and issubclass(given, base):
        required = [
            f for f in getattr(given, "__pydantic_fields__", {}).values() if f.is_required()
        ]
        arguments = "..." if required else ""
        raise ValueError(f"this is the class itself: write {given.__name__}({arguments})")
    if isfunction(given):
        raise ValueError(f"this is a plain function: decorate it with {decorator}")
    return given


def _made_predicate(given: object) -> object:
    if isinstance(given, SpacyDependency):
        raise ValueError(
            f"this is a target, for Attends(to=...): write on=target.node({given.query!r}), or "
            f"on=SpacyTree(patterns, label={given.query!r})"
        )
    if isinstance(given, Target):
        raise ValueError("this is a target, for Attends(to=...); a neuron fires on a predicate")
    return _made(given, Predicate, "@predicate")


def _made_target(given: object) -> object:
    if isinstance(given, SpacyTree):
        raise ValueError(
            "this is a predicate, for Fires(on=...): write to=SpacyDependency(patterns, query=, "
            "key=)"
        )
    if isinstance(given, Predicate):
        raise ValueError(
            "this is a predicate, for Fires(on=...); a head attends to a target, such as "
            "NearestPrevious(keys)"
        )
    return _made(given, Target, "@target")


def _read_only(bars: Mapping[str, float]) -> Mapping[str, float]:
    return MappingProxyType(dict(bars))


class Claim(_Frozen):
    """What every hypothesis says, whatever its unit does.

    Args:
        name: unique within a run; what reports and baselines call it.
        claim: the claim in words, one sentence.
        model: a shipped model, a hub name, a directory, or what a plugin loads.
        corpora: corpus URIs; each is scored on its own.
        expect: metric → the value that the lower end of its 95% interval must reach.
        margin: how far a score may fall before a regression check calls it a fall.

    Raises:
        pydantic.ValidationError: a field is missing, misspelled or of the wrong type.
    """

    name: str
    claim: str = Field(min_length=1)
    model: str = Field(min_length=1)
    corpora: Annotated[Sequence[str], AfterValidator(_each_once)] = Field(
        default=("stdlib",), min_length=1
    )
    expect: Annotated[Mapping[str, FiniteFloat], AfterValidator(_read_only)] = Field(
        default_factory=dict, validate_default=True
    )
    margin: float = Field(default=0.02, ge=0, allow_inf_nan=False)

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    _source: str = PrivateAttr(default="")

    def model_post_init(self, _context: object) -> None:
        self._source = _caller()

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"the name {name!r} must have no white space, colon or brackets, as it is "
                "used on the command line: write it like 'python-comment'"
            )
        return name

    @field_serializer("expect")
    def _dump_expect(self, expect: Mapping[str, float]) -> dict[str, float]:
        return dict(expect)

    @property
    def source(self) -> str:
        """`file:line` where the hypothesis was written."""
        return self._source

    @property
    def hash(self) -> str:
        """Hash of everything that says what is measured and expected; the words of the
        claim do not count."""
        content = self.model_dump(mode="json", exclude={"claim"})
        text = json.dumps(content, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def question_hash(self) -> str:
        """Hash of what is measured: the unit and its predicate or target, whatever the model and
        the corpora, and whatever is expected."""
        said = {"name", "claim", "model", "corpora", "expect", "margin"}
        text = json.dumps(self.model_dump(mode="json", exclude=said), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def __hash__(self) -> int:
        return hash((self.hash, self.claim))


class Fires(Claim):
    """A claim that a neuron fires on the tokens of a predicate; see `Claim` for the fields
    that all hypotheses have.

    Args:
        unit: `Neuron(layer=, index=)`, or `AnyNeuron(layer=)` to search.
        on: the predicate.
        sign: `-` where the claim is that the unit is low on these tokens; a search then looks
            for the most negative correlation instead of the strongest.
        threshold: the activation from which on the unit counts as firing; chosen on
            calibration documents where it is not given. A search chooses its own.

    Raises:
        pydantic.ValidationError: a field is missing, misspelled or of the wrong type.
    """

    unit: Neuron | AnyNeuron
    on: Annotated[SerializeAsAny[Predicate], BeforeValidator(_made_predicate)]
    sign: Literal["+", "-"] = "+"
    threshold: FiniteFloat | None = None

    @model_validator(mode="after")
    def _threshold_of_a_known_unit(self) -> Self:
        if self.threshold is not None and isinstance(self.unit, AnyNeuron):
            raise ValueError("threshold= needs a unit that is known: a search has none yet")
        return self

    @model_validator(mode="after")
    def _no_direction_of_categories(self) -> Self:
        stated = "sign" if self.sign == "-" else "threshold" if self.threshold is not None else None
        if stated and self.on.categories is not None:
            raise ValueError(
                f"{stated}= says nothing about a categorical label: its score is how far the "
                "categories differ. For one category, write on=predicate.is_(name)"
            )
        return self

    @property
    def written(self) -> str:
        """The predicate as its author would write it."""
        return describe(self.on)

    @field_serializer("on")
    def _dump_predicate(self, on: Predicate) -> dict[str, str]:
        return {"predicate": describe(on), "fingerprint": on.fingerprint()}


class Attends(Claim):
    """A claim that a head attends to the keys of a target; see `Claim` for the fields that
    all hypotheses have.

    Args:
        unit: `Head(layer=, index=)`, or `AnyHead(layer=)` to search.
        to: the target: which tokens should be attended to from which.

    Raises:
        pydantic.ValidationError: a field is missing, misspelled or of the wrong type.
    """

    unit: Head | AnyHead
    to: Annotated[SerializeAsAny[Target], BeforeValidator(_made_target)]

    @property
    def written(self) -> str:
        """The target as its author would write it."""
        return describe_target(self.to)

    @field_serializer("to")
    def _dump_target(self, to: Target) -> dict[str, str]:
        return {"target": describe_target(to), "fingerprint": to.fingerprint()}


Hypothesis = Fires | Attends

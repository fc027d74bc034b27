"""What `mih top` finds of a unit, as data. The terminal output and the page render it alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mi_hypotheses.reports import (
    CorpusInfo,
    Example,
    Histogram,
    ModelInfo,
    Number,
    Record,
    RunInfo,
)

PAGE_VERSION: Literal[1] = 1

Place = Literal["pre", "mid", "post"]


class Tails(Record):
    """The shape of a unit's activations: moments, and how much lies far out.

    The formulas stand with `tails.tails`; what has a deviation in its denominator is null where
    that is 0.
    """

    n_tokens: int
    zero_share: float
    positive_share: float
    mean: float
    deviation: float
    skewness: Number
    excess_kurtosis: Number
    minimum: float
    maximum: float
    maximum_in_deviations: Number
    quantiles: dict[str, float]  # by percent: "50", "99.9"


class Spread(Record):
    """A unit's activations at one place; all counts of the histogram are in `negative`."""

    at: Place
    histogram: Histogram | None
    tails: Tails


class ExampleBand(Record):
    """Tokens whose activation lies in [low, high), and some of them, drawn by hash; the last
    band holds its upper end."""

    low: float
    high: float
    n_tokens: int
    share: float
    examples: tuple[Example, ...]


class TokenMean(Record):
    """The mean activation on one entry of the vocabulary."""

    id: int
    text: str
    n_tokens: int
    mean: float


class TokenMeans(Record):
    """What the current token says about the activation.

    `highest` and `lowest` are among the entries that occur `least_count` times or more.
    `share_explained` is η² of the activation by the current token over all tokens, in sample;
    `share_by_chance` is what as many random groups get on average. `share_held_out` is the squared
    correlation, on test documents, with the mean of the same token on calibration documents.
    """

    n_kinds: int
    least_count: int
    n_frequent: int
    highest: tuple[TokenMean, ...]
    lowest: tuple[TokenMean, ...]
    share_explained: Number
    share_by_chance: Number
    share_held_out: Number


class InputWeights(Record):
    """A vector that the neuron's activation is computed from, and its cosine with the output."""

    name: Literal["in", "gate", "up"]
    norm: float
    cosine: Number


class LogitEffect(Record):
    """What one unit of activation adds to a token's logit, relative to the vocabulary's mean."""

    id: int
    text: str
    logit: float


class UnitWeights(Record):
    """A neuron's weights.

    `per` is the place where the unit of activation is taken that `promoted` and `suppressed`
    speak of. `chance_cosine` is the standard deviation of the cosine of two random vectors.
    `path` names what lies between the activation and the logits, and what was done there; where
    there is no direct path it is empty, and `no_path` says why.
    """

    inputs: tuple[InputWeights, ...]
    output_norm: float
    chance_cosine: float
    per: Place
    activation_gain: Number
    logit_deviation: Number
    promoted: tuple[LogitEffect, ...]
    suppressed: tuple[LogitEffect, ...]
    path: tuple[str, ...]
    no_path: str


class UnitPage(Record):
    """One unit of a model on a corpus; examples and the tokens it likes are read at `at`."""

    schema_version: Literal[1] = PAGE_VERSION
    run: RunInfo
    model: ModelInfo
    corpus: CorpusInfo
    unit: str
    at: Place
    n_tokens: int
    spreads: tuple[Spread, ...] = Field(min_length=1)
    tokens: TokenMeans
    top: tuple[Example, ...]
    bands: tuple[ExampleBand, ...]
    weights: UnitWeights | None
    notes: tuple[str, ...] = ()

    @property
    def spread(self) -> Spread:
        """The activations where the unit is read."""
        return next(spread for spread in self.spreads if spread.at == self.at)

"""What the page of a unit says in words, for the terminal and for HTML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mi_hypotheses.presentation import MISSING, count, number, percent
from mi_hypotheses.unit_page import Place, Tails, TokenMeans, UnitPage, UnitWeights

PLACES: dict[Place, str] = {
    "pre": "before the nonlinearity",
    "mid": "after SoLU, before its LayerNorm",
    "post": "after the nonlinearity, as the output weights read it",
}

_SIGNS = str.maketrans({"-": "−"})


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of tails: what it is, in plain words, and its values by place."""

    name: str
    told: str
    values: tuple[str, ...]


_ROWS: tuple[tuple[str, str, Callable[[Tails], str]], ...] = (
    ("exactly zero", "share of tokens", lambda t: percent(t.zero_share)),
    ("positive", "share of tokens", lambda t: percent(t.positive_share)),
    ("mean", "", lambda t: number(t.mean)),
    ("standard deviation", "", lambda t: number(t.deviation)),
    (
        "skewness",
        "0 if symmetric; above 0, the long tail is of high values",
        lambda t: number(t.skewness),
    ),
    (
        "excess kurtosis",
        "0 for a normal distribution; high where few tokens lie far out",
        lambda t: number(t.excess_kurtosis),
    ),
    ("lowest", "", lambda t: number(t.minimum)),
    ("highest", "", lambda t: number(t.maximum)),
    (
        "highest, in deviations",
        "from the mean; about 4 to 5 in a normal sample of this kind of size",
        lambda t: number(t.maximum_in_deviations),
    ),
)


def tail_rows(page: UnitPage) -> list[Row]:
    """The table of tails, a column for each place."""
    tails = [spread.tails for spread in page.spreads]
    rows = [Row(name, told, tuple(map(write, tails))) for name, told, write in _ROWS]
    percents = tails[0].quantiles
    return rows + [
        Row(
            "median" if each == "50" else f"{each}% quantile",
            "half of the tokens lie below" if each == "50" else f"{each}% of the tokens lie below",
            tuple(number(t.quantiles[each]) for t in tails),
        )
        for each in percents
    ]


def token_sentence(tokens: TokenMeans) -> str:
    """How much of the activation the current token explains."""
    if tokens.share_explained is None:
        return "The activation is the same on all tokens, so no token explains anything of it."
    told = (
        f"The current token alone explains {percent(tokens.share_explained)} of the variance of "
        f"the activation in sample (η²; {percent(tokens.share_by_chance)} is what as many random "
        "groups of tokens would)"
    )
    if tokens.share_held_out is None:
        return f"{told}. There are too few documents to judge it on others."
    return (
        f"{told}, and {percent(tokens.share_held_out)} on test documents, each token predicted by "
        "its mean on calibration documents."
    )


def list_sentence(tokens: TokenMeans) -> str:
    """Which tokens are listed."""
    return (
        f"{count(tokens.n_frequent)} of {count(tokens.n_kinds)} different tokens occur "
        f"{tokens.least_count} times or more; only these are listed."
    )


def input_name(name: str) -> str:
    """An input vector's name as a reader sees it."""
    return {"in": "input", "gate": "gate (through the nonlinearity)", "up": "up (multiplied)"}[name]


def direct_path_sentence(weights: UnitWeights) -> str:
    """How the contributions to the logits come about; "" where there are none."""
    if not weights.promoted:
        return " ".join(weights.steps)
    steps = "; ".join(weights.steps)
    gain = ""
    if weights.activation_gain is not None and weights.per == "post":
        gain = (
            " The LayerNorm after SoLU needs no treatment: post is what comes out of it, with its "
            f"gain (for this neuron {number(weights.activation_gain)}) and its scale."
        )
    return (
        f"What one unit of {weights.per} adds to each token's logit on the direct path, output "
        f"weights times unembedding. On the way: {steps}. Then the mean over the vocabulary is "
        "taken off. Without the scale, which differs from token to token, the numbers compare "
        f"tokens with each other, not models; over the vocabulary their standard deviation is "
        f"{number(weights.logit_deviation)}. Later layers are not counted.{gain}"
    )


def cosine_sentence(weights: UnitWeights) -> str:
    """How to read the cosines."""
    return (
        "Cosine of the weights that the neuron reads with and those that it writes with, as they "
        "are stored: near 1 it strengthens what it reads, near −1 it removes it. Two random "
        f"vectors of this width have 0 ± {number(weights.chance_cosine)}."
    )


def signed(value: float | None) -> str:
    """`+0.42`, `−1.30`."""
    if value is None:
        return MISSING
    return f"{value:+.2f}".translate(_SIGNS)

"""What the page of a unit says in words, for the terminal and for HTML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from mi_hypotheses.presentation import count, number, percent, token_text
from mi_hypotheses.unit_page import Place, Tails, TokenMeans, UnitPage, UnitWeights

PLACES: dict[Place, str] = {
    "pre": "before the nonlinearity",
    "mid": "after SoLU, before its LayerNorm",
    "post": "after the nonlinearity, as the output weights read it",
}

# Control characters but tab and line end, as one writes them in code.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), 127)}
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
    ("mean", "", lambda t: figure(t.mean)),
    ("standard deviation", "", lambda t: figure(t.deviation)),
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
    ("lowest", "", lambda t: figure(t.minimum)),
    ("highest", "", lambda t: figure(t.maximum)),
)


def tail_rows(page: UnitPage) -> list[Row]:
    """The table of tails, a column for each place."""
    tails = [spread.tails for spread in page.spreads]
    rows = [Row(name, told, tuple(map(write, tails))) for name, told, write in _ROWS]
    usual = number(usual_maximum(page.n_tokens))
    rows.append(
        Row(
            "highest, in deviations",
            f"from the mean; about {usual} for as many normal numbers",
            tuple(number(t.maximum_in_deviations) for t in tails),
        )
    )
    return rows + [
        Row(
            "median" if each == "50" else f"{each}% quantile",
            "half of the tokens lie below" if each == "50" else f"{each}% of the tokens lie below",
            tuple(figure(t.quantiles[each]) for t in tails),
        )
        for each in tails[0].quantiles
    ]


def usual_maximum(n: int) -> float:
    """The median of the highest of `n` numbers from the standard normal distribution: where its
    distribution function, to the power of `n`, is one half."""
    return NormalDist().inv_cdf(0.5 ** (1 / n))


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
    """How the contributions to the logits come about, or why there are none."""
    if not weights.path:
        return weights.no_path
    told = (
        f"What one unit of {weights.per} adds to each token's logit on the direct path, later "
        f"layers left out: {', '.join(weights.path)}; less the mean over the vocabulary. Their "
        f"standard deviation over the vocabulary is {figure(weights.logit_deviation)}."
    )
    if weights.activation_gain is None or weights.per == "mid":
        return told
    return (
        f"{told} SoLU's LayerNorm lies before post, so its scale and its gain (for this neuron "
        f"{figure(weights.activation_gain)}) are in the activation already."
    )


def cosine_sentence(weights: UnitWeights) -> str:
    """How to read the cosines."""
    return (
        "Cosine of the weights that the neuron reads with and those that it writes with, as they "
        "are stored: near 1 it strengthens what it reads, near −1 it removes it. Two random "
        f"vectors of this width have 0 ± {figure(weights.chance_cosine)}."
    )


def figure(value: float | None) -> str:
    """A number with three digits that count, however small: `4.07`, `−0.00132`."""
    if value is None or not 0 < abs(value) < 0.1:
        return number(value)
    return f"{value:#.3g}".translate(_SIGNS)


def token_name(text: str, *, number: int) -> str:
    """A token as it is listed: `for`, `␣for` with its leading space, `↵␣␣`, `\\x0c`, and `�#212`
    where it is a part of a character."""
    bare = text.strip(" ")
    shown = token_text(bare.translate(_CONTROLS)) if bare else ""
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - len(text.rstrip(" ")) if bare else 0
    part = f"#{number}" if "\ufffd" in text else ""
    return "␣" * before + shown + "␣" * after + part


def signed(value: float | None) -> str:
    """`+0.420`, `−1.30`."""
    return f"+{figure(value)}" if value is not None and value > 0 else figure(value)

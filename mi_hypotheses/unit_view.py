"""The page of a unit as HTML: one file that needs nothing from elsewhere and runs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mi_hypotheses import unit_text
from mi_hypotheses.charts import histogram_chart
from mi_hypotheses.presentation import count
from mi_hypotheses.render import SHADES, asset, environment
from mi_hypotheses.unit_page import LogitEffect, TokenMean, UnitPage


@dataclass(frozen=True, slots=True)
class Ranked:
    """A line of a ranking of tokens; `share` is the length of its bar, 0 to 1."""

    text: str
    told: str
    value: str
    n: str
    share: float
    negative: bool


def render_page(page: UnitPage) -> str:
    """The page; long texts of the corpus are cut where the record has cut them."""
    return (
        environment()
        .get_template("unit.html")
        .render(
            page=page,
            style=Markup(asset("report.css") + asset("unit.css")),
            shades=range(1, SHADES + 1),
            words=unit_text,
            strongest=_strongest(page),
            means=_means,
            effects=_effects,
            histogram=histogram_chart,
        )
    )


def _strongest(page: UnitPage) -> float:
    """The largest |activation| of the examples: full colour."""
    shown = [*page.top, *(example for band in page.bands for example in band.examples)]
    return max(
        (abs(token.activation or 0.0) for example in shown for token in example.tokens),
        default=0.0,
    )


def _means(page: UnitPage, tokens: Sequence[TokenMean]) -> list[Ranked]:
    """Mean activations by token, all on one scale."""
    shown = [*page.tokens.highest, *page.tokens.lowest]
    most = max((abs(token.mean) for token in shown), default=0.0)
    return [
        Ranked(
            text=unit_text.token_name(token.text, number=token.id),
            told=f"token {token.id}",
            value=unit_text.figure(token.mean),
            n=count(token.n_tokens),
            share=abs(token.mean) / most if most else 0.0,
            negative=token.mean < 0,
        )
        for token in tokens
    ]


def _effects(page: UnitPage, effects: Sequence[LogitEffect]) -> list[Ranked]:
    """Contributions to logits, those promoted and those suppressed on one scale."""
    assert page.weights is not None  # the template asks only then
    shown = [*page.weights.promoted, *page.weights.suppressed]
    most = max((abs(effect.logit) for effect in shown), default=0.0)
    return [
        Ranked(
            text=unit_text.token_name(effect.text, number=effect.id),
            told=f"token {effect.id}",
            value=unit_text.signed(effect.logit),
            n="",
            share=abs(effect.logit) / most if most else 0.0,
            negative=effect.logit < 0,
        )
        for effect in effects
    ]

"""A report as a page. It is made from the report alone; so are Markdown and terminal output."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mi_hypotheses import (
    attention_view,
    category_means,
    charts,
    comparison,
    curves,
    head_charts,
    presentation,
    tallies,
)
from mi_hypotheses.markdown import render_markdown
from mi_hypotheses.presentation import (
    MISSING,
    STATUSES,
    SYMBOLS,
    count,
    grouped,
    number,
    percent,
    seconds,
    status_counts,
    visible,
    words,
)
from mi_hypotheses.reports import Example, ExampleToken, Report, Result, Score
from mi_hypotheses.terminal import render_terminal

__all__ = ["render_html", "render_markdown", "render_terminal"]

# Examples are shown with this many tokens around the focus, and this many of a kind, so that
# the page stays small; report.json has all of them.
BEFORE, AFTER = 40, 16
MOST_EXAMPLES = 12
MOST_CHECKPOINTS = 24  # that are shown with their charts and examples
SHADES = 9


@dataclass(frozen=True, slots=True)
class _Section:
    """The results of one hypothesis: in full, and folded those that a curve sums up."""

    full: tuple[Result, ...]
    earlier: tuple[Result, ...]


def render_html(report: Report) -> str:
    """One self-contained page: no script, style, font or image comes from elsewhere."""
    script = asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    results = report.results
    return (
        environment()
        .get_template("report.html")
        .render(
            report=report,
            style=Markup(asset("report.css")),
            script=Markup(script),
            script_hash=digest,
            sections=_sections(results),
            trainings=comparison.trainings(results),
            models_grids=comparison.side_by_side(results),
            tables=comparison.overviews(results),
            brief=len(comparison.earlier_checkpoints(results)) > MOST_CHECKPOINTS,
            kinds={result.kind for result in results},
            label_kinds={result.label_kind for result in results},
            anchor=anchors(results),
            counts=status_counts(report),
            shades=range(1, SHADES + 1),
            example_score=Score(value=0.62, low=0.55, high=0.69),
        )
    )


@cache
def environment() -> Environment:
    """What the pages of this package are made with."""
    made = Environment(
        loader=PackageLoader("mi_hypotheses", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=number,
        count=count,
        percent=percent,
        seconds=seconds,
        words=lambda name: visible(words(name)),
        visible=visible,
        breakable=_breakable,
        interval=presentation.interval,
        tokens=_tokens_markup,
        attention=attention_view.markup,
        in_words=attention_view.in_words,
    )
    made.globals.update(
        statuses=STATUSES,
        symbols=SYMBOLS,
        missing=MISSING,
        most_examples=MOST_EXAMPLES,
        charts=charts,
        head_charts=head_charts,
        curves=curves,
        comparison=comparison,
        present=presentation,
        tallies=tallies,
        means=category_means,
        strongest=_strongest,
    )
    return made


def asset(name: str) -> str:
    """The text of a file in `templates`."""
    return (resources.files("mi_hypotheses") / "templates" / name).read_text("utf-8")


def _sections(results: tuple[Result, ...]) -> Iterator[_Section]:
    """The hypotheses in order of first appearance; their checkpoints in order of training."""
    earlier = comparison.earlier_checkpoints(results)
    hidden = {id(result) for result in earlier}
    for group in grouped(results):
        yield _Section(
            tuple(result for result in group if id(result) not in hidden),
            tuple(result for result in earlier if any(result is other for other in group)),
        )


def anchors(results: tuple[Result, ...]) -> Callable[[Result], str]:
    """A function that gives each result a unique, readable fragment."""
    taken: dict[str, int] = {}
    fragments = {}
    for result in results:
        slug = re.sub(r"[^A-Za-z0-9]+", "-", result.name).strip("-").lower() or "hypothesis"
        taken[slug] = taken.get(slug, 0) + 1
        fragments[id(result)] = slug if taken[slug] == 1 else f"{slug}.{taken[slug]}"
    return lambda result: fragments[id(result)]


def _strongest(result: Result) -> float:
    """The largest |activation| of a result's examples: full colour."""
    found = result.examples
    return max(
        (
            abs(token.activation)
            for example in (*found.top, *found.false_positives, *found.false_negatives)
            for token in example.tokens
            if token.activation is not None
        ),
        default=0.0,
    )


def _breakable(text: str) -> Markup:
    """An identifier that may be broken after colons and slashes, and before `#` and `@`."""
    return Markup("<wbr>").join(re.split(r"(?<=[:/])(?=.)|(?=[#@])", visible(text)))


def _tokens_markup(example: Example, strongest: float, result: Result | None) -> Markup:
    """The example's tokens, shaded by activation, labelled ones underlined, focus outlined.

    Without a `result` nothing is labelled. Of a categorical label those are underlined that have
    the category of the focus. Attributes are written without quotes where they can be and classes
    with few letters: this is most of the page.
    """
    start = max(0, example.focus - BEFORE)
    end = min(len(example.tokens), example.focus + AFTER + 1)
    parts = ["<u>…</u>"] if start > 0 else []
    focus = example.tokens[example.focus].label if example.focus < end else None
    for i in range(start, end):
        token, title = example.tokens[i], ""
        marked = token.label is not None and token.label > 0
        if result is not None and result.label_kind == "categorical":
            marked = token.label is not None and token.label == focus
            title = category_means.category_name(result, token.label)
        parts.append(
            _token_markup(token, strongest, focus=i == example.focus, marked=marked, title=title)
        )
    if end < len(example.tokens):
        parts.append("<u>…</u>")
    return Markup("".join(parts))


def _token_markup(
    token: ExampleToken, strongest: float, *, focus: bool, marked: bool, title: str
) -> str:
    classes = []
    if token.activation is not None and strongest > 0:
        shade = round(SHADES * abs(token.activation) / strongest)
        if shade:
            classes.append(f"{'p' if token.activation > 0 else 'n'}{shade}")
    if marked:
        classes.append("l")
    if focus:
        classes.append("f")
    names = f' class="{" ".join(classes)}"' if len(classes) > 1 else ""
    names = f" class={classes[0]}" if len(classes) == 1 else names
    told = number(token.activation)
    if title:
        told = f'"{told} {escape(visible(title))}"'
    # A token inside a multi-byte character has no text of its own.
    return f"<i{names} title={told}>{escape(visible(token.text) or '·')}</i>"

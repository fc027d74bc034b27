"""One query of a head with the keys it saw: as marked-up text, and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

from mi_hypotheses.presentation import number, one_line, token_text, visible
from mi_hypotheses.reports import AttentionExample, AttentionToken

# Attention is a share of 1, so its shades mean the same in every example; the root keeps a
# tenth of the attention visible.
SHADES = 9
MOST_TARGETS = 2  # that are named one by one


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a query: `place` in the example's tokens, None for BOS."""

    place: int | None
    attention: float
    expected: bool


def shade(attention: float | None) -> int:
    """0 for hardly any attention to `SHADES` for all of it."""
    return round(SHADES * math.sqrt(min(max(attention or 0.0, 0.0), 1.0)))


def keys_of(example: AttentionExample) -> list[Key]:
    """BOS, where there is one, and the tokens that got attention, in their order."""
    bos = [] if example.bos is None else [Key(None, example.bos, example.bos_expected)]
    return bos + [
        Key(place, token.attention, token.expected)
        for place, token in enumerate(example.tokens)
        if token.attention is not None
    ]


def looked_most(example: AttentionExample, *, at_bos: bool = True) -> Key | None:
    """The key with the most attention, with BOS or without it."""
    keys = [key for key in keys_of(example) if key.place is not None or at_bos]
    return max(keys, key=lambda key: key.attention, default=None)


def in_words(example: AttentionExample) -> list[str]:
    """What the example says without its colours: target mass, where it looked most, its targets.

    `target mass 0.82`, `looked most at “for” 0.61, 3 back: a target`.
    """
    parts = ["no target" if example.target is None else f"target mass {number(example.target)}"]
    most = looked_most(example)
    if most is not None:
        parts.append(f"looked most at {_key_words(example, most)}{_judged(example, most)}")
        if most.place is None and not most.expected:
            second = looked_most(example, at_bos=False)
            if second is not None and second.attention > 0:
                parts.append(f"then at {_key_words(example, second)}{_judged(example, second)}")
    if example.bos is not None and (most is None or most.place is not None):
        parts.append(f"BOS {number(example.bos)}")
    if example.target is not None and (most is None or not most.expected):
        parts.append(_targets_words(example))
    return [part for part in parts if part]


def _judged(example: AttentionExample, key: Key) -> str:
    """Whether a key is a target, which goes without saying where there is none."""
    if example.target is None:
        return ""
    return ": a target" if key.expected else ": no target"


def _targets_words(example: AttentionExample) -> str:
    """The targets and the attention they got, where it did not look at one of them most."""
    targets = [key for key in keys_of(example) if key.expected]
    if not targets:
        return ""
    if len(targets) > MOST_TARGETS:
        return f"expected: {len(targets)} tokens"
    return "expected: " + " and ".join(_key_words(example, key) for key in targets)


def _key_words(example: AttentionExample, key: Key) -> str:
    """`“for” 0.61, 3 back`."""
    if key.place is None:
        return f"BOS {number(key.attention)}"
    token = example.tokens[key.place]
    text = f"“{one_line(token_text(token.text))}” {number(key.attention)}"
    return f"{text}, {distance_words(token.back)}"


def distance_words(back: int) -> str:
    """`3 back`, `itself`, `2 ahead`."""
    if back == 0:
        return "itself"
    return f"{back} back" if back > 0 else f"{-back} ahead"


def markup(example: AttentionExample) -> Markup:
    """The tokens shaded by attention; the query, its targets and the most looked at are marked.

    Attributes are written without quotes and classes with few letters: this is most of the page.
    """
    most = looked_most(example)
    parts = []
    if example.bos is not None:
        top = most is not None and most.place is None
        classes = ["bos", *_classes(example.bos, expected=example.bos_expected, top=top)]
        value = number(example.bos)
        expected = ", target" if example.bos_expected else ""
        parts.append(
            f'<b class="{" ".join(classes)}" title="BOS: {value}{expected}">BOS {value}</b>'
        )
    for place, token in enumerate(example.tokens):
        if token.gap:
            parts.append("<u>…</u>")
        top = most is not None and most.place == place
        parts.append(_token_markup(token, top=top, query=place == example.query))
    return Markup("".join(parts))


def _token_markup(token: AttentionToken, *, top: bool, query: bool) -> str:
    # A token inside a multi-byte character has no text of its own.
    text = escape(visible(token.text) or "·")
    title = number(token.attention) + (", target" if token.expected else "")
    classes = _classes(token.attention, expected=token.expected, top=top)
    if query:
        return f'<b class="{" ".join(["q", *classes])}" title="query, itself {title}">{text}</b>'
    named = f' class="{" ".join(classes)}"' if len(classes) > 1 else ""
    named = f" class={classes[0]}" if len(classes) == 1 else named
    return f"<i{named} title={_quoted(title)}>{text}</i>"


def _classes(attention: float | None, *, expected: bool, top: bool) -> list[str]:
    found = [f"p{shade(attention)}"] if shade(attention) else []
    return found + ["l"] * expected + ["m"] * top


def _quoted(title: str) -> str:
    return f'"{title}"' if " " in title else title

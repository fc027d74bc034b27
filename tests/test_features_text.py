"""Features of text beyond their examples: white space, guillemets, and texts of one sign."""

from __future__ import annotations

import numpy as np
import pytest

from mi_hypotheses.features.catalogue import feature
from mi_hypotheses.text import TokenView


def labels_of(name: str, text: str) -> list[float]:
    ends = np.arange(1, len(text) + 1, dtype=np.int32)
    return feature(f"text.{name}").labels(TokenView(text, ends - 1, ends)).tolist()


def labelled(name: str, text: str) -> str:
    """The text with a dot for each character that is not labelled."""
    labels = labels_of(name, text)
    return "".join(sign if label else "." for sign, label in zip(text, labels, strict=True))


def test_guillemets_are_quotes() -> None:
    assert labelled("double_quoted", "a «b» c") == "..«b».."
    assert labelled("opening_quote", "a «b» c") == "..«...."
    assert labelled("closing_quote", "a «b» c") == "....».."
    assert labels_of("quote_count", "a«b»c")[-1] == 2


def test_a_quote_without_end_ends_with_its_paragraph() -> None:
    assert labelled("double_quoted", '"a\n\nb" "c"') == "......." + '"c"'
    assert labelled("single_quoted", "'a\n\nb 'c'") == "......" + "'c'"


def test_languages_are_told_by_line() -> None:
    language = feature("text.language")
    assert language.categories is not None
    text = "This is the end of it.\nDas ist das Ende.\nx = [a for a in y]\n"
    codes = labels_of("language", text)
    lines = text.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])
    named = [
        None if np.isnan(codes[start]) else language.categories[int(codes[start])]
        for start in starts[:3].tolist()
    ]
    assert named == ["english", "german", None]


@pytest.mark.parametrize("text", ["_A and of_B", "x.y(a, b)", "Le(a, Ne(b, c))", "i.e., a o e y"])
def test_code_and_single_letters_are_in_no_language(text: str) -> None:
    assert np.isnan(labels_of("language", text)).all()

"""Every feature labels in its examples what is marked there, and nothing else."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace

import numpy as np
import pytest

from mi_hypotheses.annotation import GOLD
from mi_hypotheses.errors import UnknownNameError
from mi_hypotheses.features.catalogue import THEMES, Feature, catalogue, feature
from mi_hypotheses.predicates import All, AnyOf, Not, Predicate, Regex, Shift
from mi_hypotheses.text import TokenView

_MARK = re.compile(r"«|»|¦")
_LABEL = re.compile(r"(-?[\w.]+):")
FEATURES = catalogue()
# Features that label any text; those that need annotation are in test_features_linguistic.py.
OF_TEXT = {name: found for name, found in FEATURES.items() if GOLD not in found.pipelines}
# Features that label white space as well; the others leave it out.
OF_WHITE_SPACE = {"text.newline", "text.indentation"} | {
    name for name in FEATURES if name.startswith(("tokens.", "position."))
}
# What texts of one sign or a few are made of, over and over.
SIGNS = r"""( [ { < \ ' " ` $ * _ # = - . ... a 1 1, 'a a/ A. a@ &a <a <!-- [a]( >>> ~~~ \( $$"""
RUNS = [*SIGNS.split(), " ", "\n", "\t", "\r\n", " \n", "a ", "a: ", "a\n\n"]
EXAMPLES = [
    pytest.param(found, example, id=f"{name}-{number}")
    for name, found in OF_TEXT.items()
    for number, example in enumerate(found.examples)
]


def read(example: str, found: Feature) -> tuple[TokenView, list[float]]:
    """The example's tokens without marks, and the label that each should have."""
    pieces: list[str] = []
    labels: list[float] = []
    outside = np.nan if found.categories else 0.0
    value, place = outside, 0
    borders = "¦" in example
    for match in [*_MARK.finditer(example), None]:
        text = example[place : match.start() if match else len(example)]
        parts = [text] if borders else list(text)
        pieces += [part for part in parts if part]
        labels += [value for part in parts if part]
        if match is None:
            break
        place = match.end()
        if match[0] == "«":
            value = 1.0
            if found.label_kind != "boolean":
                label = _LABEL.match(example, place)
                assert label is not None
                place = label.end()
                value = float(found.categories.index(label[1]) if found.categories else label[1])
        elif match[0] == "»":
            value = outside
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int32)
    starts = ends - np.array([len(piece) for piece in pieces], dtype=np.int32)
    return TokenView("".join(pieces), starts, ends), labels


def mistaken(found: Feature, example: str) -> list[tuple[str, float, float]]:
    """The tokens of an example that have another label: text, label, and that in the example."""
    view, expected = read(example, found)
    labels = np.nan_to_num(found.labels(view), nan=-1).tolist()
    return [
        (text, label, wanted)
        for text, label, wanted in zip(
            view.strings, labels, np.nan_to_num(expected, nan=-1), strict=True
        )
        if (text.strip() or found.name in OF_WHITE_SPACE) and label != wanted
    ]


@pytest.mark.parametrize(("found", "example"), EXAMPLES)
def test_examples_hold(found: Feature, example: str) -> None:
    assert mistaken(found, example) == []


@pytest.mark.parametrize(
    ("found", "example"),
    [case for case in EXAMPLES if "\n" in str(case.values[1])],
)
def test_examples_hold_with_the_line_ends_of_windows(found: Feature, example: str) -> None:
    assert mistaken(found, example.replace("\n", "\r\n")) == []


@pytest.mark.parametrize("found", FEATURES.values(), ids=FEATURES)
def test_examples_have_what_is_labelled_and_what_is_not(found: Feature) -> None:
    labels = [label for text in found.examples for label in read(text, found)[1]]
    assert len(set(map(str, labels))) > 1


@pytest.mark.parametrize("found", FEATURES.values(), ids=FEATURES)
def test_names_say_where_a_feature_is_defined(found: Feature) -> None:
    theme, _, variable = found.name.partition(".")
    assert theme in THEMES
    module = importlib.import_module(f"mi_hypotheses.features.{theme}")
    assert getattr(module, variable) is found
    assert feature(f"feature:{found.name}") is found
    assert found.summary.endswith(".")
    assert "\n" not in found.summary


def test_themes_are_imported_as_modules() -> None:
    from mi_hypotheses.features import latex, python

    assert python.comment is feature("python.comment")
    assert latex.section is feature("latex.section")


@pytest.mark.parametrize("found", OF_TEXT.values(), ids=OF_TEXT)
@pytest.mark.parametrize("text", ["", " ", "\n\n", "\ufeff", "é\u0301👩‍🔬", "(" * 50, '"""', "\\"])
def test_features_take_any_text(found: Feature, text: str) -> None:
    ends = np.arange(1, len(text) + 1, dtype=np.int32)
    view = TokenView(text, ends - 1, ends)
    labels = found.labels(view)
    assert labels.shape == (len(text),)
    assert found.categories or np.isfinite(labels).all()


def impatient(predicate: Predicate) -> Predicate:
    """The predicate with half a second for each of its patterns: a hundred times what one takes
    whose time grows with the text, and far less than where it grows with the square of that."""
    if isinstance(predicate, Regex):
        return replace(predicate, timeout=0.5)
    if isinstance(predicate, All | AnyOf):
        return replace(predicate, of=tuple(map(impatient, predicate.of)))
    if isinstance(predicate, Not | Shift | Feature):
        return replace(predicate, of=impatient(predicate.of))
    return predicate


@pytest.mark.parametrize("found", OF_TEXT.values(), ids=OF_TEXT)
def test_time_grows_with_the_text_and_no_faster(found: Feature) -> None:
    for sign in RUNS:
        text = sign * (20_000 // len(sign))
        ends = np.arange(1, len(text) + 1, dtype=np.int32)
        impatient(found).labels(TokenView(text, ends - 1, ends))


def test_unknown_features_are_told_with_what_was_meant() -> None:
    with pytest.raises(UnknownNameError, match=r"no feature named .python\.coment."):
        feature("python.coment")

"""What some neurons of py-gelu-1l do.

How each was found: on calibration documents of `networkx-sample`, the neuron with the highest
|pearson| out of 2,048 (`AnyNeuron`). Its bars are three quarters of what it then scored on test
documents of `networkx-sample`, rounded down to 0.05: an interpretation is said to carry over if
it keeps that much on `sympy-sample`, which took no part in finding it. The verdicts on
`networkx-sample` stand beside it for comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from _python import bracket_depth, comment, indentation, keyword_name, short_string

from mi_hypotheses import Fires, Neuron, Predicate, Regex

FOUND_ON, JUDGED_ON = "networkx-sample", "sympy-sample"


def claim(
    name: str,
    text: str,
    index: int,
    on: Predicate,
    *,
    sign: Literal["+", "-"] = "+",
    expect: Mapping[str, float],
) -> Fires:
    """A hypothesis about one neuron of the model's only layer."""
    return Fires(
        name=name,
        claim=text,
        model="py-gelu-1l",
        unit=Neuron(layer=0, index=index),
        on=on,
        corpora=[JUDGED_ON, FOUND_ON],
        expect=expect,
        sign=sign,
    )


THE = claim(
    "the-word",
    "Fires on the word 'the'.",
    380,
    Regex(r"\bthe\b", flags="i"),
    expect={"pearson": 0.55, "ap": 0.65},
)
LINE_END = claim(
    "line-end",
    "Fires on line ends and the white space after them.",
    1131,
    Regex(r"\n", whitespace=True),
    expect={"pearson": 0.45, "ap": 0.45},
)
BLANK_LINE = claim(
    "blank-line",
    "Fires on blank lines.",
    1453,
    Regex(r"\n\s*\n", whitespace=True),
    expect={"pearson": 0.35, "ap": 0.3},
)
PROSE = claim(
    "running-prose",
    "Fires in running English: five lower-case words in a row and more.",
    1942,
    Regex(r"(?:[a-z]+ ){4,}[a-z]+"),
    expect={"pearson": 0.45, "ap": 0.45},
)
UNDERSCORE = claim(
    "underscore",
    "Fires on underscores.",
    773,
    Regex("_"),
    expect={"pearson": 0.45, "ap": 0.4},
)
DOT = claim(
    "dot",
    "Fires on dots.",
    1466,
    Regex(r"\."),
    expect={"pearson": 0.45, "ap": 0.4},
)
CLOSING_BRACKET = claim(
    "closing-bracket",
    "Fires on closing brackets.",
    1378,
    Regex(r"[)\]}]"),
    expect={"pearson": 0.4, "ap": 0.5},
)
OPENING_BRACKET = claim(
    "opening-bracket",
    "Fires on opening brackets.",
    1914,
    Regex(r"[(\[{]"),
    expect={"pearson": 0.35, "ap": 0.3},
)
FIRST_ARGUMENT = claim(
    "after-opening-parenthesis",
    "Fires on the token after an opening parenthesis.",
    483,
    Regex(r"\(").shift(1),
    expect={"pearson": 0.3, "ap": 0.2},
)
BRACKET_DEPTH = claim(
    "bracket-depth",
    "Rises with the number of open brackets.",
    483,
    bracket_depth,
    expect={"pearson": 0.3, "spearman": 0.15},
)
INDENTATION = claim(
    "indentation",
    "Falls with the indentation of the line.",
    1260,
    indentation,
    sign="-",
    expect={"pearson": 0.3, "spearman": 0.35},
)
NUMBER = claim(
    "number",
    "Fires on numbers.",
    177,
    Regex(r"\b\d+(?:\.\d+)?\b"),
    expect={"pearson": 0.35, "ap": 0.3},
)
STRING = claim(
    "string-literal",
    "Fires in short string literals.",
    1358,
    short_string,
    expect={"pearson": 0.25, "ap": 0.15},
)
KEYWORD = claim(
    "keyword",
    "Fires on Python's keywords in code.",
    1931,
    keyword_name,
    expect={"pearson": 0.25, "ap": 0.2},
)
FUNCTION_NAME = claim(
    "function-name",
    "Fires on the name in a function definition.",
    1336,
    Regex(r"\bdef\s+(\w+)", group=1),
    expect={"pearson": 0.25, "ap": 0.15},
)
BLOCK_COLON = claim(
    "block-colon",
    "Fires on the colon that ends a line.",
    1731,
    Regex(r":(?=[ \t]*\n)"),
    expect={"pearson": 0.25, "ap": 0.25},
)
SELF = claim(
    "self",
    "Fires on 'self'.",
    736,
    Regex(r"\bself\b"),
    expect={"pearson": 0.15, "ap": 0.1},
)
DOCTEST_PROMPT = claim(
    "doctest-prompt",
    "Fires on the prompt of a doctest.",
    1147,
    Regex(">>>"),
    expect={"pearson": 0.35, "ap": 0.6},
)
BACKTICK = claim(
    "backtick",
    "Fires on backticks.",
    841,
    Regex("`+"),
    expect={"pearson": 0.35, "ap": 0.4},
)
IN = claim(
    "in",
    "Fires on the word 'in'.",
    236,
    Regex(r"\bin\b"),
    expect={"pearson": 0.35, "ap": 0.4},
)
COMMENT = claim(
    "comment",
    "Fires in comments.",
    1538,
    comment,
    expect={"pearson": 0.15, "ap": 0.15},
)
UNDERLINE = claim(
    "heading-underline",
    "Fires on the underlines of headings in docstrings.",
    1004,
    Regex(r"(?m)^[ \t]*[-=~^]{3,}[ \t]*$"),
    expect={"pearson": 0.15, "ap": 0.05},
)

"""What some neurons of py-gelu-1l do; `_claims.py` says how they were found."""

from __future__ import annotations

from _claims import claim

from mi_hypotheses import Regex, feature

MODEL = "py-gelu-1l"

THE = claim(
    "the-word",
    "Fires on the word 'the'.",
    MODEL,
    380,
    Regex(r"\bthe\b", flags="i"),
    expect={"pearson": 0.55, "ap": 0.65},
)
LINE_END = claim(
    "line-end",
    "Fires on line ends and the white space after them.",
    MODEL,
    1131,
    Regex(r"\n", whitespace=True),
    expect={"pearson": 0.45, "ap": 0.45},
)
BLANK_LINE = claim(
    "blank-line",
    "Fires on blank lines.",
    MODEL,
    1453,
    Regex(r"\n\s*\n", whitespace=True),
    expect={"pearson": 0.35, "ap": 0.3},
)
PROSE = claim(
    "running-prose",
    "Fires in running English: five lower-case words in a row and more.",
    MODEL,
    1942,
    Regex(r"(?:[a-z]+ ){4,}[a-z]+"),
    expect={"pearson": 0.45, "ap": 0.45},
)
UNDERSCORE = claim(
    "underscore",
    "Fires on underscores.",
    MODEL,
    773,
    Regex("_"),
    expect={"pearson": 0.45, "ap": 0.4},
)
DOT = claim(
    "dot",
    "Fires on dots.",
    MODEL,
    1466,
    Regex(r"\."),
    expect={"pearson": 0.45, "ap": 0.4},
)
CLOSING_BRACKET = claim(
    "closing-bracket",
    "Fires on closing brackets.",
    MODEL,
    1378,
    Regex(r"[)\]}]"),
    expect={"pearson": 0.4, "ap": 0.5},
)
OPENING_BRACKET = claim(
    "opening-bracket",
    "Fires on opening brackets.",
    MODEL,
    1914,
    Regex(r"[(\[{]"),
    expect={"pearson": 0.35, "ap": 0.3},
)
FIRST_ARGUMENT = claim(
    "after-opening-parenthesis",
    "Fires on the token after an opening parenthesis.",
    MODEL,
    483,
    Regex(r"\(").shift(1),
    expect={"pearson": 0.3, "ap": 0.2},
)
BRACKET_DEPTH = claim(
    "bracket-depth",
    "Rises with the number of open brackets.",
    MODEL,
    483,
    feature("python.bracket_depth"),
    expect={"pearson": 0.3, "spearman": 0.15},
)
INDENTATION = claim(
    "indentation",
    "Falls with the indentation of the line.",
    MODEL,
    1260,
    feature("python.indentation"),
    sign="-",
    expect={"pearson": 0.3, "spearman": 0.35},
)
NUMBER = claim(
    "number",
    "Fires on numbers.",
    MODEL,
    177,
    Regex(r"\b\d+(?:\.\d+)?\b"),
    expect={"pearson": 0.35, "ap": 0.3},
)
STRING = claim(
    "string-literal",
    "Fires in short string literals.",
    MODEL,
    1358,
    feature("python.short_string"),
    expect={"pearson": 0.25, "ap": 0.15},
)
KEYWORD = claim(
    "keyword",
    "Fires on Python's keywords in code.",
    MODEL,
    1931,
    feature("python.keyword"),
    expect={"pearson": 0.25, "ap": 0.2},
)
FUNCTION_NAME = claim(
    "function-name",
    "Fires on the name in a function definition.",
    MODEL,
    1336,
    Regex(r"\bdef\s+(\w+)", group=1),
    expect={"pearson": 0.25, "ap": 0.15},
)
BLOCK_COLON = claim(
    "block-colon",
    "Fires on the colon that ends a line.",
    MODEL,
    1731,
    Regex(r":(?=[ \t]*\n)"),
    expect={"pearson": 0.25, "ap": 0.25},
)
SELF = claim(
    "self",
    "Fires on 'self'.",
    MODEL,
    736,
    Regex(r"\bself\b"),
    expect={"pearson": 0.15, "ap": 0.1},
)
DOCTEST_PROMPT = claim(
    "doctest-prompt",
    "Fires on the prompt of a doctest.",
    MODEL,
    1147,
    Regex(">>>"),
    expect={"pearson": 0.35, "ap": 0.6},
)
BACKTICK = claim(
    "backtick",
    "Fires on backticks.",
    MODEL,
    841,
    Regex("`+"),
    expect={"pearson": 0.35, "ap": 0.4},
)
IN = claim(
    "in",
    "Fires on the word 'in'.",
    MODEL,
    236,
    Regex(r"\bin\b"),
    expect={"pearson": 0.35, "ap": 0.4},
)
COMMENT = claim(
    "comment",
    "Fires in comments.",
    MODEL,
    1538,
    feature("python.comment"),
    expect={"pearson": 0.15, "ap": 0.15},
)
UNDERLINE = claim(
    "heading-underline",
    "Fires on the underlines of headings in docstrings.",
    MODEL,
    1004,
    Regex(r"(?m)^[ \t]*[-=~^]{3,}[ \t]*$"),
    expect={"pearson": 0.15, "ap": 0.05},
)

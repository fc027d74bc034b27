"""What some neurons of py-solu-1l do; `_claims.py` says how they were found.

The claims are those of py_gelu_1l.py where both models have such a neuron, so that the two can be
compared: SoLU was made to give cleaner neurons (Elhage et al. 2022).
"""

from __future__ import annotations

from _claims import claim

from mi_hypotheses import Regex, feature

MODEL = "py-solu-1l"

LINE_END = claim(
    "solu-line-end",
    "Fires on line ends and the white space after them.",
    MODEL,
    1523,
    Regex(r"\n", whitespace=True),
    expect={"pearson": 0.45, "ap": 0.65},
)
BLANK_LINE = claim(
    "solu-blank-line",
    "Fires on blank lines.",
    MODEL,
    1226,
    Regex(r"\n\s*\n", whitespace=True),
    expect={"pearson": 0.45, "ap": 0.35},
)
BLOCK_COLON = claim(
    "solu-block-colon",
    "Fires on the colon that ends a line.",
    MODEL,
    1097,
    Regex(r":(?=[ \t]*\n)"),
    expect={"pearson": 0.55, "ap": 0.65},
)
THE = claim(
    "solu-the-word",
    "Fires on the word 'the'.",
    MODEL,
    867,
    Regex(r"\bthe\b", flags="i"),
    expect={"pearson": 0.55, "ap": 0.6},
)
DOT = claim(
    "solu-dot",
    "Fires on dots.",
    MODEL,
    337,
    Regex(r"\."),
    expect={"pearson": 0.5, "ap": 0.6},
)
COMMA = claim(
    "solu-comma",
    "Fires on commas.",
    MODEL,
    1973,
    Regex(","),
    expect={"pearson": 0.45, "ap": 0.55},
)
UNDERSCORE = claim(
    "solu-underscore",
    "Fires on underscores.",
    MODEL,
    629,
    Regex("_"),
    expect={"pearson": 0.45, "ap": 0.55},
)
OPENING_BRACKET = claim(
    "solu-opening-bracket",
    "Fires on opening brackets.",
    MODEL,
    562,
    Regex(r"[(\[{]"),
    expect={"pearson": 0.45, "ap": 0.6},
)
CLOSING_BRACKET = claim(
    "solu-closing-bracket",
    "Fires on closing brackets.",
    MODEL,
    1216,
    Regex(r"[)\]}]"),
    expect={"pearson": 0.5, "ap": 0.6},
)
TRIPLE_QUOTE = claim(
    "solu-triple-quote",
    "Fires on triple quotes.",
    MODEL,
    1246,
    Regex('"""'),
    expect={"pearson": 0.55, "ap": 0.6},
)
DOCTEST_PROMPT = claim(
    "solu-doctest-prompt",
    "Fires on the prompt of a doctest.",
    MODEL,
    152,
    Regex(">>>"),
    expect={"pearson": 0.5, "ap": 0.6},
)
IMPORT = claim(
    "solu-import-keyword",
    "Fires on the first word of an import statement.",
    MODEL,
    1415,
    Regex(r"(?m)^\s*(?:from|import)\b"),
    expect={"pearson": 0.5, "ap": 0.65},
)
FUNCTION_NAME = claim(
    "solu-function-name",
    "Fires on the name in a function definition.",
    MODEL,
    711,
    Regex(r"\bdef\s+(\w+)", group=1),
    expect={"pearson": 0.35, "ap": 0.3},
)
NUMBER = claim(
    "solu-number",
    "Fires on numbers.",
    MODEL,
    472,
    Regex(r"\b\d+(?:\.\d+)?\b"),
    expect={"pearson": 0.45, "ap": 0.5},
)
CAPITALS = claim(
    "solu-capitals",
    "Fires on words in capitals.",
    MODEL,
    1081,
    Regex(r"\b[A-Z_]{3,}\b"),
    expect={"pearson": 0.45, "ap": 0.45},
)
SELF = claim(
    "solu-self",
    "Fires on 'self'.",
    MODEL,
    988,
    Regex(r"\bself\b"),
    expect={"pearson": 0.3, "ap": 0.2},
)
STRING = claim(
    "solu-string-literal",
    "Fires in short string literals.",
    MODEL,
    467,
    feature("python.short_string"),
    expect={"pearson": 0.2, "ap": 0.1},
)
COMMENT = claim(
    "solu-comment",
    "Fires in comments.",
    MODEL,
    1516,
    feature("python.comment"),
    expect={"pearson": 0.2, "ap": 0.15},
)
ERROR_NAME = claim(
    "solu-error-name",
    "Fires on the names of errors and warnings.",
    MODEL,
    2016,
    Regex(r"\b[A-Z]\w*(?:Error|Exception|Warning)\b"),
    expect={"pearson": 0.2, "ap": 0.1},
)
UNDERLINE = claim(
    "solu-heading-underline",
    "Fires on the underlines of headings in docstrings.",
    MODEL,
    1698,
    Regex(r"(?m)^[ \t]*[-=~^]{3,}[ \t]*$"),
    expect={"pearson": 0.3, "ap": 0.2},
)
CONSTANT = claim(
    "solu-constant",
    "Fires on True, False and None.",
    MODEL,
    954,
    Regex(r"\b(?:True|False|None)\b"),
    expect={"pearson": 0.25, "ap": 0.2},
)
INDENTATION = claim(
    "solu-indentation",
    "Rises with the indentation of the line.",
    MODEL,
    762,
    feature("python.indentation"),
    expect={"pearson": 0.15, "spearman": 0.1},
)
BRACKET_DEPTH = claim(
    "solu-bracket-depth",
    "Rises with the number of open brackets.",
    MODEL,
    762,
    feature("python.bracket_depth"),
    expect={"pearson": 0.2, "spearman": 0.15},
)

"""Features of LaTeX: commands, environments, sections, formulas, citations and comments.

They are told by their own signs wherever these stand, in docstrings as well.
"""

from __future__ import annotations

from mi_hypotheses.features._patterns import pattern
from mi_hypotheses.features.catalogue import define
from mi_hypotheses.predicates import Regex

_MATH_NAME = "equation|align|gather|multline|eqnarray|displaymath|math|flalign|alignat"
_PARAGRAPH = r"(?:(?!\n[ \t\r]*\n)(?s:.))"  # a character inside a paragraph

command = pattern(
    "latex.command",
    "Commands of LaTeX with their backslash, those of one letter left out: they look like escapes.",
    r"\\(?:[A-Za-z@]{2,}\*?|[^\w@\s])",
    r"«\textbf»{a} «\section*»{b} 5«\%» \n c",
)
environment = pattern(
    "latex.environment",
    "The names of environments, where they begin and end.",
    r"\\(?:begin|end)[ \t]*\{([^{}\n]*)\}",
    r"\begin{«align*»}[t] x \end{«align*»} \emph{y}",
    group=1,
)
section = pattern(
    "latex.section",
    "The titles of chapters and sections.",
    r"\\(?:part|chapter|(?:sub){0,2}section|(?:sub)?paragraph)\*?(?:\[[^\]\n]*\])?"
    r"\{((?:[^{}]|\{[^{}]*\})*+)\}",
    r"\section{«A \emph{b} c»} \subsection*{«D»} \textit{e}",
    group=1,
)
inline_math = pattern(
    "latex.inline_math",
    "Formulas inside a line, with their dollar signs or brackets.",
    rf"(?<![\\$])\$(?![\s$])(?:\\.|[^\\$\"\n]|\n(?![ \t\r]*\n))++(?<!\s)\$(?![$\d])"
    rf"|(?<!\\)\\\((?:(?!\\\(){_PARAGRAPH})*?\\\)",
    r"It is «$x + \$1$» or «\(y\)», but $$z$$ costs \$5.",
    "It costs $5 or $6.",
    '{"$ref": "a", "$id": "b"} \\\\(c\\\\)',
)
display_math = pattern(
    "latex.display_math",
    "Formulas of their own lines: in double dollar signs, in brackets, or in an environment.",
    rf"\$\$(?:\\.|[^\\\"$\n]|\n(?![ \t\r]*\n))++\$\$|(?<!\\)\\\[(?:(?!\\\[){_PARAGRAPH})*?\\\]"
    rf"|\\begin\{{({_MATH_NAME})(\*?)\}}(?s:(?!\\begin\{{\1).)*?\\end\{{\1\2\}}",
    "a «$$x$$» b «\\[y\\]» $c$\n«\\begin{align*}\nz\n\\end{align*}» \\begin{table}",
)
citation = pattern(
    "latex.citation",
    "The keys of citations.",
    r"\\[A-Za-z]*cite[A-Za-z]*\*?(?:\[[^\]\n]*\]){0,2}\{([^{}\n]*)\}",
    r"\citep[see][p. 2]{«knuth84, lamport»} \ref{x} \autocite{«a»}",
    group=1,
)
reference = pattern(
    "latex.reference",
    "The names that references point to.",
    r"\\[A-Za-z]*ref\*?\{([^{}\n]*)\}",
    r"\ref{«sec:a»} \eqref{«eq:b»} \label{c}",
    group=1,
)
label = pattern(
    "latex.label",
    "The names of labels.",
    r"\\label\{([^{}\n]*)\}",
    r"\label{«sec:a»} \ref{sec:a}",
    group=1,
)
comment = define(
    "latex.comment",
    "Comments of LaTeX, from the percent sign on; in a text that has commands of LaTeX at all.",
    Regex(
        r"(?s)\A(?=.*?\\(?:begin|documentclass|section|usepackage|label|cite|newcommand|def)\b)"
        r"(?-s:(?:\\.|[^\\%\n]|\n)*+(%[^\n]*+))*+",
        group=1,
    ),
    "\\section{a} 5\\% b «% c»\nd",
    "A share of 5% of it.",
)

"""Features of how source is laid out: statements, blocks, lines and doctests."""

from __future__ import annotations

from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.python.kinds import of_number, of_part
from mi_hypotheses.function_predicates import predicate
from mi_hypotheses.predicates import Regex
from mi_hypotheses.text import Spans

# Lines and blocks.

statement_start = of_part(
    "statement_start",
    "The first token of each statement.",
    "statement start",
    "«x» = (a,\n    b); «y»()\n«if» c: «return» d  # e",
)
indent = of_part(
    "indent",
    "The first token after the indentation grows: the start of a block.",
    "indent",
    "if a:\n    «b» = (c,\n        d)\n    e\n",
)
dedent = of_part(
    "dedent",
    "The first token after the indentation shrinks: the end of a block.",
    "dedent",
    "if a:\n    if b:\n        c\n    # d\n    «else»:\n        e\n\n«f»()\n",
)
indent_depth = of_number(
    "indent_depth",
    "How many blocks the statement stands in: the depth of its indentation.",
    "block depth",
    "if a:\n    «1:for b in c:»\n        «2:d(e,»\n«2:f)»\n    «1:# g»\nh\n",
)
function_depth = of_number(
    "function_depth",
    "How many functions the statement stands in.",
    "function depth",
    "class A:\n    def f():\n        «1:if b:»\n            «1:def g(): pass»\n    c\n",
)
class_depth = of_number(
    "class_depth",
    "How many classes the statement stands in.",
    "class depth",
    "class A:\n    «1:def f():»\n        «1:a»\nb\n",
)


@predicate(numeric=True)
def _indentation(text: str) -> Spans:
    spans, columns, start = [], [], 0
    for line in text.split("\n"):
        end = start + len(line) + 1
        spans.append((start, min(end, len(text))))
        margin = line[: len(line) - len(line.lstrip(" \t"))].expandtabs(8)
        columns.append(float(len(margin)) if line.strip() else 0.0)
        start = end
    return Spans(spans, columns, whitespace=True)


@predicate(numeric=True)
def _line_length(text: str) -> Spans:
    spans, lengths, start = [], [], 0
    for line in text.split("\n"):
        spans.append((start, start + len(line)))
        lengths.append(float(len(line.removesuffix("\r"))))
        start += len(line) + 1
    return Spans(spans, lengths)


indentation = define(
    "python.indentation",
    "Columns of white space at the beginning of the line, for all tokens of the line.",
    _indentation,
    "a = (\n«4:    b,»\n«8:\tc)»\n\nd",
)
line_length = define(
    "python.line_length",
    "Characters in the line, for all tokens of the line.",
    _line_length,
    "«3:a b»\n\n«7:x  =  1»",
)

# Doctests.

doctest_prompt = define(
    "python.doctest_prompt",
    "The prompts of doctests: >>> and the dots of lines that go on.",
    Regex(
        r"(?m)^[ \t]*+(?P<prompt>>>>)(?=\s|$)[^\n]*+"
        r"(?:\n[ \t]*+(?P<prompt>\.\.\.)(?=\s|$)[^\n]*+)*+",
        group="prompt",
    ),
    "    «>>>» for x in y:\n    «...»     x\n    1\n... and so on\na >>> b",
)
doctest_line = define(
    "python.doctest_line",
    "The lines of doctests that begin with a prompt.",
    Regex(r"(?m)^[ \t]*>>>(?=\s|$)[^\n]*(?:\n[ \t]*\.\.\.(?=\s|$)[^\n]*)*"),
    "It is:\n\n    «>>> for x in y:»\n    «...     x»\n    1\n",
)
doctest_output = define(
    "python.doctest_output",
    "What the lines of a doctest print, up to the next prompt or empty line.",
    Regex(
        r"(?m)^[ \t]*>>>(?=\s|$)[^\n]*(?:\n[ \t]*\.\.\.(?=\s|$)[^\n]*)*+"
        r"((?:\n(?![ \t]*(?:>>>|\r?$|\"\"\"|'''))[^\n]*)*)",
        group=1,
    ),
    "    >>> f(1)\n    «1»\n    «2»\n    >>> g()\n\n    It is.",
)

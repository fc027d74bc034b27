"""Features of Markdown: headings, code, links, emphasis, lists, quotations and tables.

They go by patterns, line by line. A parser of Markdown takes the whole text to be Markdown: what
docstrings indent it reads as code, fences and lists among it, and the rest of a module as
paragraphs. On pages of Markdown the tests compare the patterns with `markdown-it-py`.
"""

from __future__ import annotations

from mi_hypotheses.features._patterns import pattern
from mi_hypotheses.features.catalogue import define
from mi_hypotheses.predicates import Regex

_FENCED = (
    r"(?m)^(?P<margin>[ \t]*+)(?P<mark>`{3,}+|~{3,}+)(?P<language>[^`\n]*+)\n"
    r"(?P<code>(?s:.*?))(?:^[ \t]*+(?P<end>(?P=mark)[`~]*+)[ \t]*+(?:\"\"\"|''')?\r?$|\Z)"
)
_FENCE = Regex(_FENCED)

heading = define(
    "markdown.heading",
    "Headings, with their hashes or the line below; comments of one hash look the same.",
    Regex(r"(?m)^ {0,3}#{1,6}[ \t][^\n]*|^(?=[^\s>|#-])[^\n|]+\n(?:={2,}|-{2,})[ \t\r]*$")
    & ~_FENCE,
    "«## A b»\n#c\n```\n# d\n```\n«E\n===»\nf",
)
fence = define(
    "markdown.fence",
    "The backticks or tildes around blocks of code.",
    Regex(_FENCED, group="mark") | Regex(_FENCED, group="end"),
    "«```»python\na\n«```»\nb",
    "c\n«~~~~»\n```\n«~~~~»\n",
)
language = pattern(
    "markdown.language",
    "The language of a block of code, as it is written behind the fence.",
    _FENCED,
    "```«python»\na\n```\nb",
    group="language",
)
code_block = pattern(
    "markdown.code_block",
    "The code between fences.",
    _FENCED,
    "```python\n«a = 1\n\nb»\n```\nc",
    "~~~\n«cut",
    group="code",
)
inline_code = define(
    "markdown.inline_code",
    "Code inside a line, with its backticks.",
    Regex(r"(?<!`)(`{1,2})(?!`)[^\n]+?(?<!`)\1(?!`)") & ~_FENCE,
    "a «`b c`» and «``d`e``» f\n```\n`g`\n```\n",
)
link_text = pattern(
    "markdown.link_text",
    "The texts of links.",
    r"(?<!!)\[((?:[^\[\]\n]|\[[^\[\]\n]*\])++)\]\([^()\s]*+(?:\([^()\s]*\)[^()\s]*)?[^()\n]*\)",
    "[«a b»](http://c.d) [e] ![f](http://g.png)",
    group=1,
)
link_url = pattern(
    "markdown.link_url",
    "The addresses that links and images point to.",
    r"\]\(<?([^()\s<>]*+(?:\([^()\s]*\)[^()\s<>]*+)?)>?(?:\s+[\"'][^\"'\n]*[\"'])?\)"
    r"|(?m:^ {0,3}\[[^\[\]\n]+\]:[ \t]*(\S+))",
    "[a b](«http://c.d» 'e') f(g)\n",
    group=1,
)
strong = pattern(
    "markdown.strong",
    "Strong emphasis, with its signs; a single word in underscores is left out.",
    r"(?<![*\w)\]])\*\*(?=[^\s*])[^*\n]++(?<!\s)\*\*(?!\*)"
    r"|(?<![_\w])__(?=[^\s_])(?!\w+__)[^_\n]++(?<!\s)__(?![_\w])",
    "a «**b c**» 2**3**4 *d* «__e f__» __name__",
)
emphasis = pattern(
    "markdown.emphasis",
    "Emphasis, with its signs.",
    r"(?<![*\w\\)\]])\*(?=[^\s*])[^*\n]++(?<![\s\\])\*(?![*\w])"
    r"|(?<![_\w\\.'\"])_(?=[^\s_])[^_\n]++(?<![\s\\'\"])_(?![_\w])",
    "a «*b c*» 2*3*4 **d** «_e f_» g_h_i",
)
list_marker = define(
    "markdown.list_marker",
    "The signs and numbers before the items of lists.",
    Regex(r"(?m)^[ \t]*(?:[-*+]|\d{1,9}[.)])(?=[ \t]+\S)") & ~_FENCE,
    "«-» a\n  «*» b - c\n«10.» d\n--- e\n5.2 f",
)
list_item = define(
    "markdown.list_item",
    "The first lines of the items of lists, with their signs.",
    Regex(r"(?m)^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S[^\n]*") & ~_FENCE,
    "«- a b»\n  «1) c»\nd\n",
)
quote = define(
    "markdown.quote",
    "Lines of quotations, with their sign.",
    Regex(r"(?m)^ {0,3}>(?!>>)[^\n]*") & ~_FENCE,
    "«> a b»\nc > d\n>>> e\n",
)
table_row = define(
    "markdown.table_row",
    "Rows of tables between vertical bars, and the line below their heads.",
    Regex(r"(?m)^[ \t]*\|[^\n]*\|[ \t\r]*$") & ~_FENCE,
    "«| a | b |»\n«|---|:--|»\nc | d\n",
)
rule = define(
    "markdown.rule",
    "Lines across the page: three or more dashes, stars or underscores.",
    Regex(r"(?m)(?<=\n[ \t\r]*\n|\A) {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})\r?$")
    & ~_FENCE,
    "a\n\n«---»\n\nb\n---\n\n«* * *»\n",
)
front_matter = pattern(
    "markdown.front_matter",
    "The settings at the top of a page, between lines of three dashes.",
    r"(?s)\A---[ \t\r]*\n(.*?)\n---[ \t\r]*(?:\n|\Z)",
    "---\n«title: a»\n---\nb\n---\n",
    group=1,
)

"""Features of markup and of small languages inside text: LaTeX, HTML, Markdown and others.

Each is told by its own signs, wherever these stand: what looks like a tag is labelled in a text
that is no HTML as well.
"""

from __future__ import annotations

from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.predicates import Regex


def _pattern(
    name: str, summary: str, pattern: str, *examples: str, group: str | int = 0, flags: str = ""
) -> Feature:
    """A feature of the matches of a pattern, or of a group in them."""
    of = Regex(pattern, group=group, flags=flags)
    return define(f"markup.{name}", summary, of, *examples)


# LaTeX.

_MATH_NAME = "equation|align|gather|multline|eqnarray|displaymath|math|flalign|alignat"
_PARAGRAPH = r"(?:(?!\n[ \t\r]*\n)(?s:.))"  # a character inside a paragraph

latex_command = _pattern(
    "latex_command",
    "Commands of LaTeX with their backslash, those of one letter left out: they look like escapes.",
    r"\\(?:[A-Za-z@]{2,}\*?|[^\w@\s])",
    r"«\textbf»{a} «\section*»{b} 5«\%» \n c",
)
latex_environment = _pattern(
    "latex_environment",
    "The names of environments, where they begin and end.",
    r"\\(?:begin|end)[ \t]*\{([^{}\n]*)\}",
    r"\begin{«align*»}[t] x \end{«align*»} \emph{y}",
    group=1,
)
latex_section = _pattern(
    "latex_section",
    "The titles of chapters and sections.",
    r"\\(?:part|chapter|(?:sub){0,2}section|(?:sub)?paragraph)\*?(?:\[[^\]\n]*\])?"
    r"\{((?:[^{}]|\{[^{}]*\})*+)\}",
    r"\section{«A \emph{b} c»} \subsection*{«D»} \textit{e}",
    group=1,
)
latex_inline_math = _pattern(
    "latex_inline_math",
    "Formulas inside a line, with their dollar signs or brackets.",
    rf"(?<![\\$])\$(?![\s$])(?:\\.|[^\\$\"\n]|\n(?![ \t\r]*\n))++(?<!\s)\$(?![$\d])"
    rf"|(?<!\\)\\\((?:(?!\\\(){_PARAGRAPH})*?\\\)",
    r"It is «$x + \$1$» or «\(y\)», but $$z$$ costs \$5.",
    "It costs $5 or $6.",
    '{"$ref": "a", "$id": "b"} \\\\(c\\\\)',
)
latex_display_math = _pattern(
    "latex_display_math",
    "Formulas of their own lines: in double dollar signs, in brackets, or in an environment.",
    rf"\$\$(?:\\.|[^\\\"$\n]|\n(?![ \t\r]*\n))++\$\$|(?<!\\)\\\[(?:(?!\\\[){_PARAGRAPH})*?\\\]"
    rf"|\\begin\{{({_MATH_NAME})(\*?)\}}(?s:(?!\\begin\{{\1).)*?\\end\{{\1\2\}}",
    "a «$$x$$» b «\\[y\\]» $c$\n«\\begin{align*}\nz\n\\end{align*}» \\begin{table}",
)
latex_citation = _pattern(
    "latex_citation",
    "The keys of citations.",
    r"\\[A-Za-z]*cite[A-Za-z]*\*?(?:\[[^\]\n]*\]){0,2}\{([^{}\n]*)\}",
    r"\citep[see][p. 2]{«knuth84, lamport»} \ref{x} \autocite{«a»}",
    group=1,
)
latex_reference = _pattern(
    "latex_reference",
    "The names that references point to.",
    r"\\[A-Za-z]*ref\*?\{([^{}\n]*)\}",
    r"\ref{«sec:a»} \eqref{«eq:b»} \label{c}",
    group=1,
)
latex_label = _pattern(
    "latex_label",
    "The names of labels.",
    r"\\label\{([^{}\n]*)\}",
    r"\label{«sec:a»} \ref{sec:a}",
    group=1,
)
latex_comment = define(
    "markup.latex_comment",
    "Comments of LaTeX, from the percent sign on; in a text that has commands of LaTeX at all.",
    Regex(
        r"(?s)\A(?=.*?\\(?:begin|documentclass|section|usepackage|label|cite|newcommand|def)\b)"
        r"(?-s:(?:\\.|[^\\%\n]|\n)*+(%[^\n]*+))*+",
        group=1,
    ),
    "\\section{a} 5\\% b «% c»\nd",
    "A share of 5% of it.",
)

# HTML and XML.

_TAG = (
    r"<(?P<slash>/?)(?P<name>[A-Za-z][\w:.-]*+)"
    r"(?:\s++(?P<attribute>[\w:.@#-]++)"
    r"(?:\s*+=\s*+(?P<value>\"[^\"<]*+\"|'[^'<]*+'|[^\s\"'<>=`]++))?)*+\s*+/?>"
)

html_tag = _pattern(
    "html_tag",
    "Tags, opening and closing, with what is in them.",
    _TAG,
    "a «<p class='b'>»c«</p>» d < e «<br/>»",
)
html_opening_tag = _pattern(
    "html_opening_tag", "Opening tags.", _TAG.replace("/?)", ")", 1), '«<a href="b">»c</a>«<hr>»'
)
html_closing_tag = _pattern(
    "html_closing_tag", "Closing tags.", r"</[A-Za-z][\w:.-]*+\s*+>", "<b>c«</b>» </ d>"
)
html_tag_name = _pattern(
    "html_tag_name",
    "The names of tags.",
    _TAG,
    '<«svg:a» b="c">d</«svg:a»>',
    group="name",
)
html_attribute = _pattern(
    "html_attribute",
    "The names of attributes.",
    _TAG,
    '<a «href»="b" «id»=c «hidden»>d=e</a>',
    group="attribute",
)
html_value = _pattern(
    "html_value",
    "The values of attributes, with their quotes.",
    _TAG,
    '<a href=«"b"» id=«c» hidden>d="e"</a>',
    group="value",
)
html_entity = _pattern(
    "html_entity",
    "Characters written by name or number.",
    r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});",
    "a «&amp;» b & c; «&#39;»«&#x27;»",
)
html_comment = _pattern(
    "html_comment", "Comments of HTML and XML.", r"(?s)<!--.*?(?:-->|\Z)", "a «<!-- b\n<p> -->» c"
)
html_doctype = _pattern(
    "html_doctype",
    "The declaration of the document's type, and that of XML.",
    r"(?i)<!doctype\b[^<>]*+>|<\?xml\b[^<>?]*+\?>",
    "«<?xml version='1.0'?>»\n«<!DOCTYPE html>»<html>",
)
html_script = _pattern(
    "html_script",
    "What stands between the tags of scripts.",
    r"(?si)<script\b[^<>]*+>((?:(?!</?script\b).)*+)</script",
    "<script type='a'>«b < c»</script> d",
    group=1,
)
html_style = _pattern(
    "html_style",
    "What stands between the tags of style sheets.",
    r"(?si)<style\b[^<>]*+>((?:(?!</?style\b).)*+)</style",
    "<style>«p { color: red }»</style> d",
    group=1,
)

# Markdown.

_FENCED = (
    r"(?m)^(?P<margin>[ \t]*+)(?P<mark>`{3,}+|~{3,}+)(?P<language>[^`\n]*+)\n"
    r"(?P<code>(?s:.*?))(?:^[ \t]*+(?P<end>(?P=mark)[`~]*+)[ \t]*+(?:\"\"\"|''')?\r?$|\Z)"
)
_FENCE = Regex(_FENCED)

markdown_heading = define(
    "markup.markdown_heading",
    "Headings, with their hashes or the line below; comments of one hash look the same.",
    Regex(r"(?m)^ {0,3}#{1,6}[ \t][^\n]*|^(?=[^\s>|#-])[^\n|]+\n(?:={2,}|-{2,})[ \t\r]*$")
    & ~_FENCE,
    "«## A b»\n#c\n```\n# d\n```\n«E\n===»\nf",
)
markdown_fence = define(
    "markup.markdown_fence",
    "The backticks or tildes around blocks of code.",
    Regex(_FENCED, group="mark") | Regex(_FENCED, group="end"),
    "«```»python\na\n«```»\nb",
    "c\n«~~~~»\n```\n«~~~~»\n",
)
markdown_language = _pattern(
    "markdown_language",
    "The language of a block of code, as it is written behind the fence.",
    _FENCED,
    "```«python»\na\n```\nb",
    group="language",
)
markdown_code_block = _pattern(
    "markdown_code_block",
    "The code between fences.",
    _FENCED,
    "```python\n«a = 1\n\nb»\n```\nc",
    "~~~\n«cut",
    group="code",
)
markdown_inline_code = define(
    "markup.markdown_inline_code",
    "Code inside a line, with its backticks.",
    Regex(r"(?<!`)(`{1,2})(?!`)[^\n]+?(?<!`)\1(?!`)") & ~_FENCE,
    "a «`b c`» and «``d`e``» f\n```\n`g`\n```\n",
)
markdown_link_text = _pattern(
    "markdown_link_text",
    "The texts of links.",
    r"(?<!!)\[((?:[^\[\]\n]|\[[^\[\]\n]*\])++)\]\([^()\s]*+(?:\([^()\s]*\)[^()\s]*)?[^()\n]*\)",
    "[«a b»](http://c.d) [e] ![f](http://g.png)",
    group=1,
)
markdown_link_url = _pattern(
    "markdown_link_url",
    "The addresses that links and images point to.",
    r"\]\(<?([^()\s<>]*+(?:\([^()\s]*\)[^()\s<>]*+)?)>?(?:\s+[\"'][^\"'\n]*[\"'])?\)"
    r"|(?m:^ {0,3}\[[^\[\]\n]+\]:[ \t]*(\S+))",
    "[a b](«http://c.d» 'e') f(g)\n",
    group=1,
)
markdown_strong = _pattern(
    "markdown_strong",
    "Strong emphasis, with its signs; a single word in underscores is left out.",
    r"(?<![*\w)\]])\*\*(?=[^\s*])[^*\n]++(?<!\s)\*\*(?!\*)"
    r"|(?<![_\w])__(?=[^\s_])(?!\w+__)[^_\n]++(?<!\s)__(?![_\w])",
    "a «**b c**» 2**3**4 *d* «__e f__» __name__",
)
markdown_emphasis = _pattern(
    "markdown_emphasis",
    "Emphasis, with its signs.",
    r"(?<![*\w\\)\]])\*(?=[^\s*])[^*\n]++(?<![\s\\])\*(?![*\w])"
    r"|(?<![_\w\\.'\"])_(?=[^\s_])[^_\n]++(?<![\s\\'\"])_(?![_\w])",
    "a «*b c*» 2*3*4 **d** «_e f_» g_h_i",
)
markdown_list_marker = define(
    "markup.markdown_list_marker",
    "The signs and numbers before the items of lists.",
    Regex(r"(?m)^[ \t]*(?:[-*+]|\d{1,9}[.)])(?=[ \t]+\S)") & ~_FENCE,
    "«-» a\n  «*» b - c\n«10.» d\n--- e\n5.2 f",
)
markdown_list_item = define(
    "markup.markdown_list_item",
    "The first lines of the items of lists, with their signs.",
    Regex(r"(?m)^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S[^\n]*") & ~_FENCE,
    "«- a b»\n  «1) c»\nd\n",
)
markdown_quote = define(
    "markup.markdown_quote",
    "Lines of quotations, with their sign.",
    Regex(r"(?m)^ {0,3}>(?!>>)[^\n]*") & ~_FENCE,
    "«> a b»\nc > d\n>>> e\n",
)
markdown_table_row = define(
    "markup.markdown_table_row",
    "Rows of tables between vertical bars, and the line below their heads.",
    Regex(r"(?m)^[ \t]*\|[^\n]*\|[ \t\r]*$") & ~_FENCE,
    "«| a | b |»\n«|---|:--|»\nc | d\n",
)
markdown_rule = define(
    "markup.markdown_rule",
    "Lines across the page: three or more dashes, stars or underscores.",
    Regex(r"(?m)(?<=\n[ \t\r]*\n|\A) {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})\r?$")
    & ~_FENCE,
    "a\n\n«---»\n\nb\n---\n\n«* * *»\n",
)
front_matter = _pattern(
    "front_matter",
    "The settings at the top of a page, between lines of three dashes.",
    r"(?s)\A---[ \t\r]*\n(.*?)\n---[ \t\r]*(?:\n|\Z)",
    "---\n«title: a»\n---\nb\n---\n",
    group=1,
)

# reStructuredText.

rest_role = _pattern(
    "rest_role",
    "The names of roles in reStructuredText, with their colons.",
    r"(?<!\w):[A-Za-z][\w:.+-]*:(?=`[^`\n])",
    "see «:py:func:»`a.b` and `c` d:e",
)
rest_role_text = _pattern(
    "rest_role_text",
    "What a role of reStructuredText is put on, in its backticks.",
    r"(?<!\w):[A-Za-z][\w:.+-]*:(`[^`\n]+`)",
    "see :py:func:«`a.b`» and `c`",
    group=1,
)
rest_directive = _pattern(
    "rest_directive",
    "The names of directives in reStructuredText, with dots and colons.",
    r"(?m)^[ \t]*(\.\.[ \t]+[A-Za-z][\w:.+-]*::)(?=\s|$)",
    "«.. math::» x\n.. a comment\n    «.. versionadded::» 1.2\n",
    group=1,
)
rest_field = _pattern(
    "rest_field",
    "The names of fields in reStructuredText, with their colons.",
    r"(?m)^[ \t]*(:[A-Za-z](?:[^:`\n]|:(?=\S))*+:)(?=\s|$)",
    "    «:param int x:» the :class:`A`\n    «:returns:» y\nz: w",
    group=1,
)
rest_literal = _pattern(
    "rest_literal",
    "Literal text in double backticks, with them.",
    r"(?<!`)``(?![\s`])[^`\n]+(?<!\s)``(?!`)",
    "a «``b c``» `d` ```e```",
)
rest_underline = _pattern(
    "rest_underline",
    "The line of signs under a heading.",
    r"(?m)^[ \t]*\S[^\n]*\n[ \t]*(([-=~^+])\2{2,}|([\"'#*.])\3{3,})[ \t\r]*$",
    "A title\n«=======»\n\nb\n\n====\n",
    group=1,
)

# Data.

json_key = _pattern(
    "json_key",
    "Keys of objects in JSON, with their quotes; those of dictionaries in Python as well.",
    r"(?<=[{,]\s*)\"(?:[^\"\\\n]|\\.)*+\"(?=\s*:)",
    '{«"a"»: "b", «"c d"»: {"e", «"f"»: 1}}',
)
json_string_value = _pattern(
    "json_string_value",
    "Strings that are values of keys in JSON, with their quotes.",
    r"(?<=\"\s*:\s*)\"(?:[^\"\\\n]|\\.)*+\"",
    '{"a": «"b"», "c": ["d"], "e" : «"f"»}',
)
json_constant = _pattern(
    "json_constant",
    "The words true, false and null behind a key of JSON.",
    r"(?<=\"\s*:\s*)(?:true|false|null)\b",
    '{"a": «true», "b": «null», "c": "false"}',
)
yaml_key = _pattern(
    "yaml_key",
    "Words before a colon at the beginning of a line, as the keys of YAML are.",
    r"(?m)^[ \t]*(?:-[ \t]+)*([A-Za-z_][\w./-]*|\"[^\"\n]*\"|'[^'\n]*')(?=:(?:\s|$))",
    "«name»: a: b\n  - «x-y»: 1\nhttp://c d: e",
    group=1,
)
ini_section = _pattern(
    "ini_section",
    "The heads of sections in INI and TOML files, with their brackets.",
    r"(?m)^\[{1,2}[A-Za-z][^\[\]\n]*\]{1,2}[ \t\r]*$",
    "«[a.b]»\nc = [d]\n«[[e]]»\n",
)

# Commands, changes and logs.

shell_prompt = _pattern(
    "shell_prompt",
    "The dollar sign that asks for a command, at the beginning of a line.",
    r"(?m)^[ \t]*(?:[\w.@:~/-]+)?(\$)(?=[ \t]+[\w./~])",
    "«$» ls\n    «$» cd a\nme@host:~«$» b\n$x$ $5 $ c",
    group=1,
)
shell_command = _pattern(
    "shell_command",
    "Commands behind the dollar sign at the beginning of a line.",
    r"(?m)^[ \t]*(?:[\w.@:~/-]+)?\$[ \t]+([\w./~][^\n]*)",
    "$ «ls -l»\na\n    $ «cd b»\n",
    group=1,
)
sql_keyword = _pattern(
    "sql_keyword",
    "Words of SQL in capitals, in texts that have a statement of SQL.",
    r"(?s)\A(?=.*?\b(?:SELECT\b.{1,300}?\bFROM|INSERT\s+INTO|CREATE\s+TABLE|DELETE\s+FROM"
    r"|UPDATE\s+\w+\s+SET|ALTER\s+TABLE|DROP\s+TABLE)\b)"
    r"(?:.*?\b(SELECT|DISTINCT|FROM|WHERE|AND|OR|NOT|NULL|INSERT|INTO|VALUES|UPDATE|SET|DELETE|"
    r"CREATE|TABLE|INDEX|VIEW|ALTER|DROP|JOIN|INNER|LEFT|RIGHT|OUTER|FULL|ON|AS|IN|IS|LIKE|BETWEEN|"
    r"EXISTS|GROUP|ORDER|BY|HAVING|LIMIT|OFFSET|UNION|ALL|CASE|WHEN|THEN|ELSE|END|PRIMARY|FOREIGN|"
    r"KEY|REFERENCES|DEFAULT|ASC|DESC)\b)*+",
    "run «SELECT» a «FROM» b «WHERE» c = 1 «AND» from = 2",
    "WHERE it is AND was",
    group=1,
)
_HUNK = (
    r"(?m)^(?P<head>@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@)[^\n]*"
    r"(?:\n(?:(?P<added>\+[^\n]*+)|(?P<removed>-(?!--[ ])[^\n]*+)|[ \\][^\n]*+|(?=\n[ +-])))*+"
)
diff_added = _pattern(
    "diff_added",
    "Lines that a diff adds, with their sign.",
    _HUNK,
    "+++ b\n@@ -1 +1,2 @@ f\n a\n-b\n«+c»\n«+d»\n",
    group="added",
)
diff_removed = _pattern(
    "diff_removed",
    "Lines that a diff removes, with their sign.",
    _HUNK,
    "--- a\n@@ -1,2 +1 @@\n«-b»\n«-»\n+c\n",
    group="removed",
)
diff_hunk = _pattern(
    "diff_hunk",
    "The heads of hunks in a diff: which lines change.",
    _HUNK,
    "--- a\n«@@ -1,2 +1 @@» def f():\n-b\n",
    group="head",
)
log_level = _pattern(
    "log_level",
    "Levels of log messages, in capitals.",
    r"\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b",
    "10:02 «ERROR» an error «INFO»: INFORMED",
)
timestamp = _pattern(
    "timestamp",
    "Dates with a time of day, in the order year, month, day.",
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[ ]?[+-]\d\d:?\d\d)?(?!\d)",
    "at «2024-01-02T03:04:05.678Z» or «2024-01-02 03:04», not 2024-01-02",
)

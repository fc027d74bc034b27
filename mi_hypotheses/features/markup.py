"""Features of other small languages in text: reStructuredText, data, commands, changes and logs.

Each is told by its own signs, wherever these stand.
"""

from __future__ import annotations

from mi_hypotheses.features._patterns import pattern

# reStructuredText.

rest_role = pattern(
    "markup.rest_role",
    "The names of roles in reStructuredText, with their colons.",
    r"(?<!\w):[A-Za-z][\w:.+-]*:(?=`[^`\n])",
    "see «:py:func:»`a.b` and `c` d:e",
)
rest_role_text = pattern(
    "markup.rest_role_text",
    "What a role of reStructuredText is put on, in its backticks.",
    r"(?<!\w):[A-Za-z][\w:.+-]*:(`[^`\n]+`)",
    "see :py:func:«`a.b`» and `c`",
    group=1,
)
rest_directive = pattern(
    "markup.rest_directive",
    "The names of directives in reStructuredText, with dots and colons.",
    r"(?m)^[ \t]*(\.\.[ \t]+[A-Za-z][\w:.+-]*::)(?=\s|$)",
    "«.. math::» x\n.. a comment\n    «.. versionadded::» 1.2\n",
    group=1,
)
rest_field = pattern(
    "markup.rest_field",
    "The names of fields in reStructuredText, with their colons.",
    r"(?m)^[ \t]*(:[A-Za-z](?:[^:`\n]|:(?=\S))*+:)(?=\s|$)",
    "    «:param int x:» the :class:`A`\n    «:returns:» y\nz: w",
    group=1,
)
rest_literal = pattern(
    "markup.rest_literal",
    "Literal text in double backticks, with them.",
    r"(?<!`)``(?![\s`])[^`\n]+(?<!\s)``(?!`)",
    "a «``b c``» `d` ```e```",
)
rest_underline = pattern(
    "markup.rest_underline",
    "The line of signs under a heading.",
    r"(?m)^[ \t]*\S[^\n]*\n[ \t]*(([-=~^+])\2{2,}|([\"'#*.])\3{3,})[ \t\r]*$",
    "A title\n«=======»\n\nb\n\n====\n",
    group=1,
)

# Data.

json_key = pattern(
    "markup.json_key",
    "Keys of objects in JSON, with their quotes; those of dictionaries in Python as well.",
    r"(?<=[{,]\s*)\"(?:[^\"\\\n]|\\.)*+\"(?=\s*:)",
    '{«"a"»: "b", «"c d"»: {"e", «"f"»: 1}}',
)
json_string_value = pattern(
    "markup.json_string_value",
    "Strings that are values of keys in JSON, with their quotes.",
    r"(?<=\"\s*:\s*)\"(?:[^\"\\\n]|\\.)*+\"",
    '{"a": «"b"», "c": ["d"], "e" : «"f"»}',
)
json_constant = pattern(
    "markup.json_constant",
    "The words true, false and null behind a key of JSON.",
    r"(?<=\"\s*:\s*)(?:true|false|null)\b",
    '{"a": «true», "b": «null», "c": "false"}',
)
yaml_key = pattern(
    "markup.yaml_key",
    "Words before a colon at the beginning of a line, as the keys of YAML are.",
    r"(?m)^[ \t]*(?:-[ \t]+)*([A-Za-z_][\w./-]*|\"[^\"\n]*\"|'[^'\n]*')(?=:(?:\s|$))",
    "«name»: a: b\n  - «x-y»: 1\nhttp://c d: e",
    group=1,
)
ini_section = pattern(
    "markup.ini_section",
    "The heads of sections in INI and TOML files, with their brackets.",
    r"(?m)^\[{1,2}[A-Za-z][^\[\]\n]*\]{1,2}[ \t\r]*$",
    "«[a.b]»\nc = [d]\n«[[e]]»\n",
)

# Commands, changes and logs.

shell_prompt = pattern(
    "markup.shell_prompt",
    "The dollar sign that asks for a command, at the beginning of a line.",
    r"(?m)^[ \t]*(?:[\w.@:~/-]+)?(\$)(?=[ \t]+[\w./~])",
    "«$» ls\n    «$» cd a\nme@host:~«$» b\n$x$ $5 $ c",
    group=1,
)
shell_command = pattern(
    "markup.shell_command",
    "Commands behind the dollar sign at the beginning of a line.",
    r"(?m)^[ \t]*(?:[\w.@:~/-]+)?\$[ \t]+([\w./~][^\n]*)",
    "$ «ls -l»\na\n    $ «cd b»\n",
    group=1,
)
sql_keyword = pattern(
    "markup.sql_keyword",
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
diff_added = pattern(
    "markup.diff_added",
    "Lines that a diff adds, with their sign.",
    _HUNK,
    "+++ b\n@@ -1 +1,2 @@ f\n a\n-b\n«+c»\n«+d»\n",
    group="added",
)
diff_removed = pattern(
    "markup.diff_removed",
    "Lines that a diff removes, with their sign.",
    _HUNK,
    "--- a\n@@ -1,2 +1 @@\n«-b»\n«-»\n+c\n",
    group="removed",
)
diff_hunk = pattern(
    "markup.diff_hunk",
    "The heads of hunks in a diff: which lines change.",
    _HUNK,
    "--- a\n«@@ -1,2 +1 @@» def f():\n-b\n",
    group="head",
)
log_level = pattern(
    "markup.log_level",
    "Levels of log messages, in capitals.",
    r"\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b",
    "10:02 «ERROR» an error «INFO»: INFORMED",
)
timestamp = pattern(
    "markup.timestamp",
    "Dates with a time of day, in the order year, month, day.",
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[ ]?[+-]\d\d:?\d\d)?(?!\d)",
    "at «2024-01-02T03:04:05.678Z» or «2024-01-02 03:04», not 2024-01-02",
)

"""Features of comments and string literals."""

from __future__ import annotations

from mi_hypotheses.features._parts import Part
from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.python.kinds import of_part
from mi_hypotheses.predicates import Regex

comment = of_part(
    "comment",
    "Comments, with their hash sign; not the hash signs in strings.",
    "comment",
    'x = "#1"  «# the first»\n',
    "'it is # cut\n«# goes on»",
)
comment_marker = define(
    "python.comment_marker",
    "Words in comments that mark what is left to do: TODO, FIXME, XXX, HACK, BUG and NOTE.",
    Part("comment") & Regex(r"\b(?:TODO|FIXME|XXX|HACK|BUG|NOTE)\b"),
    "x = TODO  # «TODO»: name it\n",
)
shebang = define(
    "python.shebang",
    "The first line of a script that says what runs it.",
    Regex(r"\A#![^\n]*"),
    "«#!/usr/bin/env python»\n#! x",
)
encoding = define(
    "python.encoding",
    "The comment in the first two lines that says the encoding.",
    Regex(r"\A(?:[ \t]*#[^\n]*\n)?[ \t]*(#[^\n]*?coding[:=][ \t]*[-\w.]+[^\n]*)", group=1),
    "#!/usr/bin/python\n«# -*- coding: utf-8 -*-»\n# x",
)
string = of_part(
    "string",
    "String literals of every kind, with prefix and quotes.",
    "string",
    "print(«'it'», «f\"{x} {'y'}\"», «b''»)  # 'no'",
)
short_string = of_part(
    "short_string",
    "String literals in single or double quotes, with prefix and quotes.",
    "short",
    "x = «'a'» + «rb\"b\"» + '''c'''",
)
triple_quoted = of_part(
    "triple_quoted",
    "String literals in triple quotes, with prefix and quotes; nearly all are docstrings.",
    "triple",
    'x = «"""a"b"""» + "c"',
    "def f():\n    «'''cut",
)
docstring = of_part(
    "docstring",
    "Strings that document a module, class or function: the first statement in it.",
    "docstring",
    '«"""A module."""»\ndef f():\n    «"What it does."»\n    x = """no"""\n    """no"""\n',
    '# one\nclass C:\n    # two\n    «r"""It."""»\n    def g(self): «"doc"»; "no"',
)
string_content = of_part(
    "string_content",
    "What stands between the quotes of string literals.",
    "string content",
    'f("«a b»", r\'«c»\') + """«d\n»"""',
)
string_quote = of_part(
    "string_quote",
    "The quotes at both ends of string literals.",
    "quote",
    "f(«\"»it's«\"», r«'''»a\"«'''»)",
)
string_prefix = of_part(
    "string_prefix",
    "The letters before a string literal that say its kind.",
    "prefix",
    "«r»'f' + «Rb»\"b\" + f('')",
)
raw_string = of_part("raw_string", "Raw string literals.", "r string", r"«r'\d'» + '\\' + «bR'a'»")
bytes_string = of_part(
    "bytes_string", "Literals of bytes.", "b string", "x = «b'a'» + «Rb'b'» + bytes('c')"
)
f_string = of_part(
    "f_string",
    "f-strings, with what is in their holes.",
    "f string",
    "«f'a {x} b'» + 'c' + «rf\"{y['k']!r:>{w}}\"»",
    "x = «f'{f\"{a}\" + 'b'}'» + 'c'",
)
f_string_hole = of_part(
    "f_string_hole",
    "The holes of f-strings, with braces, conversion and format.",
    "hole",
    "f'a «{x + 1!r:>{w}}» {{b}}' + '{c}'",
)
string_escape = define(
    "python.string_escape",
    "Escape sequences in string literals, raw ones left out.",
    Part("string content")
    & ~Part("r string")
    & Regex(r"\\(?:\r?\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|[0-7]{1,3}|.)"),
    r"f('a«\n»b«\x41»«\\»') + r'\n'  # \n",
)

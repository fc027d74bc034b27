"""Features of Python source, from whole modules to pieces that break off.

What is labelled is code: a keyword in a comment or a string is none. The code in the holes of
f-strings counts as code.
"""

from __future__ import annotations

from collections.abc import Iterable

from mi_hypotheses.features._parts import Part
from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.function_predicates import predicate
from mi_hypotheses.predicates import Regex
from mi_hypotheses.text import Spans


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BUILTIN_TYPES = _words(
    "bool bytearray bytes classmethod complex dict enumerate filter float frozenset int list map "
    "memoryview object property range reversed set slice staticmethod str super tuple type zip"
)
BUILTIN_FUNCTIONS = _words(
    "abs aiter all anext any ascii bin breakpoint callable chr compile delattr dir divmod eval "
    "exec format getattr globals hasattr hash help hex id input isinstance issubclass iter len "
    "locals max min next oct open ord pow print repr round setattr sorted sum vars __import__"
)
BUILTIN_EXCEPTIONS = _words(  # of all versions, so that labels do not depend on this one
    "ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup "
    "BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError "
    "ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError "
    "DeprecationWarning EOFError EncodingWarning EnvironmentError Exception ExceptionGroup "
    "FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError "
    "ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError "
    "KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError "
    "NotADirectoryError NotImplementedError OSError OverflowError PendingDeprecationWarning "
    "PermissionError ProcessLookupError PythonFinalizationError RecursionError ReferenceError "
    "ResourceWarning RuntimeError RuntimeWarning StandardError StopAsyncIteration "
    "StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError "
    "TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError "
    "UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError"
)


def _part(name: str, summary: str, part: str, *examples: str, texts: Iterable[str] = ()) -> Feature:
    """A feature of parts of the source, or of those that read as one of `texts`."""
    return define(f"python.{name}", summary, Part(part, texts=frozenset(texts)), *examples)


def _named(name: str, summary: str, part: str, pattern: str, *examples: str) -> Feature:
    """A feature of parts of the source that match a pattern from end to end."""
    return define(f"python.{name}", summary, Part(part, pattern=pattern), *examples)


def _number(name: str, summary: str, part: str, *examples: str) -> Feature:
    """A numeric feature."""
    return define(f"python.{name}", summary, Part(part, is_numeric=True), *examples)


# Comments and strings.

comment = _part(
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
string = _part(
    "string",
    "String literals of every kind, with prefix and quotes.",
    "string",
    "print(«'it'», «f\"{x} {'y'}\"», «b''»)  # 'no'",
)
short_string = _part(
    "short_string",
    "String literals in single or double quotes, with prefix and quotes.",
    "short",
    "x = «'a'» + «rb\"b\"» + '''c'''",
)
triple_quoted = _part(
    "triple_quoted",
    "String literals in triple quotes, with prefix and quotes; nearly all are docstrings.",
    "triple",
    'x = «"""a"b"""» + "c"',
    "def f():\n    «'''cut",
)
docstring = _part(
    "docstring",
    "Strings that document a module, class or function: the first statement in it.",
    "docstring",
    '«"""A module."""»\ndef f():\n    «"What it does."»\n    x = """no"""\n    """no"""\n',
    '# one\nclass C:\n    # two\n    «r"""It."""»\n    def g(self): «"doc"»; "no"',
)
string_content = _part(
    "string_content",
    "What stands between the quotes of string literals.",
    "string content",
    'f("«a b»", r\'«c»\') + """«d\n»"""',
)
string_quote = _part(
    "string_quote",
    "The quotes at both ends of string literals.",
    "quote",
    "f(«\"»it's«\"», r«'''»a\"«'''»)",
)
string_prefix = _part(
    "string_prefix",
    "The letters before a string literal that say its kind.",
    "prefix",
    "«r»'f' + «Rb»\"b\" + f('')",
)
raw_string = _part("raw_string", "Raw string literals.", "r string", r"«r'\d'» + '\\' + «bR'a'»")
bytes_string = _part(
    "bytes_string", "Literals of bytes.", "b string", "x = «b'a'» + «Rb'b'» + bytes('c')"
)
f_string = _part(
    "f_string",
    "f-strings, with what is in their holes.",
    "f string",
    "«f'a {x} b'» + 'c' + «rf\"{y['k']!r:>{w}}\"»",
    "x = «f'{f\"{a}\" + 'b'}'» + 'c'",
)
f_string_hole = _part(
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

# Keywords.

keyword = _part(
    "keyword",
    "Keywords of the language.",
    "keyword",
    "«if» x «is» «not» «None»: «return» 'if'  # for",
    "f'{a «if» b «else» c}' + match",
)
control_flow_keyword = _part(
    "control_flow_keyword",
    "The keywords if, elif, else, for, while, break and continue.",
    "keyword",
    "«for» x in y:\n    «if» x: «break»\n    «else»: pass",
    texts=("if", "elif", "else", "for", "while", "break", "continue"),
)
definition_keyword = _part(
    "definition_keyword",
    "The keywords def, class and lambda.",
    "keyword",
    "«class» A:\n    «def» f(self): return «lambda» x: x",
    texts=("def", "class", "lambda"),
)
import_keyword = _part(
    "import_keyword",
    "The keywords import and from, the one of 'raise ... from' as well.",
    "keyword",
    "«from» a «import» b as c\n«import» important",
    texts=("import", "from"),
)
exception_keyword = _part(
    "exception_keyword",
    "The keywords try, except, finally, raise and assert.",
    "keyword",
    "«try»: «assert» x\n«except» E: «raise» E from e\n«finally»: pass",
    texts=("try", "except", "finally", "raise", "assert"),
)
word_operator = _part(
    "word_operator",
    "The operators that are words: and, or, not, in and is.",
    "keyword",
    "if «not» a «and» b «is» «not» c «or» d «in» e: x = 'and'",
    texts=("and", "or", "not", "in", "is"),
)
async_keyword = _part(
    "async_keyword",
    "The keywords async and await.",
    "keyword",
    "«async» def f(): «await» g(asynchronous)",
    texts=("async", "await"),
)
return_keyword = _part(
    "return_keyword",
    "The keywords return and yield.",
    "keyword",
    "def f():\n    «yield» from x\n    «return» returned",
    texts=("return", "yield"),
)
context_keyword = _part(
    "context_keyword",
    "The keywords with and as, the one of imports as well.",
    "keyword",
    "«with» open(p) «as» f: width = f",
    texts=("with", "as"),
)
scope_keyword = _part(
    "scope_keyword",
    "The keywords del, global, nonlocal and pass.",
    "keyword",
    "def f(): «global» a; «del» b; «pass»; delete = 'pass'",
    texts=("del", "global", "nonlocal", "pass"),
)
constant = _part(
    "constant",
    "The constants True, False and None.",
    "keyword",
    "x = «True» if y is «None» else «False»  # None",
    texts=("True", "False", "None"),
)
soft_keyword = _part(
    "soft_keyword",
    "The words match, case and type where they are keywords.",
    "soft keyword",
    "«match» x:\n    «case» [1, y] if y: match = re.match(x)\n    «case» _: case(1)\n",
    "«type» A = list[int]\ntype = type(match)\nmatch: int = 1\n",
)
block_keyword = _part(
    "block_keyword",
    "The keyword that opens a block, in statements that end in a colon.",
    "block keyword",
    "async «for» x in y:\n    «if» a: z = b if c else d\n    «match» x:\n        «case» 1: pass",
    "if the line has no colon",
)
block_colon = _part(
    "block_colon",
    "The colon that ends the head of a block.",
    "block colon",
    "def f(a: int)«:»\n    if a[1:2]«:» x: int = {b: c}\n    else«:» return lambda: 1",
)
for _word, _example in {
    "False": "x = «False»",
    "None": "x = «None»",
    "True": "x = «True»",
    "and": "a «and» b",
    "as": "import a «as» b",
    "assert": "«assert» a, b",
    "async": "«async» def f(): pass",
    "await": "x = «await» f()",
    "break": "while a: «break»",
    "class": "«class» A: pass",
    "continue": "while a: «continue»",
    "def": "«def» f(): pass",
    "del": "«del» a",
    "elif": "«elif» a: pass",
    "else": "a if b «else» c",
    "except": "«except» A: pass",
    "finally": "«finally»: pass",
    "for": "«for» a in b: pass",
    "from": "«from» a import b",
    "global": "«global» a",
    "if": "«if» a: pass",
    "import": "«import» a",
    "in": "a «in» b",
    "is": "a «is» b",
    "lambda": "f = «lambda» x: x",
    "nonlocal": "«nonlocal» a",
    "not": "«not» a",
    "or": "a «or» b",
    "pass": "«pass»",
    "raise": "«raise» A",
    "return": "«return» a",
    "try": "«try»: a",
    "while": "«while» a: pass",
    "with": "«with» a as b: pass",
    "yield": "«yield» a",
}.items():
    globals()[f"keyword_{_word}"] = _part(
        f"keyword_{_word}",
        f"The keyword {_word}.",
        "keyword",
        f"{_example}  # {_word}",
        f"my_{_word} = '{_word}'",
        texts=(_word,),
    )

# Names.

name = _part(
    "name",
    "Names of every kind, keywords left out.",
    "name",
    "«print»(«self».«name», «key»=1) if 2 else None  # x",
)
builtin_function = _part(
    "builtin_function",
    "Names of built-in functions, such as len and print.",
    "free name",
    "«print»(«len»(x), x.open(), sum=1, y=«max»)",
    texts=BUILTIN_FUNCTIONS,
)
builtin_type = _part(
    "builtin_type",
    "Names of built-in types, such as int and dict; super and range are types as well.",
    "free name",
    "x: «dict»[«str», A] = «super»().set(list=1)",
    texts=BUILTIN_TYPES,
)
builtin_exception = _part(
    "builtin_exception",
    "Names of built-in exceptions and warnings.",
    "free name",
    "except (MyError, «ValueError»): raise «SystemExit»",
    texts=BUILTIN_EXCEPTIONS,
)
exception_name = define(
    "python.exception_name",
    "Names of exceptions: in except and raise clauses, built-in ones, and those that end in Error, "
    "Exception or Warning.",
    Part("exception")
    | Part("free name", texts=BUILTIN_EXCEPTIONS)
    | Part("name", pattern=r"\w*[A-Z]\w*(?:Error|Exception|Warning)|(?:Error|Exception|Warning)"),
    "except («MyError», json.«JSONDecodeError», «Stop») as e: e = «Exception»('ValueError')",
    "except* socket.«timeout»: raise http.«Http404»(Page, x) from e\nexcept «Full», y: raise y",
    "isinstance(e, «StopIteration»), «KeyboardInterrupt», Stop, error, x.Error_",
)
function_name = _part(
    "function_name",
    "The name of a function where it is defined, outside classes.",
    "function name",
    "def «f»():\n    def «g»(): f()\nclass C:\n    def h(self): pass\n",
)
method_name = _part(
    "method_name",
    "The name of a method where it is defined.",
    "method name",
    "def f(): pass\nclass C:\n    if x:\n        async def «h»(self):\n            def g(): pass\n",
)
class_name = _part(
    "class_name", "The name of a class where it is defined.", "class name", "class «A»(B): x = A"
)
definition_name = define(
    "python.definition_name",
    "The name of a function, method or class where it is defined.",
    Part("function name") | Part("method name") | Part("class name"),
    "class «A»(B):\n    def «f»(self): f()\n",
)
call_name = define(
    "python.call_name",
    "The name just before the bracket of a call, that of a method or class as well.",
    Part("call") | Part("method call"),
    "x = «f»(a.«g»(b), C) if (y) else (z)\ndef h(x): pass",
)
function_call_name = _part(
    "function_call_name",
    "The name of what is called, without a dot before it.",
    "call",
    "«f»(a.g(b), «C»())\nclass D(E): pass",
)
method_call_name = _part(
    "method_call_name",
    "The name of what is called, behind a dot.",
    "method call",
    "f(a.«g»(b).c.«h»(), a.i)",
)
parameter = _part(
    "parameter",
    "The names of the arguments in definitions and lambdas.",
    "parameter",
    "def f(«a», *«b», «c»: int = d, **«e»): return lambda «x», «y»=z: g(x, y=2)",
)
keyword_argument = _part(
    "keyword_argument",
    "The names of arguments in calls.",
    "keyword argument",
    "f(a, «b»=c, *d, **e)\nclass C(B, «metaclass»=M):\n    x = 1",
    "def g(self, y=2): z == f(«k»=(u := 1))",
)
assigned_name = _part(
    "assigned_name",
    "Names to the left of an assignment, attributes left out.",
    "assigned name",
    "«a», «b» = «c» = d\n«e»: int = f\ng.h[i] = «j» = k == l\nif m: «n» = o",
)
loop_variable = _part(
    "loop_variable",
    "Names that a loop or comprehension binds.",
    "loop variable",
    "for «i», («j», k.l) in m:\n    n = [o for «o» in p if o in q]",
)
attribute = _part(
    "attribute",
    "Names behind a dot.",
    "attribute",
    "import os.path\nself.«a».«b»(c, d=1.5).«e» = f",
)
self_name = _part(
    "self_name", "The name self.", "name", "def f(«self»): «self».self_x = 'self'", texts=("self",)
)
cls_name = _part(
    "cls_name", "The name cls.", "name", "def f(«cls»): return «cls»(class_)", texts=("cls",)
)
dunder_name = _named(
    "dunder_name",
    "Names with two underscores at both ends.",
    "name",
    r"__\w+__",
    "def «__init__»(self): self.«__dict__», __x, _y_ = 1",
)
private_name = _named(
    "private_name",
    "Names that begin with an underscore, dunder names left out.",
    "name",
    r"_(?!_\w*__$)\w+",
    "self.«_x» = «__y» + z_ + __name__ + _",
)
constant_name = _named(
    "constant_name",
    "Names in capitals, of two letters at least.",
    "name",
    r"_*(?=[A-Z0-9_]*[A-Z][A-Z0-9_]*[A-Z])[A-Z][A-Z0-9_]*",
    "«MAX_SIZE» = re.«ASCII» + T + Name + 'AB'",
)
class_like_name = _named(
    "class_like_name",
    "Names in the style of classes: each word begins with a capital.",
    "name",
    r"_*[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*",
    "x = «MyClass»(MAX, my_name, a.«B2b»)",
)

# Imports.

import_statement = _part(
    "import_statement",
    "Import statements.",
    "import statement",
    "«from a import (b,\n    c)»; x = 1\n«import d»  # e\n",
)
module_name = _part(
    "module_name",
    "The names of modules in import statements, with their dots.",
    "module",
    "from «..a.b» import c\nimport «d.e» as f, «g»\n",
)
imported_name = _part(
    "imported_name",
    "The names that are imported from a module.",
    "imported name",
    "from a.b import («c», «d» as e)\nimport f\nraise g from h",
)
alias = _part(
    "alias",
    "The names after 'as'.",
    "alias",
    "import a as «b»\nwith c as «d»: pass\nexcept E as «e»: pass",
)

# Brackets and operators.

opening_bracket = _part(
    "opening_bracket", "Brackets that open.", "opening", "f«(»«[»1], «{»2: '('})  # ("
)
closing_bracket = _part(
    "closing_bracket", "Brackets that close.", "closing", "f([1«]», {2: ')'«}»«)»  # )"
)
bracket_depth = _number(
    "bracket_depth",
    "How many brackets are open; a bracket counts for itself.",
    "depth",
    "f«1:(a, »«2:[b]»«1:, '(')» + c",
    "x = «1:(a,»\ndef f«1:()»: pass",
)
operator = _part(
    "operator",
    "Operators and delimiters of every kind, brackets as well.",
    "operator",
    "x «=» f«(»a«.»b«,» «-»1«)» «**» 2  # +",
)
arithmetic_operator = _part(
    "arithmetic_operator",
    "The operators + - * / // % ** and @, the signs of numbers as well.",
    "arithmetic",
    "x = a «+» «-»b «*» c «**» 2\nprint(*x, **y)\n@z\ndef f(a, /, *, b): x += 1",
)
comparison_operator = _part(
    "comparison_operator",
    "The operators == != < > <= and >=.",
    "comparison",
    "x = a «==» b «<=» c\ny = d << e",
)
bitwise_operator = _part(
    "bitwise_operator",
    "The operators & | ^ ~ << and >>.",
    "bitwise",
    "x = a «&» «~»b «<<» c < d\ny |= e",
)
assignment = _part(
    "assignment",
    "The sign = of assignments; not that of defaults and arguments.",
    "assignment",
    "x «=» f(a=1) == y\nz: int «=» 2\ndef g(b=3): pass",
)
augmented_assignment = _part(
    "augmented_assignment",
    "Assignments that compute: += and its like.",
    "augmented assignment",
    "x «+=» 1; y «//=» 2; z = a <= b",
)
keyword_equals = _part(
    "keyword_equals",
    "The sign = of defaults in definitions and of arguments in calls.",
    "keyword equals",
    "x = f(a«=»1, b)\ndef g(b: int «=» 3): return lambda c«=»4: c",
)
arrow = _part("arrow", "The arrow -> of return annotations.", "arrow", "def f() «->» int: '->'")
walrus = _part("walrus", "The operator :=.", "walrus", "if (x «:=» y[a:]): z = 1")
star = _part(
    "star",
    "The stars that pack or unpack arguments, and the lone star in a definition.",
    "star",
    "def f(«*»a, «**»b): return [«*»a, c * d ** e], g(«**»h)\ndef k(i, «*», j): pass",
)
dot = _part("dot", "The dots of attributes.", "dot", "a«.»b(1.5)«.»c + ... + '.'")
comma = _part("comma", "Commas.", "comma", "f(a«,» [b«,» ','])")

# Numbers.

number = _part("number", "Numbers of every kind.", "number", "x1 = «10» + «0xFF» - «1.5e-3»  # 2")
integer = _named(
    "integer",
    "Whole numbers in decimal.",
    "number",
    r"[0-9][0-9_]*[lL]?",
    "x1 = «10» + «1_000» + 0x1F + 1.5 + 2j",
)
float_number = _named(
    "float_number",
    "Numbers with a point or an exponent.",
    "number",
    r"(?!0[xX])(?=.*[.eE])[0-9_.eE+-]+",
    "«1.5» + «.5» + «1e-3» + 15 + 0xE1 + 1.5j",
)
based_number = _named(
    "based_number",
    "Hexadecimal, octal and binary numbers.",
    "number",
    r"0[xXoObB]\w+",
    "«0xFF» | «0o17» | «0b01» | 10",
)
imaginary_number = _named(
    "imaginary_number", "Imaginary numbers.", "number", r"[^xX]+[jJ]", "1 + «2j» - «.5e3J» + j"
)
underscored_number = _named(
    "underscored_number",
    "Numbers with underscores between their digits.",
    "number",
    r"\w[\w.]*_[\w.]*",
    "«1_000» + «0x_ff» + 1000 + _1",
)

# Definitions and expressions.

decorator = _part(
    "decorator",
    "Decorators, with their arguments.",
    "decorator",
    "«@cache(size=1)»\ndef f(): x = a @ b",
)
decorator_name = _part(
    "decorator_name",
    "The names of decorators, with their dots.",
    "decorator name",
    "@«a.cache»(size=b)\ndef f(): x = c @ d",
)
annotation = _part(
    "annotation",
    "Type annotations of variables, arguments and what is returned.",
    "annotation",
    "x: «list[int]» = {a: b}\ndef f(a, b: «A | None» = 1, *c: «B») -> «C»: return d[e:f]",
    "x = lambda a: b\nif c: pass",
)
default_value = _part(
    "default_value",
    "Default values of arguments.",
    "default",
    "def f(a, b: int = «(1, 2)», *, c=«None») -> d: return lambda x=«3», y=«4»: g(z=5)",
)
subscript = _part(
    "subscript",
    "Subscripts, with their brackets.",
    "subscript",
    "x«[a]» = [b] + f()«[c[d]]»",
)
slice_ = define(
    "python.slice_",
    "Slices in subscripts: what stands around a colon, up to the next comma.",
    Part("slice"),
    "a[«1:n», b] + c[{d: e}] + f[«::2»]",
)
comprehension = _part(
    "comprehension",
    "Comprehensions and generator expressions, with their brackets.",
    "comprehension",
    "x = «[a for a in b]» + [c]\nfor d in e: f«(g for g in {h})»",
)
lambda_body = _part(
    "lambda_body",
    "The bodies of lambdas.",
    "lambda body",
    "f(lambda x, y=1: «x + y», z)\ng = [lambda: «0» for h in i]",
)
line_continuation = _part(
    "line_continuation",
    "Backslashes that carry a statement on to the next line.",
    "continuation",
    "x = a + «\\»\n    b + '\\\n'",
)

# Lines and blocks.

statement_start = _part(
    "statement_start",
    "The first token of each statement.",
    "statement start",
    "«x» = (a,\n    b); «y»()\n«if» c: «return» d  # e",
)
indent = _part(
    "indent",
    "The first token after the indentation grows: the start of a block.",
    "indent",
    "if a:\n    «b» = (c,\n        d)\n    e\n",
)
dedent = _part(
    "dedent",
    "The first token after the indentation shrinks: the end of a block.",
    "dedent",
    "if a:\n    if b:\n        c\n    # d\n    «else»:\n        e\n\n«f»()\n",
)
indent_depth = _number(
    "indent_depth",
    "How many blocks the statement stands in: the depth of its indentation.",
    "block depth",
    "if a:\n    «1:for b in c:»\n        «2:d(e,»\n«2:f)»\n    «1:# g»\nh\n",
)
function_depth = _number(
    "function_depth",
    "How many functions the statement stands in.",
    "function depth",
    "class A:\n    def f():\n        «1:if b:»\n            «1:def g(): pass»\n    c\n",
)
class_depth = _number(
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

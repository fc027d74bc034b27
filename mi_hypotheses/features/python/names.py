"""Features of names: what is built in, defined, called, bound or imported."""

from __future__ import annotations

from mi_hypotheses.features._parts import Part
from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.python.kinds import of_part, of_pattern


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


# Names.

name = of_part(
    "name",
    "Names of every kind, keywords left out.",
    "name",
    "«print»(«self».«name», «key»=1) if 2 else None  # x",
)
builtin_function = of_part(
    "builtin_function",
    "Names of built-in functions, such as len and print.",
    "free name",
    "«print»(«len»(x), x.open(), sum=1, y=«max»)",
    texts=BUILTIN_FUNCTIONS,
)
builtin_type = of_part(
    "builtin_type",
    "Names of built-in types, such as int and dict; super and range are types as well.",
    "free name",
    "x: «dict»[«str», A] = «super»().set(list=1)",
    texts=BUILTIN_TYPES,
)
builtin_exception = of_part(
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
function_name = of_part(
    "function_name",
    "The name of a function where it is defined, outside classes.",
    "function name",
    "def «f»():\n    def «g»(): f()\nclass C:\n    def h(self): pass\n",
)
method_name = of_part(
    "method_name",
    "The name of a method where it is defined.",
    "method name",
    "def f(): pass\nclass C:\n    if x:\n        async def «h»(self):\n            def g(): pass\n",
)
class_name = of_part(
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
function_call_name = of_part(
    "function_call_name",
    "The name of what is called, without a dot before it.",
    "call",
    "«f»(a.g(b), «C»())\nclass D(E): pass",
)
method_call_name = of_part(
    "method_call_name",
    "The name of what is called, behind a dot.",
    "method call",
    "f(a.«g»(b).c.«h»(), a.i)",
)
parameter = of_part(
    "parameter",
    "The names of the arguments in definitions and lambdas.",
    "parameter",
    "def f(«a», *«b», «c»: int = d, **«e»): return lambda «x», «y»=z: g(x, y=2)",
)
keyword_argument = of_part(
    "keyword_argument",
    "The names of arguments in calls.",
    "keyword argument",
    "f(a, «b»=c, *d, **e)\nclass C(B, «metaclass»=M):\n    x = 1",
    "def g(self, y=2): z == f(«k»=(u := 1))",
)
assigned_name = of_part(
    "assigned_name",
    "Names to the left of an assignment, attributes left out.",
    "assigned name",
    "«a», «b» = «c» = d\n«e»: int = f\ng.h[i] = «j» = k == l\nif m: «n» = o",
)
loop_variable = of_part(
    "loop_variable",
    "Names that a loop or comprehension binds.",
    "loop variable",
    "for «i», («j», k.l) in m:\n    n = [o for «o» in p if o in q]",
)
attribute = of_part(
    "attribute",
    "Names behind a dot.",
    "attribute",
    "import os.path\nself.«a».«b»(c, d=1.5).«e» = f",
)
self_name = of_part(
    "self_name", "The name self.", "name", "def f(«self»): «self».self_x = 'self'", texts=("self",)
)
cls_name = of_part(
    "cls_name", "The name cls.", "name", "def f(«cls»): return «cls»(class_)", texts=("cls",)
)
dunder_name = of_pattern(
    "dunder_name",
    "Names with two underscores at both ends.",
    "name",
    r"__\w+__",
    "def «__init__»(self): self.«__dict__», __x, _y_ = 1",
)
private_name = of_pattern(
    "private_name",
    "Names that begin with an underscore, dunder names left out.",
    "name",
    r"_(?!_\w*__$)\w+",
    "self.«_x» = «__y» + z_ + __name__ + _",
)
constant_name = of_pattern(
    "constant_name",
    "Names in capitals, of two letters at least.",
    "name",
    r"_*(?=[A-Z0-9_]*[A-Z][A-Z0-9_]*[A-Z])[A-Z][A-Z0-9_]*",
    "«MAX_SIZE» = re.«ASCII» + T + Name + 'AB'",
)
class_like_name = of_pattern(
    "class_like_name",
    "Names in the style of classes: each word begins with a capital.",
    "name",
    r"_*[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*",
    "x = «MyClass»(MAX, my_name, a.«B2b»)",
)

# Imports.

import_statement = of_part(
    "import_statement",
    "Import statements.",
    "import statement",
    "«from a import (b,\n    c)»; x = 1\n«import d»  # e\n",
)
module_name = of_part(
    "module_name",
    "The names of modules in import statements, with their dots.",
    "module",
    "from «..a.b» import c\nimport «d.e» as f, «g»\n",
)
imported_name = of_part(
    "imported_name",
    "The names that are imported from a module.",
    "imported name",
    "from a.b import («c», «d» as e)\nimport f\nraise g from h",
)
alias = of_part(
    "alias",
    "The names after 'as'.",
    "alias",
    "import a as «b»\nwith c as «d»: pass\nexcept E as «e»: pass",
)

"""Features of definitions and expressions: decorators, annotations, subscripts and others."""

from __future__ import annotations

from mi_hypotheses.features._parts import Part
from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.python.kinds import of_part

decorator = of_part(
    "decorator",
    "Decorators, with their arguments.",
    "decorator",
    "«@cache(size=1)»\ndef f(): x = a @ b",
)
decorator_name = of_part(
    "decorator_name",
    "The names of decorators, with their dots.",
    "decorator name",
    "@«a.cache»(size=b)\ndef f(): x = c @ d",
)
annotation = of_part(
    "annotation",
    "Type annotations of variables, arguments and what is returned.",
    "annotation",
    "x: «list[int]» = {a: b}\ndef f(a, b: «A | None» = 1, *c: «B») -> «C»: return d[e:f]",
    "x = lambda a: b\nif c: pass",
)
default_value = of_part(
    "default_value",
    "Default values of arguments.",
    "default",
    "def f(a, b: int = «(1, 2)», *, c=«None») -> d: return lambda x=«3», y=«4»: g(z=5)",
)
subscript = of_part(
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
comprehension = of_part(
    "comprehension",
    "Comprehensions and generator expressions, with their brackets.",
    "comprehension",
    "x = «[a for a in b]» + [c]\nfor d in e: f«(g for g in {h})»",
)
lambda_body = of_part(
    "lambda_body",
    "The bodies of lambdas.",
    "lambda body",
    "f(lambda x, y=1: «x + y», z)\ng = [lambda: «0» for h in i]",
)
line_continuation = of_part(
    "line_continuation",
    "Backslashes that carry a statement on to the next line.",
    "continuation",
    "x = a + «\\»\n    b + '\\\n'",
)

"""Features of keywords, by what they are for and one by one."""

from __future__ import annotations

from mi_hypotheses.features.python.kinds import of_part

keyword = of_part(
    "keyword",
    "Keywords of the language.",
    "keyword",
    "«if» x «is» «not» «None»: «return» 'if'  # for",
    "f'{a «if» b «else» c}' + match",
)
control_flow_keyword = of_part(
    "control_flow_keyword",
    "The keywords if, elif, else, for, while, break and continue.",
    "keyword",
    "«for» x in y:\n    «if» x: «break»\n    «else»: pass",
    texts=("if", "elif", "else", "for", "while", "break", "continue"),
)
definition_keyword = of_part(
    "definition_keyword",
    "The keywords def, class and lambda.",
    "keyword",
    "«class» A:\n    «def» f(self): return «lambda» x: x",
    texts=("def", "class", "lambda"),
)
import_keyword = of_part(
    "import_keyword",
    "The keywords import and from, the one of 'raise ... from' as well.",
    "keyword",
    "«from» a «import» b as c\n«import» important",
    texts=("import", "from"),
)
exception_keyword = of_part(
    "exception_keyword",
    "The keywords try, except, finally, raise and assert.",
    "keyword",
    "«try»: «assert» x\n«except» E: «raise» E from e\n«finally»: pass",
    texts=("try", "except", "finally", "raise", "assert"),
)
word_operator = of_part(
    "word_operator",
    "The operators that are words: and, or, not, in and is.",
    "keyword",
    "if «not» a «and» b «is» «not» c «or» d «in» e: x = 'and'",
    texts=("and", "or", "not", "in", "is"),
)
async_keyword = of_part(
    "async_keyword",
    "The keywords async and await.",
    "keyword",
    "«async» def f(): «await» g(asynchronous)",
    texts=("async", "await"),
)
return_keyword = of_part(
    "return_keyword",
    "The keywords return and yield.",
    "keyword",
    "def f():\n    «yield» from x\n    «return» returned",
    texts=("return", "yield"),
)
context_keyword = of_part(
    "context_keyword",
    "The keywords with and as, the one of imports as well.",
    "keyword",
    "«with» open(p) «as» f: width = f",
    texts=("with", "as"),
)
scope_keyword = of_part(
    "scope_keyword",
    "The keywords del, global, nonlocal and pass.",
    "keyword",
    "def f(): «global» a; «del» b; «pass»; delete = 'pass'",
    texts=("del", "global", "nonlocal", "pass"),
)
constant = of_part(
    "constant",
    "The constants True, False and None.",
    "keyword",
    "x = «True» if y is «None» else «False»  # None",
    texts=("True", "False", "None"),
)
soft_keyword = of_part(
    "soft_keyword",
    "The words match, case and type where they are keywords.",
    "soft keyword",
    "«match» x:\n    «case» [1, y] if y: match = re.match(x)\n    «case» _: case(1)\n",
    "«type» A = list[int]\ntype = type(match)\nmatch: int = 1\n",
)
block_keyword = of_part(
    "block_keyword",
    "The keyword that opens a block, in statements that end in a colon.",
    "block keyword",
    "async «for» x in y:\n    «if» a: z = b if c else d\n    «match» x:\n        «case» 1: pass",
    "if the line has no colon",
)
block_colon = of_part(
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
    globals()[f"keyword_{_word}"] = of_part(
        f"keyword_{_word}",
        f"The keyword {_word}.",
        "keyword",
        f"{_example}  # {_word}",
        f"my_{_word} = '{_word}'",
        texts=(_word,),
    )

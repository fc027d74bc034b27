"""Features of brackets, operators and numbers."""

from __future__ import annotations

from mi_hypotheses.features.python.kinds import of_number, of_part, of_pattern

# Brackets and operators.

opening_bracket = of_part(
    "opening_bracket", "Brackets that open.", "opening", "f«(»«[»1], «{»2: '('})  # ("
)
closing_bracket = of_part(
    "closing_bracket", "Brackets that close.", "closing", "f([1«]», {2: ')'«}»«)»  # )"
)
bracket_depth = of_number(
    "bracket_depth",
    "How many brackets are open; a bracket counts for itself.",
    "depth",
    "f«1:(a, »«2:[b]»«1:, '(')» + c",
    "x = «1:(a,»\ndef f«1:()»: pass",
)
operator = of_part(
    "operator",
    "Operators and delimiters of every kind, brackets as well.",
    "operator",
    "x «=» f«(»a«.»b«,» «-»1«)» «**» 2  # +",
)
arithmetic_operator = of_part(
    "arithmetic_operator",
    "The operators + - * / // % ** and @, the signs of numbers as well.",
    "arithmetic",
    "x = a «+» «-»b «*» c «**» 2\nprint(*x, **y)\n@z\ndef f(a, /, *, b): x += 1",
)
comparison_operator = of_part(
    "comparison_operator",
    "The operators == != < > <= and >=.",
    "comparison",
    "x = a «==» b «<=» c\ny = d << e",
)
bitwise_operator = of_part(
    "bitwise_operator",
    "The operators & | ^ ~ << and >>.",
    "bitwise",
    "x = a «&» «~»b «<<» c < d\ny |= e",
)
assignment = of_part(
    "assignment",
    "The sign = of assignments; not that of defaults and arguments.",
    "assignment",
    "x «=» f(a=1) == y\nz: int «=» 2\ndef g(b=3): pass",
)
augmented_assignment = of_part(
    "augmented_assignment",
    "Assignments that compute: += and its like.",
    "augmented assignment",
    "x «+=» 1; y «//=» 2; z = a <= b",
)
keyword_equals = of_part(
    "keyword_equals",
    "The sign = of defaults in definitions and of arguments in calls.",
    "keyword equals",
    "x = f(a«=»1, b)\ndef g(b: int «=» 3): return lambda c«=»4: c",
)
arrow = of_part("arrow", "The arrow -> of return annotations.", "arrow", "def f() «->» int: '->'")
walrus = of_part("walrus", "The operator :=.", "walrus", "if (x «:=» y[a:]): z = 1")
star = of_part(
    "star",
    "The stars that pack or unpack arguments, and the lone star in a definition.",
    "star",
    "def f(«*»a, «**»b): return [«*»a, c * d ** e], g(«**»h)\ndef k(i, «*», j): pass",
)
dot = of_part("dot", "The dots of attributes.", "dot", "a«.»b(1.5)«.»c + ... + '.'")
comma = of_part("comma", "Commas.", "comma", "f(a«,» [b«,» ','])")

# Numbers.

number = of_part("number", "Numbers of every kind.", "number", "x1 = «10» + «0xFF» - «1.5e-3»  # 2")
integer = of_pattern(
    "integer",
    "Whole numbers in decimal.",
    "number",
    r"[0-9][0-9_]*[lL]?",
    "x1 = «10» + «1_000» + 0x1F + 1.5 + 2j",
)
float_number = of_pattern(
    "float_number",
    "Numbers with a point or an exponent.",
    "number",
    r"(?!0[xX])(?=.*[.eE])[0-9_.eE+-]+",
    "«1.5» + «.5» + «1e-3» + 15 + 0xE1 + 1.5j",
)
based_number = of_pattern(
    "based_number",
    "Hexadecimal, octal and binary numbers.",
    "number",
    r"0[xXoObB]\w+",
    "«0xFF» | «0o17» | «0b01» | 10",
)
imaginary_number = of_pattern(
    "imaginary_number", "Imaginary numbers.", "number", r"[^xX]+[jJ]", "1 + «2j» - «.5e3J» + j"
)
underscored_number = of_pattern(
    "underscored_number",
    "Numbers with underscores between their digits.",
    "number",
    r"\w[\w.]*_[\w.]*",
    "«1_000» + «0x_ff» + 1000 + _1",
)

"""Features of punctuation: single marks, quotes and brackets, and what stands in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import regex

from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.text.patterns import pattern
from mi_hypotheses.function_predicates import category, predicate
from mi_hypotheses.text import Spans

# Single marks.

punctuation = pattern(
    "punctuation",
    "Signs of punctuation, brackets and quotes of every script; no signs of mathematics.",
    r"\p{P}++",
    "«¿»Wait«,» «(»a+b«)»«!»«...» $5",
)
comma = pattern(
    "comma",
    "Commas, those inside numbers left out.",
    r",(?<!\d,(?=\d{3}))|[،、，]",
    "Yes«,» 1,000 and (1«,»2)«、»",
)
full_stop = pattern(
    "full_stop",
    "Full stops behind words, those of abbreviations as well; no decimal points and no ellipses.",
    r"(?<=[^\s.])\.(?![\w.])|[。．]",
    "It is so«.» a.b 1.5 ... etc«.»",
)
colon = pattern(
    "colon",
    "Colons, those between figures or doubled left out.",
    r"(?<!:|\d(?=:\d)):(?!:)",
    "Here«:» 9:30 a::b {1«:» 2}",
)
semicolon = pattern(
    "semicolon",
    "Semicolons, those that end an entity of HTML left out.",
    r";(?<!&#?\w{1,8};)",
    "Yes«;» no&amp;",
)
question_mark = pattern(
    "question_mark", "Question marks, one or several.", r"[?؟？]++", "What«?» No«??»! a"
)
exclamation_mark = pattern(
    "exclamation_mark",
    "Exclamation marks, one or several, that are no sign of inequality.",
    r"[!！]++(?!=)",
    "Stop«!» No«!!» a != b",
)
hyphen = pattern(
    "hyphen",
    "Hyphens inside words.",
    r"(?<=\p{L})[-‐‑](?=\p{L})",
    "well«-»known a - b -c 1-2 d--e",
)
dash = pattern(
    "dash",
    "Dashes, typographic or written as one to three hyphens between words, with space or without.",
    r"[–—―]|(?<=[\p{L}\d,.)'\"`] )--{1,2}(?= \p{L})|(?<=\p{L})-{2,3}(?=\p{L})"
    r"|(?<=\p{L}{2} )-(?= \p{L}{2})",
    "a «–» b«—»cd «-» de«--»f x-y x - y f(-1) --all",
)
ellipsis = pattern(
    "ellipsis", "Three dots or more, or the sign for them.", r"\.{3,}+|…", "Well«...» and«…» a. b.."
)
apostrophe = pattern(
    "apostrophe",
    "Apostrophes inside words.",
    r"(?<=\p{L})['’](?=\p{L})",
    "don«'»t Otto«’»s 'a' 5'",
)

# Quotes.

_DOUBLE = (
    r"(?<![\"\w\\])\"(?=[^\s\"])(?:[^\"\\\n]|\\.|\n(?![ \t\r]*+\n))*+(?<!\s)\"(?![\w\"])"
    r"|“[^“”]{1,2000}+”|„[^„“”]{1,2000}+[“”]|«[^«»]{1,2000}+»"
)
_SINGLE = (
    r"(?<![\w'\\])'(?=[^\s'])(?:[^'\\\n]|\\.|(?<=\w)'(?=\w)|\n(?![ \t\r]*+\n))*+(?<!\s)'(?![\w'])"
    r"|(?<!\w)‘(?:[^‘’]|(?<=\w)’(?=\w)){1,2000}+’(?!\w)|‹[^‹›]{1,2000}+›"
)
_BACKTICK = r"(?<!`)(?P<ticks>`{1,2})(?=[^\s`])[^`\n]++(?P=ticks)(?!`)"

double_quoted = pattern(
    "double_quoted",
    "What stands in double quotes or guillemets inside a paragraph, with them.",
    _DOUBLE,
    'He said «"come \\" in"» and «“go”». 5" and 6" """a"""',
)
single_quoted = pattern(
    "single_quoted",
    "What stands in single quotes inside a paragraph, with them; it may have apostrophes.",
    _SINGLE,
    "He said «'it's so'» and «‘go’», the dogs' bowls aren't '''a'''",
)
backtick_quoted = pattern(
    "backtick_quoted",
    "What stands in backticks inside a line, with them.",
    _BACKTICK,
    "use «`a`» or «``b c``», not `d\ne` nor ```f```",
)
opening_quote = pattern(
    "opening_quote",
    "Quotes that open, typographic, or straight ones before a word.",
    r"[“„‘‚‹«]|(?<![\w\"'\\])[\"'](?=[\w(\[<$@#/\\.-])",
    "«\"»a\" «'»b' «“»c” don't 5\" d",
)
closing_quote = pattern(
    "closing_quote",
    "Quotes that close, typographic, or straight ones behind a word.",
    r"[”›»]|(?<=\S)’(?!\w)|(?<=[\w.,;:!?)\]>%$/])[\"'](?![\w\"'])",
    "\"a«\"» 'b.«'», “c«”» don't d \" e",
)
_QUOTES = regex.compile(f"(?P<double>{_DOUBLE})|(?P<single>{_SINGLE})|(?P<backtick>{_BACKTICK})")


@category(names=("double", "single", "backtick"))
def _quotes(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _QUOTES.finditer(text):
        kind = next(name for name in ("double", "single", "backtick") if match[name])
        yield *match.span(), kind


quote_type = define(
    "text.quote_type",
    "The kind of quotes that text stands in, as a category: double, single or backtick.",
    _quotes,
    "a «double:\"b\"» «single:'c'» «backtick:`d`» don't",
)


@predicate(numeric=True)
def _quote_counts(text: str) -> Spans:
    """Stretches from one quote to the next."""
    places = [match.start() for match in regex.finditer(r"[\"“”„«»]", text)]
    pairs = itertools.pairwise([*places, len(text)])
    return Spans(pairs, [float(count) for count in range(1, len(places) + 1)])


quote_count = define(
    "text.quote_count",
    "How many double quotes stand in the document up to here; a quote counts for itself.",
    _quote_counts,
    'a «1:"b»«2:" c »«3:"d»',
)

# Brackets.

opening_round = pattern("opening_round", "Round brackets that open.", r"\(", "f«(»«(»x), [y]) {")
closing_round = pattern("closing_round", "Round brackets that close.", r"\)", "f((x«)», [y]«)» {")
opening_square = pattern("opening_square", "Square brackets that open.", r"\[", "«[»(«[»x]) {")
closing_square = pattern("closing_square", "Square brackets that close.", r"\]", "[([x«]»)«]» }")
opening_curly = pattern("opening_curly", "Curly brackets that open.", r"\{", "«{»[(x)]} «{»")
closing_curly = pattern("closing_curly", "Curly brackets that close.", r"\}", "{[(x)]«}» {")

_BRACKET_OR_BREAK = regex.compile(r"[(\[{]|[)\]}]|\n[ \t\r]*+\n")


@predicate
def _in_round_brackets(text: str) -> list[tuple[int, int]]:
    """From each round bracket that opens to the one that closes it, in one paragraph."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for match in _BRACKET_OR_BREAK.finditer(text):
        if match[0] == "(":
            opened.append(match.start())
        elif match[0] == ")" and opened:
            found.append((opened.pop(), match.end()))
        elif len(match[0]) > 1:
            opened.clear()
    return found


in_round_brackets = define(
    "text.in_round_brackets",
    "What stands in round brackets inside a paragraph, with them.",
    _in_round_brackets,
    "a «(b (c) d)» e «(f\ng)» :) (h\n\ni)",
)


@predicate(numeric=True)
def _depths(text: str) -> Spans:
    """Stretches between brackets, each with how many are open."""
    pairs: list[tuple[int, int]] = []
    depths: list[float] = []
    depth, place = 0, 0
    for match in _BRACKET_OR_BREAK.finditer(text):
        closes = match[0] in ")]}"
        end = match.end() if closes else match.start()
        if depth:
            pairs.append((place, end))
            depths.append(float(depth))
        place = end
        change = -1 if closes else 1 if len(match[0]) == 1 else -depth
        depth = max(depth + change, 0)
    if depth:
        pairs.append((place, len(text)))
        depths.append(float(depth))
    return Spans(pairs, depths)


bracket_depth = define(
    "text.bracket_depth",
    "How many brackets of any kind are open in the paragraph; a bracket counts for itself.",
    _depths,
    "a «1:(b »«2:[c]»«1:)» d) «1:(e\n\n»f",
)

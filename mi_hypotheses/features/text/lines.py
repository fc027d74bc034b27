"""Features of how text is laid out: sentences, lines, paragraphs and lists."""

from __future__ import annotations

import regex

from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.text.patterns import pattern
from mi_hypotheses.function_predicates import predicate
from mi_hypotheses.text import Spans

# Sentences.

_NO_END = (  # abbreviations that stand before a capital letter
    r"(?<!(?<!\w)(?:\p{Lu}|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|cf|al|[Ff]igs?|[Ee]qs?|[Nn]os?|[Ss]ec|[Rr]ef"
    r"|[Vv]ol|pp?|e\.g|i\.e|[Aa]pprox|Inc|Ltd|Corp|viz)\.)"
)
_AFTER_MARK = r"[\"'”’»)\]]*+"
SENTENCE_END = (
    rf"(?>(?<![.!?…])[.!?…]++(?<![^.]\.\.){_NO_END}{_AFTER_MARK}"
    r"(?=\s++[\"'“‘«(\[]*+(?:\p{Lu}|\d|\p{Lo})|\s*+\Z|[ \t\r]*+\n[ \t\r]*+\n)|[。！？]++[」』”’]*+)"
)
PARAGRAPH_START = r"(?:\A\s*+|(?<!\s)[^\S\n]*+\n(?:[^\S\n]*+\n)++[^\S\n]*+)"
SENTENCE_START = rf"(?:{SENTENCE_END}|{PARAGRAPH_START})[^\w\n]*+(?:\n[^\w\n]++)*+\n?\K\w[\w'’]*+"

sentence_start = pattern(
    "sentence_start",
    "The first word of sentences, and that of paragraphs.",
    SENTENCE_START,
    "«It» is e.g. 3.5 m long. «We», Mr. Otto and I, saw “it”! («Did» you?)\n\n«no»\n",
)
sentence_end = pattern(
    "sentence_end",
    "The marks that end sentences, with the quotes and brackets behind them.",
    SENTENCE_END,
    "It is 3.5 m by Mr. A. Otto«.» “Is it«?”» Yes, etc. and so on«.»\n\nx.y()",
)
word_after_full_stop = pattern(
    "word_after_full_stop",
    "The word behind a full stop and white space, that of an abbreviation as well.",
    r"(?<=[\w)\]\"'”’]\.)\s++(\w++)",
    "It is. «We» saw Mr. «Otto», x.y ... no",
    group=1,
)

# Lines and paragraphs.

line_start = pattern(
    "line_start",
    "The first sign of every line that is not white space.",
    r"(?m)^[ \t]*+(\S)",
    "«a»bc d\n  «-» e\n\n«f»",
    group=1,
)
line_end = pattern(
    "line_end",
    "The last sign of every line that is not white space.",
    r"(?m)^[^\n]*(\S)",
    "ab«c»  \n  d «e»\n\n«f»",
    group=1,
)
newline = pattern(
    "newline",
    "Line ends, as the signs that they are.",
    r"\r?\n",
    "a«\n»b",
    whitespace=True,
)
first_word_of_line = pattern(
    "first_word_of_line",
    "The first word of every line, behind white space and signs.",
    r"(?m)^[^\w\n]*+(\w++)",
    "«abc» d\n  - «e» f\n",
    group=1,
)
paragraph_start = pattern(
    "paragraph_start",
    "The first word of every paragraph: behind an empty line, or at the start of the text.",
    rf"{PARAGRAPH_START}[^\w\n]*+\K\w++",
    "«It» is\nso.\n\n  «We» saw\n \n(«it»",
)
indentation = pattern(
    "indentation",
    "The white space at the beginning of lines that are not empty.",
    r"(?m)^[ \t]++(?=[^\s])",
    "a b\n«    »c\n",
    whitespace=True,
)
heading = pattern(
    "heading",
    "Lines that look like headings: short, alone between empty lines, with no mark at the end.",
    r"(?m)^(?<=\A|\n[ \t\r]*\n)(?=[\p{Lu}\d])(?![^\n]{61})[^\n=(){}\[\]<>|]++"
    r"(?<![.,;:!?\\'\"`*-]\s*)(?=\n[ \t\r]*\n\s*\S)",
    "«A heading»\n\nText,\n\nText.\n\n«2 More»\n\nIt goes on\nand on.",
)
list_marker = pattern(
    "list_marker",
    "What items of lists begin with: bullets, numbers and letters.",
    r"(?m)^[ \t]*+((?:[-*•‣◦·–]|\+(?=[ \t]++\p{Lu})|\d{1,3}\.|\(?+(?:\d{1,3}|[a-z]|[ivx]{1,4})\))"
    r"(?=[ \t]++[\p{L}\d\"'`*_(\[<:$\\]))(?!\d++\)\s[\d+*/=-])",
    "«-» a\n  «*» b - c\n«1.» d\n«(ii)» e\n«•» f\n--- g\n1.5 h\n17) + i\n+ j",
    group=1,
)


@predicate(numeric=True)
def _line_lengths(text: str) -> Spans:
    pairs = [match.span() for match in regex.finditer(r"[^\r\n]++(?:\r(?!\n)[^\r\n]*+)*+", text)]
    return Spans(pairs, [float(end - start) for start, end in pairs])


line_length = define(
    "text.line_length",
    "How many characters the line has.",
    _line_lengths,
    "«3:abc»\n\n«5:d e f»\n",
)

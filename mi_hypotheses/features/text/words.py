"""Features of words: how they are written, and in which forms names are."""

from __future__ import annotations

import regex

from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.text.patterns import pattern
from mi_hypotheses.function_predicates import predicate
from mi_hypotheses.text import Spans

# Capitals.

all_caps = pattern(
    "all_caps",
    "Words of two or more capital letters and nothing else.",
    r"(?<!\w)\p{Lu}{2,}+(?!\w)",
    "the «NASA» «ÉTÉ» A I MAX_N H2O URLs",
)
capitalised = pattern(
    "capitalised",
    "Words of a capital letter and small ones.",
    r"(?<!\w)\p{Lu}[\p{Ll}\p{M}]++(?!\w)",
    "«The» «Éire» of NASA, iPhone, I and MultiGraph",
)
capitalised_mid_sentence = pattern(
    "capitalised_mid_sentence",
    "Words of a capital letter and small ones behind a small letter or comma: mostly names.",
    r"(?<=[\p{Ll},;] )\p{Lu}[\p{Ll}\p{M}]++(?!\w)",
    "The man, «Otto», saw «Paris». He did NOT.",
)
lower_case = pattern(
    "lower_case",
    "Words of small letters and nothing else.",
    r"(?<!\w)\p{Ll}++(?!\w)",
    "The «man» «in» NASA x1 «über» a_b",
)
_CAPITAL = r"\p{Lu}[\p{Ll}\p{M}'’]++"
_BEGINS = (  # words that begin sentences rather than titles
    r"(?!(?:An|And|As|At|But|By|For|From|If|In|It|Let|Note|Of|On|Or|Returns?|See|So|That|The|Then|There"
    r"|This|To|Use|We|When|Where|With)\b)"
)
title_case = pattern(
    "title_case",
    "Two or more capitalised words in a row, small ones between them; The and the like begin none.",
    rf"(?<!\w){_BEGINS}{_CAPITAL}(?:[ -](?:(?:of|the|and|in|for|a|an|on|to|de|von|van|la) ){{0,2}}+"
    rf"{_CAPITAL}(?!\w))++",
    "the «House of the Rising Sun», «New York». The Karr is in Rome",
)
one_letter_word = pattern(
    "one_letter_word",
    "Words of a single letter.",
    r"(?<![\w'’])\p{L}(?![\w'’])",
    "«I» had «a» plan «B» and x1, don't",
)

# Names as programs write them.

camel_case = pattern(
    "camel_case",
    "Names in camelCase.",
    r"(?<!\w)[a-z][a-z\d]*+[A-Z][A-Za-z\d]*+(?!\w)",
    "«getValue» «iPhone» GetValue get_Value value",
)
pascal_case = pattern(
    "pascal_case",
    "Names in PascalCase, of at least two parts.",
    r"(?<!\w)(?=[A-Z][A-Za-z\d]*?(?:[a-z]\d*+[A-Z]|[A-Z]{2}[a-z]{2}))[A-Z][A-Za-z\d]++(?!\w)",
    "«MultiGraph» «HTTPServer» Graph URLs camelCase ALL",
)
snake_case = pattern(
    "snake_case",
    "Names in snake_case, of at least two parts.",
    r"(?<!\w)_*+[a-z][a-z\d]*+(?:_++[a-z\d]++)++_*+(?!\w)",
    "«max_value» «_a_b» __init__ MAX_VALUE value a_B",
)
screaming_snake_case = pattern(
    "screaming_snake_case",
    "Names in capitals joined by underscores.",
    r"(?<!\w)_*+[A-Z][A-Z\d]*+(?:_++[A-Z\d]++)++_*+(?!\w)",
    "«MAX_VALUE» «_A_1» max_value MAX A_b",
)
kebab_case = pattern(
    "kebab_case",
    "Words in small letters joined by hyphens; the hyphenated words of prose are the same.",
    r"(?<![\w-])[a-z][a-z\d]*+(?:-[a-z][a-z\d]*+)++(?![\w-])",
    "«font-size» «well-known» n-1 x - y Anglo-Saxon --all",
)
letters_and_digits = pattern(
    "letters_and_digits",
    "Words that mix letters and figures.",
    r"(?<!\w)(?=\d*+\p{L})(?=\p{L}*+\d)[\p{L}\d]++(?!\w)",
    "«x1» «H2O» «3rd» «10km» 12 ab a_1",
)

# What is left out, cut short or written twice.

abbreviation = pattern(
    "abbreviation",
    "Abbreviations with their full stops: single letters such as e.g. and J., and common words.",
    r"(?<![\w.])(?>(?:(?:Ph|\p{L})\.){2,}+(?!\w)|\p{Lu}\.(?= \p{Lu}\p{Ll})"
    r"(?! (?:A|An|All|And|As|Both|But|By|Each|For|From|Hence|However|If|In|It|Its|Let|Note|On|One"
    r"|Returns?|See|Since|So|That|The|Then|There|These|They|This|Thus|To|We|When|Where|With)\b)"
    r"|(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|cf|ca|al|approx|resp|esp|incl|Inc|Ltd|Corp|Dept|Univ"
    r"|viz|ibid|Proc|Vol)\.(?!\w)|(?i:no|nos|fig|figs|eq|eqs|sec|ch|vol|pp?|thm|def|ref|refs)\."
    r"(?=[  ]?\(?\d))",
    "«e.g.» «Dr.» «J.» Smith et «al.», «Fig.» 3 «etc.» It is no. Vitamin C. The a.b S.Half cf.x",
    "A «Ph.D.» of the «U.S.», or Ph. in phd.",
)
contraction = pattern(
    "contraction",
    "Words drawn together with an apostrophe: isn't, we're, it's; no possessives.",
    r"(?<![\w'’])(?>\p{L}++)['’](?:(?<=n.)t|re|ve|ll|d|m)(?!\w)"
    r"|(?<![\w'’])(?i:it|he|she|that|there|here|what|who|where|how|let)['’]s(?!\w)",
    "«isn't» «we’re» «It's» dog's o'clock 'd'",
)
possessive = pattern(
    "possessive",
    "The apostrophe and s of possessives; that of it's and the like is left out.",
    r"(?<=\p{L})(?<!\b(?i:it|he|she|that|there|here|what|who|where|how|let))['’]s(?!\w)",
    "the dog«'s» and Otto«’s» bone, it's 's' isn't",
)
repeated_word = pattern(
    "repeated_word",
    "Words that repeat the word just before them; its capitals count only across lines.",
    r"(?<!\w)(\p{L}++)(?!\w)(?:(?: (?P<again>(?i:\1))|[ \t\r]*+\n[ \t]*+(?P<again>\1))(?!\w))++",
    "The «the» end of the then a «a» «a» b, b in\n«in» list\nList",
    group="again",
)
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'’]*+(?<!['’])")


@predicate(numeric=True)
def _word_lengths(text: str) -> Spans:
    pairs = [match.span() for match in _WORD.finditer(text)]
    return Spans(pairs, [float(end - start) for start, end in pairs])


word_length = define(
    "text.word_length",
    "How many letters the word has, apostrophes included; 0 outside words.",
    _word_lengths,
    "«1:a» «4:word», «5:don't» «2:do»1",
)

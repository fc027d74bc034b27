"""Features of numbers, and of what numbers count: money, dates and times."""

from __future__ import annotations

from mi_hypotheses.features.text.patterns import pattern

# Numbers.

_WHOLE = r"\d++(?:[,_]\d{3}(?!\d))*+"  # with signs between thousands
_ALONE = r"(?!\w|\.\d)"  # no word or version goes on here

number = pattern(
    "number",
    "Numbers in figures that stand alone, with their decimals and exponents, without a sign.",
    rf"(?<![\w.])(?>{_WHOLE}(?:\.\d++)?+|\.\d++)(?:[eE][+-]?\d++)?+{_ALONE}",
    "«3» of «1,000.5», «2.5e-3»; «.5» in «1999».",
    "x1 3rd 0x1F 1.2.3 10km",
)
integer = pattern(
    "integer",
    "Whole numbers in figures that stand alone.",
    rf"(?<![\w.]){_WHOLE}{_ALONE}",
    "«3» of «1,000», 2.5 «7». x1 3rd 1e5",
)
decimal = pattern(
    "decimal",
    "Numbers in figures with a decimal point.",
    rf"(?<![\w.])(?:{_WHOLE})?+\.\d++(?:[eE][+-]?\d++)?+{_ALONE}",
    "«2.5» or «1,000.25» or «.5e3»: 7. 1.2.3 v1.5",
)
year = pattern(
    "year",
    "Whole numbers from 1500 to 2099, as years are, or decades such as 1990s; none of formulas.",
    r"(?<![\w.,$€£*+^%]|[=<>+*]\s|\w\()(?:1[5-9]|20)\d\ds?+(?![\w%^*]|[.,]\d|\s?[*+=<>])",
    "in «1984», the «1990s», «2008»-«2010»",
    "1400 2100 12000 $2000 1,984 v2000 1999.5 x**2000 f(1600) == 1999 1600*x",
)
ordinal = pattern(
    "ordinal",
    "Ordinal numbers in figures, and in words from first to twentieth.",
    r"(?<!\w|\d,)(?:\d[\d,]*+(?:(?<=(?<!1)1)st|(?<=(?<!1)2)nd|(?<=(?<!1)3)rd|(?<=1\d|[04-9])th)"
    r"|(?i:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth))(?!\w)",
    "the «1st», «2nd», «11th», «20th» and «first» of 12, one 1th seconds",
    "«21st», «22nd», «33rd», «101st», «1,001st» and «112th»; 11st 12nd 113rd 21th 2st x1st",
)
number_word = pattern(
    "number_word",
    "Numbers in words; the word one is one where it stands for a thing, too.",
    r"(?<!\w)(?i:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundreds?|thousands?|millions?|billions?"
    r"|trillions?|dozens?)(?!\w)",
    "«two» of «twenty»-«one» «thousand»; someone often",
)
percentage = pattern(
    "percentage",
    "Shares in percent, with their sign or word.",
    rf"(?<![\w.%])(?:{_WHOLE}(?:\.\d++)?+|\.\d++)(?>%(?![\w(%.])|\s?+per ?cent\b)",
    "«5%», «99.9%» or «12 percent» of 7 % 3, '%5.2f%%'",
)
money = pattern(
    "money",
    "Amounts of money, with the sign or name of the currency.",
    rf"(?<![\w$\\])(?>(?:US|[AC])?\$(?!\d++[)}}/])|[€£¥₹])[ ]?(?<!\$[ ]){_WHOLE}(?:\.\d++)?+"
    r"(?:[ ]?(?:million|billion|trillion|thousand|bn|k|m)\b)?+(?![\w{}^\\$]|[^\n$]*+\$(?!\d))"
    rf"|(?<![\w.]){_WHOLE}(?:[.,]\d{{1,2}})?+(?:[ ](?:million|billion|trillion))?+[ ]?"
    r"(?>€|£|¥|(?:US )?(?i:dollars?|euros?|cents?|pounds sterling|rupees|yen)\b"
    r"|(?:USD|EUR|GBP|CHF|JPY)\b)",
    "«$5», «$1,200.50», «€3 million» and «20 euros», «7 USD»",
    "$x + 1$ or $2x$ ${1} 5 pounds",
)
roman_numeral = pattern(
    "roman_numeral",
    "Roman numerals in capitals up to 39 or of four letters; one letter behind Part and the like.",
    r"(?<![\w.])(?|((?=[IVX]{2})(?!XXX(?!\w)|XX(?!\w))X{0,3}(?:IX|IV|V?I{0,3})"
    r"|(?=[MDCLXVI]{4})M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))"
    r"|(?:Act|Appendix|Article|Book|Chapter|Class|Part|Phase|Section|Table|Type|Volume)\s"
    r"([IVX]))(?![\w'’])",
    "Louis «XIV», Part «I», World War «II», «MCMXCIX»: I, X CD MIX XXX IIII IV_x",
    group=1,
)

# Dates and times.

_MONTH = (
    r"(?>January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?+"
_WEEKDAY = r"(?>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)"

month_name = pattern(
    "month_name",
    "Names of months; the short ones and May only in dates or behind words such as in and since.",
    r"(?<!\w)(?:January|February|March|April|June|July|August|September|October|November|December)"
    rf"(?!\w)|(?<=(?<!\w)(?:{_DAY}|in|of|since|by|until|till|last|next|early|late|before|after) )"
    r"(?:May|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?!\w)"
    rf"|(?<!\w)(?:May|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?=\.?,? {_DAY}(?!\w)"
    r"|\.?,? \d{4}(?!\w))",
    "in «March», «Dec» 24, «May» 2020, since «May». May I march? Jan is here.",
)
weekday = pattern(
    "weekday",
    "Names of the days of the week; the short ones only in dates.",
    rf"(?<!\w){_WEEKDAY}(?=s?(?!\w))"
    rf"|(?<!\w)(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?=[.,]{{0,2}} (?:{_DAY}\b|{_MONTH} \d))",
    "on «Monday» and «Sunday»s, «Fri», 1 May; «Sat» Jan 3. The Sun, «Friday»'s",
)
date = pattern(
    "date",
    "Dates in figures (2020-12-31, 31.12.2020, 12/31/2020) or with the name of the month.",
    r"(?<![\w./-])(?:\d{4}(?P<sign>[-/.])(?:0[1-9]|1[0-2])(?P=sign)(?:0[1-9]|[12]\d|3[01])"
    r"(?:(?=T\d\d(?::|\d\d(?!\d)|\d{4}))|(?![\w/-]*\d|[/-]\w|(?!T)\w))"
    r"|(?:0?[1-9]|[12]\d|3[01])(?P<dot>[./-])(?:0?[1-9]|[12]\d|3[01])(?P=dot)(?:19|20)\d\d"
    r"(?![\w/-]|\.\d))"
    rf"|(?<![\w./-]){_DAY}(?: of)? {_MONTH}(?:,? \d{{4}}(?!\w))?+(?!\w)"
    rf"|(?<!\w){_MONTH} (?:{_DAY}(?![\w:.])(?:,? \d{{4}}(?!\w))?+|\d{{4}}(?!\w))",
    "«2020-12-31», «31.12.2020», «5 May», «January 1st, 2000», «March 1999»: 2020-13-01 March on",
    "1.2.2020.3 5 Mayors",
    "«2024-01-31»T10:00:00Z, «2024-01-31»T100000 and «2024-01-31» 10:00; 2024-01-31T1 2024-01-31-7",
)
time_of_day = pattern(
    "time_of_day",
    "Times of day, with a colon, am and pm, or o'clock; no slices and no ratios beyond 24 hours.",
    r"(?<![\w:.\[({-]|[\[({]\s)(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d++)?+)?+"
    r"(?:\s?[apAP]\.?[mM]\b\.?)?+(?![\w:\])}]|\.\d|\+)"
    r"|(?<![\w:.])(?:1[0-2]|[1-9])(?:\s?(?:[ap]m|[AP]M)\b|\s[ap]\.m\.|\so['’]clock\b)",
    "at «9:30», «23:59:59», «11:05 pm», «7 a.m.» or «5 o'clock»: x[1:10] 25:00 1:2 {3: 4}",
)

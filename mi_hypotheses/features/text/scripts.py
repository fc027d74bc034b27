"""Features of scripts and languages, and of signs that are no letters of any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import regex

from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.features.text.patterns import pattern
from mi_hypotheses.function_predicates import category

# Scripts.

_SCRIPTS = {
    "latin": r"\p{Script=Latin}",
    "greek": r"\p{Script=Greek}",
    "cyrillic": r"\p{Script=Cyrillic}",
    "han": r"\p{Script=Han}",
    "kana": r"[\p{Script=Hiragana}\p{Script=Katakana}ー]",
    "hangul": r"\p{Script=Hangul}",
    "arabic": r"\p{Script=Arabic}",
    "hebrew": r"\p{Script=Hebrew}",
    "devanagari": r"\p{Script=Devanagari}",
    "thai": r"\p{Script=Thai}",
}
_SCRIPT = regex.compile("|".join(f"(?P<{name}>{one}++)" for name, one in _SCRIPTS.items()))


@category(names=tuple(_SCRIPTS))
def _scripts(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _SCRIPT.finditer(text):
        yield *match.span(), match.lastgroup or ""


def _script(name: str, called: str, *examples: str) -> Feature:
    """A feature of the letters of one script."""
    return pattern(name, f"{called} letters.", f"{_SCRIPTS[name]}++", *examples)


script = define(
    "text.script",
    "The script of letters, as a category; those of other scripts have none.",
    _scripts,
    "«latin:Zoë» 1 «greek:λόγος», «han:東京»«kana:タワー»!",
)
cyrillic = _script("cyrillic", "Cyrillic", "Moscow «Москва» 1")
greek = _script("greek", "Greek", "the angle «α» of «λόγος» ∑ a")
han = _script("han", "Chinese", "«東京»タワー Tokyo、")
kana = _script("kana", "Japanese", "東京«タワー»«です»。 Tokyo")
hangul = _script("hangul", "Korean", "Seoul «서울» 漢")
arabic = _script("arabic", "Arabic", "peace «سلام» שלום")
hebrew = _script("hebrew", "Hebrew", "peace «שלום» سلام")
devanagari = _script("devanagari", "Devanagari", "Delhi «दिल्ली» 1")
thai = _script("thai", "Thai", "Bangkok «กรุงเทพ» 1")
accented_latin = pattern(
    "accented_latin",
    "Latin letters beyond a to z: with accents, or of their own such as ß.",
    r"[A-Za-z]\p{M}++|(?![A-Za-z])\p{Script=Latin}\p{M}*+",
    "Zo«ë» stra«ß»e caf«e\u0301» λ Zoe",
)
emoji = pattern(
    "emoji",
    "Emoji, flags and keycaps among them, with what joins them.",
    r"(?:\p{RI}{2}|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}(?=\uFE0F))"
    r"(?:\uFE0F|\p{Emoji_Modifier})?+(?:\u200D\p{Extended_Pictographic}"
    r"(?:\uFE0F|\p{Emoji_Modifier})?+)*+|[0-9#*]\uFE0F?\u20E3)",
    "tea «🍵» «👩‍🔬» «🇫🇷» «❤\ufe0f» © ☃ → :)",
)
non_ascii = pattern(
    "non_ascii",
    "Characters beyond ASCII.",
    r"[^\x00-\x7F]++",
    "caf«é» 5 «€» «東京» - \\ ~",
)
mathematical_sign = pattern(
    "mathematical_sign",
    "Signs of mathematics; of ASCII the signs + < = > | ~ and ^.",
    r"[\p{Sm}^]",
    "a «+» b «≤» c «∑» «→» d - e * f π",
)
currency_sign = pattern("currency_sign", "Signs of currencies.", r"\p{Sc}", "«$»5 «€»6 «£»7 §")

# Languages, by words that are frequent in one and rare in others.

_FREQUENT = {
    "english": "the of and to that it was this with are be by an on at which they you his "
    "her has had can will but we its from have were been their would there what when if is "
    "for as not or in she he i who all more than these do does",
    "german": "der die das und ist nicht ein eine einen dem den des zu mit auf für von sich "
    "auch es im als wird sind dass wie aus bei nach war oder werden über wir ich sie er aber "
    "noch nur um einer kann zum zur hat in an so man hier wenn ihr durch",
    "french": "le la les des et est un une que qui dans pour pas sur du au ce il elle ne se "
    "par avec plus sont aux cette nous vous je mais ou comme son sa ses leur été être ont "
    "fait tout en à de on y où",
    "spanish": "el la los las y es un una que en de no por con para del se su al lo como más "
    "pero sus le ya o este sí porque esta entre cuando muy sin sobre también me hasta hay "
    "donde ser fue está son a",
    "italian": "il lo la gli le di che è e un una in per non con del della dei delle si da "
    "al sono come ma anche più nel alla dal i ha questo quando molto essere dalla nella o se "
    "ci suo sua era",
    "portuguese": "o a os as de que e é um uma do da dos das em no na para com não por se "
    "mais como mas ao foi são também pelo pela seu sua ou ser quando muito já está eu isso "
    "nos há entre ele",
    "dutch": "de het een en van is dat niet in op te zijn voor met die aan er om als ook "
    "maar naar bij nog wordt uit door over heeft ze hij ik je wij was deze dit worden werd "
    "zich",
    "swedish": "och att det som en är på av för med den till inte har de ett om var jag men "
    "han hon från så vi kan när eller skulle sig detta också efter alla finns i",
}
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {
    word: tuple(name for name, words in _FREQUENT.items() if word in words.split())
    for words in _FREQUENT.values()
    for word in words.split()
}
_LINE = regex.compile(r"[^\n]++")
_WORD = regex.compile(r"(?<!\w)(?>\p{Ll}{2,}+|(?<=^[^\p{L}]*)\p{L}\p{Ll}++)(?!\w)")
_OF_CODE = frozenset(["and", "as", "for", "from", "if", "in", "is", "not", "or", "with"])


def _language_of(line: str) -> str | None:
    """The language that has the most frequent words of a line, two different ones or more.

    Words of one letter do not count, nor capitalised ones but the first: they are names in code.
    Nor do those that Python has as well make up a language by themselves.
    """
    words = [word for word in map(str.lower, _WORD.findall(line)) if word in _LANGUAGES_OF]
    counts = Counter(name for word in words for name in _LANGUAGES_OF[word]).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    first = counts[0][0]
    own = {word for word in words if first in _LANGUAGES_OF[word]} - _OF_CODE
    return first if len(own) > 1 else None


@category(names=tuple(_FREQUENT))
def _languages(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _LINE.finditer(text):
        name = _language_of(match[0])
        if name is not None:
            yield *match.span(), name


def _language(name: str, *examples: str) -> Feature:
    """A feature of the lines in one language."""
    summary = f"Lines in {name.capitalize()}, by its frequent words; see `text.language`."
    return define(f"text.{name}", summary, _languages.is_(name), *examples)


language = define(
    "text.language",
    "The language of the line, by its frequent words, as a category; none where they are few.",
    _languages,
    "«english:The cat is on the mat.»\n«german:Die Katze ist auf der Matte.»\nfor x in y: pass",
)
english = _language(
    "english", "«The cat is on the mat.»\nfor i in range(5): print(i)\nEl gato es de"
)
german = _language("german", "«Die Katze ist auf der Matte.»\nThe cat is on the mat.")
french = _language("french", "«Le chat est sur le tapis.»\nEl gato es de la casa.")
spanish = _language("spanish", "«El gato está en el jardín.»\nLe chat est dans le jardin.")
italian = _language("italian", "«Il gatto è nel giardino e non dorme.»\nEl gato y el perro.")
portuguese = _language("portuguese", "«O gato não está em casa.»\nEl gato no está en casa y es.")
dutch = _language("dutch", "«De kat is niet in het huis.»\nDie Katze ist nicht in dem Haus.")
swedish = _language("swedish", "«Katten är inte på mattan.»\nDie Katze ist nicht in dem Haus.")

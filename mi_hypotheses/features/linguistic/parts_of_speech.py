"""Features of parts of speech, each by itself and all as categories."""

from __future__ import annotations

from mi_hypotheses.features._phrases import PartOfSpeech
from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.linguistic.words import of_words

noun = of_words(
    "noun",
    "Common nouns; names are `proper_noun`.",
    "Its «rye» «bread», however, is the best in «town».",
    pos="NOUN",
)
verb = of_words(
    "verb",
    "Verbs; those that go with another verb or link a subject are `auxiliary`.",
    "«Let»'s not «wake» the twins.",
    pos="VERB",
)
adjective = of_words(
    "adjective",
    "Adjectives, ordinal numbers among them.",
    "Oh, they're «awake» already!",
    pos="ADJ",
)
adverb = of_words(
    "adverb",
    "Adverbs.",
    "Sound is «much» slower, and «therefore» thunder follows lightning.",
    pos="ADV",
)
adposition = of_words(
    "adposition",
    "Prepositions, and particles of verbs such as the `out` of `sell out`.",
    "Zoë Çelik moved «from» İzmir «to» São Paulo «in» 2011.",
    pos="ADP",
)
determiner = of_words(
    "determiner",
    "Determiners: articles, and words such as `this` and `every` before a noun.",
    "«Half» «the» class chose football, and «the» quietest boy said that he wanted to be her.",
    pos="DET",
)
pronoun = of_words(
    "pronoun",
    "Pronouns, possessive ones such as `her` before a noun among them.",
    "«Neither» of «them» knows how to sail «it».",
    pos="PRON",
)
proper_noun = of_words(
    "proper_noun",
    "Names, word by word.",
    "«Zoë» «Çelik» moved from «İzmir» to «São» «Paulo» in 2011.",
    pos="PROPN",
)
auxiliary = of_words(
    "auxiliary",
    "Auxiliary and modal verbs, and `be` between a subject and what it is.",
    "I«'m» sure that we«'ve» met before.",
    pos="AUX",
)
coordinating_conjunction = of_words(
    "coordinating_conjunction",
    "Conjunctions between equals: `and`, `but`, `or`.",
    "Nobody did, «but» the cat looked guilty.",
    pos="CCONJ",
)
subordinating_conjunction = of_words(
    "subordinating_conjunction",
    "Words that begin a subordinate clause: `if`, `because`, `that`.",
    "I'm sure «that» we've met before.",
    pos="SCONJ",
)
particle = of_words(
    "particle",
    "Particles: the `to` of infinitives, `not`, and the possessive `'s`.",
    "Let's «not» wake the twins.",
    pos="PART",
)
numeral = of_words(
    "numeral",
    "Cardinal numbers, in words or digits.",
    "Mrs. Okafor's oranges cost «two» euros.",
    pos="NUM",
)
interjection = of_words(
    "interjection",
    "Interjections: `oh`, `please`.",
    "Wait here, «please».",
    pos="INTJ",
)
punctuation = of_words(
    "punctuation",
    "Punctuation.",
    "Wait here«,» please«.»",
    pos="PUNCT",
)
symbol = of_words(
    "symbol",
    "Signs that stand for words, such as `%`, and emoji.",
    "Her café serves crêpes, naïve jokes and 東京 tea «🍵».",
    pos="SYM",
)

_PARTS_OF_SPEECH = (
    "NOUN",
    "VERB",
    "ADJ",
    "ADV",
    "ADP",
    "DET",
    "PRON",
    "PROPN",
    "AUX",
    "CCONJ",
    "SCONJ",
    "PART",
    "NUM",
    "INTJ",
    "PUNCT",
    "SYM",
)

part_of_speech = define(
    "linguistic.part_of_speech",
    "The part of speech, in the names of Universal Dependencies, as a category.",
    PartOfSpeech(_PARTS_OF_SPEECH),
    "«VERB:Wait» «ADV:here»«PUNCT:,» «INTJ:please»«PUNCT:.»",
)

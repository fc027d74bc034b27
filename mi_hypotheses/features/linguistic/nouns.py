"""Features of nouns, adjectives, numbers and articles, and of negation."""

from __future__ import annotations

from mi_hypotheses.features.linguistic.words import of_words

singular_noun = of_words(
    "singular_noun",
    "Common nouns in the singular.",
    "Its «rye» «bread», however, is the best in «town».",
    pos="NOUN",
    morph="Number=Sing",
)
plural_noun = of_words(
    "plural_noun",
    "Common nouns in the plural.",
    "Let's not wake the «twins».",
    pos="NOUN",
    morph="Number=Plur",
)
possessive_marker = of_words(
    "possessive_marker",
    "The `'s` or the apostrophe of a possessive.",
    "Mrs. Okafor«'s» oranges cost two euros.",
    tag="POS",
)
comparative = of_words(
    "comparative",
    "Comparatives of adjectives and adverbs: `faster`, `more`.",
    "Yours are «cheaper», but hers taste «better» than any I've eaten.",
    pos=("ADJ", "ADV"),
    morph="Degree=Cmp",
)
superlative = of_words(
    "superlative",
    "Superlatives of adjectives and adverbs: `best`, `most`.",
    "Its rye bread, however, is the «best» in town.",
    pos=("ADJ", "ADV"),
    morph="Degree=Sup",
)
cardinal_number = of_words(
    "cardinal_number",
    "Cardinal numbers as the features of words tell them.",
    "Mrs. Okafor's oranges cost «two» euros.",
    morph="NumType=Card",
)
ordinal_number = of_words(
    "ordinal_number",
    "Ordinal numbers.",
    "I've finished the «first» and the «third», but not the «second».",
    morph="NumType=Ord",
)
definite_article = of_words(
    "definite_article",
    "The word `the`.",
    "Let's not wake «the» twins.",
    pos="DET",
    morph="Definite=Def|PronType=Art",
)
indefinite_article = of_words(
    "indefinite_article",
    "The words `a` and `an`.",
    "Theirs is «a» brave plan, isn't it?",
    pos="DET",
    morph="Definite=Ind|PronType=Art",
)
negation = of_words(
    "negation",
    "Words that deny: `not`, and negative words such as `never`, `no` and `nothing`.",
    "Let's «not» wake the twins.",
    morph=("Polarity=Neg", "PronType=Neg"),
)

"""Features of pronouns, words that ask and demonstratives."""

from __future__ import annotations

from mi_hypotheses.features.linguistic.words import of_words

personal_pronoun = of_words(
    "personal_pronoun",
    "Personal pronouns, possessive and reflexive ones among them.",
    "«She» sees what «you» and «I» would never see.",
    pos="PRON",
    morph="PronType=Prs",
)
first_person_pronoun = of_words(
    "first_person_pronoun",
    "Pronouns of the first person.",
    "«I» sang it to «myself», though it isn't «mine».",
    pos="PRON",
    morph="Person=1",
)
second_person_pronoun = of_words(
    "second_person_pronoun",
    "Pronouns of the second person.",
    "Which of these books have «you» read?",
    pos="PRON",
    morph="Person=2",
)
third_person_pronoun = of_words(
    "third_person_pronoun",
    "Pronouns of the third person.",
    "«Theirs» is a brave plan, isn't «it»?",
    pos="PRON",
    morph="Person=3",
)
masculine_pronoun = of_words(
    "masculine_pronoun",
    "Pronouns for men: `he`, `him`, `his`, `himself`.",
    "«He» was caught at the airport with the canvas under «his» coat.",
    pos="PRON",
    morph="Gender=Masc",
)
feminine_pronoun = of_words(
    "feminine_pronoun",
    "Pronouns for women: `she`, `her`, `hers`, `herself`.",
    "«Her» patients trust «her» because «she» listens to them.",
    pos="PRON",
    morph="Gender=Fem",
)
neuter_pronoun = of_words(
    "neuter_pronoun",
    "Pronouns for things: `it`, `its`, `itself`.",
    "Theirs is a brave plan, isn't «it»?",
    pos="PRON",
    morph="Gender=Neut",
)
singular_pronoun = of_words(
    "singular_pronoun",
    "Pronouns in the singular; `you` has no number.",
    "«I» sang «it» to «myself», though «it» isn't «mine».",
    pos="PRON",
    morph="Number=Sing",
)
plural_pronoun = of_words(
    "plural_pronoun",
    "Pronouns in the plural; `you` has no number.",
    "Let«'s» not wake the twins.",
    pos="PRON",
    morph="Number=Plur",
)
nominative_pronoun = of_words(
    "nominative_pronoun",
    "Pronouns in the nominative, such as `she`.",
    "«She» sees what «you» and «I» would never see.",
    pos="PRON",
    morph="Case=Nom",
)
accusative_pronoun = of_words(
    "accusative_pronoun",
    "Pronouns in the accusative, such as `them`.",
    "Let«'s» not wake the twins.",
    pos="PRON",
    morph="Case=Acc",
)
possessive_pronoun = of_words(
    "possessive_pronoun",
    "Possessive pronouns, before a noun or alone: `my`, `mine`, `whose`.",
    "«Yours» are cheaper, but «hers» taste better than any I've eaten.",
    pos="PRON",
    morph="Poss=Yes",
)
reflexive_pronoun = of_words(
    "reflexive_pronoun",
    "Reflexive pronouns; those that only stress are none.",
    "I sang it to «myself», though it isn't mine.",
    pos="PRON",
    morph="Reflex=Yes",
)
relative_pronoun = of_words(
    "relative_pronoun",
    "Pronouns that begin a relative clause.",
    'The singer, «whom» few people knew, sang "Mine" twice.',
    pos="PRON",
    morph="PronType=Rel",
)
question_word = of_words(
    "question_word",
    "Words that ask: `who`, `which`, `what`, `how`, in indirect questions too.",
    "«Which» of these books have you read?",
    morph="PronType=Int",
)
demonstrative = of_words(
    "demonstrative",
    "Demonstratives: `this`, `that`, `here`, and the `there` of `there is`.",
    "«There» were no storms, yet «this» winter was colder than the last.",
    morph="PronType=Dem",
)

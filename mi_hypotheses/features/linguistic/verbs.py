"""Features of the forms of verbs; auxiliaries are verbs here."""

from __future__ import annotations

from mi_hypotheses.features.linguistic.words import of_words

finite_verb = of_words(
    "finite_verb",
    "Finite verbs: those with a tense, imperatives and modals.",
    "«Wait» here, please.",
    pos=("VERB", "AUX"),
    morph="VerbForm=Fin",
)
past_tense = of_words(
    "past_tense",
    "Finite verbs in the past tense; participles are none.",
    "Nobody «did», but the cat «looked» guilty.",
    pos=("VERB", "AUX"),
    morph="Tense=Past|VerbForm=Fin",
)
present_tense = of_words(
    "present_tense",
    "Finite verbs in the present tense.",
    "I«'m» sure that we«'ve» met before.",
    pos=("VERB", "AUX"),
    morph="Tense=Pres|VerbForm=Fin",
)
third_person_singular = of_words(
    "third_person_singular",
    "Verbs in the third person singular of the present tense.",
    "Theirs «is» a brave plan, «is»n't it?",
    pos=("VERB", "AUX"),
    morph="Number=Sing|Person=3|Tense=Pres|VerbForm=Fin",
)
imperative = of_words(
    "imperative",
    "Verbs that command or ask.",
    "«Wait» here, please.",
    pos=("VERB", "AUX"),
    morph="Mood=Imp",
)
infinitive = of_words(
    "infinitive",
    "Infinitives, with `to` before them or without.",
    "Let's not «wake» the twins.",
    pos=("VERB", "AUX"),
    morph="VerbForm=Inf",
)
participle = of_words(
    "participle",
    "Participles, of the past and the present.",
    "I'm sure that we've «met» before.",
    pos=("VERB", "AUX"),
    morph="VerbForm=Part",
)
past_participle = of_words(
    "past_participle",
    "Past participles.",
    "I'm sure that we've «met» before.",
    pos=("VERB", "AUX"),
    morph="Tense=Past|VerbForm=Part",
)
present_participle = of_words(
    "present_participle",
    "Present participles.",
    "The children were «running» along the river while their dogs barked at the swans.",
    pos=("VERB", "AUX"),
    morph="Tense=Pres|VerbForm=Part",
)
gerund = of_words(
    "gerund",
    "Gerunds, where the annotation tells them from participles.",
    "«Swimming» in the lake has been forbidden since Easter.",
    pos=("VERB", "AUX"),
    morph="VerbForm=Ger",
)
modal_verb = of_words(
    "modal_verb",
    "Modal verbs: `will`, `can`, `must` and the like.",
    '"«Will» it rain?" asked Otto, and I said it «wo»n\'t.',
    tag="MD",
)

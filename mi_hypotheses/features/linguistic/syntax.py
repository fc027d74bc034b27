"""Features of syntax: words by their relation to the head, and where clauses begin."""

from __future__ import annotations

from mi_hypotheses.features._phrases import FirstWord
from mi_hypotheses.features.catalogue import define
from mi_hypotheses.features.linguistic.words import of_words
from mi_hypotheses.spacy_rules import SpacyTree

# Those of Universal Dependencies, old and new, and those of spaCy's English pipelines.
_SUBJECT = (
    *("nsubj", "nsubj:pass", "nsubj:outer", "nsubjpass"),
    *("csubj", "csubj:pass", "csubj:outer", "csubjpass"),
)
_CLAUSE = (
    *("acl:relcl", "relcl", "advcl", "advcl:relcl", "ccomp"),
    *("csubj", "csubj:pass", "csubj:outer", "csubjpass"),
)
_PASSIVE = [
    {"RIGHT_ID": "verb", "RIGHT_ATTRS": {"POS": "VERB"}},
    {
        "LEFT_ID": "verb",
        "REL_OP": ">",
        "RIGHT_ID": "auxiliary",
        "RIGHT_ATTRS": {"DEP": {"IN": ["aux:pass", "auxpass"]}},
    },
]

subject = of_words(
    "subject",
    "Subjects, those of passives among them.",
    "The «critics» hated the play; the «audience», on the other hand, adored it.",
    dep=_SUBJECT,
)
object = of_words(
    "object",
    "Direct objects.",
    "The critics hated the «play»; the audience, on the other hand, adored «it».",
    dep=("obj", "dobj"),
)
indirect_object = of_words(
    "indirect_object",
    "Indirect objects.",
    "Whoever told «you» that must love old stories.",
    dep=("iobj", "dative"),
)
copula = of_words(
    "copula",
    "The verb `be` between a subject and what it is, where a tree makes it no head.",
    "Oh, they«'re» awake already!",
    dep="cop",
)
conjunct = of_words(
    "conjunct",
    "What a conjunction adds: all but the first of things in a row.",
    "Tarek ordered soup, «Lin» rice, and «I» nothing.",
    dep="conj",
)
clause_marker = of_words(
    "clause_marker",
    "Words that mark a clause as part of another, and the `to` of infinitives.",
    "I'm sure «that» we've met before.",
    dep="mark",
)
possessor = of_words(
    "possessor",
    "Those that something belongs to: possessive pronouns and nouns with `'s`.",
    "«Her» café serves crêpes, naïve jokes and 東京 tea 🍵.",
    dep=("nmod:poss", "poss"),
)
adjectival_modifier = of_words(
    "adjectival_modifier",
    "Adjectives that belong to a noun.",
    "Theirs is a «brave» plan, isn't it?",
    dep="amod",
)
adverbial_modifier = of_words(
    "adverbial_modifier",
    "Adverbs and the like that belong to a verb, an adjective or a clause.",
    "Wait «here», please.",
    dep="advmod",
)
appositive = of_words(
    "appositive",
    "Phrases that say again, in other words, what the noun before them names.",
    "Its second-largest rival, «Tamba», didn't lose a cent.",
    dep="appos",
)
expletive = of_words(
    "expletive",
    "Subjects that stand for nothing: `there is`, `it rains`.",
    "«It» is said that the bridge was built by giants.",
    dep="expl",
)
relative_clause = of_words(
    "relative_clause",
    "The heads of relative clauses, most often verbs.",
    'The singer, whom few people «knew», sang "Mine" twice.',
    dep=("acl:relcl", "relcl"),
)
adverbial_clause = of_words(
    "adverbial_clause",
    "The heads of clauses that say when, why or on what condition.",
    "Don't add the salt until the water «boils»!",
    dep=("advcl", "advcl:relcl"),
)
complement_clause = of_words(
    "complement_clause",
    "The heads of clauses that are objects, and of direct speech.",
    "I'm sure that we've «met» before.",
    dep="ccomp",
)
root_verb = of_words(
    "root_verb",
    "Verbs that are the root of their sentence.",
    "«Wait» here, please.",
    pos=("VERB", "AUX"),
    dep="ROOT",
)
passive_auxiliary = of_words(
    "passive_auxiliary",
    "The auxiliary `be` or `get` of a passive.",
    "It «is» said that the bridge «was» built by giants.",
    dep=("aux:pass", "auxpass"),
)
passive_subject = of_words(
    "passive_subject",
    "Subjects of passives.",
    "It is said that the «bridge» was «built» by giants.",
    dep=("nsubj:pass", "csubj:pass", "nsubjpass", "csubjpass"),
)
passive = define(
    "linguistic.passive",
    "Verbs in the passive: those with its auxiliary.",
    SpacyTree(_PASSIVE, label="verb"),
    "It is «said» that the bridge was «built» by giants.",
)
relative_clause_start = define(
    "linguistic.relative_clause_start",
    "The first word of relative clauses; after `what` and `whoever`, that of what follows.",
    FirstWord(("acl:relcl", "relcl")),
    'The singer, «whom» few people knew, sang "Mine" twice.',
)
clause_start = define(
    "linguistic.clause_start",
    "The first word of subordinate clauses that have a head of their own; also of direct speech.",
    FirstWord(_CLAUSE),
    "Don't add the salt «until» the water boils!",
)
subject_start = define(
    "linguistic.subject_start",
    "The first word of subjects.",
    FirstWord(_SUBJECT),
    "«I»'m sure that «we»'ve met before.",
)

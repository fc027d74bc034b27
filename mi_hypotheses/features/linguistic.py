"""Features of language: parts of speech, forms of verbs, nouns and pronouns, syntax, and entities.

They are read from annotation that comes with the documents: `.conllu` files, such as the corpus
`sentences`, or `.spacy` files, which hold what any spaCy pipeline has tagged and parsed. For other
documents name a pipeline: `feature("linguistic.noun", pipeline="en_core_web_sm")`, or `--pipeline`
on the command line. Relations are found by the names of Universal Dependencies and by those of
spaCy's English pipelines. Of a phrase, its head is labelled. Of an entity, every word is; its type
may be one of OntoNotes (`PERSON`, `GPE`), of the short ones (`PER`, `LOC`), or of those that
Universal Dependencies' corpora have (`person`, `place`), which take in common nouns as well.
"""

from __future__ import annotations

from mi_hypotheses.features._phrases import FirstWord, PartOfSpeech
from mi_hypotheses.features.catalogue import Feature, define
from mi_hypotheses.spacy_rules import SpacyPattern, SpacyToken, SpacyTree


def _word(
    name: str,
    summary: str,
    *examples: str,
    pos: str | tuple[str, ...] | None = None,
    tag: str | None = None,
    dep: str | tuple[str, ...] | None = None,
    morph: str | tuple[str, ...] | None = None,
) -> Feature:
    """A feature of words by their own annotation."""
    of = SpacyToken(pos=pos, tag=tag, dep=dep, morph=morph)
    return define(f"linguistic.{name}", summary, of, *examples)


# Parts of speech.

noun = _word(
    "noun",
    "Common nouns; names are `proper_noun`.",
    "Its «rye» «bread», however, is the best in «town».",
    pos="NOUN",
)
verb = _word(
    "verb",
    "Verbs; those that go with another verb or link a subject are `auxiliary`.",
    "«Let»'s not «wake» the twins.",
    pos="VERB",
)
adjective = _word(
    "adjective",
    "Adjectives, ordinal numbers among them.",
    "Oh, they're «awake» already!",
    pos="ADJ",
)
adverb = _word(
    "adverb",
    "Adverbs.",
    "Sound is «much» slower, and «therefore» thunder follows lightning.",
    pos="ADV",
)
adposition = _word(
    "adposition",
    "Prepositions, and particles of verbs such as the `out` of `sell out`.",
    "Zoë Çelik moved «from» İzmir «to» São Paulo «in» 2011.",
    pos="ADP",
)
determiner = _word(
    "determiner",
    "Determiners: articles, and words such as `this` and `every` before a noun.",
    "«Half» «the» class chose football, and «the» quietest boy said that he wanted to be her.",
    pos="DET",
)
pronoun = _word(
    "pronoun",
    "Pronouns, possessive ones such as `her` before a noun among them.",
    "«Neither» of «them» knows how to sail «it».",
    pos="PRON",
)
proper_noun = _word(
    "proper_noun",
    "Names, word by word.",
    "«Zoë» «Çelik» moved from «İzmir» to «São» «Paulo» in 2011.",
    pos="PROPN",
)
auxiliary = _word(
    "auxiliary",
    "Auxiliary and modal verbs, and `be` between a subject and what it is.",
    "I«'m» sure that we«'ve» met before.",
    pos="AUX",
)
coordinating_conjunction = _word(
    "coordinating_conjunction",
    "Conjunctions between equals: `and`, `but`, `or`.",
    "Nobody did, «but» the cat looked guilty.",
    pos="CCONJ",
)
subordinating_conjunction = _word(
    "subordinating_conjunction",
    "Words that begin a subordinate clause: `if`, `because`, `that`.",
    "I'm sure «that» we've met before.",
    pos="SCONJ",
)
particle = _word(
    "particle",
    "Particles: the `to` of infinitives, `not`, and the possessive `'s`.",
    "Let's «not» wake the twins.",
    pos="PART",
)
numeral = _word(
    "numeral",
    "Cardinal numbers, in words or digits.",
    "Mrs. Okafor's oranges cost «two» euros.",
    pos="NUM",
)
interjection = _word(
    "interjection",
    "Interjections: `oh`, `please`.",
    "Wait here, «please».",
    pos="INTJ",
)
punctuation = _word(
    "punctuation",
    "Punctuation.",
    "Wait here«,» please«.»",
    pos="PUNCT",
)
symbol = _word(
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

# Forms of verbs; auxiliaries are verbs here.

finite_verb = _word(
    "finite_verb",
    "Finite verbs: those with a tense, imperatives and modals.",
    "«Wait» here, please.",
    pos=("VERB", "AUX"),
    morph="VerbForm=Fin",
)
past_tense = _word(
    "past_tense",
    "Finite verbs in the past tense; participles are none.",
    "Nobody «did», but the cat «looked» guilty.",
    pos=("VERB", "AUX"),
    morph="Tense=Past|VerbForm=Fin",
)
present_tense = _word(
    "present_tense",
    "Finite verbs in the present tense.",
    "I«'m» sure that we«'ve» met before.",
    pos=("VERB", "AUX"),
    morph="Tense=Pres|VerbForm=Fin",
)
third_person_singular = _word(
    "third_person_singular",
    "Verbs in the third person singular of the present tense.",
    "Theirs «is» a brave plan, «is»n't it?",
    pos=("VERB", "AUX"),
    morph="Number=Sing|Person=3|Tense=Pres|VerbForm=Fin",
)
imperative = _word(
    "imperative",
    "Verbs that command or ask.",
    "«Wait» here, please.",
    pos=("VERB", "AUX"),
    morph="Mood=Imp",
)
infinitive = _word(
    "infinitive",
    "Infinitives, with `to` before them or without.",
    "Let's not «wake» the twins.",
    pos=("VERB", "AUX"),
    morph="VerbForm=Inf",
)
participle = _word(
    "participle",
    "Participles, of the past and the present.",
    "I'm sure that we've «met» before.",
    pos=("VERB", "AUX"),
    morph="VerbForm=Part",
)
past_participle = _word(
    "past_participle",
    "Past participles.",
    "I'm sure that we've «met» before.",
    pos=("VERB", "AUX"),
    morph="Tense=Past|VerbForm=Part",
)
present_participle = _word(
    "present_participle",
    "Present participles.",
    "The children were «running» along the river while their dogs barked at the swans.",
    pos=("VERB", "AUX"),
    morph="Tense=Pres|VerbForm=Part",
)
gerund = _word(
    "gerund",
    "Gerunds, where the annotation tells them from participles.",
    "«Swimming» in the lake has been forbidden since Easter.",
    pos=("VERB", "AUX"),
    morph="VerbForm=Ger",
)
modal_verb = _word(
    "modal_verb",
    "Modal verbs: `will`, `can`, `must` and the like.",
    '"«Will» it rain?" asked Otto, and I said it «wo»n\'t.',
    tag="MD",
)

# Nouns, adjectives, numbers and articles.

singular_noun = _word(
    "singular_noun",
    "Common nouns in the singular.",
    "Its «rye» «bread», however, is the best in «town».",
    pos="NOUN",
    morph="Number=Sing",
)
plural_noun = _word(
    "plural_noun",
    "Common nouns in the plural.",
    "Let's not wake the «twins».",
    pos="NOUN",
    morph="Number=Plur",
)
possessive_marker = _word(
    "possessive_marker",
    "The `'s` or the apostrophe of a possessive.",
    "Mrs. Okafor«'s» oranges cost two euros.",
    tag="POS",
)
comparative = _word(
    "comparative",
    "Comparatives of adjectives and adverbs: `faster`, `more`.",
    "Yours are «cheaper», but hers taste «better» than any I've eaten.",
    pos=("ADJ", "ADV"),
    morph="Degree=Cmp",
)
superlative = _word(
    "superlative",
    "Superlatives of adjectives and adverbs: `best`, `most`.",
    "Its rye bread, however, is the «best» in town.",
    pos=("ADJ", "ADV"),
    morph="Degree=Sup",
)
cardinal_number = _word(
    "cardinal_number",
    "Cardinal numbers as the features of words tell them.",
    "Mrs. Okafor's oranges cost «two» euros.",
    morph="NumType=Card",
)
ordinal_number = _word(
    "ordinal_number",
    "Ordinal numbers.",
    "I've finished the «first» and the «third», but not the «second».",
    morph="NumType=Ord",
)
definite_article = _word(
    "definite_article",
    "The word `the`.",
    "Let's not wake «the» twins.",
    pos="DET",
    morph="Definite=Def|PronType=Art",
)
indefinite_article = _word(
    "indefinite_article",
    "The words `a` and `an`.",
    "Theirs is «a» brave plan, isn't it?",
    pos="DET",
    morph="Definite=Ind|PronType=Art",
)
negation = _word(
    "negation",
    "Words that deny: `not`, and negative words such as `never`, `no` and `nothing`.",
    "Let's «not» wake the twins.",
    morph=("Polarity=Neg", "PronType=Neg"),
)

# Pronouns.

personal_pronoun = _word(
    "personal_pronoun",
    "Personal pronouns, possessive and reflexive ones among them.",
    "«She» sees what «you» and «I» would never see.",
    pos="PRON",
    morph="PronType=Prs",
)
first_person_pronoun = _word(
    "first_person_pronoun",
    "Pronouns of the first person.",
    "«I» sang it to «myself», though it isn't «mine».",
    pos="PRON",
    morph="Person=1",
)
second_person_pronoun = _word(
    "second_person_pronoun",
    "Pronouns of the second person.",
    "Which of these books have «you» read?",
    pos="PRON",
    morph="Person=2",
)
third_person_pronoun = _word(
    "third_person_pronoun",
    "Pronouns of the third person.",
    "«Theirs» is a brave plan, isn't «it»?",
    pos="PRON",
    morph="Person=3",
)
masculine_pronoun = _word(
    "masculine_pronoun",
    "Pronouns for men: `he`, `him`, `his`, `himself`.",
    "«He» was caught at the airport with the canvas under «his» coat.",
    pos="PRON",
    morph="Gender=Masc",
)
feminine_pronoun = _word(
    "feminine_pronoun",
    "Pronouns for women: `she`, `her`, `hers`, `herself`.",
    "«Her» patients trust «her» because «she» listens to them.",
    pos="PRON",
    morph="Gender=Fem",
)
neuter_pronoun = _word(
    "neuter_pronoun",
    "Pronouns for things: `it`, `its`, `itself`.",
    "Theirs is a brave plan, isn't «it»?",
    pos="PRON",
    morph="Gender=Neut",
)
singular_pronoun = _word(
    "singular_pronoun",
    "Pronouns in the singular; `you` has no number.",
    "«I» sang «it» to «myself», though «it» isn't «mine».",
    pos="PRON",
    morph="Number=Sing",
)
plural_pronoun = _word(
    "plural_pronoun",
    "Pronouns in the plural; `you` has no number.",
    "Let«'s» not wake the twins.",
    pos="PRON",
    morph="Number=Plur",
)
nominative_pronoun = _word(
    "nominative_pronoun",
    "Pronouns in the nominative, such as `she`.",
    "«She» sees what «you» and «I» would never see.",
    pos="PRON",
    morph="Case=Nom",
)
accusative_pronoun = _word(
    "accusative_pronoun",
    "Pronouns in the accusative, such as `them`.",
    "Let«'s» not wake the twins.",
    pos="PRON",
    morph="Case=Acc",
)
possessive_pronoun = _word(
    "possessive_pronoun",
    "Possessive pronouns, before a noun or alone: `my`, `mine`, `whose`.",
    "«Yours» are cheaper, but «hers» taste better than any I've eaten.",
    pos="PRON",
    morph="Poss=Yes",
)
reflexive_pronoun = _word(
    "reflexive_pronoun",
    "Reflexive pronouns; those that only stress are none.",
    "I sang it to «myself», though it isn't mine.",
    pos="PRON",
    morph="Reflex=Yes",
)
relative_pronoun = _word(
    "relative_pronoun",
    "Pronouns that begin a relative clause.",
    'The singer, «whom» few people knew, sang "Mine" twice.',
    pos="PRON",
    morph="PronType=Rel",
)
question_word = _word(
    "question_word",
    "Words that ask: `who`, `which`, `what`, `how`, in indirect questions too.",
    "«Which» of these books have you read?",
    morph="PronType=Int",
)
demonstrative = _word(
    "demonstrative",
    "Demonstratives: `this`, `that`, `here`, and the `there` of `there is`.",
    "«There» were no storms, yet «this» winter was colder than the last.",
    morph="PronType=Dem",
)

# Syntax: words by their relation to the head.

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

subject = _word(
    "subject",
    "Subjects, those of passives among them.",
    "The «critics» hated the play; the «audience», on the other hand, adored it.",
    dep=_SUBJECT,
)
object = _word(
    "object",
    "Direct objects.",
    "The critics hated the «play»; the audience, on the other hand, adored «it».",
    dep=("obj", "dobj"),
)
indirect_object = _word(
    "indirect_object",
    "Indirect objects.",
    "Whoever told «you» that must love old stories.",
    dep=("iobj", "dative"),
)
copula = _word(
    "copula",
    "The verb `be` between a subject and what it is, where a tree makes it no head.",
    "Oh, they«'re» awake already!",
    dep="cop",
)
conjunct = _word(
    "conjunct",
    "What a conjunction adds: all but the first of things in a row.",
    "Tarek ordered soup, «Lin» rice, and «I» nothing.",
    dep="conj",
)
clause_marker = _word(
    "clause_marker",
    "Words that mark a clause as part of another, and the `to` of infinitives.",
    "I'm sure «that» we've met before.",
    dep="mark",
)
possessor = _word(
    "possessor",
    "Those that something belongs to: possessive pronouns and nouns with `'s`.",
    "«Her» café serves crêpes, naïve jokes and 東京 tea 🍵.",
    dep=("nmod:poss", "poss"),
)
adjectival_modifier = _word(
    "adjectival_modifier",
    "Adjectives that belong to a noun.",
    "Theirs is a «brave» plan, isn't it?",
    dep="amod",
)
adverbial_modifier = _word(
    "adverbial_modifier",
    "Adverbs and the like that belong to a verb, an adjective or a clause.",
    "Wait «here», please.",
    dep="advmod",
)
appositive = _word(
    "appositive",
    "Phrases that say again, in other words, what the noun before them names.",
    "Its second-largest rival, «Tamba», didn't lose a cent.",
    dep="appos",
)
expletive = _word(
    "expletive",
    "Subjects that stand for nothing: `there is`, `it rains`.",
    "«It» is said that the bridge was built by giants.",
    dep="expl",
)
relative_clause = _word(
    "relative_clause",
    "The heads of relative clauses, most often verbs.",
    'The singer, whom few people «knew», sang "Mine" twice.',
    dep=("acl:relcl", "relcl"),
)
adverbial_clause = _word(
    "adverbial_clause",
    "The heads of clauses that say when, why or on what condition.",
    "Don't add the salt until the water «boils»!",
    dep=("advcl", "advcl:relcl"),
)
complement_clause = _word(
    "complement_clause",
    "The heads of clauses that are objects, and of direct speech.",
    "I'm sure that we've «met» before.",
    dep="ccomp",
)
root_verb = _word(
    "root_verb",
    "Verbs that are the root of their sentence.",
    "«Wait» here, please.",
    pos=("VERB", "AUX"),
    dep="ROOT",
)
passive_auxiliary = _word(
    "passive_auxiliary",
    "The auxiliary `be` or `get` of a passive.",
    "It «is» said that the bridge «was» built by giants.",
    dep=("aux:pass", "auxpass"),
)
passive_subject = _word(
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

# Entities, word by word.


def _entity(name: str, summary: str, types: tuple[str, ...], *examples: str) -> Feature:
    """A feature of the words of entities of some types."""
    return define(f"linguistic.{name}", summary, SpacyToken(ent_type=types), *examples)


_PERSON = ("PERSON", "PER", "person", "per")
_ORGANISATION = ("ORG", "organization", "org")
_PLACE = ("GPE", "LOC", "FAC", "place", "loc")
_DATE_OR_TIME = ("DATE", "TIME", "time")
_QUANTITY = ("CARDINAL", "MONEY", "ORDINAL", "PERCENT", "QUANTITY")

entity = define(
    "linguistic.entity",
    "Words of named entities of any type; dates and numbers are among them where they are tagged.",
    SpacyPattern([{"ENT_TYPE": {"REGEX": "."}}]),
    "«Zoë» «Çelik» moved from «İzmir» to «São» «Paulo» in «2011».",
)
person = _entity(
    "person",
    "Names of people.",
    _PERSON,
    "«Zoë» «Çelik» moved from İzmir to São Paulo in 2011.",
)
organisation = _entity(
    "organisation",
    "Names of companies, clubs, parties and the like.",
    _ORGANISATION,
    "Weren't you the goalkeeper for «Lindholm» «United»?",
)
place = _entity(
    "place",
    "Names of countries, cities, mountains, streets and other places.",
    _PLACE,
    "Zoë Çelik moved from «İzmir» to «São» «Paulo» in 2011.",
    "The bakery on «Pine» «Street» opens at 6:30 and sells out by noon.",
)
date_or_time = _entity(
    "date_or_time",
    "Dates, times of day, and how long something takes.",
    _DATE_OR_TIME,
    "Norvik Shipping lost 4.5 million dollars «last» «quarter», its auditors say.",
    "The bakery on Pine Street opens at «6:30» and sells out by «noon».",
)
quantity = _entity(
    "quantity",
    "Numbers, measures, percentages and sums of money with their units; no dates or times.",
    _QUANTITY,
    "Norvik Shipping lost «4.5» «million» «dollars» last quarter, its auditors say.",
    "I've finished the «first» and the «third», but not the «second».",
)

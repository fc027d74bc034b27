"""Features of language: parts of speech, forms of verbs, nouns and pronouns, syntax, and entities.

They are read from annotation that comes with the documents: `.conllu` files, such as the corpus
`sentences`, or `.spacy` files, which hold what any spaCy pipeline has tagged and parsed. For other
documents name a pipeline: `feature("linguistic.noun", pipeline="en_core_web_sm")`, or `--pipeline`
on the command line. Relations are found by the names of Universal Dependencies and by those of
spaCy's English pipelines. Of a phrase, its head is labelled. Of an entity, every word is; its type
may be one of OntoNotes (`PERSON`, `GPE`), of the short ones (`PER`, `LOC`), or of those that
Universal Dependencies' corpora have (`person`, `place`), which take in common nouns as well.
"""

# ruff: noqa: I001 (in the order in which they are listed)
from mi_hypotheses.features.linguistic.parts_of_speech import *  # noqa: F403 (a theme is all its parts define)
from mi_hypotheses.features.linguistic.verbs import *  # noqa: F403 (as above)
from mi_hypotheses.features.linguistic.nouns import *  # noqa: F403 (as above)
from mi_hypotheses.features.linguistic.pronouns import *  # noqa: F403 (as above)
from mi_hypotheses.features.linguistic.syntax import *  # noqa: F403 (as above)
from mi_hypotheses.features.linguistic.entities import *  # noqa: F403 (as above)

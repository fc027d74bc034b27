"""spaCy pipelines for tests: rules where a trained pipeline has weights."""

from __future__ import annotations

from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc

TAGS = {
    "the": ("DET", "DT", ""),
    "a": ("DET", "DT", ""),
    "cat": ("NOUN", "NN", "Number=Sing"),
    "cats": ("NOUN", "NNS", "Number=Plur"),
    "dogs": ("NOUN", "NNS", "Number=Plur"),
    "zoé": ("PROPN", "NNP", "Number=Sing"),
    "naomi": ("PROPN", "NNP", "Number=Sing"),
    "sees": ("VERB", "VBZ", "Number=Sing|Person=3"),
    "see": ("VERB", "VBP", ""),
    "visits": ("VERB", "VBZ", "Number=Sing|Person=3"),
}
LEMMAS = {"cats": "cat", "dogs": "dog", "sees": "see", "visits": "visit"}
CALLS: list[str] = []  # the texts that `tests_tagger` has seen


@Language.component(
    "tests_tagger",
    assigns=["token.pos", "token.tag", "token.morph", "token.lemma"],
)
def tests_tagger(doc: Doc) -> Doc:
    """A tagger that knows some words."""
    CALLS.append(doc.text)
    for token in doc:
        pos, tag, morph = TAGS.get(token.lower_, ("X", "XX", ""))
        token.pos_, token.tag_ = pos, tag
        token.set_morph(morph)
        token.lemma_ = LEMMAS.get(token.lower_, token.lower_)
    return doc


@Language.component("tests_parser", assigns=["token.dep", "token.head", "doc.sents"])
def tests_parser(doc: Doc) -> Doc:
    """A parser: the first verb is the root, nouns before it are subjects, others objects."""
    root = next((token for token in doc if token.pos_ == "VERB"), doc[0] if len(doc) else None)
    for token in doc:
        assert root is not None  # there is a token
        token.head = root
        noun = token.pos_ in ("NOUN", "PROPN")
        token.dep_ = "ROOT" if token == root else "dep"
        if noun and token != root:
            token.dep_ = "nsubj" if token.i < root.i else "obj"
    return doc


@Language.component("tests_fails", assigns=["token.pos"])
def tests_fails(doc: Doc) -> Doc:
    if "naomi" in doc.text:
        raise RuntimeError("no idea of Naomi")
    return doc


@Language.component("tests_extended", assigns=["doc.cats"])
def tests_extended(doc: Doc) -> Doc:
    for token in doc:
        token._.tests_even = token.i % 2 == 0
    doc.user_data["tests_unplain"] = {1, 2}
    return doc


def saved(folder: Path, *components: str, names: bool = False) -> str:
    """The path of a pipeline with these components; with `names` it finds Zoé and Naomi."""
    nlp = spacy.blank("en")
    for component in components:
        nlp.add_pipe(component)
    if names:
        ruler = nlp.add_pipe("entity_ruler")
        ruler.add_patterns(
            [{"label": "PERSON", "pattern": [{"ORTH": name}]} for name in ("Zoé", "Naomi")]
        )
    nlp.to_disk(folder)
    return str(folder)

"""The sentences of the corpus `translations`, and how it is made of them.

English words are numbered from 0. Each French word names those that it translates, if any: in
"Le:0 chat:2 noir:1", `chat` translates the third English word. A word that ends with an
apostrophe is written together with the next.

    python -m tests.parallel

writes corpora/translations.jsonl anew; its size in translations.toml is what `measure` says.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "corpora" / "translations.jsonl"

PAIRS = [
    ("The black cat sleeps", "Le:0 chat:2 noir:1 dort:3"),
    ("My sister reads a book", "Ma:0 sœur:1 lit:2 un:3 livre:4"),
    ("The water is cold", "L':0 eau:1 est:2 froide:3"),
    ("We drink red wine", "Nous:0 buvons:1 du vin:3 rouge:2"),
    ("The children play in the garden", "Les:0 enfants:1 jouent:2 dans:3 le:4 jardin:5"),
    ("He is looking for his keys", "Il:0 cherche:1,2,3 ses:4 clés:5"),
    ("The train leaves at noon", "Le:0 train:1 part:2 à:3 midi:4"),
    ("She has two brothers", "Elle:0 a:1 deux:2 frères:3"),
    ("I do not know", "Je:0 ne:2 sais:3 pas:2"),
    ("The white house is old", "La:0 maison:2 blanche:1 est:3 vieille:4"),
    ("Our neighbour sells fresh eggs", "Notre:0 voisin:1 vend:2 des œufs:4 frais:3"),
    ("It is raining today", "Il:0 pleut:1,2 aujourd'hui:3"),
    (
        "The baker opens his shop at six",
        "Le:0 boulanger:1 ouvre:2 sa:3 boutique:4 à:5 six:6 heures",
    ),
    ("They are singing a sad song", "Ils:0 chantent:1,2 une:3 chanson:5 triste:4"),
    ("The bird has blue feathers", "L':0 oiseau:1 a:2 des plumes:4 bleues:3"),
    ("You speak too fast", "Vous:0 parlez:1 trop:2 vite:3"),
    ("The door is open", "La:0 porte:1 est:2 ouverte:3"),
    ("I lost my umbrella yesterday", "J':0 ai:1 perdu:1 mon:2 parapluie:3 hier:4"),
    ("The moon lights up the street", "La:0 lune:1 éclaire:2,3 la:4 rue:5"),
    ("Paul gives Marie a green apple", "Paul:0 donne:1 une:3 pomme:5 verte:4 à Marie:2"),
    ("The judge asked three questions", "Le:0 juge:1 a:2 posé:2 trois:3 questions:4"),
    ("Snow covers the mountains", "La neige:0 couvre:1 les:2 montagnes:3"),
    ("This bread is good", "Ce:0 pain:1 est:2 bon:3"),
    ("The old man walks slowly", "Le:0 vieil:1 homme:2 marche:3 lentement:4"),
    ("Her letter arrived this morning", "Sa:0 lettre:1 est:2 arrivée:2 ce:3 matin:4"),
    ("The student never sleeps", "L':0 étudiant:1 ne:2 dort:3 jamais:2"),
    ("We will buy a bigger boat", "Nous:0 achèterons:1,2 un:3 plus:4 grand:4 bateau:5"),
    ("The wind carries the yellow leaves", "Le:0 vent:1 emporte:2 les:3 feuilles:5 jaunes:4"),
    ("My father works at the hospital", "Mon:0 père:1 travaille:2 à:3 l':4 hôpital:5"),
    ("The clock struck midnight", "L':0 horloge:1 a:2 sonné:2 minuit:3"),
    ("She wears a long dress", "Elle:0 porte:1 une:2 longue:3 robe:4"),
    ("The doctor wrote a short note", "Le:0 médecin:1 a:2 écrit:2 une:3 courte:4 note:5"),
    ("Dogs love bones", "Les chiens:0 aiment:1 les os:2"),
    ("The river crosses the city", "La:0 rivière:1 traverse:2 la:3 ville:4"),
    ("I hear the sea", "J':0 entends:1 la:2 mer:3"),
    (
        "The teacher explains the difficult lesson",
        "Le:0 professeur:1 explique:2 la:3 leçon:5 difficile:4",
    ),
    ("Four horses pull the heavy cart", "Quatre:0 chevaux:1 tirent:2 la:3 lourde:4 charrette:5"),
    ("Nobody answered the telephone", "Personne:0 n':0 a:1 répondu:1 au:2 téléphone:3"),
    ("The soup is still hot", "La:0 soupe:1 est:2 encore:3 chaude:4"),
    ("Tomorrow we leave for the coast", "Demain:0 nous:1 partons:2 pour:3 la:4 côte:5"),
    ("The king had a golden crown", "Le:0 roi:1 avait:2 une:3 couronne:5 dorée:4"),
    ("Close the window tonight", "Fermez:0 la:1 fenêtre:2 ce:3 soir:3"),
    ("Green tea calms the nerves", "Le thé:1 vert:0 calme:2 les:3 nerfs:4"),
    ("The farmer feeds his sheep", "Le:0 fermier:1 nourrit:2 ses:3 moutons:4"),
]


def record(number: int, english: str, aligned: str) -> dict[str, Any]:
    """The line of one pair: the text, and links from French words to English ones."""
    keys = [(m.start() + 9, m.end() + 9) for m in re.finditer(r"\S+", english)]
    text, links = f"English: {english}.\nFrench:", []
    for part in aligned.split():
        word, _, numbers = part.partition(":")
        start = len(text) + (not text.endswith("'"))
        text = text + " " * (start - len(text)) + word
        links += [(start, len(text), *keys[int(n)]) for n in numbers.split(",") if n]
    name = f"english-french-{number:02d}"
    return {"id": name, "text": f"{text}.\n", "links": {"translation": links}}


def content() -> str:
    """What the file holds."""
    records = [record(number, *pair) for number, pair in enumerate(PAIRS, start=1)]
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records)


if __name__ == "__main__":
    FILE.write_text(content(), "utf-8")

"""Named entities in the MISC column of CoNLL-U.

Two conventions are read. `NER=B-PER` (also `ner` and `NE`) says of each word whether it begins an
entity (`B`), goes on with one (`I`), ends it (`E`), is one by itself (`S`), or is none (`O`).
`Entity=(e1-person-1-...` and `Entity=e1)` are the brackets of CorefUD and GUM; one word is
`Entity=(e1-person-1-...)`. Where a document has both, the first counts, as brackets hold whatever
is spoken of, pronouns among them.

The type is the field that `# global.Entity = eid-etype-head` calls `etype`, `entity` or `type`.
Without such a comment it is the second field behind an id, which has a digit in it, and otherwise
the first. spaCy's entities do not overlap: of nested brackets the innermost are kept. Brackets
without a type, and those in several parts (`e1[1/2]`), are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mi_hypotheses.errors import CorpusError

COLUMNS = ("NER", "ner", "NE")
BRACKETS = "Entity"

_DECLARED = re.compile(r"#\s*global\.Entity\s*=\s*(\S+)\s*")
_TYPES = ("etype", "entity", "type")
_IDS = ("eid", "GRP")
_TAG = re.compile(r"([BIESLU])-(.+)")
_BRACKET = re.compile(r"\(([^()]+)(\)?)|([^()]+)\)")
_PART = re.compile(r"\[\d+/\d+\]")


class Entity(NamedTuple):
    """The words `first` to `last` of a document, counted from 0."""

    first: int
    last: int
    type: str


class Mark(NamedTuple):
    """What MISC says of the words `first` to `last` of a document.

    Of an empty node, `last` is the word before it and `first` the one after it.
    """

    first: int
    last: int
    misc: Mapping[str, str]
    line: int


def declared(comment: str) -> list[str] | None:
    """The fields of brackets that a comment names; None where it is another comment."""
    found = _DECLARED.fullmatch(comment)
    return found[1].split("-") if found else None


def pairs(misc: str) -> dict[str, str]:
    """The column MISC by attribute."""
    return dict(part.partition("=")[::2] for part in misc.split("|"))


def annotated(lines: Iterable[str]) -> bool:
    """Whether anything in a file tells entities and their types."""
    fields: list[str] | None = None
    for line in lines:
        if line.startswith("#"):
            fields = declared(line.rstrip("\r\n")) or fields
        elif "=" in line:
            misc = pairs(line.rstrip("\r\n").rpartition("\t")[2])
            opened = (each[1] for each in _BRACKET.finditer(misc.get(BRACKETS, "")) if each[1])
            if any(name in misc for name in COLUMNS) or any(_type(x, fields) for x in opened):
                return True
    return False


def entities(marks: Sequence[Mark], fields: Sequence[str] | None, path: object) -> list[Entity]:
    """The entities of a document, in order; `fields` are those declared for brackets.

    Raises:
        CorpusError: a mark is of neither convention, or brackets do not match.
    """
    for name in COLUMNS:
        if any(name in mark.misc for mark in marks):
            return list(_tagged(marks, name, path))
    return _innermost(_bracketed(marks, fields, path))


def iob(found: Iterable[Entity], places: Sequence[int], length: int) -> list[str]:
    """The tags of spaCy's `Doc`: `places` has the place of each word among its `length` words.

    White space in an entity belongs to it. Where two begin in one word, the first counts.
    """
    tags = ["O"] * length
    for entity in found:
        start, stop = places[entity.first], places[entity.last] + 1
        while start < stop and tags[start] != "O":
            start += 1
        tags[start:stop] = [f"{'I' if i else 'B'}-{entity.type}" for i in range(stop - start)]
    return tags


# --- tags ------------------------------------------------------------------------------------


def _tagged(marks: Sequence[Mark], name: str, path: object) -> Iterator[Entity]:
    """Entities of a column of tags; one that begins with `I` is taken as it is meant."""
    begun: Entity | None = None
    closed = False
    for word, (begins, ends, kind) in sorted(_tags(marks, name, path).items()):
        if begun is not None and begun[1:] == (word - 1, kind) and not (begins or closed):
            begun = begun._replace(last=word)
        else:
            if begun is not None:
                yield begun
            begun = Entity(word, word, kind)
        closed = ends
    if begun is not None:
        yield begun


def _tags(marks: Sequence[Mark], name: str, path: object) -> dict[int, tuple[bool, bool, str]]:
    """Of each word in an entity: whether one begins there, whether it ends, and its type.

    The words of a range share its tag.
    """
    tags: dict[int, tuple[bool, bool, str]] = {}
    for mark in marks:
        written = mark.misc.get(name, "O")
        if written in ("O", "", "_"):
            continue
        found = _TAG.fullmatch(written)
        if found is None:
            raise CorpusError(
                f"Line {mark.line} of {path} has {name}={written}; tags are O, or B-, I-, E- or S- "
                f"and a type, as in {name}=B-PER."
            )
        for word in range(mark.first, mark.last + 1):
            begins = found[1] in "BSU" and word == mark.first
            ends = found[1] in "ESLU" and word == mark.last
            tags[word] = (begins, ends, found[2])
    return tags


# --- brackets --------------------------------------------------------------------------------


@dataclass
class _Open:
    """A bracket that is not closed yet."""

    text: str
    names: set[str]  # what a closing bracket may call it
    mark: Mark
    type: str
    whole: bool = field(default=True)


def _bracketed(
    marks: Sequence[Mark], fields: Sequence[str] | None, path: object
) -> Iterator[Entity]:
    """Everything in brackets that has a type."""
    opened: list[_Open] = []
    for mark in marks:
        written = mark.misc.get(BRACKETS, "")
        if _BRACKET.sub("", written):
            raise _bad(mark, path, f"has Entity={written}, which is not in brackets, as (1-person)")
        for opens, single, closes in _BRACKET.findall(written):
            if opens:
                opened.append(_opening(opens, mark, fields))
            if single or closes:
                place = _place(opened, closes)
                if place is None:
                    raise _bad(mark, path, f"closes {closes!r}, which nothing has opened")
                yield from _closed(opened.pop(place), mark.last)
    if opened:
        last = opened[-1]
        raise _bad(last.mark, path, f"opens {last.text!r}, which nothing closes")


def _bad(mark: Mark, path: object, problem: str) -> CorpusError:
    return CorpusError(f"Line {mark.line} of {path} {problem}.")


def _opening(text: str, mark: Mark, fields: Sequence[str] | None) -> _Open:
    plain = _PART.sub("", text)
    parts = plain.split("-")
    prefixes = {"-".join(parts[:end]) for end in range(1, len(parts) + 1)}
    ids = {parts[i] for i, name in enumerate((fields or [])[: len(parts)]) if name in _IDS}
    return _Open(text, prefixes | ids, mark, _type(plain, fields), plain == text)


def _place(opened: Sequence[_Open], closes: str) -> int | None:
    """The last bracket of that name; the last of all where no name is given."""
    name = _PART.sub("", closes)
    places = (i for i in reversed(range(len(opened))) if not name or name in opened[i].names)
    return next(places, None)


def _closed(bracket: _Open, last: int) -> Iterator[Entity]:
    """The entity, if it has a type, is of one part and covers any word."""
    if bracket.type and bracket.whole and bracket.mark.first <= last:
        yield Entity(bracket.mark.first, last, bracket.type)


def _type(text: str, fields: Sequence[str] | None) -> str:
    """The type that a bracket names, "" where it names none."""
    parts = _PART.sub("", text).split("-")
    if fields is not None:
        place = next((fields.index(name) for name in _TYPES if name in fields), len(parts))
    else:
        place = int(any(letter.isdigit() for letter in parts[0]))
    kind = parts[place] if place < len(parts) else ""
    return "" if kind == "_" else kind


def _innermost(found: Iterable[Entity]) -> list[Entity]:
    """Of entities that overlap, the shorter."""
    kept: list[Entity] = []
    taken: set[int] = set()
    for each in sorted(found, key=lambda entity: entity.last - entity.first):
        words = range(each.first, each.last + 1)
        if taken.isdisjoint(words):
            kept.append(each)
            taken.update(words)
    return sorted(kept)

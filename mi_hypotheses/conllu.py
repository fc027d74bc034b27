"""CoNLL-U, the format of Universal Dependencies, becomes text with gold annotation.

A document is what follows a `# newdoc`, or the whole file where there is none. Its text is that of
the `# text` comments, character by character; where a sentence has none, its words are joined as
SpaceAfter and SpacesAfter say. Between two sentences stands what SpacesAfter of the last word
says, otherwise an empty line before a `# newpar`, nothing after SpaceAfter=No, and else a space.

A multi-word token (`1-2 du`) whose words make up its text (`do` and `n't`) becomes these words. Any
other is one word, annotated as the word of it that is nearest to the root, the first of those that
are equally near. Empty nodes (`8.1`) are left out. The relation `root` is called ROOT, as in
spaCy's own pipelines. How entities are read from MISC, `entities` says; where a file has any, a
document without has none of them, rather than no annotation of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mi_hypotheses import entities
from mi_hypotheses.annotation import Gold, words_above
from mi_hypotheses.entities import Entity, Mark
from mi_hypotheses.errors import CorpusError, did_you_mean

UPOS = frozenset(
    {"ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN"}
    | {"PUNCT", "SCONJ", "SYM", "VERB", "X"}
)

_TEXT = re.compile(r"#\s*text\s*=\s?(.*)", re.DOTALL)
_NEW_DOCUMENT = re.compile(r"#\s*newdoc\b(?:\s+id\s*=\s*(.*\S))?\s*")
_NEW_PARAGRAPH = re.compile(r"#\s*newpar\b")
_ID = re.compile(r"(\d+)(?:([-.])(\d+))?")
_ESCAPES = {"s": " ", "t": "\t", "n": "\n", "r": "\r", "p": "|", "\\": "\\"}


class _Word(NamedTuple):
    """A syntactic word; `head` counts the sentence's words from 0, None is the root."""

    form: str
    lemma: str
    pos: str
    tag: str
    morph: str
    head: int | None
    dep: str


@dataclass
class _Token:
    """A stretch of text and the words [first, last] in it."""

    form: str
    first: int
    last: int
    misc: dict[str, str]
    line: int

    @property
    def space_after(self) -> bool:
        return self.misc.get("SpaceAfter") != "No"

    @property
    def spaces_after(self) -> str | None:
        return _unescaped(self.misc.get("SpacesAfter"))


def _unescaped(written: str | None) -> str | None:
    if written is None:
        return None
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), written)


@dataclass
class _Sentence:
    """The lines of a sentence, and what its comments say."""

    text: str | None = None
    document: str | None = None  # the id after `# newdoc`, "" where it has none
    paragraph: bool = False
    fields: list[str] | None = None  # of the brackets of entities, where they are named
    words: list[_Word] = field(default_factory=list)
    tokens: list[_Token] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)  # by the words of the sentence


def documents(lines: Sequence[str], *, path: object) -> Iterator[tuple[str, Gold]]:
    """The documents of a file, each with the id of its `# newdoc`, or its number, as `#2`; the one
    that begins without has the id "".

    Raises:
        CorpusError: a line is not as it should be; the message says which.
    """
    has_entities = entities.annotated(lines)
    fields: list[str] | None = None
    name, number, made = "", 0, _Document()

    def gold() -> Gold:
        found = entities.entities(made.marks, fields, path) if has_entities else None
        return made.gold(found)

    for sentence in _sentences(lines, path):
        if sentence.document is not None:
            if made.words:
                yield name, gold()
            number += 1
            name, made = sentence.document or f"#{number}", _Document()
        fields = sentence.fields or fields
        made.add(sentence, _Gaps(sentence, path).found())
    if made.words:
        yield name, gold()


# --- lines -----------------------------------------------------------------------------------


def _sentences(lines: Iterable[str], path: object) -> Iterator[_Sentence]:
    sentence = _Sentence()
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r\n")
        if not line.strip():
            if sentence.tokens:
                yield sentence
                sentence = _Sentence()
        elif line.startswith("#"):
            if sentence.tokens:
                raise CorpusError(
                    f"Line {number} of {path} is a comment inside a sentence: an empty line is "
                    "missing before it."
                )
            _comment(sentence, line)
        else:
            _row(sentence, line, number, f"Line {number} of {path}")
    if sentence.tokens:
        yield sentence


def _comment(sentence: _Sentence, line: str) -> None:
    if text := _TEXT.fullmatch(line):
        sentence.text = text[1]
    elif new := _NEW_DOCUMENT.fullmatch(line):
        sentence.document = new[1] or ""
    elif _NEW_PARAGRAPH.match(line):
        sentence.paragraph = True
    elif fields := entities.declared(line):
        sentence.fields = fields


def _row(sentence: _Sentence, line: str, number: int, where: str) -> None:
    """Take in the line of a token, a word or an empty node."""
    fields = line.split("\t")
    if len(fields) != 10:
        raise CorpusError(
            f"{where} has {len(fields)} fields; a line of CoNLL-U has 10, separated by tabs."
        )
    number_ = _ID.fullmatch(fields[0])
    if number_ is None:
        raise CorpusError(f"{where} begins with {fields[0]!r}, which is no number of a word.")
    first, kind = int(number_[1]), number_[2]
    misc = entities.pairs(fields[9])
    if kind == ".":
        after = len(sentence.words)
        sentence.marks.append(Mark(after, after - 1, misc, number))
        return
    if not fields[1]:
        raise CorpusError(f"{where} has a word without a form.")
    expected = len(sentence.words) + 1
    open_until = sentence.tokens[-1].last + 1 if sentence.tokens else 0
    last = int(number_[3]) if kind else first
    if first != expected or last < first or (kind and first <= open_until):
        raise CorpusError(f"{where} has the number {fields[0]} where word {expected} comes next.")
    sentence.marks.append(Mark(first - 1, last - 1, misc, number))
    if kind or first > open_until:
        sentence.tokens.append(_Token(fields[1], first - 1, last - 1, misc, number))
    if not kind:
        sentence.words.append(_word(fields, where))


def _word(fields: list[str], where: str) -> _Word:
    form, lemma = fields[1], fields[2]
    pos, tag, morph, head, dep = ("" if x == "_" else x for x in fields[3:8])
    if pos and pos not in UPOS:
        raise CorpusError(
            f"{where} has the part of speech {pos!r}, which Universal Dependencies does not "
            f"know. {did_you_mean(pos.upper(), UPOS)}"
        )
    if head and not head.isdecimal():
        raise CorpusError(f"{where} has the head {head!r}, which is no number of a word.")
    lemma = "" if lemma == "_" and form != "_" else lemma
    dep = "ROOT" if dep == "root" else dep
    return _Word(
        form, lemma, pos, tag, morph, int(head) - 1 if head not in ("", "0") else None, dep
    )


# --- text ------------------------------------------------------------------------------------


class _Gaps:
    """What stands after each token of a sentence, and before the first."""

    def __init__(self, sentence: _Sentence, path: object) -> None:
        self.sentence, self.path = sentence, path

    def found(self) -> list[str | None]:
        """The white space after each token; None after the last, where nothing is said of it."""
        tokens, text = self.sentence.tokens, self.sentence.text
        last = tokens[-1]
        if last.last >= len(self.sentence.words):
            raise self._error(last, f"reaches to word {last.last + 1}, which is missing")
        self._check_heads()
        end = last.spaces_after
        end = "" if end is None and not last.space_after else end
        if text is not None:
            return [*self._by_text(text), end]
        return [*(self._said(token) for token in tokens[:-1]), end]

    def _check_heads(self) -> None:
        """Raise CorpusError where the heads make no tree: spaCy would follow a circle for ever."""
        heads = [word.head for word in self.sentence.words]
        above = words_above(heads)
        for token in self.sentence.tokens:
            for place in range(token.first, token.last + 1):
                head = heads[place]
                if head is not None and head >= len(heads):
                    raise self._error(token, f"has the head {head + 1}, which is missing")
                if head == place:
                    raise self._error(token, "is its own head; the head of a root is 0")
        for token in self.sentence.tokens:
            if None in above[token.first : token.last + 1]:
                raise self._error(token, "has no root above it: heads go round in a circle")

    def _said(self, token: _Token) -> str:
        if token.spaces_after is not None:
            return token.spaces_after
        return " " if token.space_after else ""

    def _by_text(self, text: str) -> Iterator[str]:
        """The white space after each token but the last, as `# text` has it."""
        place, tokens = 0, self.sentence.tokens
        for token in tokens:
            if not text.startswith(token.form, place):
                shown = text[place : place + len(token.form) + 10]
                raise self._error(token, f"is not in '# text', which goes on with {shown!r}")
            place += len(token.form)
            rest = text[place:]
            gap = rest[: len(rest) - len(rest.lstrip())]
            place += len(gap)
            if token is tokens[-1]:
                break
            if gap and not token.space_after:
                raise self._error(token, "has SpaceAfter=No, and '# text' has a space after it")
            if not gap and token.space_after:
                raise self._error(token, "has no SpaceAfter=No, and '# text' has no space after it")
            yield gap
        if place < len(text):
            shown = text[place : place + 20]
            raise self._error(tokens[-1], f"is the last one, and '# text' goes on with {shown!r}")

    def _error(self, token: _Token, problem: str) -> CorpusError:
        return CorpusError(f"Line {token.line} of {self.path}: the word {token.form!r} {problem}.")


# --- annotation ------------------------------------------------------------------------------


class _Document:
    """Words with their annotation, sentence after sentence."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.spaces: list[bool] = []
        self.rows: list[_Word | None] = []  # None is white space
        self.heads: list[int] = []
        self.starts: list[bool] = []
        self.marks: list[Mark] = []  # by the words of the document
        self.places: list[int] = []  # of the words of all its sentences
        self.end: str | None = ""  # what the text so far ends with

    def add(self, sentence: _Sentence, gaps: list[str | None]) -> None:
        """Append a sentence; `gaps` are what stands after each of its tokens."""
        if self.words:
            between = "\n\n" if sentence.paragraph else " "
            explicit = self.end is not None and (self.end or not sentence.paragraph)
            self._space((self.end or "") if explicit else between)
        else:
            self._space(_unescaped(sentence.tokens[0].misc.get("SpacesBefore")) or "")
        begin, places = len(self.words), {}
        chosen: list[_Word] = []
        for token, gap in zip(sentence.tokens, gaps, strict=True):
            for form, index in _surface(token, sentence.words):
                places.update(dict.fromkeys(index, len(self.words)))
                word = _main(sentence.words, index)
                chosen.append(word)
                self._push(form, word, starts=len(self.words) == begin)
            if token is not sentence.tokens[-1]:
                self._space(gap or "")
        self.end = gaps[-1]
        rows = enumerate(self.rows[begin:], start=begin)
        for place, (at, _) in zip(chosen, [r for r in rows if r[1] is not None], strict=True):
            self.heads[at] = at if place.head is None else places[place.head]
        before = len(self.places)
        self.marks += [
            mark._replace(first=mark.first + before, last=mark.last + before)
            for mark in sentence.marks
        ]
        self.places += [places[number] for number in range(len(sentence.words))]

    def _push(self, form: str, row: _Word | None, *, starts: bool = False) -> None:
        self.words.append(form)
        self.spaces.append(False)
        self.rows.append(row)
        place = len(self.words) - 1
        self.heads.append(place - 1 if place else 1)  # of white space, the word before or after
        self.starts.append(starts)

    def _space(self, gap: str) -> None:
        """Append white space: spaCy keeps one space with the word before, the rest is a word."""
        if gap.startswith(" ") and self.words:
            self.spaces[-1] = True
            gap = gap[1:]
        if gap:
            self._push(gap, None)

    def gold(self, found: Sequence[Entity] | None) -> Gold:
        """The document so far, with these entities."""
        self._space(self.end or "")
        rows = [row for row in self.rows if row is not None]
        parsed = any(row.dep for row in rows)
        tagged = any(row.pos or row.morph for row in rows)
        return Gold(
            words=self.words,
            spaces=self.spaces,
            pos=[row.pos if row else "SPACE" for row in self.rows] if tagged else None,
            tags=self._column("tag", "_SP"),
            morphs=[row.morph if row else "" for row in self.rows] if tagged else None,
            lemmas=self._lemmas() if any(row.lemma for row in rows) else None,
            heads=self.heads if parsed else None,
            deps=[row.dep if row else "" for row in self.rows] if parsed else None,
            sent_starts=None if parsed else self.starts,
            ents=None if found is None else entities.iob(found, self.places, len(self.words)),
        )

    def _column(self, name: str, of_space: str) -> list[str] | None:
        values = [getattr(row, name) if row else of_space for row in self.rows]
        filled = any(value for value, row in zip(values, self.rows, strict=True) if row)
        return values if filled else None

    def _lemmas(self) -> list[str]:
        pairs = zip(self.words, self.rows, strict=True)
        return [row.lemma if row else word for word, row in pairs]


def _surface(token: _Token, words: list[_Word]) -> list[tuple[str, range]]:
    """A token's text in pieces, each with the words that it stands for."""
    index = range(token.first, token.last + 1)
    if "".join(words[each].form for each in index) == token.form:
        return [(words[each].form, range(each, each + 1)) for each in index]
    return [(token.form, index)]


def _main(words: list[_Word], index: range) -> _Word:
    """The first of some words with the fewest above it: others could make a circle of heads."""
    if len(index) == 1:
        return words[index[0]]
    above = words_above([word.head for word in words])
    return words[min(index, key=lambda place: above[place] or 0)]

"""One statement of Python: what each of its names and operators is there for."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

from mi_hypotheses.features._lexing import Lexeme


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLOCKS = _words("class def elif else except finally for if try while with match case")
_KEYWORDS = frozenset(keyword.kwlist)
_SIMPLE = _KEYWORDS - {"None", "True", "False"}
_ENDS_A_VALUE = frozenset([")", "]", "}", "..."])
_STARTS_A_SUBJECT = frozenset("([{-*~")
_AUGMENTED = _words("+= -= *= /= //= %= @= &= |= ^= >>= <<= **=")
_COMPARISON = _words("== != < > <= >= <>")
_ARITHMETIC = _words("+ - * / // % ** @")
_BITWISE = _words("& | ^ ~ << >>")
_OWN_PART = {"->": "arrow", ":=": "walrus", ".": "dot", ",": "comma", ";": "semicolon"}


class Add(Protocol):
    """Takes one part: its name and its place."""

    def __call__(self, name: str, start: int, end: int, /) -> None: ...


def split(line: list[Lexeme]) -> Iterator[tuple[list[Lexeme], Lexeme | None]]:
    """The statements of a logical line, each with the colon that ends it as a block's head."""
    start, depth, lambdas = 0, 0, 0
    block = _may_be_block(line)
    for number, lexeme in enumerate(line):
        text = lexeme.text
        if lexeme.kind == "name":
            lambdas += text == "lambda" and not depth
        elif lexeme.kind != "operator":
            continue
        elif text in "([{":
            depth += 1
        elif text in ")]}":
            depth = max(depth - 1, 0)
        elif depth:
            continue
        elif text == ":" and lambdas:
            lambdas -= 1
        elif text == ";" or (text == ":" and block):
            if number > start:
                yield line[start:number], lexeme if text == ":" else None
            start, lambdas = number + 1, 0
            block = _may_be_block(line[start : start + 3])
    if start < len(line):
        yield line[start:], None


def _is_value(lexeme: Lexeme) -> bool:
    """Whether a value ends with the lexeme, so that an operator or a subscript can follow."""
    if lexeme.kind == "operator":
        return lexeme.text in _ENDS_A_VALUE
    return lexeme.kind != "name" or lexeme.text not in _SIMPLE


def _may_be_block(line: Sequence[Lexeme]) -> bool:
    """Whether a colon outside brackets would end the head of a block here."""
    texts = [lexeme.text for lexeme in line[:2]]
    if texts[:1] == ["async"]:
        return texts[1:] in (["def"], ["for"], ["with"])
    if texts[:1] not in (["match"], ["case"]):
        return texts[:1] != [] and texts[0] in BLOCKS
    if len(line) < 2:
        return False
    second = line[1]
    starts = second.kind != "operator" or second.text in _STARTS_A_SUBJECT
    return starts and second.text not in ("in", "is", "and", "or", "if")


@dataclass
class _Frame:
    """An open bracket, the statement itself, or a lambda: its parameters, then its body."""

    kind: str  # statement, parameters, call, subscript, group, lambda or body
    start: int
    item: int  # where the item after the last comma begins
    phase: str = "name"  # of a parameter: name, annotation or default
    since: int = 0  # where the annotation or default begins
    comprehension: bool = False
    slice: bool = False


@dataclass
class Statement:
    """Adds the parts of a statement, or of the expression in a hole.

    `in_class`: it stands directly in a class. `block`: it is the head of a block.
    """

    lexemes: list[Lexeme]
    add: Add
    in_class: bool = False
    block: bool = False

    def read(self) -> None:
        lexemes = self.lexemes
        if not lexemes:
            return
        self.add("statement start", lexemes[0].start, lexemes[0].end)
        self.head = next((each.text for each in lexemes if each.text != "async"), "")
        soft = self._soft_keyword()
        if soft:
            self.add("soft keyword", lexemes[0].start, lexemes[0].end)
        if self.head == "@":
            self._decorator()
        elif self.head == "except":
            self._caught()
        elif self.head == "raise":
            self._raised()
        if self._is_import():
            self._import()
            return
        self.frames = [_Frame("statement", lexemes[0].start, lexemes[0].start)]
        self.parameters_seen = False
        self.in_pattern = soft and self.head == "case"
        for number, lexeme in enumerate(lexemes):
            self.before = lexemes[number - 1] if number else None
            self.after = lexemes[number + 1] if number + 1 < len(lexemes) else None
            if lexeme.kind == "name":
                self._name(lexeme, soft=soft and not number)
            elif lexeme.kind == "operator":
                self._operator(lexeme)
            elif lexeme.kind == "number":
                self.add("number", lexeme.start, lexeme.end)
        while self.frames:
            self._close(self.frames.pop(), lexemes[-1].end)
        self._targets()

    def _soft_keyword(self) -> bool:
        first, second = self.lexemes[0].text, self.lexemes[1:2]
        if first == "type":
            named = second and second[0].kind == "name" and second[0].text not in _KEYWORDS
            return bool(named) and any(each.text == "=" for each in self.lexemes[2:])
        return self.block and first in ("match", "case")

    def _decorator(self) -> None:
        self.add("decorator", self.lexemes[0].start, self.lexemes[-1].end)
        for lexeme in self.lexemes[1:]:
            if lexeme.kind != "name" and lexeme.text != ".":
                break
            self.add("decorator name", lexeme.start, lexeme.end)

    def _caught(self) -> None:
        """The exceptions of an except clause: one, or several in brackets."""
        depth = 0
        for lexeme, after in zip_longest(self.lexemes[1:], self.lexemes[2:]):
            text = lexeme.text
            ends_old_style = text == "," and not depth  # except E, e
            if text in ("as", ":") or ends_old_style or lexeme.kind not in ("name", "operator"):
                break
            depth += (text in "([{") - (text in ")]}")
            dotted_on = after is not None and after.text == "."
            if lexeme.kind == "name" and text not in _KEYWORDS and not dotted_on:
                self.add("exception", lexeme.start, lexeme.end)

    def _raised(self) -> None:
        """What is raised, where it is written as a class is; others may be variables."""
        last = None
        for lexeme in self.lexemes[1:]:
            if lexeme.kind != "name" and lexeme.text != ".":
                break
            if lexeme.text in _KEYWORDS:
                break
            last = lexeme
        if last is not None and last.text.lstrip("_")[:1].isupper():
            self.add("exception", last.start, last.end)

    def _is_import(self) -> bool:
        if self.head == "from" and all(each.text != "import" for each in self.lexemes):
            return False
        plain = all(each.kind in ("name", "operator") for each in self.lexemes)
        return self.head in ("import", "from") and plain

    def _import(self) -> None:
        """`import a.b as c`, or `from a.b import c as d`."""
        self.add("import statement", self.lexemes[0].start, self.lexemes[-1].end)
        part, before = "module", ""
        for _, text, start, end in self.lexemes:
            if text in _KEYWORDS:
                self.add("keyword", start, end)
                if text == "import" and self.head == "from":
                    part = "imported name"
            elif before == "as":
                self.add("alias", start, end)
                self.add("name", start, end)
            elif text.isidentifier():
                self.add(part, start, end)
                self.add("name", start, end)
            elif text in (".", "...") and part == "module":
                self.add("module", start, end)
            elif text in "()":
                self.add("opening" if text == "(" else "closing", start, end)
            else:
                self.add(_OWN_PART.get(text, "other operator"), start, end)
            before = text

    def _name(self, lexeme: Lexeme, *, soft: bool) -> None:
        _, text, start, end = lexeme
        before = self.before.text if self.before else ""
        if before != "." and text in _KEYWORDS:
            self.add("keyword", start, end)
            self._keyword(lexeme)
            return
        if soft:
            return
        self.add("name", start, end)
        frame, after = self.frames[-1], self.after.text if self.after else ""
        called = after == "(" and not self._defines() and not self.in_pattern
        if before == ".":
            self.add("attribute", start, end)
            if called:
                self.add("method call", start, end)
        elif self._defines():
            kind = "class" if before == "class" else "method" if self.in_class else "function"
            self.add(f"{kind} name", start, end)
        elif self._is_parameter(frame):
            self.add("parameter", start, end)
        elif frame.kind == "call" and after == "=" and before in ("(", ","):
            self.add("keyword argument", start, end)
        elif before == "as":
            self.add("alias", start, end)
        else:
            self.add("free name", start, end)
            if called:
                self.add("call", start, end)

    def _defines(self) -> bool:
        return self.before is not None and self.before.text in ("def", "class")

    def _is_parameter(self, frame: _Frame) -> bool:
        return frame.kind in ("parameters", "lambda") and frame.phase == "name"

    def _keyword(self, lexeme: Lexeme) -> None:
        if lexeme.text == "lambda":
            self.frames.append(_Frame("lambda", lexeme.end, lexeme.end))
        elif lexeme.text == "if":
            self.in_pattern = False
        elif lexeme.text == "for":
            frame = self._without_bodies(lexeme.start)
            frame.comprehension = frame.kind != "statement"

    def _without_bodies(self, end: int) -> _Frame:
        """What is open where the bodies of lambdas end."""
        while self.frames[-1].kind == "body":
            body = self.frames.pop()
            self.add("lambda body", body.start, end)
        return self.frames[-1]

    def _operator(self, lexeme: Lexeme) -> None:
        _, text, start, end = lexeme
        self.add("operator", start, end)
        frame = self.frames[-1]
        if text in ("(", "[", "{"):
            self.add("opening", start, end)
            kind = self._kind_of_bracket(text)
            self.frames.append(_Frame(kind, start, end))
        elif text in (")", "]", "}"):
            self.add("closing", start, end)
            while self.frames[-1].kind in ("lambda", "body"):
                self._close(self.frames.pop(), start)
            if len(self.frames) > 1:
                self._close(self.frames.pop(), end)
        elif text == ":":
            self._colon(lexeme)
        elif text == "=":
            self._equals(lexeme)
        elif text == ",":
            self.add("comma", start, end)
            self._comma(lexeme)
        elif text == "->" and frame.kind == "statement":
            self.add("arrow", start, end)
            frame.phase, frame.since = "annotation", end
        else:
            self.add(self._kind_of_operator(text, frame), start, end)

    def _kind_of_operator(self, text: str, frame: _Frame) -> str:
        if text in _OWN_PART:
            return _OWN_PART[text]
        if text in _AUGMENTED:
            return "augmented assignment"
        if text in _COMPARISON:
            return "comparison"
        if text in ("*", "**") and not self._follows_a_value():
            return "star"
        if text == "/" and frame.kind == "parameters" and not self._follows_a_value():
            return "other operator"
        if text == "@" and self.before is None:
            return "other operator"
        if text in _ARITHMETIC:
            return "arithmetic"
        return "bitwise" if text in _BITWISE else "other operator"

    def _follows_a_value(self) -> bool:
        return self.before is not None and _is_value(self.before)

    def _kind_of_bracket(self, text: str) -> str:
        before, head = self.before, self.head
        value = self._follows_a_value() and before is not None and before.kind != "number"
        if len(self.frames) == 1 and head in ("def", "class") and not self.parameters_seen:
            if text == "(":
                self.parameters_seen = True
                return "parameters" if head == "def" else "call"
            return "group"
        if before is self.lexemes[0] and self._soft_keyword():
            return "group"
        if text == "(" and value and before is not None and before.kind != "string":
            return "call"
        return "subscript" if text == "[" and value else "group"

    def _colon(self, lexeme: Lexeme) -> None:
        start, end = lexeme.start, lexeme.end
        frame = self._without_bodies(start)
        if frame.kind == "lambda":
            self._end_phase(frame, start)
            frame.kind, frame.start = "body", end
        elif frame.kind == "subscript":
            frame.slice = True
        elif frame.kind == "parameters" or (frame.kind == "statement" and not self.block):
            frame.phase, frame.since = "annotation", end

    def _equals(self, lexeme: Lexeme) -> None:
        frame = self._without_bodies(lexeme.start)
        part = "assignment" if frame.kind == "statement" else "keyword equals"
        self.add(part, lexeme.start, lexeme.end)
        self._end_phase(frame, lexeme.start)
        if frame.kind in ("parameters", "lambda"):
            frame.phase, frame.since = "default", lexeme.end

    def _comma(self, lexeme: Lexeme) -> None:
        frame = self._without_bodies(lexeme.start)
        if frame.kind in ("parameters", "lambda"):
            self._end_phase(frame, lexeme.start)
        self._end_item(frame, lexeme.start)
        frame.item = lexeme.end

    def _end_phase(self, frame: _Frame, end: int) -> None:
        if frame.phase != "name":
            self.add(frame.phase, frame.since, end)
        frame.phase = "name"

    def _end_item(self, frame: _Frame, end: int) -> None:
        if frame.slice:
            self.add("slice", frame.item, end)
        frame.slice = False

    def _close(self, frame: _Frame, end: int) -> None:
        """The bracket ends at `end`, which is behind it; a statement or lambda just there."""
        inside = end if frame.kind in ("statement", "lambda", "body") else end - 1
        self._end_phase(frame, inside)
        self._end_item(frame, inside)
        if frame.comprehension:
            self.add("comprehension", frame.start, end)
        if frame.kind in ("subscript", "body"):
            part = "lambda body" if frame.kind == "body" else frame.kind
            self.add(part, frame.start, end)

    def _targets(self) -> None:
        """The names that a statement or a loop in it binds."""
        first, loop = int(self._soft_keyword()), False
        brackets: list[bool] = []  # for each open one whether it is a subscript or call
        bound: list[Lexeme] = []
        for number, lexeme in enumerate(self.lexemes):
            kind, text, start, end = lexeme
            if kind == "operator" and text in "([{":
                brackets.append(number > 0 and _is_value(self.lexemes[number - 1]))
            elif kind == "operator" and text in ")]}" and brackets:
                brackets.pop()
            elif text in ("for", "in"):
                loop = text == "for"
            elif kind == "name" and number >= first and self._is_bound(number):
                if loop:
                    self.add("loop variable", start, end)
                elif not any(brackets):
                    bound.append(lexeme)
            elif text in (":", "=") and not brackets and not self.block:
                for each in bound:
                    self.add("assigned name", each.start, each.end)
                bound = []
            if (text == "lambda" or text == ":") and not brackets:
                break

    def _is_bound(self, number: int) -> bool:
        lexeme = self.lexemes[number]
        if lexeme.kind != "name" or lexeme.text in _KEYWORDS:
            return False
        before = self.lexemes[number - 1].text if number else ""
        after = self.lexemes[number + 1].text if number + 1 < len(self.lexemes) else ""
        return before != "." and after not in (".", "(", "[")

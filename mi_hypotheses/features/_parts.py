"""The predicate behind the features of Python: one kind of part of the source."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import KW_ONLY, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mi_hypotheses.features._outline import outline
from mi_hypotheses.predicates import CONFIG, Labels, Predicate
from mi_hypotheses.text import Spans, TokenView, label_tokens


@lru_cache(maxsize=1)
def _reading() -> str:
    """Hash of the code that reads the source: another reading, other labels."""
    files = [
        Path(__file__).with_name(f"_{name}.py") for name in ("lexing", "outline", "statements")
    ]
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=16).hexdigest()


@dataclass(frozen=True, config=CONFIG)
class Part(Predicate):
    """The parts of Python source that `outline` has under this name.

    Args:
        part: as in `outline`, `comment`, say.
        texts: only those that read so.
        pattern: only those that match it from end to end.
        is_numeric: the parts carry numbers.
    """

    part: str
    _: KW_ONLY
    texts: frozenset[str] = Field(default=frozenset(), strict=False)
    pattern: str = ""
    is_numeric: bool = False
    kind: Literal["python_part"] = field(
        default="python_part", init=False, repr=False, kw_only=True
    )

    @property
    def numeric(self) -> bool:
        return self.is_numeric

    def fingerprint(self) -> str:
        own = [self.kind, self.part, sorted(self.texts), self.pattern, self.is_numeric]
        text = json.dumps([*own, _reading()])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def spans(self, text: str) -> Spans:
        """Where the parts are in a text."""
        found = outline(text).get(self.part)
        if found is None:
            return Spans([], [] if self.is_numeric else None)
        if self.is_numeric:
            return Spans(found[:, :2].tolist(), found[:, 2].astype(float))
        pairs = found[:, :2].tolist()
        if self.texts:
            pairs = [(start, end) for start, end in pairs if text[start:end] in self.texts]
        if self.pattern:
            matches = re.compile(self.pattern).fullmatch
            pairs = [(start, end) for start, end in pairs if matches(text, start, end)]
        return Spans(pairs)

    def labels(self, view: TokenView) -> Labels:
        return label_tokens(view, self.spans(view.text))

"""Documents, character spans, and how both meet tokens."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_SURROGATE = re.compile("[\ud800-\udfff]")

GROUPS = 64
CALIBRATION_GROUPS = 32


@dataclass(frozen=True, slots=True)
class Document:
    """One text with a stable id.

    `id` is unique within its corpus and the same on every machine that has the same files.
    `tokens` is set for symbol vocabularies only: the document is then that list of token
    strings, and `text` is their concatenation. Lone surrogates in `text`, which no tokenizer
    accepts, are replaced by U+FFFD, one character for one.
    """

    id: str
    corpus: str
    text: str
    tokens: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if _SURROGATE.search(self.text):
            object.__setattr__(self, "text", _SURROGATE.sub("\ufffd", self.text))


def group_of(document_id: str, *, seed: int = 0) -> int:
    """The group, 0..63, that a document belongs to: blake2b(seed ‖ id) mod 64.

    Groups below `CALIBRATION_GROUPS` are calibration documents, the others test documents.
    """
    digest = hashlib.blake2b(f"{seed}:{document_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % GROUPS

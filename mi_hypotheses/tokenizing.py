"""From text to token ids with character spans, by fast tokenizers alone: no torch here."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Encoding as RustEncoding

PROBES = (
    "def f(x, y=1):\n    return x + y  # the sum\n",
    "naïve café, Zürich, Ångström; e\u0301 and o\u0308 in pieces",
    "a 😀 b 👩‍💻 c 🇫🇷",
    "我喜欢 Python。日本語のテキスト",
    "first\r\nsecond\r\n\tthird\t\tfourth",
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """The tokens of one text, without BOS or any other token that is not in the text.

    `starts` and `ends` are character offsets into the text: token i covers
    `text[starts[i]:ends[i]]`. Tokens that are bytes of one character share its span; white
    space before a word may lie inside the span of its first token.
    """

    ids: NDArray[np.int32]  # [token]
    starts: NDArray[np.int32]  # [token]
    ends: NDArray[np.int32]  # [token]


def exact_encoding(ids: Sequence[int] | NDArray[np.int32], tokens: Sequence[str]) -> Encoding:
    """The encoding of a text that is the concatenation of `tokens`, whose ids are given."""
    ends = np.cumsum([len(token) for token in tokens], dtype=np.int32)
    starts = np.append(np.int32(0), ends)[:-1]
    return Encoding(ids=np.asarray(ids, dtype=np.int32), starts=starts, ends=ends)


class Tokenizer:
    """A fast tokenizer, read from the text of a `tokenizer.json`.

    Nothing is added to a text and nothing is trimmed: special tokens written out in a text are
    text, and the post-processor, which adds special tokens and may trim spans, is left out.
    `bos_id` is the token to begin a window with, None where the model was trained without one.

    Raises:
        ModelError: the definition cannot be read, or its offsets do not lead back to the text.
    """

    def __init__(self, definition: str, *, bos_id: int | None = None, name: str = "") -> None:
        from tokenizers import Tokenizer as RustTokenizer

        self.name = name or "the tokenizer"
        self.bos_id = bos_id
        self.fingerprint = _fingerprint(definition)
        try:
            self._rust: Any = RustTokenizer.from_str(definition)
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"The tokenizer of {self.name} cannot be read: {error}.") from None
        self._rust.no_truncation()
        self._rust.no_padding()
        self._rust.post_processor = None
        self._rust.encode_special_tokens = True
        self._blank: dict[int, bool] = {}
        self._pieces: dict[int, str] = {}
        model = json.loads(definition)["model"]
        self._unknown = _unknown_id(model, self._rust)
        self._drops_unknown = _drops_unknown(model, self._rust)
        check_offsets(self)

    @classmethod
    def from_file(cls, path: Path, *, bos_id: int | None = None) -> Tokenizer:
        """The tokenizer in a `tokenizer.json`.

        Raises:
            ModelError: as for the constructor, or the file cannot be read.
        """
        return cls(read_definition(path), bos_id=bos_id, name=str(path))

    @property
    def size(self) -> int:
        """Entries of the vocabulary, added tokens included."""
        size: int = self._rust.get_vocab_size(with_added_tokens=True)
        return size

    @cached_property
    def known_ids(self) -> NDArray[np.int64]:
        """The ids of all entries, ascending."""
        return np.unique(list(self._rust.get_vocab(with_added_tokens=True).values()))

    @cached_property
    def text_ids(self) -> NDArray[np.int64]:
        """The ids of the entries that stand for text, ascending.

        Left out are BOS, the unknown token and whatever was added to the vocabulary.
        """
        added = [*self._rust.get_added_tokens_decoder(), self._unknown, self.bos_id]
        return np.setdiff1d(self.known_ids, [i for i in added if i is not None])

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """The tokens of each text, texts being encoded side by side."""
        encoded = self._rust.encode_batch(list(texts), add_special_tokens=False)
        encodings = [_to_arrays(encoding) for encoding in encoded]
        for text, encoding in zip(texts, encodings, strict=True):
            self._empty_added_spaces(text, encoding)
            if self._drops_unknown and encoding.ends.max(initial=0) < len(text.rstrip()):
                raise ModelError(
                    f"The tokenizer of {self.name} leaves out characters that it does not know, "
                    f"which shifts all later offsets. It did so in the text that begins "
                    f"{text[:40]!r}. Give it an unknown token or a byte-level alphabet."
                )
        return encodings

    def _empty_added_spaces(self, text: str, encoding: Encoding) -> None:
        """Empty the spans of spaces that stand in the tokens but not in the text.

        Many tokenizers put a space before the text. Where it becomes a token of its own, the
        library gives it the span of the first character.
        """
        starts, ends = encoding.starts, encoding.ends
        for i in np.flatnonzero((starts[1:] == starts[:-1]) & (ends[:-1] > starts[:-1])):
            if self._is_blank(int(encoding.ids[i])) and not text[starts[i] : ends[i]].isspace():
                ends[i] = starts[i]

    def _is_blank(self, token: int) -> bool:
        if token not in self._blank:
            self._blank[token] = not _bare(self.decode([token]))
        return self._blank[token]

    def is_unknown(self, token: int) -> bool:
        """Whether a token stands for what is not in the vocabulary."""
        return token == self._unknown

    def token_id(self, token: str) -> int | None:
        """The id of a vocabulary entry as the vocabulary writes it, None if there is none."""
        found: int | None = self._rust.token_to_id(token)
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some tokens; bytes that form no character become U+FFFD."""
        text: str = self._rust.decode([int(i) for i in ids], skip_special_tokens=False)
        return text

    def pieces(self, ids: Iterable[int]) -> tuple[str, ...]:
        """The text of each token as it reads within a text, leading space included.

        Bytes that form no character, and tokens that have no text, become U+FFFD: no piece is
        empty.
        """
        return tuple(self._piece(int(i)) for i in ids)

    def _piece(self, token: int) -> str:
        if token not in self._pieces:
            first, before = self._anchor
            after = self.decode([*first, token])
            alone = after.removeprefix(before) if after.startswith(before) else self.decode([token])
            self._pieces[token] = alone or "\ufffd"
        return self._pieces[token]

    @cached_property
    def _anchor(self) -> tuple[list[int], str]:
        """A token to decode others behind, as many decoders drop a space before the first one."""
        for token in self.text_ids.tolist():
            text = self.decode([token])
            if text.isascii() and text.isalnum():
                return [token], text
        return [], ""


@dataclass(frozen=True)
class SymbolTokenizer:
    """A vocabulary that is a plain list of symbols; documents are lists of them.

    Raises:
        ModelError: a symbol occurs twice or is empty.
    """

    vocabulary: tuple[str, ...]
    bos_id: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
        if len(self._ids) < len(self.vocabulary) or "" in self._ids:
            raise ModelError("A symbol vocabulary must list each symbol once, none of them empty.")

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {symbol: i for i, symbol in enumerate(self.vocabulary)}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the vocabulary."""
        return _fingerprint(json.dumps(self.vocabulary, ensure_ascii=False))

    @property
    def size(self) -> int:
        """Entries of the vocabulary."""
        return len(self.vocabulary)

    @cached_property
    def known_ids(self) -> NDArray[np.int64]:
        """The ids of all symbols, ascending."""
        return np.arange(self.size, dtype=np.int64)

    @cached_property
    def text_ids(self) -> NDArray[np.int64]:
        """The ids of all symbols but BOS, ascending."""
        return np.setdiff1d(self.known_ids, [] if self.bos_id is None else [self.bos_id])

    def encode(self, texts: Sequence[str]) -> list[Encoding]:  # noqa: ARG002 (as Tokenizer has it)
        """Refuse: there is no rule by which a text would fall into symbols."""
        raise ModelError(
            f"This model's vocabulary is a list of {self.size} symbols and cannot split text "
            "into tokens. Give each document as a list of symbols: the 'tokens' field of a "
            ".jsonl corpus."
        )

    def encode_symbols(self, tokens: Sequence[str]) -> Encoding:
        """The ids of `tokens`, with offsets into their concatenation.

        Raises:
            ModelError: a symbol is not in the vocabulary.
        """
        try:
            ids = np.array([self._ids[token] for token in tokens], dtype=np.int32)
        except KeyError as error:
            some = ", ".join(repr(symbol) for symbol in self.vocabulary[:12])
            raise ModelError(
                f"The symbol {error.args[0]!r} is not in the model's vocabulary of {self.size} "
                f"symbols ({some}{', ...' if self.size > 12 else ''})."
            ) from None
        return exact_encoding(ids, tokens)

    def token_id(self, token: str) -> int | None:
        """The id of a symbol, None if it is not in the vocabulary."""
        return self._ids.get(token)

    def decode(self, ids: Iterable[int]) -> str:
        """The concatenation of some symbols."""
        return "".join(self.pieces(ids))

    def pieces(self, ids: Iterable[int]) -> tuple[str, ...]:
        """The symbols themselves."""
        return tuple(self.vocabulary[i] for i in ids)


def read_definition(path: Path) -> str:
    """The text of a `tokenizer.json`.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"The tokenizer {path} cannot be read: {error}.") from None


def read_symbols(path: Path, *, bos_id: int | None = None) -> SymbolTokenizer:
    """The symbol vocabulary in a JSON list of strings.

    Raises:
        ModelError: the file cannot be read or holds something else.
    """
    try:
        vocabulary = json.loads(read_definition(path))
    except json.JSONDecodeError as error:
        raise ModelError(f"The vocabulary {path} is not JSON: {error}.") from None
    if not isinstance(vocabulary, list) or not all(isinstance(s, str) for s in vocabulary):
        raise ModelError(f"The vocabulary {path} must be a JSON list of strings.")
    return SymbolTokenizer(tuple(vocabulary), bos_id=bos_id)


def _fingerprint(definition: str) -> str:
    return hashlib.blake2b(definition.encode(), digest_size=16).hexdigest()


def _unknown_id(model: dict[str, Any], rust: Any) -> int | None:
    """The id of the unknown token: its name in most kinds of models, its index in Unigram's."""
    found = model.get("unk_id", model.get("unk_token"))
    return rust.token_to_id(found) if isinstance(found, str) else found


def _drops_unknown(model: dict[str, Any], rust: Any) -> bool:
    """Whether characters may vanish: BPE without an unknown token, byte fallback or all bytes."""
    from tokenizers.pre_tokenizers import ByteLevel

    if model["type"] != "BPE" or model.get("unk_token") or model.get("byte_fallback"):
        return False
    return rust.normalizer is None and not all(
        rust.token_to_id(byte) is not None for byte in ByteLevel.alphabet()
    )


def _to_arrays(encoding: RustEncoding) -> Encoding:
    offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
    ids = np.array(encoding.ids, dtype=np.int32)
    return Encoding(ids=ids, starts=offsets[:, 0].copy(), ends=offsets[:, 1].copy())


def check_offsets(tokenizer: Tokenizer) -> None:
    """See that offsets lead back to the text, on a few probe texts.

    Spans must lie inside the text and never go backwards, must hold what their token says
    (letter case, accents and white space aside), and in plain ASCII must leave out nothing.

    Raises:
        ModelError: they do not, so that no label could be trusted.
    """
    for probe, encoding in zip(PROBES, tokenizer.encode(PROBES), strict=True):
        problem = _offset_problem(tokenizer, probe, encoding)
        if problem:
            raise ModelError(
                f"The offsets of the tokenizer of {tokenizer.name} do not lead back to the text: "
                f"on {probe!r}, {problem}. Tokens could not be matched with the characters they "
                "stand for, so the model cannot be scored. Save it with a tokenizer.json whose "
                "offsets are right (often: convert the slow tokenizer anew)."
            )


def _offset_problem(tokenizer: Tokenizer, text: str, encoding: Encoding) -> str | None:
    """What is wrong with the spans of `text`, in words; None if nothing is."""
    starts, ends = encoding.starts, encoding.ends
    if len(starts) == 0:
        return "there are no tokens"
    if starts.min() < 0 or ends.max() > len(text) or (ends < starts).any():
        return "a span lies outside the text"
    if (np.diff(starts) < 0).any() or (np.diff(ends) < 0).any():
        return "spans go backwards"
    for token, start, end in zip(encoding.ids, starts, ends, strict=True):
        said, there = _bare(tokenizer.decode([token])), _bare(text[start:end])
        if start == end and said:
            return f"the token {said!r} has an empty span"
        if tokenizer.is_unknown(int(token)) or "\ufffd" in said:
            continue
        if text.isascii() and start < end and said != there:
            return f"the token {said!r} has the span of {there!r}"
    covered = np.zeros(len(text), dtype=bool)
    for start, end in zip(starts, ends, strict=True):
        covered[start:end] = True
    lost = [c for i, c in enumerate(text) if not covered[i] and not c.isspace()]
    if lost and text.isascii():
        return f"the character {lost[0]!r} belongs to no token"
    return None


def _bare(text: str) -> str:
    """`text` without what a normalizer may change: case, accents, white space, word marks."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = (c for c in decomposed if not c.isspace() and not unicodedata.combining(c))
    return "".join(kept).replace("\u2581", "").removeprefix("##")

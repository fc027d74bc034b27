"""A corpus URI becomes a stream of documents: fixed order, stable ids, no document twice.

| URI | documents |
|---|---|
| `stdlib` | the running interpreter's standard library, a document a source file |
| `package:NAME` | the Python source files of an installed distribution |
| `PATH`, `PATTERN` | `.txt`, `.md`, `.py` files; a document a line of a `.jsonl` file |
| | `.conllu` and `.spacy` files: their documents, with the annotation that is in them |
| `NAME` | a named corpus: `NAME.toml` in one of the directories of named corpora |
| `tokens:repeated` | random tokens of the model's vocabulary, repeated; see `token_corpora` |

`stdlib`, `package:NAME` and paths followed by `#docstrings` are the English in them: a document a
source file, its docstrings in order.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mi_hypotheses import sources, token_corpora
from mi_hypotheses.errors import CorpusError, did_you_mean
from mi_hypotheses.sources import Entry, SourceFile
from mi_hypotheses.text import Document
from mi_hypotheses.token_corpora import RepeatedTokens
from mi_hypotheses.tokenizing import SymbolTokenizer, Tokenizer

SCHEMES = {
    "stdlib": "the standard library of the running interpreter, as source",
    "stdlib#docstrings": "the docstrings in it",
    "package:NAME": "the Python source of an installed distribution",
    "package:NAME#docstrings": "the docstrings in it",
    "PATH": "a file, a folder or a pattern of .txt, .md, .py, .jsonl, .conllu or .spacy files",
    "tokens:repeated": "random tokens, repeated, to find induction heads with",
    "tokens:repeated?OPTIONS": "documents=256&length=64&repeats=2&seed=0&vocabulary=100-2000",
}

_DOCSTRINGS = "docstrings"


@runtime_checkable
class Corpus(Protocol):
    """What the engine needs of a corpus; a plugin may bring its own."""

    @property
    def uri(self) -> str:
        """What the user wrote."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many documents the latest pass left out so far, by reason."""

    def documents(self) -> Iterator[Document]:
        """Every document, lazily, always in the same order, each id and each text once.

        Raises:
            CorpusError: a file cannot be read, or there is no document at all.
        """


@runtime_checkable
class BindableCorpus(Protocol):
    """A corpus whose documents depend on the model's vocabulary; the engine binds it first."""

    def bind(self, tokenizer: Tokenizer | SymbolTokenizer) -> Corpus:
        """The corpus for models with this tokenizer."""


@dataclass(frozen=True, slots=True)
class FileCorpus:
    """A corpus read from files, whole or the docstrings in them alone."""

    uri: str
    files: Callable[[], list[SourceFile]]
    docstrings: bool = False
    skipped: Counter[str] = field(default_factory=Counter, compare=False)

    def documents(self, *, wanted: Callable[[str], bool] | None = None) -> Iterator[Document]:
        """See `Corpus.documents`. Files of one document are not read where their id is not
        `wanted`; they count as filtered."""
        self.skipped.clear()
        return _documents(self.uri, self._entries(wanted), skipped=self.skipped)

    def _entries(self, wanted: Callable[[str], bool] | None) -> Iterator[Entry]:
        for file in self.files():
            if file.path.suffix not in sources.TEXT_SUFFIXES:
                for entry in sources.entries(file):
                    if entry is None:
                        self.skipped["undecodable"] += 1
                    else:
                        yield entry
            elif wanted is not None and not wanted(file.id):
                self.skipped["filtered"] += 1
            elif (text := self._text(file.path)) is not None:
                yield Entry(file.id, text)

    def _text(self, path: Path) -> str | None:
        text = sources.read_text(path)
        if text is None:
            self.skipped["undecodable"] += 1
        elif self.docstrings:
            text = sources.docstrings(text)
            if text is None:
                self.skipped["unparsable"] += 1
        return text


@dataclass(frozen=True, slots=True)
class TokenCorpus:
    """A corpus drawn from a vocabulary; it has documents once it is bound to a tokenizer."""

    uri: str
    recipe: RepeatedTokens
    tokenizer: Tokenizer | SymbolTokenizer | None = None
    skipped: Counter[str] = field(default_factory=Counter, compare=False)

    def bind(self, tokenizer: Tokenizer | SymbolTokenizer) -> TokenCorpus:
        """See `BindableCorpus.bind`."""
        return TokenCorpus(self.uri, self.recipe, tokenizer)

    def documents(self) -> Iterator[Document]:
        """See `Corpus.documents`."""
        if self.tokenizer is None:
            raise CorpusError(
                f"The corpus {self.uri!r} is drawn from a model's vocabulary and has no documents "
                "without one: bind(tokenizer) gives it one."
            )
        self.skipped.clear()
        entries = self.recipe.entries(self.uri, self.tokenizer)
        return _documents(self.uri, entries, skipped=self.skipped)


def _documents(uri: str, entries: Iterable[Entry], *, skipped: Counter[str]) -> Iterator[Document]:
    seen: set[bytes] = set()
    ids: set[str] = set()
    for entry in entries:
        document = Document(
            entry.id,
            uri,
            entry.text,
            tokens=entry.tokens,
            ids=entry.ids,
            links=entry.links,
            gold=entry.gold,
        )
        content = _content_hash(document)
        if not (document.tokens or document.text.strip()):
            skipped["empty"] += 1
        elif content in seen:
            skipped["duplicate"] += 1
        elif document.id in ids:
            raise CorpusError(f"The corpus {uri!r} has two documents with the id {document.id!r}.")
        else:
            seen.add(content)
            ids.add(document.id)
            yield document
    if not ids and not skipped["filtered"]:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
        why = f"left out: {reasons}" if reasons else "no file matches"
        raise CorpusError(f"The corpus {uri!r} holds no documents ({why}).")


# -- fingerprints --------------------------------------------------------------------------------


class Fingerprint:
    """Hash of the documents seen so far: of each its id, its content, its links and its gold
    annotation, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def update(self, document: Document) -> None:
        """Take in the next document."""
        self._hash.update(_digest(document.id) + _content_hash(document))
        if document.links:
            self._hash.update(_digest(json.dumps(document.links), kind=b"links"))
        if document.gold is not None:
            self._hash.update(_digest(document.gold.decode(), kind=b"gold"))

    def hexdigest(self) -> str:
        """The hash, 32 hexadecimal digits."""
        return self._hash.hexdigest()


def _digest(text: str, *, kind: bytes = b"") -> bytes:
    content = text.encode("utf-8", "replace")
    return hashlib.blake2b(content, digest_size=16, person=kind).digest()


def _content_hash(document: Document) -> bytes:
    if document.tokens is None:
        return _digest(document.text)
    return _digest(json.dumps([document.tokens, document.ids]), kind=b"tokens")


class Size(BaseModel):
    """How much a corpus holds, and the hash of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: int
    characters: int
    fingerprint: str


def measure(corpus: Corpus) -> Size:
    """Read a whole corpus to see how much it holds."""
    fingerprint, documents, characters = Fingerprint(), 0, 0
    for document in corpus.documents():
        fingerprint.update(document)
        documents += 1
        characters += len(document.text)
    return Size(documents=documents, characters=characters, fingerprint=fingerprint.hexdigest())


# -- named corpora -------------------------------------------------------------------------------


class Filter(BaseModel):
    """Which documents of the source a named corpus keeps; patterns are matched against ids."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    shortest: int = Field(default=0, ge=0, description="characters")
    longest: int | None = Field(default=None, ge=1, description="characters")
    share: float = Field(default=1.0, gt=0, le=1, description="of documents, by a hash of the id")

    def keeps(self, document: Document) -> bool:
        """Whether `document` stays."""
        length = len(document.text)
        return (
            self.keeps_id(document.id)
            and self.shortest <= length
            and (self.longest is None or length <= self.longest)
        )

    def keeps_id(self, name: str) -> bool:
        """Whether a document of that id stays, if its length is right."""
        return (
            any(fnmatchcase(name, pattern) for pattern in self.include)
            and not any(fnmatchcase(name, pattern) for pattern in self.exclude)
            and int.from_bytes(_digest(name)[:8], "little") < self.share * 2**64
        )


class Named(BaseModel):
    """The TOML file of a named corpus.

    `source` is a URI; a relative path in it starts at the file's own directory. `size` is what
    was measured when the file was written, with the versions that `note` names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    description: str
    licence: str
    note: str = ""
    filter: Filter = Filter()
    size: Size | None = None


@dataclass(frozen=True, slots=True)
class NamedCorpus:
    """Another corpus under a name of its own, filtered."""

    uri: str
    source: FileCorpus | TokenCorpus
    definition: Named
    skipped: Counter[str] = field(default_factory=Counter, compare=False)

    def bind(self, tokenizer: Tokenizer | SymbolTokenizer) -> NamedCorpus:
        """See `BindableCorpus.bind`; files are what they are for every model."""
        if isinstance(self.source, FileCorpus):
            return self
        return NamedCorpus(self.uri, self.source.bind(tokenizer), self.definition)

    def documents(self) -> Iterator[Document]:
        """See `Corpus.documents`."""
        self.skipped.clear()
        found, keep = False, self.definition.filter
        if isinstance(self.source, FileCorpus):
            documents = self.source.documents(wanted=keep.keeps_id)
        else:
            documents = self.source.documents()
        for document in documents:
            if keep.keeps(document):
                found = True
                yield replace(document, corpus=self.uri)
            else:
                self.skipped["filtered"] += 1
        self.skipped.update(self.source.skipped)
        if not found:
            raise CorpusError(
                f"The corpus {self.uri!r} is empty: its filter keeps none of the documents of "
                f"{self.definition.source!r}."
            )


def available_corpora(named_dirs: Sequence[Path] = ()) -> dict[str, Named]:
    """Every named corpus, by name; where two directories have the same name the first counts.

    Raises:
        CorpusError: a file is not what it should be.
    """
    paths = [path for folder in reversed(named_dirs) for path in sorted(folder.glob("*.toml"))]
    found = {path.stem: path for path in paths}
    return {name: _read_named(found[name]) for name in sorted(found)}


def _read_named(path: Path) -> Named:
    try:
        return Named.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise CorpusError(f"The corpus file {path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise CorpusError(f"The corpus file {path} is not as it should be: {wrong}.") from None
    except ValueError as error:
        raise CorpusError(f"The corpus file {path} is not TOML: {error}.") from None


# -- URIs ----------------------------------------------------------------------------------------


def resolve(uri: str, *, named_dirs: Sequence[Path] = ()) -> FileCorpus | TokenCorpus | NamedCorpus:
    """The corpus that `uri` names. Nothing is read yet but the TOML file of a named corpus.

    Raises:
        CorpusError: nothing answers to it.
    """
    if not uri.strip():
        raise CorpusError("A corpus without a name: give a URI such as 'stdlib' or a path.")
    for folder in named_dirs:
        path = folder / f"{uri}.toml"
        if _is_plain_name(uri) and path.is_file():
            definition = _read_named(path)
            source = _resolve_source(definition.source, base=folder, known=())
            return NamedCorpus(uri, source, definition)
    names = [path.stem for folder in named_dirs for path in folder.glob("*.toml")]
    return _resolve_source(uri, base=Path(), known=names)


def _is_plain_name(uri: str) -> bool:
    return bool(uri) and not set(uri) & set("/\\:#*?[")


def _resolve_source(uri: str, *, base: Path, known: Iterable[str]) -> FileCorpus | TokenCorpus:
    location, part = _split(uri, base=base)
    docstrings = part == _DOCSTRINGS
    if location == "stdlib":
        return FileCorpus(uri, sources.stdlib_files, docstrings)
    scheme, colon, name = location.partition(":")
    if colon and scheme == "tokens":
        if docstrings:
            raise CorpusError(f"The corpus {uri!r} has no docstrings: it is made of random tokens.")
        return TokenCorpus(uri, token_corpora.parse(uri))
    if colon and scheme == "package":
        return FileCorpus(uri, lambda: sources.package_files(name), docstrings)
    if colon and not (base / location).exists():
        raise CorpusError(
            f"There is no kind of corpus {scheme + colon!r}, as in {uri!r}. "
            f"{did_you_mean(scheme + colon, ['package:', 'stdlib', 'tokens:'])}"
        )
    if _is_plain_name(location) and not (base / location).exists():
        raise CorpusError(
            f"There is no corpus named {uri!r}. {did_you_mean(uri, {'stdlib', *known})} "
            "Besides, 'package:NAME' is an installed distribution, and a path to a file, a folder "
            "or a pattern is read as it is."
        )
    return FileCorpus(uri, lambda: sources.path_files(location, base=base), docstrings)


def _split(uri: str, *, base: Path) -> tuple[str, str]:
    """The location and the part after `#`; a file whose name holds a `#` is meant as it is."""
    location, mark, part = uri.rpartition("#")
    if not mark or (base / uri).exists():
        return uri, ""
    if part != _DOCSTRINGS:
        raise CorpusError(
            f"There is no part {part!r} of a corpus, as in {uri!r}. "
            f"{did_you_mean(part, [_DOCSTRINGS])}"
        )
    return location, part

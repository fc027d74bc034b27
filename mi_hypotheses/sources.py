"""Where the text of a corpus comes from: files with stable ids, and what is read from each."""

from __future__ import annotations

import ast
import difflib
import glob
import importlib.metadata
import json
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mi_hypotheses import conllu
from mi_hypotheses.annotation import read_docbin
from mi_hypotheses.errors import CorpusError
from mi_hypotheses.text import GoldLink

TEXT_SUFFIXES = (".txt", ".md", ".py")
SUFFIXES = (*TEXT_SUFFIXES, ".jsonl", ".conllu", ".spacy")

_NOT_STDLIB = {"site-packages", "dist-packages", "__pycache__"}


class SourceFile(NamedTuple):
    """A file and the id its document gets, the same on every machine that has the file."""

    id: str
    path: Path


class Entry(NamedTuple):
    """What one document is made of."""

    id: str
    text: str
    tokens: tuple[str, ...] | None = None
    ids: tuple[int, ...] | None = None
    links: tuple[GoldLink, ...] = ()
    gold: bytes | None = None


# -- files ---------------------------------------------------------------------------------------


def stdlib_files() -> list[SourceFile]:
    """Every `.py` file of the running interpreter's standard library, by relative path."""
    root = Path(sysconfig.get_path("stdlib"))
    inside = (path.relative_to(root) for path in root.rglob("*.py"))
    names = (path.as_posix() for path in inside if not _NOT_STDLIB.intersection(path.parts))
    return [SourceFile(name, root / name) for name in sorted(names)]


def package_files(name: str) -> list[SourceFile]:
    """Every `.py` file that the installed distribution `name` lists as its own, by path.

    Raises:
        CorpusError: no such distribution is installed, or it lists no Python source.
    """
    try:
        listed = importlib.metadata.distribution(name).files or []
    except ValueError:
        raise CorpusError(
            "The corpus 'package:' lacks the name of an installed distribution, "
            "as in 'package:sympy'."
        ) from None
    except importlib.metadata.PackageNotFoundError:
        installed = {dist.name for dist in importlib.metadata.distributions() if dist.name}
        close = difflib.get_close_matches(name, sorted(installed), n=1)
        raise CorpusError(
            f"There is no corpus 'package:{name}': no distribution named {name!r} is installed "
            f"beside this program. Install it, or name another."
            + (f" Did you mean {close[0]!r}?" if close else "")
        ) from None
    found = {
        file.as_posix(): Path(str(file.locate()))
        for file in listed
        if file.suffix == ".py" and ".." not in file.parts
    }
    if not found:
        raise CorpusError(
            f"The corpus 'package:{name}' is empty: the distribution {name!r} lists no Python "
            "source (it is compiled, or installed as editable). Name its folder as a path instead."
        )
    return [SourceFile(id_, found[id_]) for id_ in sorted(found)]


def path_files(pattern: str, *, base: Path = Path()) -> list[SourceFile]:
    """The files that a path or glob pattern means, by id.

    A file's id is its path below the directory named, or below the part of the pattern before its
    first wildcard; a single file's is its name. Hidden files and folders below it are left out.

    Raises:
        CorpusError: nothing matches, or a file named outright is of a kind that is not read.
    """
    path = base / Path(pattern).expanduser()
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise CorpusError(
                f"The file {path} cannot be a corpus: {', '.join(SUFFIXES)} files are read."
            )
        return [SourceFile(path.name, path)]
    if path.is_dir():
        root, matches = path, path.rglob("*")
    elif glob.has_magic(pattern):
        fixed = list(_before_wildcard(path))
        root = Path(*fixed)
        matches = root.glob(str(Path(*path.parts[len(fixed) :])))
    else:
        raise CorpusError(f"There is no file or folder {path}, named as a corpus.")
    relative = (found.relative_to(root) for found in matches if found.is_file())
    names = (
        file.as_posix()
        for file in relative
        if file.suffix in SUFFIXES
        and not any(part.startswith((".", "__pycache")) for part in file.parts)
    )
    return [SourceFile(name, root / name) for name in sorted(names)]


def _before_wildcard(path: Path) -> Iterator[str]:
    for part in path.parts:
        if glob.has_magic(part):
            return
        yield part


# -- contents ------------------------------------------------------------------------------------


def read_text(path: Path) -> str | None:
    """The content of a UTF-8 file, line ends and all; None where it is not UTF-8.

    A byte-order mark at its start says how the file is encoded and is no part of the text.

    Raises:
        CorpusError: the file cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from None


def entries(file: SourceFile) -> Iterator[Entry | None]:
    """The documents of a `.jsonl` file, or those of a `.conllu` or `.spacy` file with their
    annotation; None for a line or file that is not UTF-8.

    Raises:
        CorpusError: the file cannot be read, or is not what its name says.
    """
    readers = {".jsonl": _json_lines, ".conllu": _conllu, ".spacy": _docbin}
    return readers[file.path.suffix](file)


def _json_lines(file: SourceFile) -> Iterator[Entry | None]:
    """One entry for each line that is not blank: an object with `text` or `tokens`, maybe `id`
    and `links`.

    Without an `id` the entry is named by its file and line. `links` are pairs of character spans
    by what they mean: `{"translation": [[query_start, query_end, key_start, key_end], ...]}`.
    Where the line has `tokens`, they count the characters of all tokens together. Lines are read
    one by one, so that files may be larger than memory.
    """
    try:
        with file.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _parse_line(line, file=file, number=number)
    except OSError as error:
        raise _unreadable(file.path, error) from None


def _parse_line(line: bytes, *, file: SourceFile, number: int) -> Entry | None:
    where = f"Line {number} of {file.path}"
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where} is not JSON: {error}.") from None
    return _entry(value, default_id=f"{file.id}:{number}", where=where)


def _conllu(file: SourceFile) -> Iterator[Entry | None]:
    text = read_text(file.path)
    if text is None:
        yield None
        return
    lines = text.split("\n")
    for name, gold in conllu.documents(lines, path=file.path):
        yield Entry(f"{file.id}:{name}" if name else file.id, gold.text, gold=gold.to_bytes())


def _docbin(file: SourceFile) -> Iterator[Entry]:
    """A document a Doc of spaCy's DocBin."""
    try:
        golds = read_docbin(file.path.read_bytes())
    except OSError as error:
        raise _unreadable(file.path, error) from None
    except Exception as error:
        raise CorpusError(
            f"The file {file.path} is not what spaCy's DocBin writes: {type(error).__name__}: "
            f"{error}."
        ) from error
    for number, gold in enumerate(golds, start=1):
        yield Entry(f"{file.id}:{number}", gold.text, gold=gold.to_bytes())


def _unreadable(path: Path, error: OSError) -> CorpusError:
    return CorpusError(f"The file {path} cannot be read: {error.strerror}.")


def _entry(value: Any, *, default_id: str, where: str) -> Entry:
    if not isinstance(value, dict):
        raise CorpusError(f"{where} is not a JSON object with a 'text' or a 'tokens' field.")
    if ("text" in value) == ("tokens" in value):
        fields = ", ".join(repr(key) for key in value) or "none"
        raise CorpusError(
            f"{where} must have either a 'text' or a 'tokens' field; its fields are: {fields}."
        )
    id_ = value.get("id", default_id)
    if not isinstance(id_, str | int) or isinstance(id_, bool):
        raise CorpusError(f"{where} has an 'id' that is neither a string nor a whole number.")
    if "text" in value:
        if not isinstance(value["text"], str):
            raise CorpusError(f"{where} has a 'text' that is not a string.")
        links = _links(value.get("links", {}), length=len(value["text"]), where=where)
        return Entry(str(id_), value["text"], links=links)
    tokens = value["tokens"]
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise CorpusError(f"{where} has 'tokens' that are not a list of strings.")
    text = "".join(tokens)
    links = _links(value.get("links", {}), length=len(text), where=where)
    return Entry(str(id_), text, tuple(tokens), links=links)


def _links(value: Any, *, length: int, where: str) -> tuple[GoldLink, ...]:
    if not isinstance(value, dict) or not all(isinstance(each, list) for each in value.values()):
        raise CorpusError(
            f"{where} has 'links' that are not an object with a list for each name, as in "
            '{"translation": [[30, 34, 9, 12]]}.'
        )
    links = []
    for name, pairs in value.items():
        for place, pair in enumerate(pairs):
            which = f"{where}: link {place} of {name!r}"
            if not _four_whole_numbers(pair):
                raise CorpusError(
                    f"{which} is not a list of four whole numbers: where the query starts and "
                    "ends, and where the key does."
                )
            link = GoldLink(name, (pair[0], pair[1]), (pair[2], pair[3]))
            try:
                link.check(length)
            except ValueError as error:
                raise CorpusError(f"{which} cannot be: {error}.") from None
            links.append(link)
    return tuple(links)


def _four_whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(type(x) is int for x in value)


def docstrings(source: str) -> str | None:
    """Every docstring in Python `source`, in source order, joined by blank lines.

    None where the source does not parse.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's source
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return "\n\n".join(_docstrings_in_order(tree))


def _docstrings_in_order(tree: ast.Module) -> Iterator[str]:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = [node for node in ast.walk(tree) if isinstance(node, documented)]
    for node in sorted(nodes, key=lambda node: getattr(node, "lineno", 0)):
        text = ast.get_docstring(node)
        if text and text.strip():
            yield text.strip()

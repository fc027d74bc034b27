"""spaCy pipelines: what they annotate, what they are, and the texts they are run on.

spaCy is imported when a pipeline is first asked for. What a pipeline annotates is read from its
configuration, so that a rule can be checked when it is written without loading any weights.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import multiprocessing
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mi_hypotheses.errors import AnnotationError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

DEFAULT = "blank:en"  # where a rule asks only for attributes of the words themselves

NEEDS = {  # what a pipeline can annotate, by the attribute that `Doc.has_annotation` knows
    "TAG": "tags",
    "POS": "parts of speech",
    "MORPH": "morphology",
    "LEMMA": "lemmas",
    "DEP": "dependency parse",
    "ENT_IOB": "entities",
    "SENT_START": "sentence boundaries",
}
_ANSWERS = {
    **{name: name for name in NEEDS},
    "HEAD": "DEP",
    "ENT_TYPE": "ENT_IOB",
    "ENT_ID": "ENT_IOB",
    "ENT_KB_ID": "ENT_IOB",
    "IS_SENT_START": "SENT_START",
}
_ASKED = {"ENT_IOB": "ENT_TYPE"}  # what rules mostly ask of it
_ASSIGNED = {  # as spaCy's components say what they assign
    "token.tag": "TAG",
    "token.pos": "POS",
    "token.morph": "MORPH",
    "token.lemma": "LEMMA",
    "token.dep": "DEP",
    "token.head": "DEP",
    "token.ent_iob": "ENT_IOB",
    "token.ent_type": "ENT_IOB",
    "doc.ents": "ENT_IOB",
    "token.is_sent_start": "SENT_START",
    "doc.sents": "SENT_START",
}
_ASSIGN_NOTHING = {"merge_entities", "merge_noun_chunks", "merge_subtokens", "token_splitter"}
_ASSIGN_NOTHING |= {"doc_cleaner"}  # these say nothing of it, as components that assign anything
_SPACY_MISSING = "spaCy is not installed: python -m pip install spacy"
_WORTHWHILE = 50_000  # characters from which worker processes pay


def needs_of(attributes: Iterable[str]) -> frozenset[str]:
    """What has to be annotated for these attributes of tokens; those of the words need nothing."""
    return frozenset(_ANSWERS[name] for name in attributes if name in _ANSWERS)


def named(needs: Iterable[str]) -> str:
    """`parts of speech (POS) and tags (TAG)`."""
    return " and ".join(f"{NEEDS[need]} ({_ASKED.get(need, need)})" for need in sorted(needs))


@dataclass(frozen=True, eq=False)
class Pipeline:
    """An installed spaCy pipeline, the folder of one, or a blank one for a language.

    `components` maps the names of the components that run to those of their factories.
    """

    name: str
    lang: str
    folder: Path | None
    components: dict[str, str]

    # --- what it annotates -------------------------------------------------------------------

    def check(self, needs: Iterable[str]) -> None:
        """Raise AnnotationError where nothing in the pipeline could annotate what is needed."""
        missing = frozenset(needs) - self._provided
        if missing:
            components = ", ".join(self.components) or "none"
            raise AnnotationError(
                f"the spaCy pipeline {self.name!r} has no {named(missing)}; its components: "
                f"{components}. {hint(self.lang)}"
            )

    @cached_property
    def _provided(self) -> frozenset[str]:
        """What it annotates; all there is where a component does not say what it assigns."""
        provided: set[str] = set()
        for factory in self.components.values():
            assigned = self._assigned_by(factory)
            if not assigned and factory not in _ASSIGN_NOTHING:
                return frozenset(NEEDS)
            provided.update(_ASSIGNED[name] for name in assigned if name in _ASSIGNED)
            if factory == "span_ruler":  # makes entities where it is told to
                provided.add("ENT_IOB")
        return frozenset(provided)

    def _assigned_by(self, factory: str) -> list[str]:
        language = _language_class(self.lang)
        if not language.has_factory(factory):
            raise AnnotationError(
                f"the spaCy pipeline {self.name!r} has a component {factory!r} that is not "
                "registered: import the module that defines it in the plugin file"
            )
        return list(language.get_factory_meta(factory).assigns)

    # --- what it is --------------------------------------------------------------------------

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the pipeline's files, of the code of components that are not spaCy's own, and
        of spaCy's version."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(json.dumps([_spacy().__version__, self.lang, self.components]).encode())
        for path in sorted(self.folder.rglob("*")) if self.folder else []:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(self.folder or path).as_posix().encode())
                with path.open("rb") as content:
                    digest.update(hashlib.file_digest(content, "blake2b").digest())
        for factory in self.components.values():
            digest.update(_source_of(self.lang, factory))
        return digest.hexdigest()

    @cached_property
    def vocab(self) -> Vocab:
        """A vocabulary with the language's lexical attributes; no weights are loaded for it."""
        return self.language.vocab if self.folder is None else pipeline(f"blank:{self.lang}").vocab

    @cached_property
    def language(self) -> Language:
        """The pipeline itself.

        Raises:
            AnnotationError: it does not load.
        """
        spacy = _spacy()
        try:
            made = spacy.blank(self.lang) if self.folder is None else spacy.load(self.name)
        except Exception as error:
            raise AnnotationError(
                f"the spaCy pipeline {self.name!r} does not load: {error}"
            ) from error
        return made  # type: ignore[no-any-return] # the module is Any here

    # --- what it does ------------------------------------------------------------------------

    def docs(
        self, texts: Sequence[str], *, processes: int | None = None
    ) -> list[Doc | AnnotationError]:
        """The pipeline's annotation of each text, or why there is none.

        Texts longer than the pipeline takes are cut behind line ends.

        Args:
            texts: any number.
            processes: how many worker processes; where it is None, one a core if the pipeline
                has statistical components, there is enough text, and processes can be forked.

        Raises:
            AnnotationError: the pipeline does not load.
        """
        if processes is None:
            processes = self._processes(sum(map(len, texts)))
        _ = self.language  # if it does not load, that is no matter of single texts
        try:
            return list(self._annotated(texts, processes))
        except Exception:
            return [self._alone(text) for text in texts]

    def _alone(self, text: str) -> Doc | AnnotationError:
        try:
            [doc] = self._annotated([text], 1)
        except AnnotationError as error:
            return error
        except Exception as error:
            return AnnotationError(f"the spaCy pipeline {self.name!r} failed: {error}")
        return doc

    def _annotated(self, texts: Sequence[str], processes: int) -> Iterator[Doc]:
        nlp = self.language
        pieces = [cut_at_lines(text, nlp.max_length) for text in texts]
        flat = [piece for parts in pieces for piece in parts]
        size = nlp.batch_size if processes == 1 else max(1, len(flat) // (4 * processes))
        with warnings.catch_warnings(), _start_method_kept():
            if processes > 1:  # of forking beside threads, none of which hold locks here
                warnings.simplefilter("ignore", DeprecationWarning)
            made = iter(list(nlp.pipe(flat, n_process=processes, batch_size=size)))
        for text, parts in zip(texts, pieces, strict=True):
            docs = [next(made) for _ in parts]
            doc = docs[0] if len(docs) == 1 else _joined(docs)
            if doc.text != text:
                raise AnnotationError(
                    f"the tokenizer of the spaCy pipeline {self.name!r} changes the text, so that "
                    "its words cannot be found there"
                )
            yield doc

    def _processes(self, characters: int) -> int:
        if characters < _WORTHWHILE or _start_method() != "fork":
            return 1
        statistical = any(
            getattr(component, "model", None) is not None for _, component in self.language.pipeline
        )
        by_torch = any("transformer" in factory for factory in self.components.values())
        if not statistical or by_torch or _on_gpu():  # torch's threads do not survive a fork
            return 1
        return cores()


def _start_method() -> str:
    """How processes start; merely to ask for it would choose it for the whole program."""
    chosen = multiprocessing.get_start_method(allow_none=True)
    return chosen or multiprocessing.get_all_start_methods()[0]  # the platform's own comes first


@contextlib.contextmanager
def _start_method_kept() -> Iterator[None]:
    """Leave the program free to choose how processes start, though spaCy starts some."""
    free = multiprocessing.get_start_method(allow_none=True) is None
    try:
        yield
    finally:
        if free:
            multiprocessing.set_start_method(None, force=True)


def _joined(docs: list[Doc]) -> Doc:
    """Docs one behind the other, as one, with the extension attributes of their words."""
    make: Any = _spacy().tokens.Doc  # its stub lacks an option
    for doc in docs:  # what belongs to a whole piece belongs to no part of the whole
        own: dict[Any, Any] = doc.user_data
        doc.user_data = {key: value for key, value in own.items() if _of_words(key)}
    joined: Doc = make.from_docs(docs, ensure_whitespace=False)
    return joined


def _of_words(key: Any) -> bool:
    """Whether user data are those of an extension attribute of a word or a stretch of words."""
    return isinstance(key, tuple) and len(key) == 4 and key[0] == "._." and key[2] is not None


def cores() -> int:
    """The processor cores that this process may use."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _on_gpu() -> bool:
    from thinc.api import get_current_ops

    return getattr(get_current_ops(), "device_type", "cpu") != "cpu"


def cut_at_lines(text: str, size: int) -> list[str]:
    """The text in pieces of at most `size` characters that end behind a line end, or, in a line
    longer than that, behind white space, or anywhere where there is none."""
    pieces, start = [], 0
    while len(text) - start > size:
        stop = text.rfind("\n", start, start + size) + 1
        if stop <= start:
            spaces = [match.end() for match in re.finditer(r"\s", text[start : start + size])]
            stop = start + (spaces[-1] if spaces else size)
        pieces.append(text[start:stop])
        start = stop
    return [*pieces, text[start:]]


def hint(lang: str = "en") -> str:
    """How to get a pipeline that annotates everything."""
    if lang != "en":
        return f"Use one that has them, from https://spacy.io/models/{lang}."
    return "Use one that has them, such as en_core_web_sm: python -m spacy download en_core_web_sm"


# --- finding them ----------------------------------------------------------------------------


@lru_cache(maxsize=16)
def pipeline(name: str) -> Pipeline:
    """The pipeline of that name: an installed one, the path of one, or `blank:xx`.

    It stays what it is for the rest of the process, should its files change.

    Raises:
        AnnotationError: there is none.
    """
    spacy = _spacy()
    if name.startswith("blank:"):
        lang = name.removeprefix("blank:")
        try:
            _language_class(lang)
        except ImportError as error:
            raise AnnotationError(f"the spaCy pipeline {name!r} does not load: {error}") from None
        return Pipeline(name, lang, None, {})
    if not (spacy.util.is_package(name) or Path(name).exists()):
        if not name.isidentifier():
            raise AnnotationError(f"there is no folder {name!r}, which pipeline= names")
        raise AnnotationError(
            f"no spaCy pipeline {name!r} is installed, and it is no path. Install it: "
            f"python -m spacy download {name}"
        )
    try:
        folder = _folder(name)
        config = spacy.util.load_config(folder / "config.cfg", interpolate=False)
        settings, components = config["nlp"], config.get("components", {})
        running = [each for each in settings["pipeline"] if each not in settings["disabled"]]
        factories = {each: _factory(each, components) for each in running}
        return Pipeline(name, str(settings["lang"]), folder, factories)
    except Exception as error:
        raise AnnotationError(f"the spaCy pipeline {name!r} does not load: {error}") from error


def _factory(component: str, configured: Any) -> str:
    return str(configured.get(component, {}).get("factory", component))


def _folder(name: str) -> Path:
    """Where the pipeline's configuration and weights lie."""
    util = _spacy().util
    if not util.is_package(name):
        return Path(name)
    root = Path(util.get_package_path(name))
    meta = util.get_model_meta(root)
    return root / f"{meta['lang']}_{meta['name']}-{meta['version']}"


def _spacy() -> Any:
    try:
        import spacy
    except ImportError:
        raise AnnotationError(_SPACY_MISSING) from None
    return spacy


@lru_cache(maxsize=16)
def _language_class(lang: str) -> Any:
    made = _spacy().blank(lang)  # which registers spaCy's own components as well
    return type(made)


def _source_of(lang: str, factory: str) -> bytes:
    """Hash of the file that defines a component; "" for spaCy's own."""
    language = _language_class(lang)
    if not language.has_factory(factory):
        return b""
    registry = _spacy().util.registry.factories
    internal = language.get_factory_name(factory)
    made = registry.get(internal if internal in registry else factory)
    component = inspect.getclosurevars(made).nonlocals.get("component_func", made)
    if (getattr(component, "__module__", "") or "").partition(".")[0] == "spacy":
        return b""
    try:
        source = Path(inspect.getsourcefile(component) or "").read_bytes()
    except (OSError, TypeError):
        source = getattr(component, "__qualname__", "").encode()
    return hashlib.blake2b(source).digest()

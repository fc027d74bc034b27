"""Corpora: what is read, in which order, under which ids, and what is said when it cannot be."""

from __future__ import annotations

import json
import sysconfig
from itertools import islice
from pathlib import Path

import pytest

from mi_hypotheses.corpora import (
    Corpus,
    Fingerprint,
    available_corpora,
    measure,
    resolve,
)
from mi_hypotheses.errors import CorpusError

ROOT = Path(__file__).parent.parent


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def texts(uri: str | Path) -> dict[str, str]:
    return {document.id: document.text for document in resolve(str(uri)).documents()}


def read_error(uri: str | Path, **options: list[Path]) -> str:
    with pytest.raises(CorpusError) as caught:
        list(resolve(str(uri), **options).documents())
    return str(caught.value)


# -- the interpreter and its packages ------------------------------------------------------------


def test_stdlib_is_the_source_of_the_interpreter_without_what_is_installed():
    ids = [document.id for document in islice(resolve("stdlib").documents(), 300)]

    assert ids == sorted(ids)
    assert "abc.py" in ids
    assert not any("site-packages" in id_ for id_ in ids)


def test_a_document_is_the_file_as_it_is():
    first = next(resolve("stdlib").documents())

    assert first.text == (Path(sysconfig.get_path("stdlib")) / first.id).read_text("utf-8")


def test_package_is_the_source_of_an_installed_distribution():
    ids = [document.id for document in resolve("package:pluggy").documents()]

    assert "pluggy/_manager.py" in ids
    assert ids == sorted(ids)
    assert all(id_.endswith(".py") for id_ in ids)


def test_docstrings_of_a_package_are_prose_under_the_ids_of_its_files():
    prose = texts("package:pluggy#docstrings")

    assert "Core class which manages registration" in prose["pluggy/_manager.py"]
    assert "def register" not in prose["pluggy/_manager.py"]


def test_a_missing_package_is_an_error_that_names_the_nearest_installed_one():
    message = read_error("package:plugy")

    assert "no distribution named 'plugy' is installed" in message
    assert "Did you mean 'pluggy'?" in message


# -- files ---------------------------------------------------------------------------------------


def test_a_folder_is_its_text_files_by_relative_path(tmp_path):
    files = {"b.txt": "b", "a/z.md": "z", "a/y.py": "y", "c.csv": "c", ".git/d.txt": "d"}
    write(tmp_path, files)

    assert list(texts(tmp_path).items()) == [("a/y.py", "y"), ("a/z.md", "z"), ("b.txt", "b")]


def test_a_pattern_gives_ids_below_the_part_before_its_first_wildcard(tmp_path):
    write(tmp_path, {"data/en/1.txt": "one", "data/en/2.txt": "two", "data/de/1.md": "eins"})

    assert texts(tmp_path / "data/*/1.*") == {"de/1.md": "eins", "en/1.txt": "one"}
    assert texts(tmp_path / "data/**/*.txt") == {"en/1.txt": "one", "en/2.txt": "two"}


def test_a_single_file_is_a_document_named_by_it(tmp_path):
    write(tmp_path, {"notes.txt": "a\r\nb"})

    assert texts(tmp_path / "notes.txt") == {"notes.txt": "a\r\nb"}


def test_equal_documents_are_read_once_and_what_is_left_out_is_counted(tmp_path):
    files = {"1.txt": "same", "2.txt": "same", "3.txt": b"\xff\xfe", "4.txt": " \n", "5.txt": "x"}
    corpus = resolve(str(write(tmp_path, files)))

    assert [document.id for document in corpus.documents()] == ["1.txt", "5.txt"]
    assert corpus.skipped == {"duplicate": 1, "undecodable": 1, "empty": 1}
    list(corpus.documents())
    assert corpus.skipped == {"duplicate": 1, "undecodable": 1, "empty": 1}


def test_documents_are_read_lazily(tmp_path):
    write(tmp_path, {"1.txt": "one", "2.jsonl": "not json"})

    assert next(resolve(str(tmp_path)).documents()).text == "one"


def test_docstrings_are_taken_in_source_order_and_broken_files_are_counted(tmp_path):
    source = '"""Module."""\ndef f():\n    """F.\n\n    More.\n    """\nclass C:\n    """C."""\n'
    corpus = resolve(f"{write(tmp_path, {'a.py': source, 'b.py': 'def ('})}#docstrings")

    assert [document.text for document in corpus.documents()] == ["Module.\n\nF.\n\nMore.\n\nC."]
    assert corpus.skipped == {"unparsable": 1}


def test_a_path_that_is_not_there_is_an_error(tmp_path):
    assert "There is no file or folder" in read_error(tmp_path / "none.txt")


def test_a_file_of_another_kind_is_an_error(tmp_path):
    write(tmp_path, {"table.csv": "1,2"})

    assert ".txt, .md, .py, .jsonl files are read" in read_error(tmp_path / "table.csv")


def test_an_empty_corpus_is_an_error_that_says_what_was_left_out(tmp_path):
    assert "holds no documents (no file matches)" in read_error(tmp_path)
    write(tmp_path, {"1.txt": b"\xff", "2.txt": ""})
    assert "(left out: 1 empty, 1 undecodable)" in read_error(tmp_path)


def test_a_file_that_vanishes_between_listing_and_reading_is_an_error(tmp_path):
    write(tmp_path, {"a.txt": "a", "b.txt": "b"})
    documents = resolve(str(tmp_path)).documents()
    next(documents)
    (tmp_path / "b.txt").unlink()

    with pytest.raises(CorpusError, match=r"The file .*b\.txt cannot be read: No such file"):
        next(documents)


# -- JSON lines ----------------------------------------------------------------------------------


def json_lines(path: Path, *values: object) -> Path:
    path.write_text("\n".join(json.dumps(value) for value in values) + "\n")
    return path


def test_json_lines_hold_texts_or_tokens_with_or_without_ids(tmp_path):
    path = json_lines(
        tmp_path / "d.jsonl", {"text": "one"}, {"id": 7, "text": "two"}, {"tokens": ["a", "b"]}
    )
    one, two, three = resolve(str(path)).documents()

    assert (one.id, one.text, one.tokens) == ("d.jsonl:1", "one", None)
    assert (two.id, two.text) == ("7", "two")
    assert (three.id, three.text, three.tokens) == ("d.jsonl:3", "ab", ("a", "b"))


def test_token_lists_with_equal_texts_are_different_documents(tmp_path):
    path = json_lines(tmp_path / "d.jsonl", {"tokens": ["ab"]}, {"tokens": ["a", "b"]})

    assert len(list(resolve(str(path)).documents())) == 2


def test_lone_surrogates_in_json_are_replaced(tmp_path):
    (tmp_path / "d.jsonl").write_text('{"text": "a\\ud800b"}')

    assert texts(tmp_path / "d.jsonl") == {"d.jsonl:1": "a�b"}


def test_a_line_that_is_not_utf8_is_left_out_and_counted(tmp_path):
    (tmp_path / "d.jsonl").write_bytes(b'{"text": "\xff"}\n{"text": "x"}\n')
    corpus = resolve(str(tmp_path / "d.jsonl"))

    assert [document.id for document in corpus.documents()] == ["d.jsonl:2"]
    assert corpus.skipped == {"undecodable": 1}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"body": "x"}', "its fields are: 'body'"),
        ('{"text": "x", "tokens": ["x"]}', "either a 'text' or a 'tokens' field"),
        ('{"text": 3}', "'text' that is not a string"),
        ('{"tokens": "abc"}', "'tokens' that are not a list of strings"),
        ('{"text": "x", "id": null}', "'id' that is neither a string nor a whole number"),
    ],
)
def test_a_bad_line_is_an_error_that_says_which(tmp_path, line, complaint):
    (tmp_path / "d.jsonl").write_text(f'{{"text": "good"}}\n\n{line}\n')

    message = read_error(tmp_path / "d.jsonl")

    assert message.startswith(f"Line 3 of {tmp_path / 'd.jsonl'}")
    assert complaint in message


def test_an_id_given_twice_is_an_error(tmp_path):
    path = json_lines(tmp_path / "d.jsonl", {"id": "a", "text": "x"}, {"id": "a", "text": "y"})

    assert "two documents with the id 'a'" in read_error(path)


# -- URIs ----------------------------------------------------------------------------------------


def test_resolving_reads_nothing(tmp_path):
    corpus = resolve(str(write(tmp_path, {"a.jsonl": "not json"}) / "a.jsonl"))

    assert isinstance(corpus, Corpus)
    assert corpus.uri == str(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("uri", "hint"),
    [
        ("stdlb", "Did you mean 'stdlib'?"),
        ("pakage:sympy", "Did you mean 'package:'?"),
        ("stdlib#docstring", "Did you mean 'docstrings'?"),
        ("", "give a URI such as 'stdlib'"),
    ],
)
def test_an_unknown_uri_is_an_error_with_what_was_probably_meant(uri, hint):
    assert hint in read_error(uri)


def test_a_file_whose_name_looks_like_a_part_is_meant_as_it_is(tmp_path):
    write(tmp_path, {"a#b.txt": "text"})

    assert texts(tmp_path / "a#b.txt") == {"a#b.txt": "text"}


# -- fingerprints --------------------------------------------------------------------------------


def test_the_fingerprint_depends_on_ids_content_and_order_alone(tmp_path):
    one = write(tmp_path / "one", {"a.txt": "a", "b.txt": "b"})
    two = write(tmp_path / "two", {"b.txt": "b", "a.txt": "a"})
    renamed = write(tmp_path / "renamed", {"a.txt": "a", "c.txt": "b"})

    assert measure(resolve(str(one))) == measure(resolve(str(two)))
    assert measure(resolve(str(one))).fingerprint != measure(resolve(str(renamed))).fingerprint
    forward, backward = Fingerprint(), Fingerprint()
    documents = list(resolve(str(one)).documents())
    for document, other in zip(documents, reversed(documents), strict=True):
        forward.update(document)
        backward.update(other)
    assert forward.hexdigest() != backward.hexdigest()


# -- named corpora -------------------------------------------------------------------------------

NAMED = """
source = "texts"
description = "Some texts."
licence = "ours"
[filter]
exclude = ["*/drafts/*", "*.md"]
shortest = 3
"""


def test_a_named_corpus_is_its_source_filtered(tmp_path):
    write(tmp_path, {"mine.toml": NAMED})
    write(tmp_path / "texts", {"a.txt": "long", "b.txt": "s", "c.md": "long as well"})
    corpus = resolve("mine", named_dirs=[tmp_path])

    assert [(d.id, d.corpus) for d in corpus.documents()] == [("a.txt", "mine")]
    assert corpus.skipped == {"filtered": 2}


def test_a_share_keeps_the_same_documents_wherever_they_lie(tmp_path):
    shared = NAMED.replace("shortest = 3", "share = 0.5")
    write(tmp_path, {"half.toml": shared})
    write(tmp_path / "texts", {f"{i}.txt": f"text {i}" for i in range(200)})
    corpus = resolve("half", named_dirs=[tmp_path])
    kept = [document.id for document in corpus.documents()]

    assert 70 < len(kept) < 130
    assert kept == [document.id for document in corpus.documents()]


def test_a_filter_that_keeps_nothing_is_an_error(tmp_path):
    write(tmp_path, {"mine.toml": NAMED, "texts/a.md": "text"})

    assert "its filter keeps none" in read_error("mine", named_dirs=[tmp_path])


def test_an_unknown_field_of_a_named_corpus_is_an_error_that_names_it(tmp_path):
    write(tmp_path, {"mine.toml": 'sources = "x"\n'})

    with pytest.raises(CorpusError, match=r"mine\.toml is not as it should be: source: Field"):
        available_corpora([tmp_path])


def test_the_first_directory_wins(tmp_path):
    for folder in ("one", "two"):
        write(tmp_path / folder, {"mine.toml": NAMED.replace("Some", folder)})

    found = available_corpora([tmp_path / "one", tmp_path / "two"])

    assert found["mine"].description == "one texts."


def test_a_misspelled_name_is_an_error_with_the_nearest_one(tmp_path):
    write(tmp_path, {"mine.toml": NAMED})

    assert "Did you mean 'mine'?" in read_error("mien", named_dirs=[tmp_path])


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "corpora").glob("*.toml")))
def test_the_named_corpora_of_this_repository_have_documents(name):
    corpus = resolve(name, named_dirs=[ROOT / "corpora"])

    assert next(corpus.documents()).corpus == name


def test_the_probe_texts_are_the_ones_that_were_measured():
    definition = available_corpora([ROOT / "corpora"])["probes"]

    assert measure(resolve("probes", named_dirs=[ROOT / "corpora"])) == definition.size

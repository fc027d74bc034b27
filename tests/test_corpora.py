"""Corpora: what is read, in which order, under which ids, and what is said when it cannot be."""

from __future__ import annotations

import json
import re
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
from mi_hypotheses.text import Document, GoldLink
from tests import parallel

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


def test_a_byte_order_mark_is_no_part_of_a_document(tmp_path):
    mark = b"\xef\xbb\xbf"
    write(tmp_path, {"a.py": mark + b'"""One."""\r\n', "b.txt": mark + mark + b"Two"})

    assert texts(tmp_path) == {"a.py": '"""One."""\r\n', "b.txt": "\ufeffTwo"}
    assert texts(f"{tmp_path / 'a.py'}#docstrings") == {"a.py": "One."}


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

    assert ".txt, .md, .py, .jsonl, .conllu, .spacy files are read" in read_error(
        tmp_path / "table.csv"
    )


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


def test_json_lines_hold_links_by_name(tmp_path):
    links = {"translation": [[4, 7, 0, 3], [8, 9, 0, 9]], "coreference": [[0, 1, 4, 5]]}
    path = json_lines(
        tmp_path / "d.jsonl",
        {"text": "one two 3", "links": links},
        {"tokens": ["one", " two", " 3"], "links": links},
        {"text": "none", "links": {}},
    )
    text, tokens, none = resolve(str(path)).documents()

    assert text.links == tokens.links
    assert text.links == (
        GoldLink("translation", (4, 7), (0, 3)),
        GoldLink("translation", (8, 9), (0, 9)),
        GoldLink("coreference", (0, 1), (4, 5)),
    )
    assert none.links == ()
    assert hash(text) != hash(tokens)


@pytest.mark.parametrize(
    ("links", "complaint"),
    [
        ([[0, 1, 2, 3]], "has 'links' that are not an object with a list for each name"),
        ({"a": {"b": 1}}, "has 'links' that are not an object with a list for each name"),
        (None, "has 'links' that are not an object"),
        ({"a": [[0, 1, 2]]}, "link 0 of 'a' is not a list of four whole numbers"),
        ({"a": [[0, 1, 2, 3], "0123"]}, "link 1 of 'a' is not a list of four whole numbers"),
        ({"a": [[0, 1, 2, 3.0]]}, "is not a list of four whole numbers"),
        ({"a": [[0, True, 2, 3]]}, "is not a list of four whole numbers"),
        ({"a": [[0, 1, 2, 6]]}, r"link 0 of 'a' cannot be: the span (2, 6) of a link"),
        ({"b": [], "a": [[-1, 1, 2, 3]]}, "the span (-1, 1) of a link 'a' is not a stretch"),
        ({"a": [[3, 2, 0, 1]]}, "the span (3, 2)"),
        ({"a": [[2, 2, 0, 1]]}, "0 <= start < end <= 5"),
    ],
)
@pytest.mark.parametrize("field", [{"text": "12345"}, {"tokens": ["123", "45"]}], ids=str)
def test_links_that_are_none_are_an_error_that_says_where(tmp_path, field, links, complaint):
    path = json_lines(tmp_path / "d.jsonl", {"text": "good"}, {**field, "links": links})

    message = read_error(path)

    assert message.startswith(f"Line 2 of {path}")
    assert complaint in message
    assert "\n" not in message


def test_links_outside_the_text_are_no_document():
    with pytest.raises(ValueError, match="not a stretch of the text, which has 5 characters"):
        Document("d", "c", "12345", links=(GoldLink("a", (0, 1), (5, 6)),))


def test_equal_texts_are_read_once_whatever_their_links(tmp_path):
    path = json_lines(
        tmp_path / "d.jsonl", {"text": "a b", "links": {"x": [[2, 3, 0, 1]]}}, {"text": "a b"}
    )
    corpus = resolve(str(path))

    assert [len(document.links) for document in corpus.documents()] == [1]
    assert corpus.skipped == {"duplicate": 1}


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


def test_the_fingerprint_depends_on_links(tmp_path):
    def fingerprint(links):
        line = {"text": "a b", "links": links}
        return measure(resolve(str(json_lines(tmp_path / "d.jsonl", line)))).fingerprint

    written = [{}, {"x": [[2, 3, 0, 1]]}, {"y": [[2, 3, 0, 1]]}, {"x": [[0, 1, 2, 3]]}]

    assert len({fingerprint(links) for links in written}) == 4
    assert fingerprint({}) == fingerprint({"x": []})


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


def test_what_a_filter_leaves_out_by_its_id_is_not_read(tmp_path):
    write(tmp_path, {"mine.toml": NAMED})
    write(tmp_path / "texts", {"a.txt": "long", "b.md": "long as well"})
    (tmp_path / "texts" / "c.md").write_bytes(b"\xff")
    corpus = resolve("mine", named_dirs=[tmp_path])

    assert [document.id for document in corpus.documents()] == ["a.txt"]
    assert corpus.skipped == {"filtered": 2}  # and none undecodable


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


@pytest.mark.parametrize("name", ["probes", "translations"])
def test_our_own_texts_are_the_ones_that_were_measured(name):
    definition = available_corpora([ROOT / "corpora"])[name]

    assert measure(resolve(name, named_dirs=[ROOT / "corpora"])) == definition.size


def test_the_translations_are_made_of_their_table():
    assert parallel.FILE.read_text("utf-8") == parallel.content()


def test_aligned_spans_are_words():
    documents = list(resolve("translations", named_dirs=[ROOT / "corpora"]).documents())

    assert len(documents) == len(parallel.PAIRS)
    for document, (english, aligned) in zip(documents, parallel.PAIRS, strict=True):
        first, second, _ = document.text.split("\n")
        assert first == f"English: {english}."
        found = [(document.text[slice(*q)], document.text[slice(*k)]) for _, q, k in document.links]
        expected = [
            (word, english.split()[int(number)])
            for word, numbers in (part.split(":") for part in aligned.split() if ":" in part)
            for number in numbers.split(",")
        ]
        assert found == expected
        words = {match.span() for match in re.finditer(r"aujourd'hui|\w+'?", document.text)}
        for link in document.links:
            assert link.name == "translation"
            assert {link.query, link.key} <= words
            assert link.key[1] <= len(first) < link.query[0]
        french = second.removeprefix("French: ").removesuffix(".")
        assert french == re.sub(r":[\d,]+", "", aligned).replace("' ", "'")

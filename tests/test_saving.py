"""A saved hypothesis reads as if its author had written it, and import sorters agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mi_hypotheses import (
    AfterPrevious,
    AnyHead,
    AnyNeuron,
    Attends,
    Fires,
    Head,
    Link,
    Neuron,
    PreviousToken,
    Regex,
    TokenIn,
    feature,
)
from mi_hypotheses.errors import UsageError
from mi_hypotheses.hypotheses import Hypothesis
from mi_hypotheses.loading import load_file
from mi_hypotheses.saving import add_to_file

RUFF = ("--isolated", "--no-cache", "--select=E,F,W,I,B,UP,RUF", "--line-length=100")

COMMENT = Fires(
    name="python-comment",
    claim="Fires inside comments.",
    model="py-gelu-1l",
    unit=Neuron(layer=0, index=417, at="pre"),
    on=Regex(r"#[^\n]*", tokens="first") & ~TokenIn(["#!"]),
    corpora=["stdlib", "package:sympy"],
    expect={"f1": 0.6},
)


INDUCTION = Attends(
    name="induction",
    claim="Attends to the token after earlier copies of the current token.",
    model="py-attn-2l",
    unit=Head(layer=1, index=3),
    to=AfterPrevious(match_length=2) | PreviousToken().where(Regex(r"'\s") | TokenIn(["it's"])),
    expect={"target_mass": 0.4},
)


def saved(path: Path, hypothesis: Hypothesis = COMMENT, **options: tuple[Path, str]) -> str:
    """The file after saving, which must please the linter and give the hypothesis back."""
    text = add_to_file(path, hypothesis, **options)
    path.write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *RUFF, str(path)],
        cwd=path.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{text}"
    loaded = load_file(path)
    assert loaded.errors == ()
    found = [value for value in vars(loaded.module).values() if isinstance(value, Hypothesis)]
    assert found[-1].hash == hypothesis.hash
    assert found[-1].claim == hypothesis.claim
    return text


def test_a_new_file_has_a_docstring_and_what_it_needs(folder: Path) -> None:
    assert saved(folder / "mine.py") == (
        '"""Hypotheses saved by `mih`."""\n'
        "\n"
        "from mi_hypotheses import Fires, Neuron, Regex, TokenIn\n"
        "\n"
        "PYTHON_COMMENT = Fires(\n"
        '    name="python-comment",\n'
        '    claim="Fires inside comments.",\n'
        '    model="py-gelu-1l",\n'
        '    unit=Neuron(layer=0, index=417, at="pre"),\n'
        '    on=Regex(r"#[^\\n]*", tokens="first") & ~TokenIn(["#!"]),\n'
        '    corpora=["stdlib", "package:sympy"],\n'
        '    expect={"f1": 0.6},\n'
        ")\n"
    )


def test_a_head_is_saved_with_its_target(folder: Path) -> None:
    assert saved(folder / "mine.py", INDUCTION) == (
        '"""Hypotheses saved by `mih`."""\n'
        "\n"
        "from mi_hypotheses import AfterPrevious, Attends, Head, PreviousToken, Regex, TokenIn\n"
        "\n"
        "INDUCTION = Attends(\n"
        '    name="induction",\n'
        '    claim="Attends to the token after earlier copies of the current token.",\n'
        '    model="py-attn-2l",\n'
        "    unit=Head(layer=1, index=3),\n"
        "    to=AfterPrevious(match_length=2)"
        ' | PreviousToken().where(Regex(r"\'\\s") | TokenIn(["it\'s"])),\n'
        '    corpora=["stdlib"],\n'
        '    expect={"target_mass": 0.4},\n'
        ")\n"
    )


def test_neurons_and_heads_share_a_file(folder: Path) -> None:
    path = folder / "mine.py"
    saved(path)
    link = Link(query=Regex(r"\)"), key=Regex(r"\("), choose="first")
    text = saved(path, INDUCTION.model_copy(update={"unit": AnyHead(layer=1), "to": link}))
    assert "from mi_hypotheses import AnyHead, Attends, Fires, Link, Neuron, Regex" in text
    assert r'to=Link(query=Regex(r"\)"), key=Regex(r"\("), choose="first"),' in text


def test_a_name_inside_a_pattern_is_not_imported(folder: Path) -> None:
    made = COMMENT.model_copy(update={"on": Regex(r"TokenIn\(|Link()")})
    assert "from mi_hypotheses import Fires, Neuron, Regex\n" in saved(folder / "mine.py", made)


def test_a_feature_is_saved_by_its_name(folder: Path) -> None:
    made = COMMENT.model_copy(update={"on": feature("python.comment")})
    text = saved(folder / "mine.py", made)
    assert "from mi_hypotheses import Fires, Neuron, feature\n" in text
    assert '    on=feature("python.comment"),\n' in text


def test_features_are_saved_inside_expressions(folder: Path) -> None:
    where = feature("python.comment") & ~feature("python.shebang").shift(1)
    made = INDUCTION.model_copy(update={"to": PreviousToken().where(where)})
    text = saved(folder / "mine.py", made)
    assert "from mi_hypotheses import Attends, Head, PreviousToken, feature\n" in text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plugin directory of a project, which is no package."""
    made = tmp_path / "claims"
    made.mkdir()
    return made


@pytest.mark.parametrize(
    "before",
    [
        "",
        "X = 1\n",
        '"""Mine."""\n\nX = 1\n',
        '"""Mine."""\n\nfrom __future__ import annotations\n\nX = 1\n',
        "import re\n\nX = re.I\n",
        "import re\n\nimport numpy as np\n\nX = re.I + np.int64(1)\n",
        "from mi_hypotheses import (\n    Document,\n    Regex,\n)\n\nX = (Document, Regex)\n",
        "from mi_hypotheses import Document\nfrom mi_hypotheses.text import Spans\n\n"
        "X = (Document, Spans)\n",
        "from mi_hypotheses.text import Spans\n\nX = Spans\n",
    ],
)
def test_a_file_that_exists_keeps_what_it_has(folder: Path, before: str) -> None:
    path = folder / "mine.py"
    path.write_text(before, "utf-8")
    assert "X = " in saved(path) or not before


def test_names_become_variables(folder: Path) -> None:
    path = folder / "mine.py"
    for name, variable in (("L0Nany", "L0NANY"), ("2nd", "H_2ND"), ("été/x", "ÉTÉ_X")):
        made = COMMENT.model_copy(update={"name": name, "unit": AnyNeuron(layer=0)})
        assert f"\n{variable} = Fires(" in saved(path, made)


def test_a_name_is_never_written_twice(folder: Path) -> None:
    path = folder / "mine.py"
    saved(path)
    for name in ("python-comment", "python_comment"):
        with pytest.raises(UsageError, match="already"):
            add_to_file(path, COMMENT.model_copy(update={"name": name}))


def test_a_named_predicate_is_imported_from_beside(folder: Path) -> None:
    for stem in ("rules", "zebra"):
        source = folder / f"{stem}.py"
        source.write_text("from mi_hypotheses import Regex\n\nword = Regex(r'\\w+')\n", "utf-8")
    made = COMMENT.model_copy(update={"on": Regex(r"\w+")})
    for stem in ("zebra", "rules"):
        path = folder / f"from_{stem}.py"
        made = made.model_copy(update={"name": stem})
        text = saved(path, made, named=(folder / f"{stem}.py", "word"))
        assert f"from {stem} import word\n" in text
    with pytest.raises(UsageError, match="cannot import"):
        add_to_file(folder / "deep" / "x.py", made, named=(folder / "rules.py", "word"))


def test_a_named_target_is_imported_from_beside(folder: Path) -> None:
    source = "from mi_hypotheses import AfterPrevious\n\nrepeats = AfterPrevious()\n"
    (folder / "copies.py").write_text(source, "utf-8")
    made = INDUCTION.model_copy(update={"to": AfterPrevious()})
    text = saved(folder / "mine.py", made, named=(folder / "copies.py", "repeats"))
    assert "from copies import repeats\nfrom mi_hypotheses import Attends, Head\n" in text
    assert "    to=repeats,\n" in text


def test_a_file_that_is_no_python_is_left_alone(folder: Path) -> None:
    path = folder / "mine.py"
    path.write_text("A = = 1\n", "utf-8")
    with pytest.raises(UsageError, match=r"mine\.py, line 1"):
        add_to_file(path, COMMENT)


def added(path: Path, before: str, **options: tuple[Path, str]) -> str:
    """The file after saving; it must still be Python that makes the hypothesis."""
    path.write_bytes(before.encode())
    text = add_to_file(path, COMMENT, **options)
    path.write_bytes(text.encode())
    loaded = load_file(path)
    assert loaded.errors == ()
    assert vars(loaded.module)["PYTHON_COMMENT"].hash == COMMENT.hash
    return text


@pytest.mark.parametrize(
    "before",
    [
        "from mi_hypotheses import *\nX = 1\n",
        "from mi_hypotheses import Fires; X = 1\n",
        'from mi_hypotheses import Fires; X = """\nlong\n"""\nY = 2\n',
        'X = """\nlong\n"""; from mi_hypotheses import Fires\n',
        "from mi_hypotheses import Fires  # the claim\nX = 1\n",
        "from mi_hypotheses import (  # all of them\n    Fires,\n)\nX = 1\n",
        "\fX = 1\n\ffrom mi_hypotheses import Fires\nY = '\f'\n",
        "X = 'a\u2028b\x85c'\nfrom mi_hypotheses import Fires\nY = 1\n",
        "from mi_hypotheses import Fires\nfrom mi_hypotheses import Neuron\nX = 1\n",
        "X = 1",
    ],
)
def test_what_stands_in_the_file_is_never_lost(folder: Path, before: str) -> None:
    text = added(folder / "mine.py", before)
    kept = [line for line in before.split("\n") if "import Fires\n" not in f"{line}\n"]
    for line in kept:
        assert line in text.split("\n")


def test_line_ends_stay_as_they_are(folder: Path) -> None:
    before = "from mi_hypotheses import Fires\r\n\r\nX = 1\r\n"
    text = added(folder / "mine.py", before)
    assert text.count("\n") == text.count("\r\n") > 5


@pytest.mark.parametrize("stem", ["my-rules", "class", "statistics"])
def test_a_predicate_that_cannot_be_imported_is_refused(folder: Path, stem: str) -> None:
    with pytest.raises(UsageError, match="cannot be imported"):
        add_to_file(folder / "mine.py", COMMENT, named=(folder / f"{stem}.py", "word"))


def test_a_predicate_of_a_package_is_imported_relatively(folder: Path) -> None:
    (folder / "__init__.py").write_text("", "utf-8")
    text = add_to_file(folder / "mine.py", COMMENT, named=(folder / "rules.py", "word"))
    assert "from .rules import word\n" in text


def test_only_utf8_python_files_can_be_saved_to(folder: Path) -> None:
    (folder / "latin.py").write_bytes(b"X = '\xe4'\n")
    (folder / "deep.py").mkdir()
    (folder / "nul.py").write_bytes(b"X = '\0'\n")
    for name, said in (
        ("mine.txt", r"must end in \.py"),
        ("latin.py", "not UTF-8"),
        ("deep.py", "directory"),
        ("nul.py", "Nothing can be added"),
    ):
        with pytest.raises(UsageError, match=said):
            add_to_file(folder / name, COMMENT)


def test_a_variable_that_means_something_else_is_kept(folder: Path) -> None:
    path = folder / "mine.py"
    path.write_text("def PYTHON_COMMENT(): ...\n", "utf-8")
    with pytest.raises(UsageError, match="something called PYTHON_COMMENT already"):
        add_to_file(path, COMMENT)

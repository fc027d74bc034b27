"""Plugins are found, and their mistakes become one paragraph each while the rest still loads."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from mi_hypotheses import hookspecs, loading
from mi_hypotheses.cli import main
from mi_hypotheses.errors import CorpusError, PluginError, UnknownNameError, UsageError
from mi_hypotheses.hooks import HOOKS
from mi_hypotheses.plugins import Collected, Plugins, load_plugins

HEAD = "from mi_hypotheses import Fires, Neuron, Regex, TokenIn, category, hookimpl, predicate\n"


def claim(name: str, /, **fields: str) -> str:
    """A hypothesis as source; `fields` replace or add arguments, as source."""
    given = {
        "name": repr(name),
        "claim": repr(f"Fires on {name}."),
        "model": "'py-gelu-1l'",
        "unit": "Neuron(layer=0, index=1)",
        "on": "Regex('x')",
        **fields,
    }
    return f"Fires({', '.join(f'{key}={value}' for key, value in given.items())})"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory; what plugins import is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        path = getattr(sys.modules[name], "__file__", None) or ""
        if path.startswith(str(tmp_path)):
            del sys.modules[name]


def write(path: str, *parts: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(HEAD + "\n".join(parts) + "\n", "utf-8")
    return path


def load(*paths: str, modules: Sequence[str] = ()) -> Plugins:
    return load_plugins(paths=paths, modules=modules, entry_points=False)


def names(collected: Collected) -> list[str]:
    return [hypothesis.name for hypothesis in collected.hypotheses]


def only_error(path: str) -> str:
    """`source: message` of the single error that the file gives."""
    (error,) = load(path).collect().errors
    assert "\n" not in error.message
    return f"{error.source}: {error.message}"


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_and_typed(hook: str) -> None:
    function = getattr(hookspecs, hook)
    assert function.__doc__
    assert inspect.signature(function).return_annotation is not inspect.Signature.empty


# What is collected.


def test_hypotheses_of_a_module_come_in_the_order_of_their_lines() -> None:
    path = write(
        "a.py",
        f"FIRST = {claim('first')}",
        f"MORE = [{claim('second')}, 3, {claim('third')}]",
        f"TABLE = {{'key': {claim('fourth')}}}",
        f"LAST = {claim('last')}",
        "FIRST = FIRST",
    )
    assert names(load(path).collect()) == ["first", "second", "third", "fourth", "last"]


def test_a_hypothesis_that_two_variables_hold_is_collected_once() -> None:
    path = write("a.py", f"A = {claim('a')}", "ALL = [A, A]", "B = A")
    collected = load(path).collect()
    assert names(collected) == ["a"]
    assert collected.errors == ()


def test_a_hook_serves_a_family() -> None:
    made = claim("", name="'word-' + word")
    loop = f"    for word in ('if', 'else'): yield {made}"
    path = write("a.py", "@hookimpl", "def mi_hypotheses():", loop)
    assert names(load(path).collect()) == ["word-if", "word-else"]


def test_directories_are_searched_for_python_files_without_underscore_or_dot() -> None:
    for path in ("p/b.py", "p/deep/a.py", "p/_no.py", "p/.no.py", "p/__baselines__/c.py"):
        write(path, f"A = {claim(Path(path).stem)}")
    assert names(load("p").collect()) == ["b", "a"]


def test_a_file_can_import_its_siblings() -> None:
    write("p/_shared.py", "WORDS = ('if',)")
    path = write("p/a.py", "from _shared import WORDS", f"A = {claim('a', on='TokenIn(WORDS)')}")
    assert names(load(path).collect()) == ["a"]


def test_a_file_of_a_package_can_import_relatively() -> None:
    write("pack/__init__.py")
    write("pack/shared.py", "WORDS = ('if',)")
    path = write("pack/a.py", "from .shared import WORDS", f"A = {claim('a')}")
    assert names(load(path).collect()) == ["a"]


def test_files_of_one_name_in_two_directories_do_not_meet() -> None:
    first, second = write("p/a.py", f"A = {claim('p')}"), write("q/a.py", f"A = {claim('q')}")
    assert names(load(first, second).collect()) == ["p", "q"]


def test_a_plugin_named_like_a_standard_module_does_not_hide_it() -> None:
    write("p/statistics.py", f"A = {claim('a')}")
    path = write("p/b.py", "from statistics import mean", f"B = {claim('b')}")
    assert load(path).collect().errors == ()


def test_a_hypothesis_imported_from_a_sibling_is_no_duplicate() -> None:
    write("p/a.py", f"A = {claim('a')}")
    write("p/b.py", "from a import A", f"B = {claim('b')}")
    collected = load("p").collect()
    assert names(collected) == ["a", "b"]
    assert collected.errors == ()


def test_predicates_keep_their_source_and_future_imports_their_effect() -> None:
    Path("a.py").write_text(
        "'''Words.'''\nfrom __future__ import annotations\n"
        + HEAD
        + "@predicate\ndef vowels(text: Missing) -> Missing:\n    return [(0, 1)]\n"
        + f"A = {claim('a', on='vowels')}\n",
        "utf-8",
    )
    (hypothesis,) = load("a.py").collect().hypotheses
    assert hypothesis.source == f"{Path('a.py').resolve()}:7"
    assert "def vowels" in inspect.getsource(hypothesis.on.function)


# What is selected.


def test_a_name_after_two_colons_selects_by_name_or_variable() -> None:
    path = write("a.py", f"A = {claim('alpha')}", f"B = {claim('beta')}")
    assert names(load(f"{path}::beta").collect()) == ["beta"]
    assert names(load(f"{path}::A").collect()) == ["alpha"]


def test_an_unknown_name_after_two_colons_says_what_was_meant() -> None:
    path = write("a.py", f"A = {claim('alpha')}")
    with pytest.raises(UnknownNameError, match="Did you mean 'alpha'"):
        load(f"{path}::alhpa").collect()


def test_a_path_that_does_not_exist_says_what_was_meant() -> None:
    write("plugins/python_code.py")
    with pytest.raises(UsageError, match=r"Did you mean 'python_code\.py'"):
        load("plugins/pyton_code.py")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("alpha", ["alpha"]),
        ("ALPHA or gamma", ["alpha", "gamma"]),
        ("not alpha", ["beta", "gamma"]),
        ("fires and not (alpha or beta)", ["gamma"]),
        ("py-gelu", ["alpha", "beta", "gamma"]),
        ("nothing", []),
    ],
)
def test_keywords_follow_pytest(expression: str, expected: list[str]) -> None:
    path = write("a.py", *(f"{name.upper()} = {claim(name)}" for name in ("alpha", "beta")))
    other = write("b.py", f"C = {claim('gamma')}")
    assert names(load(path, other).collect(keyword=expression)) == expected


@pytest.mark.parametrize("expression", ["and", "a and", "(a", "a)", "not", "a b", "()"])
def test_a_bad_keyword_expression_is_a_usage_error(expression: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(write("a.py")).collect(keyword=expression)


def test_directories_of_the_settings_count_only_without_paths() -> None:
    write("p/a.py", f"A = {claim('a')}")
    path = write("q/b.py", f"B = {claim('b')}")
    found = load_plugins(directories=[Path("p")], entry_points=False).collect()
    assert names(found) == ["a"]
    found = load_plugins(paths=[path], directories=[Path("p")], entry_points=False).collect()
    assert names(found) == ["b"]


def test_p_loads_a_module_beside_the_paths() -> None:
    write("extra_claims.py", f"X = {claim('extra')}")
    path = write("p/a.py", f"A = {claim('a')}")
    assert names(load(path, modules=["extra_claims"]).collect()) == ["a", "extra"]


def test_p_no_keeps_a_plugin_out() -> None:
    write("p/a.py", f"A = {claim('a')}")
    write("p/b.py", f"B = {claim('b')}")
    assert names(load("p", modules=["no:b"]).collect()) == ["a"]
    with pytest.raises(UnknownNameError, match=r"no plugin named 'c'"):
        load("p", modules=["no:c"])


# What goes wrong: one paragraph each, and the rest still loads.


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (claim("bad", expct="{}"), "'expct' is no field of Fires. Did you mean 'expect'?"),
        ("Fires(name='bad')", "the fields 'claim', 'model', 'unit' and 'on' are missing."),
        (claim("bad").replace(", on=Regex('x')", ""), "the field 'on' is missing."),
        (
            claim("bad", unit="'L0N1'"),
            "the field 'unit' was given 'L0N1': input should be a Neuron.",
        ),
        (claim("bad", expect="{'f1': 'high'}"), "the field 'expect.f1' was given 'high'"),
        (claim("two words"), "the name 'two words' must have no white space"),
    ],
)
def test_a_hypothesis_that_cannot_be_built_is_lost_alone(broken: str, said: str) -> None:
    path = write("a.py", f"A = {claim('a')}", f"BAD = {broken}", f"C = {claim('c')}")
    collected = load(path).collect()
    assert names(collected) == ["a", "c"]
    (error,) = collected.errors
    assert error.source == "a.py:3"
    assert said in error.message
    assert "(Fires) cannot be built" in error.message
    assert "pydantic" not in error.message


def test_a_bad_part_of_a_hypothesis_is_named() -> None:
    assert "a.py:2: Neuron cannot be built: 'idnex' is no field of Neuron. Did you mean" in (
        only_error(write("a.py", f"A = {claim('a', unit='Neuron(layer=0, idnex=3)')}"))
    )
    assert "b.py:2: Regex cannot be built: the pattern '(' does not compile" in (
        only_error(write("b.py", f"A = {claim('a', on='Regex(chr(40))')}"))
    )


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("SpacyPhrase('perhaps')", "the field 'phrases' is a list: SpacyPhrase(['perhaps'])."),
        ("SpacyPhrase(phrases='ah')", "the field 'phrases' is a list: phrases=['ah']."),
        ("TokenIn('self')", "the field 'strings' is a list: TokenIn(['self'])."),
        ("TokenIn(['a', 3])", "the field 'strings.1' was given 3: input should be a valid string."),
        ("Regex(3)", "the field 'pattern' was given 3"),
        ("SpacyToken('NOUN')", "'NOUN' was given without the name of a field."),
    ],
)
def test_a_field_that_is_given_by_its_place_has_a_name(part: str, said: str) -> None:
    error = only_error(
        write(
            "a.py",
            "from mi_hypotheses import SpacyPhrase, SpacyToken, TokenIn",
            f"A = {claim('a', on=part)}",
        )
    )
    assert said in error


def test_what_uses_a_lost_hypothesis_is_lost_silently() -> None:
    path = write("a.py", "BAD = Fires(name='bad')", "ALL = [BAD]", f"C = {claim('c')}")
    collected = load(path).collect()
    assert names(collected) == ["c"]
    assert [error.source for error in collected.errors] == ["a.py:2"]


def test_an_exception_ends_its_file_and_keeps_what_came_before() -> None:
    path = write("a.py", f"A = {claim('a')}", "1 / 0", f"C = {claim('c')}")
    other = write("b.py", f"B = {claim('b')}")
    collected = load(path, other).collect()
    assert names(collected) == ["a", "b"]
    (error,) = collected.errors
    assert error.source == "a.py:3"
    assert error.message.startswith("Python raised ZeroDivisionError: division by zero.")
    assert error.message.endswith("What follows there was not loaded.")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A = = 1", "a.py:2: The file is not Python: invalid syntax in 'A = = 1'"),
        ("import not_there", "a.py:2: The module 'not_there' cannot be imported."),
        ("from mi_hypotheses import Fire", "a.py:2: mi_hypotheses has no 'Fire'. Did you mean"),
        ("raise SystemExit(3)", "a.py:2: Python raised SystemExit: 3."),
        ("open('nowhere')", "a.py:2: Python raised FileNotFoundError"),
        ("undefined", "a.py:2: Python raised NameError: name 'undefined' is not defined."),
        ("def mi_corpus(uri): ...", "a.py:2: The function 'mi_corpus' is named like a hook"),
        ("@hookimpl\ndef mi_corpsu(uri): ...", "There is no hook named 'mi_corpsu'"),
        ("@hookimpl\ndef mi_corpsu(uri): ...", "Did you mean 'mi_corpus'?"),
        ("@hookimpl\ndef mi_corpus(url): ...", "asks for an argument 'url'"),
        ("@hookimpl\ndef mi_hypotheses(): return 3", "must return several hypotheses"),
        ("@hookimpl\ndef mi_hypotheses(): return [3]", "it returned an int"),
        ("@hookimpl\ndef mi_hypotheses(): return None", "it returned None"),
        ("@hookimpl\ndef mi_hypotheses(): 1 / 0", "In the hook 'mi_hypotheses': Python raised"),
        ("@hookimpl\ndef mi_metrics(): return ['f1']", "must return metrics only"),
        ("@hookimpl\ndef mi_commands(): return []", "called for installed plugins only"),
    ],
)
def test_a_mistake_is_explained_where_it_was_made(line: str, said: str) -> None:
    error = only_error(write("a.py", line))
    assert said in error
    assert error.startswith("a.py:")


def test_a_file_that_is_not_text_is_explained() -> None:
    Path("a.py").write_bytes(b"\xff\xfe\x00bad")
    assert only_error("a.py").startswith("a.py:1: ")


def test_a_hook_that_fails_midway_keeps_what_it_gave() -> None:
    path = write(
        "a.py", "@hookimpl", "def mi_hypotheses():", f"    yield {claim('a')}", "    1 / 0"
    )
    collected = load(path).collect()
    assert names(collected) == ["a"]
    assert [error.source for error in collected.errors] == ["a.py:5"]


def test_of_two_hypotheses_of_one_name_the_first_is_used_and_both_are_named() -> None:
    write("a.py", f"A = {claim('same')}")
    write("b.py", "", f"B = {claim('same', model='other'.__repr__())}")
    collected = load("a.py", "b.py").collect()
    assert [hypothesis.model for hypothesis in collected.hypotheses] == ["py-gelu-1l"]
    (error,) = collected.errors
    assert error.source == "b.py:3"
    assert "'same' belongs to the hypothesis at a.py:2" in error.message


@pytest.mark.parametrize(
    ("on", "metric", "said"),
    [
        ("Regex('x')", "pearsn", "'pearsn', which is no metric. Did you mean 'pearson'?"),
        ("Regex('x')", "spearman", "which is no metric for boolean labels"),
        ("depth", "f1", "which is no metric for numeric labels"),
        ("sort", "pearson", "which is no metric for categorical labels"),
        ("sort", "eta_square", "which is no metric. Did you mean 'eta_squared'?"),
    ],
)
def test_an_unknown_metric_is_explained(on: str, metric: str, said: str) -> None:
    path = write(
        "a.py",
        "@predicate(numeric=True)",
        "def depth(text): ...",
        "@category(names=['a', 'b'])",
        "def sort(text): ...",
        f"A = {claim('a', on=on, expect=str({metric: 0.5}))}",
        f"B = {claim('b')}",
    )
    assert said in only_error(path)
    assert names(load(path).collect()) == ["b"]


@pytest.mark.parametrize(
    ("hook", "call"),
    [
        ("mi_hypotheses", lambda plugins: plugins.collect()),
        ("mi_metrics", lambda plugins: plugins.metrics()),
        ("mi_report_writers", lambda plugins: plugins.report_writers()),
    ],
)
@pytest.mark.parametrize(
    "body", ["raise BaseException('oh')", "raise SystemExit(3)", "yield 1 / 0", "return 3"]
)
def test_a_hook_that_fails_in_whatever_way_is_one_paragraph(
    hook: str, call: Callable[[Plugins], object], body: str
) -> None:
    path = write("a.py", "@hookimpl", f"def {hook}():", f"    {body}")
    other = write("b.py", f"B = {claim('b')}")
    plugins = load(path, other)
    call(plugins)
    (error,) = plugins.errors()
    assert error.source.startswith("a.py:")
    assert hook in error.message
    assert names(plugins.collect()) == ["b"]


def test_a_plugin_that_raises_no_exception_of_the_usual_kind_is_explained() -> None:
    mute = "class Mute(BaseException):\n    def __str__(self): 1 / 0\n"
    path = write("a.py", mute, "raise Mute()")
    assert "Python raised Mute." in only_error(path)
    write("pack/__init__.py", "raise SystemExit(3)")
    assert "SystemExit" in only_error(write("pack/a.py"))
    reader = write("c.py", "@hookimpl", "def mi_corpus(uri): raise SystemExit(3)")
    with pytest.raises(PluginError, match="SystemExit"):
        load(reader).corpus("x")


def test_variables_that_cannot_be_looked_at_are_passed_over() -> None:
    path = write(
        "a.py",
        "class Proxy:",
        "    __class__ = property(lambda self: 1 / 0)",
        "P = Proxy()",
        f"A = {claim('a')}",
    )
    collected = load(path).collect()
    assert names(collected) == ["a"]
    assert collected.errors == ()


def test_a_package_whose_name_begins_like_ours_is_not_taken_for_ours(
    monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.setattr(loading, "_OWN", f"{project / 'own'}{os.sep}")
    path = write("own_claims/a.py", "1 / 0")
    assert only_error(path).startswith("own_claims/a.py:2: ")
    assert loading.explain(ZeroDivisionError(), file=None).source == "<unknown>"


def test_a_directory_of_the_settings_that_is_not_there_stops_nothing() -> None:
    write("p/a.py", f"A = {claim('a')}")
    found = load_plugins(directories=[Path("q"), Path("p")], entry_points=False).collect()
    assert names(found) == ["a"]
    (error,) = found.errors
    assert error.source == "plugins in [tool.mi_hypotheses] of pyproject.toml"
    assert "There is no file or directory 'q'. Available: p." in error.message


def test_hypotheses_that_a_keyword_leaves_out_are_counted() -> None:
    path = write("a.py", f"A = {claim('alpha')}", f"B = {claim('beta')}")
    assert load(path).collect(keyword="alpha").left_out == 1


def test_a_missing_module_after_p_is_explained() -> None:
    path = write("a.py", f"A = {claim('a')}")
    collected = load(path, modules=["not_there"]).collect()
    assert names(collected) == ["a"]
    (error,) = collected.errors
    assert "In -p not_there: The module 'not_there' cannot be imported" in error.message


def test_a_loader_that_raises_is_named() -> None:
    path = write(
        "a.py",
        "@hookimpl",
        "def mi_load_model(reference): return 1 / 0 if reference == 'mine' else None",
        "@hookimpl",
        "def mi_corpus(uri): return 3 if uri == 'mine' else None",
    )
    plugins = load(path)
    with pytest.raises(PluginError, match=r"a\.py:3: In the hook 'mi_load_model' of the plugin"):
        plugins.load_model("mine")
    assert plugins.load_model("other") is None
    with pytest.raises(PluginError, match="which is no corpus"):
        plugins.corpus("mine")
    with pytest.raises(CorpusError, match="There is no corpus named 'other'"):
        plugins.corpus("other")


# Installed plugins.


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory into which pip has installed `tests/example_plugin`, without the network."""
    source = tmp_path_factory.mktemp("source") / "example"
    shutil.copytree(Path(__file__).parent / "example_plugin", source)
    target = tmp_path_factory.mktemp("site")
    options = [
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(target),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def with_example(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(installed))
    yield installed
    sys.modules.pop("example_claims", None)


@pytest.mark.usefixtures("with_example")
def test_an_installed_plugin_is_found_by_its_entry_point() -> None:
    plugins = load_plugins()
    collected = plugins.collect()
    assert names(collected) == ["example-digits", "example-true", "example-false"]
    assert collected.errors == ()
    corpus = plugins.corpus("example:counting")
    assert corpus is not None
    assert len([*corpus.documents()]) == 100
    assert "positives" in {metric.name for metric in plugins.metrics()}
    assert {"html", "json", "md", "names"} == set(plugins.report_writers())
    assert [command.name for command in plugins.commands()] == ["hello"]
    (listed,) = [each for each in plugins.listing() if each.origin == "entry point"]
    assert (listed.name, listed.hypotheses) == ("example", 3)
    assert set(listed.hooks) == set(HOOKS) - {"mi_load_model"}


@pytest.mark.usefixtures("with_example")
def test_hypotheses_of_installed_plugins_stay_out_where_paths_are_given() -> None:
    path = write("a.py", f"A = {claim('a', expect=str({'positives': 3}))}")
    collected = load_plugins(paths=[path]).collect()
    assert names(collected) == ["a"]
    assert collected.errors == ()


def test_hooks_of_an_installed_plugin_that_fail_stop_no_command(
    installed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = tmp_path / "site"
    shutil.copytree(installed, broken)
    hooks = "\n".join(
        f"@hookimpl\ndef {name}():\n    raise SystemExit('{name} is broken')\n"
        for name in ("mi_metrics", "mi_report_writers", "mi_commands")
    )
    code = f"from mi_hypotheses import hookimpl\n{hooks}"
    (broken / "example_claims" / "__init__.py").write_text(code, "utf-8")
    monkeypatch.syspath_prepend(str(broken))
    path = write("a.py", f"A = {claim('a')}")
    assert main(["list", path]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("a ")
    assert printed.err.count("mi_metrics is broken") == 1
    assert main(["--help"]) == 0
    assert main(["hello"]) == 4
    assert "mi_commands is broken" in capsys.readouterr().err
    assert set(load_plugins().report_writers()) == {"html", "json", "md"}


@pytest.mark.usefixtures("with_example")
def test_an_installed_plugin_can_be_kept_out() -> None:
    assert names(load_plugins(modules=["no:example"]).collect()) == []


def test_an_entry_point_that_cannot_be_imported_is_explained(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "site"
    shutil.copytree(installed, broken)
    (broken / "example_claims" / "__init__.py").write_text("import not_there\n", "utf-8")
    monkeypatch.syspath_prepend(str(broken))
    path = write("a.py", f"A = {claim('a')}")
    collected = load_plugins(paths=[path]).collect()
    assert names(collected) == ["a"]
    (error,) = collected.errors
    assert "In the entry point 'example' of example-claims" in error.message
    assert error.source == f"{Path('site', 'example_claims', '__init__.py')}:1"


def test_the_source_is_where_the_plugin_asks_not_where_a_helper_builds(tmp_path: Path) -> None:
    (tmp_path / "_made.py").write_text(
        "from mi_hypotheses import Fires, Neuron, Regex\n"
        "def made(name):\n"
        "    return Fires(name=name, claim='c', model='m', unit=Neuron(layer=0, index=0),\n"
        "                 on=Regex('x'))\n"
    )
    plugin = tmp_path / "claims.py"
    plugin.write_text("from _made import made\n\nFIRST = made('first')\n")
    [hypothesis] = load_plugins(paths=[str(plugin)]).collect().hypotheses
    assert hypothesis.source == f"{plugin}:3"

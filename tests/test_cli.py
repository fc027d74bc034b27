"""`mih`: what it prints where, its exit codes, and that it starts at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import mi_hypotheses
from mi_hypotheses.cli import cli, main
from mi_hypotheses.reports import read_report
from tests.small_models import native

PLUGIN = '''
"""A model that is planted: neuron 0 fires on every token with a hash in it, neuron 1 on digits,
and head 0 attends to the token just before."""

from pathlib import Path

import mi_hypotheses.pretrained
from mi_hypotheses import Fires, Neuron, Regex, hookimpl, predicate, target
from mi_hypotheses.reports import ModelInfo
from mi_hypotheses.tokenizing import Tokenizer


class Planted:
    device = "cpu"

    def __init__(self, reference):
        file = Path(mi_hypotheses.pretrained.__file__).with_name("tokenizer.json")
        self.tokenizer = Tokenizer.from_file(file)
        self.info = ModelInfo(
            reference=reference,
            fingerprint="planted",
            tokenizer_fingerprint=self.tokenizer.fingerprint,
            n_layers=1,
            d_model=4,
            d_mlp=3,
            n_heads=1,
            n_ctx=64,
        )

    def activations(self, tokens, *, sites, attention_mask=None):
        import torch

        words = [self.tokenizer.decode([token]) for token in range(self.tokenizer.size)]
        table = torch.tensor(
            [[float("#" in w), float(any(c.isdigit() for c in w)), len(w) / 9] for w in words]
        )
        found = table[tokens]
        return {
            site: found if units is None else found[..., units] for site, units in sites.items()
        }

    def attention(self, tokens, *, heads, read, attention_mask=None):
        import torch

        batch, length = tokens.shape
        back = torch.eye(length)[(torch.arange(length) - 1).clamp(min=0)]
        for layer, chosen in heads.items():
            read(layer, back.expand(batch, len(chosen), length, length))


@hookimpl
def mi_load_model(reference):
    return Planted(reference) if reference.startswith("planted") else None


@target
def next_but_one(view):
    return [(i, i - 2) for i in range(2, len(view))]


@predicate
def hashes(text):
    return [(i, i + 1) for i, letter in enumerate(text) if letter == "#"]


RIGHT = Fires(
    name="hash-sign",
    claim="Fires on the hash sign.",
    model="planted",
    unit=Neuron(layer=0, index=0),
    on=Regex("#"),
    corpora=["texts.jsonl"],
    expect={"f1": 0.9, "pearson": 0.9},
)
WRONG = Fires(
    name="hash-sign-wrong",
    claim="Fires on the hash sign.",
    model="planted",
    unit=Neuron(layer=0, index=1),
    on=Regex("#"),
    corpora=["texts.jsonl"],
    expect={"f1": 0.9},
)
'''

HEADS = """
from mi_hypotheses import AfterPrevious, AnyHead, Attends, Head, PreviousToken

BACK = Attends(
    name="back",
    claim="Attends to the previous token.",
    model="planted",
    unit=Head(layer=0, index=0),
    to=PreviousToken(),
    corpora=["texts.jsonl"],
    expect={"target_mass": 0.9},
)
INDUCTION = Attends(
    name="some-induction",
    claim="Some head does induction.",
    model="py-attn-2l",
    unit=AnyHead(layer=1),
    to=AfterPrevious(match_length=2),
)
"""

RIGHT = "claims/planted.py::hash-sign"
HEAD = ("score", "--unit", "L0H0", "-m", "planted", "-p", "planted_model")
SCORE = ("score", "--regex", "#", "-m", "planted", "--corpus", "texts.jsonl", "-p", "planted_model")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Mih = Callable[..., Done]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with a plugin file, a plugin module, and a corpus of 300 short documents."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in [name for name in os.environ if name.startswith("MIH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MIH_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "planted.py").write_text(PLUGIN, "utf-8")
    (tmp_path / "planted_model.py").write_text(PLUGIN.partition("RIGHT =")[0], "utf-8")
    (tmp_path / "pyproject.toml").write_text(
        "[tool.mi_hypotheses]\nplugins = ['claims']\n", "utf-8"
    )
    with (tmp_path / "texts.jsonl").open("w", encoding="utf-8") as file:
        for number in range(300):
            text = f"value_{number} = {number * 7}  # the number {number}\nprint(value)\n" * 2
            file.write(json.dumps({"text": text}) + "\n")
    yield tmp_path
    sys.modules.pop("planted_model", None)


@pytest.fixture
def mih(capfd: pytest.CaptureFixture[str]) -> Mih:
    def call(*arguments: str) -> Done:
        capfd.readouterr()
        code = main(arguments)
        return Done(code, *capfd.readouterr())

    return call


def in_fresh_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


# The package.


def test_every_public_name_can_be_imported() -> None:
    assert set(mi_hypotheses.__all__) == set(mi_hypotheses._MODULES)
    for name in mi_hypotheses.__all__:
        value = getattr(mi_hypotheses, name)
        home = getattr(value, "__module__", "mi_hypotheses")
        assert home.startswith("mi_hypotheses") or name == "hookimpl"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mi_hypotheses.nothing  # noqa: B018 (the access is the test)


@pytest.mark.parametrize("module", ["mi_hypotheses", "mi_hypotheses.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    heavy = "'torch spacy transformers transformer_lens pydantic numpy rich regex'.split()"
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    assert in_fresh_python(code).strip() == "[]"


def test_help_loads_nothing_heavy() -> None:
    heavy = "'torch spacy transformers transformer_lens pydantic numpy rich regex'.split()"
    code = "import sys; from mi_hypotheses.cli import main; main(['--help'])\n"
    code += f"print([name for name in {heavy} if name in sys.modules])"
    assert in_fresh_python(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command",
    [
        ["score", "--regex", "(", "--unit", "L0N0", "-m", "py-gelu-1l"],  # no pattern
        ["features", "docstring"],
        ["list"],
    ],
)
def test_beside_plugins_with_rules_of_spacy_torch_is_not_loaded(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent)
    heavy = "'torch spacy thinc transformers'.split()"
    code = f"import sys; from mi_hypotheses.cli import main; main({command})\n"
    code += f"print([name for name in {heavy} if name in sys.modules])"
    assert in_fresh_python(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_help(mih: Mih, name: str) -> None:
    done = mih(name, "--help")
    assert done.code == 0
    assert cli.commands[name].help
    assert "--traceback" in done.out


def options_of(name: str) -> dict[str, click.Option]:
    parameters = cli.commands[name].params
    return {each.opts[-1]: each for each in parameters if isinstance(each, click.Option)}


def test_help_says_what_an_option_does_in_this_command() -> None:
    run, score = options_of("run"), options_of("score")
    assert (run["--json"].help or "").endswith("files are written as well.")
    assert (run["--model"].help or "").startswith("Score this model instead of the one")
    assert (score["--model"].help or "").startswith("The model to score;")
    for options in (run, score):
        assert "order" in (options["--limit"].help or "")
        assert "with 32" in (options["--min-context"].help or "")
        for option in options.values():
            assert not isinstance(option.type, click.IntRange) or option.metavar == "N"


# Mistakes.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["run", "--sede", "1"], "No such option"),
        (["run", "calims"], "There is no file or directory 'calims'. Did you mean 'claims'?"),
        (["run", "texts.jsonl"], "'texts.jsonl' is not a plugin"),
        (["run", "claims/planted.py::hash"], "There is no hypothesis 'hash' in claims/planted.py"),
        (["list", "-k", "and"], "cannot be read"),
        (["run", "-p", "no:thing"], "There is no plugin named 'thing'"),
        (["report", "none.json"], "The report none.json cannot be read"),
        (["score", "--unit", "L0N1"], "either --regex or --predicate or --feature"),
        (
            ["score", "--unit", "L0N1", "--feature", "x", "--regex", "x"],
            "Give only one of --regex and --feature: each says what the unit should do.",
        ),
        (
            ["score", "--unit", "L0N1", "--feature", "python.coment"],
            "There is no feature named 'python.coment'. Did you mean 'python.comment'? The command",
        ),
        (
            ["score", "--unit", "L0N1", "--predicate", "feature:pyton.comment"],
            "There is no feature named 'pyton.comment'. Did you mean 'python.comment'?",
        ),
        (
            ["score", "--unit", "L0H1", "--feature", "python.comment"],
            "--feature says what a neuron should fire on, and L0H1 is a head.",
        ),
        (
            ["score", "--unit", "L0H1", "--target", "bos", "--regex", "x"],
            "Give only one of --regex and --target",
        ),
        (
            ["score", "--unit", "L0N1", "--feature", "noum"],
            "There is no feature named 'noum'. Did you mean 'linguistic.noun'?",
        ),
        (
            ["score", "--unit", "L0H1", "--target", "bos", "--tokens", "first"],
            "how to read --regex",
        ),
        (["score", "--unit", "L0H1", "--regex", "x"], "--regex says what a neuron should fire on"),
        (
            ["score", "--unit", "H*", "--predicate", "claims/planted.py::hashes"],
            "--predicate says what a neuron should fire on, and H* is a head. Name a neuron",
        ),
        (
            ["score", "--unit", "L0N*", "--target", "induction"],
            "--target says what a head should attend to, and L0N* is a neuron. Name a head",
        ),
        ([*HEAD, "--target", "inducton"], "at character 1, there is no target or predicate"),
        ([*HEAD, "--target", "Offset(0)"], "an offset of 0 is the token itself"),
        ([*HEAD, "--target", ""], "it is empty"),
        ([*HEAD, "--target", "Regex('a')"], "it is a predicate"),
        ([*HEAD, "--target", "claims/planted.py"], "'claims/planted.py' names no target: write"),
        ([*HEAD, "--target", "claims/planted.py::"], "'claims/planted.py::' names no target"),
        ([*HEAD, "--target", "calims/planted.py::x"], "There is no file or directory"),
        (
            [*HEAD, "--target", "claims/planted.py::next_but_on"],
            "There is no target named 'next_but_on'. Did you mean 'next_but_one'?",
        ),
        ([*HEAD, "--target", "claims/planted.py::hashes"], "no target named 'hashes'"),
        ([*HEAD, "--target", "bos", "--expect", "f1=1"], "'f1', which is no metric for heads."),
        ([*HEAD, "--target", "bos", "--expect", "target_mas=1"], "Did you mean 'target_mass'?"),
        ([*SCORE, "--unit", "L0N1", "--expect", "hit_rate=1"], "is no metric for boolean labels"),
        ([*HEAD, "--target", "bos", "-m", "py-gelu-1l@*"], "has no checkpoints"),
        (["score", "--unit", "L0N1", "--predicate", ""], "--predicate '' names no predicate"),
        (["score", "--unit", "N1", "--regex", "x"], "'N1' is not a unit"),
        (["score", "--unit", "L0N1", "--regex", "x"], "Say which model"),
        (
            ["score", "--unit", "L0N1", "--regex", "x", "-m", "a", "-m", "b", "--save", "x.py"],
            "-m names 2: a, b. Name the one that the claim is about",
        ),
        (["score", "--unit", "L0N1", "--regex", "("], "does not compile"),
        (["score", "--unit", "L0N1", "--regex", "x", "--tokens", "al"], "Did you mean 'all'?"),
        ([*SCORE, "--unit", "L0N1", "--expect", "f1"], "write METRIC=VALUE"),
        ([*SCORE, "--unit", "L0N1", "--expect", "pearsn=1"], "Did you mean 'pearson'?"),
        ([*SCORE, "--unit", "L0N1", "--name", "a b"], "must have no white space"),
        (
            ["score", "--unit", "L0N1", "-m", "x", "--predicate", "claims/planted.py::hahses"],
            "There is no predicate named 'hahses'. Did you mean 'hashes'?",
        ),
    ],
)
def test_a_command_that_cannot_be_followed_says_so_and_exits_with_4(
    mih: Mih, arguments: list[str], said: str
) -> None:
    done = mih(*arguments)
    assert done.code == 4
    assert said in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def test_a_variable_that_is_no_setting_is_told_on_stderr_only(
    mih: Mih, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIH_HOME", "x")
    done = mih("list", "--json")
    assert done.code == 0
    assert len(json.loads(done.out)["hypotheses"]) == 2
    assert "The variable MIH_HOME is no setting" in done.err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--dtype", "float8", "There is no dtype named 'float8'"),
        ("--device", "gpu", "There is no device named 'gpu'. Did you mean 'cuda'?"),
        ("--device", "cude", "Did you mean 'cuda'?"),
    ],
)
def test_devices_and_dtypes_are_checked_before_anything_runs(
    mih: Mih, project: Path, option: str, value: str, said: str
) -> None:
    for command in (["run", "-o", "out"], [*SCORE, "--unit", "L0N0"]):
        done = mih(*command, option, value)
        assert (done.code, done.out) == (4, "")
        assert said in done.err
    assert not (project / "out").exists()


def test_of_many_files_beside_a_path_that_is_not_there_some_are_listed(
    mih: Mih, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        (folder / f"p{number:02}.py").touch()
    done = mih("run", str(folder / "pp11.py"))
    assert done.code == 4
    assert "Did you mean 'p11.py'? Available: p00.py, " in done.err
    assert done.err.endswith("p06.py, p07.py and 4 more.\n")


def test_checking_a_device_loads_no_torch() -> None:
    code = "import sys; from mi_hypotheses.cli import main; main(['run', '--device', 'gpu'])\n"
    assert in_fresh_python(f"{code}print('torch' in sys.modules)").strip() == "False"


@pytest.mark.parametrize("variable", ["MIH_LIMIT", "MIH_BATCH_SIZE", "MIH_LIMIT_TOKENS"])
def test_nought_is_no_limit(mih: Mih, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "0")
    done = mih("run", RIGHT)
    assert done.code == 4
    assert "a whole number above 0 is wanted" in done.err


def test_a_plugin_directory_that_is_not_there_stops_no_command(mih: Mih, project: Path) -> None:
    mih("run", RIGHT, "-o", "out", "--quiet")
    table = "[tool.mi_hypotheses]\nplugins = ['claimz', 'claims']\n"
    (project / "pyproject.toml").write_text(table, "utf-8")
    done = mih("list")
    assert done.code == 1
    assert "hash-sign" in done.out
    assert "plugins in [tool.mi_hypotheses] of pyproject.toml: There is no file" in done.err
    assert mih(*SCORE, "--unit", "L0N0").code == 0
    assert mih("report", "out/report.json", "-f", "md").code == 0


def test_traceback_shows_where_an_error_arose(mih: Mih) -> None:
    assert "Traceback" in mih("run", "calims", "--traceback").err


def test_an_unexpected_exception_is_an_internal_error(
    mih: Mih, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("mi_hypotheses.models.shipped_models", broken)
    done = mih("models")
    assert done.code == 3
    assert done.err == (
        "Internal error: ZeroDivisionError: oh. Run again with --traceback to see where.\n"
    )


def test_an_interrupt_exits_with_2(mih: Mih, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mi_hypotheses.models.shipped_models", interrupted)
    assert mih("models").code == 2


# Lists.


def test_list_shows_what_run_would_score(mih: Mih) -> None:
    done = mih("list")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["hash-sign", "hash-sign-wrong"]
    assert "claims/planted.py:" in done.out


def test_list_in_json(mih: Mih) -> None:
    listed = json.loads(mih("list", "--json", RIGHT).out)
    assert listed["errors"] == []
    (hypothesis,) = listed["hypotheses"]
    assert hypothesis["expect"] == {"f1": 0.9, "pearson": 0.9}
    assert hypothesis["source"].startswith("claims/planted.py:")


def test_list_shows_heads_and_their_targets(mih: Mih, project: Path) -> None:
    (project / "heads.py").write_text(HEADS, "utf-8")
    done = mih("list", "heads.py")
    assert [line.split()[:3] for line in done.out.splitlines()] == [
        ["back", "planted", "L0H0"],
        ["some-induction", "py-attn-2l", "L1H*"],
    ]
    listed = json.loads(mih("list", "heads.py", "--json").out)["hypotheses"]
    assert [each["to"] for each in listed] == ["PreviousToken()", "AfterPrevious(match_length=2)"]


def test_nothing_collected_exits_with_5(mih: Mih, project: Path) -> None:
    (project / "empty.py").write_text("", "utf-8")
    for command in ("list", "run"):
        done = mih(command, "-k", "nothing")
        assert done.code == 5
        assert done.err.startswith("-k 'nothing' left none of the 2 hypotheses")
        done = mih(command, "empty.py")
        assert done.code == 5
        assert "No hypothesis was collected" in done.err


def test_a_broken_plugin_is_reported_and_the_rest_is_listed(mih: Mih, project: Path) -> None:
    (project / "claims" / "broken.py").write_text("import not_there\n", "utf-8")
    done = mih("list")
    assert done.code == 1
    assert "hash-sign" in done.out
    assert "claims/broken.py:1: The module 'not_there' cannot be imported" in done.err


def test_plugins_shows_hooks_and_hypotheses(mih: Mih) -> None:
    listed = json.loads(mih("plugins", "--json").out)
    assert [(plugin["name"], plugin["hypotheses"]) for plugin in listed] == [
        ("built-in", 0),
        ("claims/planted.py", 2),
    ]
    assert listed[1]["hooks"] == ["mi_load_model"]
    assert "claims/planted.py  directory" in mih("plugins").out


def test_models_corpora_and_cache_tell_what_there_is(mih: Mih) -> None:
    assert "package:NAME" in mih("corpora").out
    assert "package:NAME" in json.loads(mih("corpora", "--json").out)["schemes"]
    shown = json.loads(mih("cache", "--json").out)
    assert shown["directory"].endswith("cache")
    assert json.loads(mih("cache", "clear", "--json").out)["removed"] == 0
    assert "0 entries of" in mih("cache", "clear").out


def test_models_have_neurons_heads_and_checkpoints(mih: Mih) -> None:
    listed = {model["name"]: model for model in json.loads(mih("models", "--json").out)}
    assert (listed["py-gelu-1l"]["neurons"], listed["py-gelu-1l"]["heads"]) == (2048, 4)
    attention_only = listed["py-attn-2l"]
    assert (attention_only["neurons"], attention_only["heads"]) == (None, 8)
    lines = mih("models").out.splitlines()
    steps = attention_only["checkpoints"]
    assert f"{len(steps)} checkpoints: py-attn-2l@step=0, {steps[1]}" in lines[0]
    assert "2048 neurons and 4 heads a layer" in lines[1]
    assert "checkpoints" not in lines[1]


# Runs.


def test_features_are_listed_by_theme(mih: Mih) -> None:
    done = mih("features", "BRACKET")
    assert done.code == 0
    assert done.out.startswith("text:\n  text.")
    assert re.search(r"python\.bracket_depth +numeric  How many brackets are open", done.out)
    assert "python.comment " not in done.out
    listed = json.loads(mih("features", "--json").out)
    assert {"name", "labels", "summary", "examples"} == {*listed[0]}
    assert {row["labels"] for row in listed} == {
        "boolean",
        "categorical",
        "numeric",
        "takes arguments",
    }
    assert "tokens.split_word(vocabulary, pieces=None)" in {row["name"] for row in listed}
    assert mih("features", "no such thing").code == 5


def test_run_writes_the_report_and_prints_the_table(mih: Mih, project: Path) -> None:
    done = mih("run", "-o", "out")
    assert done.code == 1, done.err  # one of the two is wrong
    for name in ("report.json", "report.md", "report.html"):
        assert (project / "out" / name).is_file()
    right, wrong = read_report(project / "out" / "report.json").results
    assert (right.verdict.status, wrong.verdict.status) == ("supported", "refuted")
    assert right.scores["f1"].value == 1.0
    assert "hash-sign" in done.out
    assert done.out.splitlines()[-1] == f"Report: {Path('out', 'report.html')}"


CATEGORIES = """
from mi_hypotheses import AnyNeuron, Fires, category


@category(names=["hash", "digit", "letter"])
def character(text):
    for i, one in enumerate(text):
        if one == "#" or one.isalnum():
            yield i, i + 1, "hash" if one == "#" else "digit" if one.isdigit() else "letter"


APART = Fires(
    name="characters",
    claim="Some neuron tells hash signs, digits and letters apart.",
    model="planted",
    unit=AnyNeuron(),
    on=character,
    corpora=["texts.jsonl"],
    expect={"eta_squared": 0.9},
)
HASH = Fires(
    name="is-hash",
    claim="Fires on the hash sign.",
    model="planted",
    unit=AnyNeuron(),
    on=character.is_("hash"),
    corpora=["texts.jsonl"],
    expect={"pearson": 0.9},
)
"""


def test_run_scores_categories(mih: Mih, project: Path) -> None:
    (project / "apart.py").write_text(CATEGORIES, "utf-8")
    done = mih("run", "apart.py", "-p", "planted_model", "-o", "out")
    assert done.code == 0, done.err
    apart, hashes = read_report(project / "out" / "report.json").results
    assert (apart.unit, hashes.unit) == ("L0N0", "L0N0")
    assert apart.scores["eta_squared"].value == pytest.approx(1)
    assert apart.on == "@category character"
    assert hashes.on == "@category character.is_('hash')"
    assert "category, characters on texts.jsonl" in done.out
    for name in ("report.md", "report.html"):
        assert "ean activation" in (project / "out" / name).read_text("utf-8")
    assert "@category character" in mih("list", "apart.py", "-p", "planted_model", "--json").out
    again = mih("run", "apart.py", "-p", "planted_model", "-o", "again")
    assert again.code == 0
    first, second = (read_report(project / d / "report.json").results for d in ("out", "again"))
    assert first == second
    question = ("score", "--predicate", "apart.py::character", "-m", "planted")
    asked = mih(*question, "--unit", "L0N0", "--corpus", "texts.jsonl", "-p", "planted_model")
    for said in (
        "Tells the categories of @category character apart.",
        "--expect eta_squared=0.2",
        "category, L0N0 on texts.jsonl",
        "have a category",
        " hash  texts.jsonl",
    ):
        assert said in asked.out, said


def test_a_run_in_which_all_is_as_expected_exits_with_0(mih: Mih) -> None:
    done = mih("run", RIGHT, "--quiet")
    assert done.code == 0
    assert done.err == ""


def test_run_in_json_prints_the_report_alone(mih: Mih) -> None:
    done = mih("run", RIGHT, "--json", "--limit", "200", "--seed", "3")
    report = json.loads(done.out)
    assert report["run"]["seed"] == 3
    assert report["run"]["command"].startswith("mih run claims/planted.py::hash-sign --json")


def test_run_replaces_model_and_corpus(mih: Mih, project: Path) -> None:
    (project / "other.txt").write_text("# one\n", "utf-8")
    done = mih("run", RIGHT, "--corpus", "other.txt", "-m", "no/such", "--json", "--no-cache")
    (result,) = json.loads(done.out)["results"]
    assert done.code == 1
    assert (result["model"], result["corpus"]) == ("no/such", "other.txt")
    assert result["verdict"]["status"] == "error"


def models_of(done: Done) -> list[tuple[str, str]]:
    return [(result["name"], result["model"]) for result in json.loads(done.out)["results"]]


def test_several_models_have_a_result_each(mih: Mih, monkeypatch: pytest.MonkeyPatch) -> None:
    done = mih("run", "-m", "planted-b", "-m", "planted", "-m", "planted-b", "--json", "--quiet")
    assert done.code == 1
    names = ("hash-sign", "hash-sign-wrong")
    expected = [(name, model) for name in names for model in ("planted-b", "planted")]
    assert models_of(done) == expected
    monkeypatch.setenv("MIH_MODEL", "planted-b planted")
    assert models_of(mih("run", "--json")) == expected
    scored = mih(*SCORE, "-m", "planted-b", "--unit", "L0N0", "--json")
    assert models_of(scored) == [("L0N0", "planted"), ("L0N0", "planted-b")]


def test_models_from_the_file_are_for_questions_only(mih: Mih, project: Path) -> None:
    table = "[tool.mi_hypotheses]\nplugins = ['claims']\nmodel = ['planted-b', 'planted-c']\n"
    (project / "pyproject.toml").write_text(table, "utf-8")
    assert models_of(mih("run", RIGHT, "--json")) == [("hash-sign", "planted")]
    question = ("score", "--regex", "#", "--corpus", "texts.jsonl", "-p", "planted_model")
    done = mih(*question, "--unit", "L0N0", "--json")
    assert models_of(done) == [("L0N0", "planted-b"), ("L0N0", "planted-c")]


@pytest.fixture
def trained(project: Path) -> Path:
    """A model with checkpoints, and a plugin with a hypothesis about one of them."""
    directory = native(project / "trained", checkpoints=(10, 9))
    claim = PLUGIN.partition("RIGHT =")[2].partition("WRONG =")[0]
    claim = claim.replace("planted", "trained@step=9").replace("hash-sign", "about-trained")
    header = "from mi_hypotheses import Fires, Neuron, Regex\n\n"
    (project / "claims" / "trained.py").write_text(f"{header}CLAIM ={claim}", "utf-8")
    return directory


def test_a_pattern_scores_what_is_about_its_model_on_all_checkpoints(
    mih: Mih, trained: Path
) -> None:
    models = ["trained@step=0", "trained@step=9", "trained@step=10", "trained"]
    done = mih("run", "-m", f"./{trained.name}@*", "--json", "--limit", "150")
    assert models_of(done) == [("about-trained", f"./{model}") for model in models]
    assert "2 hypotheses about other models left out." in done.err
    assert done.code == 1
    done = mih("run", "-m", "trained@step=1*", "--json", "--limit", "150", "--quiet")
    assert models_of(done) == [("about-trained", "trained@step=10")]
    assert done.err == ""
    done = mih(*SCORE, "-m", "trained@*", "--unit", "L0N0", "--json", "--limit", "150")
    assert [model for _, model in models_of(done)] == ["planted", *models]


def test_beside_a_pattern_a_plain_model_takes_all_hypotheses(mih: Mih, trained: Path) -> None:
    done = mih("run", "-m", "trained@step=9", "-m", f"{trained.name}@step=1*", "--json")
    assert models_of(done) == [
        ("hash-sign", "trained@step=9"),
        ("hash-sign-wrong", "trained@step=9"),
        ("about-trained", "trained@step=9"),
        ("about-trained", "trained@step=10"),
    ]
    assert "left out" not in done.err


def test_a_pattern_that_is_about_no_hypothesis_is_explained(mih: Mih, project: Path) -> None:
    for models in (["py-attn-2l@*"], ["planted", "py-attn-2l@*"]):
        flags = [word for model in models for word in ("-m", model)]
        done = mih("run", *flags, "-o", "out")
        assert (done.code, done.out) == (4, "")
        assert "-m 'py-attn-2l@*' takes hypotheses about py-attn-2l, and none" in done.err
        assert "they are about planted. -m py-attn-2l would score them all" in done.err
        assert not (project / "out").exists()
    assert "has no checkpoints" in mih("run", "-m", "py-gelu-1l@*").err


def test_a_broken_plugin_fails_the_run_and_is_in_the_report(mih: Mih, project: Path) -> None:
    (project / "claims" / "broken.py").write_text("import not_there\n", "utf-8")
    done = mih("run", "-k", "not wrong", "--json")
    assert done.code == 1
    report = json.loads(done.out)
    assert [error["source"] for error in report["errors"]] == ["claims/broken.py:1"]
    assert report["results"][0]["verdict"]["status"] == "supported"


def test_a_place_that_cannot_be_written_is_explained_before_the_run(
    mih: Mih, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "taken").write_text("", "utf-8")
    monkeypatch.setattr("mi_hypotheses.engine.run", None)
    done = mih("run", RIGHT, "-o", "taken")
    assert done.code == 4
    assert "taken cannot be written" in done.err


def test_results_are_printed_even_where_files_cannot_be_written_in_the_end(
    mih: Mih, project: Path
) -> None:
    (project / "out" / "report.md").mkdir(parents=True)
    done = mih("run", RIGHT, "-o", "out")
    assert done.code == 4
    assert "1 supported" in done.out
    assert "report.md cannot be written" in done.err


def test_a_corpus_that_is_named_twice_is_used_once(mih: Mih) -> None:
    twice = ("--corpus", "texts.jsonl", "--corpus", "texts.jsonl", "--json")
    for command in (["run", RIGHT], [*SCORE, "--unit", "L0N0"]):
        assert len(json.loads(mih(*command, *twice).out)["results"]) == 1


def test_report_renders_a_run_anew(mih: Mih, project: Path) -> None:
    mih("run", RIGHT, "-o", "out", "--quiet")
    assert "hash-sign" in mih("report", "out/report.json", "-f", "md").out
    assert mih("report", "out/report.json", "-f", "html", "-o", "page.html").out == ""
    assert (project / "page.html").read_text("utf-8").startswith("<!")
    assert "Did you mean 'html'" in mih("report", "out/report.json", "-f", "htm").err


# One question.


def test_score_answers_one_question(mih: Mih) -> None:
    done = mih(*SCORE, "--unit", "L0N0", "--expect", "f1=0.9")
    assert done.code == 0, done.err
    for said in ("L0N0 of planted on texts.jsonl", "supported", "strongest activations", "≥ 0.9"):
        assert said in done.out


def test_score_can_search_and_take_a_predicate_from_a_file(mih: Mih) -> None:
    named = ("score", "--predicate", "claims/planted.py::hashes", "-m", "planted")
    done = mih(*named, "--corpus", "texts.jsonl", "--unit", "L0N*", "--json")
    (result,) = json.loads(done.out)["results"]
    assert result["unit"] == "L0N0"
    assert result["searched"]


@pytest.mark.parametrize(
    "option", [("--feature", "python.comment"), ("--predicate", "feature:python.comment")]
)
def test_score_takes_a_feature_and_saves_it(
    mih: Mih, project: Path, option: tuple[str, str]
) -> None:
    planted = ("-m", "planted", "--corpus", "texts.jsonl", "-p", "planted_model")
    asked = ("score", *option, "--unit", "L0N0", *planted)
    assert mih(*asked, "--name", "comment", "--save", "claims/mine.py").code == 0
    text = (project / "claims" / "mine.py").read_text("utf-8")
    assert "from mi_hypotheses import Fires, Neuron, feature\n" in text
    assert '    on=feature("python.comment"),\n' in text
    assert "Fires on python.comment (Comments, with" in mih("list", "claims/mine.py").out


def test_what_score_saves_is_collected_and_clean(mih: Mih, project: Path) -> None:
    file = project / "claims" / "mine.py"
    options = ("--unit", "L0N0", "--expect", "f1=0.9", "--name", "mine", "--save", str(file))
    first = mih(*SCORE, *options)
    assert first.code == 0, first.err
    question = ("score", "-m", "planted", "--corpus", "texts.jsonl", "--unit", "L0N*", "--quiet")
    named = ("--predicate", "claims/planted.py::hashes", "--claim", 'The "hash" \\ sign. ' * 8)
    second = mih(*question, *named, "--name", "2nd-one", "--save", str(file))
    assert second.code == 0, second.err
    listed = json.loads(mih("list", "claims/mine.py", "--json").out)
    assert listed["errors"] == []
    by_name = {each["name"]: each for each in listed["hypotheses"]}
    assert by_name["mine"]["expect"] == {"f1": 0.9}
    assert by_name["2nd-one"]["unit"] == "L0N*"
    assert by_name["2nd-one"]["claim"] == 'The "hash" \\ sign. ' * 8
    for check in (["check", "--select=E,F,W,I,B"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length=100", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{file.read_text('utf-8')}"


def test_score_never_overwrites_a_name(mih: Mih, project: Path) -> None:
    file = project / "claims" / "planted.py"
    before = file.read_text("utf-8")
    done = mih(*SCORE, "--unit", "L0N0", "--name", "hash-sign", "--save", str(file))
    assert done.code == 4
    assert "has a hypothesis 'hash-sign' already" in done.err
    assert file.read_text("utf-8") == before


def test_score_without_a_bar_gives_no_verdict(mih: Mih) -> None:
    done = mih(*SCORE, "--unit", "L0N1")
    assert done.code == 0
    assert "No bar was given, so there is no verdict; --expect" in done.out
    assert "does not beat its floor" in done.out
    assert "inconclusive" not in done.out


def test_what_cannot_be_scored_is_not_saved(mih: Mih, project: Path) -> None:
    save = ("--name", "mine", "--save", "claims/mine.py")
    for command in (
        [*SCORE, "--unit", "L0N99"],
        [*SCORE, "--unit", "L0N0", "--corpus", "none.jsonl"],
    ):
        done = mih(*command, *save)
        assert done.code == 1
        assert "claims/mine.py is as it was" in done.err
        assert not (project / "claims" / "mine.py").exists()


@pytest.mark.parametrize("target", ["mine.txt", "claims", "deep.py", "latin.py"])
def test_a_place_that_nothing_can_be_saved_in_is_explained(
    mih: Mih, project: Path, target: str
) -> None:
    (project / "deep.py").mkdir()
    (project / "latin.py").write_bytes(b"X = '\xe4'\n")
    done = mih(*SCORE, "--unit", "L0N0", "--save", target)
    assert (done.code, done.out) == (4, "")
    assert target in done.err


# Heads.

BACK = (*HEAD, "--target", "previous-token", "--corpus", "texts.jsonl")


def test_run_scores_a_head(mih: Mih, project: Path) -> None:
    (project / "heads.py").write_text(HEADS, "utf-8")
    done = mih("run", "claims/planted.py", "heads.py::back", "--json", "--quiet")
    by_name = {result["name"]: result for result in json.loads(done.out)["results"]}
    back = by_name["back"]
    assert (back["kind"], back["unit"]) == ("attends", "L0H0")
    assert back["scores"]["target_mass"]["value"] == pytest.approx(1)
    assert back["verdict"]["status"] == "supported"
    assert by_name["hash-sign"]["verdict"]["status"] == "supported"


def test_score_asks_about_a_head(mih: Mih) -> None:
    done = mih(*BACK, "--expect", "target_mass=0.9")
    assert done.code == 0, done.err
    for said in ("L0H0 of planted on texts.jsonl", "Attends to PreviousToken().", "supported"):
        assert said in done.out
    (result,) = json.loads(mih(*BACK, "--json").out)["results"]
    assert result["name"] == "L0H0"


def test_score_can_search_a_head_and_take_a_target_from_a_file(mih: Mih) -> None:
    named = ("score", "-m", "planted", "--target", "claims/planted.py::next_but_one")
    done = mih(*named, "--corpus", "texts.jsonl", "--unit", "H*", "--json")
    (result,) = json.loads(done.out)["results"]
    assert (result["unit"], result["name"]) == ("L0H0", "Hany")
    assert result["searched"]
    assert result["claim"] == "Attends to @target next_but_one."
    assert result["scores"]["target_mass"]["value"] == pytest.approx(0)


def test_what_score_saves_of_a_head_is_collected_and_clean(mih: Mih, project: Path) -> None:
    file = project / "claims" / "mine.py"
    save = ("--save", str(file), "--quiet")
    first = mih(*BACK, "--expect", "target_mass=0.9", "--name", "back", *save)
    assert first.code == 0, first.err
    target = r"NearestPrevious(Regex('#')).where(~Regex('\d')) | offset(2)"
    plain = ("score", "-m", "planted", "--corpus", "texts.jsonl")
    second = mih(*plain, "-p", "planted_model", "--unit", "L0H*", "--target", target, *save)
    assert second.code == 0, second.err
    named = ("--target", "claims/planted.py::next_but_one", "--name", "two")
    third = mih(*plain, "--unit", "L0H0", *named, *save)
    assert third.code == 0, third.err
    listed = json.loads(mih("list", "claims/mine.py", "--json").out)
    assert listed["errors"] == []
    by_name = {each["name"]: each for each in listed["hypotheses"]}
    assert by_name["back"]["to"] == "PreviousToken()"
    assert by_name["back"]["expect"] == {"target_mass": 0.9}
    assert by_name["L0Hany"]["to"] == (
        r"""NearestPrevious(Regex('#')).where(~Regex(r"\d")) | Offset(2)"""
    )
    assert by_name["two"]["to"] == "@target next_but_one"
    for check in (["check", "--select=E,F,W,I,B"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length=100", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{file.read_text('utf-8')}"


def test_a_head_that_is_not_there_is_not_saved(mih: Mih, project: Path) -> None:
    wrong = ("score", "-m", "planted", "-p", "planted_model", "--corpus", "texts.jsonl")
    done = mih(*wrong, "--unit", "L0H7", "--target", "bos", "--save", "claims/mine.py")
    assert done.code == 1
    assert "There is no head 7 in layer 0" in done.out
    assert not (project / "claims" / "mine.py").exists()


def test_heads_are_scored_at_every_checkpoint(mih: Mih, trained: Path, project: Path) -> None:
    heads = HEADS.replace('"planted"', f'"{trained.name}"').partition("INDUCTION =")[0]
    (project / "claims" / "heads.py").write_text(heads, "utf-8")
    done = mih("run", "-m", "trained@*", "-k", "back", "--json", "--limit", "150", "--quiet")
    models = ["trained@step=0", "trained@step=9", "trained@step=10", "trained"]
    assert models_of(done) == [("back", model) for model in models]
    scores = [result["scores"]["target_mass"] for result in json.loads(done.out)["results"]]
    assert all(0 < score["value"] < 0.9 for score in scores)
    question = ("score", "--target", "induction", "--unit", "H*", "-m", "trained@*", "--json")
    done = mih(*question, "--corpus", "texts.jsonl", "--limit", "150")
    assert [model for _, model in models_of(done)] == models

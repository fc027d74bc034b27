"""Settings come from flags, variables and the project's file, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from mi_hypotheses.errors import UsageError
from mi_hypotheses.settings import Settings, load_settings, parse_size


def project(folder: Path, table: str) -> Path:
    (folder / "pyproject.toml").write_text(f"[tool.mi_hypotheses]\n{table}\n", "utf-8")
    return folder


def test_a_flag_beats_a_variable_beats_the_file(tmp_path: Path) -> None:
    project(tmp_path, "seed = 1\nlimit = 1\ndevice = 'mps'")
    variables = {"MIH_SEED": "2", "MIH_LIMIT": "2", "PATH": "/bin"}
    found = load_settings({"seed": 3, "dtype": None}, directory=tmp_path, environment=variables)
    assert (found.seed, found.limit, found.device, found.dtype) == (3, 2, "mps", "float32")
    assert found.given == {"seed", "limit"}


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(directory=tmp_path, environment={}) == Settings()


def test_the_file_is_the_nearest_upward_that_has_the_table(tmp_path: Path) -> None:
    project(tmp_path, "plugins = ['claims']")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n", "utf-8")
    found = load_settings(directory=below, environment={})
    assert found.plugins == (tmp_path / "claims",)


def test_a_folder_of_corpora_beside_the_file_is_used(tmp_path: Path) -> None:
    project(tmp_path, "seed = 0")
    (tmp_path / "corpora").mkdir()
    assert load_settings(directory=tmp_path, environment={}).corpora == (tmp_path / "corpora",)


def test_a_variable_can_hold_several_values(tmp_path: Path) -> None:
    variables = {"MIH_CORPUS": "stdlib 'my texts/*.md'", "MIH_MODEL": "py-gelu-1l py-attn-2l@*"}
    found = load_settings(directory=tmp_path, environment=variables)
    assert found.corpus == ("stdlib", "my texts/*.md")
    assert found.model == ("py-gelu-1l", "py-attn-2l@*")


@pytest.mark.parametrize("written", ["'a'", "['a']"])
def test_one_value_needs_no_list(tmp_path: Path, written: str) -> None:
    found = load_settings(directory=project(tmp_path, f"model = {written}"), environment={})
    assert found.model == ("a",)
    assert not found.given


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("plugin = ['a']", "There is no setting 'plugin'.*Did you mean 'plugins'"),
        ("seed = 'x'", "setting 'seed'.*cannot be 'x': a whole number is wanted"),
        ("limit = -1", "a whole number is wanted"),
        ("limit = 0", "setting 'limit'.*a whole number above 0 is wanted"),
        ("limit_tokens = 0", "above 0"),
        ("batch_size = 0", "above 0"),
        ("seed = true", "a whole number is wanted"),
        ("plugins = 3", "a list of texts is wanted"),
        ("device = 3", "a text is wanted"),
        ("model = 3", "a list of texts is wanted"),
        ("model = ['a', 3]", "a text is wanted"),
        ("cache_size = 'big'", "a size is wanted"),
        ("seed = ", "cannot be read"),
    ],
)
def test_a_bad_setting_is_explained(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_settings(directory=project(tmp_path, table), environment={})


def test_a_variable_that_is_no_setting_is_noted(tmp_path: Path) -> None:
    found = load_settings(directory=tmp_path, environment={"MIH_MODLE": "x", "MIH_SEED": "1"})
    assert (found.seed, found.given) == (1, {"seed"})
    (note,) = found.notes
    assert note.startswith("The variable MIH_MODLE is no setting and was passed over.")
    assert "Did you mean 'MIH_MODEL'?" in note


def test_a_variable_of_nought_is_refused_like_a_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'batch_size'.*the environment.*above 0"):
        load_settings(directory=tmp_path, environment={"MIH_BATCH_SIZE": "0"})


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), (7, 7), ("1k", 1024), ("1.5 MB", 3 * 2**19), ("2GiB", 2**31)]
)
def test_sizes(text: object, size: int) -> None:
    assert parse_size(text) == size


def test_switches_are_said_in_words(tmp_path: Path) -> None:
    assert load_settings(directory=tmp_path, environment={"MIH_UNTRAINED": "yes"}).untrained
    assert not load_settings({"untrained": None}, directory=tmp_path, environment={}).untrained
    with pytest.raises(UsageError, match="true or false"):
        load_settings(directory=tmp_path, environment={"MIH_UNTRAINED": "maybe"})

"""`NAME@*` stands for all checkpoints of a training run."""

from __future__ import annotations

from pathlib import Path

import pytest

from mi_hypotheses.errors import UsageError
from mi_hypotheses.model_patterns import expand, is_checkpoint_of, is_pattern
from mi_hypotheses.models import checkpoints, resolve
from mi_hypotheses.weights import PRETRAINED
from tests.small_models import native


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(native(tmp_path_factory.mktemp("models") / "small", checkpoints=(10, 100, 9)))


def test_a_star_is_all_of_training_in_order_and_its_end(small: str) -> None:
    steps = [f"{small}@step={step}" for step in (0, 9, 10, 100)]
    assert expand(f"{small}@*") == [*steps, small]
    assert all(resolve(reference).n_ctx for reference in expand(f"{small}@*"))


def test_a_pattern_can_be_about_some_steps(small: str) -> None:
    assert expand(f"{small}@step=1*") == [f"{small}@step=10", f"{small}@step=100"]
    assert expand(f"{small}@step=[09]") == [f"{small}@step=0", f"{small}@step=9"]
    with pytest.raises(UsageError, match=r"No checkpoint of .* matches .*Its steps are 0, 9, 10"):
        expand(f"{small}@step=7*")


@pytest.mark.parametrize("name", ["py-gelu-1l", "py-attn-2l@step=400", "some/hub@main"])
def test_what_is_no_pattern_stands_for_itself(name: str) -> None:
    assert not is_pattern(name)
    assert expand(name) == [name]


@pytest.mark.parametrize("reference", ["py-*", "*", "py-*@step=400", "p[y]"])
def test_a_pattern_of_names_is_refused(reference: str) -> None:
    with pytest.raises(UsageError, match=r"Patterns go after @ .*\(NAME@\*\)"):
        expand(reference)


def test_nothing_after_the_at_is_refused() -> None:
    with pytest.raises(UsageError, match=r"Nothing stands after the @ of 'py-attn-2l@'"):
        expand("py-attn-2l@")


def test_a_directory_may_have_any_name(tmp_path: Path) -> None:
    made = str(native(tmp_path / "a*b"))
    assert expand(made) == [made]


def test_a_model_without_checkpoints_says_which_have_some() -> None:
    n = len(checkpoints("py-attn-2l"))
    with pytest.raises(UsageError, match=rf"py-gelu-1l has no .* py-attn-2l \({n}\)"):
        expand("py-gelu-1l@*")
    with pytest.raises(UsageError, match=r"'org/hub' is neither.*-m NAME@REVISION"):
        expand("org/hub@*")


def test_a_checkpoint_belongs_to_its_model_however_that_is_written(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(small).parent)
    for same in (small, "small", "./small", "small@step=10"):
        assert is_checkpoint_of(same, small)
    for other in ("py-attn-2l", "org/small", "other"):
        assert not is_checkpoint_of(other, small)
    assert is_checkpoint_of("py-attn-2l@step=400", "py-attn-2l")
    assert is_checkpoint_of("py-attn-2l", str(PRETRAINED / "py-attn-2l"))
    assert is_checkpoint_of("org/hub@main", "org/hub")

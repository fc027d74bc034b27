"""The examples of README and docs run as written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import mi_hypotheses
from mi_hypotheses.features.__main__ import page as features_page
from mi_hypotheses.features.catalogue import catalogue
from mi_hypotheses.head_scores import HeadMetric, builtin_head_metrics
from mi_hypotheses.metrics import Metric, builtin_metrics
from mi_hypotheses.plugins import load_plugins
from mi_hypotheses.rivals import HEAD_RIVALS, RIVALS
from mi_hypotheses.targets import Target

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ mih (\w+)", re.MULTILINE)
CODE = re.compile(r"(`+)[^`](?:.*?[^`])?\1(?!`)")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
EXAMPLES = [
    pytest.param(code, id=f"{page.name}-{number}")
    for page in PAGES
    for number, code in enumerate(PYTHON.findall(page.read_text("utf-8")))
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_every_python_example_is_a_plugin_that_loads(code: str, tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text(code, "utf-8")
    collected = load_plugins(paths=[str(path)]).collect()
    assert collected.errors == ()
    assert bool(collected.hypotheses) == ("Fires(" in code or "Attends(" in code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    for command in set(COMMAND.findall(page.read_text("utf-8"))):
        mih = Path(sys.executable).with_name("mih")
        done = subprocess.run([mih, command, "--help"], capture_output=True)
        assert done.returncode == 0, command


@pytest.mark.parametrize(
    ("page", "rivals", "metrics"),
    [
        ("scores.md", RIVALS, builtin_metrics()),
        ("heads.md", HEAD_RIVALS, builtin_head_metrics()),
    ],
)
def test_every_score_and_rival_is_explained(
    page: str, rivals: dict[str, str], metrics: list[Metric] | list[HeadMetric]
) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    for name in [*rivals, *(metric.name for metric in metrics)]:
        assert f"`{name}`" in text, name


def test_every_number_and_category_that_is_there_is_named() -> None:
    text = (ROOT / "docs" / "writing-plugins.md").read_text("utf-8")
    for name, each in catalogue().items():
        assert each.label_kind == "boolean" or f"`{name}`" in text, name


def test_every_target_is_explained() -> None:
    text = (ROOT / "docs" / "heads.md").read_text("utf-8")
    for name in mi_hypotheses.__all__:
        value = getattr(mi_hypotheses, name)
        if isinstance(value, type) and issubclass(value, Target) and value is not Target:
            assert f"`{name}(" in text, name


def test_the_page_of_features_is_up_to_date() -> None:
    written = (ROOT / "docs" / "features.md").read_text("utf-8")
    assert written == features_page(), "run python -m mi_hypotheses.features > docs/features.md"

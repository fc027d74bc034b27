"""The examples of README and docs run as written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mi_hypotheses.metrics import builtin_metrics
from mi_hypotheses.plugins import load_plugins
from mi_hypotheses.rivals import RIVALS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ mih (\w+)", re.MULTILINE)
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
    assert bool(collected.hypotheses) == ("Fires(" in code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    for command in set(COMMAND.findall(page.read_text("utf-8"))):
        mih = Path(sys.executable).with_name("mih")
        done = subprocess.run([mih, command, "--help"], capture_output=True)
        assert done.returncode == 0, command


def test_every_score_and_rival_is_explained() -> None:
    text = (ROOT / "docs" / "scores.md").read_text("utf-8")
    for name in [*RIVALS, *(metric.name for metric in builtin_metrics())]:
        assert f"`{name}`" in text, name

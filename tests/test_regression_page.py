"""docs/regression.md is carried out: its commands are run and print what the page shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import mi_hypotheses
from tests.test_pytest_plugin import PLUGIN

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "regression.md").read_text("utf-8")
MIH = "import sys; from mi_hypotheses.cli import main; sys.exit(main())"
COMMANDS = {"mih": ["-c", MIH], "python": [], "pytest": ["-m", "pytest", *PLUGIN]}
NUMBER = re.compile(r"[-+−]?\d[\d.,]*(?:e[-+]?\d+)?")
FAILING = {"-k py-attn", "-k py-gelu"}  # these checks are to find something


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def steps() -> list[tuple[str, list[str]]]:
    """Each command of the page with the lines that it is shown to print."""
    found: list[tuple[str, list[str]]] = []
    for block in blocks("console"):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def plain(line: str) -> str:
    """A line without its spacing, and without exact scores; counts stay."""
    counts = re.fullmatch(r"[*]*(?:\d+ [a-z]+(?: · )?)+[*]*", line.strip())
    return " ".join((line if counts else NUMBER.sub("#", line)).split())


@pytest.mark.timeout(600)
def test_the_walk_through_happens_as_told(tmp_path: Path) -> None:
    (tmp_path / "claims.py").write_text(blocks("python")[0], "utf-8")
    (tmp_path / "test_claims.py").write_text(blocks("python")[1], "utf-8")
    (tmp_path / "pyproject.toml").write_text(blocks("toml")[0], "utf-8")
    shutil.copy(ROOT / "docs" / "fine_tune.py", tmp_path)
    path = [str(Path(mi_hypotheses.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    environment = {name: value for name, value in os.environ.items() if name[:4] != "MIH_"}
    environment |= {
        "PYTHONPATH": os.pathsep.join(path),
        "MIH_CACHE_DIR": str(tmp_path / "cache"),
        "COLUMNS": "110",
    }
    for command, shown in [*steps(), ("pytest test_claims.py", ["1 passed"])]:
        program, *arguments = command.split()
        done = subprocess.run(
            [sys.executable, *COMMANDS[program], *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        told = f"$ {command}\n{done.stdout}\n{done.stderr}"
        found = any(part in command for part in FAILING)
        assert done.returncode == int(found), told
        lines = {plain(line) for line in done.stdout.splitlines()}
        for line in shown:
            assert plain(line) in lines or f" {line} in " in done.stdout, told
    assert "Documents that changed sides" in (tmp_path / "changes.html").read_text("utf-8")


def test_the_examples_for_other_repositories_are_yaml() -> None:
    workflow, hooks = (yaml.safe_load(block) for block in blocks("yaml"))
    assert any("mih check" in step.get("run", "") for step in workflow["jobs"]["check"]["steps"])
    (ours,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hooks["repos"][0]["hooks"][0]["id"] == ours["id"]
    assert ours["entry"] == "mih check"

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
from mi_hypotheses.cli import main
from tests.test_pytest_plugin import PLUGIN

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "regression.md").read_text("utf-8")
PROGRAMS = {"python": [], "pytest": ["-m", "pytest", *PLUGIN]}
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


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the walk-through happens."""
    (tmp_path / "claims.py").write_text(blocks("python")[0], "utf-8")
    (tmp_path / "test_claims.py").write_text(blocks("python")[1], "utf-8")
    (tmp_path / "pyproject.toml").write_text(blocks("toml")[0], "utf-8")
    shutil.copy(ROOT / "docs" / "fine_tune.py", tmp_path)
    for name in [name for name in os.environ if name.startswith("MIH_")]:
        monkeypatch.delenv(name)
    package = Path(mi_hypotheses.__file__).parent.parent
    monkeypatch.setenv("PYTHONPATH", str(package), prepend=os.pathsep)
    monkeypatch.setenv("MIH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # plugin files add their directories
    return tmp_path


def carry_out(command: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """The exit code, stdout and stderr; `mih` runs in this process, which has torch already."""
    program, *arguments = command.split()
    capfd.readouterr()
    if program == "mih":
        return main(arguments), *capfd.readouterr()
    done = subprocess.run(
        [sys.executable, *PROGRAMS[program], *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.timeout(600)
def test_the_walk_through_happens_as_told(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for command, shown in [*steps(), ("pytest test_claims.py", ["1 passed"])]:
        code, out, err = carry_out(command, capfd)
        told = f"$ {command}\n{out}\n{err}"
        assert code == int(any(part in command for part in FAILING)), told
        lines = {plain(line) for line in out.splitlines()}
        for line in shown:
            assert plain(line) in lines or f" {line} in " in out, told
    assert "Documents that changed sides" in (folder / "changes.html").read_text("utf-8")


def test_the_examples_for_other_repositories_are_yaml() -> None:
    workflow, hooks = (yaml.safe_load(block) for block in blocks("yaml"))
    assert any("mih check" in step.get("run", "") for step in workflow["jobs"]["check"]["steps"])
    (ours,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hooks["repos"][0]["hooks"][0]["id"] == ours["id"]
    assert ours["entry"] == "mih check"

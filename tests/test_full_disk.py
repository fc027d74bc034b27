"""A full disk, or a place that cannot be written: said once, and nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from mi_hypotheses.cache import Cache
from mi_hypotheses.cli import main
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.reports import Report
from tests import toy
from tests.toy import Toy

PLUGIN = """
from mi_hypotheses import Fires, Neuron, Regex, hookimpl
from tests import toy

MODEL = toy.Toy()
CLAIM = Fires(
    name="hash-known",
    claim="Fires on hashes.",
    model="toy",
    unit=Neuron(layer=0, index=0),
    on=Regex("#"),
    corpora=["texts.jsonl"],
)


@hookimpl
def mi_load_model(reference):
    return MODEL if reference == toy.NAME else None
"""


class Full:
    """A file on a disk that has no room left."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *_error: object) -> None:
        self.file.close()

    def write(self, content: bytes) -> int:
        self.file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def fill(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the disk be full after so many more files."""

    def full_after(files: int) -> None:
        written: list[int] = []

        def limited(handle: int, mode: str, *more: Any) -> Any:
            file = original(handle, mode, *more)
            if mode != "wb":
                return file
            written.append(handle)
            return file if len(written) <= files else Full(file)

        monkeypatch.setattr(os, "fdopen", limited)

    original = os.fdopen
    return full_after


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus") / "texts.jsonl")


def ask(where: Path, cache: Cache, notes: toy.Notes | None = None) -> Report:
    return run(
        toy.claims(where),
        options=RunOptions(device="cpu"),
        cache=cache,
        plugins=toy.plugins(Toy()),
        progress=notes,
    )


@pytest.fixture(scope="module")
def whole(where: Path) -> Report:
    return ask(where, Cache.temporary())


def same(left: Report, right: Report) -> None:
    toy.same(toy.content(left), toy.content(right))


@pytest.mark.parametrize("files", [0, 9])
def test_a_run_goes_on_in_memory_when_the_disk_is_full(
    where: Path, whole: Report, tmp_path: Path, fill: Callable[[int], None], files: int
) -> None:
    cache, notes = Cache(tmp_path), toy.Notes()
    fill(files)
    same(ask(where, cache, notes), whole)
    [note] = notes.notes
    assert f"the cache {tmp_path} cannot be written (No space left on device)" in note
    assert "--cache-dir" in note
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) == files, "half-written files were left"
    fill(10**9)
    same(ask(where, Cache(tmp_path)), whole)


def test_a_run_goes_on_where_no_directory_can_be_made(
    where: Path, whole: Report, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    notes = toy.Notes()
    same(ask(where, Cache(tmp_path / "file" / "cache"), notes), whole)
    assert len(notes.notes) == 1


def test_a_cache_that_is_read_only_is_used(where: Path, whole: Report, tmp_path: Path) -> None:
    ask(where, Cache(tmp_path))
    directories = [tmp_path, *(path for path in tmp_path.iterdir() if path.is_dir())]
    for path in directories:
        path.chmod(0o500)
    try:
        cache = Cache(tmp_path, limit_bytes=0)
        same(ask(where, cache), whole)
    finally:
        for path in directories:
            path.chmod(0o700)


# -- what the command writes ----------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, where: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in [name for name in os.environ if name.startswith("MIH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MIH_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "claims.py").write_text(PLUGIN, "utf-8")
    (tmp_path / "texts.jsonl").write_bytes(where.read_bytes())
    return tmp_path


def test_results_are_printed_where_the_report_cannot_be_written(
    project: Path, fill: Callable[[int], None], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "claims.py", "-o", "out"]) == 0
    before = {path.name: path.read_bytes() for path in (project / "out").iterdir()}
    for output in ("out", "fresh"):
        for more in ([], ["--json"]):
            capfd.readouterr()
            fill(0)
            assert main(["run", "claims.py", "--quiet", "-o", output, *more]) == 4
            out, err = capfd.readouterr()
            assert f"{output}/report.json cannot be written: No space left on device" in err
            assert "\n" not in err.strip()
            assert "hash-known" in out
            assert not more or json.loads(out)["results"][0]["name"] == "hash-known"
    assert {path.name: path.read_bytes() for path in (project / "out").iterdir()} == before
    assert [*(project / "fresh").iterdir()] == []


def test_baselines_stay_as_they_were_where_they_cannot_be_written(
    project: Path, fill: Callable[[int], None], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "claims.py", "--update-new", "--quiet"]) == 0
    [path] = (project / "__baselines__").iterdir()
    before = path.read_bytes()
    capfd.readouterr()
    fill(0)
    assert main(["check", "claims.py", "--update", "--limit", "120", "--quiet"]) != 0
    out, err = capfd.readouterr()
    assert "cannot be written: No space left on device" in out + err
    assert "Traceback" not in err
    assert [*path.parent.iterdir()] == [path]
    assert path.read_bytes() == before

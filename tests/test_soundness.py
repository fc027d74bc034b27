"""The same scores however a run is made, whatever ends it, and whatever runs beside it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from mi_hypotheses import columns, forward, measurement
from mi_hypotheses.cache import Cache
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.reports import Report
from tests import toy
from tests.small_models import native
from tests.toy import Toy

ROOT = Path(__file__).parent.parent

# -- batches, shards and the cache ----------------------------------------------------------------


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus") / "texts.jsonl")


def ask(
    where: Path, *, cache: Cache | None = None, model: Toy | None = None, batch_size: int = 32
) -> Report:
    return run(
        toy.claims(where),
        options=RunOptions(device="cpu", batch_size=batch_size),
        cache=cache or Cache.temporary(),
        plugins=toy.plugins(model or Toy()),
    )


@pytest.fixture(scope="module")
def whole(where: Path) -> Report:
    """What an undisturbed run says."""
    report = ask(where)
    assert "error" not in {result.verdict.status for result in report.results}
    return report


def same(left: Report, right: Report) -> None:
    toy.same(toy.content(left), toy.content(right))


@pytest.mark.parametrize("batch_size", [1, 2])
def test_batches_of_any_size(where: Path, whole: Report, batch_size: int) -> None:
    same(ask(where, batch_size=batch_size), whole)


def test_a_processor_takes_batches_of_so_many_tokens(where: Path, whole: Report) -> None:
    model = Toy()
    options = RunOptions(device="cpu")
    report = run(
        toy.claims(where), options=options, cache=Cache.temporary(), plugins=toy.plugins(model)
    )
    assert max(model.batches) == forward.CPU_BATCH // toy.CONTEXT
    same(report, whole)


@pytest.mark.parametrize("characters", [800, 4_000])
def test_shards_of_any_size(
    where: Path, whole: Report, characters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurement, "SHARD_CHARACTERS", characters)
    same(ask(where), whole)


def test_a_document_of_many_pieces(
    where: Path, whole: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "PIECE", 100)
    cache = Cache(tmp_path)
    same(ask(where, cache=cache), whole)
    for path in random.Random(1).sample(sorted(cache.entries()), 20):
        path.unlink()
    same(ask(where, cache=cache), whole)


def test_a_cache_that_is_full_or_half_full(where: Path, whole: Report, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    same(ask(where, cache=cache), whole)
    untouched = Toy()
    same(ask(where, cache=cache, model=untouched), whole)
    assert untouched.batches == []
    entries = sorted(cache.entries())
    for path in random.Random(0).sample(entries, len(entries) // 2):
        path.unlink()
    same(ask(where, cache=cache), whole)


def test_batches_of_a_real_model(where: Path, tmp_path: Path) -> None:
    """Its products come out differently in the last bits; what is counted may not."""
    model = native(tmp_path / "model", n_ctx=48, d_mlp=80)
    claims = toy.claims(where, model=str(model))
    small, large = (
        run(
            claims,
            options=RunOptions(device="cpu", batch_size=size),
            cache=Cache.temporary(),
        )
        for size in (2, 32)
    )
    for one, other in zip(small.results, large.results, strict=True):
        assert (one.unit, one.n_tokens, one.n_positive) == (
            other.unit,
            other.n_tokens,
            other.n_positive,
        )
        for name, score in one.scores.items():
            assert score.value == pytest.approx(other.scores[name].value, rel=1e-4, abs=1e-4), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_scores_of_the_cpu(where: Path, tmp_path: Path) -> None:
    claims = toy.claims(where, model=str(native(tmp_path / "model", n_ctx=48, d_mlp=80)))
    reports = [
        run(claims, options=RunOptions(device=device), cache=Cache.temporary())
        for device in ("cpu", "cuda", "cuda")
    ]
    for one, other, again in zip(*(report.results for report in reports), strict=True):
        assert (one.unit, one.n_tokens, one.n_positive) == (
            other.unit,
            other.n_tokens,
            other.n_positive,
        )
        assert other.histogram == again.histogram
        for name, score in one.scores.items():
            assert score.value == pytest.approx(other.scores[name].value, rel=1e-3, abs=1e-3), name


# -- processes that are killed, and processes beside each other -----------------------------------

PLUGIN = """
from mi_hypotheses import hookimpl, measurement
from tests import toy

measurement.SHARD_CHARACTERS = 1_500
MODEL = toy.Toy(seconds=0.02)
CLAIMS = toy.claims("texts.jsonl")[2::3]


@hookimpl
def mi_load_model(reference):
    return MODEL if reference == toy.NAME else None
"""


@dataclass
class Running:
    """A `mih run`, and where its report goes."""

    process: subprocess.Popen[bytes]
    output: Path

    def report(self) -> dict[str, Any]:
        """What the report says in the end, but for when and how fast."""
        assert self.process.wait(timeout=120) in (0, 1)
        report: dict[str, Any] = json.loads((self.output / "report.json").read_text("utf-8"))
        del report["run"]
        assert "error" not in {result["verdict"]["status"] for result in report["results"]}
        return report


Start = Callable[[Path, str], Running]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start `mih run` with a cache in a project with a slow model; the report has a name."""
    project = tmp_path_factory.mktemp("project")
    (project / "claims.py").write_text(PLUGIN, "utf-8")
    toy.corpus(project / "texts.jsonl")
    environment = {name: value for name, value in os.environ.items() if name[:4] != "MIH_"}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    main = "import sys; from mi_hypotheses.cli import main; sys.exit(main())"
    started = []

    def begin(cache: Path, name: str) -> Running:
        output = project / name
        command = [sys.executable, "-c", main, "run", "claims.py", "--quiet"]
        command += ["--cache-dir", str(cache), "-o", str(output)]
        process = subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.DEVNULL)
        started.append(process)
        return Running(process, output)

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def undisturbed(
    start: Start, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], int]:
    """What an undisturbed run says, and the number of entries that it makes."""
    cache = tmp_path_factory.mktemp("undisturbed") / "cache"
    report = start(cache, "undisturbed").report()
    return report, len([*Cache(cache).entries()])


def kept_columns(cache: Cache) -> int:
    """How many entries hold activations."""
    found = (cache.get(path.stem) or {} for path in cache.entries())
    return sum(arrays.keys() == {"a"} for arrays in found)


def test_a_run_that_is_killed_goes_on_where_it_was(
    start: Start, undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    report, entries = undisturbed
    cache = Cache(tmp_path / "cache")
    seen = []
    for least in sorted(random.Random(1).sample(range(2, entries * 3 // 4), 3)):
        each = start(cache.directory, "killed")
        while len([*cache.entries()]) < least and each.process.poll() is None:
            time.sleep(0.002)
        each.process.kill()
        assert each.process.wait() == -signal.SIGKILL, "it had ended before"
        seen.append(kept_columns(cache))
        assert not (each.output / "report.json").exists()
    toy.same(start(cache.directory, "killed").report(), report)
    assert any(0 < some < kept_columns(cache) for some in seen), seen


def test_runs_beside_each_other_and_a_cache_that_is_cleared_do_no_harm(
    start: Start, undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    report, _ = undisturbed
    cache = Cache(tmp_path / "cache")
    pair = [start(cache.directory, name) for name in ("one", "other")]
    cleared = 0
    while any(each.process.poll() is None for each in pair):
        time.sleep(0.1)
        if cleared < 60:
            cleared += cache.clear()
    assert cleared >= 60
    for each in pair:
        toy.same(each.report(), report)
    files = {path for path in cache.directory.rglob("*") if path.is_file()}
    assert files == {*cache.entries()}, "something half-written was left"

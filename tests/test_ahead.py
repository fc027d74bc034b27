"""The model runs while the corpus is read, and nothing else is different."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mi_hypotheses import measurement
from mi_hypotheses.ahead import Ahead, computes_alone
from mi_hypotheses.cache import Cache
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.errors import UsageError
from mi_hypotheses.forward import Forward
from mi_hypotheses.hypotheses import Head, Neuron
from mi_hypotheses.reports import Report
from tests import toy
from tests.toy import Toy


@dataclass
class Watched(Toy):
    """Remembers which threads ran it."""

    threads: list[str] = field(default_factory=list)

    def _run(self, tokens: object) -> None:
        self.threads.append(threading.current_thread().name)
        super()._run(tokens)  # type: ignore[arg-type] # tokens it is


@pytest.fixture(autouse=True)
def _many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "SHARD_CHARACTERS", 800)


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return toy.corpus(tmp_path / "texts.jsonl")


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "computes_alone", lambda _device: True)


def ask(
    where: Path,
    model: Toy,
    *,
    cache: Cache | None = None,
    device: str = "auto",
    searches: bool = False,
) -> Report:
    claims = toy.claims(where)
    known = [claim for claim in claims if isinstance(claim.unit, Neuron | Head)]
    return run(
        claims if searches else known,
        options=RunOptions(device=device),
        cache=cache or Cache.temporary(),
        plugins=toy.plugins(model),
        progress=toy.Notes(),
    )


def ahead(model: Watched) -> int:
    """How many batches were run beside the main thread."""
    return sum(name.startswith("forward") for name in model.threads)


@pytest.mark.usefixtures("_alone")
def test_a_run_ahead_says_what_another_says(where: Path) -> None:
    model, alone = Watched(), Watched(seconds=0.002)
    whole = ask(where, model, device="cpu")
    toy.same(toy.content(ask(where, alone)), toy.content(whole))
    assert ahead(model) == 0
    assert ahead(alone)
    assert len(alone.threads) == len(model.threads)  # nothing was run twice


@pytest.mark.usefixtures("_alone")
def test_where_units_are_searched_for_one_pass_serves_all_when_the_corpus_is_read(
    where: Path,
) -> None:
    model = Watched()
    ask(where, model, searches=True)
    assert ahead(model) == 0


@pytest.mark.usefixtures("_alone")
def test_what_fails_ahead_is_told_once_and_of_the_same_hypotheses(where: Path) -> None:
    broken = Watched(room=0)
    report, expected = ask(where, broken), ask(where, Toy(room=0), device="cpu")
    assert ahead(broken)
    toy.same(toy.content(report), toy.content(expected))


@pytest.mark.usefixtures("_alone")
def test_what_was_asked_before_is_not_run_ahead(where: Path, tmp_path: Path) -> None:
    cache, again = Cache(tmp_path / "cache"), Watched()
    first = ask(where, Toy(), cache=cache)
    for path in cache.entries():
        if "a" in (cache.get(path.stem) or {}):  # activations; results stay
            path.unlink()
    toy.same(toy.content(ask(where, again, cache=cache)), toy.content(first))
    assert again.threads == []


def test_a_processor_that_reads_does_not_run_ahead(where: Path) -> None:
    if computes_alone("auto"):
        pytest.skip("there is a GPU")
    model = Watched()
    ask(where, model)
    assert ahead(model) == 0
    with pytest.raises(UsageError, match="0 CUDA devices"):
        computes_alone("cuda")


def test_a_pass_is_left_at_the_next_batch_when_reading_fails() -> None:
    notes, begun, done = toy.Notes(), threading.Event(), threading.Event()
    forward = Forward(source=None, progress=notes)  # type: ignore[arg-type] # it is not run

    def make(number: int) -> bool:
        assert number == 0  # the next is not begun
        forward.progress.note("a note")
        begun.set()
        for _ in range(10_000):
            forward.progress.advance(1)
            done.wait(0.001)
        raise AssertionError("nobody stopped it")

    def read() -> None:
        with Ahead(forward, make) as thread:
            thread.begin(0)
            thread.begin(1)
            begun.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read()
    assert forward.progress is notes
    assert notes.notes == ["a note"]

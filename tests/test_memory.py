"""Where memory runs out, batches are halved and nothing is lost or counted twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from mi_hypotheses import Attends, Fires, PreviousToken, Regex, bridge, category
from mi_hypotheses.cache import Cache
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.fused import FusedPath
from mi_hypotheses.memory import first_line, is_out_of_memory
from mi_hypotheses.models import resolve
from mi_hypotheses.reports import Report
from mi_hypotheses.scan import ScanOptions, Subject, scan
from tests import toy
from tests.small_models import native, tiny_gpt2
from tests.toy import Toy

Claims = list[Fires | Attends]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus") / "texts.jsonl")


@pytest.fixture(scope="module")
def claims(where: Path) -> Claims:
    return toy.claims(where)


def ask(
    claims: Sequence[Fires | Attends],
    model: Toy,
    *,
    batch_size: int = 32,
    notes: toy.Notes | None = None,
    cache: Cache | None = None,
) -> Report:
    return run(
        claims,
        options=RunOptions(device="cpu", batch_size=batch_size),
        cache=cache or Cache.temporary(),
        plugins=toy.plugins(model),
        progress=notes,
    )


@pytest.fixture(scope="module")
def whole(claims: Claims) -> Report:
    """What an undisturbed run says."""
    report = ask(claims, Toy())
    assert "error" not in {result.verdict.status for result in report.results}
    return report


def test_a_batch_that_is_too_large_is_halved_and_nothing_changes(
    claims: Claims, whole: Report
) -> None:
    model, notes = Toy(room=3), toy.Notes()
    report = ask(claims, model, notes=notes)
    toy.same(toy.content(report), toy.content(whole))
    assert max(model.batches) == 2
    [note] = notes.notes
    assert "cpu ran out of memory on a batch of 32 windows" in note
    assert "goes on with batches of 2" in note
    assert "--batch-size" in note


def test_memory_that_runs_out_later_on_makes_batches_smaller_still(
    claims: Claims, whole: Report
) -> None:
    class Filling(Toy):
        def _run(self, tokens: torch.Tensor) -> None:
            self.room = 20 if len(self.batches) < 5 else 4
            super()._run(tokens)

    model, notes = Filling(), toy.Notes()
    toy.same(toy.content(ask(claims, model, notes=notes)), toy.content(whole))
    assert [note.partition("batch of ")[2].partition(" ")[0] for note in notes.notes] == [
        "32",
        "16",
    ]
    assert model.batches[-1] <= 4


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: not enough memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_what_out_of_memory_looks_like(where: Path, error: Exception) -> None:
    model = Toy(room=4, out_of_memory=lambda: error)
    [result] = ask(toy.claims(where)[:1], model).results
    assert result.verdict.status != "error", result.verdict.reasons
    assert max(model.batches) == 4


def test_other_errors_are_no_lack_of_memory(where: Path) -> None:
    for error in (RuntimeError("shapes do not fit"), ValueError("out of memory"), OSError(12, "x")):
        assert not is_out_of_memory(error)
    model = Toy(room=4, out_of_memory=lambda: RuntimeError("shapes do not fit"))
    [result] = ask(toy.claims(where)[:1], model).results
    assert "shapes do not fit" in result.verdict.reasons[0]
    assert model.batches == []
    assert first_line(RuntimeError("CUDA out of memory.\nAdvice.")) == "CUDA out of memory"
    assert first_line(MemoryError()) == "MemoryError"


def test_too_little_memory_for_one_window_is_explained(claims: Claims) -> None:
    report = ask(claims, Toy(room=0))
    for result in report.results:
        assert result.verdict.status == "error"
        [reason] = result.verdict.reasons
        for said in ("cpu has too little memory for toy", "one window", "--batch-size", "--dtype"):
            assert said in reason
        assert "--device" in reason
        assert "(CUDA out of memory. Tried to allocate 2.00 GiB)" in reason
        assert "\n" not in reason


def test_what_was_scored_before_is_not_lost_with_the_rest(
    claims: Claims, whole: Report, tmp_path: Path
) -> None:
    cache = Cache(tmp_path)
    ask(claims[:2], Toy(), cache=cache)
    results = ask(claims, Toy(room=0), cache=cache).results
    for result, expected in zip(results[:2], whole.results, strict=False):
        toy.same(result.model_dump(mode="json"), expected.model_dump(mode="json"))
    assert {result.verdict.status for result in results[2:]} == {"error"}


def test_heads_that_do_not_fit_leave_neurons_alone(claims: Claims, whole: Report) -> None:
    class Wide(Toy):
        def attention(self, tokens: torch.Tensor, **_options: object) -> None:  # type: ignore[override] # fewer arguments
            raise torch.OutOfMemoryError(f"patterns of {len(tokens)}")

    results = ask(claims, Wide()).results
    for result, expected in zip(results, whole.results, strict=True):
        assert (result.verdict.status == "error") == (result.kind == "attends")
        if result.kind == "fires":
            toy.same(result.model_dump(mode="json"), expected.model_dump(mode="json"))


def test_weights_that_do_not_fit_are_explained(
    tmp_path: Path, where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(bridge, "load_native", refuse)
    model = native(tmp_path / "model")
    claim = toy.claims(where, model=str(model))[0]
    [result] = run(
        [claim], options=RunOptions(device="cpu", batch_size=32), cache=Cache.temporary()
    ).results
    assert "too little memory for the weights of" in result.verdict.reasons[0]
    assert "--dtype bfloat16" in result.verdict.reasons[0]


@category(names=["short", "long"])
def sizes(text: str) -> list[tuple[int, int, str]]:
    words = [match.span() for match in re.finditer(r"\S+", text)]
    return [(start, stop, "long" if stop - start > 4 else "short") for start, stop in words]


def scanned(where: Path, model: Toy, notes: toy.Notes) -> tuple[object, dict[str, object]]:
    """What a scan for all kinds of labels says, and its scores."""
    known = {claim.name: claim for claim in toy.claims(where)}
    length = known["length-known"]
    assert isinstance(length, Fires)
    found = scan(
        [
            Subject("hash", "Fires on hashes.", Regex("#")),
            Subject("length", "Fires on long words.", length.on),
            Subject("sizes", "Tells words by length.", sizes),
            Subject("back", "Attends to the token before.", PreviousToken()),
        ],
        model=toy.NAME,
        corpus=str(where),
        options=ScanOptions(exact=2),
        run_options=RunOptions(device="cpu", batch_size=32),
        cache=Cache.temporary(),
        plugins=toy.plugins(model),
        progress=notes,
    )
    matrix = {name: array.tolist() for name, array in found.matrix.items()}
    return found.report.model_dump(mode="json", exclude={"run"}), matrix


@pytest.fixture(scope="module")
def whole_scan(where: Path) -> tuple[object, dict[str, object]]:
    """What an undisturbed scan says."""
    return scanned(where, Toy(), toy.Notes())


def test_a_scan_is_halved_too(where: Path, whole_scan: tuple[object, object]) -> None:
    notes = toy.Notes()
    for left, right in zip(scanned(where, Toy(room=3), notes), whole_scan, strict=True):
        toy.same(left, right)
    [note] = notes.notes
    assert "out of memory" in note


@pytest.mark.parametrize(
    "fails",
    [
        lambda tokens, _calls: tokens > 60,
        lambda _tokens, calls: calls == 9,  # behind others of the same batch
        lambda _tokens, calls: calls in (20, 40, 41),
    ],
)
def test_memory_that_runs_out_while_a_scan_adds_up_halves_the_batch(
    where: Path,
    whole_scan: tuple[object, object],
    monkeypatch: pytest.MonkeyPatch,
    fails: Callable[[int, int], bool],
) -> None:
    compare, calls, failed = torch.gt, 0, 0

    def narrow(a: torch.Tensor, level: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
        nonlocal calls, failed
        calls += 1
        if fails(len(a), calls):
            failed += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return compare(a, level, out=out)

    monkeypatch.setattr(torch, "gt", narrow)
    notes = toy.Notes()
    for left, right in zip(scanned(where, Toy(), notes), whole_scan, strict=True):
        toy.same(left, right)
    assert failed
    assert "ran out of memory on a batch of 32 windows" in notes.notes[0]


def test_a_lack_of_memory_says_nothing_of_how_attention_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not make the slower path, which needs more memory, the one that is taken."""
    model = resolve(str(tiny_gpt2(tmp_path / "model"))).load(device="cpu")
    assert isinstance(model, bridge.BridgeModel)
    fused: FusedPath = model._fused_path
    assert fused.body is not None
    tokens = torch.tensor([[0, 5, 6, 7]])
    read: Callable[[int, torch.Tensor], None] = lambda _layer, _pattern: None  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(fused.body, "attention", _full)
        with pytest.raises(torch.OutOfMemoryError):
            model.attention(tokens, heads={0: [0]}, read=read)
    assert fused.body is not None
    model.attention(tokens, heads={0: [0]}, read=read)


def _full(*_args: object, **_options: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory.")

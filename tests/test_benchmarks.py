"""Benchmarks run, and what they write has its form. No time is asserted here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.measuring import Benchmark, Measured, Pairs, SkippedError, result
from benchmarks.table import table
from benchmarks.workplace import QUICK, Workplace

FIELDS = {"name", "what", "unit", "value", "target", "better", "met"}


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path, QUICK)


def benchmark(value: float | None, **changes: object) -> Benchmark:
    def measure(_: Workplace) -> Measured:
        if value is None:
            raise SkippedError("no such device")
        return Measured(value)

    fields = {"name": "one", "what": "one thing", "target": 2.0, **changes}
    return Benchmark(measure=measure, **fields)


def test_what_is_written_has_its_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "made" / "bench.json"
    assert main(["--quick", "heads-20-256", "labels", "--output", str(output)]) == 0
    lines = json.loads(output.read_text("utf-8"))
    assert [line["name"] for line in lines] == ["heads-20-256", "labels"]
    for line in lines:
        assert set(line) >= FIELDS
        assert line["value"] > 0
        assert line["better"] in ("higher", "lower")
        assert line["met"] is None or isinstance(line["met"], bool)
    printed = capsys.readouterr().out
    assert printed.strip() == table(lines)
    main(["--table", "--output", str(output)])
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("value", "better", "met"),
    [(2.0, "higher", True), (1.9, "higher", False), (2.0, "lower", True), (2.1, "lower", False)],
)
def test_a_target_is_met_or_the_line_says_why(
    workplace: Workplace, value: float, better: str, met: bool
) -> None:
    line = result(benchmark(value, better=better), workplace)
    assert line["met"] is met
    assert bool(line.get("why")) is not met


def test_a_line_without_a_target_is_neither_met_nor_missed(workplace: Workplace) -> None:
    line = result(benchmark(2.0, target=None), workplace)
    assert line["met"] is None
    assert "why" not in line


def test_what_cannot_be_run_keeps_its_line_and_says_why(workplace: Workplace) -> None:
    line = result(benchmark(None), workplace)
    assert (line["value"], line["met"]) == (None, None)
    assert line["why"] == "skipped: no such device"
    assert "- `one`: skipped: no such device" in table([line])


def test_a_failure_keeps_its_line_and_does_not_stop_the_others(workplace: Workplace) -> None:
    def fail(_: Workplace) -> Measured:
        raise RuntimeError("other numbers")

    line = result(Benchmark("one", "one thing", fail, target=2.0), workplace)
    assert (line["value"], line["met"], line["failed"]) == (None, None, True)
    assert line["why"] == "failed: RuntimeError: other numbers"


def test_the_ratio_is_the_median_over_pairs() -> None:
    assert Pairs((1.0, 4.0, 9.0), (1.0, 2.0, 3.0)).ratio == 2.0


def test_names_are_used_once() -> None:
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len({*names}) == len(names)


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "no benchmark 'nonsense'" in capsys.readouterr().err

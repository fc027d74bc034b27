"""`python -m benchmarks [NAME...] [--quick]`: run benchmarks and write `reports/bench.json`.

Results are written as they come; those that were asked for by name take the place of the last.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks import detecting, editing, gpu, labelling, memory, naive, running, scanning
from benchmarks.measuring import Benchmark, result
from benchmarks.table import table
from benchmarks.workplace import QUICK, Sizes, Workplace

OUTPUT = Path("reports") / "bench.json"
BENCHMARKS: tuple[Benchmark, ...] = (
    *running.BENCHMARKS,
    *naive.BENCHMARKS,
    *detecting.BENCHMARKS,
    *scanning.BENCHMARKS,
    *editing.BENCHMARKS,
    *memory.BENCHMARKS,
    *labelling.BENCHMARKS,
    *gpu.BENCHMARKS,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code is 1 if some of it failed, not if it was slow."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--quick", action="store_true", help="small sizes; the values mean nothing")
    parser.add_argument("--list", action="store_true", help="show the names")
    parser.add_argument("--table", action="store_true", help="print the last results as Markdown")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"[default: {OUTPUT}]")
    asked = parser.parse_args(arguments)
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    unknown = sorted({*asked.names} - {*known})
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(known)}")
    if asked.list:
        print("\n".join(f"{each.name:20} {each.what}" for each in BENCHMARKS))
    elif asked.table:
        print(table(_read(asked.output)))
    else:
        chosen = [known[name] for name in asked.names] or list(BENCHMARKS)
        kept = _read(asked.output) if asked.names else []
        lines = []
        for line in run_all(chosen, QUICK if asked.quick else Sizes()):
            lines.append(line)
            _write(asked.output, [*kept, *lines])
        print(table(lines))
        return int(any(line.get("failed") for line in lines))
    return 0


def _read(path: Path) -> list[dict[str, Any]]:
    """The last results; none where there is no such file."""
    if not path.exists():
        return []
    lines: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return lines


def _write(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Write one line for each benchmark, the last that there is, in the order of all."""
    by_name = {line["name"]: line for line in lines}
    ordered = [by_name[each.name] for each in BENCHMARKS if each.name in by_name]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")


def run_all(benchmarks: Sequence[Benchmark], sizes: Sizes) -> Iterator[dict[str, Any]]:
    """A line for each benchmark, in order, as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="mih-bench-") as directory:
        workplace = Workplace(Path(directory), sizes)
        for benchmark in benchmarks:
            began = time.perf_counter()
            print(f"{benchmark.name} ...", end=" ", file=sys.stderr, flush=True)
            with redirect_stdout(sys.stderr):  # what libraries print is no part of the table
                line = result(benchmark, workplace)
            spent = time.perf_counter() - began
            print(f"{line['value'] or line['why']} ({spent:.0f} s)", file=sys.stderr)
            yield line


if __name__ == "__main__":
    sys.exit(main())

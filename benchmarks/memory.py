"""Peak memory does not grow with the corpus."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.commands import run_plugin, write_plugin
from benchmarks.measuring import Benchmark, Measured
from benchmarks.workplace import Workplace

MODEL, CORPUS = "py-gelu-1l", "stdlib"


def _peak(workplace: Workplace, tokens: int) -> tuple[int, float]:
    """Peak bytes and seconds of a run on so many tokens, from an empty cache."""
    with tempfile.TemporaryDirectory(dir=workplace.directory) as directory:
        plugin = write_plugin(
            Path(directory) / "claim.py",
            model=MODEL,
            layer=0,
            pattern=r"#[^\n]*",
            corpus=CORPUS,
        )
        ended = run_plugin(plugin, cache=Path(directory) / "cache", tokens=tokens)
    return ended.peak_bytes, ended.seconds


def _growth(workplace: Workplace) -> Measured:
    few, many = workplace.sizes.memory_tokens
    small, large = _peak(workplace, few), _peak(workplace, many)
    details = {
        "tokens": [few, many],
        "peak (MB)": [round(peak / 1e6) for peak, _ in (small, large)],
        "seconds": [round(taken, 1) for _, taken in (small, large)],
    }
    return Measured(large[0] / small[0], details)


BENCHMARKS = (
    Benchmark(
        name="memory",
        what=f"peak memory of `mih run`, one claim about {MODEL}, 5M tokens over 0.5M tokens",
        measure=_growth,
        target=1.1,
        better="lower",
        why="Python, torch and the model are most of either; the rest is most likely what glibc "
        "keeps of freed memory, between two times that it is asked to give it back",
    ),
)

"""Results of benchmarks as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Line = Mapping[str, Any]

_SIGNS = {"higher": "≥", "lower": "≤"}
_MET = {True: "yes", False: "no", None: "–"}


def table(lines: Sequence[Line]) -> str:
    """The results, why targets were missed or benchmarks skipped, and the seconds by stage."""
    rows = _rows(["benchmark", "what", "value", "target", "met"], [_cells(line) for line in lines])
    reasons = [f"- `{line['name']}`: {line['why']}" for line in lines if line.get("why")]
    parts = ["\n".join(each) for each in (rows, reasons, _stages(lines)) if each]
    return "\n\n".join(parts)


def _cells(line: Line) -> list[str]:
    value, target, unit = line["value"], line["target"], line["unit"]
    unit = "" if unit == "x" else f" {unit}"
    found = "–" if value is None else f"{value:.3g}{unit}"
    wanted = "–" if target is None else f"{_SIGNS[line['better']]} {target:g}{unit}"
    return [f"`{line['name']}`", line["what"], found, wanted, _MET[line["met"]]]


def _stages(lines: Sequence[Line]) -> list[str]:
    """Seconds by stage of the last repetition, for the benchmarks that have stages."""
    told = {line["name"]: line.get("details", {}) for line in lines}
    staged = {name: details for name, details in told.items() if "stages (s)" in details}
    if not staged:
        return []
    stages = list(dict.fromkeys(s for details in staged.values() for s in details["stages (s)"]))
    return _rows(
        ["seconds", "bare forward", "run", *stages],
        [
            [
                f"`{name}`",
                f"{details['bare forward (s)'][-1]:.2f}",
                f"{details['run (s)'][-1]:.2f}",
                *(f"{details['stages (s)'].get(stage, 0):.2f}" for stage in stages),
            ]
            for name, details in staged.items()
        ],
    )


def _rows(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    lines = [titles, ["---"] * len(titles), *cells]
    return [f"| {' | '.join(line)} |" for line in lines]

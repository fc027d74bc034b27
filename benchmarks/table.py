"""Results of benchmarks as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SIGNS = {"higher": "≥", "lower": "≤"}
_MET = {True: "yes", False: "no", None: "–"}


def table(lines: Sequence[Mapping[str, Any]]) -> str:
    """The table, and below it why targets were missed or benchmarks skipped."""
    rows = ["| benchmark | what | value | target | met |", "| --- | --- | --- | --- | --- |"]
    rows += [f"| {' | '.join(_cells(line))} |" for line in lines]
    reasons = [f"- `{line['name']}`: {line['why']}" for line in lines if line.get("why")]
    return "\n".join([*rows, *([""] if reasons else []), *reasons])


def _cells(line: Mapping[str, Any]) -> list[str]:
    value, target, unit = line["value"], line["target"], line["unit"]
    unit = "" if unit == "x" else f" {unit}"
    found = "–" if value is None else f"{value:.3g}{unit}"
    wanted = "–" if target is None else f"{_SIGNS[line['better']]} {target:g}{unit}"
    return [f"`{line['name']}`", line["what"], found, wanted, _MET[line["met"]]]

"""The command line in a process of its own, as a user's shell would start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mi_hypotheses.cli.codes import ExitCode

ROOT = Path(__file__).parent.parent
_MIH = "import sys; from mi_hypotheses.cli import main; sys.exit(main(sys.argv[1:]))"

_PLUGIN = """
from mi_hypotheses import Fires, Neuron, Regex

CLAIM = Fires(
    name="edited",
    claim="A claim whose pattern is edited.",
    model={model!r},
    unit=Neuron(layer={layer}, index=5),
    on=Regex({pattern!r}),
    corpora=[{corpus!r}],
)
"""


@dataclass(frozen=True)
class Ended:
    """A process that has ended well."""

    seconds: float
    peak_bytes: int


def mih(*arguments: str) -> Ended:
    """Run `mih`, and see how long it took and how much memory it held at most.

    Raises:
        RuntimeError: it came to no result.
    """
    command = [sys.executable, "-c", _MIH, *arguments]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peak", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
    if told.get("code") not in (ExitCode.OK, ExitCode.FELL_SHORT):
        raise RuntimeError(f"mih {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return Ended(told["seconds"], told["peak_bytes"])


def run_plugin(plugin: Path, *, cache: Path, tokens: int, arguments: Sequence[str] = ()) -> Ended:
    """`mih run` of a plugin file on so many tokens."""
    return mih(
        "run",
        str(plugin),
        "--cache-dir",
        str(cache),
        "--limit-tokens",
        str(tokens),
        "--device",
        "cpu",
        "--quiet",
        "--output",
        str(plugin.parent / "report"),
        *arguments,
    )


def write_plugin(path: Path, *, model: str, layer: int, pattern: str, corpus: str) -> Path:
    """A plugin file with one claim about a neuron."""
    text = _PLUGIN.format(model=model, layer=layer, pattern=pattern, corpus=corpus)
    path.write_text(text, "utf-8")
    return path

"""The project's own baselines: each of its hypotheses has one that says something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mi_hypotheses.baselines import baseline_path, read_baseline
from mi_hypotheses.plugins import load_plugins

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(path for path in (ROOT / "plugins").glob("*.py") if path.name[0] != "_")
WHOLE = {"sentences": 29}  # corpora that have fewer documents


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_every_hypothesis_is_recorded_as_make_test_checks_it(plugin: Path) -> None:
    found = re.search(r"^CHECKED := plugins --limit (\d+)$", (ROOT / "Makefile").read_text(), re.M)
    assert found is not None
    recorded = read_baseline(baseline_path(plugin))
    collected = load_plugins(paths=[str(plugin)], named_corpora=[ROOT / "corpora"]).collect()
    asked = {
        (h.name, corpus, h.question_hash) for h in collected.hypotheses for corpus in h.corpora
    }
    assert {(r.name, r.corpus, r.question_hash) for r in recorded} == asked
    wanted = {r.corpus: WHOLE.get(r.corpus, int(found[1])) for r in recorded}
    assert {r.corpus: r.n_documents for r in recorded} == wanted


def test_hardly_any_is_undefined() -> None:
    recorded = [one for plugin in PLUGINS for one in read_baseline(baseline_path(plugin))]
    undefined = [one for one in recorded if one.verdict.status == "undefined"]
    assert len(undefined) < 0.05 * len(recorded)

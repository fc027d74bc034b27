"""The map of open problems: every command on it runs, and the page says what the data say.

The commands are parsed by the command line itself, with its engine taken out; what each would have
scored, scanned or looked at is then run on short excerpts of its corpora, as much at once as
goes together.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pytest

from mi_hypotheses import models, scan, unit_measurement
from mi_hypotheses.cache import Cache
from mi_hypotheses.cli import cli, running
from mi_hypotheses.context import Context
from mi_hypotheses.corpora import resolve
from mi_hypotheses.engine import RunOptions, Silent, run
from mi_hypotheses.hypotheses import Hypothesis, Neuron
from mi_hypotheses.models import ModelSource
from mi_hypotheses.plugins import Plugins, load_plugins
from mi_hypotheses.reports import LoadError, Report
from mi_hypotheses.scan import ScanOptions, Subject
from mi_hypotheses.scan_reports import ScannedSubject
from mi_hypotheses.text import Document
from tests.open_problems import PAGE, SERVED, Problem, page, read, sections

ROOT = PAGE.parent.parent
PROBLEMS = read()
COMMANDS = tuple(dict.fromkeys(command for each in PROBLEMS for command in each.commands))
ON_THE_HUB = tuple(dict.fromkeys(command for each in PROBLEMS for command in each.hub))
each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)


def _numbers() -> Iterator[tuple[int, int]]:
    """The problems that the page is about."""
    for section, first, last in [
        (1, 3, 8),
        (1, 12, 22),
        (2, 8, 8),
        (2, 12, 12),
        (2, 14, 15),
        (5, 22, 25),
        (6, 18, 21),
        (6, 36, 37),
        (9, 1, 9),
        (9, 13, 35),
        (9, 40, 45),
        (9, 50, 59),
    ]:
        yield from ((section, number) for number in range(first, last + 1))


def test_every_problem_of_the_map_has_its_line() -> None:
    assert [problem.place for problem in PROBLEMS] == list(_numbers())
    assert {problem.section for problem in PROBLEMS} == set(sections())


@each_problem
def test_a_problem_is_served_by_commands_or_says_why_not(problem: Problem) -> None:
    assert problem.served in SERVED
    assert problem.number in {"read", "counted"}
    assert problem.words.strip() == problem.words != ""
    assert problem.how.endswith(".")
    assert bool(problem.commands) == (problem.served != "no")
    assert problem.commands or not problem.hub


def test_the_page_is_made_of_the_data() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.open_problems"


@dataclass(frozen=True)
class Claims:
    """What a command would have scored."""

    hypotheses: Sequence[Hypothesis]
    untrained: bool


@dataclass(frozen=True)
class Search:
    """What a command would have scanned."""

    subjects: Sequence[Subject]
    model: str
    corpus: str
    options: ScanOptions


@dataclass(frozen=True)
class Look:
    """What a command would have looked at."""

    neuron: Neuron
    model: str
    corpus: str


Asked = Claims | Search | Look


class _EngineReachedError(Exception):
    """Ends a command where it would have called the engine."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked


def _run_engine(
    hypotheses: Sequence[Hypothesis], work: running.Work, *, load_errors: Sequence[LoadError] = ()
) -> None:
    assert not load_errors
    raise _EngineReachedError(Claims(hypotheses, work.settings.untrained))


def _scan(
    subjects: Sequence[Subject],
    *,
    model: str,
    corpus: str,
    options: ScanOptions,
    load_errors: Sequence[LoadError],
    **_rest: object,
) -> None:
    assert not load_errors
    raise _EngineReachedError(Search(subjects, model, corpus, options))


def _measure_unit(
    neuron: Neuron, source: ModelSource, corpus: str, *_: object, **__: object
) -> None:
    raise _EngineReachedError(Look(neuron, source.reference, corpus))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Asked]:
    """What each command asks of the engine."""
    found: dict[str, Asked] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("MIH_OUTPUT", str(tmp_path_factory.mktemp("reports")))
        patch.setenv("MIH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(running, "run_engine", _run_engine)
        patch.setattr(scan, "scan", _scan)
        patch.setattr(unit_measurement, "measure_unit", _measure_unit)
        for command in (*COMMANDS, *ON_THE_HUB):
            mih, *arguments = shlex.split(command)
            assert mih == "mih", command
            with pytest.raises(_EngineReachedError) as reached:
                cli.main([*arguments, "--quiet"], standalone_mode=False, obj=command)
            found[command] = reached.value.asked
    return found


def test_every_command_finds_what_it_asks_about(asked: dict[str, Asked]) -> None:
    for command, each in asked.items():
        if isinstance(each, Claims):
            assert each.hypotheses, command
        elif isinstance(each, Search):
            assert each.subjects, command


RANDOM = {"tokens:repeated": "tokens:repeated?documents=48&length=16-32"}
WHOLE = {"translations", "sentences"}  # their documents are short
AROUND = {  # what the commands look for there and is rare
    "stdlib": r"</[a-z]+>|<[a-z]+ \w+=|0x[0-9A-Fa-f]{2}",
    "sympy-prose": r"\\(?:frac|left|begin|mathrm|int|sum|sqrt)\b",
    "package:networkx": r"\bif\b[^\n:]*? in\b",
    "networkx-prose": r"\[\d+\]",
}
SOME_CHECKPOINTS = ("@step=0", "@step=900")  # of those of a model


def enough(model: str) -> bool:
    """Whether a model is run: of checkpoints two are."""
    return "@step=" not in model or model.endswith(SOME_CHECKPOINTS)


def excerpts(uri: str, folder: Path) -> str:
    """A corpus of excerpts from thirty documents of another, or of as many as it has."""
    if uri in RANDOM or uri in WHOLE:
        return RANDOM.get(uri, uri)
    path = folder / (uri.replace(":", "-") + ".jsonl")
    if not path.exists():
        documents = resolve(uri, named_dirs=[ROOT / "corpora"]).documents()
        chosen = islice(filter(None, (excerpt(each, AROUND.get(uri)) for each in documents)), 30)
        path.write_text("".join(json.dumps(each) + "\n" for each in chosen), "utf-8")
    return str(path)


def excerpt(document: Document, around: str | None) -> dict[str, str] | None:
    """A stretch from the middle of a document, or around the first match of a pattern."""
    text = document.text
    if around is None:
        return {"id": document.id, "text": text[len(text) // 3 :][:350]}
    if (match := re.search(around, text)) is None:
        return None
    return {"id": document.id, "text": text[max(match.start() - 60, 0) :][:800]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the excerpts lie."""
    return tmp_path_factory.mktemp("excerpts")


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return load_plugins(named_corpora=[ROOT / "corpora"])


@pytest.fixture(scope="module")
def reports(asked: dict[str, Asked], folder: Path, plugins: Plugins) -> list[Report]:
    """All that the commands claim, scored: without and with the floor of an untrained model."""
    made = []
    for untrained in (False, True):
        claims = {
            hypothesis.model_copy(update={"corpora": (excerpts(uri, folder),)}): None
            for command in COMMANDS
            if isinstance(each := asked[command], Claims) and each.untrained == untrained
            for hypothesis in each.hypotheses
            if enough(hypothesis.model)
            for uri in hypothesis.corpora[: None if "--corpus" in command else 1]
        }
        options = RunOptions(device="cpu", untrained=untrained)
        made.append(run([*claims], options=options, cache=Cache.temporary(), plugins=plugins))
    return made


def test_no_claim_of_a_command_is_an_error(reports: list[Report]) -> None:
    wrong = [
        (result.name, result.model, result.corpus, result.verdict.reasons)
        for report in reports
        for result in report.results
        if result.verdict.status == "error"
    ]
    assert wrong == []


def test_what_is_measured_is_more_than_nothing(reports: list[Report]) -> None:
    results = [result for report in reports for result in report.results]
    assert len(results) > 100
    assert all(result.n_tokens for result in results)
    judged = [result for result in results if result.verdict.status != "undefined"]
    assert len(judged) > len(results) / 2


@pytest.fixture(scope="module")
def scans(
    asked: dict[str, Asked], folder: Path, plugins: Plugins
) -> dict[str, list[ScannedSubject]]:
    """What each scan finds; all subjects of the same units and corpus are scanned at once."""
    searches = {c: each for c in COMMANDS if isinstance(each := asked[c], Search)}
    together: dict[object, dict[str, Search]] = {}
    for command, search in searches.items():
        units = (search.options.neurons, search.options.heads)
        together.setdefault((search.model, search.corpus, units), {})[command] = search
    cache = Cache.temporary()
    found: dict[str, list[ScannedSubject]] = {}
    for group in together.values():
        search = next(iter(group.values()))
        subjects = {
            subject.what.fingerprint(): subject
            for each in group.values()
            for subject in each.subjects
        }
        report = scan.scan(
            [replace(subject, name=name) for name, subject in subjects.items()],
            model=search.model,
            corpus=excerpts(search.corpus, folder),
            options=replace(search.options, top=1, exact=0),
            run_options=RunOptions(device="cpu"),
            cache=cache,
            plugins=plugins,
        ).report
        assert not report.errors, [*group]
        told = {each.name: each for each in report.subjects}
        for command, each in group.items():
            found[command] = [told[subject.what.fingerprint()] for subject in each.subjects]
    return found


def test_scans_find_units_unless_the_excerpts_have_too_little_of_what_is_asked(
    scans: dict[str, list[ScannedSubject]],
) -> None:
    """Forty short excerpts carry what is rare in two or three documents, which is no evidence."""
    empty = [command for command, subjects in scans.items() if not any(s.units for s in subjects)]
    lacking = [reason for c in empty for s in scans[c] for reason in s.undefined]
    assert len(empty) < len(scans) / 3, empty
    scarce = ("test tokens", "folds", "applies to only")
    assert all(any(words in reason for words in scarce) for reason in lacking), lacking


def test_every_neuron_that_is_looked_at_has_its_page(
    asked: dict[str, Asked], folder: Path, plugins: Plugins
) -> None:
    looks = dict.fromkeys(each for c in COMMANDS if isinstance(each := asked[c], Look))
    assert looks
    context = Context(RunOptions(device="cpu"), Cache.temporary(), plugins, Silent())
    for look in looks:
        page = unit_measurement.measure_unit(
            look.neuron,
            models.resolve(look.model),
            excerpts(look.corpus, folder),
            context,
            n_examples=5,
        )
        assert page.n_tokens
        assert page.top
        assert page.weights
        assert page.weights.promoted

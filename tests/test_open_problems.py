"""The map of open problems: every command on it runs, and the page says what the data say.

The commands are parsed by the command line itself, with its engine taken out; what each would have
scored is then scored in one run, on short excerpts of its corpora.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from mi_hypotheses.cache import Cache
from mi_hypotheses.cli import cli, running
from mi_hypotheses.corpora import resolve
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.hypotheses import Hypothesis
from mi_hypotheses.plugins import load_plugins
from mi_hypotheses.reports import LoadError, Report
from tests.open_problems import PAGE, SERVED, Problem, page, read, sections

ROOT = PAGE.parent.parent
PROBLEMS = read()
COMMANDS = tuple(dict.fromkeys(command for each in PROBLEMS for command in each.commands))
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
    if problem.served == "yes":
        assert problem.commands
    if problem.served == "no":
        assert not problem.commands
        assert not problem.later
    else:
        assert problem.commands or problem.later


def test_the_page_is_made_of_the_data() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.open_problems"


@dataclass
class Asked:
    """What a command would have scored."""

    hypotheses: Sequence[Hypothesis] = ()
    untrained: bool = False


class _EngineReachedError(Exception):
    """Ends a command where it would have called the engine."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Asked]]:
    """What each command asks of the engine."""
    found: dict[str, Asked] = {}
    current = Asked()

    def engine(
        hypotheses: Sequence[Hypothesis],
        work: running.Work,
        *,
        load_errors: Sequence[LoadError] = (),
    ) -> Report:
        assert not load_errors
        current.hypotheses, current.untrained = hypotheses, work.settings.untrained
        raise _EngineReachedError

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("MIH_OUTPUT", str(tmp_path_factory.mktemp("reports")))
        patch.setattr(running, "run_engine", engine)
        for command in COMMANDS:
            mih, *arguments = shlex.split(command)
            assert mih == "mih", command
            current = found[command] = Asked()
            with pytest.raises(_EngineReachedError):
                cli.main([*arguments, "--quiet"], standalone_mode=False, obj=command)
        yield found


def test_every_command_finds_what_it_asks_about(asked: dict[str, Asked]) -> None:
    for command, each in asked.items():
        assert each.hypotheses, command


RANDOM = {"tokens:repeated": "tokens:repeated?documents=48&length=16-32"}
WHOLE = {"translations", "sentences"}  # their documents are short


def excerpts(uri: str, folder: Path) -> str:
    """A corpus of excerpts from forty documents of another, or of as many as it has."""
    if uri in RANDOM or uri in WHOLE:
        return RANDOM.get(uri, uri)
    path = folder / (uri.replace(":", "-") + ".jsonl")
    if not path.exists():
        corpus = resolve(uri, named_dirs=[ROOT / "corpora"])
        documents = islice(corpus.documents(), 40)
        texts = ({"id": d.id, "text": d.text[len(d.text) // 3 :][:350]} for d in documents)
        path.write_text("".join(json.dumps(text) + "\n" for text in texts), "utf-8")
    return str(path)


@pytest.fixture(scope="module")
def reports(asked: dict[str, Asked], tmp_path_factory: pytest.TempPathFactory) -> list[Report]:
    """All that the commands ask, scored: without and with the floor of an untrained model."""
    folder = tmp_path_factory.mktemp("excerpts")
    made = []
    for untrained in (False, True):
        claims = {
            hypothesis.model_copy(update={"corpora": (excerpts(uri, folder),)}): None
            for command, each in asked.items()
            if each.untrained == untrained
            for hypothesis in each.hypotheses
            for uri in hypothesis.corpora[: None if "--corpus" in command else 1]
        }
        plugins = load_plugins(named_corpora=[ROOT / "corpora"])
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

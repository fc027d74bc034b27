"""Scores of heads are exact: they equal what is counted by hand where the attention is known.

Nothing here is computed with the package but the documents' groups: windows, targets, scores,
floors and slices are worked out once more from SCORING's definitions, query by query.
"""

from __future__ import annotations

import ast
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from transformer_lens import head_detector

from mi_hypotheses import bridge, measurement
from mi_hypotheses.cache import Cache
from mi_hypotheses.edges import BOS as AT_BOS
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.hypotheses import AnyHead, Attends, Head
from mi_hypotheses.links import MatchingBracket
from mi_hypotheses.models import resolve
from mi_hypotheses.patterns import PatternStore
from mi_hypotheses.reports import AttentionExample, DistanceBand, Report, Result, Slice
from mi_hypotheses.targets import (
    AfterPrevious,
    CurrentToken,
    DuplicateToken,
    FirstToken,
    Offset,
    PreviousToken,
    Target,
    target,
)
from mi_hypotheses.text import TokenView, group_of
from mi_hypotheses.tokenizing import Tokenizer
from tests import hand_set
from tests.hand_set import (
    BOS,
    BRACKET,
    COPIES,
    EARLY,
    FADING,
    HEADS,
    LATEST_COPY,
    PREVIOUS,
    TWO_BACK,
    UNIFORM,
    VOCABULARY,
    WINDOW,
    Pattern,
    Symbols,
    pattern_of,
)

Documents = dict[str, Symbols]
EdgeRule = Callable[[Sequence[str]], set[tuple[int, int]]]  # tokens → (query, key), key BOS = -1

# -- the truth, counted by hand -------------------------------------------------------------------


@dataclass(frozen=True)
class Query:
    """A token that attends: its attention [keys] in its window, of which key 0 is BOS."""

    token: str
    place: int  # in the window, from 0
    group: int
    row: Pattern
    targets: frozenset[int]  # keys

    @property
    def test(self) -> bool:
        return self.group >= 32

    @property
    def mass(self) -> float:
        return float(sum(self.row[key] for key in self.targets))

    @property
    def hit(self) -> float:
        """Whether the largest attention is on a target, shared out where several are largest."""
        row = self.row.copy()
        if 0 not in self.targets:
            row[0] = 0
        largest = {key for key in range(len(row)) if row[key] == row.max() > 0}
        return len(largest & self.targets) / max(len(largest), 1)

    def distance(self, key: int) -> int:
        return self.place + 1 - key

    @property
    def nearest(self) -> int | None:
        """The distance of the nearest target; None where BOS is the only one."""
        return min((self.distance(key) for key in self.targets if key), default=None)


def is_test(document: str) -> bool:
    return group_of(document) >= 32


def queries_of(documents: Documents, head: int, edges: EdgeRule) -> list[Query]:
    """All queries of a corpus, window by window; keys outside the window do not count."""
    found = []
    for name, tokens in documents.items():
        pairs = edges(tokens)
        for start in range(0, len(tokens), WINDOW):
            window = [BOS, *tokens[start : start + WINDOW]]
            pattern = pattern_of(head, window)
            for place, token in enumerate(window[1:]):
                keys = {key for query, key in pairs if query == start + place}
                targets = {key - start + 1 for key in keys if key >= start}
                targets |= {0} if AT_BOS in keys else set()
                row = pattern[place + 1, : place + 2]
                found.append(Query(token, place, group_of(name), row, frozenset(targets)))
    return found


def mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


@dataclass(frozen=True)
class Habit:
    """The head that knows only distances and BOS (key 0 is called None here) and whose attention
    by distance, over calibration queries with a target, is that of the head."""

    weights: dict[int | None, float]

    @classmethod
    def of(cls, queries: list[Query]) -> Habit:
        if id(queries) not in _HABITS:
            _HABITS[id(queries)] = queries, cls._fitted(queries)
        return _HABITS[id(queries)][1]

    @classmethod
    def _fitted(cls, queries: list[Query]) -> Habit:
        calibration = [query for query in queries if not query.test and query.targets]
        sums: dict[int | None, float] = Counter()
        seen: Counter[tuple[int | None, ...]] = Counter()
        for query in calibration:
            for key in range(len(query.row)):
                sums[query.distance(key) if key else None] += query.row[key]
            seen[tuple(query.distance(key) if key else None for key in range(len(query.row)))] += 1
        weights = {distance: value / len(calibration) for distance, value in sums.items()}
        for _ in range(300):  # Luce's choice model, by Hunter's steps
            shares: Counter[int | None] = Counter()
            for distances, n in seen.items():
                if total := sum(weights[distance] for distance in distances):
                    for distance in distances:
                        shares[distance] += n / total
            fitted = {d: sums[d] / shares[d] if sums[d] else 0.0 for d in weights}
            total = sum(fitted.values())
            fitted = {distance: weight / total for distance, weight in fitted.items()}
            moved = max(abs(fitted[d] - weights[d]) for d in weights)
            weights = fitted
            if moved < 1e-10:
                break
        return cls(weights)

    def mass(self, query: Query) -> float:
        """What the habit puts on a query's targets."""
        seen = {key: query.distance(key) if key else None for key in range(len(query.row))}
        total = sum(self.weights.get(distance, 0.0) for distance in seen.values())
        hit = sum(self.weights.get(seen[key], 0.0) for key in query.targets)
        return hit / total if total else 0.0


_HABITS: dict[int, tuple[list[Query], Habit]] = {}  # by the list, which is kept alive


def true_scores(queries: list[Query], *, windows: int, first_row: bool) -> dict[str, float]:
    """Every score, over test queries.

    `windows` is the number of test windows. `first_row` says whether the matrix of `mul` has the
    edge from each window's first token to BOS, as head_detector's previous token head has.
    """
    habit = Habit.of(queries)
    test = [query for query in queries if query.test]
    hits = [query for query in test if query.targets]
    idle = [query for query in test if not query.targets]
    mass = mean(query.mass for query in hits)
    first = frozenset({0} if first_row else ())
    under = sum(
        query.row[list(query.targets | (first if query.place == 0 else frozenset()))].sum()
        for query in test
    )
    scores = {
        "target_mass": mass,
        "hit_rate": mean(query.hit for query in hits),
        "lift_uniform": mass / mean(len(query.targets) / len(query.row) for query in hits),
        "bos_mass": mean(query.row[0] for query in hits),
        "coverage": len(hits) / len(test),
        "mul": under / (len(test) + windows),
    }
    if idle:
        scores["off_target_bos"] = mean(query.row[0] for query in idle)
    if expected := mean(habit.mass(query) for query in hits):
        scores["lift_position"] = mass / expected
    return scores


def true_floors(queries: list[Query], rivals: Iterable[list[Query]]) -> dict[str, set[float]]:
    """What the rivals get on test queries; several values where calibration ties.

    `rivals` are the same queries of the other heads.
    """
    habit, hits = Habit.of(queries), [q for q in queries if q.test and q.targets]
    known = [q for q in queries if not q.test and q.targets]
    at = Counter(q.distance(key) for q in known for key in q.targets if key)
    best = [distance for distance in at if at[distance] == max(at.values())]

    def offset(by: int) -> float:
        return mean(any(key and q.distance(key) == by for key in q.targets) for q in hits)

    others = (mean(q.mass for q in other if q.test and q.targets) for other in rivals)
    return {
        "target_mass.uniform": {mean(len(q.targets) / len(q.row) for q in hits)},
        "target_mass.position": {mean(habit.mass(q) for q in hits)},
        "target_mass.comparison_best": {max(others)},
        "hit_rate.fixed_offset": {offset(by) for by in best} or {0.0},
        "lift_position.position": {1.0},
    }


def count_windows(documents: Documents) -> int:
    """Windows of test documents."""
    return sum(-(-len(t) // WINDOW) for name, t in documents.items() if is_test(name))


# -- targets, said once more ----------------------------------------------------------------------


def back(by: int) -> EdgeRule:
    return lambda tokens: {(q, q - by) for q in range(by, len(tokens))}


def copies(tokens: Sequence[str]) -> set[tuple[int, int]]:
    return {(q, k) for q in range(len(tokens)) for k in range(q) if tokens[q] == tokens[k]}


def latest_copy(tokens: Sequence[str]) -> set[tuple[int, int]]:
    pairs = copies(tokens)
    return {(q, max(k for other, k in pairs if other == q)) for q, _ in pairs}


def copies_and_self(tokens: Sequence[str]) -> set[tuple[int, int]]:
    return copies(tokens) | {(q, q) for q in range(len(tokens))}


def after_copy(tokens: Sequence[str]) -> set[tuple[int, int]]:
    return {(q, k + 1) for q, k in copies(tokens)}


def to_bos(tokens: Sequence[str]) -> set[tuple[int, int]]:
    return {(q, AT_BOS) for q in range(len(tokens))}


def matching(tokens: Sequence[str]) -> set[tuple[int, int]]:
    pending, pairs = [], set()
    for place, token in enumerate(tokens):
        if token in hand_set.OPENING:
            pending.append(place)
        elif token in hand_set.CLOSING:
            pairs.add((place, pending.pop()))
    return pairs


def previous_or_bos(tokens: Sequence[str]) -> set[tuple[int, int]]:
    return back(1)(tokens) | to_bos(tokens)


TARGETS: dict[str, tuple[Target, EdgeRule]] = {
    "previous": (PreviousToken(), back(1)),
    "two-back": (Offset(2), back(2)),
    "bracket": (MatchingBracket(python=False), matching),
    "copies": (DuplicateToken(), copies),
    "copies-and-self": (DuplicateToken() | CurrentToken(), copies_and_self),
    "latest-copy": (DuplicateToken(choose="latest"), latest_copy),
    "after-copy": (AfterPrevious(within=None), after_copy),
    "bos": (FirstToken(), to_bos),
    "previous-or-bos": (PreviousToken() | FirstToken(), previous_or_bos),
}

# -- asking ---------------------------------------------------------------------------------------


def options(**changes: object) -> RunOptions:
    return RunOptions(device="cpu", **changes)  # type: ignore[arg-type] # of any field


@dataclass(frozen=True)
class Asker:
    """Asks about the hand-set model on a corpus."""

    model: Path
    corpus: Path

    def claim(
        self,
        to: Target,
        unit: Head | AnyHead | int,
        *,
        name: str = "claim",
        model: str = "",
        expect: dict[str, float] | None = None,
    ) -> Attends:
        return Attends(
            name=name,
            claim="Attends where it was set to.",
            model=model or str(self.model),
            unit=Head(layer=0, index=unit) if isinstance(unit, int) else unit,
            to=to,
            corpora=[str(self.corpus)],
            expect=expect or {"target_mass": 0.8},
        )

    def result(self, to: Target, unit: Head | AnyHead | int, **more: object) -> Result:
        claim = self.claim(to, unit, **more)  # type: ignore[arg-type] # of any argument
        [result] = run([claim], options=options(), cache=Cache.temporary()).results
        return result


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hand_set.hand_set_model(tmp_path_factory.mktemp("hand-set"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Documents]:
    """Letters and brackets in documents of up to three windows."""
    path = tmp_path_factory.mktemp("corpus") / "mixed.jsonl"
    return path, hand_set.corpus(path, hand_set.brackets, documents=64)


@pytest.fixture(scope="module")
def claims(model: Path, mixed: tuple[Path, Documents]) -> list[Attends]:
    """Every head on every target."""
    ask = Asker(model, mixed[0])
    return [
        ask.claim(TARGETS[to][0], head, name=f"{head}-{to}")
        for head, to in product(range(HEADS), TARGETS)
    ]


@pytest.fixture(scope="module")
def everything(claims: list[Attends]) -> Report:
    return run(claims, options=options(), cache=Cache.temporary())


@pytest.fixture(scope="module")
def truth(mixed: tuple[Path, Documents]) -> dict[str, list[Query]]:
    return {
        f"{head}-{to}": queries_of(mixed[1], head, TARGETS[to][1])
        for head, to in product(range(HEADS), TARGETS)
    }


def named(report: Report, head: int, to: str) -> Result:
    [result] = [result for result in report.results if result.name == f"{head}-{to}"]
    return result


def values(result: Result) -> dict[str, float]:
    """The scores that are defined."""
    assert result.verdict.status != "error", result.verdict.reasons
    return {name: s.value for name, s in result.scores.items() if s.value is not None}


NEAR = 1e-5  # attention is float32

# -- what the heads were made for -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "to"),
    [
        (PREVIOUS, "previous"),
        (TWO_BACK, "two-back"),
        (BRACKET, "bracket"),
        (COPIES, "copies-and-self"),
        (LATEST_COPY, "latest-copy"),
    ],
)
def test_a_head_that_does_as_claimed_scores_one(everything: Report, head: int, to: str) -> None:
    result = named(everything, head, to)
    assert result.verdict.status == "supported"
    assert values(result)["target_mass"] == pytest.approx(1, abs=NEAR)
    assert values(result)["hit_rate"] == pytest.approx(1, abs=NEAR)
    assert values(result)["bos_mass"] == pytest.approx(0, abs=NEAR)
    assert result.scores["target_mass"].low == pytest.approx(1, abs=NEAR)


@pytest.mark.parametrize(
    ("head", "to"),
    [(PREVIOUS, "previous"), (TWO_BACK, "two-back"), (BRACKET, "bracket")],
)
def test_a_head_that_rests_on_bos_is_seen_to(everything: Report, head: int, to: str) -> None:
    assert values(named(everything, head, to))["off_target_bos"] == pytest.approx(1, abs=NEAR)


@pytest.mark.parametrize(("head", "to"), [(PREVIOUS, "previous"), (TWO_BACK, "two-back")])
def test_a_claim_about_positions_is_no_rival_of_itself(
    everything: Report, head: int, to: str
) -> None:
    assert "lift_position" not in values(named(everything, head, to))


def test_even_attention_on_k_copies_and_itself_puts_k_in_k_plus_one_on_them(
    everything: Report, truth: dict[str, list[Query]]
) -> None:
    counts = [len(q.targets) for q in truth[f"{COPIES}-copies"] if q.test and q.targets]
    expected = mean(k / (k + 1) for k in counts)
    found = values(named(everything, COPIES, "copies"))
    assert found["target_mass"] == pytest.approx(expected, abs=NEAR)
    assert found["hit_rate"] == pytest.approx(expected, abs=NEAR)


@pytest.mark.parametrize("to", TARGETS)
def test_even_attention_has_no_lift_over_itself(
    everything: Report, truth: dict[str, list[Query]], to: str
) -> None:
    shares = [len(q.targets) / len(q.row) for q in truth[f"{UNIFORM}-{to}"] if q.test and q.targets]
    found = values(named(everything, UNIFORM, to))
    assert found["target_mass"] == pytest.approx(mean(shares), abs=NEAR)
    assert found["lift_uniform"] == pytest.approx(1, abs=NEAR)
    assert found.get("lift_position", 1.0) == pytest.approx(1, abs=1e-3)


# -- every head on every target -------------------------------------------------------------------


@pytest.mark.parametrize(("head", "to"), list(product(range(HEADS), TARGETS)))
def test_scores_are_exact(
    everything: Report,
    truth: dict[str, list[Query]],
    mixed: tuple[Path, Documents],
    head: int,
    to: str,
) -> None:
    result = named(everything, head, to)
    expected = true_scores(
        truth[result.name],
        windows=count_windows(mixed[1]),
        first_row=to in ("previous", "previous-or-bos"),
    )
    if TARGETS[to][0].positional:
        expected.pop("lift_position", None)
    assert values(result) == pytest.approx(expected, abs=NEAR, rel=NEAR)


@pytest.mark.parametrize(("head", "to"), list(product(range(HEADS), TARGETS)))
def test_floors_are_exact(
    everything: Report, truth: dict[str, list[Query]], head: int, to: str
) -> None:
    result = named(everything, head, to)
    rivals = [truth[f"{other}-{to}"] for other in range(HEADS) if other != head]
    expected = true_floors(truth[result.name], rivals)
    checked = set(expected) & set(result.floors)
    assert {"target_mass.uniform", "target_mass.comparison_best"} <= checked
    if to in ("bracket", "copies", "latest-copy", "after-copy"):
        assert checked == set(expected)
    for name in checked:
        assert result.floors[name] is not None, name
        assert any(result.floors[name] == pytest.approx(v, abs=NEAR) for v in expected[name]), name


def in_slice(part: Slice) -> Callable[[Query], bool]:
    """Which queries the slice says it is of."""
    if part.by == "token":
        return lambda query: query.token == ast.literal_eval(part.name)
    if part.name == "BOS":
        return lambda query: query.nearest is None
    numbers = [int(number) for number in part.name.replace("–", "-").split("-")]
    low, high = numbers[0], numbers[-1]
    if part.by == "position":
        return lambda query: low <= query.place <= high
    assert part.by == "distance"
    return lambda query: query.nearest is not None and low <= query.nearest <= high


@pytest.mark.parametrize(("head", "to"), list(product(range(HEADS), TARGETS)))
def test_slices_are_exact(
    everything: Report, truth: dict[str, list[Query]], head: int, to: str
) -> None:
    result = named(everything, head, to)
    hits = [query for query in truth[result.name] if query.test and query.targets]
    for part in result.slices:
        chosen = [query for query in hits if in_slice(part)(query)]
        assert part.n_tokens == len(chosen) > 0, (part.by, part.name)
        found = {name: score.value for name, score in part.scores.items()}
        if None in found.values():
            assert len(chosen) < 20 or len({query.group for query in chosen}) < 8
            continue
        expected = {
            "target_mass": mean(query.mass for query in chosen),
            "hit_rate": mean(query.hit for query in chosen),
        }
        assert found == pytest.approx(expected, abs=NEAR), (part.by, part.name)
    for by in ("position", "distance"):
        parts = [part for part in result.slices if part.by == by]
        assert sum(part.n_tokens for part in parts) == len(hits)
    tokens = Counter(query.token for query in hits)
    parts = [part for part in result.slices if part.by == "token"]
    assert 0 < len(parts) <= len(tokens)
    assert len({part.name for part in parts}) == len(parts)


@pytest.mark.parametrize(("head", "to"), list(product(range(HEADS), TARGETS)))
def test_counts_and_shares_are_exact(
    everything: Report,
    truth: dict[str, list[Query]],
    mixed: tuple[Path, Documents],
    head: int,
    to: str,
) -> None:
    result, documents = named(everything, head, to), mixed[1]
    test = [query for query in truth[result.name] if query.test]
    hits = [query for query in test if query.targets]
    assert (result.n_tokens, result.n_positive) == (len(test), len(hits))
    assert result.n_documents == sum(map(is_test, documents))
    assert result.n_groups == 32
    assert result.prevalence == pytest.approx(len(hits) / len(test))
    assert result.histogram is not None
    assert sum(result.histogram.positive) + sum(result.histogram.negative) == len(hits)

    told = result.attention
    assert told is not None
    assert told.n_edges == sum(len(query.targets) for query in hits)
    edges = TARGETS[to][1]
    copying = to in ("copies", "copies-and-self", "latest-copy", "after-copy")
    outside = sum(
        key >= 0
        and key // WINDOW < query // WINDOW
        and not (copying and query - key >= WINDOW)  # farther than any window reaches
        for tokens in documents.values()
        for query, key in edges(tokens)
    )
    assert sum(told.dropped.values()) == outside
    assert told.with_target is not None
    shares, mass = told.with_target, mean(query.mass for query in hits)
    resting = mean(0 if 0 in query.targets else query.row[0] for query in hits)
    assert shares.target == pytest.approx(mass, abs=NEAR)
    assert shares.bos == pytest.approx(resting, abs=NEAR)
    assert shares.elsewhere == pytest.approx(1 - mass - resting, abs=NEAR)

    for band in told.distances:

        def there(query: Query, band: DistanceBand = band) -> set[int]:
            keys = range(1, len(query.row))
            return {key for key in keys if band.low <= query.distance(key) <= band.high}

        attention = mean(sum(q.row[key] for key in there(q)) for q in hits)
        even = mean(len(q.targets & there(q)) / len(q.targets) for q in hits)
        assert band.attention == pytest.approx(attention, abs=NEAR)
        assert band.expected == pytest.approx(even, abs=NEAR)
    total = sum(band.attention or 0 for band in told.distances)
    assert total + mean(query.row[0] for query in hits) == pytest.approx(1, abs=NEAR)
    on_bos = mean((0 in query.targets) / len(query.targets) for query in hits)
    assert told.bos_expected == pytest.approx(on_bos, abs=NEAR)


def test_examples_need_no_window_to_be_run_again(
    claims: list[Attends], everything: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_again(*_: object) -> None:
        raise AssertionError("a window was run again")

    monkeypatch.setattr(PatternStore, "_read_rows", run_again)
    report = run(claims, options=options(), cache=Cache.temporary())
    assert report.results == everything.results


def test_examples_show_the_attention_that_there_is(
    everything: Report, mixed: tuple[Path, Documents]
) -> None:
    for head, to in ((FADING, "copies"), (BRACKET, "bracket"), (EARLY, "previous")):
        told = named(everything, head, to).attention
        assert told is not None
        assert told.typical
        for example in (*told.typical, *told.missed, *told.busy):
            assert is_test(example.document)
            tokens = mixed[1][example.document]
            seen = [token.text for token in example.tokens]
            places = [
                place
                for place in range(len(tokens))
                if tokens[place] == seen[example.query]
                and _agrees(example, pattern_of(head, _window(tokens, place)), place % WINDOW)
            ]
            assert places, example


def _window(tokens: Symbols, place: int) -> Symbols:
    start = place - place % WINDOW
    return [BOS, *tokens[start : start + WINDOW]]


def _agrees(example: AttentionExample, pattern: Pattern, place: int) -> bool:
    """Whether the strongest key shown is the strongest there is, and BOS has what it has."""
    on_bos, *row = pattern[place + 1].tolist()
    shown = max(token.attention or 0.0 for token in example.tokens)
    return bool(abs((example.bos or 0.0) - on_bos) < 1e-3 and abs(shown - max(row)) < 1e-3)


# -- rivals, parts of a claim, and what cannot be scored -------------------------------------------


def test_slices_show_a_claim_that_holds_at_some_positions_only(model: Path, tmp_path: Path) -> None:
    rng = random.Random(5)
    lengths = [31 if number % 9 == 8 else rng.randint(11, 12) for number in range(512)]
    names = hand_set.spread_ids(len(lengths))
    rng.shuffle(lengths)
    documents = {n: hand_set.letters(rng, k) for n, k in zip(names, lengths, strict=True)}
    path = tmp_path / "short.jsonl"
    hand_set.write_corpus(path, documents)
    result = Asker(model, path).result(PreviousToken(), EARLY, expect={"target_mass": 0.8})
    queries = queries_of(documents, EARLY, back(1))
    pooled = mean(query.mass for query in queries if query.test and query.targets)
    assert values(result)["target_mass"] == pytest.approx(pooled, abs=NEAR)
    assert pooled > 0.8
    assert result.verdict.status == "supported"
    by_position = {
        p.name: p.scores["target_mass"].value for p in result.slices if p.by == "position"
    }
    assert max(v for v in by_position.values() if v is not None) == pytest.approx(1, abs=NEAR)
    assert min(v for v in by_position.values() if v is not None) == pytest.approx(0, abs=NEAR)
    assert any("position" in reason for reason in result.verdict.reasons)


def dependency(tokens: Sequence[str]) -> set[tuple[int, int]]:
    """Two back for most queries, somewhere else for the others."""
    rng = random.Random("".join(tokens))
    pairs = set()
    for query in range(4, len(tokens)):
        elsewhere = rng.choice([key for key in range(max(query - 8, 0), query) if key != query - 2])
        pairs.add((query, query - 2 if rng.random() < 0.85 else elsewhere))
    return pairs


@target
def dependency_target(view: TokenView) -> Iterable[tuple[int, int]]:
    return dependency(view.strings)


def test_a_head_that_looks_two_back_does_not_pass_as_syntactic(
    model: Path, mixed: tuple[Path, Documents]
) -> None:
    path, documents = mixed
    result = Asker(model, path).result(dependency_target, TWO_BACK, expect={"target_mass": 0.5})
    expected = true_scores(
        queries_of(documents, TWO_BACK, dependency),
        windows=count_windows(documents),
        first_row=False,
    )
    assert values(result) == pytest.approx(expected, abs=NEAR)
    assert values(result)["target_mass"] > 0.8
    assert values(result)["lift_position"] == pytest.approx(1, abs=0.05)
    assert any("does not beat its floor" in reason for reason in result.verdict.reasons)


def test_a_head_that_follows_the_claim_beats_its_habit(everything: Report) -> None:
    result = named(everything, BRACKET, "bracket")
    assert values(result)["lift_position"] > 1.5
    assert not any("does not beat its floor" in reason for reason in result.verdict.reasons)


@target
def nowhere(view: TokenView) -> Iterable[tuple[int, int]]:  # noqa: ARG001 (as targets have it)
    return []


def test_a_target_that_never_applies_is_undefined(
    model: Path, mixed: tuple[Path, Documents]
) -> None:
    result = Asker(model, mixed[0]).result(nowhere, PREVIOUS)
    n = sum(len(tokens) for name, tokens in mixed[1].items() if is_test(name))
    assert result.verdict.status == "undefined"
    assert f"applies to 0 of the {n} test queries" in result.verdict.reasons[0]


def test_keys_outside_the_window_are_counted_and_not_scored(
    model: Path, mixed: tuple[Path, Documents]
) -> None:
    far = WINDOW + 4
    result = Asker(model, mixed[0]).result(Offset(far), PREVIOUS)
    assert result.verdict.status == "undefined"
    assert result.n_positive == 0
    assert result.attention is not None
    assert result.attention.n_edges == 0
    dropped = sum(max(len(tokens) - far, 0) for tokens in mixed[1].values())
    assert dropped > 0
    assert sum(result.attention.dropped.values()) == dropped
    assert "outside the window" in " ".join(result.attention.dropped)


@target
def ahead_of_letter_h(view: TokenView) -> Iterable[tuple[int, int]]:
    return [(q, q + 1) for q, text in enumerate(view.strings[:-1]) if text == "h"]


def test_an_edge_to_the_future_is_an_error_that_says_where(
    model: Path, mixed: tuple[Path, Documents]
) -> None:
    path, documents = mixed
    name, place = next(
        (name, tokens.index("h")) for name, tokens in documents.items() if "h" in tokens[:-1]
    )
    result = Asker(model, path).result(ahead_of_letter_h, PREVIOUS)
    assert result.verdict.status == "error"
    said = " ".join(result.verdict.reasons)
    assert repr(name) in said
    assert f"{place}" in said
    assert "'h'" in said
    assert repr(documents[name][place + 1]) in said


def test_min_context_leaves_out_the_first_queries_of_later_windows(
    model: Path, mixed: tuple[Path, Documents]
) -> None:
    path, documents = mixed
    claim = Asker(model, path).claim(DuplicateToken(), FADING)
    report = run([claim], options=options(min_context=6), cache=Cache.temporary())
    queries = [
        query
        for name, tokens in documents.items()
        for number, query in enumerate(queries_of({name: tokens}, FADING, copies))
        if number < WINDOW or query.place >= 6
    ]
    expected = true_scores(queries, windows=count_windows(documents), first_row=False)
    found = values(report.results[0])
    del expected["mul"], found["mul"]  # head_detector leaves out no rows
    assert found == pytest.approx(expected, abs=NEAR)
    assert report.results[0].n_tokens == sum(query.test for query in queries)


def test_without_bos_nothing_is_said_of_it(tmp_path: Path) -> None:
    model = hand_set.hand_set_model(tmp_path / "model", bos=False)
    rng = random.Random(3)
    longest = hand_set.N_CTX
    documents = {
        name: hand_set.letters(rng, rng.randint(8, longest)) for name in hand_set.spread_ids(128)
    }
    path = tmp_path / "letters.jsonl"
    hand_set.write_corpus(path, documents)
    result = Asker(model, path).result(DuplicateToken(), FADING)
    masses, shares = [], []
    for tokens in (tokens for name, tokens in documents.items() if is_test(name)):
        pattern = pattern_of(FADING, tokens)
        for query in sorted({query for query, _ in copies(tokens)}):
            keys = [key for other, key in copies(tokens) if other == query]
            masses.append(pattern[query, keys].sum())
            shares.append(len(keys) / (query + 1))
    found = values(result)
    assert found["target_mass"] == pytest.approx(mean(masses), abs=NEAR)
    assert found["lift_uniform"] == pytest.approx(mean(masses) / mean(shares), abs=NEAR)
    rows = sum(len(tokens) for name, tokens in documents.items() if is_test(name))
    assert found["mul"] == pytest.approx(sum(masses) / rows, abs=NEAR)
    assert {"bos_mass", "off_target_bos"}.isdisjoint(found)
    assert result.attention is not None
    assert result.attention.with_target is not None
    assert result.attention.with_target.bos is None

    nowhere = Asker(model, path).result(FirstToken(), FADING)
    assert nowhere.verdict.status == "undefined"
    assert nowhere.attention is not None
    assert sum(nowhere.attention.dropped.values()) == sum(map(len, documents.values()))


def test_a_bidirectional_model_may_look_ahead(
    tmp_path: Path, mixed: tuple[Path, Documents]
) -> None:
    model, (path, documents) = hand_set.hand_set_model(tmp_path / "model", causal=False), mixed
    result = Asker(model, path).result(Offset(-1), UNIFORM)
    test = [tokens for name, tokens in documents.items() if is_test(name)]
    lengths = [min(WINDOW, len(t) - start) for t in test for start in range(0, len(t), WINDOW)]
    shares = [1 / (length + 1) for length in lengths for _ in range(length - 1)]
    found = values(result)
    assert found["target_mass"] == pytest.approx(mean(shares), abs=NEAR)
    assert found["hit_rate"] == pytest.approx(
        mean(1 / length for length in lengths for _ in range(length - 1)), abs=NEAR
    )
    assert found["lift_uniform"] == pytest.approx(1, abs=NEAR)
    assert found["coverage"] == pytest.approx(len(shares) / sum(lengths), abs=NEAR)
    ahead = [part for part in result.slices if part.by == "distance"]
    assert [part.n_tokens for part in ahead] == [len(shares)]
    behind = Asker(model, path).result(PreviousToken(), PREVIOUS)
    assert values(behind)["target_mass"] == pytest.approx(1, abs=NEAR)


# -- searching ------------------------------------------------------------------------------------


@target
def by_first_token(view: TokenView) -> Iterable[tuple[int, int]]:
    by = 1 if view.strings[0] == "a" else 2
    return [(query, query - by) for query in range(by, len(view))]


def test_the_head_is_chosen_on_calibration_and_judged_on_test(model: Path, tmp_path: Path) -> None:
    rng = random.Random(7)
    documents = {
        name: ["b" if is_test(name) else "a", *hand_set.letters(rng, 20)]
        for name in hand_set.spread_ids(128)
    }
    path = tmp_path / "split.jsonl"
    hand_set.write_corpus(path, documents)
    for unit in (AnyHead(layer=0), AnyHead()):
        result = Asker(model, path).result(by_first_token, unit)
        assert result.unit == f"L0H{PREVIOUS}"
        assert result.searched is not None
        assert str(unit) in result.searched
        assert "best of 8" in result.searched
        assert "calibration" in result.searched
        assert values(result)["target_mass"] == pytest.approx(0, abs=NEAR)
        assert result.verdict.status == "refuted"


@pytest.mark.parametrize(("to", "head"), [("bracket", BRACKET), ("two-back", TWO_BACK)])
def test_a_search_finds_the_head(
    everything: Report, model: Path, mixed: tuple[Path, Documents], to: str, head: int
) -> None:
    result = Asker(model, mixed[0]).result(TARGETS[to][0], AnyHead(layer=0))
    assert result.unit == f"L0H{head}"
    assert result.scores == named(everything, head, to).scores


# -- the same, however it is run ------------------------------------------------------------------


def test_a_second_run_takes_all_from_the_cache(
    claims: list[Attends], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("the model was loaded")

    cache, some = Cache.temporary(), claims[:: len(TARGETS) + 1]
    first = run(some, options=options(), cache=cache)
    assert first.run.tokens_per_second is not None
    monkeypatch.setattr(bridge, "load_native", refuse)
    again = run(some, options=options(), cache=cache)
    assert again.run.tokens_per_second is None
    assert again.results == first.results
    assert {result.verdict.status for result in first.results} <= {"supported", "refuted"}


def same(left: object, right: object, where: str = "") -> None:
    """Equal, but for floats, which may differ by 1e-9 of themselves."""
    if isinstance(left, dict) and isinstance(right, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            same(left[key], right[key], f"{where}.{key}")
    elif isinstance(left, list) and isinstance(right, list):
        assert len(left) == len(right), where
        for number, pair in enumerate(zip(left, right, strict=True)):
            same(*pair, f"{where}[{number}]")
    elif isinstance(left, float):
        assert right == pytest.approx(left, rel=1e-9, abs=1e-12), where
    else:
        assert left == right, where


def same_results(left: Report, right: Report) -> None:
    for one, other in zip(left.results, right.results, strict=True):
        same(one.model_dump(mode="json"), other.model_dump(mode="json"), one.name)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_results_do_not_depend_on_the_batch_size(
    claims: list[Attends], everything: Report, batch_size: int
) -> None:
    other = run(claims, options=options(batch_size=batch_size), cache=Cache.temporary())
    same_results(everything, other)


@pytest.mark.parametrize("characters", [1, 700])
def test_results_do_not_depend_on_the_shards(
    claims: list[Attends],
    everything: Report,
    characters: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measurement, "SHARD_CHARACTERS", characters)
    some = slice(None, None, 5)
    other = run(claims[some], options=options(), cache=Cache.temporary())
    same_results(everything.model_copy(update={"results": everything.results[some]}), other)


# -- TransformerLens' head_detector ---------------------------------------------------------------

DETECTED: dict[str, tuple[Target, Callable[[torch.Tensor], torch.Tensor]]] = {
    "previous": (PreviousToken(), head_detector.get_previous_token_head_detection_pattern),
    "duplicate": (
        DuplicateToken(within=None),
        head_detector.get_duplicate_token_head_detection_pattern,
    ),
    "induction": (
        AfterPrevious(within=None),
        head_detector.get_induction_head_detection_pattern,
    ),
}


def detected(
    reference: str, documents: Iterable[Sequence[int]], *, layers: int, heads: int
) -> dict[str, float]:
    """head_detector's "mul" of each head and pattern, the mean over all rows of all documents."""
    model = resolve(reference).load(device="cpu")
    sums: dict[str, float] = {}
    rows = 0
    for ids in documents:
        tokens = torch.tensor([[0, *ids]])
        rows += tokens.shape[1]
        patterns: dict[int, torch.Tensor] = {}
        model.attention(
            tokens,
            heads={layer: range(heads) for layer in range(layers)},
            read=lambda layer, pattern: patterns.update({layer: pattern[0]}),  # noqa: B023 (read at once)
        )
        for (name, (_, matrix)), layer, head in product(
            DETECTED.items(), range(layers), range(heads)
        ):
            score = head_detector.compute_head_attention_similarity_score(
                patterns[layer][head],
                detection_pattern=matrix(tokens),
                exclude_bos=False,
                exclude_current_token=False,
                error_measure="mul",
            )
            unit = f"L{layer}H{head}-{name}"
            sums[unit] = sums.get(unit, 0.0) + score * tokens.shape[1]
    return {name: total / rows for name, total in sums.items()}


def found_mul(ask: Asker, model: str, *, layers: int, heads: int) -> dict[str, float]:
    units = [Head(layer=layer, index=head) for layer, head in product(range(layers), range(heads))]
    claims = [
        ask.claim(DETECTED[name][0], unit, name=f"{unit}-{name}", model=model)
        for name, unit in product(DETECTED, units)
    ]
    report = run(claims, options=options(), cache=Cache.temporary())
    return {result.name: values(result)["mul"] for result in report.results}


def test_mul_is_head_detectors_on_the_hand_set_model(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.jsonl"
    documents = hand_set.corpus(path, documents=96, longest=WINDOW)
    ids = [[VOCABULARY.index(s) for s in t] for name, t in documents.items() if is_test(name)]
    expected = detected(str(model), ids, layers=1, heads=HEADS)
    found = found_mul(Asker(model, path), str(model), layers=1, heads=HEADS)
    assert found == pytest.approx(expected, abs=1e-4)
    assert found[f"L0H{PREVIOUS}-previous"] > 0.9


def test_mul_is_head_detectors_on_a_shipped_model(model: Path, tmp_path: Path) -> None:
    rng = random.Random(11)
    words = ["self", "x", "return", "(", ")", "=", "0", "def f", ":", "\n    ", "# the", "list"]
    texts = {
        name: " ".join(rng.choices(words, k=rng.randint(10, 60)))
        for name in hand_set.spread_ids(48)
    }
    path = tmp_path / "texts.jsonl"
    lines = [json.dumps({"id": name, "text": text}) for name, text in texts.items()]
    path.write_text("\n".join(lines), "utf-8")
    tokenizer = resolve("py-attn-2l").tokenizer()
    assert isinstance(tokenizer, Tokenizer)
    encodings = tokenizer.encode([text for name, text in texts.items() if is_test(name)])
    ids = [encoding.ids.tolist() for encoding in encodings]
    assert max(map(len, ids)) < 256
    expected = detected("py-attn-2l", ids, layers=2, heads=8)
    found = found_mul(Asker(model, path), "py-attn-2l", layers=2, heads=8)
    assert found == pytest.approx(expected, abs=1e-4)
    assert max(found.values()) > 0.3


def test_a_search_with_nothing_to_choose_by_is_undefined(
    model: Path, mixed: tuple[Path, Documents]
) -> None:
    result = Asker(model, mixed[0]).result(nowhere, AnyHead())
    assert result.verdict.status == "undefined"
    assert result.unit == "H*"
    assert "the target applies to 0 of" in result.verdict.reasons[0]

"""A scan gives every unit the scores that a claim about it would get, and finds what is planted."""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from mi_hypotheses import (
    AnyNeuron,
    Attends,
    Fires,
    Head,
    Neuron,
    PreviousToken,
    Regex,
    neuron_scan,
    predicate,
    scan_sums,
    scan_view,
    target,
)
from mi_hypotheses.cache import Cache
from mi_hypotheses.cli import main
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.jobs import FiresJob
from mi_hypotheses.models import Site
from mi_hypotheses.neuron_scan import passes
from mi_hypotheses.reports import Score
from mi_hypotheses.scan import Scan, ScanOptions, Subject, scan
from mi_hypotheses.scan_page import render_scan
from mi_hypotheses.scan_reports import ScanReport
from mi_hypotheses.scan_view import render_scan_terminal
from mi_hypotheses.targets import DuplicateToken
from tests import toy
from tests.toy import LAYERS, NEURONS, Toy


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus") / "texts.jsonl", documents=240)


@pytest.fixture(scope="module")
def subjects(where: Path) -> list[Subject]:
    """A boolean, a numeric and a categorical label, and two targets."""
    known = {claim.name: claim for claim in toy.claims(where)}
    made = [
        Subject(name, known[f"{name}-known"].claim, known[f"{name}-known"].on)  # type: ignore[union-attr] # a neuron
        for name in ("hash", "length", "sort")
    ]
    made.insert(1, Subject("digit", "Fires on digits.", Regex(r"\d")))
    back, copy = PreviousToken(), DuplicateToken(within=None)
    return [*made, Subject("back", "Looks back.", back), Subject("copy", "Copies.", copy)]


def look(
    subjects: list[Subject],
    where: Path,
    *,
    options: ScanOptions | None = None,
    model: Toy | None = None,
    cache: Cache | None = None,
    batch_size: int = 32,
    notes: toy.Notes | None = None,
) -> Scan:
    return scan(
        subjects,
        model=toy.NAME,
        corpus=str(where),
        options=options or ScanOptions(exact=0),  # exact results take most of the time
        run_options=RunOptions(device="cpu", batch_size=batch_size),
        cache=cache or Cache.temporary(),
        plugins=toy.plugins(model or Toy()),
        progress=notes,
    )


@pytest.fixture(scope="module")
def cache() -> Cache:
    return Cache.temporary()


@pytest.fixture(scope="module")
def found(subjects: list[Subject], where: Path, cache: Cache) -> Scan:
    return look(subjects, where, cache=cache, options=ScanOptions())


def test_the_planted_units_are_found(found: Scan) -> None:
    best = {each.name: each.units[0] for each in found.report.subjects}
    assert [best[name].unit for name in ("hash", "digit", "back")] == ["L0N0", "L0N1", "L0H0"]
    for name in ("hash", "digit", "back"):
        assert best[name].test.value == pytest.approx(1)
        assert (best[name].q or 0) < 1e-6
    assert found.report.errors == ()
    assert found.report.family == 4 * LAYERS * NEURONS + 2 * LAYERS * toy.HEADS
    assert found.report.n_units == LAYERS * NEURONS + LAYERS * toy.HEADS


def test_scores_are_those_of_claims_about_the_same_units(
    found: Scan, subjects: list[Subject], where: Path
) -> None:
    units = [Neuron(layer=layer, index=index) for layer in range(LAYERS) for index in (0, 7, 23)]
    heads = [Head(layer=layer, index=index) for layer in range(LAYERS) for index in range(3)]
    common = {"claim": "As it says.", "model": toy.NAME, "corpora": [str(where)]}
    claims: list[Fires | Attends] = [
        Fires(name=f"{each.name}-{unit}", unit=unit, on=each.what, **common)
        for each in subjects[:4]
        for unit in units
    ]
    claims += [
        Attends(name=f"{each.name}-{head}", unit=head, to=each.what, **common)
        for each in subjects[4:]
        for head in heads
    ]
    report = run(
        claims,
        options=RunOptions(device="cpu"),
        cache=Cache.temporary(),
        plugins=toy.plugins(Toy()),
    )
    for result in report.results:
        name, _, unit = result.name.partition("-")
        prefix = "heads_" if result.kind == "attends" else ""
        row = found.matrix[f"{prefix}subjects"].tolist().index(name)
        column = found.matrix[f"{prefix}units"].tolist().index(unit)
        metric = {"attends": "target_mass"}.get(result.kind) or (
            "eta_squared" if result.label_kind == "categorical" else "pearson"
        )
        score = result.scores[metric].value
        assert found.matrix[f"{prefix}test"][row, column] == pytest.approx(score, abs=1e-6), (
            result.name
        )


def test_units_are_told_with_the_subjects_that_fit_them_best(found: Scan) -> None:
    names = found.matrix["subjects"].tolist()
    for each in found.report.units:
        if each.unit in found.matrix["units"].tolist():
            scores = found.matrix["test"][:, found.matrix["units"].tolist().index(each.unit)]
            best = max(range(len(names)), key=lambda row, of=scores: abs(np.nan_to_num(of[row])))
            assert each.fits[0].subject == names[best]
            assert each.fits[0].test == pytest.approx(scores[best])


def test_q_values_are_scipys_over_all_pairs(found: Scan) -> None:
    names = ("", "heads_")
    p, q = (
        np.concatenate([found.matrix[f"{name}{x}"].reshape(-1) for name in names]) for x in "pq"
    )
    assert len(q) == found.report.family
    np.testing.assert_allclose(q, stats.false_discovery_control(p), atol=1e-12)


def test_p_values_are_those_of_a_t_test_on_the_jackknife(found: Scan) -> None:
    neurons = [each for each in found.report.subjects if each.kind == "fires"]
    graded = [each.label_kind != "categorical" for each in neurons]
    test, error, chosen_by, p = (
        found.matrix[name][graded] for name in ("test", "error", "chosen_by", "p")
    )
    degrees = np.broadcast_to(found.matrix["folds"][graded][:, None] - 1, test.shape)
    certain = error == 0  # the planted unit
    assert (p[certain] == 0).all()
    z = test[~certain] / error[~certain] * np.sign(chosen_by[~certain])
    np.testing.assert_allclose(p[~certain], stats.t.sf(z, degrees[~certain]), rtol=1e-6)


def null(documents: int, with_label: int) -> scan_sums.Scored:
    """A label in some documents, and 1,000 units that have nothing to do with it but differ from
    document to document."""
    random = np.random.default_rng(0)
    sums = scan_sums.PartSums.empty(scan_sums.Rows(1, (), np.empty(0), np.empty(0)), 1000)
    for document in range(documents):
        part = 0 if document % 2 else 1 + document // 2 % scan_sums.FOLDS
        a = random.normal(size=1000) + random.normal(size=(30, 1000))
        c = (random.random(30) < 0.3) * float(document // 2 < with_label)
        sums.n[part] += 30
        sums.units[part] += a.sum(0), np.square(a).sum(0)
        sums.labels[part, :, 0] += c.sum()
        sums.products[part, 0] += c @ a
    return sums.boolean(0)


def test_p_values_know_that_documents_differ() -> None:
    p = null(200, 60).p
    for level in (0.2, 0.05, 0.01):
        assert np.mean(p < level) < 2 * level, level
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.1)


def test_a_label_that_lives_in_few_documents_has_no_p_value() -> None:
    assert np.isnan(null(200, 4).p).all()


@pytest.mark.parametrize("batch_size", [1, 5])
def test_scans_do_not_depend_on_the_batch_size(
    found: Scan, subjects: list[Subject], where: Path, batch_size: int
) -> None:
    other = look(subjects, where, batch_size=batch_size)
    for name, array in found.matrix.items():
        if array.dtype.kind == "U":
            assert array.tolist() == other.matrix[name].tolist()
        else:
            np.testing.assert_allclose(array, other.matrix[name], atol=2e-6, rtol=1e-5)


def test_a_second_scan_needs_no_model(
    found: Scan, subjects: list[Subject], where: Path, cache: Cache
) -> None:
    untouched = Toy()
    again = look(subjects, where, cache=cache, model=untouched, options=ScanOptions())
    assert untouched.batches == []
    assert again.report.model_copy(update={"run": found.report.run}) == found.report


@pytest.mark.parametrize(("room", "times"), [(60_000, 2), (40_000, 4), (1, 8)])
def test_scores_do_not_depend_on_how_often_the_corpus_is_gone_over(
    found: Scan,
    subjects: list[Subject],
    where: Path,
    monkeypatch: pytest.MonkeyPatch,
    room: int,
    times: int,
) -> None:
    monkeypatch.setattr(neuron_scan, "SUMS", room)
    notes, cache = toy.Notes(), Cache.temporary()
    other = look(subjects, where, notes=notes, cache=cache)
    assert [f"the corpus is gone over {times} times" in note for note in notes.notes] == [True]
    for name, array in found.matrix.items():
        if array.dtype.kind == "U":
            assert array.tolist() == other.matrix[name].tolist()
        else:
            np.testing.assert_allclose(array, other.matrix[name], rtol=1e-9, atol=1e-9)
    same = {"run": found.report.run, "results": found.report.results}
    toy.same(
        other.report.model_copy(update=same).model_dump(mode="json"),
        found.report.model_dump(mode="json"),
    )
    monkeypatch.undo()
    untouched = Toy()
    again = look(subjects, where, cache=cache, model=untouched)
    assert untouched.batches == []
    np.testing.assert_array_equal(again.matrix["test"], other.matrix["test"])


def test_a_scan_looks_only_for_what_was_not_looked_for_before(
    found: Scan, subjects: list[Subject], where: Path
) -> None:
    cache = Cache.temporary()
    look(subjects[:2], where, cache=cache)
    look(subjects[:4], where, cache=cache, options=ScanOptions(neurons=AnyNeuron(layer=0), exact=0))
    before = {*cache.entries()}
    both = look(subjects[:4], where, cache=cache)
    assert len({*cache.entries()} - before) == 2  # layer 1, two subjects
    np.testing.assert_allclose(both.matrix["test"], found.matrix["test"], atol=2e-6)


UNITS = 10
JOBS = [
    FiresJob(Fires(name="a", claim="A.", model="toy", unit=AnyNeuron(), on=Regex(each)), "corpus")
    for each in "abcd"
]


def size(jobs: int) -> int:
    """What the sums of boolean labels take on one site."""
    return scan_sums.bytes_of(scan_sums.Rows(jobs, (), np.empty(0), np.empty(0)), UNITS)


@pytest.mark.parametrize(
    ("room", "expected"),  # sites and jobs of each pass
    [
        (5 * size(4), [(5, 4)]),
        (2 * size(4), [(1, 4), (2, 4), (2, 4)]),
        (size(4), 5 * [(1, 4)]),
        (3 * size(2), [(2, 2), (2, 2), (3, 2), (3, 2)]),  # not quite two sites with all jobs
        (size(2), 10 * [(1, 2)]),
        (size(1), 20 * [(1, 1)]),
        (0, 20 * [(1, 1)]),
    ],
)
def test_passes_are_few_and_hold_every_pair_once(
    room: int, expected: list[tuple[int, int]]
) -> None:
    sites = [Site(layer) for layer in range(5)]
    made = passes(sites, JOBS, units=UNITS, room=room)
    assert [(len(some), len(jobs)) for some, jobs in made] == expected
    pairs = [pair for some, jobs in made for pair in itertools.product(some, jobs)]
    assert len(pairs) == len({*pairs}) == len(sites) * len(JOBS)


def test_one_unit_is_scanned_as_among_all(
    found: Scan, subjects: list[Subject], where: Path
) -> None:
    neuron, head = Neuron(layer=1, index=9), Head(layer=1, index=2)
    one = look(subjects, where, options=ScanOptions(neurons=neuron, heads=head, exact=0))
    assert one.report.asked == "L1N9, L1H2"
    for prefix, unit in (("", "L1N9"), ("heads_", "L1H2")):
        assert one.matrix[f"{prefix}units"].tolist() == [unit]
        column = found.matrix[f"{prefix}units"].tolist().index(unit)
        for name in ("chosen_by", "test", "error"):
            np.testing.assert_allclose(
                one.matrix[f"{prefix}{name}"][:, 0],
                found.matrix[f"{prefix}{name}"][:, column],
                atol=2e-6,
            )


def test_the_units_of_a_layer_are_scanned_as_among_all(
    found: Scan, subjects: list[Subject], where: Path
) -> None:
    layer = look(subjects[:4], where, options=ScanOptions(neurons=AnyNeuron(layer=1), exact=0))
    np.testing.assert_allclose(layer.matrix["test"], found.matrix["test"][:, NEURONS:], atol=2e-6)


def test_a_subject_that_fails_leaves_the_others(
    found: Scan, subjects: list[Subject], where: Path
) -> None:
    @predicate
    def broken(text: str) -> list[tuple[int, int]]:
        raise RuntimeError(f"no idea about {len(text)} characters")

    @target
    def ahead(view: object) -> list[tuple[int, int]]:
        return [(0, 1)] if view else []

    wrong = [Subject("broken", "Breaks.", broken), Subject("ahead", "Looks ahead.", ahead)]
    report = look([wrong[0], *subjects, wrong[1]], where).report
    assert [error.source for error in report.errors] == ["broken", "ahead"]
    assert "no idea about" in report.errors[0].message
    assert "edge to the future" in report.errors[1].message
    toy.same(
        [each.model_dump(mode="json") for each in report.subjects],
        [each.model_dump(mode="json") for each in found.report.subjects],
    )


def test_a_label_that_never_holds_has_no_scores(where: Path) -> None:
    report = look([Subject("never", "Never.", Regex("@@"))], where).report
    [subject] = report.subjects
    assert subject.units == ()
    assert "fewer than 20 positive test tokens" in subject.undefined[0]
    assert report.results == ()
    assert "never" in render_scan(report)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_units_that_are_not_finite_are_counted_and_touch_no_other(
    found: Scan, subjects: list[Subject], where: Path, value: float
) -> None:
    spoilt = {(0, 5): value, (1, 11): value}
    model = Toy(spoilt=spoilt, spoilt_heads={(1, 2): value})
    other = look(subjects, where, model=model, options=ScanOptions(exact=2))
    lost = [layer * NEURONS + index for layer, index in spoilt]
    assert np.isnan(other.matrix["test"][:, lost]).all()
    rest = np.setdiff1d(np.arange(LAYERS * NEURONS), lost)
    np.testing.assert_allclose(
        other.matrix["test"][:, rest], found.matrix["test"][:, rest], atol=2e-6
    )
    heads = np.arange(LAYERS * toy.HEADS - 1)  # the last is the one
    assert not np.isfinite(other.matrix["heads_test"][:, -1]).any()
    np.testing.assert_allclose(
        other.matrix["heads_test"][:, heads], found.matrix["heads_test"][:, heads], atol=2e-6
    )
    assert other.report.not_finite == 3
    assert other.report.not_finite_units == ("L0N5", "L1N11", "L1H2")
    assert other.report.constant == 0
    listed = {unit.unit for each in other.report.subjects for unit in each.units}
    assert listed.isdisjoint({"L0N5", "L1N11", "L1H2"})
    assert {result.verdict.status for result in other.report.results}.isdisjoint({"error"})


def terminal(report: ScanReport) -> str:
    console = Console(file=io.StringIO(), width=80)
    render_scan_terminal(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_subjects_whose_best_unit_does_not_hold_up_come_last(found: Scan) -> None:
    first, *others = scan_view.strongest_first(found.report)
    best = first.units[0].model_copy(update={"q": 0.9})
    chance = first.model_copy(update={"units": (best, *first.units[1:])})
    report = found.report.model_copy(update={"subjects": (chance, *others)})
    assert [each.name for each in scan_view.strongest_first(report)] == [
        *(each.name for each in others),
        first.name,
    ]


def test_subjects_with_the_same_best_unit_are_told_which(where: Path) -> None:
    same = [Subject(name, "Fires on '#'.", Regex(name)) for name in ("#", "#+")]
    told = terminal(look(same, where).report)
    assert len(re.findall(r"^#\+? +L0N0 ", told, re.MULTILINE)) == 2


def test_dead_neurons_are_told_apart_from_those_that_are_not_finite(
    subjects: list[Subject], where: Path
) -> None:
    model = Toy(spoilt={(1, 11): math.nan})
    model.tables = model.tables.clone()
    model.tables[0, :, 5:7] = 0
    report = look(subjects[:2], where, model=model).report
    assert (report.not_finite, report.not_finite_units, report.constant) == (1, ("L1N11",), 2)
    half = report.model_copy(update={"run": report.run.model_copy(update={"dtype": "float16"})})
    for told in (terminal, render_scan):
        assert "1 unit is not finite (NaN or infinite)" in told(report)
        assert "2 neurons are the same on all test tokens" in told(report)
        assert ("--dtype float32" in told(report), "--dtype float32" in told(half)) == (False, True)


def test_a_model_that_is_nowhere_finite_is_told_so(subjects: list[Subject], where: Path) -> None:
    nothing = Toy(spoilt={(layer, i): math.nan for layer in range(LAYERS) for i in range(NEURONS)})
    for subject in look(subjects[:2], where, model=nothing).report.subjects:
        assert subject.undefined == ("the activations of all units are not finite",)


def test_f1_is_shown_of_boolean_labels_and_marked_where_it_is_rough(
    found: Scan, subjects: list[Subject], where: Path
) -> None:
    exact, rough = found.report, look(subjects, where).report
    assert [each.units[0].f1 for each in rough.subjects if each.name == "hash"] == [1]
    assert {each.f1 for of in rough.subjects[2:] for each in of.units} == {None}
    for told in (terminal, render_scan):
        assert "~1.00" in told(rough)
        assert "~1.00" not in told(exact)
        assert "three thresholds" in told(rough)
    heads = look(subjects[4:], where).report
    assert "F1" not in terminal(heads) + render_scan(heads)


FLOORS = {
    "pearson.position": 0.125,
    "pearson.token_identity": 0.25,
    "ap.previous_token": 0.75,
    "spearman.position": 0.375,
    "target_mass.uniform": 0.875,
    "hit_rate.fixed_offset": 0.625,
}


@pytest.mark.parametrize(
    ("name", "floors"),
    [
        ("hash", ["0.250 token", "0.750 previous"]),
        ("length", ["0.250 token", "0.375 position"]),
        ("back", ["0.875 uniform", "0.625 fixed offset"]),
    ],
)
def test_beside_a_score_stands_its_own_floor(found: Scan, name: str, floors: list[str]) -> None:
    subject = next(each for each in found.report.subjects if each.name == name)
    best = f"{name}-{subject.units[0].unit}"
    results = [each.model_copy(update={"floors": FLOORS}) for each in found.report.results]
    update = {"results": [each for each in results if each.name == best]}
    one = found.report.model_copy(update={**update, "subjects": (subject,)})
    for told in (" ".join(terminal(one).split()), re.sub(r"<[^>]*>", " ", render_scan(one))):
        assert re.search(r"\[95%\]\s+its floor\s+q\s+\w+( \w+)?\s+its floor", told)
        assert re.search(rf"\]\s+{floors[0]}\s+\S*0.001\s+\S+\s+{floors[1]}", told)
    several = terminal(found.report.model_copy(update=update))
    floor = floors[0].partition(" ")[0]
    assert re.search(rf"^{name} .*\] +{floor} ", several, re.MULTILINE)


@pytest.mark.parametrize("which", ["all", "heads", "neurons", "one"])
def test_the_page_shows_what_was_found(
    found: Scan, subjects: list[Subject], where: Path, which: str
) -> None:
    parts = {"all": subjects, "heads": subjects[4:], "neurons": subjects[:4], "one": subjects[:4]}
    unit = Neuron(layer=0, index=0) if which == "one" else AnyNeuron()
    options = ScanOptions(neurons=unit, exact=1)
    made = found if which == "all" else look(parts[which], where, options=options)
    page = render_scan(made.report)
    assert page.startswith("<!")
    assert "<script" not in page
    for each in parts[which]:
        assert each.name in page
    assert ("L0N0" in page) == (which != "heads")
    assert ("L0H0" in page) == (which in ("all", "heads"))


# -- the command ----------------------------------------------------------------------------------

PLUGIN = """
from mi_hypotheses import Attends, Fires, Head, Neuron, PreviousToken, Regex, hookimpl
from tests import toy

MODEL = toy.Toy()


@hookimpl
def mi_load_model(reference):
    return MODEL if reference == toy.NAME else None
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Mih = Callable[..., Done]


@pytest.fixture
def mih(
    tmp_path: Path,
    where: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Mih]:
    """The command, in a project with a module that brings the model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in [name for name in os.environ if name.startswith("MIH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MIH_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "toy_model.py").write_text(PLUGIN, "utf-8")
    (tmp_path / "texts.jsonl").write_bytes(where.read_bytes())

    def call(*arguments: str) -> Done:
        capfd.readouterr()
        code = main([*arguments, "-p", "toy_model"])
        return Done(code, *capfd.readouterr())

    yield call
    sys.modules.pop("toy_model", None)


SCAN = ("scan", "regex:#", "previous-token", "-m", "toy", "--corpus", "texts.jsonl")


def test_what_is_written_is_collected_and_scores_the_same(mih: Mih, tmp_path: Path) -> None:
    done = mih(*SCAN, "--write", "claims/found.py", "-o", "out", "--top", "2")
    assert done.code == 0, done.err
    assert "L0N0" in done.out
    assert "L0H0" in done.out
    scanned = json.loads((tmp_path / "out" / "scan.json").read_text("utf-8"))
    exact = {result["name"]: result["scores"] for result in scanned["results"]}
    done = mih("run", "claims/found.py", "--json", "--no-cache", "--quiet")
    assert done.code == 0, done.out + done.err
    results = json.loads(done.out)["results"]
    assert {result["unit"] for result in results} >= {"L0N0", "L0H0"}
    for result in results:
        assert result["verdict"]["status"] == "supported"
        for name, score in result["scores"].items():
            expected = exact[result["name"]][name]["value"]
            assert Score(**score).value == pytest.approx(expected, abs=1e-6)
    with np.load(tmp_path / "out" / "matrix.npz") as matrix:
        assert matrix["test"].shape == (1, LAYERS * NEURONS)
        assert matrix["heads_test"].shape == (1, LAYERS * toy.HEADS)
    page, exact_page = (
        (tmp_path / "out" / f"{name}.html").read_text("utf-8") for name in ("scan", "report")
    )
    links = re.findall(r'href="report\.html#([^"]+)"', page)
    assert len(links) == len(exact)
    assert all(f'id="{link}"' in exact_page for link in links)


def test_patterns_are_read_as_the_options_say(mih: Mih) -> None:
    options = ("--flags", "i", "--group", "1", "--tokens", "last")
    patterns = ("regex:(a)b", r"regex:(\.)py")  # one that ends as a file's name does
    done = mih("scan", *patterns, "previous-token", *SCAN[3:], *options, "--exact", "0", "--json")
    assert done.code == 0, done.err
    *patterned, target = json.loads(done.out)["subjects"]
    assert [each["name"] for each in patterned] == ["(a)b", r"(\.)py"]
    for each in patterned:
        assert each["on"].endswith(", flags='i', group=1, tokens='last')")
    assert target["on"] == "PreviousToken()"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["regex:#", "-m", "toy", "-m", "other"], "A scan is of one model, and there are 2"),
        (["regex:#"], "Say which model to scan"),
        (["pyhton.comment", "-m", "toy"], "pyhton.comment"),
        (["feature:python.coment", "-m", "toy"], "Did you mean"),
        (["features:pyton.*", "-m", "toy"], "Did you mean 'features:python.*'?"),
        (["features:python.coment*", "-m", "toy"], "Did you mean 'features:python.comment'?"),
        (["features:nothing.*", "-m", "toy"], "No feature's name matches 'nothing.*'"),
        (["regex:#", "-m", "toy", "--unit", "L0H0"], "is a head, which is scanned for targets"),
        (["previous-token", "-m", "toy", "--unit", "N*"], "is a neuron, which is scanned for"),
        (["regex:#", "-m", "toy", "--unit", "neuron 7"], "is not a unit"),
        (["regex:(", "-m", "toy"], "("),
        (["regex:a(b)", "-m", "toy", "--group", "2"], "group"),
        (["regex:#", "-m", "toy", "--tokens", "frist"], "Did you mean 'first'"),
        (["regex:#", "-m", "toy", "--flags", "q"], "flag"),
        (["previous-token", "-m", "toy", "--tokens", "first"], "how to read regex:PATTERN"),
        (["regex:#", "-m", "toy", "--corpus", "a", "--corpus", "b"], "--corpus names 2"),
        (["regex:#", "-m", "toy", "--write", "claims.txt"], "claims.txt"),
        (["nowhere.py", "-m", "toy"], "nowhere.py"),
    ],
)
def test_a_scan_that_cannot_be_made_is_explained(mih: Mih, arguments: list[str], said: str) -> None:
    done = mih("scan", *arguments)
    assert (done.code, done.out) == (4, ""), done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert "\n" not in done.err.strip()


def test_a_feature_without_the_annotation_it_needs_is_an_error_and_no_empty_table(
    mih: Mih,
) -> None:
    done = mih("scan", "linguistic.noun", "-m", "toy", "--corpus", "texts.jsonl", "--quiet")
    assert (done.code, done.out) == (1, "")
    assert "mih scan: --pipeline" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-m", "not-there", "--corpus", "texts.jsonl"], "not-there"),
        (["-m", "toy", "--corpus", "none.jsonl"], "none.jsonl"),
        (["-m", "toy", "--corpus", "texts.jsonl", "--unit", "L9N*"], "no layer 9"),
        (["-m", "toy", "--corpus", "texts.jsonl", "--unit", "L0N999"], "no neuron 999"),
    ],
)
def test_a_model_corpus_or_unit_that_is_not_there_is_explained(
    mih: Mih, arguments: list[str], said: str
) -> None:
    done = mih("scan", "regex:#", *arguments)
    assert done.code in (1, 4)
    assert said in done.err
    assert "Traceback" not in done.err

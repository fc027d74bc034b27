"""Documents are annotated once, and what runs with spaCy rules makes of it."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from pathlib import Path

import numpy as np
import pytest
import spacy
from pydantic import ValidationError
from spacy.tokens import Doc, Token
from spacy.training import Example
from spacy.util import fix_random_seed

from mi_hypotheses import docbins, pipelines
from mi_hypotheses.annotation import DocumentDocs
from mi_hypotheses.cache import Cache
from mi_hypotheses.context import Stages
from mi_hypotheses.corpora import resolve
from mi_hypotheses.docbins import DocStore
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.errors import AnnotationError
from mi_hypotheses.features.catalogue import define
from mi_hypotheses.hypotheses import Fires, Neuron
from mi_hypotheses.models import resolve as resolve_model
from mi_hypotheses.pipelines import Pipeline, cut_at_lines
from mi_hypotheses.predicates import Predicate, Regex
from mi_hypotheses.regression import measured
from mi_hypotheses.reports import Report
from mi_hypotheses.shards import Shard, ShardStore, Window
from mi_hypotheses.spacy_rules import SpacyPattern, SpacyToken
from mi_hypotheses.text import Document, TokenView
from tests.planted import PLANTED, planted_model
from tests.small_pipelines import CALLS, saved


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("pipelines") / "tagger", "tests_tagger", names=True)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


TEXTS = ["The cats see Zoé.\n", "  dogs", "A cat\n\nsees 12 cats!"]


def shard_of(cache: Cache, *texts: str) -> Shard:
    store = ShardStore("c", resolve_model("py-gelu-1l"), cache, Window(64, None))
    return store.add(tuple(Document(str(i), "c", text) for i, text in enumerate(texts)))


def facts(doc: Doc) -> list[tuple[object, ...]]:
    return [
        (t.text, t.idx, t.whitespace_, t.pos_, t.tag_, str(t.morph), t.lemma_, t.norm_, t.ent_type_)
        for t in doc
    ]


# --- the cache -----------------------------------------------------------------------------------


def test_docs_come_back_from_the_cache_as_they_were(cache: Cache, tagger: str) -> None:
    shard = shard_of(cache, *TEXTS)
    CALLS.clear()
    made = DocStore(cache).annotated(shard, {tagger, "blank:en"})
    assert CALLS == TEXTS
    again = DocStore(cache).annotated(shard, {tagger, "blank:en"})
    assert CALLS == TEXTS
    direct = spacy.load(tagger)
    for text, first, second in zip(TEXTS, made.docs, again.docs, strict=True):
        assert facts(second.doc(tagger)) == facts(first.doc(tagger)) == facts(direct(text))
        assert second.doc("blank:en").text == text
        assert second.doc(tagger)[0].is_stop == direct(text)[0].is_stop


def test_annotation_is_by_text_and_pipeline_not_by_name(
    cache: Cache, tagger: str, tmp_path: Path
) -> None:
    DocStore(cache).annotated(shard_of(cache, *TEXTS), {tagger})
    CALLS.clear()
    other = tmp_path / "renamed"
    spacy.load(tagger).to_disk(other)
    DocStore(cache).annotated(shard_of(cache, *TEXTS), {str(other)})
    assert CALLS == []
    changed = tmp_path / "changed"
    nlp = spacy.load(tagger)
    nlp.meta["version"] = "9.9"
    nlp.to_disk(changed)
    DocStore(cache).annotated(shard_of(cache, *TEXTS), {str(changed)})
    assert CALLS == TEXTS


def test_only_texts_that_are_new_are_annotated(cache: Cache, tagger: str) -> None:
    DocStore(cache).annotated(shard_of(cache, *TEXTS), {tagger})
    CALLS.clear()
    longer = shard_of(cache, "A dog", TEXTS[2], "A dog", TEXTS[0])
    docs = DocStore(cache).annotated(longer, {tagger}).docs
    assert CALLS == ["A dog"]
    assert [each.doc(tagger).text for each in docs] == ["A dog", TEXTS[2], "A dog", TEXTS[0]]


def test_damaged_annotation_is_made_anew(cache: Cache, tagger: str) -> None:
    shard = shard_of(cache, *TEXTS)
    DocStore(cache).annotated(shard, {tagger})
    for path in cache.entries():
        path.write_bytes(path.read_bytes()[:-7] + b"garbage")
    CALLS.clear()
    DocStore(cache).annotated(shard, {tagger})
    assert CALLS == TEXTS


def test_plain_values_of_extensions_are_kept(cache: Cache, tmp_path: Path) -> None:
    Token.set_extension("tests_even", default=None)
    name = saved(tmp_path / "extended", "tests_extended")
    rule = SpacyPattern([{"_": {"tests_even": True}}], pipeline=name)
    shard = shard_of(cache, "a b c")
    for _ in range(2):
        view = DocStore(cache).annotated(shard, rule.pipelines).view(0)
        words = np.flatnonzero(rule.labels(view))
        assert [view.strings[word].strip() for word in words] == ["a", "c"]


def test_extensions_of_long_texts_stay_with_their_words(tmp_path: Path) -> None:
    Token.set_extension("tests_even", default=None, force=True)
    name = saved(tmp_path / "extended", "tests_extended")
    source = Pipeline(name, "en", Path(name), {})
    source.language.max_length = 12
    [doc] = source.docs(["a b c d\ne f g\n"])
    assert isinstance(doc, Doc)
    assert [word.text for word in doc if word._.tests_even] == ["a", "c", "\n", "e", "g"]


def test_annotation_of_another_version_is_not_used(
    cache: Cache, tagger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    DocStore(cache).annotated(shard_of(cache, *TEXTS), {tagger})
    CALLS.clear()
    monkeypatch.setattr(docbins, "_code_hash", lambda: "another")
    DocStore(cache).annotated(shard_of(cache, *TEXTS), {tagger})
    assert CALLS == TEXTS


def test_a_document_that_a_pipeline_fails_on_does_not_stop_the_others(
    cache: Cache, tmp_path: Path
) -> None:
    name = saved(tmp_path / "fails", "tests_fails")
    docs = DocStore(cache).annotated(shard_of(cache, "fine", "not naomi"), {name}).docs
    assert docs[0].doc(name).text == "fine"
    with pytest.raises(AnnotationError, match=r"fails' failed: no idea of Naomi"):
        docs[1].doc(name)


def test_what_did_not_fail_is_kept(cache: Cache, tmp_path: Path) -> None:
    name = saved(tmp_path / "fails", "tests_tagger", "tests_fails")
    DocStore(cache).annotated(shard_of(cache, "fine", "not naomi"), {name})
    CALLS.clear()
    DocStore(cache).annotated(shard_of(cache, "not naomi", "fine"), {name})
    assert set(CALLS) == {"not naomi"}


def test_a_pipeline_that_is_gone_is_said_for_each_document(cache: Cache) -> None:
    [docs] = DocStore(cache).annotated(shard_of(cache, "a"), {"en_not_there"}).docs
    with pytest.raises(AnnotationError, match="spacy download en_not_there"):
        docs.doc("en_not_there")


def test_words_without_a_token_are_counted(cache: Cache) -> None:
    shard = shard_of(cache, "zoé sees cats")
    store = DocStore(cache)
    store.annotated(shard, {"blank:en"})
    assert store.uncovered["blank:en"] == 0
    kept = np.flatnonzero(shard.starts < 5)  # no token for the last word
    cut = Shard(
        "k",
        shard.documents,
        shard.ids[kept],
        shard.starts[kept],
        shard.ends[kept],
        np.array([0, len(kept)]),
        shard.window,
    )
    store.annotated(cut, {"blank:en"})
    assert store.uncovered["blank:en"] == 1


# --- running pipelines ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def statistical(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tagger with weights that have seen one sentence."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("tagger")
    tags = {"tags": ["A", "B", "C", "A", "B"]}
    examples = [Example.from_dict(nlp.make_doc("The cats see Zoé."), tags)]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(10):
        nlp.update(examples, sgd=optimizer)
    path = tmp_path_factory.mktemp("pipelines") / "statistical"
    nlp.to_disk(path)
    return str(path)


def test_worker_processes_change_nothing(statistical: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Pipeline, "_alone")  # which would do what processes fail to
    texts = [f"{text} {number}" for number in range(20) for text in TEXTS]
    source = pipelines.pipeline(statistical)
    alone, many = (source.docs(texts, processes=n) for n in (1, 2))
    tags = [[word.tag_ for word in doc] for doc in alone if isinstance(doc, Doc)]
    assert len({tag for doc in tags for tag in doc}) > 1
    assert [[word.tag_ for word in doc] for doc in many if isinstance(doc, Doc)] == tags


def test_worker_processes_leave_the_start_method_open(statistical: str) -> None:
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(None, force=True)
    try:
        source = pipelines.pipeline(statistical)
        source._processes(10**6)
        source.docs(TEXTS * 3, processes=2)
        assert multiprocessing.get_start_method(allow_none=True) is None
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_worker_processes_are_for_much_text_and_weights(
    statistical: str, tagger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines, "cores", lambda: 3)
    assert pipelines.pipeline(statistical)._processes(10**6) == 3
    assert pipelines.pipeline(statistical)._processes(10**3) == 1
    assert pipelines.pipeline(tagger)._processes(10**6) == 1


def test_long_texts_are_cut_behind_line_ends() -> None:
    assert cut_at_lines("ab\ncd\nef", 6) == ["ab\ncd\n", "ef"]
    assert cut_at_lines("abcd efgh", 6) == ["abcd ", "efgh"]
    assert cut_at_lines("abcdefgh", 6) == ["abcdef", "gh"]
    assert cut_at_lines("", 6) == [""]
    rng = random.Random(0)
    for size in (1, 2, 5, 9):
        text = "".join(rng.choices("ab \n", k=100))
        pieces = cut_at_lines(text, size)
        assert "".join(pieces) == text
        assert max(map(len, pieces)) <= size


def test_a_text_longer_than_the_pipeline_takes_keeps_its_offsets() -> None:
    source = Pipeline("blank:en", "en", None, {})
    text = "Zoé sees cats.\n\nThe dogs  see her.\n" * 5
    source.language.max_length = 40
    [doc] = source.docs([text])
    assert isinstance(doc, Doc)
    assert doc.text == text
    assert [(word.text, word.idx) for word in doc if word.text == "dogs"] == [
        ("dogs", 20 + 35 * number) for number in range(5)
    ]


# --- runs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(planted_model(tmp_path_factory.mktemp("planted")))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> str:
    rng = random.Random(0)
    path = tmp_path_factory.mktemp("corpus") / "texts.jsonl"
    words = ["a", "cab", "#", "# #", "dé", "\n", "bad"]
    texts = [" ".join(rng.choices(words, k=rng.randint(5, 20))) for _ in range(120)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    return str(path)


def claims(model: str, corpus: str, *rules: Predicate) -> list[Fires]:
    return [
        Fires(
            name=f"n{number}",
            claim="Fires on '#'.",
            model=model,
            unit=Neuron(layer=0, index=PLANTED),
            on=rule,
            corpora=[corpus],
            expect={"f1": 0.9},
        )
        for number, rule in enumerate(rules)
    ]


def report(model: str, corpus: str, cache: Cache, *rules: Predicate) -> Report:
    return run(claims(model, corpus, *rules), options=RunOptions(device="cpu"), cache=cache)


def test_a_run_with_spacy_rules(
    model: str, corpus: str, cache: Cache, tmp_path: Path, tagger: str
) -> None:
    rules = [SpacyPattern([{"ORTH": "#"}]), SpacyToken(pos="X", text="#", pipeline=tagger)]
    CALLS.clear()
    first = report(model, corpus, cache, *rules)
    n_texts = len(list(resolve(corpus).documents()))
    assert len(CALLS) == n_texts
    assert [result.verdict.status for result in first.results] == ["supported", "supported"]
    assert first.results[0].scores["f1"].value == pytest.approx(1)
    by = {name: pipelines.pipeline(name).fingerprint for name in (tagger, "blank:en")}
    assert first.corpora[0].pipelines == by
    assert first.run.versions["spacy"] == spacy.__version__
    assert {*by.items()} <= {*measured(first)[0].versions.items()}
    assert set(first.run.stages) >= {"read, tokenise, label", "annotate", "forward"}
    again = report(model, corpus, cache, *rules)
    assert again.results == first.results
    assert len(CALLS) == n_texts
    fresh = report(model, corpus, Cache(tmp_path / "fresh"), *rules)
    assert fresh.results == first.results
    assert len(CALLS) == 2 * n_texts


def test_words_without_a_token_are_no_excluded_tokens(
    model: str, corpus: str, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report(model, corpus, cache, SpacyToken(text="#")).corpora[0].uncovered == {}
    monkeypatch.setattr(docbins, "_uncovered", lambda view, _: int("bad" in view.text))
    [read] = report(model, corpus, cache, SpacyToken(text="#")).corpora
    assert read.excluded == {}
    assert read.uncovered == {"blank:en": sum("bad" in d.text for d in resolve(corpus).documents())}


def test_an_edited_rule_needs_no_new_annotation(
    model: str, corpus: str, cache: Cache, tagger: str
) -> None:
    before = report(model, corpus, cache, SpacyToken(pos="DET", pipeline=tagger))
    CALLS.clear()
    after = report(model, corpus, cache, SpacyToken(pos="X", is_punct=True, pipeline=tagger))
    assert CALLS == []
    assert after.run.tokens_per_second is None
    assert before.results[0].n_positive != after.results[0].n_positive


def test_an_installed_pipeline_goes_by_its_name(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "en_tests"
    package.mkdir()
    saved(package / "en_tests-1.0", "tests_tagger")
    meta = json.loads((package / "en_tests-1.0" / "meta.json").read_text("utf-8"))
    (package / "meta.json").write_text(json.dumps({**meta, "name": "tests", "version": "1.0"}))
    (package / "__init__.py").write_text(
        "from spacy.util import load_model_from_init_py\n"
        "def load(**overrides):\n"
        "    return load_model_from_init_py(__file__, **overrides)\n"
    )
    (tmp_path / "en_tests-1.0.dist-info").mkdir()
    (tmp_path / "en_tests-1.0.dist-info" / "METADATA").write_text("Name: en_tests\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    rule = SpacyToken(pos="NOUN", pipeline="en_tests")
    view = DocStore(cache).annotated(shard_of(cache, "the cats"), rule.pipelines).view(0)
    assert "".join(view.strings[i] for i in np.flatnonzero(rule.labels(view))).strip() == "cats"
    with pytest.raises(ValidationError, match=r"'en_tests' has no entities \(ENT_TYPE\)"):
        SpacyToken(ent_type="PERSON", pipeline="en_tests")


def test_a_folder_that_is_not_there_is_no_package_to_install() -> None:
    with pytest.raises(ValidationError, match="there is no folder 'not/there'"):
        SpacyToken(pos="NOUN", pipeline="not/there")


def test_a_stage_within_another_counts_for_itself_alone() -> None:
    stages = Stages()
    with stages.timed("outer"):
        with stages.timed("inner"):
            time.sleep(0.05)
        with stages.timed("inner"):
            pass
    assert stages.seconds["inner"] >= 0.05
    assert stages.seconds["outer"] < 0.05


def test_runs_without_spacy_rules_have_no_such_stage(model: str, corpus: str, cache: Cache) -> None:
    assert "annotate" not in report(model, corpus, cache, Regex("#")).run.stages


def test_a_rule_that_cannot_be_answered_stays_with_its_hypothesis(
    model: str, corpus: str, cache: Cache
) -> None:
    done = report(model, corpus, cache, SpacyToken(pos="NOUN"), SpacyToken(text="#"))
    assert [result.verdict.status for result in done.results] == ["error", "supported"]
    assert "has no gold annotation" in done.results[0].verdict.reasons[0]
    assert "texts.jsonl:1" in done.results[0].verdict.reasons[0]


def test_features_are_annotated_once_as_well(tagger: str) -> None:
    made = define("t.noun", "nouns", SpacyToken(pos="NOUN", pipeline=tagger), "«cats»")
    assert made.pipelines == {tagger}


def test_without_preparation_a_rule_parses_for_itself(tagger: str) -> None:
    view = TokenView("cats", np.array([0], np.int32), np.array([4], np.int32))
    rule = SpacyToken(pos="NOUN", pipeline=tagger)
    CALLS.clear()
    assert rule.labels(view).tolist() == [1]
    assert SpacyToken(tag="NNS", pipeline=tagger).labels(view).tolist() == [1]
    assert CALLS == ["cats"]
    assert not DocumentDocs("cats").has_gold

"""What is kept of patterns equals what follows from the whole patterns, query by query."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mi_hypotheses.cache import Cache
from mi_hypotheses.edges import BOS
from mi_hypotheses.engine import Silent
from mi_hypotheses.forward import Forward
from mi_hypotheses.models import ModelSource, resolve
from mi_hypotheses.patterns import PatternStore, Question
from mi_hypotheses.queries import Queries, QueryStore
from mi_hypotheses.shards import Shard, ShardStore, Window
from mi_hypotheses.targets import (
    CurrentToken,
    DuplicateToken,
    FirstToken,
    Offset,
    PreviousToken,
    Target,
)
from mi_hypotheses.text import CALIBRATION_GROUPS, Document
from tests.small_models import native, tiny_bert, tiny_gpt2, tiny_llama

LAYER, HEAD = 1, 0
MODELS: dict[str, Callable[[Path], Path]] = {
    "native": lambda place: native(place, attn_only=True),
    "gpt2": tiny_gpt2,
    "llama": tiny_llama,
    "bert": tiny_bert,
}


def documents(count: int = 12) -> tuple[Document, ...]:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list(string.ascii_lowercase), 3)) for _ in range(6)]
    texts = [" ".join(rng.choice(words, 2 + 3 * n)) for n in range(count)]
    return tuple(Document(id=f"d{n}", corpus="c", text=text) for n, text in enumerate(texts))


@pytest.fixture(scope="module", params=MODELS)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelSource:
    place = tmp_path_factory.mktemp("models") / request.param
    return resolve(str(MODELS[request.param](place)))


def made(source: ModelSource, *, batch_size: int = 4) -> tuple[PatternStore, Shard]:
    cache = Cache.temporary()
    window = Window(source.n_ctx - int(source.bos_id is not None), source.bos_id)
    shards = ShardStore("c", source, cache, window)
    forward = Forward(source, Silent(), device="cpu", batch_size=batch_size)
    return PatternStore(forward, cache), shards.add(documents())


def asked(store: PatternStore, shard: Shard, target: Target) -> tuple[str, Queries]:
    causal = store.forward.source.info.causal
    queries = QueryStore(store.cache, "c", causal=causal)
    key = queries.label(target, shard, {})
    return key, queries.load(key, target, shard)


def whole_rows(store: PatternStore, shard: Shard) -> list[np.ndarray]:
    """For each token of the shard its attention in all heads of the layer, [head, key], a window
    at a time by the model's own hooks."""
    rows = []
    bos = shard.window.bos_id
    for start, length in shard.windows():
        ids = [*([] if bos is None else [bos]), *shard.ids[start : start + length].tolist()]
        found: dict[int, torch.Tensor] = {}
        heads = {LAYER: range(store.n_heads)}
        store.forward.model._read_hooks(
            torch.tensor([ids]), heads=heads, read=found.__setitem__, attention_mask=None
        )
        pattern = found[LAYER][0].numpy()
        rows += [pattern[:, q] for q in range(len(ids) - length, len(ids))]
    return rows


TARGETS = [
    PreviousToken(),
    DuplicateToken(),
    FirstToken() | Offset(2),
    CurrentToken(),
    DuplicateToken() | FirstToken(),
]


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_reductions_follow_from_whole_patterns(source: ModelSource, target: Target) -> None:
    store, shard = made(source)
    key, queries = asked(store, shard, target)
    looks = store.looks(shard, LAYER, HEAD, key, queries)
    rows = whole_rows(store, shard)
    bos = int(shard.window.bos_id is not None)
    by_document = np.zeros((len(shard.documents), store.n_heads))
    profile = np.zeros_like(looks.profile)
    for number, token in enumerate(queries.tokens.tolist()):
        _, keys = queries.edges_of(np.array([number]))
        first = token - int(shard.window_position[token])
        columns = [0 if k == BOS else k - first + bos for k in keys.tolist()]
        row = rows[token]
        assert looks.mass[number] == pytest.approx(row[HEAD, columns].sum(), abs=1e-5)
        by_document[shard.document[token]] += row[:, columns].sum(axis=1)
        candidates = [k for k in range(row.shape[1]) if k >= bos or BOS in keys]
        best = max(row[HEAD, k] for k in candidates)
        ties = [k for k in candidates if row[HEAD, k] == best]
        hit = sum(k in columns for k in ties) / len(ties)
        near = sum(best - row[HEAD, k] < 1e-5 for k in candidates)
        assert looks.hit[number] == pytest.approx(hit, abs=1e-6) or near > 1
        test = int(shard.groups[shard.document[token]] >= CALIBRATION_GROUPS)
        for k in range(bos, row.shape[1]):
            distance = token - first - (k - bos)
            profile[test, shard.window.length - 1 + distance] += row[HEAD, k]
    np.testing.assert_allclose(looks.profile[HEAD % 2], profile[HEAD % 2], atol=1e-4)
    np.testing.assert_allclose(looks.profile, profile, atol=1e-4)
    np.testing.assert_allclose(store.layer_mass(shard, LAYER, key, queries), by_document, atol=1e-4)


def test_rows_and_bos_are_those_of_whole_patterns(source: ModelSource) -> None:
    store, shard = made(source)
    key, queries = asked(store, shard, PreviousToken())
    bos = store.bos(shard, LAYER, HEAD, key, queries)
    rows = whole_rows(store, shard)
    if shard.window.bos_id is None:
        assert np.isnan(bos).all()
    else:
        np.testing.assert_allclose(bos, [row[HEAD, 0] for row in rows], atol=1e-5)
    tokens = [0, 5, len(shard) - 1]
    for token, (on_bos, row) in store.rows(shard, LAYER, HEAD, tokens, asked=key).items():
        expected = rows[token][HEAD]
        if shard.window.bos_id is not None:
            assert on_bos == pytest.approx(expected[0], abs=1e-5)
            expected = expected[1:]
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_the_size_of_a_batch_changes_nothing(source: ModelSource) -> None:
    found = []
    for batch_size in (1, 5, 32):
        store, shard = made(source, batch_size=batch_size)
        key, queries = asked(store, shard, DuplicateToken())
        found.append(store.looks(shard, LAYER, HEAD, key, queries))
    for other in found[1:]:
        np.testing.assert_allclose(other.mass, found[0].mass, atol=1e-6)
        np.testing.assert_allclose(other.profile, found[0].profile, atol=1e-4)


def test_what_is_kept_is_not_asked_again(tmp_path: Path) -> None:
    source = resolve(str(native(tmp_path / "model")))
    store, shard = made(source)
    key, queries = asked(store, shard, PreviousToken())
    question = Question(LAYER, key, (HEAD, 1))
    store.make(shard, {question: queries})
    assert store.missing(shard, [question]) == []
    assert store.missing(shard, [Question(LAYER, key, (0, 1, 2))]) == [Question(LAYER, key, (2,))]
    assert store.missing(shard, [Question(0, key)]) == [Question(0, key)]
    store.forward.loaded = None
    store.looks(shard, LAYER, 1, key, queries)
    assert store.forward.loaded is None


def test_an_underflow_is_no_hit() -> None:
    """Where all attention rests on BOS, no other key is the largest."""
    from mi_hypotheses.forward import Batch
    from mi_hypotheses.patterns import _Places, _Reduction
    from tests.test_queries import queries, shard

    on = shard(3)
    batch = Batch(np.array([[0, 1, 2, 3]]), np.array([[0, 1, 2]]), np.ones((1, 3), dtype=np.bool_))
    pattern = torch.zeros(1, 1, 4, 4)
    pattern[..., 0] = 1
    reduction = _Reduction(on, queries(PreviousToken(), on), (0,), n_heads=1)
    reduction.addition(pattern, batch, _Places(batch, 3))()
    assert reduction.hit[:, 0].tolist() == [0, 0]
    assert json.dumps(reduction.mass[:, 0].tolist()) == "[0.0, 0.0]"

"""The hand-set model does what it says: everything exact about heads rests on it."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
import torch

from mi_hypotheses.models import ModelSource, resolve
from mi_hypotheses.text import group_of
from tests import hand_set
from tests.hand_set import BOS, BRACKET, EARLY, HEADS, N_CTX, VOCABULARY, WINDOW, pattern_of


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> ModelSource:
    return resolve(str(hand_set.hand_set_model(tmp_path_factory.mktemp("hand-set"))))


def windows() -> list[hand_set.Symbols]:
    """Full windows and shorter ones, BOS in front, of letters and of brackets, some of which were
    opened before."""
    rng = random.Random(1)
    lengths = [*range(1, WINDOW), *[WINDOW] * 8]
    makers = (hand_set.letters, hand_set.brackets)
    whole = [[BOS, *make(rng, length)] for make in makers for length in lengths]
    later = [[BOS, *hand_set.brackets(rng, 2 * WINDOW)[WINDOW:]] for _ in range(8)]
    return whole + later


def test_each_head_attends_by_its_rule(source: ModelSource) -> None:
    model = source.load(device="cpu")
    found: list[torch.Tensor] = []
    for window in windows():
        tokens = torch.tensor([[VOCABULARY.index(symbol) for symbol in window]])
        model.attention(
            tokens, heads={0: range(HEADS)}, read=lambda _, pattern: found.append(pattern[0])
        )
        for head in range(HEADS):
            expected = pattern_of(head, window)
            assert expected.sum(axis=1) == pytest.approx(1)
            difference = found[-1][head].numpy() - expected
            assert abs(difference).max() < 1e-6, (head, window)


def test_heads_that_rest_put_nothing_at_all_elsewhere(source: ModelSource) -> None:
    found: list[torch.Tensor] = []
    source.load(device="cpu").attention(
        torch.zeros(1, N_CTX, dtype=torch.long),
        heads={0: [EARLY, BRACKET]},
        read=lambda _, pattern: found.append(pattern[0]),
    )
    assert found[0][:, -1, 1:].eq(0).all()


def test_the_model_is_what_the_package_takes_it_for(source: ModelSource) -> None:
    assert (source.n_ctx, source.bos_id, source.info.n_heads) == (N_CTX, 0, HEADS)
    assert source.info.d_mlp is None
    assert source.info.causal
    assert source.tokenizer().decode(range(1, 4)) == "abc"


@pytest.mark.parametrize("make", [hand_set.letters, hand_set.brackets])
def test_a_corpus_fills_all_groups(tmp_path: Path, make: hand_set.Maker) -> None:
    documents = hand_set.corpus(tmp_path / "corpus.jsonl", make)
    assert Counter(group_of(name) for name in documents) == dict.fromkeys(range(64), 2)
    assert documents == hand_set.corpus(tmp_path / "again.jsonl", make)
    assert len({tuple(tokens) for tokens in documents.values()}) == len(documents)

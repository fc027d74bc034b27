"""Features of tokens and of position on a model's tokens, and predicates made by functions."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from mi_hypotheses.features.catalogue import feature
from mi_hypotheses.features.tokens import (
    follows,
    frequency_rank,
    ngram,
    ngrams,
    ranks_of,
    rare,
    split_word,
)
from mi_hypotheses.hypotheses import Fires, Neuron
from mi_hypotheses.jobs import FiresJob, Said
from mi_hypotheses.predicates import Predicate
from mi_hypotheses.shards import Shard, Window
from mi_hypotheses.text import Document, TokenView
from tests.test_predicates import view

TEXT = view("it", " is", " not", " so", ",", " it", " is", " not", " is")


def labelled(made: Predicate, on: TokenView = TEXT) -> list[int]:
    return np.flatnonzero(made.labels(on)).tolist()


def shard(*tokens: str, length: int) -> Shard:
    """One document in windows of that many tokens."""
    on = view(*tokens)
    ids = np.arange(len(on), dtype=np.int32)
    offsets = np.array([0, len(on)], dtype=np.int64)
    documents = (Document("d", "c", on.text),)
    return Shard("key", documents, ids, on.starts, on.ends, offsets, Window(length, None))


# --- made by functions ---------------------------------------------------------------------------


def test_ngram_labels_the_last_token_of_a_row() -> None:
    assert labelled(ngram(" is", " not")) == [2, 7]
    assert labelled(ngram("it", " is", " not")) == [2]
    assert labelled(ngram("it")) == [0]


def test_ngrams_label_the_last_token_of_several_rows() -> None:
    assert labelled(ngrams([[" is", " not"], [" so", ","], [" not", " is"]])) == [2, 4, 7, 8]


def test_follows_labels_the_token_behind_a_row() -> None:
    assert labelled(follows(" is", " not")) == [3, 8]
    assert labelled(follows(" not", " is")) == []  # the text ends there


def test_rows_of_tokens_are_not_empty() -> None:
    for rows in ([], [[]], [["a", ""]]):
        with pytest.raises(ValidationError):
            ngrams(rows)


def test_split_words_are_one_token_of_the_vocabulary() -> None:
    on = view("un", "able", " to", " g", "o", "n", "e", " (", "go", "ne")
    vocabulary = ["un", "unable", " gone", " to", "go"]
    assert labelled(split_word(vocabulary), on) == [0, 1, 3, 4, 5, 6, 8, 9]
    assert labelled(split_word(vocabulary, pieces=2), on) == [0, 1, 8, 9]
    last = split_word(vocabulary, pieces=2) & feature("tokens.word_end")
    assert labelled(last, on) == [1, 9]
    assert labelled(split_word(["other"]), on) == []


def test_ranks_of_documents_go_by_frequency_and_then_by_text() -> None:
    assert ranks_of([["b", "a", "b"], ["c", "b", "a"]]) == {"b": 1, "a": 2, "c": 3}


def test_rare_tokens_are_not_among_the_frequent_ones() -> None:
    ranks = ranks_of([TEXT.strings])
    frequent = [token for token, rank in ranks.items() if rank <= 2]
    assert frequent == [" is", " not"]
    assert labelled(rare(frequent)) == [0, 3, 4, 5]


def test_frequency_rank_is_one_behind_the_last_where_there_is_none() -> None:
    made = frequency_rank({" is": 1, " not": 2})
    assert made.numeric
    assert made.labels(TEXT).tolist() == [3, 1, 2, 3, 3, 3, 1, 2, 1]


def test_what_is_given_tells_predicates_apart() -> None:
    made = [
        ngram("a", "b"),
        ngrams([["a"], ["b"]]),
        follows("a", "b"),
        split_word(["a", "b"]),
        split_word(["a", "b"], pieces=2),
        split_word(["a"]),
        rare(["a"]),
        rare(["b"]),
        frequency_rank({"a": 1}),
        frequency_rank({"a": 2}),
    ]
    assert len({each.fingerprint() for each in made}) == len(made)
    assert rare(["a", "b"]).fingerprint() == rare(["b", "a"]).fingerprint()
    assert [each.written for each in made[:3]] == [
        "ngram('a', 'b')",
        "ngrams([['a'], ['b']])",
        "follows('a', 'b')",
    ]


# --- features ------------------------------------------------------------------------------------


def test_tokens_are_the_same_by_their_ids_where_there_are_any() -> None:
    on = view("a", "a", "b")
    by_id = TokenView(on.text, on.starts, on.ends, np.array([1, 2, 1], dtype=np.int32))
    assert labelled(feature("tokens.repeated"), on) == [1]
    assert labelled(feature("tokens.repeated"), by_id) == [2]


def test_a_space_that_no_token_has_leads_the_next_one() -> None:
    on = TokenView("a b c", np.array([0, 2, 3], np.int32), np.array([1, 3, 5], np.int32))
    assert labelled(feature("tokens.leading_space"), on) == [1, 2]
    assert labelled(feature("tokens.no_leading_space"), on) == [0]


def test_pieces_of_one_character_are_pieces_of_its_word() -> None:
    on = TokenView("é x", np.array([0, 0, 1], np.int32), np.array([1, 1, 3], np.int32))
    assert feature("tokens.pieces").labels(on).tolist() == [2, 2, 1]
    assert labelled(feature("tokens.word_end"), on) == [1]


@pytest.mark.parametrize("length", [1, 3, 5, 100])
def test_the_place_in_the_window_is_that_of_the_shard(length: int) -> None:
    cut = shard(*"abcdefghijk", length=length)
    labels = feature("position.window").labels(cut.view(0))
    np.testing.assert_array_equal(labels, cut.window_position)
    starts = feature("position.window_start").labels(cut.view(0))
    np.testing.assert_array_equal(starts, cut.window_position == 0)


def test_models_with_other_windows_have_labels_of_their_own() -> None:
    said = Said()
    claim = Fires(
        name="n",
        claim="c",
        model="m",
        unit=Neuron(layer=0, index=0),
        on=feature("position.window"),
        corpora=["x"],
    )
    for length in (3, 5):
        job, cut = FiresJob(claim, "x"), shard(*"abcdefg", length=length)
        job.label(cut, said)
        np.testing.assert_array_equal(job.labels_on(0, cut), cut.window_position)

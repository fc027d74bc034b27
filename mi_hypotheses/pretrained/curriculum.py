"""What the shipped models were trained on, and in which order.

Batch `i` depends on the seed and `i` alone, so that every model sees the same data in the same
order and a run that was stopped goes on as if it had not been. Two phases:

1. short windows that all repeat a stretch, half of random tokens and half of text. Previous-token
   and induction heads form here within a million tokens;
2. windows of the full context length: real text, and a share of repeats that keeps those heads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mi_hypotheses.corpora import resolve

BOS = "<|bos|>"
BOS_ID = 0
IGNORED = -100

CORPORA = (
    "stdlib",
    "stdlib#docstrings",
    "package:pandas",
    "package:pydantic",
    "package:rich",
)
HELD_OUT = ("package:networkx", "package:sympy")

Tokens = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of training with windows of one kind. Lengths are in tokens, BOS included."""

    steps: int
    batch: int
    window: int
    repeat_share: float
    longest_segment: int


SHORTEST_SEGMENT = 4
REPEATS = Phase(steps=2_000, batch=32, window=65, repeat_share=1.0, longest_segment=32)
TEXT = Phase(steps=0, batch=16, window=256, repeat_share=0.15, longest_segment=127)


def phase_of(step: int) -> Phase:
    """The phase that batch `step` belongs to; the second has no end of its own."""
    return REPEATS if step < REPEATS.steps else TEXT


def tokens_until(step: int) -> int:
    """How many tokens the first `step` batches hold, BOS not counted."""
    first = min(step, REPEATS.steps)
    return first * REPEATS.batch * (REPEATS.window - 1) + (step - first) * TEXT.batch * (
        TEXT.window - 1
    )


def batch_of(
    step: int, stream: npt.NDArray[np.uint16], *, d_vocab: int, seed: int
) -> tuple[Tokens, Tokens]:
    """Inputs and labels of batch `step`, each [batch, window - 1].

    Labels are `IGNORED` where nothing could predict them: the first copy of random tokens.
    """
    phase, rng = phase_of(step), np.random.default_rng((seed, step))
    windows = np.full((phase.batch, phase.window), BOS_ID, dtype=np.int64)
    labels = np.full((phase.batch, phase.window), IGNORED, dtype=np.int64)
    room = phase.window - 1
    for row in range(phase.batch):
        start, first = int(rng.integers(0, len(stream) - room)), 1
        if rng.random() >= phase.repeat_share:
            windows[row, 1:] = stream[start : start + room]
        else:
            length = int(rng.integers(SHORTEST_SEGMENT, phase.longest_segment + 1))
            if rng.random() < 0.5:
                segment, first = rng.integers(1, d_vocab, length), 1 + length
            else:
                segment = stream[start : start + length].astype(np.int64)
            windows[row, 1:] = np.resize(segment, room)
        labels[row, first:] = windows[row, first:]
    return windows[:, :-1], labels[:, 1:]


def training_texts(corpora: tuple[str, ...] = CORPORA) -> Iterator[str]:
    """The text of every document of `corpora`, in order."""
    for uri in corpora:
        for document in resolve(uri).documents():
            yield document.text


def train_tokenizer(texts: list[str], *, d_vocab: int) -> Tokenizer:
    """A byte-level BPE tokenizer of `d_vocab` entries whose entry 0 is BOS."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=d_vocab,
        special_tokens=[BOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def token_stream(tokenizer: Tokenizer, texts: list[str]) -> npt.NDArray[np.uint16]:
    """All texts as one array of token ids, each text after a BOS."""
    parts = []
    for start in range(0, len(texts), 256):
        for encoded in tokenizer.encode_batch(texts[start : start + 256], add_special_tokens=False):
            parts.append(np.array([BOS_ID, *encoded.ids], dtype=np.uint16))
    return np.concatenate(parts)

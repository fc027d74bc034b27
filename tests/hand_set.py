"""A model whose eight attention heads are set by hand, what they do in plain Python, and corpora.

TransformerLens native, one layer of attention, no normalisation. Tokens and positions are
one-hot in the residual stream and keys are the stream itself, so that a head's query weights are
the table of its scores: what a query of one token and position gives to a key of another. Scores
are whole multiples of `SHARP`, so that attention is all or nothing, except where it is even
(`COPIES`, `UNIFORM`) or halves from key to key (`FADING`).

One layer cannot count how deep brackets are nested. The vocabulary does it: `"("`, `"( "` and
`"(  "` are opening brackets at depth 1, 2 and 3, and so for closing ones.

In patterns and windows position 0 is BOS and the window's token `i` is at position `i + 1`.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge.sources.native import NativeModel

from mi_hypotheses.text import GROUPS, group_of

Symbols = list[str]
Maker = Callable[[random.Random, int], Symbols]
Pattern = NDArray[np.float64]  # [query, key]

# The heads, and where each looks from a query:
PREVIOUS = 0  # the token just before; BOS from the first token
TWO_BACK = 1  # two tokens back; BOS from the first two tokens
BRACKET = 2  # from a closing bracket the matching opening one; otherwise BOS
COPIES = 3  # all tokens equal to it, itself included, evenly
UNIFORM = 4  # everything it sees, BOS and itself included, evenly
EARLY = 5  # the token just before, as far as the window's first `EARLY_TOKENS`; then BOS
LATEST_COPY = 6  # the latest earlier copy of it; otherwise BOS
FADING = 7  # itself, half as much the token before, and so on to BOS

HEADS = 8
EARLY_TOKENS = 12
N_CTX = 32
WINDOW = N_CTX - 1  # a document's own tokens in a window

BOS = "<bos>"
LETTERS = [*"abcdefgh"]
OPENING, CLOSING = ["(", "( ", "(  "], [")", ") ", ")  "]
VOCABULARY = [BOS, *LETTERS, *OPENING, *CLOSING]

SHARP = 128  # between scores; exp(-128) is 0 in float32
D_MODEL = 64  # the vocabulary, the positions, and dimensions that stay empty

CONFIG: dict[str, Any] = {
    "architecture": "TransformerLensNative",
    "n_layers": 1,
    "d_model": D_MODEL,
    "n_heads": HEADS,
    "d_head": D_MODEL,
    "n_ctx": N_CTX,
    "d_vocab": len(VOCABULARY),
    "attn_only": True,
    "normalization_type": None,
}


def hand_set_model(directory: Path, *, bos: bool = True, causal: bool = True) -> Path:
    """Save the model to `directory` and return it.

    Without `bos` windows begin with their first token. Where it is not `causal`, tokens see those
    after them as well, and the heads' rules hold of `PREVIOUS`, `TWO_BACK` and `EARLY` alone.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "vocabulary.json").write_text(json.dumps(VOCABULARY), "utf-8")
    config = {**CONFIG, "training": {"bos_id": 0 if bos else None, "seed": 0}}
    config["attention_dir"] = "causal" if causal else "bidirectional"
    (directory / "config.json").write_text(json.dumps(config), "utf-8")
    shapes = NativeModel(TransformerBridgeConfig(**CONFIG)).state_dict()
    state = {name: torch.zeros_like(tensor) for name, tensor in shapes.items()}
    state["tok_embed.weight"][:, : len(VOCABULARY)] = torch.eye(len(VOCABULARY))
    state["pos.weight"][:, len(VOCABULARY) : len(VOCABULARY) + N_CTX] = torch.eye(N_CTX)
    scale = math.sqrt(D_MODEL)  # by which the model divides scores
    tables = [_table(head) * scale for head in range(HEADS)]
    state["layers.0.attn.q.weight"][:] = torch.cat([table.T for table in tables])
    state["layers.0.attn.k.weight"][:] = torch.eye(D_MODEL).repeat(HEADS, 1)
    save_file(state, directory / "model.safetensors")
    return directory


def _token(symbol: str) -> int:
    """The dimension of a symbol."""
    return VOCABULARY.index(symbol)


def _position(number: int) -> int:
    """The dimension of a position."""
    return len(VOCABULARY) + number


def _table(head: int) -> torch.Tensor:
    """The scores that dimensions of a query give to dimensions of a key: [query, key]."""
    table = torch.zeros(D_MODEL, D_MODEL)
    sharp, far = float(SHARP), float(SHARP * N_CTX)  # `far` outdoes any preference for late keys
    for query in range(N_CTX):
        row = table[_position(query)]
        if head in (PREVIOUS, TWO_BACK, EARLY):
            back = 2 if head == TWO_BACK else 1
            rests = head == EARLY and query > EARLY_TOKENS
            row[_position(0 if rests else max(query - back, 0))] = sharp
        elif head in (BRACKET, LATEST_COPY):
            for key in range(1, N_CTX):
                row[_position(key)] = sharp * key
            row[_position(0)] = far
            if head == LATEST_COPY and query:
                row[_position(query)] = -3 * far
        elif head == FADING:
            for key in range(N_CTX):
                row[_position(key)] = key * math.log(2)
    if head == BRACKET:
        for opening, closing in zip(OPENING, CLOSING, strict=True):
            table[_token(closing), _token(opening)] = 2 * far
    elif head in (COPIES, LATEST_COPY):
        for symbol in VOCABULARY:
            table[_token(symbol), _token(symbol)] = sharp if head == COPIES else 2 * far
    return table


# -- what the heads do, said without weights ------------------------------------------------------


def pattern_of(head: int, window: Sequence[str]) -> Pattern:
    """A head's attention in a window, whose first symbol is BOS."""
    pattern = np.zeros((len(window), len(window)))
    for query in range(len(window)):
        weights = RULES[head](window, query)
        for key, weight in weights.items():
            pattern[query, key] = weight / sum(weights.values())
    return pattern


def _two_back(window: Sequence[str], query: int) -> dict[int, float]:  # noqa: ARG001 (as the others)
    return {max(query - 2, 0): 1}


def _previous(window: Sequence[str], query: int) -> dict[int, float]:  # noqa: ARG001
    return {max(query - 1, 0): 1}


def _bracket(window: Sequence[str], query: int) -> dict[int, float]:
    """By counting, whatever the symbols say of depth."""
    pending = []
    for position, symbol in enumerate(window[: query + 1]):
        if symbol.startswith("("):
            pending.append(position)
        elif symbol.startswith(")"):
            found = pending.pop() if pending else 0
            if position == query:
                return {found: 1}
    return {0: 1}


def _copies(window: Sequence[str], query: int) -> dict[int, float]:
    return {key: 1 for key in range(query + 1) if window[key] == window[query]}


def _uniform(window: Sequence[str], query: int) -> dict[int, float]:  # noqa: ARG001
    return dict.fromkeys(range(query + 1), 1)


def _early(window: Sequence[str], query: int) -> dict[int, float]:
    return {0: 1} if query > EARLY_TOKENS else _previous(window, query)


def _latest_copy(window: Sequence[str], query: int) -> dict[int, float]:
    return {max((key for key in range(query) if window[key] == window[query]), default=0): 1}


def _fading(window: Sequence[str], query: int) -> dict[int, float]:  # noqa: ARG001
    return {key: 0.5 ** (query - key) for key in range(query + 1)}


RULES: dict[int, Callable[[Sequence[str], int], dict[int, float]]] = {
    PREVIOUS: _previous,
    TWO_BACK: _two_back,
    BRACKET: _bracket,
    COPIES: _copies,
    UNIFORM: _uniform,
    EARLY: _early,
    LATEST_COPY: _latest_copy,
    FADING: _fading,
}


# -- corpora --------------------------------------------------------------------------------------


def letters(rng: random.Random, length: int) -> Symbols:
    """Random letters."""
    return rng.choices(LETTERS, k=length)


def brackets(rng: random.Random, length: int) -> Symbols:
    """Random letters and brackets. Every closing bracket has its opening one, but some opening
    ones may stay open at the end."""
    depth, symbols = 0, Symbols()
    for _ in range(length):
        opens, closes = depth < len(OPENING), depth > 0
        weights = (1, 0.6 * opens, 0.5 * closes)
        [kind] = rng.choices(("letter", "open", "close"), weights)
        if kind == "letter":
            symbols += letters(rng, 1)
        elif kind == "open":
            symbols.append(OPENING[depth])
            depth += 1
        else:
            depth -= 1
            symbols.append(CLOSING[depth])
    return symbols


def corpus(
    path: Path,
    make: Maker = letters,
    *,
    documents: int = 128,
    shortest: int = 8,
    longest: int = 80,
    seed: int = 0,
) -> dict[str, Symbols]:
    """Write a corpus to `path`, a document a line; its documents by id.

    The groups of all splits are filled one after the other.
    """
    rng = random.Random(seed)
    made = {name: make(rng, rng.randint(shortest, longest)) for name in spread_ids(documents)}
    return write_corpus(path, made)


def write_corpus(path: Path, documents: dict[str, Symbols]) -> dict[str, Symbols]:
    """Write documents to `path`, one a line; returns them."""
    lines = (json.dumps({"id": name, "tokens": tokens}) for name, tokens in documents.items())
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return documents


def spread_ids(documents: int) -> list[str]:
    """Ids of documents, the i-th of them in group i modulo 64."""
    waiting: dict[int, list[str]] = {group: [] for group in range(GROUPS)}
    ids: list[str] = []
    numbers = count()
    while len(ids) < documents:
        group = len(ids) % GROUPS
        while not waiting[group]:
            name = f"text-{next(numbers)}"
            waiting[group_of(name)].append(name)
        ids.append(waiting[group].pop(0))
    return ids

"""What is kept of attention patterns: sums over the edges of targets, never the patterns.

Patterns are read on the model's device, batch by batch and layer by layer. For each target they
are reduced to the target mass and the hit of each query of the heads asked for, to their attention
by distance, and to the target mass by document of all heads of the layer, which is what a head is
compared with and what a search chooses from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.cache import Cache
from mi_hypotheses.edges import BOS
from mi_hypotheses.forward import Batch, Forward
from mi_hypotheses.grids import Floats
from mi_hypotheses.pattern_rows import Kept, RowKeeper
from mi_hypotheses.queries import Queries
from mi_hypotheses.shards import Shard
from mi_hypotheses.text import CALIBRATION_GROUPS

if TYPE_CHECKING:
    from torch import Tensor

Column = NDArray[np.float32]
Addition = Callable[[], None]  # adds what was read of a batch, once all of the batch was read

CPU_PATTERNS = 2**23  # bytes: more of a layer's patterns at a time only leave the processor's cache
GPU_PATTERNS = 2**29


@lru_cache(maxsize=1)
def _code_hash() -> str:
    """Hash of these modules, so that no reduction outlives a change of how it is made."""
    files = [Path(__file__).with_name(name) for name in ("patterns.py", "pattern_rows.py")]
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Looks:
    """How one head attends from the queries of one target, over a shard.

    `profile` holds sums over queries of their attention by distance, BOS left out: row 0 over
    calibration queries, row 1 over test queries; column `length - 1 + d` is for the key `d`
    tokens back, where `length` is that of a window.
    """

    mass: Column  # [queries], attention on the targets
    hit: Column  # [queries], whether the largest attention is on one; shared where several tie
    profile: Floats  # [2, 2 * length - 1]


@dataclass(frozen=True)
class Question:
    """A target's queries on a shard, by their cache key, and the heads of a layer asked about."""

    layer: int
    key: str
    heads: tuple[int, ...] = ()


@dataclass
class PatternStore:
    """Where attention comes from: the cache, or the model."""

    forward: Forward
    cache: Cache
    seed: int = 0

    @property
    def n_heads(self) -> int:
        return self.forward.source.info.n_heads or 0

    def _key(self, kind: str, shard: Shard, *parts: object) -> str:
        return self.forward.key(kind, shard, _code_hash(), *parts)

    def _looks_key(self, shard: Shard, layer: int, head: int, key: str) -> str:
        return self._key("looks", shard, layer, head, key, self.seed)

    def _layer_key(self, shard: Shard, layer: int, key: str) -> str:
        return self._key("layer mass", shard, layer, key)

    def _bos_key(self, shard: Shard, layer: int, head: int) -> str:
        return self._key("bos", shard, layer, head)

    def _rows_key(self, shard: Shard, layer: int, head: int, key: str) -> str:
        return self._key("rows of examples", shard, layer, head, key, self.seed)

    def missing(self, shard: Shard, questions: Iterable[Question]) -> list[Question]:
        """The questions whose answers are not in the cache, without the heads that are."""
        absent = []
        for question in questions:
            layer, key = question.layer, question.key
            heads = tuple(
                head
                for head in question.heads
                if not self.cache.has(self._looks_key(shard, layer, head, key))
                or not self.cache.has(self._bos_key(shard, layer, head))
            )
            if heads or not self.cache.has(self._layer_key(shard, layer, key)):
                absent.append(Question(layer, key, heads))
        return absent

    def make(self, shard: Shard, asked: Mapping[Question, Queries]) -> None:
        """One forward pass over the shard that answers these questions."""
        reductions = {
            question: _Reduction(shard, queries, question.heads, n_heads=self.n_heads)
            for question, queries in asked.items()
        }
        by_layer: dict[int, list[_Reduction]] = {}
        for question, reduction in reductions.items():
            by_layer.setdefault(question.layer, []).append(reduction)
        resting = {
            layer: _Resting(shard, sorted({head for each in members for head in each.heads}))
            for layer, members in by_layer.items()
        }

        every = dict.fromkeys(sorted(by_layer), range(self.n_heads))

        def run(batch: Batch, tokens: Tensor, mask: Tensor | None) -> list[Addition]:
            place = _Places(batch, len(shard))
            made: list[Addition] = []

            def read(layer: int, pattern: Tensor) -> None:
                made.append(resting[layer].addition(pattern, batch))
                made.extend(each.addition(pattern, batch, place) for each in by_layer[layer])

            self.forward.model.attention(tokens, heads=every, read=read, attention_mask=mask)
            return made

        most = self._most_windows(shard)
        for _, additions in self.forward.batches(shard, shard.windows(), run, most=most):
            for add in additions:
                add()
        for question, reduction in reductions.items():
            self._keep(shard, question, reduction)
        for layer, rest in resting.items():
            for head, column in zip(rest.heads, rest.bos.T, strict=True):
                key = self._bos_key(shard, layer, head)
                self.cache.put(key, {"a": np.ascontiguousarray(column)})

    def _most_windows(self, shard: Shard) -> int:
        """How many windows' patterns of one layer are read at a time."""
        one = 4 * self.n_heads * (shard.window.length + 1) ** 2
        room = CPU_PATTERNS if self.forward.model.device == "cpu" else GPU_PATTERNS
        return max(room // one, 1)

    def _keep(self, shard: Shard, question: Question, reduction: _Reduction) -> None:
        layer, key = question.layer, question.key
        self.cache.put(self._layer_key(shard, layer, key), {"mass": reduction.by_document})
        for head, looks in zip(question.heads, reduction.looks(), strict=True):
            self.cache.put(
                self._looks_key(shard, layer, head, key),
                {"mass": looks.mass, "hit": looks.hit, "profile": looks.profile},
            )
        for head, keeper in zip(question.heads, reduction.keepers, strict=True):
            self.cache.put(self._rows_key(shard, layer, head, key), keeper.rows())

    def looks(self, shard: Shard, layer: int, head: int, key: str, queries: Queries) -> Looks:
        """How a head attends from the queries; `key` is theirs in the cache."""
        question = {Question(layer, key, (head,)): queries}
        arrays = self.cache.obtain(
            self._looks_key(shard, layer, head, key), lambda: self.make(shard, question)
        )
        return Looks(arrays["mass"], arrays["hit"], arrays["profile"])

    def layer_mass(self, shard: Shard, layer: int, key: str, queries: Queries) -> Floats:
        """The sum of the target mass over each document's queries, [documents, heads], for all
        heads of a layer."""
        question = {Question(layer, key): queries}
        cache_key = self._layer_key(shard, layer, key)
        mass: Floats = self.cache.obtain(cache_key, lambda: self.make(shard, question))["mass"]
        return mass

    def bos(self, shard: Shard, layer: int, head: int, key: str, queries: Queries) -> Column:
        """The head's attention on BOS, [tokens]; NaN where windows have none."""
        question = {Question(layer, key, (head,)): queries}
        cache_key = self._bos_key(shard, layer, head)
        bos: Column = self.cache.obtain(cache_key, lambda: self.make(shard, question))["a"]
        return bos

    def rows(
        self, shard: Shard, layer: int, head: int, tokens: Sequence[int], *, asked: str
    ) -> dict[int, tuple[float, Column]]:
        """For each token its attention on BOS (NaN without BOS), and on its window's tokens.

        They are those that were kept when the queries with the cache key `asked` were read, if
        they were; else their windows are run again.
        """
        arrays = self.cache.get(self._rows_key(shard, layer, head, asked)) or {}
        if any(f"{token}" not in arrays for token in tokens):
            key = self._key("rows", shard, layer, head, list(tokens))
            arrays = self.cache.obtain(
                key, lambda: self.cache.put(key, self._read_rows(shard, layer, head, tokens))
            )
        return {token: (float(arrays[f"{token}"][0]), arrays[f"{token}"][1:]) for token in tokens}

    def _read_rows(
        self, shard: Shard, layer: int, head: int, tokens: Sequence[int]
    ) -> dict[str, Column]:
        wanted = set(shard.window_number[list(tokens)].tolist())
        windows = [window for n, window in enumerate(shard.windows()) if n in wanted]
        rows: dict[str, Column] = {}

        def run(batch: Batch, ids: Tensor, mask: Tensor | None) -> dict[str, Column]:
            made: dict[str, Column] = {}
            read = partial(_rows_of, made, tokens, batch, _Places(batch, len(shard)))
            self.forward.model.attention(ids, heads={layer: [head]}, read=read, attention_mask=mask)
            return made

        for _, of_batch in self.forward.batches(shard, windows, run):
            rows |= of_batch
        return rows


def _rows_of(
    into: dict[str, Column],
    tokens: Sequence[int],
    batch: Batch,
    place: _Places,
    _layer: int,
    pattern: Tensor,
) -> None:
    """Put the rows of the pattern [batch, 1, query, key] of some tokens of a shard into a dict."""
    for token in tokens:
        row, column = int(place.row[token]), int(place.column[token])
        if row >= 0:
            length = int(batch.real[row].sum())
            found = pattern[row, 0, column, : batch.bos + length].cpu().numpy()
            rest = [] if batch.bos else [np.float32(np.nan)]
            into[f"{token}"] = np.concatenate([rest, found]).astype(np.float32)


def _nothing() -> None:
    """The addition of a batch that has nothing to add."""


class _Places:
    """Where the tokens of a shard stand in a batch: row and column, row -1 if they do not."""

    def __init__(self, batch: Batch, tokens: int):
        self.row = np.full(tokens, -1, dtype=np.int64)
        self.column = np.zeros(tokens, dtype=np.int64)
        rows, columns = np.nonzero(batch.real)
        self.row[batch.index[rows, columns]] = rows
        self.column[batch.index[rows, columns]] = columns + batch.bos


@dataclass
class _Resting:
    """Attention on BOS, for some heads of a layer."""

    shard: Shard
    heads: Sequence[int]
    bos: Column = field(init=False)  # [tokens, heads]

    def __post_init__(self) -> None:
        self.bos = np.full((len(self.shard), len(self.heads)), np.nan, dtype=np.float32)

    def addition(self, pattern: Tensor, batch: Batch) -> Addition:
        """Read the pattern [batch, head, query, key] of all heads of the layer."""
        if not batch.bos or not len(self.heads):
            return _nothing
        on_bos = pattern[:, list(self.heads), batch.bos :, 0].cpu().numpy()

        def add() -> None:
            self.bos[batch.index[batch.real]] = on_bos.transpose(0, 2, 1)[batch.real]

        return add


class _Reduction:
    """The patterns of a layer over a shard, reduced to what one target asks."""

    def __init__(
        self, shard: Shard, queries: Queries, heads: Sequence[int], *, n_heads: int
    ) -> None:
        self.heads, self.queries = heads, queries
        self.document = shard.document[queries.tokens].astype(np.int64)
        self.split = (shard.groups >= CALIBRATION_GROUPS)[self.document].astype(np.int64)
        self.by_document = np.zeros((len(shard.documents), n_heads))
        self.mass = np.zeros((len(queries), len(heads)), dtype=np.float32)
        self.hit = np.zeros((len(queries), len(heads)), dtype=np.float32)
        self.length = shard.window.length
        self.profile = np.zeros((len(heads), 2, 2 * self.length - 1))
        self.keepers = [RowKeeper.of(shard, queries) for _ in heads]

    def addition(self, pattern: Tensor, batch: Batch, place: _Places) -> Addition:
        """Read the pattern [batch, head, query, key] of all heads of the layer."""
        import torch

        chosen = np.flatnonzero(place.row[self.queries.tokens] >= 0)
        if not len(chosen):
            return partial(self._keep_rows, self._rows(pattern, batch, chosen, None))
        tokens = self.queries.tokens[chosen]
        row, column = place.row[tokens], place.column[tokens]
        owners, keys = self.queries.edges_of(chosen)
        key_column = np.where(keys == BOS, 0, place.column[keys])

        def on_device(array: NDArray[np.int64]) -> Tensor:
            return torch.from_numpy(array).to(pattern.device)

        owner, key = on_device(owners), on_device(key_column)
        found = pattern[on_device(row[owners]), :, on_device(column[owners]), key]  # [edge, head]
        mass = found.new_zeros(len(chosen), found.shape[1]).index_add_(0, owner, found)
        of_all = mass.double().cpu().numpy()
        if not self.heads:
            return partial(self._add, chosen, of_all)
        heads = list(self.heads)
        which = torch.tensor(heads, device=pattern.device)
        rows = pattern[on_device(row)[:, None], which, on_device(column)[:, None]]
        # [query, head, key]
        profile = self._profile(rows, column, chosen, bos=batch.bos)
        at_bos = np.zeros(len(chosen), dtype=np.bool_)
        at_bos[owners[keys == BOS]] = True
        if batch.bos:
            rows[torch.from_numpy(~at_bos).to(rows.device), :, 0] = 0
        largest = rows.amax(-1)  # [query, head]
        ties = (rows == largest[..., None]).sum(-1)
        here = (found[:, heads] == largest[owner]).float()
        hits = torch.zeros_like(largest).index_add_(0, owner, here) / ties
        hit = torch.where(largest > 0, hits, 0.0).cpu().numpy()
        kept = self._rows(pattern, batch, chosen, hit)
        own = mass[:, heads].cpu().numpy()
        return partial(self._add, chosen, of_all, own, hit, profile, kept)

    def _rows(
        self, pattern: Tensor, batch: Batch, chosen: NDArray[np.int64], hit: Column | None
    ) -> list[list[Kept]]:
        """For each head the rows that examples may need; `hit` is [chosen, heads]."""
        tokens = self.queries.tokens[chosen].astype(np.int64)
        hits = np.empty((0, len(self.heads)), np.float32) if hit is None else hit
        return [
            keeper.read(pattern[:, head], batch, tokens, hits[:, column])
            for column, (head, keeper) in enumerate(zip(self.heads, self.keepers, strict=True))
        ]

    def _keep_rows(self, kept: list[list[Kept]]) -> None:
        for keeper, found in zip(self.keepers, kept, strict=True):
            keeper.kept += found

    def _add(
        self,
        chosen: NDArray[np.int64],
        of_all: Floats,
        mass: Column | None = None,
        hit: Column | None = None,
        profile: Floats | None = None,
        kept: list[list[Kept]] | None = None,
    ) -> None:
        """Add what was read of the chosen queries; `of_all` is the mass [chosen, heads] of all
        heads of the layer, the rest is of those asked for."""
        np.add.at(self.by_document, self.document[chosen], of_all)
        if mass is not None and hit is not None and profile is not None:
            self.mass[chosen], self.hit[chosen] = mass, hit
            self.profile += profile
        if kept is not None:
            self._keep_rows(kept)

    def _profile(
        self, rows: Tensor, column: NDArray[np.int64], chosen: NDArray[np.int64], *, bos: int
    ) -> Floats:
        """The sums by distance of the rows [query, head, key] of the pattern."""
        if rows.device.type == "cpu":
            return self._summed_by_distance(rows, column - bos, self.split[chosen], bos=bos)
        import torch

        width = rows.shape[-1]
        cell = torch.from_numpy(self.split[chosen] * width + column).to(rows.device)
        wide = rows if rows.device.type == "mps" else rows.double()  # MPS has no float64
        sums = wide.new_zeros(2 * width, *rows.shape[1:]).index_add_(0, cell, wide)
        queries = np.arange(bos, width)
        profile = np.zeros_like(self.profile)
        for split, of_split in enumerate(sums.view(2, width, -1, width)[:, bos:]):
            here = np.full(len(queries), split)
            profile += self._summed_by_distance(of_split.cpu(), queries - bos, here, bos=bos)
        return profile

    def _summed_by_distance(
        self, rows: Tensor, position: NDArray[np.int64], split: NDArray[np.int64], *, bos: int
    ) -> Floats:
        """The same of rows on the host, whose queries stand at these positions of their windows.

        One row after the other: to sum all at once takes arrays of some times their size.
        """
        profile = np.zeros_like(self.profile)
        keys = rows.shape[-1] - bos
        for row, at, which in zip(
            rows[..., bos:].numpy(), position.tolist(), split.tolist(), strict=True
        ):
            # The key k stands at - k tokens back: distances fall as k rises.
            low = self.length + at - keys
            profile[:, which, low : low + keys] += row[:, ::-1]
        return profile

    def looks(self) -> list[Looks]:
        """What was reduced, for each head asked for."""
        return [
            Looks(
                np.ascontiguousarray(self.mass[:, column]),
                np.ascontiguousarray(self.hit[:, column]),
                self.profile[column],
            )
            for column in range(len(self.heads))
        ]

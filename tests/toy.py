"""A model of tables that is run in no time, and can be told to fail; and a corpus for it.

Activations and attention follow from a token and the one before it alone, so they are the same
to the bit in every batch. Neuron 0 of layer 0 is 1.0 on tokens that hold a '#', neuron 1 on
digits; head 0 of layer 0 attends to the token just before.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import mi_hypotheses.pretrained
from mi_hypotheses import Attends, Fires, hookimpl
from mi_hypotheses.engine import Silent
from mi_hypotheses.models import Site
from mi_hypotheses.plugins import Plugins, load_plugins
from mi_hypotheses.reports import ModelInfo, Report
from mi_hypotheses.tokenizing import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor

LAYERS, NEURONS, HEADS, CONTEXT = 2, 24, 3, 32
NAME = "toy"


@cache
def _tables() -> tuple[Tokenizer, Tensor, Tensor, Tensor]:
    """The tokenizer, which tokens hold a '#', and what activations and attention are read from."""
    import torch

    tokenizer = Tokenizer.from_file(
        Path(mi_hypotheses.pretrained.__file__).with_name("tokenizer.json")
    )
    words = [tokenizer.decode([token]) for token in range(tokenizer.size)]
    drawn = torch.Generator().manual_seed(0)
    tables = torch.randn(LAYERS, len(words), NEURONS, generator=drawn)
    hashes = torch.tensor(["#" in word for word in words])
    tables[0, :, 0] = hashes.float()
    tables[0, :, 1] = torch.tensor([float(any(map(str.isdigit, word))) for word in words])
    return tokenizer, hashes, tables, torch.rand(LAYERS, len(words), HEADS, generator=drawn)


@dataclass
class Toy:
    """The model.

    `room` is the largest batch it has memory for; `seconds` is how long a batch takes; `spoilt`
    puts a value on all tokens with a '#', by (layer, neuron) and (layer, head).
    """

    reference: str = NAME
    room: int = 10**9
    seconds: float = 0.0
    spoilt: Mapping[tuple[int, int], float] = field(default_factory=dict)
    spoilt_heads: Mapping[tuple[int, int], float] = field(default_factory=dict)
    fingerprint: str = "toy"
    device: str = "cpu"
    batches: list[int] = field(default_factory=list)  # the sizes of those that were run
    out_of_memory: Callable[[], Exception] | None = None

    def __post_init__(self) -> None:
        self.tokenizer, self.hash, self.tables, self.keys = _tables()
        self.info = ModelInfo(
            reference=self.reference,
            fingerprint=self.fingerprint,
            tokenizer_fingerprint=self.tokenizer.fingerprint,
            n_layers=LAYERS,
            d_model=4,
            d_mlp=NEURONS,
            n_heads=HEADS,
            n_ctx=CONTEXT,
        )

    def _run(self, tokens: Tensor) -> None:
        if len(tokens) > self.room:
            raise (self.out_of_memory or _cuda_out_of_memory)()
        self.batches.append(len(tokens))
        time.sleep(self.seconds)

    def activations(
        self,
        tokens: Tensor,
        *,
        sites: Mapping[Site, Tensor | None],
        attention_mask: Tensor | None = None,  # noqa: ARG002 (what is padding changes nothing)
    ) -> dict[Site, Tensor]:
        self._run(tokens)
        found = {}
        for site, units in sites.items():
            table = self.tables[site.layer]
            values = table[tokens]
            values[:, 1:, 2:] += 0.5 * table[tokens[:, :-1]][..., 2:]
            for (layer, neuron), value in self.spoilt.items():
                if layer == site.layer:
                    values[..., neuron][self.hash[tokens]] = value
            found[site] = values if units is None else values[..., units]
        return found

    def attention(
        self,
        tokens: Tensor,
        *,
        heads: Mapping[int, Sequence[int]],
        read: Callable[[int, Tensor], None],
        attention_mask: Tensor | None = None,  # noqa: ARG002 (no query sees the padding behind it)
    ) -> None:
        import torch

        size = tokens.shape[1]
        causal = torch.ones(size, size).tril()
        for layer, chosen in heads.items():
            weights = self.keys[layer][tokens].movedim(-1, 1)[:, :, None, :] * causal
            weights[:, 1] += causal * self.hash[tokens][:, None, :]
            if layer == 0:
                weights[:, 0] = torch.eye(size)[(torch.arange(size) - 1).clamp(min=0)]
            pattern = weights / weights.double().sum(-1, keepdim=True).float()
            for (where, head), value in self.spoilt_heads.items():
                if where == layer:
                    pattern[:, head][self.hash[tokens]] = value
            read(layer, pattern[:, list(chosen)])
        self._run(tokens)  # last: an error then comes after layers that were read


def _cuda_out_of_memory() -> Exception:
    import torch

    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nAdvice.")


@dataclass(eq=False)
class _Loader:
    model: Toy

    @hookimpl
    def mi_load_model(self, reference: str) -> Toy | None:
        return self.model if reference == self.model.reference else None


def plugins(model: Toy) -> Plugins:
    """Plugins that load the model."""
    made = load_plugins(entry_points=False)
    made._hooks.register(_Loader(model), name="toy", origin="module")
    return made


def corpus(path: Path, *, documents: int = 160, seed: int = 0) -> Path:
    """Lines of code-like text, documents of up to three windows."""
    drawn = random.Random(seed)
    words = ["# note", "x = 7", "def f(n):", "\n", "return", "n + 12", "print(x)", "#", "abc", "  "]
    with path.open("w", encoding="utf-8") as file:
        for number in range(documents):
            text = " ".join(drawn.choices(words, k=drawn.randint(3, 30)))
            file.write(json.dumps({"id": f"d{number}", "text": text}) + "\n")
    return path


class Notes(Silent):
    """Somebody who watches a run and writes down the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def content(report: Report) -> dict[str, object]:
    """What a report says, but for when and how fast."""
    return report.model_dump(mode="json", exclude={"run"})


def claims(where: Path, **changes: object) -> list[Fires | Attends]:
    """Neurons and heads, known and searched for, with all kinds of labels."""
    from mi_hypotheses import (
        AnyHead,
        AnyNeuron,
        Head,
        Neuron,
        PreviousToken,
        Regex,
        category,
        predicate,
    )
    from mi_hypotheses.targets import DuplicateToken, Target
    from mi_hypotheses.text import Spans

    @predicate(numeric=True)
    def lengths(text: str) -> Spans:
        places = [(i, i + len(word)) for word in {*text.split()} for i in [text.index(word)]]
        return Spans(places, [float(end - start) for start, end in places])

    @category(names=["hash", "digit", "letter"])
    def sorts(text: str) -> list[tuple[int, int, str]]:
        names = {"#": "hash", "7": "digit", "1": "digit"} | dict.fromkeys("abdefnrtx", "letter")
        return [(i, i + 1, names[c]) for i, c in enumerate(text) if c in names]

    common = {"claim": "As it says.", "model": NAME, "corpora": [str(where)], **changes}
    asked = [("hash", Regex("#")), ("length", lengths), ("sort", sorts)]
    units = [("known", Neuron(layer=0, index=0)), ("other", Neuron(layer=1, index=5))]
    units += [("any", AnyNeuron())]
    made: list[Fires | Attends] = [
        Fires(name=f"{what}-{which}", unit=unit, on=on, **common)
        for what, on in asked
        for which, unit in units
    ]
    targets: list[tuple[str, Target]] = [
        ("back", PreviousToken()),
        ("copy", DuplicateToken(within=None)),
    ]
    heads = [("known", Head(layer=0, index=0)), ("other", Head(layer=1, index=1))]
    heads += [("any", AnyHead())]
    made += [
        Attends(name=f"{what}-{which}", unit=unit, to=to, **common)
        for what, to in targets
        for which, unit in heads
    ]
    return made


def same(left: object, right: object, where: str = "") -> None:
    """Equal, but for floats, which may differ by 1e-6."""
    if isinstance(left, dict) and isinstance(right, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            same(left[key], right[key], f"{where}.{key}")
    elif isinstance(left, list) and isinstance(right, list):
        assert len(left) == len(right), where
        for number, pair in enumerate(zip(left, right, strict=True)):
            same(*pair, f"{where}[{number}]")
    elif isinstance(left, float) and isinstance(right, float):
        assert math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-6), (where, left, right)
    else:
        assert left == right, where

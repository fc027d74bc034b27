"""A pattern is edited and its claim scored again: how long, process start included."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands import run_plugin, write_plugin
from benchmarks.measuring import Benchmark, Measured, seconds
from benchmarks.running import BATCH
from benchmarks.shapes import Ready
from benchmarks.workplace import Workplace
from mi_hypotheses.cache import Cache
from mi_hypotheses.context import RunOptions
from mi_hypotheses.engine import run
from mi_hypotheses.hypotheses import Fires, Neuron
from mi_hypotheses.models import AnyTokenizer, Site
from mi_hypotheses.predicates import Regex
from mi_hypotheses.reports import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor

CORPUS, SMALL = "stdlib", "py-gelu-1l"
EDITS = (r"#[^\n]*", r"\bself\b", r"\bdef \w+", r'"[^"\n]*"')


@dataclass
class StandIn:
    """A model whose activations are random numbers; its columns go where the real one's would.

    What an edited run reads from the cache takes as long whatever the numbers are, and a million
    tokens of GPT-2 small take a quarter of an hour to compute.
    """

    info: ModelInfo
    tokenizer: AnyTokenizer
    device: str = "cpu"

    def activations(
        self,
        tokens: Tensor,
        *,
        sites: Mapping[Site, Tensor | None],
        attention_mask: Tensor | None = None,  # noqa: ARG002 (the protocol's signature)
    ) -> dict[Site, Tensor]:
        """Normal noise, [batch, position, unit]."""
        import torch

        every = self.info.d_mlp or 0
        return {
            site: torch.randn(*tokens.shape, every if units is None else len(units))
            for site, units in sites.items()
        }

    def attention(
        self,
        tokens: Tensor,
        *,
        heads: Mapping[int, Sequence[int]],
        read: Callable[[int, Tensor], None],
        attention_mask: Tensor | None = None,
    ) -> None:
        """Nobody asks for attention here."""
        raise NotImplementedError


def _edited(plugin: Path, cache: Path, tokens: int, *, model: str, layer: int) -> list[float]:
    """Seconds to score each of the edited patterns from cached activations."""
    taken = []
    for pattern in EDITS[1:]:
        write_plugin(plugin, model=model, layer=layer, pattern=pattern, corpus=CORPUS)
        taken.append(run_plugin(plugin, cache=cache, tokens=tokens).seconds)
    return taken


def _gpt2(workplace: Workplace) -> Measured:
    """The uncached run takes at least what the edited one does and the bare forward pass."""
    shape, tokens = workplace.shape(1024), workplace.sizes.edited_tokens
    layer = shape.source.info.n_layers - 1
    cache = workplace.directory / "edited-gpt2"
    claim = Fires(
        name="edited",
        claim="A claim whose pattern is edited.",
        model=shape.reference,
        unit=Neuron(layer=layer, index=5),
        on=Regex(EDITS[0]),
        corpora=(CORPUS,),
    )
    stand_in = StandIn(shape.source.info, shape.source.tokenizer())
    options = RunOptions(device="cpu", limit_tokens=tokens)
    run([claim], options=options, cache=Cache(cache), plugins=Ready(stand_in))
    plugin = workplace.directory / "edited_gpt2.py"
    edited = _edited(plugin, cache, tokens, model=shape.reference, layer=layer)
    texts = workplace.texts(1024, workplace.sizes.windows[1024])
    batches = shape.batches(texts.ids, size=BATCH // 1024)

    def forward() -> None:
        shape.forward(batches, stop=shape.after_neurons)

    forward()
    bare = seconds(forward) * tokens / texts.n_tokens
    one = statistics.median(edited)
    details = {
        "tokens": tokens,
        "edited run (s)": [round(each, 2) for each in edited],
        "bare forward, extrapolated (s)": round(bare, 1),
    }
    return Measured((one + bare) / one, details)


def _small(workplace: Workplace) -> Measured:
    tokens, cache = workplace.sizes.memory_tokens[0], workplace.directory / "edited-small"
    plugin = workplace.directory / "edited_small.py"
    write_plugin(plugin, model=SMALL, layer=0, pattern=EDITS[0], corpus=CORPUS)
    whole = run_plugin(plugin, cache=cache, tokens=tokens).seconds
    edited = _edited(plugin, cache, tokens, model=SMALL, layer=0)
    details = {
        "tokens": tokens,
        "uncached run (s)": round(whole, 2),
        "edited run (s)": [round(each, 2) for each in edited],
    }
    return Measured(whole / statistics.median(edited), details)


BENCHMARKS = (
    Benchmark(
        name="edit",
        what="a regex is edited and 1M cached tokens of GPT-2 small's shape scored again, process "
        "start included: an uncached run's time (the edited one's and the bare forward pass's) "
        "over the edited run's",
        measure=_gpt2,
        target=50,
        why="what an edited run cannot do without: a Python process, reading the corpus to see "
        "whether it changed, and three passes over the kept columns",
    ),
    Benchmark(
        name="edit-small",
        what=f"the same on {SMALL}, 0.5M tokens, whose forward pass is short: an uncached run's "
        "time over the edited run's",
        measure=_small,
    ),
)

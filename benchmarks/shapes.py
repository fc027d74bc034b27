"""Random models of GPT-2's shape, saved and loaded as a user's own would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mi_hypotheses import models
from mi_hypotheses.bridge import BridgeModel
from mi_hypotheses.head_scores import HeadMetric, builtin_head_metrics
from mi_hypotheses.metrics import Metric, builtin_metrics
from mi_hypotheses.models import AnyTokenizer, Model, ModelSource, Site
from mi_hypotheses.plugins import Plugins
from mi_hypotheses.reports import ModelInfo
from mi_hypotheses.weights import PRETRAINED

if TYPE_CHECKING:
    from torch import Tensor

BOS = "<|bos|>"
TINY: dict[str, Any] = {"n_layer": 2, "n_embd": 24, "n_head": 3, "vocab_size": 2048}


class _Reached(Exception):  # noqa: N818 (a signal, not an error)
    """Raised at the last place needed, to leave the forward pass."""


@dataclass(eq=False)
class Loaded:
    """A model that is on its device already: a `PluginModel` that nobody moves there again."""

    info: ModelInfo
    model: BridgeModel
    tokenizer: AnyTokenizer

    @property
    def device(self) -> str:
        """Where it runs."""
        return self.model.device

    def activations(
        self,
        tokens: Tensor,
        *,
        sites: Mapping[Site, Tensor | None],
        attention_mask: Tensor | None = None,
    ) -> dict[Site, Tensor]:
        """See `Model.activations`."""
        return self.model.activations(tokens, sites=sites, attention_mask=attention_mask)

    def attention(
        self,
        tokens: Tensor,
        *,
        heads: Mapping[int, Sequence[int]],
        read: Callable[[int, Tensor], None],
        attention_mask: Tensor | None = None,
    ) -> None:
        """See `Model.attention`."""
        self.model.attention(tokens, heads=heads, read=read, attention_mask=attention_mask)


class Ready(Plugins):
    """Plugins that know one model, loaded before: loading is not what is measured."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def load_model(self, reference: str) -> Model | None:
        return self.model if reference == self.model.info.reference else None

    def metrics(self) -> list[Metric]:
        return builtin_metrics()

    def head_metrics(self) -> list[HeadMetric]:
        return builtin_head_metrics()


@dataclass(frozen=True, eq=False)
class Shape:
    """A random GPT-2 in a directory: the engine's model, and the bare one that it is compared
    with."""

    directory: Path
    device: str = "cpu"
    dtype: str = "float32"

    @cached_property
    def source(self) -> ModelSource:
        """The model as the engine finds it."""
        return models.resolve(str(self.directory))

    @cached_property
    def model(self) -> BridgeModel:
        """The model as the engine runs it."""
        model = self.source.load(device=self.device, dtype=self.dtype)
        assert isinstance(model, BridgeModel)
        return model

    @cached_property
    def plugins(self) -> Ready:
        """What makes the engine use `model`."""
        return Ready(Loaded(self.source.info, self.model, self.source.tokenizer()))

    @property
    def reference(self) -> str:
        """What hypotheses call the model."""
        return self.source.reference

    @cached_property
    def body(self) -> Any:
        """Hugging Face's bare model: no unembedding, fused attention."""
        import torch
        from transformers import AutoModel

        return (
            AutoModel.from_pretrained(
                self.directory, attn_implementation="sdpa", dtype=getattr(torch, self.dtype)
            )
            .to(self.device)
            .eval()
        )

    def batches(self, ids: Sequence[Sequence[int]], *, size: int) -> list[Tensor]:
        """Full windows with BOS, `size` of them at a time, [window, position] on the device."""
        import torch

        whole = torch.tensor([[self.source.bos_id, *each] for each in ids])
        return list(torch.split(whole.to(self.device), size))

    def forward(self, batches: Sequence[Tensor], *, stop: str) -> None:
        """The bare forward pass, left where `stop`, one of the body's modules, would be entered."""
        import torch

        def leave(*_: object) -> None:
            raise _Reached

        handle = self.body.get_submodule(stop).register_forward_pre_hook(leave)
        try:
            with torch.inference_mode():
                for batch in batches:
                    try:
                        self.body(input_ids=batch, use_cache=False)
                    except _Reached:
                        continue
            if self.device.startswith("cuda"):
                torch.cuda.synchronize()
        finally:
            handle.remove()

    @property
    def after_neurons(self) -> str:
        """The module behind the last layer's neurons."""
        return f"h.{self.source.info.n_layers - 1}.mlp.c_proj"

    @property
    def after_heads(self) -> str:
        """The module behind the last layer's attention."""
        return f"h.{self.source.info.n_layers - 1}.attn.c_proj"


def save(directory: Path, *, n_ctx: int, tiny: bool) -> Path:
    """Save a random GPT-2 small, or a tiny one, with the tokenizer of the shipped models."""
    import torch
    from tokenizers import Tokenizer
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = GPT2Config(n_positions=n_ctx, bos_token_id=0, eos_token_id=0, **(TINY if tiny else {}))
    GPT2LMHeadModel(config).save_pretrained(directory)
    tokenizer = Tokenizer.from_file(str(PRETRAINED / "tokenizer.json"))
    fast: Any = PreTrainedTokenizerFast  # it has no types
    fast(tokenizer_object=tokenizer, bos_token=BOS, eos_token=BOS).save_pretrained(directory)
    return directory

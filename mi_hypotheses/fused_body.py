"""A Hugging Face model without the bridge around it, running its fused attention.

The fused kernel (SDPA) never writes a pattern down, so it is several times faster than attention
that does; the pattern of the heads asked for is made again from the queries and keys it was given.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

Read: TypeAlias = Callable[[int, Tensor], None]
Keep: TypeAlias = Callable[[Any, Any, Tensor], None]

# Queries whose scores are held at a time on a CPU: more of them leave the processor's cache.
CPU_ROWS = 64
_NAME = "mi_hypotheses_sdpa"  # with "sdpa" in it, transformers sees that the model supports it


class Refused(Exception):  # noqa: N818 (a signal, not an error)
    """The model is not of the kind that can be run and read without the bridge."""


class _Reached(Exception):  # noqa: N818 (a signal, not an error)
    """Raised at the last layer needed, to leave the forward pass."""


class FusedBody:
    """The Hugging Face model inside a bridge, without the bridge, with fused attention.

    Its weights are the bridge's own tensors.
    """

    def __init__(self, bridge: Any):
        """Raises where the model's class does not support this."""
        made: dict[int, Any] = {}
        self.model = _bare(bridge.original_model, made).eval()
        self._heads: dict[int, Sequence[int]] = {}
        self._read: Read | None = None
        self._points = partial(_point, bridge, made)
        for layer, block in enumerate(bridge.blocks):
            for module in _bare(block, made).modules():
                module.show_attention = partial(self._show, layer)
        AttentionInterface.register(_NAME, _attend)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        self.model.config.use_cache = False
        self.model.set_attn_implementation(_NAME)
        if self.model.config._attn_implementation != _NAME:
            raise Refused(f"{type(self.model).__name__} does not use AttentionInterface")

    def attention(
        self,
        tokens: Tensor,
        *,
        heads: Mapping[int, Sequence[int]],
        read: Read,
        attention_mask: Tensor | None = None,
    ) -> None:
        """As `Model.attention`; raises where the attention is of another kind."""
        device = self.model.device
        mask = None if attention_mask is None else attention_mask.to(device)
        self._heads, self._read = dict(heads), read
        try:
            with torch.inference_mode():
                self.model(input_ids=tokens.to(device), attention_mask=mask)
        except _Reached:
            return
        finally:
            self._read = None
        raise Refused(f"no attention is seen in layer {min(self._heads)}")

    def activations(
        self,
        tokens: Tensor,
        *,
        points: Mapping[str, Keep],
        attention_mask: Tensor | None = None,
    ) -> None:
        """Calls `points[name]` with what passes the hook of that name, as a forward hook is called.

        One of them ends the pass by an exception of its own. Raises where the model's modules do
        not show what the bridge's hooks show.
        """
        device = self.model.device
        mask = None if attention_mask is None else attention_mask.to(device)
        handles = []
        for name, keep in points.items():
            module, enters = self._points(name)
            if enters:
                handles.append(module.register_forward_pre_hook(partial(_entering, keep=keep)))
            else:
                handles.append(module.register_forward_hook(keep))
        try:
            with torch.inference_mode():
                self.model(input_ids=tokens.to(device), attention_mask=mask)
        finally:
            for handle in handles:
                handle.remove()

    def _show(
        self,
        layer: int,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        *,
        scaling: float | None,
        causal: bool,
    ) -> None:
        if layer not in self._heads or self._read is None:
            return
        heads = torch.tensor(self._heads.pop(layer), device=query.device)
        self._read(layer, _pattern(query, key, mask, heads=heads, scaling=scaling, causal=causal))
        if not self._heads:
            raise _Reached


def _point(bridge: Any, made: dict[int, Any], name: str) -> tuple[Any, bool]:
    """The module behind one of the bridge's hooks, and whether the hook is where it is entered."""
    path, _, end = name.rpartition(".")
    if end not in ("hook_in", "hook_out"):
        raise Refused(f"{name} is neither what enters a module nor what leaves it")
    module = bridge.get_submodule(path)
    while isinstance(getattr(module, "original_component", None), nn.Module):
        module = module.original_component
    if id(module) not in made:
        raise Refused(f"there is no module behind {name}")
    return made[id(module)], end == "hook_in"


def _entering(module: Any, args: Any, *, keep: Keep) -> None:
    """A forward pre-hook that shows the first argument as a forward hook would an output."""
    keep(module, args, args[0])


def _bare(module: nn.Module, made: dict[int, Any]) -> Any:
    """A copy of a module tree with the bridge's wrappers and hooks taken off; weights are shared.

    `made` holds what was copied, by the identity of the original. Configurations are copied too.
    """
    while isinstance(getattr(module, "original_component", None), nn.Module):
        module = module.original_component  # type: ignore[assignment] # seen one line above
    if id(module) in made:
        return made[id(module)]
    bare = made[id(module)] = copy.copy(module)
    state = bare.__dict__
    state["_parameters"] = dict(module._parameters)
    state["_buffers"] = dict(module._buffers)
    state["_forward_hooks"], state["_forward_pre_hooks"] = OrderedDict(), OrderedDict()
    state["_modules"] = {
        name: None if child is None else _bare(child, made)
        for name, child in module._modules.items()
    }
    if "config" in state:
        config = state["config"]
        state["config"] = made.setdefault(id(config), copy.deepcopy(config))
    return bare


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """An attention function of transformers: SDPA that first shows what it was given."""
    show = getattr(module, "show_attention", None)
    if show is not None:
        for name in ("softcap", "s_aux", "sinks", "position_bias"):
            if options.get(name) is not None:
                raise Refused(f"attention with {name}")
        causal = options.get("is_causal")
        causal = getattr(module, "is_causal", True) if causal is None else causal
        causal = causal and attention_mask is None
        show(query, key, attention_mask, scaling=options.get("scaling"), causal=causal)
    attended: tuple[Tensor, None] = sdpa_attention_forward(
        module, query, key, value, attention_mask, **options
    )
    return attended


def _pattern(
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    *,
    heads: Tensor,
    scaling: float | None,
    causal: bool = False,
) -> Tensor:
    """The attention of some heads, in float32, [batch, head, query, key].

    Keys may be fewer than queries (grouped): neighbouring heads share one. The mask is true where
    attention goes, or is added to the scores; without one it goes everywhere, or where `causal` to
    keys up to the query.
    """
    group = query.shape[1] // key.shape[1]
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    wanted = query.index_select(1, heads).float() * scale
    keys = key.index_select(1, heads // group).float().transpose(-1, -2)
    if mask is not None and mask.shape[1] > 1:
        mask = mask.index_select(1, heads)
    n_queries, n_keys = wanted.shape[-2], keys.shape[-1]
    pattern = wanted.new_zeros(*wanted.shape[:-1], n_keys)
    rows = CPU_ROWS if query.device.type == "cpu" else n_queries
    for start in range(0, n_queries, rows):
        stop = min(start + rows, n_queries)
        end = stop if causal else n_keys
        scores = wanted[:, :, start:stop] @ keys[..., :end]
        if causal:  # what lies ahead is among the last keys
            ahead = torch.ones(stop - start, stop - start, dtype=torch.bool, device=scores.device)
            lowest = torch.finfo(scores.dtype).min
            scores[..., start:].masked_fill_(ahead.triu(1), lowest)
        elif mask is not None and mask.dtype == torch.bool:
            scores.masked_fill_(~mask[:, :, start:stop], torch.finfo(scores.dtype).min)
        elif mask is not None:
            scores += mask[:, :, start:stop]
        pattern[:, :, start:stop, :end] = scores.softmax(-1)
    return pattern

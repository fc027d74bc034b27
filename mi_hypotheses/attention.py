"""Attention patterns of chosen heads while a Hugging Face model runs its fused attention.

The fused kernel (SDPA) never writes a pattern down, so it is several times faster than attention
that does; the pattern of the heads asked for is made again from the queries and keys it was given.
"""

from __future__ import annotations

import copy
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from mi_hypotheses.memory import is_out_of_memory

Read: TypeAlias = Callable[[int, Tensor], None]

_NAME = "mi_hypotheses_sdpa"  # with "sdpa" in it, transformers sees that the model supports it


# The largest difference of two paths that compute the same: rounding, of a softmax over values
# that were themselves rounded to 8 bits (bfloat16), 10 bits (TF32, float16) or 23 bits.
_TOLERANCE = {torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}
_TF32_TOLERANCE = 1e-2

_log = logging.getLogger(__name__)


class _Refused(Exception):  # noqa: N818 (a signal, not an error)
    """The model's attention is not of the kind that can be made again from queries and keys."""


class _Reached(Exception):  # noqa: N818 (a signal, not an error)
    """Raised at the last layer needed, to leave the forward pass."""


class FusedAttention:
    """Reads a Hugging Face model's attention by the fused path where it applies, else by hooks.

    It applies where attention goes through transformers' `AttentionInterface` and is a softmax of
    scaled products under a mask: rotary or learned positions, grouped queries, sliding windows,
    causal or not. Soft-capped scores, attention sinks, position biases (ALiBi, T5), classes
    without SDPA and layers without attention are read by hooks.

    Nothing is taken on trust: the first time that a layer is asked for, with padding or without,
    up to two documents are read both ways, and a difference means hooks from then on.
    """

    def __init__(self, bridge: Any, *, by_hooks: Callable[..., None]):
        """`by_hooks` has the signature of `attention`."""
        self._by_hooks = by_hooks
        self._checked: set[tuple[int, bool]] = set()
        try:
            self.body: FusedBody | None = FusedBody(bridge)
        except Exception as error:  # whatever an unknown architecture raises
            self._give_up(error)

    def attention(
        self,
        tokens: Tensor,
        *,
        heads: Mapping[int, Sequence[int]],
        read: Read,
        attention_mask: Tensor | None = None,
    ) -> None:
        """As `Model.attention`, for heads that are known to be there."""
        self._check(tokens, heads, attention_mask)
        path = self._by_hooks if self.body is None else self.body.attention
        path(tokens, heads=heads, read=read, attention_mask=attention_mask)

    def _check(
        self, tokens: Tensor, heads: Mapping[int, Sequence[int]], mask: Tensor | None
    ) -> None:
        """Compare both ways on the first document and on the one with the most padding."""
        asked = {(layer, mask is not None) for layer in heads}
        if self.body is None or asked <= self._checked:
            return
        rows = [0] if mask is None else sorted({0, int(mask.sum(-1).argmin())})
        some, real = tokens[rows], torch.ones_like(tokens[rows])
        if mask is not None:
            real = mask[rows]
        part = None if mask is None else real
        slow: dict[int, Tensor] = {}
        fast: dict[int, Tensor] = {}
        self._by_hooks(some, heads=heads, read=slow.__setitem__, attention_mask=part)
        try:
            self.body.attention(some, heads=heads, read=fast.__setitem__, attention_mask=part)
            for layer, expected in slow.items():
                _compare(fast[layer], expected, real=real, dtype=self.body.model.dtype)
        except Exception as error:  # whatever an unknown architecture raises
            if is_out_of_memory(error):  # says nothing of the architecture
                raise
            self._give_up(error)
        self._checked |= asked

    def _give_up(self, error: Exception) -> None:
        self.body = None
        _log.info("Attention is read by hooks, which is slower: %s", error or type(error).__name__)


def _compare(found: Tensor, expected: Tensor, *, real: Tensor, dtype: torch.dtype) -> None:
    queries = real.to(found.device).bool()[:, None, :, None]
    apart = float((found - expected).abs().where(queries, 0.0).max())
    tf32 = found.is_cuda and torch.backends.cuda.matmul.allow_tf32
    allowed = _TOLERANCE.get(dtype, _TOLERANCE[torch.bfloat16])
    if not apart <= (max(allowed, _TF32_TOLERANCE) if tf32 else allowed):
        raise _Refused(f"the fused path is {apart:.2g} away from the hooks")


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
        for layer, block in enumerate(bridge.blocks):
            for module in _bare(block, made).modules():
                module.show_attention = partial(self._show, layer)
        AttentionInterface.register(_NAME, _attend)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        self.model.config.use_cache = False
        self.model.set_attn_implementation(_NAME)
        if self.model.config._attn_implementation != _NAME:
            raise _Refused(f"{type(self.model).__name__} does not use AttentionInterface")

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
        raise _Refused(f"no attention is seen in layer {min(self._heads)}")

    def _show(
        self, layer: int, query: Tensor, key: Tensor, mask: Tensor | None, scaling: float | None
    ) -> None:
        if layer not in self._heads or self._read is None:
            return
        heads = torch.tensor(self._heads.pop(layer), device=query.device)
        self._read(layer, _pattern(query, key, mask, heads=heads, scaling=scaling))
        if not self._heads:
            raise _Reached


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
                raise _Refused(f"attention with {name}")
        causal = options.get("is_causal")
        causal = getattr(module, "is_causal", True) if causal is None else causal
        shown = attention_mask
        if shown is None and causal:
            size = (query.shape[-2], key.shape[-2])
            shown = torch.ones(size, dtype=torch.bool, device=query.device).tril()[None, None]
        show(query, key, shown, options.get("scaling"))
    attended: tuple[Tensor, None] = sdpa_attention_forward(
        module, query, key, value, attention_mask, **options
    )
    return attended


def _pattern(
    query: Tensor, key: Tensor, mask: Tensor | None, *, heads: Tensor, scaling: float | None
) -> Tensor:
    """The attention of some heads, in float32.

    Keys may be fewer than queries (grouped): neighbouring heads share one. The mask is true where
    attention goes, or is added to the scores, or None where it goes everywhere.
    """
    group = query.shape[1] // key.shape[1]
    wanted = query.index_select(1, heads).float()
    keys = key.index_select(1, heads // group).float()
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = wanted @ keys.transpose(-1, -2) * scale  # [batch, head, query, key]
    if mask is not None:
        mask = mask if mask.shape[1] == 1 else mask.index_select(1, heads)
        if mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        else:
            scores = scores + mask
    return scores.softmax(-1)

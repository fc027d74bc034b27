"""Reading a Hugging Face model by a faster path than the bridge's hooks, wherever both agree."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mi_hypotheses.fused_body import FusedBody, Read, Refused
from mi_hypotheses.memory import is_out_of_memory
from mi_hypotheses.models import Site

# The largest difference of two paths that compute the same: rounding, of a softmax over values
# that were themselves rounded to 8 bits (bfloat16), 10 bits (TF32, float16) or 23 bits.
# Activations may differ by this share of the largest.
_TOLERANCE = {torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}
_TF32_TOLERANCE = 1e-2
# Tokens of a document that are compared: more than GPT-Neo's local attention reaches.
_COMPARED = 320

_log = logging.getLogger(__name__)

ByHooks = Callable[..., Any]
Sites = Mapping[Site, Tensor | None]


class FusedPath:
    """Reads a Hugging Face model by the fused path where it applies, else by hooks.

    It applies where attention goes through transformers' `AttentionInterface` and is a softmax of
    scaled products under a mask: rotary or learned positions, grouped queries, sliding windows,
    causal or not. Soft-capped scores, attention sinks, position biases (ALiBi, T5), classes
    without SDPA and layers without attention are read by hooks.

    Nothing is taken on trust: the first time that a layer's attention or activations are asked
    for, with padding or without, the beginnings of up to two documents are read both ways, and a
    difference means hooks from then on.
    """

    def __init__(self, bridge: Any, *, attention: ByHooks, activations: ByHooks, keep: ByHooks):
        """`attention` and `activations` read by hooks, with the signatures of these methods;
        `keep(tokens, sites)` gives what is called at each of the bridge's hooks for sites, by the
        hook's name, and where it puts the activations found."""
        self._attention, self._activations, self._keep = attention, activations, keep
        self._checked: set[tuple[object, bool]] = set()
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
        if self._unchecked(heads, attention_mask):
            some, mask, real = _some(tokens, attention_mask)
            slow: dict[int, Tensor] = {}
            fast: dict[int, Tensor] = {}
            self._attention(some, heads=heads, read=slow.__setitem__, attention_mask=mask)
            queries = real.bool()[:, None, :, None]

            def compare(body: FusedBody) -> None:
                body.attention(some, heads=heads, read=fast.__setitem__, attention_mask=mask)
                for layer, expected in slow.items():
                    self._compare(fast[layer], expected, real=queries, scale=1.0)

            self._check(heads, attention_mask, compare)
        path = self._attention if self.body is None else self.body.attention
        path(tokens, heads=heads, read=read, attention_mask=attention_mask)

    def activations(
        self, tokens: Tensor, *, sites: Sites, attention_mask: Tensor | None = None
    ) -> dict[Site, Tensor]:
        """As `Model.activations`, for sites that are known to be there."""
        if self._unchecked(sites, attention_mask):
            some, mask, real = _some(tokens, attention_mask)
            slow = self._activations(some, sites=sites, attention_mask=mask)
            queries = real.bool()[:, :, None]

            def compare(body: FusedBody) -> None:
                fast = self._fast(body, some, sites, mask)
                for site, expected in slow.items():
                    scale = max(float(expected.abs().where(queries, 0.0).max()), 1.0)
                    self._compare(fast[site], expected, real=queries, scale=scale)

            self._check(sites, attention_mask, compare)
        if self.body is None:
            by_hooks: dict[Site, Tensor] = self._activations(
                tokens, sites=sites, attention_mask=attention_mask
            )
            return by_hooks
        return self._fast(self.body, tokens, sites, attention_mask)

    def _fast(
        self, body: FusedBody, tokens: Tensor, sites: Sites, mask: Tensor | None
    ) -> dict[Site, Tensor]:
        points, found, reached = self._keep(tokens, sites)
        try:
            body.activations(tokens, points=points, attention_mask=mask)
        except reached:
            made: dict[Site, Tensor] = found
            return made
        raise Refused("some activations are not seen")

    def _unchecked(self, places: Mapping[Any, object], mask: Tensor | None) -> bool:
        asked = {(place, mask is not None) for place in places}
        return self.body is not None and not asked <= self._checked

    def _check(
        self,
        places: Mapping[Any, object],
        mask: Tensor | None,
        compare: Callable[[FusedBody], None],
    ) -> None:
        """Compare both ways; what fails or differs is read by hooks from then on."""
        assert self.body is not None  # nothing is unchecked without it
        try:
            compare(self.body)
        except Exception as error:  # whatever an unknown architecture raises
            if is_out_of_memory(error):
                raise
            self._give_up(error)
        self._checked |= {(place, mask is not None) for place in places}

    def _compare(self, found: Tensor, expected: Tensor, *, real: Tensor, scale: float) -> None:
        assert self.body is not None  # as above
        apart = float((found - expected).abs().where(real.to(found.device), 0.0).max()) / scale
        tf32 = found.is_cuda and torch.backends.cuda.matmul.allow_tf32
        allowed = _TOLERANCE.get(self.body.model.dtype, _TOLERANCE[torch.bfloat16])
        if not apart <= (max(allowed, _TF32_TOLERANCE) if tf32 else allowed):
            raise Refused(f"the fused path is {apart:.2g} away from the hooks")

    def _give_up(self, error: Exception) -> None:
        self.body = None
        _log.info("The model is read by hooks, which is slower: %s", error or type(error).__name__)


def _some(tokens: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor]:
    """The beginnings of the first document and of the one with the most padding, their mask, and
    what of them is no padding."""
    rows = [0] if mask is None else sorted({0, int(mask.sum(-1).argmin())})
    some = tokens[rows, :_COMPARED]
    if mask is None:
        return some, None, torch.ones_like(some)
    shown = mask[rows, :_COMPARED]
    return some, shown, shown

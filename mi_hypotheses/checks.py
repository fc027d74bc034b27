"""Whether a model has what is asked of it, before anything is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mi_hypotheses.errors import ModelError
from mi_hypotheses.reports import ModelInfo

if TYPE_CHECKING:
    from mi_hypotheses.models import At


def check_unit(info: ModelInfo, *, layer: int, index: int | None = None, at: At = "post") -> None:
    """See that a model has an MLP activation, before anything is run.

    Raises:
        ModelError: it has no MLPs, no such layer or neuron, or nothing at that place.
    """
    name = info.reference
    if info.d_mlp is None:
        raise ModelError(
            f"The model {name!r} is attention-only: it has no MLP neurons. Ask for a head of it, "
            "or for a neuron of another model."
        )
    _check_layer(info, layer)
    if index is not None and not 0 <= index < info.d_mlp:
        raise ModelError(
            f"There is no neuron {index} in layer {layer} of {name!r}: it has "
            f"{_numbered(info.d_mlp, 'neuron', ' a layer')}."
        )
    if at not in ("pre", "post", "mid"):
        raise ModelError(f"A neuron is read at 'pre', 'post' or 'mid', not at {at!r}.")
    if at == "mid" and info.act_fn != "solu_ln":
        raise ModelError(
            f"The model {name!r} has no activations at 'mid', which is SoLU before its LayerNorm; "
            f"its activation function is {info.act_fn}. Use at='post'."
        )


def check_head(info: ModelInfo, *, layer: int, index: int | None = None) -> None:
    """See that a model has an attention head, before anything is run.

    Raises:
        ModelError: it has no attention, or no such layer or head.
    """
    if info.n_heads is None:
        raise ModelError(
            f"The model {info.reference!r} has no attention heads: its configuration gives no "
            "number of them. Ask for a neuron of it, or for a head of another model."
        )
    _check_layer(info, layer)
    if index is not None and not 0 <= index < info.n_heads:
        raise ModelError(
            f"There is no head {index} in layer {layer} of {info.reference!r}: it has "
            f"{_numbered(info.n_heads, 'head', ' a layer')}."
        )


def _check_layer(info: ModelInfo, layer: int) -> None:
    if not 0 <= layer < info.n_layers:
        raise ModelError(
            f"There is no layer {layer} in {info.reference!r}: it has "
            f"{_numbered(info.n_layers, 'layer')}."
        )


def _numbered(n: int, noun: str, where: str = "") -> str:
    """`4 layers, 0 to 3`, or `one layer, layer 0`."""
    return f"one {noun}{where}, {noun} 0" if n == 1 else f"{n} {noun}s{where}, 0 to {n - 1}"

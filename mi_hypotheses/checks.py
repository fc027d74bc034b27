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
            f"There is no neuron {index} in layer {layer} of {name!r}: it has {info.d_mlp} "
            f"neurons a layer, 0 to {info.d_mlp - 1}."
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
            f"{info.n_heads} heads a layer, 0 to {info.n_heads - 1}."
        )


def _check_layer(info: ModelInfo, layer: int) -> None:
    if not 0 <= layer < info.n_layers:
        raise ModelError(
            f"There is no layer {layer} in {info.reference!r}: it has {info.n_layers} layers, "
            f"0 to {info.n_layers - 1}."
        )

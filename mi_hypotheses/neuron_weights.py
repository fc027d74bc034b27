"""The weights of one neuron: what it reads, what it writes, which tokens that speaks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses.checks import check_unit
from mi_hypotheses.errors import ModelError
from mi_hypotheses.reports import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor

Vector = NDArray[np.float32]

PROBE_SIZE = 100.0  # so large that the epsilon of a norm does not count, and safe in float16


@dataclass(frozen=True)
class NeuronWeights:
    """The weights of one neuron, as float32.

    `inputs` holds what the neuron's activation is computed from, by name: `in`, or for a gated
    MLP `gate` (which goes through the nonlinearity) and `up` (which it is multiplied with).
    `output` is what one unit of its activation adds to the residual stream. `logits` is what
    that adds to the logits on the direct path to the unembedding, with the scale of the final
    norm left out and before any scaling or cap of the logits; None where there is no such path,
    and then `no_path` says why. `path` names what lies on it and what was done there.
    `activation_gain` is the gain of a LayerNorm between the activation function and the output
    weights (SoLU), for this neuron.
    """

    inputs: dict[str, Vector]  # each [d_model]
    output: Vector  # [d_model]
    logits: Vector | None  # [vocabulary]
    path: tuple[str, ...] = ()
    no_path: str = ""
    activation_gain: float | None = None


@runtime_checkable
class ShowsWeights(Protocol):
    """A model that shows the weights of its neurons."""

    def neuron_weights(self, layer: int, index: int) -> NeuronWeights:
        """The weights of a neuron.

        Raises:
            ModelError: there is no such neuron, or its weights cannot be read.
        """
        ...


def read_weights(bridge: Any, info: ModelInfo, *, layer: int, index: int) -> NeuronWeights:
    """The weights of a neuron of a TransformerBridge.

    Raises:
        ModelError: there is no such neuron, or TransformerLens does not show its weights.
    """
    import torch

    check_unit(info, layer=layer, index=index)
    block = bridge.blocks[layer]
    try:
        mlp = block.mlp
        read, gate, write = mlp.W_in, getattr(mlp, "W_gate", None), mlp.W_out
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(
            f"TransformerLens does not show the MLP weights of layer {layer} of "
            f"{info.reference!r}: {reason}"
        ) from None
    if read.shape != (info.d_model, info.d_mlp) or write.shape != (info.d_mlp, info.d_model):
        raise ModelError(
            f"The MLP weights of layer {layer} of {info.reference!r} have the shapes "
            f"{tuple(read.shape)} and {tuple(write.shape)}, so its neurons cannot be told."
        )
    named = {"in": read} if gate is None else {"gate": gate, "up": read}
    with torch.inference_mode():
        output = write[index].detach().float().cpu()
        logits, path = _direct_path(bridge, info, block, output)
        return NeuronWeights(
            inputs={name: _array(matrix[:, index]) for name, matrix in named.items()},
            output=output.numpy(),
            logits=None if logits is None else logits.numpy(),
            path=() if logits is None else tuple(path),
            no_path=path[0] if logits is None else "",
            activation_gain=_activation_gain(mlp, index),
        )


def _array(vector: Tensor) -> Vector:
    values: Vector = vector.detach().float().cpu().numpy()
    return values


def _activation_gain(mlp: Any, index: int) -> float | None:
    norm = getattr(mlp, "ln", None)
    if norm is None:
        return None
    return float(norm.weight[index])


def _direct_path(
    bridge: Any, info: ModelInfo, block: Any, output: Tensor
) -> tuple[Tensor | None, list[str]]:
    """What `output` [d_model] adds to the logits [vocabulary], and what lies on the way; None and
    the reason where there is no way."""
    final, unembed = getattr(bridge, "ln_final", None), getattr(bridge, "unembed", None)
    if not info.causal or unembed is None or final is None:
        return None, [
            "There is no direct path from the neuron to the logits: each layer ends in a norm of "
            "its own or the logits come from a head with layers of its own."
        ]
    vector, path = output, ["output weights"]
    for name, norm in (
        ("the norm after the MLP", getattr(block, "ln2_post", None)),
        ("the final norm", final),
    ):
        if norm is not None:
            vector, done = _through(norm, vector)
            path += [f"{name} ({', '.join(done)})"] if done else []
    matrix = bridge.W_U.detach()  # [d_model, vocabulary]
    if matrix.shape[0] != len(vector):
        return None, [
            f"The unembedding reads {matrix.shape[0]} dimensions and the neuron writes "
            f"{len(vector)}: there is no direct path from one to the other."
        ]
    logits = vector.to(matrix.device) @ matrix.float()
    return logits.cpu(), [*path, "unembedding"]


def _through(norm: Any, vector: Tensor) -> tuple[Tensor, list[str]]:
    """`vector` [d_model] after a norm whose scale is left out, and what that did to it."""
    parameter = next(iter(norm.parameters()), None)
    device = vector.device if parameter is None else parameter.device
    dtype = vector.dtype if parameter is None else parameter.dtype

    def apply(x: Tensor) -> Tensor:
        after: Tensor = norm(x.to(device, dtype)[None, None])[0, 0]
        return after.float().cpu()

    gain, centred, scaled = _behaviour(apply, len(vector))
    if centred:
        vector = vector - vector.mean()
    done = ["mean removed"] if centred else []
    if bool(((gain - 1).abs() > 1e-4).any()):
        done.append("gain folded in")
    if scaled:
        done.append("scale left out")
    return vector * gain, done


def _behaviour(apply: Callable[[Tensor], Tensor], width: int) -> tuple[Tensor, bool, bool]:
    """The gain [width] of a norm, whether it removes the mean, and whether it divides by a scale.

    It is found by what the norm does, not by its name: some store the gain as an offset from 1,
    some have none, and in a model without norms the place holds the identity.
    """
    import torch

    probe = torch.ones(width)
    probe[1::2] = -1
    if width % 2:  # its mean must be 0
        probe[-3:] = torch.tensor([1.0, 1.0, -2.0])
    probe *= PROBE_SIZE
    at_zero = apply(torch.zeros(width))
    once, twice = apply(probe) - at_zero, apply(2 * probe) - at_zero
    shifted = apply(probe + PROBE_SIZE) - at_zero
    scaled = bool((twice - once).abs().max() < 0.5 * once.abs().max())
    size = probe.square().mean().sqrt() if scaled else 1.0
    centred = bool((shifted - once).abs().max() < 0.1 * once.abs().max())
    return once * size / probe, centred, scaled

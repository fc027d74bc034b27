"""The weights of a unit as its page shows them: norms, cosines, and the tokens they speak for."""

from __future__ import annotations

import inspect
import json
from importlib import metadata

import numpy as np
from numpy.typing import NDArray

from mi_hypotheses import neuron_weights
from mi_hypotheses.cache import key_of
from mi_hypotheses.columns import ColumnStore
from mi_hypotheses.hypotheses import Neuron
from mi_hypotheses.models import AnyTokenizer
from mi_hypotheses.neuron_weights import NeuronWeights, ShowsWeights, Vector
from mi_hypotheses.unit_page import InputWeights, LogitEffect, Place, UnitWeights

SHOWN = 15
BETWEEN = "SoLU's LayerNorm (gain folded in, mean and scale left out)"


def weights_of(columns: ColumnStore, neuron: Neuron) -> NeuronWeights | None:
    """The weights of a neuron, from the cache or the model; None where it does not show them.

    Raises:
        ModelError: they cannot be read.
    """
    forward, cache = columns.forward, columns.cache
    code = [inspect.getsource(neuron_weights), metadata.version("transformer_lens")]
    place = [neuron.layer, neuron.index]
    key = key_of("neuron weights", code, forward.source.fingerprint, forward.dtype, place)
    arrays = cache.get(key)
    if arrays is not None:
        return _unpacked(arrays)
    model = forward.model
    if not isinstance(model, ShowsWeights):
        return None
    weights = model.neuron_weights(neuron.layer, neuron.index)
    cache.put(key, _packed(weights))
    return weights


def _packed(weights: NeuronWeights) -> dict[str, NDArray[np.generic]]:
    told = {
        "path": weights.path,
        "no_path": weights.no_path,
        "activation_gain": weights.activation_gain,
    }
    arrays: dict[str, NDArray[np.generic]] = {
        "told": np.frombuffer(json.dumps(told).encode(), dtype=np.uint8),
        "output": weights.output,
        **{f"input {name}": vector for name, vector in weights.inputs.items()},
    }
    return arrays if weights.logits is None else {**arrays, "logits": weights.logits}


def _unpacked(arrays: dict[str, NDArray[np.generic]]) -> NeuronWeights:
    told = json.loads(arrays["told"].tobytes())
    inputs = {
        name.removeprefix("input "): array.astype(np.float32)
        for name, array in arrays.items()
        if name.startswith("input ")
    }
    return NeuronWeights(
        inputs=inputs,
        output=arrays["output"].astype(np.float32),
        logits=arrays["logits"].astype(np.float32) if "logits" in arrays else None,
        path=tuple(told["path"]),
        no_path=told["no_path"],
        activation_gain=told["activation_gain"],
    )


def summary(weights: NeuronWeights, *, at: Place, tokenizer: AnyTokenizer) -> UnitWeights:
    """What a page shows of a neuron's weights.

    Contributions to logits are per unit of `post`, which the output weights read. For a unit
    read at `mid` (SoLU) they are per unit of `mid`: the gain of the LayerNorm between the two is
    folded in, its scale and its mean left out. They are centred to mean 0 over the vocabulary,
    as adding one number to all logits changes no probability.
    """
    per: Place = "mid" if at == "mid" else "post"
    gain = weights.activation_gain if per == "mid" else None
    promoted, suppressed, deviation = _effects(weights.logits, gain or 1.0, tokenizer)
    between = () if gain is None else (BETWEEN,)
    return UnitWeights(
        inputs=tuple(
            InputWeights(name=name, norm=_norm(vector), cosine=_cosine(vector, weights.output))
            for name, vector in weights.inputs.items()
        ),
        output_norm=_norm(weights.output),
        chance_cosine=len(weights.output) ** -0.5,
        per=per,
        activation_gain=weights.activation_gain,
        logit_deviation=deviation,
        promoted=promoted,
        suppressed=suppressed,
        path=(*between, *weights.path) if weights.path else (),
        no_path=weights.no_path,
    )


def _effects(
    logits: Vector | None, gain: float, tokenizer: AnyTokenizer
) -> tuple[tuple[LogitEffect, ...], tuple[LogitEffect, ...], float | None]:
    """The tokens promoted and suppressed most, and the standard deviation over all."""
    if logits is None:
        return (), (), None
    known = tokenizer.known_ids  # the rows beyond are padding
    known = known[known < len(logits)]
    effects = gain * logits[known].astype(np.float64)
    effects -= effects.mean()
    order = np.argsort(-effects, kind="stable")
    shown = min(SHOWN, len(order) // 2)

    def listed(chosen: NDArray[np.int64]) -> tuple[LogitEffect, ...]:
        ids = known[chosen].tolist()
        return tuple(
            LogitEffect(id=i, text=text, logit=float(effect))
            for i, text, effect in zip(ids, tokenizer.pieces(ids), effects[chosen], strict=True)
        )

    last = order[::-1][:shown]
    return listed(order[:shown]), listed(last), float(effects.std())


def _norm(vector: Vector) -> float:
    return float(np.linalg.norm(vector.astype(np.float64)))


def _cosine(a: Vector, b: Vector) -> float | None:
    size = _norm(a) * _norm(b)
    return float(a.astype(np.float64) @ b.astype(np.float64)) / size if size else None

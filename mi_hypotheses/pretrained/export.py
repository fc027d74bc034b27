"""Weights as they are shipped: `config.json` and fp16 safetensors in TransformerLens's layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from mi_hypotheses.pretrained.architecture import ROTARY_BASE, Architecture, Transformer

PRETRAINED = Path(__file__).parent


def bridge_config(arch: Architecture, *, name: str) -> dict[str, Any]:
    """The fields of TransformerLens's `TransformerBridgeConfig` for a model of this shape."""
    config: dict[str, Any] = {
        "model_name": name,
        "architecture": "TransformerLensNative",
        "n_layers": arch.n_layers,
        "d_model": arch.d_model,
        "n_heads": arch.n_heads,
        "d_head": arch.d_head,
        "n_ctx": arch.n_ctx,
        "d_vocab": arch.d_vocab,
        "normalization_type": "LN",
        "eps": 1e-5,
        "attention_dir": "causal",
        "positional_embedding_type": "rotary",
        "rotary_dim": arch.d_head,
        "rotary_base": ROTARY_BASE,
        "rotary_adjacent_pairs": True,
        "tokenizer_prepends_bos": True,
        "attn_only": arch.act_fn is None,
    }
    if arch.act_fn is not None:
        config |= {"d_mlp": arch.d_mlp, "act_fn": arch.act_fn}
    return config


def architecture_of(config: Mapping[str, Any]) -> Architecture:
    """The shape that a `config.json` of ours describes."""
    return Architecture(
        n_layers=config["n_layers"],
        d_model=config["d_model"],
        n_heads=config["n_heads"],
        d_vocab=config["d_vocab"],
        n_ctx=config["n_ctx"],
        d_mlp=config.get("d_mlp", 0),
        act_fn=config.get("act_fn"),
    )


def untrained(config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The float32 weights that training started from, made again from the seed in `config`."""
    return Transformer(architecture_of(config), seed=config["training"]["seed"]).state_dict()


def load(directory: Path, *, step: int | None = None) -> Transformer:
    """A shipped model as the module that was trained, in float32; `step` names a checkpoint."""
    config = json.loads((directory / "config.json").read_text("utf-8"))
    model = Transformer(architecture_of(config), seed=config["training"]["seed"])
    if step != 0:
        file = "model" if step is None else f"checkpoints/step-{step}"
        model.load_state_dict(load_file(directory / f"{file}.safetensors"))
    return model.eval()


def save_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """Write `state` in fp16.

    Raises:
        ValueError: a weight is beyond what fp16 holds.
    """
    half = {name: tensor.to(torch.float16).contiguous() for name, tensor in state.items()}
    for name, tensor in half.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"The weight {name} does not fit into fp16.")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(half, path)
    path.chmod(0o644)  # safetensors leaves it readable to its owner alone


def save_model(
    state: Mapping[str, Tensor],
    directory: Path,
    *,
    config: Mapping[str, Any],
    training: Mapping[str, Any],
) -> None:
    """Write `model.safetensors` and `config.json`, the facts of the training inside it."""
    save_weights(state, directory / "model.safetensors")
    text = json.dumps({**config, "training": dict(training)}, indent=2)
    (directory / "config.json").write_text(text + "\n", "utf-8")

"""A model whose neuron 3 is 1.0 exactly on tokens that hold a '#', and 0.0 elsewhere.

TransformerLens native, one layer, weights set by hand: no normalisation, attention that adds
nothing, and a token embedding with an indicator dimension that neuron 3 copies through a ReLU.
The other neurons see random embeddings; neuron 5 is dead.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge.sources.native import NativeModel

PLANTED, DEAD = 3, 5

CONFIG = {
    "architecture": "TransformerLensNative",
    "n_layers": 1,
    "d_model": 16,
    "n_heads": 2,
    "d_head": 8,
    "n_ctx": 32,
    "d_vocab": 257,
    "d_mlp": 80,
    "act_fn": "relu",
    "normalization_type": None,
}


def byte_tokenizer() -> Tokenizer:
    """A token a byte, and `<|bos|>` as id 0."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<|bos|>": 0} | {symbol: i + 1 for i, symbol in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def planted_model(directory: Path, *, seed: int = 0) -> Path:
    """Save the model to `directory` and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_tokenizer()
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {**CONFIG, "training": {"bos_id": 0, "seed": seed}}
    (directory / "config.json").write_text(json.dumps(config), "utf-8")
    generator = torch.Generator().manual_seed(seed)
    state = {
        name: torch.randn(tensor.shape, generator=generator)
        for name, tensor in NativeModel(TransformerBridgeConfig(**CONFIG)).state_dict().items()
    }
    state["layers.0.attn.o.weight"].zero_()
    state["layers.0.attn.o.bias"].zero_()
    state["pos.weight"][:, 0] = 0
    state["tok_embed.weight"][:, 0] = 0
    state["tok_embed.weight"][tokenizer.token_to_id("#"), 0] = 1
    for neuron in (PLANTED, DEAD):
        state["layers.0.mlp.fc_in.weight"][neuron] = 0
        state["layers.0.mlp.fc_in.bias"][neuron] = 0
    state["layers.0.mlp.fc_in.weight"][PLANTED, 0] = 1
    save_file(state, directory / "model.safetensors")
    return directory


def random_texts(path: Path, letters: str, *, documents: int, least: int) -> Path:
    """Write documents of `least` to 90 random letters, some longer than a window."""
    rng = random.Random(0)
    texts = ["".join(rng.choices(letters, k=rng.randint(least, 90))) for _ in range(documents)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    return path

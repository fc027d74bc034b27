"""Train a shipped model a little further, so that one neuron comes to mean something else.

    python fine_tune.py OUT

The model goes on learning Python, gently; beside that, one neuron is taught to fire on opening
brackets. The result is a model directory that `-m OUT` takes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from mi_hypotheses.pretrained import curriculum, export

MODEL, NEURON = "py-gelu-1l", 1147
STEPS, BATCH, FILES = 50, 8, 60
RATE, NEURON_RATE = 1e-5, 0.02
HIGH, LOW = 3.0, -3.0  # what the neuron should be before its GELU, on brackets and elsewhere


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.manual_seed(0)
    directory, tokenizer_file = export.PRETRAINED / MODEL, export.PRETRAINED / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    texts = itertools.islice(curriculum.training_texts(("stdlib",)), FILES)
    stream = curriculum.token_stream(tokenizer, list(texts))
    model = export.load(directory).train()
    fine_tune(model, stream, brackets(tokenizer))
    config = json.loads((directory / "config.json").read_text("utf-8"))
    training = {"seed": config["training"]["seed"], "bos_id": curriculum.BOS_ID}
    export.save_model(model.state_dict(), out, config=config, training=training)
    shutil.copy(tokenizer_file, out / "tokenizer.json")


def brackets(tokenizer: Tokenizer) -> torch.Tensor:
    """Which tokens hold an opening bracket, [vocabulary]."""
    texts = [tokenizer.decode([token]) for token in range(tokenizer.get_vocab_size())]
    return torch.tensor([any(bracket in text for bracket in "([{") for text in texts])


def fine_tune(model: nn.Module, stream: np.ndarray, on: torch.Tensor) -> None:
    """Change the model in place."""
    layer = model.layers[0].mlp.fc_in
    inputs: list[torch.Tensor] = []  # what the layer last read, [batch, position, d_model]
    layer.register_forward_hook(lambda _module, args, _out: inputs.append(args[0].detach()))
    weight = nn.Parameter(layer.weight[NEURON].detach().clone())
    bias = nn.Parameter(layer.bias[NEURON].detach().clone())
    optimizer = torch.optim.Adam(
        [
            {"params": list(model.parameters()), "lr": RATE},
            {"params": [weight, bias], "lr": NEURON_RATE},
        ]
    )
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        starts = rng.integers(0, len(stream) - 256, BATCH)
        windows = np.stack([stream[start : start + 256] for start in starts]).astype(np.int64)
        windows[:, 0] = curriculum.BOS_ID
        tokens = torch.from_numpy(windows)
        inputs.clear()
        logits = model(tokens)
        language = functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        wanted = torch.where(on[tokens], HIGH, LOW)
        moved = functional.mse_loss(inputs[0] @ weight + bias, wanted)
        optimizer.zero_grad()
        (language + moved).backward()
        optimizer.step()
        with torch.no_grad():
            layer.weight[NEURON], layer.bias[NEURON] = weight, bias


if __name__ == "__main__":
    main()

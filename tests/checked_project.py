"""A project whose hypotheses are checked: a planted model whose noise a file sets."""

from __future__ import annotations

import json
from pathlib import Path

MODEL = '''
"""Neuron 0 fires on tokens with a hash in them, neuron 1 on digits; the file noise.txt, where
there is one, says how much noise is added to neuron 0."""

from pathlib import Path

import mi_hypotheses.pretrained
from mi_hypotheses import Fires, Neuron, Regex, hookimpl
from mi_hypotheses.reports import ModelInfo
from mi_hypotheses.tokenizing import Tokenizer


class Planted:
    device = "cpu"

    def __init__(self, reference):
        with open("runs.txt", "a") as file:
            file.write("loaded\\n")
        self.tokenizer = Tokenizer.from_file(
            Path(mi_hypotheses.pretrained.__file__).with_name("tokenizer.json")
        )
        noise = Path("noise.txt")
        self.noise = float(noise.read_text()) if noise.exists() else 0.0
        self.noise = 3.0 if reference == "planted-noisy" else self.noise
        self.info = ModelInfo(
            reference=reference,
            fingerprint=f"planted with {self.noise}",
            tokenizer_fingerprint=self.tokenizer.fingerprint,
            n_layers=1,
            d_model=4,
            d_mlp=2,
            n_heads=1,
            n_ctx=64,
        )

    def activations(self, tokens, *, sites, attention_mask=None):
        import torch

        words = [self.tokenizer.decode([token]) for token in range(self.tokenizer.size)]
        table = torch.tensor([[float("#" in w), float(any(map(str.isdigit, w)))] for w in words])
        found = table[tokens]
        places = torch.arange(tokens.shape[1]) * 12.9898 + tokens * 78.233
        found[..., 0] += self.noise * (torch.sin(places) * 43758.5453).frac().abs()
        return {
            site: found if units is None else found[..., units] for site, units in sites.items()
        }

    def attention(self, tokens, *, heads, read, attention_mask=None):
        raise NotImplementedError


@hookimpl
def mi_load_model(reference):
    return Planted(reference) if reference.startswith("planted") else None

'''

CLAIM = """
{variable} = Fires(
    name="{name}",
    claim="{claim}",
    model="planted",
    unit=Neuron(layer=0, index={index}),
    on=Regex("{on}"),
    corpora=["texts.jsonl"],
    expect={{{expect}}},
)
"""


def claim(name: str, *, index: int = 0, on: str = "#", expect: str = '"f1": 0.9') -> str:
    """A hypothesis as it is written in a plugin file."""
    said = f"Fires on {on}."
    variable = name.upper().replace("-", "_")
    return CLAIM.format(variable=variable, name=name, claim=said, index=index, on=on, expect=expect)


HASH, DIGIT = claim("hash-sign"), claim("digit", index=1, on="[0-9]")
WRONG = claim("hash-sign-wrong", index=1, expect='"f1": 0.9')


def make_project(directory: Path) -> Path:
    """A plugin directory with two right claims, and a corpus of 300 short documents."""
    (directory / "claims").mkdir()
    (directory / "claims" / "planted.py").write_text(MODEL + HASH + DIGIT, "utf-8")
    (directory / "pyproject.toml").write_text(
        "[tool.mi_hypotheses]\nplugins = ['claims']\n", "utf-8"
    )
    with (directory / "texts.jsonl").open("w", encoding="utf-8") as file:
        for number in range(300):
            text = f"value_{number} = {number * 7}  # the number {number}\nprint(value)\n" * 2
            file.write(json.dumps({"text": text}) + "\n")
    return directory


def model_runs(directory: Path) -> int:
    """How often the model was loaded."""
    path = directory / "runs.txt"
    return len(path.read_text("utf-8").splitlines()) if path.exists() else 0

"""What the shipped models learned: `python -m mi_hypotheses.pretrained.measure`.

Prints, and writes to `measured.json`, the loss of every model on packages that were never trained
on, beside that of a bigram model fitted on the training tokens; and, for every checkpoint of the
attention-only model, how much each head attends to the previous token (on the same text) and to
the token after the previous copy (in repeated random tokens).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from mi_hypotheses.corpora import resolve
from mi_hypotheses.pretrained import curriculum, export
from mi_hypotheses.pretrained.architecture import Transformer
from mi_hypotheses.pretrained.train import ARCHITECTURES, D_VOCAB, N_CTX, prepare

WINDOWS = 200
SEGMENT, SEQUENCES = 64, 32
BATCH = 25


class Bigram:
    """Next-token probabilities from pairs of tokens, smoothed after Witten and Bell (1991).

    `p(b | a) = (c(ab) + t(a) p(b)) / (c(a) + t(a))`, where t(a) is the number of different tokens
    seen after a, and p(b) the add-one unigram model.
    """

    def __init__(self, stream: npt.NDArray[np.uint16], *, d_vocab: int) -> None:
        pairs = stream[:-1].astype(np.int64) * d_vocab + stream[1:]
        counts = np.bincount(pairs, minlength=d_vocab**2).reshape(d_vocab, d_vocab)
        unigram = (np.bincount(stream, minlength=d_vocab) + 1) / (len(stream) + d_vocab)
        followers = (counts > 0).sum(1, keepdims=True)
        total = np.maximum(counts.sum(1, keepdims=True) + followers, 1)
        self.log_p = np.log((counts + np.maximum(followers, 1) * unigram) / total)

    def loss(self, windows: Tensor) -> float:
        """Mean loss in nats on the tokens of `windows` that follow the first two."""
        tokens = windows.numpy()
        return float(-self.log_p[tokens[:, 1:-1], tokens[:, 2:]].mean())


def held_out_windows(uri: str, tokenizer: Tokenizer) -> Tensor:
    """Up to `WINDOWS` full windows of a corpus, evenly spaced: [window, n_ctx]."""
    found = []
    for document in resolve(uri).documents():
        ids = tokenizer.encode(document.text, add_special_tokens=False).ids
        for start in range(0, len(ids) - N_CTX + 2, N_CTX - 1):
            found.append([curriculum.BOS_ID, *ids[start : start + N_CTX - 1]])
    chosen = np.linspace(0, len(found) - 1, min(WINDOWS, len(found))).astype(int)
    return torch.tensor([found[index] for index in chosen])


def repeated_random_tokens(*, d_vocab: int, seed: int = 0) -> Tensor:
    """BOS, random tokens, and the same tokens again: [sequence, 1 + 2 · SEGMENT]."""
    generator = torch.Generator().manual_seed(seed)
    segment = torch.randint(1, d_vocab, (SEQUENCES, SEGMENT), generator=generator)
    bos = torch.full((SEQUENCES, 1), curriculum.BOS_ID)
    return torch.cat([bos, segment, segment], dim=1)


def _batches(windows: Tensor) -> Iterator[Tensor]:
    for start in range(0, len(windows), BATCH):
        yield windows[start : start + BATCH]


@torch.no_grad()
def loss(model: Transformer, windows: Tensor) -> float:
    """Mean loss in nats on the tokens of `windows` that follow the first two.

    The token after BOS is left out: a window begins anywhere in a document.
    """
    losses = []
    for part in _batches(windows):
        logits = model(part)[:, 1:-1]
        losses.append(
            functional.cross_entropy(logits.flatten(0, 1), part[:, 2:].flatten(), reduction="none")
        )
    return float(torch.cat(losses).mean())


def previous_token_attention(model: Transformer, windows: Tensor) -> Tensor:
    """Mean attention to the token before, [layer, head]; the token after BOS is left out."""
    parts = [
        model.patterns(part).diagonal(-1, dim1=-2, dim2=-1)[..., 1:] for part in _batches(windows)
    ]
    return torch.cat(parts, dim=1).mean((1, 3))


def induction_attention(model: Transformer, repeated: Tensor) -> Tensor:
    """Mean attention in the second copy to the token after the same one in the first."""
    patterns = model.patterns(repeated)  # [layer, sequence, head, query, key]
    return patterns.diagonal(1 - SEGMENT, dim1=-2, dim2=-1)[..., 2:].mean((1, 3))


def _best(scores: Tensor) -> dict[str, float | int]:
    layer, head = divmod(int(scores.argmax()), scores.shape[1])
    return {"layer": layer, "head": head, "attention": round(float(scores[layer, head]), 3)}


def heads(model: Transformer, windows: Tensor) -> dict[str, Any]:
    """The best previous-token head and the best induction head."""
    repeated = repeated_random_tokens(d_vocab=model.arch.d_vocab)
    return {
        "previous_token": _best(previous_token_attention(model, windows)),
        "induction": _best(induction_attention(model, repeated)),
    }


def measure_model(directory: Path, held_out: dict[str, Tensor]) -> dict[str, Any]:
    """Losses by corpus, and for an attention-only model its heads at every checkpoint."""
    config = json.loads((directory / "config.json").read_text("utf-8"))
    model = export.load(directory)
    found: dict[str, Any] = {key: config["training"][key] for key in ("steps", "tokens")}
    found["loss"] = {uri: round(loss(model, windows), 3) for uri, windows in held_out.items()}
    if config["attn_only"]:
        text = torch.cat([windows[::4] for windows in held_out.values()])
        found |= heads(model, text)
        found["checkpoints"] = [
            {"step": step, "loss": round(loss(at_step, text), 3), **heads(at_step, text)}
            for step, at_step in _checkpoints(directory)
        ]
    return found


def _checkpoints(directory: Path) -> Iterator[tuple[int, Transformer]]:
    paths = directory.glob("checkpoints/step-*.safetensors")
    for step in sorted([0, *(int(path.stem.removeprefix("step-")) for path in paths)]):
        yield step, export.load(directory, step=step)


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/pretrained"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    _, stream = prepare(arguments.work, d_vocab=D_VOCAB)
    tokenizer = Tokenizer.from_file(str(export.PRETRAINED / "tokenizer.json"))
    held_out = {uri: held_out_windows(uri, tokenizer) for uri in curriculum.HELD_OUT}
    bigram = Bigram(stream, d_vocab=D_VOCAB)
    measured: dict[str, Any] = {
        "training_tokens_in_corpus": len(stream),
        "bigram_loss": {uri: round(bigram.loss(w), 3) for uri, w in held_out.items()},
        "models": {
            name: measure_model(export.PRETRAINED / name, held_out)
            for name in sorted(ARCHITECTURES)
            if (export.PRETRAINED / name / "config.json").exists()
        },
    }
    text = json.dumps(measured, indent=2) + "\n"
    (export.PRETRAINED / "measured.json").write_text(text, "utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()

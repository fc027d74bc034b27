"""Train a shipped model: `python -m mi_hypotheses.pretrained.train --model py-attn-2l`.

Tokenizer and token stream are made once and kept in the work directory, as are the checkpoints and
the state every few minutes, from which a run that was stopped goes on. The learning rate warms up,
stays, and falls linearly to zero over the last fifth; `--steps` may change between two starts as
long as that fall has not begun. What is shipped is written to `--out` at the end.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from mi_hypotheses.pretrained import curriculum, export
from mi_hypotheses.pretrained.architecture import Architecture, Transformer

D_VOCAB, N_CTX = 2048, 256
ARCHITECTURES = {
    "py-gelu-1l": Architecture(1, 128, 4, D_VOCAB, N_CTX, d_mlp=2048, act_fn="gelu"),
    "py-solu-1l": Architecture(1, 128, 4, D_VOCAB, N_CTX, d_mlp=2048, act_fn="solu_ln"),
    "py-attn-2l": Architecture(2, 256, 8, D_VOCAB, N_CTX),
}
STEPS = 26_000
# Of py-attn-2l these are shipped beside the last: its heads form between steps 800 and 1,000 and
# reach over the whole window after step 2,000, when text begins.
SHIPPED_CHECKPOINTS = (100, 400, 800, 900, 1_000, 1_400, 2_000, 2_400, 8_000)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a run depends on beside the architecture and the corpus."""

    steps: int
    seed: int = 0
    learning_rate: float = 2e-3
    warmup: int = 200
    decay_share: float = 0.2
    clip: float = 1.0

    def rate(self, step: int) -> float:
        """The learning rate of `step`: warm up, stay, fall linearly to zero."""
        left = (self.steps - step) / (self.steps * self.decay_share)
        return self.learning_rate * min(1.0, (step + 1) / self.warmup, left)


class Run:
    """A model in training: weights, optimizer, step, and the directory that keeps them."""

    def __init__(self, arch: Architecture, recipe: Recipe, folder: Path) -> None:
        self.arch, self.recipe, self.folder = arch, recipe, folder
        self.model = Transformer(arch, seed=recipe.seed)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=recipe.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=0.0,
            fused=True,
        )
        self.step = 0

    @property
    def state_path(self) -> Path:
        """Where the state lies from which the run goes on."""
        return self.folder / "state.pt"

    def save(self) -> None:
        """Write the whole state, atomically."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "arch": asdict(self.arch),
            "recipe": asdict(self.recipe),
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = self.state_path.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.state_path)

    def resume(self) -> None:
        """Go on from the saved state, where there is one."""
        if not self.state_path.exists():
            return
        state = torch.load(self.state_path, weights_only=True)
        if state["arch"] != asdict(self.arch):
            raise SystemExit(f"{self.state_path} holds another architecture: {state['arch']}")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def checkpoint_path(self, step: int) -> Path:
        """Where the weights after `step` steps lie."""
        return self.folder / "checkpoints" / f"step-{step}.pt"

    def keep_checkpoint(self) -> None:
        """Keep the weights as they are now, beside the state."""
        path = self.checkpoint_path(self.step)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(self.model.state_dict(), path)

    def advance(self, stream: npt.NDArray[np.uint16]) -> float:
        """One optimizer step on the batch that is due; the loss, in nats."""
        inputs, labels = curriculum.batch_of(
            self.step, stream, d_vocab=self.arch.d_vocab, seed=self.recipe.seed
        )
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(self.step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(torch.from_numpy(inputs))
        loss = functional.cross_entropy(
            logits.flatten(0, 1),
            torch.from_numpy(labels).flatten(),
            ignore_index=curriculum.IGNORED,
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())


def is_checkpoint(step: int) -> bool:
    """Whether `step` is kept: every hundred to 2,000, then about four a doubling."""
    if step <= 2_000:
        return step % 100 == 0
    return any(step == round(2_000 * 2 ** (k / 4) / 100) * 100 for k in range(1, 40))


def train(run: Run, stream: npt.NDArray[np.uint16], *, log_every: int, save_every: int) -> None:
    """Advance `run` to its last step, logging, saving and keeping checkpoints on the way."""
    started, first, losses = time.monotonic(), run.step, []
    while run.step < run.recipe.steps:
        losses.append(run.advance(stream))
        if is_checkpoint(run.step):
            run.keep_checkpoint()
        if run.step % log_every == 0:
            seconds = time.monotonic() - started
            tokens = curriculum.tokens_until(run.step) - curriculum.tokens_until(first)
            entry = {
                "step": run.step,
                "tokens": curriculum.tokens_until(run.step),
                "loss": round(float(np.mean(losses)), 4),
                "tokens_per_second": round(tokens / seconds),
            }
            print(json.dumps(entry), flush=True)
            losses.clear()
        if run.step % save_every == 0:
            run.save()
    run.save()


def ship(run: Run, name: str, out: Path) -> None:
    """Write the trained model to `out`, and its checkpoints if it is attention only."""
    directory, training = (
        out / name,
        {
            "steps": run.step,
            "tokens": curriculum.tokens_until(run.step),
            "seed": run.recipe.seed,
            "bos_id": curriculum.BOS_ID,
            "tokenizer": "../tokenizer.json",
            "corpora": list(curriculum.CORPORA),
        },
    )
    config = export.bridge_config(run.arch, name=name)
    export.save_model(run.model.state_dict(), directory, config=config, training=training)
    for step in SHIPPED_CHECKPOINTS if run.arch.act_fn is None else ():
        state = torch.load(run.checkpoint_path(step), weights_only=True)
        export.save_weights(state, directory / "checkpoints" / f"step-{step}.safetensors")


def prepare(work: Path, *, d_vocab: int) -> tuple[Tokenizer, npt.NDArray[np.uint16]]:
    """The tokenizer and the token stream, made on the first call and kept in `work`."""
    tokenizer_path, stream_path = work / "tokenizer.json", work / "stream.npy"
    if not (tokenizer_path.exists() and stream_path.exists()):
        work.mkdir(parents=True, exist_ok=True)
        texts = list(curriculum.training_texts())
        tokenizer = curriculum.train_tokenizer(texts, d_vocab=d_vocab)
        np.save(stream_path, curriculum.token_stream(tokenizer, texts))
        tokenizer.save(str(tokenizer_path))
    return Tokenizer.from_file(str(tokenizer_path)), np.load(stream_path)


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", choices=sorted(ARCHITECTURES), required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--work", type=Path, default=Path("build/pretrained"))
    parser.add_argument("--out", type=Path, default=Path("build/pretrained/shipped"))
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    tokenizer, stream = prepare(arguments.work, d_vocab=D_VOCAB)
    recipe = Recipe(steps=arguments.steps, seed=arguments.seed)
    run = Run(ARCHITECTURES[arguments.model], recipe, arguments.work / arguments.model)
    run.resume()
    train(run, stream, log_every=100, save_every=500)
    ship(run, arguments.model, arguments.out)
    tokenizer.save(str(arguments.out / "tokenizer.json"))


if __name__ == "__main__":
    main()

"""Where benchmarks are run: their sizes, and the models and texts that several of them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.shapes import Shape, save
from benchmarks.texts import FullWindows, full_windows


@dataclass(frozen=True)
class Sizes:
    """How much is measured. Tokens are per repetition."""

    tiny: bool = False  # the shape of the model
    windows: dict[int, int] = field(default_factory=lambda: {1024: 16, 256: 32})  # context → count
    scanned: int = 160  # windows of 256
    prompts: int = 24
    pairs: int = 2
    edited_tokens: int = 1_000_000
    memory_tokens: tuple[int, int] = (500_000, 5_000_000)
    megabytes: float = 4.0


QUICK = Sizes(
    tiny=True,
    windows={1024: 16, 256: 32},
    scanned=64,
    prompts=24,
    pairs=1,
    edited_tokens=20_000,
    memory_tokens=(20_000, 60_000),
    megabytes=0.3,
)


@dataclass
class Workplace:
    """A directory to work in, the sizes, and what was made so far."""

    directory: Path
    sizes: Sizes = field(default_factory=Sizes)
    _shapes: dict[int, Shape] = field(default_factory=dict)
    _texts: dict[tuple[int, int], FullWindows] = field(default_factory=dict)

    def shape(self, n_ctx: int) -> Shape:
        """The random model with this context, in tokens with BOS."""
        if n_ctx not in self._shapes:
            made = save(self.directory / f"gpt2-{n_ctx}", n_ctx=n_ctx, tiny=self.sizes.tiny)
            self._shapes[n_ctx] = Shape(made)
        return self._shapes[n_ctx]

    def texts(self, n_ctx: int, documents: int, *, spare: int = 0) -> FullWindows:
        """So many documents that fill a window of this context but for `spare` tokens."""
        length = n_ctx - 1 - spare
        if (length, documents) not in self._texts:
            path = self.directory / f"windows-{length}-{documents}.jsonl"
            tokenizer = self.shape(n_ctx).source.tokenizer()
            made = full_windows(path, tokenizer, length=length, documents=documents)
            self._texts[length, documents] = made
        return self._texts[length, documents]

"""The shipped models in plain PyTorch, fast to train and named as TransformerLens names them.

The state dict of `Transformer` loads into TransformerLens's `NativeModel` as it is: the same
parameters, the same arithmetic. What differs is speed only: q, k and v are one matrix product,
queries go in stretches, and the rotation of adjacent pairs is done on contiguous halves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

INIT_GAIN = 0.8
ROTARY_BASE = 10_000.0
QUERY_STRETCH = 64


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a model. `act_fn` is TransformerLens's name, None for attention only."""

    n_layers: int
    d_model: int
    n_heads: int
    d_vocab: int
    n_ctx: int
    d_mlp: int = 0
    act_fn: str | None = None

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.n_heads, self.d_head = arch.n_heads, arch.d_head
        self.q, self.k, self.v, self.o = (nn.Linear(arch.d_model, arch.d_model) for _ in range(4))
        halves = torch.arange(arch.d_model).view(arch.n_heads, arch.d_head // 2, 2)
        self.halves: Tensor
        self.register_buffer("halves", halves.transpose(1, 2).flatten(), persistent=False)

    def queries_keys_values(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:
        """Rotated queries and keys, and values, each [batch, head, position, d_head].

        The coordinates of each head are reordered, the first of every pair before the second;
        queries and keys alike, so that their products are unchanged.
        """
        halves = self.halves
        weight = torch.cat([self.q.weight[halves], self.k.weight[halves], self.v.weight])
        bias = torch.cat([self.q.bias[halves], self.k.bias[halves], self.v.bias])
        qkv = functional.linear(x, weight, bias)  # [batch, position, 3 · head · d_head]
        split = qkv.view(*x.shape[:2], 3, self.n_heads, self.d_head)
        q, k, v = split.permute(2, 0, 3, 1, 4)  # each [batch, head, position, d_head]
        return _rotate(q, cos, sin), _rotate(k, cos, sin), v

    def pattern(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Attention probabilities [batch, head, query, key], in the precision of `x`."""
        q, k, _ = self.queries_keys_values(x, cos, sin)
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.d_head)
        future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=x.device).triu(1)
        return scores.masked_fill(future, float("-inf")).softmax(-1)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        q, k, v = (part.to(x.dtype) for part in self.queries_keys_values(x, cos, sin))
        mixed = _causal_mix(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1))
        out: Tensor = self.o(mixed.view(v.shape).transpose(1, 2).flatten(-2))
        return out


def _causal_mix(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention output [batch · head, position, d_head], a stretch of queries at a time.

    On a CPU in bfloat16 this trains 1.5 to 2.3 times as fast as the fused kernel, whose backward
    pass is slow there; each stretch leaves out the keys that lie wholly in its future.
    """
    length, keys = q.shape[1], k.transpose(1, 2)
    future = torch.full((length, length), float("-inf"), dtype=q.dtype, device=q.device).triu(1)
    scaled, mixed = q / math.sqrt(q.shape[-1]), []
    for start in range(0, length, QUERY_STRETCH):
        stop = min(start + QUERY_STRETCH, length)
        scores = torch.baddbmm(future[start:stop, :stop], scaled[:, start:stop], keys[..., :stop])
        mixed.append(scores.softmax(-1) @ v[:, :stop])
    return torch.cat(mixed, dim=1)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class MLP(nn.Module):
    """One hidden layer: GELU, or SoLU followed by a LayerNorm."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.fc_in = nn.Linear(arch.d_model, arch.d_mlp)
        self.fc_out = nn.Linear(arch.d_mlp, arch.d_model)
        self.ln = nn.LayerNorm(arch.d_mlp) if arch.act_fn == "solu_ln" else None

    def activations(self, x: Tensor) -> Tensor:
        """Post-activations as `fc_out` reads them, [batch, position, d_mlp]."""
        pre: Tensor = self.fc_in(x)
        if self.ln is None:
            return functional.gelu(pre)
        mid: Tensor = self.ln(pre * pre.softmax(-1))
        return mid

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc_out(self.activations(x))
        return out


class Block(nn.Module):
    """Pre-norm attention, then the MLP where there is one."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(arch.d_model)
        self.attn = Attention(arch)
        if arch.d_mlp:
            self.ln2 = nn.LayerNorm(arch.d_model)
            self.mlp = MLP(arch)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attn(self.ln1(x), cos, sin)
        return x + self.mlp(self.ln2(x)) if hasattr(self, "mlp") else x


class Transformer(nn.Module):
    """Tokens to next-token logits, weights drawn from `seed`."""

    def __init__(self, arch: Architecture, *, seed: int = 0) -> None:
        super().__init__()
        self.arch = arch
        self.tok_embed = nn.Embedding(arch.d_vocab, arch.d_model)
        self.layers = nn.ModuleList(Block(arch) for _ in range(arch.n_layers))
        self.ln_out = nn.LayerNorm(arch.d_model)
        self.head = nn.Linear(arch.d_model, arch.d_vocab, bias=False)
        frequency = ROTARY_BASE ** (-torch.arange(0, arch.d_head, 2) / arch.d_head)
        angle = torch.outer(torch.arange(arch.n_ctx).float(), frequency)
        self.cos: Tensor
        self.sin: Tensor
        self.register_buffer("cos", angle.cos(), persistent=False)  # [position, d_head / 2]
        self.register_buffer("sin", angle.sin(), persistent=False)
        self.initialise(seed)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Draw every matrix from one generator, in the order of their names; biases are zero."""
        generator = torch.Generator().manual_seed(seed)
        std = INIT_GAIN / math.sqrt(self.arch.d_model)
        for name, parameter in sorted(self.named_parameters()):
            if parameter.dim() == 1:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
                continue
            parameter.normal_(0.0, std, generator=generator)
            if name.endswith(("attn.o.weight", "mlp.fc_out.weight")):
                parameter.div_(math.sqrt(2 * self.arch.n_layers))

    def embed(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The residual stream [batch, position, d_model] and the rotations of its positions."""
        length = tokens.shape[1]
        return self.tok_embed(tokens), self.cos[:length], self.sin[:length]

    def forward(self, tokens: Tensor) -> Tensor:
        x, cos, sin = self.embed(tokens)
        for block in self.layers:
            x = block(x, cos, sin)
        logits: Tensor = self.head(self.ln_out(x))  # [batch, position, d_vocab]
        return logits

    @torch.no_grad()
    def patterns(self, tokens: Tensor) -> Tensor:
        """Every head's attention, [layer, batch, head, query, key]."""
        x, cos, sin = self.embed(tokens)
        found = []
        for block in self.layers:
            assert isinstance(block, Block)
            found.append(block.attn.pattern(block.ln1(x), cos, sin))
            x = block(x, cos, sin)
        return torch.stack(found)

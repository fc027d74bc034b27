"""Small models saved to a directory, for tests of loading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge.sources.native import NativeModel

TEXTS = [
    "def f(x):\n    return x + 1  # one more\n",
    "the cat sat on the mat",
    "for i in range(3):",
]

NATIVE: dict[str, Any] = {
    "architecture": "TransformerLensNative",
    "n_layers": 2,
    "d_model": 16,
    "n_heads": 2,
    "d_head": 8,
    "n_ctx": 24,
    "d_vocab": 300,
    "d_mlp": 20,
    "act_fn": "gelu",
    "normalization_type": "LN",
    "positional_embedding_type": "rotary",
}


def trained_tokenizer(*, bos: str = "<|endoftext|>", size: int = 300) -> Tokenizer:
    """A byte-level BPE tokenizer with a few merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[bos],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def tiny_gpt2(directory: Path) -> Path:
    """A random GPT-2 as Hugging Face's `save_pretrained` writes it."""
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    tokenizer = trained_tokenizer()
    torch.manual_seed(1)  # a fresh copy is made with seed 0
    size = tokenizer.get_vocab_size()
    config = GPT2Config(vocab_size=size, n_positions=32, n_embd=24, n_layer=2, n_head=3)
    GPT2LMHeadModel(config).save_pretrained(directory)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    )
    fast.save_pretrained(directory)
    return directory


def native(directory: Path, *, checkpoints: tuple[int, ...] = (), **changes: Any) -> Path:
    """A random model in TransformerLens's native layout, with checkpoints if asked for."""
    fields = {**NATIVE, **changes}
    directory.mkdir(parents=True, exist_ok=True)
    trained_tokenizer(bos="<|bos|>", size=fields["d_vocab"]).save(str(directory / "tokenizer.json"))
    config = {**fields, "training": {"bos_id": 0, "seed": 0}}
    (directory / "config.json").write_text(json.dumps(config), "utf-8")
    files = [directory / "model.safetensors"]
    files += [directory / "checkpoints" / f"step-{step}.safetensors" for step in checkpoints]
    for seed, file in enumerate(files):
        file.parent.mkdir(exist_ok=True)
        torch.manual_seed(seed)
        save_file(NativeModel(TransformerBridgeConfig(**fields)).state_dict(), file)
    return directory


def _fast_tokenizer(directory: Path, **special: str) -> int:
    """Save a byte-level tokenizer to `directory`; its number of tokens."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = trained_tokenizer()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    fast.save_pretrained(directory)
    return int(tokenizer.get_vocab_size())


def tiny_neox(directory: Path) -> Path:
    """A random GPT-NeoX (Pythia's architecture): rotary over a quarter of each head."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    size = _fast_tokenizer(directory, bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    torch.manual_seed(2)
    config = GPTNeoXConfig(
        vocab_size=size,
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=3,
        max_position_embeddings=32,
    )
    GPTNeoXForCausalLM(config).save_pretrained(directory)
    return directory


def tiny_llama(directory: Path) -> Path:
    """A random Llama whose four heads share two keys."""
    from transformers import LlamaConfig, LlamaForCausalLM

    size = _fast_tokenizer(directory, bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=40,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    return directory


def tiny_gemma2(directory: Path) -> Path:
    """A random Gemma 2: norms before and after each MLP, their gains stored as offsets from 1."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    size = _fast_tokenizer(directory, bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    torch.manual_seed(5)
    config = Gemma2Config(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=32,
    )
    Gemma2ForCausalLM(config).save_pretrained(directory)
    return directory


def tiny_bert(directory: Path) -> Path:
    """A random BERT: attention in both directions."""
    from transformers import BertConfig, BertForMaskedLM

    size = _fast_tokenizer(directory, cls_token="<|endoftext|>", pad_token="<|endoftext|>")
    torch.manual_seed(4)
    config = BertConfig(
        vocab_size=size,
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=3,
        num_attention_heads=3,
        max_position_embeddings=32,
    )
    BertForMaskedLM(config).save_pretrained(directory)
    return directory

"""What a model's files say, read without torch: where they lie, their content, their shape."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mi_hypotheses.errors import ModelError, did_you_mean

PRETRAINED = Path(__file__).parent / "pretrained"
NATIVE = "TransformerLensNative"

# Fields of a config that say nothing about what the model computes.
_INCIDENTAL = {
    "_name_or_path",
    "dtype",
    "model_name",
    "tokenizer_name",
    "torch_dtype",
    "training",
    "transformers_version",
    "use_cache",
}
# Families that TransformerLens runs without BOS although some of their tokenizers name one.
_WITHOUT_BOS = re.compile(
    r"qwen|glm|phi|gpt_neox|bloom|mpt|granite|starcoder2|exaone|ernie|smollm3|seed_oss|minimax"
    r"|recurrent_gemma|llada"
)
# Families of encoders, whose tokens see those after them as well.
_BOTH_WAYS = re.compile(r"bert|electra|xlm|ernie|mpnet|longformer|big_bird|deberta|esm")
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
_DOWNLOADED = ["config.json", "tokenizer*", "special_tokens_map.json", "vocab*", "merges.txt"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model. `d_mlp` is None where it has no MLPs."""

    n_layers: int
    d_model: int
    d_mlp: int | None
    n_heads: int | None
    n_ctx: int
    act_fn: str | None
    causal: bool = True


def shipped_models(root: Path = PRETRAINED) -> list[str]:
    """Names of the models inside this package."""
    return sorted(path.parent.name for path in root.glob("*/config.json"))


def read_config(directory: Path) -> dict[str, Any]:
    """The `config.json` of a model directory.

    Raises:
        ModelError: there is none, or it is no JSON object.
    """
    path = directory / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"The directory {directory} holds no config.json, so it is not a saved model."
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"The model configuration {path} cannot be read: {error}.") from None
    if not isinstance(config, dict):
        raise ModelError(f"The model configuration {path} must be a JSON object.")
    return config


def is_native(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is TransformerLens's own rather than Hugging Face's."""
    return config.get("architecture") == NATIVE or "model_type" not in config


def native_shape(config: Mapping[str, Any], *, where: str) -> Shape:
    """The sizes in a TransformerLens native configuration.

    Raises:
        ModelError: a field is missing.
    """
    try:
        d_model, d_head = int(config["d_model"]), int(config["d_head"])
        d_mlp = None if config.get("attn_only") else int(config.get("d_mlp") or 4 * d_model)
        n_heads = int(config.get("n_heads") or -1)
        return Shape(
            n_layers=int(config["n_layers"]),
            d_model=d_model,
            d_mlp=d_mlp,
            n_heads=n_heads if n_heads > 0 else d_model // d_head,
            n_ctx=int(config["n_ctx"]),
            act_fn=None if d_mlp is None else config.get("act_fn", "relu"),
            causal=config.get("attention_dir", "causal") == "causal",
        )
    except KeyError as error:
        raise ModelError(
            f"The configuration of {where} lacks {error.args[0]!r}. A TransformerLens native "
            "configuration holds the fields of TransformerBridgeConfig, a Hugging Face one has "
            "a 'model_type'."
        ) from None


def hugging_face_shape(config: Mapping[str, Any], *, where: str) -> Shape | None:
    """The sizes in a Hugging Face configuration, None if it leaves some to its class's defaults.

    Raises:
        ModelError: the model is an encoder-decoder, which has no single stack of layers.
    """
    if config.get("is_encoder_decoder"):
        raise ModelError(
            f"{where} is an encoder-decoder model; only models with one stack of layers can be "
            "scored."
        )
    text = config.get("text_config", config)

    def first(*names: str) -> Any:
        return next((text[name] for name in names if text.get(name) is not None), None)

    n_layers = first("num_hidden_layers", "n_layer", "num_layers", "n_layers")
    d_model = first("hidden_size", "n_embd", "d_model", "dim")
    n_ctx = first("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length")
    if n_layers is None or d_model is None or n_ctx is None:
        return None
    if "roberta" in str(text.get("model_type")):
        n_ctx -= 2  # its positions begin at 2
    return Shape(
        n_layers=n_layers,
        d_model=d_model,
        d_mlp=first("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "hidden_dim")
        or 4 * d_model,
        n_heads=first("num_attention_heads", "n_head", "num_heads", "n_heads"),
        n_ctx=n_ctx,
        act_fn=first("hidden_act", "activation_function", "hidden_activation"),
        causal=_is_causal(config),
    )


def _is_causal(config: Mapping[str, Any]) -> bool:
    """Whether a Hugging Face model's tokens see only what comes before them."""
    names = config.get("architectures") or [""]
    if re.search(r"CausalLM|LMHead(Model)?$", names[0]) or config.get("is_decoder"):
        return True
    return not _BOTH_WAYS.search(str(config.get("text_config", config).get("model_type")))


def hugging_face_bos(directory: Path, config: Mapping[str, Any]) -> str | None:
    """The token that windows begin with, as TransformerLens would prepend it; None if none.

    That is the tokenizer's `bos_token`, or `cls_token` where it has no other, except in the
    families that TransformerLens runs without one (Pythia and Qwen among them).
    """
    model_type = str(config.get("text_config", config).get("model_type"))
    if _WITHOUT_BOS.match(model_type):
        return None
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = directory / name
        said = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        for key in ("bos_token", "cls_token"):
            token = said.get(key)
            token = token.get("content") if isinstance(token, dict) else token
            if token:
                return str(token)
    return "<|endoftext|>" if model_type in ("gpt2", "gpt_neo", "gptj") else None


def weight_files(directory: Path) -> list[Path]:
    """The weight files of a Hugging Face directory, sorted; safetensors before pickles."""
    for pattern in _WEIGHTS:
        found = sorted(directory.glob(pattern))
        if found:
            return found
    return []


def fingerprint(config: Mapping[str, Any], files: Iterable[Path], *extra: str) -> str:
    """Hash of what a model computes: its configuration without names, and its weights."""
    kept = {key: value for key, value in config.items() if key not in _INCIDENTAL}
    digest = hashlib.blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=16)
    for part in (*(file_digest(path) for path in files), *extra):
        digest.update(part.encode() + b"\n")
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """Hash of a file's content, computed once per path, size and time of change.

    A file in the Hugging Face cache is a link to a blob named by its content: the name serves.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        target = path.resolve()
        status = target.stat()
        if path.is_symlink() and target.parent.name == "blobs":
            return f"{target.name}:{status.st_size}"
        return _content_digest(target, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error}.") from None


@lru_cache(maxsize=1024)
def _content_digest(path: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 (cache key)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def checkpoint_steps(directory: Path, config: Mapping[str, Any]) -> list[int]:
    """The training steps that a native model can be had at, ascending; 0 is the untrained one."""
    found = {
        int(match[1])
        for path in directory.glob("checkpoints/step-*.safetensors")
        if (match := re.fullmatch(r"step-(\d+)\.safetensors", path.name))
    }
    seed = config.get("training", {}).get("seed", config.get("seed"))
    return sorted(found | ({0} if found and seed is not None else set()))


def hub_snapshot(name: str, *, revision: str | None = None) -> Path:
    """The local copy of a model on the Hugging Face hub, downloaded if it is not there.

    Raises:
        ModelError: there is no such model, or it cannot be reached.
    """
    if not _HUB_NAME.fullmatch(name):
        raise unknown_model(name, "It is neither a directory nor a name the hub could have")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    official = hub_aliases().get(name, name)
    try:
        cached = Path(snapshot_download(official, revision=revision, local_files_only=True))
        if weight_files(cached) and (cached / "config.json").is_file():
            return cached
    except Exception:
        pass
    try:
        return _download(official, revision)
    except GatedRepoError:
        raise ModelError(
            f"The model {name!r} is gated on the Hugging Face hub: accept its terms there and "
            "log in with 'hf auth login'."
        ) from None
    except RepositoryNotFoundError:
        raise unknown_model(name, "The Hugging Face hub has no such model") from None
    except Exception as error:
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise unknown_model(
            name, f"It is not on this machine and could not be downloaded ({reason})"
        ) from None


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    for weights in _WEIGHTS:
        path = Path(
            snapshot_download(
                name, revision=revision, allow_patterns=[*_DOWNLOADED, weights, f"{weights}.*"]
            )
        )
        if weight_files(path):
            return path
    raise ModelError("its repository holds no safetensors or PyTorch weights")


@lru_cache(maxsize=1)
def hub_aliases() -> dict[str, str]:
    """TransformerLens's short names (`gpt2-small`) and the hub names they stand for."""
    package = importlib.util.find_spec("transformer_lens")
    if package is None or package.origin is None:
        return {}
    path = Path(package.origin).parent / "tools/model_registry/data/model_aliases.json"
    try:
        aliases: dict[str, list[str]] = json.loads(path.read_text("utf-8"))["aliases"]
    except (OSError, ValueError, KeyError):
        return {}
    return {short: name for name, shorts in aliases.items() for short in shorts}


def unknown_model(name: str, reason: str) -> ModelError:
    """The error for a model `name` that leads nowhere."""
    return ModelError(
        f"There is no model {name!r}: {reason[0].lower()}{reason[1:]}. A model is one of those "
        "shipped, a directory, a name on the Hugging Face hub, or what a plugin's mi_load_model "
        f"knows. {did_you_mean(name, shipped_models())}"
    )

"""Models: from a reference to what it is, without torch; `ModelSource.load` makes it run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from mi_hypotheses import weights
from mi_hypotheses.checks import check_head as check_head
from mi_hypotheses.checks import check_unit as check_unit
from mi_hypotheses.errors import (
    ModelError,
    UnknownNameError,
    UsageError,
    did_you_mean,
    unknown_name,
)
from mi_hypotheses.reports import ModelInfo
from mi_hypotheses.tokenizing import SymbolTokenizer, Tokenizer, read_symbols

if TYPE_CHECKING:
    from torch import Tensor

At: TypeAlias = Literal["pre", "post", "mid"]
AnyTokenizer: TypeAlias = Tokenizer | SymbolTokenizer

UNTRAINED = "@untrained"
DTYPES = ("float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda", "cuda:0", "mps")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_BOS_TOKENS = ("<|bos|>", "<|endoftext|>", "<s>", "<bos>", "[BOS]", "BOS")


@dataclass(frozen=True, slots=True)
class Site:
    """An MLP's activations: before the nonlinearity, after it, or (SoLU) before its LayerNorm."""

    layer: int
    at: At = "post"


@runtime_checkable
class Model(Protocol):
    """A model ready to run."""

    info: ModelInfo

    @property
    def device(self) -> str:
        """Where the model runs."""

    def activations(
        self,
        tokens: Tensor,
        *,
        sites: Mapping[Site, Tensor | None],
        attention_mask: Tensor | None = None,
    ) -> dict[Site, Tensor]:
        """MLP activations of `tokens` [batch, position] as float32 [batch, position, unit].

        This and `attention` may be called from another thread than the model was made in, one
        call at a time.

        `sites` gives the units to gather at each site, None for the whole layer. Nothing after
        the last site is computed. `attention_mask` is 1 on tokens and 0 on padding; a causal
        model with padding on the right needs none.
        """
        ...

    def attention(
        self,
        tokens: Tensor,
        *,
        heads: Mapping[int, Sequence[int]],
        read: Callable[[int, Tensor], None],
        attention_mask: Tensor | None = None,
    ) -> None:
        """Calls `read(layer, pattern)` with the attention of some heads of some layers.

        `heads` gives the heads to read in each layer. Layers come in ascending order, each as
        soon as it has run: float32 [batch, head, query, key] on the model's device, heads in the
        order of `heads[layer]`. The pattern is not kept, and nothing after the last layer is
        computed. Rows of padding queries are undefined, and `read` must not change the pattern.
        """
        ...


@runtime_checkable
class PluginModel(Model, Protocol):
    """What a plugin's `mi_load_model` returns: a model with its tokenizer; see `from_bridge`."""

    tokenizer: AnyTokenizer


@dataclass(frozen=True)
class ModelSource:
    """A model that was found but not loaded: what it is, and how to get it."""

    reference: str
    info: ModelInfo
    bos_id: int | None
    make_tokenizer: Callable[[], AnyTokenizer] = field(repr=False)
    make_model: Callable[[str, str], Model] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Hash of weights and configuration; names do not enter."""
        return self.info.fingerprint

    @property
    def tokenizer_fingerprint(self) -> str:
        """Hash of the tokenizer's definition."""
        return self.info.tokenizer_fingerprint

    @property
    def n_ctx(self) -> int:
        """Tokens of context, BOS included."""
        return self.info.n_ctx

    def tokenizer(self) -> AnyTokenizer:
        """The model's tokenizer; loads no torch where there is a `tokenizer.json`."""
        return self.make_tokenizer()

    def load(self, *, device: str = "auto", dtype: str = "float32") -> Model:
        """The model on a device.

        Raises:
            UsageError: the device or dtype is unknown or not there.
            ModelError: the weights cannot be loaded.
        """
        check_dtype(dtype)
        return self.make_model(choose_device(device), dtype)


def shipped_models() -> list[str]:
    """Names of the models inside this package."""
    return weights.shipped_models()


def checkpoints(reference: str) -> list[int]:
    """The training steps of a shipped model or native directory, ascending; [] if it has none."""
    directory = local_directory(reference.partition("@")[0])
    if directory is None:
        return []
    return weights.checkpoint_steps(directory, weights.read_config(directory))


def resolve(
    reference: str, *, loaders: Iterable[Callable[[str], Model | None]] = ()
) -> ModelSource:
    """Find the model that `reference` names.

    `loaders` come first (plugins); then `NAME` or `NAME@step=N` of a shipped model, a directory
    (TransformerLens native, with `@step=N` where it has checkpoints, or saved by Hugging Face),
    and a name on the Hugging Face hub, `NAME@REVISION` for a revision. A hub model is downloaded
    if it is not in the local cache. `@untrained` after any of these is the same architecture,
    freshly initialised.

    Raises:
        ModelError: nothing answers to it, or what does cannot be used.
    """
    for loader in loaders:
        model = loader(reference)
        if model is not None:
            return _plugin_source(reference, model)
    trained = reference.removesuffix(UNTRAINED)
    fresh = trained != reference
    name, _, suffix = trained.partition("@")
    directory = local_directory(name)
    if directory is not None:
        config = weights.read_config(directory)
        if weights.is_native(config):
            return _native_source(reference, directory, config, suffix, fresh=fresh)
        if suffix:
            raise ModelError(
                f"The model {reference!r} has a suffix, but {directory} was saved by Hugging Face "
                "and has no checkpoints. Name the directory alone."
            )
        return _hugging_face(reference, directory, config, fresh=fresh)
    if _looks_like_path(name):
        raise weights.unknown_model(name, "There is no such directory")
    if suffix.startswith("step=") and "/" not in name:
        raise weights.unknown_model(name, "No shipped model or directory has that name")
    directory = weights.hub_snapshot(name, revision=suffix or None)
    return _hugging_face(reference, directory, weights.read_config(directory), fresh=fresh)


def check_dtype(dtype: str) -> None:
    """Raise UsageError where `dtype` is none that a model can run in."""
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)


def check_device(device: str) -> None:
    """Raise UsageError where no machine has a `device` of that name; whether this one has it is
    not asked, as that takes torch."""
    if not _DEVICE.fullmatch(device):
        hint = did_you_mean(device.lower().replace("gpu", "cuda"), DEVICES)
        raise UnknownNameError(f"There is no device named {device!r}. {hint}")


def choose_device(device: str) -> str:
    """`device` itself if it is there; for "auto" CUDA, then MPS, then the CPU.

    Raises:
        UsageError: it is unknown or not there.
    """
    check_device(device)
    import torch

    mps = torch.backends.mps.is_available()
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    if device == "mps" and not mps:
        raise UsageError("The device 'mps' is not available on this machine; use 'cpu'.")
    if device.startswith("cuda"):
        number = int(device.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise UsageError(
                f"The device {device!r} is not available: torch sees "
                f"{torch.cuda.device_count()} CUDA devices here. Use 'cpu' or 'auto'."
            )
    return device


def _plugin_source(reference: str, model: Model) -> ModelSource:
    if not isinstance(model, PluginModel):
        raise ModelError(
            f"A plugin's mi_load_model answered {reference!r} with a {type(model).__name__}, which "
            "is not a model: it needs info, device, tokenizer, activations() and attention(). "
            "mi_hypotheses.bridge.from_bridge makes one from a TransformerBridge."
        )

    def load(device: str, dtype: str) -> Model:
        from mi_hypotheses.bridge import BridgeModel

        if isinstance(model, BridgeModel):
            model.move(device, dtype)
        return model

    tokenizer = model.tokenizer
    return ModelSource(
        reference=reference,
        info=model.info,
        bos_id=tokenizer.bos_id,
        make_tokenizer=lambda: tokenizer,
        make_model=load,
    )


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "~", "/")) or name.endswith("/") or name.count("/") > 1


def local_directory(name: str) -> Path | None:
    """The directory that a name means: a shipped model's, or the one it is a path to."""
    if name in shipped_models():
        return weights.PRETRAINED / name
    path = Path(name).expanduser()
    return path if name and path.is_dir() else None


def info_of(
    reference: str, shape: weights.Shape, *, fingerprint: str, tokenizer_fingerprint: str
) -> ModelInfo:
    """What a report says of a model of this shape."""
    return ModelInfo(
        reference=reference,
        fingerprint=fingerprint,
        tokenizer_fingerprint=tokenizer_fingerprint,
        n_layers=shape.n_layers,
        d_model=shape.d_model,
        d_mlp=shape.d_mlp,
        n_heads=shape.n_heads,
        n_ctx=shape.n_ctx,
        act_fn=shape.act_fn,
        causal=shape.causal,
    )


def _hugging_face(
    reference: str, directory: Path, config: Mapping[str, Any], *, fresh: bool
) -> ModelSource:
    from mi_hypotheses.hugging_face import source

    return source(reference, directory, config, fresh=fresh)


# -- TransformerLens native ---------------------------------------------------------------------


def _native_source(
    reference: str, directory: Path, config: Mapping[str, Any], suffix: str, *, fresh: bool
) -> ModelSource:
    shape = weights.native_shape(config, where=reference)
    file, extra = _native_weights(reference, directory, config, suffix)
    if fresh:
        file, extra = None, ["fresh"]
    tokenizer = _native_tokenizer(directory, config)
    info = info_of(
        reference,
        shape,
        fingerprint=weights.fingerprint(config, [file] if file else [], *extra),
        tokenizer_fingerprint=tokenizer.fingerprint,
    )

    def load(device: str, dtype: str) -> Model:
        from mi_hypotheses.bridge import load_native

        return load_native(info, config, file, fresh=fresh, device=device, dtype=dtype)

    return ModelSource(
        reference=reference,
        info=info,
        bos_id=tokenizer.bos_id,
        make_tokenizer=partial(_native_tokenizer, directory, config),
        make_model=load,
    )


def _native_weights(
    reference: str, directory: Path, config: Mapping[str, Any], suffix: str
) -> tuple[Path | None, list[str]]:
    """The weight file that a suffix names, and what else the weights depend on.

    Step 0 has no file: it is made from the seed.
    """
    if not suffix:
        files = sorted(directory.glob("*.safetensors"))
        if len(files) != 1:
            raise ModelError(
                f"The model directory {directory} must hold exactly one .safetensors file and "
                f"holds {len(files)}."
            )
        return files[0], []
    steps = weights.checkpoint_steps(directory, config)
    match = re.fullmatch(r"step=(\d+)", suffix)
    step = int(match[1]) if match else None
    if step is None or step not in steps:
        listed = ", ".join(str(known) for known in steps)
        there = f"Its checkpoints are: {listed}." if steps else "It has no checkpoints."
        raise ModelError(f"There is no {reference!r}: a checkpoint is written NAME@step=N. {there}")
    if step == 0:
        seed = config.get("training", {}).get("seed")
        made_by = weights.file_digest(weights.PRETRAINED / "architecture.py")
        return None, [f"untrained, seed {seed}", made_by]
    return directory / "checkpoints" / f"step-{step}.safetensors", []


def _native_tokenizer(directory: Path, config: Mapping[str, Any]) -> AnyTokenizer:
    training = config.get("training", {})
    bos_id = training.get("bos_id", config.get("bos_id"))
    symbols = directory / "vocabulary.json"
    if symbols.is_file():
        return read_symbols(symbols, bos_id=bos_id)
    path = directory / str(training.get("tokenizer", "tokenizer.json"))
    return Tokenizer.from_file(path, bos_id=bos_id)

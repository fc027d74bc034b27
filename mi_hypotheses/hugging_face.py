"""Models in directories saved by Hugging Face, and from its hub: what they are, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mi_hypotheses import weights
from mi_hypotheses.errors import ModelError
from mi_hypotheses.models import Model, ModelSource, info_of
from mi_hypotheses.tokenizing import Tokenizer


def source(
    reference: str, directory: Path, config: Mapping[str, Any], *, fresh: bool
) -> ModelSource:
    """The model in a directory that `save_pretrained` wrote, found but not loaded.

    Raises:
        ModelError: weights, tokenizer or sizes are missing, or the tokenizer is a slow one.
    """
    shape = weights.hugging_face_shape(config, where=reference) or _default_shape(
        reference, directory
    )
    files = weights.weight_files(directory)
    if not files:
        raise ModelError(
            f"The model directory {directory} holds no weights (model*.safetensors or "
            "pytorch_model*.bin). Save the model there with save_pretrained."
        )
    tokenizer = _tokenizer(directory, config)
    info = info_of(
        reference,
        shape,
        fingerprint=weights.fingerprint(
            config, [] if fresh else files, *(["fresh"] if fresh else [])
        ),
        tokenizer_fingerprint=tokenizer.fingerprint,
    )

    def load(device: str, dtype: str) -> Model:
        from mi_hypotheses.bridge import load_hugging_face

        return load_hugging_face(info, directory, fresh=fresh, device=device, dtype=dtype)

    return ModelSource(
        reference=reference,
        info=info,
        bos_id=tokenizer.bos_id,
        make_tokenizer=partial(_tokenizer, directory, config),
        make_model=load,
    )


def _default_shape(reference: str, directory: Path) -> weights.Shape:
    """The sizes of a configuration that leaves some to its class's defaults."""
    from transformers import AutoConfig

    full = AutoConfig.from_pretrained(directory).to_dict()
    shape = weights.hugging_face_shape(full, where=reference)
    if shape is None:
        raise ModelError(
            f"The configuration of {reference!r} does not say its number of layers, its width "
            "and its context length, so it cannot be scored."
        )
    return shape


def _tokenizer(directory: Path, config: Mapping[str, Any]) -> Tokenizer:
    path = directory / "tokenizer.json"
    if path.is_file():
        tokenizer = Tokenizer.from_file(path)
    else:
        tokenizer = Tokenizer(_converted(directory), name=str(directory))
    bos = weights.hugging_face_bos(directory, config)
    tokenizer.bos_id = None if bos is None else tokenizer.token_id(bos)
    return tokenizer


def _converted(directory: Path) -> str:
    """The definition of the fast tokenizer that transformers makes of the files there."""
    from transformers import AutoTokenizer

    try:
        made = AutoTokenizer.from_pretrained(directory, use_fast=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"The directory {directory} holds no tokenizer that can be used: {reason}"
        ) from None
    if not getattr(made, "is_fast", False):
        raise ModelError(
            f"The tokenizer in {directory} is a slow one ({type(made).__name__}), which does not "
            "say where in the text its tokens stand. Save a fast one there (tokenizer.json)."
        )
    definition: str = made.backend_tokenizer.to_str()
    return definition

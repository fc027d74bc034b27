"""Attention patterns are those of TransformerLens's hooks, for the heads that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from mi_hypotheses import fused_body
from mi_hypotheses.bridge import BridgeModel
from mi_hypotheses.errors import ModelError
from mi_hypotheses.models import check_head, resolve
from tests.small_models import native, tiny_bert, tiny_gpt2, tiny_llama, tiny_neox

HUGGING_FACE = {"gpt2": tiny_gpt2, "neox": tiny_neox, "llama": tiny_llama, "bert": tiny_bert}
NATIVE: dict[str, dict[str, Any]] = {
    "rotary": {},
    "standard": {"positional_embedding_type": "standard"},
    "attention only": {"attn_only": True, "n_layers": 3},
}
KINDS = [*NATIVE, *HUGGING_FACE]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("models")
    made = {kind: str(make(root / kind)) for kind, make in HUGGING_FACE.items()}
    made |= {kind: str(native(root / kind, **changes)) for kind, changes in NATIVE.items()}
    return made


def loaded(place: str) -> BridgeModel:
    model = resolve(place).load(device="cpu")
    assert isinstance(model, BridgeModel)
    return model


def tokens(batch: int = 3, length: int = 11) -> Tensor:
    return torch.randint(1, 250, (batch, length), generator=torch.Generator().manual_seed(1))


def padding() -> Tensor:
    """A mask of three rows of 11, 7 and 4 tokens, padded on the right."""
    return (torch.arange(11) < torch.tensor([[11], [7], [4]])).long()


def patterns(
    model: BridgeModel, heads: dict[int, Sequence[int]], *, mask: Tensor | None = None
) -> dict[int, Tensor]:
    found: dict[int, Tensor] = {}
    model.attention(tokens(), heads=heads, read=found.__setitem__, attention_mask=mask)
    return found


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_patterns_equal_run_with_cache(kind: str, padded: bool, places: dict[str, str]) -> None:
    model = loaded(places[kind])
    mask = padding() if padded else torch.ones(3, 11, dtype=torch.long)
    _, cache = model.bridge.run_with_cache(tokens(), attention_mask=mask)
    n_heads = model.info.n_heads or 0
    heads = {layer: [n_heads - 1, 0] for layer in reversed(range(model.info.n_layers))}
    found = patterns(model, heads, mask=mask if padded else None)
    assert list(found) == sorted(heads)
    for layer, pattern in found.items():
        assert pattern.dtype == torch.float32
        expected = cache[f"blocks.{layer}.attn.hook_pattern"][:, heads[layer]]
        real = mask.bool()[:, None, :, None].expand_as(pattern)
        torch.testing.assert_close(pattern[real], expected[real], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", HUGGING_FACE)
def test_hugging_face_models_are_read_without_the_bridge(kind: str, places: dict[str, str]) -> None:
    model = loaded(places[kind])
    first = [patterns(model, {1: [2, 0]}, mask=mask) for mask in (None, padding())]
    ran: list[str] = []  # by now both ways were compared
    model.bridge.blocks[0].register_forward_pre_hook(lambda *_: ran.append("bridge"))
    again = [patterns(model, {1: [2, 0]}, mask=mask) for mask in (None, padding())]
    torch.testing.assert_close(again, first)
    assert ran == []
    body = model._fused_path.body
    assert body is not None
    held = {tensor.data_ptr() for tensor in model.bridge.original_model.state_dict().values()}
    assert {tensor.data_ptr() for tensor in body.model.parameters()} <= held


@pytest.mark.parametrize("fault", ["softcap", "unsupported", "different", "unseen"])
def test_hooks_are_read_where_the_fused_path_does_not_apply(
    fault: str, places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(places["llama"])
    expected: dict[int, Tensor] = {}
    model._read_hooks(tokens(), heads={0: [0], 2: [3]}, read=expected.__setitem__)
    kind = type(model.bridge.original_model)
    if fault == "unsupported":
        monkeypatch.setattr(kind, "_supports_sdpa", False)
    elif fault == "unseen":
        monkeypatch.setattr(kind, "_can_set_attn_implementation", classmethod(lambda _: False))
    elif fault == "different":
        monkeypatch.setattr(fused_body, "_pattern", lambda query, key, *_, **__: query @ key.mT)
    else:
        capped = partial(fused_body._attend, softcap=30.0)
        monkeypatch.setattr(fused_body, "_attend", capped)
    torch.testing.assert_close(patterns(model, {0: [0], 2: [3]}), expected)
    assert model._fused_path.body is None
    torch.testing.assert_close(patterns(model, {0: [0], 2: [3]}), expected)


@pytest.mark.parametrize("kind", ["rotary", "gpt2"])
def test_nothing_after_the_last_layer_is_run_or_kept(kind: str, places: dict[str, str]) -> None:
    model = loaded(places[kind])
    ran: list[int] = []
    later = [model.bridge.blocks[1]]
    if kind == "gpt2":
        body = model._fused_path.body
        assert body is not None
        later.append(body.model.transformer.h[1])
    for block in later:
        for module in block.modules():
            module.register_forward_pre_hook(lambda *_: ran.append(1))
    patterns(model, {0: [1]})
    patterns(model, {0: [0]})
    assert ran == []
    assert all(getattr(block.attn, "_pattern", None) is None for block in model.bridge.blocks)


def test_an_error_of_the_reader_leaves_the_model_usable(places: dict[str, str]) -> None:
    model = loaded(places["gpt2"])
    expected = patterns(model, {0: [0]})

    def fail(layer: int, pattern: Tensor) -> None:
        raise ValueError(f"full at {layer}, {pattern.shape}")

    with pytest.raises(ValueError, match="full"):
        model.attention(tokens(), heads={0: [0]}, read=fail)
    torch.testing.assert_close(patterns(model, {0: [0]}), expected)


def test_no_heads_is_no_forward_pass(places: dict[str, str]) -> None:
    assert patterns(loaded(places["rotary"]), {1: []}) == {}


def test_heads_are_checked_before_anything_runs(places: dict[str, str]) -> None:
    model = loaded(places["rotary"])
    check_head(model.info, layer=1, index=1)
    for layer, index, said in ((2, 0, "no layer 2"), (0, 2, "no head 2"), (0, -1, "no head -1")):
        with pytest.raises(ModelError, match=said):
            check_head(model.info, layer=layer, index=index)
        with pytest.raises(ModelError, match=said):
            patterns(model, {0: [0], layer: [index]})
    without = model.info.model_copy(update={"n_heads": None})
    with pytest.raises(ModelError, match="no attention heads"):
        check_head(without, layer=0)


def test_a_layer_without_attention_says_so(places: dict[str, str]) -> None:
    model = loaded(places["rotary"])
    del model._hooks["blocks.1.attn.hook_pattern"]
    with pytest.raises(ModelError, match="no attention pattern in layer 1"):
        patterns(model, {1: [0]})

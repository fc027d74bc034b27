"""MLP activations of Hugging Face models are those of the hooks, and are read without them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from mi_hypotheses import fused_body
from mi_hypotheses.bridge import BridgeModel
from mi_hypotheses.models import Site, resolve
from tests.small_models import tiny_bert, tiny_gpt2, tiny_llama, tiny_neox

HUGGING_FACE = {"gpt2": tiny_gpt2, "neox": tiny_neox, "llama": tiny_llama, "bert": tiny_bert}
SITES: dict[Site, Tensor | None] = {
    Site(0): None,
    Site(1, "pre"): torch.tensor([3, 0]),
    Site(1): torch.tensor([5]),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {kind: make(root / kind) for kind, make in HUGGING_FACE.items()}


def loaded(place: Path) -> BridgeModel:
    model = resolve(str(place)).load(device="cpu")
    assert isinstance(model, BridgeModel)
    return model


TOKENS = torch.randint(1, 250, (3, 11), generator=torch.Generator().manual_seed(1))
PADDING = (torch.arange(11) < torch.tensor([[11], [7], [4]])).long()


@pytest.mark.parametrize("mask", [None, PADDING], ids=["full", "padded"])
@pytest.mark.parametrize("kind", HUGGING_FACE)
def test_activations_equal_those_of_the_hooks(
    kind: str, mask: Tensor | None, places: dict[str, Path]
) -> None:
    model = loaded(places[kind])
    expected = model._activations_by_hooks(TOKENS, sites=SITES, attention_mask=mask)
    found = model.activations(TOKENS, sites=SITES, attention_mask=mask)
    assert model._fused_path.body is not None
    real = torch.ones_like(TOKENS).bool() if mask is None else mask.bool()
    for site in SITES:
        torch.testing.assert_close(found[site][real], expected[site][real], rtol=1e-4, atol=1e-5)


def test_the_bridge_is_not_run_once_both_ways_agree(places: dict[str, Path]) -> None:
    model = loaded(places["gpt2"])
    first = model.activations(TOKENS, sites=SITES)
    ran: list[str] = []
    model.bridge.blocks[0].register_forward_pre_hook(lambda *_: ran.append("bridge"))
    again = model.activations(TOKENS, sites=SITES)
    assert ran == []
    torch.testing.assert_close(again, first)


@pytest.mark.parametrize("fault", ["different", "unseen"])
def test_a_model_that_differs_is_read_by_hooks(
    fault: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(places["neox"])
    expected = model._activations_by_hooks(TOKENS, sites=SITES)
    body = model._fused_path.body
    assert body is not None
    if fault == "different":
        monkeypatch.setattr(fused_body, "sdpa_attention_forward", _no_attention)
    else:
        monkeypatch.setattr(body, "activations", lambda *_, **__: None)
    torch.testing.assert_close(model.activations(TOKENS, sites=SITES), expected)
    assert model._fused_path.body is None


def _no_attention(_module: object, query: Tensor, *_: object, **__: object) -> tuple[Tensor, None]:
    return torch.zeros_like(query).transpose(1, 2), None

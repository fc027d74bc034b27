"""`mih top`: a unit before any claim, on models whose weights and activations are known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats as oracle

from mi_hypotheses import models
from mi_hypotheses.bridge import BridgeModel
from mi_hypotheses.cache import Cache
from mi_hypotheses.cli import main
from mi_hypotheses.context import Context, RunOptions
from mi_hypotheses.engine import Silent
from mi_hypotheses.errors import HypothesisError, ModelError
from mi_hypotheses.grids import Grid
from mi_hypotheses.hypotheses import Neuron
from mi_hypotheses.models import ModelSource, Site
from mi_hypotheses.neuron_weights import NeuronWeights
from mi_hypotheses.reports import ModelInfo
from mi_hypotheses.rivals import rival_pearson
from mi_hypotheses.stats import RivalTable, Tokens, UnitStatistics
from mi_hypotheses.tails import histogram, tails
from mi_hypotheses.text import CALIBRATION_GROUPS, GROUPS
from mi_hypotheses.token_means import LEAST_COUNT, token_means
from mi_hypotheses.unit_measurement import BANDS, PER_BAND, measure_unit
from mi_hypotheses.unit_page import UnitPage
from mi_hypotheses.unit_text import figure, signed, token_name, usual_maximum
from mi_hypotheses.unit_view import render_page
from mi_hypotheses.unit_weights import SHOWN, summary
from tests.planted import DEAD, PLANTED, byte_tokenizer, planted_model, random_texts
from tests.small_models import native, tiny_bert, tiny_gemma2, tiny_gpt2, tiny_llama, tiny_neox

OTHER = 7  # a neuron of the planted model that sees random embeddings


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted_model(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred documents of letters, spaces and '#', some longer than a window."""
    path = tmp_path_factory.mktemp("corpus") / "texts.jsonl"
    return random_texts(path, "abcd <#\n", documents=100, least=20)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


Look = Callable[..., UnitPage]


@pytest.fixture
def look(model: Path, corpus: Path, cache: Cache) -> Look:
    def call(
        index: int = PLANTED,
        *,
        source: ModelSource | None = None,
        n_examples: int = 20,
        into: Cache | None = None,
        at: Any = "post",
        **options: Any,
    ) -> UnitPage:
        return measure_unit(
            Neuron(layer=0, index=index, at=at),
            source or models.resolve(str(model)),
            str(corpus),
            Context(RunOptions(device="cpu", **options), into or cache, None, Silent()),
            n_examples=n_examples,
        )

    return call


def content(page: UnitPage) -> dict[str, Any]:
    return page.model_dump(exclude={"run"})


# What it fires on.


def test_the_planted_neuron_fires_on_its_token_alone(look: Look, corpus: Path) -> None:
    page = look()
    texts = [json.loads(line)["text"] for line in corpus.read_text("utf-8").splitlines()]
    n_hashes = sum(text.count("#") for text in texts)
    assert page.n_tokens == sum(map(len, texts))
    assert page.spread.tails.positive_share == pytest.approx(n_hashes / page.n_tokens)
    assert page.spread.tails.zero_share == pytest.approx(1 - n_hashes / page.n_tokens)
    assert {example.tokens[example.focus].text for example in page.top} == {"#"}
    assert page.tokens.share_explained == pytest.approx(1)
    assert page.tokens.share_held_out == pytest.approx(1)
    first = page.tokens.highest[0]
    assert (first.text, first.mean, first.n_tokens) == ("#", 1, n_hashes)


def test_examples_are_the_strongest_and_at_most_two_of_a_document(look: Look) -> None:
    page = look(OTHER, n_examples=30)
    shown = [example.tokens[example.focus].activation or 0 for example in page.top]
    assert len(shown) == 30
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == pytest.approx(page.spread.tails.maximum, abs=1e-4)
    assert max(Counter(example.document for example in page.top).values()) <= 2


def test_context_surrounds_the_token_and_every_token_has_its_activation(look: Look) -> None:
    example = look(OTHER).top[-1]
    assert 0 <= example.focus < len(example.tokens)
    assert all(token.activation is not None and token.label is None for token in example.tokens)
    assert len({token.activation for token in example.tokens}) > 2


def test_bands_cover_the_range_and_sample_each_part_of_it(look: Look) -> None:
    page = look(OTHER)
    assert 5 < len(page.bands) <= BANDS  # quantiles that are equal make one border
    assert sum(band.n_tokens for band in page.bands) == page.n_tokens
    assert page.bands[0].high == pytest.approx(page.spread.tails.maximum)
    assert page.bands[-1].low == pytest.approx(page.spread.tails.minimum)
    for band in page.bands:
        assert len(band.examples) == min(band.n_tokens, PER_BAND)
        for example in band.examples:
            shown = example.tokens[example.focus].activation or 0
            assert band.low - 1e-3 <= shown <= band.high + 1e-3
    assert sum(len(band.examples) for band in page.bands[2:8]) >= 6


def test_bands_are_sampled_by_hash_and_not_by_strength(look: Look) -> None:
    first, other = look(OTHER), look(OTHER, seed=1)
    assert [e.tokens[e.focus].activation for e in other.top] == [
        e.tokens[e.focus].activation for e in first.top
    ]  # among equals the hash decides
    assert [band.n_tokens for band in other.bands] == [band.n_tokens for band in first.bands]
    assert [band.examples for band in other.bands] != [band.examples for band in first.bands]


def test_activations_are_shown_before_and_after_the_nonlinearity(look: Look) -> None:
    page = look(OTHER)
    assert [spread.at for spread in page.spreads] == ["pre", "post"]
    pre, post = page.spreads
    assert pre.tails.minimum < 0 == post.tails.minimum  # ReLU
    assert pre.tails.maximum == post.tails.maximum
    for spread in page.spreads:
        assert spread.histogram is not None
        assert sum(spread.histogram.negative) == page.n_tokens
    before = look(OTHER, at="pre")
    assert before.unit == f"L0N{OTHER}.pre"
    assert before.bands[-1].low == pytest.approx(pre.tails.minimum)


def test_a_dead_neuron_has_a_page_without_moments(look: Look) -> None:
    page = look(DEAD)
    assert page.spread.histogram is None
    assert page.spread.tails.excess_kurtosis is None
    assert page.tokens.share_explained is None
    assert [band.n_tokens for band in page.bands] == [page.n_tokens]
    assert "0 on all tokens" in render_page(page)


# The same page again.


def test_the_page_does_not_depend_on_batches_nor_on_the_cache(look: Look, tmp_path: Path) -> None:
    first = look()
    assert first.run.tokens_per_second is not None
    again = look()
    assert again.run.tokens_per_second is None
    assert content(again) == content(first)
    assert content(look(into=Cache(tmp_path / "other"), batch_size=3)) == content(first)


def test_limits_hold(look: Look) -> None:
    assert look(limit=5).corpus.n_documents == 5
    assert look(limit_tokens=200).n_tokens < 400


def test_a_page_survives_json(look: Look) -> None:
    page = look(OTHER)
    assert UnitPage.model_validate_json(page.model_dump_json()) == page


def test_the_second_page_loads_no_torch(model: Path, corpus: Path, tmp_path: Path) -> None:
    asked = [
        *("top", f"L0N{PLANTED}", "-m", str(model), "--corpus", str(corpus), "--json"),
        *("--cache-dir", str(tmp_path / "cache"), "--quiet", "-o", str(tmp_path / "page")),
    ]
    assert main([*asked, "--device", "cpu"]) == 0
    code = (
        "import sys; from mi_hypotheses.cli import main\n"
        f"assert main({asked!r}) == 0\n"
        "print(sorted({'torch', 'transformers', 'transformer_lens', 'spacy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )  # elsewhere: the plugins of this repository have rules that spaCy checks
    assert done.stdout.splitlines()[-1] == "[]"
    written = json.loads((tmp_path / "page" / "unit.json").read_text("utf-8"))
    assert written["weights"]["inputs"][0]["norm"] == 1
    assert written["run"]["device"].startswith("none")


# Moments and tokens.


@pytest.mark.parametrize("seed", range(3))
def test_moments_agree_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.maximum(rng.standard_t(4, 5_000), 0).astype(np.float32)
    found, wide = tails(values), values.astype(np.float64)
    assert found.mean == pytest.approx(wide.mean())
    assert found.deviation == pytest.approx(wide.std())
    assert found.skewness == pytest.approx(oracle.skew(wide))
    assert found.excess_kurtosis == pytest.approx(oracle.kurtosis(wide))
    assert found.zero_share == np.mean(values == 0)
    assert found.positive_share == np.mean(values > 0)
    assert found.maximum_in_deviations == pytest.approx((wide.max() - wide.mean()) / wide.std())
    assert list(found.quantiles) == ["50", "90", "99", "99.9"]
    assert found.quantiles["99.9"] == pytest.approx(np.quantile(wide, 0.999))


def test_a_histogram_counts_all_and_both_ends() -> None:
    found = histogram(np.array([-1, 0, 0, 3], dtype=np.float32))
    assert found is not None
    assert (found.edges[0], found.edges[-1]) == (-1, 3)
    assert (sum(found.negative), found.negative[0], found.negative[-1]) == (4, 1, 1)


def test_the_usual_maximum_of_normal_numbers() -> None:
    drawn = np.random.default_rng(0).standard_normal((400, 1_000)).max(axis=1)
    assert usual_maximum(1_000) == pytest.approx(float(np.median(drawn)), abs=0.05)


def named(ids: Iterable[int]) -> tuple[str, ...]:
    return tuple("abcdef"[i] for i in ids)


def test_tokens_it_likes_are_means_by_hand() -> None:
    ids = np.array([0] * 10 + [1] * 20 + [2] * 3 + [3] * 12, dtype=np.int32)
    values = np.array([5.0] * 10 + [1.0, 2.0] * 10 + [9.0] * 3 + [0.0] * 12, dtype=np.float32)
    found = token_means(ids, values, np.zeros(45, dtype=np.bool_), texts=named)
    assert [(t.text, t.mean, t.n_tokens) for t in found.highest] == [
        ("a", 5, 10),
        ("b", 1.5, 20),
        ("d", 0, 12),
    ]
    assert found.lowest == ()  # all that are frequent are among the highest
    assert (found.n_kinds, found.n_frequent, found.least_count) == (4, 3, LEAST_COUNT)
    within = 20 * 0.25  # only the second token's values differ among themselves
    total = np.square(values - values.mean()).sum()
    assert found.share_explained == pytest.approx(1 - within / total)
    assert found.share_by_chance == pytest.approx(3 / 44)
    assert found.share_held_out is None  # there are no test documents


def test_the_held_out_share_is_the_floor_that_claims_are_held_to() -> None:
    rng = np.random.default_rng(0)
    n = 4_000
    ids, group = rng.integers(0, 50, n).astype(np.int32), rng.integers(0, GROUPS, n)
    values = (rng.standard_normal(50)[ids] + rng.standard_normal(n)).astype(np.float32)
    test = group >= CALIBRATION_GROUPS
    table, statistics = RivalTable(), UnitStatistics(Grid.from_pilot(values), (0.0, 0.0))
    table.update(ids.astype(np.int64), values, test)
    place = np.zeros(n, dtype=np.int32)
    tokens = Tokens(("d",), place, np.arange(n, dtype=np.int32), group, place.astype(np.uint64))
    statistics.update(tokens, values, np.zeros(n), test)
    found = token_means(ids, values, test, texts=lambda chosen: ("?",) * len(list(chosen)))
    assert found.share_held_out == pytest.approx(rival_pearson(table, statistics) ** 2)
    assert 0.3 < found.share_held_out < (found.share_explained or 0) < 0.7


# Weights.

MAKERS = {"gpt2": tiny_gpt2, "neox": tiny_neox, "llama": tiny_llama, "native": native}


def loaded(directory: Path) -> BridgeModel:
    made = models.resolve(str(directory)).load(device="cpu")
    assert isinstance(made, BridgeModel)
    return made


def logits_and_stream(
    model: BridgeModel, *, raised: tuple[int, int] | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of a sequence and what the final norm reads, [position, ...] each; `raised` is
    the layer and index of a neuron whose activation is made 1 higher."""
    seen = {}

    def keep(value: torch.Tensor, hook: Any) -> None:  # noqa: ARG001 (TransformerLens's signature)
        seen["stream"] = value.clone()

    def raise_it(value: torch.Tensor, hook: Any) -> torch.Tensor:  # noqa: ARG001
        value = value.clone()
        value[..., raised[1]] += 1  # type: ignore[index] # hooked only where it is given
        return value

    hooks: list[tuple[str, Any]] = [("ln_final.hook_in", keep)]
    if raised is not None:
        hooks.append((f"blocks.{raised[0]}.mlp.hook_post", raise_it))
    with torch.inference_mode():
        logits = model.bridge.run_with_hooks(torch.tensor([[5, 9, 2, 7]]), fwd_hooks=hooks)
    return logits[0], seen["stream"][0]


@pytest.mark.parametrize("kind", MAKERS)
def test_logits_are_what_the_neuron_adds_with_the_scale_of_the_final_norm_left_out(
    kind: str, tmp_path: Path
) -> None:
    model = loaded(MAKERS[kind](tmp_path / kind))
    norm = model.bridge.ln_final.original_component
    with torch.no_grad():
        norm.weight.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(0))
    layer, index = model.info.n_layers - 1, 11
    found = model.neuron_weights(layer, index)
    assert "gain folded in" in found.path[1]
    assert ("mean removed" in found.path[1]) == (kind != "llama")
    (clean, x), (changed, y) = (
        logits_and_stream(model, raised=raised) for raised in (None, (layer, index))
    )

    def scaled(logits: torch.Tensor, stream: torch.Tensor) -> torch.Tensor:
        centred = stream if kind == "llama" else stream - stream.mean(-1, keepdim=True)
        eps = getattr(norm, "eps", None) or norm.variance_epsilon
        scale = (centred.square().mean(-1, keepdim=True) + eps).sqrt()
        bias = getattr(norm, "bias", None)
        constant = 0 if bias is None else bias @ model.bridge.W_U
        return (logits - constant - model.bridge.b_U) * scale

    added = scaled(changed, y) - scaled(clean, x)
    assert found.logits is not None
    expected = torch.from_numpy(found.logits).expand_as(added)
    torch.testing.assert_close(added, expected, atol=1e-4, rtol=1e-3)


def test_without_norms_logits_are_what_the_neuron_adds(model: Path) -> None:
    planted = loaded(model)
    found = planted.neuron_weights(0, OTHER)
    (clean, _), (changed, _) = (
        logits_and_stream(planted, raised=raised) for raised in (None, (0, OTHER))
    )
    assert found.path == ("output weights", "unembedding")
    assert found.logits is not None
    expected = torch.from_numpy(found.logits).expand_as(clean)
    torch.testing.assert_close(changed - clean, expected, atol=1e-4, rtol=1e-3)


def test_gains_are_those_that_the_norms_apply_not_those_that_they_store(tmp_path: Path) -> None:
    """Gemma stores each gain as its difference from 1, and has a norm after the MLP as well."""
    gemma = loaded(tiny_gemma2(tmp_path / "gemma"))
    block = gemma.bridge.blocks[0]
    after, final = (torch.linspace(*ends, gemma.info.d_model) for ends in ((-0.5, 0.5), (0.0, 2.0)))
    with torch.no_grad():
        block.ln2_post.original_component.weight.copy_(after)
        gemma.bridge.ln_final.original_component.weight.copy_(final)
    found = gemma.neuron_weights(0, 9)
    assert [step.partition(" (")[0] for step in found.path] == [
        "output weights",
        "the norm after the MLP",
        "the final norm",
        "unembedding",
    ]
    out = block.mlp.original_component.down_proj.weight[:, 9].detach()
    expected = (out * (1 + after) * (1 + final)) @ gemma.bridge.W_U.detach()
    np.testing.assert_allclose(found.logits, expected, rtol=1e-4, atol=1e-6)


def test_weights_are_those_of_the_state_dict(tmp_path: Path) -> None:
    """Conv1D holds [in, out], Linear [out, in]; a square layer tells them apart by nothing else."""
    gpt2 = loaded(tiny_gpt2(tmp_path / "gpt2"))
    read = gpt2.neuron_weights(1, 30)
    mlp = gpt2.bridge.blocks[1].mlp.original_component
    np.testing.assert_array_equal(read.inputs["in"], mlp.c_fc.weight[:, 30].detach())
    np.testing.assert_array_equal(read.output, mlp.c_proj.weight[30].detach())
    square = loaded(native(tmp_path / "square", d_mlp=16))
    state = square.bridge.original_model.layers[0].mlp
    read = square.neuron_weights(0, 5)
    np.testing.assert_array_equal(read.inputs["in"], state.fc_in.weight[5].detach())
    np.testing.assert_array_equal(read.output, state.fc_out.weight[:, 5].detach())


def test_a_gated_neuron_has_two_input_vectors(tmp_path: Path) -> None:
    llama = loaded(tiny_llama(tmp_path / "llama"))
    mlp = llama.bridge.blocks[2].mlp.original_component
    gate, up = mlp.gate_proj.weight[4].detach(), mlp.up_proj.weight[4].detach()
    out = mlp.down_proj.weight[:, 4].detach()
    tokenizer = models.resolve(str(tmp_path / "llama")).tokenizer()
    found = summary(llama.neuron_weights(2, 4), at="post", tokenizer=tokenizer)
    assert [each.name for each in found.inputs] == ["gate", "up"]
    for each, vector in zip(found.inputs, (gate, up), strict=True):
        cosine = torch.cosine_similarity(vector, out, dim=0)
        assert each.cosine == pytest.approx(float(cosine), abs=1e-6)
        assert each.norm == pytest.approx(float(vector.norm()), rel=1e-6)


def test_encoders_have_no_direct_path(tmp_path: Path) -> None:
    bert = loaded(tiny_bert(tmp_path / "bert"))
    found = bert.neuron_weights(0, 3)
    assert found.logits is None
    assert "no direct path" in found.no_path
    tokenizer = models.resolve(str(tmp_path / "bert")).tokenizer()
    assert summary(found, at="post", tokenizer=tokenizer).promoted == ()


def known_weights(**changes: Any) -> NeuronWeights:
    logits = np.full(257, 7, dtype=np.float32)
    logits[[40, 41, 42]] += 3, -5, 2
    output = np.array([0, 2], dtype=np.float32)
    path = ("output weights", "unembedding")
    inputs = {"in": np.array([3, 4], dtype=np.float32)}
    return NeuronWeights(
        **{"inputs": inputs, "output": output, "logits": logits, "path": path} | changes
    )


def test_promoted_and_suppressed_tokens_are_centred_over_the_vocabulary(model: Path) -> None:
    tokenizer = models.resolve(str(model)).tokenizer()
    found = summary(known_weights(), at="post", tokenizer=tokenizer)
    assert [effect.id for effect in found.promoted[:2]] == [40, 42]
    assert found.suppressed[0].id == 41
    assert len(found.promoted) == len(found.suppressed) == SHOWN
    assert found.promoted[0].text == tokenizer.pieces([40])[0]
    assert found.promoted[0].logit == pytest.approx(3)  # above a mean of 7, as 3 − 5 + 2 = 0
    assert found.inputs[0].cosine == pytest.approx(0.8)
    assert found.chance_cosine == pytest.approx(2**-0.5)


def test_tokens_beyond_the_tokenizer_are_left_out(model: Path) -> None:
    tokenizer = models.resolve(str(model)).tokenizer()
    padded = np.concatenate([known_weights().logits, np.full(63, 99)]).astype(np.float32)
    found = summary(known_weights(logits=padded), at="post", tokenizer=tokenizer)
    assert found == summary(known_weights(), at="post", tokenizer=tokenizer)


def test_the_gain_of_solus_layernorm_is_folded_in_only_before_it(model: Path) -> None:
    tokenizer = models.resolve(str(model)).tokenizer()
    weights = known_weights(activation_gain=-2.0)
    after, before = (summary(weights, at=at, tokenizer=tokenizer) for at in ("post", "mid"))
    assert (after.per, before.per) == ("post", "mid")
    assert after.promoted[0].logit == pytest.approx(3)
    assert before.promoted[0].logit == pytest.approx(10)
    assert before.suppressed[0].logit == pytest.approx(-6)
    assert before.path[0].startswith("SoLU's LayerNorm")
    assert after.path == weights.path


def test_the_gain_of_a_solu_neuron_is_its_own(tmp_path: Path) -> None:
    solu = loaded(native(tmp_path / "solu", act_fn="solu_ln"))
    norm = solu.bridge.original_model.layers[1].mlp.ln
    with torch.no_grad():
        norm.weight[6] = 0.25
    assert solu.neuron_weights(1, 6).activation_gain == 0.25
    assert solu.neuron_weights(1, 7).activation_gain == 1


def test_a_solu_page_has_three_places(look: Look, tmp_path: Path) -> None:
    source = models.resolve(str(native(tmp_path / "solu", act_fn="solu_ln")))
    page = look(3, source=source, at="mid")
    assert [spread.at for spread in page.spreads] == ["pre", "mid", "post"]
    assert page.weights is not None
    assert page.weights.per == "mid"


# Models of plugins.


class Plain:
    """A plugin's model of three neurons that shows no weights and nothing before `post`."""

    device = "cpu"

    def __init__(self, value: float = 0.0) -> None:
        from mi_hypotheses.tokenizing import Tokenizer

        self.value = value
        self.tokenizer = Tokenizer(byte_tokenizer().to_str(), bos_id=0)
        self.info = ModelInfo(
            reference="plain",
            fingerprint=f"plain {value}",
            tokenizer_fingerprint=self.tokenizer.fingerprint,
            n_layers=1,
            d_model=4,
            d_mlp=3,
            n_heads=1,
            n_ctx=32,
        )

    def activations(
        self,
        tokens: torch.Tensor,
        *,
        sites: Mapping[Site, torch.Tensor | None],
        attention_mask: torch.Tensor | None = None,  # noqa: ARG002 (protocol)
    ) -> dict[Site, torch.Tensor]:
        if any(site.at == "pre" for site in sites):
            raise ModelError("There is nothing before the nonlinearity.")
        found = torch.stack([tokens, -tokens, torch.full_like(tokens, 0) + self.value], dim=-1)
        return {s: found.float() if u is None else found[..., u].float() for s, u in sites.items()}

    def attention(self, *arguments: Any, **options: Any) -> None: ...


def test_what_a_plugins_model_does_not_show_is_said(look: Look) -> None:
    page = look(0, source=models.resolve("plain", loaders=[lambda _: Plain()]))
    assert [spread.at for spread in page.spreads] == ["post"]
    assert page.weights is None
    assert "activations at pre" in page.notes[0]
    assert "nothing before the nonlinearity" in page.notes[0]
    assert "does not show its weights" in page.notes[1]
    html = render_page(page)
    assert "does not show its weights" in html
    assert "<h2>Weights" not in html


def test_activations_that_are_not_finite_are_refused(look: Look) -> None:
    source = models.resolve("plain", loaders=[lambda _: Plain(float("nan"))])
    with pytest.raises(HypothesisError, match=r"L0N2 is not finite at post"):
        look(2, source=source)


# The command and the page.


@pytest.fixture
def asked(model: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command's options, in an empty directory without settings."""
    for name in ("MIH_MODEL", "MIH_CORPUS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MIH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return ["-m", str(model), "--corpus", str(corpus), "--device", "cpu", "-q"]


def test_the_terminal_shows_it_all(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", f"L0N{PLANTED}", *asked, "-n", "3"]) == 0
    shown = capsys.readouterr()
    for part in ("Activations", "excess kurtosis", "highest means: # 1", "promotes:", "Strongest"):
        assert part in shown.out, part
    assert "-o DIR writes the page" in shown.err


def test_the_page_is_written_with_its_data(asked: list[str], tmp_path: Path) -> None:
    where = tmp_path / "deep" / "page"
    assert main(["top", f"L0N{OTHER}", *asked, "-o", str(where)]) == 0
    page = UnitPage.model_validate_json((where / "unit.json").read_text("utf-8"))
    html = (where / "unit.html").read_text("utf-8")
    assert html == render_page(page)
    assert html.count("<svg") == 2
    assert "http" not in html.replace("http-equiv", "")
    assert "<script" not in html
    assert "&lt;" in html  # the corpus has angle brackets
    assert f"<title>L0N{OTHER} of " in html


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["L0H1", "-m", "py-attn-2l"], "'mih score --target induction --unit L0H1'"),
        (["L0N*", "-m", "py-gelu-1l"], "stands for many neurons"),
        (["L0N1", "-m", "py-attn-2l"], "is attention-only: it has no MLP neurons"),
        (["L0N9999", "-m", "py-gelu-1l"], "it has 2048 neurons a layer, 0 to 2047"),
        (["L3N1", "-m", "py-gelu-1l"], "There is no layer 3"),
        (["L0N1.mid", "-m", "py-gelu-1l"], "has no activations at 'mid'"),
        (["417", "-m", "py-gelu-1l"], "'417' is not a unit"),
        (["L0N1"], "Say which model"),
        (["L0N1", "-m", "py-gelu"], "Did you mean"),
        (["L0N1", "-m", "py-gelu-1l", "--corpus", "none.jsonl"], "none.jsonl"),
        (["L0N1", "-m", "py-gelu-1l", "--device", "gpu"], "no device named 'gpu'"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_what_cannot_be_looked_at_is_explained(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["top", *arguments]) == 4
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_several_models_in_the_settings_are_too_many(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIH_MODEL", "a b")
    assert main(["top", "L0N1", *asked[2:]]) == 4
    assert "takes one model, and the settings name 2: a, b" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" for", "␣for"),
        ("for", "for"),
        ("  ", "␣␣"),
        ("\n", "↵"),
        ("\n  ", "↵␣␣"),
        ("\x0c", "\\x0c"),
        ("\t", "⇥"),
        ("\ufffd", "\ufffd#9"),
    ],
)
def test_tokens_are_named_with_their_spaces(text: str, shown: str) -> None:
    assert token_name(text, number=9) == shown


def test_small_numbers_keep_three_digits() -> None:
    assert [figure(v) for v in (0.00132, -0.054, 4.07123, 0.0)] == [
        "0.00132",
        "−0.0540",
        "4.07",
        "0",
    ]
    assert [signed(v) for v in (0.00132, -1.3, 0.0, None)] == ["+0.00132", "−1.30", "0", "–"]

"""The shipped models: their files, equality with TransformerLens, and how they are trained."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from mi_hypotheses.pretrained import curriculum, export, measure
from mi_hypotheses.pretrained.architecture import Architecture, Transformer
from mi_hypotheses.pretrained.train import ARCHITECTURES, Recipe, Run, train

PRETRAINED = export.PRETRAINED
MODELS = sorted(ARCHITECTURES)
TINY = {
    "gelu": Architecture(1, 16, 2, 60, 32, d_mlp=24, act_fn="gelu"),
    "solu_ln": Architecture(1, 16, 2, 60, 32, d_mlp=24, act_fn="solu_ln"),
    "attention": Architecture(2, 16, 2, 60, 32),
}


def config_of(name: str) -> dict[str, object]:
    config: dict[str, object] = json.loads((PRETRAINED / name / "config.json").read_text("utf-8"))
    return config


@pytest.fixture(scope="session")
def boot():
    """A TransformerLens bridge with given weights, from a `config.json` of ours."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge.bridge import TransformerBridge
    from transformer_lens.model_bridge.sources import native  # noqa: F401 (adds boot_native)

    def booted(config, state):
        fields = {key: value for key, value in config.items() if key != "training"}
        bridge = TransformerBridge.boot_native(TransformerBridgeConfig(**fields))
        report = bridge.load_state_dict(state, strict=False)
        assert not report.unexpected_keys
        return bridge.eval()

    return booted


# -- what is in the files ------------------------------------------------------------------------


def test_everything_shipped_is_under_40_megabytes():
    assert sum(path.stat().st_size for path in PRETRAINED.rglob("*") if path.is_file()) < 40e6


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_fp16_finite_and_complete(name):
    state = load_file(PRETRAINED / name / "model.safetensors")
    expected = Transformer(ARCHITECTURES[name]).state_dict()

    assert {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in expected.items()
    }
    assert all(value.dtype == torch.float16 for value in state.values())
    assert all(torch.isfinite(value).all() for value in state.values())


@pytest.mark.parametrize("name", MODELS)
def test_the_configuration_says_what_the_model_is_and_how_it_was_trained(name):
    config = config_of(name)

    assert export.architecture_of(config) == ARCHITECTURES[name]
    assert config["model_name"] == name
    assert {"steps", "tokens", "seed", "bos_id", "corpora"} <= set(config["training"])


def test_nothing_scored_by_the_battery_was_trained_on():
    for name in MODELS:
        trained_on = set(config_of(name)["training"]["corpora"])
        assert trained_on == set(curriculum.CORPORA)
    assert not set(curriculum.CORPORA) & set(curriculum.HELD_OUT)


def test_the_attention_model_has_eight_checkpoints_or_more_and_they_differ():
    directory = PRETRAINED / "py-attn-2l"
    paths = sorted(directory.glob("checkpoints/step-*.safetensors"))
    steps = [int(path.stem.removeprefix("step-")) for path in paths]
    embeddings = [export.load(directory, step=step).tok_embed.weight for step in [0, *steps]]

    assert len(steps) >= 8
    for one, other in pairwise(embeddings):
        assert not torch.equal(one, other)


def test_the_untrained_model_is_the_same_every_time():
    config = config_of("py-attn-2l")
    torch.manual_seed(1)
    one = export.untrained(config)
    torch.manual_seed(2)
    other = export.untrained(config)

    assert all(torch.equal(one[name], other[name]) for name in one)
    embedding = one["tok_embed.weight"]
    assert embedding.std().item() == pytest.approx(0.8 / embedding.shape[1] ** 0.5, rel=0.01)
    assert embedding[5, :3].tolist() == pytest.approx(UNTRAINED, abs=1e-6)


UNTRAINED = [-0.0312634, 0.0252965, 0.0539112]  # a seed means the same on every machine


@pytest.mark.parametrize(
    "text", ["def f(x):\n    return x  # ünïcode 🎉\r\n", "\x00\t\u202eabc e\u0301", ""]
)
def test_the_tokenizer_gives_back_any_text(text):
    tokenizer = Tokenizer.from_file(str(PRETRAINED / "tokenizer.json"))
    encoding = tokenizer.encode(text, add_special_tokens=False)

    assert tokenizer.decode(encoding.ids, skip_special_tokens=False) == text
    assert tokenizer.get_vocab_size() == ARCHITECTURES["py-attn-2l"].d_vocab
    assert tokenizer.token_to_id(curriculum.BOS) == curriculum.BOS_ID


# -- equality with TransformerLens ---------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_transformer_lens_gives_the_same_logits_patterns_and_activations(name, boot):
    directory = PRETRAINED / name
    model = export.load(directory)
    bridge = boot(config_of(name), load_file(directory / "model.safetensors"))
    tokenizer = Tokenizer.from_file(str(PRETRAINED / "tokenizer.json"))
    source = Path(export.__file__).read_text("utf-8")
    ids = tokenizer.encode(source, add_special_tokens=False).ids[: model.arch.n_ctx - 1]
    tokens = torch.tensor([[curriculum.BOS_ID, *ids]])

    with torch.no_grad():
        logits, cache = bridge.run_with_cache(tokens)
        torch.testing.assert_close(model(tokens), logits, atol=1e-4, rtol=1e-4)
        for layer, pattern in enumerate(model.patterns(tokens)):
            bridged = cache[f"blocks.{layer}.attn.hook_pattern"]
            torch.testing.assert_close(pattern, bridged, atol=1e-4, rtol=1e-4)
        if model.arch.d_mlp:
            read = cache["blocks.0.ln2.hook_in"]
            block = model.layers[0]
            activations = block.mlp.activations(block.ln2(read))
            bridged = cache["blocks.0.mlp.out.hook_in"]
            torch.testing.assert_close(activations, bridged, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", sorted(TINY))
def test_any_shape_equals_its_transformer_lens_twin(kind, boot):
    arch = TINY[kind]
    model = Transformer(arch, seed=3).eval()
    for parameter in model.parameters():  # biases and norms away from zero and one
        parameter.data += 0.1 * torch.randn_like(parameter)
    tokens = torch.randint(0, arch.d_vocab, (2, arch.n_ctx))

    with torch.no_grad():
        bridge = boot(export.bridge_config(arch, name=kind), model.state_dict())
        torch.testing.assert_close(model(tokens), bridge(tokens), atol=1e-4, rtol=1e-4)


# -- training ------------------------------------------------------------------------------------


@pytest.fixture
def stream():
    return np.random.default_rng(0).integers(0, 60, 2_000).astype(np.uint16)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, stream):
    arch, recipe = Architecture(1, 16, 2, 60, 256, d_mlp=24, act_fn="solu_ln"), Recipe(steps=3)
    straight = Run(arch, recipe, tmp_path / "straight")
    train(straight, stream, log_every=10, save_every=10)

    stopped = Run(arch, recipe, tmp_path / "stopped")
    stopped.advance(stream)
    stopped.save()
    again = Run(arch, recipe, tmp_path / "stopped")
    again.resume()
    assert again.step == 1
    train(again, stream, log_every=10, save_every=10)

    one, other = straight.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_training_lowers_the_loss(tmp_path):
    stream = np.tile(np.arange(1, 21, dtype=np.uint16), 100)
    run = Run(Architecture(1, 16, 2, 60, 256), Recipe(steps=60, warmup=1), tmp_path)
    losses = [run.advance(stream) for _ in range(15)]

    assert np.mean(losses[-3:]) < np.mean(losses[:3])


def test_the_learning_rate_warms_up_stays_and_falls_to_zero():
    recipe = Recipe(steps=1_000, learning_rate=1.0, warmup=100)

    assert recipe.rate(0) == pytest.approx(0.01)
    assert recipe.rate(100) == recipe.rate(799) == 1.0
    assert recipe.rate(900) == pytest.approx(0.5)
    assert recipe.rate(1_000) == 0.0


def test_batches_depend_on_seed_and_step_alone(stream):
    one = curriculum.batch_of(5, stream, d_vocab=60, seed=0)
    same = curriculum.batch_of(5, stream, d_vocab=60, seed=0)
    other = curriculum.batch_of(6, stream, d_vocab=60, seed=0)

    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize("step", [0, curriculum.REPEATS.steps])
def test_windows_start_with_bos_and_labels_are_the_next_tokens(step, stream):
    inputs, labels = curriculum.batch_of(step, stream, d_vocab=60, seed=0)
    known = labels[:, :-1] != curriculum.IGNORED

    assert (inputs[:, 0] == curriculum.BOS_ID).all()
    assert np.array_equal(labels[:, :-1][known], inputs[:, 1:][known])
    phase = curriculum.phase_of(step)
    assert inputs.shape == (phase.batch, phase.window - 1)


def test_the_first_copy_of_random_tokens_is_not_learned(stream):
    inputs, labels = curriculum.batch_of(0, stream, d_vocab=60, seed=0)
    ignored = (labels == curriculum.IGNORED).sum(1)
    random = ignored > 0

    assert 0 < random.sum() < len(inputs)
    for row, length in zip(inputs[random], ignored[random], strict=True):
        copies = row[1:]
        assert np.array_equal(copies[length:], copies[: len(copies) - length])


def test_tokens_until_counts_both_phases():
    repeats, text = curriculum.REPEATS, curriculum.TEXT

    assert curriculum.tokens_until(10) == 10 * repeats.batch * (repeats.window - 1)
    assert curriculum.tokens_until(repeats.steps + 2) - curriculum.tokens_until(
        repeats.steps
    ) == 2 * text.batch * (text.window - 1)


# -- measuring -----------------------------------------------------------------------------------


def test_the_bigram_model_is_a_distribution_and_learns_pairs():
    stream = np.tile(np.array([1, 2, 3], dtype=np.uint16), 500)
    bigram = measure.Bigram(stream, d_vocab=5)

    np.testing.assert_allclose(np.exp(bigram.log_p).sum(1), 1.0)
    assert bigram.loss(torch.tensor([[0, 1, 2, 3, 1]])) < 0.01
    assert bigram.loss(torch.tensor([[0, 1, 3, 2, 1]])) > 3


def test_what_was_measured_is_what_the_card_says():
    measured = json.loads((PRETRAINED / "measured.json").read_text("utf-8"))
    card = (PRETRAINED / "README.md").read_text("utf-8")

    for uri, bigram_loss in measured["bigram_loss"].items():
        assert f"{bigram_loss:.2f}" in card
        for name in MODELS:
            model_loss = measured["models"][name]["loss"][uri]
            assert model_loss < bigram_loss - 0.5
            assert f"{model_loss:.2f}" in card


def test_the_attention_model_has_the_heads_the_card_promises():
    model = export.load(PRETRAINED / "py-attn-2l")
    measured = json.loads((PRETRAINED / "measured.json").read_text("utf-8"))["models"]["py-attn-2l"]
    repeated = measure.repeated_random_tokens(d_vocab=model.arch.d_vocab)[:8]
    induction = measure.induction_attention(model, repeated)
    best = measured["induction"]

    assert induction[best["layer"], best["head"]] > 0.4
    assert best["attention"] > 0.4
    assert measured["previous_token"]["attention"] > 0.5

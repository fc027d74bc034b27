"""References become models, and models give the activations that TransformerLens gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from mi_hypotheses import models
from mi_hypotheses.bridge import BridgeModel, from_bridge
from mi_hypotheses.cache import Cache
from mi_hypotheses.engine import RunOptions, run
from mi_hypotheses.errors import ModelError, UnknownNameError, UsageError
from mi_hypotheses.hypotheses import AnyNeuron, Fires, Neuron
from mi_hypotheses.models import Model, Site, resolve
from mi_hypotheses.predicates import Regex, TokenIn
from tests.small_models import native, tiny_gpt2, trained_tokenizer


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native(tmp_path_factory.mktemp("native"), checkpoints=(10, 200))


@pytest.fixture(scope="module")
def solu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native(tmp_path_factory.mktemp("solu"), act_fn="solu_ln", n_layers=1)


def tokens(batch: int = 3, length: int = 11) -> torch.Tensor:
    return torch.randint(1, 250, (batch, length), generator=torch.Generator().manual_seed(1))


HOOKS = {"pre": "mlp.hook_pre", "post": "mlp.hook_post", "mid": "mlp.ln.hook_in"}


@pytest.mark.parametrize("kind", ["gpt2", "small", "solu"])
def test_activations_equal_run_with_cache(kind: str, request: pytest.FixtureRequest) -> None:
    model = resolve(str(request.getfixturevalue(kind))).load(device="cpu")
    assert isinstance(model, BridgeModel)
    _, cache = model.bridge.run_with_cache(tokens())
    places = ("pre", "post", "mid") if kind == "solu" else ("pre", "post")
    for layer in range(model.info.n_layers):
        for at in places:
            site = Site(layer, at)  # type: ignore[arg-type] # drawn from the literals
            whole = model.activations(tokens(), sites={site: None})[site]
            expected = cache[f"blocks.{layer}.{HOOKS[at]}"]
            torch.testing.assert_close(whole, expected, rtol=1e-5, atol=1e-6)
            some = model.activations(tokens(), sites={site: torch.tensor([3, 1])})[site]
            torch.testing.assert_close(some, expected[..., [3, 1]], rtol=1e-5, atol=1e-6)


def saved(directory: Path, model: PreTrainedModel) -> str:
    """`model` with the tokenizer of the tiny GPT-2, as a directory."""
    model.save_pretrained(directory)
    fast = PreTrainedTokenizerFast(tokenizer_object=trained_tokenizer(), bos_token="<|endoftext|>")
    fast.save_pretrained(directory)
    return str(directory)


def test_layers_that_flatten_the_batch_are_unfolded(tmp_path: Path) -> None:
    config = transformers.OPTConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=20
    )
    model = resolve(saved(tmp_path, transformers.OPTForCausalLM(config))).load(device="cpu")
    assert isinstance(model, BridgeModel)
    found = model.activations(tokens(), sites={Site(0, "post"): None})[Site(0, "post")]
    _, cache = model.bridge.run_with_cache(tokens())
    torch.testing.assert_close(found, cache["blocks.0.mlp.hook_post"])


def test_mixtures_of_experts_are_refused_and_not_misread(tmp_path: Path) -> None:
    config = transformers.MixtralConfig(
        vocab_size=300,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        intermediate_size=16,  # the layer's own width, so that shapes alone would not tell
        num_local_experts=2,
    )
    model = resolve(saved(tmp_path, transformers.MixtralForCausalLM(config))).load(device="cpu")
    with pytest.raises(ModelError, match="mixture of experts"):
        model.activations(tokens(), sites={Site(0, "post"): None})


@pytest.mark.parametrize(
    ("model_type", "bos"), [("gpt_neox", None), ("qwen2", None), ("llama", 0), ("gpt2", 0)]
)
def test_bos_is_what_transformer_lens_would_prepend(
    gpt2: Path, tmp_path: Path, model_type: str, bos: int | None
) -> None:
    for file in gpt2.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((gpt2 / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": model_type}))
    assert resolve(str(tmp_path)).bos_id == bos


def test_several_sites_come_from_one_pass(small: Path) -> None:
    model = resolve(str(small)).load(device="cpu")
    sites = {Site(1, "post"): torch.tensor([0]), Site(0, "pre"): None}
    together = model.activations(tokens(), sites=sites)
    for site, units in sites.items():
        alone = model.activations(tokens(), sites={site: units})[site]
        torch.testing.assert_close(together[site], alone)


def test_padding_on_the_right_changes_nothing(gpt2: Path) -> None:
    model = resolve(str(gpt2)).load(device="cpu")
    site, short = Site(1, "post"), tokens(length=6)
    padded = torch.nn.functional.pad(short, (0, 4))
    mask = torch.nn.functional.pad(torch.ones_like(short), (0, 4))
    whole = model.activations(padded, sites={site: None}, attention_mask=mask)[site]
    alone = model.activations(short, sites={site: None})[site]
    torch.testing.assert_close(whole[:, :6], alone, rtol=1e-4, atol=1e-5)


def test_nothing_after_the_last_site_is_run(small: Path) -> None:
    model = resolve(str(small)).load(device="cpu")
    assert isinstance(model, BridgeModel)
    ran: list[str] = []
    later = model.bridge.hook_dict["blocks.1.hook_in"]
    handle = later.register_forward_hook(lambda *_: ran.append("layer 1"))
    model.activations(tokens(), sites={Site(0, "post"): None})
    handle.remove()
    assert ran == []


def test_info_is_read_without_torch(small: Path, gpt2: Path) -> None:
    code = (
        "import sys; from mi_hypotheses.models import resolve\n"
        f"for place in ({str(small)!r}, {str(gpt2)!r}):\n"
        "    source = resolve(place); source.tokenizer().encode(['a b'])\n"
        "    print(source.info.d_mlp)\n"
        "print(sorted({'torch', 'transformers', 'transformer_lens'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["20", "96", "[]"]


def test_fingerprints_follow_content_not_names(small: Path, tmp_path: Path) -> None:
    same = native(tmp_path / "renamed")
    assert resolve(str(same)).fingerprint == resolve(str(small)).fingerprint
    other = native(tmp_path / "other", d_mlp=24)
    assert resolve(str(other)).fingerprint != resolve(str(small)).fingerprint
    found = {resolve(f"{small}@step={step}").fingerprint for step in (0, 10, 200)}
    assert len(found | {resolve(str(small)).fingerprint}) == 4


def test_untrained_steps_differ_by_their_seed(small: Path) -> None:
    config = json.loads((small / "config.json").read_text("utf-8"))
    before = resolve(f"{small}@step=0").fingerprint
    changed = {**config, "training": {"bos_id": 0, "seed": 1}}
    (small / "config.json").write_text(json.dumps(changed), "utf-8")
    after = resolve(f"{small}@step=0").fingerprint
    (small / "config.json").write_text(json.dumps(config), "utf-8")
    assert before != after


def test_checkpoints_load_their_own_weights(small: Path) -> None:
    assert models.checkpoints(str(small)) == [0, 10, 200]
    site = Site(0, "pre")
    found = [
        resolve(name).load(device="cpu").activations(tokens(), sites={site: None})[site]
        for name in (str(small), f"{small}@step=10", f"{small}@step=200")
    ]
    assert not torch.allclose(found[0], found[1])
    assert not torch.allclose(found[1], found[2])


@pytest.mark.parametrize("kind", ["gpt2", "small"])
def test_an_untrained_copy_has_the_shape_and_other_weights(
    kind: str, request: pytest.FixtureRequest
) -> None:
    place = str(request.getfixturevalue(kind))
    trained, fresh = resolve(place), resolve(f"{place}@untrained")
    assert fresh.info.d_mlp == trained.info.d_mlp
    assert fresh.fingerprint != trained.fingerprint
    site = Site(0, "pre")
    found = [
        source.load(device="cpu").activations(tokens(), sites={site: None})[site]
        for source in (trained, fresh, fresh)
    ]
    assert not torch.allclose(found[0], found[1])
    torch.testing.assert_close(found[1], found[2])


def test_a_model_of_a_plugin_is_used(small: Path) -> None:
    source = resolve(str(small))
    made = source.load(device="cpu")
    assert isinstance(made, BridgeModel)
    ours = from_bridge(made.bridge, reference="ours", tokenizer=source.tokenizer())

    def load(reference: str) -> Model | None:
        return ours if reference == "ours" else None

    found = resolve("ours", loaders=[load])
    assert found.info.d_mlp == 20
    assert found.load(device="cpu") is ours
    assert resolve(str(small), loaders=[load]).reference == str(small)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("py-gelu-11", "Did you mean 'py-gelu-1l'"),
        ("./nowhere", "no such directory"),
        ("py-attn-2l@step=77", "Its checkpoints are: 0, "),
        ("py-attn-2l@7", "NAME@step=N"),
        ("not a name!", "neither a directory"),
    ],
)
def test_unknown_references_say_what_there_is(
    reference: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=said):
        resolve(reference)


def test_units_are_checked_before_anything_runs(small: Path) -> None:
    info = resolve(str(small)).info
    models.check_unit(info, layer=1, index=19, at="pre")
    for arguments, said in (
        ({"layer": 2}, "no layer 2"),
        ({"layer": 0, "index": 20}, "no neuron 20"),
        ({"layer": 0, "at": "mid"}, "no activations at 'mid'"),
    ):
        with pytest.raises(ModelError, match=said):
            models.check_unit(info, **arguments)  # type: ignore[arg-type] # parametrised
    with pytest.raises(ModelError, match="attention-only"):
        models.check_unit(resolve("py-attn-2l").info, layer=0)


def test_one_layer_or_head_is_told_in_the_singular(small: Path) -> None:
    info = resolve(str(small)).info.model_copy(update={"n_layers": 1, "n_heads": 1})
    with pytest.raises(ModelError, match="it has one layer, layer 0\\."):
        models.check_unit(info, layer=1)
    with pytest.raises(ModelError, match="it has one head a layer, head 0\\."):
        models.check_head(info, layer=0, index=1)


def test_devices_and_dtypes_are_checked(small: Path) -> None:
    source = resolve(str(small))
    with pytest.raises(UnknownNameError, match="Did you mean 'cuda'"):
        source.load(device="cude")
    with pytest.raises(UnknownNameError, match=r"'gpu'\. Did you mean 'cuda'"):
        source.load(device="gpu")
    with pytest.raises(UnknownNameError, match="float32"):
        source.load(dtype="float33")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="not available"):
            source.load(device="cuda")
    half = source.load(device="cpu", dtype="bfloat16")
    site = Site(0, "post")
    assert half.activations(tokens(), sites={site: None})[site].dtype == torch.float32


def test_broken_directories_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        resolve(str(tmp_path))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        resolve(str(tmp_path))
    wrong = native(tmp_path / "wrong")
    config = json.loads((wrong / "config.json").read_text("utf-8"))
    (wrong / "config.json").write_text(json.dumps({**config, "d_mlp": 21}), "utf-8")
    with pytest.raises(ModelError, match="do not fit"):
        resolve(str(wrong)).load(device="cpu")
    (wrong / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="exactly one"):
        resolve(str(wrong))


def corpus_of(path: Path, records: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return str(path)


def test_a_hugging_face_directory_is_scored_end_to_end(gpt2: Path, tmp_path: Path) -> None:
    texts = [f"def f{i}(x):\n    return x + {i}  # number {i}\n" for i in range(120)]
    claim = Fires(
        name="numbers",
        claim="Some neuron fires on numbers.",
        model=str(gpt2),
        unit=AnyNeuron(),
        on=Regex(r"\d+"),
        corpora=[corpus_of(tmp_path / "code.jsonl", [{"text": text} for text in texts])],
        expect={"pearson": 0.2},
    )
    report = run([claim], options=RunOptions(device="cpu"), cache=Cache(tmp_path / "cache"))
    [result] = report.results
    assert result.verdict.status in ("supported", "refuted", "inconclusive"), result.verdict
    assert result.scores["pearson"].value is not None
    assert report.models[0].n_layers == 2


def test_symbol_vocabularies_are_scored_end_to_end(tmp_path: Path) -> None:
    place = native(tmp_path / "toy", d_vocab=5, n_layers=1)
    (place / "tokenizer.json").unlink()
    (place / "vocabulary.json").write_text(json.dumps(["BOS", "a", "b", "c", "="]), "utf-8")
    records: list[dict[str, object]] = [
        {"tokens": [*"abc"[: 1 + i % 3], "=", *("abc"[int(digit)] for digit in f"{i:b}")]}
        for i in range(200)
    ]
    claim = Fires(
        name="equals",
        claim="Neuron 2 knows '='.",
        model=str(place),
        unit=Neuron(layer=0, index=2),
        on=TokenIn(["="]),
        corpora=[corpus_of(tmp_path / "toy.jsonl", records)],
        expect={"f1": 0.1},
    )
    report = run([claim], options=RunOptions(device="cpu"), cache=Cache(tmp_path / "cache"))
    [result] = report.results
    assert result.n_positive > 50, result.verdict
    assert result.scores["pearson"].value is not None

"""TransformerBridge models: loading and running them. Alone in importing transformer_lens.

Hook names are TransformerLens's own, so what is read here is what its users would read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mi_hypotheses import weights
from mi_hypotheses.errors import ModelError
from mi_hypotheses.models import AnyTokenizer, At, Site, check_head, check_unit
from mi_hypotheses.neuron_weights import NeuronWeights, read_weights
from mi_hypotheses.reports import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor

    from mi_hypotheses.fused import FusedPath

FRESH_SEED = 0

_HOOKS: dict[At, str] = {"pre": "mlp.hook_pre", "post": "mlp.hook_post", "mid": "mlp.ln.hook_in"}


class _Reached(Exception):  # noqa: N818 (a signal, not an error)
    """Raised in the hook of the last place needed, to leave the forward pass."""


class BridgeModel:
    """A TransformerBridge as a `Model`."""

    def __init__(
        self,
        bridge: Any,
        info: ModelInfo,
        *,
        tokenizer: AnyTokenizer | None = None,
        fused: bool = False,
    ):
        """`fused`: its weights are as Hugging Face loaded them, so `FusedPath` may be used."""
        self.bridge = bridge.eval()
        self.info = info
        self.tokenizer = tokenizer
        self.fused = fused
        self._hooks: dict[str, Any] = bridge.hook_dict

    @property
    def device(self) -> str:
        """Where the model runs."""
        return str(next(self.bridge.original_model.parameters()).device)

    def move(self, device: str, dtype: str) -> None:
        """To a device and a number format, where it is not there yet."""
        import torch

        kind, place = getattr(torch, dtype), torch.empty(0, device=device).device
        held = next(self.bridge.original_model.parameters())
        if (held.dtype, held.device) != (kind, place):
            self.bridge.to(device=device, dtype=kind, print_details=False)

    def activations(
        self,
        tokens: Tensor,
        *,
        sites: Mapping[Site, Tensor | None],
        attention_mask: Tensor | None = None,
    ) -> dict[Site, Tensor]:
        """See `Model.activations`."""
        for site in sites:
            self._hook_point(site)
        way = self._fused_path.activations if self.fused else self._activations_by_hooks
        return way(tokens, sites=sites, attention_mask=attention_mask)

    def _activations_by_hooks(
        self,
        tokens: Tensor,
        *,
        sites: Mapping[Site, Tensor | None],
        attention_mask: Tensor | None = None,
    ) -> dict[Site, Tensor]:
        """`activations` by way of TransformerLens's own hooks."""
        points, found, _ = self._keep(tokens, sites)
        hooks = zip(map(self._hook_point, sites), points.values(), strict=True)
        self._run(tokens, attention_mask, list(hooks))
        missed = [site for site in sites if site not in found]
        if missed:
            raise self._nothing_there(missed[0])
        return found

    def _keep(
        self, tokens: Tensor, sites: Mapping[Site, Tensor | None]
    ) -> tuple[dict[str, Callable[..., None]], dict[Site, Tensor], type[Exception]]:
        """What keeps each site's activations, by the name of its hook; where they are kept; and
        the exception that is raised when all are."""
        found: dict[Site, Tensor] = {}
        shape = (*tokens.shape, self.info.d_mlp or 0)
        points: dict[str, Callable[..., None]] = {}
        for site, units in sites.items():
            units = None if units is None else units.to(self.device)
            points[self._hook_point(site).name] = partial(
                _keep, site=site, units=units, shape=shape, found=found, wanted=len(sites)
            )
        return points, found, _Reached

    def attention(
        self,
        tokens: Tensor,
        *,
        heads: Mapping[int, Sequence[int]],
        read: Callable[[int, Tensor], None],
        attention_mask: Tensor | None = None,
    ) -> None:
        """See `Model.attention`."""
        for layer, wanted in heads.items():
            for index in wanted:
                check_head(self.info, layer=layer, index=index)
        heads = {layer: heads[layer] for layer in sorted(heads) if heads[layer]}
        if heads:
            way = self._fused_path.attention if self.fused else self._read_hooks
            way(tokens, heads=heads, read=read, attention_mask=attention_mask)

    def neuron_weights(self, layer: int, index: int) -> NeuronWeights:
        """See `ShowsWeights.neuron_weights`."""
        return read_weights(self.bridge, self.info, layer=layer, index=index)

    @cached_property
    def _fused_path(self) -> FusedPath:
        from mi_hypotheses.fused import FusedPath

        return FusedPath(
            self.bridge,
            attention=self._read_hooks,
            activations=self._activations_by_hooks,
            keep=self._keep,
        )

    def _read_hooks(
        self,
        tokens: Tensor,
        *,
        heads: Mapping[int, Sequence[int]],
        read: Callable[[int, Tensor], None],
        attention_mask: Tensor | None = None,
    ) -> None:
        """`attention` by way of TransformerLens's own hooks."""
        import torch

        ran: set[int] = set()
        hooks = []
        for layer, wanted in heads.items():
            point = self._hooks.get(f"blocks.{layer}.attn.hook_pattern")
            if point is None:
                raise self._no_pattern(layer)
            every = list(wanted) == list(range(self.info.n_heads or 0))
            index = None if every else torch.tensor(wanted, device=self.device)
            show = partial(_show, layer=layer, index=index, read=read, ran=ran, wanted=len(heads))
            hooks.append((point, show))
        self._run(tokens, attention_mask, hooks)
        missed = sorted(set(heads) - ran)
        if missed:
            raise self._no_pattern(missed[0])

    def _run(
        self,
        tokens: Tensor,
        attention_mask: Tensor | None,
        hooks: Sequence[tuple[Any, Callable[..., None]]],
    ) -> None:
        """A forward pass with functions hooked to places, until one of them ends it."""
        import torch

        device = self.device
        mask = None if attention_mask is None else attention_mask.to(device)
        handles = [point.register_forward_hook(function) for point, function in hooks]
        try:
            with torch.inference_mode():
                self.bridge(tokens.to(device), return_type=None, attention_mask=mask)
        except _Reached:
            pass
        finally:
            for handle in handles:
                handle.remove()
            self._forget_patterns()

    def _hook_point(self, site: Site) -> Any:
        check_unit(self.info, layer=site.layer, at=site.at)
        point = self._hooks.get(f"blocks.{site.layer}.{_HOOKS[site.at]}")
        # In a mixture of experts these names lead to what enters and leaves the whole layer.
        if point is None or point.name.endswith(("mlp.hook_in", "mlp.hook_out")):
            raise self._nothing_there(site)
        return point

    def _nothing_there(self, site: Site) -> ModelError:
        return ModelError(
            f"TransformerLens shows no MLP activations at {site.at!r} in layer {site.layer} of "
            f"{self.info.reference!r} (hook blocks.{site.layer}.{_HOOKS[site.at]}); the layer may "
            "be a mixture of experts or have no MLP."
        )

    def _no_pattern(self, layer: int) -> ModelError:
        return ModelError(
            f"TransformerLens shows no attention pattern in layer {layer} of "
            f"{self.info.reference!r} (hook blocks.{layer}.attn.hook_pattern); the layer may have "
            "no attention."
        )

    def _forget_patterns(self) -> None:
        """Drop the attention patterns that some layers keep: batch x heads x position^2 each."""
        for block in getattr(self.bridge, "blocks", ()):
            attention = getattr(block, "attn", None)
            if attention is not None and getattr(attention, "_pattern", None) is not None:
                attention._pattern = None


def _keep(
    module: Any,  # noqa: ARG001 (torch's hook signature)
    args: Any,  # noqa: ARG001
    output: Tensor,
    *,
    site: Site,
    units: Tensor | None,
    shape: tuple[int, ...],
    found: dict[Site, Tensor],
    wanted: int,
) -> None:
    if output.dim() == 2:  # OPT runs its MLPs on [batch * position, unit]
        output = output.view(shape[0], shape[1], -1)
    if output.shape != shape:
        raise ModelError(
            f"The MLP activations at {site.at!r} in layer {site.layer} have the shape "
            f"{tuple(output.shape)} where {shape} was expected, so their neurons cannot be told."
        )
    gathered = output if units is None else output.index_select(-1, units)
    found[site] = gathered.float()  # [batch, position, unit]
    if len(found) == wanted:
        raise _Reached


def _show(
    module: Any,  # noqa: ARG001 (torch's hook signature)
    args: Any,  # noqa: ARG001
    output: Tensor,
    *,
    layer: int,
    index: Tensor | None,
    read: Callable[[int, Tensor], None],
    ran: set[int],
    wanted: int,
) -> None:
    if layer not in ran:
        ran.add(layer)
        chosen = output if index is None else output.index_select(1, index)
        read(layer, chosen.float())  # [batch, head, query, key]
    if len(ran) == wanted:
        raise _Reached


def from_bridge(bridge: Any, *, reference: str, tokenizer: AnyTokenizer) -> BridgeModel:
    """A model from a TransformerBridge, for plugins that build or fetch their own.

    `tokenizer.bos_id` says what windows begin with. The fingerprint is a hash of the state.
    """
    cfg = bridge.cfg
    d_mlp = None if getattr(cfg, "attn_only", False) else cfg.d_mlp
    info = ModelInfo(
        reference=reference,
        fingerprint=_state_fingerprint(bridge),
        tokenizer_fingerprint=tokenizer.fingerprint,
        n_layers=cfg.n_layers,
        d_model=cfg.d_model,
        d_mlp=d_mlp,
        n_heads=cfg.n_heads,
        n_ctx=cfg.n_ctx,
        act_fn=None if d_mlp is None else cfg.act_fn,
        causal=getattr(cfg, "attention_dir", "causal") == "causal",
    )
    return BridgeModel(bridge, info, tokenizer=tokenizer)


def _state_fingerprint(bridge: Any) -> str:
    import hashlib

    import torch

    cfg = bridge.cfg.to_dict()
    said = {k: v for k, v in cfg.items() if isinstance(v, int | float | str | bool | None)}
    said = {k: v for k, v in said.items() if k not in ("device", "model_name", "tokenizer_name")}
    digest = hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16)
    for name, tensor in sorted(bridge.original_model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        flat = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
        digest.update(flat.numpy().data)
    return digest.hexdigest()


def load_native(
    info: ModelInfo,
    config: Mapping[str, Any],
    file: Path | None,
    *,
    fresh: bool,
    device: str,
    dtype: str,
) -> BridgeModel:
    """A model in TransformerLens's native layout.

    Without a `file` it is the untrained model that training began with, made from its seed; a
    `fresh` one is initialised as TransformerLens initialises this architecture.

    Raises:
        ModelError: the weights do not fit the configuration.
    """
    import torch
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module
    from transformer_lens.model_bridge.sources.native import NativeModel, initialize_native_model

    fields = {key: value for key, value in config.items() if key not in ("training", "bos_id")}
    try:
        cfg = TransformerBridgeConfig(**fields)
        module = NativeModel(cfg)
        if fresh:
            initialize_native_model(module, cfg, seed=FRESH_SEED)
        else:
            module.load_state_dict(_native_state(config, file))
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"The weights of {info.reference!r} ({file or 'made from its seed'}) do not fit its "
            f"config.json: {reason}"
        ) from None
    kind = getattr(torch, dtype)
    bridge = build_bridge_from_module(
        module.to(device=device, dtype=kind),
        architecture=weights.NATIVE,
        tl_config=cfg,
        tokenizer=None,
        dtype=kind,
        device=device,
        model_name=info.reference,
    )
    return BridgeModel(bridge, info)


def _native_state(config: Mapping[str, Any], file: Path | None) -> dict[str, Tensor]:
    """The float32 weights in a file, or those that training began with."""
    if file is None:
        from mi_hypotheses.pretrained.export import untrained

        return untrained(config)
    from safetensors.torch import load_file

    return {name: tensor.float() for name, tensor in load_file(file).items()}


def load_hugging_face(
    info: ModelInfo, directory: Path, *, fresh: bool, device: str, dtype: str
) -> BridgeModel:
    """A model that Hugging Face's `save_pretrained` wrote, or its architecture made `fresh`.

    Raises:
        ModelError: TransformerLens cannot load it.
    """
    import torch
    from transformer_lens.model_bridge import TransformerBridge

    kind = getattr(torch, dtype)
    try:
        fresh_model = _fresh_hugging_face(directory).to(device, kind) if fresh else None
        bridge = TransformerBridge.boot_transformers(
            str(directory),
            device=device,
            dtype=kind,
            hf_model=fresh_model,
        )
    except Exception as error:
        reason = " ".join(str(error).split())[:500]
        raise ModelError(
            f"TransformerLens cannot load the model {info.reference!r} from {directory}: {reason}"
        ) from None
    return BridgeModel(bridge, info, fused=True)


def _fresh_hugging_face(directory: Path) -> Any:
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(directory)
    names = config.architectures or ["AutoModelForCausalLM"]
    made = getattr(transformers, names[0])
    with torch.random.fork_rng():
        torch.manual_seed(FRESH_SEED)
        return made.from_config(config) if names[0].startswith("Auto") else made(config)

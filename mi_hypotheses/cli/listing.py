"""`mih list`, `plugins`, `models`, `corpora`, `features` and `cache`: what there is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from mi_hypotheses.cli.codes import ExitCode
from mi_hypotheses.cli.options import (
    json_option,
    open_plugins,
    plugin_options,
    print_errors,
    read_settings,
    selection_options,
    traceback_option,
)

if TYPE_CHECKING:
    from mi_hypotheses.features.catalogue import Feature
    from mi_hypotheses.hypotheses import Hypothesis


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as their widest cell, the last one as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


@click.command("list")
@selection_options
@json_option
def list_(
    *, paths: Sequence[str], keyword: str | None, modules: Sequence[str], as_json: bool
) -> int:
    """List the hypotheses that `mih run` would score."""
    from mi_hypotheses.cli.running import nothing_collected

    plugins = open_plugins(read_settings(), paths=paths, modules=modules)
    collected = plugins.collect(keyword=keyword)
    rows = [_described(hypothesis) for hypothesis in collected.hypotheses]
    if as_json:
        errors = [error.model_dump() for error in collected.errors]
        click.echo(json.dumps({"hypotheses": rows, "errors": errors}, indent=1))
    elif rows:
        shown = ("name", "model", "unit", "source", "claim")
        _print_table([[str(row[key]) for key in shown] for row in rows])
    if not rows:
        return nothing_collected(collected, keyword=keyword)
    print_errors(collected.errors)
    return ExitCode.FELL_SHORT if collected.errors else ExitCode.OK


def _described(hypothesis: Hypothesis) -> dict[str, object]:
    from mi_hypotheses.hypotheses import Attends
    from mi_hypotheses.loading import short_source

    return {
        "name": hypothesis.name,
        "claim": hypothesis.claim,
        "model": hypothesis.model,
        "unit": str(hypothesis.unit),
        "to" if isinstance(hypothesis, Attends) else "on": hypothesis.written,
        "corpora": list(hypothesis.corpora),
        "expect": dict(hypothesis.expect),
        "source": short_source(hypothesis.source),
        "hash": hypothesis.hash,
    }


@click.command
@plugin_options
@json_option
def plugins(*, modules: Sequence[str], as_json: bool) -> int:
    """List the plugins, with their hooks and hypotheses."""
    from dataclasses import asdict

    loaded = open_plugins(read_settings(), modules=modules)
    listing = loaded.listing()
    if as_json:
        click.echo(json.dumps([asdict(plugin) for plugin in listing], indent=1))
    else:
        _print_table(
            [
                (
                    plugin.name,
                    plugin.origin,
                    f"{plugin.hypotheses} hypotheses",
                    ", ".join(plugin.hooks),
                )
                for plugin in listing
            ]
        )
    print_errors(loaded.errors())
    return ExitCode.FELL_SHORT if loaded.errors() else ExitCode.OK


@click.command
@json_option
@traceback_option
def models(*, as_json: bool) -> None:
    """List the models that come with the package."""
    from mi_hypotheses.models import shipped_models

    described = [_model(name) for name in shipped_models()]
    if as_json:
        click.echo(json.dumps(described, indent=1))
        return
    if described:
        _print_table([_model_row(model) for model in described])
    click.echo(
        "Besides these, the name of any model on the Hugging Face hub that TransformerLens "
        "knows, or a directory of one, can be given. -m 'NAME@*' stands for all checkpoints of one."
    )


def _model(name: str) -> dict[str, Any]:
    """What there is of a model: its sizes and checkpoints, or the `error` that hides them."""
    from mi_hypotheses.errors import ModelError
    from mi_hypotheses.models import checkpoints, resolve

    try:
        info = resolve(name).info
        steps = checkpoints(name)
    except ModelError as error:
        return {"name": name, "error": str(error)}
    return {
        "name": name,
        "layers": info.n_layers,
        "neurons": info.d_mlp,
        "heads": info.n_heads,
        "context": info.n_ctx,
        "checkpoints": steps,
    }


def _model_row(model: dict[str, Any]) -> Sequence[str]:
    if "error" in model:
        return (model["name"], "", "", "", model["error"])
    units = [f"{model[kind]} {kind}" for kind in ("neurons", "heads") if model[kind]]
    steps = model["checkpoints"]
    listed = f"{len(steps)} checkpoints: {model['name']}@step={', '.join(map(str, steps))}"
    return (
        model["name"],
        f"{model['layers']} layer{'s' if model['layers'] > 1 else ''}",
        f"{' and '.join(units) or 'no units'} a layer",
        f"{model['context']} tokens of context",
        listed if steps else "",
    )


@click.command
@json_option
@traceback_option
def corpora(*, as_json: bool) -> None:
    """List the named corpora and the ways to write others."""
    from mi_hypotheses.corpora import SCHEMES, available_corpora

    named = available_corpora(read_settings().corpora)
    if as_json:
        described = {name: corpus.model_dump(mode="json") for name, corpus in named.items()}
        click.echo(json.dumps({"named": described, "schemes": SCHEMES}, indent=1))
        return
    rows = [*SCHEMES.items()]
    rows += [(name, f"{corpus.description} ({corpus.source})") for name, corpus in named.items()]
    _print_table(rows)


@click.command
@click.argument("pattern", required=False)
@json_option
@traceback_option
def features(pattern: str | None, *, as_json: bool) -> int:
    """List the ready-made predicates, those with PATTERN in their name or summary.

    mih score --feature python.comment --unit 'L0N*' -m py-gelu-1l
    """
    from mi_hypotheses.features.catalogue import THEMES, factories
    from mi_hypotheses.features.catalogue import features as of_theme

    wanted = (pattern or "").lower()
    listed = [
        each
        for theme in THEMES
        for each in (
            *map(_feature, of_theme(theme).values()),
            *(_factory(called, summary) for called, summary in factories(theme).items()),
        )
    ]
    found = [
        each
        for each in listed
        if wanted in str(each["name"]).lower() or wanted in str(each["summary"]).lower()
    ]
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _print_features(found)
    if not found:
        click.echo(f"No feature has {pattern!r} in its name or summary.", err=True)
        return ExitCode.NOTHING_COLLECTED
    return ExitCode.OK


def _feature(feature: Feature) -> dict[str, object]:
    return {
        "name": feature.name,
        "labels": feature.label_kind,
        "summary": feature.summary,
        "examples": list(feature.examples),
    }


def _factory(called: str, summary: str) -> dict[str, object]:
    """What makes a predicate of arguments, in the place of a feature."""
    return {"name": called, "labels": "takes arguments", "summary": summary, "examples": []}


def _print_features(found: Sequence[dict[str, object]]) -> None:
    """A table for each theme."""
    for theme, members in groupby(found, key=lambda each: str(each["name"]).partition(".")[0]):
        click.echo(f"{theme}:")
        _print_table(
            [(f"  {each['name']}", str(each["labels"]), str(each["summary"])) for each in members]
        )


@click.command
@click.argument("action", type=click.Choice(["show", "clear"]), default="show")
@click.option("--cache-dir", type=click.Path(file_okay=False), help="Where activations are kept.")
@json_option
@traceback_option
def cache(action: str, *, cache_dir: str | None, as_json: bool) -> None:
    """Show where activations are kept and how large that is, or clear it."""
    from mi_hypotheses.cli.running import open_cache

    kept = open_cache(read_settings({"cache_dir": cache_dir}))
    if action == "clear":
        removed = kept.clear()
        if as_json:
            found = {"directory": str(kept.directory), "removed": removed}
            click.echo(json.dumps(found, indent=1))
        else:
            click.echo(f"{removed} entries of {kept.directory} were removed.")
        return
    entries, size = sum(1 for _ in kept.entries()), kept.size()
    if as_json:
        shown = {"directory": str(kept.directory), "entries": entries, "bytes": size}
        click.echo(json.dumps({**shown, "limit_bytes": kept.limit_bytes}, indent=1))
    else:
        click.echo(f"{kept.directory}: {entries} entries, {_megabytes(size)} of at most ", nl=False)
        click.echo(_megabytes(kept.limit_bytes))


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MB"

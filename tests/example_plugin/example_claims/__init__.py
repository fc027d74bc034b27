"""A plugin that uses every hook but the one that loads models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import click

from mi_hypotheses import Document, Fires, Neuron, Regex, hookimpl
from mi_hypotheses.metrics import Evidence, Metric
from mi_hypotheses.reports import Report

WORDS = ("True", "False")

DIGITS = Fires(
    name="example-digits",
    claim="Fires on digits.",
    model="py-gelu-1l",
    unit=Neuron(layer=0, index=1),
    on=Regex(r"\d+"),
    expect={"positives": 1},
)


class Counting:
    """A corpus of numbers, one a document."""

    uri = "example:counting"
    skipped: Mapping[str, int] = {}

    def documents(self) -> Iterator[Document]:
        for number in range(100):
            yield Document(str(number), self.uri, f"{number} is a number\n")


@hookimpl
def mi_hypotheses() -> Iterable[Fires]:
    for word in WORDS:
        yield Fires(
            name=f"example-{word.lower()}",
            claim=f"Fires on {word}.",
            model="py-gelu-1l",
            unit=Neuron(layer=0, index=2),
            on=Regex(word),
        )


@hookimpl
def mi_corpus(uri: str) -> Counting | None:
    return Counting() if uri == Counting.uri else None


@hookimpl
def mi_metrics() -> Iterable[Metric]:
    def positives(evidence: Evidence):
        return evidence.totals[:, 1]

    return [Metric("positives", "boolean", positives)]


@hookimpl
def mi_report_writers() -> Mapping[str, Callable[[Report], str]]:
    return {"names": lambda report: "".join(f"{result.name}\n" for result in report.results)}


@hookimpl
def mi_commands() -> Iterable[click.Command]:
    @click.command("hello")
    def hello() -> None:
        """Say hello."""
        click.echo("hello from the example plugin")

    return [hello]

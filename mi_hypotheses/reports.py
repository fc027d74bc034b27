"""The versioned report: what a run found, as data. Every page is a rendering of it."""

from __future__ import annotations

import math
import os
import re
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mi_hypotheses.errors import ReportError

SCHEMA_VERSION: Literal[1] = 1

_OF_WORDS = re.compile(r"words of (.+) without a token")

Status = Literal["supported", "refuted", "inconclusive", "undefined", "error"]
LabelKind = Literal["boolean", "numeric", "categorical"]


def _finite(value: Any) -> Any:
    """NaN and infinity have no place in JSON: they are written as null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]


class Record(BaseModel):
    """Base of all parts of a report: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Score(Record):
    """A metric on test documents with its 95% interval; null where undefined."""

    value: Number
    low: Number = None
    high: Number = None


class Verdict(Record):
    """`reasons` are plain sentences: which bar was met or missed, which floor was not beaten."""

    status: Status
    reasons: tuple[str, ...] = ()


class Bar(Record):
    """One entry of `expect`, and how it fared."""

    metric: str
    at_least: float
    status: Status


class Histogram(Record):
    """Activations of test tokens in equal-width bins; counts are split by a boolean label.

    `edges` has one entry more than the counts. For numeric and categorical labels all counts
    are in `negative`.
    """

    edges: tuple[float, ...]
    negative: tuple[int, ...]
    positive: tuple[int, ...]


class Band(Record):
    """Tokens whose activation lies in [low, high).

    `mean_label` is P(c=1 | band) for a boolean label and the mean label for a numeric one.
    """

    low: float
    high: float
    n_tokens: int
    mean_label: Number


class LabelBand(Record):
    """Tokens whose numeric label lies in [low, high], with their mean activation."""

    low: float
    high: float
    n_tokens: int
    mean_activation: Number


class CategoryBand(Record):
    """Tokens of one category, with their mean activation and its 95% interval.

    The interval is null where fewer than 8 test groups have the category.
    """

    name: str
    n_tokens: int
    mean_activation: Number
    low: Number = None
    high: Number = None


class Slice(Record):
    """The scores on a part of the test tokens, `name` being e.g. `position 0-15`."""

    by: str
    name: str
    n_tokens: int
    scores: dict[str, Score]


class ExampleToken(Record):
    """`text` is the token's own stretch of the document; `label` what the predicate says: of a
    categorical one the index of the category in `Result.category_bands`, null where there is
    none."""

    text: str
    activation: Number
    label: Number


class Example(Record):
    """A token with its context. `focus` is its index in `tokens`; `line` counts from 1."""

    document: str
    line: int
    focus: int
    tokens: tuple[ExampleToken, ...]


class Examples(Record):
    """`top`: strongest activations. `false_positives`: strongest with label 0.

    `false_negatives`: a random sample of positives under the threshold. At most two come from
    one document. All are test documents.
    """

    top: tuple[Example, ...] = ()
    false_positives: tuple[Example, ...] = ()
    false_negatives: tuple[Example, ...] = ()


class Shares(Record):
    """Where attention goes: means over queries, which add up to 1. Targets count as such even
    where they are BOS."""

    target: Number
    bos: Number  # null where windows have no BOS
    elsewhere: Number


class DistanceBand(Record):
    """Keys `low` to `high` tokens back (negative: ahead), over the queries with a target.

    `attention` is the mean attention there; `expected` is what it would be if each query spread
    its attention evenly over its targets. Either adds up to 1 over all bands and BOS.
    """

    low: int
    high: int
    attention: Number
    expected: Number


class AttentionToken(Record):
    """A key: `expected` says whether it is a target, `gap` that text before it is left out, `back`
    how many tokens before the query it stands."""

    text: str
    back: int = 0
    attention: Number
    expected: bool = False
    gap: bool = False


class AttentionExample(Record):
    """A query with the keys around it, around its targets, and where it looked.

    `query` is its index in `tokens`; `line` counts from 1; `target` is its target mass, null
    where it has no target.
    """

    document: str
    line: int
    query: int
    tokens: tuple[AttentionToken, ...]
    target: Number = None
    bos: Number = None  # attention on BOS; null where windows have none
    bos_expected: bool = False


class Attention(Record):
    """What is told of a head beside its scores, all on test documents.

    `dropped` counts the edges that could not be scored, by reason, over all documents.
    `with_target` and `without_target` split the queries by whether the target applies.
    `typical`: a random sample of queries with a target. `missed`: a random sample of those whose
    largest attention lies elsewhere. `busy`: queries without a target that least rest on BOS.
    """

    n_edges: int = 0
    dropped: dict[str, int] = Field(default_factory=dict)
    with_target: Shares | None = None
    without_target: Shares | None = None
    distances: tuple[DistanceBand, ...] = ()
    bos_expected: Number = None  # the share of the expected attention that lies on BOS
    typical: tuple[AttentionExample, ...] = ()
    missed: tuple[AttentionExample, ...] = ()
    busy: tuple[AttentionExample, ...] = ()


class DocumentScore(Record):
    """How far claim and unit agree in a test document.

    Of a neuron `n` counts the tokens that are labelled or on which it fires, and `agreement` is
    the share that are both; of a head it is the hit rate of the `n` queries that have a target.
    """

    document: str
    n: int
    agreement: float


class Result(Record):
    """One hypothesis on one corpus.

    For a head (`kind` is "attends") tokens are queries: `n_positive` of `n_tokens` have a
    target, `prevalence` is their share, and `histogram` counts them by target mass. For a
    categorical label `n_tokens` and all else is of tokens that have a category; `n_unlabelled`
    test tokens have none, and `category_bands` has all categories, in the order of declaration.
    """

    name: str
    claim: str
    source: str  # file:line
    kind: Literal["fires", "attends"] = "fires"
    label_kind: LabelKind = "boolean"
    model: str
    unit: str  # e.g. "L0N417"; for a search the unit that was chosen
    searched: str | None = None  # e.g. "L0N*: best of 2048 by |pearson| on ..."
    on: str = ""  # the predicate or target, as written
    corpus: str
    hypothesis_hash: str
    question_hash: str = ""  # of what is measured, whatever the model, corpora and bars
    labels_hash: str = ""  # of what the predicate or target said of all documents
    margin: float = 0.02  # how far a score may fall before a check calls it a fall
    n_tokens: int = 0
    n_unlabelled: int = 0
    n_positive: int = 0
    prevalence: Number = None
    n_documents: int = 0
    n_groups: int = 0
    sign: Literal["+", "-"] = "+"
    threshold: Number = None
    scores: dict[str, Score] = Field(default_factory=dict)
    replicates: dict[str, tuple[Number, ...]] = Field(default_factory=dict)  # see `metrics`
    floors: dict[str, Number] = Field(default_factory=dict)  # "metric.rival" -> value
    comparison_percentile: Number = None  # share of comparison units with less of the same
    n_comparison: int = 0  # how many there were
    expect: tuple[Bar, ...] = ()
    verdict: Verdict
    histogram: Histogram | None = None
    bands: tuple[Band, ...] = ()
    label_bands: tuple[LabelBand, ...] = ()
    category_bands: tuple[CategoryBand, ...] = ()
    slices: tuple[Slice, ...] = ()
    examples: Examples = Examples()
    attention: Attention | None = None  # of heads
    documents: tuple[DocumentScore, ...] = ()  # of some test documents, by hash of the name


class ModelInfo(Record):
    reference: str
    fingerprint: str
    tokenizer_fingerprint: str
    n_layers: int
    d_model: int
    d_mlp: int | None
    n_heads: int | None
    n_ctx: int
    act_fn: str | None = None
    causal: bool = True  # whether tokens see only what comes before them


class CorpusInfo(Record):
    """`excluded` counts tokens that were not scored, by reason; `skipped` counts files.

    `uncovered` counts spaCy's words that share no character with any token, so that no rule can
    label them, by the pipeline that cut them. `pipelines` has the fingerprints of the spaCy
    pipelines that annotated the documents, by name.
    """

    uri: str
    fingerprint: str
    n_documents: int
    n_tokens: int
    excluded: dict[str, int] = Field(default_factory=dict)
    skipped: dict[str, int] = Field(default_factory=dict)
    uncovered: dict[str, int] = Field(default_factory=dict)
    pipelines: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _words_are_no_tokens(cls, fields: Any) -> Any:
        """Early reports counted such words among the excluded tokens."""
        excluded = fields.get("excluded") if isinstance(fields, dict) else None
        if not isinstance(excluded, dict) or "uncovered" in fields:
            return fields
        words = {reason: n for reason, n in excluded.items() if _OF_WORDS.fullmatch(reason)}
        return {
            **fields,
            "excluded": {reason: n for reason, n in excluded.items() if reason not in words},
            "uncovered": {_OF_WORDS.sub(r"\1", reason): n for reason, n in words.items()},
        }


class RunInfo(Record):
    """`stages` gives the seconds of each stage; `tokens_per_second` counts forward passes."""

    created: str  # ISO 8601, UTC
    command: str
    versions: dict[str, str]
    device: str
    dtype: str
    seed: int
    seconds: float
    tokens_per_second: Number = None
    stages: dict[str, float] = Field(default_factory=dict)


class LoadError(Record):
    """A plugin file or hypothesis that could not be used; the others were scored."""

    source: str
    message: str


class Report(Record):
    schema_version: Literal[1] = SCHEMA_VERSION
    run: RunInfo
    models: tuple[ModelInfo, ...] = ()
    corpora: tuple[CorpusInfo, ...] = ()
    results: tuple[Result, ...] = ()
    errors: tuple[LoadError, ...] = ()


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write `content` to `path` so that readers see the old file or the new one, never half.

    Raises:
        OSError: the directory cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_report(path: Path) -> Report:
    """The report in a JSON file.

    Raises:
        ReportError: the file cannot be read, is no report, or has another schema version.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"The report {path} cannot be read: {error}.") from None
    try:
        return Report.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "its beginning"
        raise ReportError(
            f"{path} is not a report of schema version {SCHEMA_VERSION}: {first['msg']} at "
            f"{where}. Make it anew with 'mih run -o DIR'."
        ) from None

"""The versioned report of a scan, as data: which units fit which subjects best."""

from __future__ import annotations

from typing import Literal

from mi_hypotheses.reports import (
    CorpusInfo,
    LabelKind,
    LoadError,
    ModelInfo,
    Number,
    Record,
    Result,
    RunInfo,
    Score,
)

SCAN_SCHEMA_VERSION: Literal[1] = 1


class ScannedUnit(Record):
    """One unit and one subject.

    `chosen_by` is the score on calibration documents, by which units stand in order; `test` is
    the same on test documents, its interval from a jackknife over folds of documents. `q` is the
    false discovery rate at which the unit is a discovery, over all units and subjects of the
    scan; `found` says whether it is one and reaches `ScanReport.least` on calibration and on test
    documents. `f1` is that of firing at one, two or four standard deviations above the mean,
    whichever was best on calibration documents; null for units that are low on the subject.
    """

    unit: str
    sign: Literal["+", "-"] = "+"
    chosen_by: float
    test: Score
    q: Number = None
    f1: Number = None
    found: bool = False


class MapPoint(Record):
    """Where a unit stands in the map of a subject, and its score on test documents."""

    layer: int
    index: int
    value: float


class ScannedSubject(Record):
    """A predicate or target against all units that were looked at.

    `metric` is `pearson`, `eta_squared` or `target_mass`. `found` counts the units whose score
    reaches `ScanReport.least` on calibration and on test documents with a q of at most 0.05.
    `points` holds the units with the largest scores; of heads all. `uniform` is what a head that
    attends to all keys alike would get. `row` holds the scores on test documents of the units in
    `ScanReport.columns`, of a target in `head_columns`. `undefined` says why there are no scores.
    """

    name: str
    claim: str
    source: str = ""
    on: str
    kind: Literal["fires", "attends"]
    label_kind: LabelKind = "boolean"
    metric: str
    n_test: int = 0  # tokens that have a label; of heads queries that have a target
    n_positive: int = 0
    found: int = 0
    uniform: Number = None
    units: tuple[ScannedUnit, ...] = ()
    points: tuple[MapPoint, ...] = ()
    row: tuple[Number, ...] = ()
    undefined: tuple[str, ...] = ()


class Shared(Record):
    """A unit that several subjects found; `subjects` are by falling score."""

    unit: str
    subjects: tuple[str, ...]


class Fit(Record):
    """A subject's score on test documents, on some unit."""

    subject: str
    test: float


class FittedUnit(Record):
    """A unit that is the best for some subject, and the subjects that fit it best of all."""

    unit: str
    fits: tuple[Fit, ...]


class ScanReport(Record):
    """What `mih scan` found on one model and one corpus.

    `family` is how many pairs of unit and subject were tested. `columns` and `head_columns` are the
    best neurons and heads of the subjects, which the rows of all are about. `results` are the
    exact results, with floors and examples, of the best pairs. Two kinds of units have no scores:
    `not_finite` counts those with activations or attention that are NaN or infinite on some tokens,
    a fault, and `not_finite_units` names the first of them; `constant` counts the neurons that are
    the same on all test tokens, as dead ones are.
    """

    schema_version: Literal[1] = SCAN_SCHEMA_VERSION
    run: RunInfo
    model: ModelInfo
    corpus: CorpusInfo
    asked: str  # the units that were looked at, as written: N*, L0N417
    n_units: int
    family: int
    least: float
    subjects: tuple[ScannedSubject, ...] = ()
    columns: tuple[str, ...] = ()
    head_columns: tuple[str, ...] = ()
    shared: tuple[Shared, ...] = ()
    units: tuple[FittedUnit, ...] = ()
    results: tuple[Result, ...] = ()
    not_finite: int = 0
    not_finite_units: tuple[str, ...] = ()
    constant: int = 0
    errors: tuple[LoadError, ...] = ()
    left_out: tuple[LoadError, ...] = ()  # subjects that do not fit the corpus

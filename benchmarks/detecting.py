"""Three head targets, against TransformerLens's head detector on the same prompts."""

from __future__ import annotations

from transformer_lens.head_detector import HeadName, detect_head

from benchmarks.measuring import Benchmark, Measured, in_turn
from benchmarks.running import heads, options, scored
from benchmarks.shapes import Shape
from benchmarks.texts import FullWindows
from benchmarks.workplace import Workplace
from mi_hypotheses.hypotheses import Attends, Head, Hypothesis
from mi_hypotheses.reports import Report
from mi_hypotheses.targets import AfterPrevious, DuplicateToken, PreviousToken, Target
from mi_hypotheses.text import CALIBRATION_GROUPS, group_of

CONTEXT = 256
NEAR = 1e-4  # float32 sums over a window, in another order
TARGETS: dict[HeadName, Target] = {
    "previous_token_head": PreviousToken(),
    "duplicate_token_head": DuplicateToken(within=None),
    "induction_head": AfterPrevious(within=None),
}


def _detected(shape: Shape, texts: FullWindows, claims: list[Hypothesis]) -> dict[str, list[float]]:
    """What the detector gives for each claim's head on each prompt, by the claim's name.

    A list of prompts would be the same work, but its result is the mean over all of them.
    """
    found: dict[str, list[float]] = {}
    for pattern, claim in zip(TARGETS, claims, strict=True):
        assert isinstance(claim, Attends)
        assert isinstance(claim.unit, Head)
        where = (claim.unit.layer, claim.unit.index)
        found[claim.name] = [
            float(detect_head(shape.model.bridge, text, pattern, heads=[where])[where])
            for text in texts.texts
        ]
    return found


def _check(report: Report, detected: dict[str, list[float]], texts: FullWindows) -> None:
    """Raise RuntimeError where the two do not agree on test documents."""
    test = [group_of(name) >= CALIBRATION_GROUPS for name in texts.names]
    for result in report.results:
        ours = result.scores["mul"].value
        theirs = [
            score for score, chosen in zip(detected[result.name], test, strict=True) if chosen
        ]
        mean = sum(theirs) / len(theirs)
        if ours is None or abs(ours - mean) > NEAR:
            raise RuntimeError(f"{result.name}: mul is {ours}, detect_head gives {mean}")


def _against_detector(workplace: Workplace) -> Measured:
    shape = workplace.shape(CONTEXT)
    texts = workplace.texts(CONTEXT, workplace.sizes.prompts, spare=1)  # it takes no full context
    claims = heads(shape, texts, len(TARGETS), tuple(TARGETS.values()))
    tokens = shape.model.bridge.to_tokens(texts.texts[0])
    if tokens.tolist() != shape.batches(texts.ids, size=1)[0].tolist():
        raise RuntimeError("the bridge makes other tokens of a prompt")
    _check(scored(shape, claims, options(CONTEXT)), _detected(shape, texts, claims), texts)
    times = in_turn(
        lambda: _detected(shape, texts, claims),
        lambda: scored(shape, claims, options(CONTEXT)),
        pairs=workplace.sizes.pairs,
    )
    return Measured(times.ratio, {"tokens": texts.n_tokens, **times.told("detect_head", "run")})


BENCHMARKS = (
    Benchmark(
        name="detect-head",
        what="three head targets, equal numbers: time of three `detect_head` calls over `run`'s",
        measure=_against_detector,
        target=4,
        why="beside the one forward pass for all three, patterns are summed by distance for each",
    ),
)

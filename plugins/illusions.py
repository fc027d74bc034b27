"""Two ways in which the strongest activations mislead, each on one neuron.

An *interpretability illusion* (Bolukbasi et al. 2021): on docstrings alone a neuron looks as if it
did one thing, and on whole files, which hold nearly all of these docstrings and the code around
them, it does another. It was found by comparing, for each neuron and feature, the share of the
strongest activations that the feature labels on either; its bars are those of `_claims.py`, from
the docstrings of NetworkX.

A *polysemantic* neuron: two predicates that share next to no token explain a part each, and
together nearly all of its strong activations. It was found among the pairs of features whose union
correlates more with a neuron than either does. All three claims have the same bars, three quarters
of what the two together score on test documents of `networkx-sample`: either alone is expected to
fall short of them.
"""

from __future__ import annotations

from _claims import FILES, PROSE, claim

from mi_hypotheses import Regex, feature

GELU, SOLU = "py-gelu-1l", "py-solu-1l"

DOCTEST = feature("python.doctest_line")
CODE = DOCTEST | ~(feature("python.string") | feature("python.comment"))
ILLUSION = claim(
    "illusion-of-doctests",
    "Fires in the code of doctests. (It seems so on docstrings; in files it fires in all code.)",
    GELU,
    749,
    DOCTEST,
    corpora=(PROSE[0], FILES[0], PROSE[1], FILES[1]),
    expect={"pearson": 0.4, "specificity": 0.6},
)
ILLUSION_SEEN_THROUGH = claim(
    "illusion-seen-through",
    "Fires in code, that of doctests and all other, and not in prose.",
    GELU,
    749,
    CODE,
    expect={"pearson": 0.3, "specificity": 0.65},
)

UNDERSCORE, OPENING_BRACKET = Regex("_"), Regex(r"[(\[{]")
BARS = {"pearson": 0.45, "ap": 0.5, "specificity": 0.5}
ONE_SENSE = claim(
    "one-sense-underscore",
    "Fires on underscores and little else. (Half of it is opening brackets.)",
    SOLU,
    1185,
    UNDERSCORE,
    expect=BARS,
)
OTHER_SENSE = claim(
    "other-sense-opening-bracket",
    "Fires on opening brackets and little else. (Half of it is underscores.)",
    SOLU,
    1185,
    OPENING_BRACKET,
    expect=BARS,
)
BOTH_SENSES = claim(
    "both-senses",
    "Fires on two things, underscores and opening brackets, and on little else.",
    SOLU,
    1185,
    UNDERSCORE | OPENING_BRACKET,
    expect=BARS,
)

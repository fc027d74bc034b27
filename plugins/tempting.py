"""Claims that a look at the strongest activations suggests, and that are wrong.

The neurons are those of py_gelu_1l.py. Each claim fits nearly all of the top examples in the
report; what refutes it is the rest of the activation range, or the positives on which nothing
happens.
"""

from __future__ import annotations

from _claims import FOUND_ON, JUDGED_ON

from mi_hypotheses import AnyNeuron, Fires, Neuron, Regex, feature

CORPORA = [JUDGED_ON, FOUND_ON]
MODEL = "py-gelu-1l"

DOCSTRING = Fires(
    name="docstring-neuron",
    claim="Fires in docstrings. (It fires in prose, which docstrings hold beside much else.)",
    model=MODEL,
    unit=Neuron(layer=0, index=1942),
    on=feature("python.docstring"),
    corpora=CORPORA,
    expect={"pearson": 0.5, "recall": 0.8},
)
DOCTEST = Fires(
    name="doctest-line",
    claim="Fires in the lines of doctests. (It fires on their prompts alone.)",
    model=MODEL,
    unit=Neuron(layer=0, index=1147),
    on=Regex(r"(?m)^\s*>>>[^\n]*"),
    corpora=CORPORA,
    expect={"pearson": 0.5, "recall": 0.8},
)
PROMPT_ONLY = Fires(
    name="doctest-prompt-only",
    claim="Fires on the prompt of a doctest and on nothing else. (The strongest tenths do.)",
    model=MODEL,
    unit=Neuron(layer=0, index=1147),
    on=Regex(">>>"),
    corpora=CORPORA,
    expect={"pearson": 0.7, "specificity": 0.7},
)
ARTICLE = Fires(
    name="article",
    claim="Fires on articles: a, an, the. (It fires on 'the'.)",
    model=MODEL,
    unit=Neuron(layer=0, index=380),
    on=Regex(r"\b(?:a|an|the)\b", flags="i"),
    corpora=CORPORA,
    expect={"recall": 0.8},
)
COMMENT = Fires(
    name="some-comment-neuron",
    claim="Some neuron fires in comments and not elsewhere.",
    model=MODEL,
    unit=AnyNeuron(layer=0),
    on=feature("python.comment"),
    corpora=CORPORA,
    expect={"pearson": 0.5},
)
CLASS_NAME = Fires(
    name="some-class-name-neuron",
    claim="Some neuron fires on capitalised class names.",
    model=MODEL,
    unit=AnyNeuron(layer=0),
    on=Regex(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)*\b"),
    corpora=CORPORA,
    expect={"pearson": 0.5},
)
ERROR_NAME = Fires(
    name="some-error-name-neuron",
    claim="Some neuron fires on the names of errors and warnings.",
    model=MODEL,
    unit=AnyNeuron(layer=0),
    on=Regex(r"\b[A-Z]\w*(?:Error|Exception|Warning)\b"),
    corpora=CORPORA,
    expect={"pearson": 0.5},
)
IMPORT = Fires(
    name="some-import-neuron",
    claim="Some neuron fires in import statements.",
    model=MODEL,
    unit=AnyNeuron(layer=0),
    on=Regex(r"(?m)^\s*(?:from|import)\b[^\n]*"),
    corpora=CORPORA,
    expect={"pearson": 0.5},
)

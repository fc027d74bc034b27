"""`python -m mi_hypotheses.features > docs/features.md` writes the page of all features."""

from __future__ import annotations

import importlib

from mi_hypotheses.features.catalogue import THEMES, factories, features

_HEADER = """\
# Ready-made predicates

A feature is a predicate with a name. It is written like any other predicate, alone or in an
expression:

```python
from mi_hypotheses import feature

comment = feature("python.comment")
todo = comment & ~feature("python.shebang")
after_self = feature("python.self_name").shift(1)
```

```console
$ mih features docstring
$ mih score --feature python.comment --unit 'L0N*' -m py-gelu-1l
```

What is labelled stands between `«` and `»`, with its label where labels are numbers
or categories.
`↵` is a line end, `⇥` a tab, and `¦` stands between tokens where the tokens matter. The examples
run as tests. `python -m mi_hypotheses.features > docs/features.md` makes this page.
"""


def page() -> str:
    """The page of all features, in Markdown."""
    return "\n".join([_HEADER, *map(_section, THEMES)])


def _section(theme: str) -> str:
    found = features(theme)
    module = importlib.import_module(f"mi_hypotheses.features.{theme}")
    paragraph = " ".join((module.__doc__ or "").split())
    rows = [
        f"| `{each.name}` | {_plain(each.summary)} | {_code(each.examples[0])} |"
        for each in found.values()
    ]
    rows += [
        f"| `{called}` | {_plain(summary)} | takes arguments |"
        for called, summary in factories(theme).items()
    ]
    table = "\n".join(["| name | what it labels | an example |", "|---|---|---|", *rows])
    return f"## {theme} ({len(found)})\n\n{_plain(paragraph)}\n\n{table}\n"


def _plain(text: str) -> str:
    """Text whose signs mean nothing in Markdown; code in backticks stays code."""
    prose, *rest = text.split("`", 2)
    for sign in ("|", "*", "_", "<"):
        prose = prose.replace(sign, f"\\{sign}")
    return f"{prose}`{rest[0]}`{_plain(rest[1])}" if len(rest) == 2 else "`".join([prose, *rest])


def _code(text: str) -> str:
    """A piece of code in a cell, between as many backticks as it takes."""
    line = text.strip("\n").replace("\n", "↵").replace("\t", "⇥").replace("|", "\\|")
    marks = "`"
    while marks in line:
        marks += "`"
    return f"{marks} {line} {marks}"


if __name__ == "__main__":
    print(page(), end="")

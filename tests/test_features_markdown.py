"""Features of Markdown find on pages what a parser of Markdown finds, and more in docstrings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mi_hypotheses.features.catalogue import feature
from mi_hypotheses.text import TokenView

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def lines_of(name: str, text: str) -> set[int]:
    """The numbers of the lines in which a feature labels something."""
    ends = np.arange(1, len(text) + 1, dtype=np.int32)
    labels = feature(f"markdown.{name}").labels(TokenView(text, ends - 1, ends))
    breaks = np.array([sign == "\n" for sign in text])
    return set((np.cumsum(breaks) - breaks)[labels > 0].tolist())


def parsed(text: str) -> dict[str, set[int]]:
    """The numbers of the lines of each kind, as the parser has them."""
    found: dict[str, set[int]] = {
        name: set() for name in ("heading", "fence", "code_block", "table_row", "list_marker")
    }
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        for name, line in _lines(token):
            found[name].add(line)
    found["code_block"] = {line for line in found["code_block"] if text.split("\n")[line].strip()}
    return found


def _lines(token: Token) -> Iterator[tuple[str, int]]:
    first, last = token.map or (0, 0)
    if token.type == "heading_open":
        yield from (("heading", line) for line in range(first, last))
    elif token.type == "fence":
        yield from (("fence", line) for line in (first, last - 1))
        yield from (("code_block", line) for line in range(first + 1, last - 1))
    elif token.type == "table_open":
        yield from (("table_row", line) for line in range(first, last))
    elif token.type == "list_item_open":
        yield "list_marker", first


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_of_pages_are_those_of_the_parser(page: Path) -> None:
    text = page.read_text("utf-8")
    for name, expected in parsed(text).items():
        assert lines_of(name, text) == expected, name


def test_blocks_of_docstrings_are_found_where_the_parser_has_none() -> None:
    text = 'def f():\n    """It is:\n\n    ```python\n    a = 1\n    ```\n    - one\n    """\n'
    assert parsed(text)["fence"] == set()
    assert lines_of("fence", text) == {3, 5}
    assert lines_of("code_block", text) == {4}
    assert lines_of("list_marker", text) == {6}

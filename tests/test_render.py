"""The three renderings show every result, keep foreign text harmless, and stay small."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console

from mi_hypotheses import charts, comparison, presentation, tallies
from mi_hypotheses.render import render_html, render_markdown, render_terminal
from mi_hypotheses.reports import (
    Bar,
    CategoryBand,
    CorpusInfo,
    Example,
    Examples,
    ExampleToken,
    Histogram,
    LabelBand,
    LoadError,
    Report,
    Result,
    Score,
    Verdict,
)
from tests import sample_heads, sample_report

HOSTILE = "<script>alert('x')</script>&<b>\"`|](http://x)"
VOID = {"meta", "input", "br", "wbr", "link", "img"}


class Page(HTMLParser):
    """The elements of a page, its text, and whether its tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def attributes(self, tag: str, name: str) -> list[str]:
        return [value for t, a in self.elements if t == tag and (value := a.get(name))]


def terminal(report: Report, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    render_terminal(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def report() -> Report:
    return sample_report.report()


def test_a_run_that_was_all_cached_says_so_in_place_of_a_device(report: Report) -> None:
    run = report.run.model_copy(update={"device": "none: all activations were cached"})
    cached = report.model_copy(update={"run": run})
    for told in (render_html, render_markdown):
        assert "no model run, all was cached · float32" in told(cached)
        assert "cpu · float32" in told(report)


@pytest.fixture(scope="module")
def page(report: Report) -> Page:
    return Page(render_html(report))


def hostile_report() -> Report:
    """Foreign text in every place where a user's or a corpus' text can stand."""
    token = ExampleToken(text=HOSTILE, activation=1.5, label=1.0)
    example = Example(document=HOSTILE, line=3, focus=0, tokens=(token, token))
    result = sample_report.result(
        HOSTILE,
        claim=HOSTILE,
        source=HOSTILE,
        model=HOSTILE,
        unit=HOSTILE,
        on=HOSTILE,
        corpus=HOSTILE,
        searched=HOSTILE,
        scores={HOSTILE: Score(value=0.5, low=0.4, high=0.6)},
        floors={f"{HOSTILE}.{HOSTILE}": 0.1},
        verdict=Verdict(status="refuted", reasons=(HOSTILE,)),
        examples=Examples(top=(example,), false_positives=(example,), false_negatives=(example,)),
    )
    broken = sample_report.result(
        "broken", "error", verdict=Verdict(status="error", reasons=(HOSTILE,))
    )
    sorted_out = sample_report.categorical_result(
        category_bands=tuple(
            CategoryBand(name=f"{HOSTILE}{n}", n_tokens=n, mean_activation=1.0) for n in (0, 3)
        ),
        examples=Examples(top=(example,)),
    )
    corpus = CorpusInfo(
        uri=HOSTILE,
        fingerprint=HOSTILE,
        n_documents=1,
        n_tokens=1,
        excluded={HOSTILE: 1},
        skipped={HOSTILE: 1},
        uncovered={HOSTILE: 1},
    )
    return sample_report.report(
        result,
        broken,
        sorted_out,
        corpora=(corpus,),
        errors=(LoadError(source=HOSTILE, message=HOSTILE),),
    )


def test_the_page_shows_every_result_with_its_verdict_and_headline_scores(
    report: Report, page: Page
) -> None:
    for result in report.results:
        for text in (result.name, result.claim, result.unit, result.corpus, result.source):
            assert text in page.text
        assert all(
            reason.replace("\n", "") in page.text.replace("\n", "")
            for reason in result.verdict.reasons
        )
    for status in presentation.STATUSES:
        assert f"{presentation.SYMBOLS[status]} {status}" in page.text
    assert "0.780" in page.text
    assert "[0.749, 0.819]" in page.text
    assert "1,234,567" in page.text


def test_the_page_names_what_was_not_loaded_and_what_was_not_scored(page: Page) -> None:
    assert "plugins/typo.py:3" in page.text
    assert "There is no hook 'mi_modles'." in page.text
    assert "24,000 tokens not scored (bos)" in page.text
    assert "2 files left out (undecodable)" in page.text
    assert "7 words of en_core_web_sm without a token" in page.text


def test_links_of_the_table_lead_to_the_sections(page: Page) -> None:
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    targets = [h[1:] for h in page.attributes("a", "href") if h.startswith("#") and h != "#"]
    assert len(targets) == 7
    assert len(ids) == len(set(ids))
    assert set(targets) <= set(ids)


def test_names_that_differ_only_in_punctuation_get_anchors_of_their_own() -> None:
    names = ("a b", "a-b", "a-b-2", "a_b", "日本", "!!")
    page = Page(render_html(sample_report.report(*map(sample_report.result, names))))
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids)) == len(names)


def test_the_page_loads_nothing_from_elsewhere(report: Report) -> None:
    html = render_html(report)
    page = Page(html)
    assert not [tag for tag, _ in page.elements if tag in {"link", "img", "iframe", "object"}]
    assert not [a for _, a in page.elements if a.get("src")]
    assert not re.search(r"url\(|@import|https?://", html)
    assert "default-src 'none'" in html


def test_tags_are_balanced(page: Page) -> None:
    assert page.open == []


def test_foreign_text_is_never_markup() -> None:
    html = render_html(hostile_report())
    page = Page(html)
    assert html.count("<script>") == 1  # the page's own
    assert "alert" not in "".join(re.findall(r"<script>.*?</script>", html, re.DOTALL))
    assert page.text.count("alert('x')") >= 10
    assert page.open == []
    assert not [name for _, a in page.elements for name in a if name.startswith("on")]


def test_the_only_script_that_may_run_is_the_pages_own(report: Report) -> None:
    html = render_html(report)
    policy = next(c for c in Page(html).attributes("meta", "content") if "script-src" in c)
    assert re.search(r"script-src 'sha256-[\w+/]+='$", policy)


def test_control_and_bidirectional_characters_are_shown_not_obeyed() -> None:
    text = "a\x00\x1b[31m\u202eb\r\nc\td"
    token = ExampleToken(text=text, activation=1.0, label=0.0)
    top = (Example(document="d", line=1, focus=0, tokens=(token,)),)
    html = render_html(sample_report.report(sample_report.result(examples=Examples(top=top))))
    assert "a␀␛[31m⟨202E⟩b␍↵\nc⇥\td" in html
    assert not re.search("[\x00\x1b\u202e]", html)
    named = sample_report.result("\x1b[31mred\u202e")
    assert not re.search("[\x1b\u202e]", terminal(sample_report.report(named)))
    assert not re.search("[\x1b\u202e]", render_markdown(sample_report.report(named)))


def test_tokens_are_shaded_by_activation_underlined_by_label_and_outlined_in_focus() -> None:
    tokens = (
        ExampleToken(text="no", activation=0.0, label=0.0),
        ExampleToken(text="half", activation=2.0, label=1.0),
        ExampleToken(text="full", activation=4.0, label=1.0),
        ExampleToken(text="below", activation=-4.0, label=0.0),
        ExampleToken(text="", activation=None, label=None),
    )
    top = (Example(document="d", line=1, focus=2, tokens=tokens),)
    html = render_html(sample_report.report(sample_report.result(examples=Examples(top=top))))
    assert "<i title=0>no</i>" in html
    assert '<i class="p4 l" title=2.00>half</i>' in html
    assert '<i class="p9 l f" title=4.00>full</i>' in html
    assert "<i class=n9 title=−4.00>below</i>" in html
    assert "<i title=–>·</i>" in html


def test_long_contexts_are_cut_around_the_focus() -> None:
    tokens = tuple(ExampleToken(text=f"t{i} ", activation=1.0, label=0.0) for i in range(256))
    top = (Example(document="d", line=1, focus=200, tokens=tokens),)
    page = Page(render_html(sample_report.report(sample_report.result(examples=Examples(top=top)))))
    assert "…t160 " in page.text
    assert "t216 …" in page.text
    assert "t159 " not in page.text


def test_missing_values_are_a_dash_everywhere() -> None:
    result = sample_report.result(
        scores={"pearson": Score(value=None), "f1": Score(value=0.5)},
        floors={"pearson.token_identity": None},
        prevalence=None,
        threshold=None,
        histogram=None,
        bands=(),
        slices=(),
    )
    report = sample_report.report(result)
    for shown in (Page(render_html(report)).text, render_markdown(report), terminal(report)):
        assert "–" in shown
        assert not re.search(r"None|\bnan\b", shown)


def test_an_empty_report_renders() -> None:
    report = sample_report.report(models=(), corpora=(), errors=()).model_copy(
        update={"results": ()}
    )
    assert "No hypothesis was scored." in render_html(report)
    assert "nothing was scored" in render_markdown(report)
    assert "nothing was scored" in terminal(report)


def test_thirty_hypotheses_stay_under_three_megabytes() -> None:
    one = sample_report.result()
    ten = {
        kind: tuple(getattr(one.examples, kind) * 2)
        for kind in ("top", "false_positives", "false_negatives")
    }
    results = [
        one.model_copy(update={"name": f"h{i}", "examples": Examples(**ten)}) for i in range(30)
    ]
    assert len(render_html(sample_report.report(*results)).encode()) < 3_000_000


def test_results_of_one_hypothesis_stand_together() -> None:
    results = [
        sample_report.result(name, corpus=corpus) for corpus in ("one", "two") for name in "ab"
    ]
    groups = presentation.grouped(results)
    assert [[(r.name, r.corpus) for r in group] for group in groups] == [
        [("a", "one"), ("a", "two")],
        [("b", "one"), ("b", "two")],
    ]


def test_heads_have_a_table_of_their_own() -> None:
    head = sample_report.result(
        "previous-token",
        kind="attends",
        unit="L0H3",
        scores={"target_mass": Score(value=0.71, low=0.7, high=0.72)},
        floors={"target_mass.uniform": 0.02},
        expect=(),
    )
    html = render_html(sample_report.report(sample_report.result(), head))
    assert html.index("<caption>Neurons") < html.index("<caption>Attention heads")
    assert 'data-label="target mass"' in html


def test_markdown_escapes_what_would_break_a_table_or_a_comment() -> None:
    markdown = render_markdown(hostile_report())
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    unescaped = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert len(rows) == 4
    assert len(unescaped) == 1
    outside_code = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", markdown.replace("\\`", ""))
    assert not re.search(r"(?<!\\)<", outside_code)


def test_markdown_has_a_row_and_a_section_for_each_result(report: Report) -> None:
    markdown = render_markdown(report)
    assert "| ✓ supported | python-comment | `L0N417` | `py-gelu-1l` | `package:sympy` " in markdown
    assert markdown.count("\n### ") == 7  # six hypotheses and what was not loaded
    assert "- ≈ **inconclusive**: `L0N417` of `py-gelu-1l` on `package:networkx`" in markdown
    assert "Only 3 positive tokens; 20 are needed." in markdown
    assert r"; 2 files left out (undecodable); 7 words of en\_core\_web\_sm without a" in markdown


@pytest.mark.parametrize("width", [80, 104, 160])
def test_the_terminal_shows_verdicts_scores_reasons_and_errors(report: Report, width: int) -> None:
    shown = terminal(report, width)
    assert max(map(len, shown.splitlines())) <= width
    assert "✓ supported" in shown
    assert "0.780 [0.749, 0.819]" in shown
    assert "≥ 0.45" in shown
    assert "ValueError: bad span (9, 4)." in shown
    assert "plugins/typo.py:3" in shown
    assert "Only 3 positive tokens; 20 are needed." in shown
    assert "package:sympy: 7 words of en_core_web_sm without a token" in shown
    assert shown.rstrip().endswith("1 error · 1 not loaded")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_many_results_are_one_line_each_with_the_score_that_decided(width: int) -> None:
    refuted = sample_report.result(
        "a-claim-that-falls-short",
        status="refuted",
        expect=(
            Bar(metric="pearson", at_least=0.25, status="supported"),
            Bar(metric="ap", at_least=0.95, status="refuted"),
        ),
    )
    many = [sample_report.result(f"claim-{n}") for n in range(50)]
    lines = terminal(sample_report.report(*many, refuted), width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum("claim-" in line for line in lines) == 51
    (line,) = [line for line in lines if "a-claim-that" in line]
    assert line.startswith("✗")
    assert line.rstrip().endswith("< 0.95")
    assert "L0N" in line
    few = terminal(sample_report.report(*many[:9], refuted), width)
    assert "score [95% interval]" in few


def test_the_terminal_obeys_no_markup_of_names() -> None:
    shown = terminal(sample_report.report(sample_report.result("[red]x[/red]")))
    assert "[red]x[/red]" in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.7123, "0.712"),
        (-0.5, "−0.500"),
        (1.0, "1.00"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
        (0.00032, "0.00032"),
    ],
)
def test_numbers_have_two_or_three_significant_decimals(value: float | None, text: str) -> None:
    assert presentation.number(value) == text


def test_numbers_that_somebody_wrote_are_not_padded() -> None:
    assert presentation.number(0.5, exact=True) == "0.5"
    assert presentation.number(-3.0, exact=True) == "−3"


def test_every_expected_metric_leads() -> None:
    result = sample_report.result()
    assert presentation.headline_metrics(result) == ["pearson", "ap", "f1"]


def test_a_histogram_keeps_its_counts_and_its_threshold_when_made_coarser() -> None:
    counts = (0,) * 500 + (7,) * 300 + (0,) * 400
    histogram = Histogram(
        edges=tuple(i / 100 for i in range(1201)), negative=counts, positive=counts[::-1]
    )
    edges, negative, positive = charts._rebinned(histogram, 11.5)
    assert len(negative) <= charts.MOST_BINS
    assert sum(negative) == sum(positive) == 2100
    assert edges[0] <= 4.0
    assert edges[-1] >= 11.5


def test_an_interval_bar_has_room_for_negative_and_large_values() -> None:
    drawn = charts.interval_bar(Score(value=28.9, low=27, high=31), floors=[1.0], at_least=5)
    assert ">50.0</text>" in drawn
    assert "expected at least 5" in drawn
    charts.interval_bar(Score(value=-0.4, low=-0.5, high=-0.3))
    charts.interval_bar(Score(value=None))


def test_the_bars_of_a_column_have_one_scale() -> None:
    small, large = Score(value=0.5), Score(value=28.9, low=27, high=31)
    results = [
        sample_report.result(scores={"lift": s}, floors={}, expect=()) for s in (small, large)
    ]
    limits = charts.tracks(results, ["lift", "f1"])
    assert limits == {"lift": (0.0, 50.0), "f1": (0.0, 1.0)}
    for score in (small, large):
        assert ">50.0</text>" in charts.interval_bar(score, limits=limits["lift"])
    wide = sample_report.result(scores={"lift": small}, floors={"lift.random": 70}, expect=())
    assert charts.tracks([wide], ["lift"]) == {"lift": (0.0, 100.0)}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "|pearson| above 63 of 64 comparison units"),
        ({"comparison_percentile": 1.0}, "|pearson| above all 64 comparison units"),
        ({"n_comparison": 0}, "|pearson| above 98.4% of the comparison units"),
    ],
)
def test_how_a_unit_stands_among_others_is_counted(changes: dict[str, Any], told: str) -> None:
    result = sample_report.result(**changes)
    assert " ".join(tallies.compared(result) or ()) == told
    assert tallies.counts_text(result).endswith(told)


def test_the_best_head_of_a_layer_is_called_so() -> None:
    best = sample_heads.head(comparison_percentile=1.0, n_comparison=7)
    assert tallies.compared(best) == ("target mass", "best of the 8 heads of its layer")
    assert tallies.compared(sample_heads.head(comparison_percentile=None)) is None


def test_a_model_and_its_checkpoints_are_named_once() -> None:
    [plain] = sample_report.report().models
    steps = [f"py-attn-2l@step={n}" for n in (1000, 0)]
    models = [plain.model_copy(update={"reference": name}) for name in [*steps, "py-attn-2l", "z"]]
    named = [
        (family.last.reference, [model.reference for model in family.earlier])
        for family in comparison.families(models)
    ]
    assert named == [("py-attn-2l", ["py-attn-2l@step=0", "py-attn-2l@step=1000"]), ("z", [])]
    page = Page(render_html(sample_report.report(models=tuple(models))))
    assert "+ 2 checkpoints" in page.text


def unbeaten_result(status: str = "supported") -> Result:
    floors = {"pearson.token_identity": 0.8, "pearson.constant": 0.0, "ap.random": 0.02}
    reason = "pearson 0.78 [0.75, 0.82] does not beat its floor: 0.80 for the current token alone"
    verdict = Verdict(status=status, reasons=("f1 0.78 reaches 0.5", "ap 0.7", reason))
    scores = sample_report.result().scores
    return sample_report.result(status=status, scores=scores, floors=floors, verdict=verdict)


@pytest.mark.parametrize("status", ["supported", "refuted"])
def test_a_floor_that_is_not_beaten_is_marked_and_explained_once(status: str) -> None:
    report = sample_report.report(unbeaten_result(status), unbeaten_result(status))
    symbol = presentation.SYMBOLS[status]
    shown, markdown, page = terminal(report), render_markdown(report), Page(render_html(report))
    assert f"{symbol} {status}*" in shown
    assert f"| {symbol} {status}\\* |" in markdown
    assert f"{symbol} {status}*" in page.text
    for text in (shown, markdown, page.text):
        text = text.replace("\\", "").replace("\n", " ")
        assert text.count("* floor not beaten: the score's 95% interval") == 1


def test_beaten_floors_are_not_marked() -> None:
    report = sample_report.report(sample_report.result())
    for text in (terminal(report), render_markdown(report), Page(render_html(report)).text):
        assert "✓ supported*" not in text.replace("**", "")
        assert "not beaten" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_every_floor_stands_beside_its_metric_with_its_rival(width: int) -> None:
    report = sample_report.report(unbeaten_result())
    rows = [line for line in terminal(report, width).splitlines() if "[0." in line]
    assert re.search(r"Pearson r +0.780 .* 0.800 token\*", rows[0])
    assert re.search(r"AP +0.702 .* 0.020 random\b(?!\*)", rows[1])
    markdown = render_markdown(report)
    assert r"0.780 \[0.749, 0.819\], floor 0.800 token\* |" in markdown
    assert "floor 0.800 token*" in Page(render_html(report)).text


def test_why_a_result_fell_short_is_one_line_of_the_terminal() -> None:
    shown = terminal(sample_report.report(unbeaten_result("refuted"), errors=()), width=400)
    (line,) = [line for line in shown.splitlines() if "reaches" in line]
    assert line == ("✗ refuted python-comment on package:sympy: f1 0.78 reaches 0.5; ap 0.7")


def test_what_speaks_against_a_supported_result_is_told_on_the_terminal() -> None:
    result = unbeaten_result()
    weak = "but not everywhere: target_mass 0.1 [0.0, 0.2] at position 0-15"
    verdict = Verdict(status="supported", reasons=("f1 0.78 reaches 0.5", weak))
    doubted = result.model_copy(update={"name": "doubted", "verdict": verdict})
    report = sample_report.report(result, doubted, sample_report.result("plain"), errors=())
    lines = [line for line in terminal(report, width=400).splitlines() if ": " in line]
    told = [line for line in lines if line.startswith("✓ supported ") and " on " in line]
    assert told == [
        f"✓ supported python-comment on package:sympy: {result.verdict.reasons[2]}",
        f"✓ supported doubted on package:sympy: {weak}",
    ]


def test_an_error_that_several_results_share_is_told_once() -> None:
    verdict = Verdict(status="error", reasons=("There is no corpus 'x'.",))
    broken = [sample_report.result(n, "error", verdict=verdict, scores={}) for n in ("a", "b")]
    shown = terminal(sample_report.report(*broken, errors=()))
    assert shown.count("There is no corpus 'x'.") == 1
    assert "! error a, b on package:sympy: There is no corpus 'x'." in shown


def test_means_by_category_are_drawn_from_the_highest_down() -> None:
    result = sample_report.categorical_result()
    page = Page(render_html(sample_report.report(result)))
    [described] = [
        label for label in page.attributes("svg", "aria-label") if "Mean activation of" in label
    ]
    names = ["interjection", "proper noun", "noun", "adverb", "verb"]
    places = [described.index(f"{name} ") for name in names]
    assert places == sorted(places)
    assert "interjection 2.25 (n 2)" in described  # no interval
    assert "noun 0.310 [0.260, 0.380] (n 9,000)" in described
    assert "no test tokens: particle" in page.text
    assert "4,321" in page.text


def test_of_many_categories_the_highest_and_the_lowest_are_shown() -> None:
    bands = tuple(
        CategoryBand(name=f"c{i}x", n_tokens=9, mean_activation=float(i)) for i in range(60)
    )
    report = sample_report.report(sample_report.categorical_result(category_bands=bands))
    html = render_html(report)
    assert "20 more in report.json" in html
    drawn = [f">c{i}x</text>" in html for i in range(60)]
    assert drawn == [i < 10 or i >= 30 for i in range(60)]
    for text in (render_markdown(report), terminal(report)):
        assert "48 between these" in text
        assert [f"c{i}x" in text for i in range(60)] == [i < 4 or i >= 52 for i in range(60)]


def test_means_by_category_stand_in_markdown_and_on_the_terminal() -> None:
    report = sample_report.report(sample_report.categorical_result())
    for text in (render_markdown(report), terminal(report)):
        plain = text.replace("\\", "")
        assert "[0.260, 0.380]" in plain
        assert "9,000" in plain
        assert plain.index("interjection") < plain.index("proper noun") < plain.index("adverb")
        assert "no test tokens: particle" in plain
    assert "1,234,567 test tokens with a category · 4,321 without" in render_markdown(report)


def test_examples_of_categories_name_them_and_underline_the_same_one() -> None:
    tokens = tuple(
        ExampleToken(text=text, activation=0.5, label=label)
        for text, label in (("an", 0.0), (" ox", 0.0), (" runs", 1.0), ("  ", None))
    )
    top = (Example(document="d", line=1, focus=1, tokens=tokens),)
    html = render_html(
        sample_report.report(sample_report.categorical_result(examples=Examples(top=top)))
    )
    assert "activation 0.500, noun" in html
    marked = re.findall(r'<i class="?([^>"]*)"? title="0.500 ([^"]*)">([^<]*)</i>', html)
    assert [(name, text, "l" in classes.split()) for classes, name, text in marked] == [
        ("noun", "an", True),
        ("noun", " ox", True),
        ("verb", " runs", False),
        (presentation.MISSING, "  ", False),
    ]


def test_label_bands_with_long_labels_are_rows() -> None:
    wide = [
        LabelBand(low=500.0 * i, high=500.0 * (i + 1), n_tokens=9, mean_activation=0.1 * i)
        for i in range(16)
    ]
    rows = charts.label_bands_chart(wide)
    assert "1,000…1,500</text>" in rows
    assert rows.count("<circle") == 16
    few = [LabelBand(low=i, high=i, n_tokens=9, mean_activation=0.1 * i) for i in range(5)]
    assert "<circle" not in charts.label_bands_chart(few)

"""What the renderings tell of attention heads, of checkpoints, and of several models."""

from __future__ import annotations

import io
import itertools
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from mi_hypotheses import attention_view, curves, head_charts, presentation
from mi_hypotheses.cli.answer import print_answer
from mi_hypotheses.comparison import in_natural_order, trainings
from mi_hypotheses.render import asset, render_html, render_markdown, render_terminal
from mi_hypotheses.reports import (
    Attention,
    AttentionExample,
    Bar,
    DistanceBand,
    Report,
    Result,
    Score,
    Verdict,
)
from tests import sample_heads, sample_report
from tests.test_render import HOSTILE, Page, terminal


def html_of(*results: Result) -> str:
    return render_html(sample_heads.report(*results))


def one_example(example: AttentionExample) -> str:
    """The page of a head with a single example."""
    shown = Attention(typical=(example,))
    return html_of(sample_heads.head(attention=shown, slices=(), histogram=None))


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html_of())


@pytest.fixture(scope="module")
def training_page() -> Page:
    return Page(html_of(*sample_heads.checkpoint_series()))


class Drawings(HTMLParser):
    """The elements inside each SVG of a page, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.drawings: list[list[tuple[str, dict[str, str | None]]]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "svg":
            self.inside = True
            self.drawings.append([])
        if self.inside:
            self.drawings[-1].append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.inside:
            self.drawings[-1].append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "svg"


def of_class(html: str, name: str) -> list[dict[str, str | None]]:
    """The attributes of all drawn elements that have a class."""
    return [
        attributes
        for drawing in Drawings(html).drawings
        for _, attributes in drawing
        if name in (attributes.get("class") or "").split()
    ]


def test_the_query_its_targets_and_what_it_looked_at_are_marked_apart() -> None:
    example = sample_heads.example(
        ["a", " b", " c", " d"], 3, {0: 0.36, 1: 0.2, 3: 0.01}, targets=(1,), bos=0.05
    )
    html = one_example(example)
    assert '<b class="bos p2" title="BOS: 0.050">BOS 0.050</b>' in html
    assert '<i class="p5 m" title=0.360>a</i>' in html
    assert '<i class="p4 l" title="0.200, target"> b</i>' in html
    assert "<i title=0.001> c</i>" in html
    assert '<b class="q p1" title="query, itself 0.010"> d</b>' in html


def test_mass_and_the_largest_attention_are_told_in_words() -> None:
    pieces = ["x", "y", " z", " q"]
    hit = sample_heads.example(pieces, 3, {2: 0.7}, targets=(2,), bos=0.2)
    assert attention_view.in_words(hit) == [
        "target mass 0.700",
        "looked most at “z” 0.700, 1 back: a target",
        "BOS 0.200",
    ]
    miss = sample_heads.example(pieces, 3, {0: 0.1, 2: 0.04}, targets=(2,), bos=0.8)
    assert attention_view.in_words(miss) == [
        "target mass 0.040",
        "looked most at BOS 0.800: no target",
        "then at “x” 0.100, 3 back: no target",
        "expected: “z” 0.040, 1 back",
    ]
    idle = sample_heads.example(pieces, 3, {3: 0.6}, bos=None)
    assert attention_view.in_words(idle) == ["no target", "looked most at “q” 0.600, itself"]
    assert all(part in Page(one_example(miss)).text for part in attention_view.in_words(miss))


def test_bos_can_be_the_target() -> None:
    example = sample_heads.example(["a", "b"], 1, {0: 0.05}, bos=0.9, bos_expected=True)
    assert attention_view.in_words(example) == [
        "target mass 0.900",
        "looked most at BOS 0.900: a target",
    ]
    assert 'class="bos p9 l m" title="BOS: 0.900, target"' in one_example(example)


def test_keys_ahead_and_behind_left_out_text_are_told_by_distance() -> None:
    pieces = ["a", "b", "c", "d"]
    ahead = sample_heads.example(pieces, 1, {3: 0.6}, targets=(3,), bos=None)
    assert "looked most at “d” 0.600, 2 ahead: a target" in attention_view.in_words(ahead)
    over = sample_heads.example(pieces, 3, {0: 0.6}, targets=(0,), bos=None, gaps=(2,))
    assert "looked most at “a” 0.600, 3 back: a target" in attention_view.in_words(over)
    assert "<u>…</u><i title=0.001>c</i>" in one_example(over)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("\n", "↵"), ("\t", "⇥"), ("  ", "␣␣"), ("", "·"), (" for", "for"), ("\u202e", "⟨202E⟩")],
)
def test_tokens_without_ink_have_a_name(text: str, quoted: str) -> None:
    assert presentation.token_text(text) == quoted


def test_white_space_and_unicode_tokens_are_shown() -> None:
    html = one_example(sample_heads.example(["\n", "\t", "🧪", "", "é"], 4, {2: 0.5}, targets=(1,)))
    assert "<i title=0.001>↵\n</i>" in html
    assert '<i class=l title="0.001, target">⇥\t</i>' in html
    assert '<i class="p6 m" title=0.500>🧪</i>' in html
    assert "<i title=0.001>·</i>" in html


@pytest.mark.parametrize(
    ("attention", "shade"), [(None, 0), (0.0, 0), (0.001, 0), (0.02, 1), (0.25, 4), (1.0, 9)]
)
def test_shades_mean_the_same_in_every_example(attention: float | None, shade: int) -> None:
    assert attention_view.shade(attention) == shade


def test_foreign_text_of_heads_is_never_markup() -> None:
    html = html_of(sample_heads.hostile_head(HOSTILE))
    page = Page(html)
    assert html.count("<script>") == 1
    assert page.text.count("alert('x')") >= 10
    assert page.open == []
    assert not [name for _, a in page.elements for name in a if name.startswith("on")]
    series = [
        sample_heads.head(HOSTILE, corpus=HOSTILE, claim=HOSTILE, unit=HOSTILE, model=model)
        for model in (f"{HOSTILE}@step=0", f"{HOSTILE}@step=5", HOSTILE, f"{HOSTILE}2")
    ]
    html = html_of(*series)
    assert Page(html).open == []
    assert "alert" not in "".join(re.findall(r"<script>.*?</script>", html, re.DOTALL))
    assert html.count("<script>") == 1


def test_control_characters_of_heads_are_shown_not_obeyed() -> None:
    report = sample_heads.report(sample_heads.hostile_head("a\x00\x1b[31m\u202eb"))
    for shown in (render_html(report), render_markdown(report), terminal(report)):
        assert not re.search("[\x00\x1b\u202e]", shown)


def test_pages_of_heads_and_checkpoints_load_nothing_from_elsewhere() -> None:
    for results in (sample_heads.heads(), sample_heads.checkpoint_series()):
        html = html_of(*results)
        assert not re.search(r"url\(|@import|https?://", html)
        assert not [a for _, a in Page(html).elements if a.get("src") or a.get("style") == "url"]


def test_every_drawing_has_a_name_or_is_hidden() -> None:
    for results in (sample_heads.heads(), sample_heads.checkpoint_series()):
        drawings = [d[0][1] for d in Drawings(html_of(*results)).drawings]
        assert len(drawings) > 20
        assert all(
            (d.get("role") == "img" and d.get("aria-label")) or d.get("aria-hidden") == "true"
            for d in drawings
        )
        assert not [d for d in drawings if re.search(r"None|\bnan\b", d.get("aria-label") or "")]


def test_a_page_of_heads_is_balanced_and_speaks_of_queries(page: Page) -> None:
    assert page.open == []
    assert "test queries168,230" in page.text
    assert "with a target52,151 (31.0%)" in page.text
    assert "edges52,345" in page.text
    assert "1,204 (another window), 17 (not scored)" in page.text
    assert "test tokens" not in page.text
    assert "threshold0" not in page.text
    assert "threshold–" not in page.text
    assert "|pearson|" not in page.text
    assert "target massabove 13 of 14 other heads of its layer" in page.text
    assert "best other head" in page.text


def test_shares_are_drawn_to_scale_with_their_numbers() -> None:
    shown = sample_heads.attention("x", 0.7)
    drawn = head_charts.shares_chart(shown)
    widths = {
        name: [float(a["width"] or 0) for a in of_class(drawn, f"on-{name}")]
        for name in ("target", "bos", "elsewhere")
    }
    assert widths["target"][0] == pytest.approx(0.7 * 479, abs=0.2)
    assert widths["bos"] == pytest.approx([0.18 * 479, 0.83 * 479], abs=0.2)
    assert sum(w[1] for w in widths.values()) == pytest.approx(479, abs=0.2)
    assert "target 0.700 · BOS 0.180 · elsewhere 0.120" in Page(drawn).text


def test_windows_without_bos_have_no_share_of_it() -> None:
    drawn = head_charts.shares_chart(sample_heads.attention("x", 0.7, bos=False))
    assert "BOS" not in drawn
    assert len(of_class(drawn, "on-elsewhere")) == 2
    assert "BOS" not in head_charts.distance_chart(sample_heads.attention("x", 0.7, bos=False))


def test_distances_are_pairs_of_attention_and_expectation_with_bos_last() -> None:
    drawn = head_charts.distance_chart(sample_heads.attention("x", 0.7))
    label = Drawings(drawn).drawings[0][0][1]["aria-label"] or ""
    assert "1: 0.700, expected 1.00;" in label
    assert label.endswith("BOS: 0.180, expected 0")
    heights = [float(a["height"] or 0) for a in of_class(drawn, "share")]
    assert max(heights) == pytest.approx(0.7 * 126, abs=0.2)
    assert [float(a["height"] or 0) for a in of_class(drawn, "wanted")] == pytest.approx([126])


def test_a_little_attention_is_not_written_as_none() -> None:
    bands = tuple(
        DistanceBand(low=n, high=n, attention=value, expected=0.0)
        for n, value in enumerate((0.004, 0.0, 0.25))
    )
    drawn = head_charts.distance_chart(Attention(distances=bands))
    written = re.findall(r'class="mid faint"[^>]*>([^<]*)<', drawn)
    assert written == ["&lt;.01", "0", "0.25", "0", "0", "0"]


def test_a_query_that_looks_at_itself_keeps_its_shade() -> None:
    style = asset("report.css")
    rule = re.search(r"\.heads pre \.q\.m,\.heads pre \.q\.l\{([^}]*)\}", style)
    assert rule is not None
    assert "background:var(--shade" in rule[1]
    page = html_of(sample_heads.head())
    assert ".p9{--shade:color-mix(" in page


def test_keys_ahead_have_negative_distances_and_no_labels_run_into_each_other() -> None:
    bands = sample_heads.distances(0.5, bidirectional=True)
    drawn = head_charts.distance_chart(Attention(distances=bands))
    assert "−255…−64: " in drawn
    places = [
        (float(a["x"] or 0), text)
        for (tag, a), text in zip(
            [e for e in Drawings(drawn).drawings[0] if e[0] == "text"],
            re.findall(r"<text[^>]*>([^<]*)</text>", drawn),
            strict=True,
        )
        if tag == "text" and a.get("class") == "mid" and a.get("y") == "154"
    ]
    assert len(places) >= 6
    for (left, a), (right, b) in itertools.pairwise(places):
        assert right - left >= 6 * (len(a) + len(b)) / 2


def test_slices_far_below_the_whole_are_marked() -> None:
    result = sample_heads.head()
    weak = presentation.weak_slices(result)
    assert [(part.name, metrics) for part, metrics in weak] == [
        ("0-15", ["target_mass", "hit_rate"]),
        ("\n", ["target_mass", "hit_rate"]),
    ]
    html = html_of(result)
    assert html.count('class="weak"') == 4
    assert '<details class="slices" open>' in html
    assert "position 0-15 (target mass, hit rate)" in Page(html).text
    assert "position 0-15 (target mass, hit rate)" in render_markdown(sample_heads.report(result))


def test_a_slice_that_is_only_somewhat_lower_is_not_marked() -> None:
    result = sample_heads.head()
    assert result.scores["target_mass"].value == 0.71
    part = result.slices[0]
    for high, expected in ((0.354, True), (0.356, False)):
        scores = {"target_mass": Score(value=0.3, low=0.2, high=high)}
        changed = part.model_copy(update={"scores": scores})
        assert presentation.weak(result, changed, "target_mass") is expected
    assert not presentation.weak_slices(sample_report.result())


def test_curves_stand_before_the_tables_and_say_every_number(training_page: Page) -> None:
    html = html_of(*sample_heads.checkpoint_series())
    assert html.index("Over training") < html.index("<caption>Attention heads")
    drawn = [a for a in training_page.attributes("svg", "aria-label") if "training steps" in a]
    assert len(drawn) == 2 * 3
    assert "step 0: 0.030 [" in drawn[3]
    assert "refuted; step 1,000: 0.505 [0.490, 0.523], floor 0.197, inconclusive;" in drawn[3]
    assert "final model: 0.740 [0.718, 0.765], floor 0.279, supported" in drawn[3]


def test_points_rise_with_the_score_and_have_the_shape_of_their_verdict() -> None:
    (training,) = trainings(sample_heads.checkpoint_series())
    induction = training.series[1]
    drawn = curves.training_chart(induction, "target_mass", training.steps, lambda r: r.model)
    marks = of_class(drawn, "mark")
    places = [tuple(map(float, re.findall(r"[\d.]+", mark["transform"] or ""))) for mark in marks]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert places[0][1] - places[-1][1] == pytest.approx(0.71 * 122, abs=1)
    kinds = [(mark["class"] or "").split()[1] for mark in marks]
    assert kinds == ["refuted"] * 5 + ["inconclusive"] + ["supported"] * 5
    assert drawn.count(curves.MARKERS["refuted"]) == 5
    assert len(set(curves.MARKERS.values())) == len(presentation.STATUSES)


def test_a_metric_without_a_bar_has_plain_points_and_no_line() -> None:
    (training,) = trainings(sample_heads.checkpoint_series())
    draw = curves.training_chart
    drawn = draw(training.series[0], "hit_rate", training.steps, lambda r: r.name)
    assert len(of_class(drawn, "plain")) == 11
    assert not of_class(drawn, "wanted-line")
    expected = draw(training.series[0], "target_mass", training.steps, lambda r: r.name)
    assert len(of_class(expected, "wanted-line")) == 1


def test_a_missing_score_is_a_hole_in_the_curve() -> None:
    results = list(sample_heads.checkpoint_series())
    broken = {
        "scores": {"target_mass": Score(value=None)},
        "verdict": Verdict(status="undefined", reasons=("nothing to measure",)),
        "expect": (Bar(metric="target_mass", at_least=0.5, status="undefined"),),
    }
    results[6] = results[6].model_copy(update=broken)
    (training,) = trainings(results)
    drawn = curves.training_chart(
        training.series[0], "target_mass", training.steps, lambda r: r.name
    )
    assert len(of_class(drawn, "curve")) == 2
    assert len(of_class(drawn, "band")) == 2
    assert len(of_class(drawn, "undefined")) == 1
    assert Page(html_of(*results)).open == []


def test_every_label_of_the_steps_has_room() -> None:
    (training,) = trainings(sample_heads.checkpoint_series())
    drawn = curves.training_chart(
        training.series[0], "target_mass", training.steps, lambda r: r.name
    )
    shown = re.findall(r'<text class="mid"[^>]*>([^<]+)</text>', drawn)
    assert set(shown) >= {"0", "100", "400", "800", "900", "2,000", "8,000", "final"}


def test_earlier_checkpoints_are_folded_below_and_linked_above(training_page: Page) -> None:
    rows = [a for t, a in training_page.elements if t == "tr" and "data-anchor" in a]
    folded = [a for t, a in training_page.elements if t == "details" and "checkpoint" in str(a)]
    articles = training_page.attributes("article", "data-anchor")
    assert len(rows) == 2
    assert len(folded) == 20
    assert len(articles) == len(set(articles)) == 22
    ids = [a["id"] for _, a in training_page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    links = [h[1:] for h in training_page.attributes("a", "href") if h not in ("#", "")]
    assert set(links) == set(articles) <= set(ids)


def test_a_hundred_checkpoint_results_make_no_monstrous_page() -> None:
    series = sample_heads.checkpoint_series()
    results = [
        result.model_copy(update={"name": f"{result.name}-{i}"})
        for i in range(4)
        for result in series
    ]
    html = html_of(*results)
    assert len(results) == 88
    assert len(html.encode()) < 2_000_000
    page = Page(html)
    assert page.open == []
    assert "their examples and charts are in report.json" in page.text
    assert len(page.attributes("article", "data-anchor")) == 88


def test_models_stand_side_by_side_in_all_renderings() -> None:
    report = sample_heads.report(*sample_heads.two_models())
    page, markdown = Page(render_html(report)), render_markdown(report)
    assert page.text.index("Models side by side") < page.text.index("Attention heads")
    cell = re.search(r"gpt2-small\s*✗\s*0\.440\s*\[0\.427, 0\.456\]\s*≈\s*0\.505", page.text)
    assert cell
    assert "### Models side by side: on package:sympy" in markdown
    assert r"| gpt2-small | ✗ 0.440 \[0.427, 0.456\] | ≈ 0.505 \[0.490, 0.523\] |" in markdown
    shown = terminal(report)
    assert "Models side by side: on package:sympy" in shown
    assert re.search(r"gpt2-small +✗ 0\.440 +≈ 0\.505", shown)
    assert re.search(r" \[0\.427, 0\.456\] +\[0\.490, 0\.523\]", shown)


def test_one_model_has_no_table_of_models() -> None:
    report = sample_heads.report(*sample_heads.checkpoint_series())
    for shown in (render_html(report), render_markdown(report), terminal(report)):
        assert "Models side by side" not in shown


def test_a_score_over_training_is_marked_by_its_own_bar() -> None:
    """The hypothesis is refuted, by a bar that the table does not show."""
    results = [
        result.model_copy(
            update={
                "verdict": Verdict(status="refuted"),
                "expect": (*result.expect, Bar(metric="hit_rate", at_least=1, status="refuted")),
            }
        )
        for result in sample_heads.checkpoint_series((1000, None))
    ]
    report = sample_heads.report(*results)
    page, markdown = Page(render_html(report)), render_markdown(report)
    assert re.search(r"1,000 +✓ 0\.810 +≈ 0\.505", terminal(report))
    assert re.search(r"1,000\s+✓\s*0\.810\s*\[[^]]*\]\s*≈\s*0\.505", page.text)
    assert re.search(r"\| 1,000 \| ✓ 0\.810 [^|]*\| ≈ 0\.505 ", markdown)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_terminal_has_steps_beside_hypotheses(width: int) -> None:
    report = sample_heads.report(*sample_heads.checkpoint_series())
    console = Console(file=io.StringIO(), width=width)
    render_terminal(report, console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert "Over training: py-attn-2l on package:sympy" in " ".join(shown.split())
    if width >= 80:
        assert re.search(r"1,000 +✓ 0\.810 +≈ 0\.505", shown)
        assert re.search(r"final +✓ 0\.810 +✓ 0\.740", shown)
    assert "@step=" not in shown  # they are in the grid alone


def test_many_hypotheses_take_several_tables_on_the_terminal() -> None:
    series = sample_heads.checkpoint_series((0, 100))
    results = [r.model_copy(update={"name": f"h{i}"}) for i in range(8) for r in series[::2]]
    shown = terminal(sample_heads.report(*results), width=80)
    assert max(map(len, shown.splitlines())) <= 80
    assert all(f"h{i}" in shown for i in range(8))
    assert len(re.findall(r"^step ", shown, re.MULTILINE)) == 2


def test_markdown_has_steps_beside_hypotheses_and_tells_what_went_wrong() -> None:
    results = list(sample_heads.checkpoint_series((0, 100, None)))
    failed = Verdict(status="error", reasons=("There is no step 0.",))
    results[0] = results[0].model_copy(update={"scores": {}, "verdict": failed})
    markdown = render_markdown(sample_heads.report(*results))
    assert "### Over training: py-attn-2l on package:sympy" in markdown
    title = r"| step | previous-token-head: target mass ≥ 0.5 | induction: target mass ≥ 0.5 |"
    assert title in markdown
    assert r"| 0 | ! error | ✗ 0.030 \[0.029, 0.034\] |" in markdown
    assert "There is no step 0." in markdown
    assert "`py-attn-2l@step=100`" not in markdown


def test_markdown_tells_where_the_attention_of_a_head_goes() -> None:
    markdown = render_markdown(sample_heads.report(sample_heads.head()))
    assert "168,230 test queries · 52,151 with a target (31.0%)" in markdown
    assert "attention of queries with a target: target 0.710 · BOS 0.174" in markdown
    assert "edges not scored, of all documents: 1,204 (another window)" in markdown


def test_an_unbeaten_floor_of_a_head_is_explained_in_the_words_of_heads() -> None:
    low = sample_heads.head(value=0.09)
    note = presentation.unbeaten_note([low]) or ""
    assert "by distance" in note
    assert "knows only the token" not in note
    assert presentation.floor_text(low, "lift_position") == "1.00 by distance*"


def answer(report: Report, capsys: pytest.CaptureFixture[str]) -> str:
    print_answer(report)
    return capsys.readouterr().out


def test_the_answer_about_a_head_tells_scores_shares_and_queries(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    shown = answer(sample_heads.report(sample_heads.head()), capsys)
    assert "168,230 test queries in 388 documents, 52,151 with a target (31.0%)" in shown
    assert re.search(r"target mass +0\.710 +\[0\.689, 0\.734\] +≥ 0\.5 +0\.268 best other", shown)
    assert "attention of queries without a target: target 0 · BOS 0.830" in shown
    for title in ("queries with a target", "looked elsewhere most", "looked around without"):
        assert f"\n{title}" in shown
    assert "query “0” · target mass 0.710 · looked most at “=” 0.710, 1 back: a target" in shown
    assert "activation" not in shown


def test_the_answer_about_heads_of_every_shape_obeys_no_foreign_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    strange = sample_heads.hostile_head("[red]\x1b[31m\n\tx\u202e")
    shown = answer(sample_heads.report(*sample_heads.heads(), strange), capsys)
    assert "[red]␛[31m" in shown
    assert not re.search("[\x1b\u202e]", shown)
    bare = sample_heads.head(expect=(), verdict=Verdict(status="inconclusive"))
    assert "--expect target_mass=0.5" in answer(sample_heads.report(bare), capsys)


def test_an_answer_that_is_an_error_counts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = Verdict(status="error", reasons=("There is no corpus 'x'.",))
    broken = sample_heads.head(
        verdict=verdict, scores={}, floors={}, n_tokens=0, n_documents=0, attention=None
    )
    print_answer(sample_heads.report(broken))
    shown = capsys.readouterr().out
    assert "There is no corpus 'x'." in shown
    assert "queries in" not in shown


def test_white_space_in_the_names_of_slices_is_shown() -> None:
    text = Page(html_of(sample_heads.head())).text
    assert "␣self" in text
    assert "token ↵ (" in text


def test_the_note_on_floors_names_other_heads_and_nought_against_nought_has_no_mark() -> None:
    lost = sample_heads.head(floors={"target_mass.comparison_best": 0.9})
    assert (presentation.unbeaten_note([lost]) or "").endswith(
        "on the same tokens (other head: the best of the other heads of its layer)."
    )
    scores = {"target_mass": Score(value=0.0, low=0.0, high=0.0)}
    nought = sample_heads.head(scores=scores, floors={"target_mass.comparison_best": 0.0})
    assert presentation.unbeaten(nought) == []


def test_a_series_without_any_score_says_why_and_searched_units_are_named() -> None:
    never = [
        sample_heads.undefined_head().model_copy(update={"model": f"m@step={step}"})
        for step in (0, 5)
    ]
    assert "undefined at all 2 checkpoints: the target applies to 3" in Page(html_of(*never)).text
    series = [
        result.model_copy(update={"searched": "H*: best of 16", "unit": "L1H<6"})
        for result in sample_heads.checkpoint_series((0, 5))
    ]
    assert ", L1H&lt;6</title>" in html_of(*series)
    assert "] L1H<6" in Page(html_of(*series)).text


def test_models_stand_in_natural_order() -> None:
    assert in_natural_order(["a@step=1000", "a", "b", "a@step=800"]) == [
        *("a@step=800", "a@step=1000", "a", "b")
    ]

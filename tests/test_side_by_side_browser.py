"""Pages of benches and comparisons in a real Chromium: without a network, by mouse and keyboard, on a small screen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from browser import Opened, violations
from test_page import EVIL
from test_side_by_side import PROBLEMS, RULES, Axes, Curve, build_side_by_side, chart, np, section, share, table

import mlp

SIZES: list[dict[str, Any]] = [{}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 760}}]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = mlp.bench(RULES, PROBLEMS, seeds=3, tuning_seeds=2, rates=3, epochs=10)
    return Path(found.report(tmp_path_factory.mktemp("bench") / "report.html"))


def test_it_opens_without_a_network_and_without_a_word(browser: Any, page: Path) -> None:
    with Opened(browser, page) as opened:
        for summary in opened.page.locator("summary").all():
            summary.click()
        assert (opened.said, opened.foreign()) == ([], [])
        assert float(opened.page.locator("html").get_attribute("data-ready")) < 1000


@pytest.mark.parametrize("options", SIZES)
def test_axe_finds_nothing_and_nothing_overflows(browser: Any, page: Path, options: Any) -> None:
    assert violations(browser, page, **options) == []
    with Opened(browser, page, **options) as opened:
        root = "document.documentElement"
        assert opened.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0


def test_one_choice_for_all_charts_and_each_is_read_by_keyboard(browser: Any, page: Path) -> None:
    with Opened(browser, page) as opened:
        charts = opened.page.locator("section.card:has(figure)")
        lines, others = (charts.locator(f"path.line[style*='--c{i})']") for i in (RULES.index("adam"), 0))
        before = others.count()
        assert lines.count() >= 6, "two profiles, and two charts of two problems"
        adam = opened.page.get_by_role("button", name="adam")
        adam.focus()
        opened.page.keyboard.press("Enter")
        assert adam.get_attribute("aria-pressed") == "false"
        assert (lines.count(), others.count()) == (0, before)
        assert "adam" not in "".join(opened.page.locator(".read").all_inner_texts())
        card = opened.page.locator(
            "section.card", has=opened.page.get_by_role("heading", name="xor: train_loss on the way")
        )
        slider, read = card.get_by_role("slider"), card.locator(".read")
        assert slider.get_attribute("aria-label") == "xor: train_loss on the way: read at"
        slider.focus()
        opened.page.keyboard.press("Home")
        assert read.inner_text().startswith("updates 0: sgd")
        assert slider.get_attribute("aria-valuetext") == read.inner_text()
        card.get_by_role("button", name="seconds").click()
        assert read.inner_text().startswith("seconds 0: sgd")
        opened.page.get_by_role("button", name="None", exact=True).click()
        assert {*opened.page.locator(".read").all_inner_texts()} == {"Nothing is drawn."}
        opened.page.get_by_role("button", name="All", exact=True).click()
        assert lines.count() >= 6 and opened.said == []


@pytest.mark.parametrize("policy", [True, False])
def test_hostile_names_are_text_with_the_policy_and_without(browser: Any, tmp_path: Path, policy: bool) -> None:
    curve = Curve(0, {EVIL: np.arange(3.0)}, np.arange(3.0))
    block = chart("key", Axes(EVIL, EVIL, EVIL), [curve], [EVIL])
    rows = [[EVIL, {"text": EVIL}, EVIL, share(0.5, 0.1, 0.9)]]
    text = build_side_by_side(EVIL, EVIL, EVIL, [EVIL], [section(EVIL, EVIL, [block, table(EVIL, [EVIL], rows)])], EVIL)
    path = tmp_path / "page.html"
    path.write_text(text if policy else re.sub(r"<meta http-equiv=[^>]*>", "", text, count=1), encoding="utf-8")
    with Opened(browser, path) as opened:
        assert (opened.said, opened.foreign()) == ([], [])
        assert opened.page.locator("img").count() == 0
        assert "<script>alert(1)</script>" in opened.page.locator("h1").inner_text()

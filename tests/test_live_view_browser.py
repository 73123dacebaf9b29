"""The page of a training that goes on, in a real Chromium: it grows without a reload, and ends as a report."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import find_violations
from test_live_view import restore_interrupt

SIZES: list[dict[str, Any]] = [{}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 760}}]


@pytest.fixture
def training(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A training that goes on until it is told to end, and the address of its page."""
    command = (sys.executable, "-m", "mlp", "train", "iris", "--watch", "--epochs", "1000000", "-o", "run")
    how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    with subprocess.Popen(command, **how, preexec_fn=restore_interrupt) as process:
        assert process.stderr is not None
        try:
            yield process, process.stderr.readline().split()[-1]
        finally:
            process.kill()


def wait_for_more(page: Any) -> None:
    """Wait until the page has shown what it had not shown before."""
    shown = page.evaluate("document.documentElement.dataset.updates")
    page.locator(f"html[data-updates]:not([data-updates='{shown}'])").wait_for(state="attached")


def test_it_grows_without_a_reload_and_ends_as_the_report(browser: Any, training: Any) -> None:
    process, address = training
    page, said, loads, asked = browser.new_page(), list[str](), list[int](), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("load", lambda _: loads.append(1))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.get_by_text("This page grows while").wait_for()
    wait_for_more(page)
    first = int(page.locator("dt:text('steps') + dd").inner_text())
    page.locator("summary", has_text="Loss: numbers").click()
    slider = page.get_by_role("slider", name="Step")
    slider.fill("3")
    wait_for_more(page)
    wait_for_more(page)
    assert int(page.locator("dt:text('steps') + dd").inner_text()) > first
    assert page.locator(".where").inner_text() == "step 3", "a cursor that was put somewhere stays there"
    assert page.locator("details[open] tbody tr").count() > 100, "a table that is open stays so, and grows"
    process.send_signal(signal.SIGINT)
    page.get_by_text("The training has ended. This is its report").wait_for()
    assert page.get_by_text("Confusion matrix").count() == 1
    assert process.wait() == 130
    assert (said, len(loads)) == ([], 1)
    assert [url for url in asked if not url.startswith(("data:", address))] == []
    page.close()


def test_it_says_so_where_the_training_is_gone(browser: Any, training: Any) -> None:
    process, address = training
    page = browser.new_page()
    page.goto(address)
    wait_for_more(page)
    process.kill()
    page.get_by_text("The training no longer answers").wait_for()
    assert page.locator("section", has_text="Loss").count() > 0, "what had arrived stays"
    page.close()


@pytest.mark.parametrize("options", SIZES)
def test_axe_finds_nothing_while_it_grows(browser: Any, training: Any, options: Any) -> None:
    context = browser.new_context(bypass_csp=True, **options)
    page = context.new_page()
    page.goto(training[1])
    wait_for_more(page)
    assert find_violations(page) == []
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0
    context.close()

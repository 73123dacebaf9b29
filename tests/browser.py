"""A real Chromium for tests of pages; where there is none, they skip and say why.

Debian's package and Playwright for Python: `apt-get install chromium`, `pip install playwright axe-core-python`.
`MLP_CHROMIUM` is the path of another one. With `MLP_REQUIRE_BROWSER=1`, as in CI, nothing skips.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

REQUIRED = os.environ.get("MLP_REQUIRE_BROWSER") == "1"
CHROMIUM = os.environ.get("MLP_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


def missing() -> str:
    """What is not there; "" where all is."""
    packages = [name for name in ("playwright", "axe_core_python") if find_spec(name) is None]
    if packages:
        return f"no Python package {packages[0].replace('_', '-')}"
    return "" if CHROMIUM else "no Chromium: Debian's package chromium, or its path in MLP_CHROMIUM"


def need_browser() -> None:
    """Skip, or in CI fail, where there is no browser."""
    if what := missing():
        (pytest.fail if REQUIRED else pytest.skip)(f"pages are not looked at in a browser: {what}")


@contextmanager
def start() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page that is open and ready, without a network: `page`, and what it said and asked for meanwhile."""

    def __init__(self, browser: Any, path: Path, address: str = "", **options: Any) -> None:
        options = {"viewport": {"width": 1280, "height": 900}, "offline": True, **options}
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.resolve().as_uri() + address)
        self.page.locator("html[data-ready]").wait_for(state="attached")

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def foreign(self) -> list[str]:
        """What it asked for beside itself."""
        return [url for url in self.asked[1:] if not url.startswith("data:")]


def violations(browser: Any, path: Path, address: str = "", **options: Any) -> list[str]:
    """What axe finds. It is put into the page, so that page gets a context without its policy."""
    with Opened(browser, path, address, bypass_csp=True, **options) as opened:
        return find_violations(opened.page)


def find_violations(page: Any) -> list[str]:
    """What axe finds on a page whose context has no policy."""
    import axe_core_python

    code = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(code)
    found = page.evaluate("axe.run()")["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]

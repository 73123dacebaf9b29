"""The pictures of the README: pages in a real browser. Needs Chromium, and Playwright for Python.

    python examples/take_pictures.py FOLDER

`MLP_CHROMIUM` is the path of another browser than Debian's `chromium`. Without FOLDER nothing is done.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import mlp
from mlp.microscope.explain import write_preset
from mlp.microscope.presets import PRESETS

PICTURES = {
    "microscope": ("xor", "#step=60&sample=2&view=forward&at=1.1", {"color_scheme": "light"}),
    "microscope-dark": ("xor", "#step=60&sample=2&view=forward&at=1.1", {"color_scheme": "dark"}),
    "microscope-weight": ("adam", "#run=2&step=12&sample=2&view=update&at=1.0.0", {"color_scheme": "light"}),
    "microscope-tower": ("tower", "#step=40&sample=2&view=backward&at=1.0", {"color_scheme": "light"}),
}


SIZE, SCALE = {"width": 1180, "height": 1420}, 0.6  # on the page, and pixels of the picture for each of its own
REPORTS = {"report": {"color_scheme": "light"}, "report-dark": {"color_scheme": "dark"}}
DEEP = {
    "data": {"source": "digits"},
    "network": {"hidden": [32] * 8, "activation": "sigmoid"},
    "optimizer": {"name": "sgd"},
}


def write_pages(folder: Path) -> list[tuple[str, Path, str, dict[str, str]]]:
    """Name, page, address and options of each picture."""
    found = []
    for name, (preset, address, options) in PICTURES.items():
        page = folder / f"{preset}.html"
        recordings = PRESETS[preset].record(PRESETS[preset].steps)
        page.write_text(write_preset(PRESETS[preset], recordings, f"mlp explain {preset}"), encoding="utf-8")
        found.append((name, page, address, options))
    report = mlp.run(DEEP).report(folder / "report.html")
    assert isinstance(report, Path)
    return found + [(name, report, "", options) for name, options in REPORTS.items()]


def take_pictures(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("MLP_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for name, file, address, options in write_pages(Path(temporary)):
            context = browser.new_context(viewport=SIZE, device_scale_factor=SCALE, offline=True, **options)
            page = context.new_page()
            page.goto(file.as_uri() + address)
            page.locator("html[data-ready]").wait_for(state="attached")
            page.screenshot(path=folder / f"{name}.png")
            context.close()
            print(folder / f"{name}.png")
        browser.close()


if len(sys.argv) > 1:
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    take_pictures(target)

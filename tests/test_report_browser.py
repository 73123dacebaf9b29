"""The report of a run in a real Chromium: without a network, by mouse and keyboard, on a small screen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Opened, violations
from test_page import EVIL

import mlp
from mlp.run_page import build_report

RNG = np.random.default_rng(0)
SIZES: list[dict[str, Any]] = [{}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 760}}]
CONFIGS: dict[str, dict[str, Any]] = {
    "digits": {"data": {"source": "digits"}, "training": {"epochs": 3}},
    "deep": {
        "data": {"source": "digits"},
        "network": {"hidden": [16] * 8, "activation": "sigmoid"},
        "optimizer": {"name": "sgd"},
    },
    "diverged": {"data": {"source": "iris"}, "optimizer": {"name": "sgd", "learning_rate": 1e9}},
    "labels": {"data": {"source": "encoder-10-5-10"}, "training": {"epochs": 5}},
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder, runs = tmp_path_factory.mktemp("reports"), dict[str, mlp.Run]()

    def write(name: str) -> tuple[Path, mlp.Run]:
        if name not in runs:
            runs[name] = train(name)
            data = numbers() if name == "numbers" else None
            runs[name].report(folder / f"{name}.html", data)
        return folder / f"{name}.html", runs[name]

    return write


def numbers() -> tuple[Any, Any]:
    X = np.random.default_rng(1).normal(size=(200, 3))
    return X, 100 + 30 * X[:, 0]


def train(name: str) -> mlp.Run:
    if name == "numbers":
        return mlp.run({"training": {"epochs": 5}}, numbers())
    return mlp.run({"record": {"baseline": "never"}, **CONFIGS[name]})


@pytest.mark.parametrize("name", [*CONFIGS, "numbers"])
def test_every_report_opens_without_a_network_and_without_a_word(browser: Any, pages: Any, name: str) -> None:
    with Opened(browser, pages(name)[0]) as opened:
        for summary in opened.page.locator("summary").all():
            summary.click()
        opened.page.locator("table").nth(3).wait_for(state="attached")
        assert (opened.said, opened.foreign()) == ([], [])


@pytest.mark.parametrize("options", SIZES)
@pytest.mark.parametrize("name", ["deep", "numbers"])
def test_axe_finds_nothing_and_nothing_overflows(browser: Any, pages: Any, name: str, options: Any) -> None:
    path = pages(name)[0]
    assert violations(browser, path, **options) == []
    with Opened(browser, path, **options) as opened:
        root = "document.documentElement"
        assert opened.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0


def test_the_numbers_shown_are_those_of_the_history(browser: Any, pages: Any) -> None:
    path, run = pages("digits")
    history = run.history
    with Opened(browser, path) as opened:
        opened.page.get_by_role("slider", name="Step").fill("50")
        opened.page.get_by_text("step 50: each batch").wait_for()
        shown = opened.page.locator(".read").first.inner_text().replace("−", "-")
        assert float(re.findall(r"each batch ([\d.e-]+)", shown)[0]) == float(f"{history['loss'][50]:.4g}")
        gradient = opened.page.locator("section", has_text="Gradient norm, layer").locator(".read").inner_text()
        wanted = history["grad_norm_by_layer"][50]
        assert [float(v) for v in re.findall(r"dense\d ([\d.]+)", gradient)] == [float(f"{v:.3g}") for v in wanted]


def test_one_cursor_and_one_zoom_over_all_charts(browser: Any, pages: Any) -> None:
    with Opened(browser, pages("digits")[0]) as opened:
        page = opened.page
        slider, where = page.get_by_role("slider", name="Step"), page.locator(".where")
        slider.focus()
        page.keyboard.press("ArrowLeft")
        page.get_by_text("step 118", exact=True).wait_for()
        for key in ("+", "+"):
            page.keyboard.press(key)
        assert re.fullmatch(r"step 118 in \d+ … 119", where.inner_text())
        page.keyboard.press("0")
        assert where.inner_text() == "step 118"
        box = page.locator(".chart svg[role=img]").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=5)
        page.mouse.up()
        assert " in " in where.inner_text()
        reads = [
            re.match(r"step (\d+)", text)[1] for text in page.locator("[data-section=charts] .read").all_inner_texts()
        ]  # type: ignore[index]
        assert len(set(reads)) == 1 and len(reads) >= 4
        page.get_by_role("button", name="All steps").click()
        assert " in " not in where.inner_text() and opened.said == []


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A page with the point and the landscape of a run, that landscape, and the run."""
    run = mlp.run({"data": {"source": "iris"}, "network": {"hidden": [4]}, "training": {"epochs": 3}})
    seen = run.landscape(plane=True, trajectory=True, spectrum=True, points=9)
    path = tmp_path_factory.mktemp("look") / "look.html"
    return run.report(path, point=run.point(), landscape=seen), seen, run


@pytest.mark.parametrize("options", SIZES)
def test_the_surroundings_are_drawn_for_everybody(browser: Any, look: Any, options: Any) -> None:
    assert violations(browser, look[0], **options) == []
    with Opened(browser, look[0], **options) as opened:
        assert (opened.said, opened.foreign()) == ([], [])
        root = "document.documentElement"
        assert opened.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0
        last = look[2].steps - 1
        assert opened.page.locator(".where").inner_text() == f"step {last}", "the steps of the way are no records"


def test_a_plane_is_read_by_keyboard(browser: Any, look: Any) -> None:
    path, seen, _ = look
    with Opened(browser, path) as opened:
        card = opened.page.locator("section.card", has=opened.page.get_by_text(f"Loss over a plane: {seen.plane.what}"))
        slider = card.get_by_role("slider", name=f"{seen.plane.what}: first direction")
        slider.focus()
        opened.page.keyboard.press("End")
        said = card.locator(".read").inner_text().replace("−", "-")
        assert said == slider.get_attribute("aria-valuetext").replace("−", "-")
        assert float(said.rpartition(" ")[2]) == float(f"{seen.plane.losses[4, -1]:.4g}")


def big_run(pages: Any) -> tuple[str, Any, Any]:
    """100,000 steps of 20 layers, with spikes of a single step."""
    n, layers = 100_000, 20
    names = tuple(f"dense{i + 1}" for i in range(layers))
    steps = np.arange(n)
    loss = 2.3 * np.exp(-steps / 3e4) + 0.05 * np.abs(RNG.normal(size=n)) + 0.01
    spikes = RNG.choice(n, 30, replace=False)
    loss[spikes] *= 8
    norms = 10 ** (-np.arange(layers)[::-1] * 0.3 + RNG.normal(0, 0.2, (n, layers)) - steps[:, None] / n)
    norms[spikes, np.arange(30) % layers] *= 1e3
    shares = np.clip(RNG.normal(0.3, 0.05, (n, layers)), 0, 1)
    columns = {"loss": loss, "grad_norm_by_layer": norms, "update_norm_by_layer": norms * 0.01}
    columns |= {"param_norm_by_layer": np.ones((n, layers)), "dead_fraction": shares, "saturated_fraction": shares}
    run = pages("digits")[1]
    made = mlp.Run(
        run.config, run.model, mlp.History(columns, labels=dict.fromkeys([*columns][1:], names)), run.metrics
    )
    return build_report(made, None), loss, spikes


def test_a_report_of_100000_steps_is_below_a_megabyte_and_shows_every_spike(
    browser: Any, pages: Any, tmp_path: Path
) -> None:
    text, loss, spikes = big_run(pages)
    assert len(text.encode()) <= 1_000_000
    path = tmp_path / "big.html"
    path.write_text(text, encoding="utf-8")
    with Opened(browser, path) as opened:
        slider = opened.page.get_by_role("slider", name="Step")
        for step in spikes[:5]:
            slider.fill(str(step))
            opened.page.get_by_text(f"step {step}: each batch").wait_for()
            shown = opened.page.locator(".read").first.inner_text().replace("−", "-")
            assert float(re.findall(r"each batch ([\d.e-]+)", shown)[0]) == float(f"{loss[step]:.4g}")
        marked = opened.page.locator("section", has_text="Gradient norm, layer").locator("path.spike").count()
        assert marked == len(np.unique(spikes // (100_000 / 512)))
        assert opened.said == []


@pytest.mark.parametrize("policy", [True, False])
def test_hostile_names_are_text_with_the_policy_and_without(browser: Any, tmp_path: Path, policy: bool) -> None:
    name = EVIL.replace(",", " ").replace("\u2028", "").replace("\x1b", "").replace('"', "")
    rows = [f"{a:.2f},{b:.2f},{name if a > b else 'no'}" for a, b in RNG.normal(size=(80, 2))]
    (tmp_path / "t.csv").write_text(f"{name}1,b,c\n" + "\n".join(rows), encoding="utf-8")
    found = mlp.run({"data": {"source": str(tmp_path / "t.csv")}, "training": {"epochs": 1}})
    text = str(found.report())
    path = tmp_path / "page.html"
    path.write_text(text if policy else re.sub(r"<meta http-equiv=[^>]*>", "", text, count=1), encoding="utf-8")
    with Opened(browser, path) as opened:
        assert (opened.said, opened.foreign()) == ([], [])
        assert opened.page.locator("img").count() == 0
        assert "<script>alert(1)</script>" in opened.page.locator(".conf").inner_text()

"""The microscope in a real Chromium: without a network, by mouse and keyboard, on a small screen, number by number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Opened, violations

import mlp
from mlp.microscope.activation_formulas import ACTIVATION_FORMULAS
from mlp.microscope.explain import SCRIPTS, STYLES, Caption, build_recording_page, explain, write_preset
from mlp.microscope.presets import PRESETS
from mlp.microscope.recording import Recording, record
from mlp.page import build_page, to_visible

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([[0.0], [1.0], [1.0], [0.0]])
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e\x1b[31m"
COUNT_LINES = """(steps) => { let n = 0, checked = 0, bad = [];
    for (const run of RUNS) for (const step of steps) for (const line of allLines(run, Math.min(step, run.T - 1))) {
        n++;
        if (line.computed !== undefined) checked++;
        if (!addsUp(line)) bad.push([step, line.name, line.value, line.computed]);
    }
    return [n, checked, bad]; }"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`pages(name)`: the page of a preset; `pages(name, text)`: of this text."""
    folder = tmp_path_factory.mktemp("pages")

    def write(name: str, text: str = "") -> Path:
        path = folder / f"{name}.html"
        if not path.exists() or text:
            preset = PRESETS.get(name)
            path.write_text(text or write_preset(preset, preset.record(preset.steps), f"mlp explain {name}"), "utf-8")
        return path

    return write


def build(activation: type[mlp.Layer], rule: mlp.Optimizer, loss: mlp.Loss | None = None, n_out: int = 1) -> Recording:
    layers = [mlp.Dense(2, 3, l1=0.02, l2=0.01), activation(), mlp.Dense(3, 2), activation(), mlp.Dense(2, n_out)]
    target = T[:, 0].astype(int) if isinstance(loss, mlp.SoftmaxCrossEntropy) else T
    return record(mlp.Network(layers, rng=4), X, target, loss or mlp.SquaredError(), rule, 9)


def text_of(recording: Recording, every: int = 0) -> str:
    return build_recording_page((recording,), Caption("t", "s", "c"), every)


# loading


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_opens_without_a_network_and_without_a_word(browser: Any, pages: Any, name: str) -> None:
    with Opened(browser, pages(name)) as opened:
        assert (opened.said, opened.foreign()) == ([], [])
        assert opened.page.locator("[data-check=bad], [data-slope=bad]").count() == 0
        for k in range(opened.page.locator(".places a").count()):
            opened.page.locator(".places a").nth(k).click()
            assert opened.page.locator("[data-check=bad], [data-slope=bad]").count() == 0
        assert opened.said == []


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 760}}])
@pytest.mark.parametrize(
    ("name", "address"), [("xor", "#step=20&view=gradient&at=1.0.1"), ("adam", "#view=backward&at=1.0")]
)
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Any, pages: Any, name: str, address: str, options: Any
) -> None:
    assert violations(browser, pages(name), address, **options) == []
    with Opened(browser, pages("tower"), **options) as opened:
        root = "document.documentElement"
        assert opened.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0


def test_axe_finds_nothing_in_a_page_of_many_layers_on_a_small_screen(browser: Any, pages: Any) -> None:
    assert violations(browser, pages("tower"), "#step=9&at=5.1", viewport={"width": 360, "height": 760}) == []


# the numbers


def test_the_page_reads_the_arrays_of_the_run_bit_for_bit(browser: Any, pages: Any) -> None:
    (recording,) = PRESETS["xor"].record(200)
    with Opened(browser, pages("xor")) as opened:
        found = opened.page.evaluate(
            "unpackArrays().then(a => Object.fromEntries(Object.entries(a).map(([k, v]) => [k, [...v.flat]])))"
        )
        for name, array in recording.arrays.items():
            assert np.array_equal(np.array(found[f"r0/{name}"], np.float64), array.ravel())


def test_every_formula_of_every_step_of_xor_adds_up_in_the_page(browser: Any, pages: Any) -> None:
    with Opened(browser, pages("xor")) as opened:
        n, checked, bad = opened.page.evaluate(COUNT_LINES, list(range(200)))
        assert (n, checked, bad) == (200 * 103, 200 * 103, [])


@pytest.mark.parametrize("name", PRESETS)
def test_the_formulas_of_every_preset_add_up_in_the_page(browser: Any, pages: Any, name: str) -> None:
    with Opened(browser, pages(name)) as opened:
        n, checked, bad = opened.page.evaluate(COUNT_LINES, [0, 1, 7, 20, 10**6])
        assert n > 50 and checked > 0.8 * n and bad == []


def test_a_gradient_that_is_off_by_1e_9_is_flagged_at_every_weight_and_step(browser: Any, pages: Any) -> None:
    with Opened(browser, pages("xor")) as opened:
        missed = opened.page.evaluate("""() => { const run = RUNS[0]; let missed = 0;
            for (let step = 0; step < run.T; step++) for (const { at: { c, j, i } } of edges) {
                const k = weightPlace(c, j, i), right = run.grad.at(step)[k];
                run.grad.at(step)[k] += 1e-9;
                if (weightLines(run, step, c, j, i).every(addsUp)) missed++;
                run.grad.at(step)[k] = right; }
            return missed; }""")
        assert missed == 0
        opened.page.evaluate("RUNS[0].grad.at(60)[weightPlace(1, 0, 1)] += 1e-9")
        opened.page.evaluate("state.step = 60; choose({ c: 1, j: 0, i: 1 })")
        assert opened.page.locator("[data-check=bad]").count() > 0
        assert "✗" in opened.page.locator(".formula").inner_text()


def test_the_formulas_of_every_activation_add_up_in_the_page(browser: Any, pages: Any) -> None:
    """All of them in one network, one after another."""
    layers = [layer for activation in ACTIVATION_FORMULAS for layer in (mlp.Dense(2, 2), activation())]
    recording = record(mlp.Network(layers, rng=4), X, np.hstack([T, 1 - T]), mlp.SquaredError(), mlp.SGD(0.3), 9)
    with Opened(browser, pages("activations", text_of(recording))) as opened:
        assert opened.page.evaluate(COUNT_LINES, list(range(9)))[2] == []
        for c in range(1, len(ACTIVATION_FORMULAS) + 1):
            opened.page.evaluate("(c) => choose({ c, j: 0, i: 1 })", c)
            assert opened.page.locator("[data-slope=ok]").count() == 1


@pytest.mark.parametrize(
    "loss", [mlp.AbsoluteError(), mlp.Huber(0.3), mlp.SigmoidCrossEntropy(0.1), mlp.SoftmaxCrossEntropy(0.1)]
)
def test_the_formulas_of_every_loss_add_up_in_the_page(browser: Any, pages: Any, loss: mlp.Loss) -> None:
    n_out = 1 + isinstance(loss, mlp.SoftmaxCrossEntropy)
    text = text_of(build(mlp.Tanh, mlp.SGD(0.3), loss, n_out))
    with Opened(browser, pages(type(loss).__name__, text)) as opened:
        assert opened.page.evaluate(COUNT_LINES, list(range(9)))[2] == []
        opened.page.evaluate("choose({ c: 1, j: 0, i: 1 })")
        assert opened.page.locator("[data-slope=ok]").count() == 1
        found = opened.page.evaluate("RUNS[0].loss.flat.map((v, k) => lossAt(RUNS[0].before(k), DATA) - v)")
        assert np.abs([*found.values()] if isinstance(found, dict) else found).max() < 1e-13


@pytest.mark.parametrize(
    ("rule", "every"),
    [
        *((mlp.SGD(0.5), every) for every in (1, 2, 4)),
        *((mlp.Momentum(0.2, 0.8), every) for every in (1, 4)),
        *((mlp.RMSprop(0.01, momentum=0.5), every) for every in (1, 4)),
        *((mlp.Adam(0.05), every) for every in (1, 2)),
        *((mlp.RMSprop(0.01), 4), (mlp.Nesterov(0.1), 1)),
    ],
)
def test_what_a_page_computes_again_is_what_was_recorded(
    browser: Any, pages: Any, rule: mlp.Optimizer, every: int
) -> None:
    """Where all would be too much: gradients alone, or those of every second or fourth step, give the whole run."""
    recording = build(mlp.Sigmoid, rule)
    path = pages(f"{type(rule).__name__}{getattr(rule, 'momentum', 0)}{every}", text_of(recording, every))
    with Opened(browser, path) as opened:
        assert opened.page.evaluate(COUNT_LINES, list(range(9)))[2] == []
        read = "(name) => [...Array(9).keys()].map((k) => [...RUNS[0][name].at(k)])"
        for name in ("params", "grad", "update", *recording.memory):
            found, wanted = np.array(opened.page.evaluate(read, name)), recording.arrays[name]
            assert np.allclose(found, wanted, rtol=0, atol=1e-12 * max(1.0, np.abs(wanted).max()))
            if every == 1 and type(rule) is not mlp.Adam:  # its factors are powers, which two libraries round
                assert np.array_equal(found, wanted)


def test_a_page_that_computes_again_flags_a_wrong_gradient(browser: Any, pages: Any) -> None:
    with Opened(browser, pages("again", text_of(build(mlp.Tanh, mlp.SGD(0.3)), 1))) as opened:
        missed = opened.page.evaluate("""() => edges.filter(({ at: { c, j, i } }) => {
            RUNS[0].grad.at(5)[weightPlace(c, j, i)] += 1e-9;
            return weightLines(RUNS[0], 5, c, j, i).every(addsUp); }).length""")
        assert missed == 0


def test_the_printed_numbers_are_those_of_the_arrays(browser: Any, pages: Any) -> None:
    (recording,) = PRESETS["xor"].record(200)
    numbers = recording.numbers(60)
    address = "#step=60&sample=2&view=gradient&at=1.0.1"
    with Opened(browser, pages("xor"), address) as opened:
        k = numbers.graph.weight(1, 0, 1)
        shown = [text.replace("−", "-") for text in opened.page.locator(".result strong").all_inner_texts()]
        wanted = [numbers.grad[k], numbers.update[k], numbers.params[k] + numbers.update[k]]
        assert [float(text) for text in shown] == [float(f"{value:.4g}") for value in wanted]
        opened.page.locator("#digits").select_option("17")
        shown = [text.replace("−", "-") for text in opened.page.locator(".result strong").all_inner_texts()]
        assert [float(text) for text in shown] == wanted
        values = opened.page.locator(".samples td.num").all_inner_texts()[2::4]
        assert [float(v.split()[0]) for v in values] == [float(f"{v:.4g}") for v in numbers.values[-1][0]]


# by hand


def test_scrub_play_click_and_choose(browser: Any, pages: Any) -> None:
    with Opened(browser, pages("xor")) as opened:
        page = opened.page
        where = page.locator(".where")
        page.get_by_role("button", name="+1 step").click()
        assert where.inner_text().startswith("step 1 of 199")
        page.get_by_role("button", name="−1 step").click()
        page.get_by_role("slider", name="Step").fill("120")
        assert where.inner_text().startswith("step 120 of 199")
        box = page.locator(".control svg").bounding_box()
        page.mouse.click(box["x"] + box["width"] - 12, box["y"] + 40)
        assert where.inner_text().startswith("step 199 of 199")
        page.get_by_role("button", name="▶ Play").click()
        page.get_by_role("button", name="⏸ Pause").wait_for()
        page.get_by_text(re.compile(r"step ([3-9]|\d\d) of 199")).wait_for()
        page.get_by_role("button", name="⏸ Pause").click()
        page.get_by_role("button", name=re.compile("^h₂")).click()
        assert page.locator(".formula h2").inner_text() == "Node h₂"
        page.locator("#sample").select_option("3")
        assert "&sample=4&" in page.url
        page.get_by_role("button", name="2: show this sample").click()
        page.get_by_role("button", name="Backward δ").click()
        assert "&sample=2&view=backward&at=1.1" in page.url
        page.get_by_text("The losses as a table").click()
        page.locator("footer tbody tr").nth(199).wait_for(state="attached")
        page.locator("footer tbody tr").nth(199).wait_for()
        assert page.locator("footer tbody tr").count() == 200
        assert opened.said == []


def test_the_keyboard_reaches_every_node_and_weight(browser: Any, pages: Any) -> None:
    with Opened(browser, pages("xor"), "#step=5&sample=1&view=forward&at=0.0") as opened:
        page = opened.page
        page.locator(".node[tabindex='0']").focus()
        seen = set()
        for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowUp", "w", "w", "w", "w", "ArrowRight"):
            page.keyboard.press(key)
            seen.add(re.search(r"at=([\d.]+)", page.url)[1])  # type: ignore[index]
            assert page.evaluate("document.activeElement.getAttribute('tabindex')") == "0"
        assert seen == {"0.1", "0.2", "1.2", "1.1", "1.0", "1.0.0", "1.0.1", "1.0.2", "2.0"}
        page.locator("input[type=range]").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator(".where").inner_text().startswith("step 6 of")


def test_the_address_remembers_the_place(browser: Any, pages: Any) -> None:
    address = "#run=2&step=60&sample=2&view=update&at=1.0.1"
    with Opened(browser, pages("adam"), address) as opened:
        assert opened.page.url.endswith(address)
        assert opened.page.locator(".formula h2").inner_text() == "Weight from x₂ to h₁"
        assert opened.page.locator("[data-run='1']").get_attribute("aria-pressed") == "true"
    nonsense = "#run=99&step=1e9&sample=<b>&view=constructor&at=7.7.7"
    with Opened(browser, pages("xor"), nonsense) as opened:
        assert opened.page.url.endswith("#step=0&sample=2&view=forward&at=2.0") and opened.said == []


def test_a_page_of_59_nodes_says_that_it_computes_and_adds_up(browser: Any, pages: Any) -> None:
    layers: list[mlp.Layer] = []
    for n_in in (2, *[8] * 6):
        layers += [mlp.Dense(n_in, 8), mlp.ReLU()]
    rng = np.random.default_rng(0)
    network = mlp.Network([*layers, mlp.Dense(8, 1)], rng=0)
    rows = rng.normal(size=(40, 2))
    text = str(explain(network, rows, np.sign(rows[:, :1]), mlp.SquaredError(), mlp.SGD(0.1), 200))
    with Opened(browser, pages("large", text)) as opened:
        n, checked, bad = opened.page.evaluate(COUNT_LINES, [0, 1, 100, 199])
        assert (checked, bad) == (4 * network.params.size, []) and n > checked
        assert "computes all else again" in opened.page.locator("footer").inner_text()


# the walls


def show_evil(policy: bool, pages: Any) -> Path:
    """A page whose every name is hostile."""
    table = np.array([[1.0, 2.0], [2.0, 1.0]])
    network = mlp.Network([mlp.Dense(2, 1)], rng=0)
    found = explain(network, table, T[:2], mlp.SquaredError(), mlp.SGD(0.1), 3, inputs=[EVIL, f"{EVIL} "], title=EVIL)
    text = str(found) if policy else re.sub(r"<meta http-equiv=[^>]*>", "", str(found), count=1)
    return Path(pages(f"evil{policy}", text))


@pytest.mark.parametrize("policy", [True, False])
def test_hostile_names_are_text_with_the_policy_and_without(browser: Any, pages: Any, policy: bool) -> None:
    with Opened(browser, show_evil(policy, pages), "#at=1.0.0") as opened:
        assert (opened.said, opened.foreign()) == ([], [])
        assert opened.page.locator("img").count() == 0
        assert to_visible(EVIL) in opened.page.locator("h1").inner_text()
        assert "<script>alert(1)</script>" in opened.page.locator(".formula").inner_text()


def test_the_policy_holds_where_nothing_is_escaped(browser: Any, pages: Any) -> None:
    """The second wall alone: a title that was not escaped puts tags into the page, and none of them runs or loads.

    And without both walls it does run, so the test would see it.
    """
    raw = build_page("TITLE", {}, {"x": np.zeros(1)}, STYLES, SCRIPTS).replace('<main id="app">', f"{EVIL}<main>")
    raw = re.sub(r"<script>\n?\"use strict\".*?</script>", "", raw, flags=re.DOTALL)
    for policy in (True, False):
        text = raw if policy else re.sub(r"<meta http-equiv=[^>]*>", "", raw, count=1)
        path = pages(f"raw{policy}", text.replace("<html", "<html data-ready=0", 1))
        with Opened(browser, path) as opened:
            opened.page.wait_for_load_state("load")
            alerts = [message for message in opened.said if message in {"1", "2"}]
            assert bool(alerts) is not policy


def test_every_chart_has_its_numbers_as_a_table_that_follows_the_step(browser: Any, pages: Any) -> None:
    with Opened(browser, pages("xor"), "#step=40&at=1.0.1") as opened:
        page = opened.page
        for name in (
            "The losses as a table",
            "Is that the slope?: numbers as a table",
            "The answers over the plane as a table",
        ):
            summary = page.locator("summary", has_text=name)
            summary.focus()
            page.keyboard.press("Enter")
            summary.locator("xpath=..").locator("tbody tr").nth(6).wait_for()  # the table is made when it is opened
        slope = page.locator(".slope tbody")
        before = slope.inner_text()
        page.get_by_role("button", name="+1 step").click()
        assert slope.inner_text() != before
        page.locator("g.node").last.click()
        assert page.locator(".slope thead").inner_text().startswith("z")
        assert opened.said == []

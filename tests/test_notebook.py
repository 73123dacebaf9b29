"""What notebooks show: HTML without script, in which hostile names are text, and which parses."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from test_page import EVIL

import mlp
from mlp.comparison import RunComparison
from mlp.optimizer_bench import OptimizerComparison
from mlp.page import fragments, to_visible

RUN = mlp.run({"data": {"source": "iris"}, "training": {"epochs": 3}, "record": {"baseline": "never"}})
FINDING = mlp.Finding("dead_units", "warning", EVIL, (EVIL,), 7, {}, (mlp.Cause(EVIL, EVIL, EVIL),))
BAD = mlp.History({EVIL: [1.0, np.nan], "loss": [1.0, 0.5]}, units={EVIL: EVIL})
SHOWN: dict[str, Any] = {
    "run": RUN,
    "diverged": mlp.run({"data": {"source": "iris"}, "optimizer": {"name": "sgd", "learning_rate": 1e9}}),
    "history": RUN.history,
    "hostile history": BAD,
    "empty history": mlp.History({}),
    "network": RUN.network,
    "finding": FINDING,
    "comparison": RunComparison(("a", EVIL), (RUN, RUN), (), 0, "nothing"),
    "optimizers": OptimizerComparison(),
}


def parse(text: str) -> ET.Element:
    """Well-formed, or ParseError."""
    return ET.fromstring(f"<div>{text}</div>")


@pytest.mark.parametrize("name", SHOWN)
def test_it_is_well_formed_and_has_nothing_that_runs(name: str) -> None:
    found = parse(SHOWN[name]._repr_html_())
    tags = {element.tag for element in found.iter()}
    assert not tags & {"script", "img", "style", "iframe", "link", "a"}
    assert not [key for element in found.iter() for key in element.attrib if key.startswith("on") or "href" in key]


def test_hostile_text_stands_there_as_it_is_written() -> None:
    assert to_visible(EVIL) in "".join(parse(FINDING._repr_html_()).itertext())
    cells = [cell.text for cell in parse(BAD._repr_html_()).iter("th")]
    assert to_visible(EVIL) in cells


def test_the_numbers_are_those_of_the_run() -> None:
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in parse(RUN._repr_html_()).iter("tr")}
    assert rows["loss"] == [f"{RUN.metrics[f'{part}_loss']:.4g}" for part in ("train", "validation", "test")]
    layers = [row[0].text for row in parse(RUN.network._repr_html_()).iter("tr")]
    assert layers == ["layer", *RUN.network.layout.names]


def test_a_curve_keeps_a_spike_and_has_holes() -> None:
    values = np.full(50_000, 0.5)
    values[4321], values[9000] = 5.0, np.nan
    svg = parse(fragments.draw_curve(np.arange(50_000), values, "loss"))[0]
    assert "between 0.5 and 5" in svg.attrib["aria-label"]
    path = svg[-1].attrib["d"]
    heights = [float(point.split()[1]) for point in path.replace("M", "L").split("L")[1:]]
    assert heights.count(0.0) == 1 and path.count("M") == 2
    assert fragments.draw_curve(np.arange(2), np.full(2, np.nan), "loss") == ""


# the bar


class Bar:
    """What tqdm is asked to do, noted."""

    asked: ClassVar[list[Any]] = []

    def __init__(self, total: int, **_: Any) -> None:
        Bar.asked[:] = [total]

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        Bar.asked.append("closed")

    def set_postfix(self, said: dict[str, str], **_: Any) -> None:
        Bar.asked.append(said)

    def update(self) -> None:
        Bar.asked.append(1)


def pretend_notebook(monkeypatch: pytest.MonkeyPatch, tqdm: Any) -> None:
    """As in a kernel of Jupyter; `tqdm` None: as if it were not installed."""
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "tqdm.auto", tqdm)
    if tqdm is not None:
        monkeypatch.setitem(sys.modules, "tqdm", SimpleNamespace(auto=tqdm))


CONFIG: dict[str, Any] = {"data": {"source": "iris"}, "training": {"epochs": 3}, "record": {"baseline": "never"}}


def test_a_run_in_a_notebook_has_a_bar_and_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = mlp.run(CONFIG)
    pretend_notebook(monkeypatch, SimpleNamespace(tqdm=Bar))
    shown = mlp.run(CONFIG)
    assert (Bar.asked[0], Bar.asked.count(1), Bar.asked[-1]) == (3, 3, "closed")
    assert Bar.asked[-3]["loss"] == f"{shown.history['train_loss'][-1]:.4g}"
    assert np.array_equal(shown.network.params, alone.network.params)


def test_without_tqdm_or_outside_of_a_notebook_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    Bar.asked.clear()
    mlp.run(CONFIG)
    pretend_notebook(monkeypatch, None)
    mlp.run(CONFIG)
    assert Bar.asked == []

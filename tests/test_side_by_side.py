"""Pages of benches and comparisons: they say what the tables say, and names on them are text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_page import EVIL, Parts, arrays_of

import mlp
from mlp.cli import main
from mlp.comparison import compare_runs
from mlp.comparison_page import build_comparison_page
from mlp.optimizer_bench import OptimizerComparison
from mlp.optimizer_bench.page import build_bench_page
from mlp.optimizer_bench.summary import measure_sensitivity
from mlp.page.side_by_side import Axes, Curve, build_side_by_side, chart, section, share, table

RULES, PROBLEMS = ("sgd", "adam", "lbfgs"), ("xor", "rosenbrock", "blind_saddle", "saddle")


@pytest.fixture(scope="module")
def found() -> Any:
    return mlp.bench(RULES, PROBLEMS, seeds=3, tuning_seeds=2, rates=3, epochs=10)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("runs")
    for name in ("adam", "sgd"):
        config = {"data": {"source": "iris"}, "optimizer": {"name": name}, "training": {"epochs": 3}}
        mlp.run({**config, "record": {"baseline": "never"}}, out=folder / name)
    return [str(folder / "adam"), str(folder / "sgd")]


def read(page: str) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(Parts(page).scripts["head"])
    return head


def blocks(head: Any, kind: str) -> dict[str, Any]:
    """The blocks of a kind by their titles, those of sections too."""
    mine = {block["title"]: block for block in head["blocks"] if block["kind"] == kind}
    inside = [blocks(block, kind) for block in head["blocks"] if block["kind"] == "section"]
    return mine | {title: block for part in inside for title, block in part.items()}


def test_a_bench_page_has_the_medians_the_solved_and_the_chances_of_the_rows(found: Any) -> None:
    tables = blocks(read(found.report()), "table")
    rows = [row for row in found.rows() if row.problem in ("xor", "rosenbrock")]
    for row in rows:
        cells = next(cells for cells in tables[f"{row.problem}: every rule"]["rows"] if cells[0] == row.rule)
        assert float(cells[2]["text"]) == float(f"{row.final.value:.4g}")
        success = row.quantities["success"]
        assert cells[5]["share"] == [success.value, success.low, success.high]
        assert (cells[-1] == f"{row.p:.4g}") or (row.best and cells[-1]["best"])


def test_its_curves_are_medians_over_updates_and_over_seconds(found: Any) -> None:
    arrays = arrays_of(found.report())
    cell = found.cells["xor", "adam"]
    ends = [member["curve"]["train_loss"][-1] for member in cell.members]
    assert arrays["curves/xor/1/y"][-1] == np.median(ends)
    assert (arrays["curves/xor/1/low"][-1], arrays["curves/xor/1/high"][-1]) == (min(ends), max(ends))
    assert np.array_equal(arrays["curves/xor/1/x/seconds"], arrays["curves/xor/1/x/updates"] * cell.seconds_per_update)


def test_its_learning_rates_have_their_intervals(found: Any) -> None:
    arrays = arrays_of(found.report())
    for k, rule in enumerate(("sgd", "adam")):
        points = measure_sensitivity(found.cells["xor", rule])
        assert arrays[f"sensitivity/xor/{k}/x/learning rate"].tolist() == [rate for rate, _ in points]
        assert arrays[f"sensitivity/xor/{k}/low"].tolist() == [interval.low for _, interval in points]
        assert arrays[f"sensitivity/xor/{k}/high"].tolist() == [interval.high for _, interval in points]


def test_its_obstacles_have_wilson_intervals_findings_and_kinds_of_points(found: Any) -> None:
    head = read(found.report())
    tables = blocks(head, "table")
    for row in found.obstacles():
        cells = next(cells for cells in tables[f"{row.obstacle.name}: every rule"]["rows"] if cells[0] == row.rule)
        assert cells[2]["share"] == [*row.past[:3]]
        said = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in row.kinds)
        assert cells[-1] == said
    stuck = [row for row in found.obstacles() if row.obstacle.name == "blind_saddle" and row.kinds]
    assert stuck, "on the ridge of a saddle nothing moves"
    matrix = tables["Which rule gets past which obstacle"]
    assert {row[0] for row in matrix["rows"]} == {*RULES}


def test_its_profiles_are_steps_of_the_public_ones(found: Any) -> None:
    arrays, profiles = arrays_of(found.report()), found.profiles()
    shown = arrays["profile/gradients/1/y"]
    assert shown[0] == profiles["adam"][0] and shown[-1] == profiles["adam"][-2]


def test_a_bench_writes_its_page_beside_its_tables(found: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OptimizerComparison, "plot", lambda *_: None)  # that takes seconds
    said = found.save(tmp_path)
    assert said.startswith(f"page: {tmp_path}/report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == found.report()
    assert found.report(tmp_path / "other.html").read_text(encoding="utf-8") == found.report()


def test_a_bench_of_nothing_says_so() -> None:
    assert read(build_bench_page({}))["verdict"] == "No trial is finished."


def test_a_comparison_page_has_the_metrics_the_settings_and_the_duels(runs: list[str]) -> None:
    comparison = compare_runs(runs)
    head = read(page := build_comparison_page(comparison))
    tables = blocks(head, "table")
    row = next(row for row in tables["Metrics"]["rows"] if row[0] == "test accuracy")
    assert [float(cell["text"]) for cell in row[1:]] == [float(f"{v:.4g}") for v in comparison.metrics["test_accuracy"]]
    assert [cell["best"] for cell in row[1:]] == [i in comparison.best("test_accuracy") for i in range(2)]
    assert {row[0] for row in tables["Settings that differ"]["rows"]} == {*comparison.settings}
    assert tables["Row by row"]["rows"][0][2:4] == [str(comparison.duels[0].wins), str(comparison.duels[0].losses)]
    arrays = arrays_of(page)
    assert np.array_equal(arrays["way/loss/0/y"], comparison.runs[0].history["loss"])
    assert arrays["way/loss/0/x/seconds"][-1] <= comparison.runs[0].seconds


def test_the_command_writes_it_and_replaces_nothing(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.html"
    assert main(["compare", *runs, "-o", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert text == build_comparison_page(compare_runs(runs))
    capsys.readouterr()
    assert main(["compare", *runs, "-o", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["compare", *runs, "-o", f"{runs[0]}/model.npz", "--force"]) == 2
    assert "model.npz" in capsys.readouterr().err
    assert main(["compare", *runs, "-o", str(tmp_path / "none" / "page.html")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_every_name_is_text(found: Any) -> None:
    curve = Curve(0, {EVIL: np.arange(3.0)}, np.arange(3.0))
    block = chart(EVIL, Axes(EVIL, EVIL, EVIL), [curve], [EVIL])
    parts = [section(EVIL, EVIL, [block, table(EVIL, [EVIL], [[EVIL, {"text": EVIL}, share(0.5, 0.1, 0.9)]], [EVIL])])]
    page = build_side_by_side(EVIL, EVIL, EVIL, [EVIL], parts, EVIL)
    tags = Parts(page).tags
    assert tags.count("script") == 3 and "img" not in tags
    assert "connect-src" not in page.partition("<title>")[0]

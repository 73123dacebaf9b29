"""Lines, planes, trajectories: against losses computed one by one, and what a run directory keeps for them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import landscape as seen
from mlp.cli import main
from mlp.curvature import Surface
from mlp.errors import DataError, MissingExtraError, MLPError, ShapeError
from mlp.experiment.end_point import open_scene
from mlp.experiment.rule_memory import memory_at, read_memory, usual_rate
from mlp.experiment.waypoints import BYTES, LOOKS, Waypoints, looks
from mlp.storage.snapshot import SCRATCH

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 3)), RNG.integers(0, 2, 40)
CONFIG: dict[str, Any] = {"network": {"hidden": [5], "activation": "tanh"}, "training": {"epochs": 4}}


def surface(l2: float = 0.1) -> Surface:
    layers = [mlp.Dense(3, 5, l2=l2), mlp.Tanh(), mlp.Residual([mlp.Dense(5, 5), mlp.Tanh()]), mlp.Dense(5, 2)]
    return Surface(mlp.Network(layers, rng=0), mlp.SoftmaxCrossEntropy(), X, Y)


def slowly(s: Surface, params: np.ndarray) -> float:
    """The loss of one network, by itself."""
    return float(Surface(s.network.at(params), s.loss, X, Y).value)


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_plane_is_the_losses_one_by_one(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("mlp.landscape.sections.BYTES", size)
    s = surface()
    a, b = RNG.standard_normal((2, s.size))
    found = seen.plane_along(s, a, b, points=3, reach=0.5)
    expected = [[slowly(s, s.params + x * a + y * b) for x in found.x] for y in found.y]
    np.testing.assert_allclose(found.losses, expected, rtol=1e-12)


def test_the_line_from_start_to_end_meets_both() -> None:
    s = surface()
    start = RNG.standard_normal(s.size)
    found = seen.line_between(s, start, s.params)
    at = {round(x, 6): loss for x, loss in zip(found.x, found.losses, strict=True)}
    assert at[0.0] == pytest.approx(slowly(s, start), rel=1e-12) and at[1.0] == pytest.approx(s.value, rel=1e-12)


def test_a_filter_is_a_row_with_its_bias_also_inside_a_block() -> None:
    s = surface()
    d = seen.filter_direction(s.network, 1)
    rows = s.network.layout.rows
    assert [shape for _, shape in rows] == [(5, 4), (5, 6), (2, 6)]
    for part, shape in rows:
        mine, own = (np.linalg.norm(v[part].reshape(shape), axis=1) for v in (d, s.params))
        np.testing.assert_allclose(mine, own, rtol=1e-12)


def test_scales_that_rectifiers_do_not_feel_do_not_change_the_picture() -> None:
    """Li et al. (2018), section 4: w ten times as large and the next layer a tenth is the same network."""
    plain = mlp.Network([mlp.Dense(3, 5), mlp.ReLU(), mlp.Dense(5, 2)], rng=0, dtype=np.float64)
    scaled = plain.at(plain.params.copy())
    first, last = scaled.layout.rows
    scaled.params[first[0]] *= 10
    w = scaled.params[last[0]].reshape(last[1])
    w[:, :-1] /= 10
    lines = []
    for network in (plain, scaled):
        network.params[last[0]].reshape(last[1])[:, -1] = 0  # a bias of the last layer would not scale with its row
        s = Surface(network, mlp.SoftmaxCrossEntropy(), X, Y)
        d = seen.filter_direction(network, 3)
        d[last[0]].reshape(last[1])[:] = 0
        lines.append(seen.line_along(s, d, 9).losses)
    np.testing.assert_allclose(*lines, rtol=1e-10)


def test_a_way_in_a_plane_has_nothing_outside_and_a_random_one_has() -> None:
    s = surface()
    a, b = np.linalg.qr(RNG.standard_normal((s.size, 2)))[0].T
    angles = np.linspace(0, 2, 6)[:, None]
    flat = s.params + np.vstack([np.cos(angles) * a + np.sin(angles) * b, np.zeros((1, s.size))])
    found = seen.trajectory(s, flat, np.arange(7), 5)
    assert found.outside < 1e-12 and (found.path[-1] == 0).all()
    np.testing.assert_allclose(found.losses, [slowly(s, p) for p in flat], rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found.path[:-1], axis=1), 1, rtol=1e-12)
    random = RNG.standard_normal((7, s.size))
    away = random[:-1] - random[-1]
    way = seen.trajectory(s, random, np.arange(7), 5)
    held = np.sum(way.path**2) / np.sum(away**2)
    assert way.outside == pytest.approx(1 - held, rel=1e-9) and way.outside > 0.1


def test_the_map_has_the_ends_of_dense_hessians() -> None:
    s = surface()
    a, b = (seen.filter_direction(s.network, k) for k in (1, 2))
    found = seen.extremes(s, a, b, points=3)
    for (j, i), least in np.ndenumerate(found.least):
        values = np.linalg.eigvalsh(s.at(s.params + found.x[i] * a + found.y[j] * b).hessian())
        assert (least, found.largest[j, i]) == pytest.approx((values[0], values[-1]))


# run directories


def test_a_run_and_its_directory_show_the_same_landscape(tmp_path: Path) -> None:
    run = mlp.run(CONFIG, (X, Y), out=tmp_path)
    again = mlp.load_run(tmp_path)
    asked = {"plane": True, "trajectory": True, "spectrum": True, "points": 7}
    first, second = (r.landscape((X, Y), **asked) for r in (run, again))
    assert first.to_json() == second.to_json() and str(first) == str(second)
    assert first.trajectory is not None and first.trajectory.steps[[0, -1]].tolist() == [0, run.steps]
    assert run.point((X, Y)) == again.point((X, Y))


@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize("rule", ["adam", "momentum"])
def test_a_point_goes_on_with_the_memory_of_the_rule(tmp_path: Path, rule: str, restarts: int) -> None:
    """The rule began anew: Adam without its mean squares takes its first steps at full length, and leaves too soon."""
    config = {
        "network": {"hidden": [5], "activation": "tanh", "init": {"name": "normal", "std": 1e-3}},
        "optimizer": {"name": rule}, "training": {"epochs": 4, "restarts": restarts},
    }  # fmt: skip
    run = mlp.run(config, (X, Y), out=tmp_path / "run")
    scene = open_scene(run.config, run.network, (X, Y))
    memory, size = read_memory(tmp_path / "run", run.network, scene.setup.rule), run.network.params.shape
    for name, values in vars(run.memory).items():
        if isinstance(values, np.ndarray) and name not in SCRATCH:
            assert values.shape == size and (getattr(memory, name) == values).all()
    assert memory.t == run.memory.t == run.steps
    point = run.point((X, Y))
    assert point == mlp.load_run(tmp_path / "run").point((X, Y)) and "memory" not in point.unseen
    run.save(tmp_path / "saved")
    assert "the memory of the rule, which begins anew" in mlp.load_run(tmp_path / "saved").point((X, Y)).unseen


def test_the_memory_of_a_member_is_the_one_it_has_alone() -> None:
    """A member of a population that was trained beside others remembers what it would have remembered alone."""
    many = mlp.Network([mlp.Dense(3, 2)], rng=0, population=(3,), dtype=np.float64)
    alone, rule = many.member(1).at(many.params[1].copy()), mlp.Adam()
    for step in mlp.train(many, mlp.batches(X, Y, rng=None, epochs=5), mlp.SoftmaxCrossEntropy(), rule):
        kept = step.state
    for step in mlp.train(alone, mlp.batches(X, Y, rng=None, epochs=5), mlp.SoftmaxCrossEntropy(), rule):
        own = step.state
    mine = memory_at(many.member(1), rule, many.params, kept)
    np.testing.assert_allclose(mine.m, own.m, rtol=1e-12)
    np.testing.assert_allclose(mine.v, own.v, rtol=1e-12)
    assert mine.t == own.t == 10


def test_where_other_weights_answer_there_is_no_memory() -> None:
    network, rule = mlp.Network([mlp.Dense(3, 2)], rng=0), mlp.Adam()
    memory = rule.init(network.params)
    assert memory_at(network, rule, network.params, memory) is memory
    assert memory_at(network, rule, network.params + 1, memory) is None


def test_a_schedule_that_ended_at_nothing_is_no_rate_that_is_too_low() -> None:
    """The latest rate of a cosine is 0: at that pace every place is one where nothing moves."""
    config = {**CONFIG, "optimizer": {"name": "sgd", "learning_rate": 0.5, "schedule": "cosine"}}
    history = mlp.run(config, (X, Y)).history
    assert usual_rate(history) == pytest.approx(float(np.mean(history["learning_rate"])), rel=1e-6)  # float32 sums
    assert 0.1 < usual_rate(history) < 0.5


def test_a_look_leaves_the_run_as_it_is() -> None:
    run = mlp.run({**CONFIG, "network": {"hidden": [5], "dropout": 0.2, "batch_norm": True}}, (X, Y))
    before = run.network.params.copy(), run.network.statistics.copy(), run.network.rng.bit_generator.state
    run.point((X, Y))
    run.landscape((X, Y), plane=True, trajectory=True, spectrum=True, points=5)
    assert (run.network.params == before[0]).all() and (run.network.statistics == before[1]).all()
    assert run.network.rng.bit_generator.state == before[2]


def test_what_a_run_keeps_is_bounded() -> None:
    assert len(looks(1000, 100)) == LOOKS and max(looks(1000, 100)) == 1000
    assert len(looks(1000, BYTES // 3)) == 3 and not looks(1000, BYTES + 1)
    way = Waypoints()
    for k in range(500):
        way.keep(k, np.zeros(2))
    assert len(way.steps) <= 2 * LOOKS and way.steps[0] == 0


def test_the_chosen_member_of_a_population_has_its_own_way() -> None:
    run = mlp.run({**CONFIG, "training": {"epochs": 4, "restarts": 3}}, (X, Y))
    assert run.waypoints is not None
    np.testing.assert_array_equal(run.waypoints.params[-1], run.network.params)


def test_a_run_that_went_on_has_the_way_of_one_that_never_stopped(tmp_path: Path) -> None:
    stopped = mlp.run(CONFIG, (X, Y), out=tmp_path)
    longer = mlp.resume(tmp_path, epochs=8, data=(X, Y))
    assert stopped.waypoints is not None and longer.waypoints is not None
    assert longer.waypoints.steps[: len(stopped.waypoints.steps)] == stopped.waypoints.steps
    np.testing.assert_array_equal(longer.waypoints.params[-1], longer.network.params)


# the command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = {"data": {"source": "iris"}, "training": {"epochs": 2}}
    mlp.run(run, out=tmp_path / "run")
    return tmp_path / "run"


def test_the_command_prints_the_point_and_writes_numbers(folder: Path, capsys: Any) -> None:
    for name in ("a.csv", "a.json", "a.txt"):
        assert main(["landscape", str(folder), "--line", "--spectrum", "-o", str(folder.parent / name)]) == 0
        assert "not looked at:" in capsys.readouterr().out
    rows = list(csv.DictReader((folder.parent / "a.csv").read_text().splitlines()))
    assert {row["section"] for row in rows} == {"line1", "line2", "eigenvalue"}
    assert len(json.loads((folder.parent / "a.json").read_text())["lines"]) == 2
    assert main(["landscape", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["point"]["rows"] > 0


def test_a_picture_is_one_and_is_not_written_over(folder: Path, capsys: Any) -> None:
    pytest.importorskip("matplotlib")
    path = folder.parent / "a.png"
    assert main(["landscape", str(folder), "--trajectory", "-o", str(path)]) == 0
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert main(["landscape", str(folder), "-o", str(path)]) == 2
    assert main(["landscape", str(folder), "-o", str(path), "--force"]) == 0


def test_without_matplotlib_a_picture_is_refused_and_numbers_are_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match="plot"):
        seen.save(seen.Landscape(), folder.parent / "a.png")
    assert main(["landscape", str(folder), "-o", str(folder.parent / "a.csv")]) == 0


def said(*arguments: str, capsys: Any) -> str:
    assert main(["landscape", *arguments]) == 2
    message: str = capsys.readouterr().err
    assert message.count("\n") == 1 and "Traceback" not in message
    return message


def test_what_cannot_be_looked_at_is_said_in_one_line(folder: Path, capsys: Any, tmp_path: Path) -> None:
    assert "is no run directory" in said(str(tmp_path), capsys=capsys)
    assert ".csv" in said(str(folder), "-o", "a.xyz", capsys=capsys)
    mlp.run(CONFIG, (X, Y), out=tmp_path / "arrays")
    assert "data=(X, y)" in said(str(tmp_path / "arrays"), capsys=capsys)
    table = tmp_path / "rows.csv"
    table.write_text("a,b,y\n" + "\n".join(f"{a},{b},{int(a > b)}" for a, b in X[:, :2]))
    mlp.run({"data": {"source": str(table)}, "training": {"epochs": 1}}, out=tmp_path / "gone")
    table.unlink()
    assert "rows.csv" in said(str(tmp_path / "gone"), capsys=capsys)
    both = {**CONFIG, "data": {"source": "iris"}, "training": {"epochs": 1, "restarts": 2, "ensemble": True}}
    mlp.run(both, out=tmp_path / "both")
    assert "ensemble" in said(str(tmp_path / "both"), capsys=capsys)


def test_bad_points_are_refused_in_one_line() -> None:
    run = mlp.run(CONFIG, (X, Y))
    with pytest.raises(DataError, match="Give the rows that it was trained on"):
        run.point((X[:, :2], Y))
    one = mlp.run({**CONFIG, "data": {"validation": 0, "test": 0}}, (X, Y))
    one.network.params[0] = np.nan
    with pytest.raises(MLPError, match="dense1 holds parameters that are no numbers"):
        one.point((X, Y))
    with pytest.raises(ShapeError, match="three points or more"):
        seen.trajectory(surface(), np.zeros((2, surface().size)), np.arange(2))
    with pytest.raises(ShapeError, match="direction has shape"):
        seen.line_along(surface(), np.zeros(3))


def test_one_row_and_one_parameter_have_a_landscape() -> None:
    network = mlp.Network([mlp.Dense(1, 1), mlp.Softplus()], rng=0)
    s = Surface(network, mlp.SquaredError(), np.ones((1, 1)), np.ones((1, 1)))
    found = seen.line_along(s, seen.filter_direction(network), 5)
    assert np.isfinite(found.losses).all() and len(seen.find_spectrum(s).values) == s.size

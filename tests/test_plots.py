"""Pictures with matplotlib: the artists hold the numbers of the run, settings stay, hostile names are text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlp
from mlp import plots
from mlp.landscape import Landscape, Plane
from mlp.model import Appraisal

matplotlib = pytest.importorskip("matplotlib", reason="the extra plot")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

RUN = mlp.run({"data": {"source": "iris"}, "training": {"epochs": 5}, "record": {"baseline": "never"}})
NET = mlp.Network([mlp.Dense(2, 3), mlp.Tanh(), mlp.Dense(3, 1)], rng=0)
X = np.random.default_rng(0).normal(size=(40, 2))
SIDE = np.linspace(-1, 1, 5)
PLANE = Plane("two directions", SIDE, SIDE[:3], 1 + SIDE[:3, None] ** 2 + SIDE**2)
FORMULA = r"$\frac{$ <b> ^_ \x"
DRAWN: dict[str, Any] = {
    "plot_loss": lambda ax: plots.plot_loss(RUN, ax),
    "plot_gradient_flow": lambda ax: plots.plot_gradient_flow(RUN, ax),
    "plot_heat_map": lambda ax: plots.plot_heat_map(RUN, ax=ax),
    "plot_backward_gain": lambda ax: plots.plot_backward_gain(RUN, ax),
    "plot_activations": lambda ax: plots.plot_activations(NET, X, ax),
    "plot_confusion": lambda ax: plots.plot_confusion(np.eye(3, dtype=int), ax),
    "plot_decision_boundary": lambda ax: plots.plot_decision_boundary(lambda rows: rows[:, 0] > 0, X, X[:, 0] > 0, ax),
    "plot_spectrum": lambda ax: plots.plot_spectrum(np.array([3.0, -1.0, 0.5]), ax),
    "plot_landscape": lambda ax: plots.plot_landscape(PLANE, ax),
    "plot_network": lambda ax: plots.plot_network(NET, ax),
}


@pytest.fixture(autouse=True)
def closed() -> Any:
    yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_draws_into_the_axes_that_are_given_and_changes_no_setting(name: str) -> None:
    before = dict(matplotlib.rcParams)
    figure, (ax, other) = plt.subplots(1, 2)
    assert DRAWN[name](ax) is ax
    assert ax.has_data() and not other.has_data() and ax.get_title() and (ax.get_xlabel() or ax.get_ylabel())
    figure.canvas.draw()
    assert DRAWN[name](None) not in (ax, other)
    assert dict(matplotlib.rcParams) == before


def test_the_loss_that_is_drawn_is_that_of_the_run() -> None:
    lines = {line.get_label(): line for line in plots.plot_loss(RUN).lines}
    assert np.array_equal(lines["each batch"].get_ydata(), RUN.history["loss"])
    assert np.array_equal(lines["validation"].get_xdata(), RUN.history.steps("validation_loss"))
    assert lines["best constant answer"].get_ydata()[0] == RUN.history["reference_loss"][0]


def test_the_heat_map_holds_every_record() -> None:
    (mesh,) = plots.plot_heat_map(RUN).collections
    values = RUN.history["grad_norm_by_layer"].T
    assert np.array_equal(np.asarray(mesh.get_array()).reshape(values.shape), values)


def test_gradient_flow_is_that_of_the_last_tenth() -> None:
    line = next(line for line in plots.plot_gradient_flow(RUN).lines if line.get_label() == "typical at the end")
    values = RUN.history["grad_norm_by_layer"]
    assert np.allclose(line.get_ydata(), np.median(values[-(len(values) // 10) :], 0), rtol=1e-12)


def test_the_confusion_matrix_shows_its_counts() -> None:
    rows, y = RUN.load("iris")
    found = RUN.appraise(rows, y)
    assert found.confusion is not None
    ax = plots.plot_confusion(found)
    assert [int(text.get_text()) for text in ax.texts] == found.confusion.ravel().tolist()
    assert [label.get_text() for label in ax.get_yticklabels()] == list(found.class_names)


def test_the_boundary_is_where_the_answers_change() -> None:
    ax = plots.plot_decision_boundary(lambda rows: np.where(rows[:, 0] > 0.25, "a", "b"), X)
    codes = np.asarray(ax.collections[0].get_array()).reshape(plots.GRID, plots.GRID)
    low, high = X[:, 0].min(), X[:, 0].max()
    x0 = np.linspace(low - 0.1 * (high - low), high + 0.1 * (high - low), plots.GRID)
    assert np.array_equal(codes, np.broadcast_to((x0 <= 0.25) * 1, codes.shape))


def test_a_landscape_is_drawn_by_the_best_of_what_was_looked_at() -> None:
    """The way of the training before a plane, a plane before lines."""
    seen = RUN.landscape(plane=True, trajectory=True, points=7)
    way = plots.plot_landscape(seen)
    assert way.lines[0].get_xydata().tolist() == seen.trajectory.path.tolist()
    plane = plots.plot_landscape(Landscape(lines=seen.lines, plane=seen.plane))
    levels = (
        plane.collections[0].levels if hasattr(plane.collections[0], "levels") else plane.collections[0].get_array()
    )
    assert (min(levels), max(levels)) == pytest.approx((seen.plane.losses.min(), seen.plane.losses.max()), rel=1e-12)
    lines = plots.plot_landscape(Landscape(lines=seen.lines)).lines
    assert [line.get_ydata().tolist() for line in lines] == [line.losses.tolist() for line in seen.lines]


@pytest.mark.parametrize("losses", [[[1.0, 1.0], [1.0, 1.0]], [[0.0, 1.0], [2.0, 3.0]], [[np.nan, 1.0], [2.0, np.inf]]])
def test_a_plane_of_any_losses_is_drawn(losses: list[list[float]]) -> None:
    ax = plots.plot_landscape(Plane("a plane", np.arange(2.0), np.arange(2.0), np.array(losses)))
    ax.figure.canvas.draw()
    assert ax.collections


def test_a_network_is_drawn_weight_by_weight() -> None:
    ax = plots.plot_network(NET)
    first = NET.views[0][:, :-1].ravel()
    assert len(ax.lines) == 9
    assert [line.get_color() == plots.OKABE_ITO[1] for line in ax.lines[:6]] == (first >= 0).tolist()


def test_names_that_look_like_formulas_are_text() -> None:
    """matplotlib reads $...$ as mathematics, and raises where that is none."""
    found = Appraisal(2, {}, (FORMULA, "$x$"), confusion=np.eye(2, dtype=int))
    history = mlp.History(
        {name: np.ones((5, 2)) for name in ("grad_norm_by_layer", "backward_gain")},
        labels=dict.fromkeys(("grad_norm_by_layer", "backward_gain"), (FORMULA, "$x$")),
    )
    for ax in (
        plots.plot_confusion(found), plots.plot_gradient_flow(history), plots.plot_heat_map(history),
        plots.plot_backward_gain(history),
    ):  # fmt: skip
        ax.figure.canvas.draw()
        shown = [label.get_text() for label in (*ax.get_xticklabels(), *ax.get_yticklabels())]
        assert FORMULA in shown


def test_a_bench_is_drawn_as_its_files_are() -> None:
    found = mlp.bench(["sgd", "adam"], ["rosenbrock"], seeds=2, tuning_seeds=1, rates=2, jobs=1)
    assert {line.get_label() for line in plots.plot_optimizers(found).lines} == {"sgd", "adam"}
    assert plots.plot_sensitivity(found, "rosenbrock").get_xlabel() == "learning rate"
    with pytest.raises(mlp.UnknownNameError, match="rosenbrok"):
        plots.plot_sensitivity(found, "rosenbrok")


@pytest.mark.parametrize(
    ("draw", "error"),
    [
        (lambda: plots.plot_loss(3), mlp.MLPError),
        (lambda: plots.plot_loss(mlp.History({})), mlp.UnknownNameError),
        (lambda: plots.plot_heat_map(RUN, "loss"), mlp.ShapeError),
        (lambda: plots.plot_landscape(RUN), mlp.DataError),
        (lambda: plots.plot_confusion(np.zeros((2, 3))), mlp.ShapeError),
        (lambda: plots.plot_decision_boundary(RUN, np.zeros((3, 4))), mlp.ShapeError),
        (lambda: plots.plot_activations(NET, np.zeros((3, 5))), mlp.ShapeError),
        (lambda: plots.plot_network(mlp.Network([mlp.Dense(100, 100)], rng=0)), mlp.DataError),
    ],
)
def test_what_cannot_be_drawn_is_said_before_a_figure_is_made(draw: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        draw()
    assert plt.get_fignums() == []

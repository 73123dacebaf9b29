"""What kind of point: a few of each, whose answers are known from how they were made.

`benchmarks/curvature` has hundreds; here stands one or two for each kind, and what the answer must not do.
"""

from __future__ import annotations

import copy
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import initializers
from mlp.curvature import Point, Surface, classify_point, escape, lanczos, motion
from mlp.curvature.floor import scale
from mlp.curvature.questions import all_minima_are_global
from mlp.curvature.trials import steps_until

CE, SE = mlp.SoftmaxCrossEntropy(), mlp.SquaredError()
IRIS = mlp.data.load("iris")
X, Y = (IRIS.X - IRIS.X.mean(0)) / IRIS.X.std(0), IRIS.y
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
XOR_T = np.array([[0], [1], [1], [0.0]])


def train(net: mlp.Network, loss: mlp.Loss, x: Any, t: Any, rule: Any, steps: int, size: int | None = None) -> Any:
    """Train in place; return the rule's memory."""
    taken = list(islice(mlp.train(net, mlp.batches(x, t, size, rng=0, epochs=10**6), loss, rule), steps))
    return taken[-1].state


def iris(act: mlp.Layer | None = None, size: float | None = None, rng: int = 0) -> mlp.Network:
    weights: Any = "auto" if size is None else initializers.Normal(size) if size else initializers.Zeros()
    act = act or mlp.Tanh()
    return mlp.Network([mlp.Dense(4, 6, weights=weights), act, mlp.Dense(6, 3, weights=weights)], rng=rng)


def saddle() -> Any:
    return iris(size=1e-3), CE, X, Y, {"rate": 0.05}


def saddle_that_nothing_points_out_of() -> Any:
    return iris(size=0.0), CE, X, Y, {"rate": 0.05}


def degenerate_saddle(size: float = 1e-3) -> Any:
    """XOR around 0 has no correlation with its classes: no eigenvalue at zero weights is negative."""
    net = mlp.Network([mlp.Dense(2, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=1)
    net.params *= size
    net.views[-1][0, -1] = 0.5
    return net, SE, XOR - 0.5, XOR_T, {"rate": 0.1}


def plateau() -> Any:
    net = mlp.Network([mlp.Dense(4, 6, bias=-30.0), mlp.ReLU(), mlp.Dense(6, 3)], rng=0)
    return net, CE, X, Y, {"rate": 0.1}


def local_minimum() -> Any:
    """XOR 2-2-1, stuck where two of the four points are answered by one half."""
    net = mlp.Network([mlp.Dense(2, 2), mlp.Tanh(), mlp.Dense(2, 1)], rng=3)
    train(net, mlp.SigmoidCrossEntropy(), XOR, XOR_T, mlp.Adam(0.05), 3000)
    return net, mlp.SigmoidCrossEntropy(), XOR, XOR_T, {"rate": 0.1}


def global_minimum() -> Any:
    net = mlp.Network([mlp.Dense(2, 6), mlp.Tanh(), mlp.Dense(6, 1)], rng=0)
    train(net, SE, XOR, XOR_T, mlp.LevenbergMarquardt(), 30)
    return net, SE, XOR, XOR_T, {"rate": 0.1}


def best_of_a_linear_model() -> Any:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((40, 3)), rng.standard_normal((40, 2))
    net = mlp.Network([mlp.Dense(3, 2)], rng=0)
    net.views[0][...] = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), t, rcond=None)[0].T
    return net, SE, x, t, {"rate": 0.1}


def valley() -> Any:
    first = X[Y < 2]
    net = mlp.Network([mlp.Dense(4, 2)], rng=0)
    train(net, CE, first, Y[Y < 2], mlp.SGD(0.5), 400)
    return net, CE, first, Y[Y < 2], {"rate": 0.5}


def descending() -> Any:
    net = iris(mlp.GELU())
    train(net, CE, X, Y, mlp.SGD(0.05), 60, 16)
    return net, CE, X, Y, {"rate": 0.05, "batch_size": 16}


def too_low_a_rate() -> Any:
    return iris(), CE, X, Y, {"rate": 1e-6}


def noise_floor() -> Any:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((120, 3))
    t = np.sin(x[:, :1]) + 0.5 * rng.standard_normal((120, 1))
    net = mlp.Network([mlp.Dense(3, 6), mlp.Tanh(), mlp.Dense(6, 1)], rng=0)
    state = train(net, SE, x, t, mlp.Momentum(0.1), 2000, 2)
    return net, SE, x, t, {"rate": 0.1, "batch_size": 2, "rule": mlp.Momentum(0.1), "state": state}


def bouncing() -> Any:
    """Absolute error: steps of one length around the best answer."""
    x = np.random.default_rng(0).standard_normal((41, 2))
    net = mlp.Network([mlp.Dense(2, 1)], rng=0)
    t = x @ np.array([[1.0], [2.0]])
    train(net, mlp.AbsoluteError(), x, t, mlp.SGD(0.3), 400)
    return net, mlp.AbsoluteError(), x, t, {"rate": 0.3}


KNOWN = {
    saddle: "saddle",
    saddle_that_nothing_points_out_of: "saddle",
    degenerate_saddle: "saddle",
    plateau: "plateau",
    local_minimum: "local_minimum",
    global_minimum: "global_minimum",
    best_of_a_linear_model: "global_minimum",
    valley: "valley",
    descending: "descending",
    too_low_a_rate: "descending",
    noise_floor: "noise_floor",
    bouncing: "bouncing",
}


@cache
def made(make: Any) -> Any:
    return make()


@cache
def point(make: Any, **more: Any) -> Point:
    net, loss, x, t, told = made(make)
    return classify_point(net, loss, x, t, **{**told, **more})


@pytest.mark.parametrize("make", KNOWN, ids=lambda make: make.__name__)
def test_a_point_is_named_for_what_it_is(make: Any) -> None:
    found = point(make)
    assert found.kind == KNOWN[make], found
    assert "\n" not in found.why and found.why[-1] != "."


@pytest.mark.parametrize("make", [saddle, plateau, local_minimum, valley, bouncing], ids=lambda make: make.__name__)
def test_a_point_is_the_same_in_single_precision(make: Any) -> None:
    net, loss, x, t, told = made(make)
    narrow = mlp.Network(net.layers, dtype=np.float32)
    narrow.params[...] = net.params
    assert classify_point(narrow, loss, x.astype(np.float32), t, **told).kind == KNOWN[make]


def test_numbers_stand_with_the_name() -> None:
    found = point(saddle)
    assert found.least < -found.tolerance < 0 < found.largest
    assert found.reference == pytest.approx(np.log(3)) and found.floor == pytest.approx(0)
    assert found.sharpness == 0.05 * found.largest
    assert found.rows == 150 and found.products > 0
    assert found.unseen.startswith("the run's own pace, layers that are cut off, higher rates, a trust region, ")
    assert found.unseen.endswith("random pushes")
    assert point(plateau).layers == ("dense1",)
    assert point(saddle_that_nothing_points_out_of).escape_steps == np.inf
    assert str(found).startswith("saddle: the curvature is negative")


def test_what_was_not_looked_at_is_not_printed_as_a_number() -> None:
    """A global minimum is known by its loss: no eigenvalue was asked for, and NaN stood in the place of each."""
    net = mlp.Network([mlp.Dense(2, 1)], rng=0)
    net.params[...] = 0, 0, 1
    found = classify_point(net, SE, np.eye(2), np.ones((2, 1)), rule=mlp.SGD(0.1))
    assert found.kind == "global_minimum" and np.isnan(found.least)
    assert "no eigenvalue was needed; 0 products" in str(found) and "nan" not in str(found)


@pytest.mark.parametrize("rule", [mlp.SGD(0.05), mlp.Momentum(0.01), mlp.Adam(1e-3)], ids=repr)
def test_the_escape_time_is_the_time_that_it_takes(rule: Any) -> None:
    """Also for a rule that has a memory already; the truth is a run of it."""
    net = iris(mlp.Softsign(), 1e-3)
    state = train(net, CE, X, Y, rule, 10)
    found = classify_point(net, CE, X, Y, rule=rule, state=copy.deepcopy(state))
    goal = found.loss - 0.05 * (found.loss - found.floor)
    steps = mlp.train(net, mlp.batches(X, Y, None, epochs=10**6), CE, rule, state=state)
    assert found.escape_steps == pytest.approx(next(step.index for step in steps if step.loss <= goal), rel=0.05)


@pytest.mark.parametrize(("known", "low", "high"), [(saddle(), 0.8, 1.2), (degenerate_saddle(0.3), 1.0, 10)])
def test_the_model_alone_foretells_a_strict_saddle_and_bounds_a_degenerate_one(
    known: Any, low: float, high: float
) -> None:
    """Without a trial, as for long escapes. Where curvature grows on the way, the truth is earlier."""
    net, loss, x, t, told = known
    surface = Surface(net, loss, x, t)
    ritz = lanczos(surface.times, surface.grad, 20)
    goal = 0.05 * (surface.value - scale(loss, surface.batch, net.n_out).floor)
    moving = motion(mlp.SGD(told["rate"]), None, told["rate"])
    assert moving is not None
    foretold = escape(ritz.values, ritz.vectors.T @ surface.grad, moving, goal)
    took = steps_until(surface, mlp.SGD(told["rate"]), None, told["rate"], surface.value - goal, 30000)
    assert low <= foretold.steps / took <= high
    assert foretold.share > 0.9


def test_a_budget_decides_whether_a_rate_is_too_low() -> None:
    """Time is what tells: the same steps are a descent for who has a million of them."""
    assert "too low" in point(too_low_a_rate).why
    assert "will be gained" in point(too_low_a_rate, budget=10**7).why


def test_the_losses_of_the_latest_steps_tell_a_slow_fall_from_noise() -> None:
    """Minibatches that fall by a tenth in a budget, under noise that a few hundred steps cannot see through."""
    rng = np.random.default_rng(0)
    x, net = rng.standard_normal((100, 3)), mlp.Network([mlp.Dense(3, 1)], rng=0)
    t = x @ [[1.0], [1.0], [1.0]] + 2 * rng.standard_normal((100, 1))
    told: dict[str, Any] = {"rate": 1e-3, "batch_size": 1, "budget": 600}
    losses = 4 - 0.0005 * np.arange(1200) + 0.3 * rng.standard_normal(1200)
    assert classify_point(net, SE, x, t, losses=list(losses), **told).kind == "descending"


@pytest.mark.parametrize("rule", [None, mlp.Momentum(1e6)])
@pytest.mark.parametrize("size", [None, 20])
def test_a_rate_at_which_everything_flies_apart_is_no_noise_of_minibatches(rule: Any, size: int | None) -> None:
    """Six quarterings of such a rate fly apart too, so that no lower one was seen to be better."""
    found = classify_point(iris(), CE, X, Y, rate=1e6, rule=rule, batch_size=size)
    assert found.kind == "bouncing"


def test_a_fall_that_is_over_at_once_is_no_noise_of_minibatches() -> None:
    """Levels on minibatches were compared with each other, a fifth of the steps on, and not with where they began."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 2))
    t = x @ [[1.0], [2.0]]
    net = mlp.Network([mlp.Dense(2, 1)], rng=0)
    found = classify_point(net, SE, x, t + 0.1 * rng.standard_normal((120, 1)), rate=0.05, batch_size=10, budget=2000)
    assert found.kind == "descending"


def test_a_question_leaves_everything_as_it_is() -> None:
    layers = [mlp.Dense(4, 6), mlp.BatchNorm(), mlp.Tanh(), mlp.Dropout(0.3), mlp.Dense(6, 3)]
    net = mlp.Network(layers, rng=0, dtype=np.float32)
    rule = mlp.Adam(0.01)
    state = train(net, CE, X.astype(np.float32), Y, rule, 5, 16)
    kept = net.params.copy(), net.statistics.copy(), copy.deepcopy(state), copy.deepcopy(net.rng)
    one, two = (classify_point(net, CE, X, Y, batch_size=16, rule=rule, state=state, rng=4) for _ in range(2))
    assert repr(one) == repr(two)
    assert (net.params == kept[0]).all() and (net.statistics == kept[1]).all()
    assert (state.m == kept[2].m).all() and (state.v == kept[2].v).all() and state.t == kept[2].t
    assert net.rng.random() == kept[3].random()
    assert "the noise of the layers; batch norm in use, with a loss of" in one.unseen


def test_a_part_of_many_rows_is_looked_at_and_said() -> None:
    found = classify_point(iris(), CE, X, Y, rate=0.1, rows=40)
    assert found.rows == 40 and "110 other rows" in found.unseen


def test_one_row_and_one_parameter_are_points_too() -> None:
    assert classify_point(iris(), SE, X[:1], np.eye(3)[Y[:1]]).kind == "descending"

    class Scale(mlp.Layer):
        """y = θ x, with one parameter."""

        n_in = n_out = n_params = 1

        def settled(self, n_in: int, following: Any) -> Any:
            return self

        def init(self, params: Any, statistics: Any, rng: Any) -> None:
            params.fill(2.0)

        def forward(self, params: Any, x: Any, y: Any, scratch: Any) -> None:
            np.multiply(params[..., None], x.values, out=y.values)

        def backward(self, params: Any, x: Any, y: Any, d_y: Any, scratch: Any, grad: Any, d_x: Any) -> None:
            np.sum(d_y * x.values, axis=-1, out=grad)

        def forward_along(self, params: Any, v: Any, x: Any, r_x: Any, y: Any, scratch: Any, r_y: Any) -> None:
            np.multiply(v[..., None], x.values, out=r_y)

        def backward_along(
            self, params: Any, v: Any, x: Any, r_x: Any, y: Any, r_y: Any, d_y: Any, r_d_y: Any, scratch: Any,
            r_grad: Any, r_d_x: Any,
        ) -> None:  # fmt: skip
            np.sum(r_d_y * x.values, axis=-1, out=r_grad)

    found = classify_point(mlp.Network([Scale()]), SE, X[:, :1], 2 * X[:, :1] + 0.1)
    assert found.kind == "local_minimum"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"rate": -0.1}, "rate = -0.1 cannot be: it must be a finite number above 0"),
        ({"batch_size": 0}, "batch_size = 0 cannot be"),
        ({"budget": 1.5}, "budget = 1.5 cannot be"),
        ({"rows": 0}, "rows = 0 cannot be"),
        ({"rule": "adam"}, "rule = 'adam' cannot be: it must be an optimizer"),
        ({"state": mlp.SGD().init(np.zeros(51))}, "state = 'State' cannot be: it must be given with the rule"),
        ({"losses": "falling"}, "losses = 'falling' cannot be: it must be numbers"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(more: dict[str, Any], said: str) -> None:
    with pytest.raises(mlp.MLPError) as error:
        classify_point(iris(), CE, X, Y, **more)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_data_that_do_not_fit_are_refused() -> None:
    for x, t, kind in (
        (X[:, :2], Y, mlp.ShapeError),
        (X, Y[:9], mlp.DataError),
        (X[0], Y, mlp.ShapeError),
        (X, Y + 1, mlp.DataError),
    ):
        with pytest.raises(kind):
            classify_point(iris(), CE, x, t)


def test_which_models_have_no_minimum_but_the_global_one() -> None:
    deep, narrow = ([mlp.Dense(4, n), mlp.Dense(n, 3)] for n in (3, 2))
    assert all_minima_are_global(mlp.Network([mlp.Dense(4, 3, l2=0.1)]), CE)
    assert all_minima_are_global(mlp.Network(deep), CE)
    assert all_minima_are_global(mlp.Network(narrow), SE) and not all_minima_are_global(mlp.Network(narrow), CE)
    assert not all_minima_are_global(mlp.Network([mlp.Dense(4, 3, l2=0.1), mlp.Dense(3, 3)]), SE)
    assert not all_minima_are_global(iris(), SE)
    assert not all_minima_are_global(mlp.Network([mlp.Dense(4, 3)]), mlp.Focal())

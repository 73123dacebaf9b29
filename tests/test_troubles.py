"""Rules in trouble: no gradient, no curvature, one parameter, numbers at the end of their range. They do not fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import RESTLESS, SEARCHING
from cases import RULES as FOLLOWING

import mlp
from mlp.objective import Factors
from mlp.optimizers import OPTIMIZERS

BY_NETWORK = {"bayesian_regularization": mlp.BayesianRegularization(), "kfac": mlp.KFAC()}
RULES: dict[str, mlp.Optimizer] = FOLLOWING | SEARCHING | BY_NETWORK
EVERY = pytest.mark.parametrize("name", RULES)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
RATED = sorted(name for name, kind in OPTIMIZERS.items() if not kind.single_network)


class Function:
    """½ c ‖θ - θ*‖² + s Σθ, with everything that a rule may ask for. `at`: the present parameters."""

    def __init__(self, curvature: float = 0.0, minimum: float = 1.0, slope: float = 0.0) -> None:
        self.curvature, self.minimum, self.slope, self.at = curvature, minimum, slope, np.empty(0)

    @property
    def n_residuals(self) -> int:
        return int(self.at.shape[-1])

    def value(self, params: np.ndarray) -> Any:
        return (0.5 * self.curvature * (params - self.minimum) ** 2 + self.slope * params).sum(-1)

    def value_and_grad(self, params: np.ndarray, out: np.ndarray) -> Any:
        out[...] = self.curvature * (params - self.minimum) + self.slope
        return self.value(params)

    shares = np.ones(1)  # of one sample

    def hvp(self, v: np.ndarray, out: np.ndarray) -> None:
        out[...] = self.curvature * v

    gnvp = hvp

    def root_jacobian(self, out: np.ndarray) -> None:
        out[...] = self.curvature**0.5 * np.eye(self.n_residuals)

    def jacobian(self, out: np.ndarray) -> np.ndarray:
        self.root_jacobian(out)
        return np.asarray(self.curvature**0.5 * (self.at - self.minimum), out.dtype)

    def kronecker(self) -> list[Factors]:
        n, dtype = self.n_residuals, self.at.dtype
        signals = (self.curvature**0.5 * np.eye(n)).astype(dtype)
        return [Factors(slice(0, n), np.ones((1, 1), dtype), signals[:, :, None])]


FLAT, BOWL, SLOPE = Function(), Function(1.0), Function(slope=1.0)


@np.errstate(all="ignore")  # as `train` calls a rule
def moved(rule: mlp.Optimizer, start: np.ndarray, functions: list[Any]) -> np.ndarray:
    """Where a rule comes to from `start`, an update on each of these functions."""
    params, state, out, grad = start.copy(), rule.init(start), np.empty_like(start), np.empty_like(start)
    for function in functions:
        function.at = params
        loss = function.value_and_grad(params, grad)
        rule.update(mlp.Evaluation(params, loss, grad, function), state, out)
        params += out
    return params


@pytest.mark.parametrize("n", [1, 3])
@DTYPES
@EVERY
def test_a_gradient_of_zero_at_first_or_on_the_way_stops_nobody(name: str, dtype: Any, n: int) -> None:
    """Conjugate gradients took the slope of the step before for the length of the next: 0, and two points of a line
    search were one. BoldDriver went back to where a flat loss had been 0, for ever."""
    start = np.zeros(n, dtype)
    for functions in ([FLAT, *[BOWL] * 40], [*[BOWL] * 3, FLAT, FLAT, *[BOWL] * 40]):
        end = moved(RULES[name], start, functions)
        if name == "bayesian_regularization":  # has a minimum of its own
            assert np.isfinite(end).all()
        else:
            assert BOWL.value(end) < BOWL.value(start)


@DTYPES
@pytest.mark.parametrize("name", sorted(set(RULES) - {"bayesian_regularization"} - RESTLESS))
def test_where_there_is_never_a_gradient_nothing_moves(name: str, dtype: Any) -> None:
    start, minimum = np.array([0.5, -2, 3], dtype), np.ones(3, dtype)
    np.testing.assert_array_equal(moved(RULES[name], start, [FLAT] * 30), start)
    np.testing.assert_array_equal(moved(RULES[name], minimum, [BOWL] * 30), minimum)


@pytest.mark.parametrize("n", [1, 3])
@DTYPES
@EVERY
def test_a_loss_without_curvature_is_followed_down(name: str, dtype: Any, n: int) -> None:
    start = np.zeros(n, dtype)
    end = moved(RULES[name], start, [SLOPE] * 10)
    assert SLOPE.value(end) <= SLOPE.value(start)


EXPONENTS = {np.float32: (-44, -38, -30, -20, 18, 30, 38), np.float64: (-323, -300, -200, -150, 150, 200, 300)}


@DTYPES
@EVERY
def test_gradients_of_any_size_end_in_no_error(name: str, dtype: Any) -> None:
    """Rules that search never end higher; others may, where η times such a gradient is far too long."""
    rule = OPTIMIZERS.get(name, mlp.SGD)
    start, searches = np.zeros(3, dtype), rule.single_network and name != "bayesian_regularization"
    for exponent in EXPONENTS[dtype]:
        size = dtype(10.0**exponent)
        for function in (Function(size), Function(slope=size)):
            end = moved(RULES[name], start, [function] * 6)
            with np.errstate(over="ignore"):
                assert not searches or function.value(end) <= function.value(start)
            assert exponent > 0 or np.isfinite(end).all()


@DTYPES
@pytest.mark.parametrize("name", sorted(set(FOLLOWING) - RESTLESS))
def test_a_member_without_a_gradient_stays_and_the_others_go_their_way(name: str, dtype: Any) -> None:
    class Partly(Function):
        """A bowl for all members but the second, for which it is flat."""

        share = np.array([[1.0], [0.0], [1.0]], dtype)

        def value(self, params: np.ndarray) -> Any:
            return super().value(params) * self.share[:, 0]

        def value_and_grad(self, params: np.ndarray, out: np.ndarray) -> Any:
            super().value_and_grad(params, out)
            out *= self.share
            return self.value(params)

        def hvp(self, v: np.ndarray, out: np.ndarray) -> None:
            np.multiply(v, self.share, out=out)

    start = np.array([[0, 0.5, 2], [0.1, 0.2, 0.3], [3, 0, -1]], dtype)
    end = moved(FOLLOWING[name], start, [Partly(1.0)] * 12)
    np.testing.assert_array_equal(end[1], start[1])
    for i in (0, 2):
        alone = moved(FOLLOWING[name], start[i], [BOWL] * 12)
        np.testing.assert_allclose(end[i], alone, rtol=1e-4 if dtype == np.float32 else 1e-9)  # sums in another order


# training with rates that no number of float32, or none at all, stands for


def network(dtype: Any) -> tuple[mlp.Network, mlp.Batch]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 2))
    net = mlp.Network([mlp.Dense(2, 3), mlp.Tanh(), mlp.Dense(3, 1)], rng=0, dtype=dtype)
    return net, mlp.as_batch(X.astype(dtype), X.prod(1, keepdims=True).astype(dtype), dtype=dtype)


@DTYPES
@pytest.mark.parametrize("name", RATED)
def test_training_at_any_rate_warns_nobody(name: str, dtype: Any) -> None:
    """1e39 has no place in float32: the cast warned, where a rule keeps a rate for each parameter."""
    for rate in (1e-300, 1e-45, 1e39, 1e150, 1e300):
        net, batch = network(dtype)
        rule: Any = OPTIMIZERS[name](learning_rate=rate)  # type: ignore[call-arg]
        assert len([0 for _ in mlp.Recorder().tap(mlp.train(net, [batch] * 4, mlp.SquaredError(), rule))]) == 4


@DTYPES
@pytest.mark.parametrize("number", [1e-300, 1e300])
def test_wrappers_with_any_number_warn_nobody(number: float, dtype: Any) -> None:
    rules = [
        mlp.ClipNorm(mlp.SGD(), number), mlp.ClipValue(mlp.SGD(), number), mlp.SAM(mlp.SGD(), number),
        mlp.GradientNoise(mlp.SGD(), number),
        mlp.Lookahead(mlp.SGD(), 2, number), mlp.MaxNorm(mlp.SGD(), number, ((slice(0, 9), (3, 3)),)),
        mlp.MovingAverage(mlp.SGD(number)), mlp.Frozen(mlp.SGD(number), (slice(0, 3),)),
    ]  # fmt: skip
    for rule in rules:
        net, batch = network(dtype)
        assert len([0 for _ in mlp.train(net, [batch] * 4, mlp.SquaredError(), rule)]) == 4


def told(name: str, rate: float, dtype: str) -> list[str]:
    """The kinds of all alarms of a run on 24 rows."""
    X = np.random.default_rng(0).standard_normal((24, 2))
    config = {
        "network": {"hidden": [4]}, "optimizer": {"name": name, "learning_rate": rate},
        "training": {"epochs": 6, "dtype": dtype, "batch_size": 8}, "record": {"probe": "never"},
    }  # fmt: skip
    run = mlp.run(config, (X, (X.prod(1) > 0).astype(int)))
    return [finding.kind for finding in run.findings if finding.severity != "info"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sgd", "adam", "sign_sgd", "lars", "muon", "adadelta", "delta_bar_delta", "prodigy"])
def test_a_run_at_a_hopeless_rate_says_what_happened(name: str, dtype: str) -> None:
    """Losses that end at a finite 1e177 have diverged as well as those that are none."""
    assert "no_progress" in told(name, 1e-300, dtype)
    assert "divergence" in told(name, 1e20, dtype)
    assert "divergence" in told(name, 1e300, dtype)

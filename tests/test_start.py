"""How a network began: twins among its units, the size of its weights, noted once and no more."""

from __future__ import annotations

from collections.abc import Iterator
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import initializers
from mlp.experiment import begin, watch_epochs
from mlp.instruments import START, start

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 4)), RNG.integers(0, 3, 40)


def steps(layers: list[mlp.Layer], weights: list[Any] | None = None, t: Any = Y, n: int = 3, rate: float = 0.1) -> Any:
    """Steps of a network, with the weights of its dense layers in place of drawn ones."""
    net = mlp.Network(layers, rng=0)
    blocks = [view for view, layer in zip(net.views, net.layers, strict=True) if isinstance(layer, mlp.Dense)]
    for view, value in zip(blocks, weights or (), strict=False):
        view[...] = value
    loss = mlp.SoftmaxCrossEntropy() if np.asarray(t).dtype.kind == "i" else mlp.SquaredError()
    return mlp.train(net, mlp.batches(X, t, None, epochs=n), loss, mlp.SGD(rate))


def first(*given: Any, **more: Any) -> mlp.Step:
    found: mlp.Step = next(iter(steps(*given, **more)))
    return found


TWO = [mlp.Dense(4, 3), mlp.Tanh(), mlp.Dense(3, 3)]


def units(fed: list[int], read: list[int]) -> list[Any]:
    """Weights of three hidden units: those with equal numbers are fed, or read, alike."""
    kinds = np.random.default_rng(1).standard_normal((3, 5)), np.random.default_rng(2).standard_normal((3, 3))
    return [kinds[0][fed], np.hstack([kinds[1][read].T, np.zeros((3, 1))])]


@pytest.mark.parametrize(
    ("fed", "read", "share"),
    [
        ([0, 1, 2], [0, 1, 2], 0.0),
        ([0, 0, 0], [0, 0, 0], 1.0),
        ([0, 0, 0], [0, 1, 2], 0.0),  # alike today, and no more after one step
        ([0, 1, 2], [0, 0, 0], 0.0),
        ([0, 0, 1], [0, 0, 1], 2 / 3),
        ([0, 0, 1], [1, 1, 1], 2 / 3),
        ([0, 0, 0], [0, 0, 1], 2 / 3),
    ],
)
def test_units_are_twins_if_they_are_fed_and_read_alike(fed: list[int], read: list[int], share: float) -> None:
    assert start.identical_units(first(TWO, units(fed, read))) == pytest.approx([share])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_twins_stay_twins_and_others_do_not_become_them(share: float) -> None:
    """What the share is for: after thirty steps the units of a layer of twins are still equal to the last bit."""
    net = None
    for step in steps(TWO, units([0, 0, 0], [0, 0, 0] if share else [0, 1, 2]), n=30):
        net = step.network
    assert net is not None
    rows = np.unique(net.views[0], axis=0)
    assert len(rows) == (1 if share else 3)


def test_a_bias_tells_units_apart() -> None:
    weights = units([0, 0, 0], [0, 0, 0])
    weights[0] = weights[0].copy()
    weights[0][:, -1] = [0.0, 0.1, 0.2]
    assert start.identical_units(first(TWO, weights)) == [0.0]


def test_one_unit_is_nobodys_twin() -> None:
    assert start.identical_units(first([mlp.Dense(4, 1), mlp.Tanh(), mlp.Dense(1, 3)])) == [0.0]


def test_the_last_layer_and_a_single_weight_are_left_out() -> None:
    step = first([mlp.Dense(4, 1), mlp.Tanh(), mlp.Dense(1, 1), mlp.Tanh(), mlp.Dense(1, 3)])
    assert start.dense(step) == ("dense1", "dense3")
    assert start.hidden(step) == ("dense1",)
    assert start.hidden(first([mlp.Dense(4, 3)])) == ()


# sizes


N_IN, N_OUT = 60, 50


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("activation", "init", "gain"),
    [
        (mlp.ReLU(), "he_normal", 1.0),
        (mlp.ReLU(), "he_uniform", 1.0),
        (mlp.LeakyReLU(), "he_normal", 1.0),
        (mlp.Tanh(), "lecun_normal", 1.0),
        (mlp.SELU(), "lecun_normal", 1.0),
        (mlp.Tanh(), "he_normal", sqrt(2)),
        (mlp.ReLU(), "lecun_normal", sqrt((N_IN + N_OUT) / (2 * N_IN))),  # halfway between both directions
        (mlp.Tanh(), initializers.Normal(1.0), sqrt(N_IN)),
        (mlp.ReLU(), initializers.Normal(0.01), 0.01 * sqrt((N_IN + N_OUT) / 2)),
    ],
    ids=str,
)
def test_weights_of_the_right_size_have_gain_1(activation: mlp.Layer, init: Any, gain: float, seed: int) -> None:
    """Of n weights the root of the mean square is off by 1/√(2n): 4 of these errors, n = 3000."""
    net = mlp.Network([mlp.Dense(N_IN, N_OUT, init), activation, mlp.Dense(N_OUT, 3)], rng=seed)
    rows = np.random.default_rng(seed).standard_normal((10, N_IN))
    step = next(mlp.train(net, mlp.batches(rows, Y[:10], None), mlp.SoftmaxCrossEntropy(), mlp.SGD(1e-9)))
    found = start.weight_gain(step)[0]
    assert found == pytest.approx(gain, rel=4 / sqrt(2 * N_IN * N_OUT))


def test_sizes_by_worked_numbers() -> None:
    """Rows (1, 1, 1, 1 | 2) and (-1, -1, -1, -1 | 4): root mean square 1, so gain √(4·1) = 2, deviation 1, bias 3."""
    layers = [mlp.Dense(4, 2), mlp.Tanh(), mlp.Dense(2, 3)]
    step = first(layers, [[[1, 1, 1, 1, 2], [-1, -1, -1, -1, 4]]])
    assert start.weight_gain(step)[0] == pytest.approx(2, rel=1e-12)
    assert start.weight_std(step)[0] == pytest.approx(1, rel=1e-12)
    assert start.bias_mean(step)[0] == pytest.approx(3, rel=1e-12)
    layers[1] = mlp.ReLU()
    assert start.weight_gain(first(layers, [[[1, 1, 1, 1, 2], [-1, -1, -1, -1, 4]]]))[0] == pytest.approx(sqrt(2))


def test_sizes_are_those_before_the_first_update() -> None:
    """A rate of 100 has moved the parameters far when the step is seen."""
    step = first(TWO, units([0, 1, 2], [0, 1, 2]), rate=100.0)
    assert start.weight_std(step)[0] == pytest.approx(units([0, 1, 2], [0, 1, 2])[0][:, :-1].std(), rel=1e-12)


def test_the_loss_of_a_guess_is_known_for_labels_alone() -> None:
    assert start.guess_loss(first(TWO)) == log(3)
    assert np.isnan(start.guess_loss(first(TWO, t=RNG.standard_normal((40, 3)))))
    assert np.isnan(start.guess_loss(first([mlp.Dense(4, 1)], t=RNG.standard_normal(40))))


# once


def tapped(recorder: mlp.Recorder, run: Iterator[mlp.Step]) -> mlp.History:
    for _ in recorder.tap(run):
        pass
    return recorder.history


NAMES = [instrument.name for instrument in START]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_noted_once_at_the_first_step(name: str) -> None:
    history = tapped(mlp.Recorder(), steps(TWO))
    assert history.steps(name).tolist() == [0]
    assert len(history[name]) == 1


def test_going_on_does_not_note_it_again(tmp_path: Path) -> None:
    recorder = mlp.Recorder()
    began = tapped(recorder, steps(TWO))
    before = {name: began[name] for name in NAMES}
    history = tapped(recorder, steps(TWO, units([0, 0, 0], [0, 0, 0])))
    assert history.steps("loss").tolist() == list(range(6))
    history.save(tmp_path / "h.npz")
    again = mlp.Recorder()
    again.history = mlp.History.load(tmp_path / "h.npz")
    history = tapped(again, steps(TWO, units([0, 0, 0], [0, 0, 0])))
    assert history.steps("loss").tolist() == list(range(9))
    for name in NAMES:
        assert history.steps(name).tolist() == [0]
        np.testing.assert_array_equal(history[name], before[name])


def test_what_the_survey_has_noted_stays_and_is_no_step() -> None:
    """The recorder took the survey's note for a step that was made, and counted all others from 1."""
    setup, state = begin({"training": {"epochs": 2}}, (X, Y))
    list(watch_epochs(setup, state))
    history = state.history
    assert history.steps("loss").tolist() == list(range(state.steps))
    assert all(history.steps(name).tolist() == [0] for name in NAMES)


def test_a_bare_recording_is_judged_by_how_it_began() -> None:
    """Without an experiment there is no survey: what the recorder notes is enough for equal weights."""
    history = tapped(mlp.Recorder(), steps(TWO, units([0, 0, 0], [0, 0, 0])))
    assert "symmetric_units" in {finding.kind for finding in mlp.diagnose(history)}
    found = mlp.diagnose(tapped(mlp.Recorder(), steps(TWO, n=200, rate=0.5)))
    assert {finding.kind for finding in found} <= {"unfinished"}  # the loss still fell


@pytest.mark.parametrize("population", [(2,), (2, 3)], ids=str)
def test_of_a_population_it_is_the_first_that_is_noted(population: tuple[int, ...]) -> None:
    """Of a nested one the weights of a whole row of networks were once taken for those of one."""
    net = mlp.Network(TWO, rng=0, population=population)
    alone = mlp.Network(TWO, rng=0)
    alone.params[...] = net.params[(0,) * len(population)]
    found = [next(mlp.train(n, mlp.batches(X, Y, None), mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1))) for n in (net, alone)]
    for instrument in START:
        np.testing.assert_allclose(instrument.read(found[0]), instrument.read(found[1]), rtol=1e-12, atol=1e-15)


# what is noted only if there is something to say


class Backward(mlp.Tanh):
    """A slope of the wrong sign, as one writes it by mistake."""

    def slope(self, x: Any, y: Any, scratch: Any, out: Any) -> None:
        super().slope(x, y, scratch, out)
        out *= -1


class Mine(mlp.Tanh):
    """Somebody's own layer, and right."""


class Uphill(mlp.SoftmaxCrossEntropy):
    """A loss with the gradient of its negative."""

    def value_and_grad(self, output: Any, target: Any, weights: Any, d_output: Any) -> Any:
        value = super().value_and_grad(output, target, weights, d_output)
        d_output *= -1
        return value


def noted(layers: list[mlp.Layer], t: Any = Y, loss: Any = None, **more: Any) -> mlp.History:
    net = mlp.Network(layers, rng=0, **more)
    rows = X.astype(net.dtype)
    loss = loss or (mlp.SoftmaxCrossEntropy() if t.dtype.kind == "i" else mlp.SquaredError())
    return tapped(mlp.Recorder(), mlp.train(net, mlp.batches(rows, t, None, epochs=30), loss, mlp.SGD(0.01)))


def wrong(history: mlp.History) -> bool:
    return "wrong_gradient" in {finding.kind for finding in mlp.diagnose(history)}


@pytest.mark.parametrize("more", [{}, {"population": (3,)}, {"dtype": np.float32}], ids=str)
def test_a_slope_that_is_none_is_noticed_without_an_experiment(more: Any) -> None:
    """By hand nothing said so: the loss falls all the same, led by the last layer."""
    history = noted([mlp.Dense(4, 8), Backward(), mlp.Dense(8, 3)], **more)
    error = dict(zip(history.labels("gradient_error"), history["gradient_error"][0], strict=True))
    assert error["dense1"] > 0.1 and error["dense2"] < 1e-6
    assert wrong(history)


def test_one_inside_a_residual_block_too() -> None:
    layers = [mlp.Dense(4, 8), mlp.Residual([mlp.Dense(8, 8), Backward(), mlp.Dense(8, 8)]), mlp.Dense(8, 3)]
    assert wrong(noted(layers))


def test_a_loss_with_the_gradient_of_its_negative_is_noticed() -> None:
    assert wrong(noted(TWO, loss=Uphill()))


def test_a_layer_of_ones_own_that_is_right_alarms_nobody() -> None:
    history = noted([mlp.Dense(4, 8), Mine(), mlp.Dense(8, 3)])
    assert history["gradient_error"].max() < 1e-6
    assert not wrong(history)


def test_layers_of_the_library_are_not_checked_again() -> None:
    assert "gradient_error" not in noted(TWO)


def test_the_end_is_judged_without_an_experiment() -> None:
    """A softmax of one output, targets out of reach, a softmax before a loss that has one of its own."""
    one = noted([mlp.Dense(4, 1), mlp.Softmax()], X[:, :1])
    assert one["constant_output"].tolist() == [1] and "squashed_twice" not in one
    assert noted([*TWO, mlp.Softmax()])["squashed_twice"].tolist() == [1]
    far = np.array([[0.5], [2.0], [-1.0], [0.9]] * 10)
    reach = noted([mlp.Dense(4, 1), mlp.Sigmoid()], far)
    assert reach["out_of_reach"].tolist() == [0.5]
    kinds = [{f.kind for f in mlp.diagnose(history)} for history in (one, reach)]
    assert all("output_loss_mismatch" in found for found in kinds)
    found = noted(TWO)
    assert not [name for name in ("constant_output", "squashed_twice", "out_of_reach") if len(found.get(name, ()))]


def test_sizes_are_root_mean_squares() -> None:
    history = noted([mlp.Dense(4, 2)], np.array([[3.0, 0.0], [-3.0, 4.0]] * 20))
    assert history["input_size"][0] == pytest.approx(sqrt((X**2).sum() / X.size))
    assert history["target_size"].tolist() == [3.0]
    assert "target_size" not in noted(TWO)


def test_inputs_of_an_odd_size_are_named_without_an_experiment() -> None:
    net = mlp.Network([mlp.Dense(4, 8), mlp.ReLU(), mlp.Dense(8, 3)], rng=0)
    run = mlp.train(net, mlp.batches(100 * X, Y, 8, epochs=20), mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1))
    found = mlp.diagnose(tapped(mlp.Recorder(), run))
    assert found and found[0].causes[0].name == "unscaled_inputs"

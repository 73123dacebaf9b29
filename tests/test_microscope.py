"""The microscope: what is recorded is the run, what is written out adds up, and what is wrong is seen."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.microscope import GradientCheck
from mlp.microscope.activation_formulas import ACTIVATION_FORMULAS
from mlp.microscope.graph import build_graph
from mlp.microscope.lines import Line, step_lines
from mlp.microscope.loss_formulas import LOSS_FORMULAS
from mlp.microscope.numbers import numbers_of
from mlp.microscope.presets import PRESETS
from mlp.microscope.recording import Recording, record
from mlp.microscope.rule_formulas import RULE_FORMULAS

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([[0.0], [1.0], [1.0], [0.0]])


def build(activation: type[mlp.Layer] = mlp.Sigmoid, n_out: int = 1, **dense: float) -> mlp.Network:
    layers = [mlp.Dense(2, 3, **dense), activation(), mlp.Dense(3, 2), activation(), mlp.Dense(2, n_out)]
    return mlp.Network(layers, rng=4)


def xor() -> Recording:
    (found,) = PRESETS["xor"].record(200)
    return found


def wrong_lines(lines: Iterator[Line]) -> list[Line]:
    return [line for line in lines if not line.adds_up]


# recorded


@pytest.mark.parametrize("rule", [mlp.SGD(10.0), mlp.Adam(0.1)])
def test_what_is_recorded_is_the_run_bit_for_bit(rule: mlp.Optimizer) -> None:
    """Recording, and the detectors beside it, change nothing; rows are not shuffled, so columns are the samples."""
    network, again = build(), build()
    found = record(network, X, T, mlp.SquaredError(), rule, 30)
    steps = mlp.train(again, mlp.batches(X, T, size=None, rng=None, epochs=30), mlp.SquaredError(), rule)
    for step in steps:
        numbers = found.numbers(step.index)
        assert numbers.value == step.loss
        assert np.array_equal(numbers.grad, step.workspace.grad)
        assert np.array_equal(numbers.update, step.update)
        assert np.array_equal(found.arrays["params"][step.index], again.params)
        for mine, nodes in zip(numbers.values, step.workspace.nodes, strict=True):
            assert np.array_equal(mine, nodes.values)
        for mine, theirs in zip(numbers.derivatives, step.workspace.d_nodes, strict=True):
            assert mine is None if theirs is None else np.array_equal(mine, theirs)


def test_the_network_is_left_as_it_was() -> None:
    network = build()
    before = network.params.copy()
    record(network, X, T, mlp.SquaredError(), mlp.SGD(1.0), 5)
    assert np.array_equal(network.params, before)


# adds up


def test_every_line_of_every_step_of_xor_adds_up() -> None:
    recording = xor()
    lines = [line for k in range(200) for line in step_lines(recording.numbers(k))]
    assert len(lines) == 200 * (4 * 4 * 4 + 13 * 3)  # 4 nodes × 4 lines × 4 samples, 13 weights × 3 lines
    assert not wrong_lines(iter(lines))


@pytest.mark.parametrize("name", ["grad", "update", "params", "y1", "y2", "y4", "d1", "d2", "d4"])
def test_a_number_that_is_off_by_1e_9_is_seen(name: str) -> None:
    """Of every number that is recorded: a check that cannot fail proves nothing."""
    recording = xor()
    array = recording.arrays[name]
    for place in range(array[60].size):
        changed = array.copy()
        changed[60].reshape(-1)[place] += 1e-9
        bad = replace(recording, arrays={**recording.arrays, name: changed})
        lines = [line for k in (60, 61) for line in step_lines(bad.numbers(k))]
        assert wrong_lines(iter(lines)), place


@pytest.mark.parametrize("activation", ACTIVATION_FORMULAS)
def test_the_lines_of_every_activation_add_up(activation: type[mlp.Layer]) -> None:
    recording = record(build(activation, l1=0.02, l2=0.01), X, T, mlp.SquaredError(), mlp.SGD(0.3), 8)
    assert not [bad for k in range(8) for bad in wrong_lines(step_lines(recording.numbers(k)))]


@pytest.mark.parametrize(
    "loss",
    [
        mlp.SquaredError(),
        mlp.AbsoluteError(),
        mlp.Huber(0.3),
        mlp.SigmoidCrossEntropy(),
        mlp.SigmoidCrossEntropy(0.1),
        mlp.SoftmaxCrossEntropy(),
        mlp.SoftmaxCrossEntropy(0.1),
    ],
)
def test_the_lines_of_every_loss_add_up(loss: mlp.Loss) -> None:
    labels = isinstance(loss, mlp.SoftmaxCrossEntropy)
    recording = record(build(mlp.Tanh, 1 + labels), X, T[:, 0].astype(int) if labels else T, loss, mlp.SGD(0.5), 8)
    assert not [bad for k in range(8) for bad in wrong_lines(step_lines(recording.numbers(k)))]
    assert type(loss) in LOSS_FORMULAS


@pytest.mark.parametrize(
    "rule",
    [mlp.SGD(0.5), mlp.Momentum(0.2, 0.8), mlp.RMSprop(0.01), mlp.RMSprop(0.01, momentum=0.5), mlp.Adam(0.05)],
)
def test_the_lines_of_every_rule_with_a_formula_add_up(rule: mlp.Optimizer) -> None:
    recording = record(build(), X, T, mlp.SquaredError(), rule, 20)
    lines = [line for k in range(20) for line in step_lines(recording.numbers(k), samples=())]
    assert not wrong_lines(iter(lines))
    assert all(line.computed is not None for line in lines if line.name == "Δw")
    assert type(rule) in RULE_FORMULAS


def test_a_rule_without_a_formula_shows_its_update() -> None:
    recording = record(build(), X, T, mlp.SquaredError(), mlp.Nesterov(0.1), 3)
    lines = [line for line in step_lines(recording.numbers(2), samples=()) if line.name == "Δw"]
    assert {line.computed for line in lines} == {None}
    assert sorted(line.value for line in lines) == sorted(recording.arrays["update"][2].tolist())


@pytest.mark.parametrize("name", PRESETS)
def test_the_lines_of_every_preset_add_up(name: str) -> None:
    for recording in PRESETS[name].record(40):
        for k in (0, 13, 39):
            assert not wrong_lines(step_lines(recording.numbers(k)))


@pytest.mark.parametrize("name", PRESETS)
def test_where_to_look_is_there(name: str) -> None:
    """Each address names a step, a sample, a run and a place that the preset has."""
    preset = PRESETS[name]
    recordings = preset.record(2)
    columns = recordings[0].graph.columns
    assert preset.places
    for place in preset.places:
        assert place.step < preset.steps and 1 <= place.sample <= len(recordings[0].X)
        assert place.view in {"forward", "backward", "gradient", "update"} and 1 <= place.run <= len(recordings)
        c, j, *i = map(int, place.at.split("."))
        assert j <= columns[c].n and all(k <= columns[c - 1].n for k in i)


# what presets are for


def findings(name: str) -> set[str]:
    (recording,) = PRESETS[name].record(PRESETS[name].steps)
    return {period.finding.kind for period in recording.periods}


def test_the_presets_show_what_they_say() -> None:
    """The detectors are those of every run, and nobody tells them which preset it is."""
    assert "vanishing_gradients" in findings("tower")
    assert "dead_units" in findings("dead-relu")
    assert "symmetric_units" in findings("saddle")
    assert "saturated_units" in findings("plateau")
    assert "no_progress" in findings("local-minimum")


def test_the_worked_example_has_the_numbers_of_the_lecture_notes() -> None:
    """The 2-2-2 example that is on many blackboards: .593270, .298371, .082167, .358916."""
    (recording,) = PRESETS["worked"].record(1)
    numbers = recording.numbers(0)
    assert numbers.x(1, 0, 0) == pytest.approx(0.593269992, abs=5e-10)
    assert numbers.x(2, 0, 0) == pytest.approx(0.75136507, abs=5e-9)
    assert numbers.value == pytest.approx(0.298371109, abs=5e-10)
    assert numbers.grad[numbers.graph.weight(2, 0, 0)] == pytest.approx(0.082167041, abs=5e-10)
    assert recording.arrays["params"][0][numbers.graph.weight(2, 0, 0)] == pytest.approx(0.35891648, abs=5e-9)
    assert recording.arrays["params"][0][numbers.graph.weight(1, 0, 0)] == pytest.approx(0.149780716, abs=5e-10)


def test_equal_nodes_stay_equal_in_the_saddle() -> None:
    (recording,) = PRESETS["saddle"].record(150)
    hidden = recording.arrays["y2"]
    assert np.array_equal(hidden[:, 0], hidden[:, 1]) and np.array_equal(hidden[:, 1], hidden[:, 2])


def test_dead_nodes_get_no_gradient() -> None:
    (recording,) = PRESETS["dead-relu"].record(60)
    assert not recording.arrays["grad"][:, :12].any()


def test_the_loss_of_too_high_grows() -> None:
    (recording,) = PRESETS["too-high"].record(30)
    loss = recording.arrays["loss"]
    assert (loss[1:] > loss[0]).all() and (np.diff(loss)[8:] > 0).all()
    assert "divergence" in findings("too-high")


# worked steps


def step_of(network: mlp.Network, rule: mlp.Optimizer, loss: mlp.Loss | None = None, k: int = 0) -> mlp.Step:
    loss = loss or mlp.SquaredError()
    steps = mlp.train(network, mlp.batches(X, T, size=None, rng=None, epochs=k + 1), loss, rule)
    return list(steps)[-1]


def test_a_worked_step_adds_up_although_its_weights_are_recovered() -> None:
    """A live step has the weights after it only: before it they are these minus the update, rounded once more."""
    for seed in range(20):
        network = mlp.Network([mlp.Dense(2, 3), mlp.Tanh(), mlp.Dense(3, 1)], rng=seed)
        sheet = mlp.worked_step(step_of(network, mlp.SGD(0.7), k=3))
        assert not wrong_lines(iter(sheet.lines))


def test_a_worked_step_has_every_number_in_every_format() -> None:
    network = build()
    sheet = mlp.worked_step(step_of(network, mlp.SGD(0.5)))
    rows = list(csv.DictReader(io.StringIO(sheet.csv())))
    assert [float(row["value"]) for row in rows] == [line.value for line in sheet.lines]
    assert {row["what"] for row in rows} == {"z", "a", "∂L/∂a", "δ", "∂L/∂w", "Δw", "w + Δw"}
    assert str(sheet) == sheet.text()
    for text in (sheet.text(), sheet.markdown()):
        assert text.count("Σ δ·x") == network.params.size
        assert text.count("Forward, sample") == text.count("Backward, sample") == 4


def test_plain_gradient_descent_is_recognised_and_others_are_told() -> None:
    assert "−η·∂L/∂w" in mlp.worked_step(step_of(build(), mlp.SGD(0.5))).text()
    assert "no formula" in mlp.worked_step(step_of(build(), mlp.Nesterov(0.5), k=2)).text()


def test_sample_weights_count_in_a_worked_step() -> None:
    batch = mlp.as_batch(X, T, np.array([1.0, 2.0, 0.0, 5.0]))
    step = next(mlp.train(build(), [batch], mlp.SquaredError(), mlp.SGD(0.5)))
    assert not wrong_lines(step_lines(numbers_of(step)))


# check mine


def gradient(network: mlp.Network, loss: mlp.Loss, target: Any = T) -> list[np.ndarray]:
    workspace = mlp.Workspace(network, len(X))
    mlp.value_and_grad(network, loss, mlp.as_batch(X, target), workspace)
    return [workspace.grads[0].copy(), workspace.grads[2].copy()]


@pytest.fixture
def square() -> mlp.Network:
    """Two dense layers, the first 2 × 3: transposed, its weights still fit."""
    return mlp.Network([mlp.Dense(2, 2), mlp.Tanh(), mlp.Dense(2, 1), mlp.Sigmoid()], rng=1)


def check(network: mlp.Network, mine: Any) -> GradientCheck:
    return mlp.check_gradient(network, mlp.SquaredError(), X, T, mine)


def test_the_right_gradient_is_right_in_every_form(square: mlp.Network) -> None:
    mine = gradient(square, mlp.SquaredError())
    assert check(square, mine) and check(square, tuple(mine))
    assert check(square, np.concatenate([part.ravel() for part in mine]))
    without = check(square, [part[:, :-1] for part in mine])
    assert without and "not compared" in without.message


MISTAKES = {
    "sign": lambda g: -g,
    "not averaged": lambda g: 4 * g,
    "transposed": lambda g: np.concatenate([g[:, :-1].T, g[:, -1:]], axis=1),
    "bias missing": lambda g: np.concatenate([g[:, :-1], 0 * g[:, -1:]], axis=1),
    "factor": lambda g: 2 * g,
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_usual_mistake_is_named(square: mlp.Network, mistake: str) -> None:
    mine = gradient(square, mlp.SquaredError())
    mine[0] = MISTAKES[mistake](mine[0])
    found = check(square, mine)
    assert not found and (found.layer, found.mistakes) == ("dense1", (mistake,))
    assert found.given == mine[0][found.entry] != found.expected == gradient(square, mlp.SquaredError())[0][found.entry]


def test_two_mistakes_at_once_are_named(square: mlp.Network) -> None:
    mine = gradient(square, mlp.SquaredError())
    found = check(square, [-4 * mine[0], mine[1]])
    assert found.mistakes == ("sign", "not averaged") and "4 samples" in found.message


@pytest.mark.parametrize("place", [0, 2])
def test_a_forgotten_slope_is_named(square: mlp.Network, place: int) -> None:
    """∂L/∂a in the place of δ: the last layer with a sigmoid after it, or a hidden one with a tanh."""
    workspace = mlp.Workspace(square, len(X))
    mlp.value_and_grad(square, mlp.SquaredError(), mlp.as_batch(X, T), workspace)
    mine = [workspace.grads[0].copy(), workspace.grads[2].copy()]
    mine[place // 2] = workspace.d_nodes[place + 2] @ workspace.nodes[place].with_bias.T
    found = check(square, mine)
    assert found.mistakes == ("activation's slope forgotten",) and found.layer == f"dense{place // 2 + 1}"


def test_what_is_wrong_first_is_seen_from_the_outputs(square: mlp.Network) -> None:
    """An error in δ of the last layer spoils all below it: there it is to be mended."""
    mine = [-part for part in gradient(square, mlp.SquaredError())]
    assert check(square, mine).layer == "dense2"


def test_an_unusual_mistake_is_told_with_its_place(square: mlp.Network) -> None:
    mine = gradient(square, mlp.SquaredError())
    mine[0][1, 2] += 0.5
    found = check(square, mine)
    assert (found.layer, found.entry, found.mistakes) == ("dense1", (1, 2), ())
    assert found.factor == pytest.approx(found.given / found.expected)


def test_a_transposed_array_is_named() -> None:
    network = mlp.Network([mlp.Dense(2, 5), mlp.Tanh(), mlp.Dense(5, 1)], rng=0)
    mine = gradient(network, mlp.SquaredError())
    assert check(network, [mine[0].T, mine[1]]).mistakes == ("transposed",)


@pytest.mark.parametrize(
    ("mine", "complaint"),
    [
        (np.zeros(5), "mine has 5 numbers, and the network has 9 parameters"),
        ([np.zeros((2, 3))], "mine has 1 arrays for 2 dense layers"),
        ([np.zeros((2, 3)), np.zeros((7, 7))], r"mine of dense2 is float64 \(7, 7\)"),
        ([np.zeros((2, 3)), np.full((1, 3), np.nan)], "mine of dense2"),
        ([np.array([["a"] * 3] * 2), np.zeros((1, 3))], "mine of dense1 is"),
    ],
)
def test_what_is_no_gradient_is_refused(square: mlp.Network, mine: Any, complaint: str) -> None:
    with pytest.raises(mlp.MLPError, match=complaint):
        check(square, mine)


# refused


@pytest.mark.parametrize(
    ("layers", "options", "complaint"),
    [
        ([mlp.Dense(40, 21)], {}, "61 nodes"),
        ([mlp.Dense(2, 3), mlp.BatchNorm(), mlp.Dense(3, 1)], {}, "layer 2 is batchnorm1"),
        ([mlp.Dense(2, 3), mlp.Tanh(), mlp.ReLU(), mlp.Dense(3, 1)], {}, "layer 3 is relu1"),
        ([mlp.Dense(2, 1)], {"population": (2,)}, "population"),
        ([mlp.Dense(2, 1)], {"dtype": np.float32}, "float64"),
    ],
)
def test_what_cannot_be_shown_is_refused(layers: list[mlp.Layer], options: Any, complaint: str) -> None:
    with pytest.raises(mlp.MLPError, match=complaint):
        build_graph(mlp.Network(layers, **options))


def test_a_loss_or_rule_that_is_none_is_refused() -> None:
    with pytest.raises(mlp.ShapeError, match="no formula of Hinge"):
        record(build(n_out=2), X, np.array([0, 1, 1, 0]), mlp.Hinge(), mlp.SGD(), 2)
    with pytest.raises(mlp.HyperparameterError, match="optimizer"):
        record(build(), X, T, mlp.SquaredError(), "sgd", 2)  # type: ignore[arg-type]
    with pytest.raises(mlp.ShapeError, match=r"X has 3000 rows, .* at most 1250 rows"):
        record(build(), np.zeros((3000, 2)), np.zeros(3000), mlp.SquaredError(), mlp.SGD(), 1000)
    with pytest.raises(mlp.HyperparameterError, match="at most 5000"):
        record(build(), X, T, mlp.SquaredError(), mlp.SGD(), 5001)


def test_an_activation_without_a_formula_is_told_where_one_goes() -> None:
    """It was said that each dense layer takes at most one activation, of a network that had just one."""

    class Bent(mlp.Tanh):
        """An activation that nobody gave a formula."""

    with pytest.raises(mlp.ShapeError, match=r"no formula for the activation Bent \(layer 2\).*activation_formulas.py"):
        mlp.explain(
            mlp.Network([mlp.Dense(2, 2), Bent(), mlp.Dense(2, 1)]),
            [[0.0, 1.0]],
            [[1.0]],
            mlp.SquaredError(),
            mlp.SGD(0.1),
        )

"""What few rows allow: verdicts on small tables, and ridge regression that answers rows it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from histories import typed

import mlp
from mlp.arrays import Array
from mlp.statistics.ridge import PENALTIES, fit_ridge, spread_columns


def ridge_by_hand(X: Array, t: Array, penalty: float, degree: int) -> Array:
    """The answers (n,) to each row of a ridge regression on all others: the definition, solved n times.

    Columns have the mean and deviation that they have in all rows, and the mean of the others is not penalised.
    """
    Z = spread_columns(X, degree)
    Z = (Z - Z.mean(0)) / Z.std(0)
    A, n = np.column_stack([np.ones(len(Z)), Z]), len(Z)
    square = np.diag([0.0] + [penalty * n] * Z.shape[1])
    answers = []
    for i in range(n):
        others = np.arange(n) != i
        coefficients = np.linalg.solve(A[others].T @ A[others] + square, A[others].T @ t[others])
        answers.append(A[i] @ coefficients)
    return np.array(answers)


def test_rows_that_are_left_out_are_answered_as_by_fits_without_them() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(25, 3))
    t = X[:, 0] ** 2 + X[:, 1] + 0.3 * rng.normal(size=25)
    fit = fit_ridge(X, t)
    assert fit is not None
    by_hand = ridge_by_hand(X, t, fit.penalty, fit.degree)
    np.testing.assert_allclose(fit.left_out[:, 0], by_hand, rtol=1e-7)  # rounding of two ways to solve
    errors = [np.square(t - ridge_by_hand(X, t, p, d)).sum() for d in (1, 2) for p in PENALTIES[1:]]
    assert np.square(t - by_hand).sum() <= min(errors) * (1 + 1e-9)


def test_an_exact_quadratic_is_met_elsewhere_too() -> None:
    X = np.linspace(-1, 2, 8)[:, None]
    fit = fit_ridge(X, 3 * X[:, 0] ** 2 - X[:, 0] + 5)
    assert fit is not None and fit.degree == 2
    np.testing.assert_allclose(fit.answer(np.array([[0.5], [1.7]]))[:, 0], [5.25, 11.97], rtol=1e-5)


def tiny(n: int, function: Any, epochs: int, validation: float = 0.0, seed: int = 0) -> mlp.Run:
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 1))
    config = {
        "data": {"task": "regression", "scale_target": "standard", "validation": validation, "test": 0.0},
        "network": {"hidden": [8]}, "training": {"epochs": epochs, "seed": seed},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
    }  # fmt: skip
    return mlp.run(config, (X, function(X[:, 0])))


@pytest.mark.parametrize(
    ("n", "function"),
    [(5, lambda x: 2 * x + 1), (7, lambda x: -30 * x), (25, lambda x: 0.1 * x - 4), (9, lambda x: x**2)],
)
def test_a_few_numbers_that_ended_too_early_are_told(n: int, function: Any) -> None:
    """A straight line was laid through curves too, and no line through 16 rows and more: both passed for well."""
    run = tiny(n, function, epochs=12)
    assert run.metrics["train_r2"] < 0.9
    alarms = [f for f in run.findings if f.severity != "info"]
    assert alarms and alarms[0].causes[0].name in ("too_few_epochs", "learning_rate_too_low")


@pytest.mark.parametrize(("n", "validation"), [(7, 0.0), (13, 0.15), (18, 0.15)])
def test_a_few_numbers_that_are_learned_are_no_alarm(n: int, validation: float) -> None:
    """The r² of two rows held out is by how far they happen to lie apart; and where nobody was asked about rows left
    out, that was taken for proof that there is nothing to learn."""
    run = tiny(n, lambda x: 2 * x + 1, epochs=500, validation=validation)
    assert run.metrics["train_r2"] > 0.99 and run.healthy


def noisy(n: int, d: int, wrong: float, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, ((X[:, 0] + X[:, 1] > 0) ^ (rng.random(n) < wrong)).astype(int)


def test_rows_memorised_by_a_wide_network_are_found_though_none_is_held_out() -> None:
    """A training accuracy of 1 stopped all questions. Asked about rows it had not seen, it is wrong with certainty."""
    config = {
        "data": {"validation": 0.0, "test": 0.0},
        "network": {"hidden": [128]}, "training": {"epochs": 200}, "optimizer": {"learning_rate": 0.01},
    }  # fmt: skip
    run = mlp.run(config, noisy(160, 5, 0.2, 0))
    assert run.metrics["train_accuracy"] > 0.97
    alarm = next(f for f in run.findings if f.severity != "info")
    assert alarm.kind == "overfitting" and "that it had not seen" in alarm.message
    assert alarm.causes[0].name == "too_little_regularization"


def test_rows_memorised_without_harm_are_information() -> None:
    """Three classes that overlap, 70 rows of 10 columns: .98 in training, and nothing has more than .6 elsewhere."""
    rng = np.random.default_rng(4)
    y = np.arange(70) % 3
    X = rng.normal(size=(70, 10)) + 1.1 * np.eye(3, 10)[y]
    run = mlp.run({"training": {"epochs": 25}}, (X, y))
    assert run.healthy and "few_rows" in run.history
    told = [f for f in run.findings if f.kind == "overfitting"]
    assert not told or (told[0].severity == "info" and "no more was to be had" in told[0].message)


def test_an_absurd_loss_of_a_loop_with_a_baseline_is_told_beside_its_right_answers() -> None:
    """By hand nobody knew of how many rows an accuracy is: it was never clearly right, and the loss "no progress"."""
    rng = np.random.default_rng(0)
    X = 1000 * rng.normal(size=(400, 5))
    y = ((X @ rng.normal(size=5) > 0) ^ (rng.random(400) < 0.03)).astype(int)
    network = mlp.Network([mlp.Dense(5, 16), mlp.ReLU(), mlp.Dense(16, 2)], rng=0)
    recorder = mlp.Recorder()
    steps = mlp.train(network, mlp.batches(X, y, 32, rng=0, epochs=30), mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01))
    for _ in recorder.tap(steps):
        pass
    recorder.lay_baseline(X, y)
    found = mlp.diagnose(recorder.history)
    assert [f.kind for f in found] == ["overconfident"] and found[0].causes[0].name == "unscaled_inputs"


def test_rows_that_a_plain_network_knows_allow_more_than_ridge_regression_has() -> None:
    """Two units on spirals, identity units on a sine: as poor as ridge on rows left out: healthy."""
    few = {"own": 0.51, "loss": 0.66, "signal": 5.6, "ridge": 0.51, "missing": 0.0, "error": 0.01}
    settings = {"rows": 350.0, "inputs": 2.0, "train_scored": 350.0, "validation_scored": 75.0, "planned_steps": 10.0}
    known = {"loss": [0.7] * 10, "reference_loss": [0.693], "few_rows": few, "settings": settings,
             "train_accuracy": [0.5], "validation_accuracy": [0.6], "baseline_train_accuracy": [0.99]}  # fmt: skip
    found = {share: mlp.diagnose(typed(**known, baseline_validation_accuracy=[share])) for share in (1.0, 0.6)}
    assert [f.kind for f in found[1.0] if f.severity != "info"] == ["no_progress"]
    assert all(f.severity == "info" for f in found[0.6])


def test_a_run_that_went_wrong_is_not_excused_by_a_straight_line_that_knows_as_little() -> None:
    """Rate and line both came to .81 of two moons, so the rows were said to allow no more; a plain network has .97."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500)
    angle = np.pi * rng.random(500)
    X = np.column_stack([np.cos(angle) + y, (1 - 2 * y) * np.sin(angle) + 0.5 * y]) + 0.15 * rng.normal(size=(500, 2))
    rule = {"name": "sgd", "learning_rate": 0.1, "schedule": {"name": "step", "every": 1, "factor": 0.5}}
    run = mlp.run({"optimizer": rule, "training": {"epochs": 40, "batch_size": "full"}}, (X, y))
    assert run.metrics["test_accuracy"] < 0.9
    assert not run.healthy

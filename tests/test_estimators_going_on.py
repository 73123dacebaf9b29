"""Trainings of an estimator that go on where the last one ended: schedules, memories, and which epoch was the best."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import ConfigError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 4))  # 4 steps an epoch
Y = X[:, 0] ** 2
CLASSES = RNG.integers(0, 3, 100)


def regressor(**own: Any) -> mlp.MLPRegressor:
    return mlp.MLPRegressor(**{"hidden": [6], "learning_rate": 0.05, "optimizer": "sgd", "random_state": 0, **own})


def portions(made: Any, n: int = 6) -> Any:
    """`n` calls of `partial_fit`, with a pickle between any two."""
    for _ in range(n):
        made = pickle.loads(pickle.dumps(made.partial_fit(X, Y)))
    return made


def warm(made: Any, n: int = 3) -> Any:
    """`n` warm fits of two epochs, with a pickle between any two."""
    made.set_params(warm_start=True, epochs=2)
    for _ in range(n):
        made = pickle.loads(pickle.dumps(made.fit(X, Y)))
    return made


def assert_equal(parts: Any, whole: Any) -> None:
    """Weights, rates and curves, bit for bit."""
    assert (parts.network_.params == whole.network_.params).all()
    assert (parts.network_.statistics == whole.network_.statistics).all()
    for name in ("loss", "learning_rate", "step", "epoch", "train_loss"):
        assert np.array_equal(parts.history_[name], whole.history_[name]), name
        assert np.array_equal(parts.history_.steps(name), whole.history_.steps(name)), name


SCHEDULES: list[Any] = [
    "constant",
    {"name": "step", "every": 5, "factor": 0.5},
    {"name": "multi_step", "at": [3, 10]},
    {"name": "exponential", "every": 7},
    {"name": "inverse_time", "every": 3},
    {"name": "polynomial", "steps": 20},
    {"name": "cosine", "steps": 18},
    {"name": "cosine_restarts", "steps": 3},
    {"name": "one_cycle", "steps": 24},
    {"name": "triangular", "steps": 5},
    "triangular",
    {"name": "plateau", "window": 3, "patience": 1, "threshold": 0.2},
    {"name": "plateau", "patience": 1, "threshold": 0.2},
    "plateau",
    {"name": "warmup", "steps": 9},
    {"name": "warmup", "steps": 9, "then": {"name": "cosine", "steps": 18}},
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_calls_with_the_same_rows_are_epochs_of_one_fit(schedule: Any) -> None:
    """Each call built its rule anew and with it a schedule that counted from there: no schedule ever advanced."""
    whole = regressor(schedule=schedule, epochs=6).fit(X, Y)
    assert_equal(portions(regressor(schedule=schedule)), whole)
    assert_equal(warm(regressor(schedule=schedule)), whole)


@pytest.mark.parametrize(
    "own",
    [
        {"optimizer": "adam", "dropout": 0.3, "clip_norm": 0.5},
        {"optimizer": "momentum", "batch_norm": True, "residual": True, "hidden": [6, 6], "dropout": 0.2},
        {"optimizer": "rmsprop", "restarts": 3},
        {"optimizer": "averaged_sgd"},
        {"optimizer": "schedule_free_adamw"},
        {"restarts": 3, "schedule": {"name": "plateau", "window": 3, "patience": 1, "threshold": 0.2}},
    ],
    ids=str,
)
def test_all_that_a_training_remembers_goes_on_with_the_schedule(own: dict[str, Any]) -> None:
    """Moments and their t, averages, statistics, the noise of dropout, the order of rows, each member's plateau."""
    own = {"schedule": {"name": "warmup", "steps": 9, "then": {"name": "cosine", "steps": 18}}, **own}
    whole = regressor(**own, epochs=6).fit(X, Y)
    assert_equal(portions(regressor(**own)), whole)
    assert_equal(warm(regressor(**own)), whole)


def test_portions_of_any_size_are_steps_of_one_schedule() -> None:
    """By hand: η ½^⌊t/3⌋ at step t, whatever the portion that it belongs to."""
    made = regressor(schedule={"name": "step", "every": 3, "factor": 0.5}, batch_size=10)
    for n in (10, 40, 15, 1, 30):
        made.partial_fit(X[:n], Y[:n])
    t = np.arange(1 + 4 + 2 + 1 + 3)
    assert made.history_["learning_rate"] == pytest.approx(0.05 * 0.5 ** (t // 3))


def test_the_window_of_a_plateau_is_the_first_portion_where_none_is_given() -> None:
    made = regressor(schedule={"name": "plateau", "patience": 1}, batch_size=10)
    for n in (30, 10, 10, 50):
        made.partial_fit(X[:n], Y[:n])
    assert made._trained.memory.pace.schedule.window == 3


def test_a_learning_rate_that_was_changed_goes_on_in_the_schedule() -> None:
    """By hand: the cosine of 20 steps, its height 0.05 for 4 steps and 0.02 from there on, for a warm-up too."""
    for schedule, warming in (
        ({"name": "cosine", "steps": 20}, 1),
        ({"name": "warmup", "steps": 6, "then": {"name": "cosine", "steps": 20}}, 6),
    ):
        made = regressor(schedule=schedule).partial_fit(X, Y).set_params(learning_rate=0.02).partial_fit(X, Y)
        t = np.arange(8)
        height = np.where(t < 4, 0.05, 0.02) * np.minimum(1, (t + 1) / warming)
        assert made.history_["learning_rate"] == pytest.approx(height * (1 + np.cos(np.pi * t / 20)) / 2)


def test_a_changed_learning_rate_does_not_forget_a_plateau() -> None:
    own = {"name": "plateau", "window": 1, "patience": 1, "threshold": 0.9, "factor": 0.5}
    made = regressor(schedule=own).partial_fit(X, Y)
    before = made.history_["learning_rate"][-1] / 0.05
    made.set_params(learning_rate=0.01).partial_fit(X, Y)
    assert before < 1
    assert made.history_["learning_rate"][4] <= before * 0.01


def test_another_schedule_begins_where_it_is_set_and_then_goes_on() -> None:
    made = regressor(schedule={"name": "cosine", "steps": 5}).partial_fit(X, Y)
    made.set_params(schedule={"name": "step", "every": 6, "factor": 0.5}).partial_fit(X, Y).partial_fit(X, Y)
    assert made.history_["learning_rate"][4:] == pytest.approx([0.05] * 6 + [0.025] * 2)


@pytest.mark.parametrize(
    ("schedule", "needle"),
    [
        ("cosine", "Give steps"),
        ({"name": "cosine", "final": 0.01}, "Give steps"),
        ({"name": "step", "factor": 0.5}, "Give every"),
        ({"name": "warmup", "steps": 5, "then": "polynomial"}, "Give then.steps"),
        ({"name": "warmup", "then": "cosine"}, "Give steps and then.steps"),
        ({"name": "cosin", "steps": 5}, "MLPRegressor: no [optimizer] schedule 'cosin'"),
    ],
    ids=str,
)
def test_a_schedule_that_is_planned_for_a_whole_run_is_refused_in_portions(schedule: Any, needle: str) -> None:
    """A key that is no length passed for one: the schedule was then planned over the steps of one call."""
    with pytest.raises(mlp.MLPError) as caught:
        regressor(schedule=schedule).partial_fit(X, Y)
    assert needle in str(caught.value)


def test_a_schedule_that_is_planned_for_a_fit_begins_anew_with_each() -> None:
    made = warm(regressor(schedule="cosine"), 2)
    rates = made.history_["learning_rate"]
    assert (rates[:8] == rates[8:]).all()
    assert rates[7] < rates[0]


def test_an_error_names_the_estimator_once_when_training_goes_on() -> None:
    made = regressor().partial_fit(X, Y)
    with pytest.raises(ConfigError) as caught:
        made.set_params(batch_size=0).partial_fit(X, Y)
    assert str(caught.value).count("MLPRegressor") == 1


def test_findings_are_judged_over_all_calls() -> None:
    """The plan that was noted was that of the first call: its steps, and that the training ended there."""
    made = portions(regressor(schedule="constant"))
    settings = dict(zip(made.history_.labels("settings"), made.history_["settings"][0], strict=True))
    assert (settings["planned_steps"], settings["epochs"]) == (24, 6)
    assert made.history_["ended"].tolist() == [4, 8, 12, 16, 20, 24]


# the best epoch


def classifier(**own: Any) -> mlp.MLPClassifier:
    usual = {"hidden": [6], "epochs": 3, "schedule": "constant", "warm_start": True, "random_state": 0}
    return mlp.MLPClassifier(**usual | own)


@pytest.mark.parametrize("own", [{}, {"optimizer": "sgd"}, {"restarts": 4}, {"min_delta": 0.05}], ids=str)
def test_the_best_epoch_is_the_place_in_the_curve_of_the_weights_that_are_kept(own: dict[str, Any]) -> None:
    """It counted from the last fit, the curves from the first: of a second warm fit they told of different epochs."""
    made = classifier(early_stopping=True, learning_rate=0.02, **own)
    for fit in range(3):
        made.fit(X, CLASSES, X_val=X[:30], y_val=CLASSES[::-1][:30])
        curve = made.validation_loss_curve_
        assert len(curve) == len(made.loss_curve_) == made.n_iter_ == 3 * fit + 3
        assert 3 * fit < made.best_epoch_ <= made.n_iter_
        assert curve[made.best_epoch_ - 1] == pytest.approx(made._run.metrics["validation_loss"])


def test_without_early_stopping_the_weights_are_those_of_the_last_epoch() -> None:
    made = classifier()
    for fit in (1, 2):
        made.fit(X, CLASSES, X_val=X[:30], y_val=CLASSES[::-1][:30])
        assert made.best_epoch_ == made.n_iter_ == 3 * fit
        assert made.validation_loss_curve_[-1] == pytest.approx(made._run.metrics["validation_loss"])
    assert made.partial_fit(X, CLASSES).best_epoch_ == made.n_iter_ == 7


def test_a_fit_that_comes_to_no_finite_loss_leaves_the_weights_and_their_epoch() -> None:
    """Nothing is better than infinity: the weights of the start come back, which are those of an earlier epoch."""
    made = regressor(schedule="constant", early_stopping=True, epochs=5, warm_start=True)
    made.fit(X, Y, X_val=X[:20], y_val=-3 * Y[:20])
    first, kept = made.best_epoch_, made.network_.params.copy()
    assert first < 5
    made.fit(X, Y, X_val=X[:20], y_val=np.full(20, 1e200))
    assert (made.network_.params == kept).all()
    assert (made.best_epoch_, made.n_iter_) == (first, 10)


def test_a_fit_that_is_cold_counts_anew() -> None:
    made = classifier(early_stopping=True).fit(X, CLASSES)
    assert made.set_params(warm_start=False).fit(X, CLASSES).best_epoch_ <= made.n_iter_ == 3

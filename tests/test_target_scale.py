"""Targets brought to one scale: trained on in units of their deviation, answered in their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import ConfigError, DataError
from mlp.experiment import begin

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
LINE = X @ [1.0, -2.0, 0.5]
SCALED: dict[str, Any] = {
    "data": {"task": "regression", "scale_target": "standard"},
    "optimizer": {"learning_rate": 0.01},
    "training": {"epochs": 60},
}


@pytest.fixture(scope="module")
def large() -> mlp.Run:
    return mlp.run(SCALED, (X, 1e5 * LINE + 1e6))


def test_a_line_of_size_1e5_is_learned(large: mlp.Run) -> None:
    assert large.healthy
    assert large.metrics["test_r2"] > 0.99
    assert large.predict(X).shape == (400,)
    np.testing.assert_allclose(large.predict(X[:50]), 1e5 * LINE[:50] + 1e6, atol=4e4)  # 0.2 deviations


def test_without_it_such_targets_are_out_of_reach(large: mlp.Run) -> None:
    as_given = mlp.run(SCALED | {"data": {"task": "regression", "scale_target": "none"}}, (X, 1e5 * LINE + 1e6))
    assert as_given.metrics["test_r2"] < 0
    assert not as_given.healthy


def test_rmse_is_in_the_units_of_the_targets_and_the_loss_in_deviations(large: mlp.Run) -> None:
    found = large.evaluate(X, 1e5 * LINE + 1e6)
    missed = large.predict(X) - (1e5 * LINE + 1e6)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean(missed**2)), rel=1e-5)
    spread = 1 / large.model.preprocessing.targets.factor[0]  # type: ignore[union-attr]
    assert found["loss"] == pytest.approx(0.5 * (found["rmse"] / spread) ** 2, rel=1e-4)


def test_a_saved_run_predicts_the_same(large: mlp.Run, tmp_path: Path) -> None:
    large.save(tmp_path / "run")
    back = mlp.load_run(tmp_path / "run")
    assert np.array_equal(back.predict(X), large.predict(X))
    assert back.evaluate(X, 1e5 * LINE) == large.evaluate(X, 1e5 * LINE)


def test_the_scale_is_that_of_the_training_rows_alone() -> None:
    setup, _ = begin(SCALED, (X, LINE))
    part, scale = setup.prepared.train, setup.prepared.preprocessing.targets
    assert scale is not None
    assert scale.shift[0] == pytest.approx(part.y.mean())
    assert 1 / scale.factor[0] == pytest.approx(part.y.std())


def test_each_of_several_targets_has_its_own_scale() -> None:
    y = np.column_stack([1e4 * LINE, 1e-4 * X[:, 0] + 5])
    found = mlp.run(SCALED, (X, y))
    assert found.metrics["test_r2"] > 0.98
    assert found.predict(X).shape == (400, 2)


def test_the_survey_sees_what_the_network_has_to_give(large: mlp.Run) -> None:
    assert large.history["target_std"][0] == pytest.approx(1)
    assert large.history["reference_loss"][0] == pytest.approx(0.5)  # ½ variance


def test_small_differences_of_large_numbers_are_not_lost_in_float32() -> None:
    """10⁹ + 1 is 10⁹ in float32: targets are scaled in float64 before they are cast."""
    found = mlp.run(SCALED, (X, LINE + 1e9))
    assert found.metrics["test_r2"] > 0.99
    assert found.predict(X).dtype == np.float64


def test_only_numbers_can_be_scaled() -> None:
    with pytest.raises(ConfigError, match="scale_target = 'standard' is for numbers, and the task is classification"):
        mlp.run({"data": {"source": "iris", "scale_target": "standard"}})


def test_counts_cannot_be_scaled() -> None:
    with pytest.raises(ConfigError, match="poisson"):
        mlp.run(SCALED | {"loss": {"name": "poisson"}}, (X, np.exp(X[:, 0]).round()))


def test_targets_too_large_for_a_deviation_are_refused() -> None:
    with pytest.raises(DataError, match="column 'y' runs from"):
        mlp.run(SCALED | {"training": {"dtype": "float64"}}, (X, 1e300 * LINE))

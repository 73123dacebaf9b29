"""The recorder: every step is handed on untouched, and what is written is what was measured when it was due."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.instruments import DETAILED, STANDARD

RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((40, 5)), RNG.integers(0, 3, 40)


def steps(population: tuple[int, ...] = (), rule: mlp.Optimizer | None = None, epochs: int = 3, **options: Any) -> Any:
    """Five steps an epoch."""
    net = mlp.Network([mlp.Dense(5, 4), mlp.Sigmoid(), mlp.Dense(4, 4), mlp.ReLU(), mlp.Dense(4, 3)], rng=0,
                      population=population, **options)  # fmt: skip
    data = mlp.batches(X, LABELS, 8, rng=1, epochs=epochs, dtype=net.dtype)
    return mlp.train(net, data, mlp.SoftmaxCrossEntropy(), rule or mlp.Adam(0.01))


def recorded(recorder: mlp.Recorder, run: Any) -> mlp.History:
    for _ in recorder.tap(run):
        pass
    return recorder.history


def test_steps_are_handed_on_untouched_and_in_order() -> None:
    run = list(steps())
    assert [a is b for a, b in zip(mlp.Recorder(DETAILED).tap(run), run, strict=True)] == [True] * 15


def test_every_instrument_has_its_column_with_unit_and_labels() -> None:
    history = recorded(mlp.Recorder(DETAILED), steps())
    assert list(history) == [i.name for i in DETAILED]
    assert history.unit("epoch") == "epochs"
    assert history.labels("grad_norm_by_layer") == ("dense1", "dense2", "dense3")
    assert history.labels("saturated_fraction") == ("sigmoid1",)
    assert history.labels("dead_fraction") == ("relu1",)
    assert history["grad_norm_by_layer"].shape == (15, 3)
    assert history["loss"].shape == (15,)


def test_the_columns_of_the_contract_are_in_the_standard() -> None:
    names = {i.name for i in STANDARD}
    assert {"loss", "grad_norm", "grad_norm_by_layer", "update_norm", "param_norm", "learning_rate", "epoch"} <= names


@pytest.mark.parametrize("population", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_written_is_what_was_measured(population: Any, dtype: Any) -> None:
    pure = [i for i in DETAILED if i.measure and not i.norm_of]
    recorder, seen = mlp.Recorder(DETAILED), []
    for step in recorder.tap(steps(population, dtype=dtype)):
        seen.append([i.finish(np.array(i.measure(step), float)) for i in pure])
    for k, instrument in enumerate(pure):
        np.testing.assert_array_equal(recorder.history[instrument.name], np.stack([row[k] for row in seen]))


@pytest.mark.parametrize("population", [(2,), (2, 3)], ids=str)
@pytest.mark.parametrize(
    "rate", [0.1, mlp.Cosine(0.1, 10), mlp.ReduceOnPlateau(0.1, window=2, patience=1), "array"], ids=repr
)
def test_a_population_may_share_a_learning_rate_or_not(population: tuple[int, ...], rate: Any) -> None:
    rate = 0.01 * (1 + np.arange(6.0))[: np.prod(population)].reshape(*population, 1) if rate == "array" else rate
    history = recorded(mlp.Recorder(), steps(population, mlp.SGD(rate)))
    assert history["learning_rate"].shape == (15, *population)
    if isinstance(rate, np.ndarray):
        assert (history["learning_rate"] == rate[..., 0]).all()


def test_what_is_not_in_the_network_has_no_column() -> None:
    net = mlp.Network([mlp.Dense(5, 3)])
    run = mlp.train(net, mlp.batches(X, LABELS), mlp.SoftmaxCrossEntropy(), mlp.SGD())
    history = recorded(mlp.Recorder(DETAILED), run)
    assert "dead_fraction" not in history
    assert "saturated_fraction" not in history
    assert "grad_norm_by_layer" in history


def test_every_kth_step_is_recorded() -> None:
    history = recorded(mlp.Recorder(every=4), steps())
    assert history.steps("loss").tolist() == [0, 4, 8, 12]
    assert history["epoch"].tolist() == [0, 0, 1, 2]


def test_an_instrument_of_a_longer_period_is_recorded_less_often() -> None:
    rare = mlp.Instrument("rare", lambda step: step.index, period=3)
    history = recorded(mlp.Recorder([*mlp.ESSENTIAL, rare], every=2), steps())
    assert history.steps("loss").tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert history.steps("rare").tolist() == history["rare"].tolist() == [0, 6, 12]


def test_going_on_goes_on_with_the_history() -> None:
    recorder = mlp.Recorder()
    recorded(recorder, steps(epochs=1))
    history = recorded(recorder, steps(epochs=2))
    assert history.steps("loss").tolist() == list(range(15))
    assert history["step"].tolist() == list(range(15))
    assert history["grad_norm_by_layer"].shape == (15, 3)


def test_going_on_counts_the_steps_that_were_not_recorded_too() -> None:
    """Every 4th of 7 and 10: 0, 4 and 8, 12, 16. Counting on from the last record made the tenth step number 14."""
    recorder = mlp.Recorder(every=4)
    recorded(recorder, islice(steps(), 7))
    history = recorded(recorder, steps(epochs=2))
    assert history.steps("loss").tolist() == history["step"].tolist() == [0, 4, 8, 12, 16]


def test_going_on_after_nothing_was_due() -> None:
    recorder = mlp.Recorder(every=100)
    recorded(recorder, islice(steps(), 3, 5))
    assert recorded(recorder, steps(epochs=1)).get("loss") is not None


def test_a_history_that_was_saved_can_be_gone_on_with(tmp_path: Path) -> None:
    recorder = mlp.Recorder()
    recorded(recorder, steps(epochs=1)).save(tmp_path / "h.npz")
    again = mlp.Recorder()
    again.history = mlp.History.load(tmp_path / "h.npz")
    assert recorded(again, steps(epochs=1)).steps("loss").tolist() == list(range(10))


def test_a_run_that_is_left_keeps_what_was_recorded() -> None:
    recorder = mlp.Recorder()
    for step in recorder.tap(steps()):
        if step.index == 6:
            break
    assert recorder.history.steps("loss").tolist() == list(range(7))


def test_no_steps_leave_no_history() -> None:
    assert len(recorded(mlp.Recorder(), [])) == 0


def test_one_recorder_does_not_see_what_another_saw() -> None:
    first, second = mlp.Recorder(), mlp.Recorder()
    recorded(first, steps(epochs=1))
    assert len(second.history) == 0


def test_divergence_is_recorded_and_not_an_error() -> None:
    with np.errstate(all="ignore"):
        net = mlp.Network([mlp.Dense(5, 1)], rng=0)
        run = mlp.train(net, mlp.batches(X, LABELS.astype(float), None, epochs=3000), mlp.SquaredError(), mlp.SGD(10.0))
        history = recorded(mlp.Recorder(DETAILED), run)
    assert np.isnan(history["loss"][-1])
    assert np.isfinite(history["loss"][0])

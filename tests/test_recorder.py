"""The recorder: every step is handed on untouched, and what is written is what was measured when it was due."""

from __future__ import annotations

import copy
import pickle
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import LAYERS, RULES, inside

import mlp
from mlp.instruments import DETAILED, STANDARD, vectors

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
    assert list(history) == [i.name for i in DETAILED if i not in mlp.instruments.CHECKS]
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
    pure = [i for i in DETAILED if i.measure and not i.norm_of and i.period]
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


# what is computed when it is read


def test_totals_are_norms_over_the_layers_and_nothing_is_measured_for_them() -> None:
    recorder = mlp.Recorder([i for i in DETAILED if i.name.endswith(("norm", "norm_by_layer"))])
    measured = [(vectors.grad_norm(s), vectors.update_norm(s), vectors.param_norm(s))
                for s in recorder.tap(steps(dtype=np.float32))]  # fmt: skip
    history = recorder.history
    found = np.stack([history["grad_norm"], history["update_norm"], history["param_norm"]], axis=-1)
    np.testing.assert_allclose(found, measured, rtol=1e-6)  # float32
    assert history.steps("grad_norm").tolist() == history.steps("grad_norm_by_layer").tolist()
    assert not hasattr(history._columns["grad_norm"], "values")


def test_without_its_source_a_total_is_measured() -> None:
    total = next(i for i in STANDARD if i.name == "grad_norm")
    history = recorded(mlp.Recorder([total]), steps())
    np.testing.assert_allclose(history["grad_norm"], recorded(mlp.Recorder(), steps())["grad_norm"], rtol=1e-12)


def test_a_total_may_be_measured_after_it_was_computed() -> None:
    """By another recorder of the same history, which has not its source."""
    first = mlp.Recorder()
    recorded(first, steps(epochs=1))
    second = mlp.Recorder([i for i in STANDARD if i.name == "grad_norm"])
    second.history = first.history
    history = recorded(second, steps(epochs=1))
    assert history.steps("grad_norm").tolist() == list(range(10))
    np.testing.assert_allclose(history["grad_norm"][:5], history["grad_norm"][5:], rtol=1e-12)  # the same again


def test_going_on_with_a_history_from_a_file_keeps_its_numbers(tmp_path: Path) -> None:
    """What is read from a file is a norm already: the root was once taken of it again."""
    own = mlp.instruments
    anew = {"constant_loss", "rarest_class", "ordered_batches"}  # of the first epoch of each recording
    once = {i.name for i in (*own.START, *own.CHECKS, *own.BY_HAND)} - anew
    recorder = mlp.Recorder(DETAILED)
    before = recorded(recorder, steps(epochs=2))
    before.save(tmp_path / "h.npz")
    again = mlp.Recorder(DETAILED)
    again.history = mlp.History.load(tmp_path / "h.npz")
    both = recorded(again, steps(epochs=1))
    for name in before:
        n = len(before[name])
        np.testing.assert_array_equal(both[name][:n], before[name], err_msg=name)
        assert (both.steps(name)[:n] == before.steps(name)).all()
        assert len(both.steps(name)) == len(both[name])
        assert (len(both[name]) > n) == (name not in once), name
    np.testing.assert_array_equal(both["grad_norm_by_layer"][10:], before["grad_norm_by_layer"][:5])


def test_going_on_with_more_instruments_keeps_each_column_with_its_steps() -> None:
    first = mlp.Recorder(mlp.ESSENTIAL)
    recorded(first, steps(epochs=1))
    second = mlp.Recorder()
    second.history = first.history
    history = recorded(second, steps(epochs=1))
    assert history.steps("loss").tolist() == list(range(10))
    assert history.steps("learning_rate").tolist() == list(range(5, 10))
    assert all(len(history[name]) == len(history.steps(name)) for name in history)


# what is seen at every step, and noted when there is something to note


def counter(started: list[Any]) -> mlp.Instrument:
    """Notes at every third step how many it was shown."""

    def watch(step: mlp.Step, period: int) -> Any:
        started.append((step.index, period))
        shown = 0

        def measure(step: mlp.Step) -> int | None:
            nonlocal shown
            shown += 1
            return shown if step.index % 3 == 2 else None

        return measure

    return mlp.Instrument("shown", watch=watch, period=2)


def test_a_watch_is_shown_every_step_and_has_steps_of_its_own() -> None:
    started: list[Any] = []
    recorder = mlp.Recorder([*mlp.ESSENTIAL, counter(started)], every=4)
    history = recorded(recorder, steps())
    assert started == [(0, 8)]
    assert history["shown"].tolist() == [3, 6, 9, 12, 15]
    assert history.steps("shown").tolist() == [2, 5, 8, 11, 14]
    assert history.steps("loss").tolist() == [0, 4, 8, 12]
    recorded(recorder, steps(epochs=1))
    assert len(started) == 2
    assert history["shown"].tolist() == [3, 6, 9, 12, 15, 3]  # a memory of its own for each recording


def test_a_period_may_depend_on_the_network() -> None:
    wide = mlp.Instrument("wide", lambda step: step.index, period=lambda step: step.network.layers[0].n_out)
    assert recorded(mlp.Recorder([wide]), steps()).steps("wide").tolist() == [0, 4, 8, 12]
    with pytest.raises(mlp.HyperparameterError, match="period of the instrument 'wide'"):
        recorded(mlp.Recorder([wide._replace(period=lambda step: 0)]), steps())


def test_an_instrument_must_measure_somehow() -> None:
    with pytest.raises(mlp.HyperparameterError, match="with a function that measures"):
        mlp.Recorder([mlp.Instrument("nothing")])


def test_epochs_are_noted_at_their_last_step() -> None:
    history = recorded(mlp.Recorder(DETAILED), steps())
    assert history.steps("silent_units").tolist() == [4, 9, 14]


def test_where_the_batches_do_not_say_epochs_are_noted_at_the_first_step_of_the_next() -> None:
    net = mlp.Network([mlp.Dense(5, 4), mlp.ReLU(), mlp.Dense(4, 3)], rng=0)
    data = (batch._replace(last=False) for batch in mlp.batches(X, LABELS, 8, epochs=3))
    history = recorded(mlp.Recorder(DETAILED), mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1)))
    assert history.steps("silent_units").tolist() == [5, 10]


def test_an_epoch_that_was_not_seen_from_its_beginning_or_to_its_end_does_not_count() -> None:
    assert recorded(mlp.Recorder(DETAILED), islice(steps(), 2, 13)).steps("silent_units").tolist() == [9]


def test_epochs_that_begin_too_soon_after_another_are_left_out() -> None:
    """Of epochs of five steps, with a period of 7: those that begin at 0, 10 and 20."""
    units = next(i for i in STANDARD if i.name == "silent_units")._replace(period=7)
    assert recorded(mlp.Recorder([units]), steps(epochs=6)).steps("silent_units").tolist() == [4, 14, 24]


def test_the_standard_thins_out_what_costs_much() -> None:
    history = recorded(mlp.Recorder(), steps(epochs=20))
    for name in ("loss", "grad_norm", "grad_norm_by_layer", "learning_rate", "step", "epoch"):
        assert history.steps(name).tolist() == list(range(100))
    for name in ("update_norm", "update_norm_by_layer", "param_norm", "param_norm_by_layer", "descent"):
        assert history.steps(name).tolist() == list(range(0, 100, 7))
    assert history.steps("grad_cosine").tolist() == list(range(7, 100, 7))
    assert history.steps("backward_gain").tolist() == history.steps("noise_ratio").tolist() == [0, 97]
    assert history.steps("silent_units").tolist() == [4]


def test_a_long_run_is_looked_at_less_closely_later() -> None:
    """Small networks: every 7th step up to step 700, every 97th from there on, whenever one began to record."""
    close, later = list(range(0, 700, 7)), [776, 873, 970]
    history = recorded(mlp.Recorder(), steps(epochs=200))
    assert history.steps("update_norm").tolist() == close + later
    assert history.steps("grad_cosine").tolist() == close[1:] + later
    assert history.steps("loss").tolist() == list(range(1000))
    recorder = mlp.Recorder()
    recorded(recorder, steps(epochs=143))
    gone_on = recorded(recorder, steps(epochs=57))
    assert gone_on.steps("update_norm").tolist() == close + later


@pytest.mark.parametrize("epochs", [1, 13])
@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_gradients_that_wait_for_their_norms_are_read_as_if_they_did_not(epochs: int, scale: float) -> None:
    """Norms of 64 steps are taken together: of some that are read in between, and of squares float32 has no number for.

    40 rows in batches of 16: the last of an epoch has 8 and a workspace of its own.
    """
    net = mlp.Network([mlp.Dense(5, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=0, dtype=np.float32)
    data = mlp.batches(X, LABELS * scale, 16, rng=1, epochs=epochs, dtype=np.float32)
    recorder, norms = mlp.Recorder(), []
    for step in recorder.tap(mlp.train(net, data, mlp.SquaredError(), mlp.Adam(1e-9))):
        norms.append([mlp.norm(g) for g in step.network.layout.blocks(step.workspace.grad)])
        if step.index in (0, 5, 6):
            assert len(recorder.history["grad_norm_by_layer"]) == step.index + 1
    np.testing.assert_allclose(recorder.history["grad_norm_by_layer"], norms, rtol=1e-6)


def test_a_history_is_copied_and_pickled_with_the_norms_that_wait() -> None:
    recorder = mlp.Recorder()
    history = recorded(recorder, steps())
    for other in (copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        np.testing.assert_array_equal(other["grad_norm_by_layer"], history["grad_norm_by_layer"])
    other = copy.deepcopy(history)
    recorded(recorder, steps(epochs=1))
    assert (len(other["grad_norm_by_layer"]), len(history["grad_norm_by_layer"])) == (15, 20)


def test_what_reads_the_first_epoch_is_not_asked_again_after_it() -> None:
    """It was asked at every step of a run to say nothing, which cost 1.5 µs each time."""
    recorder = mlp.Recorder()
    for step in recorder.tap(steps(epochs=3)):
        watch = recorder.watching["constant_loss"].next_look
        assert watch(step.index) > (10**9 if step.index >= 4 else step.index)


@pytest.mark.parametrize("kinds", [STANDARD, DETAILED], ids=["standard", "detailed"])
@pytest.mark.parametrize("population", [(), (2,)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_instruments_do_not_train(name: str, population: tuple[int, ...], kinds: Any) -> None:
    """Parameters, statistics and the generator of dropout's noise are the same bit for bit, whatever the layer."""
    ends = []
    for recorder in (None, mlp.Recorder(kinds)):
        net = inside(LAYERS[name], population=population)
        run = mlp.train(net, mlp.batches(X, LABELS, 16, epochs=9), mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01))
        for _ in recorder.tap(run) if recorder else run:
            pass
        ends.append((net.params.tobytes(), net.statistics.tobytes(), net.rng.bit_generator.state))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("population", [(), (2,)], ids=str)
def test_the_standard_disturbs_no_optimizer(name: str, population: tuple[int, ...]) -> None:
    ends = []
    for recorder in (None, mlp.Recorder()):
        net = inside(mlp.ReLU(), population=population)
        run = mlp.train(net, mlp.batches(X, LABELS, 16, epochs=9), mlp.SoftmaxCrossEntropy(), RULES[name])
        for _ in recorder.tap(run) if recorder else run:
            pass
        ends.append(net.params.tobytes())
    assert ends[0] == ends[1]

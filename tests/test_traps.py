"""What misled other tools: each of their mistakes, and that it is not made here.

The mechanism of each stands in its docstring; who made it is told in the papers on AutoTrainer, DeepDiagnosis,
DeepLocalize, UMLAUT and DEFault.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import BY_NETWORK, RULES, SEARCHING
from histories import typed

import mlp
from mlp.config.optimizer import usual_rate
from mlp.diagnosis.detectors import explaining
from mlp.experiment import begin, finish, initial_state, watch_epochs
from mlp.experiment.loop import make_batches
from mlp.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
CENTRES = 1.6 * RNG.standard_normal((3, 6))
Y = RNG.integers(0, 3, 300)
X = CENTRES[Y] + RNG.standard_normal((300, 6))
LOW = [0.7, 0.3, 0.1, 0.05, 0.02, 0.01, 0.01, 0.005, 0.003, 0.002]
SCORES = {"train_accuracy": [1.0, 1.0, 1.0], "validation_accuracy": [1.0, 1.0, 1.0]}


def alarms(**columns: Any) -> set[str]:
    return {finding.kind for finding in mlp.diagnose(typed(**columns)) if finding.severity != "info"}


def told(**columns: Any) -> set[str]:
    return {finding.kind for finding in mlp.diagnose(typed(**columns))}


def healthy(sections: dict[str, Any], data: Any = (X, Y)) -> mlp.Run:
    """The run, which must have raised no alarm, neither at its end nor on the way."""
    setup, state = begin(sections, data)
    shown = [alarm.kind for epoch in watch_epochs(setup, state) for alarm in epoch.alarms]
    run = finish(setup, state)
    assert not shown
    assert run.healthy
    return run


def test_the_last_gradient_of_a_softmax_has_mean_0_and_that_is_no_vanishing() -> None:
    """Σ_k ∂L/∂z_k = Σ_k (p_k - t_k) = 0 for every row: the mean over the last layer is 0 whatever the network does."""
    setup, state = begin({"training": {"epochs": 15}}, (X, Y))
    list(watch_epochs(setup, state))
    network, batch = state.network, mlp.as_batch(setup.prepared.train.X, setup.prepared.train.y)
    workspace = mlp.Workspace(network, len(setup.prepared.train))
    mlp.value_and_grad(network, setup.head.loss, batch, workspace)
    last = workspace.grad[network.layout.slices[-1]]
    assert abs(float(last.mean())) < 1e-6 < float(np.linalg.norm(last))  # float32
    assert not {finding.kind for finding in finish(setup, state).findings} & {"vanishing_gradients", "no_progress"}


def test_the_mean_of_a_softmax_is_one_over_the_classes_and_that_is_no_constant_output() -> None:
    """Outputs of a softmax add up to 1, so their mean is 1/C for a perfect network too."""
    run = healthy({"training": {"epochs": 15}})
    assert run.predict_proba(X).mean() == pytest.approx(1 / 3, rel=1e-6)  # float32
    assert "output_loss_mismatch" not in {finding.kind for finding in run.findings}


def test_accuracies_that_do_not_change_any_more_are_no_stagnation_at_100_per_cent() -> None:
    """Equal scores in a row are what success looks like too."""
    assert not told(loss=LOW, reference_loss=[0.69], **SCORES, baseline_train_accuracy=[1.0])


@pytest.mark.parametrize("share", [0.7, 0.9])
def test_zeros_are_not_dead_units(share: float) -> None:
    """A sparse layer is off for most rows, each unit for others: dead is a unit that no row of an epoch switches on."""
    sparse = {"dead_fraction": {"relu1": share}, "activation_mean": {"relu1": 0.01}}
    assert not told(loss=LOW, reference_loss=[0.69], **sparse, silent_units={"relu1": 0.0})


def test_a_layer_that_is_sparse_on_purpose_is_healthy() -> None:
    """A bias below 0 leaves most sums there: six of ten outputs are 0 at the start, and the run learns."""
    setup, state = begin({"network": {"hidden": [64], "bias": -0.4}, "training": {"epochs": 20}}, (X, Y))
    network, train = state.network, setup.prepared.train
    workspace = mlp.Workspace(network, len(train))
    mlp.value_and_grad(network, setup.head.loss, mlp.as_batch(train.X, train.y), workspace)
    assert (workspace.nodes[2].values == 0).mean() > 0.6
    assert not [alarm for epoch in watch_epochs(setup, state) for alarm in epoch.alarms]
    assert finish(setup, state).healthy


def test_saturation_is_told_by_what_goes_in() -> None:
    """An output of 0.99 may be a good answer; a sum of 30 is a unit that cannot learn. Sums decide."""
    assert "saturated_units" not in told(initial_activation_mean={"sigmoid1": 0.99}, initial_loss=[0.1])
    assert "saturated_units" in told(loss=LOW, initial_saturated_fraction={"sigmoid1": 0.9})


def test_small_gradients_where_the_loss_is_gone_are_success() -> None:
    """‖∇L‖ → 0 is what an optimizer is for: an absolute bound calls every network that converged vanishing."""
    gone = list(10.0 ** -np.arange(2.0, 12.0))
    columns = {"dense1": gone, "dense2": gone, "dense3": gone}
    assert not told(loss=LOW, reference_loss=[0.69], grad_norm=gone, grad_norm_by_layer=columns, **SCORES)
    assert not told(loss=LOW, reference_loss=[0.69], grad_norm=[0.0] * 10,
                    grad_norm_by_layer={"dense1": [1.0] + [0.0] * 9}, **SCORES)  # fmt: skip


def test_one_epoch_of_rising_validation_is_no_overfitting() -> None:
    """A validation loss goes up and down by chance; one that is up while the scores agree says nothing."""
    assert not alarms(loss=LOW, reference_loss=[0.69], train_accuracy=[0.99], validation_accuracy=[0.97],
                      validation_loss=[0.5, 0.2, 0.26])  # fmt: skip


def test_a_validation_loss_that_rises_alone_is_no_overfitting_either() -> None:
    """A network that is ever surer raises the cost of its few mistakes and makes no more of them."""
    assert not alarms(loss=LOW, reference_loss=[0.69], train_accuracy=[1.0], validation_accuracy=[0.96],
                      validation_loss=[0.5, 0.2, 0.3, 0.4, 0.5])  # fmt: skip


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5])
def test_a_rate_above_a_hundredth_is_no_fault(rate: float) -> None:
    """A bound of 0.01 suits Adam with its default and calls every SGD of a textbook wrong."""
    assert not alarms(loss=LOW, reference_loss=[0.69], learning_rate=[rate] * 10,
                      settings={"learning_rate": rate, "usual_rate": 0.1})  # fmt: skip
    healthy({"optimizer": {"name": "sgd", "learning_rate": rate}, "training": {"epochs": 20}})


def test_inputs_beyond_1_are_no_fault() -> None:
    """Standardised numbers lie outside [-1, 1] one time in three."""
    assert not told(input_mean={"a": 0.0, "b": 0.0}, input_std={"a": 1.0, "b": 1.0}, input_tail=[1.0])


def test_a_single_spike_of_the_gradient_is_no_fault() -> None:
    """Of healthy runs 5 % have a batch with a gradient of nine times the median, and 1 % one of nineteen."""
    norms = [1.0, 0.9, 19.0, 0.8, 0.7, 0.8, 0.7, 0.6, 0.6, 0.5]
    assert not told(loss=LOW, reference_loss=[0.69], grad_norm=norms, **SCORES)


def test_what_explains_never_alarms_alone() -> None:
    """Gradient and activation rules without a progress gate are the false alarms of this field."""
    odd = {
        "initial_grad_norm_by_layer": {"dense1": 1e-6, "dense2": 1e-3, "dense3": 1.0},
        "initial_saturated_fraction": {"tanh1": 0.9},
        "weight_gain": {"dense1": 9.0, "dense2": 9.0},
        "input_mean": {"a": 500.0}, "input_std": {"a": 100.0},
        "target_mean": [1e6], "target_std": [1e5], "squashed_twice": [1.0],
    }  # fmt: skip
    columns = {"reference_loss": [0.69], "initial_loss": [3.0]} | odd
    assert not alarms(loss=LOW, **columns)
    assert told(loss=LOW, **columns) <= explaining()
    assert alarms(loss=[0.69] * 10, **columns) > {"no_progress"}


def test_an_early_plateau_that_ends_leaves_no_alarm() -> None:
    """A gate at a fixed epoch calls a slow start a failure for ever; here it holds as long as it lasts."""
    plateau = [0.69] * 30
    falling = list(0.69 * 0.9 ** np.arange(70))
    settings = {"planned_steps": 100.0, "epochs": 10.0}
    assert "no_progress" in alarms(loss=plateau, reference_loss=[0.69], settings=settings)
    assert not alarms(loss=plateau + falling, reference_loss=[0.69], settings=settings)


# instruments that train


SLOW: dict[str, Any] = {"training": {"epochs": 3}}  # looks slow, so that it is probed on the way too
NOISE = {"network": {"dropout": 0.3, "batch_norm": True, "hidden": [8, 8]}}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_bit_of_a_run_depends_on_whether_it_is_watched(name: str) -> None:
    """Tools of this kind change learning rates, draw from the run's generator or touch its momentum. The twin is a bare
    loop: no recorder, no survey, no looks, no baseline. A tenth of the usual rate makes the run slow, so it is probed.
    """
    rule = OPTIMIZERS[name]
    slow = {"learning_rate": 0.003 * (usual_rate(name) or 0.1)} if not rule.full_batch else {}
    # a search needs one and the same function
    noise = NOISE if not rule.single_network else {"network": {"hidden": [8, 8]}}
    loss = {"loss": {"name": "squared_error"}} if rule.least_squares else {}
    setup, state = begin(SLOW | noise | loss | {"optimizer": {"name": name} | slow}, (X, Y))
    list(watch_epochs(setup, state))
    watched = state.network.params.copy()  # before the last measurement
    finish(setup, state)
    bare = initial_state(setup)
    for _ in mlp.train(bare.network, make_batches(setup, bare), setup.head.loss, setup.rule):
        pass
    assert any(column.startswith("baseline") for column in state.history)
    assert rule.full_batch or "loss_along" in state.history
    assert watched.tobytes() == bare.network.params.tobytes()
    assert state.network.statistics.tobytes() == bare.network.statistics.tobytes()
    assert state.network.rng.bit_generator.state == bare.network.rng.bit_generator.state
    assert state.shuffle_rng.bit_generator.state == bare.shuffle_rng.bit_generator.state


@pytest.mark.parametrize("baseline", ["auto", "never"])
@pytest.mark.parametrize("every", [1, 7])
def test_what_is_recorded_and_probed_changes_no_result(baseline: str, every: int) -> None:
    sections = SLOW | NOISE | {"optimizer": {"learning_rate": 1e-5}, "training": {"epochs": 3, "restarts": 2}}
    usual = mlp.run(sections, (X, Y))
    other = mlp.run(sections | {"record": {"baseline": baseline, "every": every}}, (X, Y))
    assert usual.network.params.tobytes() == other.network.params.tobytes()
    assert usual.metrics == other.metrics


def test_the_table_of_rules_has_every_optimizer() -> None:
    assert set(OPTIMIZERS) <= {*RULES, *SEARCHING, *BY_NETWORK}


# thresholds with a unit


def rescaled(columns: dict[str, Any], by: float) -> dict[str, Any]:
    """The same run with the loss in other units: gradients grow alike, and a rate that much smaller makes up for it."""
    losses = {"loss", "reference_loss", "initial_loss", "train_loss", "validation_loss", "grad_norm",
              "grad_norm_by_layer", "descent"}  # fmt: skip
    found = dict(columns)
    for name in losses & set(columns):
        value = columns[name]
        found[name] = (
            {k: list(by * np.array(v)) for k, v in value.items()} if isinstance(value, dict) else by * np.array(value)
        )
    if "learning_rate" in columns:
        found["learning_rate"] = np.array(columns["learning_rate"]) / by
    return found


RUNS: dict[str, dict[str, Any]] = {
    "flat": {"loss": [0.69] * 20, "reference_loss": [0.69]},
    "falling": {"loss": 0.7 * 0.8 ** np.arange(20), "reference_loss": [0.69]},
    "rising": {"loss": 0.7 * 1.5 ** np.arange(20), "reference_loss": [0.69]},
    "contrary": {"loss": 0.5 + 0.01 * np.arange(20), "descent": [-0.01] * 20, "reference_loss": [0.69]},
    "uphill": {"loss": [0.5] * 20, "descent": [0.01] * 20, "reference_loss": [0.69]},
    "no promise": {"loss": [0.6] * 20, "descent": [-1e-7] * 20, "reference_loss": [0.69]},
    "fading": {"loss": [0.69] * 20, "reference_loss": [0.69],
               "grad_norm_by_layer": {"a": [1e-5] * 20, "b": [1e-2] * 20, "c": [1.0] * 20}},
    "frozen": {"loss": 0.7 * 0.8 ** np.arange(20), "reference_loss": [0.69],
               "grad_norm_by_layer": {"a": [1.0] * 20, "b": [1.0] * 20},
               "update_norm_by_layer": {"a": [0.0] * 20, "b": [0.1] * 20}},
    "odd start": {"loss": 7 * 0.8 ** np.arange(20), "initial_loss": [70.0], "reference_loss": [0.69],
                  "weight_gain": {"a": 9.0, "b": 9.0}},
    "clipped": {"loss": [0.69] * 20, "reference_loss": [0.69], "grad_norm": list(np.linspace(1, 2, 20)),
                "learning_rate": [0.1] * 20, "update_norm": [1e-3] * 20},
    "short": {"loss": 0.7 * 0.9 ** np.arange(20), "reference_loss": [0.69], "train_accuracy": [0.6],
              "baseline_train_accuracy": [0.95]},
}  # fmt: skip
SIZES: dict[str, Any] = {"param_norm": [3.0] * 20, "update_norm": [0.01] * 20}


@pytest.mark.parametrize("by", [1e-3, 1e3])
@pytest.mark.parametrize("name", RUNS)
def test_the_unit_of_the_loss_does_not_matter(name: str, by: float) -> None:
    """A gradient norm depends on the loss, its reduction, the batch and the width: no bound on it can be right."""
    columns = SIZES | RUNS[name]
    usual, other = (mlp.diagnose(typed(**given)) for given in (columns, rescaled(columns, by)))
    assert [(f.kind, f.severity, f.step, f.layers, [c.name for c in f.causes]) for f in usual] == [
        (f.kind, f.severity, f.step, f.layers, [c.name for c in f.causes]) for f in other
    ]

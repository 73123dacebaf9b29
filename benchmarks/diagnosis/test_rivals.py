"""The rivals judge what they should, and watching for them changes nothing. `pytest benchmarks/diagnosis` runs it."""

from __future__ import annotations

from typing import Any

import autotrainer
import deepdiagnosis
import gate
import numpy as np
import pytest
from case import Case, base, built, having
from data_sets import PROBLEMS
from faults import FAULTS
from observer import Observer, Seen
from run import judged, load, save

import mlp
from mlp.experiment import finish, watch_epochs


def watched(case: Case) -> tuple[mlp.Run, Observer]:
    """The run of a case, and who watched it."""
    setup, state = built(case)
    observer = Observer(setup, state)
    for _ in watch_epochs(setup, state):
        observer.look()
    return finish(setup, state), observer


def unwatched(case: Case) -> mlp.Run:
    """The run of a case that nobody looked at."""
    setup, state = built(case)
    for _ in watch_epochs(setup, state):
        pass
    return finish(setup, state)


@pytest.mark.parametrize(
    ("problem", "change"),
    [
        ("rings", having(network={"dropout": 0.3, "batch_norm": True})),
        ("rings", having(training={"restarts": 3})),
        ("interaction", having(optimizer={"schedule": {"name": "plateau"}})),
        ("gaussians", having(training={"early_stopping": True, "dtype": "float64"})),
    ],
)
def test_a_watched_run_ends_with_the_same_parameters_to_the_last_bit(problem: str, change: Any) -> None:
    case = having(training={"epochs": 4})(change(base(PROBLEMS[problem], 0, 0)))
    ours, theirs = watched(case)[0], unwatched(case)
    assert ours.network.params.tobytes() == theirs.network.params.tobytes()
    assert ours.network.statistics.tobytes() == theirs.network.statistics.tobytes()
    assert ours.history["loss"].tobytes() == theirs.history["loss"].tobytes()


def test_saved_runs_are_judged_as_they_were_at_first(tmp_path: Any) -> None:
    for folder in ("histories", "observed"):
        (tmp_path / folder).mkdir()
    run, observer = watched(having(training={"epochs": 5}, optimizer={"learning_rate": 30.0})(case_of("rings")))
    seen = Seen(run.history, observer.of(run))
    save(tmp_path, "it", seen)
    assert judged(load(tmp_path, "it")) == judged(seen)
    assert judged(seen)["AutoTrainer"] or judged(seen)["DeepDiagnosis"]


def case_of(problem: str) -> Case:
    """A plain experiment."""
    return base(PROBLEMS[problem], 0, 0)


def test_the_score_of_an_epoch_is_the_mean_over_its_batches_as_the_weights_move() -> None:
    """With a rate of 0 nothing moves, and the mean over all batches is the score on all training rows."""
    still = having(training={"epochs": 1}, optimizer={"name": "sgd", "learning_rate": 1e-30})
    for problem, name in (("gaussians", "accuracy"), ("interaction", "r2")):
        run, observer = watched(still(case_of(problem)))
        # float32 answers; the numbers of a loss are summed in another order
        np.testing.assert_allclose(observer.of(run)["train_score"][0], run.metrics[f"train_{name}"], rtol=1e-4)


def typed(losses: Any, scores: Any, planned: int = 60, **observed: Any) -> Seen:
    """A run typed by hand, one step for each epoch: healthy but for what is given."""
    n = len(losses)
    facts = {
        "epochs": [planned], "floor": [1.0], "classes": [2], "cross_entropy": [1], "inputs": [[-1, 1]],
        "targets": [[0, 1]], "range": [[0, 1]], "linear_output": [0], "softmax_output": [0], "softmax_missing": [0],
    }  # fmt: skip
    moving = np.linspace(0.1, 0.2, n)
    epochs = {
        "train_score": scores, "gradient_norm": np.full((n, 2), 0.1), "gradient_zeros": np.zeros(n),
        "gradient_size": np.full((n, 2), 0.1), "gradient_mean": np.stack([moving, moving], 1),
        "weight_norm": np.ones((n, 2)), "weight_variance": np.ones((n, 2)),
        "weight_mean": np.stack([moving, moving], 1), "output_mean": np.stack([moving, moving], 1),
        "output_size": np.ones((n, 2)), "broken": np.zeros(n),
        "answer_sum": np.ones(n), "answer_span": np.ones(n), "learning_rate": np.full(n, 0.01),
    }  # fmt: skip
    return Seen(mlp.History({"train_loss": losses}), mlp.History({**facts, **epochs, **observed}))


FALLING, RISING = np.geomspace(1, 0.01, 60), np.linspace(0.1, 0.99, 60) ** 0.2
FLAT, POOR = np.linspace(1, 0.99, 60), np.linspace(0.5, 0.51, 60)


def told(found: Any) -> list[tuple[str, int]]:
    """Kinds and epochs."""
    return [(finding.kind, finding.step + 1) for finding in found]


def test_all_rivals_are_silent_on_a_run_that_learns() -> None:
    seen = typed(FALLING, RISING)
    assert not [finding for judge in (autotrainer.judge, deepdiagnosis.judge, gate.at(0.1)) for finding in judge(seen)]


def test_autotrainer_says_nothing_before_its_judgment_point() -> None:
    """0.3 · 60 - 3 = 15, which three divides."""
    assert told(autotrainer.judge(typed(FLAT, POOR))) == [("not_converge", 15)]


def test_a_poor_score_that_rises_is_enough_for_one_reading_of_autotrainer_and_not_for_the_other() -> None:
    seen = typed(FLAT, np.concatenate([[0.3], np.linspace(0.5, 0.69, 59)]))
    assert told(autotrainer.judge(seen)) == []
    assert told(autotrainer.judge(seen, autotrainer.POOR)) == [("not_converge", 30)]


def test_autotrainer_forgives_vanishing_gradients_where_scores_are_good() -> None:
    vanishing = np.tile([1e-6, 1.0], (60, 1))
    assert told(autotrainer.judge(typed(FLAT, POOR, gradient_norm=vanishing))) == [("vanish", 15)]
    assert told(autotrainer.judge(typed(FALLING, RISING, gradient_norm=vanishing))) == []


def test_autotrainer_sees_swings_only_when_it_looks_at_outputs_half_way() -> None:
    swinging = np.where(np.arange(60) % 2, 0.9, 0.75)
    assert told(autotrainer.judge(typed(FALLING, swinging))) == [("unstable", 30)]


def test_autotrainer_calls_any_loss_but_cross_entropy_improper() -> None:
    assert told(autotrainer.judge(typed(FALLING, RISING, cross_entropy=[0]))) == [("loss_issue", 30)]


def test_a_diverged_run_is_an_explosion_and_an_invalid_loss() -> None:
    seen = typed([1.0, np.nan], [0.5, 0.5], broken=[0, 1])
    assert told(autotrainer.judge(seen)) == [("explode", 2)]
    assert told(deepdiagnosis.judge(seen)) == [("invalid_loss", 2)]
    assert told(gate.at(0.1)(seen)) == [("no_progress", 2)]


def test_deepdiagnosis_takes_a_sparse_layer_for_a_dead_one_after_the_last_epoch() -> None:
    assert told(deepdiagnosis.judge(typed(FALLING, RISING, off=np.full((60, 1), 0.7)))) == [("dead_node", 60)]


def test_deepdiagnosis_wants_losses_and_accuracies_to_change() -> None:
    assert told(deepdiagnosis.judge(typed(np.full(60, 0.1), RISING))) == [("loss_not_decreasing", 5)]
    assert told(deepdiagnosis.judge(typed(FALLING, np.ones(60)))) == [("accuracy_not_increasing", 20)]


def test_deepdiagnosis_advises_by_the_first_test_that_has_an_answer() -> None:
    still = np.full(60, 0.1)
    equal, large = np.full((60, 2), 1e-6), [[0, 255]]
    advice = {
        "initialization_too_small": typed(still, RISING, weight_variance=equal, inputs=large),
        "unscaled_inputs": typed(still, RISING, inputs=large),
        "learning_rate_too_high": typed(still, RISING, learning_rate=np.full(60, 2.0)),
        "learning_rate_too_low": typed(still, RISING),
    }
    assert {cause: deepdiagnosis.judge(seen)[0].causes[0].name for cause, seen in advice.items()} == {
        cause: cause for cause in advice
    }


def test_the_gate_compares_the_best_loss_with_the_floor_at_its_epoch() -> None:
    assert told(gate.at(0.1)(typed(FLAT, POOR))) == [("no_progress", 6)]
    assert told(gate.at(0.1)(typed([1, 1, 0.94, 1, 1, 1], POOR[:6]))) == []
    assert told(gate.at(0.1)(typed([1, 1, 1], POOR[:3]))) == []  # the run has not come that far


def test_every_verdict_names_causes_of_the_contract() -> None:
    named = {cause for repairs in autotrainer.REPAIRS.values() for _, cause in repairs}
    named |= {cause for causes in deepdiagnosis.FIXES.values() for cause in causes}
    accepted = {cause for fault in FAULTS.values() for cause in fault.causes}
    assert named <= accepted
    assert set(autotrainer.REPAIRS) == set(autotrainer.PRIORITY)
    assert {advice for _, advice in deepdiagnosis.TREE.values()} <= set(deepdiagnosis.FIXES)

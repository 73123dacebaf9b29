"""How good answers are, in numbers worked out by hand."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from cases import prepared

from mlp import Dense, Network
from mlp.config import parse
from mlp.model import Model, OutputHead, build_output_head
from mlp.model.metrics import score_outputs
from mlp.preprocessing import Part


def ending(task: str, n_targets: int, **sections: Any) -> OutputHead:
    return build_output_head(parse(sections), task, n_targets)


def passing(n: int, l2: float = 0.0) -> Network:
    """A network whose outputs are its inputs."""
    network = Network([Dense(n, n, l2=l2)], 0)
    network.views[0][...] = np.eye(n, n + 1)
    return network


def of(task: str, outputs: Any, y: Any, **sections: Any) -> dict[str, float]:
    """The metrics of given raw outputs."""
    raw, y = np.array(outputs, float), np.asarray(y)
    n_targets = max(2, raw.shape[1]) if task == "classification" else raw.shape[1]
    return score_outputs(ending(task, n_targets, **sections), raw, Part(raw, y))


def test_accuracy_is_the_share_of_rows_whose_largest_output_is_the_class() -> None:
    found = of("classification", [[2, 1, 0], [0, 3, 1], [0, 1, 2], [5, 1, 1]], [0, 1, 1, 0])
    assert found["accuracy"] == 0.75


def test_binary_accuracy_parts_at_probability_one_half() -> None:
    # one raw output z, yes where σ(z) > ½, that is z > 0
    assert of("classification", [[0.1], [-0.1], [3.0], [-3.0]], [1, 0, 0, 0])["accuracy"] == 0.75


def test_binary_accuracy_of_squared_error_parts_at_one_half() -> None:
    found = of("classification", [[0.4], [0.6], [0.6], [0.1]], [0, 1, 0, 0], network={"output": "identity"})
    assert found["accuracy"] == 0.75
    assert found["loss"] == pytest.approx(0.5 * (0.16 + 0.16 + 0.36 + 0.01) / 4)


def test_multilabel_accuracy_counts_rows_in_which_every_label_is_right() -> None:
    outputs = [[1, -1], [1, 1], [-1, -1], [-1, 1]]
    labels = [[1, 0], [1, 0], [0, 0], [1, 0]]
    assert of("multilabel", outputs, np.array(labels, float))["accuracy"] == 0.5


def test_cross_entropy_is_the_mean_negative_logarithm_of_the_right_probability() -> None:
    # softmax of (ln 3, 0) is (¾, ¼); of (0, 0, 0) it is ⅓ each
    found = of("classification", [[log(3), 0, -1e9], [0, 0, 0]], [0, 2])
    assert found["loss"] == pytest.approx((-log(0.75) - log(1 / 3)) / 2)


def test_r2_and_rmse_by_hand() -> None:
    # y = 1, 2, 3: mean 2, spread 2; answers 1, 2, 5: one error of 2
    found = of("regression", [[1.0], [2.0], [5.0]], [1.0, 2.0, 3.0])
    assert found["r2"] == pytest.approx(1 - 4 / 2)
    assert found["rmse"] == pytest.approx(sqrt(4 / 3))
    assert found["loss"] == pytest.approx(0.5 * 4 / 3)


def test_r2_is_the_mean_over_outputs_and_rmse_is_over_all_numbers() -> None:
    answers = [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]
    truth = np.array(
        [[1.0, -1.0], [2.0, 0.0], [3.0, 1.0]]
    )  # first output perfect: 1; second no better than its mean: 0
    found = of("regression", answers, truth)
    assert found["r2"] == pytest.approx(0.5)
    assert found["rmse"] == pytest.approx(sqrt(2 / 6))


def test_r2_of_a_constant_target_is_1_if_met_and_0_if_not() -> None:
    # as in scikit-learn's r2_score with force_finite
    assert of("regression", [[2.0], [2.0]], [2.0, 2.0])["r2"] == 1.0
    assert of("regression", [[2.0], [2.1]], [2.0, 2.0])["r2"] == 0.0


def test_the_loss_metric_leaves_weight_penalties_out() -> None:
    part = Part(np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))
    model = Model(passing(1, l2=10.0), ending("regression", 1), prepared(part, None, "regression", 1).preprocessing)
    found = model.evaluate(part)
    assert found["loss"] == 0.0


def test_every_metric_keeps_the_population() -> None:
    population = Network([Dense(2, 3)], 0, population=(4,))
    rng = np.random.default_rng(0)
    part = Part(rng.normal(size=(10, 2)), rng.integers(0, 3, 10))
    head, preprocessing = ending("classification", 3), prepared(part).preprocessing
    together = Model(population, head, preprocessing).evaluate_by_member(part)
    for member in range(4):
        single = Network([Dense(2, 3)], 0)
        np.copyto(single.params, population.params[member])
        alone = Model(single, head, preprocessing).evaluate(part)
        assert together["accuracy"][member] == alone["accuracy"]
        assert together["loss"][member] == pytest.approx(alone["loss"], rel=1e-12)  # sums in another order


def test_probabilities_of_a_binary_network_are_1_minus_p_and_p() -> None:
    raw = np.array([[log(3)], [0.0]])  # σ(ln 3) = ¾
    p = ending("classification", 2).probabilities(raw)
    assert p == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))


@pytest.mark.parametrize(
    "sections",
    [{}, {"network": {"output": "sigmoid"}}, {"loss": {"name": "focal"}}],
    ids=["softmax", "one sigmoid for each class", "focal"],
)
def test_probabilities_of_classes_sum_to_1(sections: dict[str, Any]) -> None:
    raw = np.random.default_rng(0).normal(size=(20, 3)) * 5
    p = ending("classification", 3, **sections).probabilities(raw)
    assert p is not None
    assert p.sum(1) == pytest.approx(np.ones(20))
    assert (p.argmax(1) == raw.argmax(1)).all()


def test_scores_of_a_hinge_are_no_probabilities() -> None:
    raw = np.zeros((2, 3))
    assert ending("classification", 3, loss={"name": "hinge"}).probabilities(raw) is None


def test_rows_are_evaluated_in_blocks_as_if_at_once() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10_000, 2))  # more than two blocks of 4096
    network = Network([Dense(2, 2)], 0)
    weights = network.views[0]
    expected = np.c_[X, np.ones(len(X))] @ weights.T
    part = Part(X, X[:, 0])
    model = Model(network, ending("regression", 2), prepared(part, None, "regression", 2).preprocessing)
    assert model.raw(part) == pytest.approx(expected, rel=1e-12)

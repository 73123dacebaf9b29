"""Rules against what other people's code computes: the same way through the same ill-conditioned problem.

How the reference was made stands in reference/make_optimizers.py, what it is in reference/problem.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.problem import SEEN, SIZE, STEPS, Problem

import mlp
from mlp import optimizers

REFERENCE = dict(np.load(Path(__file__).parent / "reference" / "optimizers.npz"))
START = REFERENCE["start"]
BLOCKS = (slice(0, 9), slice(9, 12))
MATRICES = ((slice(0, 9), (3, 3)),)

WAYS: dict[str, mlp.Optimizer] = {
    "sgd": mlp.SGD(0.02),
    "momentum": mlp.Momentum(0.01),
    "nesterov": mlp.Nesterov(0.01),
    "averaged_sgd": mlp.AveragedSGD(0.02, start=11),
    "qhm": mlp.QHM(0.03, 0.95),
    "aggmo": mlp.AggMo(0.01),
    "sign_sgd": mlp.SignSGD(0.03),
    "signum": mlp.Signum(0.03),
    "lion": mlp.Lion(0.03, weight_decay=0.1),
    "adagrad": mlp.Adagrad(0.1),
    "adadelta": mlp.Adadelta(0.5, 0.95, 1e-4),
    "rmsprop": mlp.RMSprop(0.01),
    "rmsprop_momentum": mlp.RMSprop(0.01, 0.9, momentum=0.8),
    "centered_rmsprop": mlp.CenteredRMSprop(0.003),
    "adam": mlp.Adam(0.03),
    "adamw": mlp.AdamW(0.03, weight_decay=0.1),
    "amsgrad": mlp.AMSGrad(0.03, 0.8, 0.9),
    "adamax": mlp.Adamax(0.03),
    "nadam": mlp.NAdam(0.03),
    "radam": mlp.RAdam(0.03, 0.9, 0.99),
    "adabelief": mlp.AdaBelief(0.03),
    "yogi": mlp.Yogi(0.03),
    "adan": mlp.Adan(0.03, weight_decay=0.1),
    "ademamix": mlp.AdEMAMix(0.01, weight_decay=0.1),
    "ademamix_warm_up": mlp.AdEMAMix(0.01, 0.9, 0.99, 0.999, warm_up=50),
    "adopt": mlp.ADOPT(0.03),
    "qhadam": mlp.QHAdam(0.01, 0.9, 0.99, 0.7, 0.9),
    "lars": mlp.LARS(0.1, 0.8, 0.5, 0.1, BLOCKS),
    "lamb": mlp.LAMB(0.03, weight_decay=0.1, slices=BLOCKS),
    "muon": mlp.Muon(0.05, weight_decay=0.1, matrices=MATRICES),
    "shampoo": mlp.Shampoo(0.3, 0.1, 1, matrices=MATRICES),
    "soap": mlp.SOAP(0.01, epsilon=1e-3, matrices=MATRICES),
    "adahessian": mlp.AdaHessian(0.1),
    "sophia": mlp.SophiaH(0.05, gamma=0.05, weight_decay=0.1),
    "polyak": mlp.PolyakStep(0.05),
    "dog": mlp.DoG(distance=1e-3),
    "dadapt_adam": mlp.DAdaptAdam(distance=1e-3),
    "prodigy": mlp.Prodigy(distance=1e-3, weight_decay=0.01),
    "schedule_free_sgd": mlp.ScheduleFreeSGD(0.05, weight_decay=0.01),
    "schedule_free_adamw": mlp.ScheduleFreeAdamW(0.05, weight_decay=0.01),
    "clip_norm": mlp.ClipNorm(mlp.SGD(0.02), 2.0),
    "lookahead": mlp.Lookahead(mlp.Momentum(0.01), 5, 0.4),
    "sam": mlp.SAM(mlp.Momentum(0.01), 0.1),
    "moving_average": mlp.MovingAverage(mlp.SGD(0.02), 0.9),
}


def way(rule: mlp.Optimizer, *, hvp: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """The parameters, and the averages if there are any, after the updates that the file holds."""
    problem = Problem(REFERENCE["matrix"], REFERENCE["minimum"])
    objective: Any = problem if hvp else WithoutCurvature(problem)
    params, grad, out = START.copy(), np.empty(SIZE), np.empty(SIZE)
    state, points, averages = rule.init(params), [], []
    problem.at = params
    for t in range(1, STEPS + 1):
        loss = problem.value_and_grad(params, grad)
        rule.update(mlp.Evaluation(params, loss, grad, objective), state, out)
        params += out
        if t in SEEN:
            points.append(params.copy())
            averages.append(np.copy(getattr(state, "average", np.nan)))
    return np.array(points), np.array(averages)


class WithoutCurvature:
    """A problem that has no hvp."""

    def __init__(self, problem: Problem) -> None:
        self.value, self.value_and_grad = problem.value, problem.value_and_grad


@pytest.mark.parametrize("name", WAYS)
def test_a_rule_goes_the_way_of_its_reference(name: str) -> None:
    points, averages = way(WAYS[name])
    np.testing.assert_allclose(points, REFERENCE[name], rtol=1e-10, atol=1e-11)
    if f"{name}/average" in REFERENCE:
        np.testing.assert_allclose(averages, REFERENCE[f"{name}/average"], rtol=1e-10, atol=1e-11)


def test_every_rule_has_a_reference() -> None:
    assert {type(rule) for rule in WAYS.values()} >= set(optimizers.OPTIMIZERS.values())
    assert set(WAYS) == {key.split("/")[0] for key in REFERENCE} - {"matrix", "minimum", "start", "versions"}
